//! Matrix products. Each derivative of a product is a product with other transpose flags, so the family is closed.

use crate::autograd::{Op, Row, Var, Vjp};
use crate::error::ShapeError;
use crate::example;
use crate::kernels::Real;
use crate::kernels::gemm::{Matrix, Scratch, gemm};
use crate::tensor::{Shape, Tensor};

/// op(a) · op(b), where op transposes if its flag is set. Nothing is transposed in memory.
struct MatMul {
    ta: bool,
    tb: bool,
}

pub(super) const MATMUL: Row = Row {
    name: "matmul",
    formula: "A B, A Bᵀ, Aᵀ B or Aᵀ Bᵀ",
    derivative: "A: G Bᵀ, B: Aᵀ G, with other flags accordingly",
    example: example!([([3, 4], Signed), ([4, 2], Signed)], |x| {
        let (a, b) = (x[0], x[1]);
        a.matmul(b)
            + a.t().matmul_with(true, b, false)
            + a.matmul_with(false, b.t(), true)
            + a.t().matmul_with(true, b.t(), true)
    }),
};

impl<F: Real> Op<F> for MatMul {
    fn row(&self) -> &'static Row {
        &MATMUL
    }

    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        let [[m, k], [k2, n]] = [extents(x[0], self.ta)?, extents(x[1], self.tb)?];
        if k != k2 {
            let mark = |t| if t { "ᵀ" } else { "" };
            let (a, b) = (mark(self.ta), mark(self.tb));
            return Err(ShapeError(format!("inner extents differ: {}{a} · {}{b} ({k} ≠ {k2})", x[0], x[1])));
        }
        Ok(Shape::from([m, n]))
    }

    fn forward(&mut self, x: &[&Tensor<F>], y: &mut [F], scratch: &mut Scratch<F>) {
        gemm(matrix(x[0], self.ta), matrix(x[1], self.tb), None, y, scratch);
    }

    fn flops(&self, x: &[Shape], y: Shape) -> u64 {
        2 * y.size() as u64 * x[0][usize::from(!self.ta)] as u64
    }

    fn vjp<'t>(&self, cx: &Vjp<'t, F>) {
        let (g, a, b, ta, tb) = (cx.g(), cx.x(0), cx.x(1), self.ta, self.tb);
        cx.give(0, || if ta { b.matmul_with(tb, g, true) } else { g.matmul_with(false, b, !tb) });
        cx.give(1, || if tb { g.matmul_with(true, a, ta) } else { a.matmul_with(!ta, g, false) });
    }
}

/// x · Wᵀ + b: the product with the bias as what its sums start from.
struct Affine;

pub(super) const AFFINE: Row = Row {
    name: "affine",
    formula: "x Wᵀ + b",
    derivative: "x: g W, W: gᵀ x, b: Σ g over rows",
    example: example!([([3, 4], Signed), ([2, 4], Signed), ([2], Signed)], |x| x[0].affine(x[1], x[2])),
};

impl<F: Real> Op<F> for Affine {
    fn row(&self) -> &'static Row {
        &AFFINE
    }

    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        let [[rows, n_in], [n_out, w_in]] = [extents(x[0], false)?, extents(x[1], false)?];
        if n_in != w_in {
            return Err(ShapeError(format!("inputs differ: {} for weights {} ({n_in} ≠ {w_in})", x[0], x[1])));
        }
        if *x[2] != [n_out] {
            return Err(ShapeError(format!("weights {} with a bias of shape {}", x[1], x[2])));
        }
        Ok(Shape::from([rows, n_out]))
    }

    fn forward(&mut self, x: &[&Tensor<F>], y: &mut [F], scratch: &mut Scratch<F>) {
        gemm(matrix(x[0], false), matrix(x[1], true), Some(x[2].data()), y, scratch);
    }

    fn flops(&self, x: &[Shape], y: Shape) -> u64 {
        2 * y.size() as u64 * x[0][1] as u64
    }

    fn vjp<'t>(&self, cx: &Vjp<'t, F>) {
        let (g, x, w) = (cx.g(), cx.x(0), cx.x(1));
        cx.give(0, || g.matmul(w));
        cx.give(1, || g.matmul_with(true, x, false));
        cx.give(2, || g.sum_to(cx.x(2).shape()));
    }
}

/// Rows and columns of a matrix, or of its transpose.
fn extents(shape: Shape, transposed: bool) -> Result<[usize; 2], ShapeError> {
    match *shape {
        [rows, cols] if transposed => Ok([cols, rows]),
        [rows, cols] => Ok([rows, cols]),
        _ => Err(ShapeError(format!("{shape} is not a matrix"))),
    }
}

fn matrix<F: Real>(x: &Tensor<F>, transposed: bool) -> Matrix<'_, F> {
    let matrix = Matrix::new(x.data(), x.shape()[0], x.shape()[1]);
    if transposed { matrix.t() } else { matrix }
}

impl<F: Real> Var<'_, F> {
    /// A·B.
    ///
    /// # Panics
    /// When they are not matrices with the same inner extent.
    #[track_caller]
    #[must_use]
    pub fn matmul(self, b: Self) -> Self {
        self.matmul_with(false, b, false)
    }

    /// op(A)·op(B), where op transposes if the flag beside its matrix is set.
    ///
    /// # Panics
    /// When they are not matrices with the same inner extent.
    #[track_caller]
    #[must_use]
    pub fn matmul_with(self, ta: bool, b: Self, tb: bool) -> Self {
        self.tape().apply(MatMul { ta, tb }, [self, b])
    }

    /// x·Wᵀ + b: `[B, n_in]`, `[n_out, n_in]`, `[n_out]` → `[B, n_out]`.
    ///
    /// # Panics
    /// When the extents do not fit.
    #[track_caller]
    #[must_use]
    pub fn affine(self, w: Self, b: Self) -> Self {
        self.tape().apply(Affine, [self, w, b])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor};

    #[test]
    #[should_panic(expected = "matmul: inner extents differ: [128, 784] · [512, 256] (784 ≠ 512)")]
    fn a_product_of_matrices_that_do_not_fit_is_a_panic_with_the_shapes() {
        let tape = Tape::<f32>::new();
        let leaf = |m, n| tape.leaf(Tensor::full(0.0, [m, n]));
        let _ = leaf(128, 784).matmul(leaf(512, 256));
    }

    #[test]
    #[should_panic(expected = "affine: weights [512, 784] with a bias of shape [256]")]
    fn a_bias_of_another_length_is_a_panic_with_the_shapes() {
        let tape = Tape::<f32>::new();
        let leaf = |m, n| tape.leaf(Tensor::full(0.0, [m, n]));
        let _ = leaf(128, 784).affine(leaf(512, 784), tape.leaf(Tensor::full(0.0, [256])));
    }
}
