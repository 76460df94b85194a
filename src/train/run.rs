//! The loop over epochs.

use super::{Folder, Record, Task, Terms, Trainer};
use crate::data::Dataset;
use crate::error::{Error, Result};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// An observer of training.
pub trait Watch<T: Task> {
    /// After each step.
    fn step(&mut self, _trainer: &Trainer<T>) {}

    /// After each epoch and its evaluation, before the checkpoint is written: what is written here is there when the
    /// checkpoint says that the epoch is done.
    ///
    /// # Errors
    /// End the run.
    fn epoch(&mut self, _trainer: &Trainer<T>, _train: &Terms, _test: &Terms) -> Result<()> {
        Ok(())
    }
}

/// No observer.
impl<T: Task> Watch<T> for () {}

/// Trains until the configured number of epochs is done, and gives the metrics of all of them. What is killed before its first epoch
/// ends can be resumed, too.
///
/// # Errors
/// As [`run_until`].
pub fn run<T: Task>(
    trainer: &mut Trainer<T>,
    data: &Dataset,
    folder: &Folder,
    watch: &mut dyn Watch<T>,
    stop: &AtomicBool,
) -> Result<Vec<Record>> {
    if trainer.progress.step == 0 {
        trainer.save(&folder.checkpoint(), data)?;
    }
    run_until(trainer.config.epochs, trainer, data, folder, watch, stop)
}

/// Trains until so many epochs are done: each is a pass over the training images, an evaluation of the test images, two lines of
/// metrics and a checkpoint. Gives the metrics of all epochs, those of earlier sessions too.
///
/// # Errors
/// [`Error::Interrupted`] when `stop` was set: the step was finished and saved first. [`Error::Diverged`] leaves the
/// checkpoint of the last epoch that ended well. Others when a file cannot be written, or there are more steps than can be counted.
pub fn run_until<T: Task>(
    epochs: u64,
    trainer: &mut Trainer<T>,
    data: &Dataset,
    folder: &Folder,
    watch: &mut dyn Watch<T>,
    stop: &AtomicBool,
) -> Result<Vec<Record>> {
    trainer.config.check_steps(data.train.len())?;
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
                trainer.save(&folder.checkpoint(), data)?;
                return Err(Error::Interrupted { run: folder.path().to_path_buf() });
            }
            trainer.step(data)?;
            watch.step(trainer);
        }
        let (train, test) = trainer.end_epoch(data)?;
        trainer.progress.seconds = seconds();
        let record = |split, means| Record::new(trainer.progress.epoch, split, means, trainer.progress.seconds);
        records.extend([record("train", &train), record("test", &test)]);
        watch.epoch(trainer, &train, &test)?;
        folder.write_metrics(&records)?;
        trainer.save(&folder.checkpoint(), data)?;
    }
    Ok(records)
}
