//! The autoencoder.

use super::{Architecture, Coder, Posterior};
use crate::autograd::Var;
use crate::kernels::Real;
use crate::loss::{self, Loss};
use crate::nn::{Params, Pass, Stack};

/// x → z = f(x) → x̂ = σ(g(z)), trained to reproduce x through a narrow z (Hinton and Salakhutdinov 2006).
///
/// z is a point: nothing asks the space between points to mean anything.
#[derive(Clone, Debug)]
pub struct Autoencoder {
    encoder: Stack,
    decoder: Stack,
}

impl Coder for Autoencoder {
    const IS_VARIATIONAL: bool = false;

    /// Adds `encoder.*` and `decoder.*` to the parameters.
    fn new<F: Real>(params: &mut Params<F>, a: &Architecture, seed: u64) -> Self {
        let to_latent = [&a.encoder_widths()[..], &[a.latent]].concat();
        Autoencoder {
            encoder: Stack::new(params, "encoder", &to_latent, a.activation, false, a.init, seed),
            decoder: Stack::new(params, "decoder", &a.decoder_widths(), a.activation, false, a.init, seed),
        }
    }

    /// z = f(x): `[B, D]` → `[B, Z]`.
    #[track_caller]
    fn encode<'t, F: Real>(&self, pass: &Pass<'t, '_, F>, x: Var<'t, F>) -> Posterior<'t, F> {
        Posterior { mu: self.encoder.forward(pass, x), log_var: None }
    }

    /// The logits of x̂: `[B, Z]` → `[B, D]`.
    #[track_caller]
    fn decode<'t, F: Real>(&self, pass: &Pass<'t, '_, F>, z: Var<'t, F>) -> Var<'t, F> {
        self.decoder.forward(pass, z)
    }

    /// Binary cross-entropy of x under its reconstruction, nats per image.
    #[track_caller]
    fn loss<'t, F: Real>(
        &self,
        pass: &Pass<'t, '_, F>,
        x: Var<'t, F>,
        _eps: impl FnOnce() -> Var<'t, F>,
        _beta: f64,
    ) -> Loss<'t, F> {
        loss::reconstruction(self.decode(pass, self.encode(pass, x).mu), x)
    }
}
