//! Sums whose order of addition depends on the length alone, so that they have the same bits on any number of threads
//! and any vector width: 16 virtual lanes within a chunk, a fixed binary tree over chunks.

use super::Real;
use super::elementwise::Pointwise;
use super::simd::simd;
use rayon::prelude::*;

/// Elements summed by one task.
const CHUNK: usize = 1 << 13;
/// Virtual lanes: lane l adds the elements l, l + 16, l + 32, …, whatever the width of the machine's vectors.
pub(super) const LANES: usize = 16;

/// Σ f(xᵢ).
pub fn sum_of<F: Real>(f: &impl Pointwise<F, 1>, x: &[F]) -> F {
    tree(&|x| chunk(f, x), x)
}

/// The binary tree over chunks, compiled once for all formulas.
fn tree<F: Real>(chunk: &(dyn Fn(&[F]) -> F + Sync), x: &[F]) -> F {
    if x.len() <= CHUNK {
        return chunk(x);
    }
    let (a, b) = x.split_at(x.len().div_ceil(CHUNK).div_ceil(2) * CHUNK);
    let (a, b) = rayon::join(|| tree(chunk, a), || tree(chunk, b));
    a + b
}

/// Σ xᵢ.
pub fn sum<F: Real>(x: &[F]) -> F {
    sum_of(&|[x]: [F; 1]| x, x)
}

/// Σ xᵢ².
pub fn sum_of_squares<F: Real>(x: &[F]) -> F {
    sum_of(&|[x]: [F; 1]| x * x, x)
}

/// Whether no element is infinite or NaN: 0·x is 0 for a number and NaN for anything else.
pub fn all_finite<F: Real>(x: &[F]) -> bool {
    sum_of(&|[x]: [F; 1]| x * F::ZERO, x) == F::ZERO
}

simd! {
    fn chunk<F: Real, P: Pointwise<F, 1>>(f: &P, x: &[F]) -> F {
        let mut lanes = [F::ZERO; LANES];
        let (blocks, tail) = x.as_chunks::<LANES>();
        for block in blocks {
            for l in 0..LANES {
                lanes[l] += f.at([block[l]]);
            }
        }
        for l in 0..tail.len() {
            lanes[l] += f.at([tail[l]]);
        }
        folded(lanes)
    }
}

/// The sum of the lanes, by halves.
#[inline(always)]
pub(super) fn folded<F: Real>(mut lanes: [F; LANES]) -> F {
    let mut width = LANES / 2;
    while width > 0 {
        for l in 0..width {
            lanes[l] += lanes[l + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// `y[o, i] = Σᵣ x[o, r, i]` for runs of `run` and `inner` numbers within.
pub fn sum_runs<F: Real>(x: &[F], run: usize, inner: usize, y: &mut [F]) {
    if x.is_empty() {
        return y.fill(F::ZERO);
    }
    let blocks = x.par_chunks_exact(run * inner).zip(y.par_chunks_exact_mut(inner));
    blocks.with_min_len(CHUNK.div_ceil(run * inner)).for_each(|(x, y)| match y {
        [y] => *y = sum(x),
        y => sum_rows(x, y),
    });
}

/// Columns that a task of [`sum_rows`] owns.
const COLUMNS: usize = 256;

/// `y[j] = Σᵢ x[i, j]` for a row-major `x` of `y.len()` columns, each column summed from the first row to the last.
pub fn sum_rows<F: Real>(x: &[F], y: &mut [F]) {
    let n = y.len();
    rows_from(x, n, 0, y);
}

fn rows_from<F: Real>(x: &[F], n: usize, first: usize, y: &mut [F]) {
    if y.len() <= COLUMNS || x.len() < CHUNK {
        return add_rows(x, n, first, y);
    }
    let middle = y.len().div_ceil(COLUMNS).div_ceil(2) * COLUMNS;
    let (y0, y1) = y.split_at_mut(middle);
    rayon::join(|| rows_from(x, n, first, y0), || rows_from(x, n, first + middle, y1));
}

simd! {
    fn add_rows<F: Real>(x: &[F], n: usize, first: usize, y: &mut [F]) {
        y.fill(F::ZERO);
        if y.is_empty() {
            return;
        }
        for row in x.chunks_exact(n) {
            for (y, x) in y.iter_mut().zip(&row[first..]) {
                *y += *x;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::simd::same_everywhere;

    fn awkward(n: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * 7919 % 1013) as f32 - 506.0) * 1.7e-3).collect()
    }

    #[test]
    fn sums_agree_with_a_long_double_sum() {
        for n in [0, 1, 15, 16, 17, 8191, 8192, 8193, 100_003] {
            let x = awkward(n);
            let exact: f64 = x.iter().map(|&v| f64::from(v)).sum();
            let scale: f64 = x.iter().map(|&v| f64::from(v).abs()).sum();
            assert!((f64::from(sum(&x)) - exact).abs() <= 1e-6 * scale, "n = {n}");
        }
    }

    #[test]
    fn sums_have_the_same_bits_on_any_threads_and_path() {
        let x = awkward(100_003);
        let run = || {
            let mut rows = vec![0.0; 1009];
            sum_rows(&x[..1009 * 99], &mut rows);
            (sum(&x).to_bits(), sum_of_squares(&x).to_bits(), rows.iter().map(|v| v.to_bits()).collect::<Vec<_>>())
        };
        same_everywhere(run);
    }

    #[test]
    fn one_bad_element_is_found_wherever_it_is() {
        for n in [1, 16, 8193, 50_000] {
            let mut x = awkward(n);
            assert!(all_finite(&x));
            for (at, bad) in [(0, f32::NAN), (n / 2, f32::INFINITY), (n - 1, f32::NEG_INFINITY)] {
                let good = std::mem::replace(&mut x[at], bad);
                assert!(!all_finite(&x), "{bad} at {at} of {n}");
                x[at] = good;
            }
        }
    }
}
