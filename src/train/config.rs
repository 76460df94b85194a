//! [`Config`]: all that decides what a run computes, apart from the data.

use super::Task;
use crate::data::Encoding;
use crate::error::{Error, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// So many that steps can be counted with room to spare.
pub const MOST_EPOCHS: u64 = 1_000_000;
/// 1 GiB of them, three times that with what Adam remembers.
pub const MOST_WEIGHTS: usize = 1 << 28;

/// The configuration of a run. With the data it decides every bit of the result.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Config<S> {
    /// What is trained, and how it is updated. In files its settings stand beside the others.
    #[serde(flatten)]
    pub network: S,
    /// Passes over the training images.
    pub epochs: u64,
    /// Images in a batch; the last one of an epoch may be smaller.
    pub batch_size: usize,
    /// How bytes become numbers.
    pub binarize: Encoding,
    /// Seed of everything random.
    pub seed: u64,
}

/// Files of before keep the network's shape apart, under `architecture`.
impl<'de, S: DeserializeOwned> Deserialize<'de> for Config<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Written<S> {
            #[serde(flatten)]
            network: S,
            epochs: u64,
            batch_size: usize,
            binarize: Encoding,
            seed: u64,
        }
        let mut settings = Map::deserialize(deserializer)?;
        if let Some(Value::Object(shape)) = settings.remove("architecture") {
            settings.extend(shape);
        }
        let written = serde_json::from_value(Value::Object(settings)).map_err(serde::de::Error::custom)?;
        let Written { network, epochs, batch_size, binarize, seed } = written;
        Ok(Config { network, epochs, batch_size, binarize, seed })
    }
}

impl<S> Config<S> {
    /// 20 epochs in batches of 128, inputs binarised at ½, seed 0.
    pub fn of(network: S) -> Self {
        Config { network, epochs: 20, batch_size: 128, binarize: Encoding::Threshold, seed: 0 }
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

    /// Whether the settings make sense for this task.
    ///
    /// # Errors
    /// A [`Error::Setting`] that names the first one that does not.
    pub fn validate<T: Task<Settings = S>>(&self) -> Result<()> {
        let epochs = format!("1 to {MOST_EPOCHS}");
        Error::first_setting([
            ((1..=MOST_EPOCHS).contains(&self.epochs), "epochs", &*epochs, self.epochs.to_string()),
            (self.batch_size > 0, "batch_size", "at least 1", self.batch_size.to_string()),
        ])?;
        T::validate(&self.network, self.binarize)
    }

    /// Settings that cannot do what they are there for on so many training images, in a sentence each.
    pub fn remarks<T: Task<Settings = S>>(&self, images: usize) -> Vec<String> {
        let &Config { epochs, batch_size, .. } = self;
        let too_large = (batch_size > images).then(|| {
            format!("batch_size {batch_size}: there are {images} training images, and each step takes all of them")
        });
        too_large.into_iter().chain(T::remarks(&self.network, epochs)).collect()
    }
}
