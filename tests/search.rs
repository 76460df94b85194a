//! `elbo::search` as a library: what a study promises, whatever is measured.
#![cfg(feature = "search")]

use elbo::search::sampler::{Grid, Random, Sampler, Sobol, Tpe};
use elbo::search::{Direction, Distribution, FrozenTrial, Outcome, Space, State, Storage, Study, Trial, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

fn study(sampler: impl Sampler + 'static) -> Study {
    Study::create(Storage::in_memory(), "study", &[Direction::Minimize]).unwrap().sampler(sampler)
}

/// A parabola in x, with a branch.
fn objective(trial: &mut Trial) -> f64 {
    let x = trial.float("x", -5.0, 5.0).unwrap();
    match trial.categorical("kind", ["flat", "steep"]).unwrap() {
        Value::Text(kind) if kind == "steep" => x * x + trial.log_float("scale", 0.01, 10.0).unwrap(),
        _ => (x - 1.0).abs(),
    }
}

fn run(study: &Study, n: usize) {
    for _ in 0..n {
        let mut trial = study.ask().unwrap();
        let value = objective(&mut trial);
        study.tell(trial, Outcome::Complete(vec![value])).unwrap();
    }
}

fn points(study: &Study) -> Vec<BTreeMap<String, f64>> {
    let point = |t: &Arc<FrozenTrial>| t.params.iter().map(|(name, p)| (name.clone(), p.internal)).collect();
    study.trials().unwrap().iter().map(point).collect()
}

#[test]
fn a_suggestion_depends_on_seed_number_and_history_alone() {
    let dir = tempfile::tempdir().unwrap();
    let whole = study(Tpe::default()).seed(3);
    run(&whole, 30);
    // The same in a file, by a worker that is replaced after each trial.
    let path = dir.path().join("journal");
    Study::create(Storage::journal(&path).unwrap(), "study", &[Direction::Minimize]).unwrap();
    for _ in 0..30 {
        run(&Study::open(Storage::journal(&path).unwrap(), "study").unwrap().sampler(Tpe::default()).seed(3), 1);
    }
    let again = Study::open(Storage::journal(&path).unwrap(), "study").unwrap();
    assert_eq!(points(&again), points(&whole));
    let other = study(Tpe::default()).seed(4);
    run(&other, 30);
    assert_ne!(points(&other), points(&whole));
}

#[test]
fn tpe_finds_what_random_search_does_not() {
    let best = |sampler: Box<dyn Sampler>, seed| {
        let study = study(sampler).seed(seed);
        run(&study, 60);
        study.best().unwrap().unwrap().value().unwrap()
    };
    let wins = (0..40).filter(|&s| best(Box::<Tpe>::default(), s) < best(Box::<Random>::default(), s)).count();
    // By chance, 30 or more of 40 with probability 0.001.
    assert!(wins >= 30, "{wins} of 40");
}

#[test]
fn fixed_parameters_stay_and_queued_points_come_first() {
    let study = study(Tpe::default()).fix("x", 2.5).seed(1);
    study.enqueue(&BTreeMap::from([("x".into(), Value::Float(-1.0)), ("kind".into(), "flat".into())])).unwrap();
    run(&study, 20);
    let points = points(&study);
    assert_eq!((points[0]["x"], points[0]["kind"]), (-1.0, 0.0));
    assert!(points[1..].iter().all(|p| p["x"] == 2.5));
    assert!(points[1..].iter().any(|p| p["kind"] == 0.0) && points[1..].iter().any(|p| p["kind"] == 1.0));
}

#[test]
fn a_grid_is_tried_once_and_what_failed_again_at_the_end() {
    let space = Space::new([("a", Distribution::int(1, 3)), ("b", Distribution::categorical([true, false]))]).unwrap();
    let study = study(Grid::of(&space).unwrap());
    let mut seen = Vec::new();
    for n in 0..7 {
        let mut trial = study.ask().unwrap();
        let point = trial.suggest_all(&space).unwrap();
        study.tell(trial, if n == 2 { Outcome::Fail } else { Outcome::Complete(vec![0.0]) }).unwrap();
        seen.push(point);
    }
    assert_eq!(seen[6], seen[2], "what failed comes again, last");
    let distinct: std::collections::BTreeSet<String> = seen.iter().map(|p| format!("{p:?}")).collect();
    assert_eq!(distinct.len(), 6);
    assert!(study.ask_within(usize::MAX).unwrap().is_none());
    assert!(study.ask().is_err_and(|e| e.to_string() == "study study: all that there is was tried"));
    let range = Space::new([("x", Distribution::float(0.0, 1.0))]).unwrap();
    let why = Grid::of(&range).unwrap_err().to_string();
    assert_eq!(why, "grid search: parameter x: expected choices or a step, found float [0, 1]");
}

#[test]
fn sobol_points_have_one_in_each_slice_of_each_parameter() {
    let study = study(Sobol).seed(9);
    for _ in 0..64 {
        let mut trial = study.ask().unwrap();
        for name in ["a", "b", "c"] {
            trial.float(name, 0.0, 64.0).unwrap();
        }
        study.tell(trial, Outcome::Complete(vec![0.0])).unwrap();
    }
    for name in ["a", "b", "c"] {
        let mut slices: Vec<i64> = points(&study).iter().map(|p| p[name] as i64).collect();
        slices.sort_unstable();
        assert_eq!(slices, (0..64).collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn several_objectives_are_searched_and_each_trial_has_as_many_values() {
    let directions = [Direction::Minimize, Direction::Maximize];
    let study = Study::create(Storage::in_memory(), "two", &directions).unwrap().sampler(Tpe::default());
    for _ in 0..40 {
        let mut trial = study.ask().unwrap();
        let (x, y) = (trial.float("x", 0.0, 1.0).unwrap(), trial.float("y", 0.0, 1.0).unwrap());
        study.tell(trial, Outcome::Complete(vec![x + y, x - y])).unwrap();
    }
    let late: Vec<f64> = points(&study)[25..].iter().map(|p| p["y"]).collect();
    let mean = late.iter().sum::<f64>() / late.len() as f64;
    assert!(mean < 0.4, "small y is good for both, mean of the last: {mean}");
    let trial = study.ask().unwrap();
    study.tell(trial, Outcome::Complete(vec![1.0])).unwrap();
    assert_eq!(study.trials().unwrap()[40].state, State::Fail);
}

#[test]
fn what_breaks_a_rule_is_one_line() {
    let study = study(Random);
    run(&study, 1);
    let mut trial = study.ask().unwrap();
    let why = |result: elbo::Result<Value>| result.unwrap_err().to_string();
    let asked = Distribution::log_float(0.1, 1.0);
    assert_eq!(
        why(trial.suggest("x", &asked)),
        "study study: parameter x: expected float [-5, 5], as in its trials, found float [0.1, 1], log"
    );
    assert!(why(trial.suggest("z", &Distribution::float(1.0, 0.0))).starts_with("parameter z: expected finite bounds"));
    trial.report(0, f64::NAN).unwrap();
    study.abandon([1]).unwrap();
    assert_eq!(
        study.tell(trial, Outcome::Complete(vec![1.0])).unwrap_err().to_string(),
        "study study, trial 1: somebody else ended it"
    );
    assert!(study.take_up(0).is_err_and(|e| e.to_string().ends_with("expected one that is RUNNING, found COMPLETE")));
    let open = Study::open(Storage::in_memory(), "vae");
    assert!(open.is_err_and(|e| e.to_string() == "expected a study named vae, found no study"));
}

#[test]
fn choices_are_taken_as_they_are_and_parameters_print_their_values() {
    let study = study(Random);
    let mut trial = study.ask().unwrap();
    let kind = trial.categorical("kind", ["a", "b"]).unwrap();
    #[allow(clippy::needless_borrows_for_generic_args)] // As one who knows `&str` as `&[…]` writes it.
    let again = trial.categorical("kind", &["a", "b"]).unwrap();
    assert_eq!(again, kind);
    let width = trial.int("width", 3, 3).unwrap();
    study.tell(trial, Outcome::Complete(vec![0.0])).unwrap();
    let best = study.best().unwrap().unwrap();
    assert_eq!(format!("{:?}", best.params), format!("{{\"kind\": {kind}, \"width\": {width}}}"));
}
