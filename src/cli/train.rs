//! `elbo train`: one network, into a run's folder.

use super::gan::{GanArgs, OF_GANS};
use super::judge;
use super::look::tell_on_terminal;
use super::watch::Show;
use super::{DataArgs, flags, stop_on_signal};
use crate::data::{Baselines, Dataset, Encoding};
use crate::error::{Error, Result};
use crate::lab::judge::{IMAGES, cache::can_be_judged};
use crate::lab::makers::Maker;
use crate::lab::{film, plane};
use crate::models::gan::Variant;
use crate::models::{
    Architecture, Config, Network, Score, Settings, Standing, Trained, Trainer, adversarial, classifier, classifying,
    coder, gan,
};
use crate::nn::{Activation, Init};
use crate::optim::{Descent, LrSchedule, OptimizerKind};
use crate::train::{self, Folder, Record};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

/// The settings of training; the defaults are the exercise's.
#[derive(Args, Clone, Debug)]
pub struct SettingsArgs {
    /// Passes over the training images [default: 20; cnn: 5; gan: 10, on points 50]
    #[arg(long, value_name = "N", value_parser = flags::whole(0_u64.., "a whole number of at least 1"), help_heading = "Training")]
    epochs: Option<u64>,
    /// Images in a batch
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = flags::whole(0_usize.., "a whole number of at least 1"), help_heading = "Training")]
    batch_size: usize,
    /// Learning rate [default: 0.01; cnn: 0.001; gan: its variant's]
    #[arg(long, value_name = "X", value_parser = flags::number, help_heading = "Training")]
    lr: Option<f64>,
    /// How the learning rate changes over training
    #[arg(long, value_enum, default_value = "constant", help_heading = "Training")]
    lr_schedule: LrScheduleChoice,
    /// Optimiser
    #[arg(long, value_enum, default_value = "adam", help_heading = "Training")]
    optimizer: OptimizerChoice,
    /// Momentum of SGD [default: 0.9]
    #[arg(long, value_name = "X", value_parser = flags::number, help_heading = "Training")]
    momentum: Option<f64>,
    /// Largest norm of the gradient
    #[arg(long, value_name = "X", value_parser = flags::number, help_heading = "Training")]
    clip_norm: Option<f64>,
    /// Latent dimensions [default: 2; gan: 64]
    #[arg(long, value_name = "N", value_parser = flags::whole(0_usize.., "a whole number of at least 1"), help_heading = "Network")]
    latent_dim: Option<usize>,
    /// Widths of the encoder's hidden layers, or of a dense critic's; the decoder, or generator, has them in reverse [default: 512,256;
    /// gan on points: 128,128]
    #[arg(long, value_name = "N,N,…", value_delimiter = ',', help_heading = "Network",
        value_parser = flags::whole(0_usize.., "widths such as 512,256"))]
    hidden: Option<Vec<usize>>,
    /// Nonlinearity of the hidden layers
    #[arg(long, value_enum, default_value = "relu", help_heading = "Network")]
    activation: ActivationChoice,
    /// Distribution of the initial weights
    #[arg(long, value_enum, default_value = "pytorch", help_heading = "Network")]
    init: InitChoice,
    /// Weight of the KL term [default: 1; on points: 0.002]
    #[arg(long, value_name = "X", value_parser = flags::number, help_heading = "Loss")]
    beta: Option<f64>,
    /// Epochs over which the KL term's weight rises from 0
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = flags::whole(0_u64.., "a whole number"), help_heading = "Loss")]
    beta_warmup: u64,
    /// How bytes of pixels become numbers [default: threshold; cnn, gan, points: grey]
    #[arg(long, value_enum, help_heading = "Data")]
    binarize: Option<BinarizeChoice>,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = flags::whole(0_u64.., "a whole number"), help_heading = "Training")]
    seed: u64,
}

choice!(LrScheduleChoice => LrSchedule { Constant, Linear, Cosine });
choice!(OptimizerChoice => OptimizerKind { Adam, Sgd, #[value(name = "rmsprop")] RmsProp });
choice!(ActivationChoice => Activation {
    Relu, Selu, Tanh, Sigmoid, #[value(name = "leaky_relu", alias = "leaky-relu")] LeakyRelu, Elu, Gelu, Silu
});

/// How weights start: by name, or as suits the nonlinearity.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum InitChoice {
    Pytorch,
    He,
    Lecun,
    #[value(alias = "keras")]
    Glorot,
    Radford,
    /// He's for ReLU and its kin, LeCun's for SELU, Glorot's for tanh and sigmoid
    Matched,
}

impl InitChoice {
    pub fn of(self, activation: Activation) -> Init {
        match self {
            InitChoice::Pytorch => Init::Pytorch,
            InitChoice::He => Init::He,
            InitChoice::Lecun => Init::Lecun,
            InitChoice::Glorot => Init::Glorot,
            InitChoice::Radford => Init::Radford,
            InitChoice::Matched => activation.matched(),
        }
    }
}

choice!(BinarizeChoice => Encoding { Threshold, Dynamic, #[value(alias = "none")] Grey, Standardised });

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum NetworkChoice {
    /// The deterministic autoencoder
    Ae,
    /// The variational autoencoder
    Vae,
    /// A convolutional classifier
    Cnn,
    /// A generative adversarial network
    Gan,
}

/// The weight of the KL term where a grey pixel is a coordinate p. Its cross-entropy bends like the loss of a Gaussian of variance
/// p (1 − p) ≤ ¼; weighted so, like that of one with β p (1 − p): a standard deviation of 0.022 of a pixel's range, as narrow as modes are.
const BETA_OF_POINTS: f64 = 0.002;

impl SettingsArgs {
    /// The configuration of a network for these data.
    pub fn of(&self, network: NetworkChoice, gan: Option<&GanArgs>, data: &Dataset) -> Result<Config> {
        match network {
            NetworkChoice::Ae => self.config(Settings::Ae, data),
            NetworkChoice::Vae => self.config(Settings::Vae, data),
            NetworkChoice::Cnn => self.classifier(data),
            NetworkChoice::Gan => self.gan(gan, data),
        }
    }

    /// The configuration of a network with an encoder and a decoder.
    pub fn config(&self, network: impl FnOnce(coder::Settings) -> Settings, data: &Dataset) -> Result<Config> {
        let activation = self.activation.into();
        let of = Architecture::new(data.train.pixels());
        let own = coder::Settings {
            architecture: Architecture {
                pixels: of.pixels,
                hidden: self.hidden.clone().unwrap_or(of.hidden),
                latent: self.latent_dim.unwrap_or(of.latent),
                activation,
                init: self.init.of(activation),
            },
            descent: self.descent(0.01),
            beta: self.beta.unwrap_or(if data.train.is_points() { BETA_OF_POINTS } else { 1.0 }),
            beta_warmup: self.beta_warmup,
        };
        self.checked(Config::of(network(own)), data)
    }

    /// The configuration of a classifier.
    fn classifier(&self, data: &Dataset) -> Result<Config> {
        let activation = self.activation.into();
        let own = classifier::Settings {
            activation,
            init: self.init.of(activation),
            descent: self.descent(0.001),
            ..classifier::Settings::new(data.train.shape(), data.class_names.len())
        };
        self.checked(classifying(own), data)
    }

    /// The configuration of a GAN; of a DCGAN, where its own settings are not asked for.
    fn gan(&self, args: Option<&GanArgs>, data: &Dataset) -> Result<Config> {
        let variant = args.map_or(Variant::Dcgan, GanArgs::variant);
        let mut own = gan::Settings::new(variant, data.train.shape(), data.class_names.len());
        own.latent = self.latent_dim.unwrap_or(own.latent);
        own.hidden = self.hidden.clone().unwrap_or(own.hidden);
        for descent in [&mut own.critic, &mut own.generator] {
            descent.lr = self.lr.unwrap_or(descent.lr);
            descent.lr_schedule = self.lr_schedule.into();
            descent.clip_norm = self.clip_norm;
        }
        args.map_or(Ok(()), |args| args.apply(&mut own))?;
        self.checked(adversarial(own), data)
    }

    fn descent(&self, lr: f64) -> Descent {
        Descent {
            lr: self.lr.unwrap_or(lr),
            lr_schedule: self.lr_schedule.into(),
            optimizer: self.optimizer.into(),
            betas: [0.9, 0.999],
            momentum: self.momentum.unwrap_or(0.9),
            clip_norm: self.clip_norm,
        }
    }

    /// With what the user names in place of the network's own defaults.
    fn checked(&self, of: Config, data: &Dataset) -> Result<Config> {
        // Binarised, points would all be at four corners.
        let encoding = if data.train.is_points() { Encoding::Grey } else { of.binarize };
        let config = Config {
            epochs: self.epochs.unwrap_or(of.epochs),
            batch_size: self.batch_size,
            binarize: self.binarize.map_or(encoding, Encoding::from),
            seed: self.seed,
            ..of
        };
        config.validate::<Network>()?;
        config.check_steps(data.train.len())?;
        Ok(config)
    }

    /// Says which settings have no effect.
    pub fn remark(&self, config: &Config, data: &Dataset, quiet: bool) {
        let mut remarks = config.remarks::<Network>(data.train.len());
        if self.momentum.is_some() && !matches!(self.optimizer, OptimizerChoice::Sgd) {
            remarks.push("momentum: it is that of --optimizer sgd, and has no effect with others".into());
        }
        if !quiet {
            remarks.iter().for_each(|line| note!("note: {line}"));
        }
    }
}

/// Says which of the settings that were `given` a network does not have.
pub fn remark_on_foreign(network: &Settings, given: &[&str], quiet: bool) {
    let (coders, others) = (["latent_dim", "hidden"], ["beta", "beta_warmup"]);
    let foreign = match network {
        Settings::Ae(_) | Settings::Vae(_) => OF_GANS.to_vec(),
        Settings::Cnn(_) => [&coders[..], &others, &OF_GANS].concat(),
        Settings::Gan(own) => {
            let dense = if own.is_convolutional { &coders[1..] } else { &[] };
            [dense, &others, &["activation", "init", "optimizer", "momentum"]].concat()
        }
    };
    if !quiet {
        let given = given.iter().filter(|name| foreign.contains(name));
        given.for_each(|name| note!("note: {}: a {} has none, and it has no effect", flags::of(name), network.name()));
    }
}

pub const EXAMPLES: &str = "\
Examples:
  elbo train vae                                the exercise's VAE: runs/vae
  elbo train vae --latent-dim 16 --lr 0.001 --lr-schedule cosine --epochs 50
  elbo train vae --data mnist                   on another published set: elbo data list
  elbo train ae --data DIR --limit 1000         on the first 1000 of one's own pictures: DIR/CLASS/*.png
  elbo train cnn --activation selu              a classifier: runs/cnn
  elbo train gan --kind wgan-gp                 a generative adversarial network: runs/gan
  elbo train gan --kind vanilla --data ring     on points of the plane, to see what it misses: elbo sample runs/gan
  elbo train --resume runs/vae                  go on where it was, to the bit";

#[derive(Args, Debug)]
pub struct TrainArgs {
    /// Which network
    #[arg(value_enum, value_name = "KIND", required_unless_present = "resume")]
    network: Option<NetworkChoice>,
    /// Go on with the run in this folder, with its own settings and data
    #[arg(long, value_name = "DIR", value_parser = flags::path(), help_heading = "Run", conflicts_with_all = ["network", "out", "SettingsArgs", "GanArgs"])]
    resume: Option<PathBuf>,
    /// Folder of the run [default: runs/KIND, numbered if taken]
    #[arg(long, value_name = "DIR", value_parser = flags::path(), help_heading = "Run")]
    out: Option<PathBuf>,
    /// Do not judge the new images of a VAE or a GAN at the end
    #[arg(long, help_heading = "Run")]
    no_judge: bool,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(flatten)]
    gan: GanArgs,
}

pub fn run(args: TrainArgs, given: &[&str], quiet: bool) -> Result<()> {
    let stop = stop_on_signal()?;
    let (mut trainer, folder, data) = match (&args.resume, args.network) {
        (Some(path), _) => {
            let folder = Folder::open(path)?.claim()?;
            let data = args.data.load_for(&Trained::load(&folder.checkpoint())?.origin)?;
            (Trainer::resume(&folder.checkpoint(), &data)?, folder, data)
        }
        (None, Some(network)) => {
            let data = args.data.load()?;
            let config = args.settings.of(network, Some(&args.gan), &data)?;
            args.settings.remark(&config, &data, quiet);
            remark_on_foreign(&config.network, given, quiet);
            let name = config.network.folder();
            let trainer = Trainer::new(config)?;
            let folder = match &args.out {
                Some(path) => Folder::create(path)?,
                None => Folder::create_next(&Path::new("runs").join(name))?,
            };
            (trainer, folder, data)
        }
        (None, None) => return Err(Error::Usage("name a network, ae, vae, cnn or gan, or a run to --resume".into())),
    };
    let name = trainer.config.network.name();
    let mut show = Show::new(name, &trainer, &data, &folder, quiet);
    let records = train::run(&mut trainer, &data, &folder, &mut show, &stop)?;
    drop(show);
    // Before anything is said: who reads may have gone.
    film::write_film(trainer.config.epochs, &folder)?;
    film::write_fresh(&trainer, &data, &folder)?;
    let standing = match records.last() {
        Some(last) => conclude(&trainer, last, &data)?,
        None => Standing::Ordinary,
    };
    if !args.no_judge && standing != Standing::Diverged && can_be_judged(&data) {
        let trained = Trained::load(&folder.checkpoint())?;
        if !Maker::all(&trained).is_empty() {
            match judge::judge(&[(folder.clone(), trained)], &data, IMAGES, quiet, &stop) {
                Ok((_, text)) => tell_on_terminal(&text)?,
                Err(e @ Error::Interrupted { .. }) => return Err(e.part_of(folder.path())),
                // The run is whole without it.
                Err(e) => note!("note: the images are not judged: {e}"),
            }
        }
    }
    say!("{}", folder.path().display())?;
    match standing {
        Standing::Diverged => Err(diverged(name)),
        _ => Ok(()),
    }
}

/// What is said of a run that is over, and where it stands.
fn conclude(trainer: &Trainer, last: &Record, data: &Dataset) -> Result<Standing> {
    let config = &trainer.config;
    if let Some(coverage) = plane::coverage(trainer, data) {
        say!("{}", coverage.sentence())?;
    }
    if let Some(own) = config.network.coder() {
        let score = Score::from(last);
        let b = Baselines::of(data, config.binarize);
        let split = score.kl.map(|kl| format!(": reconstruction {:.2}, KL {kl:.2}", score.recon)).unwrap_or_default();
        say!("test loss {:.2} nats per image{split}", score.total())?;
        say!(
            "to compare: one constant {:.2}, per-pixel mean {:.2}, per-class mean {:.2}",
            b.constant,
            b.per_pixel,
            b.per_class
        )?;
        let standing = Standing::of(score, own.last_beta(config.epochs), &b);
        match standing {
            Standing::Collapsed => say!("the posterior has COLLAPSED: the decoder ignores z")?,
            Standing::Untrained => {
                say!("hardly anything was learned: one constant for all pixels reconstructs better")?
            }
            Standing::Diverged | Standing::Ordinary => {}
        }
        return Ok(standing);
    }
    if let (Some(loss), Some(accuracy)) = (last.get("cross_entropy"), last.get("accuracy")) {
        let chance = data.most_frequent_class();
        say!("test accuracy {:.2} %, cross-entropy {loss:.4} nats per image", 100.0 * accuracy)?;
        say!("to compare: the most frequent class {:.2} %", 100.0 * chance)?;
        if accuracy <= chance {
            say!("nothing was learned: to name the most frequent class is right as often")?;
        }
    }
    if let (Some(critic), Some(generator)) = (last.get("critic"), last.get("generator")) {
        say!(
            "the critic's loss on test images {critic:.3}, the generator's {generator:.3}: neither says how good the images are"
        )?;
    }
    Ok(Standing::Ordinary)
}

/// What is said of a network whose loss is a number, and absurd.
pub fn diverged(name: &str) -> Error {
    Error::Failed(format!(
        "the {name} has diverged: its loss is absurd beside that of p = ½. A lower --lr or --clip-norm 1 often helps"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Source, load};
    use crate::models::exercise;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        settings: SettingsArgs,
    }

    #[test]
    fn the_defaults_of_the_command_line_are_the_exercises() {
        let data = load(&Source::Synthetic).unwrap();
        let settings = Line::parse_from(["elbo"]).settings;
        assert_eq!(settings.config(Settings::Vae, &data).unwrap(), exercise(784));
    }
}
