//! [`Study`]: an autoencoder and a VAE with the same settings, trained side by side and compared.

use super::losses::{self, Run};
use super::report::{Found, Summary, report};
use super::{EXPERIMENTS, Subject, film, publish};
use crate::data::{Baselines, Dataset, Origin};
use crate::error::{Error, Result};
use crate::files;
use crate::models::Kind;
use crate::train::{self, Config, Folder, Trained, Trainer, Watch};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

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
        let [ae, vae] = Kind::ALL.map(|kind| Trainer::new(beside(config, kind)));
        Ok(Study { trainers: [ae?, vae?], folder })
    }

    /// A folder without a study, for this process alone.
    ///
    /// # Errors
    /// [`Error::Taken`] when there is a study in it, [`Error::Usage`] when another process works there.
    pub fn folder(path: &Path) -> Result<Folder> {
        for kind in Kind::ALL {
            if files::is_there(&Folder::at(&path.join(kind.folder()))?.checkpoint())? {
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
        Ok(Trained::load(&Folder::open(&path.join(Kind::Ae.folder()))?.checkpoint())?.origin)
    }

    /// The study that was begun at `path`: each network where it was, or at its start.
    ///
    /// # Errors
    /// When there is none, with these data; or the settings of both are not the same.
    pub fn resume(path: &Path, data: &Dataset) -> Result<Self> {
        let folder = Folder::at(path)?.claim()?;
        let [ae, vae] = Kind::ALL.map(|kind| path.join(kind.folder()));
        let ae = Trainer::resume(&Folder::open(&ae)?.checkpoint(), data)?;
        let config = beside(&ae.config, Kind::Vae);
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

    /// Trains both to their end, does all experiments and writes what came out; gives the report's page. `watch` gives each network's training somebody who
    /// looks on.
    ///
    /// # Errors
    /// As [`train::run`].
    pub fn run<'w>(
        &mut self,
        data: &Dataset,
        watch: impl Fn(&Trainer, &Folder) -> Box<dyn Watch + 'w>,
        stop: &AtomicBool,
    ) -> Result<(Summary, PathBuf)> {
        let Study { trainers, folder } = self;
        let go_on = || match stop.load(Ordering::Relaxed) {
            true => Err(Error::Interrupted { run: folder.path().to_path_buf() }),
            false => Ok(()),
        };
        let mut runs = Vec::new();
        for trainer in trainers.iter_mut() {
            let kind = trainer.config.architecture.kind;
            let own = Folder::at(&folder.path().join(kind.folder()))?.claim()?;
            let mut watch = watch(trainer, &own);
            let records = train::run(trainer, data, &own, &mut *watch, stop).map_err(|e| e.part_of(folder.path()))?;
            film::write_film(trainer.config.epochs, &own)?;
            runs.push(Run { name: kind.name().into(), config: trainer.config.clone(), records });
        }
        let start = Instant::now();
        let subjects: Vec<Subject> = trainers.iter().map(Subject::from).collect();
        let baselines = Baselines::of(data, runs[0].config.binarize);
        let mut figures = losses::draw(&runs, &baselines);
        let mut found = Vec::new();
        for experiment in &EXPERIMENTS {
            go_on()?;
            let mut findings = (experiment.run)(&subjects, data)?;
            figures.append(&mut findings.figures);
            found.push((experiment, findings));
        }
        go_on()?;
        let training: f64 = trainers.iter().map(|t| t.progress.seconds).sum();
        let summary = Summary {
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

/// The same settings for another kind of network.
fn beside(config: &Config, kind: Kind) -> Config {
    let mut config = config.clone();
    config.architecture.kind = kind;
    config
}
