//! The truncated normal distribution, by logarithms: far tails keep their digits.

use crate::kernels::math::normal_quantile;
use libm::{erfc, exp, expm1, log, log1p, sqrt};
use std::f64::consts::{LN_2, SQRT_2};

/// ln √(2π).
pub const LN_SQRT_TAU: f64 = 0.918_938_533_204_672_8;

/// ln Φ(x), with Φ the standard normal distribution function.
pub fn log_cdf(x: f64) -> f64 {
    if x > 0.0 {
        log1p(-0.5 * erfc(x / SQRT_2))
    } else if x > -20.0 {
        log(0.5 * erfc(-x / SQRT_2))
    } else {
        // Φ(x) = φ(x)/|x| (1 − 1/x² + 3/x⁴ − 15/x⁶ + …): Abramowitz and Stegun, 26.2.12.
        let r = 1.0 / (x * x);
        let series = (1..=10).rev().fold(0.0, |s, k| -r * f64::from(2 * k - 1) * (1.0 + s));
        -0.5 * x * x - LN_SQRT_TAU - log(-x) + log1p(series)
    }
}

/// ln(Φ(b) − Φ(a)) for a ≤ b.
pub fn log_mass(a: f64, b: f64) -> f64 {
    if a > 0.0 {
        return log_mass(-b, -a);
    }
    let width = b - a;
    if width * (1.0 - a) < 0.25 {
        return log_narrow(a, width);
    }
    if b > 0.0 {
        return log1p(-0.5 * (erfc(-a / SQRT_2) + erfc(b / SQRT_2)));
    }
    let (low, high) = (log_cdf(a), log_cdf(b));
    high + log1p_exp_neg(low - high)
}

/// ln(Φ(a + h) − Φ(a)) for small h, where a difference would lose its digits: with m the middle of the interval
/// φ(m) h ∫ exp(−m t h − t²h²/2) dt over [−½, ½], by Gauss and Legendre's rule of five points.
fn log_narrow(a: f64, h: f64) -> f64 {
    const RULE: [(f64, f64); 2] =
        [(0.538_469_310_105_683_1, 0.478_628_670_499_366_47), (0.906_179_845_938_664, 0.236_926_885_056_189_08)];
    let m = a + 0.5 * h;
    let mean: f64 = RULE.iter().fold(0.568_888_888_888_888_9, |sum, (node, weight)| {
        let d = 0.5 * h * node;
        let even = exp(-0.5 * d * d);
        sum + weight * even * (exp(-m * d) + exp(m * d))
    });
    -0.5 * m * m - LN_SQRT_TAU + log(0.5 * h * mean)
}

/// ln(1 − eˣ) for x < 0.
fn log1p_exp_neg(x: f64) -> f64 {
    if x > -LN_2 { log(-expm1(x)) } else { log1p(-exp(x)) }
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
    // The two tails that x cuts off, each a mixture of those of a and b.
    let left = log_add(log_cdf(a) + log1p(-q), log_cdf(b) + log(q));
    let right = log_add(log_cdf(-a) + log1p(-q), log_cdf(-b) + log(q));
    let x = if left < right { quantile_of_log(left) } else { -quantile_of_log(right) };
    x.clamp(a, b)
}

/// The x with ln Φ(x) = `log_p`, at most about 0.
fn quantile_of_log(log_p: f64) -> f64 {
    let mut x = match log_p > -650.0 {
        true => return normal_quantile(exp(log_p)),
        false => -sqrt(-2.0 * (log_p + LN_SQRT_TAU + 0.5 * log(-2.0 * log_p))),
    };
    // Newton's method on ln Φ, which is nearly a parabola here.
    for _ in 0..4 {
        let value = log_cdf(x);
        let log_slope = -0.5 * x * x - LN_SQRT_TAU - value;
        x -= (value - log_p) / exp(log_slope);
    }
    x
}
