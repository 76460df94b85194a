//! The networks of the study, each reading as its paper.

mod autoencoder;
mod check;
mod vae;

pub use autoencoder::Autoencoder;
pub use check::check_loss;
pub use vae::Vae;

use crate::autograd::Var;
use crate::kernels::Real;
use crate::loss::Loss;
use crate::nn::{Activation, Init, Params, Pass};
use serde::{Deserialize, Serialize};

/// Which network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The deterministic [`Autoencoder`].
    Ae,
    /// The [`Vae`].
    Vae,
}

impl Kind {
    /// All of them, in the order in which a study trains them.
    pub const ALL: [Kind; 2] = [Kind::Ae, Kind::Vae];

    /// What its run's folder is called.
    pub fn folder(self) -> &'static str {
        match self {
            Kind::Ae => "ae",
            Kind::Vae => "vae",
        }
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Ae => "AE",
            Kind::Vae => "VAE",
        }
    }

    /// Whether its codes are distributions, so that there is a KL term.
    pub fn is_variational(self) -> bool {
        self == Kind::Vae
    }
}

/// The shape of a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Architecture {
    /// Which network.
    pub kind: Kind,
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
    pub fn new(kind: Kind, pixels: usize) -> Self {
        Architecture {
            kind,
            pixels,
            hidden: vec![512, 256],
            latent: 2,
            activation: Activation::Relu,
            init: Init::Pytorch,
        }
    }

    /// How many weights it has; none where that exceeds what can be counted.
    pub fn weights(&self) -> Option<usize> {
        let heads = if self.kind.is_variational() { 2 } else { 1 };
        let dense = |inputs: usize, outputs: usize| inputs.checked_add(1)?.checked_mul(outputs);
        let stack = |widths: &[usize]| widths.windows(2).try_fold(0usize, |sum, w| sum.checked_add(dense(w[0], w[1])?));
        let encoder = self.encoder_widths();
        let head = dense(*encoder.last()?, self.latent.checked_mul(heads)?)?;
        stack(&encoder)?.checked_add(head)?.checked_add(stack(&self.decoder_widths())?)
    }

    fn encoder_widths(&self) -> Vec<usize> {
        [&[self.pixels], &self.hidden[..]].concat()
    }

    fn decoder_widths(&self) -> Vec<usize> {
        [self.latent].into_iter().chain(self.hidden.iter().rev().copied()).chain([self.pixels]).collect()
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
#[derive(Clone, Debug)]
pub enum Model {
    /// Deterministic.
    Ae(Autoencoder),
    /// Variational.
    Vae(Vae),
}

impl Model {
    /// The network and its initial parameters.
    pub fn new<F: Real>(architecture: &Architecture, seed: u64) -> (Self, Params<F>) {
        let mut params = Params::default();
        let model = match architecture.kind {
            Kind::Ae => Model::Ae(Autoencoder::new(&mut params, architecture, seed)),
            Kind::Vae => Model::Vae(Vae::new(&mut params, architecture, seed)),
        };
        (model, params)
    }

    /// `[B, D]` → the posterior over `[B, Z]`.
    #[track_caller]
    pub fn encode<'t, F: Real>(&self, pass: &Pass<'t, '_, F>, x: Var<'t, F>) -> Posterior<'t, F> {
        match self {
            Model::Ae(ae) => Posterior { mu: ae.encode(pass, x), log_var: None },
            Model::Vae(vae) => {
                let (mu, log_var) = vae.encode(pass, x);
                Posterior { mu, log_var: Some(log_var) }
            }
        }
    }

    /// `[B, Z]` → logits `[B, D]`.
    #[track_caller]
    pub fn decode<'t, F: Real>(&self, pass: &Pass<'t, '_, F>, z: Var<'t, F>) -> Var<'t, F> {
        match self {
            Model::Ae(ae) => ae.decode(pass, z),
            Model::Vae(vae) => vae.decode(pass, z),
        }
    }

    /// The training loss of a batch x `[B, D]`. `eps()` gives noise `[B, Z]`, and is asked for only by a network that samples.
    #[track_caller]
    pub fn loss<'t, F: Real>(
        &self,
        pass: &Pass<'t, '_, F>,
        x: Var<'t, F>,
        eps: impl FnOnce() -> Var<'t, F>,
        beta: f64,
    ) -> Loss<'t, F> {
        match self {
            Model::Ae(ae) => ae.loss(pass, x),
            Model::Vae(vae) => vae.loss(pass, x, eps(), beta),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::{Tape, Tensor};

    /// The whole loss as a function of every parameter, in a small network of each kind.
    #[test]
    fn the_losses_have_the_right_gradients_at_order_1_and_2() {
        for kind in [Kind::Ae, Kind::Vae] {
            let errors = check_loss(kind);
            assert!(errors.pass(), "{kind:?}: {errors:?}");
        }
    }

    #[test]
    fn an_untrained_network_costs_d_ln_2_with_zero_weights() {
        let (model, mut params) = Model::new::<f64>(&Architecture::new(Kind::Vae, 784), 0);
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
        for kind in [Kind::Ae, Kind::Vae] {
            let architecture = Architecture { hidden: vec![9, 7], latent: 3, ..Architecture::new(kind, 20) };
            assert_eq!(architecture.weights(), Some(Model::new::<f32>(&architecture, 0).1.size()));
            assert_eq!(Architecture { hidden: vec![usize::MAX], ..architecture }.weights(), None);
        }
    }

    #[test]
    fn parameters_have_pytorchs_names() {
        let names = |kind| {
            let (_, params) = Model::new::<f32>(&Architecture::new(kind, 784), 0);
            params.ids().map(|id| params.name(id).to_string()).filter(|n| n.ends_with("weight")).collect::<Vec<_>>()
        };
        let weights = |layers: &[&str]| layers.iter().map(|l| format!("{l}.weight")).collect::<Vec<_>>();
        assert_eq!(
            names(Kind::Ae),
            weights(&["encoder.0", "encoder.2", "encoder.4", "decoder.0", "decoder.2", "decoder.4"])
        );
        let vae = ["encoder.0", "encoder.2", "mu", "log_var", "decoder.0", "decoder.2", "decoder.4"];
        assert_eq!(names(Kind::Vae), weights(&vae));
    }
}
