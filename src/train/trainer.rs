//! [`Trainer`]: everything that changes while training, and one step of it.

use super::{Config, OptimizerKind, Score};
use crate::autograd::{Tape, Var};
use crate::data::{Dataset, Encoding, Split, epoch_order};
use crate::error::{Error, Result};
use crate::kernels::attend::attended;
use crate::models::Model;
use crate::nn::{Params, Pass};
use crate::optim::{Adam, Optimizer, Sgd, warm_up};
use crate::rng::{Purpose, Stream};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// How far training is: with the configuration, the weights and the optimiser's state, all that a resume needs. There is no
/// generator state, since randomness is a function of (seed, purpose, step, row).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Epochs done.
    pub epoch: u64,
    /// Batches done in the present epoch.
    pub batch: u64,
    /// Steps done in all.
    pub step: u64,
    /// Images seen in the present epoch.
    pub images: u64,
    /// Σ over these images of their reconstruction losses, nats.
    pub recon: f64,
    /// Σ over these images of their KL terms, nats.
    pub kl: f64,
    /// Seconds of training.
    pub seconds: f64,
}

/// A network in training.
pub struct Trainer {
    /// What decides the run.
    pub config: Config,
    /// The network.
    pub model: Model,
    /// Its weights.
    pub params: Params<f32>,
    /// The optimiser.
    pub optimizer: Box<dyn Optimizer<f32>>,
    /// How far it is.
    pub progress: Progress,
    /// What its steps are computed on.
    pub tape: Tape<f32>,
    /// The order of the images in the present epoch.
    order: Vec<u32>,
}

impl Trainer {
    /// A network before its first step.
    ///
    /// # Errors
    /// When the configuration makes no sense, or its network does not fit into memory.
    pub fn new(config: Config) -> Result<Self> {
        config.validate()?;
        check_memory(&config)?;
        let (model, params) = Model::new(&config.architecture, config.seed);
        let optimizer: Box<dyn Optimizer<f32>> = match config.optimizer {
            OptimizerKind::Adam => Box::new(Adam::new(&params)),
            OptimizerKind::Sgd => Box::new(Sgd::new(&params, config.momentum)),
        };
        Ok(Trainer {
            config,
            model,
            params,
            optimizer,
            progress: Progress::default(),
            tape: Tape::new(),
            order: Vec::new(),
        })
    }

    /// Batches of an epoch.
    pub fn batches(&self, data: &Dataset) -> u64 {
        self.config.batches(data.train.len())
    }

    /// One training step: gather, forward, backward, update.
    ///
    /// # Errors
    /// [`Error::Diverged`] when the loss or a gradient is not finite. The update is not made.
    pub fn step(&mut self, data: &Dataset) -> Result<()> {
        attended(|| self.step_alone(data))
    }

    fn step_alone(&mut self, data: &Dataset) -> Result<()> {
        let Config { batch_size, binarize, seed, lr, lr_schedule, beta, beta_warmup, clip_norm, epochs, .. } =
            self.config;
        let (batches, p) = (self.batches(data), &mut self.progress);
        if p.batch == 0 || self.order.is_empty() {
            epoch_order(seed, p.epoch, data.train.len(), &mut self.order);
        }
        let first = p.batch as usize * batch_size;
        let rows = &self.order[first..self.order.len().min(first + batch_size)];
        let diverged = |tensor: String| Error::Diverged { step: p.step + 1, tensor };

        self.tape.begin();
        let tape = &self.tape;
        let pass = Pass::new(tape, &self.params);
        let x = tape.span("gather", || {
            let stream = |row| Stream::new(seed, Purpose::Binarise, p.epoch, row);
            gather(tape, &data.train, rows.len(), |i| rows[i] as usize, binarize, stream)
        });
        let loss = tape.span("forward", || {
            let latent = self.config.architecture.latent;
            let eps = || noise(tape, rows.len(), latent, |row| Stream::new(seed, Purpose::Reparameterise, p.step, row));
            self.model.loss(&pass, x, eps, beta * warm_up(p.step, beta_warmup * batches))
        });
        if !loss.total.item().is_finite() {
            return Err(diverged("the loss".into()));
        }
        let mut grads = tape.span("backward", || pass.backward(loss.total));
        if let Some(id) = tape.span("check", || grads.not_finite()) {
            return Err(diverged(format!("the gradient of {}", self.params.name(id))));
        }
        if let Some(max) = clip_norm
            && !grads.clip_norm(max).is_finite()
        {
            return Err(diverged("the norm of the gradient".into()));
        }
        let lr = lr * lr_schedule.factor(p.step, epochs * batches);
        let n = rows.len() as f64;
        let (recon, kl) = (f64::from(loss.recon.item()), loss.kl.map_or(0.0, |kl| f64::from(kl.item())));
        tape.span("update", || self.optimizer.step(&mut self.params, grads, lr));

        p.batch += 1;
        p.step += 1;
        p.images += rows.len() as u64;
        p.recon += recon * n;
        p.kl += kl * n;
        Ok(())
    }

    /// The mean loss so far in this epoch, over weights that were changing.
    pub fn running(&self) -> Score {
        let n = self.progress.images as f64;
        self.score(self.progress.recon / n, self.progress.kl / n)
    }

    /// The loss over the test images with the weights as they are, one sample of z an image.
    pub fn evaluate(&mut self, test: &Split) -> Score {
        let Config { batch_size, binarize, seed, .. } = self.config;
        let epoch = self.progress.epoch;
        let latent = self.config.architecture.latent;
        let (mut recon, mut kl) = (0.0, 0.0);
        for first in (0..test.len()).step_by(batch_size) {
            let rows = first..test.len().min(first + batch_size);
            let n = rows.len() as f64;
            self.tape.begin();
            let pass = Pass::new(&self.tape, &self.params);
            let binarise = |row| Stream::new(seed, Purpose::BinariseTest, 0, row);
            let x = gather(&self.tape, test, rows.len(), |i| first + i, binarize, binarise);
            let stream = |row| Stream::new(seed, Purpose::Evaluate, epoch, first as u64 + row);
            let loss = self.model.loss(&pass, x, || noise(&self.tape, rows.len(), latent, stream), 1.0);
            recon += n * f64::from(loss.recon.item());
            kl += n * loss.kl.map_or(0.0, |kl| f64::from(kl.item()));
        }
        let n = test.len() as f64;
        self.score(recon / n, kl / n)
    }

    fn score(&self, recon: f64, kl: f64) -> Score {
        Score { recon, kl: self.config.architecture.kind.is_variational().then_some(kl) }
    }
}

/// Whether the system would give what training takes: an allocation that fails later ends the process.
fn check_memory(config: &Config) -> Result<()> {
    let weights = config.architecture.weights().unwrap_or(usize::MAX);
    let averages = match config.optimizer {
        OptimizerKind::Adam => 2,
        OptimizerKind::Sgd => 1,
    };
    // Weights and their gradient; all but the latter twice more in a checkpoint, as bytes of tensors and of the file.
    let copies = 2 + averages + 2 * (1 + averages);
    let bytes = weights.saturating_mul(copies * size_of::<f32>());
    Vec::<u8>::new().try_reserve_exact(bytes).map_err(|_| Error::Setting {
        name: "hidden, latent_dim",
        expected: "a network that fits into memory".into(),
        found: format!("{weights} weights, which take {:.1} GB to train", bytes as f64 / 1e9),
    })
}

/// The images `row(0)`, …, `row(n − 1)` as numbers, `[n, D]`, each with the stream of its row.
fn gather<'t>(
    tape: &'t Tape<f32>,
    split: &Split,
    n: usize,
    row: impl Fn(usize) -> usize + Sync,
    encoding: Encoding,
    stream: impl Fn(u64) -> Stream + Sync,
) -> Var<'t, f32> {
    tape.leaf_with([n, split.pixels()], |x| {
        let images = x.par_chunks_exact_mut(split.pixels()).with_min_len(32).enumerate();
        images.for_each(|(i, x)| encoding.write(split.image(row(i)), || stream(row(i) as u64), x));
    })
}

/// N(0, 1) noise, `[rows, latent]`, each row from a stream of its own.
fn noise(tape: &Tape<f32>, rows: usize, latent: usize, stream: impl Fn(u64) -> Stream) -> Var<'_, f32> {
    tape.leaf_with([rows, latent], |eps| {
        eps.chunks_exact_mut(latent).enumerate().for_each(|(row, eps)| stream(row as u64).fill_normal(eps));
    })
}
