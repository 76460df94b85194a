//! `elbo tune` as a user meets it.
#![cfg(feature = "cli")]

use elbo::search::trial::Param;
use elbo::search::{Distribution, FrozenTrial, State, Storage, Study};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A search over small networks on the synthetic set.
fn command(out: &[&str], more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_elbo"));
    let fixed = ["tune", "--data", "synthetic", "--limit", "300"];
    command.args(fixed).args(out).args(more).env_remove("ELBO_SIMD").env_remove("ELBO_DATA");
    command
}

const SMALL: [&str; 6] = ["--hidden", "32,16", "--epochs", "2", "--folds", "2"];

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    output
}

fn path(dir: &Path) -> &str {
    dir.to_str().unwrap()
}

/// Runs a command that must fail with this status, and gives the last line it says.
fn refused(command: &mut Command, status: i32) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(status), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    said.trim_end().lines().last().unwrap_or_default().to_string()
}

fn summary(dir: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(dir.join("summary.json")).unwrap()).unwrap()
}

/// What the trials of a finished search had and cost: parameters, source and loss by number.
fn trials(dir: &Path) -> BTreeMap<u64, (Value, Value, Value)> {
    let trial =
        |t: &Value| (t["number"].as_u64().unwrap(), (t["params"].clone(), t["source"].clone(), t["loss"].clone()));
    summary(dir)["trials"].as_array().unwrap().iter().map(trial).collect()
}

#[test]
fn what_makes_no_sense_is_one_line_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (out, file) = (dir.path().join("study"), dir.path().join("space.toml"));
    let tune = |more: &[&str]| {
        let said = refused(&mut command(&["--out", path(&out)], more), 2);
        assert!(!out.exists(), "something was written: {said}");
        said
    };
    let space = |text: &str| {
        fs::write(&file, text).unwrap();
        tune(&["--space", path(&file)]).replace(path(dir.path()), "")
    };
    assert!(
        space("[lrr]\nlow = 1\nhigh = 2")
            .starts_with("elbo: /space.toml: parameter lrr: there is no such option; there are epochs, ")
    );
    assert_eq!(
        space("[lr]\nlow = 0.1\nhigh = 0.01"),
        "elbo: /space.toml: parameter lr: expected finite bounds low ≤ high, found [0.1, 0.01]"
    );
    assert_eq!(
        space("[lr]\nlow = 0.0\nhigh = 0.1\nlog = true"),
        "elbo: /space.toml: parameter lr: expected a lower bound above 0 on a log scale, found 0"
    );
    assert_eq!(
        space("[activation]\nchoices = [\"relu\", \"swish\"]"),
        "elbo: /space.toml: parameter activation: expected relu, selu, tanh, sigmoid, leaky_relu, elu, gelu or silu, found swish"
    );
    assert_eq!(
        space("[batch_size]\nlow = 0\nhigh = 64"),
        "elbo: /space.toml: parameter batch_size: expected at least 1, found 0"
    );
    fs::write(&file, "[lr]\nlow = 0.01\nhigh = 0.1").unwrap();
    let both = tune(&["--space", path(&file), "--lr", "0.1"]);
    assert!(both.contains("searches lr; give one of the two"), "{both}");
    assert_eq!(tune(&["--folds", "301"]), "elbo: --folds: expected 2 to 300, the number of training images, found 301");
    assert_eq!(
        tune(&["--sampler", "grid"]),
        "elbo: grid search: parameter lr: expected choices or a step, found float [0.01, 0.1], log"
    );
    assert_eq!(
        tune(&["--epochs", "1", "--lr", "0.1", "--batch-size", "64"]),
        "elbo: --epochs, --batch-size and --lr are all given: nothing is left to search"
    );
    assert!(tune(&["--enqueue", "lr=x"]).contains("lr: expected float [0.01, 0.1], log, found x"));
    assert!(tune(&["--enqueue", "beta=1"]).contains("expected one of batch_size, epochs, lr, found beta"));
    assert!(tune(&["--enqueue", "batch_size=inf"]).contains("batch_size: expected one of 64, 128, 256, found inf"));
    assert!(tune(&["--enqueue", "epochs=1e300"]).contains("epochs: expected int [10, 30], step 10, found"));
    assert_eq!(tune(&["--more", "3"]), "elbo: --more goes with --resume DIR");
    assert!(
        space("[epochs]\nlow = 1\nhigh = 2000000").contains("/space.toml: parameter epochs: expected 1 to 1000000")
    );
    assert_eq!(
        space("[lr]\nlow = 0\nhigh = 0.1"),
        "elbo: /space.toml: parameter lr: expected a positive number, found 0"
    );
    assert!(tune(&["--enqueue", "lr=1e-2,lr=2e-2"]).ends_with("lr stands twice"));
    assert!(
        space("[batch_size]\nlow = 1.0\nhigh = 90.0").contains("parameter batch_size: expected a whole number, found")
    );
    assert_eq!(
        tune(&["--pruner", "maybe"]),
        "elbo: --pruner: expected none, median, percentile, wilcoxon or patient, found maybe"
    );
    let nowhere = refused(&mut command(&["--resume", path(&out)], &[]), 2);
    let nothing = "expected the folder of a study, found no study.journal in it, or none with a study";
    assert!(nowhere.ends_with(nothing), "{nowhere}");
}

#[test]
fn the_help_names_every_setting_that_can_be_searched() {
    let help = Command::new(env!("CARGO_BIN_EXE_elbo")).args(["tune", "--help"]).output().unwrap().stdout;
    let words =
        |text: &str| text.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_string).collect::<Vec<_>>();
    let (help, readme) = (words(&String::from_utf8(help).unwrap()), words(&fs::read_to_string("README.md").unwrap()));
    for name in elbo::tune::options::names() {
        assert!(help.iter().any(|w| w == name), "{name} is not in the help");
        assert!(readme.iter().any(|w| w == name), "{name} is not in the README");
    }
}

#[test]
fn a_search_tells_every_trial_and_never_credits_the_model_with_a_startup() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("study");
    let output =
        run(&mut command(&["--out", path(&out)], &[&SMALL[..], &["--trials", "4", "--optuna-defaults"]].concat()));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("4 trials, TPE starts after 10: all 4 will be random"), "{said}");
    assert!(said.contains("Remedy: --startup 2, or --trials 30"), "{said}");
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("TPE's model suggested nothing in this search"), "{told}");
    assert!(trials(&out).values().all(|(_, source, _)| source == "startup, random"));
    for name in ["report.md", "study.journal", "figures/history.svg", "figures/parallel.svg", "figures/slice_lr.svg"] {
        assert!(out.join(name).exists(), "{name}");
    }
    // Two more, by the model now; the trials that were there stay as they are.
    let before = trials(&out);
    run(&mut command(&["--resume", path(&out)], &["--more", "8"]));
    let after = trials(&out);
    assert_eq!(after.len(), 12);
    assert!(before.iter().all(|(n, t)| after[n] == *t));
    assert!(after.iter().all(|(n, (_, source, _))| (source == "model") == (*n >= 10)), "{after:?}");
    let s = summary(&out);
    let best = s["trials"]
        .as_array()
        .unwrap()
        .iter()
        .min_by(|a, b| a["loss"].as_f64().unwrap().total_cmp(&b["loss"].as_f64().unwrap()));
    assert_eq!(best.unwrap()["number"], s["best"]);
    assert!(s["test"]["recon"].is_number());
    assert!(out.join("figures/anatomy_lr.svg").exists() && out.join("figures/acquisition.svg").exists());
}

#[test]
fn a_classifier_is_tuned_by_its_error() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("study");
    let of = |more: &[&str]| command(&["--out", path(&out)], &[&["--model", "cnn"], more].concat());
    assert_eq!(
        refused(&mut of(&["--objective", "recon"]), 2),
        "elbo: --objective: expected error or cross-entropy for the CNN, found recon"
    );
    assert_eq!(
        refused(&mut of(&["--lr", "0.01", "--batch-size", "64"]), 2),
        "elbo: --batch-size and --lr are all given: nothing is left to search"
    );
    let file = dir.path().join("space.toml");
    fs::write(&file, "[latent_dim]\nlow = 1\nhigh = 3\n").unwrap();
    assert!(refused(&mut of(&["--space", path(&file)]), 2).contains("latent_dim: there is no such option"));
    assert!(!out.exists());
    let output = run(&mut of(&["--epochs", "2", "--folds", "2", "--trials", "3"]));
    assert!(String::from_utf8(output.stdout).unwrap().contains("% of the test images for another class"));
    // The last accuracy of each fold, as its own file of metrics says.
    let error = |fold: &Path| {
        let metrics = fs::read_to_string(fold.join("metrics.jsonl")).unwrap();
        let tested = metrics.lines().rfind(|line| line.contains("\"test\"")).unwrap();
        let record: Value = serde_json::from_str(tested).unwrap();
        100.0 * (1.0 - record["accuracy"].as_f64().unwrap())
    };
    for (number, (_, _, loss)) in trials(&out) {
        let at = out.join("trials").join(number.to_string());
        let mean = (error(&at.join("fold-1")) + error(&at.join("fold-2"))) / 2.0;
        assert!((loss.as_f64().unwrap() - mean).abs() < 1e-9, "{number}: {loss} {mean}");
    }
    let report = fs::read_to_string(out.join("report.md")).unwrap();
    assert!(report.starts_with("# Tuning the CNN") && report.contains("cross-entropy"), "{report}");
    assert!(!["KL", "reconstruction", "z ~"].iter().any(|word| report.contains(word)), "{report}");
    run(&mut command(&["--resume", path(&out)], &["--more", "1"]));
    assert_eq!(trials(&out).len(), 4);
}

#[test]
fn neither_threads_nor_a_kill_change_what_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let [whole, killed] = ["whole", "killed"].map(|name| dir.path().join(name));
    let slow = ["--hidden", "64", "--epochs", "6", "--folds", "3", "--trials", "4"];
    run(&mut command(&["--out", path(&whole)], &[&slow[..], &["--threads", "1"]].concat()));
    let mut child =
        command(&["--out", path(&killed)], &slow).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    // In the middle of a trial.
    let begun = || killed.join("trials/1/fold-1/checkpoint.safetensors").exists();
    let start = Instant::now();
    while !begun() && start.elapsed() < Duration::from_secs(60) {
        sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let output = run(&mut command(&["--resume", path(&killed)], &["--threads", "2"]));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("left by a worker that is gone, taken up where it was (see --left): trial"), "{said}");
    assert_eq!(trials(&killed), trials(&whole));
}

#[test]
fn workers_that_resume_after_a_kill_share_what_was_left() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("study");
    let slow = ["--hidden", "64", "--epochs", "20", "--folds", "2", "--trials", "3", "--jobs", "3", "--quiet"];
    let mut child = command(&["--out", path(&out)], &slow).stdout(Stdio::null()).spawn().unwrap();
    let all_begun = || (0..3).all(|n| out.join(format!("trials/{n}/fold-1/checkpoint.safetensors")).exists());
    let start = Instant::now();
    while !all_begun() && start.elapsed() < Duration::from_secs(60) {
        sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let resume = || command(&["--resume", path(&out)], &["--quiet"]).stdout(Stdio::null()).spawn().unwrap();
    for mut worker in [resume(), resume()] {
        assert!(worker.wait().unwrap().success());
    }
    run(&mut command(&["--resume", path(&out)], &["--quiet"]));
    assert_eq!(trials(&out).len(), 3);
    assert!(trials(&out).values().all(|(_, _, loss)| loss.is_number()));
}

#[test]
fn a_queue_is_tried_and_the_data_are_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("study");
    run(&mut command(&["--out", path(&out)], &[&SMALL[..], &["--trials", "1"]].concat()));
    // Neither data nor their number are named again.
    let mut again = Command::new(env!("CARGO_BIN_EXE_elbo"));
    again.args(["tune", "--resume", path(&out), "--enqueue", "lr=0.02,batch_size=256"]).env_remove("ELBO_DATA");
    let said = String::from_utf8(run(&mut again).stderr).unwrap();
    assert!(said.contains("1 queued: the study gets 2 trials in all"), "{said}");
    let trials = trials(&out);
    assert_eq!((&trials[&1].0["lr"], &trials[&1].1), (&0.02.into(), &"queue".into()));
}

#[test]
fn several_workers_share_a_study_and_no_trial_is_made_twice() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("study");
    run(&mut command(&["--out", path(&out)], &[&SMALL[..], &["--trials", "1"]].concat()));
    let join = || command(&["--resume", path(&out)], &["--trials", "9", "--jobs", "2", "--quiet"]);
    let workers: Vec<_> = (0..2).map(|_| join().stdout(Stdio::null()).spawn().unwrap()).collect();
    for mut worker in workers {
        assert!(worker.wait().unwrap().success());
    }
    // Whoever is last tells all.
    run(&mut join());
    let trials = trials(&out);
    assert_eq!(trials.keys().copied().collect::<Vec<_>>(), (0..9).collect::<Vec<_>>());
    let points: std::collections::BTreeSet<String> = trials.values().map(|(p, _, _)| p.to_string()).collect();
    assert!(points.len() >= 8, "{trials:?}");
}

#[test]
fn another_space_another_data_set_and_a_damaged_study_are_refused_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let (out, file) = (dir.path().join("study"), dir.path().join("space.toml"));
    run(&mut command(&["--out", path(&out)], &[&SMALL[..], &["--trials", "1"]].concat()));
    let journal = out.join("study.journal");
    let before = fs::read(&journal).unwrap();
    let resume = |more: &[&str], status| {
        let said = refused(&mut command(&["--resume", path(&out)], more), status);
        said.replace(path(dir.path()), "")
    };
    fs::write(&file, "[batch_size]\nchoices = [32, 64]").unwrap();
    assert_eq!(
        resume(&["--space", path(&file)], 2),
        "elbo: /space.toml: parameter batch_size: expected one of 64, 128, 256, as in the study, found one of 32, 64"
    );
    let taken = refused(&mut command(&["--out", path(&out)], &[]), 2);
    assert!(
        taken.contains("already holds a study; choose another --out, or go on with: elbo tune --resume"),
        "{taken}"
    );
    let mut other = Command::new(env!("CARGO_BIN_EXE_elbo"));
    other.args(["tune", "--data", "synthetic", "--limit", "200", "--resume", path(&out)]);
    assert!(refused(&mut other, 2).contains("the study was begun with other data"));
    assert!(resume(&["--folds", "5"], 2).contains("For more information"));
    assert!(resume(&["--abandon", "0"], 2).contains("expected a running trial of /study, found COMPLETE"));
    assert!(resume(&["--abandon", "7"], 2).ends_with("found none"));
    assert!(resume(&["--trials", "2", "--enqueue", "lr=7"], 2).contains("expected float [0.01, 0.1], log, found 7"));
    assert_eq!(fs::read(&journal).unwrap(), before, "a refused request changed the study");
    // The first line lost its beginning.
    let damaged = before[5..].to_vec();
    fs::write(&journal, &damaged).unwrap();
    let said = resume(&[], 1);
    assert!(said.starts_with("elbo: /study/study.journal: line 1: expected"), "{said}");
    assert_eq!(fs::read(&journal).unwrap(), damaged);
}

#[test]
fn a_diverged_trial_fails_or_gets_a_loss_and_the_search_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let space = dir.path().join("space.toml");
    fs::write(&space, "[lr]\nlow = 1e6\nhigh = 1e9\nlog = true").unwrap();
    let search = |name: &str, more: &[&str]| {
        // No trial is complete: that is an error, after the report.
        let out = dir.path().join(name);
        let fixed = ["--hidden", "32", "--epochs", "2", "--folds", "2", "--trials", "2", "--space", path(&space)];
        let output = command(&["--out", path(&out)], &[&fixed[..], more].concat()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.ends_with("elbo: no trial is complete\n"), "{said}");
        (String::from_utf8(output.stdout).unwrap() + &said, trials(&out))
    };
    let (told, failed) = search("fail", &["--diverged", "fail"]);
    assert!(failed.values().all(|(_, _, loss)| loss.is_null()), "{failed:?}");
    assert!(told.contains("2 trials: 2 failed. Trial 0: step ") && told.contains("No trial is complete."), "{told}");
    let (told, counted) = search("loss", &["--diverged", "1000"]);
    assert!(counted.values().all(|(_, _, loss)| loss == 1000.0), "{told}");
    assert!(told.contains("diverged, counted as 1000") && told.contains("No trial is complete."), "{told}");
}

#[test]
fn queued_points_and_conditions_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (out, space) = (dir.path().join("study"), dir.path().join("space.toml"));
    let text = "[optimizer]\nchoices = [\"adam\", \"sgd\"]\n[momentum]\nlow = 0.0\nhigh = 0.9\nwhen = { optimizer = \"sgd\" }\n\
                [hidden]\nchoices = [\"32,16\", 32]\n[lr]\nlow = 1e-4\nhigh = 1e-2\nlog = true";
    fs::write(&space, text).unwrap();
    let fixed = ["--epochs", "1", "--folds", "2", "--trials", "6", "--space", path(&space)];
    let queue = ["--enqueue", "optimizer=sgd,momentum=0.5,lr=0.002", "--enqueue", "hidden=32"];
    run(&mut command(&["--out", path(&out)], &[&fixed[..], &queue].concat()));
    let trials = trials(&out);
    let (first, _, _) = &trials[&0];
    assert_eq!((&first["optimizer"], &first["momentum"], &first["lr"]), (&"sgd".into(), &0.5.into(), &0.002.into()));
    assert_eq!(trials[&1].0["hidden"], 32);
    for (params, _, _) in trials.values() {
        assert_eq!(params["optimizer"] == "sgd", params.get("momentum").is_some(), "{params}");
    }
}

#[test]
fn a_comparison_is_played_again_on_what_was_measured() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("compare");
    let compare = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_elbo"));
        let grid =
            ["tune", "compare", "--epochs", "1,2", "--batch-size", "64,128", "--lr", "0.001,0.003", "--folds", "2"];
        command.args(grid).args(["--searches", "5"]).args(more).env_remove("ELBO_DATA");
        command
    };
    run(&mut compare(&["--data", "synthetic", "--limit", "300", "--out", path(&out)]));
    let report = fs::read(out.join("report.md")).unwrap();
    // The data are found again, and nothing is trained.
    run(&mut compare(&["--resume", path(&out)]));
    assert_eq!(fs::read(out.join("report.md")).unwrap(), report);
    let other = refused(&mut compare(&["--resume", path(&out), "--seed", "1"]), 2);
    assert!(other.ends_with("its study measures another grid"), "{other}");
}

#[cfg(feature = "sqlite")]
#[test]
fn a_study_goes_to_a_database_and_back() {
    let dir = tempfile::tempdir().unwrap();
    let (out, db, back) = (dir.path().join("study"), dir.path().join("study.db"), dir.path().join("back.journal"));
    run(&mut command(&["--out", path(&out)], &[&SMALL[..], &["--trials", "2"]].concat()));
    let elbo = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_elbo"));
        command.args(args);
        command
    };
    let told = run(&mut elbo(&["tune", "export", path(&db), "--study", path(&out)])).stdout;
    assert!(String::from_utf8(told).unwrap().ends_with("study.db: vae with 2 trials\n"));
    run(&mut elbo(&["tune", "import", path(&db), "--out", path(&back)]));
    let read = |path: &Path| {
        let storage = elbo::search::Storage::journal(path).unwrap();
        let study = storage.studies().get(0).unwrap().clone();
        (study.user_attrs, study.trials)
    };
    assert_eq!(read(&back), read(&out.join("study.journal")));
    assert!(refused(&mut elbo(&["tune", "export", path(&db), "--study", path(&out)]), 2).contains("study.db"));
    let report = out.join("report.md");
    assert!(refused(&mut elbo(&["tune", "import", path(&report), "--out", path(&back)]), 1).contains("report.md"));
}

#[test]
fn what_other_programs_left_in_a_study_neither_stops_it_nor_leaves_its_folder() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("study");
    run(&mut command(&["--out", path(&out)], &[&SMALL[..], &["--trials", "2"]].concat()));
    let study = Study::open(Storage::journal(&out.join("study.journal")).unwrap(), "vae").unwrap();
    // A trial that is better than all, with a parameter that no setting has, whose name is a path, markup and control characters.
    let name = "x/../../../../name <script>alert(1)</script> a|b \u{1b}[31m\u{0}\n".to_string() + &"y".repeat(300);
    let mut foreign = FrozenTrial::new(State::Complete);
    let param = |internal| Param { internal, distribution: Arc::new(Distribution::float(0.0, 1.0)) };
    foreign.params = BTreeMap::from([(name.clone(), param(0.5))]);
    foreign.values = Some(vec![-1e308]);
    study.add(foreign.clone()).unwrap();
    foreign.values = Some(vec![1e308]);
    foreign.params = BTreeMap::from([(name, param(0.25))]);
    study.add(foreign).unwrap();
    study.enqueue(&BTreeMap::from([("lr".to_string(), "quick".into())])).unwrap();
    drop(study);
    let output = run(&mut command(&["--resume", path(&out)], &["--more", "2"]));
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(said.contains("These settings were not trained on all training images: parameter x/../"), "{said}");
    assert!(said.contains("parameter lr: expected float [0.01, 0.1], log, was given quick"), "{said}");
    assert!(!said.contains('\u{1b}') && !said.contains('\0'), "{said:?}");
    let report = fs::read_to_string(out.join("report.md")).unwrap();
    assert!(
        !report.contains("<script>") && !report.contains('\u{1b}') && report.contains("&lt;script&gt;"),
        "{report}"
    );
    let pictures = report.split("](").skip(1).map(|rest| rest.split(')').next().unwrap().replace("%25", "%"));
    for picture in pictures.filter(|p| p.ends_with(".svg")) {
        assert!(out.join(&picture).exists(), "{picture}");
    }
    let outside: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(outside, ["study"]);
    // And again: nothing has changed for the worse.
    run(&mut command(&["--resume", path(&out)], &[]));
}

#[test]
fn a_repeated_point_takes_the_known_result_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("study");
    let more =
        ["--hidden", "32,16", "--epochs", "2", "--folds", "2", "--lr", "0.01", "--sampler", "random", "--trials", "8"];
    let output = run(&mut command(&["--out", path(&out)], &more));
    let said = String::from_utf8(output.stderr).unwrap();
    let all = summary(&out)["trials"].as_array().unwrap().clone();
    let mut first: BTreeMap<String, &Value> = BTreeMap::new();
    let mut repeated = 0;
    for trial in &all {
        match first.get(&trial["params"].to_string()) {
            None => {
                assert!(trial["known_from"].is_null() && trial["seconds"].as_f64().unwrap() > 0.0);
                first.insert(trial["params"].to_string(), trial);
            }
            Some(known) => {
                assert_eq!((&trial["known_from"], &trial["loss"]), (&known["number"], &known["loss"]));
                assert_eq!(trial["folds"][1]["curve"], known["folds"][1]["curve"]);
                assert_eq!(trial["seconds"], 0.0);
                repeated += 1;
            }
        }
    }
    // Three batch sizes for eight trials.
    assert!(repeated >= 5, "{all:?}");
    assert!(said.contains(", as trial 0"), "{said}");
    let report = fs::read_to_string(out.join("report.md")).unwrap();
    assert!(report.contains("everything was equal, and the known result was taken"), "{report}");
}

#[test]
fn a_study_that_was_killed_before_its_first_line_is_begun_anew() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("study");
    fs::create_dir(&out).unwrap();
    fs::write(out.join("study.journal"), "").unwrap();
    // A worker that was killed between its claim and its line: the trial is not there, its lock's file is.
    fs::create_dir_all(out.join("trials/0")).unwrap();
    fs::write(out.join("trials/0/worker.lock"), "").unwrap();
    let said = refused(&mut command(&["--resume", path(&out)], &[]), 2);
    assert!(said.contains("found no study.journal in it, or none with a study"), "{said}");
    run(&mut command(&["--out", path(&out)], &[&SMALL[..], &["--trials", "1"]].concat()));
    assert_eq!(trials(&out).len(), 1);
}
