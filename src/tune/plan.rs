//! [`Plan`]: all that decides a search.

use super::Objective;
use crate::data::Origin;
use crate::error::{Error, Result};
use crate::models::Config;
use crate::search::Space;
use crate::search::pruner::{Patient, Percentile, Pruner, Wilcoxon};
use crate::search::sampler::tpe::{Joint, Startup};
use crate::search::sampler::{Grid, Random, Sampler, Sobol, Tpe};
use serde::{Deserialize, Serialize};

/// Which sampler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SamplerKind {
    /// [`Tpe`].
    Tpe,
    /// [`Random`].
    Random,
    /// [`Grid`].
    Grid,
    /// [`Sobol`].
    Sobol,
}

/// Which pruner, with the settings that people use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PrunerKind {
    /// None: every trial is trained to its end.
    None,
    /// [`Percentile::median`]: worse than half of the complete trials at the same epoch.
    Median,
    /// [`Percentile`] 25: not among the best quarter.
    Percentile,
    /// [`Wilcoxon`]: worse than the best trial, fold by fold.
    Wilcoxon,
    /// [`Patient`]: three epochs without progress.
    Patient,
}

/// Epochs without progress that a [`PrunerKind::Patient`] trial may have.
pub const PATIENCE: usize = 3;

/// What becomes of a trial whose loss stops being a number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Diverged {
    /// It fails: the sampler does not hear of it.
    Fail,
    /// It gets this loss, so that the sampler keeps away.
    Loss(f64),
}

/// All that decides a search, but for how many trials it gets. It stands in the study, so that every worker has the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What is not searched.
    pub base: Config,
    /// What is searched, as a [`Space`] file.
    pub space: String,
    /// Where parameters come from.
    pub sampler: SamplerKind,
    /// Trials before TPE uses its model.
    pub startup_trials: usize,
    /// How these are chosen.
    pub startup: Startup,
    /// Which parameters TPE suggests together.
    pub joint: Joint,
    /// Who stops unpromising trials.
    pub pruner: PrunerKind,
    /// Folds of the cross-validation.
    pub folds: usize,
    /// How often it is repeated, with other folds and other initial weights.
    pub repeats: usize,
    /// What is minimised.
    pub objective: Objective,
    /// What becomes of a trial whose loss stops being a number.
    pub diverged: Diverged,
    /// Seed of sampler and folds.
    pub seed: u64,
    /// SHA-256 of the data.
    pub data: String,
    /// How to load them again.
    #[serde(default)]
    pub origin: Origin,
}

impl Plan {
    /// What is searched.
    ///
    /// # Errors
    /// When it is no space of known settings.
    pub fn space(&self) -> Result<Space> {
        Space::from_toml(&self.space, &super::options::known(&self.base.network))
    }

    /// Trials before TPE uses its model, if the user does not say: a third of them, at least 2 and at most 10.
    pub fn default_startup(trials: usize) -> usize {
        (trials / 3).clamp(2, 10)
    }

    /// TPE as planned.
    pub fn tpe(&self) -> Tpe {
        let Plan { startup_trials, startup, joint, .. } = *self;
        Tpe { startup_trials, startup, joint: Some(joint), ..Tpe::default() }
    }

    /// The sampler.
    ///
    /// # Errors
    /// When the space has no grid.
    pub fn sampler(&self, space: &Space) -> Result<Box<dyn Sampler>> {
        Ok(match self.sampler {
            SamplerKind::Tpe => Box::new(self.tpe()),
            SamplerKind::Random => Box::new(Random),
            SamplerKind::Grid => Box::new(Grid::of(space)?),
            SamplerKind::Sobol => Box::new(Sobol),
        })
    }

    /// The pruner.
    pub fn pruner(&self) -> Option<Box<dyn Pruner>> {
        match self.pruner {
            PrunerKind::None => None,
            PrunerKind::Median => Some(Box::new(Percentile::median())),
            PrunerKind::Percentile => Some(Box::new(Percentile::new(25.0))),
            PrunerKind::Wilcoxon => Some(Box::new(Wilcoxon::default())),
            PrunerKind::Patient => Some(Box::new(Patient::new(None, PATIENCE))),
        }
    }

    /// Whether a trial reports the loss of each fold, not of each epoch.
    pub fn reports_folds(&self) -> bool {
        self.pruner == PrunerKind::Wilcoxon
    }

    /// Whether these are its data.
    ///
    /// # Errors
    /// [`Error::Usage`] when they are not.
    pub fn check_data(&self, digest: &str) -> Result<()> {
        match self.data == digest {
            true => Ok(()),
            false => Err(Error::Usage(format!(
                "the study was begun with other data (SHA-256 {}, found {digest}): name them with `data` and `limit`",
                self.data
            ))),
        }
    }
}
