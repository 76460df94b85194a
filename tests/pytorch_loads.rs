//! PyTorch loads our checkpoints by the names of their weights, and computes the same. `ELBO_PYTHON` names an interpreter that has
//! PyTorch, else it is `python3`; where that has none, what it computed before is compared with: `ELBO_RECORD=1` writes that anew.
#![cfg(feature = "train")]

use elbo::Tape;
use elbo::data::{Encoding, synthetic};
use elbo::models::{Settings, Trainer, classifier};
use elbo::nn::{Activation, Pass};
use elbo::train::Config;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What PyTorch computes of these images with the network of a checkpoint; none where it is not.
fn pytorch(checkpoint: &Path, images: &Path) -> Option<Vec<Vec<f32>>> {
    let python = PathBuf::from(std::env::var_os("ELBO_PYTHON").unwrap_or_else(|| "python3".into()));
    if !Command::new(&python).args(["-c", "import torch"]).output().is_ok_and(|output| output.status.success()) {
        println!("{} has no PyTorch: compared with what is recorded", python.display());
        return None;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/classify.py");
    let output = Command::new(&python).arg("-B").arg(script).args([checkpoint, images]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn a_classifiers_logits_are_pytorchs() {
    const IMAGES: usize = 12;
    let dir = tempfile::tempdir().unwrap();
    let [checkpoint, images] = ["checkpoint.safetensors", "images"].map(|name| dir.path().join(name));
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/classifier_logits.json");
    let is_recording = std::env::var_os("ELBO_RECORD").is_some();
    let recorded: Vec<Option<Vec<Vec<f32>>>> = match is_recording {
        true => vec![None; 3],
        false => serde_json::from_slice(&std::fs::read(&fixture).unwrap()).unwrap(),
    };
    let mut computed = Vec::new();
    let data = synthetic::dataset(300, IMAGES);
    for (activation, recorded) in [Activation::Relu, Activation::Selu, Activation::Tanh].into_iter().zip(recorded) {
        // The same weights on every machine, and so what is recorded is of them.
        let own = classifier::Settings { activation, ..classifier::Settings::new(data.train.shape(), 10) };
        let config = Config { batch_size: 50, binarize: Encoding::Grey, ..Config::of(Settings::Cnn(own)) };
        let mut trainer = Trainer::new(config).unwrap();
        (0..6).for_each(|_| trainer.step(&data).unwrap());
        trainer.save(&checkpoint, &data).unwrap();
        let pixels: Vec<f32> = data.test.images().flatten().map(|&byte| f32::from(byte) / 255.0).collect();
        std::fs::write(&images, pixels.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>()).unwrap();

        let network = trainer.task.classifier().unwrap();
        let tape = Tape::new();
        let x = tape.leaf_with([IMAGES, 784], |x| x.copy_from_slice(&pixels));
        let ours = network.network().trace(&Pass::judging(&tape, network.params()), x).logits.value();
        let live = pytorch(&checkpoint, &images);
        for theirs in live.iter().chain(&recorded) {
            let worst = ours.data().iter().zip(theirs.concat()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert_eq!(theirs.concat().len(), ours.data().len());
            assert!(worst < 1e-4, "{activation:?}: {worst}");
        }
        computed.push(live);
    }
    if is_recording {
        std::fs::write(&fixture, serde_json::to_string(&computed).unwrap() + "\n").unwrap();
    }
}
