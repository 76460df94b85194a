//! Stochastic gradient descent with momentum.

use super::{Optimizer, State, spares};
use crate::kernels::{Real, elementwise::map};
use crate::nn::{Grads, Params};
use crate::tensor::Tensor;

/// SGD with momentum μ in PyTorch's form: b ← μ b + g, w ← w − lr · b. μ = 0 is plain SGD.
#[derive(Debug)]
pub struct Sgd<F: Real> {
    momentum: f64,
    state: State<F>,
    spares: Vec<Tensor<F>>,
}

impl<F: Real> Sgd<F> {
    /// With this momentum.
    pub fn new(params: &Params<F>, momentum: f64) -> Self {
        Sgd { momentum, state: State::new(params, &["momentum"]), spares: spares(params) }
    }
}

impl<F: Real> Optimizer<F> for Sgd<F> {
    fn step(&mut self, params: &mut Params<F>, grads: &Grads<F>, lr: f64) {
        self.state.steps += 1;
        let (lr, mu) = (F::of(lr), F::of(self.momentum));
        let buffers = &mut self.state.moments[0].1;
        for (id, g) in grads.iter() {
            let i = id.index();
            let (w, spare, buffer) = (params.get_mut(id), &mut self.spares[i], &mut buffers[i]);
            // The spare holds the new buffer for a moment, then the new weights.
            map(&|[b, g]: [F; 2]| mu * b + g, [buffer.data(), g.data()], spare.data_mut());
            std::mem::swap(buffer, spare);
            map(&|[w, b]: [F; 2]| w - lr * b, [w.data(), buffer.data()], spare.data_mut());
            std::mem::swap(w, spare);
        }
    }

    fn state(&self) -> &State<F> {
        &self.state
    }

    fn state_mut(&mut self) -> &mut State<F> {
        &mut self.state
    }
}
