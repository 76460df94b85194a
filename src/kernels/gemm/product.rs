//! A product as its threads see it: [`Matrix`], `Product`, and the `Kernel` of an instruction set.

use std::ops::Range;

/// A matrix as rows and columns over a slice: element (i, j) is `data[i * strides.0 + j * strides.1]`.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a, F> {
    pub(super) data: &'a [F],
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) strides: (usize, usize),
}

impl<'a, F> Matrix<'a, F> {
    /// A row-major matrix.
    ///
    /// # Panics
    /// When `data` does not have `rows · cols` elements.
    pub fn new(data: &'a [F], rows: usize, cols: usize) -> Self {
        assert_eq!(Some(data.len()), rows.checked_mul(cols), "gemm: the elements of a {rows} × {cols} matrix");
        Matrix { data, rows, cols, strides: (cols, 1) }
    }

    /// The transposed view. Nothing is moved.
    pub fn t(self) -> Self {
        Matrix { rows: self.cols, cols: self.rows, strides: (self.strides.1, self.strides.0), ..self }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }
}

/// The tile size of an instruction set, and its functions.
#[derive(Clone, Copy)]
pub(crate) struct Kernel<F: 'static> {
    pub mr: usize,
    pub nr: usize,
    /// Rows of a strip that are computed together at least.
    pub strip_rows: usize,
    /// Numbers of a vector.
    pub lanes: usize,
    /// Rows of a sum's tile; its columns are `nr`.
    pub sum_rows: usize,
    /// Packs a panel of B.
    ///
    /// # Safety
    /// The processor must support the instruction set.
    pub pack: unsafe fn(Matrix<F>, usize, &mut [F]),
    /// Computes a column of tiles, with the packed panel of B.
    ///
    /// # Safety
    /// The processor must support the instruction set; the tiles must lie in the product and belong to the caller.
    pub column: unsafe fn(&Product<F>, Range<usize>, usize, &[F]),
    /// Computes a strip, to rows of C that lie so far apart.
    ///
    /// # Safety
    /// The processor must support the instruction set.
    pub strip: unsafe fn(&Strip<F>, &mut [F], usize),
    /// Adds to rows of C that lie so far apart.
    ///
    /// # Safety
    /// The processor must support the instruction set.
    pub accumulate: unsafe fn(&Sums<F>, &mut [F], usize),
    /// So many rounds of [`CHAINS`] chains of fused multiply-adds of `nr / 2` numbers, in registers.
    ///
    /// # Safety
    /// The processor must support the instruction set.
    pub chains: unsafe fn(usize) -> F,
}

/// A strip of a convolution: `columns` neighbouring outputs of each row of A, of which row p of B begins at `taps[p]`. See
/// [`conv`](crate::kernels::conv).
pub(crate) struct Strip<'a, F> {
    /// `[rows][taps]`.
    pub a: &'a [F],
    pub rows: usize,
    pub b: &'a [F],
    pub taps: &'a [u32],
    pub columns: usize,
    /// What each row's sums start from, if not from 0.
    pub starts: Option<&'a [F]>,
}

/// A part of a convolution's weight adjoint: row i of A is read at `rows[i] + steps[p]`, and multiplied by row p of a packed panel.
pub(crate) struct Sums<'a, F> {
    pub a: &'a [F],
    pub rows: &'a [u32],
    pub steps: &'a [u32],
    pub packed: &'a [F],
}

/// Enough independent chains to keep two multipliers busy for the latency of each.
pub(crate) const CHAINS: usize = 12;

/// One product, as the threads see it.
pub(crate) struct Product<'a, F: 'static> {
    pub(super) a: Matrix<'a, F>,
    pub(super) b: Matrix<'a, F>,
    pub(super) bias: Option<&'a [F]>,
    pub(super) c: Output<F>,
    pub(super) n: usize,
    pub(super) kernel: Kernel<F>,
}

/// The output, written by several threads in disjoint tiles.
pub(super) struct Output<F>(pub(super) *mut F);
// SAFETY: `Product::panels` gives each tile to exactly one task, and the caller's `&mut [F]` outlives the call.
unsafe impl<F: Send> Sync for Output<F> {}
// SAFETY: as above.
unsafe impl<F: Send> Send for Output<F> {}
