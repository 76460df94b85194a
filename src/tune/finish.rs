//! From the first trial of a session to its report.

use super::row::Fate;
use super::session::Session;
use super::summary::{self, SearchSummary};
use super::{Done, WatchTrials, budget, report};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::lab::publish;
use crate::models::{Network, Trainer};
use crate::train::{Folder, Watch};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// What a process does at a study.
#[derive(Clone, Debug, Default)]
pub struct Share {
    /// Trials that were left, to take up.
    pub left: Vec<usize>,
    /// Trials at once.
    pub jobs: usize,
    /// When no further trial is begun.
    pub until: Option<Instant>,
}

/// How far the study came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// All trials are over, and the best settings are trained, if a trial is complete.
    Over,
    /// The time was over first.
    Timeout,
    /// So many trials still run, in other processes.
    Running(usize),
}

impl Session {
    /// What can be expected of the study, in a sentence each.
    pub fn expectations(&self, jobs: usize) -> Vec<String> {
        budget::expectations(&self.plan, &self.space, self.total, jobs)
    }

    /// Works at the trials, trains the best settings when all are over, and writes figures, numbers and the report, whose path is
    /// given with what it tells and how far the study came. `trials` observes the trials, and what `best` gives the last training.
    ///
    /// # Errors
    /// As [`train::run`](crate::train::run). That the best settings cannot be trained is no error but part of the report.
    pub fn run<'w>(
        &self,
        data: &Dataset,
        share: &Share,
        trials: &dyn WatchTrials,
        best: impl FnOnce(&Trainer, &Folder) -> Box<dyn Watch<Network> + 'w>,
        stop: &AtomicBool,
    ) -> Result<(SearchSummary, Stand, PathBuf)> {
        let threads = (rayon::current_num_threads() / share.jobs).max(1);
        let done = self.worker().work(&share.left, self.total, (share.jobs, threads), share.until, trials, stop)?;
        let frozen = self.study.trials()?;
        let mut summary = summary::measure(&frozen, &self.plan, self.expectations(share.jobs), data);
        let running = summary.trials.iter().filter(|t| t.fate == Fate::Running).count();
        let stand = match (done, running) {
            (Done::Timeout, _) => Stand::Timeout,
            (Done::All, 0) => Stand::Over,
            (Done::All, n) => Stand::Running(n),
        };
        if stand == Stand::Over {
            match self.train_best(data, best, stop) {
                Err(e @ (Error::Diverged { .. } | Error::Usage(_) | Error::Setting { .. })) => {
                    summary.test_error = Some(e.to_string());
                }
                tested => {
                    let (test, standing) = tested?.unzip();
                    (summary.test, summary.standing) = (test, standing.flatten());
                }
            }
        }
        let suggestion = summary::last_suggestion(&frozen, &self.plan);
        let figures = report::draw(&frozen, &summary, suggestion.as_ref().map(|(_, a)| a));
        let told = report::report(&summary, &self.space, suggestion.as_ref());
        let page = publish(&self.folder, &figures, &summary, &told)?;
        Ok((summary, stand, page))
    }
}
