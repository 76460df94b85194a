//! `elbo study`: the main job.

use super::train::Settings;
use super::watch::Show;
use super::{DataArgs, publish, stop_on_ctrl_c};
use crate::data::{Baselines, Dataset};
use crate::error::{Error, Result};
use crate::models::Kind;
use crate::study::report::{Run, Summary, markdown};
use crate::study::{Subject, consistency, film, interpolate, latent, losses, reconstruct, sample};
use crate::train::{self, Config, Folder, Trainer};
use clap::Args;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Instant;

#[derive(Args, Debug)]
pub struct StudyArgs {
    /// Folder of the study [default: runs/study, numbered if taken]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on with the study in this folder, with its own settings
    #[arg(long, value_name = "DIR", conflicts_with_all = ["out", "Settings"])]
    resume: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    settings: Settings,
}

pub fn run(args: StudyArgs, quiet: bool) -> Result<()> {
    let data = args.data.load()?;
    let stop = stop_on_ctrl_c()?;
    let (mut trainers, folder) = match &args.resume {
        Some(path) => (resume(path, &data)?, Folder::at(path)?),
        None => {
            let config = args.settings.config(Kind::Ae, &data)?;
            let folder = match &args.out {
                Some(path) => fresh(path)?,
                None => Folder::create_next(&Path::new("runs").join("study"))?,
            };
            ([Trainer::new(config.clone())?, Trainer::new(beside(config))?], folder)
        }
    };
    let baselines = Baselines::of(&data, trainers[0].config.binarize);
    let mut runs = Vec::new();
    let interrupted = || Error::Interrupted { run: folder.path().to_path_buf() };
    for trainer in &mut trainers {
        let kind = trainer.config.architecture.kind;
        let own = Folder::at(&folder.path().join(kind.folder()))?;
        let mut show = Show::new(kind.name(), trainer, &data, &own, quiet);
        train::run(trainer, &data, &own, &mut show, &stop).map_err(|e| match e {
            Error::Interrupted { .. } => interrupted(),
            e => e,
        })?;
        film::write_film(trainer.config.epochs, &own)?;
        runs.push(Run { name: kind.name().into(), config: trainer.config.clone(), records: own.read_metrics()? });
    }
    let start = Instant::now();
    let subjects: Vec<Subject> = trainers.iter().map(Subject::from).collect();
    let go_on = || match stop.load(Ordering::Relaxed) {
        true => Err(interrupted()),
        false => Ok(()),
    };
    go_on()?;
    let (reconstructions, r) = reconstruct::measure(&subjects, &data);
    go_on()?;
    let (consistency, c) = consistency::measure(&subjects, &data);
    go_on()?;
    let (latent, l) = latent::measure(&subjects, &data);
    go_on()?;
    let (samples, s) = sample::measure(&subjects[1], &data);
    let (walks, w) = interpolate::measure(&subjects, &data);
    go_on()?;
    let figures = [losses::draw(&runs, &baselines), r, c, l, s, w].concat();
    let images = [data.train.len(), data.test.len()];
    let (data, digest) = (data.name, data.digest);
    let training: f64 = trainers.iter().map(|t| t.progress.seconds).sum();
    let seconds = training + start.elapsed().as_secs_f64();
    let summary = Summary {
        data,
        digest,
        images,
        baselines,
        runs,
        reconstructions,
        consistency,
        latent,
        samples,
        walks,
        seconds,
    };
    publish(&folder, &figures, &summary, &markdown(&summary))?;
    say!("{}", folder.path().join("report.md").display())?;
    Ok(())
}

/// The settings of the VAE beside an AE: the same.
fn beside(mut ae: Config) -> Config {
    ae.architecture.kind = Kind::Vae;
    ae
}

/// A folder without a study.
fn fresh(path: &Path) -> Result<Folder> {
    if Kind::ALL.iter().any(|&kind| Folder::open(&path.join(kind.folder())).is_ok()) {
        let path = path.display();
        let other = format!("{path} already holds a study; choose another --out, or go on with --resume {path}");
        return Err(Error::Usage(other));
    }
    Folder::at(path)
}

/// The trainers of a study that was begun: each where it was, or at its start.
fn resume(path: &Path, data: &Dataset) -> Result<[Trainer; 2]> {
    let [ae, vae] = Kind::ALL.map(|kind| Folder::open(&path.join(kind.folder())));
    let ae = Trainer::resume(&ae?.checkpoint(), &data.digest)?;
    let config = beside(ae.config.clone());
    let vae = match vae {
        Ok(folder) => {
            let vae = Trainer::resume(&folder.checkpoint(), &data.digest)?;
            if vae.config != config {
                let found = "others (see config.json of both)";
                return Err(Error::format(&folder.checkpoint(), "settings", "those of the AE beside it", found));
            }
            vae
        }
        Err(_) => Trainer::new(config)?,
    };
    Ok([ae, vae])
}
