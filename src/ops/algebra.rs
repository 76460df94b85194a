//! [`Algebra`]: what a derivative formula may use, so that one formula reads both as numbers and as values on a tape.

use crate::autograd::Var;
use crate::kernels::Real;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// The operations that elementwise derivatives are written in.
///
/// A formula over this trait is the fused pass of a gradient when read with `Scalar`, one number at a time, and the
/// differentiable rule when read with [`Var`], one tensor at a time. Both readings do the same floating-point operations in the
/// same order.
///
/// Where a function is flat its derivative is 0, whatever the cotangent is: behind a square root at 0 it is infinite, and 0 · ∞ is
/// NaN. So a formula never multiplies by a mask of zeros and ones: it [selects](Self::select).
pub trait Algebra:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Neg<Output = Self>
{
    /// The constant c, of the shape of `self`.
    fn constant(self, c: f64) -> Self;
    /// c·x.
    fn scale(self, c: f64) -> Self;
    /// x + c.
    fn shift(self, c: f64) -> Self;
    /// eˣ.
    fn exp(self) -> Self;
    /// σ(x).
    fn sigmoid(self) -> Self;
    /// 1 where low < x < high, else 0.
    fn within(self, low: f64, high: f64) -> Self;
    /// a where x > 0, else b.
    fn select(self, a: Self, b: Self) -> Self;
}

/// A number as an [`Algebra`].
#[derive(Clone, Copy)]
pub(super) struct Scalar<F>(pub F);

macro_rules! operators {
    ($($Op:ident $op:ident),+) => {$(
        impl<F: Real> $Op for Scalar<F> {
            type Output = Self;
            #[inline(always)]
            fn $op(self, other: Self) -> Self {
                Scalar(self.0.$op(other.0))
            }
        }
    )+};
}
operators!(Add add, Sub sub, Mul mul, Div div);

impl<F: Real> Neg for Scalar<F> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Scalar(-self.0)
    }
}

impl<F: Real> Algebra for Scalar<F> {
    #[inline(always)]
    fn constant(self, c: f64) -> Self {
        Scalar(F::of(c))
    }
    #[inline(always)]
    fn scale(self, c: f64) -> Self {
        Scalar(self.0 * F::of(c))
    }
    #[inline(always)]
    fn shift(self, c: f64) -> Self {
        Scalar(self.0 + F::of(c))
    }
    #[inline(always)]
    fn exp(self) -> Self {
        Scalar(self.0.exp())
    }
    #[inline(always)]
    fn sigmoid(self) -> Self {
        Scalar(self.0.sigmoid())
    }
    #[inline(always)]
    fn within(self, low: f64, high: f64) -> Self {
        let above = if self.0 > F::of(low) { F::ONE } else { F::ZERO };
        Scalar(if self.0 < F::of(high) { above } else { F::ZERO })
    }
    #[inline(always)]
    fn select(self, a: Self, b: Self) -> Self {
        if self.0 > F::ZERO { a } else { b }
    }
}

impl<F: Real> Algebra for Var<'_, F> {
    fn constant(self, c: f64) -> Self {
        self.tape().leaf_with(self.shape(), |x| x.fill(F::of(c)))
    }
    fn scale(self, c: f64) -> Self {
        self * c
    }
    fn shift(self, c: f64) -> Self {
        self + c
    }
    fn exp(self) -> Self {
        Var::exp(self)
    }
    fn sigmoid(self) -> Self {
        Var::sigmoid(self)
    }
    fn within(self, low: f64, high: f64) -> Self {
        Var::within(self, low, high)
    }
    fn select(self, a: Self, b: Self) -> Self {
        Var::select(self, a, b)
    }
}
