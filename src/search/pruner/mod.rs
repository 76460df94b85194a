//! Pruners: who stops an unpromising trial, by what it reported on the way.
//!
//! The rules are those of Optuna 5.0. "Best" follows the study's direction.

mod halving;
mod hyperband;
mod patient;
mod percentile;
mod threshold;
mod wilcoxon;

pub use halving::SuccessiveHalving;
pub use hyperband::Hyperband;
pub use patient::Patient;
pub use percentile::Percentile;
pub use threshold::Threshold;
pub use wilcoxon::Wilcoxon;

use super::trial::{Direction, FrozenTrial, State};
use serde_json::Value as Json;
use std::sync::{Arc, OnceLock};

/// A running trial that has just reported, and what it is compared with.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// The trial.
    pub trial: &'a FrozenTrial,
    /// All trials of its study.
    pub trials: &'a [Arc<FrozenTrial>],
    /// The study's directions; a pruner takes the first.
    pub directions: &'a [Direction],
    /// The study's name.
    pub study: &'a str,
}

impl Judged<'_> {
    /// Small is good.
    fn loss(&self, value: f64) -> f64 {
        self.directions[0].loss(value)
    }
}

/// What a pruner decides.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// Whether the trial is to stop.
    pub prune: bool,
    /// System attributes that the trial is to keep.
    pub notes: Vec<(String, Json)>,
}

impl From<bool> for Verdict {
    fn from(prune: bool) -> Self {
        Verdict { prune, notes: Vec::new() }
    }
}

/// Stops unpromising trials.
pub trait Pruner: Send + Sync {
    /// Judges a trial by its last report.
    fn judge(&self, judged: &Judged) -> Verdict;

    /// The group of a trial: its sampler learns from the trials of one group only.
    fn group(&self, _study: &str, _number: usize, _trials: &[Arc<FrozenTrial>], _directions: &[Direction]) -> usize {
        0
    }
}

impl<P: Pruner + ?Sized> Pruner for Box<P> {
    fn judge(&self, judged: &Judged) -> Verdict {
        (**self).judge(judged)
    }

    fn group(&self, study: &str, number: usize, trials: &[Arc<FrozenTrial>], directions: &[Direction]) -> usize {
        (**self).group(study, number, trials, directions)
    }
}

/// A number of steps: given, or found when complete trials first tell it, and then fixed.
#[derive(Clone, Debug, Default)]
pub struct Resource(OnceLock<u64>);

impl Resource {
    /// A given number.
    ///
    /// # Panics
    /// When it is 0.
    #[track_caller]
    pub fn of(steps: u64) -> Self {
        assert!(steps > 0, "expected a resource of at least 1 step, found 0");
        Resource(OnceLock::from(steps))
    }

    /// A number to be found.
    pub fn automatic() -> Self {
        Resource::default()
    }

    /// The number, if it is known by now. `rule` makes it from the largest step that a complete trial ended with.
    fn get(&self, trials: &[Arc<FrozenTrial>], rule: impl FnOnce(u64) -> u64) -> Option<u64> {
        self.0.get().copied().or_else(|| {
            let ends = trials.iter().filter(|t| t.state == State::Complete).filter_map(|t| t.last_report());
            let largest = ends.map(|(step, _)| step).max()?;
            Some(*self.0.get_or_init(|| rule(largest)))
        })
    }
}

/// The last report, if a trial is judged by it: from step `warmup` on, by the first report in every `interval` steps.
fn due(trial: &FrozenTrial, warmup: u64, interval: u64) -> Option<(u64, f64)> {
    let (step, value) = trial.last_report()?;
    let begin = step - step.checked_sub(warmup)? % interval;
    let before = trial.reports.keys().rev().nth(1);
    before.is_none_or(|before| *before < begin).then_some((step, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::json::as_f64;

    /// A trial with reports at steps 0, 1, ….
    fn trial(state: State, reports: &[f64]) -> FrozenTrial {
        let mut trial = FrozenTrial::new(state);
        trial.reports = (0..).zip(reports.iter().copied()).collect();
        trial
    }

    /// A complete trial whose value is the mean of its reports.
    fn complete(reports: &[f64]) -> Arc<FrozenTrial> {
        let mut trial = trial(State::Complete, reports);
        trial.values = Some(vec![reports.iter().sum::<f64>() / reports.len() as f64]);
        Arc::new(trial)
    }

    fn judge(pruner: &dyn Pruner, trial: &FrozenTrial, trials: &[Arc<FrozenTrial>]) -> Verdict {
        pruner.judge(&Judged { trial, trials, directions: &[Direction::Minimize], study: "study" })
    }

    /// Whether a trial with these reports would be stopped.
    fn stops(pruner: &dyn Pruner, reports: &[f64], trials: &[Arc<FrozenTrial>]) -> bool {
        judge(pruner, &trial(State::Running, reports), trials).prune
    }

    const NAN: f64 = f64::NAN;

    #[test]
    fn a_trial_without_reports_goes_on() {
        let others = [complete(&[1.0, 1.0, 1.0])];
        let pruners: [&dyn Pruner; 6] = [
            &Percentile { startup_trials: 0, ..Percentile::median() },
            &SuccessiveHalving::default(),
            &Hyperband::default(),
            &Patient::new(None, 0),
            &Threshold { upper: 0.0, ..Threshold::default() },
            &Wilcoxon::default(),
        ];
        assert!(pruners.into_iter().all(|pruner| !stops(pruner, &[], &others)));
    }

    #[test]
    fn a_trial_is_judged_by_the_first_report_of_each_interval() {
        let mut trial = FrozenTrial::new(State::Running);
        let mut judged = |step| {
            trial.reports.insert(step, 0.0);
            due(&trial, 2, 4).is_some()
        };
        assert_eq!(
            [0, 1, 2, 3, 5, 9, 10, 23, 24].map(&mut judged),
            [false, false, true, false, false, true, true, true, false]
        );
    }

    #[test]
    fn a_median_needs_others_at_the_step_and_a_number_to_compare() {
        let median = Percentile { startup_trials: 0, ..Percentile::median() };
        let others = [complete(&[1.0, NAN]), complete(&[3.0, NAN])];
        assert!(!stops(&median, &[9.0], &[]));
        assert!(stops(&median, &[2.1], &others) && !stops(&median, &[2.0], &others));
        // By the best report so far, not by the last.
        assert!(!stops(&median, &[2.0, 9.0], &[complete(&[1.0, 3.0])]));
        assert!(!stops(&median, &[9.0, 9.0], &others) && !stops(&median, &[9.0, 9.0, 9.0], &others));
        assert!(stops(&median, &[NAN], &others));
    }

    #[test]
    fn a_trial_keeps_a_note_of_every_rung_that_it_completes_at_once() {
        let halving = SuccessiveHalving { min_resource: Resource::of(1), reduction: 2, ..SuccessiveHalving::default() };
        let verdict = judge(&halving, &trial(State::Running, &[9.0, 9.0, 9.0, 9.0, 0.5]), &[]);
        let notes: Vec<_> = verdict.notes.iter().map(|(key, value)| (key.as_str(), as_f64(value).unwrap())).collect();
        assert_eq!(notes, [("completed_rung_0", 0.5), ("completed_rung_1", 0.5), ("completed_rung_2", 0.5)]);
        assert!(!verdict.prune);

        // What has noted a rung is not judged there again.
        let mut next = trial(State::Running, &[0.0, 0.6]);
        next.system_attrs.extend(verdict.notes.iter().take(1).cloned());
        let mut first = trial(State::Complete, &[]);
        first.system_attrs.extend(verdict.notes);
        assert_eq!(judge(&halving, &next, &[Arc::new(first)]), false.into());
    }

    #[test]
    fn an_automatic_resource_is_that_of_the_first_complete_trials() {
        let resource = Resource::automatic();
        let known = |steps: &[usize]| {
            let trials: Vec<_> = steps.iter().map(|n| complete(&vec![0.0; *n])).collect();
            resource.get(&trials, |largest| largest + 1)
        };
        assert_eq!([known(&[]), known(&[0]), known(&[3, 7]), known(&[3, 7, 9])], [None, None, Some(7), Some(7)]);
    }

    #[test]
    #[should_panic(expected = "expected a reduction factor of at least 2, found 1")]
    fn a_reduction_that_never_ends_is_refused() {
        stops(&SuccessiveHalving { reduction: 1, ..SuccessiveHalving::default() }, &[1.0], &[]);
    }

    #[test]
    fn patience_overlooks_nan_and_leaves_the_last_word_to_another() {
        let alone = Patient::new(None, 1);
        assert!(!stops(&alone, &[1.0, 2.0], &[]) && stops(&alone, &[1.0, 2.0, 2.0], &[]));
        assert!(!stops(&alone, &[NAN, 2.0, 2.0], &[]) && !stops(&alone, &[1.0, NAN, NAN], &[]));
        assert!(stops(&alone, &[NAN, 1.0, NAN, 2.0], &[]));
        let with = |inner: Threshold| Patient::new(Some(Box::new(inner)), 1);
        assert!(!stops(&with(Threshold { upper: 2.0, ..Threshold::default() }), &[1.0, 2.0, 2.0], &[]));
        assert!(stops(&with(Threshold { upper: 1.9, ..Threshold::default() }), &[1.0, 2.0, 2.0], &[]));
        assert!(!stops(&with(Threshold { upper: 1.9, ..Threshold::default() }), &[3.0, 2.0, 2.0], &[]));
    }

    #[test]
    fn thresholds_are_within_the_bounds() {
        let both = Threshold { lower: 0.0, upper: 1.0, ..Threshold::default() };
        assert_eq!([-0.1, 0.0, 1.0, 1.1, NAN].map(|v| stops(&both, &[v], &[])), [true, false, false, true, true]);
        assert_eq!([f64::INFINITY, NAN].map(|v| stops(&Threshold::default(), &[v], &[])), [false, true]);
    }

    #[test]
    fn three_folds_are_too_few_to_stop_a_trial_at_a_tenth() {
        let rival = [complete(&[0.0; 10])];
        let first_stop =
            |p| (1..=10).find(|folds| stops(&Wilcoxon { p, ..Wilcoxon::default() }, &vec![1e9; *folds], &rival));
        assert_eq!([0.1, 0.2, 0.3, 1.0].map(first_stop), [Some(4), Some(3), Some(2), Some(2)]);
        // A trial worse in all folds is stopped at the first that can give so small a p.
        for p in [0.1, 0.2, 0.3] {
            assert_eq!((1..10).find(|k| Wilcoxon::smallest_p(*k) < p), first_stop(p).map(|k| k as u32));
        }
    }

    #[test]
    fn a_trial_with_the_better_mean_or_an_infinite_fold_goes_on() {
        let wilcoxon = Wilcoxon { p: 0.3, ..Wilcoxon::default() };
        let rival = [complete(&[0.0; 6])];
        assert!(stops(&wilcoxon, &[0.1, 0.2, 0.3, 0.4, 0.5, -0.6], &rival));
        assert!(!stops(&wilcoxon, &[0.1, 0.2, 0.3, 0.4, 0.5, -9.0], &rival));
        assert!(!stops(&wilcoxon, &[0.1, 0.2, 0.3, 0.4, 0.5, f64::INFINITY], &rival));
        assert!(!stops(&wilcoxon, &[1.0, 1.0, 1.0], &[]));
    }
}
