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

    /// Steps taken.
    fn steps(&self) -> u64;

    /// Its state by name, for a checkpoint: `(kind of moment, parameter index, tensor)`.
    fn state(&self) -> Vec<(&'static str, usize, &Tensor<F>)>;

    /// Puts back a state that [`state`](Optimizer::state) gave: `find(kind, parameter index)`.
    ///
    /// # Errors
    /// Passes on what `find` says of a tensor it cannot give.
    fn restore<E>(&mut self, params: &Params<F>, steps: u64, find: impl FnMut(&'static str, usize) -> Result<Tensor<F>, E>) -> Result<(), E>
    where
        Self: Sized;
}
