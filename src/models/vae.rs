//! The variational autoencoder.

use super::{Architecture, Coder, Posterior};
use crate::autograd::Var;
use crate::dist::gaussian::reparameterise;
use crate::kernels::Real;
use crate::loss::{self, Loss};
use crate::nn::{Dense, Params, Pass, Stack};

/// Kingma and Welling 2014 (arXiv 1312.6114):
///
/// ```text
/// p(z)     = N(0, I)                     the prior
/// p(x | z) = Bernoulli(σ(g(z)))          the decoder
/// q(z | x) = N(μ(x), σ²(x))              the encoder, an approximation of p(z | x)
/// ```
///
/// trained to maximise the evidence lower bound E_q[ln p(x | z)] − KL(q(z | x) ‖ p(z)) ≤ ln p(x). The first term pulls the
/// posteriors of different images apart, the second pulls all of them to the prior; between the two they fill it.
#[derive(Clone, Debug)]
pub struct Vae {
    encoder: Stack,
    mu: Dense,
    log_var: Dense,
    decoder: Stack,
}

impl Vae {
    /// μ and ln σ² of q(z | x): `[B, D]` → two `[B, Z]`.
    #[track_caller]
    fn gaussian<'t, F: Real>(&self, pass: &Pass<'t, '_, F>, x: Var<'t, F>) -> (Var<'t, F>, Var<'t, F>) {
        let h = self.encoder.forward(pass, x);
        (self.mu.forward(pass, h), self.log_var.forward(pass, h))
    }
}

impl Coder for Vae {
    const IS_VARIATIONAL: bool = true;

    /// Adds `encoder.*`, `mu.*`, `log_var.*` and `decoder.*` to the parameters.
    fn new<F: Real>(params: &mut Params<F>, a: &Architecture, seed: u64) -> Self {
        let features = *a.hidden.last().unwrap_or(&a.pixels);
        Vae {
            encoder: Stack::new(params, "encoder", &a.encoder_widths(), a.activation, true, a.init, seed),
            mu: Dense::new(params, "mu", [features, a.latent], a.init, seed),
            log_var: Dense::new(params, "log_var", [features, a.latent], a.init, seed),
            decoder: Stack::new(params, "decoder", &a.decoder_widths(), a.activation, false, a.init, seed),
        }
    }

    #[track_caller]
    fn encode<'t, F: Real>(&self, pass: &Pass<'t, '_, F>, x: Var<'t, F>) -> Posterior<'t, F> {
        let (mu, log_var) = self.gaussian(pass, x);
        Posterior { mu, log_var: Some(log_var) }
    }

    /// The logits of p(x | z): `[B, Z]` → `[B, D]`.
    #[track_caller]
    fn decode<'t, F: Real>(&self, pass: &Pass<'t, '_, F>, z: Var<'t, F>) -> Var<'t, F> {
        self.decoder.forward(pass, z)
    }

    /// −ELBO with one sample of z a row and the KL term weighted by β, nats per image. `eps` gives N(0, 1) noise, `[B, Z]`.
    #[track_caller]
    fn loss<'t, F: Real>(
        &self,
        pass: &Pass<'t, '_, F>,
        x: Var<'t, F>,
        eps: impl FnOnce() -> Var<'t, F>,
        beta: f64,
    ) -> Loss<'t, F> {
        let (mu, log_var) = self.gaussian(pass, x);
        let z = reparameterise(mu, log_var, eps());
        loss::negative_elbo(self.decode(pass, z), x, mu, log_var, beta)
    }
}
