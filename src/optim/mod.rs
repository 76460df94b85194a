//! Optimisers and schedules: how gradients move parameters.
//!
//! A graph may still hold the old weights, so an optimiser writes the new ones over the gradient, which nobody needs any more,
//! and puts them in the old ones' place. Nothing is copied, and the old weights' memory goes back to the tape.

mod adam;
mod schedule;
mod sgd;

pub use adam::Adam;
pub use schedule::{LrSchedule, warm_up};
pub use sgd::Sgd;

use crate::kernels::Real;
use crate::nn::{Grads, Params};
use crate::tensor::Tensor;

/// A first-order optimiser.
pub trait Optimizer<F: Real> {
    /// Moves each parameter that has a gradient, with this learning rate. The gradients' memory becomes that of the weights.
    fn step(&mut self, params: &mut Params<F>, grads: Grads<F>, lr: f64);

    /// What it remembers, for a checkpoint.
    fn state(&self) -> &State<F>;

    /// What it remembers, to put back.
    fn state_mut(&mut self) -> &mut State<F>;
}

/// The memory of an optimiser.
#[derive(Clone, Debug)]
pub struct State<F: Real> {
    /// Steps taken.
    pub steps: u64,
    /// Running averages by name, each with one tensor a parameter.
    pub moments: Vec<(&'static str, Vec<Tensor<F>>)>,
}

impl<F: Real> State<F> {
    fn new(params: &Params<F>, names: &[&'static str]) -> Self {
        let zeros = || params.ids().map(|id| Tensor::full(F::ZERO, params.get(id).shape())).collect();
        State { steps: 0, moments: names.iter().map(|&name| (name, zeros())).collect() }
    }
}
