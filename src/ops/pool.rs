//! Pooling: the largest and the mean of what a window sees, and the adjoints of both.

use crate::autograd::{Op, Row, Var, Vjp, Work};
use crate::error::ShapeError;
use crate::example;
use crate::kernels::conv::Axis;
use crate::kernels::{Real, gemm::Scratch, pool};
use crate::tensor::{Shape, Tensor};

/// A window that pools: its rows and columns, how far it moves, and how far it begins before the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pooling {
    /// Rows and columns of the window.
    pub kernel: [usize; 2],
    /// How far it moves from one output to the next.
    pub stride: [usize; 2],
    /// How far it begins before the image, and ends after it: at most half the window.
    pub padding: [usize; 2],
}

impl Pooling {
    /// A square window that moves by its own side.
    pub fn square(side: usize) -> Self {
        Pooling { kernel: [side; 2], stride: [side; 2], padding: [0; 2] }
    }

    fn axes(&self, x: Shape) -> Result<[Axis; 2], ShapeError> {
        let &[_, _, height, width] = &*x else {
            return Err(ShapeError(format!("expected images [B, C, H, W], found {x}")));
        };
        let Pooling { kernel: [rows, cols], stride, padding } = *self;
        if [self.kernel, stride].as_flattened().contains(&0) || padding[0] > rows / 2 || padding[1] > cols / 2 {
            return Err(ShapeError(format!("expected a window, and padding of at most half of it, found {self:?}")));
        }
        let axis = |k: usize, input| Axis {
            input,
            kernel: self.kernel[k],
            stride: stride[k],
            padding: padding[k],
            dilation: 1,
        };
        let axes = [axis(0, height), axis(1, width)];
        match axes.iter().any(|axis| axis.output() == 0) {
            true => Err(ShapeError(format!("a window of {rows} × {cols} does not fit into images {x}"))),
            false => Ok(axes),
        }
    }

    fn output(&self, x: Shape) -> Result<Shape, ShapeError> {
        let [rows, cols] = self.axes(x)?;
        Ok(x.with(2, rows.output()).with(3, cols.output()))
    }

    /// Whether g is of the shape that pooling of such images has.
    fn image(&self, x: Shape, g: Shape) -> Result<Shape, ShapeError> {
        match self.output(x)? {
            y if y == g => Ok(x),
            y => Err(ShapeError(format!("expected {y}, as pooled images {x} have, found {g}"))),
        }
    }
}

/// What x has where a window's largest was: [x, place in the window].
struct Max(Pooling);

pub(super) const MAX_POOL: Row = Row {
    name: "max_pool",
    formula: "the largest x of the window",
    derivative: "max_unpool(g)",
    example: example!([([1, 2, 4, 3], Signed)], |x| {
        x[0].max_pool2d(super::Pooling { kernel: [3, 2], stride: [2, 1], padding: [1, 0] }).square()
    }),
};

impl<F: Real> Op<F> for Max {
    fn row(&self) -> &'static Row {
        &MAX_POOL
    }

    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        self.0.image(x[0], x[1])?;
        Ok(x[1])
    }

    fn forward(&mut self, x: &[&Tensor<F>], y: &mut [F], _: &mut Scratch<F>) {
        let axes = self.0.axes(x[0].shape()).expect("its shape was checked");
        pool::choose(axes, x[0].data(), x[1].data(), y);
    }

    fn vjp<'t>(&self, cx: &Vjp<'t, F>) {
        let (x, at) = (cx.x(0), cx.x(1));
        cx.give(0, || cx.tape().apply(Unpool { window: self.0, image: x.shape() }, [cx.g(), at]));
    }
}

/// Each g where the window's largest was, 0 elsewhere: [g, place in the window].
struct Unpool {
    window: Pooling,
    image: Shape,
}

pub(super) const MAX_UNPOOL: Row = Row {
    name: "max_unpool",
    formula: "g where the window's largest was, 0 elsewhere",
    derivative: "the elements of h at the same places, h being its own cotangent",
    example: example!([([1, 2, 5, 4], Signed)], |x| {
        let y = x[0].max_pool2d(super::Pooling::square(2));
        x[0] * x[0].tape().vjp(&[(y, y)], &[x[0]])[0]
    }),
};

impl<F: Real> Op<F> for Unpool {
    fn row(&self) -> &'static Row {
        &MAX_UNPOOL
    }

    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        self.window.image(self.image, x[0])
    }

    fn forward(&mut self, x: &[&Tensor<F>], y: &mut [F], _: &mut Scratch<F>) {
        let axes = self.window.axes(self.image).expect("its shape was checked");
        pool::unchoose(axes, x[0].data(), x[1].data(), y);
    }

    fn vjp<'t>(&self, cx: &Vjp<'t, F>) {
        cx.give(0, || cx.tape().apply(Max(self.window), [cx.g(), cx.x(1)]));
    }
}

/// The mean of a window.
struct Mean(Pooling);

pub(super) const AVG_POOL: Row = Row {
    name: "avg_pool",
    formula: "the mean of the window, zeros around the image included",
    derivative: "avg_unpool(g)",
    example: example!([([2, 2, 5, 4], Signed)], |x| {
        x[0].avg_pool2d(super::Pooling { kernel: [3, 2], stride: [2, 1], padding: [1, 0] }).square()
    }),
};

impl<F: Real> Op<F> for Mean {
    fn row(&self) -> &'static Row {
        &AVG_POOL
    }

    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        self.0.output(x[0])
    }

    fn forward(&mut self, x: &[&Tensor<F>], y: &mut [F], _: &mut Scratch<F>) {
        pool::mean(self.0.axes(x[0].shape()).expect("its shape was checked"), x[0].data(), y);
    }

    fn vjp<'t>(&self, cx: &Vjp<'t, F>) {
        cx.give(0, || cx.tape().apply(Spread { window: self.0, image: cx.x(0).shape() }, [cx.g()]));
    }
}

/// Each g shared among what its window sees.
struct Spread {
    window: Pooling,
    image: Shape,
}

pub(super) const AVG_UNPOOL: Row = Row {
    name: "avg_unpool",
    formula: "Σ g / size over the windows that see a place",
    derivative: "avg_pool(h), h being its own cotangent",
    example: example!([([2, 2, 5, 4], Signed)], |x| {
        let y = x[0].avg_pool2d(super::Pooling { kernel: [3, 2], stride: [2, 1], padding: [1, 0] });
        x[0] * x[0].tape().vjp(&[(y, y)], &[x[0]])[0]
    }),
};

impl<F: Real> Op<F> for Spread {
    fn row(&self) -> &'static Row {
        &AVG_UNPOOL
    }

    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        self.window.image(self.image, x[0])
    }

    fn forward(&mut self, x: &[&Tensor<F>], y: &mut [F], _: &mut Scratch<F>) {
        pool::spread(self.window.axes(self.image).expect("its shape was checked"), x[0].data(), y);
    }

    fn vjp<'t>(&self, cx: &Vjp<'t, F>) {
        cx.give(0, || cx.tape().apply(Mean(self.window), [cx.g()]));
    }
}

impl<F: Real> Var<'_, F> {
    /// The largest number that each window sees, of images `[B, C, H, W]`: `[B, C, …]` of ⌊(H + 2 padding − kernel) / stride⌋ + 1
    /// rows, and so for columns. What lies beyond the image never wins; of equals the first does, and takes the whole gradient.
    ///
    /// # Panics
    /// When the window does not fit.
    #[track_caller]
    #[must_use]
    pub fn max_pool2d(self, window: Pooling) -> Self {
        let (tape, x) = (self.tape(), self.value());
        let (shape, axes) = match window.output(x.shape()).and_then(|y| Ok((y, window.axes(x.shape())?))) {
            Ok(found) => found,
            Err(e) => panic!("{}: {e}", MAX_POOL.name),
        };
        let mut y = tape.pool().borrow_mut().take(shape.size());
        let work = || Work::on::<F>(x.shape().size() + 2 * shape.size(), shape);
        let at = tape.timed(MAX_POOL.name, work, || tape.leaf_with(shape, |at| pool::max(axes, x.data(), &mut y, at)));
        tape.record(Max(window), [self, at], Tensor::new(y, shape))
    }

    /// The mean of what each window sees, with zeros beyond the image (PyTorch's `count_include_pad`).
    ///
    /// # Panics
    /// When the window does not fit.
    #[track_caller]
    #[must_use]
    pub fn avg_pool2d(self, window: Pooling) -> Self {
        self.tape().apply(Mean(window), [self])
    }

    /// The mean of each channel's plane: `[B, C, H, W]` → `[B, C]`.
    ///
    /// # Panics
    /// When x does not have four axes.
    #[track_caller]
    #[must_use]
    pub fn global_avg_pool2d(self) -> Self {
        let shape = self.shape();
        assert!(shape.len() == 4, "global_avg_pool: expected images [B, C, H, W], found {shape}");
        self.mean_axes(&[2, 3]).reshape([shape[0], shape[1]])
    }
}
