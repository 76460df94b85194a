//! Pruners: who stops an unpromising trial, by what it reported on the way.

use super::trial::{Direction, FrozenTrial};
use serde_json::Value as Json;
use std::sync::Arc;

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
