//! [`ActivationStudy`]: one classifier with several nonlinearities, over several seeds, and what becomes of the signals inside.

use super::classify::{self, Classifier};
use super::family::{Family, Member};
use super::publish;
use crate::autograd::Tape;
use crate::data::{Dataset, Split};
use crate::error::{Error, Result};
use crate::loss;
use crate::models::classifier::{Settings, Trace};
use crate::models::{self, Config, Network, Trainer};
use crate::nn::{Pass, one_hot};
use crate::train::{Folder, Record, Task, Watch};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

mod figures;
mod report;

/// Training images that the gradients at the start and the end are taken on.
const PROBE: usize = 500;
/// Training images that are classified again after training, to compare with the test images.
const SEEN: usize = 10_000;

/// The layers whose outputs are looked at, and those whose weights' gradients are.
pub const HIDDEN: [&str; 3] = ["conv1", "conv2", "fc1"];
/// All layers with weights.
pub const LAYERS: [&str; 4] = ["conv1", "conv2", "fc1", "fc2"];

/// Classifiers that differ in nonlinearity, optimiser or seed, and what comes of them.
pub struct ActivationStudy(Family);

/// Everything that was measured: `summary.json`.
#[derive(Clone, Debug, Serialize)]
pub struct ActivationSummary {
    /// Name of the data.
    pub data: String,
    /// Their SHA-256.
    pub digest: String,
    /// Training and test images.
    pub images: [usize; 2],
    /// How often the most frequent class is right.
    pub chance: f64,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// The networks, those that differ in nothing but their seed one after the other.
    pub runs: Vec<Run>,
}

/// One of the networks.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// What it has in common with those that differ in their seed: its nonlinearity and, where there are several, its optimiser.
    pub group: String,
    /// Its configuration.
    pub config: Config,
    /// Its metrics, epoch by epoch; none where it diverged before the first one ended.
    pub records: Vec<Record>,
    /// The step and the tensor at which it diverged.
    pub diverged: Option<String>,
    /// Seconds of an epoch.
    pub seconds: f64,
    /// Accuracy on training images with the weights at the end.
    pub train_accuracy: f64,
    /// Test images of class i that were taken for class j.
    pub confusion: Vec<Vec<usize>>,
    /// The outputs of each hidden layer on the test images, at the start and at the end.
    pub signals: [[Signal; 3]; 2],
    /// The norm of the gradient in each layer's weights, at the start and at the end.
    pub gradients: [[f64; 4]; 2],
    /// The windows of the first layer: 3 × 3 numbers each, of the first channel.
    #[serde(skip)]
    pub filters: Vec<Vec<f32>>,
}

/// The outputs of a hidden layer over the test images.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Signal {
    /// Their mean.
    pub mean: f64,
    /// Their variance.
    pub variance: f64,
    /// The share of units (channels of a convolution) that are above 0 for no test image at no place.
    pub dead: f64,
    /// The share of outputs beyond ±0.99.
    pub saturated: f64,
}

impl ActivationStudy {
    /// A new study in `folder` of networks with these configurations.
    ///
    /// # Errors
    /// When one is no classifier's or makes no sense, or the plan cannot be written.
    pub fn begin(folder: Folder, configs: Vec<Config>) -> Result<Self> {
        configs.iter().try_for_each(|config| of(config).map(drop))?;
        Ok(ActivationStudy(Family::begin(folder, configs, group)?))
    }

    /// The study that was begun at `path`.
    ///
    /// # Errors
    /// When there is none, or another process works there.
    pub fn resume(path: &Path) -> Result<Self> {
        let family = Family::resume(path, group)?;
        family.configs().iter().try_for_each(|config| of(config).map(drop))?;
        Ok(ActivationStudy(family))
    }

    /// The networks.
    pub fn family(&self) -> &Family {
        &self.0
    }

    /// Trains all networks to their ends, looks into them and writes what came out; gives the report's page. `watch` makes an observer
    /// of each network's training.
    ///
    /// # Errors
    /// As [`Family::train`].
    pub fn run<'w>(
        &self,
        data: &Dataset,
        watch: impl Fn(&str, &Trainer, &Folder) -> Box<dyn Watch<Network> + 'w>,
        stop: &AtomicBool,
    ) -> Result<(ActivationSummary, PathBuf)> {
        let mut runs = Vec::new();
        self.0.train(data, watch, stop, |member| {
            runs.push(look(member, data));
            Ok(())
        })?;
        let summary = ActivationSummary {
            data: data.name.clone(),
            digest: data.digest.clone(),
            images: [data.train.len(), data.test.len()],
            chance: data.most_frequent_class(),
            classes: data.class_names.clone(),
            runs,
        };
        let page = publish(self.0.path(), &figures::draw(&summary), &summary, &report::report(&summary))?;
        Ok((summary, page))
    }
}

/// A classifier's own settings.
fn of(config: &Config) -> Result<&Settings> {
    match &config.network {
        models::Settings::Cnn(own) => Ok(own),
        other => Err(Error::Usage(format!("a study of activations trains classifiers, found a {}", other.name()))),
    }
}

fn settings(config: &Config) -> &Settings {
    of(config).expect("a study's configurations were checked")
}

/// What a network has in common with those that differ in their seed: its nonlinearity and, where there are several, its optimiser.
fn group(all: &[Config], config: &Config) -> String {
    let optimizer = |config: &Config| config.network.common().map(|(descent, ..)| descent.optimizer);
    let name = config.network.common().map_or("", |(_, activation, _)| activation.name());
    match optimizer(config) {
        Some(own) if all.iter().any(|other| optimizer(other) != Some(own)) => format!("{name}, {}", own.name()),
        _ => name.to_string(),
    }
}

/// Looks into a network after its training.
fn look(member: Member, data: &Dataset) -> Run {
    let Member { group, trainer, records, diverged, .. } = member;
    let config = trainer.config.clone();
    let fresh = Network::new(&config.network, config.seed);
    let classifier = |network| Classifier::of(&config, network, &data.train).expect("the study trains classifiers");
    let ends = [&fresh, &trainer.task].map(classifier);
    let judged = |split: &Split| classify::measure(&ends[1], split, &data.class_names);
    let seen = data.train.take(0..data.train.len().min(SEEN) as u32);
    let windows = ends[1].task().network().filters(ends[1].task().params());
    let [_, channels, rows, cols] = *windows.shape() else { unreachable!("windows have four axes") };
    Run {
        group,
        records,
        diverged,
        seconds: trainer.progress.seconds_per_epoch(),
        train_accuracy: judged(&seen).accuracy,
        confusion: judged(&data.test).confusion,
        signals: ends.each_ref().map(|end| signals(end, data)),
        gradients: ends.each_ref().map(|end| gradients(end, data)),
        filters: windows.data().chunks_exact(channels * rows * cols).map(|w| w[..rows * cols].to_vec()).collect(),
        config,
    }
}

/// The signals in each hidden layer over the test images.
fn signals(classifier: &Classifier, data: &Dataset) -> [Signal; 3] {
    let (mut sums, mut alive) = ([[0.0f64; 4]; 3], [const { Vec::<bool>::new() }; 3]);
    classifier.each_batch(&data.test, |trace: &Trace<f32>| {
        for ((sums, alive), layer) in sums.iter_mut().zip(&mut alive).zip(trace.hidden()) {
            let value = layer.value();
            let (units, places) = (value.shape()[1], value.shape()[2..].iter().product::<usize>());
            alive.resize(units, false);
            for (i, outputs) in value.data().chunks_exact(places).enumerate() {
                let mut plane = [0.0f64; 3];
                let mut largest = f32::NEG_INFINITY;
                for &x in outputs {
                    let wide = f64::from(x);
                    plane[0] += wide;
                    plane[1] += wide * wide;
                    plane[2] += f64::from(u8::from(x.abs() > 0.99));
                    largest = largest.max(x);
                }
                alive[i % units] |= largest > 0.0;
                sums.iter_mut().zip(plane.into_iter().chain([places as f64])).for_each(|(sum, x)| *sum += x);
            }
        }
    });
    std::array::from_fn(|layer| {
        let [sum, squares, saturated, n] = sums[layer];
        let mean = sum / n;
        let dead = alive[layer].iter().filter(|alive| !**alive).count() as f64 / alive[layer].len() as f64;
        Signal { mean, variance: (squares / n - mean * mean).max(0.0), dead, saturated: saturated / n }
    })
}

/// The norm of the loss' gradient in each layer's weights, over the first training images.
fn gradients(classifier: &Classifier, data: &Dataset) -> [f64; 4] {
    let n = data.train.len().min(PROBE);
    let tape = Tape::new();
    let params = classifier.task().params();
    let pass = Pass::new(&tape, params);
    let x = classifier.images(&tape, &data.train, 0..n);
    let labels = data.train.labels().take(n).map(usize::from);
    let classes = one_hot(&tape, labels, data.class_names.len());
    let grads = pass.backward(loss::classification(classifier.task().network().trace(&pass, x).logits, classes));
    LAYERS.map(|layer| {
        let id = params.find(&format!("{layer}.weight"));
        let grad = grads.iter().find(|(found, _)| Some(*found) == id).map(|(_, grad)| grad);
        grad.map_or(f64::NAN, |grad| grad.data().iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt())
    })
}
