//! Elementwise ops of one argument.

use super::pointwise::apply;
use crate::autograd::Var;
use crate::formula;
use crate::kernels::{Real, math::normal_cdf};
use std::ops::{Add, Mul, Neg as NegOp, Sub};

formula! {
    /// −x.
    Neg<1>, "neg", y = "−x", gx = "−g",
    example!([([3, 4], Signed)], |x| -x[0]),
    |self, [x]| -x,
    |self, g, _, _| [-g],
}
formula! {
    /// c·x for a number c.
    Scale<1> { by }, "scale", y = "c x", gx = "c g",
    example!([([3, 4], Signed)], |x| x[0] * 1.7),
    |self, [x]| x * F::of(self.by),
    |self, g, _, _| [g.scale(self.by)],
}
formula! {
    /// x + c for a number c.
    Shift<1> { by }, "shift", y = "x + c", gx = "g",
    example!([([3, 4], Signed)], |x| x[0] + 0.3),
    |self, [x]| x + F::of(self.by),
    |self, g, _, _| [g],
}
formula! {
    /// eˣ.
    Exp<1>, "exp", fn exp, y = "eˣ", gx = "g y",
    example!([([3, 4], Signed)], |x| x[0].exp()),
    |self, [x]| x.exp(),
    |self, g, _, y| [g * y],
}
formula! {
    /// eˣ − 1 − x: how far the exponential lies above its tangent at 0. Never negative, and ½ x² near 0, where the difference of
    /// the rounded terms would have no digit left.
    ExpGap<1>, "exp_gap", fn exp_gap, y = "eˣ − 1 − x", gx = "g eˣ − g",
    example!([([3, 4], Signed)], |x| x[0].exp_gap()),
    |self, [x]| x.exp_gap(),
    |self, g, [x], _| [g * x.exp() - g],
}
formula! {
    /// ln x.
    Ln<1>, "ln", fn ln, y = "ln x", gx = "g / x",
    example!([([3, 4], Positive)], |x| x[0].ln()),
    |self, [x]| x.ln(),
    |self, g, [x], _| [g / x],
}
formula! {
    /// √x.
    Sqrt<1>, "sqrt", fn sqrt, y = "√x", gx = "g / 2y",
    example!([([3, 4], Positive)], |x| x[0].sqrt()),
    |self, [x]| x.sqrt(),
    |self, g, _, y| [(g / y).scale(0.5)],
}
formula! {
    /// x².
    Square<1>, "square", fn square, y = "x²", gx = "2 g x",
    example!([([3, 4], Signed)], |x| x[0].square()),
    |self, [x]| x * x,
    |self, g, [x], _| [(g * x).scale(2.0)],
}
formula! {
    /// tanh x.
    Tanh<1>, "tanh", fn tanh, y = "tanh x", gx = "g (1 − y²) = 4 g σ(2x) σ(−2x)",
    example!([([3, 4], Signed)], |x| x[0].tanh()),
    |self, [x]| x.tanh(),
    // Not from y: rounded to 1, it says that the slope is 0 from x = 9 on in f32.
    |self, g, [x], _| [g * (x.scale(2.0).sigmoid() * x.scale(-2.0).sigmoid()).scale(4.0)],
}
formula! {
    /// σ(x) = 1 / (1 + e⁻ˣ).
    Sigmoid<1>, "sigmoid", fn sigmoid, y = "1 / (1 + e⁻ˣ)", gx = "g y (1 − y) = g y σ(−x)",
    example!([([3, 4], Signed)], |x| x[0].sigmoid()),
    |self, [x]| x.sigmoid(),
    |self, g, [x], y| [g * (y * (-x).sigmoid())],
}
formula! {
    /// ln(1 + eˣ), finite for any finite x.
    Softplus<1>, "softplus", fn softplus, y = "ln(1 + eˣ)", gx = "g σ(x)",
    example!([([3, 4], Signed)], |x| x[0].softplus()),
    |self, [x]| x.softplus(),
    |self, g, [x], _| [g * x.sigmoid()],
}
formula! {
    /// max(x, 0), with derivative 0 at 0 (PyTorch's choice).
    Relu<1>, "relu", fn relu, y = "max(x, 0)", gx = "g [x > 0]",
    example!([([3, 4], Signed)], |x| x[0].relu().square()),
    |self, [x]| if x < F::ZERO { F::ZERO } else { x },
    |self, g, [x], _| [x.select(g, g.constant(0.0))],
}
formula! {
    /// x above 0, a·x below (Maas, Hannun and Ng 2013).
    LeakyRelu<1> { slope }, "leaky_relu", fn leaky_relu, y = "x if x > 0 else a x", gx = "g if x > 0 else a g",
    example!([([3, 4], Signed)], |x| x[0].leaky_relu(0.2).square()),
    |self, [x]| if x > F::ZERO { x } else { x * F::of(self.slope) },
    |self, g, [x], _| [x.select(g, if self.slope == 0.0 { g.constant(0.0) } else { g.scale(self.slope) })],
}

/// λ of SELU: with α it makes mean 0 and variance 1 a fixed point.
const SELU_LAMBDA: f64 = 1.050_700_987_355_480_5;
/// α of SELU.
const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;

formula! {
    /// λx above 0, λα(eˣ − 1) below (Klambauer et al. 2017, arXiv 1706.02515).
    Selu<1>, "selu", fn selu, y = "λ x if x > 0 else λ α (eˣ − 1)", gx = "λ g if x > 0 else λ α g eˣ",
    example!([([3, 4], Signed)], |x| x[0].selu()),
    |self, [x]| if x > F::ZERO { F::of(SELU_LAMBDA) * x } else { F::of(SELU_LAMBDA * SELU_ALPHA) * x.exp_m1() },
    |self, g, [x], _| {
        // The exponential only of what is below 0: of large x it is ∞, and the second derivative would multiply it by 0.
        let below = x.select(g.constant(0.0), x);
        [x.select(g.scale(SELU_LAMBDA), g * below.exp().scale(SELU_LAMBDA * SELU_ALPHA))]
    },
}
formula! {
    /// x above 0, α(eˣ − 1) below (Clevert, Unterthiner and Hochreiter 2016, arXiv 1511.07289).
    Elu<1> { alpha }, "elu", fn elu, y = "x if x > 0 else α (eˣ − 1)", gx = "g if x > 0 else α g eˣ",
    example!([([3, 4], Signed)], |x| x[0].elu(1.3)),
    |self, [x]| if x > F::ZERO { x } else { F::of(self.alpha) * x.exp_m1() },
    |self, g, [x], _| {
        let below = x.select(g.constant(0.0), x);
        [x.select(g, g * below.exp().scale(self.alpha))]
    },
}
formula! {
    /// x σ(x) (Ramachandran, Zoph and Le 2017, arXiv 1710.05941; also called swish).
    Silu<1>, "silu", fn silu, y = "x σ(x)", gx = "g σ(x) (1 + x σ(−x))",
    example!([([3, 4], Signed)], |x| x[0].silu()),
    |self, [x]| x * x.sigmoid(),
    |self, g, [x], _| [g * (x.sigmoid() * (x * (-x).sigmoid()).shift(1.0))],
}

/// 1/√(2π).
const NORMAL: f64 = 0.398_942_280_401_432_7;

formula! {
    /// Φ(x), the distribution function of N(0, 1).
    NormalCdf<1>, "normal_cdf", fn normal_cdf, y = "Φ(x) = ½ erfc(−x/√2)", gx = "g e^(−x²/2) / √(2π)",
    example!([([3, 4], Signed)], |x| x[0].normal_cdf()),
    |self, [x]| F::of(normal_cdf(x.f64())),
    |self, g, [x], _| {
        // Beyond ±40 the density is 0, and the square of x need not be a number.
        let near = x.within(-40.0, 40.0).select(x, g.constant(40.0));
        [g * (near * near).scale(-0.5).exp().scale(NORMAL)]
    },
}

impl<F: Real> Var<'_, F> {
    /// x Φ(x): GELU, the mean of x times a mask that is 1 with probability Φ(x) (Hendrycks and Gimpel 2016, arXiv 1606.08415).
    #[must_use]
    pub fn gelu(self) -> Self {
        self * self.normal_cdf()
    }
}

/// √(2/π).
const GELU: f64 = 0.797_884_560_802_865_4;
/// The cubic term of GELU's approximation.
const GELU_CUBIC: f64 = 0.044_715;

formula! {
    /// ½ x (1 + tanh u) = x σ(2u), u = √(2/π) (x + 0.044715 x³): GELU to three digits without Φ, and several times as fast (ibid.,
    /// section 2).
    GeluTanh<1>, "gelu_tanh", fn gelu_tanh, y = "½ x (1 + tanh u), u = √(2/π) (x + 0.044715 x³)", gx = "g σ(2u) (1 + 2 x u′ σ(−2u))",
    example!([([3, 4], Signed)], |x| x[0].gelu_tanh()),
    |self, [x]| x * (F::of(2.0 * GELU) * x * (F::ONE + F::of(GELU_CUBIC) * x * x)).sigmoid(),
    |self, g, [x], _| {
        // Beyond ±30 the slope is 1 or 0, and the square of x need not be a number.
        let near = x.within(-30.0, 30.0).select(x, x.select(g.constant(30.0), g.constant(-30.0)));
        let square = near * near;
        let twice = (near * square.scale(GELU_CUBIC).shift(1.0)).scale(2.0 * GELU);
        let steep = (near * square.scale(3.0 * GELU_CUBIC).shift(1.0)).scale(2.0 * GELU);
        [g * (twice.sigmoid() * (steep * (-twice).sigmoid()).shift(1.0))]
    },
}
formula! {
    /// |x|, with derivative 0 at 0.
    Abs<1>, "abs", fn abs, y = "|x|", gx = "g sign x",
    example!([([3, 4], Signed)], |x| x[0].abs() * x[0]),
    |self, [x]| x.abs(),
    |self, g, [x], _| [x.select(g, (-x).select(-g, g.constant(0.0)))],
}
formula! {
    /// x held within [low, high], with derivative 0 on the borders, the smallest of the subgradients (PyTorch's choice).
    Clamp<1> { low, high }, "clamp", fn clamp, y = "min(max(x, low), high)", gx = "g [low < x < high]",
    example!([([3, 4], Signed)], |x| x[0].clamp(-1.1, 0.9).square()),
    |self, [x]| {
        let above = if x < F::of(self.low) { F::of(self.low) } else { x };
        if above > F::of(self.high) { F::of(self.high) } else { above }
    },
    |self, g, [x], _| [x.within(self.low, self.high).select(g, g.constant(0.0))],
}
formula! {
    /// 1 where x > 0, else 0.
    Step<1>, "step", fn step, y = "[x > 0]", gx = "0",
    example!([([3, 4], Signed)], |x| x[0].step() * x[0].square()),
    flat: [true],
    |self, [x]| if x > F::ZERO { F::ONE } else { F::ZERO },
    |self, g, _, _| [g.constant(0.0)],
}
formula! {
    /// −1, 0 or 1.
    Sign<1>, "sign", fn sign, y = "sign x", gx = "0",
    example!([([3, 4], Signed)], |x| x[0].sign() * x[0].square()),
    flat: [true],
    |self, [x]| {
        let negative = if x < F::ZERO { -F::ONE } else { F::ZERO };
        if x > F::ZERO { F::ONE } else { negative }
    },
    |self, g, _, _| [g.constant(0.0)],
}
formula! {
    /// 1 where low < x < high, else 0.
    Within<1> { low, high }, "within", fn within, y = "[low < x < high]", gx = "0",
    example!([([3, 4], Signed)], |x| x[0].within(-1.1, 0.9) * x[0].square()),
    flat: [true],
    |self, [x]| {
        let above = if x > F::of(self.low) { F::ONE } else { F::ZERO };
        if x < F::of(self.high) { above } else { F::ZERO }
    },
    |self, g, _, _| [g.constant(0.0)],
}

impl<F: Real> NegOp for Var<'_, F> {
    type Output = Self;
    fn neg(self) -> Self {
        apply(Neg {}, [self])
    }
}

impl<F: Real> Mul<f64> for Var<'_, F> {
    type Output = Self;
    fn mul(self, by: f64) -> Self {
        apply(Scale { by }, [self])
    }
}

impl<F: Real> Add<f64> for Var<'_, F> {
    type Output = Self;
    fn add(self, by: f64) -> Self {
        apply(Shift { by }, [self])
    }
}

impl<F: Real> Sub<f64> for Var<'_, F> {
    type Output = Self;
    fn sub(self, by: f64) -> Self {
        apply(Shift { by: -by }, [self])
    }
}
