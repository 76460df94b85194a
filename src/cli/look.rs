//! `elbo reconstruct`, `consistency`, `latent`, `sample` and `interpolate`: one experiment of the study on a trained run.

use super::DataArgs;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::files;
use crate::study::{Figure, Subject, consistency, interpolate, latent, reconstruct, sample};
use crate::train::{Folder, Trained};
use clap::Args;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub struct LookArgs {
    /// Folder of the run, as `elbo train` printed it; figures go to its folder `figures`
    run: PathBuf,
    /// Print the numbers as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
}

/// Which experiment.
#[derive(Clone, Copy, Debug)]
pub enum Look {
    Reconstruct,
    Consistency,
    Latent,
    Sample,
    Interpolate,
}

pub fn run(look: Look, args: LookArgs) -> Result<()> {
    let folder = Folder::open(&args.run)?;
    let trained = Trained::load(&folder.checkpoint())?;
    let data = args.data.load()?;
    let pixels = trained.config.architecture.pixels;
    if data.test.pixels() != pixels {
        let found = format!("{} pixels in {}", data.test.pixels(), data.name);
        return Err(Error::format(&folder.checkpoint(), "images", format!("{pixels} pixels"), found));
    }
    if data.digest != trained.data && !args.data.is_named() {
        let found = format!("{} ({}); name them with --data to look at the run on them", data.name, data.source);
        return Err(Error::format(&folder.checkpoint(), "data", "those it was trained on", found));
    }
    if matches!(look, Look::Sample) && !trained.config.architecture.kind.is_variational() {
        return Err(Error::Usage("an autoencoder has no prior to draw new images from; sample needs a VAE".into()));
    }
    if data.digest != trained.data {
        eprintln!("note: {} is not what the run was trained on", data.name);
    }
    let subjects = [Subject::from(&trained)];
    let (json, text, figures) = experiment(look, &subjects, &data);
    for figure in &figures {
        folder.write(&figure.path(), &figure.bytes)?;
    }
    if args.json {
        return say!("{}", json.trim_end());
    }
    // Pictures are not for the terminal: their files are named instead.
    for paragraph in text.iter().filter(|p| !p.starts_with("![")) {
        say!("{paragraph}\n")?;
    }
    for figure in &figures {
        say!("{}", folder.path().join(figure.path()).display())?;
    }
    Ok(())
}

/// The numbers of an experiment as JSON, its paragraphs and its figures.
fn experiment(look: Look, subjects: &[Subject], data: &Dataset) -> (String, Vec<String>, Vec<Figure>) {
    match look {
        Look::Reconstruct => {
            let (numbers, figures) = reconstruct::measure(subjects, data);
            (files::json(&numbers), reconstruct::tell(&numbers), figures)
        }
        Look::Consistency => {
            let (numbers, figures) = consistency::measure(subjects, data);
            (files::json(&numbers), consistency::tell(&numbers), figures)
        }
        Look::Latent => {
            let (numbers, figures) = latent::measure(subjects, data);
            (files::json(&numbers), latent::tell(&numbers), figures)
        }
        Look::Sample => {
            let (numbers, figures) = sample::measure(&subjects[0], data);
            (files::json(&numbers), sample::tell(&numbers), figures)
        }
        Look::Interpolate => {
            let (numbers, figures) = interpolate::measure(subjects, data);
            (files::json(&numbers), interpolate::tell(&numbers), figures)
        }
    }
}
