//! [`Config`]: all that decides what a run computes, apart from the data.

use crate::data::Encoding;
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
pub(super) const MOST_WEIGHTS: usize = 1 << 28;

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
    pub binarize: Encoding,
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
            binarize: Encoding::Threshold,
            seed: 0,
        }
    }

    /// Whether the numbers make sense.
    ///
    /// # Errors
    /// A [`Error::Setting`] that names the first setting that does not.
    pub fn validate(&self) -> Result<()> {
        let positive = |x: f64| x.is_finite() && x > 0.0;
        let a = &self.architecture;
        let [some, at_most] = ["1 to", "at most"].map(|bound| format!("{bound} {MOST_EPOCHS}"));
        let weights = format!("at most {MOST_WEIGHTS} weights");
        let clip_norm = self.clip_norm.map_or("none".into(), |x| x.to_string());
        let counted = a.weights().map_or("more than can be counted".into(), |n| n.to_string());
        let likelihood = "threshold, dynamic or grey, which give the pixels' probabilities that a likelihood needs";
        let rules: [(bool, &str, &str, String); 12] = [
            ((1..=MOST_EPOCHS).contains(&self.epochs), "epochs", &some, self.epochs.to_string()),
            (self.beta_warmup <= MOST_EPOCHS, "beta_warmup", &at_most, self.beta_warmup.to_string()),
            (self.batch_size > 0, "batch_size", "at least 1", self.batch_size.to_string()),
            (positive(self.lr), "lr", "a positive number", self.lr.to_string()),
            ((0.0..1.0).contains(&self.momentum), "momentum", "a number from 0 to below 1", self.momentum.to_string()),
            (self.clip_norm.is_none_or(positive), "clip_norm", "a positive number", clip_norm),
            (self.beta.is_finite() && self.beta >= 0.0, "beta", "0 or a positive number", self.beta.to_string()),
            (self.binarize.is_of_probabilities(), "binarize", likelihood, "standardised".into()),
            (a.latent > 0, "latent_dim", "at least 1", a.latent.to_string()),
            (a.hidden.iter().all(|&h| h > 0), "hidden", "widths of at least 1", format!("{:?}", a.hidden)),
            (a.pixels > 0, "pixels", "at least 1", a.pixels.to_string()),
            (a.weights().is_some_and(|n| n <= MOST_WEIGHTS), "hidden, latent_dim", &weights, counted),
        ];
        match rules.into_iter().find(|(good, ..)| !good) {
            Some((_, name, expected, found)) => Err(Error::Setting { name, expected: expected.into(), found }),
            None => Ok(()),
        }
    }

    /// Steps of an epoch of `images` images.
    pub fn batches(&self, images: usize) -> u64 {
        images.div_ceil(self.batch_size) as u64
    }

    /// Whether training on `images` images has no more steps than can be counted: each has random numbers of its own.
    ///
    /// # Errors
    /// A [`Error::Setting`] when it has more.
    pub fn check_steps(&self, images: usize) -> Result<()> {
        let batches = self.batches(images);
        let most = u64::from(u32::MAX) / batches.max(1);
        match self.epochs <= most {
            true => Ok(()),
            false => Err(Error::Setting {
                name: "epochs",
                expected: format!("at most {most}, with {batches} batches in each"),
                found: self.epochs.to_string(),
            }),
        }
    }

    /// The weight of the KL term that the last epoch reaches.
    pub fn last_beta(&self) -> f64 {
        match self.beta_warmup {
            warmup if warmup > self.epochs => self.beta * self.epochs as f64 / warmup as f64,
            _ => self.beta,
        }
    }

    /// Settings that cannot do what they are there for, in a sentence each.
    pub fn remarks(&self, images: usize) -> Vec<String> {
        let &Config { epochs, batch_size, beta_warmup, beta, .. } = self;
        let is_variational = self.architecture.kind.is_variational();
        let mut remarks = Vec::new();
        if batch_size > images {
            remarks.push(format!(
                "batch_size {batch_size}: there are {images} training images, and each step takes all of them"
            ));
        }
        if is_variational && beta_warmup > epochs {
            remarks.push(format!(
                "beta_warmup {beta_warmup}: the run ends after {epochs}, and beta with it at {:.2}",
                self.last_beta()
            ));
        }
        if !is_variational && (beta != 1.0 || beta_warmup > 0) {
            remarks.push("beta, beta_warmup: an autoencoder has no KL term, and they have no effect".into());
        }
        remarks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_without_effect_are_remarked_on() {
        let vae = Config::new(Kind::Vae, 784);
        assert!(vae.remarks(60_000).is_empty());
        let odd = Config { batch_size: 500, beta_warmup: 30, beta: 4.0, ..vae };
        let remarks = odd.remarks(300);
        assert_eq!(remarks.len(), 2);
        assert!(remarks[0].contains("there are 300 training images") && remarks[1].ends_with("beta with it at 2.67"));
        let ae = Config { beta: 4.0, ..Config::new(Kind::Ae, 784) };
        assert!(ae.remarks(60_000)[0].contains("an autoencoder has no KL term"));
    }

    #[test]
    fn pixels_that_are_no_probabilities_are_refused() {
        let config = |kind| Config { binarize: Encoding::Standardised, ..Config::new(kind, 784) };
        for kind in Kind::ALL {
            let error = config(kind).validate().unwrap_err().to_string();
            assert!(error.starts_with("binarize: expected threshold, dynamic or grey, which "), "{error}");
            assert!(error.ends_with(", found standardised"), "{error}");
        }
    }

    #[test]
    fn older_configurations_call_grey_none() {
        let config = Config { binarize: Encoding::Grey, ..Config::new(Kind::Vae, 784) };
        let json = serde_json::to_string(&config).unwrap().replace("\"grey\"", "\"none\"");
        assert_eq!(serde_json::from_str::<Config>(&json).unwrap(), config);
    }

    #[test]
    fn steps_that_cannot_be_counted_are_refused() {
        let config = Config { batch_size: 1, epochs: 1_000_000, ..Config::new(Kind::Ae, 784) };
        let error = config.check_steps(60_000).unwrap_err().to_string();
        assert_eq!(error, "epochs: expected at most 71582, with 60000 batches in each, found 1000000");
        assert!(config.check_steps(4000).is_ok());
    }
}
