//! The truncated normal distribution, by logarithms: far tails keep their digits.

use crate::kernels::elementwise::Pointwise;
use crate::kernels::math::{double, normal_quantile};
use libm::{erfc, exp, log, log1p, sqrt};
use std::f64::consts::{FRAC_1_SQRT_2, LN_2};

/// ln √(2π).
pub const LN_SQRT_TAU: f64 = 0.918_938_533_204_672_8;

/// ln erfc(x) for x ≥ 0: with t = 2/(2 + x), ln t − x² + a polynomial in 2t − 1, which `fixtures/log_erfc.py` interpolates to
/// 3·10⁻¹⁶. Without branches, so that loops over it become vector code.
#[inline(always)]
fn log_erfc(x: f64) -> f64 {
    const POWERS: [f64; 28] = [
        -2.0464670329192375e-09,
        4.089222480896167e-09,
        1.2225710551260416e-08,
        -3.9356533447809914e-08,
        -1.711069646695314e-09,
        1.538760666928522e-07,
        -2.4404662375581676e-07,
        -1.6939237579995655e-07,
        1.2437191416721655e-06,
        -1.271343067023655e-06,
        -2.9430926821341833e-06,
        8.56191490492248e-06,
        1.3509102932957954e-07,
        -3.0187528842243815e-05,
        3.174616564355679e-05,
        7.140089189099235e-05,
        -0.00017430319942974635,
        -9.373500301998985e-05,
        0.0006736788382506061,
        -0.00014624686754045134,
        -0.002345812504982584,
        0.001758933558165434,
        0.008824938557327763,
        -0.009872689366406727,
        -0.046895610231182674,
        0.04734330684190473,
        0.6726432239776567,
        -0.6717940840566923,
    ];
    let t = 2.0 / (2.0 + x);
    let s = 2.0 * t - 1.0;
    // Odd and even powers in two chains, which a processor computes side by side.
    let (mut odd, mut even) = (0.0_f64, 0.0_f64);
    for [a, b] in POWERS.as_chunks().0 {
        odd = odd.mul_add(s * s, *a);
        even = even.mul_add(s * s, *b);
    }
    double::ln(t) + odd.mul_add(s, even) - x * x
}

/// ln(1 − e) for 0 ≤ e < 1, with all digits where e is small (Kahan's quotient).
#[inline(always)]
fn log_one_minus(e: f64) -> f64 {
    let w = 1.0 - e;
    let exact = if w == 1.0 { -e } else { double::ln(w) * (-e / (w - 1.0)) };
    if e == 0.0 { 0.0 } else { exact }
}

/// ln(Φ(b) − Φ(a)) for a ≤ b, with Φ the standard normal distribution function, by the form that keeps the digits: the quotient of
/// two tails, the complement of both around 0, a series about the middle of a narrow interval.
#[inline(always)]
fn log_mass_of(a: f64, b: f64) -> f64 {
    // Mirrored to the left, where a ≤ −|b|.
    let (low, high) = if a + b > 0.0 { (-b, -a) } else { (a, b) };
    let (far, near) = (log_erfc(-low * FRAC_1_SQRT_2), log_erfc(high.abs() * FRAC_1_SQRT_2));
    let (m, h) = (0.5 * (a + b), b - a);
    let (mm, hh) = (m * m, h * h);
    let (is_narrow, is_around) = (h * (1.0 + m.abs()) < 0.03, high > 0.0);
    // All forms are scale + ln(1 − e).
    let first = double::exp(if is_around { far } else { far - near });
    let tails = if is_around { 0.5 * (first + double::exp(near)) } else { first };
    let series = hh * ((mm - 1.0) / 24.0 + hh * ((mm * mm - 6.0 * mm + 3.0) / 1920.0));
    let e = if is_narrow { -series } else { tails };
    let outside = if is_around { 0.0 } else { near - LN_2 };
    let scale = if is_narrow { double::ln(h) - 0.5 * mm - LN_SQRT_TAU } else { outside };
    scale + log_one_minus(e)
}

/// ln(Φ(b) − Φ(a)) for a ≤ b.
pub fn log_mass(a: f64, b: f64) -> f64 {
    log_mass_of(a, b)
}

/// ln of the mass in [a, b] of normal distributions with mean μ and deviation σ, for [`map`](crate::kernels::elementwise::map).
pub struct LogMassIn {
    /// Lower end.
    pub a: f64,
    /// Upper end.
    pub b: f64,
}

impl Pointwise<f64, 2> for LogMassIn {
    #[inline(always)]
    fn at(&self, [mu, sigma]: [f64; 2]) -> f64 {
        log_mass_of((self.a - mu) / sigma, (self.b - mu) / sigma)
    }
}

/// ln Φ(x), with Φ the standard normal distribution function.
pub fn log_cdf(x: f64) -> f64 {
    if x > 0.0 { log1p(-0.5 * erfc(x * FRAC_1_SQRT_2)) } else { log_erfc(-x * FRAC_1_SQRT_2) - LN_2 }
}

/// ln(eᵃ + eᵇ).
fn log_add(a: f64, b: f64) -> f64 {
    let (small, large) = if a < b { (a, b) } else { (b, a) };
    if large == f64::NEG_INFINITY { large } else { large + log1p(exp(small - large)) }
}

/// The x in [a, b] with P(X ≤ x) = q for a standard normal X on [a, b].
pub fn truncated_quantile(a: f64, b: f64, q: f64) -> f64 {
    if q <= 0.0 || a == b {
        return a;
    }
    if q >= 1.0 {
        return b;
    }
    // The tails that x cuts off to the left and to the right, each a mixture of those of a and b: sums, so no digits are lost.
    let tails = |x: f64| {
        let small = 0.5 * erfc(x.abs() * FRAC_1_SQRT_2);
        if x < 0.0 { (small, 1.0 - small) } else { (1.0 - small, small) }
    };
    let ((a_left, a_right), (b_left, b_right)) = (tails(a), tails(b));
    let left = (1.0 - q) * a_left + q * b_left;
    let right = (1.0 - q) * a_right + q * b_right;
    let x = match left.min(right) {
        p if p < 1e-280 && left < right => far_quantile(log_add(log_cdf(a) + log1p(-q), log_cdf(b) + log(q))),
        p if p < 1e-280 => -far_quantile(log_add(log_cdf(-a) + log1p(-q), log_cdf(-b) + log(q))),
        _ if left < right => normal_quantile(left),
        _ => -normal_quantile(right),
    };
    x.clamp(a, b)
}

/// The x with ln Φ(x) = `log_p`, far below 0.
fn far_quantile(log_p: f64) -> f64 {
    let mut x = -sqrt(-2.0 * (log_p + LN_SQRT_TAU + 0.5 * log(-2.0 * log_p)));
    // Newton's method on ln Φ, which is nearly a parabola here.
    for _ in 0..4 {
        let value = log_cdf(x);
        let log_slope = -0.5 * x * x - LN_SQRT_TAU - value;
        x -= (value - log_p) / exp(log_slope);
    }
    x
}
