//! One pass of an optimiser over a parameter: weights, gradient and running averages are each touched once.

use super::Real;
use super::elementwise::half;
use super::simd::simd;

/// The rule of an optimiser with `M` running averages, for one weight.
pub trait Rule<F, const M: usize>: Sync {
    /// The weight w with gradient g and its averages: the new weight and the new averages.
    fn at(&self, w: F, g: F, averages: [F; M]) -> (F, [F; M]);
}

/// Adam (Kingma and Ba 2015, algorithm 1) in PyTorch's form: the averages are m and v.
///
/// m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², w ← w − step_size · m / (√v · root_correction + ε).
///
/// A gradient beyond ±[`ROOT`](Real::ROOT) counts as that: its square would be ∞ in v, and the weight would never move again. What
/// counts is the ratio of m and √v, so that a constant gradient of any size moves a weight by lr a step.
#[derive(Clone, Copy, Debug)]
pub struct Adam<F> {
    /// 1 − β₁, the weight of the gradient in the first moment.
    pub share1: F,
    /// β₂, decay of the second moment.
    pub beta2: F,
    /// 1 − β₂, not the difference of rounded numbers.
    pub share2: F,
    /// ε, outside the root.
    pub eps: F,
    /// lr / (1 − β₁ᵗ).
    pub step_size: F,
    /// 1 / √(1 − β₂ᵗ).
    pub root_correction: F,
}

impl<F: Real> Rule<F, 2> for Adam<F> {
    #[inline(always)]
    fn at(&self, w: F, g: F, [m, v]: [F; 2]) -> (F, [F; 2]) {
        let g = if g > F::ROOT { F::ROOT } else { g };
        let g = if g < -F::ROOT { -F::ROOT } else { g };
        let m = (g - m).mul_add(self.share1, m);
        let v = (g * g).mul_add(self.share2, v * self.beta2);
        let root = v.sqrt().mul_add(self.root_correction, self.eps);
        (w - self.step_size * (m / root), [m, v])
    }
}

/// SGD with momentum: b ← μ b + g, w ← w − lr · b.
#[derive(Clone, Copy, Debug)]
pub struct Momentum<F> {
    /// lr.
    pub lr: F,
    /// μ.
    pub momentum: F,
}

impl<F: Real> Rule<F, 1> for Momentum<F> {
    #[inline(always)]
    fn at(&self, w: F, g: F, [b]: [F; 1]) -> (F, [F; 1]) {
        let b = self.momentum * b + g;
        (w - self.lr * b, [b])
    }
}

/// RMSprop: v ← decay · v + share · g², w ← w − lr · g / (√v + ε). A gradient beyond ±[`ROOT`](Real::ROOT) counts as that.
#[derive(Clone, Copy, Debug)]
pub struct RmsProp<F> {
    /// lr.
    pub lr: F,
    /// How much of v stays.
    pub decay: F,
    /// 1 − decay.
    pub share: F,
    /// ε, outside the root.
    pub eps: F,
}

impl<F: Real> Rule<F, 1> for RmsProp<F> {
    #[inline(always)]
    fn at(&self, w: F, g: F, [v]: [F; 1]) -> (F, [F; 1]) {
        let g = if g > F::ROOT { F::ROOT } else { g };
        let g = if g < -F::ROOT { -F::ROOT } else { g };
        let v = (g * g).mul_add(self.share, v * self.decay);
        (w - self.lr * (g / (v.sqrt() + self.eps)), [v])
    }
}

/// Applies a rule to every weight. The new weights are written over the gradient: the graph still holds the old ones.
///
/// # Panics
/// When lengths differ.
pub fn update<F: Real, const M: usize>(rule: &impl Rule<F, M>, w: &[F], g: &mut [F], averages: [&mut [F]; M]) {
    let n = w.len();
    assert!(g.len() == n && averages.iter().all(|a| a.len() == n), "update: lengths differ");
    let Some(middle) = half(n) else { return pass(rule, w, g, averages) };
    let ((w0, w1), (g0, g1)) = (w.split_at(middle), g.split_at_mut(middle));
    let mut halves = averages.map(|a| {
        let (a0, a1) = a.split_at_mut(middle);
        (a0, Some(a1))
    });
    let second = halves.each_mut().map(|(_, a1)| a1.take().expect("each is taken once"));
    let first = halves.map(|(a0, _)| a0);
    rayon::join(|| update(rule, w0, g0, first), || update(rule, w1, g1, second));
}

simd! {
    fn pass<F: Real, R: Rule<F, M>, const M: usize>(rule: &R, w: &[F], g: &mut [F], averages: [&mut [F]; M]) {
        let n = w.len();
        let g = &mut g[..n];
        let averages = averages.map(|a| &mut a[..n]);
        for i in 0..n {
            let (next, new) = rule.at(w[i], g[i], std::array::from_fn(|k| averages[k][i]));
            g[i] = next;
            for k in 0..M {
                averages[k][i] = new[k];
            }
        }
    }
}
