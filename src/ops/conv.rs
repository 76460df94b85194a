//! Convolution, its input adjoint and its weight adjoint. y = x ∗ w is linear in both, so each derivative of one of the three is
//! another of them with two changed round, and the family is closed.

use crate::autograd::{Op, Row, Var, Vjp};
use crate::error::ShapeError;
use crate::example;
use crate::kernels::conv::{Axis, Geometry, conv, input_adjoint, weight_adjoint};
use crate::kernels::{Real, gemm::Scratch};
use crate::tensor::{Shape, Tensor};

/// How the window of a convolution moves over rows and columns, as in PyTorch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convolution {
    /// How far from one output to the next.
    pub stride: [usize; 2],
    /// Zeros around the image, on each side.
    pub padding: [usize; 2],
    /// How far apart the places are that the window sees.
    pub dilation: [usize; 2],
    /// Into how many parts the channels are divided, each seeing only its own.
    pub groups: usize,
}

impl Default for Convolution {
    /// A window that moves by one, sees neighbours and nothing beyond the image.
    fn default() -> Self {
        Convolution { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 }
    }
}

impl Convolution {
    /// The extents for x `[B, C, H, W]` and w `[O, C/groups, kernel, kernel]`.
    fn geometry(&self, x: Shape, w: Shape) -> Result<Geometry, ShapeError> {
        let (&[batch, inputs, height, width], &[outputs, channels, rows, cols]) = (&*x, &*w) else {
            return Err(ShapeError(format!(
                "expected images [B, C, H, W] and weights [O, C, K, K], found {x} and {w}"
            )));
        };
        let Convolution { stride, padding, dilation, groups } = *self;
        if [stride, dilation, [rows, cols], [groups; 2]].as_flattened().contains(&0) {
            return Err(ShapeError(format!(
                "expected strides, dilations, groups and windows of at least 1: {self:?}, {w}"
            )));
        }
        if channels.checked_mul(groups) != Some(inputs) || outputs % groups != 0 {
            let of = if groups == 1 { String::new() } else { format!(" in {groups} groups") };
            return Err(ShapeError(format!("channels differ: images {x} for weights {w}{of}")));
        }
        let axis = |k: usize, input, kernel| Axis {
            input,
            kernel,
            stride: stride[k],
            padding: padding[k],
            dilation: dilation[k],
        };
        let axes = [axis(0, height, rows), axis(1, width, cols)];
        if axes.iter().any(|axis| axis.output() == 0) {
            let [p, q] = padding;
            return Err(ShapeError(format!(
                "a window of {rows} × {cols} does not fit into images {x} with padding {p}, {q}"
            )));
        }
        Ok(Geometry { batch, inputs, outputs, groups, axes })
    }

    /// The shape of x ∗ w.
    fn output(&self, x: Shape, w: Shape) -> Result<Shape, ShapeError> {
        let Geometry { batch, outputs, axes: [rows, cols], .. } = self.geometry(x, w)?;
        Ok(Shape::from([batch, outputs, rows.output(), cols.output()]))
    }

    /// The same for a transposed convolution to `size`, of g `[B, O, …]`: the shape of its result.
    fn input(&self, g: Shape, w: Shape, [height, width]: [usize; 2]) -> Result<Shape, ShapeError> {
        let (&[batch, outputs, ..], &[_, channels, ..]) = (&*g, &*w) else {
            return Err(ShapeError(format!(
                "expected images [B, O, H, W] and weights [O, C, K, K], found {g} and {w}"
            )));
        };
        let x = Shape::from([batch, channels * self.groups, height, width]);
        match self.output(x, w)? {
            y if y == g && outputs == w[0] => Ok(x),
            y => Err(ShapeError(format!("images {g} for weights {w}: to {height} × {width} leads {y}"))),
        }
    }
}

/// x ∗ w, or b + x ∗ w.
struct Convolve(Convolution);

pub(super) const CONV2D: Row = Row {
    name: "conv2d",
    formula: "Σ w[o, c, i, j] x[b, c, y s + i d − p, x s + j d − p] + b[o]",
    derivative: "x: conv2d_input(g, w), w: conv2d_weight(g, x), b: Σ g over images and places",
    example: example!([([2, 4, 5, 4], Signed), ([6, 2, 3, 2], Signed), ([6], Signed)], |x| {
        let options = super::Convolution { stride: [2, 1], padding: [1, 0], dilation: [1, 2], groups: 2 };
        x[0].conv2d(x[1], Some(x[2]), options)
    }),
};

impl<F: Real> Op<F> for Convolve {
    fn row(&self) -> &'static Row {
        &CONV2D
    }

    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        biased(self.0.output(x[0], x[1])?, x)
    }

    fn forward(&mut self, x: &[&Tensor<F>], y: &mut [F], scratch: &mut Scratch<F>) {
        let geometry = self.0.geometry(x[0].shape(), x[1].shape()).expect("its shape was checked");
        conv(&geometry, x[0].data(), x[1].data(), x.get(2).map(|b| b.data()), y, scratch);
    }

    fn flops(&self, x: &[Shape], _: Shape) -> u64 {
        self.0.geometry(x[0], x[1]).map_or(0, |geometry| geometry.flops())
    }

    fn vjp<'t>(&self, cx: &Vjp<'t, F>) {
        let (g, x, w) = (cx.g(), cx.x(0), cx.x(1));
        cx.give(0, || g.conv2d_input(w, None, [x.shape()[2], x.shape()[3]], self.0));
        cx.give(1, || g.conv2d_weight(x, [w.shape()[2], w.shape()[3]], self.0));
        cx.give(2, || of_bias(g));
    }
}

/// The shape of images y, if the bias among x = [images, weights, bias] has a number for each channel.
fn biased(y: Shape, x: &[Shape]) -> Result<Shape, ShapeError> {
    match x.get(2) {
        Some(b) if **b != [y[1]] => Err(ShapeError(format!("weights {} with a bias of shape {b}", x[1]))),
        _ => Ok(y),
    }
}

/// The share of a bias: Σ g over images and places.
fn of_bias<F: Real>(g: Var<'_, F>) -> Var<'_, F> {
    let channels = g.shape()[1];
    g.sum_to([channels, 1, 1]).reshape([channels])
}

/// The gradient of Σ g · (x ∗ w) in x, for images of `size`; or b + that.
struct Input {
    options: Convolution,
    size: [usize; 2],
}

pub(super) const CONV2D_INPUT: Row = Row {
    name: "conv2d_input",
    formula: "Σ w[o, c, i, j] g[b, o, y, x] over all y s + i d − p = row, x s + j d − p = column, + b[c]",
    derivative: "g: conv2d(h, w), w: conv2d_weight(g, h), b: Σ h over images and places, h being its own cotangent",
    example: example!([([2, 4, 2, 3], Signed), ([4, 2, 3, 2], Signed), ([4], Signed)], |x| {
        let options = super::Convolution { stride: [2, 1], padding: [1, 0], dilation: [1, 1], groups: 2 };
        x[0].conv2d_input(x[1], Some(x[2]), [4, 4], options)
    }),
};

impl<F: Real> Op<F> for Input {
    fn row(&self) -> &'static Row {
        &CONV2D_INPUT
    }

    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        biased(self.options.input(x[0], x[1], self.size)?, x)
    }

    fn forward(&mut self, x: &[&Tensor<F>], y: &mut [F], scratch: &mut Scratch<F>) {
        let shape = self.options.input(x[0].shape(), x[1].shape(), self.size);
        let geometry =
            shape.and_then(|shape| self.options.geometry(shape, x[1].shape())).expect("its shape was checked");
        input_adjoint(&geometry, x[0].data(), x[1].data(), x.get(2).map(|b| b.data()), y, scratch);
    }

    fn flops(&self, x: &[Shape], y: Shape) -> u64 {
        self.options.geometry(y, x[1]).map_or(0, |geometry| geometry.flops())
    }

    fn vjp<'t>(&self, cx: &Vjp<'t, F>) {
        let (h, g, w) = (cx.g(), cx.x(0), cx.x(1));
        cx.give(0, || h.conv2d(w, None, self.options));
        cx.give(1, || g.conv2d_weight(h, [w.shape()[2], w.shape()[3]], self.options));
        cx.give(2, || of_bias(h));
    }
}

/// The gradient of Σ g · (x ∗ w) in w, for windows of `kernel`.
struct Weight {
    options: Convolution,
    kernel: [usize; 2],
}

impl Weight {
    fn weights(&self, g: Shape, x: Shape) -> Result<Shape, ShapeError> {
        let (&[_, outputs, ..], &[_, inputs, ..]) = (&*g, &*x) else {
            return Err(ShapeError(format!("expected images [B, O, H, W] and [B, C, H, W], found {g} and {x}")));
        };
        let w = Shape::from([outputs, inputs / self.options.groups.max(1), self.kernel[0], self.kernel[1]]);
        match self.options.output(x, w)? {
            y if y == g => Ok(w),
            y => Err(ShapeError(format!("cotangents {g} of images {x}: {w} leads to {y}"))),
        }
    }
}

pub(super) const CONV2D_WEIGHT: Row = Row {
    name: "conv2d_weight",
    formula: "Σ g[b, o, y, x] x[b, c, y s + i d − p, x s + j d − p] over images and places",
    derivative: "g: conv2d(x, h), x: conv2d_input(g, h), h being its own cotangent",
    example: example!([([2, 4, 2, 3], Signed), ([2, 2, 5, 4], Signed)], |x| {
        let options = super::Convolution { stride: [2, 1], padding: [0, 0], dilation: [1, 1], groups: 2 };
        x[0].conv2d_weight(x[1], [3, 2], options)
    }),
};

impl<F: Real> Op<F> for Weight {
    fn row(&self) -> &'static Row {
        &CONV2D_WEIGHT
    }

    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        self.weights(x[0], x[1])
    }

    fn forward(&mut self, x: &[&Tensor<F>], y: &mut [F], scratch: &mut Scratch<F>) {
        let weights = self.weights(x[0].shape(), x[1].shape());
        let geometry = weights.and_then(|w| self.options.geometry(x[1].shape(), w)).expect("its shape was checked");
        weight_adjoint(&geometry, x[0].data(), x[1].data(), y, scratch);
    }

    fn flops(&self, x: &[Shape], y: Shape) -> u64 {
        self.options.geometry(x[1], y).map_or(0, |geometry| geometry.flops())
    }

    fn vjp<'t>(&self, cx: &Vjp<'t, F>) {
        let (h, g, x) = (cx.g(), cx.x(0), cx.x(1));
        cx.give(0, || x.conv2d(h, None, self.options));
        cx.give(1, || g.conv2d_input(h, None, [x.shape()[2], x.shape()[3]], self.options));
    }
}

impl<F: Real> Var<'_, F> {
    /// Convolution (correlation, as all call it) of images `[B, C, H, W]` with weights `[O, C/groups, kernel, kernel]`, and a bias
    /// `[O]` if there is one: `[B, O, …]` of ⌊(H + 2 padding − dilation (kernel − 1) − 1) / stride⌋ + 1 rows, and so for columns.
    /// PyTorch's `conv2d`.
    ///
    /// # Panics
    /// When channels or groups do not fit, or the window does not fit into the image.
    #[track_caller]
    #[must_use]
    pub fn conv2d(self, w: Self, bias: Option<Self>, options: Convolution) -> Self {
        match bias {
            Some(bias) => self.tape().apply(Convolve(options), [self, w, bias]),
            None => self.tape().apply(Convolve(options), [self, w]),
        }
    }

    /// The transpose of [`conv2d`](Var::conv2d) as a map of images: of `[B, O, …]` with weights `[O, C/groups, kernel, kernel]` to
    /// images `[B, C, H, W]` of `size` `[H, W]`, which is what tells between those that a stride makes alike; plus a bias `[C]` if there
    /// is one.
    ///
    /// # Panics
    /// When a convolution of such images would not lead to these.
    #[track_caller]
    #[must_use]
    pub fn conv2d_input(self, w: Self, bias: Option<Self>, size: [usize; 2], options: Convolution) -> Self {
        match bias {
            Some(bias) => self.tape().apply(Input { options, size }, [self, w, bias]),
            None => self.tape().apply(Input { options, size }, [self, w]),
        }
    }

    /// PyTorch's `conv_transpose2d`: [`conv2d_input`](Var::conv2d_input) to images of (H − 1) stride − 2 padding +
    /// dilation (kernel − 1) + `output_padding` + 1 rows, and so for columns.
    ///
    /// # Panics
    /// When channels or groups do not fit, or there is no such image.
    #[track_caller]
    #[must_use]
    pub fn conv_transpose2d(
        self,
        w: Self,
        bias: Option<Self>,
        options: Convolution,
        output_padding: [usize; 2],
    ) -> Self {
        let (x, kernel) = (self.shape(), w.shape());
        assert!(x.len() == 4 && kernel.len() == 4, "conv_transpose2d: images {x} and weights {kernel} have four axes");
        let size = std::array::from_fn(|k| {
            let [n, kernel] = [x[2 + k], kernel[2 + k]].map(|n| n.saturating_sub(1));
            let whole = n * options.stride[k] + options.dilation[k] * kernel + output_padding[k] + 1;
            whole.saturating_sub(2 * options.padding[k])
        });
        self.conv2d_input(w, bias, size, options)
    }

    /// The gradient of Σ g · conv2d(x, w) in w, where self is g `[B, O, …]`: weights `[O, C/groups, kernel, kernel]`.
    ///
    /// # Panics
    /// When a convolution of x with such weights would not have the shape of g.
    #[track_caller]
    #[must_use]
    pub fn conv2d_weight(self, x: Self, kernel: [usize; 2], options: Convolution) -> Self {
        self.tape().apply(Weight { options, kernel }, [self, x])
    }
}

#[cfg(test)]
mod tests {
    use super::Convolution;
    use crate::{Tape, Tensor};

    fn convolve(x: [usize; 4], w: [usize; 4], options: Convolution) {
        let tape = Tape::<f32>::new();
        let _ = tape.leaf(Tensor::full(0.0, x)).conv2d(tape.leaf(Tensor::full(0.0, w)), None, options);
    }

    #[test]
    #[should_panic(expected = "conv2d: a window of 3 × 5 does not fit into images [2, 1, 4, 4] with padding 0, 0")]
    fn a_window_larger_than_the_image_is_a_panic_with_the_shapes() {
        convolve([2, 1, 4, 4], [8, 1, 3, 5], Convolution::default());
    }

    #[test]
    #[should_panic(expected = "conv2d: channels differ: images [2, 3, 4, 4] for weights [8, 1, 3, 3] in 2 groups")]
    fn channels_that_do_not_fit_are_a_panic_with_the_shapes() {
        convolve([2, 3, 4, 4], [8, 1, 3, 3], Convolution { groups: 2, ..Convolution::default() });
    }

    #[test]
    fn a_transposed_convolution_has_the_size_that_is_asked_for() {
        let tape = Tape::<f64>::new();
        let (x, w) = (tape.leaf(Tensor::full(1.0, [2, 3, 4, 4])), tape.leaf(Tensor::full(1.0, [3, 5, 3, 3])));
        let options = Convolution { stride: [2, 2], padding: [1, 1], ..Convolution::default() };
        assert_eq!(*x.conv_transpose2d(w, None, options, [0, 1]).shape(), [2, 5, 7, 8]);
    }
}
