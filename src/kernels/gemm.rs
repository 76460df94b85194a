//! Matrix product C = A·B on strided views, from the memory hierarchy up.
//!
//! A product of m×k and k×n does 2·m·n·k operations on m·k + k·n + m·n numbers: plenty of arithmetic per number, if each
//! number is used many times while it is close. Three loops would fetch A and B from memory again and again. So, from the
//! inside out (numbered as in Van Zee and van de Geijn, *BLIS*, ACM TOMS 2015):
//!
//! * **Micro-kernel** (`tile`): a tile of `MR × NR` outputs stays in vector registers while k runs. Each step loads one
//!   row of `NR` numbers of B, broadcasts `MR` numbers of A, and does `MR · NR` multiply-adds: with 12 × 32 numbers in 24
//!   AVX-512 registers that is 24 multiply-adds for 14 loads, which keeps both multipliers busy.
//! * **Loop 1** runs tiles down a panel of B: `NR` columns of B, packed side by side, stay in the L1/L2 cache.
//! * **Packing** copies a panel just before it is used, row by row of the panel, so that the micro-kernel's loads are contiguous.
//!   Where B is given transposed (NT), squares of a register's width are transposed in registers on the way. A is only broadcast
//!   from, so any strides will do and it is not copied.
//! * **Loop 2** runs over the panels of B, with the rows of A in the L2 cache.
//! * **Threads** halve the panels recursively, so that each packs what it uses and waits for nobody; a panel that is still long
//!   they halve along its rows. Every output belongs to one thread.
//!
//! k is never split: each output is one chain of fused multiply-adds, c ← fma(a₀, b₀, c), fma(a₁, b₁, ·), … in the order of
//! k. So the bits depend neither on the tile's size, nor on the instruction set, nor on the threads; and
//! [`naive`] — the definition, three loops — gives the same bits too.

#![allow(unsafe_code)]

mod lanes;
mod pack;
mod product;
mod tile;
mod tiles;

use super::Real;
pub use product::Matrix;
pub(crate) use product::{CHAINS, Kernel, Strip, Sums};
use product::{Output, Product};
use std::ops::Range;
pub use tiles::Tiles;

/// Working memory that products and convolutions reuse from one call to the next.
#[derive(Debug, Default)]
pub struct Scratch<F> {
    numbers: Vec<F>,
    places: Vec<u32>,
}

impl<F: Real> Scratch<F> {
    /// `len` numbers of any value, on a cache line's boundary.
    pub(crate) fn take(&mut self, len: usize) -> &mut [F] {
        const LINE: usize = 64;
        let slack = LINE / size_of::<F>();
        if self.numbers.len() < len + slack {
            self.numbers = vec![F::ZERO; len + slack];
        }
        let skip = self.numbers.as_ptr().align_offset(LINE).min(slack);
        &mut self.numbers[skip..][..len]
    }

    /// An empty list of places, to be given back.
    pub(super) fn take_places(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.places)
    }

    /// Gives it back.
    pub(super) fn give_places(&mut self, mut places: Vec<u32>) {
        places.clear();
        self.places = places;
    }
}

/// C ← bias + A·B, into the row-major `c`; the bias is added to each row, and its sums start from it.
///
/// # Panics
/// When the extents do not fit.
pub fn gemm<F: Real>(a: Matrix<F>, b: Matrix<F>, bias: Option<&[F]>, c: &mut [F], scratch: &mut Scratch<F>) {
    let (m, n, k) = (a.rows, b.cols, a.cols);
    assert_eq!(k, b.rows, "gemm: inner extents differ");
    assert_eq!(Some(c.len()), m.checked_mul(n), "gemm: the elements of the {m} × {n} output");
    if let Some(bias) = bias {
        assert_eq!(bias.len(), n, "gemm: the bias' length");
    }
    if m == 0 || n == 0 {
        return;
    }
    let kernel = F::kernel();
    let panels = n.div_ceil(kernel.nr);
    let packed = panels.checked_mul(kernel.nr).and_then(|width| width.checked_mul(k));
    let packed = scratch.take(packed.expect("gemm: the packed operand fits in memory"));
    let product = Product { a, b, bias, c: Output(c.as_mut_ptr()), n, kernel };
    product.panels(0..panels, packed);
}

/// Multiply-adds below which a task is not split: some 20 µs of work, long against the cost of waking a thread for it.
const GRAIN: usize = 1 << 22;

impl<F: Real> Product<'_, F> {
    /// Loop 2: packs and computes some panels, in halves while there is enough work to share. `packed` is the room for them.
    fn panels(&self, panels: Range<usize>, packed: &mut [F]) {
        let (m, k, nr) = (self.a.rows, self.a.cols, self.kernel.nr);
        if panels.len() > 1 && m * k * nr * panels.len() > GRAIN {
            let middle = panels.start + panels.len() / 2;
            let (left, right) = packed.split_at_mut((middle - panels.start) * k * nr);
            rayon::join(|| self.panels(panels.start..middle, left), || self.panels(middle..panels.end, right));
            return;
        }
        for (i, panel) in panels.enumerate() {
            let packed = &mut packed[i * k * nr..][..k * nr];
            // SAFETY: the kernel is the one of the path in use.
            unsafe { (self.kernel.pack)(self.b, panel, packed) };
            self.column(0..m.div_ceil(self.kernel.mr), panel, packed);
        }
    }

    /// Loop 1: computes the tiles of some rows of a panel, in halves while there is enough work to share.
    fn column(&self, rows: Range<usize>, panel: usize, packed: &[F]) {
        if rows.len() > 1 && rows.len() * self.kernel.mr * self.a.cols * self.kernel.nr > GRAIN {
            let middle = rows.start + rows.len() / 2;
            let (top, bottom) = (rows.start..middle, middle..rows.end);
            rayon::join(|| self.column(top, panel, packed), || self.column(bottom, panel, packed));
            return;
        }
        // SAFETY: the kernel is the one of the path in use; these tiles are in range and ours alone.
        unsafe { (self.kernel.column)(self, rows, panel, packed) }
    }
}

/// The definition: three loops, one chain of fused multiply-adds per output. For tests.
pub fn naive<F: Real>(a: Matrix<F>, b: Matrix<F>, bias: Option<&[F]>, c: &mut [F]) {
    let (m, n, k) = (a.rows, b.cols, a.cols);
    for i in 0..m {
        for j in 0..n {
            let mut sum = bias.map_or(F::ZERO, |bias| bias[j]);
            for p in 0..k {
                let (x, y) = (a.data[i * a.strides.0 + p * a.strides.1], b.data[p * b.strides.0 + j * b.strides.1]);
                sum = x.mul_add(y, sum);
            }
            c[i * n + j] = sum;
        }
    }
}

#[cfg(test)]
mod tests;
