//! [`Study`]: an autoencoder and a VAE with the same settings, trained side by side and compared.

use super::losses::{self, Run};
use super::report::{Found, StudySummary, report};
use super::{EXPERIMENTS, Subject, film, publish};
use crate::data::{Baselines, Dataset, Origin};
use crate::error::{Error, Result};
use crate::files;
use crate::models::{Config, Network, Settings, Trained, Trainer};
use crate::train::{self, Folder, Watch};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// The folders of both.
const FOLDERS: [&str; 2] = ["ae", "vae"];

/// Both networks and the folder of what comes out: each network's run in a folder of its own, the figures of all experiments, their
/// numbers in `summary.json` and what they say in `report.html` and `report.md`.
pub struct Study {
    /// The autoencoder, and the VAE.
    trainers: [Trainer; 2],
    folder: Folder,
}

impl Study {
    /// A new study in `folder`, with the settings of `config` for both networks.
    ///
    /// # Errors
    /// When the settings make no sense.
    pub fn begin(folder: Folder, config: &Config) -> Result<Self> {
        let [ae, vae] = both(config).map(Trainer::new);
        Ok(Study { trainers: [ae?, vae?], folder })
    }

    /// A folder without a study, for this process alone.
    ///
    /// # Errors
    /// [`Error::Taken`] when there is a study in it, [`Error::Usage`] when another process works there.
    pub fn folder(path: &Path) -> Result<Folder> {
        for folder in FOLDERS {
            if files::is_there(&Folder::at(&path.join(folder))?.checkpoint())? {
                return Err(Error::Taken { path: path.to_path_buf(), what: "study" });
            }
        }
        Folder::at(path)?.claim()
    }

    /// Where the data of the study at `path` were.
    ///
    /// # Errors
    /// When there is none.
    pub fn origin(path: &Path) -> Result<Origin> {
        Ok(Trained::load(&Folder::open(&path.join(FOLDERS[0]))?.checkpoint())?.origin)
    }

    /// The study that was begun at `path`: each network where it was, or at its start.
    ///
    /// # Errors
    /// When there is none, with these data; or the settings of both are not the same.
    pub fn resume(path: &Path, data: &Dataset) -> Result<Self> {
        let folder = Folder::at(path)?.claim()?;
        let [ae, vae] = FOLDERS.map(|folder| path.join(folder));
        let ae = Trainer::resume(&Folder::open(&ae)?.checkpoint(), data)?;
        let [_, config] = both(&ae.config);
        let checkpoint = Folder::at(&vae)?.checkpoint();
        let vae = match files::is_there(&checkpoint)? {
            true => {
                let vae = Trainer::resume(&checkpoint, data)?;
                if vae.config != config {
                    let found = "others (see config.json of both)";
                    return Err(Error::format(&checkpoint, "settings", "those of the AE beside it", found));
                }
                vae
            }
            false => Trainer::new(config)?,
        };
        Ok(Study { trainers: [ae, vae], folder })
    }

    /// Trains both to their end, does all experiments and writes what came out; gives the report's page. `watch` makes an observer of
    /// each network's training.
    ///
    /// # Errors
    /// As [`train::run`].
    pub fn run<'w>(
        &mut self,
        data: &Dataset,
        watch: impl Fn(&Trainer, &Folder) -> Box<dyn Watch<Network> + 'w>,
        stop: &AtomicBool,
    ) -> Result<(StudySummary, PathBuf)> {
        let Study { trainers, folder } = self;
        let go_on = || match stop.load(Ordering::Relaxed) {
            true => Err(Error::Interrupted { run: folder.path().to_path_buf() }),
            false => Ok(()),
        };
        let mut runs = Vec::new();
        for trainer in trainers.iter_mut() {
            let own = Folder::at(&folder.path().join(trainer.config.network.folder()))?.claim()?;
            let mut watch = watch(trainer, &own);
            let records = train::run(trainer, data, &own, &mut *watch, stop).map_err(|e| e.part_of(folder.path()))?;
            film::write_film(trainer.config.epochs, &own)?;
            runs.push(Run { name: trainer.config.network.name().into(), config: trainer.config.clone(), records });
        }
        let start = Instant::now();
        let subjects: Vec<Subject> = trainers.iter().filter_map(Subject::of).collect();
        let baselines = Baselines::of(data, runs[0].config.binarize);
        let mut figures = losses::draw(&runs, &baselines);
        let mut found = Vec::new();
        for experiment in &EXPERIMENTS {
            let Some(run) = experiment.run.of_coders() else { continue };
            go_on()?;
            let mut findings = run(&subjects, data)?;
            figures.append(&mut findings.figures);
            found.push((experiment, findings));
        }
        go_on()?;
        let training: f64 = trainers.iter().map(|t| t.progress.seconds).sum();
        let summary = StudySummary {
            data: data.name.clone(),
            digest: data.digest.clone(),
            images: [data.train.len(), data.test.len()],
            baselines,
            runs,
            found: Found(found),
            seconds: training + start.elapsed().as_secs_f64(),
        };
        let page = publish(folder, &figures, &summary, &report(&summary))?;
        Ok((summary, page))
    }
}

/// The same settings for the autoencoder and the VAE.
fn both(config: &Config) -> [Config; 2] {
    let own = || config.network.coder().expect("what the study trains encodes and decodes").clone();
    [Settings::Ae(own()), Settings::Vae(own())].map(|network| Config { network, ..config.clone() })
}
