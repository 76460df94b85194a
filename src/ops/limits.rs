//! Awkward points: kinks, flat pieces before infinite slopes, tiny and huge arguments. Differences say nothing there; value, slope
//! and curvature are limits worked out by hand, or by arithmetic of 50 digits (mpmath), and asked for in both precisions.

#![allow(clippy::excessive_precision)] // Limits stand as they were computed.

use super::Algebra;
use crate::autograd::{Tape, Var};
use crate::kernels::Real;
use crate::tensor::Tensor;

/// A function of one number at an awkward point, and what it is there.
pub struct Limit {
    /// The function, and why the point is awkward.
    pub what: &'static str,
    /// The point.
    pub at: f64,
    /// y, dy/dx and d²y/dx² there, as f64 and, where that is another number, as f32 has them.
    expected: [[f64; 3]; 2],
    double: for<'t> fn(Var<'t, f64>) -> Var<'t, f64>,
    single: for<'t> fn(Var<'t, f32>) -> Var<'t, f32>,
}

/// The most a number may be off, in units of its precision.
const BOUND: f64 = 4.0;

impl Limit {
    /// What is wrong, if anything: the precision, which number, expected and found.
    pub fn fault(&self) -> Option<String> {
        let faults = [
            fault(self.expected[0], measure(self.at, self.double)),
            fault(self.expected[1], measure(self.at as f32, self.single)),
        ];
        faults.into_iter().flatten().next().map(|fault| format!("{} at {:e}: {fault}", self.what, self.at))
    }
}

/// y, dy/dx as a recorded value, and d²y/dx².
///
/// # Panics
/// When the recorded slope and the one as a number differ.
fn measure<F: Real>(at: F, f: for<'t> fn(Var<'t, F>) -> Var<'t, F>) -> [F; 3] {
    let tape = Tape::new();
    let x = tape.leaf(Tensor::scalar(at));
    let one = tape.leaf(Tensor::scalar(F::ONE));
    let y = f(x);
    let slope = tape.vjp(&[(y, one)], &[x])[0];
    let number = tape.backward(y, &[x])[0].item();
    let same = slope.item() == number || !number.is_finite() && !slope.item().is_finite();
    assert!(same, "the recorded slope {} and the number {number} differ", slope.item());
    [y.item(), slope.item(), tape.backward(slope, &[x])[0].item()]
}

fn fault<F: Real>(expected: [f64; 3], found: [F; 3]) -> Option<String> {
    let names = ["y", "dy/dx", "d²y/dx²"];
    let epsilon = if F::NAME == "f32" { f64::from(f32::EPSILON) } else { f64::EPSILON };
    let is_near = |expected: f64, found: f64| match expected {
        e if e.is_nan() => true,
        e => e == found || (found - e).abs() <= BOUND * epsilon * e.abs(),
    };
    (0..3).find(|&k| !is_near(expected[k], found[k].f64())).map(|k| {
        let name = F::NAME;
        format!("{} in {name}: expected {:e}, found {:e}", names[k], expected[k], found[k].f64())
    })
}

/// One row: `what`, the point, [y, dy/dx, d²y/dx²], and those in f32 where they are others. `ANY` where there is none.
macro_rules! limits {
    ($($what:literal, $at:expr => $expected:expr $(, f32 $single:expr)?; |$x:ident| $y:expr;)+) => {
        &[$(Limit {
            what: $what,
            at: $at,
            expected: limits!(@ $expected $(, $single)?),
            double: |$x| $y,
            single: |$x| $y,
        }),+]
    };
    (@ $expected:expr) => { [$expected, $expected] };
    (@ $expected:expr, $single:expr) => { [$expected, $single] };
}

/// Where there is no number to ask for.
const ANY: f64 = f64::NAN;
const INF: f64 = f64::INFINITY;
/// λ and λ α of SELU.
const L: f64 = 1.050_700_987_355_480_5;
const LA: f64 = 1.758_099_340_847_376_6;

/// All of them.
pub static LIMITS: &[Limit] = limits! {
    // A flat piece has slope 0, also in front of an infinite one.
    "√relu(x), flat", -1.0 => [0.0, 0.0, 0.0]; |x| x.relu().sqrt();
    "√relu(x), kink", 0.0 => [0.0, 0.0, 0.0]; |x| x.relu().sqrt();
    "√relu(x)", 4.0 => [2.0, 0.25, -0.03125]; |x| x.relu().sqrt();
    "√clamp(x, 0, 1), flat", -1.0 => [0.0, 0.0, 0.0]; |x| x.clamp(0.0, 1.0).sqrt();
    "√clamp(x, 0, 1), border", 0.0 => [0.0, 0.0, 0.0]; |x| x.clamp(0.0, 1.0).sqrt();
    "ln clamp(x, 0, 1), flat", -3.0 => [-INF, 0.0, 0.0]; |x| x.clamp(0.0, 1.0).ln();
    "√(1 − clamp(x, 0, 1)), flat above", 2.0 => [0.0, 0.0, 0.0]; |x| (-x.clamp(0.0, 1.0) + 1.0).sqrt();
    "√max(x, 0), flat", -1.0 => [0.0, 0.0, 0.0]; |x| x.maximum(x.constant(0.0)).sqrt();
    "√−min(x, 0), flat", 1.0 => [0.0, 0.0, 0.0]; |x| (-x.minimum(x.constant(0.0))).sqrt();
    "√leaky_relu(x) with slope 0, flat", -1.0 => [0.0, 0.0, 0.0]; |x| x.leaky_relu(0.0).sqrt();
    "√|x|, kink", 0.0 => [0.0, 0.0, 0.0]; |x| x.abs().sqrt();
    "√select(x, x, 0), flat", -1.0 => [0.0, 0.0, 0.0]; |x| x.select(x, x.constant(0.0)).sqrt();
    "max(x, x), halves", 3.0 => [3.0, 1.0, 0.0]; |x| x.maximum(x);
    "|x|, kink", -0.0 => [0.0, 0.0, 0.0]; |x| x.abs();

    // Differences of nearly equal numbers keep their digits.
    "selu, near 0", -1e-7 => [-1.758_099_252_942_411_8e-7, 1.758_099_165_037_451_6, 1.758_099_165_037_451_6]; |x| x.selu();
    "selu, nearer", -1e-8 => [-1.758_099_332_056_879_9e-8, 1.758_099_323_266_383_2, 1.758_099_323_266_383_2]; |x| x.selu();
    "selu, kink from the left", -0.0 => [0.0, LA, LA]; |x| x.selu();
    "selu, far below", -87.5 => [-LA, 1.754_996_459_114_099_3e-38, 1.754_996_459_114_099_3e-38]; |x| x.selu();
    "selu, far above", 200.0 => [200.0 * L, L, 0.0]; |x| x.selu();
    "elu, near 0", -1e-8 => [-9.999_999_95e-9, 0.999_999_990_000_000_05, 0.999_999_990_000_000_05]; |x| x.elu(1.0);
    "elu, kink from the left", -0.0 => [0.0, 1.0, 1.0]; |x| x.elu(1.0);
    "elu, far above", 200.0 => [200.0, 1.0, 0.0]; |x| x.elu(1.0);
    "silu, far above", 1e4 => [1e4, 1.0, 0.0]; |x| x.silu();
    "silu, far below", -1e4 => [0.0, 0.0, 0.0]; |x| x.silu();
    "gelu, far above", 1e30 => [1e30, 1.0, 0.0]; |x| x.gelu();
    "gelu, far below", -1e30 => [0.0, 0.0, 0.0]; |x| x.gelu();
    "gelu, at 0", 0.0 => [0.0, 0.5, 0.797_884_560_802_865_4]; |x| x.gelu();
    "gelu_tanh, far above", 1e30 => [1e30, 1.0, 0.0]; |x| x.gelu_tanh();
    "gelu_tanh, far below", -1e30 => [0.0, 0.0, 0.0]; |x| x.gelu_tanh();
    "gelu_tanh, at 0", 0.0 => [0.0, 0.5, 0.797_884_560_802_865_4]; |x| x.gelu_tanh();
    "tanh, saturated", 12.0 => [0.999_999_999_924_497_3, 1.510_053_817_597_626e-10, -3.020_107_634_967_225_7e-10],
        f32 [1.0, 1.510_053_817_597_626e-10, -3.020_107_634_967_225_7e-10]; |x| x.tanh();
    "sigmoid, saturated", 30.0 => [0.999_999_999_999_906_4, 9.357_622_968_838_423e-14, -9.357_622_968_836_672e-14];
        |x| x.sigmoid();
    "sigmoid, the other side", -30.0 => [9.357_622_968_839_299e-14, 9.357_622_968_838_423e-14, 9.357_622_968_836_672e-14];
        |x| x.sigmoid();
    "softplus, far below", -80.0 => [1.804_851_387_845_415_2e-35, 1.804_851_387_845_415_2e-35, 1.804_851_387_845_415_2e-35];
        |x| x.softplus();
    "ln(eˣ + e⁰), far below", -40.0 => [4.248_354_255_291_589e-18, 4.248_354_255_291_589e-18, 4.248_354_255_291_589e-18];
        |x| Var::concat(&[x.reshape([1]), (x * 0.0).reshape([1])], 0).log_sum_exp(0).sum();
    // The slope eˣ − 1 is as exact as a unit of its cotangent, no more.
    "eˣ − 1 − x, near 0", -3e-4 => [4.499_550_033_747_974e-8, ANY, 0.999_700_044_995_500_3];
        |x| x.exp_gap();
    "eˣ − 1 − x, nearer", 1e-10 => [5.000_000_000_166_667e-21, ANY, 1.000_000_000_1]; |x| x.exp_gap();
    "eˣ − 1 − x, at 0", 0.0 => [0.0, 0.0, 1.0]; |x| x.exp_gap();
    "eˣ − 1 − x, huge", 1e4 => [INF, INF, INF]; |x| x.exp_gap();

    // Limits at infinity.
    "cross-entropy of 0 under an infinite logit", INF => [INF, 1.0, 0.0]; |x| x.bce((x.step() - 1.0) * 0.0);
    "cross-entropy of 1 under an infinite logit", INF => [0.0, 0.0, 0.0]; |x| x.bce(x.step());
    "cross-entropy of 1 under a logit of −∞", -INF => [INF, -1.0, 0.0]; |x| x.bce(x.step() + 1.0);
    "cross-entropy of 0 under a logit of −∞", -INF => [0.0, 0.0, 0.0]; |x| x.bce(x.step());
    "cross-entropy of ½ under an infinite logit", INF => [INF, 0.5, 0.0]; |x| x.bce(x.step() * 0.5);
    "softplus at ∞", INF => [INF, 1.0, ANY]; |x| x.softplus();
    "tanh at ∞", INF => [1.0, 0.0, ANY]; |x| x.tanh();
    "sigmoid at −∞", -INF => [0.0, 0.0, ANY]; |x| x.sigmoid();
    "relu at −∞", -INF => [0.0, 0.0, 0.0]; |x| x.relu();
};
