//! The innermost loops: a column of tiles, and the micro-kernel that computes one.

use super::lanes::Lanes;
use super::product::{CHAINS, Product, Strip, Sums};
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
        let step = a.strides.1;
        let a = (a.data.as_ptr(), offsets, |p| p * step);
        let b = (b, |p| p * nr);
        if (height, width) == (MR, nr) {
            // SAFETY: the tile is whole, so MR rows of NR numbers from `c` are ours.
            unsafe {
                let c = c.0.add(top * n + first);
                match bias {
                    None => tile::<L, MR, NV>(k, a, b, |_, _| L::splat(L::F::ZERO), c, n),
                    Some(bias) => {
                        let bias = bias.as_ptr().add(first);
                        tile::<L, MR, NV>(k, a, b, |_, v| L::load(bias.add(v * L::N)), c, n);
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
            tile::<L, MR, NV>(k, a, b, |_, v| L::load(own.add(v * L::N)), own, nr);
            for i in 0..height {
                std::ptr::copy_nonoverlapping(own.add(i * nr), c.0.add((top + i) * n + first), width);
            }
        }
    }
}

/// Computes a strip; `c` has room for whole vectors of the rows, and `HALF` is half of `MR`.
///
/// # Safety
/// The instruction set of `L` is supported.
///
/// # Panics
/// When a slice is too short.
#[inline(always)]
pub(super) unsafe fn strip<L: Lanes, const MR: usize, const HALF: usize, const NV: usize>(
    s: &Strip<L::F>,
    c: &mut [L::F],
    ldc: usize,
) {
    let (k, columns, whole) = (s.taps.len(), s.columns.next_multiple_of(L::N), s.rows.next_multiple_of(HALF));
    assert!(s.a.len() == s.rows * k && s.starts.is_none_or(|starts| starts.len() == s.rows), "strip: the rows of A");
    assert!(s.rows > 0 && c.len() >= (whole - 1) * ldc + columns, "strip: room for whole vectors of the rows");
    assert!(s.taps.iter().all(|&tap| tap as usize + columns <= s.b.len()), "strip: taps within B");
    for first in (0..columns).step_by(NV * L::N) {
        let vectors = (columns - first) / L::N;
        for top in (0..s.rows).step_by(MR) {
            // What is left at both borders has tiles of its own, which waste less.
            let (is_high, at) = (s.rows - top > HALF, (top, first));
            // SAFETY: as was asserted.
            unsafe {
                match (is_high, vectors) {
                    (true, 1) => outputs::<L, MR, 1>(s, at, c, ldc),
                    (true, 2) => outputs::<L, MR, 2>(s, at, c, ldc),
                    (true, _) => outputs::<L, MR, NV>(s, at, c, ldc),
                    (false, 1) => outputs::<L, HALF, 1>(s, at, c, ldc),
                    (false, 2) => outputs::<L, HALF, 2>(s, at, c, ldc),
                    (false, _) => outputs::<L, HALF, NV>(s, at, c, ldc),
                }
            }
        }
    }
}

/// A tile of a strip, from row `top` and column `first` on.
///
/// # Safety
/// The instruction set of `L` is supported, and B and `c` hold the tile.
#[inline(always)]
unsafe fn outputs<L: Lanes, const MR: usize, const NV: usize>(
    s: &Strip<L::F>,
    (top, first): (usize, usize),
    c: &mut [L::F],
    ldc: usize,
) {
    let k = s.taps.len();
    // Below the last row, its values are computed again.
    let row = |i: usize| (top + i).min(s.rows - 1);
    let a = (s.a.as_ptr(), std::array::from_fn(|i| row(i) * k), |p| p);
    // SAFETY: by the caller's promise; there is a tap for each step.
    unsafe {
        let start = |i, _| L::splat(s.starts.map_or(L::F::ZERO, |starts| starts[row(i)]));
        let b = (s.b.as_ptr().add(first), |p| *s.taps.get_unchecked(p) as usize);
        tile::<L, MR, NV>(k, a, b, start, c.as_mut_ptr().add(top * ldc + first), ldc);
    }
}

/// Adds sums to what is in `c`, which has room for whole tiles.
///
/// # Safety
/// The instruction set of `L` is supported.
///
/// # Panics
/// When a slice is too short.
#[inline(always)]
pub(super) unsafe fn accumulate<L: Lanes, const MR: usize, const NV: usize>(
    s: &Sums<L::F>,
    c: &mut [L::F],
    ldc: usize,
) {
    let (k, nr, whole) = (s.steps.len(), NV * L::N, s.rows.len().next_multiple_of(MR));
    let furthest = |places: &[u32]| places.iter().max().map_or(0, |&place| place as usize);
    assert!(s.packed.len() >= k * nr, "accumulate: the rows of B");
    assert!(furthest(s.rows) + furthest(s.steps) < s.a.len(), "accumulate: places within A");
    assert!(!s.rows.is_empty() && c.len() >= (whole - 1) * ldc + nr, "accumulate: room for whole tiles");
    for top in (0..s.rows.len()).step_by(MR) {
        let offsets = std::array::from_fn(|i| s.rows[(top + i).min(s.rows.len() - 1)] as usize);
        // SAFETY: as was asserted.
        unsafe {
            let c = c.as_mut_ptr().add(top * ldc);
            let a = (s.a.as_ptr(), offsets, |p| *s.steps.get_unchecked(p) as usize);
            let start = |i: usize, v: usize| L::load(c.add(i * ldc + v * L::N));
            tile::<L, MR, NV>(k, a, (s.packed.as_ptr(), |p| p * nr), start, c, ldc);
        }
    }
}

/// The micro-kernel: `MR × (NV · L::N)` outputs, held in registers while k runs.
///
/// `a` is (data, offset of each row, offset of step p of k); `b` is (data, offset of row p); `start(i, v)` gives what vector v of row
/// i starts from; row i of the result goes to `c[i * ldc..]`.
///
/// # Safety
/// The instruction set of `L` is supported and all those addresses are good.
#[inline(always)]
#[allow(clippy::needless_range_loop)] // i, v and p are the indices of the mathematics.
unsafe fn tile<L: Lanes, const MR: usize, const NV: usize>(
    k: usize,
    (a, offsets, step): (*const L::F, [usize; MR], impl Fn(usize) -> usize),
    (b, row): (*const L::F, impl Fn(usize) -> usize),
    start: impl Fn(usize, usize) -> L::V,
    c: *mut L::F,
    ldc: usize,
) {
    // SAFETY: by the caller's promise.
    unsafe {
        let mut sum = [[L::splat(L::F::ZERO); NV]; MR];
        for i in 0..MR {
            for v in 0..NV {
                sum[i][v] = start(i, v);
            }
        }
        for p in 0..k {
            let (step, from) = (step(p), row(p));
            let mut row = [L::splat(L::F::ZERO); NV];
            for v in 0..NV {
                row[v] = L::load(b.add(from + v * L::N));
            }
            for i in 0..MR {
                let x = L::splat(*a.add(offsets[i] + step));
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
