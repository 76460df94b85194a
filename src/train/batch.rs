//! [`Batch`]: the images of a step, as numbers, and its randomness.

use crate::autograd::{Tape, Var};
use crate::data::{Encoder, Split};
use crate::nn::one_hot;
use crate::rng::{Purpose, Stream};
use rayon::prelude::*;
use std::ops::Range;

/// Some images, and when: all that a step may depend on besides its networks.
pub struct Batch<'a> {
    pub(super) split: &'a Split,
    pub(super) rows: Rows<'a>,
    pub(super) encoder: &'a Encoder,
    pub(super) seed: u64,
    /// Epochs done.
    pub epoch: u64,
    /// Steps done.
    pub step: u64,
    /// Steps of an epoch.
    pub batches: u64,
    /// Epochs of the run.
    pub epochs: u64,
}

/// Which images.
pub(super) enum Rows<'a> {
    /// These of the training images.
    Train(&'a [u32]),
    /// These of the test images.
    Test(Range<usize>),
}

impl Batch<'_> {
    /// The number of images.
    #[allow(clippy::len_without_is_empty, reason = "a batch has at least one image")]
    pub fn len(&self) -> usize {
        match &self.rows {
            Rows::Train(rows) => rows.len(),
            Rows::Test(rows) => rows.len(),
        }
    }

    fn row(&self, i: usize) -> usize {
        match &self.rows {
            Rows::Train(rows) => rows[i] as usize,
            Rows::Test(rows) => rows.start + i,
        }
    }

    /// The images as numbers, `[B, D]`.
    pub fn images<'t>(&self, tape: &'t Tape<f32>) -> Var<'t, f32> {
        let pixels = self.split.pixels();
        let (purpose, step) = match self.rows {
            Rows::Train(_) => (Purpose::Binarise, self.epoch),
            Rows::Test(_) => (Purpose::BinariseTest, 0),
        };
        tape.leaf_with([self.len(), pixels], |x| {
            let images = x.par_chunks_exact_mut(pixels).with_min_len(32).enumerate();
            images.for_each(|(i, x)| {
                let row = self.row(i);
                let stream = || Stream::new(self.seed, purpose, step, row as u64);
                self.encoder.write(self.split.image(row), stream, x);
            });
        })
    }

    /// The images' classes.
    pub fn labels(&self) -> impl ExactSizeIterator<Item = usize> {
        (0..self.len()).map(|i| usize::from(self.split.label(self.row(i))))
    }

    /// The images' classes as probabilities, `[B, classes]`: 1 for each one's own.
    ///
    /// # Panics
    /// When there are fewer classes than labels.
    pub fn classes<'t>(&self, tape: &'t Tape<f32>, classes: usize) -> Var<'t, f32> {
        one_hot(tape, self.labels(), classes)
    }

    /// Numbers uniform in (0, 1), `width` for each image, row by row: other ones each step, and each `draw` of a step.
    ///
    /// # Panics
    /// When `draw` is 8 or more.
    pub fn uniform(&self, width: usize, draw: u64) -> Vec<f32> {
        assert!(draw < 8, "a step draws at most 8 times");
        let stream = |i: u64| match &self.rows {
            Rows::Train(_) => Stream::new(self.seed, Purpose::Uniform, self.step, (draw << 28) + i),
            Rows::Test(rows) => {
                Stream::new(self.seed, Purpose::Uniform, self.epoch, ((8 + draw) << 28) + rows.start as u64 + i)
            }
        };
        let mut all = Vec::with_capacity(self.len() * width);
        for i in 0..self.len() as u64 {
            let mut stream = stream(i);
            all.extend((0..width).map(|_| stream.uniform() as f32));
        }
        all
    }

    /// N(0, 1) noise, `[B, width]`: other numbers each step, and each `draw` of a step.
    ///
    /// # Panics
    /// When `draw` is 16 or more.
    #[track_caller]
    pub fn noise<'t>(&self, tape: &'t Tape<f32>, width: usize, draw: u64) -> Var<'t, f32> {
        // Rows are fewer than 2²⁸, as many as there are images of 784 bytes in 200 GB.
        assert!(draw < 16, "a step draws at most 16 times");
        let first = draw << 28;
        let stream = |i: u64| match &self.rows {
            Rows::Train(_) => Stream::new(self.seed, Purpose::Reparameterise, self.step, first + i),
            Rows::Test(rows) => Stream::new(self.seed, Purpose::Evaluate, self.epoch, first + rows.start as u64 + i),
        };
        tape.leaf_with([self.len(), width], |eps| {
            eps.chunks_exact_mut(width).enumerate().for_each(|(i, eps)| stream(i as u64).fill_normal(eps));
        })
    }
}
