//! Networks with an encoder to a latent space and a decoder back: what they have in common, and how they are trained.

use super::Score;
use crate::autograd::{Tape, Var};
use crate::data::Encoding;
use crate::error::{Error, Result};
use crate::kernels::Real;
use crate::loss::Loss;
use crate::nn::{Activation, Init, Params, Pass};
use crate::optim::{Descent, warm_up};
use crate::train::{Batch, MOST_EPOCHS, MOST_WEIGHTS, NotFinite, Part, Quantity, Task, Terms};
use serde::{Deserialize, Serialize};

/// The shape of a network: the encoder's widths, and the decoder's in reverse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Architecture {
    /// Pixels of an image.
    pub pixels: usize,
    /// Widths of the encoder's hidden layers; the decoder has them in reverse.
    pub hidden: Vec<usize>,
    /// Latent dimensions.
    pub latent: usize,
    /// Nonlinearity of the hidden layers.
    pub activation: Activation,
    /// Distribution of the initial weights.
    pub init: Init,
}

impl Architecture {
    /// The exercise's network: 784-512-256-2 and back, ReLU, PyTorch's initial weights.
    pub fn new(pixels: usize) -> Self {
        Architecture { pixels, hidden: vec![512, 256], latent: 2, activation: Activation::Relu, init: Init::Pytorch }
    }

    /// How many weights a network with so many heads (a point, or μ and ln σ²) has; none where that exceeds what can be counted.
    pub fn weights(&self, heads: usize) -> Option<usize> {
        let dense = |inputs: usize, outputs: usize| inputs.checked_add(1)?.checked_mul(outputs);
        let stack = |widths: &[usize]| widths.windows(2).try_fold(0usize, |sum, w| sum.checked_add(dense(w[0], w[1])?));
        let encoder = self.encoder_widths();
        let head = dense(*encoder.last()?, self.latent.checked_mul(heads)?)?;
        stack(&encoder)?.checked_add(head)?.checked_add(stack(&self.decoder_widths())?)
    }

    pub(super) fn encoder_widths(&self) -> Vec<usize> {
        [&[self.pixels], &self.hidden[..]].concat()
    }

    pub(super) fn decoder_widths(&self) -> Vec<usize> {
        [self.latent].into_iter().chain(self.hidden.iter().rev().copied()).chain([self.pixels]).collect()
    }
}

/// What decides such a network and its updates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The network.
    #[serde(flatten)]
    pub architecture: Architecture,
    /// How its weights are updated.
    #[serde(flatten)]
    pub descent: Descent,
    /// Weight of the KL term, where there is one.
    pub beta: f64,
    /// Epochs over which β rises from 0.
    pub beta_warmup: u64,
}

impl Settings {
    /// The exercise's settings: its network, Adam with learning rate 0.01, β 1.
    pub fn new(pixels: usize) -> Self {
        Settings { architecture: Architecture::new(pixels), descent: Descent::adam(0.01), beta: 1.0, beta_warmup: 0 }
    }

    /// The weight of the KL term that the last of so many epochs reaches.
    pub fn last_beta(&self, epochs: u64) -> f64 {
        match self.beta_warmup {
            warmup if warmup > epochs => self.beta * epochs as f64 / warmup as f64,
            _ => self.beta,
        }
    }
}

/// What an encoder says of x: a point, or a Gaussian around it.
#[derive(Clone, Copy, Debug)]
pub struct Posterior<'t, F: Real> {
    /// The latent point, or the mean of q(z | x): `[B, Z]`.
    pub mu: Var<'t, F>,
    /// ln σ² of q(z | x), `[B, Z]`; an autoencoder has none.
    pub log_var: Option<Var<'t, F>>,
}

/// A network with an encoder to a latent space and a decoder back.
pub trait Coder: Sized {
    /// Whether codes are distributions, so that there is a KL term.
    const IS_VARIATIONAL: bool;

    /// The network, its parameters added.
    fn new<F: Real>(params: &mut Params<F>, architecture: &Architecture, seed: u64) -> Self;

    /// `[B, D]` → the posterior over `[B, Z]`.
    #[track_caller]
    fn encode<'t, F: Real>(&self, pass: &Pass<'t, '_, F>, x: Var<'t, F>) -> Posterior<'t, F>;

    /// `[B, Z]` → logits `[B, D]`.
    #[track_caller]
    fn decode<'t, F: Real>(&self, pass: &Pass<'t, '_, F>, z: Var<'t, F>) -> Var<'t, F>;

    /// The training loss of a batch x `[B, D]`. `eps()` gives noise `[B, Z]`, and is asked for only by a network that samples.
    #[track_caller]
    fn loss<'t, F: Real>(
        &self,
        pass: &Pass<'t, '_, F>,
        x: Var<'t, F>,
        eps: impl FnOnce() -> Var<'t, F>,
        beta: f64,
    ) -> Loss<'t, F>;
}

/// An encoder and a decoder to look at, whichever network they belong to.
pub trait Codes {
    /// What decided them.
    fn settings(&self) -> &Settings;

    /// The weights.
    fn params(&self) -> &Params<f32>;

    /// Whether codes are distributions.
    fn is_variational(&self) -> bool;

    /// `[B, D]` → the posterior over `[B, Z]`.
    fn encode<'t>(&self, pass: &Pass<'t, '_, f32>, x: Var<'t, f32>) -> Posterior<'t, f32>;

    /// `[B, Z]` → logits `[B, D]`.
    fn decode<'t>(&self, pass: &Pass<'t, '_, f32>, z: Var<'t, f32>) -> Var<'t, f32>;
}

/// The training of a [`Coder`]: one optimiser, one loss.
pub struct Coding<N> {
    settings: Settings,
    network: N,
    part: Part,
}

const QUANTITIES: &[Quantity] = &[
    Quantity { name: "recon", label: "reconstruction", unit: "nats per image" },
    Quantity { name: "kl", label: "KL", unit: "nats per image" },
    Quantity { name: "elbo", label: "ELBO", unit: "nats per image" },
];

const LIKELIHOOD: &str = "threshold, dynamic or grey, which give the pixels' probabilities that a likelihood needs";

impl<N: Coder> Coding<N> {
    /// Its encoder and decoder.
    pub(super) fn coder(&self) -> Option<&dyn Codes> {
        Some(self)
    }

    fn loss<'t>(&self, pass: &Pass<'t, '_, f32>, x: Var<'t, f32>, batch: &Batch, beta: f64) -> Loss<'t, f32> {
        let noise = || batch.noise(pass.tape(), self.settings.architecture.latent, 0);
        self.network.loss(pass, x, noise, beta)
    }

    fn terms(&self, loss: &Loss<f32>) -> Terms {
        let [recon, kl] = [Some(loss.recon), loss.kl].map(|part| part.map(|part| f64::from(part.item())));
        let values: Vec<f64> = recon.into_iter().chain(kl).collect();
        Terms::new(self.quantities(), &values)
    }
}

impl<N: Coder> Task for Coding<N> {
    type Settings = Settings;

    fn validate(settings: &Settings, encoding: Encoding) -> Result<()> {
        let Settings { architecture: a, descent, beta, beta_warmup } = settings;
        let (epochs, weights) = (format!("at most {MOST_EPOCHS}"), format!("at most {MOST_WEIGHTS} weights"));
        let size = Self::weights(settings);
        let counted = size.map_or("more than can be counted".into(), |n| n.to_string());
        descent.validate()?;
        Error::first_setting([
            (*beta_warmup <= MOST_EPOCHS, "beta_warmup", &*epochs, beta_warmup.to_string()),
            (beta.is_finite() && *beta >= 0.0, "beta", "0 or a positive number", beta.to_string()),
            (encoding.is_of_probabilities(), "binarize", LIKELIHOOD, "standardised".into()),
            (a.latent > 0, "latent_dim", "at least 1", a.latent.to_string()),
            (a.hidden.iter().all(|&h| h > 0), "hidden", "widths of at least 1", format!("{:?}", a.hidden)),
            (a.pixels > 0, "pixels", "at least 1", a.pixels.to_string()),
            (size.is_some_and(|n| n <= MOST_WEIGHTS), "hidden, latent_dim", &*weights, counted),
        ])
    }

    fn pixels(settings: &Settings) -> usize {
        settings.architecture.pixels
    }

    fn weights(settings: &Settings) -> Option<usize> {
        settings.architecture.weights(1 + usize::from(N::IS_VARIATIONAL))
    }

    fn new(settings: &Settings, seed: u64) -> Self {
        let mut params = Params::default();
        let network = N::new(&mut params, &settings.architecture, seed);
        Coding { network, part: Part::new(params, &settings.descent), settings: settings.clone() }
    }

    fn quantities(&self) -> &'static [Quantity] {
        if N::IS_VARIATIONAL { &QUANTITIES[..2] } else { &QUANTITIES[..1] }
    }

    fn step(&mut self, tape: &mut Tape<f32>, batch: &Batch) -> Result<Terms, NotFinite> {
        let pass = Pass::new(tape, &self.part.params);
        let x = tape.span("gather", || batch.images(tape));
        let beta = self.settings.beta * warm_up(batch.step, self.settings.beta_warmup * batch.batches);
        let loss = tape.span("forward", || self.loss(&pass, x, batch, beta));
        if !loss.total.item().is_finite() {
            return Err(NotFinite("the loss".into()));
        }
        let grads = tape.span("backward", || pass.backward(loss.total));
        let terms = self.terms(&loss);
        self.part.update(tape, grads, batch)?;
        Ok(terms)
    }

    fn judge(&self, tape: &mut Tape<f32>, batch: &Batch) -> Terms {
        let pass = Pass::judging(tape, &self.part.params);
        self.terms(&self.loss(&pass, batch.images(tape), batch, 1.0))
    }

    fn parts(&self) -> Vec<&Part> {
        vec![&self.part]
    }

    fn parts_mut(&mut self) -> Vec<&mut Part> {
        vec![&mut self.part]
    }

    /// Where there is a posterior, with the evidence lower bound.
    fn summary(&self, means: &Terms) -> Terms {
        let score = Score::from(means);
        match score.kl {
            Some(kl) => Terms::new(QUANTITIES, &[score.recon, kl, -score.total()]),
            None => means.clone(),
        }
    }

    fn line(&self, means: &Terms) -> String {
        Score::from(means).to_string()
    }

    fn remarks(settings: &Settings, epochs: u64) -> Vec<String> {
        let &Settings { beta, beta_warmup, .. } = settings;
        match N::IS_VARIATIONAL {
            true if beta_warmup > epochs => vec![format!(
                "beta_warmup {beta_warmup}: the run ends after {epochs}, and beta with it at {:.2}",
                settings.last_beta(epochs)
            )],
            false if beta != 1.0 || beta_warmup > 0 => {
                vec!["beta, beta_warmup: an autoencoder has no KL term, and they have no effect".into()]
            }
            _ => Vec::new(),
        }
    }
}

impl<N: Coder> Codes for Coding<N> {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn params(&self) -> &Params<f32> {
        &self.part.params
    }

    fn is_variational(&self) -> bool {
        N::IS_VARIATIONAL
    }

    fn encode<'t>(&self, pass: &Pass<'t, '_, f32>, x: Var<'t, f32>) -> Posterior<'t, f32> {
        self.network.encode(pass, x)
    }

    fn decode<'t>(&self, pass: &Pass<'t, '_, f32>, z: Var<'t, f32>) -> Var<'t, f32> {
        self.network.decode(pass, z)
    }
}
