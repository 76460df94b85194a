//! Study files: those of Optuna are read to the last field, and nothing that happens to a file loses a trial.
#![cfg(feature = "search")]

mod studies;

use elbo::search::sampler::Tpe;
use elbo::search::storage::{Effect, Op, Owner};
use elbo::search::{Direction, FrozenTrial, Outcome, State, Storage, Study, Value};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use studies::{ACCEPTED, BEGIN, REFUSED, assert_same, dump, fixture, write_everything};

fn expected(name: &str) -> Json {
    let text = fs::read_to_string(fixture(name)).unwrap();
    serde_json::from_str::<Json>(&text).unwrap()["studies"].take()
}

fn read(path: &Path) -> Json {
    dump(Storage::journal(path).unwrap().studies(), 0)
}

/// What is said of a journal, without its path. It must stay as it is.
fn refused(path: &Path, bytes: &[u8]) -> String {
    fs::write(path, bytes).unwrap();
    let said = Storage::journal(path).unwrap_err().to_string();
    assert!(!said.contains('\n'), "{said}");
    assert_eq!(fs::read(path).unwrap(), bytes);
    said.strip_prefix(&format!("{}: ", path.display())).unwrap_or_else(|| panic!("{said}")).into()
}

#[test]
fn optuna_journals_are_read_to_the_last_field() {
    assert_same(&read(&fixture("journal_sample.log")), &expected("journal_sample.expected.json"));
}

#[test]
fn optuna_studies_survive_a_copy() {
    let dir = tempfile::tempdir().unwrap();
    let everything = write_everything(&dir.path().join("a.journal")).unwrap();
    let mut copy = Storage::journal(&dir.path().join("b.journal")).unwrap();
    copy.copy(&everything).unwrap();
    assert_same(&dump(copy.studies(), 0), &renumbered(dump(&everything, 0)));
    assert_same(&read(&copy.path().unwrap()), &dump(copy.studies(), 0));
    // Into a storage with studies of its own, behind them.
    let mut memory = Storage::in_memory();
    let own = Op::CreateStudy { name: "own".into(), directions: vec![Direction::Minimize] };
    let trial = Op::CreateTrial { study: 0, trial: Box::new(FrozenTrial::new(State::Waiting)) };
    memory.transact(|_| Ok((vec![own, trial], ()))).unwrap();
    memory.copy(&everything).unwrap();
    let (all, alone) = (dump(memory.studies(), 0), dump(copy.studies(), 0));
    for (here, there) in all.as_array().unwrap()[1..].iter().zip(alone.as_array().unwrap()) {
        assert_eq!(here["study_id"], json!(there["study_id"].as_u64().unwrap() + 1));
        assert_eq!(here["user_attrs"], there["user_attrs"]);
        assert_eq!(here["trials"].as_array().unwrap().len(), there["trials"].as_array().unwrap().len());
    }
    let twice = memory.copy(&everything).unwrap_err().to_string();
    assert!(twice.ends_with("a study named vae, naïve 🦀 is there already"), "{twice}");
    assert_eq!(dump(memory.studies(), 0), all);
}

/// Dumped studies with ids that have no gaps.
fn renumbered(mut studies: Json) -> Json {
    let studies_list = studies.as_array_mut().unwrap();
    let trials = |s: &Json| s["trials"].as_array().unwrap().clone();
    let mut ids: Vec<u64> = studies_list.iter().flat_map(trials).map(|t| t["trial_id"].as_u64().unwrap()).collect();
    ids.sort_unstable();
    for (i, study) in studies_list.iter_mut().enumerate() {
        study["study_id"] = json!(i);
        for trial in study["trials"].as_array_mut().unwrap() {
            let id = ids.binary_search(&trial["trial_id"].as_u64().unwrap()).unwrap();
            trial["trial_id"] = json!(id);
        }
    }
    studies
}

#[test]
fn unusual_lines_that_optuna_reads_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    for (what, lines) in ACCEPTED {
        fs::write(&path, format!("{BEGIN}{lines}")).unwrap();
        let mut storage = Storage::journal(&path).unwrap_or_else(|e| panic!("{what}: {e}"));
        // What a second reader sees after an append is the same, and more.
        let op = Op::StudyAttr { study: 0, owner: Owner::User, key: "more".into(), value: json!(1) };
        storage.transact(|_| Ok((vec![op], ()))).unwrap();
        assert_eq!(read(&path), dump(storage.studies(), 0), "{what}");
    }
}

/// The dump of a journal that is [`BEGIN`] and the lines of this name.
fn accepted(what: &str) -> Json {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    let (_, lines) = ACCEPTED.iter().find(|(name, _)| *name == what).unwrap();
    fs::write(&path, format!("{BEGIN}{lines}")).unwrap();
    read(&path)
}

#[test]
fn optuna_lines_that_break_a_rule_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("journal"), BEGIN).unwrap();
    assert_eq!(accepted("lines that break a rule"), read(&dir.path().join("journal")));
    assert_eq!(accepted("an unfinished line"), read(&dir.path().join("journal")));
}

#[test]
fn optuna_ids_are_places_and_deleted_studies_keep_theirs() {
    let studies = accepted("places after a deleted study, and a name used again");
    let ids = |s: &Json| [s["study_id"].clone(), s["study_name"].clone()];
    assert_eq!(
        studies.as_array().unwrap().iter().map(ids).collect::<Vec<_>>(),
        [[json!(1), json!("t")], [json!(2), json!("s")]]
    );
    let [waiting, running] = [&studies[0]["trials"][0], &studies[1]["trials"][0]];
    assert_eq!(
        (&waiting["trial_id"], &waiting["number"], &waiting["user_attrs"]),
        (&json!(2), &json!(0), &json!({"b": 1}))
    );
    assert_eq!(
        (&running["trial_id"], &running["number"], &running["user_attrs"]),
        (&json!(3), &json!(0), &json!({"c": 1}))
    );
}

#[test]
fn optuna_times_and_numbers_are_read_in_all_their_forms() {
    let studies = accepted("times in other forms");
    let start = |i: usize| studies[0]["trials"][i]["datetime_start"].as_str().unwrap().to_string();
    assert_eq!(start(2), "2026-01-31T12:00:00.000000+00:00");
    assert_eq!(start(3), "2026-01-31T03:00:00.123456+00:00");
    assert_eq!(start(4), "2026-01-31T15:30:00.500000+00:00");
    let studies = accepted("numbers that are none");
    let trial = &studies[0]["trials"][1];
    assert_eq!(trial["intermediate_values"], json!({"0": "nan", "1": "inf", "2": "-inf", "3": "-inf"}));
    assert_eq!(trial["values"], json!(["inf"]));
    let studies = accepted("internal values in other forms");
    let trial = &studies[0]["trials"][1];
    assert_eq!(trial["params"], json!({"x": 7.0, "i": 3, "j": 3, "c": "inf", "f": "inf"}));
    assert_eq!(trial["distributions"]["f"]["attributes"]["high"], json!(0.5));
}

#[test]
fn optuna_times_without_offset_are_local() {
    // The zone of a process is that of its environment: this test runs itself in another one.
    if std::env::var("TZ").is_ok_and(|zone| zone == "JST-9") {
        let studies = accepted("times in other forms");
        assert_eq!(studies[0]["trials"][5]["datetime_start"], "2026-01-31T03:00:00.123456+00:00");
        #[cfg(feature = "sqlite")]
        sqlite::times_of_old_databases_are_local();
        return;
    }
    let me = std::env::current_exe().unwrap();
    let output =
        Command::new(me).args(["--exact", "optuna_times_without_offset_are_local"]).env("TZ", "JST-9").output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}

#[test]
fn optuna_distributions_of_old_are_read_as_those_of_today() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    let cases = [
        (r#"{"name":"UniformDistribution","attributes":{"low":1,"high":2}}"#, "float [1, 2]"),
        (r#"{"name":"LogUniformDistribution","attributes":{"low":1,"high":2}}"#, "float [1, 2], log"),
        (
            r#"{"name":"DiscreteUniformDistribution","attributes":{"low":1,"high":2.2,"q":0.5}}"#,
            "float [1, 2], step 0.5",
        ),
        (r#"{"name":"IntUniformDistribution","attributes":{"low":1,"high":9,"step":4}}"#, "int [1, 9], step 4"),
        (r#"{"name":"IntLogUniformDistribution","attributes":{"low":1,"high":9,"step":1}}"#, "int [1, 9], log"),
    ];
    for (json, meant) in cases {
        let text = json!(json);
        let line = format!(
            r#"{{"op_code":5,"worker_id":"W","trial_id":1,"param_name":"p","param_value_internal":1.0,"distribution":{text}}}"#
        );
        fs::write(&path, format!("{BEGIN}{line}\n")).unwrap();
        let storage = Storage::journal(&path).unwrap();
        assert_eq!(storage.studies().trial(1).unwrap().params["p"].distribution.to_string(), meant);
    }
}

#[test]
fn a_damaged_line_of_an_optuna_journal_is_named_and_the_file_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    for (line, said) in REFUSED {
        let found = refused(&path, format!("{BEGIN}{line}\n{BEGIN}").as_bytes());
        assert!(found.starts_with(&format!("line 6: {said}")), "{line}: {found}");
    }
    for bytes in [&b"\xff\n"[..], b"{\"op_code\":10,\"worker_id\":\"\xc3(\"}\n"] {
        let found = refused(&path, &[BEGIN.as_bytes(), bytes].concat());
        assert!(found.starts_with("line 6: expected UTF-8, found invalid utf-8 sequence of 1 bytes "), "{found}");
    }
    // A reader that came so far says the same again and again.
    fs::write(&path, BEGIN).unwrap();
    let mut storage = Storage::journal(&path).unwrap();
    fs::write(&path, format!("{BEGIN}\n")).unwrap();
    for _ in 0..2 {
        assert!(storage.sync().unwrap_err().to_string().contains("line 6: "));
        assert!(storage.transact(|_| Ok((vec![Op::Skip], ()))).is_err());
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{BEGIN}\n"));
}

#[test]
fn a_file_of_something_else_is_no_optuna_journal() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    assert_eq!(refused(&path, b"hello"), r#"file: expected a journal of studies, found "hello"…"#);
    assert!(refused(&path, b"{\"op\":1}").starts_with("file: expected a journal of studies, found \"{\\\"op\\\":1"));
    assert!(refused(&path, b"hello\n").starts_with("line 1: expected a JSON object, found expected value at byte 1"));
    assert!(refused(&path, b"\x89PNG\r\n\x1a\n").starts_with("line 1: expected UTF-8, found "));
    let said = Storage::journal(dir.path()).unwrap_err().to_string();
    assert!(said.starts_with(&dir.path().display().to_string()) && !said.contains('\n'), "{said}");
    let said = Storage::journal(Path::new("/no/such/folder/a.journal")).unwrap_err().to_string();
    assert!(said.starts_with("/no/such/folder/a.journal: "), "{said}");
}

#[test]
fn an_optuna_journal_that_became_shorter_is_not_written_to() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    fs::write(&path, BEGIN).unwrap();
    let mut storage = Storage::journal(&path).unwrap();
    fs::write(&path, "").unwrap();
    let said = storage.transact(|_| Ok((vec![Op::Skip], ()))).unwrap_err().to_string();
    assert_eq!(
        said,
        format!("{}: length: expected at least {} bytes, as before, found 0", path.display(), BEGIN.len())
    );
    fs::remove_file(&path).unwrap();
    assert!(storage.transact(|_| Ok((vec![Op::Skip], ()))).is_err());
    assert!(!path.exists());
}

#[test]
fn a_torn_tail_of_an_optuna_journal_is_cut_off_before_the_next_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    let whole = fs::read(fixture("journal_sample.log")).unwrap();
    let last = whole[..whole.len() - 1].iter().rposition(|b| *b == b'\n').unwrap() + 1;
    fs::write(&path, &whole[..last]).unwrap();
    let before = read(&path);
    let ended = expected("journal_sample.expected.json");
    assert_ne!(before, ended);
    for cut in last..=whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let known = if cut == whole.len() { &ended } else { &before };
        let mut storage = Storage::journal(&path).unwrap();
        assert_eq!(&dump(storage.studies(), 0), known, "cut at {cut}");
        assert_eq!(fs::read(&path).unwrap(), &whole[..cut], "reading changes nothing");
        let name = || "after".to_string();
        let op = Op::CreateStudy { name: name(), directions: vec![Direction::Minimize] };
        let (effects, ()) = storage.transact(|_| Ok((vec![op], ()))).unwrap();
        let Effect::Created(place) = effects[0] else { panic!("{effects:?}") };
        let again = Storage::journal(&path).unwrap();
        assert_eq!(again.studies().find(&name()), Some(place));
        assert_eq!(dump(again.studies(), 0), dump(storage.studies(), 0));
        let all = dump(again.studies(), 0);
        assert_eq!(&all.as_array().unwrap()[..place - 1], known.as_array().unwrap(), "one study was deleted");
    }
}

#[test]
fn a_name_that_is_taken_makes_no_optuna_study() {
    let dir = tempfile::tempdir().unwrap();
    let mut storage = Storage::journal(&dir.path().join("journal")).unwrap();
    let create = |name: &str| Op::CreateStudy { name: name.into(), directions: vec![Direction::Minimize] };
    let (effects, ()) = storage.transact(|_| Ok((vec![create("a"), create("a"), create("b")], ()))).unwrap();
    assert_eq!(effects, [Effect::Created(0), Effect::Ignored, Effect::Created(1)]);
    let said = Study::create(storage, "a", &[Direction::Minimize]).err().unwrap().to_string();
    assert!(said.ends_with("a study named a is there already"), "{said}");
}

#[test]
fn optuna_trials_of_several_workers_are_numbered_without_gaps_and_none_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    let (workers, each, queued) = (3, 30, 20);
    let study = Study::create(Storage::journal(&path).unwrap(), "s", &[Direction::Minimize]).unwrap();
    for i in 0..queued {
        study.enqueue(&BTreeMap::from([("x".to_string(), Value::Float(f64::from(i)))])).unwrap();
    }
    let work = |worker: usize| {
        let storage = Storage::journal(&path).unwrap();
        let study = Study::open(storage, "s").unwrap().sampler(Tpe::default()).seed(worker as u64);
        let run = |_| {
            let mut trial = study.ask().unwrap();
            let x = trial.float("x", 0.0, 100.0).unwrap();
            trial.report(0, x).unwrap();
            let number = trial.number;
            study.tell(trial, Outcome::Complete(vec![x])).unwrap();
            number
        };
        (0..each).map(run).collect::<Vec<_>>()
    };
    let mut numbers: Vec<usize> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|w| scope.spawn(move || work(w))).collect();
        threads.into_iter().flat_map(|t| t.join().unwrap()).collect()
    });
    numbers.sort_unstable();
    assert_eq!(numbers, (0..workers * each).collect::<Vec<_>>(), "each was run once");
    let trials = study.trials().unwrap();
    assert_eq!(trials.len(), workers * each);
    for (n, trial) in trials.iter().enumerate() {
        assert_eq!((trial.number, trial.id, trial.state), (n, n, State::Complete));
        assert_eq!(trial.reports[&0], trial.value().unwrap());
        if n < queued as usize {
            assert_eq!(trial.value(), Some(n as f64), "the queue comes first, with its values");
        }
    }
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["journal"], "no lock stays behind");
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use super::*;
    use elbo::search::storage::Studies;
    use elbo::search::storage::sqlite::{export, import};
    use rusqlite::Connection;

    #[test]
    fn optuna_databases_are_read_to_the_last_field() {
        let studies = import(&fixture("sqlite_sample.db")).unwrap();
        assert_same(&dump(&studies, 0), &renumbered(expected("sqlite_sample.expected.json")));
    }

    #[test]
    fn optuna_studies_survive_the_way_through_a_database() {
        let dir = tempfile::tempdir().unwrap();
        let everything = write_everything(&dir.path().join("a.journal")).unwrap();
        let sample = Storage::journal(&fixture("journal_sample.log")).unwrap();
        for (i, studies) in [&everything, sample.studies(), &Studies::default()].into_iter().enumerate() {
            let database = dir.path().join(format!("{i}.db"));
            export(studies, &database).unwrap();
            let read_back = import(&database).unwrap();
            assert_same(&dump(&read_back, 0), &renumbered(dump(studies, 0)));
            let mut journal = Storage::journal(&dir.path().join(format!("{i}.journal"))).unwrap();
            journal.copy(&read_back).unwrap();
            assert_same(&read(&journal.path().unwrap()), &renumbered(dump(studies, 0)));
        }
    }

    /// The statements that made a database, spaces aside.
    fn schema(path: &Path) -> Vec<String> {
        let db = Connection::open(path).unwrap();
        let mut statement = db.prepare("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid").unwrap();
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.map(|sql| sql.unwrap().split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn a_database_has_the_tables_and_versions_that_optuna_makes() {
        let dir = tempfile::tempdir().unwrap();
        let (ours, theirs) = (dir.path().join("a.db"), dir.path().join("b.db"));
        fs::copy(fixture("sqlite_sample.db"), &theirs).unwrap();
        export(&import(&theirs).unwrap(), &ours).unwrap();
        assert_eq!(schema(&ours), schema(&theirs));
        let all = |path: &Path, table: &str| -> Vec<String> {
            let db = Connection::open(path).unwrap();
            let mut statement = db.prepare(&format!("SELECT * FROM {table}")).unwrap();
            let columns = statement.column_count();
            let show = |row: &rusqlite::Row| Ok((0..columns).map(|i| format!("{:?} ", row.get_ref(i))).collect());
            statement.query_map([], show).unwrap().map(|row| row.unwrap()).collect()
        };
        for table in ["alembic_version", "version_info", "trial_heartbeats"] {
            assert_eq!(all(&ours, table), all(&theirs, table));
        }
        let times = |path: &Path| -> Vec<String> {
            let db = Connection::open(path).unwrap();
            let mut statement =
                db.prepare("SELECT datetime_start || datetime_complete FROM trials WHERE state = 'COMPLETE'");
            let rows = statement.as_mut().unwrap().query_map([], |row| row.get(0)).unwrap();
            rows.map(|row| row.unwrap()).collect()
        };
        assert_eq!(times(&ours), times(&theirs));
    }

    #[test]
    fn a_file_that_is_there_is_not_replaced_by_an_optuna_database() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        fs::write(&path, "precious").unwrap();
        let said = export(&Studies::default(), &path).unwrap_err().to_string();
        assert_eq!(said, format!("{} is there already; choose another name", path.display()));
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
        let nan = format!(
            "{BEGIN}{}\n",
            r#"{"op_code":6,"worker_id":"W","trial_id":1,"state":2,"values":[NaN],"datetime_complete":"2026-01-31T12:00:00Z"}"#
        );
        fs::write(dir.path().join("journal"), nan).unwrap();
        let storage = Storage::journal(&dir.path().join("journal")).unwrap();
        let said = export(storage.studies(), &dir.path().join("b.db")).unwrap_err().to_string();
        assert!(said.ends_with("b.db: study s, trial 1: parameters and values: expected numbers, found NaN"), "{said}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "nothing else was left");
    }

    /// What is said of a database that was changed by these statements, without its path.
    fn damaged(sql: &str) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        fs::copy(fixture("sqlite_sample.db"), &path).unwrap();
        Connection::open(&path).unwrap().execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}")).unwrap();
        let before = fs::read(&path).unwrap();
        let said = import(&path).unwrap_err().to_string();
        assert_eq!(fs::read(&path).unwrap(), before);
        assert!(!said.contains('\n'), "{said}");
        said.strip_prefix(&format!("{}: ", path.display())).unwrap_or_else(|| panic!("{said}")).into()
    }

    #[test]
    fn what_is_wrong_in_an_optuna_database_is_named() {
        let cases = [
            (
                "UPDATE alembic_version SET version_num = 'v3.0.0.d'",
                r#"alembic_version "v3.0.0.d": version_num: expected v3.2.0.a, as in Optuna 3.2 to 5, found "v3.0.0.d""#,
            ),
            ("DELETE FROM alembic_version", "alembic_version: expected a row, found none"),
            ("DELETE FROM version_info", "version_info: expected a row, found none"),
            (
                "UPDATE version_info SET library_version = 'x'",
                r#"version_info 1: library_version: expected a version, found "x""#,
            ),
            (
                "DROP TABLE trial_params",
                "trial_params: expected a table as Optuna makes it, found no such table: trial_params",
            ),
            (
                "UPDATE trials SET state = 'DONE' WHERE trial_id = 3",
                r#"trials 3: state: expected the state of a trial, found "DONE""#,
            ),
            ("DELETE FROM trials WHERE trial_id = 4", "trials 5: number: expected 1, found 2"),
            (
                "UPDATE trials SET datetime_start = 'noon' WHERE trial_id = 3",
                r#"trials 3: datetime_start: expected a time, found "noon""#,
            ),
            (
                "DELETE FROM study_directions WHERE study_id = 4",
                "studies 4: directions: expected one an objective, found none",
            ),
            (
                "DELETE FROM study_directions WHERE objective = 0 AND study_id = 3",
                "studies 3: objectives: expected 0, 1, …, found [1]",
            ),
            (
                "UPDATE study_directions SET direction = 'NOT_SET' WHERE study_direction_id = 2",
                r#"study_directions 2: direction: expected MINIMIZE or MAXIMIZE, found "NOT_SET""#,
            ),
            (
                "DELETE FROM trial_values WHERE objective = 0 AND trial_id = 16",
                "trials 16: objectives: expected 0, 1, …, found [1]",
            ),
            (
                "UPDATE trial_values SET value = NULL WHERE trial_value_id = 3",
                "trial_values 3: value: expected a number, found NULL",
            ),
            (
                "UPDATE trial_values SET value_type = 'BIG' WHERE trial_value_id = 3",
                r#"trial_values 3: value_type: expected FINITE, INF_POS, INF_NEG or NAN, found "BIG""#,
            ),
            (
                "UPDATE trial_intermediate_values SET step = -1 WHERE trial_intermediate_value_id = 1",
                "trial_intermediate_values 1: step: expected a whole number from 0, found -1",
            ),
            (
                "UPDATE trial_params SET distribution_json = '{}' WHERE param_id = 3",
                r#"trial_params 3: distribution_json: expected a distribution, found "{}""#,
            ),
            (
                "UPDATE trial_params SET param_value = 9 WHERE param_id = 4",
                "trial_params 4: param_value: expected an internal value of its distribution, found 9",
            ),
            (
                "UPDATE trial_user_attributes SET value_json = x'ff' WHERE trial_user_attribute_id = 1",
                "trial_user_attributes 1: value_json: expected JSON, found bytes",
            ),
        ];
        for (sql, said) in cases {
            assert_eq!(damaged(sql), said, "{sql}");
        }
    }

    #[test]
    fn a_file_of_something_else_is_no_optuna_database() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        let said = |path: &Path| import(path).unwrap_err().to_string();
        assert!(said(&path).starts_with(&format!("{}: No such file", path.display())));
        assert!(!path.exists());
        fs::write(&path, BEGIN).unwrap();
        assert!(said(&path).ends_with("file: expected an intact SQLite database, found file is not a database"));
        fs::write(&path, "").unwrap();
        assert!(said(&path).contains("alembic_version: expected a table as Optuna makes it, found no such table"));
        let whole = fs::read(fixture("sqlite_sample.db")).unwrap();
        for part in [100, 4096, whole.len() / 2, whole.len() - 4096] {
            fs::write(&path, &whole[..part]).unwrap();
            let said = said(&path);
            assert!(said.contains(": expected an intact SQLite database, found ") && !said.contains('\n'), "{said}");
        }
    }

    #[test]
    fn a_damaged_byte_of_an_optuna_database_never_makes_a_panic() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        let whole = fs::read(fixture("sqlite_sample.db")).unwrap();
        let (mut read, mut refused) = (0, 0);
        for at in (0..whole.len()).step_by(151) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x41;
            fs::write(&path, bytes).unwrap();
            match import(&path) {
                Ok(_) => read += 1,
                Err(e) => {
                    refused += 1;
                    assert!(
                        e.to_string().starts_with(&path.display().to_string()) && !e.to_string().contains('\n'),
                        "{e}"
                    );
                }
            }
        }
        // Most of the file is empty or text; the skeleton is noticed.
        assert!(read > 0 && refused > 20, "{read} {refused}");
    }

    /// Called in a process whose zone is nine hours before UTC.
    pub fn times_of_old_databases_are_local() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        let start = |path: &Path| studies::dump(&import(path).unwrap(), 0)[0]["trials"][0]["datetime_start"].clone();
        fs::copy(fixture("sqlite_sample.db"), &path).unwrap();
        assert_eq!(start(&path), "2026-11-21T09:21:14.060336+00:00");
        Connection::open(&path).unwrap().execute("UPDATE version_info SET library_version = '4.8.0'", []).unwrap();
        assert_eq!(start(&path), "2026-11-21T00:21:14.060336+00:00");
    }
}

#[test]
fn a_study_that_cannot_be_searched_says_why_and_hides_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    for (distribution, why) in [
        (
            r#"{"name":"IntDistribution","attributes":{"low":0,"high":1152921504606846976,"step":1,"log":false}}"#,
            "within ±2^53",
        ),
        (
            r#"{"name":"IntDistribution","attributes":{"low":2,"high":1,"step":1,"log":false}}"#,
            "whole bounds low ≤ high",
        ),
        (
            r#"{"name":"FloatDistribution","attributes":{"low":-1.5e308,"high":1.5e308}}"#,
            "a range whose width is a number",
        ),
        (r#"{"name":"FloatDistribution","attributes":{"low":0,"high":1,"step":1e-300}}"#, "at most 2^53 steps"),
        (
            r#"{"name":"FloatDistribution","attributes":{"low":0,"high":1e-310,"step":5e-324}}"#,
            "a positive step of at least 2.3e-308",
        ),
    ] {
        let text = json!(distribution);
        let set = format!(
            r#"{{"op_code":5,"worker_id":"W","trial_id":1,"param_name":"p","param_value_internal":1.0,"distribution":{text}}}"#
        );
        let created = format!(
            r#"{{"op_code":4,"worker_id":"W","study_id":0,"datetime_start":null,"params":{{"p":1.0}},"distributions":{{"p":{text}}}}}"#
        );
        for line in [set, created] {
            let other = r#"{"op_code":0,"worker_id":"W","study_name":"other","directions":[2]}"#;
            let trial = r#"{"op_code":4,"worker_id":"W","study_id":1,"datetime_start":null}"#;
            fs::write(&path, format!("{BEGIN}{line}\n{other}\n{trial}\n")).unwrap();
            let error =
                Study::open(Storage::journal(&path).unwrap(), "s").err().expect("it cannot be searched").to_string();
            assert!(
                error.contains("study s: parameter p: expected a distribution of ") && error.contains(why),
                "{error}"
            );
            let study = Study::open(Storage::journal(&path).unwrap(), "other").unwrap();
            study.tell(study.take_up(0).unwrap(), Outcome::Complete(vec![1.0])).unwrap();
            let mut memory = Storage::in_memory();
            let error = memory.copy(Storage::journal(&path).unwrap().studies()).unwrap_err().to_string();
            assert!(error.starts_with("study s: ") && memory.studies().studies.is_empty(), "{error}");
        }
    }
}

#[test]
fn choices_may_be_any_json_and_whole_numbers_of_any_length_stay() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    let choices = r#"{"name":"CategoricalDistribution","attributes":{"choices":[[1,2],{"a":null},123456789012345678901,18446744073709551615,"x"]}}"#;
    let text = json!(choices);
    let set = |place: usize| {
        format!(
            r#"{{"op_code":5,"worker_id":"W","trial_id":1,"param_name":"p","param_value_internal":{place},"distribution":{text}}}"#
        )
    };
    let attr = r#"{"op_code":8,"worker_id":"W","trial_id":1,"user_attr":{"n":-123456789012345678901,"\ud800":0}}"#
        .replace(r#","\ud800":0"#, "");
    let half = r#"{"op_code":8,"worker_id":"W","trial_id":1,"user_attr":{"half":"\ud800"}}"#;
    fs::write(&path, format!("{BEGIN}{}\n{attr}\n{half}\n", set(2))).unwrap();
    let storage = Storage::journal(&path).unwrap();
    let trial = storage.studies().trial(1).unwrap();
    assert_eq!(trial.params["p"].value().to_string(), "123456789012345678901");
    assert_eq!(format!("{:?}", trial.params), r#"{"p": 123456789012345678901}"#);
    assert_eq!(trial.params["p"].distribution.to_string().matches('[').count(), 1);
    let mut copy = Storage::journal(&dir.path().join("copy")).unwrap();
    copy.copy(storage.studies()).unwrap();
    let written = fs::read_to_string(dir.path().join("copy")).unwrap();
    for kept in ["-123456789012345678901", r#""half":"\ud800""#, "18446744073709551615", r#"{\"a\":null}"#] {
        assert!(written.contains(kept), "{kept}: {written}");
    }
    assert_same(&read(&dir.path().join("copy")), &dump(storage.studies(), 0));
}
