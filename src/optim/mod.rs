//! Optimisers and schedules: how gradients move parameters.
//!
//! An optimiser writes new weights beside the old ones and swaps them in, because a graph may still hold the old ones; writing
//! in place would copy them all first.

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
    /// Moves each parameter that has a gradient, with this learning rate.
    fn step(&mut self, params: &mut Params<F>, grads: &Grads<F>, lr: f64);

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

/// Where the next weights are written: one tensor a parameter, swapped with the parameter after each step.
fn spares<F: Real>(params: &Params<F>) -> Vec<Tensor<F>> {
    params.ids().map(|id| Tensor::full(F::ZERO, params.get(id).shape())).collect()
}
