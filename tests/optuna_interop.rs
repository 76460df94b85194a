//! Optuna itself opens, continues and shares the studies that we write. `ELBO_PYTHON` names an interpreter that has Optuna 5, else it
//! is `python3`; where that has none, these tests say so and are skipped.
#![cfg(feature = "search")]

mod studies;

use elbo::search::sampler::Tpe;
use elbo::search::storage::{Op, Owner};
use elbo::search::{Direction, Outcome, State, Storage, Study, Value};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;
use studies::{ACCEPTED, BEGIN, REFUSED, assert_same, dump, fixture, write_everything};

/// The interpreter, if it has Optuna.
static PYTHON: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    let python = PathBuf::from(std::env::var_os("ELBO_PYTHON").unwrap_or_else(|| "python3".into()));
    let check = ["-c", "import optuna; assert optuna.__version__.startswith('5.')"];
    let found = Command::new(&python).args(check).output().is_ok_and(|output| output.status.success());
    if !found {
        eprintln!("skipped: {} has no Optuna 5; ELBO_PYTHON may name one that has", python.display());
    }
    found.then_some(python)
});

fn python(args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Option<Command> {
    let mut command = Command::new(PYTHON.as_ref()?);
    // No compiled files beside the script.
    command.arg("-B").args(args);
    Some(command)
}

/// What a command says, as JSON. It must succeed.
fn said(mut command: Command) -> Json {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    // Whole numbers of any length.
    elbo::search::json::read(std::str::from_utf8(&output.stdout).unwrap()).unwrap()
}

/// A command of `optuna_storage_oracle.py`.
fn oracle(args: &[&str]) -> Option<Command> {
    python([fixture("optuna_storage_oracle.py").to_str().unwrap()].iter().chain(args))
}

fn optuna_dump(storage: &str) -> Json {
    said(oracle(&["dump", storage]).expect("asked before"))
}

/// What Optuna reads from each of these journals: studies, or an error.
fn optuna_dumps(paths: &[PathBuf]) -> Vec<Json> {
    const SCRIPT: &str = "
import json, sys
sys.path.insert(0, sys.argv[1])
import optuna_storage_oracle as oracle
def read(path):
    try:
        return {'studies': oracle.safe(oracle.dump(oracle.open_storage(path)))}
    except Exception as error:
        return {'error': repr(error)}
print(json.dumps([read(path) for path in sys.argv[2:]], allow_nan=False))";
    let mut command = python(["-c", SCRIPT]).expect("asked before");
    command.arg(fixture("")).args(paths);
    said(command).as_array_mut().unwrap().split_off(0)
}

fn read(path: &Path) -> Json {
    dump(Storage::journal(path).unwrap().studies(), 0)
}

/// A folder for a journal, if there is an Optuna to read it.
fn journal() -> Option<(tempfile::TempDir, PathBuf)> {
    PYTHON.as_ref()?;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("studies.journal");
    Some((dir, path))
}

#[test]
fn optuna_reads_all_that_we_write() {
    let Some((_dir, path)) = journal() else { return };
    let studies = write_everything(&path).unwrap();
    assert_same(&optuna_dump(path.to_str().unwrap()), &dump(&studies, 0));
    let shown = said(oracle(&["dashboard", path.to_str().unwrap()]).unwrap());
    let counts: BTreeMap<&str, u64> = shown.as_array().unwrap().iter().map(count).collect();
    assert_eq!(counts, BTreeMap::from([("vae, naïve 🦀", 20), ("two", 3), ("empty", 0)]));
}

/// What the dashboard says of a study.
fn count(study: &Json) -> (&str, u64) {
    (study["study_name"].as_str().unwrap(), study["n_trials"].as_u64().unwrap())
}

#[cfg(feature = "sqlite")]
#[test]
fn optuna_reads_and_continues_our_databases() {
    use elbo::search::storage::sqlite::{export, import};
    let Some((dir, path)) = journal() else { return };
    let studies = write_everything(&path).unwrap();
    let database = dir.path().join("studies.db");
    let url = format!("sqlite:///{}", database.display());
    export(&studies, &database).unwrap();
    let written = fs::read(&database).unwrap();
    assert_same(&optuna_dump(&url), &dump(&studies, 1));
    assert_eq!(fs::read(&database).unwrap(), written, "Optuna had nothing to add");
    assert_eq!(said(oracle(&["dashboard", &url]).unwrap()).as_array().unwrap().len(), 3);
    let resumed = said(oracle(&["resume", &url, "two", "3"]).unwrap());
    assert_eq!(resumed["n_trials"], 6);
    let again = import(&database).unwrap();
    let two = again.get(again.find("two").unwrap()).unwrap();
    assert_eq!(two.trials.iter().filter(|t| t.state == State::Complete).count(), 6);
}

#[test]
fn optuna_continues_our_study_and_we_go_on_with_it() {
    let Some((_dir, path)) = journal() else { return };
    write_everything(&path).unwrap();
    let name = "vae, naïve 🦀";
    let resume = |n: &str| said(oracle(&["resume", path.to_str().unwrap(), name, n]).unwrap());
    let finished = |n: u64| json!({"finished_before": n, "finished_after": n + 5, "n_trials": n + 6});
    // One of the 20 is running, and Optuna begins with the one that waits.
    assert_eq!(resume("5"), finished(18));
    let storage = Storage::journal(&path).unwrap();
    let study = Study::open(storage, name).unwrap().sampler(Tpe::default());
    for n in 24..27 {
        let mut trial = study.ask().unwrap();
        assert_eq!(trial.number, n);
        trial.log_float("lr", 1e-5, 1e-1).unwrap();
        study.tell(trial, Outcome::Complete(vec![0.1])).unwrap();
    }
    assert_eq!(resume("5"), finished(26));
    assert_same(&optuna_dump(path.to_str().unwrap()), &read(&path));
}

#[test]
fn we_continue_a_study_of_optuna() {
    let Some((_dir, path)) = journal() else { return };
    fs::copy(fixture("journal_sample.log"), &path).unwrap();
    let study = Study::open(Storage::journal(&path).unwrap(), "vae").unwrap().sampler(Tpe::default());
    for i in 0..5 {
        let mut trial = study.ask().unwrap();
        assert_eq!(trial.number, 12 + i, "the one that waits comes first");
        let lr = trial.log_float("lr", 1e-5, 1e-1).unwrap();
        assert!(i > 0 || lr == 0.03);
        let act = ["relu".into(), "gelu".into(), Value::None, true.into(), 1.5.into()];
        trial.categorical("act", act).unwrap();
        trial.set_constraint("memory", 0.5).unwrap();
        trial.report(0, lr).unwrap();
        study.tell(trial, if i == 2 { Outcome::Pruned } else { Outcome::Complete(vec![lr]) }).unwrap();
    }
    let all = optuna_dump(path.to_str().unwrap());
    assert_same(&all, &read(&path));
    assert_eq!(all[0]["trials"].as_array().unwrap().len(), 17);
    let resumed = said(oracle(&["resume", path.to_str().unwrap(), "vae", "2"]).unwrap());
    assert_eq!(resumed["n_trials"], 19);
}

#[test]
fn we_and_two_optunas_share_a_study() {
    let Some((dir, path)) = journal() else { return };
    let study = Study::create(Storage::journal(&path).unwrap(), "s", &[Direction::Minimize]).unwrap();
    let study = study.sampler(Tpe::default());
    let run = |pause: u64| {
        let mut trial = study.ask().unwrap();
        let x = trial.float("x", -1.0, 1.0).unwrap();
        trial.categorical("c", ["a", "b"]).unwrap();
        std::thread::sleep(Duration::from_millis(pause));
        let number = trial.number;
        study.tell(trial, Outcome::Complete(vec![x * x])).unwrap();
        number
    };
    // For the parameters, and a queue to fight for.
    run(0);
    for i in 0..10 {
        study.enqueue(&BTreeMap::from([("x".to_string(), Value::Float(f64::from(i) / 10.0))])).unwrap();
    }
    let resume = |pause: &str| {
        let mut command = oracle(&["resume", path.to_str().unwrap(), "s", "30", "--pause", pause]).unwrap();
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let others = [resume("0.05"), resume("0.03")];
    let ours: Vec<usize> = (0..39).map(|_| run(50)).collect();
    for other in others {
        let output = other.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(ours.iter().collect::<BTreeSet<_>>().len(), ours.len());
    let trials = study.trials().unwrap();
    assert_eq!(trials.len(), 100, "one each, none run twice");
    assert!(trials.iter().enumerate().all(|(n, t)| t.number == n && t.state == State::Complete));
    let announced = |n: &&usize| !trials[**n].announced().is_empty();
    assert!(ours.iter().filter(announced).count() > 5, "ours tell the others what they are about to try");
    assert_same(&optuna_dump(path.to_str().unwrap()), &read(&path));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no lock stays behind");
}

#[test]
fn optuna_agrees_on_unusual_and_on_damaged_lines() {
    let Some((dir, _)) = journal() else { return };
    let accepted = ACCEPTED.iter().map(|(what, lines)| (*what, format!("{BEGIN}{lines}")));
    let refused = REFUSED.iter().map(|(line, _)| (*line, format!("{BEGIN}{line}\n{BEGIN}")));
    let all: Vec<(&str, String)> = accepted.chain(refused).collect();
    let paths: Vec<PathBuf> = (0..all.len()).map(|i| dir.path().join(format!("{i}.journal"))).collect();
    for (path, (_, text)) in paths.iter().zip(&all) {
        fs::write(path, text).unwrap();
    }
    for (i, theirs) in optuna_dumps(&paths).iter().enumerate() {
        if i < ACCEPTED.len() {
            assert!(theirs["error"].is_null(), "{}: {}", all[i].0, theirs["error"]);
            assert_same(&read(&paths[i]), &theirs["studies"]);
        } else {
            assert!(theirs["error"].is_string(), "{}: Optuna reads it", all[i].0);
        }
    }
}

#[test]
fn optuna_reads_what_we_append_to_a_journal_cut_at_any_byte() {
    let Some((dir, path)) = journal() else { return };
    write_everything(&path).unwrap();
    Study::open(Storage::journal(&path).unwrap(), "two").unwrap().ask().unwrap();
    let whole = fs::read(&path).unwrap();
    let last = whole[..whole.len() - 1].iter().rposition(|b| *b == b'\n').unwrap() + 1;
    let paths: Vec<PathBuf> = (last..=whole.len()).map(|cut| dir.path().join(format!("{cut}.journal"))).collect();
    for (path, cut) in paths.iter().zip(last..) {
        fs::write(path, &whole[..cut]).unwrap();
        let study = Study::open(Storage::journal(path).unwrap(), "two").unwrap();
        study.ask().unwrap();
    }
    for (path, theirs) in paths.iter().zip(optuna_dumps(&paths)) {
        assert_same(&theirs["studies"], &read(path));
    }
}

const VICTIM: &str = "ELBO_TEST_VICTIM";

/// Told to by its environment, writes to a journal until it is killed, and says which trials it told.
#[test]
fn optuna_journal_writer_that_is_killed() {
    let Some(path) = std::env::var_os(VICTIM) else { return };
    let study = Study::open(Storage::journal(Path::new(&path)).unwrap(), "s").unwrap();
    loop {
        let mut trial = study.ask().unwrap();
        trial.float("x", 0.0, 1.0).unwrap();
        // Long enough to be caught in the middle.
        trial.set_attrs([("long", json!("naïve 🦀 ".repeat(20_000)))]).unwrap();
        let number = trial.number;
        study.tell(trial, Outcome::Complete(vec![1.0])).unwrap();
        println!("\ntold {number}");
    }
}

#[test]
fn optuna_reads_a_journal_whose_writers_were_killed() {
    let Some((dir, path)) = journal() else { return };
    Study::create(Storage::journal(&path).unwrap(), "s", &[Direction::Minimize]).unwrap();
    let (mut told, mut torn) = (BTreeSet::new(), 0);
    for round in 0..40 {
        let mut victim = Command::new(std::env::current_exe().unwrap());
        victim.args(["--exact", "--nocapture", "optuna_journal_writer_that_is_killed"]).env(VICTIM, &path);
        let mut victim = victim.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(victim.stdout.take().unwrap()).lines();
        let mut numbers = lines.filter_map(|line| line.unwrap().strip_prefix("told ")?.parse::<usize>().ok());
        told.extend(numbers.next());
        std::thread::sleep(Duration::from_micros(round * 7919 % 20_000));
        victim.kill().unwrap();
        victim.wait().unwrap();
        told.extend(numbers);
        torn += usize::from(!fs::read(&path).unwrap().ends_with(b"\n"));
        // What 30 s of waiting would do.
        for file in fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().path()).filter(|file| *file != path) {
            fs::remove_file(file).unwrap();
        }
        let round = Op::StudyAttr { study: 0, owner: Owner::User, key: "round".into(), value: json!(round) };
        Storage::journal(&path).unwrap().transact(|_| Ok((vec![round], ()))).unwrap();
    }
    let theirs = optuna_dump(path.to_str().unwrap());
    assert_same(&theirs, &read(&path));
    assert_eq!(theirs[0]["user_attrs"]["round"], 39);
    assert!(told.len() >= 40);
    for number in &told {
        assert_eq!(theirs[0]["trials"][number]["state"], "COMPLETE", "trial {number} was told");
    }
    println!("{} trials told, {torn} of 40 tails torn", told.len());
}
