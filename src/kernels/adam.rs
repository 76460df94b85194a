//! One pass of Adam over a parameter: weights, gradient and both moments are each touched once.

use super::Real;
use super::simd::simd;

/// The numbers of one step of Adam (Kingma and Ba 2015, algorithm 1) in PyTorch's form.
#[derive(Clone, Copy, Debug)]
pub struct Step<F> {
    /// β₁, decay of the first moment.
    pub beta1: F,
    /// β₂, decay of the second moment.
    pub beta2: F,
    /// ε, outside the root.
    pub eps: F,
    /// lr / (1 − β₁ᵗ).
    pub step_size: F,
    /// 1 / √(1 − β₂ᵗ).
    pub root_correction: F,
}

/// Elements a task takes at a time.
const CHUNK: usize = 1 << 14;

/// m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², `next` = w − step_size · m / (√v · root_correction + ε).
///
/// The new weights go beside the old ones because the graph still holds those.
pub fn step<F: Real>(s: &Step<F>, g: &[F], w: &[F], m: &mut [F], v: &mut [F], next: &mut [F]) {
    let n = g.len();
    assert!([w.len(), m.len(), v.len(), next.len()] == [n; 4], "adam: lengths differ");
    if n <= CHUNK {
        return pass(s, g, w, m, v, next);
    }
    let middle = n.div_ceil(CHUNK).div_ceil(2) * CHUNK;
    let (g, w) = (g.split_at(middle), w.split_at(middle));
    let (m, v, next) = (m.split_at_mut(middle), v.split_at_mut(middle), next.split_at_mut(middle));
    rayon::join(|| step(s, g.0, w.0, m.0, v.0, next.0), || step(s, g.1, w.1, m.1, v.1, next.1));
}

simd! {
    fn pass<F: Real>(s: &Step<F>, g: &[F], w: &[F], m: &mut [F], v: &mut [F], next: &mut [F]) {
        let n = next.len();
        let (g, w, m, v) = (&g[..n], &w[..n], &mut m[..n], &mut v[..n]);
        let s = *s;
        let (c1, c2) = (F::ONE - s.beta1, F::ONE - s.beta2);
        for i in 0..n {
            m[i] = (g[i] - m[i]).mul_add(c1, m[i]);
            v[i] = (g[i] * g[i]).mul_add(c2, v[i] * s.beta2);
            let root = v[i].sqrt().mul_add(s.root_correction, s.eps);
            next[i] = w[i] - s.step_size * (m[i] / root);
        }
    }
}
