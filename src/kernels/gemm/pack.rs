//! Packing: a panel of B, as the micro-kernel reads it.

use super::lanes::Lanes;
use super::product::Matrix;
use crate::kernels::Real;

/// How many rows, or squares, ahead of its use B is asked for.
const AHEAD: usize = 8;

/// Copies `NV` vectors of columns of B, all its rows: `[k][NV · L::N]`. Columns that B does not have are zeros.
///
/// # Safety
/// The instruction set of `L` is supported.
#[inline(always)]
pub(super) unsafe fn pack<L: Lanes, const NV: usize>(b: Matrix<L::F>, panel: usize, packed: &mut [L::F]) {
    let nr = NV * L::N;
    let first = panel * nr;
    let width = nr.min(b.cols - first);
    if b.strides.1 == 1 && width == nr {
        // Rows of the panel are contiguous.
        for (p, row) in packed.chunks_exact_mut(nr).enumerate() {
            let from = &b.data[p * b.strides.0 + first..][..nr];
            let ahead = from.as_ptr().wrapping_add(AHEAD * b.strides.0);
            for v in 0..NV {
                L::prefetch(ahead.wrapping_add(v * L::N));
                // SAFETY: both hold `nr` numbers.
                unsafe { L::store(row[v * L::N..].as_mut_ptr(), L::load(from[v * L::N..].as_ptr())) };
            }
        }
        return;
    }
    let whole = if b.strides.0 == 1 && width == nr { b.rows / L::N * L::N } else { 0 };
    for p in (0..whole).step_by(L::N) {
        // Columns are contiguous: squares of `L::N` by `L::N`.
        for v in 0..NV {
            let column = |j: usize| b.data[(first + v * L::N + j) * b.strides.1 + p..][..L::N].as_ptr();
            // SAFETY: each column has `L::N` numbers from `p` on, and each row of `packed` from `v · L::N` on.
            unsafe {
                let mut square = L::square(|j| {
                    L::prefetch(column(j).wrapping_add(AHEAD * L::N));
                    L::load(column(j))
                });
                transpose::<L>(&mut square);
                for (i, row) in square.as_ref().iter().enumerate() {
                    L::store(packed[(p + i) * nr + v * L::N..][..L::N].as_mut_ptr(), *row);
                }
            }
        }
    }
    for (p, row) in packed.chunks_exact_mut(nr).enumerate().skip(whole) {
        for (j, x) in row.iter_mut().enumerate() {
            let there = j < width;
            *x = if there { b.data[p * b.strides.0 + (first + j) * b.strides.1] } else { L::F::ZERO };
        }
    }
}

/// Transposes a square of N registers of N numbers, in log₂ N rounds of perfect shuffles: each interleaves register i with
/// register i + N/2 into registers 2i and 2i + 1. A round rotates the bits of (register, lane) by one place; after log₂ N rounds
/// the two have changed places.
///
/// # Safety
/// The instruction set of `L` is supported.
#[inline(always)]
unsafe fn transpose<L: Lanes>(square: &mut L::Square) {
    let half = L::N / 2;
    for _ in 0..L::N.ilog2() {
        let old = *square;
        for i in 0..half {
            // SAFETY: by the caller's promise.
            let (low, high) = unsafe { L::interleave(old.as_ref()[i], old.as_ref()[i + half]) };
            square.as_mut()[2 * i] = low;
            square.as_mut()[2 * i + 1] = high;
        }
    }
}
