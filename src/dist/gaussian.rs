//! Diagonal Gaussians N(μ, σ²), given by μ and ln σ².
//!
//! The network's output is ln σ², not σ: any real number is valid, σ² > 0 needs no constraint, and the KL divergence is exact
//! and finite for it.

use crate::autograd::Var;
use crate::kernels::Real;

/// A sample z = μ + σ ε as a differentiable function of μ and σ: the reparameterisation trick.
///
/// Sampling z ~ N(μ, σ²) directly has no derivative in μ and σ. Drawing ε ~ N(0, 1) first, independent of both, moves the
/// randomness to an input of the graph: ∂z/∂μ = 1 and ∂z/∂σ = ε. (Kingma and Welling 2014, arXiv 1312.6114, section 2.4;
/// Rezende et al. 2014, arXiv 1401.4082.)
///
/// All of shape `[B, Z]`.
#[track_caller]
pub fn reparameterise<'t, F: Real>(mu: Var<'t, F>, log_var: Var<'t, F>, eps: Var<'t, F>) -> Var<'t, F> {
    mu + (log_var * 0.5).exp() * eps
}

/// KL(N(μ, σ²) ‖ N(0, I)) = ½ Σⱼ (μⱼ² + σⱼ² − 1 − ln σⱼ²) for each row (Kingma and Welling 2014, appendix B), never negative:
/// with v = ln σ² the last three terms are eᵛ − 1 − v, which is computed as one.
///
/// For one latent, with the normalisations ½ ln 2π cancelling,
///
/// ```text
/// E_q[ln q(z) − ln p(z)] = E_q[−½ ln σ² − ½ (z − μ)²/σ² + ½ z²] = −½ ln σ² − ½ + ½ (μ² + σ²)
/// ```
///
/// It is 0 only at μ = 0 and σ = 1, where the code tells nothing of x. A decoder that does without z lets every posterior fall
/// there: the collapse that [`Standing::Collapsed`](crate::models::Standing::Collapsed) looks for. To tell more costs: σ → 0 alone costs
/// −ln σ, which is what keeps codes apart by no more than the decoder needs.
///
/// | | shape |
/// |---|---|
/// | `mu`, `log_var` | `[B, Z]` |
/// | result | `[B, 1]`, nats |
#[track_caller]
pub fn kl_from_standard<'t, F: Real>(mu: Var<'t, F>, log_var: Var<'t, F>) -> Var<'t, F> {
    (mu.square() + log_var.exp_gap()).sum_axes(&[1]) * 0.5
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autograd::check::check;
    use crate::rng::{Purpose, Stream};
    use crate::{Tape, Tensor};

    #[test]
    fn kl_of_the_prior_is_zero() {
        let tape = Tape::<f64>::new();
        let zeros = tape.leaf(Tensor::full(0.0, [3, 2]));
        assert_eq!(kl_from_standard(zeros, zeros).value().data(), [0.0; 3]);
    }

    #[test]
    fn kl_near_the_prior_is_small_and_never_negative() {
        let tape = Tape::<f32>::new();
        let kl = |mu: f32, log_var: f32| {
            let leaf = |x| tape.leaf(Tensor::full(x, [1, 1]));
            f64::from(kl_from_standard(leaf(mu), leaf(log_var)).item())
        };
        // ½ (μ² + eᵛ − 1 − v) by arithmetic of 50 digits, at the f32 nearest to v.
        for (log_var, expected) in [
            (-3e-4, 2.249_775_230_580_466e-8),
            (3e-4, 2.250_225_230_646_612_5e-8),
            (-1e-6, 2.499_999_154_043_095e-13),
            (1e-10, 2.500_000_066_840_494e-21),
            (-0.25, 1.440_039_153_570_243_4e-2),
        ] {
            let found = kl(0.0, log_var);
            assert!((found / expected - 1.0).abs() < 2e-7, "{log_var:e}: {found:e}, expected {expected:e}");
        }
        for i in -2000..2000 {
            let x = f64::from(i) * 0.05;
            let log_var = x.signum() * (x.abs() - 90.0).exp();
            assert!(kl(0.0, log_var as f32) >= 0.0 && kl(1e-30, x as f32) >= 0.0, "{x}");
        }
    }

    #[test]
    fn kl_is_the_mean_log_ratio_of_samples() {
        let (mu, log_var) = (0.7f64, -1.1f64);
        let mut stream = Stream::new(4, Purpose::Check, 0, 0);
        let n = 400_000;
        let sigma = (0.5 * log_var).exp();
        // ln q(z) − ln p(z) for z ~ q; the constants ½ ln 2π cancel.
        let ratio = |eps: f64| 0.5 * ((mu + sigma * eps).powi(2) - eps * eps - log_var);
        let draws: Vec<f64> = (0..n).map(|_| ratio(stream.normal())).collect();
        let mean = draws.iter().sum::<f64>() / n as f64;
        let var = draws.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / n as f64;
        let tape = Tape::new();
        let leaf = |x| tape.leaf(Tensor::full(x, [1, 1]));
        let kl = kl_from_standard(leaf(mu), leaf(log_var)).item();
        assert!((kl - mean).abs() < 5.0 * (var / n as f64).sqrt(), "{kl} {mean}");
    }

    #[test]
    fn samples_have_gradients_in_mu_log_var_and_eps() {
        let t = |first: f64| Tensor::new((0..6).map(|i| first + 0.3 * f64::from(i)).collect(), [3, 2]);
        let errors = check(&|x: &[Var<f64>]| reparameterise(x[0], x[1], x[2]).square(), &[t(-1.0), t(-0.7), t(0.2)]);
        assert!(errors.pass(), "{errors:?}");
    }
}
