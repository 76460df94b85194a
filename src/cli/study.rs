//! `elbo study`: the main job.

use super::train::{Settings, name};
use super::watch::Show;
use super::{DataArgs, stop_on_ctrl_c};
use crate::data::Baselines;
use crate::error::{Error, Result};
use crate::files;
use crate::models::Kind;
use crate::study::report::{Run, Summary, markdown};
use crate::study::{Subject, consistency, film, interpolate, latent, losses, reconstruct, sample};
use crate::train::{self, Folder, Trainer};
use clap::Args;
use std::path::{Path, PathBuf};
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
    let start = Instant::now();
    let stop = stop_on_ctrl_c()?;
    let data = args.data.load()?;
    let (ae, folder) = match (&args.resume, &args.out) {
        (Some(path), _) => {
            let ae = Folder::open(&path.join("ae"))?;
            (Trainer::resume(&ae.checkpoint(), &data.digest)?, Folder::at(path)?)
        }
        (None, out) => {
            let ae = Trainer::new(args.settings.config(Kind::Ae, &data)?)?;
            let folder = match out {
                Some(path) if path.join("ae").exists() => return Err(taken(path)),
                Some(path) => Folder::at(path)?,
                None => Folder::create_next(&Path::new("runs").join("study"))?,
            };
            (ae, folder)
        }
    };
    // The VAE has the settings of the AE.
    let mut config = ae.config.clone();
    config.architecture.kind = Kind::Vae;
    let vae = match Folder::open(&folder.path().join("vae")) {
        Ok(own) => Trainer::resume(&own.checkpoint(), &data.digest)?,
        Err(_) => Trainer::new(config)?,
    };
    let mut trainers = [ae, vae];
    let baselines = Baselines::of(&data, trainers[0].config.binarize);
    let mut runs = Vec::new();
    for trainer in &mut trainers {
        let name = name(trainer.config.architecture.kind);
        let own = Folder::at(&folder.path().join(name.to_lowercase()))?;
        let mut show = Show::new(name, trainer, &data, &own, quiet);
        train::run(trainer, &data, &own, &mut show, &stop).map_err(|e| match e {
            Error::Interrupted { step, .. } => Error::Interrupted { step, run: folder.path().to_path_buf() },
            e => e,
        })?;
        film::write_film(trainer.config.epochs, &own)?;
        runs.push(Run { name: name.into(), config: trainer.config.clone(), records: own.read_metrics()? });
    }
    let subjects: Vec<Subject> = trainers.iter().map(Subject::from).collect();
    let (reconstructions, r) = reconstruct::measure(&subjects, &data);
    let (consistency, c) = consistency::measure(&subjects, &data);
    let (latent, l) = latent::measure(&subjects, &data);
    let (samples, s) = sample::measure(&subjects[1], &data);
    let (walks, w) = interpolate::measure(&subjects, &data);
    for figure in [losses::draw(&runs, &baselines), r, c, l, s, w].concat() {
        folder.write(&figure.path(), &figure.bytes)?;
    }
    let (data, digest) = (data.name, data.digest);
    let seconds = start.elapsed().as_secs_f64();
    let summary =
        Summary { data, digest, baselines, runs, reconstructions, consistency, latent, samples, walks, seconds };
    folder.write("summary.json", files::json(&summary).as_bytes())?;
    folder.write("report.md", markdown(&summary).as_bytes())?;
    println!("{}", folder.path().join("report.md").display());
    Ok(())
}

fn taken(path: &Path) -> Error {
    let path = path.display();
    Error::Usage(format!("{path} already holds a study; choose another --out, or go on with --resume {path}"))
}
