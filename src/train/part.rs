//! [`Part`]: parameters with their optimiser.

use super::{Batch, NotFinite};
use crate::autograd::Tape;
use crate::nn::{Grads, Params};
use crate::optim::{Descent, Optimizer};

/// Parameters that are updated together, and what their optimiser remembers: what a checkpoint keeps.
pub struct Part {
    /// The weights.
    pub params: Params<f32>,
    /// What moves them.
    pub optimizer: Box<dyn Optimizer<f32>>,
    descent: Descent,
}

impl Part {
    /// Before the first step.
    pub fn new(params: Params<f32>, descent: &Descent) -> Self {
        Part { optimizer: descent.optimizer(&params), params, descent: descent.clone() }
    }

    /// Renews the buffers and moves the weights, with the learning rate of the moment and the gradient clipped as the settings say.
    ///
    /// # Errors
    /// When a gradient is not finite; then no weight was moved.
    pub fn update(&mut self, tape: &Tape<f32>, mut grads: Grads<f32>, batch: &Batch) -> Result<(), NotFinite> {
        if let Some(id) = tape.span("check", || grads.not_finite()) {
            return Err(NotFinite(format!("the gradient of {}", self.params.name(id))));
        }
        if let Some(max) = self.descent.clip_norm
            && !grads.clip_norm(max).is_finite()
        {
            return Err(NotFinite("the norm of the gradient".into()));
        }
        let lr = self.descent.lr * self.descent.lr_schedule.factor(batch.step, batch.epochs * batch.batches);
        self.params.renew(&mut grads);
        tape.span("update", || self.optimizer.step(&mut self.params, grads, lr));
        Ok(())
    }
}
