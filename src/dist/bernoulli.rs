//! Independent Bernoulli variables, given by logits ℓ = ln(p / (1 − p)).

use crate::autograd::Var;
use crate::kernels::Real;

/// ln p(x) = Σᵢ xᵢ ln pᵢ + (1 − xᵢ) ln(1 − pᵢ) for each row, with p = σ(ℓ).
///
/// For binary x this is a log-likelihood; for grey x in [0, 1] it is the usual cross-entropy, whose optimum is not 0. From
/// logits, because ln σ(ℓ) computed from σ(ℓ) is −∞ as soon as σ rounds to 0.
///
/// | | shape |
/// |---|---|
/// | `logits`, `x` | `[B, D]` |
/// | result | `[B, 1]`, nats |
#[track_caller]
pub fn log_likelihood<'t, F: Real>(logits: Var<'t, F>, x: Var<'t, F>) -> Var<'t, F> {
    -logits.bce(x).sum_axes(&[1])
}
