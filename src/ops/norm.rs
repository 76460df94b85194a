//! Batch normalisation: one op, because of memory. Composed of others, it would read and write the batch three times as often.

use crate::autograd::{Op, Row, Var, Vjp, Work};
use crate::error::ShapeError;
use crate::example;
use crate::kernels::channels::{self, Extents};
use crate::kernels::{Real, gemm::Scratch};
use crate::tensor::{Shape, Tensor};

/// γ (x − μ) / √(σ² + ε) + β for each channel: [x, γ, β].
struct BatchNorm<F> {
    eps: f64,
    moments: [Tensor<F>; 2],
}

pub(super) const BATCH_NORM: Row = Row {
    name: "batch_norm",
    formula: "γ (x − μ) / √(σ² + ε) + β, with the mean μ and the variance σ² of each channel",
    derivative: "x: γ (g − mean g − x̂ mean(g x̂)) / √(σ² + ε) for x̂ = (x − μ) / √(σ² + ε), γ: Σ g x̂, β: Σ g",
    example: example!([([4, 2, 2, 3], Signed), ([2], Signed), ([2], Signed)], |x| {
        x[0].batch_norm(x[1], x[2], 0.1).0
    }),
};

/// Batch, channels and places of `[B, C]` or `[B, C, H, W]`.
fn extents(x: Shape) -> Result<Extents, ShapeError> {
    let (batch, channels, places) = match *x {
        [batch, channels] => (batch, channels, 1),
        [batch, channels, height, width] => (batch, channels, height * width),
        _ => return Err(ShapeError(format!("expected [B, C] or [B, C, H, W], found {x}"))),
    };
    match batch * places > 1 {
        true => Ok(Extents { batch, channels, places }),
        false => Err(ShapeError(format!("expected more than one number for each channel, found {x}"))),
    }
}

/// One number for each channel, in a shape that broadcasts to x's.
fn wide<F: Real>(v: Var<'_, F>, x: Shape) -> Var<'_, F> {
    if x.len() == 2 { v } else { v.reshape([v.shape().size(), 1, 1]) }
}

/// The sum of each channel.
fn sum<F: Real>(x: Var<'_, F>) -> Var<'_, F> {
    let channels = x.shape()[1];
    if x.shape().len() == 2 { x.sum_to([channels]) } else { x.sum_to([channels, 1, 1]).reshape([channels]) }
}

impl<F: Real> Op<F> for BatchNorm<F> {
    fn row(&self) -> &'static Row {
        &BATCH_NORM
    }

    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        let Extents { channels, .. } = extents(x[0])?;
        match x[1..].iter().find(|p| ***p != [channels]) {
            Some(p) => Err(ShapeError(format!("γ and β of {channels} channels have a number for each, found {p}"))),
            None => Ok(x[0]),
        }
    }

    fn forward(&mut self, x: &[&Tensor<F>], y: &mut [F], _: &mut Scratch<F>) {
        let extents = extents(x[0].shape()).expect("its shape was checked");
        let [mean, variance] = self.moments.each_ref().map(Tensor::data);
        let eps = F::of(self.eps);
        let scale: Vec<F> = x[1].data().iter().zip(variance).map(|(g, v)| *g / (*v + eps).sqrt()).collect();
        let f = |[x]: [F; 1], [mean, scale, beta]: [F; 3]| (x - mean) * scale + beta;
        channels::map(&f, extents, [x[0].data()], [mean, &scale, x[2].data()], y);
    }

    fn vjp<'t>(&self, cx: &Vjp<'t, F>) {
        let (tape, g, x, gamma) = (cx.tape(), cx.g(), cx.x(0), cx.x(1));
        let shape = x.shape();
        let extents = extents(shape).expect("its shape was checked");
        let share = 1.0 / (extents.batch * extents.places) as f64;
        // Large results are recorded as what they are composed of, and otherwise computed in one pass, to the same bits.
        let fused = |reads: usize, shape: Shape, write: &dyn Fn(&mut [F])| {
            let work = || Work::on::<F>(reads * extents.size() + shape.size(), shape);
            tape.timed(BATCH_NORM.name, work, || tape.leaf_with(shape, write))
        };
        let (mean, variance, along);
        if cx.recording() {
            mean = sum(x) * share;
            let centred = x - wide(mean, shape);
            variance = sum(centred.square()) * share;
            along = sum(centred * g);
        } else {
            [mean, variance] = self.moments.each_ref().map(|moment| tape.leaf(moment.clone()));
            along = fused(2, mean.shape(), &|y| {
                let f = |[x, g]: [F; 2], [mean]: [F; 1]| (x - mean) * g;
                channels::sum(&f, extents, [x.value().data(), g.value().data()], [mean.value().data()], y);
            });
        }
        let total = sum(g);
        let spread = (variance + self.eps).sqrt();
        cx.give(2, || total);
        cx.give(1, || along / spread);
        cx.give(0, || {
            let parts = [mean, total * share, along * share / (variance + self.eps), gamma / spread];
            if cx.recording() {
                let [mean, level, slope, scale] = parts.map(|part| wide(part, shape));
                return (g - level - (x - mean) * slope) * scale;
            }
            fused(2, shape, &|y| {
                let f = |[x, g]: [F; 2], [mean, level, slope, scale]: [F; 4]| (g - level - (x - mean) * slope) * scale;
                let parts = parts.map(Var::value);
                channels::map(&f, extents, [x.value().data(), g.value().data()], parts.each_ref().map(Tensor::data), y);
            })
        });
    }
}

impl<F: Real> Var<'_, F> {
    /// γ (x − μ) / √(σ² + ε) + β for each channel of `[B, C]` or `[B, C, H, W]`, with γ and β `[C]` and the channel's mean μ and
    /// variance σ² (not the unbiased one), which come too (Ioffe and Szegedy 2015, arXiv 1502.03167, algorithm 1).
    ///
    /// # Panics
    /// When a channel has but one number, which has no variance; or the shapes do not fit.
    #[track_caller]
    #[must_use]
    pub fn batch_norm(self, gamma: Self, beta: Self, eps: f64) -> (Self, [Tensor<F>; 2]) {
        let x = self.value();
        let extents = match extents(x.shape()) {
            Ok(extents) => extents,
            Err(e) => panic!("{}: {e}", BATCH_NORM.name),
        };
        let shape = Shape::from([extents.channels]);
        let share = F::of(1.0 / (extents.batch * extents.places) as f64);
        let average = |sums: &mut [F]| sums.iter_mut().for_each(|sum| *sum = *sum * share);
        let work = || Work::on::<F>(2 * x.shape().size() + 2 * shape.size(), shape);
        let moments = self.tape().timed(BATCH_NORM.name, work, || {
            let [mut mean, mut variance] = [(); 2].map(|()| vec![F::ZERO; extents.channels]);
            channels::sum(&|[x]: [F; 1], []: [F; 0]| x, extents, [x.data()], [], &mut mean);
            average(&mut mean);
            let square = |[x]: [F; 1], [mean]: [F; 1]| (x - mean) * (x - mean);
            channels::sum(&square, extents, [x.data()], [&mean], &mut variance);
            average(&mut variance);
            [mean, variance].map(|moment| Tensor::new(moment, shape))
        });
        (self.tape().apply(BatchNorm { eps, moments: moments.clone() }, [self, gamma, beta]), moments)
    }
}
