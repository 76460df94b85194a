//! `elbo study`: the main job.

use super::activations::{self, ActivationArgs};
use super::gans::{self, GansArgs};
use super::train::{SettingsArgs, diverged};
use super::watch::Show;
use super::{DataArgs, flags, published, stop_on_signal};
use crate::error::{Error, Result};
use crate::lab::study::Study;
use crate::models::{Network, Settings, Standing, Trainer};
use crate::train::{Folder, Watch};
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};

pub const EXAMPLES: &str = "\
Examples:
  elbo study                                    the exercise on Fashion-MNIST: runs/study/report.html
  elbo study --epochs 3 --limit 6000            a quick look
  elbo study --lr 0.001 --latent-dim 8 --out runs/wide
  elbo study --resume runs/wide                 go on after an interruption
  elbo study activations                        ReLU, SELU and tanh on a CNN, three seeds each
  elbo study gans                               GANs and VAEs, side by side";

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct StudyArgs {
    #[command(subcommand)]
    of: Option<StudyOf>,
    /// Folder of the study [default: runs/study, numbered if taken]
    #[arg(long, value_name = "DIR", value_parser = flags::path(), help_heading = "Run")]
    out: Option<PathBuf>,
    /// Go on with the study in this folder, with its own settings
    #[arg(long, value_name = "DIR", value_parser = flags::path(), conflicts_with_all = ["out", "SettingsArgs"], help_heading = "Run")]
    resume: Option<PathBuf>,
    /// Show the report in the browser
    #[arg(long, help_heading = "Run")]
    open: bool,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// Other studies than that of the autoencoder and the VAE.
#[derive(Subcommand, Debug)]
enum StudyOf {
    /// Train a CNN with several activation functions over several seeds, and look at the signals inside
    #[command(after_help = activations::EXAMPLES)]
    Activations(ActivationArgs),
    /// Train GANs and VAEs over several seeds, judge their new images, and compare them
    #[command(after_help = gans::EXAMPLES)]
    Gans(GansArgs),
}

pub fn run(args: StudyArgs, quiet: bool) -> Result<()> {
    match args.of {
        Some(StudyOf::Activations(args)) => return activations::run(args, quiet),
        Some(StudyOf::Gans(args)) => return gans::run(args, quiet),
        None => {}
    }
    let stop = stop_on_signal()?;
    let (mut study, data) = match args.resume {
        Some(path) => {
            let data = args.data.load_for(&Study::origin(&path)?)?;
            (Study::resume(&path, &data)?, data)
        }
        None => {
            let data = args.data.load()?;
            if data.train.is_points() {
                return Err(Error::Usage("a study shows images, and these are points of the plane: see train".into()));
            }
            // Of the two the VAE has more settings that can be without effect.
            let config = args.settings.config(Settings::Vae, &data)?;
            args.settings.remark(&config, &data, quiet);
            let folder = match &args.out {
                Some(path) => Study::folder(path)?,
                None => Folder::create_next(&Path::new("runs").join("study"))?,
            };
            (Study::begin(folder, &config)?, data)
        }
    };
    let watch = |trainer: &Trainer, own: &Folder| {
        let name = trainer.config.network.name();
        Box::new(Show::new(name, trainer, &data, own, quiet)) as Box<dyn Watch<Network>>
    };
    let (summary, page) = study.run(&data, watch, &stop)?;
    published(&page, args.open)?;
    match summary.runs.iter().find(|run| run.standing(&summary.baselines) == Standing::Diverged) {
        Some(run) => Err(diverged(&run.name)),
        None => Ok(()),
    }
}
