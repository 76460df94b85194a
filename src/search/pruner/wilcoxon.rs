use super::{Judged, Pruner, Verdict};
use crate::search::best_of;
use libm::{erfc, ldexp, sqrt};
use std::collections::BTreeMap;
use std::f64::consts::SQRT_2;
use std::iter::repeat_n;

/// For cross-validation: stops a trial that is significantly worse than the best complete one on the folds that both have done.
///
/// A step is a fold, a report its loss, in any order. Wilcoxon, *Individual comparisons by ranking methods*, 1945: the differences
/// are ranked by size, and p is the share of all choices of their signs whose sum of positive ranks is at least the observed one.
/// Zeros are ranked but have no sign. p is exact for at most 13 folds, and for at most 50 if no differences are equal or zero; beyond,
/// the sum of ranks is taken for normally distributed.
///
/// A trial is spared while the mean of its reports is as good as its rival's, and if a report of either is not finite. One that is
/// stopped is best told as complete, with the mean of its reports: a sampler learns from that.
#[derive(Clone, Copy, Debug)]
pub struct Wilcoxon {
    /// Below this p a trial is stopped.
    pub p: f64,
    /// Common folds before any trial is stopped; fewer than 2 count as 2.
    pub startup_steps: usize,
}

impl Default for Wilcoxon {
    /// Optuna's settings.
    fn default() -> Self {
        Wilcoxon { p: 0.1, startup_steps: 2 }
    }
}

impl Wilcoxon {
    /// The smallest p that k folds can give, 2⁻ᵏ: of a trial that is worse on all of them. With 3 folds it is 0.125, so that at the
    /// default 0.1 none is ever stopped.
    pub fn smallest_p(folds: u32) -> f64 {
        ldexp(1.0, -(folds as i32))
    }
}

impl Pruner for Wilcoxon {
    fn judge(&self, judged: &Judged) -> Verdict {
        let Some(rival) = best_of(judged.trials, judged.directions[0]) else { return false.into() };
        let (own, rival) = (&judged.trial.reports, &rival.reports);
        if !own.values().chain(rival.values()).all(|v| v.is_finite()) {
            return false.into();
        }
        let difference = |(step, v): (&u64, &f64)| Some(judged.loss(*v) - judged.loss(*rival.get(step)?));
        let differences: Vec<f64> = own.iter().filter_map(difference).collect();
        if differences.len() < self.startup_steps.max(2) {
            return false.into();
        }
        let total = |reports: &BTreeMap<u64, f64>| reports.values().map(|v| judged.loss(*v)).sum::<f64>();
        let mean = |reports: &BTreeMap<u64, f64>| total(reports) / reports.len() as f64;
        (mean(own) > mean(rival) && signed_rank_p(differences) < self.p).into()
    }
}

/// p of the one-sided signed-rank test for differences above 0.
fn signed_rank_p(mut differences: Vec<f64>) -> f64 {
    differences.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    let n = differences.len();
    // Twice the ranks, so that the average rank of equals is a whole number; of the differences that have a sign.
    let (mut ranks, mut positive, mut zeros, mut ties) = (Vec::new(), 0, 0, 0);
    let mut before = 0;
    for equals in differences.chunk_by(|a, b| a.abs() == b.abs()) {
        let count = equals.len();
        let rank = 2 * before + count + 1;
        match equals[0] == 0.0 {
            true => zeros = count * rank,
            false => ranks.extend(repeat_n(rank, count)),
        }
        positive += equals.iter().filter(|d| **d > 0.0).count() * rank;
        ties += count * count * count - count;
        before += count;
    }
    if n <= 13 || (n <= 50 && zeros == 0 && ties == 0) {
        // How many choices of signs have which sum: at most 2⁵⁰, so that they are exact.
        let mut choices = vec![0.0; ranks.iter().sum::<usize>() + 1];
        choices[0] = 1.0;
        for &rank in &ranks {
            for sum in (rank..choices.len()).rev() {
                choices[sum] += choices[sum - rank];
            }
        }
        return choices[positive..].iter().sum::<f64>() * Wilcoxon::smallest_p(ranks.len() as u32);
    }
    // Half of the zeros' ranks to each side.
    let sum = 0.5 * (positive as f64 + 0.5 * zeros as f64);
    let (n, ties) = (n as f64, ties as f64);
    let mean = 0.25 * n * (n + 1.0);
    let variance = (n * (n + 1.0) * (2.0 * n + 1.0) - 0.5 * ties) / 24.0;
    0.5 * erfc((sum - mean) / sqrt(variance) / SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_is_that_of_scipy() {
        let mixed = |n: i32| -> Vec<f64> { (1..=n).map(|i| f64::from(if i % 3 == 0 { -i } else { i })).collect() };
        let tied = [1, 1, -1, 2, 0, 0, 3, -3, 1, 2, 2, -1, 4, 2].map(f64::from);
        for (differences, p) in [
            (vec![1.0, 2.0, 3.0], 0.125),
            (vec![0.0; 5], 1.0),
            (vec![0.0, 0.0, 1.0, 2.0], 0.25),
            (tied[..13].to_vec(), 0.061_523_437_5),
            (mixed(30), 0.085_299_197_584_390_64),
            // By the normal distribution.
            (vec![0.0; 20], 0.5),
            (tied.to_vec(), 0.035_662_693_753_524_89),
            (mixed(51), 0.027_926_091_017_792_348),
        ] {
            let found = signed_rank_p(differences.clone());
            assert!((found - p).abs() <= 1e-12 * p, "{differences:?}: {found}, expected {p}");
        }
    }
}
