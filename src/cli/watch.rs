//! Watches a run: frames of its film into its folder, and progress on stderr: a bar for the epoch in hand, a line for each that is done. The bar is only drawn on a terminal.

use crate::data::Dataset;
use crate::error::Result;
use crate::study::film;
use crate::train::{Folder, Score, Trainer, Watch};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shows a run while it trains.
pub struct Show<'a> {
    data: &'a Dataset,
    folder: &'a Folder,
    bar: ProgressBar,
    quiet: bool,
    images: u64,
}

impl<'a> Show<'a> {
    /// For the rest of a trainer's run. `name` is what the run is called.
    pub fn new(name: &str, trainer: &Trainer, data: &'a Dataset, folder: &'a Folder, quiet: bool) -> Self {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let images = data.train.len() as u64;
        let bar = ProgressBar::with_draw_target(Some(images * trainer.config.epochs), target);
        let style = "{prefix} {wide_bar} {msg}  {per_sec:>14}  {eta} left";
        bar.set_style(ProgressStyle::with_template(style).expect("the template is well-formed"));
        bar.set_prefix(name.to_string());
        bar.set_position(images * trainer.progress.epoch + trainer.progress.images);
        bar.reset_eta();
        Show { data, folder, bar, quiet, images }
    }
}

impl Watch for Show<'_> {
    fn step(&mut self, trainer: &Trainer) {
        let p = &trainer.progress;
        self.bar.set_position(self.images * p.epoch + p.images);
        if p.step.is_multiple_of(16) {
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
        film::write_frame(trainer, self.data, self.folder)
    }
}

fn shown(score: Score) -> String {
    match score.kl {
        Some(kl) => format!("{:.2} = {:.2} + KL {kl:.2}", score.total(), score.recon),
        None => format!("{:.2}", score.recon),
    }
}
