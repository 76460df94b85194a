//! [`Descent`]: how weights follow their gradient, as it is written down.

use super::{Adam, LrSchedule, Optimizer, RmsProp, Sgd};
use crate::error::{Error, Result};
use crate::kernels::Real;
use crate::nn::Params;
#[cfg(feature = "serde")]
use serde::{Deserialize, Serialize};

/// Which optimiser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum OptimizerKind {
    /// [`Adam`].
    #[default]
    Adam,
    /// [`Sgd`].
    Sgd,
    /// [`RmsProp`].
    RmsProp,
}

impl OptimizerKind {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            OptimizerKind::Adam => "Adam",
            OptimizerKind::Sgd => "SGD",
            OptimizerKind::RmsProp => "RMSprop",
        }
    }
}

/// The settings of an optimiser.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
pub struct Descent {
    /// Initial learning rate.
    pub lr: f64,
    /// How it changes.
    pub lr_schedule: LrSchedule,
    /// The optimiser.
    pub optimizer: OptimizerKind,
    /// β₁ and β₂ of Adam.
    #[cfg_attr(feature = "serde", serde(default = "usual_betas"))]
    pub betas: [f64; 2],
    /// Momentum of SGD.
    pub momentum: f64,
    /// Largest norm of the gradient, if it is clipped.
    pub clip_norm: Option<f64>,
}

fn usual_betas() -> [f64; 2] {
    [0.9, 0.999]
}

impl Descent {
    /// Adam with a constant learning rate, and no clipping.
    pub fn adam(lr: f64) -> Self {
        Descent {
            lr,
            lr_schedule: LrSchedule::Constant,
            optimizer: OptimizerKind::Adam,
            betas: usual_betas(),
            momentum: 0.9,
            clip_norm: None,
        }
    }

    /// The optimiser of these parameters, before its first step.
    pub fn optimizer<F: Real>(&self, params: &Params<F>) -> Box<dyn Optimizer<F>> {
        match self.optimizer {
            OptimizerKind::Adam => Box::new(Adam::with_betas(params, self.betas)),
            OptimizerKind::Sgd => Box::new(Sgd::new(params, self.momentum)),
            OptimizerKind::RmsProp => Box::new(RmsProp::new(params)),
        }
    }

    /// Whether the numbers make sense.
    ///
    /// # Errors
    /// A [`Error::Setting`] that names the first setting that does not.
    pub fn validate(&self) -> Result<()> {
        let positive = |x: f64| x.is_finite() && x > 0.0;
        let decays = self.betas.iter().all(|beta| (0.0..1.0).contains(beta));
        let clip_norm = self.clip_norm.map_or("none".into(), |x| x.to_string());
        Error::first_setting([
            (positive(self.lr), "lr", "a positive number", self.lr.to_string()),
            (decays, "betas", "numbers from 0 to below 1", format!("{:?}", self.betas)),
            ((0.0..1.0).contains(&self.momentum), "momentum", "a number from 0 to below 1", self.momentum.to_string()),
            (self.clip_norm.is_none_or(positive), "clip_norm", "a positive number", clip_norm),
        ])
    }
}
