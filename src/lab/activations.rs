//! [`ActivationStudy`]: one classifier with several nonlinearities, over several seeds, and what becomes of the signals inside.

use super::classify::{self, Classifier};
use super::publish;
use crate::autograd::Tape;
use crate::data::{Dataset, Origin, Split};
use crate::error::{Error, Result};
use crate::files;
use crate::loss;
use crate::models::classifier::{Settings, Trace};
use crate::models::{self, Config, Network, Trained, Trainer};
use crate::nn::{Pass, one_hot};
use crate::train::{self, Folder, Record, Task, Watch};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

mod figures;
mod report;

/// What is to be trained: `plan.json`.
const PLAN: &str = "plan.json";
/// Training images that the gradients at the start and the end are taken on.
const PROBE: usize = 500;
/// Training images that are classified again after training, to compare with the test images.
const SEEN: usize = 10_000;
/// Steps from which the whole is estimated.
const STEPS: u32 = 3;

/// The layers whose outputs are looked at, and those whose weights' gradients are.
pub const HIDDEN: [&str; 3] = ["conv1", "conv2", "fc1"];
/// All layers with weights.
pub const LAYERS: [&str; 4] = ["conv1", "conv2", "fc1", "fc2"];

/// Classifiers that differ in nonlinearity, optimiser or seed, each in a folder of its own, and what comes of them.
pub struct ActivationStudy {
    configs: Vec<Config>,
    folder: Folder,
}

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
        for config in &configs {
            config.validate::<Network>()?;
            of(config)?;
        }
        folder.write(PLAN, files::json(&configs).as_bytes())?;
        Ok(ActivationStudy { configs, folder })
    }

    /// A folder without a study, for this process alone.
    ///
    /// # Errors
    /// [`Error::Taken`] when there is a study in it, [`Error::Usage`] when another process works there.
    pub fn folder(path: &Path) -> Result<Folder> {
        let folder = Folder::at(path)?.claim()?;
        match files::is_there(&path.join(PLAN))? {
            true => Err(Error::Taken { path: path.to_path_buf(), what: "study" }),
            false => Ok(folder),
        }
    }

    /// Where the data of the study at `path` were; the default where no network was begun.
    ///
    /// # Errors
    /// When there is no study.
    pub fn origin(path: &Path) -> Result<Origin> {
        let configs = plan(path)?;
        let folder = Folder::at(&path.join(name(&configs, 0)))?;
        match files::is_there(&folder.checkpoint())? {
            true => Ok(Trained::load(&folder.checkpoint())?.origin),
            false => Ok(Origin::default()),
        }
    }

    /// The study that was begun at `path`.
    ///
    /// # Errors
    /// When there is none, or another process works there.
    pub fn resume(path: &Path) -> Result<Self> {
        let configs = plan(path)?;
        Ok(ActivationStudy { configs, folder: Folder::at(path)?.claim()? })
    }

    /// The configurations, in the order of training.
    pub fn configs(&self) -> &[Config] {
        &self.configs
    }

    /// About how many seconds the training of all will take, from a few steps of the first.
    ///
    /// # Errors
    /// When these diverge.
    pub fn estimate(&self, data: &Dataset) -> Result<f64> {
        let mut trainer = Trainer::new(self.configs[0].clone())?;
        // The first one makes the memory that all others use.
        trainer.step(data)?;
        let start = Instant::now();
        (0..STEPS).try_for_each(|_| trainer.step(data))?;
        let step = start.elapsed().as_secs_f64() / f64::from(STEPS);
        Ok(self.configs.iter().map(|config| (config.batches(data.train.len()) * config.epochs) as f64 * step).sum())
    }

    /// Trains all networks to their ends, looks into them and writes what came out; gives the report's page. `watch` makes an observer
    /// of each network's training.
    ///
    /// # Errors
    /// As [`train::run`], but that a network which diverges is a result.
    pub fn run<'w>(
        &self,
        data: &Dataset,
        watch: impl Fn(&str, &Trainer, &Folder) -> Box<dyn Watch<Network> + 'w>,
        stop: &AtomicBool,
    ) -> Result<(ActivationSummary, PathBuf)> {
        let mut runs = Vec::new();
        for (i, config) in self.configs.iter().enumerate() {
            let own = Folder::at(&self.folder.path().join(name(&self.configs, i)))?.claim()?;
            let mut trainer = match files::is_there(&own.checkpoint())? {
                true => Trainer::resume(&own.checkpoint(), data)?,
                false => Trainer::new(config.clone())?,
            };
            if trainer.config != *config {
                let found = "others (see config.json)";
                return Err(Error::format(&own.checkpoint(), "settings", "those of plan.json", found));
            }
            let mut watch = watch(&format!("{}, seed {}", group(&self.configs, config), config.seed), &trainer, &own);
            let (records, diverged) = match train::run(&mut trainer, data, &own, &mut *watch, stop) {
                Ok(records) => (records, None),
                Err(Error::Diverged { step, tensor }) => {
                    (own.read_metrics()?, Some(format!("step {step}: {tensor} is not finite")))
                }
                Err(e) => return Err(e.part_of(self.folder.path())),
            };
            drop(watch);
            runs.push(look(group(&self.configs, config), &trainer, records, diverged, data));
        }
        let summary = ActivationSummary {
            data: data.name.clone(),
            digest: data.digest.clone(),
            images: [data.train.len(), data.test.len()],
            chance: data.most_frequent_class(),
            classes: data.class_names.clone(),
            runs,
        };
        let page = publish(&self.folder, &figures::draw(&summary), &summary, &report::report(&summary))?;
        Ok((summary, page))
    }
}

fn plan(path: &Path) -> Result<Vec<Config>> {
    let path = path.join(PLAN);
    if !files::is_there(&path)? {
        let of = path.parent().unwrap_or(&path).display();
        return Err(Error::Usage(format!(
            "{of}: expected the folder of a study of activations, found no {PLAN} in it"
        )));
    }
    serde_json::from_str(&files::read_text(&path, 1 << 24)?)
        .map_err(|e| Error::format(&path, "plan", "the configurations of a study", e))
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

/// What a network has in common with those that differ in their seed.
fn group(all: &[Config], config: &Config) -> String {
    let optimizer = |config: &Config| settings(config).descent.optimizer;
    let name = settings(config).activation.name();
    match all.iter().any(|other| optimizer(other) != optimizer(config)) {
        false => name.to_string(),
        true => format!("{name}, {}", optimizer(config).name()),
    }
}

/// The folder of a network.
fn name(all: &[Config], i: usize) -> String {
    let group = group(all, &all[i]).to_lowercase().replace(", ", "-").replace(' ', "_");
    format!("{group}-{}", all[i].seed)
}

/// Looks into a network after its training.
fn look(group: String, trainer: &Trainer, records: Vec<Record>, diverged: Option<String>, data: &Dataset) -> Run {
    let config = trainer.config.clone();
    let fresh = Network::new(&config.network, config.seed);
    let classifier = |network| Classifier::of(&config, network, &data.train).expect("the study trains classifiers");
    let ends = [&fresh, &trainer.task].map(classifier);
    let judged = |split: &Split| classify::measure(&ends[1], split, &data.class_names);
    let seen = data.train.take(0..data.train.len().min(SEEN) as u32);
    let epochs = trainer.progress.epoch.max(1) as f64;
    let windows = ends[1].task().network().filters(ends[1].task().params());
    let [_, channels, rows, cols] = *windows.shape() else { unreachable!("windows have four axes") };
    Run {
        group,
        records,
        diverged,
        seconds: trainer.progress.seconds / epochs,
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
