//! Ops that move elements: `reshape`, `permute`, `concat` → `slice` ↔ `pad`, each the next one's derivative.

use crate::autograd::{Op, Row, Var, Vjp};
use crate::error::ShapeError;
use crate::example;
use crate::kernels::{Real, gemm::Scratch};
use crate::tensor::{Shape, Tensor};

/// The same elements under another shape. Shares memory with its argument.
struct Reshape(Shape);

pub(super) const RESHAPE: Row = Row {
    name: "reshape",
    formula: "the elements of x in another shape",
    derivative: "reshape(g)",
    example: example!([([3, 4], Signed)], |x| x[0].reshape([2, 6]).square()),
};

impl<F: Real> Op<F> for Reshape {
    fn row(&self) -> &'static Row {
        &RESHAPE
    }

    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        match x[0].size() == self.0.size() {
            true => Ok(self.0),
            false => Err(ShapeError(format!("{} does not fill {}", x[0], self.0))),
        }
    }

    fn forward(&mut self, x: &[&Tensor<F>], y: &mut [F], _: &mut Scratch<F>) {
        y.copy_from_slice(x[0].data());
    }

    fn vjp<'t>(&self, cx: &Vjp<'t, F>) {
        cx.give(0, || cx.g().reshape(cx.x(0).shape()));
    }
}

/// Axis k of y is axis `axes[k]` of x.
struct Permute {
    axes: Shape,
}

pub(super) const PERMUTE: Row = Row {
    name: "permute",
    formula: "x with its axes in another order",
    derivative: "permute⁻¹(g)",
    example: example!([([2, 3, 4], Signed)], |x| x[0].permute(&[1, 2, 0]).square()),
};

impl<F: Real> Op<F> for Permute {
    fn row(&self) -> &'static Row {
        &PERMUTE
    }

    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        let mut sorted = self.axes.to_vec();
        sorted.sort_unstable();
        if !sorted.iter().copied().eq(0..x[0].len()) {
            return Err(ShapeError(format!("{} is not an order of the axes of {}", self.axes, x[0])));
        }
        Ok(self.axes.iter().enumerate().fold(self.axes, |shape, (k, &axis)| shape.with(k, x[0][axis])))
    }

    fn forward(&mut self, x: &[&Tensor<F>], y: &mut [F], _: &mut Scratch<F>) {
        let view = x[0].view();
        y.iter_mut().zip(view.permuted_axes(&*self.axes)).for_each(|(y, x)| *y = *x);
    }

    fn vjp<'t>(&self, cx: &Vjp<'t, F>) {
        let inverse = self.axes.iter().enumerate().fold(self.axes, |inverse, (k, &axis)| inverse.with(axis, k));
        cx.give(0, || cx.g().permute(&inverse));
    }
}

/// A part of an axis: `start..end`.
struct Slice {
    axis: usize,
    start: usize,
    end: usize,
}

pub(super) const SLICE: Row = Row {
    name: "slice",
    formula: "x[start..end] along an axis",
    derivative: "pad(g)",
    example: example!([([2, 5, 3], Signed)], |x| x[0].slice(1, 1, 4).square()),
};

impl<F: Real> Op<F> for Slice {
    fn row(&self) -> &'static Row {
        &SLICE
    }

    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        match x[0].get(self.axis) {
            Some(&n) if self.start <= self.end && self.end <= n => Ok(x[0].with(self.axis, self.end - self.start)),
            _ => Err(ShapeError(format!("{} has no {}..{} on axis {}", x[0], self.start, self.end, self.axis))),
        }
    }

    fn forward(&mut self, x: &[&Tensor<F>], y: &mut [F], _: &mut Scratch<F>) {
        let (n, inner) = run(x[0].shape(), self.axis);
        let width = (self.end - self.start) * inner;
        if width > 0 {
            let rows = x[0].data().chunks_exact(n * inner);
            y.chunks_exact_mut(width).zip(rows).for_each(|(y, x)| y.copy_from_slice(&x[self.start * inner..][..width]));
        }
    }

    fn vjp<'t>(&self, cx: &Vjp<'t, F>) {
        let n = cx.x(0).shape()[self.axis];
        cx.give(0, || cx.g().pad(self.axis, self.start, n - self.end));
    }
}

/// Zeros before and after x along an axis.
struct Pad {
    axis: usize,
    before: usize,
    after: usize,
}

pub(super) const PAD: Row = Row {
    name: "pad",
    formula: "x with zeros before and after it along an axis",
    derivative: "slice(g)",
    example: example!([([2, 3], Signed)], |x| (x[0].pad(1, 2, 1) + 0.5).square()),
};

impl<F: Real> Op<F> for Pad {
    fn row(&self) -> &'static Row {
        &PAD
    }

    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        match x[0].get(self.axis) {
            Some(&n) => Ok(x[0].with(self.axis, self.before + n + self.after)),
            None => Err(ShapeError(format!("{} has no axis {}", x[0], self.axis))),
        }
    }

    fn forward(&mut self, x: &[&Tensor<F>], y: &mut [F], _: &mut Scratch<F>) {
        let (n, inner) = run(x[0].shape(), self.axis);
        y.fill(F::ZERO);
        if n * inner > 0 {
            let rows = y.chunks_exact_mut((self.before + n + self.after) * inner);
            let x = x[0].data().chunks_exact(n * inner);
            rows.zip(x).for_each(|(y, x)| y[self.before * inner..][..x.len()].copy_from_slice(x));
        }
    }

    fn vjp<'t>(&self, cx: &Vjp<'t, F>) {
        let n = cx.x(0).shape()[self.axis];
        cx.give(0, || cx.g().slice(self.axis, self.before, self.before + n));
    }
}

/// a, then b, along an axis.
struct Concat {
    axis: usize,
}

pub(super) const CONCAT: Row = Row {
    name: "concat",
    formula: "a, then b, along an axis",
    derivative: "a: slice(g), b: slice(g)",
    example: example!([([2, 3], Signed), ([2, 2], Signed)], |x| Var::concat(&[x[0], x[1], x[0]], 1).square()),
};

impl<F: Real> Op<F> for Concat {
    fn row(&self) -> &'static Row {
        &CONCAT
    }

    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        let (a, b, axis) = (x[0], x[1], self.axis);
        match axis < a.len() && a.len() == b.len() && b.with(axis, a[axis]) == a {
            true => Ok(a.with(axis, a[axis] + b[axis])),
            false => Err(ShapeError(format!("{b} does not continue {a} along axis {axis}"))),
        }
    }

    fn forward(&mut self, x: &[&Tensor<F>], y: &mut [F], _: &mut Scratch<F>) {
        let [a, b] = [x[0], x[1]];
        let [na, nb] = [a, b].map(|x| x.shape()[self.axis..].iter().product::<usize>());
        let (a, b) = (a.data(), b.data());
        for (i, y) in y.chunks_exact_mut((na + nb).max(1)).enumerate() {
            y[..na].copy_from_slice(&a[i * na..][..na]);
            y[na..].copy_from_slice(&b[i * nb..][..nb]);
        }
    }

    fn vjp<'t>(&self, cx: &Vjp<'t, F>) {
        let [a, b] = [0, 1].map(|k| cx.x(k).shape()[self.axis]);
        cx.give(0, || cx.g().slice(self.axis, 0, a));
        cx.give(1, || cx.g().slice(self.axis, a, a + b));
    }
}

/// The extent of an axis, and the number of elements of one of its steps.
fn run(shape: Shape, axis: usize) -> (usize, usize) {
    (shape[axis], shape[axis + 1..].iter().product())
}

impl<'t, F: Real> Var<'t, F> {
    /// The same elements under another shape. Nothing is copied.
    ///
    /// # Panics
    /// When the sizes differ.
    #[track_caller]
    #[must_use]
    pub fn reshape(self, shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        self.tape().record(Reshape(shape), [self], self.value().reshape(shape))
    }

    /// The axes in another order: axis k of the result is axis `axes[k]` of x.
    ///
    /// # Panics
    /// When `axes` is not an order of all axes.
    #[track_caller]
    #[must_use]
    pub fn permute(self, axes: &[usize]) -> Self {
        self.tape().apply(Permute { axes: Shape::new(axes) }, [self])
    }

    /// The transpose of a matrix.
    ///
    /// # Panics
    /// When x does not have two axes.
    #[track_caller]
    #[must_use]
    pub fn t(self) -> Self {
        self.permute(&[1, 0])
    }

    /// The part `start..end` of an axis.
    ///
    /// # Panics
    /// When there is no such part.
    #[track_caller]
    #[must_use]
    pub fn slice(self, axis: usize, start: usize, end: usize) -> Self {
        self.tape().apply(Slice { axis, start, end }, [self])
    }

    /// Zeros before and after along an axis.
    ///
    /// # Panics
    /// When there is no such axis.
    #[track_caller]
    #[must_use]
    pub fn pad(self, axis: usize, before: usize, after: usize) -> Self {
        self.tape().apply(Pad { axis, before, after }, [self])
    }

    /// The parts one after the other along an axis.
    ///
    /// # Panics
    /// When there are no parts, or other extents differ.
    #[track_caller]
    #[must_use]
    pub fn concat(parts: &[Self], axis: usize) -> Self {
        let [first, rest @ ..] = parts else { panic!("concat: no parts") };
        let mut all = *first;
        for &part in rest {
            all = all.tape().apply(Concat { axis }, [all, part]);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use crate::autograd::{Var, check::check};
    use crate::{Shape, Tape, Tensor};

    #[test]
    fn concat_is_undone_by_slice_and_has_a_gradient() {
        let tape = Tape::new();
        let part = |n: usize, first: f64| Tensor::new((0..2 * n).map(|i| first + i as f64).collect(), [2, n]);
        let (a, b) = (tape.leaf(part(2, 0.0)), tape.leaf(part(3, 10.0)));
        let both = Var::concat(&[a, b], 1);
        assert_eq!(both.value().data(), [0.0, 1.0, 10.0, 11.0, 12.0, 2.0, 3.0, 13.0, 14.0, 15.0]);
        assert_eq!(both.slice(1, 2, 5).value(), b.value());
        assert!(check(&|x: &[Var<f64>]| Var::concat(x, 1).square(), &[part(2, 1.0), part(3, 2.0)]).pass());
        let zeros = [0.0f64, -0.0, -0.0].map(|x| tape.leaf(Tensor::full(x, [1, 1])));
        let signs = |x: &Tensor<f64>| x.data().iter().map(|x| x.is_sign_negative()).collect::<Vec<_>>();
        for axis in [0, 1] {
            assert_eq!(signs(&Var::concat(&zeros, axis).value()), [false, true, true]);
            assert_eq!(Var::concat(&[a.slice(axis, 1, 1), a, a.slice(axis, 0, 0)], axis).value(), a.value());
        }
    }

    #[test]
    #[should_panic(expected = "concat: [1, 3] does not continue [2, 2] along axis 1")]
    fn parts_of_other_extents_are_not_broadcast() {
        let tape = Tape::<f32>::new();
        let part = |shape: [usize; 2]| tape.leaf(Tensor::full(0.0, shape));
        let _ = Var::concat(&[part([2, 2]), part([1, 3])], 1);
    }

    #[test]
    fn a_permuted_view_agrees_with_ndarray() {
        let tape = Tape::<f64>::new();
        let x = Tensor::new((0..24).map(f64::from).collect(), [2, 3, 4]);
        let y = tape.leaf(x.clone()).permute(&[2, 0, 1]);
        assert_eq!(y.shape(), Shape::from([4, 2, 3]));
        assert_eq!(y.value().view(), x.view().permuted_axes(vec![2, 0, 1]));
    }

    #[test]
    #[should_panic(expected = "slice: [2, 3] has no 1..4 on axis 1")]
    fn a_slice_past_the_end_is_a_panic_with_the_shapes() {
        let tape = Tape::<f32>::new();
        let _ = tape.leaf(Tensor::full(0.0, [2, 3])).slice(1, 1, 4);
    }
}
