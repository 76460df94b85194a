//! Logits along an axis: log-sum-exp, softmax, and which is the largest.

use super::Algebra;
use crate::autograd::{Op, Row, Var, Vjp};
use crate::error::ShapeError;
use crate::example;
use crate::kernels::{Real, gemm::Scratch};
use crate::tensor::{Shape, Tensor};

/// ln Σ eˣ along an axis, which stays with extent 1.
struct LogSumExp {
    axis: usize,
}

pub(super) const LOG_SUM_EXP: Row = Row {
    name: "log_sum_exp",
    formula: "ln Σ eˣ along an axis",
    derivative: "g exp(x − y), the softmax",
    example: example!([([2, 3, 4], Signed)], |x| x[0].log_sum_exp(1)),
};

impl<F: Real> Op<F> for LogSumExp {
    fn row(&self) -> &'static Row {
        &LOG_SUM_EXP
    }

    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(filled(x[0], self.axis)?.with(self.axis, 1))
    }

    /// m + ln(1 + Σ e^(x − m)) with m = max x and the sum over the others: it neither overflows nor loses what they add.
    fn forward(&mut self, x: &[&Tensor<F>], y: &mut [F], _: &mut Scratch<F>) {
        let shape = x[0].shape();
        let (n, inner) = (shape[self.axis], shape[self.axis + 1..].iter().product::<usize>());
        for (o, y) in y.chunks_exact_mut(inner.max(1)).enumerate() {
            for (i, y) in y.iter_mut().enumerate() {
                let along = || (0..n).map(|k| x[0].data()[(o * n + k) * inner + i]);
                let m = along().fold(-F::INFINITY, |m, x| if x > m { x } else { m });
                if !m.is_finite() {
                    // All −∞, an ∞, or NaN: subtracting would make NaN of the first two.
                    *y = along().fold(F::ZERO, |sum, x| sum + x.exp()).ln();
                    continue;
                }
                let first = along().position(|x| x == m);
                let others = along().enumerate().filter(|(k, _)| Some(*k) != first);
                *y = m + others.fold(F::ZERO, |sum, (_, x)| sum + (x - m).exp()).ln_1p();
            }
        }
    }

    fn vjp<'t>(&self, cx: &Vjp<'t, F>) {
        cx.give(0, || cx.g() * (cx.x(0) - cx.y()).exp());
    }
}

/// A shape that has something along an axis.
fn filled(x: Shape, axis: usize) -> Result<Shape, ShapeError> {
    match x.get(axis) {
        Some(0) | None => Err(ShapeError(format!("{x} has nothing along axis {axis}"))),
        Some(_) => Ok(x),
    }
}

/// 1 at the largest along an axis, the first of equals, 0 elsewhere.
struct HardMax {
    axis: usize,
}

pub(super) const HARD_MAX: Row = Row {
    name: "hard_max",
    formula: "1 where x is the first of the largest along an axis, else 0",
    derivative: "0",
    example: example!([([2, 3, 4], Signed)], |x| x[0].hard_max(1) * x[0].square()),
};

impl<F: Real> Op<F> for HardMax {
    fn row(&self) -> &'static Row {
        &HARD_MAX
    }

    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        filled(x[0], self.axis)
    }

    fn forward(&mut self, x: &[&Tensor<F>], y: &mut [F], _: &mut Scratch<F>) {
        let shape = x[0].shape();
        let (n, inner) = (shape[self.axis], shape[self.axis + 1..].iter().product::<usize>());
        y.fill(F::ZERO);
        for first in (0..y.len() / n).map(|line| line / inner * n * inner + line % inner) {
            let places = (first..).step_by(inner).take(n);
            let largest = |best: usize, place: usize| if x[0].data()[place] > x[0].data()[best] { place } else { best };
            y[places.fold(first, largest)] = F::ONE;
        }
    }

    fn vjp<'t>(&self, cx: &Vjp<'t, F>) {
        cx.give(0, || cx.x(0).constant(0.0));
    }
}

impl<F: Real> Var<'_, F> {
    /// ln Σ eˣ along `axis`, which stays with extent 1.
    #[track_caller]
    #[must_use]
    pub fn log_sum_exp(self, axis: usize) -> Self {
        self.tape().apply(LogSumExp { axis }, [self])
    }

    /// x − ln Σ eˣ along `axis`: logarithms of probabilities.
    #[track_caller]
    #[must_use]
    pub fn log_softmax(self, axis: usize) -> Self {
        self - self.log_sum_exp(axis)
    }

    /// eˣ / Σ eˣ along `axis`: probabilities.
    #[track_caller]
    #[must_use]
    pub fn softmax(self, axis: usize) -> Self {
        self.log_softmax(axis).exp()
    }

    /// 1 at the largest along `axis`, the first of equals, 0 elsewhere: what [`softmax`](Var::softmax) of c x becomes for ever larger c. Its
    /// derivative is 0.
    #[track_caller]
    #[must_use]
    pub fn hard_max(self, axis: usize) -> Self {
        self.tape().apply(HardMax { axis }, [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor};

    #[test]
    fn log_sum_exp_is_finite_for_large_inputs_and_exact_for_equal_ones() {
        let tape = Tape::new();
        let lse = |x: Vec<f64>| tape.leaf(Tensor::new(x, [2])).log_sum_exp(0).item();
        assert_eq!(lse(vec![1e4, 1e4]), 1e4 + 2f64.ln());
        assert_eq!(lse(vec![-1e4, 1e4]), 1e4);
        assert_eq!(lse(vec![f64::NEG_INFINITY; 2]), f64::NEG_INFINITY);
    }

    #[test]
    fn hard_max_is_the_limit_of_softmax_and_the_first_of_equals() {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::new((0..24).map(|i| f64::from(i * 7 % 24)).collect(), [2, 3, 4]));
        for axis in 0..3 {
            assert_eq!(x.hard_max(axis).value().data(), (x * 1e4).softmax(axis).value().data());
        }
        let equal = tape.leaf(Tensor::new(vec![1.0, 2.0, 2.0], [3]));
        assert_eq!(equal.hard_max(0).value().data(), [0.0, 1.0, 0.0]);
    }
}
