//! `elbo reconstruct`, `consistency`, `latent`, `sample` and `interpolate`: one experiment of the study on a trained run.

use super::DataArgs;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::study::{Subject, consistency, interpolate, latent, reconstruct, sample};
use crate::train::{Folder, Trained};
use clap::Args;
use serde::Serialize;
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
    let subject = Subject::from(&trained);
    let figure = |name: &str, bytes: &[u8]| -> Result<()> {
        let name = format!("figures/{name}");
        folder.write(&name, bytes)?;
        if !args.json {
            println!("{}", folder.path().join(name).display());
        }
        Ok(())
    };
    let numbers = experiment(look, &subject, &data, &figure)?;
    if args.json {
        print!("{numbers}");
    }
    Ok(())
}

/// Runs an experiment, hands its figures to `figure`, and gives its numbers as JSON.
fn experiment(
    look: Look,
    subject: &Subject,
    data: &Dataset,
    figure: &dyn Fn(&str, &[u8]) -> Result<()>,
) -> Result<String> {
    match look {
        Look::Reconstruct => {
            let (numbers, svg) = reconstruct::reconstructions(std::slice::from_ref(subject), data, 10);
            figure("reconstructions.svg", svg.as_bytes())?;
            Ok(json(&numbers))
        }
        Look::Consistency => {
            let (numbers, maps, spread) = consistency::consistency(std::slice::from_ref(subject), data);
            figure("consistency.svg", maps.as_bytes())?;
            figure("sigma_spread.svg", spread.as_bytes())?;
            Ok(json(&numbers))
        }
        Look::Latent => {
            let (numbers, svg) = latent::latent(subject, data);
            match svg {
                Some(svg) => figure("latent.svg", svg.as_bytes())?,
                None => eprintln!("no scatter: the latent space has {} dimensions, not 2", subject.latent),
            }
            if let Some(png) = latent::manifold(subject, data) {
                figure("manifold.png", &png)?;
            }
            Ok(json(&numbers))
        }
        Look::Sample => {
            let (numbers, svg) = sample::samples(subject, data, 20);
            figure("samples.svg", svg.as_bytes())?;
            Ok(json(&numbers))
        }
        Look::Interpolate => {
            let (numbers, svg) = interpolate::walks(subject, data);
            figure("walks.svg", svg.as_bytes())?;
            Ok(json(&numbers))
        }
    }
}

fn json(numbers: &impl Serialize) -> String {
    serde_json::to_string_pretty(numbers).expect("plain data") + "\n"
}
