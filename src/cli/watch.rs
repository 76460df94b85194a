//! Watches a run: frames of its film into its folder; on stderr a line for each epoch that is done and, on a terminal, a bar. And
//! watches a search: a line for each trial that is over, and a bar for each that runs.

use crate::data::Dataset;
use crate::error::Result;
use crate::lab::{count, film};
use crate::models::{Network, Trainer};
use crate::search::FrozenTrial;
use crate::train::{Folder, Task, Terms, Watch};
use crate::tune::row::TrialRow;
use crate::tune::{Plan, WatchTrials};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt;

fn target(quiet: bool) -> ProgressDrawTarget {
    if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() }
}

/// Whether a bar leaves no room beside its numbers.
fn is_narrow() -> bool {
    console::Term::stderr().size().1 < 100
}

/// Shows a run while it trains.
pub struct Show<'a> {
    data: &'a Dataset,
    folder: Folder,
    bar: ProgressBar,
    quiet: bool,
    images: u64,
}

impl<'a> Show<'a> {
    /// For the rest of a trainer's run. `name` is what the run is called.
    pub fn new(name: &str, trainer: &Trainer, data: &'a Dataset, folder: &Folder, quiet: bool) -> Self {
        let images = data.train.len() as u64;
        let bar = ProgressBar::with_draw_target(Some(images * trainer.config.epochs), target(quiet));
        let template = match is_narrow() {
            true => "{prefix} {percent:>3} %  {eta} left  {wide_msg}",
            false => "{prefix} {wide_bar} {msg}  {rate:>8} images/s  {eta} left",
        };
        let rate = |state: &ProgressState, out: &mut dyn fmt::Write| {
            write!(out, "{:.0}", state.per_sec()).expect("a bar takes text");
        };
        let style = ProgressStyle::with_template(template).expect("the template is well-formed");
        bar.set_style(style.with_key("rate", rate));
        bar.set_prefix(name.to_string());
        bar.set_position(images * trainer.progress.epoch + trainer.progress.images);
        bar.reset_eta();
        Show { data, folder: folder.clone(), bar, quiet, images }
    }
}

impl Drop for Show<'_> {
    /// What is said after the run begins on a line of its own.
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Watch<Network> for Show<'_> {
    fn step(&mut self, trainer: &Trainer) {
        let p = &trainer.progress;
        self.bar.set_position(self.images * p.epoch + p.images);
        if p.step % 16 == 1 {
            self.bar.set_message(format!("epoch {:>2}  {}", p.epoch + 1, trainer.task.line(&trainer.running())));
        }
    }

    fn epoch(&mut self, trainer: &Trainer, train: &Terms, test: &Terms) -> Result<()> {
        if !self.quiet {
            let (name, p) = (self.bar.prefix(), &trainer.progress);
            let line = format!(
                "{name} epoch {:>2}  train {}  test {}  {:.1} s",
                p.epoch,
                trainer.task.line(train),
                trainer.task.line(test),
                p.seconds
            );
            self.bar.suspend(|| note!("{line}"));
        }
        film::write_frame(trainer, self.data, &self.folder)
    }
}

/// A trial in one line.
pub fn line(row: &TrialRow, plan: &Plan) -> String {
    format!(
        "trial {:>2}  {}  {}  [{}]  {:.1} s",
        row.number,
        row.outcome(plan),
        row.settings(),
        row.source,
        row.seconds
    )
}

/// A bar for each job on a terminal, and a line for each trial that is over.
pub struct Bars {
    all: MultiProgress,
    plan: Plan,
    total: usize,
    quiet: bool,
}

impl Bars {
    /// For a study that is to get so many trials.
    pub fn new(plan: &Plan, total: usize, quiet: bool) -> Self {
        Bars { all: MultiProgress::with_draw_target(target(quiet)), plan: plan.clone(), total, quiet }
    }
}

impl WatchTrials for Bars {
    fn begin(&self, _: usize, trial: &FrozenTrial, steps: u64, networks: usize) -> Box<dyn Watch<Network>> {
        let bar = self.all.add(ProgressBar::new(steps));
        let template = match is_narrow() {
            true => "{prefix} {percent:>3} %  {eta} left",
            false => "{prefix} {wide_bar} {msg}  {eta} left",
        };
        bar.set_style(ProgressStyle::with_template(template).expect("the template is well-formed"));
        bar.set_prefix(format!("trial {} of {}", trial.number + 1, self.total));
        bar.set_message(format!("{}, {}", TrialRow::of(trial, &self.plan).settings(), count(networks, "fold")));
        Box::new(Bar(bar))
    }

    fn end(&self, _: usize, trial: &FrozenTrial) {
        if !self.quiet {
            let line = line(&TrialRow::of(trial, &self.plan), &self.plan);
            self.all.suspend(|| note!("{line}"));
        }
    }
}

struct Bar(ProgressBar);

impl Watch<Network> for Bar {
    fn step(&mut self, _: &Trainer) {
        self.0.inc(1);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
