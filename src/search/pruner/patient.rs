use super::{Judged, Pruner, Verdict};
use crate::search::trial::{Direction, FrozenTrial};
use std::sync::Arc;

/// Stops a trial that got no better for a while, if another pruner agrees.
///
/// With A the best of all but the last p + 1 reports and Z the best of those, a trial is spared unless A + δ < Z (maximizing:
/// A − δ > Z). NaN is ignored.
pub struct Patient {
    /// Who has the last word; without one, the trial is stopped.
    pub inner: Option<Box<dyn Pruner>>,
    /// p, the patience in reports.
    pub patience: usize,
    /// δ, by how much worse Z has to be.
    pub min_delta: f64,
}

impl Patient {
    /// With δ = 0.
    pub fn new(inner: Option<Box<dyn Pruner>>, patience: usize) -> Self {
        Patient { inner, patience, min_delta: 0.0 }
    }
}

impl Pruner for Patient {
    fn judge(&self, judged: &Judged) -> Verdict {
        let losses: Vec<f64> = judged.trial.reports.values().map(|v| judged.loss(*v)).collect();
        let (before, last) = losses.split_at(losses.len().saturating_sub(self.patience + 1));
        let best = |losses: &[f64]| losses.iter().copied().fold(f64::NAN, f64::min);
        // NaN, the best of nothing, is not below anything.
        let is_worse = best(before) + self.min_delta < best(last);
        match &self.inner {
            Some(inner) if is_worse => inner.judge(judged),
            _ => is_worse.into(),
        }
    }

    fn group(&self, study: &str, number: usize, trials: &[Arc<FrozenTrial>], directions: &[Direction]) -> usize {
        self.inner.as_ref().map_or(0, |inner| inner.group(study, number, trials, directions))
    }
}
