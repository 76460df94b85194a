//! Study files for tests: what Optuna reads from them, a study with every kind of record, and files that are not quite as usual.

use elbo::Result;
use elbo::search::json::{as_f64, number};
use elbo::search::sampler::Tpe;
use elbo::search::storage::{Op, Owner, Studies, StudyRecord};
use elbo::search::{Direction, FrozenTrial, Outcome, State, Storage, Study};
use elbo::search::{Distribution, Value};
use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A file that Optuna wrote.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/optuna").join(name)
}

/// All studies as `optuna_storage_oracle.py` dumps them; the first id is 0 in a journal and 1 in a database.
pub fn dump(studies: &Studies, first_id: usize) -> Json {
    let study = |(id, study): (usize, &StudyRecord)| {
        let trials: Vec<Json> = study.trials.iter().map(|t| dump_trial(t, first_id)).collect();
        json!({
            "study_id": id + first_id, "study_name": study.name,
            "directions": study.directions.iter().map(|d| d.name()).collect::<Vec<_>>(),
            "user_attrs": object(&study.user_attrs, safe), "system_attrs": object(&study.system_attrs, safe),
            "trials": trials,
        })
    };
    let there = studies.studies.iter().enumerate().filter_map(|(i, s)| Some((i, s.as_ref()?)));
    there.map(study).collect()
}

pub fn dump_trial(trial: &FrozenTrial, first_id: usize) -> Json {
    let time = |t: Option<Timestamp>| t.map(|t| t.strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00").to_string());
    let float = |x: &f64| safe(&number(*x));
    json!({
        "number": trial.number, "trial_id": trial.id + first_id, "state": trial.state.name(),
        "values": trial.values.as_ref().map(|v| v.iter().map(float).collect::<Vec<_>>()),
        "params": object(&trial.params, |p| safe(&p.value().to_json())),
        "params_internal": object(&trial.params, |p| float(&p.internal)),
        "distributions": object(&trial.params, |p| safe(&p.distribution.to_json())),
        "intermediate_values": object(&trial.reports, float),
        "user_attrs": object(&trial.user_attrs, safe), "system_attrs": object(&trial.system_attrs, safe),
        "constraints": object(&trial.constraints(), float),
        "datetime_start": time(trial.start), "datetime_complete": time(trial.complete),
    })
}

fn object<K: ToString, V>(map: &BTreeMap<K, V>, value: impl Fn(&V) -> Json) -> Json {
    Json::Object(map.iter().map(|(k, v)| (k.to_string(), value(v))).collect())
}

/// JSON with words for the numbers that are none.
fn safe(json: &Json) -> Json {
    match (json, as_f64(json)) {
        (_, Some(x)) if x.is_nan() => json!("nan"),
        (_, Some(f64::INFINITY)) => json!("inf"),
        (_, Some(f64::NEG_INFINITY)) => json!("-inf"),
        (Json::Array(list), _) => list.iter().map(safe).collect(),
        (Json::Object(map), _) => Json::Object(map.iter().map(|(k, v)| (k.clone(), safe(v))).collect::<Map<_, _>>()),
        _ => json.clone(),
    }
}

/// Panics at the first line that differs.
#[track_caller]
pub fn assert_same(ours: &Json, expected: &Json) {
    let [ours, expected] = [ours, expected].map(|json| serde_json::to_string_pretty(json).unwrap());
    let [ours, expected] = [&ours, &expected].map(|text| text.lines().collect::<Vec<_>>());
    if let Some(i) = (0..ours.len().max(expected.len())).find(|i| ours.get(*i) != expected.get(*i)) {
        panic!("{}\nexpected {:?}, found {:?}", ours[i.saturating_sub(20)..i].join("\n"), expected.get(i), ours.get(i));
    }
}

/// Writes studies with every kind of record through [`Study`], and checks that a reader sees what the writers knew.
pub fn write_everything(path: &Path) -> Result<Studies> {
    let open = || Storage::journal(path);
    let gone = Study::create(open()?, "gone", &[Direction::Minimize])?;
    for _ in 0..2 {
        let mut trial = gone.ask()?;
        trial.float("x", 0.0, 1.0)?;
        gone.tell(trial, Outcome::Complete(vec![0.5]))?;
    }
    let vae = Study::create(open()?, "vae, naïve 🦀", &[Direction::Minimize])?.sampler(Tpe::default()).seed(1);
    let two = Study::create(open()?, "two", &[Direction::Minimize, Direction::Maximize])?;
    open()?.transact(|studies| Ok((vec![Op::DeleteStudy { study: studies.find("gone").unwrap() }], ())))?;
    vae.set_attrs([
        (Owner::System, "study:metric_names", json!(["cv_loss"])),
        (Owner::User, "dataset", json!({"name": "mnist “1998”\n", "n": 60000, "odd": [number(f64::NAN), null, -0.0]})),
    ])?;
    vae.enqueue(&BTreeMap::from([("lr".into(), Value::Float(0.01)), ("act".into(), Value::None)]))?;
    for n in 0..16 {
        let mut trial = vae.ask()?;
        assert_eq!(trial.number, n);
        trial.log_float("lr", 1e-5, 1e-1)?;
        trial.int("epochs", 1, 20)?;
        trial.suggest("dropout", &Distribution::step_float(0.0, 0.5, 0.1))?;
        trial.suggest("latent", &Distribution::log_int(2, 64))?;
        trial.suggest("hidden", &Distribution::step_int(64, 512, 64))?;
        let choices = [
            Value::Text("relu".into()),
            Value::None,
            Value::Bool(true),
            Value::Int(3),
            Value::Float(1.5),
            "é\"".into(),
        ];
        if trial.categorical("act", choices)? == Value::Text("relu".into()) {
            trial.float("slope", 0.0, 1.0)?;
        }
        let folds = json!([n, 0.1 + 0.2, "naïve 🦀\n\u{7f}\u{2028}", {"a": {"b": number(f64::INFINITY)}}]);
        trial.set_attrs([("folds", folds)])?;
        trial.set_constraint("memory", if n == 5 { 1.0 } else { -0.5 })?;
        for (step, value) in [(0, 1.0), (10, f64::NAN), (11, f64::NEG_INFINITY), (1_000_000_007, 1e-300)] {
            trial.report(step, if n % 3 == 0 { 1.5 } else { value })?;
        }
        vae.tell(
            trial,
            match n {
                1 => Outcome::Pruned,
                2 => Outcome::Complete(vec![f64::INFINITY]),
                3 => Outcome::Complete(vec![f64::NAN]),
                4 => Outcome::Fail,
                _ => Outcome::Complete(vec![1.0 / (n as f64)]),
            },
        )?;
    }
    let bare = vae.ask()?;
    vae.tell(bare, Outcome::Pruned)?;
    let mut measured = FrozenTrial::new(State::Complete);
    (measured.start, measured.complete) = (Some(Timestamp::now()), Some(Timestamp::now()));
    measured.values = Some(vec![0.25]);
    measured.reports = BTreeMap::from([(0, 0.5), (10, f64::NAN)]);
    measured.user_attrs.insert("source".into(), json!("elsewhere"));
    let of = vae.trials()?[0].params["act"].clone();
    measured.params.insert("act".into(), of);
    vae.add(measured)?;
    vae.enqueue(&BTreeMap::from([("lr".into(), Value::Float(0.02))]))?;
    let mut running = vae.ask()?;
    running.log_float("lr", 1e-5, 1e-1)?;
    vae.enqueue(&BTreeMap::from([("lr".into(), Value::Float(0.03))]))?;

    for n in 0..3 {
        let mut trial = two.ask()?;
        let x = trial.float("x", 0.0, 1.0)?;
        two.tell(trial, Outcome::Complete(vec![x, if n == 1 { f64::NEG_INFINITY } else { 2.0 }]))?;
    }
    Study::create(open()?, "empty", &[Direction::Maximize])?;

    let written = open()?.studies().clone();
    for study in [&vae, &two] {
        let read = written.get(written.find(study.name()).unwrap()).unwrap();
        let known = study.trials()?;
        assert_eq!(known.len(), read.trials.len());
        for (known, read) in known.iter().zip(&read.trials) {
            assert_same(&dump_trial(known, 0), &dump_trial(read, 0));
        }
    }
    Ok(written)
}

/// How a journal begins that has a study with one finished and one running trial.
pub const BEGIN: &str = r#"{"op_code":0,"worker_id":"W","study_name":"s","directions":[1]}
{"op_code":4,"worker_id":"W","study_id":0,"datetime_start":"2026-01-31T12:00:00.000000+00:00"}
{"op_code":5,"worker_id":"W","trial_id":0,"param_name":"x","param_value_internal":0.5,"distribution":"{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": 0.0, \"high\": 1.0, \"log\": false}}"}
{"op_code":6,"worker_id":"W","trial_id":0,"state":1,"values":[0.5],"datetime_complete":"2026-01-31T12:01:00.000000+00:00"}
{"op_code":4,"worker_id":"W","study_id":0,"datetime_start":"2026-01-31T12:02:00.000000+00:00"}
"#;

/// Lines behind [`BEGIN`] that are read: what is unusual about them, and the lines.
pub const ACCEPTED: &[(&str, &str)] = &[
    ("an unfinished line", r#"{"op_code":8,"worker_id":"W","trial_id":1,"user_attr":{"a":"#),
    ("a whole line without its end", r#"{"op_code":8,"worker_id":"W","trial_id":1,"user_attr":{"a":1}}"#),
    ("a line end of Windows", "{\"op_code\":8,\"worker_id\":\"W\",\"trial_id\":1,\"user_attr\":{\"a\":1}}\r\n"),
    ("a byte order mark", "\u{feff}{\"op_code\":8,\"worker_id\":\"W\",\"trial_id\":1,\"user_attr\":{\"a\":1}}\n"),
    ("spaces", "  { \"op_code\" : 8, \"worker_id\":\"W\",\t\"trial_id\":1,\"user_attr\":{\"a\":[1 , NaN ]} } \n"),
    (
        "further fields",
        "{\"op_code\":7,\"worker_id\":\"W\",\"trial_id\":1,\"step\":0,\"intermediate_value\":1.0,\"x\":{}}\n",
    ),
    ("an op of other tools", "{\"op_code\":10,\"worker_id\":\"W\",\"anything\":[1]}\n"),
    (
        "numbers that are none",
        r#"{"op_code":7,"worker_id":"W","trial_id":1,"step":0,"intermediate_value":NaN}
{"op_code":7,"worker_id":"W","trial_id":1,"step":1,"intermediate_value":1e999}
{"op_code":7,"worker_id":"W","trial_id":1,"step":2,"intermediate_value":-1e999}
{"op_code":7,"worker_id":"W","trial_id":1,"step":3,"intermediate_value":-Infinity}
{"op_code":6,"worker_id":"W","trial_id":1,"state":1,"values":[Infinity],"datetime_complete":"2026-01-31T12:03:00.000000+00:00"}
"#,
    ),
    (
        "attributes of all kinds",
        r#"{"op_code":8,"worker_id":"W","trial_id":1,"user_attr":{"a":{"NaN":[NaN,-Infinity,{"b":null}],"c":"NaN, Infinity"}}}
{"op_code":9,"worker_id":"W","trial_id":1,"system_attr":{"":[true,1,1.0,1e3,-0.0,123456789012345678901234567890,""]}}
{"op_code":8,"worker_id":"W","trial_id":1,"user_attr":{"é\ud83e\udd80\n":"\u0000\u007f\\\""}}
{"op_code":2,"worker_id":"W","study_id":0,"user_attr":{"n":NaN}}
{"op_code":3,"worker_id":"W","study_id":0,"system_attr":{"n":null}}
"#,
    ),
    (
        "an attribute of the other owner beside it",
        r#"{"op_code":9,"worker_id":"W","trial_id":1,"system_attr":{"a":1},"user_attr":{"b":2}}
{"op_code":2,"worker_id":"W","study_id":0,"system_attr":{"a":1},"user_attr":{"b":2}}
"#,
    ),
    (
        "times in other forms",
        r#"{"op_code":4,"worker_id":"W","study_id":0,"datetime_start":"2026-01-31T12:00:00Z"}
{"op_code":4,"worker_id":"W","study_id":0,"datetime_start":"2026-01-31T12:00:00.123456789+09:00"}
{"op_code":4,"worker_id":"W","study_id":0,"datetime_start":"2026-01-31 12:00:00.5-0330"}
{"op_code":4,"worker_id":"W","study_id":0,"datetime_start":"2026-01-31T12:00:00.123456"}
{"op_code":4,"worker_id":"W","study_id":0,"datetime_start":null,"state":4}
"#,
    ),
    (
        "internal values in other forms",
        r#"{"op_code":5,"worker_id":"W","trial_id":1,"param_name":"x","param_value_internal":7.0,"distribution":"{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": 0.0, \"high\": 2.0, \"log\": false}}"}
{"op_code":5,"worker_id":"W","trial_id":1,"param_name":"i","param_value_internal":3,"distribution":"{\"name\": \"IntDistribution\", \"attributes\": {\"log\": false, \"step\": 1, \"low\": 1, \"high\": 20}}"}
{"op_code":5,"worker_id":"W","trial_id":1,"param_name":"j","param_value_internal":3.7,"distribution":"{\"name\": \"IntDistribution\", \"attributes\": {\"log\": false, \"step\": 3, \"low\": 1, \"high\": 20}}"}
{"op_code":5,"worker_id":"W","trial_id":1,"param_name":"c","param_value_internal":1.0,"distribution":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [NaN, Infinity, \"NaN\", 1, 1.0, true]}}"}
{"op_code":5,"worker_id":"W","trial_id":1,"param_name":"f","param_value_internal":Infinity,"distribution":"{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": 0.1, \"low\": 0.0, \"high\": 0.55, \"log\": false}}"}
"#,
    ),
    (
        "short distributions",
        r#"{"op_code":5,"worker_id":"W","trial_id":1,"param_name":"a","param_value_internal":1.0,"distribution":"{\"type\":\"float\",\"low\":1,\"high\":2,\"log\":true}"}
{"op_code":5,"worker_id":"W","trial_id":1,"param_name":"b","param_value_internal":1,"distribution":"{\"type\":\"int\",\"low\":1,\"high\":9,\"step\":4}"}
{"op_code":5,"worker_id":"W","trial_id":1,"param_name":"c","param_value_internal":1,"distribution":"{\"type\":\"categorical\",\"choices\":[null,\"x\"]}"}
"#,
    ),
    (
        "lines that break a rule",
        r#"{"op_code":0,"worker_id":"V","study_name":"s","directions":[2]}
{"op_code":1,"worker_id":"V","study_id":7}
{"op_code":2,"worker_id":"V","study_id":1,"user_attr":{"a":1}}
{"op_code":4,"worker_id":"V","study_id":1,"datetime_start":null}
{"op_code":6,"worker_id":"V","trial_id":1,"state":0,"values":null,"datetime_start":"2027-01-31T12:00:00.000000+00:00"}
{"op_code":6,"worker_id":"V","trial_id":0,"state":3,"values":null,"datetime_complete":"2027-01-31T12:00:00.000000+00:00"}
{"op_code":5,"worker_id":"V","trial_id":0,"param_name":"y","param_value_internal":0,"distribution":"{\"type\":\"int\",\"low\":0,\"high\":1}"}
{"op_code":5,"worker_id":"V","trial_id":1,"param_name":"x","param_value_internal":0,"distribution":"{\"type\":\"int\",\"low\":0,\"high\":1}"}
{"op_code":5,"worker_id":"V","trial_id":1,"param_name":"x","param_value_internal":1,"distribution":"{\"type\":\"float\",\"low\":1,\"high\":2,\"log\":true}"}
{"op_code":7,"worker_id":"V","trial_id":0,"step":0,"intermediate_value":1.0}
{"op_code":8,"worker_id":"V","trial_id":0,"user_attr":{"a":1}}
{"op_code":9,"worker_id":"V","trial_id":0,"system_attr":{"a":1}}
{"op_code":9,"worker_id":"V","trial_id":99,"system_attr":{"a":1}}
"#,
    ),
    (
        "places after a deleted study, and a name used again",
        r#"{"op_code":0,"worker_id":"W","study_name":"t","directions":[2,1]}
{"op_code":4,"worker_id":"W","study_id":1,"datetime_start":null,"state":4,"value":null,"values":null}
{"op_code":1,"worker_id":"W","study_id":0}
{"op_code":4,"worker_id":"V","study_id":0,"datetime_start":null}
{"op_code":0,"worker_id":"W","study_name":"s","directions":[1]}
{"op_code":4,"worker_id":"W","study_id":2,"datetime_start":"2026-01-31T12:00:00.000000+00:00"}
{"op_code":8,"worker_id":"W","trial_id":1,"user_attr":{"a":1}}
{"op_code":8,"worker_id":"W","trial_id":2,"user_attr":{"b":1}}
{"op_code":8,"worker_id":"W","trial_id":3,"user_attr":{"c":1}}
"#,
    ),
    (
        "a trial given back to the queue, and a second report at a step",
        r#"{"op_code":7,"worker_id":"W","trial_id":1,"step":5,"intermediate_value":1.0}
{"op_code":7,"worker_id":"W","trial_id":1,"step":5,"intermediate_value":2.0}
{"op_code":6,"worker_id":"W","trial_id":1,"state":4,"values":null}
{"op_code":6,"worker_id":"W","trial_id":1,"state":0,"values":null,"datetime_start":"2027-01-31T12:00:00.000000+00:00"}
{"op_code":6,"worker_id":"W","trial_id":1,"state":2,"values":null,"datetime_complete":"2027-01-31T12:00:00.000000+00:00"}
"#,
    ),
    (
        "a whole trial in one line",
        r#"{"op_code":4,"worker_id":"W","study_id":0,"datetime_start":"2026-01-31T12:00:00.000000+00:00","state":1,"value":null,"values":[1.5,-Infinity],"datetime_complete":"2026-01-31T12:00:00.000000+00:00","distributions":{"k":"{\"type\":\"int\",\"low\":0,\"high\":1}"},"params":{"k":1.0},"user_attrs":{"a":NaN},"system_attrs":{},"intermediate_values":{"0":NaN,"10":1.0}}
"#,
    ),
];

/// Lines behind [`BEGIN`] that are refused by us and Optuna alike: the line, and what we say of it.
pub const REFUSED: &[(&str, &str)] = &[
    ("", "expected a JSON object, found EOF while parsing a value at byte 0"),
    ("[1]", "expected a field worker_id, found [1]"),
    ("{}", "expected a field worker_id, found {}"),
    (
        r#"{"op_code":8,"worker_id":"W","trial_id":1,"user_attr{"op_code":10,"worker_id":"W"}"#,
        "expected a JSON object, found expected `:` at byte 55",
    ),
    (r#"{"op_code":11,"worker_id":"W"}"#, "expected an op_code from 0 to 10, found 11"),
    (r#"{"op_code":4,"study_id":0,"datetime_start":null}"#, "expected a field worker_id, found {"),
    (r#"{"op_code":1,"study_id":9}"#, "expected a field worker_id, found {"),
    (r#"{"op_code":4,"worker_id":"W","study_id":0}"#, "expected a field datetime_start, found {"),
    (r#"{"op_code":6,"worker_id":"W","trial_id":1,"state":3}"#, "expected a field datetime_complete, found {"),
    (
        r#"{"op_code":6,"worker_id":"W","trial_id":1,"state":3,"datetime_complete":"2026-01-31T12:00:00Z"}"#,
        "expected a field values, found {",
    ),
    (
        r#"{"op_code":6,"worker_id":"W","trial_id":1,"state":3,"values":null,"datetime_complete":null}"#,
        "expected a time in datetime_complete, found {",
    ),
    (r#"{"op_code":6,"worker_id":"W","trial_id":1,"state":5,"values":null}"#, "expected a state from 0 to 4, found {"),
    (
        r#"{"op_code":8,"worker_id":"W","trial_id":1,"user_attr":{"a":1,"b":2}}"#,
        "expected one key in user_attr, found {",
    ),
    (r#"{"op_code":8,"worker_id":"W","trial_id":1,"system_attr":{"a":1}}"#, "expected one key in user_attr, found {"),
    (r#"{"op_code":0,"worker_id":"W","study_name":"t","directions":[3]}"#, "expected directions of 1 or 2, found {"),
    (
        r#"{"op_code":5,"worker_id":"W","trial_id":1,"param_name":"k","param_value_internal":0,"distribution":{"type":"int","low":0,"high":1}}"#,
        "expected a distribution, as JSON inside text, found {\"high\":1,",
    ),
    (
        r#"{"op_code":5,"worker_id":"W","trial_id":1,"param_name":"k","param_value_internal":2,"distribution":"{\"type\":\"categorical\",\"choices\":[1,2]}"}"#,
        "expected an internal value of its distribution, found 2",
    ),
    (
        r#"{"op_code":4,"worker_id":"W","study_id":0,"datetime_start":null,"params":{"k":1}}"#,
        "expected k in distributions, found {",
    ),
    (
        r#"{"op_code":4,"worker_id":"W","study_id":0,"datetime_start":null,"value":1,"values":[1]}"#,
        "expected a value or values, found {",
    ),
    (
        r#"{"op_code":4,"worker_id":"W","study_id":0,"datetime_start":"yesterday"}"#,
        "expected a time in datetime_start, found {",
    ),
];
