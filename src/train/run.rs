//! The loop over epochs.

use super::{Folder, Record, Score, Trainer};
use crate::data::Dataset;
use crate::error::{Error, Result};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Somebody who wants to know how training goes.
pub trait Watch {
    /// After each step.
    fn step(&mut self, _trainer: &Trainer) {}

    /// After each epoch and its evaluation, before the checkpoint is written: what is written here is there when the
    /// checkpoint says that the epoch is done.
    ///
    /// # Errors
    /// End the run.
    fn epoch(&mut self, _trainer: &Trainer, _train: Score, _test: Score) -> Result<()> {
        Ok(())
    }
}

/// Nobody.
impl Watch for () {}

/// Trains until the configured number of epochs is done.
///
/// # Errors
/// As [`run_until`].
pub fn run(
    trainer: &mut Trainer,
    data: &Dataset,
    folder: &Folder,
    watch: &mut dyn Watch,
    stop: &AtomicBool,
) -> Result<()> {
    run_until(trainer.config.epochs, trainer, data, folder, watch, stop)
}

/// Trains until so many epochs are done: each is a pass over the training images, an evaluation of the test images, two lines of
/// metrics and a checkpoint.
///
/// # Errors
/// [`Error::Interrupted`] when `stop` was set: the step was finished and saved first. [`Error::Diverged`] leaves the
/// checkpoint of the last epoch that ended well. Others when a file cannot be written.
pub fn run_until(
    epochs: u64,
    trainer: &mut Trainer,
    data: &Dataset,
    folder: &Folder,
    watch: &mut dyn Watch,
    stop: &AtomicBool,
) -> Result<()> {
    // A kill between metrics and checkpoint leaves lines of an epoch that is not done.
    let mut records = folder.read_metrics()?;
    records.retain(|r| r.epoch <= trainer.progress.epoch);
    folder.write_config(&trainer.config)?;
    let (before, start) = (trainer.progress.seconds, Instant::now());
    let seconds = || before + start.elapsed().as_secs_f64();
    while trainer.progress.epoch < epochs {
        while trainer.progress.batch < trainer.batches(data) {
            if stop.load(Ordering::Relaxed) {
                trainer.progress.seconds = seconds();
                trainer.save(&folder.checkpoint(), &data.digest)?;
                return Err(Error::Interrupted { run: folder.path().to_path_buf() });
            }
            trainer.step(data)?;
            watch.step(trainer);
        }
        let train = trainer.running();
        let p = &mut trainer.progress;
        (p.epoch, p.batch, p.images, p.recon, p.kl) = (p.epoch + 1, 0, 0, 0.0, 0.0);
        let test = trainer.evaluate(&data.test);
        if !test.total().is_finite() {
            return Err(Error::Diverged { step: trainer.progress.step, tensor: "the loss on the test images".into() });
        }
        trainer.progress.seconds = seconds();
        let record = |split, score| Record::new(trainer.progress.epoch, split, score, trainer.progress.seconds);
        records.extend([record("train", train), record("test", test)]);
        watch.epoch(trainer, train, test)?;
        folder.write_metrics(&records)?;
        trainer.save(&folder.checkpoint(), &data.digest)?;
    }
    Ok(())
}
