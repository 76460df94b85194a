//! One pass over memory for any formula: [`map`] applies a scalar function to slices, vectorised and in parallel.

use super::Real;
use super::simd::simd;

/// A scalar formula of `N` arguments. Closures `Fn([F; N]) -> F` are formulas; long ones are written as structs whose
/// `at` is `#[inline(always)]`, so that they are compiled for the instruction set of the loop around them.
pub trait Pointwise<F, const N: usize>: Sync {
    /// The formula at one point.
    fn at(&self, x: [F; N]) -> F;
}

impl<F, const N: usize, T: Fn([F; N]) -> F + Sync> Pointwise<F, N> for T {
    #[inline(always)]
    fn at(&self, x: [F; N]) -> F {
        self(x)
    }
}

/// Elements that one task computes at most: some 10 µs of work, long against the cost of waking a thread for it.
const CHUNK: usize = 1 << 16;

/// Where to halve `n` elements, on a multiple of a cache line; none where one task computes them all.
pub(super) fn half(n: usize) -> Option<usize> {
    (n > CHUNK).then(|| (n / 2).next_multiple_of(64))
}

/// `y[i] = f(x₀[i], x₁[i], …)`.
///
/// # Panics
/// When lengths differ.
pub fn map<F: Real, const N: usize>(f: &impl Pointwise<F, N>, x: [&[F]; N], y: &mut [F]) {
    for x in x {
        assert_eq!(x.len(), y.len(), "map: lengths differ");
    }
    split(&|x, y| pass(f, x, y), x, y);
}

/// A [`pass`] of any formula, so that the code which halves the work is compiled once and not for each formula.
type Pass<'a, F, const N: usize> = &'a (dyn Fn([&[F]; N], &mut [F]) + Sync);

/// Halves the work until each part fits a chunk. Threads own disjoint parts of `y`; the values do not depend on the parts.
fn split<F: Real, const N: usize>(pass: Pass<F, N>, x: [&[F]; N], y: &mut [F]) {
    let Some(middle) = half(y.len()) else { return pass(x, y) };
    let (y0, y1) = y.split_at_mut(middle);
    rayon::join(|| split(pass, x.map(|x| &x[..middle]), y0), || split(pass, x.map(|x| &x[middle..]), y1));
}

simd! {
    fn pass<F: Real, P: Pointwise<F, N>, const N: usize>(f: &P, x: [&[F]; N], y: &mut [F]) {
        let n = y.len();
        let x = x.map(|x| &x[..n]);
        for i in 0..n {
            y[i] = f.at(std::array::from_fn(|k| x[k][i]));
        }
    }
}

simd! {
    /// `y[i] = f(x[i])` for bytes, on this thread.
    ///
    /// # Panics
    /// When lengths differ.
    pub fn map_bytes<F: Real, P: Fn(u8) -> F>(f: P, x: &[u8], y: &mut [F]) {
        assert_eq!(x.len(), y.len(), "map_bytes: lengths differ");
        for (y, &x) in y.iter_mut().zip(x) {
            *y = f(x);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_does_not_depend_on_how_it_is_split() {
        let n = 5 * CHUNK + 17;
        let a: Vec<f32> = (0..n).map(|i| i as f32 * 1e-4 - 3.0).collect();
        let b: Vec<f32> = (0..n).map(|i| 1.0 / (i as f32 + 1.0)).collect();
        let mut y = vec![f32::NAN; n];
        map(&|[a, b]: [f32; 2]| a * b + a, [&a, &b], &mut y);
        for i in 0..n {
            assert_eq!(y[i], a[i] * b[i] + a[i]);
        }
    }
}
