//! [`Trainer`]: everything that changes while training, and one step of it.

use super::batch::Rows;
use super::{Batch, Config, NotFinite, Task, Terms};
use crate::autograd::Tape;
use crate::data::{Dataset, Encoder, Split, epoch_order};
use crate::error::{Error, Result};
use crate::kernels::attend::attended;

/// How far training is: with the configuration, the weights and the optimisers' state, all that a resume needs. There is no
/// generator state, since randomness is a function of (seed, purpose, step, row).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Epochs done.
    pub epoch: u64,
    /// Batches done in the present epoch.
    pub batch: u64,
    /// Steps done in all.
    pub step: u64,
    /// Images seen in the present epoch.
    pub images: u64,
    /// Σ over these images of what is measured.
    pub sums: Terms,
    /// Seconds of training.
    pub seconds: f64,
}

impl Progress {
    /// Seconds of an epoch.
    pub fn seconds_per_epoch(&self) -> f64 {
        self.seconds / self.epoch.max(1) as f64
    }
}

/// A task in training.
pub struct Trainer<T: Task> {
    /// What decides the run.
    pub config: Config<T::Settings>,
    /// What is trained.
    pub task: T,
    /// How far it is.
    pub progress: Progress,
    /// What its steps are computed on.
    pub tape: Tape<f32>,
    /// The order of the images in the present epoch.
    order: Vec<u32>,
    /// How bytes become numbers, once the training images were seen.
    encoder: Option<Encoder>,
}

impl<T: Task> Trainer<T> {
    /// A task before its first step.
    ///
    /// # Errors
    /// When the configuration makes no sense, or its networks do not fit into memory.
    pub fn new(config: Config<T::Settings>) -> Result<Self> {
        config.validate::<T>()?;
        check_memory::<T>(&config.network)?;
        let task = T::new(&config.network, config.seed);
        Ok(Trainer { config, task, progress: Progress::default(), tape: Tape::new(), order: Vec::new(), encoder: None })
    }

    /// Batches of an epoch.
    pub fn batches(&self, data: &Dataset) -> u64 {
        self.config.batches(data.train.len())
    }

    /// One training step, on the next images of the epoch, or the first of the next epoch when all were seen.
    ///
    /// # Errors
    /// [`Error::Diverged`] when the loss or a gradient is not finite. The update is not made.
    pub fn step(&mut self, data: &Dataset) -> Result<()> {
        attended(|| self.step_alone(data))
    }

    fn step_alone(&mut self, data: &Dataset) -> Result<()> {
        let batches = self.batches(data);
        if self.progress.batch == batches {
            self.next_epoch();
        }
        let (Config { batch_size, seed, .. }, p) = (&self.config, &mut self.progress);
        if p.batch == 0 || self.order.is_empty() {
            epoch_order(*seed, p.epoch, data.train.len(), &mut self.order);
        }
        let first = p.batch as usize * batch_size;
        let rows = &self.order[first..self.order.len().min(first + batch_size)];
        let encoder = self.encoder.get_or_insert_with(|| self.config.binarize.fit(&data.train));
        let batch = batch(&self.config, p, batches, encoder, &data.train, Rows::Train(rows));
        self.tape.begin();
        let diverged = |NotFinite(tensor)| Error::Diverged { step: p.step + 1, tensor };
        let terms = self.task.step(&mut self.tape, &batch).map_err(diverged)?;
        p.batch += 1;
        p.step += 1;
        p.images += rows.len() as u64;
        p.sums.add(&terms, rows.len() as f64);
        Ok(())
    }

    fn next_epoch(&mut self) {
        let Progress { epoch, step, seconds, .. } = self.progress;
        self.progress = Progress { epoch: epoch + 1, step, seconds, ..Progress::default() };
    }

    /// Ends an epoch whose images were all seen: the means over it, while weights were changing, and over the test images.
    ///
    /// # Errors
    /// [`Error::Diverged`] when one of them is not finite.
    pub fn end_epoch(&mut self, data: &Dataset) -> Result<(Terms, Terms)> {
        let train = self.running();
        self.next_epoch();
        let test = self.evaluate(data);
        for (means, images) in [(&train, "training"), (&test, "test")] {
            if means.iter().any(|(_, mean)| !mean.is_finite()) {
                let tensor = format!("the loss on the {images} images");
                return Err(Error::Diverged { step: self.progress.step, tensor });
            }
        }
        Ok((train, test))
    }

    /// The means so far in this epoch, over weights that were changing.
    pub fn running(&self) -> Terms {
        let n = self.progress.images as f64;
        self.task.summary(&self.progress.sums.map(|sum| sum / n))
    }

    /// The means over the test images with the weights as they are.
    pub fn evaluate(&mut self, data: &Dataset) -> Terms {
        let (test, size, mut sums) = (&data.test, self.config.batch_size, Terms::default());
        let encoder = self.encoder.get_or_insert_with(|| self.config.binarize.fit(&data.train));
        for first in (0..test.len()).step_by(size) {
            let rows = first..test.len().min(first + size);
            let n = rows.len() as f64;
            let batch = batch(&self.config, &self.progress, 0, encoder, test, Rows::Test(rows));
            self.tape.begin();
            sums.add(&self.task.judge(&mut self.tape, &batch), n);
        }
        let n = test.len() as f64;
        self.task.summary(&sums.map(|sum| sum / n))
    }
}

fn batch<'a, S>(
    config: &Config<S>,
    p: &Progress,
    batches: u64,
    encoder: &'a Encoder,
    split: &'a Split,
    rows: Rows<'a>,
) -> Batch<'a> {
    let &Config { epochs, seed, .. } = config;
    Batch { split, rows, encoder, seed, epoch: p.epoch, step: p.step, batches, epochs }
}

/// Whether the system would give what training takes: an allocation that fails later ends the process.
fn check_memory<T: Task>(settings: &T::Settings) -> Result<()> {
    let weights = T::weights(settings).unwrap_or(usize::MAX);
    // Weights, their gradient and two averages of it; all but the gradient twice more in a checkpoint, as bytes of tensors and of the file.
    let copies = 2 + 2 + 2 * (1 + 2);
    let bytes = weights.saturating_mul(copies * size_of::<f32>());
    Vec::<u8>::new().try_reserve_exact(bytes).map_err(|_| Error::Setting {
        name: "hidden, latent_dim",
        expected: "a network that fits into memory".into(),
        found: format!("{weights} weights, which take {:.1} GB to train", bytes as f64 / 1e9),
    })
}
