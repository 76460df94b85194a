//! Watches a run: frames of its film into its folder; on stderr a line for each epoch that is done and, on a terminal, a bar.

use crate::data::Dataset;
use crate::error::Result;
use crate::study::film;
use crate::train::{Folder, Score, Trainer, Watch};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt;

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
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let images = data.train.len() as u64;
        let bar = ProgressBar::with_draw_target(Some(images * trainer.config.epochs), target);
        let narrow = console::Term::stderr().size().1 < 100;
        let template = match narrow {
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

impl Watch for Show<'_> {
    fn step(&mut self, trainer: &Trainer) {
        let p = &trainer.progress;
        self.bar.set_position(self.images * p.epoch + p.images);
        if p.step % 16 == 1 {
            self.bar.set_message(format!("epoch {:>2}  {}", p.epoch + 1, shown(trainer.running())));
        }
    }

    fn epoch(&mut self, trainer: &Trainer, train: Score, test: Score) -> Result<()> {
        if !self.quiet {
            let (name, p) = (self.bar.prefix(), &trainer.progress);
            let line = format!(
                "{name} epoch {:>2}  train {}  test {}  {:.1} s",
                p.epoch,
                shown(train),
                shown(test),
                p.seconds
            );
            self.bar.suspend(|| eprintln!("{line}"));
        }
        film::write_frame(trainer, self.data, &self.folder)
    }
}

fn shown(score: Score) -> String {
    match score.kl {
        Some(kl) => format!("{:.2} = {:.2} + KL {kl:.2}", score.total(), score.recon),
        None => format!("{:.2}", score.recon),
    }
}
