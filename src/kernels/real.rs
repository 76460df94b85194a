//! [`Real`]: what a kernel may ask of a number, for `f32` and `f64`.

use super::{gemm::Tiles, math};
use std::fmt::{Debug, Display};
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

/// `f32` or `f64`, with the elementary functions of [`math`] in place of the standard library's, so that
/// the same source gives the same bits on every machine.
pub trait Real:
    Copy
    + Default
    + Debug
    + Display
    + PartialOrd
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + Tiles
    + 'static
{
    /// `"f32"` or `"f64"`.
    const NAME: &'static str;
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// The smallest positive normal number.
    const MIN_POSITIVE: Self;
    /// A power of two whose square is finite, and four such squares together: 2⁶³, 2⁵¹¹.
    const ROOT: Self;
    /// +∞.
    const INFINITY: Self;
    /// Not a number.
    const NAN: Self;

    /// The nearest representable number.
    fn of(x: f64) -> Self;
    /// This number as an `f64`, exactly.
    fn f64(self) -> f64;
    /// `self · a + b` with one rounding.
    fn mul_add(self, a: Self, b: Self) -> Self;
    /// |x|.
    fn abs(self) -> Self;
    /// √x, correctly rounded.
    fn sqrt(self) -> Self;
    /// Not a number.
    fn is_nan(self) -> bool;
    /// Neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// eˣ, see [`math`].
    fn exp(self) -> Self;
    /// eˣ − 1, see [`math`].
    fn exp_m1(self) -> Self;
    /// eˣ − 1 − x, see [`math`].
    fn exp_gap(self) -> Self;
    /// ln x, see [`math`].
    fn ln(self) -> Self;
    /// ln(1 + x) for finite x ≥ 0, see [`math`].
    fn ln_1p(self) -> Self;
    /// tanh x, see [`math`].
    fn tanh(self) -> Self;
    /// 1 / (1 + e⁻ˣ), see [`math`].
    fn sigmoid(self) -> Self;
    /// ln(1 + eˣ), see [`math`].
    fn softplus(self) -> Self;
}

macro_rules! real {
    ($F:ident, $m:path, root: $root:expr) => {
        impl Real for $F {
            const NAME: &'static str = stringify!($F);
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const MIN_POSITIVE: Self = $F::MIN_POSITIVE;
            const ROOT: Self = $root;
            const INFINITY: Self = $F::INFINITY;
            const NAN: Self = $F::NAN;
            #[inline(always)]
            fn of(x: f64) -> Self {
                x as $F
            }
            #[inline(always)]
            fn f64(self) -> f64 {
                self as f64
            }
            #[inline(always)]
            fn mul_add(self, a: Self, b: Self) -> Self {
                $F::mul_add(self, a, b)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                $F::abs(self)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                $F::sqrt(self)
            }
            #[inline(always)]
            fn is_nan(self) -> bool {
                $F::is_nan(self)
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                $F::is_finite(self)
            }
            #[inline(always)]
            fn exp(self) -> Self {
                use $m as m;
                m::exp(self)
            }
            #[inline(always)]
            fn exp_m1(self) -> Self {
                use $m as m;
                m::exp_m1(self)
            }
            #[inline(always)]
            fn exp_gap(self) -> Self {
                use $m as m;
                m::exp_gap(self)
            }
            #[inline(always)]
            fn ln(self) -> Self {
                use $m as m;
                m::ln(self)
            }
            #[inline(always)]
            fn ln_1p(self) -> Self {
                use $m as m;
                m::ln_1p(self)
            }
            #[inline(always)]
            fn tanh(self) -> Self {
                use $m as m;
                m::tanh(self)
            }
            #[inline(always)]
            fn sigmoid(self) -> Self {
                use $m as m;
                m::sigmoid(self)
            }
            #[inline(always)]
            fn softplus(self) -> Self {
                use $m as m;
                m::softplus(self)
            }
        }
    };
}

real!(f32, math::single, root: f32::from_bits((127 + 63) << 23));
real!(f64, math::double, root: f64::from_bits((1023 + 511) << 52));
