//! `broadcast_to` and `sum_to`, each the other's derivative; sums, means and log-sum-exp along axes.

use crate::autograd::{Op, Row, Var, Vjp};
use crate::error::ShapeError;
use crate::example;
use crate::kernels::{Real, gemm::Scratch, reduce};
use crate::tensor::{MAX_RANK, Shape, Tensor};

/// x repeated along the axes it lacks or has with extent 1.
struct BroadcastTo(Shape);

pub(super) const BROADCAST_TO: Row = Row {
    name: "broadcast_to",
    formula: "x repeated along new axes",
    derivative: "sum_to(g)",
    example: example!([([3, 1], Signed)], |x| x[0].broadcast_to([2, 3, 4]).square()),
};

impl<F: Real> Op<F> for BroadcastTo {
    fn row(&self) -> &'static Row {
        &BROADCAST_TO
    }

    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        match x[0].broadcast(self.0) {
            Ok(shape) if shape == self.0 => Ok(shape),
            _ => Err(ShapeError(format!("{} does not broadcast to {}", x[0], self.0))),
        }
    }

    fn forward(&mut self, x: &[&Tensor<F>], y: &mut [F], _: &mut Scratch<F>) {
        let from = aligned(x[0].shape(), self.0.len());
        let x = x[0].data();
        let Some((&columns, outer)) = self.0.split_last() else {
            return y.copy_from_slice(x);
        };
        if columns == 0 {
            return;
        }
        let repeated = from[self.0.len() - 1] != columns;
        // Runs through the outer axes like an odometer; an axis of extent 1 does not move in x.
        let mut index = [0; MAX_RANK];
        for y in y.chunks_exact_mut(columns) {
            let row = outer
                .iter()
                .enumerate()
                .fold(0, |row, (a, _)| if from[a] == 1 { row } else { row * from[a] + index[a] });
            match repeated {
                true => y.fill(x[row]),
                false => y.copy_from_slice(&x[row * columns..][..columns]),
            }
            for a in (0..outer.len()).rev() {
                index[a] += 1;
                if index[a] < outer[a] {
                    break;
                }
                index[a] = 0;
            }
        }
    }

    fn vjp<'t>(&self, cx: &Vjp<'t, F>) {
        cx.give(0, || cx.g().sum_to(cx.x(0).shape()));
    }
}

/// x summed over the axes that the target lacks or has with extent 1.
struct SumTo(Shape);

pub(super) const SUM_TO: Row = Row {
    name: "sum_to",
    formula: "Σ x over the axes missing in the result",
    derivative: "broadcast_to(g)",
    example: example!([([2, 3, 4], Signed)], |x| x[0].sum_to([3, 1]).square()),
};

impl<F: Real> Op<F> for SumTo {
    fn row(&self) -> &'static Row {
        &SUM_TO
    }

    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        match self.0.broadcast(x[0]) {
            Ok(shape) if shape == x[0] => Ok(self.0),
            _ => Err(ShapeError(format!("{} does not sum to {}", x[0], self.0))),
        }
    }

    fn forward(&mut self, x: &[&Tensor<F>], y: &mut [F], scratch: &mut Scratch<F>) {
        let (from, x) = (x[0].shape(), x[0].data());
        let to = aligned(self.0, from.len());
        let mut extents = from;
        // Sums on the way, and room for the next ones; none before the first.
        let (mut scratch, mut halves) = (Some(scratch), None);
        // One run of neighbouring summed axes at a time, the last one first: [outer, run, inner] → [outer, 1, inner].
        let mut end = from.len();
        while let Some(last) = (0..end).rev().find(|&a| to[a] != from[a]) {
            let first = (0..=last).rev().take_while(|&a| to[a] != from[a] || from[a] == 1).last().unwrap_or(last);
            let run: usize = extents[first..=last].iter().product();
            let inner: usize = extents[last + 1..].iter().product();
            let before = extents.size();
            for axis in first..=last {
                extents = extents.with(axis, 1);
            }
            let n = extents.size();
            if n == y.len() {
                let sums = halves.as_ref().map(|(sums, _): &(&mut [F], &mut [F])| &sums[..before]);
                return reduce::sum_runs(sums.unwrap_or(x), run, inner, y);
            }
            halves = Some(match halves.take() {
                Some((sums, room)) => {
                    reduce::sum_runs(&sums[..before], run, inner, &mut room[..n]);
                    (room, sums)
                }
                None => {
                    let (sums, room) = scratch.take().expect("taken once").take(2 * n).split_at_mut(n);
                    reduce::sum_runs(x, run, inner, sums);
                    (sums, room)
                }
            });
            end = first;
        }
        y.copy_from_slice(x);
    }

    fn vjp<'t>(&self, cx: &Vjp<'t, F>) {
        cx.give(0, || cx.g().broadcast_to(cx.x(0).shape()));
    }
}

/// The extents with ones in front, up to `rank` axes.
fn aligned(shape: Shape, rank: usize) -> [usize; MAX_RANK] {
    let mut extents = [1; MAX_RANK];
    extents[rank - shape.len()..rank].copy_from_slice(&shape);
    extents
}

/// The shape with extent 1 along these axes, for the op of this name.
#[track_caller]
fn without(name: &str, shape: Shape, axes: &[usize]) -> Shape {
    let mut out = shape;
    for (i, &axis) in axes.iter().enumerate() {
        assert!(axis < shape.len(), "{name}: {shape} has no axis {axis}");
        assert!(!axes[..i].contains(&axis), "{name}: axis {axis} stands twice in {axes:?}");
        out = out.with(axis, 1);
    }
    out
}

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
        match x[0].get(self.axis) {
            Some(0) | None => Err(ShapeError(format!("{} has nothing along axis {}", x[0], self.axis))),
            Some(_) => Ok(x[0].with(self.axis, 1)),
        }
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

impl<F: Real> Var<'_, F> {
    /// x repeated to `shape`: aligned at the last axis, where x has extent 1 or no axis.
    ///
    /// # Panics
    /// When an extent fits neither way.
    #[track_caller]
    #[must_use]
    pub fn broadcast_to(self, shape: impl Into<Shape>) -> Self {
        self.tape().apply(BroadcastTo(shape.into()), [self])
    }

    /// x summed to `shape`: the inverse of broadcasting.
    ///
    /// # Panics
    /// When `shape` does not broadcast to x's shape.
    #[track_caller]
    #[must_use]
    pub fn sum_to(self, shape: impl Into<Shape>) -> Self {
        self.tape().apply(SumTo(shape.into()), [self])
    }

    /// The sum of all elements: a scalar.
    #[must_use]
    pub fn sum(self) -> Self {
        self.sum_to(Shape::SCALAR)
    }

    /// The mean of all elements: a scalar.
    #[must_use]
    pub fn mean(self) -> Self {
        self.sum() * (1.0 / self.shape().size() as f64)
    }

    /// Sums along `axes`, which stay with extent 1 so that the result broadcasts back.
    ///
    /// # Panics
    /// When an axis stands twice or is not there.
    #[track_caller]
    #[must_use]
    pub fn sum_axes(self, axes: &[usize]) -> Self {
        self.sum_to(without("sum_axes", self.shape(), axes))
    }

    /// Means along `axes`, which stay with extent 1.
    ///
    /// # Panics
    /// When an axis stands twice or is not there.
    #[track_caller]
    #[must_use]
    pub fn mean_axes(self, axes: &[usize]) -> Self {
        let shape = self.shape();
        let sums = self.sum_to(without("mean_axes", shape, axes));
        let n: usize = axes.iter().map(|&a| shape[a]).product();
        sums * (1.0 / n as f64)
    }

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
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor};
    use ndarray::{Axis, IxDyn};

    fn numbers(shape: &[usize]) -> Tensor<f64> {
        let n = shape.iter().product::<usize>();
        Tensor::new((0..n).map(|i| (i * 37 % 101) as f64 - 50.0).collect(), crate::Shape::new(shape))
    }

    #[test]
    fn sum_to_and_broadcast_to_agree_with_ndarray() {
        let tape = Tape::new();
        let x = numbers(&[2, 3, 4, 5]);
        for mask in 0..16 {
            let axes: Vec<usize> = (0..4).filter(|a| mask >> a & 1 == 1).collect();
            let expected = axes.iter().fold(x.view().to_owned(), |x, &a| x.sum_axis(Axis(a)).insert_axis(Axis(a)));
            let sums = tape.leaf(x.clone()).sum_axes(&axes);
            assert_eq!(sums.value().view(), expected, "axes {axes:?}");
            let back = sums.broadcast_to([2, 3, 4, 5]).value();
            assert_eq!(back.view(), expected.broadcast(IxDyn(&[2, 3, 4, 5])).unwrap(), "axes {axes:?}");
        }
        assert_eq!(tape.leaf(x.clone()).sum_to([5]).value().data().len(), 5);
        assert_eq!(tape.leaf(x.clone()).sum().item(), x.view().sum());
    }

    #[test]
    fn log_sum_exp_is_finite_for_large_inputs_and_exact_for_equal_ones() {
        let tape = Tape::new();
        let lse = |x: Vec<f64>| tape.leaf(Tensor::new(x, [2])).log_sum_exp(0).item();
        assert_eq!(lse(vec![1e4, 1e4]), 1e4 + 2f64.ln());
        assert_eq!(lse(vec![-1e4, 1e4]), 1e4);
        assert_eq!(lse(vec![f64::NEG_INFINITY; 2]), f64::NEG_INFINITY);
    }
}
