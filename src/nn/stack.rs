//! [`Stack`]: dense layers one after the other.

use super::{Activation, Dense, Init, Params, Pass};
use crate::autograd::Var;
use crate::kernels::Real;

/// Dense layers with a nonlinearity between them: a multi-layer perceptron.
#[derive(Clone, Debug)]
pub struct Stack {
    layers: Vec<Dense>,
    activation: Activation,
    activate_last: bool,
}

impl Stack {
    /// Layers from `widths[0]` inputs through each further width. With `activate_last` the nonlinearity follows the last layer as well.
    ///
    /// Names count as in PyTorch's `Sequential`, in which each nonlinearity has a number too: `{name}.0`, `{name}.2`, …
    pub fn new<F: Real>(
        params: &mut Params<F>,
        name: &str,
        widths: &[usize],
        activation: Activation,
        activate_last: bool,
        init: Init,
        seed: u64,
    ) -> Self {
        let layer =
            |(i, w): (usize, &[usize])| Dense::new(params, &format!("{name}.{}", 2 * i), [w[0], w[1]], init, seed);
        Stack { layers: widths.windows(2).enumerate().map(layer).collect(), activation, activate_last }
    }

    /// `[B, first width]` → `[B, last width]`.
    #[track_caller]
    pub fn forward<'t, F: Real>(&self, pass: &Pass<'t, '_, F>, mut x: Var<'t, F>) -> Var<'t, F> {
        for (i, layer) in self.layers.iter().enumerate() {
            x = layer.forward(pass, x);
            if self.activate_last || i + 1 < self.layers.len() {
                x = self.activation.apply(x);
            }
        }
        x
    }
}
