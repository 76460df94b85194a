//! What is measured of a run: losses in nats per image.

use serde::{Deserialize, Serialize};

/// A loss over some images, in nats per image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// −E[ln p(x | z)].
    pub recon: f64,
    /// KL(q(z | x) ‖ p(z)); none without a posterior.
    pub kl: Option<f64>,
}

impl Score {
    /// recon + KL: −ELBO for a VAE, the reconstruction loss for an autoencoder.
    pub fn total(&self) -> f64 {
        self.recon + self.kl.unwrap_or(0.0)
    }
}

/// A line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Epochs done.
    pub epoch: u64,
    /// `train` (the running average over the epoch, while weights changed) or `test` (after it).
    pub split: String,
    /// −E[ln p(x | z)], nats per image.
    pub recon: f64,
    /// KL(q(z | x) ‖ p(z)), nats per image; `null` without a posterior.
    pub kl: Option<f64>,
    /// The evidence lower bound, nats per image; `null` without a posterior.
    pub elbo: Option<f64>,
    /// Seconds of training since the start.
    pub seconds: f64,
}

impl Record {
    /// A score after so many epochs.
    pub fn new(epoch: u64, split: &str, score: Score, seconds: f64) -> Self {
        let elbo = score.kl.map(|_| -score.total());
        Record { epoch, split: split.into(), recon: score.recon, kl: score.kl, elbo, seconds }
    }

    /// Its score.
    pub fn score(&self) -> Score {
        Score { recon: self.recon, kl: self.kl }
    }
}

/// Whether the posterior collapsed: z says almost nothing (KL below 0.1 nats) and the reconstruction is within 3 % of the
/// per-pixel marginal `per_pixel`, which is what a decoder that ignores z can reach.
pub fn is_collapsed(score: Score, per_pixel: f64) -> bool {
    score.kl.is_some_and(|kl| kl < 0.1) && score.recon > 0.97 * per_pixel
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_on_the_marginal_without_kl_is_collapsed_and_others_are_not() {
        let collapsed = |recon, kl| is_collapsed(Score { recon, kl }, 383.1);
        assert!(collapsed(384.0, Some(0.001)));
        assert!(!collapsed(384.0, Some(7.0)) && !collapsed(175.0, Some(0.001)) && !collapsed(384.0, None));
    }
}
