//! The same seed gives the same bits: on any number of threads, on each SIMD path, and after any interruption.

use elbo::train::{Folder, Trained};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// A short run on the synthetic set: `elbo train vae …`, with more arguments.
fn train(more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_elbo"));
    command.args(["train", "--data", "synthetic", "--limit", "1000", "--quiet"]).args(more);
    command.env_remove("ELBO_SIMD").stdout(Stdio::null()).stderr(Stdio::null());
    command
}

const SETTINGS: [&str; 9] = ["vae", "--epochs", "6", "--hidden", "64,33", "--batch-size", "48", "--seed", "3"];

/// All weights of a run's checkpoint, as bits.
fn weights(run: &Path) -> Vec<u32> {
    let trained = Trained::load(&Folder::open(run).unwrap().checkpoint()).unwrap();
    trained.params.ids().flat_map(|id| trained.params.get(id).data().to_vec()).map(f32::to_bits).collect()
}

/// The bits of an uninterrupted run.
fn reference(dir: &Path) -> Vec<u32> {
    let run = dir.join("reference");
    assert!(train(&SETTINGS).args(["--threads", "2", "--out"]).arg(&run).status().unwrap().success());
    weights(&run)
}

#[test]
fn weights_do_not_depend_on_threads_or_simd_path() {
    let dir = tempfile::tempdir().unwrap();
    let expected = reference(dir.path());
    for simd in elbo::kernels::simd::Path::ALL.into_iter().filter(|p| p.is_supported()) {
        for threads in ["1", "2", "4"] {
            let run = dir.path().join(format!("{simd}-{threads}"));
            let name = simd.to_string();
            let ran = train(&SETTINGS).args(["--simd", &name, "--threads", threads, "--out"]).arg(&run).status();
            assert!(ran.unwrap().success(), "{simd}, {threads} threads");
            assert!(weights(&run) == expected, "{simd}, {threads} threads");
        }
    }
}

#[test]
fn weights_do_not_depend_on_being_killed_ten_times() {
    let dir = tempfile::tempdir().unwrap();
    let expected = reference(dir.path());
    let run = dir.path().join("killed");
    let mut kills = 0;
    // Instants spread over the life of a process by a fixed irrational rotation.
    for attempt in 0u64.. {
        let checkpoint = run.join("checkpoint.safetensors");
        let mut command = match checkpoint.exists() {
            true => {
                let mut command = train(&["--resume"]);
                command.arg(&run);
                command
            }
            false => {
                let _ = std::fs::remove_dir_all(&run);
                let mut command = train(&SETTINGS);
                command.arg("--out").arg(&run);
                command
            }
        };
        let mut child = command.spawn().unwrap();
        if kills < 10 {
            std::thread::sleep(Duration::from_millis(20 + attempt * 618 % 230));
            if child.try_wait().unwrap().is_none() {
                child.kill().unwrap();
                kills += 1;
            } else if kills < 10 && checkpoint.exists() {
                // It finished before ten kills: begin anew, so that all of them count.
                std::fs::remove_dir_all(&run).unwrap();
            }
            child.wait().unwrap();
            continue;
        }
        assert!(child.wait().unwrap().success());
        break;
    }
    assert!(weights(&run) == expected);
    let metrics = Folder::open(&run).unwrap().read_metrics().unwrap();
    assert_eq!(metrics.iter().map(|r| r.epoch).collect::<Vec<_>>(), [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_saves_in_the_middle_of_an_epoch_and_exits_130() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let mut child = train(&["vae", "--epochs", "5000", "--hidden", "64,33", "--out"]).arg(&run).spawn().unwrap();
    while !run.join("checkpoint.safetensors").exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let trained = Trained::load(&Folder::open(&run).unwrap().checkpoint()).unwrap();
    assert!(trained.progress.step > 0 && trained.progress.epoch < 5000);
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
