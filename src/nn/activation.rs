//! Nonlinearities by name.

use super::Init;
use crate::autograd::Var;
use crate::kernels::Real;
#[cfg(feature = "serde")]
use serde::{Deserialize, Serialize};

/// The nonlinearity between layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
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
    /// x above 0, x/100 below: PyTorch's slope.
    LeakyRelu,
    /// x above 0, eˣ − 1 below.
    Elu,
    /// ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))): the fast form, PyTorch's `approximate="tanh"`.
    Gelu,
    /// x σ(x).
    Silu,
}

impl Activation {
    /// Applies it elementwise.
    pub fn apply<F: Real>(self, x: Var<'_, F>) -> Var<'_, F> {
        match self {
            Activation::Relu => x.relu(),
            Activation::Selu => x.selu(),
            Activation::Tanh => x.tanh(),
            Activation::Sigmoid => x.sigmoid(),
            Activation::LeakyRelu => x.leaky_relu(0.01),
            Activation::Elu => x.elu(1.0),
            Activation::Gelu => x.gelu_tanh(),
            Activation::Silu => x.silu(),
        }
    }

    /// Whether it never falls: then it and the largest of several numbers commute.
    pub fn is_monotone(self) -> bool {
        !matches!(self, Activation::Gelu | Activation::Silu)
    }

    /// The initial weights that keep signals at one scale through layers with this nonlinearity: Glorot's for those that are steepest
    /// in the middle and saturate, LeCun's for SELU, whose fixed point they assume, He's for those that are one half of the identity.
    pub fn matched(self) -> Init {
        match self {
            Activation::Tanh | Activation::Sigmoid => Init::Glorot,
            Activation::Selu => Init::Lecun,
            _ => Init::He,
        }
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Activation::Relu => "ReLU",
            Activation::Selu => "SELU",
            Activation::Tanh => "tanh",
            Activation::Sigmoid => "sigmoid",
            Activation::LeakyRelu => "leaky ReLU",
            Activation::Elu => "ELU",
            Activation::Gelu => "GELU",
            Activation::Silu => "SiLU",
        }
    }
}
