//! Every derivative of the project except that of addition, and nothing else.
//!
//! Each op is a struct with its catalogue row, shape rule, forward pass and vector-Jacobian product side by side. [`CATALOGUE`]
//! lists them all: from it come the gradient checks, `elbo ops` and `elbo gradcheck`; [`LIMITS`] are the points at which differences
//! say nothing. The methods and operators that use them are
//! on [`Var`](crate::autograd::Var).
//!
//! The families are closed under differentiation, so that order 2 needs no more rules than order 1: products differentiate into
//! products, convolutions into convolutions, `sum_to` ↔ `broadcast_to`, `slice` ↔ `pad`, and elementwise rules are written in elementwise ops ([`Algebra`]).
//!
//! # An op of one's own
//!
//! An elementwise op is declared as those here are, by [`formula!`](crate::formula), and is fused, recorded and checked as they are:
//!
//! ```
//! use elbo::kernels::Real;
//! use elbo::ops::{Algebra, Formula, apply};
//! use elbo::{Tape, Tensor, autograd::check::check_example};
//!
//! elbo::formula! {
//!     /// x / (1 + |x|).
//!     Softsign<1>, "softsign", y = "x / (1 + |x|)", gx = "g / (1 + |x|)²",
//!     example!([([3, 4], Signed)], |x| apply(Softsign {}, [x[0]])),
//!     |self, [x]| x / (F::ONE + x.abs()),
//!     |self, g, [x], _| {
//!         let wide = x.select(x, -x).shift(1.0);
//!         [g / (wide * wide)]
//!     },
//! }
//!
//! // Against differences, at order 1 and 2.
//! assert!(check_example(&Softsign::ROW.example).pass());
//!
//! let tape = Tape::<f32>::new();
//! let x = tape.leaf(Tensor::new(vec![-1.0, 3.0], [2]));
//! let y = apply(Softsign {}, [x]);
//! assert_eq!(y.value().data(), [-0.5, 0.75]);
//! assert_eq!(tape.backward(y.sum(), &[x])[0].data(), [0.25, 0.0625]);
//! ```
//!
//! Any other op implements [`Op`](crate::autograd::Op), and [`Tape::apply`](crate::Tape::apply) records it.

mod algebra;
mod binary;
mod broadcast;
mod conv;
mod layout;
mod limits;
mod matmul;
mod norm;
mod pointwise;
mod pool;
mod softmax;
mod unary;

pub use algebra::Algebra;
pub use conv::Convolution;
pub use limits::{LIMITS, Limit};
pub use pointwise::{Formula, apply};
pub use pool::Pooling;
pub use unary::Selu;

use crate::autograd::{Add, Row};
use binary::*;
use unary::{
    Abs, Clamp, Elu, Exp, ExpGap, GeluTanh, LeakyRelu, Ln, Neg, NormalCdf, Relu, Scale, Shift, Sigmoid, Sign, Silu,
    Softplus, Sqrt, Square, Step, Tanh, Within,
};

/// All ops.
pub static CATALOGUE: [Row; 50] = [
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
    Elu::ROW,
    Silu::ROW,
    NormalCdf::ROW,
    GeluTanh::ROW,
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
    conv::CONV2D,
    conv::CONV2D_INPUT,
    conv::CONV2D_WEIGHT,
    pool::MAX_POOL,
    pool::MAX_UNPOOL,
    pool::AVG_POOL,
    pool::AVG_UNPOOL,
    norm::BATCH_NORM,
    broadcast::BROADCAST_TO,
    broadcast::SUM_TO,
    softmax::LOG_SUM_EXP,
    softmax::HARD_MAX,
    layout::RESHAPE,
    layout::PERMUTE,
    layout::SLICE,
    layout::PAD,
    layout::CONCAT,
];

#[cfg(test)]
mod tests;
