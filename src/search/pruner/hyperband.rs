use super::{Judged, Pruner, Resource, SuccessiveHalving, Verdict};
use crate::search::ln::ln;
use crate::search::trial::{Direction, FrozenTrial};
use libm::floor;
use std::sync::Arc;

/// Hyperband: brackets of [`SuccessiveHalving`], which begin to stop trials early in the first and late in the last.
///
/// With resources from m to R there are B = ⌊ln(R/m)/ln r⌋ + 1 brackets. Bracket b has early-stopping rate b and a share of
/// ⌈B r^(B−1−b)/(B − b)⌉ of the trials, which fall into it by a hash of study and number; trials of one bracket know nothing of
/// others. Li, Jamieson, DeSalvo, Rostamizadeh and Talwalkar, *Hyperband: a novel bandit-based approach to hyperparameter
/// optimization*, JMLR 2018.
#[derive(Clone, Debug)]
pub struct Hyperband {
    /// m, at least 1.
    pub min_resource: u64,
    /// R. If automatic, one more than the largest step that a complete trial ended with; until there is one, no trial is stopped.
    pub max_resource: Resource,
    /// r, at least 2.
    pub reduction: u64,
}

impl Default for Hyperband {
    /// Optuna's settings.
    fn default() -> Self {
        Hyperband { min_resource: 1, max_resource: Resource::automatic(), reduction: 3 }
    }
}

impl Hyperband {
    /// The share of each bracket; none as long as R is unknown.
    fn shares(&self, trials: &[Arc<FrozenTrial>]) -> Vec<u128> {
        let (m, r) = (self.min_resource, self.reduction);
        assert!(m > 0 && r > 1, "expected a resource of at least 1 and a reduction of at least 2, found {m} and {r}");
        let Some(most) = self.max_resource.get(trials, |largest| largest + 1) else { return Vec::new() };
        // None if R < m.
        let brackets = (floor(ln(most as f64 / m as f64) / ln(r as f64)) + 1.0) as u32;
        let share = |left: u32| (u128::from(brackets) * u128::from(r).pow(left - 1)).div_ceil(left.into());
        (1..=brackets).rev().map(share).collect()
    }
}

/// The bracket of a trial.
fn bracket(shares: &[u128], study: &str, number: usize) -> usize {
    let hash = crc32fast::hash(format!("{study}_{number}").as_bytes());
    let mut place = u128::from(hash) % shares.iter().sum::<u128>();
    let is_within = |share: &u128| match place.checked_sub(*share) {
        Some(rest) => {
            place = rest;
            false
        }
        None => true,
    };
    shares.iter().position(is_within).expect("the place is below the sum of shares")
}

impl Pruner for Hyperband {
    /// # Panics
    /// When the smallest resource is 0 or the reduction factor is below 2.
    fn judge(&self, judged: &Judged) -> Verdict {
        let shares = self.shares(judged.trials);
        if shares.is_empty() {
            return false.into();
        }
        let own = bracket(&shares, judged.study, judged.trial.number);
        let is_rival = |t: &&Arc<FrozenTrial>| bracket(&shares, judged.study, t.number) == own;
        let trials: Vec<Arc<FrozenTrial>> = judged.trials.iter().filter(is_rival).cloned().collect();
        let halving = SuccessiveHalving {
            min_resource: Resource::of(self.min_resource),
            reduction: self.reduction,
            early_stopping_rate: own as u32,
            bootstrap: 0,
        };
        halving.judge(&Judged { trials: &trials, ..*judged })
    }

    fn group(&self, study: &str, number: usize, trials: &[Arc<FrozenTrial>], _directions: &[Direction]) -> usize {
        match self.shares(trials) {
            shares if shares.is_empty() => 0,
            shares => bracket(&shares, study, number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::trial::State;
    use std::collections::BTreeSet;

    fn shares(min_resource: u64, max_resource: u64, reduction: u64) -> Vec<u128> {
        Hyperband { min_resource, max_resource: Resource::of(max_resource), reduction }.shares(&[])
    }

    #[test]
    fn brackets_are_counted_by_quotients_of_logarithms() {
        assert_eq!(shares(1, 27, 3), [27, 12, 6, 4]);
        assert_eq!(shares(1, 16, 2), [16, 10, 7, 5, 5]);
        // ln 243 / ln 3 is 4.999….
        assert_eq!(shares(1, 243, 3).len(), 5);
        assert_eq!(shares(10, 9, 3), []);
        assert_eq!(shares(1, u64::MAX, 2).len(), 65);
    }

    #[test]
    fn trials_fall_into_brackets_by_their_shares() {
        let shares = shares(1, 27, 3);
        let mut counts = [0; 4];
        (0..49_000).for_each(|n| counts[bracket(&shares, "study", n)] += 1);
        for (count, share) in counts.into_iter().zip(shares) {
            let expected = share as f64 * 1000.0;
            assert!((f64::from(count) - expected).abs() < 0.05 * expected, "{counts:?}");
        }
    }

    #[test]
    fn all_trials_are_of_one_group_until_the_largest_resource_is_known() {
        let (hyperband, directions) = (Hyperband::default(), [Direction::Minimize]);
        let groups = |trials: &[Arc<FrozenTrial>]| {
            let group = |n| hyperband.group("study", n, trials, &directions);
            (0..100).map(group).collect::<BTreeSet<_>>()
        };
        let mut ended = FrozenTrial::new(State::Complete);
        assert_eq!(groups(&[Arc::new(ended.clone())]), BTreeSet::from([0]));
        ended.reports.insert(26, 1.0);
        assert_eq!(groups(&[Arc::new(ended)]), BTreeSet::from([0, 1, 2, 3]));
        assert_eq!(groups(&[]), BTreeSet::from([0, 1, 2, 3]));
    }
}
