//! Importances are those of Optuna 5.0.0, to 1e-8 relative: `fixtures/optuna/importance_cases.json`, made by
//! `optuna_extras_oracle.py` beside it, or the file that `ELBO_IMPORTANCE_CASES` names.
#![cfg(feature = "search")]

mod cases;

use elbo::search::importance::PedAnova;
use elbo::search::trial::Param;
use elbo::search::{Direction, Distribution, FrozenTrial, State};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Deserialize)]
struct Cases {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    direction: String,
    args: Args,
    search_space: Vec<Parameter>,
    trials: Vec<Trial>,
    raw: BTreeMap<String, Value>,
    normalized: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Parameter {
    name: String,
    n_choices: Option<i64>,
    /// Without choices, a distribution in its short form.
    #[serde(flatten)]
    distribution: Value,
}

impl Parameter {
    fn distribution(&self) -> Arc<Distribution> {
        let choices = self.n_choices.map(|n| Distribution::categorical(0..n));
        Arc::new(
            choices.or_else(|| Distribution::from_text(&self.distribution.to_string())?.ok()).expect("a distribution"),
        )
    }
}

/// Settings that differ from the defaults.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Args {
    target_quantile: Option<f64>,
    region_quantile: Option<f64>,
    evaluate_on_local: Option<bool>,
}

/// A complete trial, with internal parameters.
#[derive(Deserialize)]
struct Trial {
    params: BTreeMap<String, f64>,
    value: f64,
}

fn frozen(trial: &Trial, space: &BTreeMap<String, Arc<Distribution>>) -> Arc<FrozenTrial> {
    let mut frozen = FrozenTrial::new(State::Complete);
    frozen.values = Some(vec![trial.value]);
    for (name, &internal) in &trial.params {
        frozen.params.insert(name.clone(), Param { internal, distribution: Arc::clone(&space[name]) });
    }
    Arc::new(frozen)
}

#[test]
fn importances_are_those_of_optuna() {
    let Cases { cases } = cases::read("ELBO_IMPORTANCE_CASES", "importance_cases.json");
    assert!(!cases.is_empty());
    for case in cases {
        let space = case.search_space.iter().map(|p| (p.name.clone(), p.distribution())).collect();
        let trials: Vec<Arc<FrozenTrial>> = case.trials.iter().map(|t| frozen(t, &space)).collect();
        let direction = if case.direction == "minimize" { Direction::Minimize } else { Direction::Maximize };
        let default = PedAnova::default();
        let ped_anova = PedAnova {
            target_quantile: case.args.target_quantile.unwrap_or(default.target_quantile),
            region_quantile: case.args.region_quantile.unwrap_or(default.region_quantile),
            local: case.args.evaluate_on_local.unwrap_or(default.local),
        };
        let measured = ped_anova.measure(&trials, direction).unwrap();
        assert_eq!(measured.len(), case.raw.len(), "{}", case.name);
        assert!(measured.is_sorted_by(|a, b| a.raw >= b.raw), "{}: {measured:?}", case.name);
        for importance in measured {
            let name = &importance.name;
            for (got, expected) in [(importance.raw, &case.raw[name]), (importance.normalized, &case.normalized[name])]
            {
                let expected = cases::number(expected);
                // Between equal distributions it is the square of rounding errors.
                let error = (got - expected).abs();
                assert!(error <= 1e-8 * expected.abs() + 1e-20, "{}: {name}: {got}, Optuna has {expected}", case.name);
            }
        }
    }
}
