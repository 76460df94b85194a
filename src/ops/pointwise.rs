//! What all elementwise ops share: a [`Formula`] on numbers becomes an op on tensors of equal shapes.

use super::algebra::{Algebra, Scalar};
use crate::autograd::{Op, Row, Var, Vjp, Work};
use crate::error::ShapeError;
use crate::kernels::{Real, elementwise::Pointwise, elementwise::map, gemm::Scratch};
use crate::tensor::{Shape, Tensor};

/// A scalar function of `N` arguments and its derivative.
pub trait Formula<const N: usize>: Copy + Send + Sync + 'static {
    /// Its row in the catalogue.
    const ROW: Row;
    /// Arguments in which y is piecewise constant: they get no share.
    const FLAT: [bool; N] = [false; N];
    /// y = f(x).
    fn y<F: Real>(self, x: [F; N]) -> F;
    /// g · ∂y/∂xₖ for each k.
    fn gx<A: Algebra>(self, g: A, x: [A; N], y: A) -> [A; N];
}

/// The op of a formula.
struct Map<T, const N: usize>(T);

impl<F: Real, T: Formula<N>, const N: usize> Op<F> for Map<T, N> {
    fn row(&self) -> &'static Row {
        &T::ROW
    }

    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        match x.iter().find(|s| **s != x[0]) {
            Some(other) => Err(ShapeError(format!("shapes differ: {} and {other}", x[0]))),
            None => Ok(x[0]),
        }
    }

    fn forward(&mut self, x: &[&Tensor<F>], y: &mut [F], _: &mut Scratch<F>) {
        map(&Forward(self.0), std::array::from_fn::<_, N, _>(|k| x[k].data()), y);
    }

    fn vjp<'t>(&self, cx: &Vjp<'t, F>) {
        let formula = self.0;
        let x: [Var<'t, F>; N] = std::array::from_fn(|k| cx.x(k));
        let steep = (0..N).filter(|&k| !T::FLAT[k]);
        if cx.recording() {
            if (0..N).any(|k| cx.wants(k) && !T::FLAT[k]) {
                let gx = formula.gx(cx.g(), x, cx.y());
                steep.for_each(|k| cx.give(k, || gx[k]));
            }
            return;
        }
        let (g, y, x) = (cx.g().value(), cx.y().value(), x.map(Var::value));
        for k in steep {
            cx.give(k, || {
                let work = || Work::on::<F>((N + 2) * y.shape().size(), y.shape()); // g, the arguments, the share
                let share = || {
                    cx.tape().leaf_with(y.shape(), |gx| {
                        let (g, y) = (g.data(), y.data());
                        // Arguments in the order g, y, x…
                        match (x.each_ref().map(Tensor::data).as_slice(), k) {
                            ([a], _) => map(&Backward::<T, N, 0>(formula), [g, y, a], gx),
                            ([a, b], 0) => map(&Backward::<T, N, 0>(formula), [g, y, a, b], gx),
                            ([a, b], _) => map(&Backward::<T, N, 1>(formula), [g, y, a, b], gx),
                            ([a, b, c], 0) => map(&Backward::<T, N, 0>(formula), [g, y, a, b, c], gx),
                            ([a, b, c], 1) => map(&Backward::<T, N, 1>(formula), [g, y, a, b, c], gx),
                            ([a, b, c], _) => map(&Backward::<T, N, 2>(formula), [g, y, a, b, c], gx),
                            _ => unreachable!("formulas have one to three arguments"),
                        }
                    })
                };
                cx.tape().timed(T::ROW.name, work, share)
            });
        }
    }
}

/// Applies a formula to values of equal shapes.
///
/// # Panics
/// When shapes differ.
#[track_caller]
#[must_use]
pub fn apply<'t, F: Real, T: Formula<N>, const N: usize>(formula: T, x: [Var<'t, F>; N]) -> Var<'t, F> {
    x[0].tape().apply(Map::<T, N>(formula), x)
}

struct Forward<T>(T);

impl<F: Real, T: Formula<N>, const N: usize> Pointwise<F, N> for Forward<T> {
    #[inline(always)]
    fn at(&self, x: [F; N]) -> F {
        self.0.y(x)
    }
}

/// Share `K` of a formula of `N` arguments, as a function of g, y and the arguments. `K` is a constant, so that only this share is
/// computed, in vectors.
struct Backward<T, const N: usize, const K: usize>(T);

impl<F: Real, T: Formula<N>, const N: usize, const K: usize, const M: usize> Pointwise<F, M> for Backward<T, N, K> {
    #[inline(always)]
    fn at(&self, v: [F; M]) -> F {
        self.0.gx(Scalar(v[0]), std::array::from_fn(|k| Scalar(v[2 + k])), Scalar(v[1]))[K].0
    }
}

/// Declares a [`Formula`](crate::ops::Formula): documentation, name, number of arguments, settings, catalogue row, value and derivative
/// on one screen. Within, `F` is the precision (a [`Real`](crate::kernels::Real)) and `A` what the derivative is read with (an
/// [`Algebra`](crate::ops::Algebra)). `fn name`, where it stands, makes the method of [`Var`](crate::autograd::Var) too, which only this
/// crate can have. See [`ops`](crate::ops) for an op of one's own.
#[macro_export]
macro_rules! formula {
    (@method $T:ident () $fields:tt $($meta:tt)*) => {};
    (@method $T:ident ($method:ident) ($($field:ident),*) $(#[$meta:meta])*) => {
        impl<F: $crate::kernels::Real> $crate::autograd::Var<'_, F> {
            $(#[$meta])*
            #[must_use]
            pub fn $method(self $(, $field: f64)*) -> Self {
                $crate::ops::apply($T { $($field),* }, [self])
            }
        }
    };
    (
        $(#[$meta:meta])*
        $T:ident<$N:literal> $({ $($field:ident),+ })?, $name:literal, $(fn $method:ident,)? y = $formula:literal, gx = $derivative:literal,
        example!($($example:tt)*), $(flat: $flat:expr,)?
        |$self:ident, $x:pat_param| $y:expr,
        |$self2:ident, $g:pat_param, $x2:pat_param, $y2:pat_param| $gx:expr,
    ) => {
        $crate::formula!(@method $T ($($method)?) ($($($field),+)?) $(#[$meta])*);

        $(#[$meta])*
        #[derive(Clone, Copy, Debug)]
        pub struct $T {
            $($(
                #[doc = concat!("The setting `", stringify!($field), "`.")]
                pub $field: f64
            ),+)?
        }

        impl $crate::ops::Formula<$N> for $T {
            const ROW: $crate::autograd::Row = $crate::autograd::Row {
                name: $name,
                formula: $formula,
                derivative: $derivative,
                example: $crate::example!($($example)*),
            };
            $(const FLAT: [bool; $N] = $flat;)?
            #[inline(always)]
            fn y<F: $crate::kernels::Real>($self, $x: [F; $N]) -> F {
                $y
            }
            #[inline(always)]
            fn gx<A: $crate::ops::Algebra>(
                $self2,
                $g: A,
                $x2: [A; $N],
                $y2: A,
            ) -> [A; $N] {
                $gx
            }
        }
    };
}
