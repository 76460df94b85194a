//! `elbo reconstruct`, `consistency`, `latent`, `sample` and `interpolate`: one experiment of the study on a trained run.

use super::{DataArgs, flags};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::files;
use crate::lab::{Figure, Subject, consistency, interpolate, latent, reconstruct, sample, terminal};
use crate::models::{Network, Trained};
use crate::train::{Folder, Task};
use clap::Args;
use serde::Serialize;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub struct LookArgs {
    /// Folder of the run, as `elbo train` printed it; figures go to its folder `figures`
    #[arg(value_parser = flags::path())]
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
    let data = args.data.load_for(&trained.origin)?;
    let pixels = Network::pixels(&trained.config.network);
    if data.test.pixels() != pixels {
        let found = format!("{} pixels in {}", data.test.pixels(), data.name);
        return Err(Error::format(&folder.checkpoint(), "images", format!("{pixels} pixels"), found));
    }
    if data.digest != trained.data && !args.data.is_named() {
        let found = format!("{} ({}); name them with --data to look at the run on them", data.name, data.source);
        return Err(Error::format(&folder.checkpoint(), "data", "those it was trained on", found));
    }
    let subject = Subject::of_trained(&trained);
    let subject =
        subject.ok_or_else(|| Error::Usage("the run's network has no encoder and decoder to look at".into()))?;
    if matches!(look, Look::Sample) && !subject.is_variational() {
        return Err(Error::Usage("an autoencoder has no prior to draw new images from; sample needs a VAE".into()));
    }
    if data.digest != trained.data {
        note!("note: {} is not what the run was trained on", data.name);
    }
    let (json, text, figures) = experiment(look, &[subject], &data);
    for figure in &figures {
        folder.write(&figure.path(), &figure.bytes)?;
    }
    if args.json {
        return say!("{}", json.trim_end());
    }
    // Pictures are not for the terminal: their files are named instead.
    for lines in text.iter().map(|paragraph| terminal::lines(paragraph, width())).filter(|lines| !lines.is_empty()) {
        say!("{}\n", lines.join("\n"))?;
    }
    for figure in &figures {
        say!("{}", folder.path().join(figure.path()).display())?;
    }
    Ok(())
}

/// Letters of a line: those of the terminal, but for lines too long to read.
fn width() -> usize {
    let columns = console::Term::stdout().size_checked().map_or(80, |(_, columns)| columns.into());
    usize::clamp(columns, 20, 110)
}

/// The numbers of an experiment as JSON, its paragraphs and its figures.
fn experiment(look: Look, subjects: &[Subject], data: &Dataset) -> (String, Vec<String>, Vec<Figure>) {
    match look {
        Look::Reconstruct => told(reconstruct::measure(subjects, data), reconstruct::tell),
        Look::Consistency => told(consistency::measure(subjects, data), |n| consistency::tell(n)),
        Look::Latent => told(latent::measure(subjects, data), |n| latent::tell(n)),
        Look::Sample => told(sample::measure(&subjects[0], data), sample::tell),
        Look::Interpolate => told(interpolate::measure(subjects, data), |n| interpolate::tell(n)),
    }
}

fn told<N: Serialize>(
    (numbers, figures): (N, Vec<Figure>),
    tell: impl Fn(&N) -> Vec<String>,
) -> (String, Vec<String>, Vec<Figure>) {
    (files::json(&numbers), tell(&numbers), figures)
}
