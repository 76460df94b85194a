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
