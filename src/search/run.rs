//! [`Worker`]: somebody who works through trials, beside others.

use super::options;
use super::validate::{CrossValidation, FoldScore, clear};
use super::{Diverged, Plan};
use crate::error::{Error, Result};
use crate::train::{Config, Watch};
use crate::tune::{FrozenTrial, Outcome, Space, State, Study, Trial};
use serde_json::json;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Somebody who wants to know how a search goes. Jobs are numbered from 0.
pub trait Progress: Sync {
    /// A job begins a trial; what it returns watches the training of its networks.
    fn begin(&self, job: usize, trial: &FrozenTrial, steps: u64, networks: usize) -> Box<dyn Watch>;

    /// A trial is over.
    fn end(&self, job: usize, trial: &FrozenTrial);
}

/// Why a worker stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// The study has as many trials as it was to get, or nothing is left to try.
    All,
    /// The time was over.
    Timeout,
}

/// Somebody who works through the trials of a study, in the study's folder.
pub struct Worker<'a> {
    /// What decides the search.
    pub plan: &'a Plan,
    /// What is searched.
    pub space: &'a Space,
    /// The study.
    pub study: &'a Study,
    /// What is measured.
    pub validation: &'a CrossValidation,
    /// The study's folder.
    pub folder: &'a Path,
}

/// The attribute with the [`FoldScore`]s of a trial.
pub const FOLDS: &str = "folds";
/// The attribute that says why a trial failed.
pub const ERROR: &str = "error";

/// Trials that run, or that a worker left when it was killed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Begun by this program, and nobody works on them.
    pub dead: Vec<usize>,
    /// Begun elsewhere: by this program and alive, or by another one.
    pub unknown: Vec<usize>,
}

/// Looks for trials that were left. A worker holds a lock on its trial's folder, which ends with its process.
///
/// # Errors
/// When the study cannot be read.
pub fn left_behind(study: &Study, folder: &Path) -> Result<Left> {
    let mut left = Left::default();
    for trial in study.trials()?.iter().filter(|t| t.state == State::Running) {
        let is_dead = File::open(lock_path(&trial_folder(folder, trial.number))).is_ok_and(|f| f.try_lock().is_ok());
        if is_dead { &mut left.dead } else { &mut left.unknown }.push(trial.number);
    }
    Ok(left)
}

fn trial_folder(folder: &Path, number: usize) -> PathBuf {
    folder.join("trials").join(number.to_string())
}

fn lock_path(trial: &Path) -> PathBuf {
    trial.join("worker.lock")
}

impl Worker<'_> {
    /// Takes up the trials `left`, then begins others until the study has `total` or the time is over, with `jobs` trials at once
    /// on `threads` threads each.
    ///
    /// # Errors
    /// [`Error::Interrupted`] when `stop` was set: the running trials were saved, and [`left_behind`] finds them. Others when a
    /// file cannot be written. A trial that diverges or has bad parameters is no error of the search.
    pub fn work(
        &self,
        left: &[usize],
        total: usize,
        (jobs, threads): (usize, usize),
        until: Option<Instant>,
        progress: &dyn Progress,
        stop: &AtomicBool,
    ) -> Result<Done> {
        let queue = Mutex::new(left.iter().rev().copied().collect::<Vec<_>>());
        let next = || queue.lock().unwrap_or_else(|e| e.into_inner()).pop();
        let job = |job: usize| -> Result<Done> {
            loop {
                if stop.load(Ordering::Relaxed) {
                    return Err(Error::Interrupted { run: self.folder.to_path_buf() });
                }
                if until.is_some_and(|until| Instant::now() >= until) {
                    return Ok(Done::Timeout);
                }
                let trial = match next() {
                    Some(number) => self.study.take_up(number)?,
                    None => match self.study.ask_within(total)? {
                        Some(trial) => trial,
                        None => return Ok(Done::All),
                    },
                };
                self.run(job, trial, progress, stop).map_err(|e| {
                    // The other jobs end at their next step.
                    stop.store(true, Ordering::Relaxed);
                    match e {
                        Error::Interrupted { .. } => Error::Interrupted { run: self.folder.to_path_buf() },
                        e => e,
                    }
                })?;
            }
        };
        if jobs == 1 {
            return job(0);
        }
        let pool = |_| rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pools = (0..jobs).map(pool).collect::<Result<Vec<_>, _>>();
        let pools = pools.map_err(|e| Error::Usage(format!("--jobs: {e}")))?;
        let results: Vec<Result<Done>> = std::thread::scope(|scope| {
            let start = |(i, pool): (usize, &'_ rayon::ThreadPool)| pool.install(|| job(i));
            let handles: Vec<_> = pools.iter().enumerate().map(|pool| scope.spawn(move || start(pool))).collect();
            handles.into_iter().map(|h| h.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
        });
        // What went wrong says more than that the others were stopped for it.
        let (interrupted, rest): (Vec<_>, Vec<_>) =
            results.into_iter().partition(|r| matches!(r, Err(Error::Interrupted { .. })));
        let mut done = Done::All;
        for result in rest {
            if result? == Done::Timeout {
                done = Done::Timeout;
            }
        }
        interrupted.into_iter().next().unwrap_or(Ok(done))
    }

    /// One trial, from where it is to its end.
    fn run(&self, job: usize, mut trial: Trial, progress: &dyn Progress, stop: &AtomicBool) -> Result<()> {
        let at = trial_folder(self.folder, trial.number);
        fs::create_dir_all(&at).map_err(Error::io(&at))?;
        let path = lock_path(&at);
        let lock = OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(Error::io(&path))?;
        lock.try_lock().map_err(|_| Error::Usage(format!("{}: another worker is at this trial", at.display())))?;

        let outcome = match self.config(&mut trial) {
            Ok(config) => {
                let steps = self.validation.steps(&config);
                let mut watch = progress.begin(job, trial.frozen(), steps, self.validation.len());
                let by_fold = self.plan.reports_folds();
                let measured = self.validation.measure(&mut trial, &config, by_fold, &at, &mut *watch, stop);
                self.outcome(&mut trial, measured)?
            }
            Err(Error::Usage(why)) => {
                trial.set_attrs([(ERROR, json!(why))])?;
                Outcome::Fail
            }
            Err(e) => return Err(e),
        };
        let number = trial.number;
        self.study.tell(trial, outcome)?;
        clear(&at, self.validation.len())?;
        drop(lock);
        fs::remove_file(&path).map_err(Error::io(&path))?;
        progress.end(job, &self.study.trials()?[number]);
        Ok(())
    }

    fn config(&self, trial: &mut Trial) -> Result<Config> {
        let values = trial.suggest_all(self.space)?;
        options::apply(&self.plan.base, &values)
    }

    /// What a measurement means for the trial.
    fn outcome(&self, trial: &mut Trial, measured: Result<Option<Vec<FoldScore>>>) -> Result<Outcome> {
        let mean = |x: Vec<f64>| x.iter().sum::<f64>() / x.len() as f64;
        match measured {
            Ok(Some(folds)) => {
                trial.set_attrs([(FOLDS, serde_json::to_value(&folds).expect("plain data"))])?;
                Ok(Outcome::Complete(vec![mean(folds.iter().map(|f| self.plan.objective.of(f.recon, f.kl)).collect())]))
            }
            // What was measured of the folds counts: told as complete, so that the sampler can use it.
            Ok(None) if self.plan.reports_folds() => {
                let reports: Vec<f64> = trial.frozen().reports.values().copied().collect();
                trial.set_attrs([("pruned after folds", json!(reports.len()))])?;
                Ok(Outcome::Complete(vec![mean(reports)]))
            }
            Ok(None) => Ok(Outcome::Pruned),
            Err(e @ Error::Diverged { .. }) => {
                trial.set_attrs([(ERROR, json!(e.to_string()))])?;
                Ok(match self.plan.diverged {
                    Diverged::Fail => Outcome::Fail,
                    Diverged::Loss(loss) => Outcome::Complete(vec![loss]),
                })
            }
            Err(e) => Err(e),
        }
    }
}
