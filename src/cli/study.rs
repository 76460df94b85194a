//! `elbo study`: the main job.

use super::train::{Settings, diverged};
use super::watch::Show;
use super::{DataArgs, flags, publish, stop_on_signal};
use crate::data::{Baselines, Dataset};
use crate::error::{Error, Result};
use crate::files;
use crate::lab::losses::Run;
use crate::lab::report::{Summary, markdown};
use crate::lab::{Subject, consistency, film, interpolate, latent, losses, reconstruct, sample};
use crate::models::Kind;
use crate::train::{self, Config, Folder, Standing, Trained, Trainer};
use clap::Args;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Instant;

pub const EXAMPLES: &str = "\
Examples:
  elbo study                                    the exercise on Fashion-MNIST: runs/study/report.md
  elbo study --epochs 3 --limit 6000            a quick look
  elbo study --lr 0.001 --latent-dim 8 --out runs/wide
  elbo study --resume runs/wide                 go on after an interruption";

#[derive(Args, Debug)]
pub struct StudyArgs {
    /// Folder of the study [default: runs/study, numbered if taken]
    #[arg(long, value_name = "DIR", value_parser = flags::path(), help_heading = "Run")]
    out: Option<PathBuf>,
    /// Go on with the study in this folder, with its own settings
    #[arg(long, value_name = "DIR", value_parser = flags::path(), conflicts_with_all = ["out", "Settings"], help_heading = "Run")]
    resume: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    settings: Settings,
}

pub fn run(args: StudyArgs, quiet: bool) -> Result<()> {
    let stop = stop_on_signal()?;
    let (mut trainers, folder, data) = match &args.resume {
        Some(path) => {
            let folder = Folder::open(&path.join(Kind::Ae.folder()))?;
            let data = args.data.load_for(&Trained::load(&folder.checkpoint())?.origin)?;
            let folder = Folder::at(path)?.claim()?;
            (resume(path, &data)?, folder, data)
        }
        None => {
            let data = args.data.load()?;
            let config = args.settings.config(Kind::Ae, &data)?;
            args.settings.remark(&beside(config.clone()), &data, quiet);
            let folder = match &args.out {
                Some(path) => fresh(path)?,
                None => Folder::create_next(&Path::new("runs").join("study"))?,
            };
            ([Trainer::new(config.clone())?, Trainer::new(beside(config))?], folder, data)
        }
    };
    let baselines = Baselines::of(&data, trainers[0].config.binarize);
    let mut runs = Vec::new();
    let interrupted = || Error::Interrupted { run: folder.path().to_path_buf() };
    for trainer in &mut trainers {
        let kind = trainer.config.architecture.kind;
        let own = Folder::at(&folder.path().join(kind.folder()))?.claim()?;
        let mut show = Show::new(kind.name(), trainer, &data, &own, quiet);
        let records = train::run(trainer, &data, &own, &mut show, &stop).map_err(|e| match e {
            Error::Interrupted { .. } => interrupted(),
            e => e,
        })?;
        film::write_film(trainer.config.epochs, &own)?;
        runs.push(Run { name: kind.name().into(), config: trainer.config.clone(), records });
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
    match summary.runs.iter().find(|run| run.standing(&summary.baselines) == Standing::Diverged) {
        Some(run) => Err(diverged(&run.name)),
        None => Ok(()),
    }
}

/// The settings of the VAE beside an AE: the same.
fn beside(mut ae: Config) -> Config {
    ae.architecture.kind = Kind::Vae;
    ae
}

/// A folder without a study.
fn fresh(path: &Path) -> Result<Folder> {
    for kind in Kind::ALL {
        if files::is_there(&Folder::at(&path.join(kind.folder()))?.checkpoint())? {
            return Err(Error::Taken { path: path.to_path_buf(), what: "study" });
        }
    }
    Folder::at(path)?.claim()
}

/// The trainers of a study that was begun: each where it was, or at its start.
fn resume(path: &Path, data: &Dataset) -> Result<[Trainer; 2]> {
    let [ae, vae] = Kind::ALL.map(|kind| path.join(kind.folder()));
    let ae = Trainer::resume(&Folder::open(&ae)?.checkpoint(), data)?;
    let config = beside(ae.config.clone());
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
    Ok([ae, vae])
}
