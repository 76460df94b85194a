//! The command line as a user meets it: what it says, what it writes, how it ends.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn elbo(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_elbo"));
    command.args(args).env_remove("ELBO_SIMD").env_remove("ELBO_DATA").output().unwrap()
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
    assert!(train(&["--binarize", "maybe"]).contains("possible values: threshold, dynamic, none"));
    assert!(refused(&["train", "gan"], 2).contains("possible values: ae, vae"));
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
        let output = elbo(&[look, path, "--json", "--data", "synthetic", "--limit", "300"]);
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
    let output = elbo(&["profile", path, "--steps", "4", "--data", "synthetic", "--limit", "300"]);
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
            let said = refused(&[command, &["--data", "synthetic", "--limit", "300"]].concat(), 1);
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
    assert!(!run.join("checkpoint.safetensors").exists() && !run.join("metrics.jsonl").exists());
    // In the last step of an epoch the weights explode, and the evaluation is the first to see it.
    let output = small("ae", &dir.path().join("last"), &["--optimizer", "sgd", "--lr", "1e30", "--batch-size", "300"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("elbo: step 1: the loss on the test images is not finite"), "{said}");
    assert!(!dir.path().join("last/checkpoint.safetensors").exists());
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
    let pictures: Vec<&str> = report.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()).collect();
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
