//! [`CrossValidation`]: what a configuration costs on images that it did not learn from.

use crate::data::{Dataset, Folds};
use crate::error::{Error, Result};
use crate::models::Kind;
use crate::train::{Config, Folder, Score, Trainer, Watch, run_until};
use crate::tune::Trial;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// What is minimised, over the images of a fold that was not learnt from, in nats per image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Objective {
    /// The reconstruction loss −E[ln p(x | z)], with one sample z ~ q(z | x) an image.
    #[default]
    Recon,
    /// The negative ELBO: the same plus KL(q(z | x) ‖ p(z)).
    Elbo,
}

impl Objective {
    /// Its value, of a reconstruction loss and a KL term.
    pub fn of(self, recon: f64, kl: f64) -> f64 {
        match self {
            Objective::Recon => recon,
            Objective::Elbo => recon + kl,
        }
    }

    /// What it is called in text.
    pub fn name(self) -> &'static str {
        match self {
            Objective::Recon => "reconstruction loss",
            Objective::Elbo => "−ELBO",
        }
    }
}

/// A network of one fold: its last score, and its loss after each epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoldScore {
    /// −E[ln p(x | z)] on the images of the fold, nats per image.
    pub recon: f64,
    /// KL(q(z | x) ‖ p(z)), nats per image.
    pub kl: f64,
    /// Seconds of training and judging.
    pub seconds: f64,
    /// The objective after each epoch.
    pub curve: Vec<f64>,
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

/// The standard error of a mean: s/√n. The networks of K folds share most of their training images, so that for
/// cross-validation it is on the small side (Bengio and Grandvalet, *No unbiased estimator of the variance of K-fold
/// cross-validation*, JMLR 5, 2004).
pub fn standard_error(x: &[f64]) -> f64 {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    (x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0) / n).sqrt()
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

    /// The number of networks that a trial trains.
    pub fn len(&self) -> usize {
        self.folds.len()
    }

    /// Whether there are none: never.
    pub fn is_empty(&self) -> bool {
        self.folds.is_empty()
    }

    /// Training steps of a trial.
    pub fn steps(&self, config: &Config) -> u64 {
        let batches = |data: &Dataset| data.train.len().div_ceil(config.batch_size) as u64;
        config.epochs * self.folds.iter().map(batches).sum::<u64>()
    }

    /// Trains one network a fold in the folder `at`, from where it was left, and reports to the trial on the way: with `by_fold`
    /// one fold after the other, step i being the loss of fold i; else side by side, step e being the mean loss after epoch e.
    /// None if the trial was pruned.
    ///
    /// # Errors
    /// As [`run_until`].
    pub fn measure(
        &self,
        trial: &mut Trial,
        config: &Config,
        by_fold: bool,
        at: &Path,
        watch: &mut dyn Watch,
        stop: &AtomicBool,
    ) -> Result<Option<Vec<FoldScore>>> {
        assert_eq!(config.architecture.kind, Kind::Vae);
        let mut runs = Vec::new();
        for (i, data) in self.folds.iter().enumerate() {
            let folder = Folder::at(&at.join(format!("fold-{}", i + 1)))?;
            let trainer = match folder.checkpoint().exists() {
                true => Trainer::resume(&folder.checkpoint(), &data.digest)?,
                false => Trainer::new(Config { seed: config.seed + (i / self.k) as u64, ..config.clone() })?,
            };
            if trainer.config.epochs != config.epochs {
                let found = trainer.config.epochs;
                return Err(Error::format(&folder.checkpoint(), "epochs", config.epochs, found));
            }
            runs.push((trainer, data, folder));
        }
        let mut scores = Vec::new();
        if by_fold {
            for (i, (trainer, data, folder)) in runs.iter_mut().enumerate() {
                run_until(config.epochs, trainer, data, folder, watch, stop)?;
                let score = self.score(folder)?;
                trial.report(i as u64, self.objective.of(score.recon, score.kl))?;
                scores.push(score);
                if trial.should_prune()? {
                    return Ok(None);
                }
            }
            return Ok(Some(scores));
        }
        for epoch in 1..=config.epochs {
            for (trainer, data, folder) in &mut runs {
                run_until(epoch, trainer, data, folder, watch, stop)?;
            }
            scores = runs.iter().map(|(_, _, folder)| self.score(folder)).collect::<Result<Vec<_>>>()?;
            let losses = scores.iter().map(|s| s.curve[epoch as usize - 1]);
            trial.report(epoch, losses.sum::<f64>() / scores.len() as f64)?;
            if trial.should_prune()? {
                return Ok(None);
            }
        }
        Ok(Some(scores))
    }

    /// What a fold's metrics say.
    fn score(&self, folder: &Folder) -> Result<FoldScore> {
        let records = folder.read_metrics()?;
        let tested: Vec<Score> = records.iter().filter(|r| r.split == "test").map(|r| r.score()).collect();
        let end = tested.last().expect("an epoch was done");
        Ok(FoldScore {
            recon: end.recon,
            kl: end.kl.unwrap_or(0.0),
            seconds: records.last().map_or(0.0, |r| r.seconds),
            curve: tested.iter().map(|s| self.objective.of(s.recon, s.kl.unwrap_or(0.0))).collect(),
        })
    }
}

/// Removes the weights of a finished trial's networks; configurations and metrics stay.
pub fn clear(at: &Path, folds: usize) -> Result<()> {
    for i in 1..=folds {
        let path = at.join(format!("fold-{i}")).join("checkpoint.safetensors");
        match fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(Error::io(&path)(e)),
            _ => {}
        }
    }
    Ok(())
}
