//! RMSprop.

use super::{Memory, Optimizer};
use crate::kernels::{Real, update};
use crate::nn::{Grads, Params};

/// How much of the mean square of the gradient a step keeps.
const DECAY: f64 = 0.99;
const EPS: f64 = 1e-8;

/// RMSprop (Tieleman and Hinton 2012) in PyTorch's form: v ← 0.99 v + 0.01 g², w ← w − lr · g / (√v + 1e-8).
#[derive(Debug)]
pub struct RmsProp<F: Real> {
    state: Memory<F>,
}

impl<F: Real> RmsProp<F> {
    /// Before its first step.
    pub fn new(params: &Params<F>) -> Self {
        RmsProp { state: Memory::new(params, &["v"]) }
    }
}

impl<F: Real> Optimizer<F> for RmsProp<F> {
    fn step(&mut self, params: &mut Params<F>, mut grads: Grads<F>, lr: f64) {
        self.state.steps += 1;
        let rule = update::RmsProp { lr: F::of(lr), decay: F::of(DECAY), share: F::of(1.0 - DECAY), eps: F::of(EPS) };
        let squares = &mut self.state.moments[0].1;
        for (id, mut g) in grads.take() {
            let (i, w) = (id.index(), params.get_mut(id));
            update::update(&rule, w.data(), g.data_mut(), [squares[i].data_mut()]);
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
