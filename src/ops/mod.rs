//! Every derivative of the project except that of addition, and nothing else.
//!
//! Each op is a struct with its catalogue row, shape rule, forward pass and vector-Jacobian product side by side. [`CATALOGUE`]
//! lists them all: from it come the gradient checks, `elbo ops` and `elbo gradcheck`; [`LIMITS`] are the points at which differences
//! say nothing. The methods and operators that use them are
//! on [`Var`](crate::autograd::Var).
//!
//! The families are closed under differentiation, so that order 2 needs no more rules than order 1: products differentiate into
//! products, `sum_to` ↔ `broadcast_to`, `slice` ↔ `pad`, and elementwise rules are written in elementwise ops ([`Algebra`]).

mod algebra;
mod binary;
mod broadcast;
mod layout;
mod limits;
mod matmul;
mod pointwise;
mod unary;

pub use algebra::Algebra;
pub use limits::{LIMITS, Limit};
pub use unary::Selu;

pub(crate) use crate::autograd::example;
use crate::autograd::{Add, Row};
use binary::*;
use pointwise::Formula;
use unary::{
    Abs, Clamp, Exp, ExpGap, LeakyRelu, Ln, Neg, Relu, Scale, Shift, Sigmoid, Sign, Softplus, Sqrt, Square, Step, Tanh,
    Within,
};

/// All ops.
pub static CATALOGUE: [Row; 37] = [
    Add::ROW,
    Sub::ROW,
    Mul::ROW,
    Div::ROW,
    Neg::ROW,
    Scale::ROW,
    Shift::ROW,
    Exp::ROW,
    ExpGap::ROW,
    Ln::ROW,
    Sqrt::ROW,
    Square::ROW,
    Tanh::ROW,
    Sigmoid::ROW,
    Softplus::ROW,
    Relu::ROW,
    LeakyRelu::ROW,
    Selu::ROW,
    Abs::ROW,
    Clamp::ROW,
    Maximum::ROW,
    Minimum::ROW,
    Step::ROW,
    Sign::ROW,
    Within::ROW,
    Select::ROW,
    Bce::ROW,
    matmul::MATMUL,
    matmul::AFFINE,
    broadcast::BROADCAST_TO,
    broadcast::SUM_TO,
    broadcast::LOG_SUM_EXP,
    layout::RESHAPE,
    layout::PERMUTE,
    layout::SLICE,
    layout::PAD,
    layout::CONCAT,
];

#[cfg(test)]
mod tests;
