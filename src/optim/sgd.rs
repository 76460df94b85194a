//! Stochastic gradient descent with momentum.

use super::{Memory, Optimizer};
use crate::kernels::{Real, update};
use crate::nn::{Grads, Params};

/// SGD with momentum μ in PyTorch's form: b ← μ b + g, w ← w − lr · b. μ = 0 is plain SGD.
#[derive(Debug)]
pub struct Sgd<F: Real> {
    momentum: f64,
    state: Memory<F>,
}

impl<F: Real> Sgd<F> {
    /// With this momentum.
    pub fn new(params: &Params<F>, momentum: f64) -> Self {
        Sgd { momentum, state: Memory::new(params, &["momentum"]) }
    }
}

impl<F: Real> Optimizer<F> for Sgd<F> {
    fn step(&mut self, params: &mut Params<F>, mut grads: Grads<F>, lr: f64) {
        self.state.steps += 1;
        let rule = update::Momentum { lr: F::of(lr), momentum: F::of(self.momentum) };
        let buffers = &mut self.state.moments[0].1;
        for (id, mut g) in grads.take() {
            let (i, w) = (id.index(), params.get_mut(id));
            update::update(&rule, w.data(), g.data_mut(), [buffers[i].data_mut()]);
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
