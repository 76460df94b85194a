//! `summary.json`: what was measured in a search.

use super::Plan;
use super::row::{TrialRow, best, source};
use crate::data::{Baselines, Dataset};
use crate::models::Standing;
use crate::search::importance::{Importance, importances};
use crate::search::sampler::Asking;
use crate::search::sampler::tpe::Anatomy;
use crate::search::{Direction, FrozenTrial, State};
use crate::train::Means;
use serde::Serialize;
use std::sync::Arc;

/// Everything that was measured: `summary.json`.
#[derive(Clone, Debug, Serialize)]
pub struct SearchSummary {
    /// Name of the data.
    pub data: String,
    /// Training and test images.
    pub images: [usize; 2],
    /// What decided the search.
    pub plan: Plan,
    /// What was said before the first trial.
    pub expectations: Vec<String>,
    /// Every trial.
    pub trials: Vec<TrialRow>,
    /// The trial with the lowest loss.
    pub best: Option<usize>,
    /// The best settings, trained on all training images and measured on the test images.
    pub test: Option<Means>,
    /// Where that stands, if it has a decoder.
    pub standing: Option<Standing>,
    /// Why there is no such network.
    pub test_error: Option<String>,
    /// What predictors that look at no image cost on the test images.
    pub baselines: Baselines,
    /// How often the most frequent class is right.
    pub chance: f64,
    /// The importance of the parameters, or why it is not told.
    pub importance: Result<Vec<Importance>, String>,
}

/// The numbers of a search, but for the test.
pub fn measure(trials: &[Arc<FrozenTrial>], plan: &Plan, expectations: Vec<String>, data: &Dataset) -> SearchSummary {
    SearchSummary {
        data: data.name.clone(),
        images: [data.train.len(), data.test.len()],
        plan: plan.clone(),
        expectations,
        trials: trials.iter().filter(|t| t.state != State::Waiting).map(|t| TrialRow::of(t, plan)).collect(),
        best: best(trials).map(|t| t.number),
        test: None,
        standing: None,
        test_error: None,
        baselines: Baselines::of(data, plan.base.binarize),
        chance: data.most_frequent_class(),
        importance: importances(trials, Direction::Minimize).map_err(|e| e.to_string()),
    }
}

/// The last suggestion of the model, done again: none if the model made none.
pub fn last_suggestion(trials: &[Arc<FrozenTrial>], plan: &Plan) -> Option<(usize, Anatomy)> {
    let by_model = trials.iter().rev().filter(|t| source(t) == "model");
    by_model.into_iter().find_map(|trial| {
        let then = as_of(trials, trial);
        let asking = Asking {
            number: trial.number,
            trials: &then,
            directions: &[Direction::Minimize],
            seed: plan.seed,
            fixed: &[],
        };
        let tpe = plan.tpe();
        // Of several groups, the one with the most parameters.
        let wanted = tpe.together(&asking).into_iter().max_by_key(Vec::len)?;
        let anatomy = tpe.suggest(&asking, wanted, true);
        // With several workers, what one of them knew then is not on record.
        let same = |(d, (name, _)): (usize, &(String, _))| {
            trial.params.get(name).is_some_and(|p| p.internal == anatomy.candidates[d][anatomy.best])
        };
        anatomy.wanted.iter().enumerate().all(same).then_some((trial.number, anatomy))
    })
}

/// The study as it was when a trial began.
fn as_of(trials: &[Arc<FrozenTrial>], asking: &FrozenTrial) -> Vec<Arc<FrozenTrial>> {
    let before = trials.iter().filter(|t| t.start <= asking.start && t.number != asking.number);
    let then = before.map(|t| {
        let mut t = Arc::clone(t);
        if t.complete.is_none_or(|end| Some(end) > asking.start) {
            Arc::make_mut(&mut t).state = State::Running;
        }
        t
    });
    then.collect()
}
