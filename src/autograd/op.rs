//! [`Op`]: what the engine must know of an operation; and [`Row`], its line in the catalogue.

use super::{Tape, Var};
use crate::error::ShapeError;
use crate::kernels::{Real, gemm::Scratch};
use crate::tensor::{Shape, Tensor};
use std::cell::Cell;

/// The most arguments an operation takes.
pub const MAX_ARGS: usize = 3;

/// An operation y = f(x₀, x₁, …) and its vector-Jacobian product.
///
/// An op's fields are its settings and whatever its forward pass saves for its rule.
pub trait Op<F: Real>: 'static {
    /// Its row in the catalogue: name, formula, derivative, and the example it is checked with.
    fn row(&self) -> &'static Row;

    /// The shape of y, or why the arguments do not fit.
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError>;

    /// Writes all of `y`. It comes from the pool and holds old numbers.
    fn forward(&mut self, x: &[&Tensor<F>], y: &mut [F], scratch: &mut Scratch<F>);

    /// Multiplications and additions of its matrix products; 0 where memory, not arithmetic, sets the time.
    fn flops(&self, _x: &[Shape], _y: Shape) -> u64 {
        0
    }

    /// Gives each argument its share of the cotangent: `cx.give(k, || g · ∂y/∂xₖ)`, written in operations on [`Var`]s, which
    /// is what makes it differentiable again.
    fn vjp<'t>(&self, cx: &Vjp<'t, F>);
}

/// What a rule sees: the cotangent g, the output y, the inputs x, and where to put the shares.
pub struct Vjp<'t, F: Real> {
    pub(super) tape: &'t Tape<F>,
    pub(super) g: Var<'t, F>,
    pub(super) y: Var<'t, F>,
    pub(super) x: [Option<Var<'t, F>>; MAX_ARGS],
    pub(super) wanted: [bool; MAX_ARGS],
    pub(super) recording: bool,
    pub(super) shares: Cell<[Option<Var<'t, F>>; MAX_ARGS]>,
}

impl<'t, F: Real> Vjp<'t, F> {
    /// The tape.
    pub fn tape(&self) -> &'t Tape<F> {
        self.tape
    }

    /// ∂loss/∂y, of the shape of y.
    pub fn g(&self) -> Var<'t, F> {
        self.g
    }

    /// The output.
    pub fn y(&self) -> Var<'t, F> {
        self.y
    }

    /// Input `k`.
    pub fn x(&self, k: usize) -> Var<'t, F> {
        self.x[k].expect("the op has this argument")
    }

    /// Whether the share of input `k` is needed.
    pub fn wants(&self, k: usize) -> bool {
        self.wanted[k]
    }

    /// Whether the gradient will be differentiated again. If not, a rule may compute it outside the tape.
    pub fn recording(&self) -> bool {
        self.recording
    }

    /// Gives input `k` its share, which is computed only if it is needed.
    pub fn give(&self, k: usize, share: impl FnOnce() -> Var<'t, F>) {
        if self.wanted[k] {
            let share = share();
            assert_eq!(share.shape(), self.x(k).shape(), "the share of argument {k} has the argument's shape");
            let mut shares = self.shares.get();
            shares[k] = Some(share);
            self.shares.set(shares);
        }
    }
}

/// A line of the catalogue: how an op is called, what it computes, how it is differentiated, and how it is checked.
#[derive(Debug)]
pub struct Row {
    /// Its name, as on a printed tape.
    pub name: &'static str,
    /// y in terms of the inputs.
    pub formula: &'static str,
    /// The shares in terms of g, y and the inputs.
    pub derivative: &'static str,
    /// An expression that uses it.
    pub example: Example,
}

/// An expression for the gradient checker, with the shapes and domains of its inputs.
#[derive(Debug)]
pub struct Example {
    /// Shape and domain of each input.
    pub inputs: &'static [(&'static [usize], Domain)],
    /// The expression in f64, in which gradients are checked.
    pub double: for<'t> fn(&[Var<'t, f64>]) -> Var<'t, f64>,
    /// The same in f32, which must agree.
    pub single: for<'t> fn(&[Var<'t, f32>]) -> Var<'t, f32>,
}

/// Where an example's inputs are drawn from.
#[derive(Clone, Copy, Debug)]
pub enum Domain {
    /// ±[0.2, 2]: all signs, away from a kink at 0.
    Signed,
    /// [0.2, 2].
    Positive,
}

/// An [`Example`](crate::autograd::Example) from shapes and [domains](crate::autograd::Domain) of inputs and one expression, which is
/// compiled for both precisions: `example!([([3, 4], Signed), ([4], Positive)], |x| x[0] / x[1])`.
#[macro_export]
macro_rules! example {
    ([$(($shape:expr, $domain:ident)),+ $(,)?], |$x:ident| $y:expr) => {
        $crate::autograd::Example {
            inputs: &[$((&$shape, $crate::autograd::Domain::$domain)),+],
            double: |$x| $y,
            single: |$x| $y,
        }
    };
}
