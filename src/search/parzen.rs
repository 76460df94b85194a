//! Parzen's mixture: a density built from observations, one kernel an observation and one for the prior.
//!
//! Over several parameters it is a sum of products, p(x) = Σₖ wₖ ∏_d f_kd(x_d): one kernel a trial, so that parameters which
//! went together stay together. A numeric kernel is a normal distribution truncated to the parameter's interval [L, H]; a
//! categorical one gives the observed choice more than the others. Bergstra, Bardenet, Bengio and Kégl, *Algorithms for
//! hyper-parameter optimization*, NeurIPS 2011, in the form that Watanabe, *Tree-structured Parzen estimator: understanding its
//! algorithm components*, 2023, describes and Optuna 5.0 computes. Equal centres keep the order of their trials.

use super::distribution::Distribution;
use super::normal::{LN_SQRT_TAU, LogMassIn, truncated_quantile};
use crate::kernels::elementwise::map;
use crate::kernels::math::double;
use crate::rng::Stream;
use libm::{exp, log, rint};

/// A mixture over the parameters that are suggested together.
#[derive(Clone, Debug)]
pub struct Mixture {
    /// wₖ, the prior's last; they sum to 1.
    pub weights: Vec<f64>,
    /// The kernels of each parameter.
    pub axes: Vec<Axis>,
}

/// One parameter of all kernels.
#[derive(Clone, Debug)]
pub enum Axis {
    /// Truncated normal distributions.
    Numeric(Numeric),
    /// Choices.
    Categorical(Categorical),
}

/// Truncated normal distributions of a numeric parameter; of its logarithm, if it is on a log scale.
#[derive(Clone, Debug)]
pub struct Numeric {
    /// Different kernels. Trials with the same value and the same gap share one.
    pub kernels: Kernels,
    /// The kernel of each observation, and the prior's last.
    pub of: Vec<u32>,
    /// L.
    pub low: f64,
    /// H.
    pub high: f64,
    /// Width of a value's cell in the parameter's own scale; 0 for a continuum.
    pub cell: f64,
    log: bool,
    distribution: Distribution,
}

/// Normal distributions on [L, H], by columns.
#[derive(Clone, Debug, Default)]
pub struct Kernels {
    /// Centres.
    pub mu: Vec<f64>,
    /// Bandwidths.
    pub sigma: Vec<f64>,
    /// ln of the mass of each within [L, H].
    log_z: Vec<f64>,
    /// ln of the height of each: −ln(√(2π) σ) less the above.
    log_height: Vec<f64>,
}

/// Choices: with C of them and K kernels, kernel k gives each (1/K)/(1 + C/K), and the observed one 1/(1 + C/K) more. The prior
/// gives each 1/C.
#[derive(Clone, Debug)]
pub struct Categorical {
    observed: Vec<u32>,
    choices: usize,
}

/// The weights of N observations in the order of their trials: 1 each for the last 25, and a ramp from 1/N to 1 for those
/// before, so that old trials are slowly forgotten.
pub fn ramp(n: usize) -> Vec<f64> {
    let old = n.saturating_sub(25);
    let start = 1.0 / n as f64;
    let weight = |i: usize| match i {
        i if i >= old => 1.0,
        0 => start,
        i => start + (1.0 - start) * i as f64 / (old - 1) as f64,
    };
    (0..n).map(weight).collect()
}

/// Whether there is a kernel for an observation. What other programs stored may be no number on the parameter's scale, or so many
/// times its range away that a kernel there has no digits left within it.
pub fn has_kernel(distribution: &Distribution, x: f64) -> bool {
    let is_near = |x: f64, low: f64, high: f64| {
        let range = high - low;
        let ends = [(high + range) - x, x - (low - range)];
        (low..=high).contains(&x) || (x - low).abs() < 1e5 * range && ends.into_iter().all(f64::is_finite)
    };
    match *distribution {
        Distribution::Float { low, high, log: true, .. } => x > 0.0 && is_near(log(x), log(low), log(high)),
        Distribution::Int { low, high, log: true, .. } => {
            x > 0.0 && is_near(log(x), log(low as f64 - 0.5), log(high as f64 + 0.5))
        }
        Distribution::Float { low, high, .. } => is_near(x, low, high),
        Distribution::Int { low, high, .. } => is_near(x, low as f64, high as f64),
        Distribution::Categorical { .. } => distribution.contains(x),
    }
}

impl Mixture {
    /// The mixture of observations, internal numbers in the order of their trials: for each parameter its distribution and one
    /// observation a trial. `weights` of the observations, before the prior with weight 1 is added and all are normalised.
    pub fn fit<'a>(axes: impl IntoIterator<Item = (&'a Distribution, Vec<f64>)>, mut weights: Vec<f64>) -> Self {
        weights.push(1.0);
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|w| *w /= sum);
        let axes = axes.into_iter().map(|(distribution, observed)| match distribution {
            Distribution::Categorical { choices } => Axis::Categorical(Categorical {
                observed: observed.iter().map(|x| *x as u32).collect(),
                choices: choices.len(),
            }),
            _ => Axis::Numeric(Numeric::fit(distribution, observed)),
        });
        Mixture { axes: axes.collect(), weights }
    }

    /// The mixture of one parameter by itself, whatever the others are.
    pub fn marginal(&self, axis: usize) -> Self {
        Mixture { weights: self.weights.clone(), axes: vec![self.axes[axis].clone()] }
    }

    /// ln p at points, given by columns: `points[d][i]` is parameter d of point i.
    pub fn log_pdf(&self, points: &[Vec<f64>]) -> Vec<f64> {
        let log_weights: Vec<f64> = self.weights.iter().map(|w| log(*w)).collect();
        let mut tables: Vec<Table> = vec![Table::new(); self.axes.len()];
        let (mut terms, mut scratch) = (vec![0.0; log_weights.len()], vec![0.0; log_weights.len()]);
        let mut density = |i: usize| {
            terms.copy_from_slice(&log_weights);
            for ((axis, column), table) in self.axes.iter().zip(points).zip(&mut tables) {
                match axis {
                    Axis::Numeric(axis) => axis.add(column[i], table, &mut terms),
                    Axis::Categorical(axis) => axis.add(column[i], &mut terms),
                }
            }
            log_sum_exp(&terms, &mut scratch)
        };
        (0..points[0].len()).map(&mut density).collect()
    }

    /// Draws a point: a kernel k with probability wₖ, then each parameter from its kernel.
    pub fn sample(&self, random: &mut Stream) -> Vec<f64> {
        let u = random.uniform();
        let mut sum = 0.0;
        let cumulated = |w: &f64| {
            sum += w;
            u < sum
        };
        let k = self.weights.iter().position(cumulated).unwrap_or(self.weights.len() - 1);
        let draw = |axis: &Axis| match axis {
            Axis::Numeric(axis) => axis.sample(k, random.uniform()),
            Axis::Categorical(axis) => axis.sample(k, random.uniform()),
        };
        self.axes.iter().map(draw).collect()
    }
}

/// What was computed for the values of a numeric parameter, for each different kernel.
type Table = Vec<(f64, Vec<f64>)>;

/// ln Σ exp(xₖ).
fn log_sum_exp(x: &[f64], scratch: &mut [f64]) -> f64 {
    let max = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if max == f64::NEG_INFINITY {
        return max;
    }
    map(&|[x]: [f64; 1]| double::exp(x - max), [x], scratch);
    max + log(scratch.iter().sum())
}

impl Numeric {
    fn fit(distribution: &Distribution, mut centres: Vec<f64>) -> Self {
        let (low, high, cell, is_log) = match *distribution {
            Distribution::Float { low, high, log, step } => (low, high, step.unwrap_or(0.0), log),
            Distribution::Int { low, high, log, step } => (low as f64, high as f64, step as f64, log),
            Distribution::Categorical { .. } => unreachable!("choices have no interval"),
        };
        let (mut low, mut high) = (low - 0.5 * cell, high + 0.5 * cell);
        if is_log {
            (low, high) = (log(low), log(high));
            centres.iter_mut().for_each(|x| *x = log(*x));
        }
        let mut kernels = Kernels::default();
        let Kernels { mu: mus, sigma: sigmas, .. } = &mut kernels;
        let mut of = vec![0; centres.len() + 1];
        let prior = (centres.len(), 0.5 * low + 0.5 * high, (high - low).max(f64::MIN_POSITIVE));
        for (i, mu, sigma) in bandwidths(&centres, low, high).into_iter().chain([prior]) {
            // In order of centres: equal ones are the last few, and have three bandwidths at most.
            let same = (0..mus.len()).rev().take(3).find(|&k| mus[k] == mu && sigmas[k] == sigma);
            of[i] = same.unwrap_or_else(|| {
                mus.push(mu);
                sigmas.push(sigma);
                mus.len() - 1
            }) as u32;
        }
        kernels.log_z = kernels.masses(low, high);
        let heights = kernels.sigma.iter().zip(&kernels.log_z).map(|(sigma, z)| -LN_SQRT_TAU - log(*sigma) - z);
        kernels.log_height = heights.collect();
        Numeric { kernels, of, low, high, cell, log: is_log, distribution: distribution.clone() }
    }

    /// Adds ln f(x) of each kernel to `terms`; `table` keeps what was computed for a value with a cell.
    fn add(&self, x: f64, table: &mut Table, terms: &mut [f64]) {
        let known = table.iter().position(|(known, _)| self.cell > 0.0 && *known == x);
        let place = known.unwrap_or_else(|| {
            table.push((x, self.log_densities(x)));
            table.len() - 1
        });
        let densities = &table[place].1;
        for (term, &kernel) in terms.iter_mut().zip(&self.of) {
            *term += densities[kernel as usize];
        }
    }

    /// ln f(x) of each different kernel: of a density for a continuum (with respect to ln x on a log scale), of a probability for
    /// a value with a cell.
    fn log_densities(&self, x: f64) -> Vec<f64> {
        let scale = |x: f64| if self.log { log(x) } else { x };
        if self.cell > 0.0 {
            let (a, b) = (scale(x - 0.5 * self.cell), scale(x + 0.5 * self.cell));
            let mut masses = self.kernels.masses(a, b);
            masses.iter_mut().zip(&self.kernels.log_z).for_each(|(mass, z)| *mass -= z);
            return masses;
        }
        let x = scale(x);
        let Kernels { mu, sigma, log_height, .. } = &self.kernels;
        if !(self.low..=self.high).contains(&x) {
            return vec![f64::NEG_INFINITY; mu.len()];
        }
        let mut densities = vec![0.0; mu.len()];
        let density = |[mu, sigma, height]: [f64; 3]| {
            let z = (x - mu) / sigma;
            height - 0.5 * z * z
        };
        map(&density, [mu, sigma, log_height], &mut densities);
        densities
    }

    fn sample(&self, k: usize, u: f64) -> f64 {
        let kernel = self.of[k] as usize;
        let (mu, sigma) = (self.kernels.mu[kernel], self.kernels.sigma[kernel]);
        let x = mu + sigma * truncated_quantile((self.low - mu) / sigma, (self.high - mu) / sigma, u);
        let x = if self.log { exp(x) } else { x };
        match self.distribution {
            Distribution::Float { low, high, step: Some(step), .. } => {
                (low + rint((x - low) / step) * step).clamp(low, high)
            }
            Distribution::Float { low, high, .. } => x.clamp(low, high),
            Distribution::Int { low, high, step, .. } => {
                let (low, high, step) = (low as f64, high as f64, step as f64);
                (low + rint((x - low) / step) * step).clamp(low, high)
            }
            Distribution::Categorical { .. } => unreachable!("choices have no interval"),
        }
    }
}

impl Kernels {
    /// ln of the mass of each, not truncated, in [a, b].
    fn masses(&self, a: f64, b: f64) -> Vec<f64> {
        let mut masses = vec![0.0; self.mu.len()];
        map(&LogMassIn { a, b }, [&self.mu, &self.sigma], &mut masses);
        masses
    }
}

/// The centres in order, each as its place, itself and its bandwidth: the larger of the gaps to its neighbours, where the bounds are neighbours too, but for the first
/// and the last of several only the inner gap. At least (H − L)/min(100, N + 2), so that no kernel becomes a needle, and at most
/// H − L.
fn bandwidths(centres: &[f64], low: f64, high: f64) -> Vec<(usize, f64, f64)> {
    let n = centres.len();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| centres[a].total_cmp(&centres[b]));
    let sorted: Vec<f64> = [low].into_iter().chain(order.iter().map(|&i| centres[i])).chain([high]).collect();
    let smallest = ((high - low) / 100_usize.min(n + 2) as f64).max(f64::MIN_POSITIVE);
    let bandwidth = |(place, &i): (usize, &usize)| {
        let (left, right) = (sorted[place + 1] - sorted[place], sorted[place + 2] - sorted[place + 1]);
        let gap = match place {
            _ if n == 1 => left.max(right),
            0 => right,
            p if p + 1 == n => left,
            _ => left.max(right),
        };
        (i, centres[i], gap.clamp(smallest, smallest.max(high - low)))
    };
    order.iter().enumerate().map(bandwidth).collect()
}

impl Categorical {
    /// The probability of choice `c` in kernel `k`.
    pub fn probability(&self, k: usize, c: usize) -> f64 {
        let (hit, miss) = self.levels();
        match self.observed.get(k) {
            None => 1.0 / self.choices as f64,
            Some(&observed) => {
                if observed as usize == c {
                    hit
                } else {
                    miss
                }
            }
        }
    }

    fn levels(&self) -> (f64, f64) {
        let k = (self.observed.len() + 1) as f64;
        let sum = 1.0 + self.choices as f64 / k;
        ((1.0 + 1.0 / k) / sum, 1.0 / k / sum)
    }

    fn add(&self, x: f64, terms: &mut [f64]) {
        let (hit, miss) = self.levels();
        let (hit, miss) = (log(hit), log(miss));
        for (term, &observed) in terms.iter_mut().zip(&self.observed) {
            *term += if f64::from(observed) == x { hit } else { miss };
        }
        terms[self.observed.len()] -= log(self.choices as f64);
    }

    fn sample(&self, k: usize, u: f64) -> f64 {
        let mut sum = 0.0;
        let reached = |c: &usize| {
            sum += self.probability(k, *c);
            u < sum
        };
        (0..self.choices).find(reached).unwrap_or(self.choices - 1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;

    #[test]
    fn at_the_edges_of_f64_what_is_drawn_is_a_value() {
        let top = f64::MAX;
        let distributions = [
            Distribution::float(-0.49 * top, 0.49 * top),
            Distribution::float(0.9 * top, top),
            Distribution::float(-top, -0.9 * top),
            Distribution::float(0.0, 5e-324),
            Distribution::float(0.0, top),
            Distribution::float(1.0, 1.0 + f64::EPSILON),
            Distribution::log_float(5e-324, top),
            Distribution::log_float(1.0, 1.0 + f64::EPSILON),
            Distribution::step_float(0.0, 0.5 * top, 0.1 * top),
            Distribution::step_float(0.0, 1e-300, 1e-307),
            Distribution::step_float(-1.0, 1.0, f64::EPSILON),
            Distribution::int(-(1 << 53), 1 << 53),
            Distribution::log_int(1, 1 << 53),
            Distribution::step_int(-(1 << 53), 1 << 53, 1 << 53),
        ];
        // Other programs may have measured anything.
        let foreign =
            [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 5e-324, 1.0, 1e308, top, 0.0, -0.0, -1.0, -1e308, -top];
        let mut random = Stream::new(0, Purpose::Init, 0, 0);
        for distribution in distributions {
            let distribution = distribution.checked("x").unwrap();
            let inside: Vec<f64> = (0..5).map(|i| distribution.at(0.249 * f64::from(i))).collect();
            let foreign: Vec<f64> = foreign.into_iter().filter(|x| has_kernel(&distribution, *x)).collect();
            for observed in [&[][..], &foreign[..1.min(foreign.len())], &foreign, &inside].map(<[f64]>::to_vec) {
                let weights = ramp(observed.len());
                let mixture = Mixture::fit([(&distribution, observed.clone())], weights);
                let drawn: Vec<f64> = (0..200).map(|_| mixture.sample(&mut random)[0]).collect();
                // Of very many or very small steps the rounding is larger than what `contains` forgives, as in Optuna.
                let is_value = |x: f64| match distribution {
                    Distribution::Float { low, high, step: Some(_), .. } => (low..=high).contains(&x),
                    _ => distribution.contains(x),
                };
                let odd = drawn.iter().find(|x| !is_value(**x));
                assert!(odd.is_none(), "{distribution:?} after {observed:?}: {odd:?}");
                let density = mixture.log_pdf(&[drawn]);
                assert!(density.iter().all(|p| !p.is_nan()), "{distribution:?} after {observed:?}: {density:?}");
            }
        }
    }
}
