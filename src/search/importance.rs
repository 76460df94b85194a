//! Which parameters matter: [`importances`].

use super::distribution::Distribution;
use super::ln::ln;
use super::normal::log_mass;
use super::trial::{Direction, FrozenTrial, State};
use crate::error::{Error, Result};
use libm::{ceil, exp, floor, pow, sqrt};
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Trials without which importances say nothing: the best tenth of them has 5.
pub const LEAST_TRIALS: usize = 50;

/// Cells of a grid, but for choices.
const MOST_CELLS: u64 = 50;

/// How much a parameter matters.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Importance {
    /// The parameter.
    pub name: String,
    /// As [`PedAnova`] measures it.
    pub raw: f64,
    /// Its share in the sum over all parameters; equal shares if the sum is 0.
    pub normalized: f64,
}

/// The importance of each parameter by [`PedAnova`] with its default settings, the largest first.
///
/// # Errors
/// [`Error::Usage`] with fewer than [`LEAST_TRIALS`] complete trials that have a finite value.
pub fn importances(trials: &[Arc<FrozenTrial>], direction: Direction) -> Result<Vec<Importance>> {
    match finite(trials, direction).len() {
        found if found < LEAST_TRIALS => Err(Error::Usage(format!(
            "importances: expected at least {LEAST_TRIALS} complete trials with a finite value, found {found}"
        ))),
        _ => PedAnova::default().measure(trials, direction),
    }
}

/// PED-ANOVA: by how much a parameter's distribution among the best trials differs from that among all.
///
/// With g and f the probabilities of a grid's cells among the trials of a target set and of a region around it, (|target|/|region|)²
/// Σ f (g/f − 1)²: Pearson's divergence, scaled to the part that the parameter alone has in the variance of being on target.
/// Watanabe, Bansal and Hutter, *PED-ANOVA: efficiently quantifying hyperparameter importance in arbitrary subspaces*, IJCAI 2023.
/// A parameter that came with several distributions, or only in some trials, is measured for each distribution, and the divergences
/// are summed with weights t²/u, where t and u are the shares of target and region that have the distribution: *Conditional
/// PED-ANOVA*, KDD 2026. The rules for grids and bandwidths are those of Optuna 5.0.
#[derive(Clone, Copy, Debug)]
pub struct PedAnova {
    /// The share of trials in the target set, the best of all; equal values at its limit are in.
    pub target_quantile: f64,
    /// The share of trials in the region, in the same way.
    pub region_quantile: f64,
    /// Whether f is the distribution of the region's trials; else it is uniform.
    pub local: bool,
}

impl Default for PedAnova {
    /// The best tenth among all.
    fn default() -> Self {
        PedAnova { target_quantile: 0.1, region_quantile: 1.0, local: true }
    }
}

impl PedAnova {
    /// The importance of each parameter of a complete trial, the largest first. All are 0 with fewer than two complete trials that
    /// have a finite value.
    ///
    /// # Errors
    /// [`Error::Usage`] unless 0 < target quantile < region quantile ≤ 1.
    pub fn measure(&self, trials: &[Arc<FrozenTrial>], direction: Direction) -> Result<Vec<Importance>> {
        let (target, region) = (self.target_quantile, self.region_quantile);
        if !(0.0 < target && target < region && region <= 1.0) {
            return Err(Error::Usage(format!(
                "importances: expected quantiles 0 < target < region ≤ 1, found target {target} and region {region}"
            )));
        }
        let mut trials_by_loss = finite(trials, direction);
        trials_by_loss.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (target, region) = (best(&trials_by_loss, target), best(&trials_by_loss, region));
        let complete = trials.iter().filter(|t| t.state == State::Complete);
        let names: BTreeSet<&String> = complete.flat_map(|t| t.params.keys()).collect();
        let measure = |name: &&String| if trials_by_loss.len() < 2 { 0.0 } else { self.raw(name, target, region) };
        let raw: Vec<f64> = names.iter().map(measure).collect();
        let (count, sum) = (raw.len() as f64, raw.iter().sum::<f64>());
        let importance = |(name, raw): (&String, f64)| Importance {
            name: name.clone(),
            raw,
            normalized: if sum == 0.0 { 1.0 / count } else { raw / sum },
        };
        let mut all: Vec<Importance> = names.into_iter().zip(raw).map(importance).collect();
        all.sort_by(|a, b| b.raw.total_cmp(&a.raw));
        Ok(all)
    }

    /// The importance of one parameter.
    fn raw(&self, name: &str, target: &[Scored], region: &[Scored]) -> f64 {
        // Each distribution, and the values it gave within target and region. The target's trials are the first of the region.
        let mut classes: Vec<(&Distribution, [Vec<f64>; 2])> = Vec::new();
        for (place, (_, trial)) in region.iter().enumerate() {
            let Some(param) = trial.params.get(name) else { continue };
            let known = classes.iter().position(|(d, _)| is_same(d, &param.distribution));
            let class = known.unwrap_or_else(|| {
                classes.push((&param.distribution, Default::default()));
                classes.len() - 1
            });
            let [within_target, within_region] = &mut classes[class].1;
            within_region.push(param.internal);
            if place < target.len() {
                within_target.push(param.internal);
            }
        }
        let (targets, regions) = (target.len() as f64, region.len() as f64);
        let mut sum = 0.0;
        for (distribution, [t, r]) in &classes {
            if r.len() > 1 && !t.is_empty() && !distribution.is_single() {
                let (t_share, r_share) = (t.len() as f64 / targets, r.len() as f64 / regions);
                sum += t_share * t_share / r_share * self.divergence(distribution, t, r);
            }
        }
        let quantile = targets / regions;
        sum * quantile * quantile
    }

    /// Σ f (g/f − 1)².
    fn divergence(&self, distribution: &Distribution, target: &[f64], region: &[f64]) -> f64 {
        let g = on_grid(distribution, target);
        let f = if self.local { on_grid(distribution, region) } else { vec![1.0 / g.len() as f64; g.len()] };
        f.iter().zip(g).map(|(f, g)| f * (g / f - 1.0) * (g / f - 1.0)).sum()
    }
}

/// A trial and its loss.
type Scored<'a> = (f64, &'a FrozenTrial);

/// The complete trials with a finite value.
fn finite(trials: &[Arc<FrozenTrial>], direction: Direction) -> Vec<Scored<'_>> {
    let complete = trials.iter().filter(|t| t.state == State::Complete);
    let scored = complete.filter_map(|t| Some((direction.loss(t.value()?), &**t)));
    scored.filter(|(loss, _)| loss.is_finite()).collect()
}

/// The first share of sorted trials, and those that equal the last of them.
fn best<'a, 't>(trials: &'a [Scored<'t>], quantile: f64) -> &'a [Scored<'t>] {
    let Some((limit, _)) = trials.get((ceil(quantile * trials.len() as f64) as usize).saturating_sub(1)) else {
        return trials;
    };
    &trials[..trials.partition_point(|(loss, _)| loss <= limit)]
}

/// Whether two distributions are one in Python, where choices 1, 1.0 and true are equal.
fn is_same(a: &Distribution, b: &Distribution) -> bool {
    a == b || (matches!(a, Distribution::Categorical { .. }) && a.is_compatible(b))
}

/// The probability of each cell, and a little more, so that none is 0.
fn on_grid(distribution: &Distribution, values: &[f64]) -> Vec<f64> {
    let numeric = |low: f64, high: f64, is_log: bool, cells: usize| {
        let scale = |x: f64| if is_log { ln(x) } else { x };
        let width = (scale(high) - scale(low)) / (cells - 1) as f64;
        let cell = |x: &f64| (ceil((scale(*x) - scale(low)) / width - 0.5) as usize).min(cells - 1);
        normal_kernels(&count(cells, values.iter().map(cell)))
    };
    let cells = distribution.size().map_or(MOST_CELLS, |n| n.min(MOST_CELLS)) as usize;
    let mut p = match *distribution {
        Distribution::Float { low, high, log, .. } => numeric(low, high, log, cells),
        Distribution::Int { low, high, log: true, .. } => {
            let doublings = ceil(ln((high - low + 1) as f64) / ln(2.0)) as usize;
            numeric(low as f64, high as f64, true, (doublings + 1).min(MOST_CELLS as usize))
        }
        Distribution::Int { low, high, .. } => numeric(low as f64, high as f64, false, cells),
        Distribution::Categorical { ref choices } => {
            choice_kernels(&count(choices.len(), values.iter().map(|x| *x as usize)))
        }
    };
    p.iter_mut().for_each(|p| *p += 1e-12);
    p
}

fn count(cells: usize, of: impl Iterator<Item = usize>) -> Vec<f64> {
    let mut counts = vec![0.0; cells];
    of.for_each(|cell| counts[cell] += 1.0);
    counts
}

/// The mixture of the kernels of [`Categorical`](super::parzen::Categorical), one for each choice that occurred, weighted by how
/// often it did, and the prior with weight 1.
fn choice_kernels(counts: &[f64]) -> Vec<f64> {
    let (choices, sum) = (counts.len() as f64, counts.iter().sum::<f64>());
    let kernels = counts.iter().filter(|n| **n > 0.0).count() as f64 + 1.0;
    let observed = |n: &f64| (sum / kernels + n) / (1.0 + choices / kernels);
    counts.iter().map(|n| (observed(n) + 1.0 / choices) / (sum + 1.0)).collect()
}

/// The mixture of truncated normal distributions on whole numbers from 0, one for each that occurred, weighted by how often it did,
/// and a wide one in the middle with weight 1.
fn normal_kernels(counts: &[f64]) -> Vec<f64> {
    let cells = counts.len() as f64;
    let occupied: Vec<(f64, f64)> =
        (0..).map(f64::from).zip(counts.iter().copied()).filter(|(_, n)| *n > 0.0).collect();
    let sigma = bandwidth(&occupied);
    let prior = (0.5 * (cells - 1.0), cells, 1.0);
    let mut p = vec![0.0; counts.len()];
    for (mu, sigma, n) in occupied.into_iter().map(|(cell, n)| (cell, sigma, n)).chain([prior]) {
        let log_mass = |a: f64, b: f64| log_mass((a - mu) / sigma, (b - mu) / sigma);
        let log_z = log_mass(-0.5, cells - 0.5);
        for (cell, p) in p.iter_mut().enumerate() {
            let cell = cell as f64;
            *p += n * exp(log_mass(cell - 0.5, cell + 0.5) - log_z);
        }
    }
    let sum = counts.iter().sum::<f64>() + 1.0;
    p.iter_mut().for_each(|p| *p /= sum);
    p
}

/// Scott's rule for cells and how often they occurred, 1.059 min(IQR/1.34, s) W^(−1/5) (Scott, *Multivariate Density Estimation*,
/// 1992); at least so wide that no more than nine tenths of a kernel are within its cell.
fn bandwidth(cells: &[(f64, f64)]) -> f64 {
    let sum: f64 = cells.iter().map(|(_, n)| n).sum();
    let mean = cells.iter().map(|(x, n)| x * n).sum::<f64>() / sum;
    let squares: f64 = cells.iter().map(|(x, n)| n * (x - mean) * (x - mean)).sum();
    let sd = sqrt(squares / f64::max(1.0, sum - 1.0));
    // The cell at which as many have come.
    let quartile = |has_come: &dyn Fn(f64) -> bool| {
        let mut come = 0.0;
        let reached = |(_, n): &&(f64, f64)| {
            come += n;
            has_come(come)
        };
        cells.iter().find(reached).or(cells.last()).map_or(0.0, |(x, _)| *x)
    };
    let (first, third) = (floor(0.25 * sum), floor(0.75 * sum));
    let iqr = quartile(&|come| come > third) - quartile(&|come| come >= first);
    f64::max(1.059 * f64::min(iqr / 1.34, sd) * pow(sum, -0.2), 0.5 / 1.64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::trial::Param;

    /// Trials 0, 1, … of a loss x², where x and y go through their values at their own pace.
    fn trials(n: usize) -> Vec<Arc<FrozenTrial>> {
        let param = |internal| Param { internal, distribution: Arc::new(Distribution::int(0, 9)) };
        let trial = |i: usize| {
            let (x, y) = ((i % 10) as f64, (i / 10 % 10) as f64);
            let mut trial = FrozenTrial::new(State::Complete);
            trial.values = Some(vec![x * x]);
            trial.params.extend([("x".into(), param(x)), ("y".into(), param(y))]);
            Arc::new(trial)
        };
        (0..n).map(trial).collect()
    }

    #[test]
    fn what_the_loss_depends_on_is_important_and_what_not_is_not() {
        let found = importances(&trials(100), Direction::Minimize).unwrap();
        assert_eq!(found.iter().map(|i| i.name.as_str()).collect::<Vec<_>>(), ["x", "y"]);
        assert!(found[0].normalized > 0.99, "{found:?}");
        assert!((found.iter().map(|i| i.normalized).sum::<f64>() - 1.0).abs() < 1e-15);
    }

    #[test]
    fn importances_of_few_trials_are_refused() {
        let mut few = trials(60);
        few.iter_mut().take(11).for_each(|t| Arc::make_mut(t).values = Some(vec![f64::INFINITY]));
        assert_eq!(
            importances(&few, Direction::Minimize).unwrap_err().to_string(),
            "importances: expected at least 50 complete trials with a finite value, found 49"
        );
        assert!(importances(&few[10..], Direction::Minimize).is_err());
        assert!(PedAnova::default().measure(&few, Direction::Minimize).is_ok());
    }

    #[test]
    fn without_trials_to_compare_parameters_are_equally_important() {
        let found = PedAnova::default().measure(&trials(1), Direction::Minimize).unwrap();
        assert_eq!(found.iter().map(|i| (i.raw, i.normalized)).collect::<Vec<_>>(), [(0.0, 0.5); 2]);
        assert_eq!(PedAnova::default().measure(&[], Direction::Minimize).unwrap(), []);
    }

    #[test]
    fn a_target_must_be_within_its_region() {
        let refused = PedAnova { target_quantile: 0.5, region_quantile: 0.5, local: true };
        let why = refused.measure(&trials(50), Direction::Minimize).unwrap_err().to_string();
        assert_eq!(why, "importances: expected quantiles 0 < target < region ≤ 1, found target 0.5 and region 0.5");
    }
}
