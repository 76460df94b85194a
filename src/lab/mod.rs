//! What a trained network shows. Each file is one experiment: `measure` gives its numbers and draws its figures, `tell` turns
//! the numbers, and nothing else, into paragraphs. [`EXPERIMENTS`] lists them.
//!
//! A [`study::Study`] trains an autoencoder and a VAE and does them all: the numbers become `summary.json`, the paragraphs the
//! [`report`]. Sentences that explain stand always; a sentence about the run is chosen by a rule from a number, so that the text says
//! what was found also when it is not what was expected.

pub mod activations;
pub mod classify;
pub mod consistency;
pub mod export;
pub mod family;
pub mod film;
pub mod gans;
pub mod generate;
pub mod interpolate;
pub mod judge;
pub mod latent;
pub mod losses;
pub mod makers;
pub mod plane;
pub mod reconstruct;
pub mod report;
pub mod sample;
pub mod study;
#[cfg(test)]
mod tests;
pub mod walks;

use classify::Classifier;
use generate::Source;

use crate::autograd::Tape;
use crate::data::{Dataset, Encoding, Split};
use crate::error::{Error, Result};
use crate::files;
use crate::kernels::Real;
use crate::kernels::math::normal_quantile;
use crate::models::coder::Codes;
use crate::models::{Config, Trained, Trainer};
use crate::nn::Pass;
use crate::plot::excerpt;
use crate::report::{Block, Figure, Picture, Report, html, markdown};
use crate::rng::{Purpose, Stream};
use crate::stats::mean_and_error;
use crate::tensor::Tensor;
use crate::train::Folder;
use serde::Serialize;
use std::ops::Range;
use std::path::PathBuf;

/// An experiment on trained networks.
pub struct Experiment {
    /// Its command: `elbo latent`.
    pub name: &'static str,
    /// What the command does.
    pub about: &'static str,
    /// Its section in the report.
    pub title: &'static str,
    /// Its numbers in `summary.json`.
    pub key: &'static str,
    /// Measures, draws and tells.
    pub run: Measure,
}

/// What is done with networks that have an encoder and a decoder.
pub type OfCoders = fn(&[Subject], &Dataset) -> Result<Findings>;

/// What an experiment looks at.
#[derive(Clone, Copy)]
pub enum Measure {
    /// Networks with an encoder and a decoder: an error where it needs one that is not among these.
    Coders(OfCoders),
    /// A classifier.
    Classifier(fn(&Classifier, &Dataset) -> Result<Findings>),
    /// Networks that make images: those with a decoder, as above, or a GAN.
    Makers(OfCoders, fn(&Source, &Dataset) -> Result<Findings>),
}

impl Measure {
    /// What it does with networks that have an encoder and a decoder, if it looks at them.
    pub fn of_coders(self) -> Option<OfCoders> {
        match self {
            Measure::Coders(run) | Measure::Makers(run, _) => Some(run),
            Measure::Classifier(_) => None,
        }
    }
}

impl Experiment {
    /// Whether it is the one that makes new images: it alone shows points, and exports.
    pub fn is_sample(&self) -> bool {
        self.name == sample::EXPERIMENT.name
    }

    /// Does it on a trained network; none if it is not one of those that it looks at.
    ///
    /// # Errors
    /// As the experiment's own; and an [`Error::Usage`] where it would show points of the plane as images.
    pub fn on(&self, trained: &Trained, data: &Dataset) -> Option<Result<Findings>> {
        match self.run {
            Measure::Coders(_) | Measure::Makers(..) if data.test.is_points() && !self.is_sample() => {
                let why = format!("{} shows images, and the run is on points of the plane: see sample", self.name);
                Some(Err(Error::Usage(why)))
            }
            Measure::Coders(run) => Some(run(&[Subject::of_trained(trained)?], data)),
            Measure::Classifier(run) => Some(run(&Classifier::of_trained(trained, &data.train)?, data)),
            Measure::Makers(coders, gan) => match Source::of_trained(trained) {
                Some(source) => Some(gan(&source, data)),
                None => Some(coders(&[Subject::of_trained(trained)?], data)),
            },
        }
    }
}

/// All experiments, in the order of the report. An experiment is a file and a line here.
pub const EXPERIMENTS: [Experiment; 6] = [
    reconstruct::EXPERIMENT,
    consistency::EXPERIMENT,
    latent::EXPERIMENT,
    sample::EXPERIMENT,
    interpolate::EXPERIMENT,
    classify::EXPERIMENT,
];

/// What came out of an experiment.
pub struct Findings {
    /// What was measured.
    pub numbers: Box<dyn erased_serde::Serialize>,
    /// What was drawn.
    pub figures: Vec<Figure>,
    /// What is told.
    pub text: Vec<Block>,
}

impl Findings {
    /// Numbers and figures, and what follows from the numbers alone.
    pub fn of<N: Serialize + 'static>((numbers, figures): (N, Vec<Figure>), tell: impl Fn(&N) -> Vec<Block>) -> Self {
        Findings { text: tell(&numbers), numbers: Box::new(numbers), figures }
    }
}

/// Writes what a folder's report consists of: figures, numbers, and what is told of them as `report.md` and as `report.html`, whose
/// path it gives.
///
/// # Errors
/// When a file cannot be written.
pub fn publish(folder: &Folder, figures: &[Figure], numbers: &impl Serialize, report: &Report) -> Result<PathBuf> {
    for figure in figures {
        folder.write(&figure.path(), &figure.bytes)?;
    }
    folder.write("summary.json", files::json(numbers).as_bytes())?;
    folder.write("report.md", markdown::page(report).as_bytes())?;
    let page = html::page(report, |picture: &Picture| {
        if let Some(drawn) = figures.iter().find(|figure| figure.path() == picture.path) {
            return Ok(Some(drawn.bytes.clone()));
        }
        let path = folder.path().join(&picture.path);
        // Whoever watches a run may not have filmed it.
        if picture.is_film && !files::is_there(&path)? {
            return Ok(None);
        }
        let bytes = files::read(&path, u64::MAX)?;
        Ok(Some(if picture.is_film { excerpt(&bytes, FRAMES).unwrap_or(bytes) } else { bytes }))
    })?;
    folder.write("report.html", page.as_bytes())?;
    Ok(folder.path().join("report.html"))
}

/// Frames of a film that are in the page, which stays below 5 MB.
const FRAMES: usize = 24;

/// Numbers with two digits and a true minus; of many, the first ones.
fn list(x: &[f64]) -> String {
    const MOST: usize = 8;
    let number = |x: &f64| nats(*x, 2).replace("-0.00", "0.00").replace('-', "−");
    let all = x.iter().take(if x.len() > MOST { MOST - 2 } else { MOST }).map(number).collect::<Vec<_>>().join(", ");
    if x.len() > MOST { format!("{all}, … ({} in all)", x.len()) } else { all }
}

/// A number with so many decimals, or in powers of ten where it is absurd.
pub(crate) fn nats(x: f64, decimals: usize) -> String {
    if x.abs() < 1e6 { format!("{x:.decimals$}") } else { format!("{x:.2e}") }
}

/// Mean ± standard deviation, as text; "–" of nothing.
pub(crate) fn spread(values: &[f64], decimals: usize) -> String {
    match values {
        [] => "–".into(),
        [one] => format!("{one:.decimals$}"),
        all => {
            let (mean, error) = mean_and_error(all);
            format!("{mean:.decimals$} ± {:.decimals$}", error * (all.len() as f64).sqrt())
        }
    }
}

/// A number as an index: z₁₂.
fn subscript(n: usize) -> String {
    n.to_string().chars().map(|c| char::from_u32('₀' as u32 + c as u32 - '0' as u32).unwrap_or(c)).collect()
}

/// A count with its noun, which takes an s.
pub(crate) fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// Images that go through the network at a time.
const BATCH: usize = 500;

/// A network to study: it only looks, it does not train.
pub struct Subject<'a> {
    name: &'static str,
    coder: &'a dyn Codes,
    encoding: Encoding,
    /// Latent dimensions.
    pub latent: usize,
    /// Seed of what is drawn.
    pub seed: u64,
}

/// q(z | x) of one image: mean and standard deviation of each latent; an autoencoder has σ = 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Code {
    /// μ.
    pub mu: Vec<f32>,
    /// σ.
    pub sigma: Vec<f32>,
}

impl<'a> Subject<'a> {
    /// A network in training, if it has an encoder and a decoder.
    pub fn of(trainer: &'a Trainer) -> Option<Self> {
        Some(Subject::new(&trainer.config, trainer.task.coder()?))
    }

    /// A trained network, if it has an encoder and a decoder.
    pub fn of_trained(trained: &'a Trained) -> Option<Self> {
        Some(Subject::new(&trained.config, trained.task.coder()?))
    }

    fn new(config: &Config, coder: &'a dyn Codes) -> Self {
        let latent = coder.settings().architecture.latent;
        Subject { name: config.network.name(), coder, encoding: config.binarize, latent, seed: config.seed }
    }

    /// `AE` or `VAE`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether it encodes to a distribution.
    pub fn is_variational(&self) -> bool {
        self.coder.is_variational()
    }

    /// Test images as the network sees them.
    pub fn images(&self, test: &Split, rows: &[usize]) -> Vec<Vec<f32>> {
        let image = |&row: &usize| {
            let mut x = vec![0.0; test.pixels()];
            let noise = || Stream::new(self.seed, Purpose::BinariseTest, 0, row as u64);
            self.encoding.write(test.image(row), noise, &mut x);
            x
        };
        rows.iter().map(image).collect()
    }

    /// The codes of images.
    pub fn encode(&self, images: &[Vec<f32>]) -> Vec<Code> {
        let mut tape = Tape::new();
        let mut codes = Vec::with_capacity(images.len());
        for images in images.chunks(BATCH) {
            tape.begin();
            let pass = Pass::judging(&tape, self.coder.params());
            let posterior = self.coder.encode(&pass, tape.leaf(matrix(images)));
            let mu = posterior.mu.value();
            let sigma = posterior.log_var.map(|log_var| (log_var * 0.5).exp().value());
            codes.extend((0..images.len()).map(|i| Code {
                mu: mu.row(i).to_vec(),
                sigma: sigma.as_ref().map_or_else(|| vec![0.0; self.latent], |s| s.row(i).to_vec()),
            }));
        }
        codes
    }

    /// z ~ N(0, I) of new images with these numbers.
    pub fn prior(&self, numbers: Range<usize>) -> Vec<Vec<f32>> {
        let draw = |number: usize| {
            let mut z = vec![0.0; self.latent];
            Stream::new(self.seed, Purpose::Prior, 0, number as u64).fill_normal(&mut z);
            z
        };
        numbers.map(draw).collect()
    }

    /// New images of black and white pixels, on with these probabilities, which are those of the images from number `first` on.
    pub fn draw(&self, means: &[Vec<f32>], first: usize) -> Vec<Vec<f32>> {
        let draw = |(i, p): (usize, &Vec<f32>)| {
            let mut stream = Stream::new(self.seed, Purpose::Pixels, 0, (first + i) as u64);
            p.iter().map(|&p| if stream.uniform() < f64::from(p) { 1.0 } else { 0.0 }).collect()
        };
        means.iter().enumerate().map(draw).collect()
    }

    /// Pixel probabilities σ(logits) of latent points.
    pub fn decode(&self, points: &[Vec<f32>]) -> Vec<Vec<f32>> {
        let mut images = self.logits(points);
        images.iter_mut().flatten().for_each(|x| *x = x.sigmoid());
        images
    }

    /// −ln p(x | z) of images with their codes, nats.
    pub fn losses(&self, images: &[Vec<f32>], points: &[Vec<f32>]) -> Vec<f64> {
        images.iter().zip(&self.logits(points)).map(|(x, logits)| cross_entropy(x, logits)).collect()
    }

    fn logits(&self, points: &[Vec<f32>]) -> Vec<Vec<f32>> {
        let mut tape = Tape::new();
        let mut images = Vec::with_capacity(points.len());
        for points in points.chunks(BATCH) {
            tape.begin();
            let pass = Pass::judging(&tape, self.coder.params());
            let p = self.coder.decode(&pass, tape.leaf(matrix(points))).value();
            images.extend((0..points.len()).map(|i| p.row(i).to_vec()));
        }
        images
    }
}

fn matrix(rows: &[Vec<f32>]) -> Tensor<f32> {
    Tensor::new(rows.concat(), [rows.len(), rows[0].len()])
}

/// Cross-entropy of an image under logits, nats: Σ softplus(l) − l x.
fn cross_entropy(x: &[f32], logits: &[f32]) -> f64 {
    let term = |(&x, &l): (&f32, &f32)| f64::from(l).softplus() - f64::from(l) * f64::from(x);
    x.iter().zip(logits).map(term).sum()
}

/// The first test image of each class, in the order of the classes, filled up with the next images to `n`.
pub fn examples(data: &Dataset, n: usize) -> Vec<usize> {
    let first = |class: usize| (0..data.test.len()).find(|&i| usize::from(data.test.label(i)) == class);
    let mut rows: Vec<usize> = (0..data.class_names.len()).filter_map(first).take(n).collect();
    for i in 0..data.test.len() {
        if rows.len() < n && !rows.contains(&i) {
            rows.push(i);
        }
    }
    rows
}

/// The centre of part i of n parts of N(0, 1) with equal mass: Φ⁻¹((i + ½) / n).
fn equal_mass(i: usize, n: usize) -> f32 {
    normal_quantile((i as f64 + 0.5) / n as f64) as f32
}
