//! Optimisers and schedules: how gradients move parameters.
//!
//! A graph may still hold the old weights, so an optimiser writes the new ones over the gradient, which is not needed any more,
//! and puts them in the old ones' place. Nothing is copied, and the old weights' memory goes back to the tape.

mod adam;
mod descent;
mod rmsprop;
mod schedule;
mod sgd;

pub use adam::Adam;
pub use descent::{Descent, OptimizerKind};
pub use rmsprop::RmsProp;
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
    fn state(&self) -> &Memory<F>;

    /// What it remembers, to put back.
    fn state_mut(&mut self) -> &mut Memory<F>;
}

/// The memory of an optimiser.
#[derive(Clone, Debug)]
pub struct Memory<F: Real> {
    /// Steps taken.
    pub steps: u64,
    /// Running averages by name, each with one tensor a parameter.
    pub moments: Vec<(&'static str, Vec<Tensor<F>>)>,
}

impl<F: Real> Memory<F> {
    fn new(params: &Params<F>, names: &[&'static str]) -> Self {
        let zeros = || params.ids().map(|id| Tensor::full(F::ZERO, params.get(id).shape())).collect();
        Memory { steps: 0, moments: names.iter().map(|&name| (name, zeros())).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tape;
    use crate::nn::Pass;

    #[test]
    fn adam_moves_a_weight_by_lr_a_step_under_a_constant_gradient_of_any_size() {
        fn moved<F: Real>(size: f64) -> Vec<f64> {
            let mut params = Params::<F>::default();
            let w = params.add("w", Tensor::scalar(F::ZERO));
            let (mut adam, mut tape) = (Adam::new(&params), Tape::new());
            let step = |_| {
                tape.begin();
                let pass = Pass::new(&tape, &params);
                let grads = pass.backward(pass.param(w) * size);
                let before = params.get(w).item().f64();
                adam.step(&mut params, grads, 0.01);
                before - params.get(w).item().f64()
            };
            (0..20).map(step).collect()
        }
        let is_lr = |step: &f64| (step / 0.01 - 1.0).abs() < 1e-4;
        for size in [1e-3, 1.0, 1e18, 1e19, 1e20, 3e38] {
            assert!(moved::<f32>(size).iter().all(is_lr), "{size:e}: {:?}", moved::<f32>(size));
        }
        for size in [1e150, 1e160, 1.7e308] {
            assert!(moved::<f64>(size).iter().all(is_lr), "{size:e}: {:?}", moved::<f64>(size));
        }
    }
}
