//! [`Conv2d`]: the convolutional layer.

use super::{Init, ParamId, Params, Pass};
use crate::autograd::Var;
use crate::kernels::Real;
use crate::ops::Convolution;

/// Convolution with a bias, with weights `[C_out, C_in/groups, K, K]` as in PyTorch's `Conv2d`.
#[derive(Clone, Debug)]
pub struct Conv2d {
    weight: ParamId,
    bias: ParamId,
    options: Convolution,
}

impl Conv2d {
    /// Adds `{name}.weight` and `{name}.bias` to the parameters.
    pub fn new<F: Real>(
        params: &mut Params<F>,
        name: &str,
        [inputs, outputs]: [usize; 2],
        kernel: [usize; 2],
        options: Convolution,
        init: Init,
        seed: u64,
    ) -> Self {
        let [seen, reached] = [inputs, outputs].map(|channels| channels / options.groups * kernel[0] * kernel[1]);
        let shape = [outputs, inputs / options.groups, kernel[0], kernel[1]];
        let (w, b) = init.draw(shape.into(), [seen, reached], seed, params.len());
        Conv2d { weight: params.add(format!("{name}.weight"), w), bias: params.add(format!("{name}.bias"), b), options }
    }

    /// `[B, C_in, H, W]` → `[B, C_out, …]`.
    ///
    /// # Panics
    /// When x has other channels, or the window does not fit.
    #[track_caller]
    pub fn forward<'t, F: Real>(&self, pass: &Pass<'t, '_, F>, x: Var<'t, F>) -> Var<'t, F> {
        x.conv2d(pass.param(self.weight), Some(pass.param(self.bias)), self.options)
    }

    /// Its weights.
    pub fn weight(&self) -> ParamId {
        self.weight
    }
}
