//! Elementwise ops of two and three arguments. Shapes that differ are broadcast first, by an op of their own.

use super::algebra::Algebra;
use super::pointwise::apply;
use crate::autograd::{Add as AddOp, Var};
use crate::formula;
use crate::kernels::Real;
use std::ops::{Add, Div as DivOp, Mul as MulOp, Sub as SubOp};

formula! {
    /// a − b.
    Sub<2>, "sub", y = "a − b", gx = "a: g, b: −g",
    example!([([3, 4], Signed), ([3, 4], Signed)], |x| x[0] - x[1]),
    |self, [a, b]| a - b,
    |self, g, _, _| [g, -g],
}
formula! {
    /// a · b.
    Mul<2>, "mul", y = "a b", gx = "a: g b, b: g a",
    example!([([3, 4], Signed), ([3, 4], Signed)], |x| x[0] * x[1]),
    |self, [a, b]| a * b,
    |self, g, [a, b], _| [g * b, g * a],
}
formula! {
    /// a / b.
    Div<2>, "div", y = "a / b", gx = "a: g / b, b: −g y / b",
    example!([([3, 4], Signed), ([3, 4], Signed)], |x| x[0] / x[1]),
    |self, [a, b]| a / b,
    |self, g, [_, b], y| [g / b, -(g * y) / b],
}
formula! {
    /// max(a, b), NaN where either is; where they are equal, each gets half of g (PyTorch's choice).
    Maximum<2>, "maximum", y = "max(a, b)", gx = "a: g [a > b], b: g [a < b], halves where equal",
    example!([([3, 4], Signed), ([3, 4], Signed)], |x| x[0].maximum(x[1]) * x[0]),
    |self, [a, b]| if a < b { b } else if a >= b { a } else { a + b },
    |self, g, [a, b], _| wins(g, a - b),
}
formula! {
    /// min(a, b), NaN where either is; where they are equal, each gets half of g.
    Minimum<2>, "minimum", y = "min(a, b)", gx = "a: g [a < b], b: g [a > b], halves where equal",
    example!([([3, 4], Signed), ([3, 4], Signed)], |x| x[0].minimum(x[1]) * x[0]),
    |self, [a, b]| if a > b { b } else if a <= b { a } else { a + b },
    |self, g, [a, b], _| wins(g, b - a),
}
formula! {
    /// Binary cross-entropy from logits: −t ln σ(x) − (1 − t) ln(1 − σ(x)) = softplus(x) − x t, which is finite for any finite
    /// x. Computed as (max(x, 0) − x t) + softplus(−|x|): for a large x and t = 1, softplus(x) − x would lose the small loss of
    /// a pixel that is right. At x = ±∞ it is the limit, 0 or ∞. One op because it is what a Bernoulli decoder spends its
    /// elementwise time on.
    Bce<2>, "bce", y = "softplus(x) − x t", gx = "x: g (σ(x) − t), t: −g x",
    example!([([3, 4], Signed), ([3, 4], Positive)], |x| x[0].bce(x[1])),
    |self, [x, t]| {
        let positive = if x < F::ZERO { F::ZERO } else { x };
        // ∞ − ∞, where it is a part of ∞.
        let part = if x < F::ZERO { t } else { F::ONE - t };
        let limit = if part == F::ZERO { part } else { x.abs() * part };
        let left = if x.abs() < F::INFINITY { positive - x * t } else { limit };
        left + (-x.abs()).softplus()
    },
    |self, g, [x, t], _| [g * (x.sigmoid() - t), -(g * x)],
}
formula! {
    /// a where c > 0, else b.
    Select<3>, "select", y = "a if c > 0 else b", gx = "a: g [c > 0], b: g [c ≤ 0]",
    example!([([3, 4], Signed), ([3, 4], Signed), ([3, 4], Signed)], |x| x[0].select(x[1] * x[0], x[2].square())),
    flat: [true, false, false],
    |self, [c, a, b]| if c > F::ZERO { a } else { b },
    |self, g, [c, _, _], _| {
        let zero = g.constant(0.0);
        [zero, c.select(g, zero), c.select(zero, g)]
    },
}

/// The shares of g of two rivals, the first of which is ahead by `lead`: all or nothing, halves where there is no lead.
#[inline(always)]
fn wins<A: Algebra>(g: A, lead: A) -> [A; 2] {
    let (zero, half) = (g.constant(0.0), g.scale(0.5));
    [lead.select(g, (-lead).select(zero, half)), (-lead).select(g, lead.select(zero, half))]
}

impl<'t, F: Real> Var<'t, F> {
    /// max(a, b), broadcasting.
    #[track_caller]
    #[must_use]
    pub fn maximum(self, other: Self) -> Self {
        apply(Maximum {}, broadcast("maximum", self, other))
    }

    /// min(a, b), broadcasting.
    #[track_caller]
    #[must_use]
    pub fn minimum(self, other: Self) -> Self {
        apply(Minimum {}, broadcast("minimum", self, other))
    }

    /// softplus(x) − x·t, elementwise, in nats: the Bernoulli negative log-likelihood of the target t under the logit x.
    ///
    /// # Panics
    /// When the shapes differ: a target that silently broadcasts is a mistake.
    #[track_caller]
    #[must_use]
    pub fn bce(self, target: Self) -> Self {
        apply(Bce {}, [self, target])
    }

    /// a where `self` > 0, else b; equal shapes.
    #[track_caller]
    #[must_use]
    pub fn select(self, a: Self, b: Self) -> Self {
        apply(Select {}, [self, a, b])
    }
}

/// Both operands in the shape they broadcast to.
#[track_caller]
fn broadcast<'t, F: Real>(name: &str, a: Var<'t, F>, b: Var<'t, F>) -> [Var<'t, F>; 2] {
    let (from, to) = (a.shape(), b.shape());
    if from == to {
        return [a, b];
    }
    match from.broadcast(to) {
        Ok(shape) => [a.broadcast_to(shape), b.broadcast_to(shape)],
        Err(e) => panic!("{name}: {e}"),
    }
}

impl<F: Real> Add for Var<'_, F> {
    type Output = Self;
    #[track_caller]
    fn add(self, other: Self) -> Self {
        self.tape().apply(AddOp, broadcast("add", self, other))
    }
}

macro_rules! operators {
    ($($Trait:ident $method:ident $Op:ident $name:literal),+) => {$(
        impl<F: Real> $Trait for Var<'_, F> {
            type Output = Self;
            #[track_caller]
            fn $method(self, other: Self) -> Self {
                apply($Op {}, broadcast($name, self, other))
            }
        }
    )+};
}
operators!(SubOp sub Sub "sub", MulOp mul Mul "mul", DivOp div Div "div");
