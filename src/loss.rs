//! Losses: what training minimises, in **nats per sample**. Sums over dimensions, means over the batch, never anything else.
//!
//! A reconstruction term averaged over pixels beside a KL term summed over latents is the classic mistake: for 784 pixels it
//! is a β of 784, and the posterior collapses to the prior.
//!
//! # Where the ELBO comes from
//!
//! The probability of an image, p(x) = ∫ p(x | z) p(z) dz, cannot be computed: almost every z explains x badly. An encoder
//! q(z | x) says which z to look at. For any q, multiply and divide by it, and split the logarithm:
//!
//! ```text
//! ln p(x) = E_q[ln p(x, z) / q(z | x)]  +  E_q[ln q(z | x) / p(z | x)]
//!         =            ELBO             +    KL(q(z | x) ‖ p(z | x))
//! ```
//!
//! A KL divergence is never negative, so the first term is a lower bound of ln p(x). To raise it is both at once: to make the
//! images more probable, and to bring q nearer to the true posterior, which cannot be computed. With p(x, z) = p(x | z) p(z)
//! it becomes what is implemented here,
//!
//! ```text
//! ELBO = E_q[ln p(x | z)] − KL(q(z | x) ‖ p(z))
//! ```
//!
//! a reconstruction term, estimated with one sample of z, and a KL term in closed form. (Kingma and Welling 2014, equations 1–3.)

use crate::autograd::Var;
use crate::dist::{bernoulli, gaussian};
use crate::kernels::Real;

/// A loss and its parts, each a single number on the tape.
#[derive(Clone, Copy, Debug)]
pub struct Loss<'t, F: Real> {
    /// What is minimised: `recon + β · kl`.
    pub total: Var<'t, F>,
    /// −E[ln p(x | z)], nats per sample.
    pub recon: Var<'t, F>,
    /// KL(q(z | x) ‖ p(z)), nats per sample; none where there is no posterior.
    pub kl: Option<Var<'t, F>>,
}

/// Binary cross-entropy of `x` under Bernoulli logits: −1/B Σ_b ln p(x_b), both `[B, D]`.
#[track_caller]
pub fn reconstruction<'t, F: Real>(logits: Var<'t, F>, x: Var<'t, F>) -> Loss<'t, F> {
    let recon = -bernoulli::log_likelihood(logits, x).mean();
    Loss { total: recon, recon, kl: None }
}

/// The negative evidence lower bound with one sample of z behind the logits,
///
/// −ELBO = −E_q[ln p(x | z)] + β KL(q(z | x) ‖ p(z)) ≥ −ln p(x) at β = 1,
///
/// for a Bernoulli likelihood and a standard normal prior (Kingma and Welling 2014, equation 10; β: Higgins et al. 2017).
/// `logits` and `x` are `[B, D]`, `mu` and `log_var` `[B, Z]`.
#[track_caller]
pub fn negative_elbo<'t, F: Real>(
    logits: Var<'t, F>,
    x: Var<'t, F>,
    mu: Var<'t, F>,
    log_var: Var<'t, F>,
    beta: f64,
) -> Loss<'t, F> {
    let recon = -bernoulli::log_likelihood(logits, x).mean();
    let kl = gaussian::kl_from_standard(mu, log_var).mean();
    Loss { total: recon + kl * beta, recon, kl: Some(kl) }
}

/// The cross-entropy of classes under logits: −1/B Σ_b ln p(class of b), with p the softmax of the logits. Both are `[B, K]`, the classes
/// with 1 for each image's own and 0 for others (or any probabilities). PyTorch's `cross_entropy`.
#[track_caller]
pub fn classification<'t, F: Real>(logits: Var<'t, F>, classes: Var<'t, F>) -> Var<'t, F> {
    -(classes * logits.log_softmax(1)).sum_axes(&[1]).mean()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Tape, Tensor};

    #[test]
    fn cross_entropy_at_zero_logits_is_d_ln_2() {
        let tape = Tape::<f64>::new();
        let logits = tape.leaf(Tensor::full(0.0, [5, 784]));
        let x = tape.leaf_with([5, 784], |x| x.iter_mut().enumerate().for_each(|(i, x)| *x = (i % 2) as f64));
        let loss = reconstruction(logits, x);
        assert!((loss.total.item() - 784.0 * std::f64::consts::LN_2).abs() < 1e-10);
    }
}
