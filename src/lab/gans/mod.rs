//! [`GanStudy`]: GANs and VAEs on the same data, measured by one [`judge`](super::judge).

mod background;
mod figures;
mod report;
#[cfg(test)]
mod tests;

pub use figures::{gradients, scores};

use super::family::{Family, grouped};
use super::judge::{About, Judge, Verdict};
use super::makers::{Maker, common_pixels};
use super::{film, publish};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::models::{Config, Network, Settings, Trained, Trainer};
use crate::train::{Folder, Record, Watch};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// GANs and VAEs that differ in kind or seed, and what comes of them.
pub struct GanStudy(Family);

/// Everything that was measured: `summary.json`.
#[derive(Clone, Debug, Serialize)]
pub struct GanSummary {
    /// Name of the data.
    pub data: String,
    /// Their SHA-256.
    pub digest: String,
    /// Training and test images.
    pub images: [usize; 2],
    /// Names of the classes.
    pub classes: Vec<String>,
    /// What was judged by.
    pub judge: About,
    /// What to compare with: other real images, the means of the classes, the mean image.
    pub references: Vec<Verdict>,
    /// Real images, to show.
    #[serde(skip)]
    pub real: Vec<Vec<f32>>,
    /// Channels, height and width of an image.
    pub shape: [usize; 3],
    /// The networks, in the order of training.
    pub runs: Vec<Run>,
}

/// One of the networks.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// What it has in common with those that differ in their seed.
    pub group: String,
    /// Its configuration.
    pub config: Config,
    /// Its metrics, epoch by epoch.
    pub records: Vec<Record>,
    /// The step and the tensor at which it diverged.
    pub diverged: Option<String>,
    /// Seconds of an epoch.
    pub seconds: f64,
    /// What its new images measure: of a VAE its means and its draws; none where it diverged.
    pub verdicts: Vec<Verdict>,
    /// Its film, from the report's folder; none where it was trained elsewhere.
    #[serde(skip)]
    pub film: Option<String>,
}

impl GanSummary {
    /// The networks that differ in nothing but their seed, with what they have in common.
    pub fn groups(&self) -> Vec<(&str, Vec<&Run>)> {
        grouped(&self.runs, |run| &run.group)
    }

    /// The verdicts of the seeds, by what made the images.
    pub fn makers(&self) -> Vec<(&str, Vec<&Verdict>)> {
        grouped(self.runs.iter().flat_map(|run| &run.verdicts), |verdict| &verdict.name)
    }
}

impl GanStudy {
    /// A new study in `folder` of networks with these configurations.
    ///
    /// # Errors
    /// When one makes no new images or no sense, or the plan cannot be written.
    pub fn begin(folder: Folder, configs: Vec<Config>) -> Result<Self> {
        configs.iter().try_for_each(check)?;
        Ok(GanStudy(Family::begin(folder, configs, group)?))
    }

    /// The study that was begun at `path`.
    ///
    /// # Errors
    /// When there is none, or another process works there.
    pub fn resume(path: &Path) -> Result<Self> {
        let family = Family::resume(path, group)?;
        family.configs().iter().try_for_each(check)?;
        Ok(GanStudy(family))
    }

    /// The networks.
    pub fn family(&self) -> &Family {
        &self.0
    }

    /// Trains all networks to their ends, judges their images and writes what came out; gives the report's page. `watch` makes an observer
    /// of each network's training.
    ///
    /// # Errors
    /// As [`Family::train`], and when there are too few images to judge.
    pub fn run<'w>(
        &self,
        judge: &Trained,
        data: &Dataset,
        watch: impl Fn(&str, &Trainer, &Folder) -> Box<dyn Watch<Network> + 'w>,
        stop: &AtomicBool,
    ) -> Result<(GanSummary, PathBuf)> {
        let pixels = common_pixels(self.0.configs().iter().map(|config| config.binarize));
        let judge = Judge::new(judge, data, pixels, super::judge::IMAGES)?;
        let mut runs = Vec::new();
        self.0.train(data, watch, stop, |member| {
            film::write_film(member.trainer.config.epochs, &member.folder)?;
            let trained = Trained::load(&member.folder.checkpoint())?;
            let run = look(&trained, member.group, member.records, member.diverged, &judge);
            let film = member.folder.path().file_name().map(|name| format!("{}/film.png", name.to_string_lossy()));
            runs.push(Run { film, ..run });
            Ok(())
        })?;
        conclude(&judge, runs, data, self.0.path())
    }
}

/// Judges runs that are trained already, and writes the report on them into `folder`; gives its page.
///
/// # Errors
/// When one of them makes no new images, has another's settings and seed, or there are too few images to judge.
pub fn of_runs(
    runs: &[(Folder, Trained)],
    judge: &Trained,
    data: &Dataset,
    folder: &Folder,
) -> Result<(GanSummary, PathBuf)> {
    runs.iter().try_for_each(|(_, trained)| check(&trained.config))?;
    let configs: Vec<Config> = runs.iter().map(|(_, trained)| trained.config.clone()).collect();
    if let Some(i) = (0..configs.len()).find(|&i| configs[..i].contains(&configs[i])) {
        let path = runs[i].0.path().display();
        return Err(Error::Usage(format!("{path}: another run has the same settings and the same seed")));
    }
    let pixels = common_pixels(configs.iter().map(|config| config.binarize));
    let judge = Judge::new(judge, data, pixels, super::judge::IMAGES)?;
    let look = |(own, trained): &(Folder, Trained)| {
        Ok(look(trained, group(&configs, &trained.config), own.read_metrics()?, None, &judge))
    };
    let looked = runs.iter().map(look).collect::<Result<Vec<Run>>>()?;
    conclude(&judge, looked, data, folder)
}

fn look(trained: &Trained, group: String, records: Vec<Record>, diverged: Option<String>, judge: &Judge) -> Run {
    let verdict = |maker: Maker| {
        // Of a VAE there are two.
        let name = match maker {
            Maker::Means(_) => format!("{group}, means"),
            Maker::Draws(_) => format!("{group}, draws"),
            Maker::Gan(_) => group.clone(),
            Maker::Last(_) => format!("{group}, without average"),
        };
        judge.of(&name, &maker)
    };
    let makers = if diverged.is_some() { Vec::new() } else { Maker::all(trained) };
    let verdicts = makers.into_iter().map(verdict).collect();
    let seconds = trained.progress.seconds_per_epoch();
    Run { config: trained.config.clone(), records, diverged, seconds, verdicts, group, film: None }
}

fn conclude(judge: &Judge, runs: Vec<Run>, data: &Dataset, folder: &Folder) -> Result<(GanSummary, PathBuf)> {
    let summary = GanSummary {
        data: data.name.clone(),
        digest: data.digest.clone(),
        images: [data.train.len(), data.test.len()],
        classes: data.class_names.clone(),
        judge: judge.about().clone(),
        references: judge.references(),
        real: judge.real(),
        shape: data.train.shape(),
        runs,
    };
    let report = report::report(&summary)?;
    folder.write("references.bib", background::bibliography()?.as_bytes())?;
    let page = publish(folder, &figures::draw(&summary), &summary, &report)?;
    Ok((summary, page))
}

/// Whether it makes new images.
fn check(config: &Config) -> Result<()> {
    match &config.network {
        Settings::Vae(_) | Settings::Gan(_) => Ok(()),
        other => Err(Error::Usage(format!("a study of GANs compares GANs and VAEs, found a {}", other.name()))),
    }
}

/// What a network has in common with those that differ in their seed: its kind and, where there are several, its architecture or latent
/// dimensions.
fn group(all: &[Config], config: &Config) -> String {
    match &config.network {
        Settings::Gan(own) => {
            let name = own.variant.technique().name;
            let is_other = |other: &Config| match &other.network {
                Settings::Gan(other) => other.variant == own.variant && other.is_convolutional != own.is_convolutional,
                _ => false,
            };
            match (all.iter().any(is_other), own.is_convolutional) {
                (false, _) => name.into(),
                (true, true) => format!("{name}, convolutional"),
                (true, false) => format!("{name}, dense"),
            }
        }
        other => match other.coder() {
            Some(own) => format!("{}, {}-D", other.name(), own.architecture.latent),
            None => other.name().into(),
        },
    }
}
