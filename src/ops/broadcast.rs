//! `broadcast_to` and `sum_to`, each the other's derivative; sums and means along axes.

use crate::autograd::{Op, Row, Var, Vjp};
use crate::error::ShapeError;
use crate::example;
use crate::kernels::channels::{self, Extents};
use crate::kernels::{Real, gemm::Scratch, reduce};
use crate::tensor::{MAX_RANK, Shape, Tensor};
use rayon::prelude::*;
use std::array::from_fn;

/// Numbers that a task writes at least.
const GRAIN: usize = 1 << 15;

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
        let (from, to, x) = (aligned(x[0].shape(), self.0.len()), self.0, x[0].data());
        let is_repeated = |a: usize| from[a] != to[a];
        let Some(last) = (0..to.len()).rev().find(|&a| to[a] != 1).filter(|_| !y.is_empty()) else {
            return y.copy_from_slice(&x[..y.len()]);
        };
        // The last axes that are repeated together, or kept: runs of one number, or of neighbours.
        let is_alike = |a: &usize| to[*a] == 1 || is_repeated(*a) == is_repeated(last);
        let first = (0..=last).rev().take_while(is_alike).last().unwrap_or(last);
        let run: usize = to[first..].iter().product();
        // How far an axis moves in x.
        let inside = |a: usize| from[a + 1..to.len()].iter().product::<usize>();
        let strides: [usize; MAX_RANK] = from_fn(|a| if a < first && !is_repeated(a) { inside(a) } else { 0 });
        let place = |mut line: usize| {
            let mut at = 0;
            for a in (0..first).rev() {
                at += line % to[a] * strides[a];
                line /= to[a];
            }
            at
        };
        let lines = y.par_chunks_exact_mut(run).with_min_len(GRAIN.div_ceil(run)).enumerate();
        lines.for_each(|(line, y)| match is_repeated(last) {
            true => y.fill(x[place(line)]),
            false => y.copy_from_slice(&x[place(line)..][..run]),
        });
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
        if let Some(extents) = kept_within(&from, &to) {
            return channels::sum(&|[x]: [F; 1], []: [F; 0]| x, extents, [x], [], y);
        }
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

/// The extents, if one run of neighbouring axes is kept and there is something to sum on both sides of it.
fn kept_within(from: &[usize], to: &[usize]) -> Option<Extents> {
    let first = to.iter().position(|&n| n > 1)?;
    let last = (first..from.len()).rev().find(|&a| to[a] > 1)?;
    let [batch, channels, places] =
        [&from[..first], &from[first..=last], &from[last + 1..]].map(|axes| axes.iter().product());
    let is_run = from[first..=last] == to[first..=last];
    (is_run && batch > 1 && places > 1).then_some(Extents { batch, channels, places })
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
}
