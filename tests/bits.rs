//! The same seed gives the same bits: on any number of threads, on each SIMD path, and after any interruption.
#![cfg(feature = "cli")]

use elbo::models::Trained;
use elbo::train::{Folder, Task};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// A short run on the synthetic set: `elbo train vae …`, with more arguments.
fn train(more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_elbo"));
    command.args(["train", "--data", "synthetic", "--quiet", "--no-judge"]);
    if !more.contains(&"--limit") {
        command.args(["--limit", "1000"]);
    }
    // Last: a path may follow.
    command.args(more);
    command.env_remove("ELBO_SIMD").stdout(Stdio::null()).stderr(Stdio::null());
    command
}

const VAE: &[&str] = &["vae", "--epochs", "6", "--hidden", "64,33", "--batch-size", "48", "--seed", "3"];
const CNN: &[&str] = &["cnn", "--epochs", "1", "--limit", "100", "--batch-size", "48", "--seed", "3"];
/// Batch normalisation in the generator, and a penalty that is differentiated twice.
const GAN: &[&str] =
    &["gan", "--kind", "wgan-gp", "--epochs", "1", "--limit", "48", "--batch-size", "24", "--critic-steps", "2"];

/// All weights and buffers of a run's checkpoint, as bits.
fn weights(run: &Path) -> Vec<u32> {
    let trained = Trained::load(&Folder::open(run).unwrap().checkpoint()).unwrap();
    let all = trained.task.parts().into_iter().flat_map(|part| {
        let params = &part.params;
        let weights = params.ids().flat_map(|id| params.get(id).data().to_vec());
        weights.chain(params.buffers().flat_map(|(_, value)| value.data().to_vec())).collect::<Vec<f32>>()
    });
    all.map(f32::to_bits).collect()
}

#[test]
fn weights_do_not_depend_on_threads_or_simd_path() {
    for settings in [VAE, CNN, GAN] {
        let dir = tempfile::tempdir().unwrap();
        let reference = dir.path().join("reference");
        assert!(train(settings).arg("--out").arg(&reference).status().unwrap().success());
        let expected = weights(&reference);
        for simd in elbo::kernels::simd::Path::ALL.into_iter().filter(|p| p.is_supported()) {
            for threads in ["1", "2", "4"] {
                let run = dir.path().join(format!("{simd}-{threads}"));
                let name = simd.to_string();
                let ran = train(settings).args(["--simd", &name, "--threads", threads, "--out"]).arg(&run).status();
                assert!(ran.unwrap().success(), "{}, {simd}, {threads} threads", settings[0]);
                assert!(weights(&run) == expected, "{}, {simd}, {threads} threads", settings[0]);
            }
        }
    }
}

#[test]
fn weights_do_not_depend_on_being_killed() {
    killed(10, 60, &["vae", "--epochs", "60", "--hidden", "64,33", "--batch-size", "48"]);
    killed(3, 10, &["cnn", "--epochs", "10", "--limit", "100", "--batch-size", "24", "--activation", "selu"]);
    killed(
        3,
        10,
        &["gan", "--kind", "sngan", "--epochs", "10", "--limit", "72", "--batch-size", "24", "--critic-steps", "2"],
    );
}

/// Kills a run of so many epochs so many times.
fn killed(kills: u64, epochs: u64, settings: &[&str]) {
    let settings = |dir: &Path| {
        let mut command = train(settings);
        command.arg("--out").arg(dir);
        command
    };
    let dir = tempfile::tempdir().unwrap();
    let [whole, killed] = ["whole", "killed"].map(|name| dir.path().join(name));
    assert!(settings(&whole).status().unwrap().success());
    let saved = || std::fs::metadata(killed.join("checkpoint.safetensors")).and_then(|m| m.modified()).ok();
    let resume = || {
        // With all images that the run was begun with, whatever their number.
        let mut command = Command::new(env!("CARGO_BIN_EXE_elbo"));
        command.args(["train", "--quiet", "--no-judge", "--resume"]).arg(&killed);
        command.env_remove("ELBO_SIMD").stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    for kill in 0..kills {
        let before = saved();
        let mut child = if kill == 0 { settings(&killed) } else { resume() }.spawn().unwrap();
        // Each life lasts for at least one epoch, and ends at another place in an epoch.
        while saved() == before {
            assert!(child.try_wait().unwrap().is_none(), "life {kill} ended by itself");
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_micros(618 * 7 * kill % 9000));
        assert!(child.try_wait().unwrap().is_none(), "life {kill} ended by itself");
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(resume().status().unwrap().success());
    assert!(weights(&killed) == weights(&whole));
    let metrics = Folder::open(&killed).unwrap().read_metrics().unwrap();
    let expected = (1..=epochs).flat_map(|epoch| [epoch; 2]).collect::<Vec<_>>();
    assert_eq!(metrics.iter().map(|r| r.epoch).collect::<Vec<_>>(), expected);
}

#[cfg(unix)]
#[test]
fn a_signal_saves_in_the_middle_of_an_epoch_and_is_the_exit_status() {
    let dir = tempfile::tempdir().unwrap();
    for (signal, status) in [("-INT", 130), ("-TERM", 143)] {
        let run = dir.path().join(signal);
        let mut child = train(&["vae", "--epochs", "5000", "--hidden", "64,33", "--out"]).arg(&run).spawn().unwrap();
        while !run.join("metrics.jsonl").exists() {
            std::thread::sleep(Duration::from_millis(10));
        }
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        assert_eq!(child.wait().unwrap().code(), Some(status));
        let trained = Trained::load(&Folder::open(&run).unwrap().checkpoint()).unwrap();
        assert!(trained.progress.step > 0 && trained.progress.epoch < 5000);
    }
}

#[cfg(unix)]
#[test]
fn a_study_that_was_interrupted_goes_on_to_the_same_figures() {
    let dir = tempfile::tempdir().unwrap();
    let study = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_elbo"));
        command.args(["study", "--data", "synthetic", "--limit", "1000", "--quiet"]).args(more);
        command.env_remove("ELBO_SIMD").stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let settings = ["--epochs", "12", "--hidden", "32,16", "--batch-size", "8"];
    let [whole, parts] = ["whole", "parts"].map(|name| dir.path().join(name));
    assert!(study(&settings).arg("--out").arg(&whole).status().unwrap().success());

    let mut child = study(&settings).arg("--out").arg(&parts).spawn().unwrap();
    while !parts.join("vae/checkpoint.safetensors").exists() {
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!parts.join("report.md").exists());
    assert_eq!(study(&settings).arg("--out").arg(&parts).status().unwrap().code(), Some(2), "the folder is taken");
    assert!(study(&["--resume"]).arg(&parts).status().unwrap().success());

    assert!(weights(&whole.join("vae")) == weights(&parts.join("vae")));
    for figure in std::fs::read_dir(whole.join("figures")).unwrap() {
        let figure = figure.unwrap();
        let other = std::fs::read(parts.join("figures").join(figure.file_name())).unwrap();
        assert!(std::fs::read(figure.path()).unwrap() == other, "{:?}", figure.file_name());
    }
}
