//! `elbo study gans`: GANs and VAEs, measured side by side.

use super::gan::VariantChoice;
use super::judge::{judge_of, open_makers};
use super::{DataArgs, family, flags, published, stop_on_signal};
use crate::data::{Dataset, Encoding};
use crate::error::Result;
use crate::lab::count;
use crate::lab::gans::{GanStudy, of_runs};
use crate::models::{Architecture, Config, Settings, Trainer, adversarial, coder, exercise, gan};
use crate::optim::Descent;
use crate::train::Folder;
use clap::Args;
use std::path::PathBuf;

pub const EXAMPLES: &str = "\
Examples:
  elbo study gans                               four GANs and two VAEs, three seeds each: runs/gans/report.html
  elbo study gans --kinds dcgan,lsgan --latent-dims 20 --seeds 1 --epochs 3
  elbo study gans runs/gan runs/gan-2 runs/vae  of runs that are trained already
  elbo study gans --resume runs/gans";

/// The learning rate of the VAEs: at that of the exercise the last epoch is luck.
const VAE_LR: f64 = 0.001;
/// Epochs of the GANs: half of those of one that is trained alone, so that three seeds of four kinds take an hour.
const GAN_EPOCHS: u64 = 5;

#[derive(Args, Debug)]
pub struct GansArgs {
    /// Folders of runs that are trained already, instead of training
    #[arg(value_name = "RUN", value_parser = flags::path(), conflicts_with_all = ["kinds", "latent_dims", "seeds", "epochs", "seed", "resume"])]
    runs: Vec<PathBuf>,
    /// Which GANs
    #[arg(
        long,
        value_enum,
        value_name = "NAME,…",
        value_delimiter = ',',
        default_value = "vanilla,dcgan,wgan-gp,sngan",
        help_heading = "Study"
    )]
    kinds: Vec<VariantChoice>,
    /// Latent dimensions of the VAEs, one each
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "2,20", value_parser = flags::whole(0_usize.., "numbers of at least 1, such as 2,20"), help_heading = "Study")]
    latent_dims: Vec<usize>,
    /// Networks of each kind, with the seeds from --seed on
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = flags::whole(1_u64..=1000, "a whole number from 1 to 1000"), help_heading = "Study")]
    seeds: u64,
    /// Passes over the training images [default: GANs 5, VAEs 20]
    #[arg(long, value_name = "N", value_parser = flags::whole(0_u64.., "a whole number of at least 1"), help_heading = "Training")]
    epochs: Option<u64>,
    /// The first seed
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = flags::whole(0_u64.., "a whole number"), help_heading = "Training")]
    seed: u64,
    /// Folder of the study [default: runs/gans, numbered if taken]
    #[arg(long, value_name = "DIR", value_parser = flags::path(), help_heading = "Run")]
    out: Option<PathBuf>,
    /// Go on with the study in this folder, with its own settings
    #[arg(long, value_name = "DIR", value_parser = flags::path(), help_heading = "Run",
        conflicts_with_all = ["out", "kinds", "latent_dims", "seeds", "epochs", "seed"])]
    resume: Option<PathBuf>,
    /// Show the report in the browser
    #[arg(long, help_heading = "Run")]
    open: bool,
    #[command(flatten)]
    data: DataArgs,
}

impl GansArgs {
    /// A configuration for each VAE, GAN and seed: of grey pixels, as GANs have them.
    fn configs(&self, data: &Dataset) -> Result<Vec<Config>> {
        let shape = data.train.shape();
        let vae = |&latent: &usize| {
            let own = coder::Settings::new(data.train.pixels());
            let architecture = Architecture { latent, ..own.architecture };
            let own = coder::Settings { architecture, descent: Descent::adam(VAE_LR), ..own };
            let of = exercise(data.train.pixels());
            Config { network: Settings::Vae(own), binarize: Encoding::Grey, ..of }
        };
        let gan = |&kind: &VariantChoice| {
            let own = gan::Settings::new(kind.into(), shape, data.class_names.len());
            Config { epochs: GAN_EPOCHS, ..adversarial(own) }
        };
        let mut configs: Vec<Config> = Vec::new();
        // Seed after seed, so that a study that is stopped has something to say of all kinds.
        for seed in (0..self.seeds).map(|i| self.seed.wrapping_add(i)) {
            for of in self.latent_dims.iter().map(vae).chain(self.kinds.iter().map(gan)) {
                let config = Config { epochs: self.epochs.unwrap_or(of.epochs), seed, ..of.clone() };
                let name = format!("a {} is", config.network.name());
                family::add(&mut configs, config, &name, data)?;
            }
        }
        Ok(configs)
    }
}

pub fn run(args: GansArgs, quiet: bool) -> Result<()> {
    let stop = stop_on_signal()?;
    if !args.runs.is_empty() {
        let (runs, data) = open_makers(&args.runs, &args.data)?;
        let judge = judge_of(&data, quiet, &stop)?;
        let (_, page) = of_runs(&runs, &judge, &data, &family::folder(args.out.as_deref(), "gans")?)?;
        return published(&page, args.open);
    }
    let (study, data) = match &args.resume {
        Some(path) => {
            let study = GanStudy::resume(path)?;
            let data = args.data.load_for(&study.family().origin()?)?;
            (study, data)
        }
        None => {
            let data = args.data.load()?;
            let configs = args.configs(&data)?;
            (GanStudy::begin(family::folder(args.out.as_deref(), "gans")?, configs)?, data)
        }
    };
    let networks = study.family();
    let judge = judge_of(&data, quiet, &stop).map_err(|e| e.part_of(networks.path().path()))?;
    if !quiet {
        family::announce(&count(networks.configs().len(), "network"), networks, &data)?;
    }
    let watch = |name: &str, trainer: &Trainer, own: &Folder| family::show(name, trainer, own, &data, quiet);
    let (_, page) = study.run(&judge, &data, watch, &stop)?;
    published(&page, args.open)
}
