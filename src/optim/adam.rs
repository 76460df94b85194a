//! Adam.

use super::{Memory, Optimizer};
use crate::kernels::{Real, update};
use crate::nn::{Grads, Params};

/// Adam (Kingma and Ba 2015, arXiv 1412.6980), bias-corrected, with ε outside the root as in PyTorch:
///
/// ```text
/// m ← β₁ m + (1 − β₁) g          v ← β₂ v + (1 − β₂) g²
/// w ← w − lr · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)
/// ```
#[derive(Debug)]
pub struct Adam<F: Real> {
    beta1: f64,
    beta2: f64,
    eps: f64,
    state: Memory<F>,
}

impl<F: Real> Adam<F> {
    /// With β₁ = 0.9, β₂ = 0.999, ε = 1e-8.
    pub fn new(params: &Params<F>) -> Self {
        Adam::with_betas(params, [0.9, 0.999])
    }

    /// With these β₁ and β₂, and ε = 1e-8.
    pub fn with_betas(params: &Params<F>, [beta1, beta2]: [f64; 2]) -> Self {
        Adam { beta1, beta2, eps: 1e-8, state: Memory::new(params, &["m", "v"]) }
    }
}

impl<F: Real> Optimizer<F> for Adam<F> {
    fn step(&mut self, params: &mut Params<F>, mut grads: Grads<F>, lr: f64) {
        self.state.steps += 1;
        let t = self.state.steps;
        let step = update::Adam {
            share1: F::of(1.0 - self.beta1),
            beta2: F::of(self.beta2),
            share2: F::of(1.0 - self.beta2),
            eps: F::of(self.eps),
            step_size: F::of(lr / (1.0 - power(self.beta1, t))),
            root_correction: F::of(1.0 / (1.0 - power(self.beta2, t)).sqrt()),
        };
        let [(_, m), (_, v)] = &mut self.state.moments[..] else { unreachable!("Adam has two moments") };
        for (id, mut g) in grads.take() {
            let (i, w) = (id.index(), params.get_mut(id));
            update::update(&step, w.data(), g.data_mut(), [m[i].data_mut(), v[i].data_mut()]);
            *w = g;
        }
    }

    fn state(&self) -> &Memory<F> {
        &self.state
    }

    fn state_mut(&mut self) -> &mut Memory<F> {
        &mut self.state
    }
}

/// xⁿ by squaring: `powi` leaves its rounding to the platform.
fn power(mut x: f64, mut n: u64) -> f64 {
    let mut y = 1.0;
    while n > 0 {
        if n & 1 == 1 {
            y *= x;
        }
        x *= x;
        n >>= 1;
    }
    y
}
