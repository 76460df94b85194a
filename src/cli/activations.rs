//! `elbo study activations`: the comparison of activation functions.

use super::train::{ActivationChoice, InitChoice, OptimizerChoice};
use super::{DataArgs, family, flags, published, stop_on_signal};
use crate::data::Dataset;
use crate::error::Result;
use crate::lab::activations::ActivationStudy;
use crate::lab::count;
use crate::models::{Config, Trainer, classifier, classifying};
use crate::nn::Activation;
use crate::optim::Descent;
use crate::train::Folder;
use clap::Args;
use std::path::PathBuf;

pub const EXAMPLES: &str = "\
Examples:
  elbo study activations                        ReLU, SELU and tanh, three seeds, five epochs: runs/activations/report.html
  elbo study activations --activations relu,gelu,silu --epochs 10
  elbo study activations --optimizers adam,sgd --init pytorch
  elbo study activations --resume runs/activations";

#[derive(Args, Debug)]
pub struct ActivationArgs {
    /// Which
    #[arg(
        long,
        value_enum,
        value_name = "NAME,…",
        value_delimiter = ',',
        default_value = "relu,selu,tanh",
        help_heading = "Study"
    )]
    activations: Vec<ActivationChoice>,
    /// With which optimisers
    #[arg(
        long,
        value_enum,
        value_name = "NAME,…",
        value_delimiter = ',',
        default_value = "adam",
        help_heading = "Study"
    )]
    optimizers: Vec<OptimizerChoice>,
    /// Networks of each kind, with the seeds from --seed on
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = flags::whole(1_u64..=1000, "a whole number from 1 to 1000"), help_heading = "Study")]
    seeds: u64,
    /// Distribution of the initial weights
    #[arg(long, value_enum, default_value = "matched", help_heading = "Network")]
    init: InitChoice,
    /// Passes over the training images
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = flags::whole(0_u64.., "a whole number of at least 1"), help_heading = "Training")]
    epochs: u64,
    /// Images in a batch
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = flags::whole(0_usize.., "a whole number of at least 1"), help_heading = "Training")]
    batch_size: usize,
    /// Learning rate
    #[arg(long, value_name = "X", default_value_t = 0.001, value_parser = flags::number, help_heading = "Training")]
    lr: f64,
    /// The first seed
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = flags::whole(0_u64.., "a whole number"), help_heading = "Training")]
    seed: u64,
    /// Folder of the study [default: runs/activations, numbered if taken]
    #[arg(long, value_name = "DIR", value_parser = flags::path(), help_heading = "Run")]
    out: Option<PathBuf>,
    /// Go on with the study in this folder, with its own settings
    #[arg(long, value_name = "DIR", value_parser = flags::path(), help_heading = "Run",
        conflicts_with_all = ["out", "activations", "optimizers", "seeds", "init", "epochs", "batch_size", "lr", "seed"])]
    resume: Option<PathBuf>,
    /// Show the report in the browser
    #[arg(long, help_heading = "Run")]
    open: bool,
    #[command(flatten)]
    data: DataArgs,
}

impl ActivationArgs {
    /// A configuration for each nonlinearity, optimiser and seed.
    fn configs(&self, data: &Dataset) -> Result<Vec<Config>> {
        let mut configs: Vec<Config> = Vec::new();
        for &activation in &self.activations {
            for &optimizer in &self.optimizers {
                for seed in (0..self.seeds).map(|i| self.seed.wrapping_add(i)) {
                    let activation = Activation::from(activation);
                    let own = classifier::Settings {
                        activation,
                        init: self.init.of(activation),
                        descent: Descent { optimizer: optimizer.into(), ..Descent::adam(self.lr) },
                        ..classifier::Settings::new(data.train.shape(), data.class_names.len())
                    };
                    let (epochs, batch_size) = (self.epochs, self.batch_size);
                    let config = Config { epochs, batch_size, seed, ..classifying(own) };
                    family::add(&mut configs, config, &format!("{}:", activation.name()), data)?;
                }
            }
        }
        Ok(configs)
    }
}

pub fn run(args: ActivationArgs, quiet: bool) -> Result<()> {
    let stop = stop_on_signal()?;
    let (study, data) = match &args.resume {
        Some(path) => {
            let study = ActivationStudy::resume(path)?;
            let data = args.data.load_for(&study.family().origin()?)?;
            (study, data)
        }
        None => {
            let data = args.data.load()?;
            let configs = args.configs(&data)?;
            (ActivationStudy::begin(family::folder(args.out.as_deref(), "activations")?, configs)?, data)
        }
    };
    if !quiet {
        let configs = study.family().configs();
        let networks = count(configs.len(), "network");
        let what = format!("{networks} of {}", count(configs[0].epochs as usize, "epoch"));
        family::announce(&what, study.family(), &data)?;
    }
    let watch = |name: &str, trainer: &Trainer, own: &Folder| family::show(name, trainer, own, &data, quiet);
    let (_, page) = study.run(&data, watch, &stop)?;
    published(&page, args.open)
}
