//! [`Worker`]: goes through trials, beside others.

use super::options;
use super::row::{Fate, folds};
use super::validate::{CrossValidation, End, FoldScore};
use super::{Diverged, Plan};
use crate::error::{Error, Result};
use crate::files;
use crate::models::{Config, Network};
use crate::search::{FrozenTrial, Outcome, Space, State, Study, Trial, Value};
use crate::stats::mean;
use crate::train::Watch;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// An observer of a search. Jobs are numbered from 0.
pub trait WatchTrials: Sync {
    /// A job begins a trial; what it returns watches the training of its networks.
    fn begin(&self, job: usize, trial: &FrozenTrial, steps: u64, networks: usize) -> Box<dyn Watch<Network>>;

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

/// Works through the trials of a study, in the study's folder.
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
/// The attribute that says why a trial has no loss of its own.
pub const ERROR: &str = "error";
/// The attribute of a trial that took over the result of another: its number.
pub const KNOWN: &str = "result_of_trial";
/// The attribute of a trial that was stopped and told as complete: after how many folds.
pub const STOPPED: &str = "stopped_after_folds";

/// A trial's folder, for one worker: held until dropped, and let go when its process ends. The file that is locked stays: whoever
/// removed it would let a third worker lock another one of the same name.
struct Claim {
    at: PathBuf,
    _lock: File,
}

impl Claim {
    /// None if another worker has it.
    fn of(folder: &Path, number: usize) -> Result<Option<Self>> {
        let at = trial_folder(folder, number);
        fs::create_dir_all(&at).map_err(Error::io(&at))?;
        let path = lock_path(&at);
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(Error::io(&path))?;
        // Somebody may just be looking whether it is held.
        for _ in 0..20 {
            if files::try_lock(&file, &path)? {
                return Ok(Some(Claim { at, _lock: file }));
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        Ok(None)
    }
}

fn values_of(trial: &FrozenTrial) -> BTreeMap<String, Value> {
    trial.params.iter().map(|(name, p)| (name.clone(), p.value())).collect()
}

fn trial_folder(folder: &Path, number: usize) -> PathBuf {
    folder.join("trials").join(number.to_string())
}

fn lock_path(trial: &Path) -> PathBuf {
    trial.join("worker.lock")
}

/// Whether a worker of this program is at a trial.
pub fn is_held(folder: &Path, number: usize) -> bool {
    let file = File::open(lock_path(&trial_folder(folder, number)));
    // A shared lock, not to stand in the way of who claims it.
    file.is_ok_and(|f| f.try_lock_shared().is_err())
}

/// Trials that run, or that a worker left when it was killed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Begun by this program, and nobody works on them.
    pub dead: Vec<usize>,
    /// A worker of this program is at them.
    pub alive: Vec<usize>,
    /// Begun by another program, or by this one just now.
    pub unknown: Vec<usize>,
}

/// Looks for trials that were left. A worker holds a lock on its trial's folder, which ends with its process.
///
/// # Errors
/// When the study cannot be read.
pub fn left_behind(study: &Study, folder: &Path) -> Result<Left> {
    let mut left = Left::default();
    for trial in study.trials()?.iter().filter(|t| t.state == State::Running) {
        let kind = match files::is_there(&lock_path(&trial_folder(folder, trial.number)))? {
            false => &mut left.unknown,
            true if is_held(folder, trial.number) => &mut left.alive,
            true => &mut left.dead,
        };
        kind.push(trial.number);
    }
    Ok(left)
}

impl Worker<'_> {
    /// Takes up the trials `left`, then begins others until the study has `total` or the time is over, with `jobs` trials at once
    /// on `threads` threads each.
    ///
    /// # Errors
    /// [`Error::Interrupted`] when `stop` was set: the running trials were saved, and [`Session::left`](super::session::Session::left) finds them. Others when a
    /// file cannot be written. A trial that diverges or has bad parameters is no error of the search.
    pub fn work(
        &self,
        left: &[usize],
        total: usize,
        (jobs, threads): (usize, usize),
        until: Option<Instant>,
        progress: &dyn WatchTrials,
        stop: &AtomicBool,
    ) -> Result<Done> {
        self.tidy()?;
        let queue = Mutex::new(left.iter().rev().copied().collect::<Vec<_>>());
        let next = || queue.lock().unwrap_or_else(|e| e.into_inner()).pop();
        let job = |job: usize| {
            let result = loop {
                if stop.load(Ordering::Relaxed) {
                    break Err(Error::Interrupted { run: PathBuf::new() });
                }
                match self.one(job, next(), total, until, progress, stop) {
                    Ok(None) => {}
                    Ok(Some(done)) => break Ok(done),
                    Err(e) => break Err(e),
                }
            };
            result.map_err(|e| {
                // The other jobs end at their next step.
                stop.store(true, Ordering::Relaxed);
                e.part_of(self.folder)
            })
        };
        if jobs == 1 {
            return job(0);
        }
        let pool = |_| rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pools = (0..jobs).map(pool).collect::<Result<Vec<_>, _>>();
        let pools = pools.map_err(|e| Error::Usage(format!("`jobs`: {e}")))?;
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

    /// Removes what workers that were killed left in the study's folder and of trials that are over.
    fn tidy(&self) -> Result<()> {
        for within in ["", "figures"] {
            // Other workers write there, but nobody for so long.
            files::sweep_older(&self.folder.join(within), Duration::from_secs(3600))?;
        }
        for trial in self.study.trials()?.iter().filter(|t| t.state.is_finished()) {
            // Whoever holds it removes the rest.
            if files::is_there(&lock_path(&trial_folder(self.folder, trial.number)))?
                && let Some(claim) = Claim::of(self.folder, trial.number)?
            {
                self.validation.clear(&claim.at)?;
            }
        }
        Ok(())
    }

    /// One trial: the one that was `left`, or the next. Gives why there is none.
    fn one(
        &self,
        job: usize,
        left: Option<usize>,
        total: usize,
        until: Option<Instant>,
        progress: &dyn WatchTrials,
        stop: &AtomicBool,
    ) -> Result<Option<Done>> {
        if let Some(number) = left {
            // Another worker may have taken it up, and may be done with it.
            let Some(claim) = Claim::of(self.folder, number)? else { return Ok(None) };
            let is_running = self.study.trials()?.get(number).is_some_and(|t| t.state == State::Running);
            if is_running {
                self.run(job, self.study.take_up(number)?, claim, progress, stop)?;
            }
            return Ok(None);
        }
        if until.is_some_and(|until| Instant::now() >= until) {
            return Ok(Some(if self.study.look(|s| s.begun())? >= total { Done::All } else { Done::Timeout }));
        }
        let claim = |number| {
            let busy = || {
                let at = trial_folder(self.folder, number);
                Error::Usage(format!("{}: a worker of another study is at it", at.display()))
            };
            Claim::of(self.folder, number)?.ok_or_else(busy)
        };
        let Some((trial, claim)) = self.study.ask_claimed(total, claim)? else { return Ok(Some(Done::All)) };
        self.run(job, trial, claim, progress, stop).map(|()| None)
    }

    /// A trial, from where it is to its end.
    fn run(&self, job: usize, trial: Trial, claim: Claim, progress: &dyn WatchTrials, stop: &AtomicBool) -> Result<()> {
        let number = trial.number;
        if let Err(e) = self.measure(job, trial, &claim.at, progress, stop) {
            // Somebody else may have ended the trial: then there is nothing left to do for it.
            let is_over = matches!(e, Error::Usage(_)) && self.study.trials()?[number].state.is_finished();
            if !is_over {
                return Err(e);
            }
        }
        self.validation.clear(&claim.at)?;
        progress.end(job, &self.study.trials()?[number]);
        Ok(())
    }

    /// Trains the networks of a trial and tells what came of it.
    fn measure(
        &self,
        job: usize,
        mut trial: Trial,
        at: &Path,
        progress: &dyn WatchTrials,
        stop: &AtomicBool,
    ) -> Result<()> {
        // All parameters are set in one piece: a trial that is taken up has those that it began with.
        let values = match trial.frozen().params.is_empty() {
            true => trial.suggest_all(self.space),
            false => Ok(values_of(trial.frozen())),
        };
        // A queued value may be none that the parameter takes.
        let config: Config = match values.and_then(|values| options::apply(&self.plan.base, &values)) {
            Ok(config) => config,
            Err(why @ (Error::Usage(_) | Error::Setting { .. })) => {
                trial.set_attrs([(ERROR, json!(why.to_string()))])?;
                return self.study.tell(trial, Outcome::Fail);
            }
            Err(e) => return Err(e),
        };
        if let Some(known) = self.known(&trial, &config)? {
            return self.take_over(trial, &known);
        }
        let mut watch = progress.begin(job, trial.frozen(), self.validation.steps(&config), self.validation.networks());
        let by_fold = self.plan.reports_folds();
        let (folds, end) = self.validation.measure(&mut trial, &config, by_fold, at, &mut *watch, stop)?;
        trial.set_attrs([(FOLDS, serde_json::to_value(&folds).expect("plain data"))])?;
        let outcome = self.outcome(&mut trial, &folds, end)?;
        self.study.tell(trial, outcome)
    }

    /// A trial that was measured with the same configuration, seed included, on the same folds: it would end with the same bits.
    fn known(&self, trial: &Trial, config: &Config) -> Result<Option<Arc<FrozenTrial>>> {
        let is_same = |t: &FrozenTrial| {
            let measured = match Fate::of(t) {
                Fate::Complete => folds(t).len() == self.validation.networks() && !t.user_attrs.contains_key(KNOWN),
                Fate::Diverged => t.user_attrs.contains_key(FOLDS) && !t.user_attrs.contains_key(KNOWN),
                _ => false,
            };
            measured && options::apply(&self.plan.base, &values_of(t)).is_ok_and(|other| other == *config)
        };
        Ok(self.study.trials()?.into_iter().find(|t| t.number != trial.number && is_same(t)))
    }

    /// Ends a trial with the result of another.
    fn take_over(&self, mut trial: Trial, known: &FrozenTrial) -> Result<()> {
        // Nothing was trained.
        let folds: Vec<FoldScore> = folds(known).into_iter().map(|f| FoldScore { seconds: 0.0, ..f }).collect();
        let folds = serde_json::to_value(folds).expect("plain data");
        let error = known.user_attrs.get(ERROR).map(|error| (ERROR, error.clone()));
        trial.set_attrs([(KNOWN, json!(known.number)), (FOLDS, folds)].into_iter().chain(error))?;
        for (&step, &value) in &known.reports {
            trial.report(step, value)?;
        }
        self.study.tell(trial, Outcome::Complete(known.values.clone().unwrap_or_default()))
    }

    /// What a measurement means for the trial.
    fn outcome(&self, trial: &mut Trial, folds: &[FoldScore], end: End) -> Result<Outcome> {
        let loss = mean(folds.iter().map(|f| self.plan.objective.of(&f.means)));
        let error = match (end, self.plan.diverged) {
            // Else the sampler would take what nearly diverged for worse than what did.
            (End::Done, Diverged::Loss(most)) if loss > most => {
                format!("the loss {loss:.3e} is above that of a diverged trial")
            }
            (End::Done, _) => return Ok(Outcome::Complete(vec![loss])),
            // What was measured of the folds counts: told as complete, so that the sampler can use it.
            (End::Pruned, _) if self.plan.reports_folds() => {
                trial.set_attrs([(STOPPED, json!(folds.len()))])?;
                return Ok(Outcome::Complete(vec![loss]));
            }
            (End::Pruned, _) => return Ok(Outcome::Pruned),
            (End::Diverged(why), _) => why,
        };
        trial.set_attrs([(ERROR, json!(error))])?;
        Ok(match self.plan.diverged {
            Diverged::Fail => Outcome::Fail,
            Diverged::Loss(loss) => Outcome::Complete(vec![loss]),
        })
    }
}
