//! [`Record`]: what is measured of a run.

use super::Terms;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Epochs done.
    pub epoch: u64,
    /// `train` (the running average over the epoch, while weights changed) or `test` (after it).
    pub split: String,
    /// Seconds of training since the start.
    pub seconds: f64,
    /// The means, by the names of their [quantities](super::Quantity).
    #[serde(flatten)]
    pub means: Means,
}

/// Means by the names of their quantities; none where one is no number.
pub type Means = BTreeMap<String, Option<f64>>;

/// The mean of this name.
pub fn mean_of(means: &Means, name: &str) -> Option<f64> {
    means.get(name).copied().flatten()
}

impl Record {
    /// The means after so many epochs.
    pub fn new(epoch: u64, split: &str, means: &Terms, seconds: f64) -> Self {
        Record { epoch, split: split.into(), seconds, means: means.named() }
    }

    /// The mean of this name.
    pub fn get(&self, name: &str) -> Option<f64> {
        mean_of(&self.means, name)
    }
}
