//! The command line as a user meets it: what it says, what it writes, how it ends.
#![cfg(feature = "cli")]

use elbo::models::Trained;
use elbo::train::Folder;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn elbo(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_elbo"));
    // Judges of the small sets of these tests are trained once.
    command.env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    command.args(args).env_remove("ELBO_SIMD").env_remove("ELBO_DATA").output().unwrap()
}

/// What a command says on stderr to somebody with this home folder, who has no data.
fn elbo_at(home: &Path, args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_elbo"));
    command.args(args).env_remove("ELBO_SIMD").env_remove("ELBO_DATA").env_remove("XDG_CACHE_HOME").env("HOME", home);
    String::from_utf8(command.current_dir(home).output().unwrap().stderr).unwrap()
}

/// Runs a command that must fail with this status, and gives the one line it says.
fn refused(args: &[&str], status: i32) -> String {
    let output = elbo(args);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(status), "{args:?}: {said}");
    assert!(!said.contains("panicked"), "{said}");
    assert!(output.stdout.is_empty(), "{args:?}");
    said.trim_end().to_string()
}

/// A run of a small network on the synthetic set.
fn small(kind: &str, out: &Path, more: &[&str]) -> Output {
    let fixed = [
        "train",
        kind,
        "--data",
        "synthetic",
        "--limit",
        "300",
        "--hidden",
        "32,16",
        "--quiet",
        "--epochs",
        "2",
        "--out",
    ];
    elbo(&[&fixed[..], &[out.to_str().unwrap()], more].concat())
}

#[test]
fn settings_that_make_no_sense_are_named_with_what_was_expected() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    let train = |more: &[&str]| {
        let said =
            refused(&[&["train", "vae", "--data", "synthetic", "--out", out.to_str().unwrap()], more].concat(), 2);
        assert!(!out.exists(), "something was written");
        said
    };
    assert_eq!(train(&["--epochs", "0"]), "elbo: --epochs: expected 1 to 1000000, found 0");
    assert_eq!(train(&["--lr", "-1"]), "elbo: --lr: expected a positive number, found -1");
    assert_eq!(train(&["--lr", "nan"]), "elbo: --lr: expected a positive number, found NaN");
    assert_eq!(train(&["--hidden", "8,0"]), "elbo: --hidden: expected widths of at least 1, found [8, 0]");
    let wide = train(&["--hidden", "99999999999"]);
    assert!(wide.starts_with("elbo: --hidden, --latent-dim: expected at most 268435456 weights, found 1"), "{wide}");
    assert_eq!(
        train(&["--binarize", "maybe"]),
        "elbo: --binarize: expected threshold, dynamic, grey or standardised, found maybe"
    );
    assert_eq!(train(&["--hidden", "a"]), "elbo: --hidden: expected widths such as 512,256, found a");
    assert_eq!(train(&["--epochs", "-3"]), "elbo: --epochs: expected a whole number of at least 1, found -3");
    assert_eq!(train(&["--lr", "fast"]), "elbo: --lr: expected a number, found fast");
    assert_eq!(train(&["--threads", "0"]), "elbo: --threads: expected a whole number from 1 to 1024, found 0");
    assert_eq!(
        train(&["--epochs", "1000000", "--batch-size", "1"]),
        "elbo: --epochs: expected at most 429496, with 10000 batches in each, found 1000000"
    );
    assert!(!train(&["--epoch", "-3"]).contains("-- -"));
    assert_eq!(refused(&["train", "diffusion"], 2), "elbo: KIND: expected ae, vae, cnn or gan, found diffusion");
    assert!(refused(&["train"], 2).contains("required"));
    assert!(
        refused(&["train", "--resume", dir.path().to_str().unwrap()], 2).contains("found no checkpoint.safetensors")
    );
}

#[test]
fn data_that_are_not_there_are_an_error_that_names_the_folder() {
    let said = refused(&["train", "ae", "--data", "/no/such/folder"], 1);
    assert!(said.starts_with("elbo: /no/such/folder") && said.lines().count() == 1, "{said}");
}

#[test]
fn a_run_is_not_overwritten_and_can_be_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    assert!(small("vae", &run, &[]).status.success());
    let checkpoint = fs::read(run.join("checkpoint.safetensors")).unwrap();
    let path = run.to_str().unwrap();
    let again = small("vae", &run, &[]);
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8(again.stderr).unwrap().contains("already holds a run"));
    assert_eq!(fs::read(run.join("checkpoint.safetensors")).unwrap(), checkpoint);
    for look in ["reconstruct", "consistency", "latent", "sample", "interpolate"] {
        let output = elbo(&[look, path, "--json"]);
        assert!(output.status.success(), "{look}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap_or_else(|e| panic!("{look}: {e}"));
    }
    let frames = fs::read_dir(run.join("film")).unwrap().count();
    assert_eq!(frames, 2);
    assert!(run.join("film.png").exists());
}

#[test]
fn a_step_is_timed_and_a_run_profiled_without_being_changed() {
    let output =
        elbo(&["bench", "step", "--data", "synthetic", "--limit", "600", "--steps", "3", "--threads", "2", "--json"]);
    let timing: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((timing["impl"].as_str(), timing["threads"].as_u64()), (Some("elbo"), Some(2)));
    let quantile = |name: &str| timing[name].as_f64().unwrap();
    assert!(0.0 < quantile("p10") && quantile("p10") <= quantile("med") && quantile("med") <= quantile("p90"));

    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    assert!(small("vae", &run, &[]).status.success());
    let checkpoint = fs::read(run.join("checkpoint.safetensors")).unwrap();
    let path = run.to_str().unwrap();
    let output = elbo(&["profile", path, "--steps", "4"]);
    let said = String::from_utf8(output.stdout).unwrap();
    for part in ["gather", "forward", "backward", "update", "affine", "matmul", "bce", "GFLOP/s"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let trace: serde_json::Value = serde_json::from_slice(&fs::read(run.join("trace.json")).unwrap()).unwrap();
    let events = trace.as_array().unwrap();
    assert_eq!(events.iter().filter(|e| e["name"] == "update").count(), 4);
    // The product of the first layer: 2 · 128 · 32 · 784 operations.
    assert!(events.iter().any(|e| e["name"] == "affine" && e["args"]["flops"] == 2 * 128 * 32 * 784));
    assert_eq!(fs::read(run.join("checkpoint.safetensors")).unwrap(), checkpoint);
}

#[test]
fn a_resume_on_other_data_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    assert!(small("ae", &run, &[]).status.success());
    let said = refused(&["train", "--resume", run.to_str().unwrap(), "--data", "synthetic", "--limit", "200"], 1);
    assert!(said.contains("checkpoint.safetensors: data: expected those it was trained on (SHA-256 "), "{said}");
}

/// A checkpoint whose header or whose numbers are changed.
fn edited(checkpoint: &[u8], header: impl Fn(String) -> String, numbers: impl Fn(&mut [u8])) -> Vec<u8> {
    let length = u64::from_le_bytes(checkpoint[..8].try_into().unwrap()) as usize;
    let mut text = header(String::from_utf8(checkpoint[8..8 + length].to_vec()).unwrap());
    text += &" ".repeat(text.len().next_multiple_of(8) - text.len());
    let mut body = checkpoint[8 + length..].to_vec();
    numbers(&mut body);
    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes(), &body].concat()
}

#[test]
fn a_checkpoint_that_cannot_be_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    assert!(small("vae", &run, &[]).status.success());
    let path = run.join("checkpoint.safetensors");
    let good = fs::read(&path).unwrap();
    let header = |from: &'static str, to: &'static str| {
        edited(
            &good,
            move |text| {
                assert!(text.contains(from), "{text}");
                text.replacen(from, to, 1)
            },
            |_| {},
        )
    };
    let nan = |body: &mut [u8]| body[4..8].copy_from_slice(&f32::NAN.to_le_bytes());
    for (bytes, expected) in [
        (edited(&good, |text| text, nan), "expected finite numbers, found NaN at place 1"),
        (header(r#"\"step\":6"#, r#"\"step\":4294967295"#), "steps: expected 6 after 2 epochs and 0 batches"),
        (header(r#"\"optimizer_steps\":[6]"#, r#"\"optimizer_steps\":[7]"#), "steps of the optimiser: expected 6"),
        (header(r#"\"epoch\":2"#, r#"\"epoch\":18446744073709551615"#), "steps: expected "),
        (header(r#"\"batch\":0"#, r#"\"batch\":9"#), "batches: expected at most 3, found 9"),
        (header(r#"\"images\":0"#, r#"\"images\":5"#), "images: expected 0 after 0 batches, found 5"),
        (header(r#"\"batch_size\":128"#, r#"\"batch_size\":0"#), "batch_size: expected at least 1, found 0"),
        (header(r#"\"lr\":0.01"#, r#"\"lr\":-0.5"#), "lr: expected a positive number, found -0.5"),
    ] {
        fs::write(&path, bytes).unwrap();
        let said = refused(&["train", "--resume", run.to_str().unwrap()], 1);
        assert!(said.starts_with(&format!("elbo: {}: ", path.display())) && said.contains(expected), "{said}");
        assert!(said.lines().count() == 1, "{said}");
    }
}

#[test]
fn two_processes_do_not_train_in_one_folder() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    assert!(small("vae", &run, &[]).status.success());
    let checkpoint = fs::read(run.join("checkpoint.safetensors")).unwrap();
    fs::write(run.join(".elbo-killed.tmp"), b"half").unwrap();
    let held = Folder::open(&run).unwrap().claim().unwrap();
    assert!(!run.join(".elbo-killed.tmp").exists(), "what a killed process left is swept");
    let path = run.to_str().unwrap();
    let busy = format!("elbo: {path}: another process is at it");
    assert_eq!(refused(&["train", "--resume", path], 2), busy);
    assert_eq!(refused(&["train", "vae", "--data", "synthetic", "--out", path], 2), busy);
    assert!(elbo(&["sample", path, "--json"]).status.success(), "looking is free");
    assert_eq!(fs::read(run.join("checkpoint.safetensors")).unwrap(), checkpoint);
    drop(held);
    assert!(elbo(&["train", "--resume", path]).status.success());
}

/// Does as a command's last line says: what stands behind `go on with: `.
#[cfg(unix)]
fn do_as_it_says(said: &[u8]) -> Output {
    let said = std::str::from_utf8(said).unwrap();
    let (_, hint) = said.trim_end().rsplit_once("go on with: ").unwrap_or_else(|| panic!("{said}"));
    let programs = Path::new(env!("CARGO_BIN_EXE_elbo")).parent().unwrap();
    let path = std::env::join_paths(
        [programs.to_path_buf()].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    Command::new("sh").args(["-c", hint]).env("PATH", path.unwrap()).env_remove("ELBO_DATA").output().unwrap()
}

#[cfg(unix)]
#[test]
fn hints_work_as_they_are_printed() {
    let dir = tempfile::tempdir().unwrap();
    // A folder that a shell would take for three words, and images that only the run knows of.
    let home = dir.path().join("it's a run");
    write_idx(&home.join("data"), &elbo::data::synthetic::dataset(120, 40));
    let data = home.join("data").to_str().unwrap().to_string();
    let fixed = ["--data", &data, "--limit", "100", "--hidden", "8", "--batch-size", "4"];
    for command in [&["train", "vae"][..], &["study"]] {
        let out = home.join(command[0]);
        let begin = |epochs: &str| {
            let mut begin = Command::new(env!("CARGO_BIN_EXE_elbo"));
            begin.args(command).args(fixed).args(["--epochs", epochs, "--out"]).arg(&out).env_remove("ELBO_SIMD");
            begin.stdout(Stdio::null()).stderr(Stdio::piped());
            begin
        };
        let child = begin("12").spawn().unwrap();
        let checkpoint = if command[0] == "study" { out.join("ae/metrics.jsonl") } else { out.join("metrics.jsonl") };
        while !checkpoint.exists() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        let interrupted = child.wait_with_output().unwrap();
        assert_eq!(interrupted.status.code(), Some(130), "{command:?} was done too soon");
        let taken = begin("12").output().unwrap();
        assert_eq!(taken.status.code(), Some(2));
        for said in [interrupted.stderr, taken.stderr] {
            let output = do_as_it_says(&said);
            assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
    let out = home.join("tune");
    let mut tune = Command::new(env!("CARGO_BIN_EXE_elbo"));
    tune.arg("tune").args(fixed).args([
        "--epochs",
        "1",
        "--folds",
        "2",
        "--trials",
        "2",
        "--timeout",
        "0.001",
        "--out",
    ]);
    let late = tune.arg(&out).env_remove("ELBO_SIMD").output().unwrap();
    assert!(late.status.success());
    let output = do_as_it_says(&late.stderr);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(out.join("best-trial-0").exists() || out.join("best-trial-1").exists());
}

#[test]
fn a_run_knows_its_data_and_finds_them_again() {
    let dir = tempfile::tempdir().unwrap();
    let set = elbo::data::synthetic::dataset(60, 20);
    let data = dir.path().join("data \u{e9}");
    write_idx(&data, &set);
    let run = dir.path().join("run");
    let (run_path, data_path) = (run.to_str().unwrap(), data.to_str().unwrap());
    let trained = elbo(&[
        "train", "ae", "--data", data_path, "--limit", "50", "--hidden", "8", "--epochs", "1", "-q", "--out", run_path,
    ]);
    assert!(trained.status.success(), "{}", String::from_utf8_lossy(&trained.stderr));
    for command in
        [&["train", "--resume", run_path][..], &["latent", run_path, "--json"], &["profile", run_path, "--steps", "1"]]
    {
        let output = elbo(command);
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let moved = dir.path().join("moved");
    fs::rename(&data, &moved).unwrap();
    let said = refused(&["train", "--resume", run_path, "--data", data_path], 1);
    assert!(said.contains("found no such folder"), "{said}");
    let said = elbo_at(dir.path(), &["train", "--resume", run_path]);
    assert!(
        said.contains("data: expected a folder, as before, found nothing; name where it is now with --data"),
        "{said}"
    );
    // The rest of what the run knows still holds.
    assert!(elbo(&["train", "--resume", run_path, "--data", moved.to_str().unwrap()]).status.success());
}

/// Writes a data set as IDX files.
fn write_idx(dir: &Path, set: &elbo::data::Dataset) {
    fs::create_dir_all(dir).unwrap();
    for (stem, split) in [("train", &set.train), ("t10k", &set.test)] {
        let header = |magic: u32, extents: &[usize]| {
            let words = [magic].into_iter().chain(extents.iter().map(|n| *n as u32));
            words.flat_map(u32::to_be_bytes).collect::<Vec<u8>>()
        };
        let images =
            [header(0x803, &[split.len(), split.height(), split.width()]), split.images().collect::<Vec<_>>().concat()];
        fs::write(dir.join(format!("{stem}-images-idx3-ubyte")), images.concat()).unwrap();
        let labels = [header(0x801, &[split.len()]), split.labels().collect()];
        fs::write(dir.join(format!("{stem}-labels-idx1-ubyte")), labels.concat()).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn a_stderr_that_cannot_be_written_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_elbo"));
        command.args(args).env_remove("ELBO_SIMD").env_remove("ELBO_DATA").stdout(Stdio::null()).stderr(full());
        command.status().unwrap().code()
    };
    let out = dir.path().join("run");
    let train = ["train", "vae", "--data", "synthetic", "--limit", "100", "--hidden", "8", "--epochs", "3", "--out"];
    assert_eq!(status(&[&train[..], &[out.to_str().unwrap()]].concat()), Some(0));
    assert_eq!(status(&["train", "--resume", "nosuch"]), Some(2));
    assert_eq!(status(&["train", "vae", "--lr", "no"]), Some(2));
    assert_eq!(status(&["latent", dir.path().to_str().unwrap()]), Some(2));
    // Nor does a reader of the output who has gone.
    let out = dir.path().join("unread");
    let mut unread = Command::new(env!("CARGO_BIN_EXE_elbo"));
    unread.args(train).arg(&out).env_remove("ELBO_SIMD").stdout(Stdio::piped()).stderr(full());
    let mut child = unread.spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
    assert!(out.join("film.png").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_network_that_does_not_fit_into_memory_is_refused_before_it_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    let line = "ulimit -v 3000000; \"$0\" train vae --threads 1 --data synthetic -q --limit 100 --hidden 12000,8000 --out \"$1\"";
    let output = Command::new("sh").args(["-c", line, env!("CARGO_BIN_EXE_elbo")]).arg(&out).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let start = "elbo: --hidden, --latent-dim: expected a network that fits into memory, found 210";
    assert!(output.status.code() == Some(2) && said.starts_with(start), "{said}");
    assert!(!out.exists());
}

#[test]
fn settings_without_effect_are_said() {
    let dir = tempfile::tempdir().unwrap();
    let said = |name: &str, more: &[&str]| {
        let out = dir.path().join(name);
        let fixed =
            ["train", "vae", "--data", "synthetic", "--limit", "100", "--hidden", "8", "--epochs", "1", "--out"];
        String::from_utf8(elbo(&[&fixed[..], &[out.to_str().unwrap()], more].concat()).stderr).unwrap()
    };
    assert!(said("a", &["--momentum", "0.5"]).contains("note: momentum: it is that of --optimizer sgd"));
    assert!(said("b", &["--batch-size", "500"]).contains("there are 100 training images"));
    assert!(!said("c", &["--momentum", "0.5", "--optimizer", "sgd", "--batch-size", "50"]).contains("note: "));
}

#[test]
fn a_damaged_checkpoint_is_one_clear_line() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    assert!(small("ae", &run, &[]).status.success());
    let path = run.join("checkpoint.safetensors");
    let good = fs::read(&path).unwrap();
    let mut header_bomb = good.clone();
    header_bomb[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    for (what, bytes) in
        [("empty", vec![]), ("truncated", good[..good.len() / 2].to_vec()), ("huge header", header_bomb)]
    {
        fs::write(&path, bytes).unwrap();
        for command in [&["latent", run.to_str().unwrap()][..], &["train", "--resume", run.to_str().unwrap()]] {
            let said = refused(command, 1);
            assert!(said.contains("expected a checkpoint of elbo") && said.lines().count() == 1, "{what}: {said}");
        }
    }
}

#[test]
fn a_diverged_run_names_step_and_tensor_and_saves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let output = small("ae", &run, &["--optimizer", "sgd", "--lr", "1e30"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("elbo: step 2: the loss is not finite; what was saved before is kept"), "{said}");
    let start = |run: &Path| Trained::load(&run.join("checkpoint.safetensors")).unwrap().progress.step == 0;
    assert!(start(&run) && !run.join("metrics.jsonl").exists());
    // In the last step of an epoch the weights explode, and the evaluation is the first to see it.
    let output = small("ae", &dir.path().join("last"), &["--optimizer", "sgd", "--lr", "1e30", "--batch-size", "300"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("elbo: step 1: the loss on the test images is not finite"), "{said}");
    assert!(start(&dir.path().join("last")));
    // What never began is begun anew.
    assert!(small("ae", &run, &[]).status.success());
}

#[test]
fn a_study_writes_a_report_whose_pictures_exist_and_whose_losses_are_those_of_the_summary() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("study");
    let fixed =
        ["study", "--data", "synthetic", "--limit", "400", "--hidden", "32,16", "--quiet", "--epochs", "2", "--out"];
    let output = elbo(&[&fixed[..], &[out.to_str().unwrap()]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "--quiet, and no terminal");
    let report = fs::read_to_string(out.join("report.md")).unwrap();
    let targets = report.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
    let pictures: Vec<&str> = targets.filter(|target| !target.starts_with("https://arxiv.org/")).collect();
    assert!(pictures.len() >= 10);
    for picture in pictures {
        let bytes = fs::read(out.join(picture)).unwrap_or_else(|e| panic!("{picture}: {e}"));
        if picture.ends_with(".svg") {
            roxmltree::Document::parse(std::str::from_utf8(&bytes).unwrap())
                .unwrap_or_else(|e| panic!("{picture}: {e}"));
        } else if picture.ends_with(".png") {
            assert_eq!(&bytes[..4], b"\x89PNG", "{picture}");
        }
    }
    let summary: serde_json::Value = serde_json::from_slice(&fs::read(out.join("summary.json")).unwrap()).unwrap();
    for run in summary["runs"].as_array().unwrap() {
        let last = run["records"].as_array().unwrap().last().unwrap();
        assert!(report.contains(&format!("{:.2}", last["recon"].as_f64().unwrap())));
        assert_eq!(run["records"].as_array().unwrap().len(), 4);
    }
}

#[test]
fn every_gradient_passes_from_the_command_line_too() {
    let output = elbo(&["gradcheck"]);
    assert!(output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said.lines().count(), 2 + 2 + elbo::ops::CATALOGUE.len());
    assert!(!said.contains("FAILED"));
    let ops = String::from_utf8(elbo(&["ops"]).stdout).unwrap();
    assert!(ops.contains("g (1 − y²)") && ops.lines().count() == 1 + elbo::ops::CATALOGUE.len());
}

#[test]
fn each_experiment_is_a_command_of_the_help() {
    let help = String::from_utf8(elbo(&["--help"]).stdout).unwrap();
    let names: Vec<&str> = help.lines().filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next()).collect();
    for e in &elbo::lab::EXPERIMENTS {
        assert!(help.contains(e.about) && names.contains(&e.name), "{}: {help}", e.name);
    }
    assert!(refused(&["latent"], 2).contains("<RUN>"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_report_is_opened_where_that_is_asked_for() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let study = |name: &str, programs: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_elbo"));
        command.args([
            "study",
            "--data",
            "synthetic",
            "--limit",
            "60",
            "--hidden",
            "8",
            "--epochs",
            "1",
            "-q",
            "--open",
        ]);
        let output = command.env("PATH", programs).arg("--out").arg(dir.path().join(name)).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let page = dir.path().join(name).join("report.html").display().to_string();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{page}\n"));
        (page, String::from_utf8(output.stderr).unwrap())
    };
    let (page, said) = study("nowhere", &dir.path().join("none"));
    assert!(said.starts_with(&format!("note: {page} cannot be opened: ")), "{said}");
    let opener = dir.path().join("programs/xdg-open");
    fs::create_dir(opener.parent().unwrap()).unwrap();
    let opened = dir.path().join("opened");
    fs::write(&opener, format!("#!/bin/sh\necho \"$1\" > '{}'\n", opened.display())).unwrap();
    fs::set_permissions(&opener, fs::Permissions::from_mode(0o755)).unwrap();
    let (page, said) = study("here", opener.parent().unwrap());
    assert_eq!(said, "");
    let read = || fs::read_to_string(&opened).unwrap_or_default();
    for _ in 0..500 {
        if read().ends_with('\n') {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(read(), format!("{page}\n"));
}

#[test]
fn a_classifier_is_trained_and_its_mistakes_are_shown() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("cnn");
    let fixed = ["train", "cnn", "--data", "synthetic", "--limit", "100", "--epochs", "2", "--beta", "2", "--out"];
    let trained = elbo(&[&fixed[..], &[run.to_str().unwrap()]].concat());
    let [said, noted] = [trained.stdout, trained.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(trained.status.success() && said.starts_with("test accuracy "), "{said}{noted}");
    assert!(noted.contains("note: --beta: a CNN has none"), "{noted}");
    let numbers = elbo(&["classify", run.to_str().unwrap(), "--json"]);
    let numbers: serde_json::Value = serde_json::from_slice(&numbers.stdout).unwrap();
    let confusion = numbers["confusion"].as_array().unwrap();
    let count = |i: usize, j: usize| confusion[i][j].as_u64().unwrap();
    let all: u64 = (0..10).flat_map(|i| (0..10).map(move |j| (i, j))).map(|(i, j)| count(i, j)).sum();
    let right: u64 = (0..10).map(|i| count(i, i)).sum();
    assert_eq!((all, numbers["accuracy"].as_f64().unwrap()), (100, right as f64 / 100.0));
    // What training measured with the same weights.
    let last = Folder::open(&run).unwrap().read_metrics().unwrap().pop().unwrap();
    assert_eq!(last.get("accuracy"), numbers["accuracy"].as_f64());
    assert!((last.get("cross_entropy").unwrap() - numbers["cross_entropy"].as_f64().unwrap()).abs() < 1e-5);
    let other = refused(&["latent", run.to_str().unwrap()], 2);
    assert_eq!(other, "elbo: latent does not look at a CNN");
}

#[test]
fn a_gan_is_trained_and_its_images_are_shown() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("gan");
    let path = run.to_str().unwrap();
    let fixed = ["train", "gan", "--data", "synthetic", "--limit", "60", "--epochs", "2", "--batch-size", "30"];
    let trained = elbo(&[&fixed[..], &["--kind", "cgan", "--init", "he", "--out", path]].concat());
    let [said, noted] = [trained.stdout, trained.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(trained.status.success() && said.starts_with("the critic's loss "), "{said}{noted}");
    assert!(noted.contains("note: --init: a GAN has none"), "{noted}");
    assert!(run.join("film.png").exists() && run.join("figures/fresh.png").exists());
    for (table, row) in [("Fréchet", "CGAN"), ("sharpness", "other real images"), ("rarest class", "mean image")] {
        assert!(said.contains(table) && said.contains(row), "{said}");
    }
    let judged = fs::read_to_string(run.join("judge.json")).unwrap();
    let judged: serde_json::Value = serde_json::from_str(&judged).unwrap();
    assert_eq!((&judged["verdicts"][0]["images"], &judged["about"]["pixels"]), (&30.into(), &"grey".into()));
    let drawn = elbo(&["sample", path, "--json"]);
    let drawn: serde_json::Value = serde_json::from_slice(&drawn.stdout).unwrap();
    assert_eq!((&drawn["images"], &drawn["name"]), (&100.into(), &"CGAN".into()));
    let figure = fs::read_to_string(run.join("figures/generated.svg")).unwrap();
    assert!(figure.contains("Ankle boot"), "a row a class");
    assert_eq!(refused(&["latent", path], 2), "elbo: latent does not look at a GAN");
    let npy = dir.path().join("bags.npy");
    assert!(elbo(&["sample", path, "--class", "bag", "--count", "7", "--npy", npy.to_str().unwrap()]).status.success());
    assert_eq!(fs::metadata(&npy).unwrap().len(), 128 + 7 * 784 * 4);
    let why = refused(&["sample", path, "--class", "shoe"], 2);
    assert!(
        why.starts_with("elbo: --class: expected one of T-shirt/top, Trouser,") && why.ends_with("found shoe"),
        "{why}"
    );
    assert!(elbo(&["interpolate", path]).status.success() && run.join("figures/walks_gan.svg").exists());
    let train = |more: &[&str]| refused(&[&fixed[..], more].concat(), 2);
    assert_eq!(train(&["--critic-steps", "0"]), "elbo: --critic-steps: expected at least 1, found 0");
    assert!(train(&["--kind", "lsgan", "--minimax"]).contains("plays another game"));
    assert_eq!(train(&["--betas", "0.5"]), "elbo: --betas: expected two numbers, such as 0.5,0.999, found 0.5");
    assert_eq!(train(&["--betas", "0.5,2"]), "elbo: --betas: expected numbers from 0 to below 1, found [0.5, 2.0]");
    let vae = elbo(&[
        "train",
        "vae",
        "--data",
        "synthetic",
        "--limit",
        "30",
        "--epochs",
        "1",
        "--kind",
        "wgan",
        "--out",
        dir.path().join("vae").to_str().unwrap(),
    ]);
    assert!(String::from_utf8(vae.stderr).unwrap().contains("note: --kind: a VAE has none"));
    let tune = refused(&["tune", "--model", "gan", "--data", "synthetic", "--limit", "60"], 2);
    assert_eq!(tune, "elbo: --model: expected ae, vae or cnn, whose loss can be compared, found GAN");
}

#[test]
fn runs_are_judged_side_by_side_by_the_same_pixels() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_string();
    let fixed = ["--data", "synthetic", "--limit", "60", "--epochs", "1", "--hidden", "8", "--no-judge", "--out"];
    for (network, own) in
        [("vae", &[][..]), ("ae", &[]), ("gan", &["--kind", "infogan", "--architecture", "dense", "--ema", "0.9"])]
    {
        let trained = elbo(&[&["train", network][..], own, &fixed, &[&path(network)]].concat());
        assert!(trained.status.success(), "{}", String::from_utf8_lossy(&trained.stderr));
        assert!(!Path::new(&path(network)).join("judge.json").exists());
    }
    let judged = elbo(&["judge", &path("vae"), &path("gan"), "--json"]);
    assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stderr));
    let judged: serde_json::Value = serde_json::from_slice(&judged.stdout).unwrap();
    // The VAE knows black and white pixels alone, so that the GAN's grey ones are made so.
    assert_eq!(judged["about"]["pixels"], "threshold");
    let names: Vec<&str> = judged["verdicts"].as_array().unwrap().iter().filter_map(|v| v["name"].as_str()).collect();
    assert!(
        names.len() == 4
            && names[0].starts_with("VAE, 2-D: means (")
            && names[3].starts_with("InfoGAN, without average ("),
        "{names:?}"
    );
    assert_eq!(refused(&["judge", &path("ae")], 2), format!("elbo: {}: a AE makes no new images to judge", path("ae")));
    let other = refused(&["judge", &path("vae"), "--data", "synthetic", "--limit", "3"], 2);
    assert!(other.contains("expected at least 4 training images and 1 test image, found 3 and 3"), "{other}");
    let told = refused(&["sample", &path("vae"), "--class", "bag"], 2);
    assert_eq!(told, "elbo: --class: a VAE, 2-D: means is told no class; a CGAN is (elbo train gan --kind cgan)");
}

#[test]
fn a_study_of_gans_goes_on_where_it_was_and_can_be_made_of_runs() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_string();
    let fixed = ["study", "gans", "--data", "synthetic", "--limit", "60", "--epochs", "1", "--quiet"];
    let own = ["--kinds", "vanilla,dcgan", "--latent-dims", "3", "--seeds", "2", "--out"];
    let study = elbo(&[&fixed[..], &own, &[&path("gans")]].concat());
    assert!(study.status.success(), "{}", String::from_utf8_lossy(&study.stderr));
    let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
    let numbers = |name: &str| -> Vec<serde_json::Value> {
        let summary: serde_json::Value = serde_json::from_str(&read(name)).unwrap();
        summary["runs"].as_array().unwrap().iter().map(|run| run["verdicts"].clone()).collect()
    };
    let (first, report) = (numbers("gans/summary.json"), read("gans/report.md"));
    assert_eq!(first.len(), 6);
    for (word, bad) in [("NaN", true), ("VAE, 3-D, means", false), ("references.bib", false), ("Measured", true)] {
        assert!(report.contains(word) != bad, "{word}:\n{report}");
    }
    fs::remove_dir_all(dir.path().join("gans/dcgan-1")).unwrap();
    assert!(elbo(&["study", "gans", "--quiet", "--resume", &path("gans")]).status.success());
    assert_eq!(numbers("gans/summary.json"), first);
    let of_runs = elbo(&["study", "gans", &path("gans/dcgan-0"), &path("gans/dcgan-1"), "--out", &path("again")]);
    assert!(of_runs.status.success(), "{}", String::from_utf8_lossy(&of_runs.stderr));
    // Seed after seed: the VAE, the vanilla GAN, the DCGAN.
    assert_eq!(numbers("again/summary.json"), [first[2].clone(), first[5].clone()]);
    let twice = refused(&["study", "gans", &path("gans/dcgan-0"), &path("gans/dcgan-0"), "--out", &path("twice")], 2);
    assert!(twice.ends_with("another run has the same settings and the same seed"), "{twice}");
    let other = refused(&["study", "activations", "--resume", &path("gans")], 2);
    assert_eq!(other, "elbo: a study of activations trains classifiers, found a VAE");
}

#[test]
fn points_of_the_plane_are_learned_counted_and_filmed() {
    let dir = tempfile::tempdir().unwrap();
    let train = |name: &str, more: &[&str]| {
        let run = dir.path().join(name).to_str().unwrap().to_string();
        let fixed =
            ["train", "--data", "ring", "--limit", "300", "--epochs", "2", "--hidden", "16", "-q", "--out", &run];
        let trained = elbo(&[&fixed[..], more].concat());
        let said = String::from_utf8([trained.stdout, trained.stderr].concat()).unwrap();
        assert!(trained.status.success(), "{said}");
        (run, said)
    };
    for (name, more) in [("gan", &["gan", "--kind", "wgan-gp"][..]), ("vae", &["vae"])] {
        let (run, said) = train(name, more);
        assert!(
            said.contains(" of 8 modes covered, ") && said.contains(" of 2500 new points are of high quality"),
            "{said}"
        );
        let film = fs::read(Path::new(&run).join("film.png")).unwrap();
        assert_eq!(&film[..4], b"\x89PNG");
        let drawn = elbo(&["sample", &run, "--json"]);
        let drawn: serde_json::Value = serde_json::from_slice(&drawn.stdout).unwrap();
        assert_eq!(drawn["coverage"]["of_modes"].as_array().unwrap().len(), 8, "{drawn}");
        assert_eq!(drawn["critic"].is_object(), name == "gan");
        assert!(fs::read_to_string(Path::new(&run).join("figures/plane.svg")).unwrap().contains("new points"));
        let config = fs::read_to_string(Path::new(&run).join("config.json")).unwrap();
        assert!(config.contains("\"grey\""), "{config}");
    }
    let vae = dir.path().join("vae");
    let why = |command: &str| refused(&[command, vae.to_str().unwrap()], 2);
    for command in ["reconstruct", "consistency", "latent", "interpolate"] {
        let shown = "shows images, and the run is on points of the plane: see sample";
        assert_eq!(why(command), format!("elbo: {command} {shown}"));
    }
    assert!(refused(&["study", "--data", "ring"], 2).contains("these are points of the plane"));
    let conv = ["train", "gan", "--data", "ring", "--architecture", "conv"];
    assert!(refused(&conv, 2).contains("images whose sides are multiples of 4"));
}

#[test]
fn images_that_cannot_be_classified_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let pictures = |name: &str, side: u32, classes: &[&str]| {
        for class in classes {
            let folder = dir.path().join(name).join(class);
            fs::create_dir_all(&folder).unwrap();
            for i in 0..4 {
                let mut encoder =
                    png::Encoder::new(fs::File::create(folder.join(format!("{i}.png"))).unwrap(), side, side);
                encoder.set_color(png::ColorType::Grayscale);
                let mut writer = encoder.write_header().unwrap();
                writer.write_image_data(&vec![40 * i as u8; (side * side) as usize]).unwrap();
            }
        }
        dir.path().join(name).to_str().unwrap().to_string()
    };
    let why = |data: &str| refused(&["train", "cnn", "--data", data, "--quiet"], 2);
    assert_eq!(why(&pictures("one", 8, &["a"])), "elbo: classes: expected at least 2 to tell apart, found 1");
    let small = why(&pictures("small", 3, &["a", "b"]));
    assert_eq!(small, "elbo: shape: expected images of at least 4 × 4 pixels, to be halved twice, found 3 × 3");
}

#[test]
fn a_study_of_activations_goes_on_where_it_was_and_tells_what_it_measured() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("activations");
    let out = out.to_str().unwrap();
    let fixed = ["study", "activations", "--data", "synthetic", "--limit", "60", "--epochs", "2", "--quiet"];
    let kinds = ["--seeds", "2", "--activations", "relu,tanh,selu", "--out", out];
    assert!(elbo(&[&fixed[..], &kinds].concat()).status.success());
    let read = |name: &str| fs::read_to_string(Path::new(out).join(name)).unwrap();
    let (summary, report) = (read("summary.json"), read("report.md"));
    let numbers: serde_json::Value = serde_json::from_str(&summary).unwrap();
    let runs = numbers["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 6);
    for (word, bad) in
        [("NaN", true), ("best on average", false), ("ReLU", false), ("saturate", false), ("made to keep", false)]
    {
        assert!(report.contains(word) != bad, "{word}:\n{report}");
    }
    // A network that is gone is trained again, to the same numbers.
    fs::remove_dir_all(Path::new(out).join("tanh-1")).unwrap();
    assert!(elbo(&["study", "activations", "--quiet", "--resume", out]).status.success());
    let again: serde_json::Value = serde_json::from_str(&read("summary.json")).unwrap();
    let of = |numbers: &serde_json::Value| {
        let runs = numbers["runs"].as_array().unwrap().iter();
        runs.map(|run| (run["confusion"].clone(), run["signals"].clone(), run["gradients"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(of(&again), of(&numbers));
    assert!(refused(&[&fixed[..], &kinds].concat(), 2).contains("already holds a study"));
    let none = dir.path().join("none");
    assert!(refused(&["study", "activations", "--resume", none.to_str().unwrap()], 2).contains("found no plan.json"));
    assert!(refused(&["study", "activations", "--activations", "relu,relu"], 2).contains("ReLU: named twice"));
}
