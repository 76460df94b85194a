//! `elbo study`: the main job.

use super::train::{Settings, name};
use super::watch::Show;
use super::{DataArgs, stop_on_ctrl_c};
use crate::data::{Baselines, Dataset};
use crate::error::{Error, Result};
use crate::models::Kind;
use crate::plot::Chart;
use crate::study::report::{Run, Summary, markdown};
use crate::study::{Subject, consistency, film, interpolate, latent, reconstruct, sample};
use crate::train::{self, Folder, Record, Trainer};
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
    let write = |name: &str, bytes: &[u8]| folder.write(&format!("figures/{name}"), bytes);
    write("losses.svg", losses(&runs, &baselines).as_bytes())?;
    let (reconstructions, svg) = reconstruct::reconstructions(&subjects, &data, 10);
    write("reconstructions.svg", svg.as_bytes())?;
    let (consistency, maps, spread) = consistency::consistency(&subjects, &data);
    write("consistency.svg", maps.as_bytes())?;
    write("sigma_spread.svg", spread.as_bytes())?;
    let (mut latents, mut walks) = (Vec::new(), Vec::new());
    for subject in &subjects {
        let lower = subject.name.to_lowercase();
        let (numbers, svg) = latent::latent(subject, &data);
        latents.push(numbers);
        if let Some(svg) = svg {
            write(&format!("latent_{lower}.svg"), svg.as_bytes())?;
        }
        let (own, svg) = interpolate::walks(subject, &data);
        walks.extend(own);
        write(&format!("walks_{lower}.svg"), svg.as_bytes())?;
    }
    let vae = &subjects[1];
    if let Some(png) = latent::manifold(vae, &data) {
        write("manifold.png", &png)?;
    }
    let (samples, svg) = sample::samples(vae, &data, 20);
    write("samples.svg", svg.as_bytes())?;
    let Dataset { name, digest, .. } = &data;
    let summary = Summary {
        data: name.clone(),
        digest: digest.clone(),
        baselines,
        runs,
        reconstructions,
        consistency,
        latent: latents,
        samples,
        walks,
        seconds: start.elapsed().as_secs_f64(),
    };
    folder.write("summary.json", (serde_json::to_string_pretty(&summary).expect("plain data") + "\n").as_bytes())?;
    folder.write("report.md", markdown(&summary).as_bytes())?;
    println!("{}", folder.path().join("report.md").display());
    Ok(())
}

fn taken(path: &Path) -> Error {
    let path = path.display();
    Error::Usage(format!("{path} already holds a study; choose another --out, or go on with --resume {path}"))
}

/// Loss against epoch, train and test, with the baselines.
fn losses(runs: &[Run], b: &Baselines) -> String {
    let mut chart = Chart::new("Loss in training", "epoch", "nats per image");
    for run in runs {
        let points = |split: &str| {
            let of = |r: &&Record| r.split == split;
            run.records.iter().filter(of).map(|r| (r.epoch as f64, r.score().total())).collect::<Vec<_>>()
        };
        let what = if run.name == "VAE" { "−ELBO" } else { "loss" };
        chart = chart
            .line(&format!("{}, test {what}", run.name), &points("test"))
            .dashed(&format!("{}, train {what}", run.name), &points("train"));
    }
    chart
        .level(&format!("per-class mean {:.1}", b.per_class), b.per_class)
        .level(&format!("per-pixel mean {:.1}", b.per_pixel), b.per_pixel)
        .level(&format!("one constant {:.1}", b.constant), b.constant)
        .svg()
}
