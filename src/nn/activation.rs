//! Nonlinearities by name.

use crate::autograd::Var;
use crate::kernels::Real;
#[cfg(feature = "serde")]
use serde::{Deserialize, Serialize};

/// The nonlinearity between layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum Activation {
    /// max(x, 0).
    #[default]
    Relu,
    /// λx above 0, λα(eˣ − 1) below.
    Selu,
    /// tanh x.
    Tanh,
    /// σ(x).
    Sigmoid,
}

impl Activation {
    /// Applies it elementwise.
    pub fn apply<F: Real>(self, x: Var<'_, F>) -> Var<'_, F> {
        match self {
            Activation::Relu => x.relu(),
            Activation::Selu => x.selu(),
            Activation::Tanh => x.tanh(),
            Activation::Sigmoid => x.sigmoid(),
        }
    }
}
