//! The networks, each reading as its paper. A network is a [`Task`] in a file of its own and a line of the list below; with that it
//! is trained, saved, resumed and measured like all others.

mod autoencoder;
mod check;
pub mod classifier;
pub mod coder;
pub mod gan;
mod score;
mod vae;

pub use autoencoder::Autoencoder;
pub use check::check_loss;
pub use classifier::{Classifying, Cnn};
pub use coder::{Architecture, Coder, Coding, Posterior};
pub use gan::Gan;
pub use score::{Score, Standing};
pub use vae::Vae;

use crate::autograd::Tape;
use crate::data::{Encoding, POINT};
use crate::error::Result;
use crate::nn::{Activation, Init};
use crate::optim::Descent;
use crate::train::{self, Batch, NotFinite, Part, Quantity, Task, Terms};
use serde::{Deserialize, Serialize};

/// From a line a network: [`Settings`], [`Network`], and the task that is whichever of them.
macro_rules! networks {
    ($($(#[$doc:meta])* $Network:ident $folder:literal $name:literal $Task:ty;)+) => {
        /// The settings of a network: which one, and its own.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind", rename_all = "lowercase")]
        pub enum Settings {
            $($(#[$doc])* $Network(<$Task as Task>::Settings),)+
        }

        /// A network in training, whichever it is.
        #[allow(clippy::large_enum_variant, reason = "there is one")]
        pub enum Network {
            $($(#[$doc])* $Network($Task),)+
        }

        impl Settings {
            /// What its run's folder is called.
            pub fn folder(&self) -> &'static str {
                match self { $(Settings::$Network(_) => $folder,)+ }
            }

            /// What it is called.
            pub fn name(&self) -> &'static str {
                match self { $(Settings::$Network(_) => $name,)+ }
            }
        }

        impl Network {
            /// Its encoder and decoder, if it has both.
            pub fn coder(&self) -> Option<&dyn coder::Codes> {
                match self { $(Network::$Network(task) => task.coder(),)+ }
            }
        }

        impl Task for Network {
            type Settings = Settings;

            fn validate(settings: &Settings, encoding: Encoding) -> Result<()> {
                match settings { $(Settings::$Network(own) => <$Task>::validate(own, encoding),)+ }
            }
            fn pixels(settings: &Settings) -> usize {
                match settings { $(Settings::$Network(own) => <$Task>::pixels(own),)+ }
            }
            fn shape(settings: &Settings) -> Option<[usize; 3]> {
                match settings { $(Settings::$Network(own) => <$Task>::shape(own),)+ }
            }
            fn classes(settings: &Settings) -> Option<usize> {
                match settings { $(Settings::$Network(own) => <$Task>::classes(own),)+ }
            }
            fn weights(settings: &Settings) -> Option<usize> {
                match settings { $(Settings::$Network(own) => <$Task>::weights(own),)+ }
            }
            fn new(settings: &Settings, seed: u64) -> Self {
                match settings { $(Settings::$Network(own) => Network::$Network(<$Task>::new(own, seed)),)+ }
            }
            fn quantities(&self) -> &'static [Quantity] {
                match self { $(Network::$Network(task) => task.quantities(),)+ }
            }
            fn step(&mut self, tape: &mut Tape<f32>, batch: &Batch) -> Result<Terms, NotFinite> {
                match self { $(Network::$Network(task) => task.step(tape, batch),)+ }
            }
            fn judge(&self, tape: &mut Tape<f32>, batch: &Batch) -> Terms {
                match self { $(Network::$Network(task) => task.judge(tape, batch),)+ }
            }
            fn parts(&self) -> Vec<&Part> {
                match self { $(Network::$Network(task) => task.parts(),)+ }
            }
            fn parts_mut(&mut self) -> Vec<&mut Part> {
                match self { $(Network::$Network(task) => task.parts_mut(),)+ }
            }
            fn updates(&self, part: usize, steps: u64) -> u64 {
                match self { $(Network::$Network(task) => task.updates(part, steps),)+ }
            }
            fn summary(&self, means: &Terms) -> Terms {
                match self { $(Network::$Network(task) => task.summary(means),)+ }
            }
            fn line(&self, means: &Terms) -> String {
                match self { $(Network::$Network(task) => task.line(means),)+ }
            }
            fn remarks(settings: &Settings, epochs: u64) -> Vec<String> {
                match settings { $(Settings::$Network(own) => <$Task>::remarks(own, epochs),)+ }
            }
        }
    };
}

networks! {
    /// The deterministic [`Autoencoder`].
    Ae "ae" "AE" Coding<Autoencoder>;
    /// The [`Vae`].
    Vae "vae" "VAE" Coding<Vae>;
    /// The convolutional classifier ([`Cnn`]).
    Cnn "cnn" "CNN" Classifying;
    /// A generative adversarial network ([`Gan`]).
    Gan "gan" "GAN" Gan;
}

/// An optimiser's settings, a nonlinearity and how weights start, to change.
pub type Common<'a> = (&'a mut Descent, &'a mut Activation, &'a mut Init);

impl Settings {
    /// Those of a network with an encoder and a decoder.
    pub fn coder(&self) -> Option<&coder::Settings> {
        match self {
            Settings::Ae(own) | Settings::Vae(own) => Some(own),
            Settings::Cnn(_) | Settings::Gan(_) => None,
        }
    }

    /// The same, to change.
    pub fn coder_mut(&mut self) -> Option<&mut coder::Settings> {
        match self {
            Settings::Ae(own) | Settings::Vae(own) => Some(own),
            Settings::Cnn(_) | Settings::Gan(_) => None,
        }
    }

    /// Those of a GAN.
    pub fn gan(&self) -> Option<&gan::Settings> {
        match self {
            Settings::Gan(own) => Some(own),
            Settings::Ae(_) | Settings::Vae(_) | Settings::Cnn(_) => None,
        }
    }

    /// What networks with one optimiser and one nonlinearity have in common: both, and how weights start.
    pub fn common(&self) -> Option<(&Descent, &Activation, &Init)> {
        match self {
            Settings::Ae(own) | Settings::Vae(own) => {
                Some((&own.descent, &own.architecture.activation, &own.architecture.init))
            }
            Settings::Cnn(own) => Some((&own.descent, &own.activation, &own.init)),
            Settings::Gan(_) => None,
        }
    }

    /// The same, to change.
    pub fn common_mut(&mut self) -> Option<Common<'_>> {
        match self {
            Settings::Ae(own) | Settings::Vae(own) => {
                Some((&mut own.descent, &mut own.architecture.activation, &mut own.architecture.init))
            }
            Settings::Cnn(own) => Some((&mut own.descent, &mut own.activation, &mut own.init)),
            Settings::Gan(_) => None,
        }
    }
}

impl Network {
    /// The GAN, if it is one.
    pub fn gan(&self) -> Option<&Gan> {
        match self {
            Network::Gan(task) => Some(task),
            _ => None,
        }
    }

    /// The classifier, if it is one.
    pub fn classifier(&self) -> Option<&Classifying> {
        match self {
            Network::Cnn(task) => Some(task),
            _ => None,
        }
    }
}

/// The exercise's VAE and its training: Adam with learning rate 0.01, 20 epochs, batch 128, β 1, inputs binarised at ½, seed 0.
pub fn exercise(pixels: usize) -> Config {
    Config::of(Settings::Vae(coder::Settings::new(pixels)))
}

/// The training of a classifier: 5 epochs, batch 128, grey inputs, seed 0.
pub fn classifying(own: classifier::Settings) -> Config {
    Config { epochs: 5, binarize: Encoding::Grey, ..Config::of(Settings::Cnn(own)) }
}

/// The training of a GAN: 10 epochs, 50 of points, batch 128, grey inputs, seed 0.
pub fn adversarial(own: gan::Settings) -> Config {
    let epochs = if own.shape == POINT { 50 } else { 10 };
    Config { epochs, binarize: Encoding::Grey, ..Config::of(Settings::Gan(own)) }
}

/// The configuration of a run.
pub type Config = train::Config<Settings>;
/// A network in training.
pub type Trainer = train::Trainer<Network>;
/// A network from a checkpoint.
pub type Trained = train::Trained<Network>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Dataset, Split};
    use crate::nn::{Params, Pass};
    use crate::{Tape, Tensor};

    /// The whole loss as a function of every parameter, in a small network of each kind.
    #[test]
    fn the_losses_have_the_right_gradients_at_order_1_and_2() {
        for errors in [check_loss::<Autoencoder>(), check_loss::<Vae>()] {
            assert!(errors.pass(), "{errors:?}");
        }
    }

    #[test]
    fn an_untrained_network_costs_d_ln_2_with_zero_weights() {
        let mut params = Params::<f64>::default();
        let model = Vae::new(&mut params, &Architecture::new(784), 0);
        for id in params.ids() {
            *params.get_mut(id) = Tensor::full(0.0, params.get(id).shape());
        }
        let tape = Tape::new();
        let pass = Pass::new(&tape, &params);
        let x = tape.leaf(Tensor::full(1.0, [4, 784]));
        let loss = model.loss(&pass, x, || tape.leaf(Tensor::full(0.5, [4, 2])), 1.0);
        assert!((loss.recon.item() - 784.0 * std::f64::consts::LN_2).abs() < 1e-10);
        assert_eq!(loss.kl.unwrap().item(), 0.0);
    }

    #[test]
    fn weights_are_counted_without_making_them() {
        let architecture = Architecture { hidden: vec![9, 7], latent: 3, ..Architecture::new(20) };
        let own = coder::Settings { architecture, ..coder::Settings::new(20) };
        for settings in [Settings::Ae, Settings::Vae].map(|network| network(own.clone())) {
            let network = Network::new(&settings, 0);
            assert_eq!(Network::weights(&settings), Some(network.parts()[0].params.size()));
        }
        assert_eq!(Architecture { hidden: vec![usize::MAX], ..own.architecture }.weights(2), None);
    }

    #[test]
    fn parameters_have_pytorchs_names() {
        let names = |network: fn(coder::Settings) -> Settings| {
            let network = Network::new(&network(coder::Settings::new(784)), 0);
            let params = &network.parts()[0].params;
            params.ids().map(|id| params.name(id).to_string()).filter(|n| n.ends_with("weight")).collect::<Vec<_>>()
        };
        let weights = |layers: &[&str]| layers.iter().map(|l| format!("{l}.weight")).collect::<Vec<_>>();
        assert_eq!(
            names(Settings::Ae),
            weights(&["encoder.0", "encoder.2", "encoder.4", "decoder.0", "decoder.2", "decoder.4"])
        );
        let vae = ["encoder.0", "encoder.2", "mu", "log_var", "decoder.0", "decoder.2", "decoder.4"];
        assert_eq!(names(Settings::Vae), weights(&vae));
    }

    /// Whoever changes a file may change its digest, too.
    #[test]
    fn a_network_for_images_of_another_size_is_refused() {
        let images = |n: usize| {
            let split = Split::new(vec![0; n], vec![0], 1, n);
            Dataset::new("test", "memory", split.clone(), split, vec!["0".into()])
        };
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("checkpoint.safetensors");
        let trainer = Trainer::new(exercise(6)).unwrap();
        let digest = images(4).digest;
        trainer.save(&path, &Dataset { digest, ..images(6) }).unwrap();
        let error = Trainer::resume(&path, &images(4)).err().unwrap().to_string();
        assert_eq!(error, format!("{}: pixels: expected 4, as the data have, found 6", path.display()));
    }

    /// `fixtures/checkpoint_v1.safetensors` was saved after the first of six steps, before checkpoints had parts.
    #[test]
    fn a_checkpoint_of_before_goes_on_to_the_bits_of_a_run_of_today() {
        let split = Split::new((0..16).map(|i| i * 17).collect(), vec![0, 1, 0, 1], 2, 2);
        let data = Dataset::new("fuzz", "memory", split.clone(), split, vec!["0".into(), "1".into()]);
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/checkpoint_v1.safetensors");
        let mut resumed = Trainer::resume(&path, &data).unwrap();
        let mut whole = Trainer::new(resumed.config.clone()).unwrap();
        whole.step(&data).unwrap();
        let state = |trainer: &Trainer| {
            let [part] = trainer.task.parts()[..] else { panic!("one part") };
            let moments = part.optimizer.state().moments.iter().flat_map(|(_, moments)| moments.clone());
            let all = part.params.ids().map(|id| part.params.get(id).clone()).chain(moments);
            all.flat_map(|tensor| tensor.data().to_vec()).map(f32::to_bits).collect::<Vec<_>>()
        };
        for step in 1..6 {
            assert_eq!(state(&resumed), state(&whole), "after {step} steps");
            assert_eq!(resumed.running(), whole.running(), "after {step} steps");
            [&mut resumed, &mut whole].into_iter().for_each(|trainer| trainer.step(&data).unwrap());
        }
        assert_eq!((resumed.progress.epoch, resumed.progress.batch), (2, 2));
    }

    #[test]
    fn configurations_of_before_are_read() {
        let written = r#"{"architecture":{"kind":"vae","pixels":784,"hidden":[512,256],"latent":2,"activation":"relu",
            "init":"pytorch"},"epochs":20,"batch_size":128,"lr":0.01,"lr_schedule":"constant","optimizer":"adam","momentum":0.9,
            "clip_norm":null,"beta":1.0,"beta_warmup":0,"binarize":"threshold","seed":0}"#;
        assert_eq!(serde_json::from_str::<Config>(written).unwrap(), exercise(784));
        let today = serde_json::to_string(&exercise(784)).unwrap();
        assert_eq!(serde_json::from_str::<Config>(&today).unwrap(), exercise(784));
    }

    #[test]
    fn pixels_that_are_no_probabilities_are_refused() {
        for network in [Settings::Ae, Settings::Vae] {
            let network = network(coder::Settings::new(784));
            let config = Config { binarize: Encoding::Standardised, ..Config::of(network) };
            let error = config.validate::<Network>().unwrap_err().to_string();
            assert!(error.starts_with("binarize: expected threshold, dynamic or grey, which "), "{error}");
            assert!(error.ends_with(", found standardised"), "{error}");
        }
    }

    #[test]
    fn older_configurations_call_grey_none() {
        let config = Config { binarize: Encoding::Grey, ..exercise(784) };
        let json = serde_json::to_string(&config).unwrap().replace("\"grey\"", "\"none\"");
        assert_eq!(serde_json::from_str::<Config>(&json).unwrap(), config);
    }

    #[test]
    fn settings_without_effect_are_remarked_on() {
        let vae = exercise(784);
        assert!(vae.remarks::<Network>(60_000).is_empty());
        let own = coder::Settings { beta_warmup: 30, beta: 4.0, ..coder::Settings::new(784) };
        let odd = Config { batch_size: 500, network: Settings::Vae(own.clone()), ..vae.clone() };
        let remarks = odd.remarks::<Network>(300);
        assert_eq!(remarks.len(), 2);
        assert!(remarks[0].contains("there are 300 training images") && remarks[1].ends_with("beta with it at 2.67"));
        let ae = Config { network: Settings::Ae(own), ..vae };
        assert!(ae.remarks::<Network>(60_000)[0].contains("an autoencoder has no KL term"));
    }

    #[test]
    fn steps_that_cannot_be_counted_are_refused() {
        let config = Config { batch_size: 1, epochs: 1_000_000, ..exercise(784) };
        let error = config.check_steps(60_000).unwrap_err().to_string();
        assert_eq!(error, "epochs: expected at most 71582, with 60000 batches in each, found 1000000");
        assert!(config.check_steps(4000).is_ok());
    }
}
