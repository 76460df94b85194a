//! [`Task`]: what can be trained.

use super::{Batch, Means, Part};
use crate::autograd::Tape;
use crate::data::Encoding;
use crate::error::Result;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;

/// A network, or several, with what a training step does to them. All else that training is made of (epochs and the order of
/// the images, metrics, divergence, checkpoints, resuming) is the same for all of them and stands in the
/// [`Trainer`](super::Trainer).
///
/// A task keeps no state but its [`parts`](Task::parts): what it draws, it draws from the batch, so that a step is a function of
/// (parts, seed, step), and a run that was interrupted ends with the bits of one that was not.
pub trait Task: Sized {
    /// What decides it, besides the data, the batches and the seed.
    type Settings: Clone + fmt::Debug + PartialEq + Serialize + DeserializeOwned;

    /// Whether the settings make sense, and images in this encoding can be learnt from.
    ///
    /// # Errors
    /// An [`Error::Setting`](crate::Error::Setting) that names the first one that does not.
    fn validate(settings: &Self::Settings, encoding: Encoding) -> Result<()>;

    /// How many numbers an image has.
    fn pixels(settings: &Self::Settings) -> usize;

    /// Channels, height and width of an image; none if it looks at no pixel's place.
    fn shape(_settings: &Self::Settings) -> Option<[usize; 3]> {
        None
    }

    /// How many classes it tells apart; none if it looks at no labels.
    fn classes(_settings: &Self::Settings) -> Option<usize> {
        None
    }

    /// How many weights there are; none where that exceeds what can be counted.
    fn weights(settings: &Self::Settings) -> Option<usize>;

    /// The networks before their first step.
    fn new(settings: &Self::Settings, seed: u64) -> Self;

    /// What is measured.
    fn quantities(&self) -> &'static [Quantity];

    /// One training step: forward, backward, its own updates. Gives each [quantity](Task::quantities)'s mean over the batch.
    ///
    /// # Errors
    /// When a loss or a gradient is not finite; then no weight was changed by it.
    fn step(&mut self, tape: &mut Tape<f32>, batch: &Batch) -> Result<Terms, NotFinite>;

    /// Each quantity's mean over a batch, with the weights as they are.
    fn judge(&self, tape: &mut Tape<f32>, batch: &Batch) -> Terms;

    /// What is trained. All parameters have names of their own.
    fn parts(&self) -> Vec<&Part>;

    /// What is trained, to change.
    fn parts_mut(&mut self) -> Vec<&mut Part>;

    /// How often part `part` was updated in so many steps.
    fn updates(&self, _part: usize, steps: u64) -> u64 {
        steps
    }

    /// What is written of an epoch: its means, and what follows from them.
    fn summary(&self, means: &Terms) -> Terms {
        means.clone()
    }

    /// Means in a few words, while training.
    fn line(&self, means: &Terms) -> String {
        let term = |(of, mean): (&Quantity, f64)| format!("{} {mean:.4} {}", of.label, of.unit);
        means.iter().map(term).collect::<Vec<_>>().join(", ")
    }

    /// Settings that cannot do what they are there for in so many epochs, in a sentence each.
    fn remarks(_settings: &Self::Settings, _epochs: u64) -> Vec<String> {
        Vec::new()
    }
}

/// Something that is measured.
#[derive(Debug, PartialEq, Eq)]
pub struct Quantity {
    /// Its name in files.
    pub name: &'static str,
    /// What it is.
    pub label: &'static str,
    /// What it is counted in.
    pub unit: &'static str,
}

/// Numbers, each with what it measures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Terms(Vec<(&'static Quantity, f64)>);

impl Terms {
    /// One number a quantity.
    ///
    /// # Panics
    /// When there are more or fewer.
    #[track_caller]
    pub fn new(quantities: &'static [Quantity], values: &[f64]) -> Self {
        assert_eq!(quantities.len(), values.len(), "one number a quantity");
        Terms(quantities.iter().zip(values.iter().copied()).collect())
    }

    /// What is measured, and the numbers.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Quantity, f64)> {
        self.0.iter().copied()
    }

    /// The number of this name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.iter().find(|(quantity, _)| quantity.name == name).map(|(_, value)| value)
    }

    /// Each number through `f`.
    pub(super) fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        Terms(self.iter().map(|(quantity, value)| (quantity, f(value))).collect())
    }

    /// Adds n times other numbers of the same quantities.
    pub(super) fn add(&mut self, terms: &Terms, n: f64) {
        match self.0.is_empty() {
            true => *self = terms.map(|x| x * n),
            false => self.0.iter_mut().zip(&terms.0).for_each(|((_, sum), (_, x))| *sum += x * n),
        }
    }

    /// By name.
    pub(super) fn named(&self) -> Means {
        self.iter().map(|(quantity, value)| (quantity.name.into(), Some(value))).collect()
    }
}

/// A loss or a gradient that is not finite: which one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotFinite(pub String);
