//! The innermost loops: a column of tiles, and the micro-kernel that computes one.

use super::lanes::Lanes;
use super::product::{CHAINS, Product};
use crate::kernels::Real;
use std::hint::black_box;
use std::ops::Range;

/// Loop 1: computes the tiles of `rows` of a panel.
///
/// # Safety
/// The instruction set of `L` is supported, the tiles lie within the product, and nobody else writes them.
#[inline(always)]
pub(super) unsafe fn column<L: Lanes, const MR: usize, const NV: usize>(
    product: &Product<L::F>,
    rows: Range<usize>,
    panel: usize,
    packed: &[L::F],
) {
    let Product { a, bias, c, n, .. } = product;
    let (m, n, k, nr) = (a.rows, *n, a.cols, NV * L::N);
    let first = panel * nr;
    let width = nr.min(n - first);
    let b = packed[..k * nr].as_ptr();
    for row in rows {
        let top = row * MR;
        let height = MR.min(m - top);
        // Below the last row, its values are computed again and dropped.
        let offsets: [usize; MR] = std::array::from_fn(|i| (top + i.min(height - 1)) * a.strides.0);
        let a = (a.data.as_ptr(), offsets, a.strides.1);
        if (height, width) == (MR, nr) {
            // SAFETY: the tile is whole, so MR rows of NR numbers from `c` are ours.
            unsafe {
                let c = c.0.add(top * n + first);
                match bias {
                    None => tile::<L, MR, NV>(k, a, b, |_| L::splat(L::F::ZERO), c, n),
                    Some(bias) => {
                        let bias = bias.as_ptr().add(first);
                        tile::<L, MR, NV>(k, a, b, |v| L::load(bias.add(v * L::N)), c, n);
                    }
                }
            }
            continue;
        }
        // A tile at the border is computed aside, and what belongs to C is copied.
        let mut aside = [[[L::F::ZERO; 16]; NV]; MR];
        let aside = aside.as_flattened_mut().as_flattened_mut();
        if let Some(bias) = bias {
            aside[..width].copy_from_slice(&bias[first..][..width]);
        }
        let own = aside.as_mut_ptr();
        // SAFETY: `aside` holds MR rows of at least NR numbers; the copies stay in our tile of C.
        unsafe {
            tile::<L, MR, NV>(k, a, b, |v| L::load(own.add(v * L::N)), own, nr);
            for i in 0..height {
                std::ptr::copy_nonoverlapping(own.add(i * nr), c.0.add((top + i) * n + first), width);
            }
        }
    }
}

/// The micro-kernel: `MR × (NV · L::N)` outputs, held in registers while k runs.
///
/// `a` is (data, offset of each row, step of k); `b` is a packed panel; `start(v)` gives what vector v of each row starts from;
/// row i of the result goes to `c[i * ldc..]`.
///
/// # Safety
/// The instruction set of `L` is supported and all those addresses are good.
#[inline(always)]
#[allow(clippy::needless_range_loop)] // i, v and p are the indices of the mathematics.
unsafe fn tile<L: Lanes, const MR: usize, const NV: usize>(
    k: usize,
    (a, offsets, step): (*const L::F, [usize; MR], usize),
    b: *const L::F,
    start: impl Fn(usize) -> L::V,
    c: *mut L::F,
    ldc: usize,
) {
    // SAFETY: by the caller's promise.
    unsafe {
        let mut sum = [[L::splat(L::F::ZERO); NV]; MR];
        for i in 0..MR {
            for v in 0..NV {
                sum[i][v] = start(v);
            }
        }
        for p in 0..k {
            let mut row = [L::splat(L::F::ZERO); NV];
            for v in 0..NV {
                row[v] = L::load(b.add((p * NV + v) * L::N));
            }
            for i in 0..MR {
                let x = L::splat(*a.add(offsets[i] + p * step));
                for v in 0..NV {
                    sum[i][v] = L::mul_add(x, row[v], sum[i][v]);
                }
            }
        }
        for i in 0..MR {
            for v in 0..NV {
                L::store(c.add(i * ldc + v * L::N), sum[i][v]);
            }
        }
    }
}

/// Rounds of chains of fused multiply-adds that never leave the registers, summed up so that they are not optimised away.
///
/// # Safety
/// The instruction set of `L` is supported.
#[inline(always)]
pub(super) unsafe fn chains<L: Lanes>(rounds: usize) -> L::F {
    // SAFETY: by the caller's promise; `out` holds `L::N` numbers.
    unsafe {
        // Not constants to the compiler: it would fold a chain that starts at their fixed point.
        let [a, b] = black_box([0.999, 1e-3]).map(|x| L::splat(L::F::of(x)));
        let mut sums: [L::V; CHAINS] = std::array::from_fn(|i| L::splat(L::F::of(i as f64)));
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = L::mul_add(*sum, a, b);
            }
        }
        let total = sums.into_iter().fold(b, |total, sum| L::mul_add(sum, a, total));
        let mut out = [L::F::ZERO; 16];
        L::store(out.as_mut_ptr(), total);
        out[0]
    }
}
