//! [`Objective`]: what is minimised.

use crate::lab::nats;
use crate::models::Settings;
use crate::train::{Means, mean_of};
use serde::{Deserialize, Serialize};

/// What is minimised, over the images of a fold that was not learnt from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Objective {
    /// The reconstruction loss −E[ln p(x | z)], with one sample z ~ q(z | x) an image; nats per image.
    Recon,
    /// The negative ELBO: the same plus KL(q(z | x) ‖ p(z)).
    Elbo,
    /// The share of the images that are taken for another class, per cent.
    Error,
    /// −ln of the probability of the right class, nats per image.
    CrossEntropy,
}

impl Objective {
    /// Those of a network, its usual one first; none if it has no loss to compare.
    pub fn of_network(network: &Settings) -> &'static [Objective] {
        match network {
            Settings::Vae(_) => &[Objective::Recon, Objective::Elbo],
            Settings::Ae(_) => &[Objective::Recon],
            Settings::Cnn(_) => &[Objective::Error, Objective::CrossEntropy],
            // Neither network's loss says how good the images are.
            Settings::Gan(_) => &[],
        }
    }

    /// Its value, from what was measured; NaN where that was not.
    pub fn of(self, means: &Means) -> f64 {
        let mean = |name| mean_of(means, name);
        match self {
            Objective::Recon => mean("recon"),
            Objective::Elbo => mean("recon").zip(mean("kl")).map(|(recon, kl)| recon + kl),
            Objective::Error => mean("accuracy").map(|accuracy| 100.0 * (1.0 - accuracy)),
            Objective::CrossEntropy => mean("cross_entropy"),
        }
        .unwrap_or(f64::NAN)
    }

    /// What it is called in text.
    pub fn name(self) -> &'static str {
        match self {
            Objective::Recon => "reconstruction loss",
            Objective::Elbo => "−ELBO",
            Objective::Error => "error",
            Objective::CrossEntropy => "cross-entropy",
        }
    }

    /// What it is counted in.
    pub fn unit(self) -> &'static str {
        match self {
            Objective::Error => "per cent of the images",
            _ => "nats per image",
        }
    }

    /// What differences of it are counted in.
    pub fn points(self) -> &'static str {
        match self {
            Objective::Error => "points",
            _ => "nats",
        }
    }

    /// A value or a difference in text.
    pub fn text(self, x: f64) -> String {
        nats(x, if self == Objective::CrossEntropy { 4 } else { 2 })
    }
}
