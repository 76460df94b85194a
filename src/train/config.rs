//! [`Config`]: all that decides what a run computes, apart from the data.

use crate::data::Binarise;
use crate::error::{Error, Result};
use crate::models::{Architecture, Kind};
use crate::optim::LrSchedule;
use serde::{Deserialize, Serialize};

/// Which optimiser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerKind {
    /// [`Adam`](crate::optim::Adam).
    #[default]
    Adam,
    /// [`Sgd`](crate::optim::Sgd).
    Sgd,
}

/// So many that steps can be counted with room to spare.
const MOST_EPOCHS: u64 = 1_000_000;
/// 1 GiB of them, three times that with what Adam remembers.
const MOST_WEIGHTS: usize = 1 << 28;

/// The configuration of a run. With the data it decides every bit of the result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// The network.
    pub architecture: Architecture,
    /// Passes over the training images.
    pub epochs: u64,
    /// Images in a batch; the last one of an epoch may be smaller.
    pub batch_size: usize,
    /// Initial learning rate.
    pub lr: f64,
    /// How it changes.
    pub lr_schedule: LrSchedule,
    /// The optimiser.
    pub optimizer: OptimizerKind,
    /// Momentum of SGD.
    pub momentum: f64,
    /// Largest norm of the gradient, if it is clipped.
    pub clip_norm: Option<f64>,
    /// Weight of the KL term.
    pub beta: f64,
    /// Epochs over which β rises from 0.
    pub beta_warmup: u64,
    /// How bytes become numbers.
    pub binarize: Binarise,
    /// Seed of everything random.
    pub seed: u64,
}

impl Config {
    /// The exercise's settings: Adam with learning rate 0.01, 20 epochs, batch 128, β 1, inputs binarised at ½, seed 0.
    pub fn new(kind: Kind, pixels: usize) -> Self {
        Config {
            architecture: Architecture::new(kind, pixels),
            epochs: 20,
            batch_size: 128,
            lr: 0.01,
            lr_schedule: LrSchedule::Constant,
            optimizer: OptimizerKind::Adam,
            momentum: 0.9,
            clip_norm: None,
            beta: 1.0,
            beta_warmup: 0,
            binarize: Binarise::Threshold,
            seed: 0,
        }
    }

    /// Whether the numbers make sense.
    ///
    /// # Errors
    /// A [`Error::Usage`] that names the first setting that does not.
    pub fn validate(&self) -> Result<()> {
        let positive = |x: f64| x.is_finite() && x > 0.0;
        let a = &self.architecture;
        let [some, at_most] = ["1 to", "at most"].map(|bound| format!("{bound} {MOST_EPOCHS}"));
        let weights = format!("at most {MOST_WEIGHTS} weights");
        let rules: [(bool, &str, &str, String); 11] = [
            ((1..=MOST_EPOCHS).contains(&self.epochs), "--epochs", &some, self.epochs.to_string()),
            (self.beta_warmup <= MOST_EPOCHS, "--beta-warmup", &at_most, self.beta_warmup.to_string()),
            (self.batch_size > 0, "--batch-size", "at least 1", self.batch_size.to_string()),
            (positive(self.lr), "--lr", "a positive number", self.lr.to_string()),
            (
                (0.0..1.0).contains(&self.momentum),
                "--momentum",
                "a number from 0 to below 1",
                self.momentum.to_string(),
            ),
            (
                self.clip_norm.is_none_or(positive),
                "--clip-norm",
                "a positive number",
                self.clip_norm.map_or("none".into(), |x| x.to_string()),
            ),
            (self.beta.is_finite() && self.beta >= 0.0, "--beta", "0 or a positive number", self.beta.to_string()),
            (a.latent > 0, "--latent-dim", "at least 1", a.latent.to_string()),
            (a.hidden.iter().all(|&h| h > 0), "--hidden", "widths of at least 1", format!("{:?}", a.hidden)),
            (a.pixels > 0, "images", "at least one pixel", a.pixels.to_string()),
            (
                a.weights().is_some_and(|n| n <= MOST_WEIGHTS),
                "--hidden, --latent-dim",
                &weights,
                a.weights().map_or("more than can be counted".into(), |n| n.to_string()),
            ),
        ];
        match rules.into_iter().find(|(good, ..)| !good) {
            Some((_, what, expected, found)) => {
                Err(Error::Usage(format!("{what}: expected {expected}, found {found}")))
            }
            None => Ok(()),
        }
    }
}
