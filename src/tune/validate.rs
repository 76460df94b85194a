//! [`CrossValidation`]: what a configuration costs on images that it did not learn from.

use super::Objective;
use crate::data::{Dataset, Folds};
use crate::error::{Error, Result};
use crate::files;
use crate::models::{Config, Network, Trainer};
use crate::search::Trial;
use crate::train::{Folder, Means, Record, Watch, run_until};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// A network of one fold: its last score, and its loss after each epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoldScore {
    /// What was measured on the images of the fold.
    #[serde(flatten)]
    pub means: Means,
    /// Seconds of training and judging.
    pub seconds: f64,
    /// The objective after each epoch.
    pub curve: Vec<f64>,
}

/// How the training of a trial's networks ended.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// All are trained.
    Done,
    /// The pruner stopped the trial.
    Pruned,
    /// A loss or a gradient stopped being a number.
    Diverged(String),
}

/// K-fold cross-validation on the training images, R times with other folds and other initial weights. The test images are not
/// looked at.
pub struct CrossValidation {
    /// The data of each of the K·R folds; the images are shared.
    folds: Vec<Dataset>,
    /// Folds of one repeat.
    k: usize,
    objective: Objective,
}

impl CrossValidation {
    /// Divides the training images.
    ///
    /// # Errors
    /// When there are fewer images than folds.
    pub fn new(data: &Dataset, k: usize, repeats: usize, seed: u64, objective: Objective) -> Result<Self> {
        let mut folds = Vec::new();
        for repeat in 0..repeats {
            let parts = Folds::new(data.train.len(), k, seed, repeat as u64)?;
            folds.extend((0..k).map(|i| parts.data(data, i)));
        }
        Ok(CrossValidation { folds, k, objective })
    }

    /// The number of networks that a trial trains: K·R.
    pub fn networks(&self) -> usize {
        self.folds.len()
    }

    /// Training steps of a trial.
    pub fn steps(&self, config: &Config) -> u64 {
        let batches = |data: &Dataset| data.train.len().div_ceil(config.batch_size) as u64;
        config.epochs * self.folds.iter().map(batches).sum::<u64>()
    }

    /// Trains one network a fold in the folder `at`, from where it was left, and reports to the trial on the way: with `by_fold`
    /// one fold after the other, step i being the loss of fold i; else side by side, step e being the mean loss after epoch e.
    /// Gives the scores of all networks that were judged at least once.
    ///
    /// # Errors
    /// As [`run_until`], but for networks that diverge.
    pub fn measure(
        &self,
        trial: &mut Trial,
        config: &Config,
        by_fold: bool,
        at: &Path,
        watch: &mut dyn Watch<Network>,
        stop: &AtomicBool,
    ) -> Result<(Vec<FoldScore>, End)> {
        let end = self.train(trial, config, by_fold, at, watch, stop);
        let end = match end {
            Err(e @ Error::Diverged { .. }) => End::Diverged(e.to_string()),
            end => end?,
        };
        let scores = (0..self.networks()).map(|i| Ok(self.score(&Folder::at(&fold_path(at, i))?.read_metrics()?)));
        Ok((scores.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect(), end))
    }

    fn train(
        &self,
        trial: &mut Trial,
        config: &Config,
        by_fold: bool,
        at: &Path,
        watch: &mut dyn Watch<Network>,
        stop: &AtomicBool,
    ) -> Result<End> {
        if by_fold {
            for (i, data) in self.folds.iter().enumerate() {
                let (mut trainer, folder) = self.network(i, config, at)?;
                let records = run_until(config.epochs, &mut trainer, data, &folder, watch, stop)?;
                let score = self.score(&records).expect("an epoch was done");
                trial.report(i as u64, self.objective.of(&score.means))?;
                if trial.should_prune()? {
                    return Ok(End::Pruned);
                }
            }
            return Ok(End::Done);
        }
        let networks = (0..self.networks()).map(|i| self.network(i, config, at));
        let mut networks = networks.collect::<Result<Vec<_>>>()?;
        for epoch in 1..=config.epochs {
            let mut sum = 0.0;
            for ((trainer, folder), data) in networks.iter_mut().zip(&self.folds) {
                let records = run_until(epoch, trainer, data, folder, watch, stop)?;
                sum += self.score(&records).expect("an epoch was done").curve[epoch as usize - 1];
            }
            trial.report(epoch, sum / self.networks() as f64)?;
            if trial.should_prune()? {
                return Ok(End::Pruned);
            }
        }
        Ok(End::Done)
    }

    /// The network of a fold, where it was left; at its start, if nothing was left or something else.
    fn network(&self, i: usize, config: &Config, at: &Path) -> Result<(Trainer, Folder)> {
        let folder = Folder::at(&fold_path(at, i))?;
        let config = Config { seed: config.seed + (i / self.k) as u64, ..config.clone() };
        let left = Trainer::resume(&folder.checkpoint(), &self.folds[i]).ok();
        let trainer = match left.filter(|trainer| trainer.config == config) {
            Some(trainer) => trainer,
            None => Trainer::new(config)?,
        };
        Ok((trainer, folder))
    }

    /// What a fold's metrics say; none before its first epoch.
    fn score(&self, records: &[Record]) -> Option<FoldScore> {
        let tested: Vec<&Record> = records.iter().filter(|r| r.split == "test").collect();
        tested.last().map(|end| FoldScore {
            means: end.means.clone(),
            seconds: records.last().map_or(0.0, |r| r.seconds),
            curve: tested.iter().map(|r| self.objective.of(&r.means)).collect(),
        })
    }

    /// Removes the weights of a finished trial's networks, and what was left half-written; configurations and metrics stay.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn clear(&self, at: &Path) -> Result<()> {
        for i in 0..self.networks() {
            let folder = Folder::at(&fold_path(at, i))?;
            files::sweep(folder.path())?;
            files::remove(&folder.checkpoint())?;
        }
        Ok(())
    }
}

fn fold_path(at: &Path, i: usize) -> std::path::PathBuf {
    at.join(format!("fold-{}", i + 1))
}
