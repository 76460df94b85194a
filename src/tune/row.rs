//! [`TrialRow`]: what is told of a trial.

use super::Plan;
use super::run::{ERROR, FOLDS, KNOWN, STOPPED};
use super::validate::FoldScore;
use crate::search::trial::FIXED_PARAMS;
use crate::search::{Direction, FrozenTrial, SOURCE, State, Value, best_of};
use crate::stats::{mean, mean_and_error};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What became of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// All its networks were trained to the end.
    Complete,
    /// The pruner stopped it.
    Stopped,
    /// Its loss stopped being a number, or was above that of those whose did.
    Diverged,
    /// It has no loss.
    Failed,
    /// Somebody works on it.
    Running,
}

impl Fate {
    /// Of a trial.
    pub fn of(trial: &FrozenTrial) -> Self {
        match trial.state {
            State::Complete if trial.user_attrs.contains_key(ERROR) => Fate::Diverged,
            State::Complete if trial.user_attrs.contains_key(STOPPED) => Fate::Stopped,
            State::Complete => Fate::Complete,
            State::Pruned => Fate::Stopped,
            State::Fail => Fate::Failed,
            State::Running | State::Waiting => Fate::Running,
        }
    }

    /// In text.
    pub fn name(self) -> &'static str {
        match self {
            Fate::Complete => "complete",
            Fate::Stopped => "stopped early",
            Fate::Diverged => "diverged",
            Fate::Failed => "failed",
            Fate::Running => "still running",
        }
    }
}

/// Where a trial's parameters came from.
pub fn source(trial: &FrozenTrial) -> String {
    let sampler = trial.user_attrs.get(SOURCE).and_then(|v| v.as_str());
    match (trial.system_attrs.contains_key(FIXED_PARAMS), sampler) {
        (true, Some(rest)) => format!("queue, rest {rest}"),
        (true, None) => "queue".into(),
        (false, Some(sampler)) => sampler.into(),
        (false, None) => "another program".into(),
    }
}

/// The trial with the lowest loss, among those that are complete.
pub fn best(trials: &[Arc<FrozenTrial>]) -> Option<Arc<FrozenTrial>> {
    let complete: Vec<_> = trials.iter().filter(|t| Fate::of(t) == Fate::Complete).cloned().collect();
    best_of(&complete, Direction::Minimize).cloned()
}

/// The folds of a complete trial.
pub fn folds(trial: &FrozenTrial) -> Vec<FoldScore> {
    let folds = trial.user_attrs.get(FOLDS);
    folds.and_then(|v| serde_json::from_value(v.clone()).ok()).unwrap_or_default()
}

/// A trial.
#[derive(Clone, Debug, Serialize)]
pub struct TrialRow {
    /// Its number.
    pub number: usize,
    /// What became of it.
    pub fate: Fate,
    /// Where its parameters came from.
    pub source: String,
    /// Its parameters.
    pub params: BTreeMap<String, Value>,
    /// What the sampler was told: the mean of the objective over the folds.
    pub loss: Option<f64>,
    /// The standard error of that mean.
    pub standard_error: Option<f64>,
    /// Each fold.
    pub folds: Vec<FoldScore>,
    /// The report at which it was stopped: an epoch, or the number of folds.
    pub stopped_after: Option<u64>,
    /// Seconds of training and judging.
    pub seconds: f64,
    /// Why it has no loss of its own.
    pub error: Option<String>,
    /// The trial whose result it took over, since everything was equal.
    pub known_from: Option<u64>,
}

impl TrialRow {
    /// What is told of a trial.
    pub fn of(trial: &FrozenTrial, plan: &Plan) -> Self {
        let (folds, fate) = (folds(trial), Fate::of(trial));
        let losses: Vec<f64> = folds.iter().map(|f| plan.objective.of(&f.means)).collect();
        let last = trial.last_report().map(|(step, _)| if plan.reports_folds() { step + 1 } else { step });
        TrialRow {
            number: trial.number,
            fate,
            source: source(trial),
            params: trial.params.iter().map(|(name, p)| (name.clone(), p.value())).collect(),
            loss: trial.value(),
            standard_error: (losses.len() > 1).then(|| mean_and_error(&losses).1),
            stopped_after: last.filter(|_| fate == Fate::Stopped),
            seconds: match folds.is_empty() {
                true => trial.seconds().unwrap_or(0.0),
                false => folds.iter().map(|f| f.seconds).sum(),
            },
            folds,
            error: trial.user_attrs.get(ERROR).and_then(|e| e.as_str()).map(str::to_string),
            known_from: trial.user_attrs.get(KNOWN).and_then(|n| n.as_u64()),
        }
    }

    /// The mean over the folds of a part of their scores.
    pub fn mean(&self, part: impl Fn(&FoldScore) -> f64) -> Option<f64> {
        (!self.folds.is_empty()).then(|| mean(self.folds.iter().map(part)))
    }

    /// Its loss with the standard error, or what became of it.
    pub fn outcome(&self, plan: &Plan) -> String {
        match self.known_from {
            Some(other) => format!("{}, as trial {other}", self.own_outcome(plan)),
            None => self.own_outcome(plan),
        }
    }

    fn own_outcome(&self, plan: &Plan) -> String {
        let text = |x| plan.objective.text(x);
        match (self.fate, self.loss, self.standard_error) {
            (Fate::Complete, Some(loss), Some(se)) => format!("{} ± {}", text(loss), text(se)),
            (Fate::Complete, Some(loss), None) => text(loss),
            (Fate::Stopped, loss, _) => {
                let at = loss.map_or(String::new(), |loss| format!(" at {}", text(loss)));
                let after = self.stopped_after.unwrap_or(0);
                match plan.reports_folds() {
                    true => format!("stopped after fold {after} of {}{at}", plan.folds * plan.repeats),
                    false => format!("stopped after epoch {after}{at}"),
                }
            }
            (Fate::Diverged, Some(loss), _) => format!("diverged, counted as {loss}"),
            (fate, ..) => fate.name().into(),
        }
    }

    /// Its parameters in one line.
    pub fn settings(&self) -> String {
        self.params.iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
    }
}
