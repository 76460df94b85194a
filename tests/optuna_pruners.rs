//! Pruners stop the trials that those of Optuna 5.0.0 stop, at the same steps: `fixtures/optuna/pruner_cases.json`, made by
//! `optuna_extras_oracle.py` beside it, or the file that `ELBO_PRUNER_CASES` names.
#![cfg(feature = "search")]

mod cases;

use cases::number;
use elbo::search::pruner::{Hyperband, Patient, Percentile, Pruner, Resource, SuccessiveHalving, Threshold, Wilcoxon};
use elbo::search::{Direction, Outcome, Storage, Study};
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
struct Cases {
    cases: Vec<Case>,
}

/// A study whose trials run one after the other, each until it ends or is stopped.
#[derive(Deserialize)]
struct Case {
    name: String,
    pruner: String,
    args: Map<String, Value>,
    direction: String,
    study_name: String,
    steps: Vec<u64>,
    /// What each trial would report.
    curves: Vec<Vec<Value>>,
    /// Whether a trial's value is the mean of its reports, also if it is stopped; else it is the last report.
    mean_on_prune: bool,
    /// Where each trial was stopped.
    pruned_at: Vec<Option<u64>>,
}

/// Gives a setting by name, or the default.
type Get<'a> = &'a mut dyn FnMut(&str, f64) -> f64;

fn percentile(q: f64, get: Get) -> Percentile {
    Percentile {
        startup_trials: get("n_startup_trials", 5.0) as usize,
        warmup_steps: get("n_warmup_steps", 0.0) as u64,
        interval: get("interval_steps", 1.0) as u64,
        min_trials: get("n_min_trials", 1.0) as usize,
        ..Percentile::new(q)
    }
}

/// A pruner under Optuna's name and with Optuna's settings.
fn pruner(kind: &str, mut args: Map<String, Value>) -> Box<dyn Pruner> {
    let mut get = |name: &str, default| args.remove(name).filter(|v| v != "auto").map_or(default, |v| number(&v));
    let resource = |steps: f64| if steps.is_nan() { Resource::automatic() } else { Resource::of(steps as u64) };
    let pruner: Box<dyn Pruner> = match kind {
        "MedianPruner" => Box::new(percentile(50.0, &mut get)),
        "PercentilePruner" => {
            let q = get("percentile", f64::NAN);
            Box::new(percentile(q, &mut get))
        }
        "SuccessiveHalvingPruner" => Box::new(SuccessiveHalving {
            min_resource: resource(get("min_resource", f64::NAN)),
            reduction: get("reduction_factor", 4.0) as u64,
            early_stopping_rate: get("min_early_stopping_rate", 0.0) as u32,
            bootstrap: get("bootstrap_count", 0.0) as usize,
        }),
        "HyperbandPruner" => Box::new(Hyperband {
            min_resource: get("min_resource", 1.0) as u64,
            max_resource: resource(get("max_resource", f64::NAN)),
            reduction: get("reduction_factor", 3.0) as u64,
        }),
        "PatientPruner" | "PatientPruner(MedianPruner)" => {
            let (patience, min_delta) = (get("patience", f64::NAN) as usize, get("min_delta", 0.0));
            let inner = kind.contains("Median").then(|| Box::new(percentile(50.0, &mut get)) as Box<dyn Pruner>);
            Box::new(Patient { inner, patience, min_delta })
        }
        "ThresholdPruner" => Box::new(Threshold {
            lower: get("lower", f64::NEG_INFINITY),
            upper: get("upper", f64::INFINITY),
            warmup_steps: get("n_warmup_steps", 0.0) as u64,
            interval: get("interval_steps", 1.0) as u64,
        }),
        "WilcoxonPruner" => {
            Box::new(Wilcoxon { p: get("p_threshold", 0.1), startup_steps: get("n_startup_steps", 2.0) as usize })
        }
        _ => panic!("no such pruner: {kind}"),
    };
    assert!(args.is_empty(), "{kind}: unknown settings {args:?}");
    pruner
}

/// The mean, added up in NumPy's order: the best trial may hang on its last bit.
fn mean(values: &[f64]) -> f64 {
    let whole = if values.len() < 8 { 0 } else { values.len() / 8 * 8 };
    let mut sums = [0.0; 8];
    for row in values[..whole].chunks(8) {
        sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
    }
    let [a, b, c, d, e, f, g, h] = sums;
    let sum = ((a + b) + (c + d)) + ((e + f) + (g + h));
    values[whole..].iter().fold(sum, |sum, x| sum + x) / values.len() as f64
}

/// Where each trial is stopped.
fn replay(case: Case) -> Vec<Option<u64>> {
    let direction = if case.direction == "minimize" { Direction::Minimize } else { Direction::Maximize };
    let study = Study::create(Storage::in_memory(), &case.study_name, &[direction]).unwrap();
    let study = study.pruner(pruner(&case.pruner, case.args));
    let mut pruned_at = Vec::new();
    for curve in &case.curves {
        let mut trial = study.ask().unwrap();
        let (mut pruned, mut seen) = (None, Vec::new());
        for (&step, value) in case.steps.iter().zip(curve) {
            seen.push(number(value));
            trial.report(step, number(value)).unwrap();
            if trial.should_prune().unwrap() {
                pruned = Some(step);
                break;
            }
        }
        let outcome = match pruned {
            Some(_) if !case.mean_on_prune => Outcome::Pruned,
            _ if case.mean_on_prune => Outcome::Complete(vec![mean(&seen)]),
            _ => Outcome::Complete(vec![seen[seen.len() - 1]]),
        };
        study.tell(trial, outcome).unwrap();
        pruned_at.push(pruned);
    }
    pruned_at
}

#[test]
fn pruners_stop_trials_where_optuna_does() {
    let Cases { cases } = cases::read("ELBO_PRUNER_CASES", "pruner_cases.json");
    assert!(!cases.is_empty());
    for case in cases {
        let (name, expected) = (case.name.clone(), case.pruned_at.clone());
        assert_eq!(replay(case), expected, "{name}");
    }
}
