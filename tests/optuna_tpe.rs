//! The sampler, number by number, against Optuna 5.0.0: `fixtures/optuna/tpe_cases.json`, made by the script beside it, or the file
//! that `ELBO_TPE_CASES` names.
#![cfg(feature = "search")]

mod cases;

use cases::number;
use elbo::rng::{Purpose, Stream};
use elbo::search::parzen::{Axis, Mixture, ramp};
use elbo::search::sampler::tpe::{Anatomy, Joint, Wanted, common, groups};
use elbo::search::sampler::{Asking, Sampler, Tpe};
use elbo::search::split::{good_of, split};
use elbo::search::trial::{ANNOUNCED, Param};
use elbo::search::{Direction, Distribution, FrozenTrial, State, normal};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

fn cases_of(key: &str) -> Vec<Value> {
    file()[key].as_array().unwrap_or_else(|| panic!("no {key} in the cases")).clone()
}

fn file() -> Value {
    cases::read("ELBO_TPE_CASES", "tpe_cases.json")
}

fn numbers(v: &Value) -> Vec<f64> {
    v.as_array().unwrap_or_else(|| panic!("{v} is no list")).iter().map(number).collect()
}

fn whole(v: &Value) -> Vec<usize> {
    numbers(v).into_iter().map(|x| x as usize).collect()
}

fn name(v: &Value) -> String {
    v["name"].as_str().unwrap().to_string()
}

fn list(v: &Value) -> &[Value] {
    v.as_array().unwrap_or_else(|| panic!("{v} is no list"))
}

fn distribution(v: &Value) -> Distribution {
    let log = v["log"].as_bool().unwrap_or(false);
    match v["type"].as_str().unwrap() {
        "float" => {
            Distribution::Float { low: number(&v["low"]), high: number(&v["high"]), log, step: v["step"].as_f64() }
        }
        "int" => Distribution::Int {
            low: number(&v["low"]) as i64,
            high: number(&v["high"]) as i64,
            log,
            step: v["step"].as_f64().map_or(1, |s| s as i64),
        },
        "categorical" => Distribution::categorical(0..v["n_choices"].as_i64().unwrap()),
        other => panic!("{other} is no type"),
    }
}

fn space(v: &Value) -> Vec<Wanted> {
    let mut space: Vec<Wanted> = list(v).iter().map(|p| (name(p), Arc::new(distribution(p)))).collect();
    space.sort_by(|a, b| a.0.cmp(&b.0));
    space
}

fn directions(case: &Value) -> Vec<Direction> {
    let direction = |d: &Value| if d == "MINIMIZE" { Direction::Minimize } else { Direction::Maximize };
    list(&case["directions"]).iter().map(direction).collect()
}

/// The trials of a case. Parameters without a known distribution get one that holds any number.
fn trials(case: &Value, space: &[Wanted]) -> Vec<Arc<FrozenTrial>> {
    let find = |name: &str| space.iter().find(|(n, _)| n == name).map(|(_, d)| Arc::clone(d));
    let trial = |v: &Value| {
        let state = State::ALL.into_iter().find(|s| v["state"] == s.name()).unwrap();
        let mut trial = FrozenTrial::new(state);
        trial.number = v["number"].as_u64().unwrap() as usize;
        trial.values = v["values"].as_array().map(|a| a.iter().map(number).collect());
        for (name, x) in v["params"].as_object().unwrap() {
            let distribution = find(name).unwrap_or_else(|| Arc::new(Distribution::float(-1e300, 1e300)));
            trial.params.insert(name.clone(), Param { internal: number(x), distribution });
        }
        for (step, x) in v["intermediate_values"].as_object().unwrap() {
            trial.reports.insert(step.parse().unwrap(), number(x));
        }
        match &v["constraints"] {
            Value::Object(named) => {
                for (name, x) in named {
                    trial.system_attrs.insert(format!("constraints:{name}"), x.clone());
                }
            }
            Value::Array(all) => {
                trial.system_attrs.insert("constraints".into(), json!(all));
            }
            _ => {}
        }
        if let Some(announced) = v["announced_params"].as_object() {
            // As other workers write it: external values, in pieces.
            let external = announced
                .iter()
                .map(|(name, x)| (name.clone(), find(name).map_or(x.clone(), |d| d.value(number(x)).to_json())));
            let text = Value::Object(Map::from_iter(external)).to_string();
            let (first, second) = text.split_at(text.len() / 2);
            trial.system_attrs.insert(format!("{ANNOUNCED}0"), json!(first));
            trial.system_attrs.insert(format!("{ANNOUNCED}1"), json!(second));
        }
        Arc::new(trial)
    };
    list(&case["trials"]).iter().map(trial).collect()
}

fn columns(v: &Value, names: impl Iterator<Item = String>) -> Vec<Vec<f64>> {
    names.map(|name| numbers(&v[&name])).collect()
}

#[track_caller]
fn close(what: &str, ours: f64, theirs: f64, relative: f64, absolute: f64) {
    let same = ours == theirs || (ours.is_nan() && theirs.is_nan());
    let near = (ours - theirs).abs() <= (relative * theirs.abs()).max(absolute);
    assert!(same || near, "{what}: {ours} for {theirs}");
}

#[track_caller]
fn all_close(what: &str, ours: &[f64], theirs: &[f64], relative: f64, absolute: f64) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (i, (a, b)) in ours.iter().zip(theirs).enumerate() {
        close(&format!("{what}, {i}"), *a, *b, relative, absolute);
    }
}

fn check_mixture(what: &str, ours: &Mixture, theirs: &Value) {
    all_close(&format!("{what}: weights"), &ours.weights, &numbers(&theirs["weights"]), 1e-12, 0.0);
    for (axis, v) in ours.axes.iter().zip(list(&theirs["params"])) {
        let what = format!("{what}: {}", name(v));
        match axis {
            Axis::Numeric(axis) => {
                assert_eq!(v["kernel"], "truncated_normal", "{what}");
                let length = axis.high - axis.low;
                let mu: Vec<f64> = axis.of.iter().map(|&k| axis.kernels.mu[k as usize]).collect();
                let sigma: Vec<f64> = axis.of.iter().map(|&k| axis.kernels.sigma[k as usize]).collect();
                all_close(&format!("{what} mu"), &mu, &numbers(&v["mu"]), 1e-12, 1e-300);
                all_close(&format!("{what} sigma"), &sigma, &numbers(&v["sigma"]), 1e-12, 1e-12 * length);
                close(&format!("{what} L"), axis.low, number(&v["trunc_low"]), 1e-12, 0.0);
                close(&format!("{what} H"), axis.high, number(&v["trunc_high"]), 1e-12, 0.0);
                close(&format!("{what} cell"), axis.cell, number(&v["cell_width"]), 1e-12, 0.0);
            }
            Axis::Categorical(axis) => {
                for (k, row) in list(&v["probabilities"]).iter().enumerate() {
                    for (c, p) in numbers(row).into_iter().enumerate() {
                        close(&format!("{what} kernel {k} choice {c}"), axis.probability(k, c), p, 1e-12, 0.0);
                    }
                }
            }
        }
    }
}

#[test]
fn mixtures_are_optunas() {
    let all = cases_of("estimator_cases");
    assert!(all.len() > 20);
    for case in all {
        let what = name(&case);
        let given: Vec<(String, Distribution)> =
            list(&case["search_space"]).iter().map(|p| (name(p), distribution(p))).collect();
        let names = || given.iter().map(|(n, _)| n.clone());
        let observed = columns(&case["observations"], names());
        let weights = match &case["given_weights"] {
            Value::Null => ramp(observed[0].len()),
            weights => numbers(weights),
        };
        let mixture = Mixture::fit(given.iter().map(|(_, d)| d).zip(observed), weights);
        check_mixture(&what, &mixture, &case["mixture"]);
        let log_pdf = mixture.log_pdf(&columns(&case["points"], names()));
        all_close(&format!("{what}: log pdf"), &log_pdf, &numbers(&case["log_pdf_exact"]), 0.0, 1e-9);
    }
}

#[test]
fn good_and_bad_trials_are_optunas() {
    let all = cases_of("split_cases");
    assert!(all.len() > 10);
    for case in all {
        let directions = directions(&case);
        let trials = trials(&case, &[]);
        let given = number(&case["n_below"]) as usize;
        let halves = split(&trials, usize::MAX, &directions, |n| {
            assert_eq!(n, number(&case["n_finished"]) as usize, "{}", case["name"]);
            match case["n_below_is_default"].as_bool().unwrap() {
                true => good_of(n, directions.len()),
                false => given,
            }
        });
        let of = |half: &[&FrozenTrial]| half.iter().map(|t| t.number).collect::<Vec<_>>();
        assert_eq!(of(&halves.good), whole(&case["below"]), "{}", case["name"]);
        assert_eq!(of(&halves.bad), whole(&case["above"]), "{}", case["name"]);
    }
}

/// All that a suggestion depends on.
struct Setup {
    trials: Vec<Arc<FrozenTrial>>,
    directions: Vec<Direction>,
    wanted: Vec<Wanted>,
    joint: bool,
}

impl Setup {
    fn of(case: &Value) -> Self {
        let full = space(&case["full_search_space"]);
        let names: Vec<&str> = list(&case["suggested_params"]).iter().map(|v| v.as_str().unwrap()).collect();
        let wanted = full.iter().filter(|(n, _)| names.contains(&n.as_str())).cloned().collect();
        let joint = case["multivariate"].as_bool().unwrap();
        Setup { trials: trials(case, &full), directions: directions(case), wanted, joint }
    }

    /// The suggestion for trial `number`.
    fn suggest(&self, number: usize) -> Anatomy {
        let asking = Asking { number, trials: &self.trials, directions: &self.directions, seed: 1, fixed: &[] };
        Tpe::default().suggest(&asking, self.wanted.clone(), self.joint)
    }
}

/// The number of a trial that no case has.
const NEW: usize = 1 << 20;

#[test]
fn suggestions_are_optunas_from_the_history_to_the_acquisition() {
    let all = cases_of("suggest_cases");
    assert!(all.len() > 10);
    for case in all {
        let what = name(&case);
        let anatomy = Setup::of(&case).suggest(NEW);
        assert_eq!(anatomy.good_trials, whole(&case["below_used"]), "{what}");
        assert_eq!(anatomy.bad_trials, whole(&case["above_used"]), "{what}");
        check_mixture(&format!("{what}, l"), &anatomy.good, &case["below_mixture"]);
        check_mixture(&format!("{what}, g"), &anatomy.bad, &case["above_mixture"]);
        let candidates = columns(&case["candidates"], anatomy.wanted.iter().map(|(n, _)| n.clone()));
        let (l, g) = (anatomy.good.log_pdf(&candidates), anatomy.bad.log_pdf(&candidates));
        all_close(&format!("{what}: ln l"), &l, &numbers(&case["log_l"]), 0.0, 1e-9);
        all_close(&format!("{what}: ln g"), &g, &numbers(&case["log_g"]), 0.0, 1e-9);
        let acquisition: Vec<f64> = l.iter().zip(&g).map(|(l, g)| l - g).collect();
        all_close(&format!("{what}: acquisition"), &acquisition, &numbers(&case["acquisition"]), 0.0, 1e-9);
        let best = (0..acquisition.len()).rev().max_by(|&a, &b| acquisition[a].total_cmp(&acquisition[b]));
        assert_eq!(best, Some(number(&case["best_candidate"]) as usize), "{what}");
        // Ours, from its own candidates.
        let top = anatomy.acquisition.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        assert_eq!(anatomy.acquisition[anatomy.best], top, "{what}");
    }
}

/// Pearson's test: the p-value of counts under probabilities, with cells of few expected counts joined.
fn chi_square(counts: &[usize], probabilities: &[f64]) -> f64 {
    let n: usize = counts.iter().sum();
    let mut cells: Vec<(f64, f64)> = counts.iter().zip(probabilities).map(|(&c, p)| (p * n as f64, c as f64)).collect();
    cells.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut joined: Vec<(f64, f64)> = vec![(0.0, 0.0)];
    for (expected, found) in cells {
        let last = joined.last_mut().unwrap();
        if last.0 < 5.0 {
            *last = (last.0 + expected, last.1 + found);
        } else {
            joined.push((expected, found));
        }
    }
    if joined.len() > 1 && joined.last().unwrap().0 < 5.0 {
        let (expected, found) = joined.pop().unwrap();
        let last = joined.last_mut().unwrap();
        *last = (last.0 + expected, last.1 + found);
    }
    let chi2: f64 = joined.iter().map(|(e, f)| (f - e) * (f - e) / e).sum();
    let df = joined.len() as f64 - 1.0;
    if df == 0.0 {
        return 1.0;
    }
    // Wilson and Hilferty, 1931: the cube root is nearly normal.
    let z = ((chi2 / df).cbrt() - (1.0 - 2.0 / (9.0 * df))) / (2.0 / (9.0 * df)).sqrt();
    normal::log_cdf(-z).exp()
}

/// Reject below this, with some forty tests.
const P: f64 = 1e-4;
const DRAWS: usize = 20_000;

/// Where a point falls among the points or bins of a law.
fn cell(law: &Value, names: &[&str], is_log: bool, point: &[f64]) -> usize {
    if let Some(edges) = law["bin_edges"].as_array() {
        let scale = |x: f64| if is_log { x.ln() } else { x };
        let edges: Vec<f64> = edges.iter().map(number).collect();
        return edges[1..edges.len() - 1].partition_point(|e| scale(*e) <= scale(point[0]));
    }
    let columns: Vec<Vec<f64>> = names.iter().map(|n| numbers(&law["points"][*n])).collect();
    let same = |i: &usize| columns.iter().zip(point).all(|(c, x)| (c[*i] - x).abs() <= 1e-9 * x.abs().max(1.0));
    (0..columns[0].len()).find(same).unwrap_or_else(|| panic!("{point:?} is no point of the law"))
}

#[test]
fn draws_and_suggestions_follow_optunas_laws() {
    let all = cases_of("suggest_cases").into_iter().filter(|c| c["law"].is_object());
    for case in all {
        let (what, law) = (name(&case), &case["law"]);
        let setup = Setup::of(&case);
        let first = setup.suggest(NEW);
        let names: Vec<&str> = first.wanted.iter().map(|(n, _)| n.as_str()).collect();
        let is_log = matches!(*first.wanted[0].1, Distribution::Float { log: true, .. });
        let candidate = numbers(&law["candidate_probability"]);
        let suggestion = numbers(&law["suggestion_probability"]);
        let (mut drawn, mut suggested) = (vec![0; candidate.len()], vec![0; candidate.len()]);
        let mut random = Stream::new(3, Purpose::Suggest, 1, 2);
        for _ in 0..DRAWS {
            drawn[cell(law, &names, is_log, &first.good.sample(&mut random))] += 1;
        }
        let p = chi_square(&drawn, &candidate);
        assert!(p > P, "{what}: draws from l: p = {p:.1e}: {drawn:?}");
        for i in 0..DRAWS {
            let Anatomy { candidates, best, .. } = setup.suggest(NEW + i);
            let point: Vec<f64> = candidates.iter().map(|column| column[best]).collect();
            suggested[cell(law, &names, is_log, &point)] += 1;
        }
        let p = chi_square(&suggested, &suggestion);
        assert!(p > P, "{what}: suggestions: p = {p:.1e}: {suggested:?}");
    }
}

#[test]
fn tables_are_optunas() {
    let file = file();
    for (key, objectives) in [("n_below", 1), ("n_below_multi_objective", 2)] {
        for row in list(&file["tables"][key]) {
            let row = whole(row);
            assert_eq!(good_of(row[0], objectives), row[1], "{key} of {}", row[0]);
        }
    }
    for row in list(&file["tables"]["weights"]) {
        all_close("weights", &ramp(number(&row["n"]) as usize), &numbers(&row["weights"]), 1e-12, 0.0);
    }
}

#[test]
fn normal_masses_and_quantiles_are_those_optuna_should_have() {
    let file = file();
    for case in list(&file["normal_cases"]["log_gauss_mass"]) {
        let (a, b) = (number(&case["a"]), number(&case["b"]));
        close(&format!("ln mass of [{a}, {b}]"), normal::log_mass(a, b), number(&case["log_mass_exact"]), 1e-12, 0.0);
    }
    for case in list(&file["normal_cases"]["truncated_normal_quantile"]) {
        let [a, b, q] = ["a", "b", "q"].map(|k| number(&case[k]));
        let x = normal::truncated_quantile(a, b, q);
        close(&format!("quantile {q} of [{a}, {b}]"), x, number(&case["x_exact"]), 1e-9, 1e-12);
    }
}

#[test]
fn random_search_follows_optunas_laws() {
    for case in cases_of("random_sampler_cases") {
        let distribution = distribution(&case["search_space"][0]);
        let (points, law) = (numbers(&case["points"]), numbers(&case["probability"]));
        let mut counts = vec![0; points.len()];
        for number in 0..DRAWS {
            let asking = Asking { number, trials: &[], directions: &[Direction::Minimize], seed: 5, fixed: &[] };
            let x = Tpe::default().independent(&asking, 0, "x", &distribution);
            let near = |p: &f64| (p - x).abs() < 1e-9;
            counts[points.iter().position(near).unwrap_or_else(|| panic!("{x} is no value"))] += 1;
        }
        let p = chi_square(&counts, &law);
        assert!(p > P, "{}: p = {p:.1e}: {counts:?}", case["name"]);
    }
}

#[test]
fn joint_parameters_and_groups_are_optunas() {
    for case in cases_of("search_space_cases") {
        let any = Arc::new(Distribution::float(0.0, 1.0));
        let trial = |names: &Value| {
            let mut trial = FrozenTrial::new(State::Complete);
            for name in list(names) {
                let param = Param { internal: 0.5, distribution: Arc::clone(&any) };
                trial.params.insert(name.as_str().unwrap().into(), param);
            }
            Arc::new(trial)
        };
        let trials: Vec<_> = list(&case["trials"]).iter().map(trial).collect();
        let of = |wanted: &[Wanted]| wanted.iter().map(|(n, _)| n.clone()).collect::<Vec<_>>();
        assert_eq!(json!(of(&common(&trials))), case["intersection"]);
        let mut found: Vec<Vec<String>> = groups(&trials).iter().map(|g| of(g)).collect();
        found.sort();
        assert_eq!(json!(found), case["groups"]);
    }
}

#[test]
fn a_group_is_suggested_together_and_its_names_are_kept() {
    let case = cases_of("suggest_cases").into_iter().find(|c| c["multivariate"] == true).unwrap();
    let full = space(&case["full_search_space"]);
    let trials = trials(&case, &full);
    let asking = Asking { number: 1000, trials: &trials, directions: &directions(&case), seed: 0, fixed: &[] };
    for joint in [Joint::Common, Joint::Groups] {
        let tpe = Tpe { joint: Some(joint), ..Tpe::default() };
        let suggested: BTreeMap<_, _> = tpe.joint(&asking).into_iter().map(|(n, d, x)| (n, (d, x))).collect();
        assert_eq!(suggested.keys().collect::<Vec<_>>(), full.iter().map(|(n, _)| n).collect::<Vec<_>>());
        assert!(suggested.values().all(|(d, x)| d.contains(*x)));
    }
    let never = Tpe { joint: Some(Joint::Never), ..Tpe::default() };
    assert!(never.joint(&asking).is_empty());
}
