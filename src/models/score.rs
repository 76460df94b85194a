//! What a network with a decoder is judged by: losses in nats per image.

use crate::data::Baselines;
use crate::train::{Record, Terms};
use serde::{Deserialize, Serialize};
use std::fmt;

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
        self.weighted(1.0)
    }

    /// recon + β KL: what a VAE minimises.
    pub fn weighted(&self, beta: f64) -> f64 {
        self.recon + self.kl.map_or(0.0, |kl| beta * kl)
    }
}

impl From<&Terms> for Score {
    /// # Panics
    /// When no reconstruction was measured.
    fn from(means: &Terms) -> Self {
        Score { recon: means.get("recon").expect("a decoder reconstructs"), kl: means.get("kl") }
    }
}

impl From<&Record> for Score {
    /// A reconstruction loss that was not measured is not a number.
    fn from(record: &Record) -> Self {
        Score { recon: record.get("recon").unwrap_or(f64::NAN), kl: record.get("kl") }
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.kl {
            Some(kl) => write!(f, "{:.2} = {:.2} + KL {kl:.2}", self.total(), self.recon),
            None => write!(f, "{:.2}", self.recon),
        }
    }
}

/// Where a run stands among predictors that look at no image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// What it minimises, with the KL term as the last epoch weighted it, is more than twice what p = ½ costs; or the KL term a
    /// thousand times that, whatever it weighs.
    Diverged,
    /// It reconstructs worse than one constant for all pixels does.
    Untrained,
    /// The posterior collapsed: z says almost nothing (KL below 0.1 nats), and the reconstruction is within 3 % of the per-pixel mean,
    /// which is what a decoder that ignores z can reach.
    Collapsed,
    /// It has learned something.
    Ordinary,
}

impl Standing {
    /// Of a loss on test images; β as [`last_beta`](super::coder::Settings::last_beta) has it: to a VAE with a small β a code of
    /// thousands of nats is worth its price.
    pub fn of(score: Score, beta: f64, b: &Baselines) -> Self {
        let minimised = score.weighted(beta);
        if !minimised.is_finite() || minimised > 2.0 * b.half || score.kl.is_some_and(|kl| kl > 1e3 * b.half) {
            Standing::Diverged
        } else if score.recon > b.constant {
            Standing::Untrained
        } else if score.kl.is_some_and(|kl| kl < 0.1) && (score.recon / b.per_pixel - 1.0).abs() < 0.03 {
            Standing::Collapsed
        } else {
            Standing::Ordinary
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_stands_where_its_loss_is() {
        let b = Baselines { half: 543.4, constant: 488.0, per_pixel: 383.1, per_class: 284.0, floor: 0.0 };
        for (recon, kl, beta, expected) in [
            (384.0, Some(0.001), 1.0, Standing::Collapsed),
            (384.0, Some(7.0), 1.0, Standing::Ordinary),
            (175.0, Some(0.001), 1.0, Standing::Ordinary),
            (384.0, None, 1.0, Standing::Ordinary),
            (542.86, Some(0.001), 1.0, Standing::Untrained),
            (600.0, None, 1.0, Standing::Untrained),
            (9.7e14, Some(3.0), 1.0, Standing::Diverged),
            (170.0, Some(2000.0), 1.0, Standing::Diverged),
            (170.0, Some(2000.0), 0.01, Standing::Ordinary),
            (170.0, Some(2000.0), 0.0, Standing::Ordinary),
            (170.0, Some(1e15), 0.0, Standing::Diverged),
            (300.0, Some(200.0), 1.0, Standing::Ordinary),
            (f64::NAN, None, 1.0, Standing::Diverged),
        ] {
            let standing = Standing::of(Score { recon, kl }, beta, &b);
            assert_eq!(standing, expected, "{recon} {kl:?} {beta}");
        }
    }
}
