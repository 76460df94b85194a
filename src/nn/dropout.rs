//! Dropout. Its noise is an input, as all noise is: numbers uniform in [0, 1), of the shape of x.

use crate::autograd::Var;
use crate::kernels::Real;
use crate::ops::Algebra;

/// Each x with probability 1 − p, divided by it, else 0 (Srivastava et al. 2014, JMLR 15): the mean stays. PyTorch's `dropout`.
///
/// # Panics
/// When p is not in [0, 1), or the shapes differ.
#[track_caller]
pub fn dropout<'t, F: Real>(x: Var<'t, F>, noise: Var<'t, F>, p: f64) -> Var<'t, F> {
    kept(noise, p).select(x * (1.0 / (1.0 - p)), x.constant(0.0))
}

/// Dropout that keeps mean 0 and variance 1, for SELU: a dropped x becomes −λα, SELU's limit at −∞, and then all are scaled and shifted
/// (Klambauer et al. 2017, arXiv 1706.02515, section 2). PyTorch's `alpha_dropout`.
///
/// # Panics
/// When p is not in [0, 1), or the shapes differ.
#[track_caller]
pub fn alpha_dropout<'t, F: Real>(x: Var<'t, F>, noise: Var<'t, F>, p: f64) -> Var<'t, F> {
    const LIMIT: f64 = -1.758_099_340_847_376_6;
    // Of x dropped to LIMIT, x of mean 0 and variance 1: mean p LIMIT, variance (1 − p)(1 + p LIMIT²).
    let scale = 1.0 / ((1.0 - p) * (1.0 + p * LIMIT * LIMIT)).sqrt();
    kept(noise, p).select(x, x.constant(LIMIT)) * scale - scale * p * LIMIT
}

/// Above 0 where x is kept.
#[track_caller]
fn kept<F: Real>(noise: Var<F>, p: f64) -> Var<F> {
    assert!((0.0..1.0).contains(&p), "dropout: expected a probability from 0 to below 1, found {p}");
    (noise - p).sign() + 0.5
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tape;
    use crate::rng::{Purpose, Stream};

    #[test]
    fn moments_stay_and_so_many_are_dropped() {
        const N: usize = 100_000;
        let tape = Tape::<f64>::new();
        let mut stream = Stream::new(0, Purpose::Check, 0, 0);
        let x = tape.leaf_with([N], |x| x.fill_with(|| stream.normal()));
        let noise = tape.leaf_with([N], |x| x.fill_with(|| stream.uniform()));
        for p in [0.0, 0.2, 0.7] {
            let moments = |y: Var<f64>| (y.mean().item(), (y - y.mean()).square().mean().item());
            let (mean, variance) = moments(alpha_dropout(x, noise, p));
            assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.03, "{p}: {mean} {variance}");
            let y = dropout(x + 3.0, noise, p);
            let (mean, zeros) = (y.mean().item(), y.value().data().iter().filter(|y| **y == 0.0).count());
            assert!((mean - 3.0).abs() < 0.05 && (zeros as f64 / N as f64 - p).abs() < 0.005, "{p}: {mean} {zeros}");
        }
        let g = tape.backward(dropout(x, noise, 0.5).sum(), &[x]).remove(0);
        let expected = noise.value().data().iter().map(|u| if *u < 0.5 { 0.0 } else { 2.0 }).collect::<Vec<_>>();
        assert_eq!(g.data(), expected);
    }
}
