//! [`Conv2d`] and [`ConvTranspose2d`]: layers of images.

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
        self.with(pass, pass.param(self.weight), x)
    }

    /// The same with other weights in place of its own.
    #[track_caller]
    pub fn with<'t, F: Real>(&self, pass: &Pass<'t, '_, F>, weight: Var<'t, F>, x: Var<'t, F>) -> Var<'t, F> {
        x.conv2d(weight, Some(pass.param(self.bias)), self.options)
    }

    /// Its weights.
    pub fn weight(&self) -> ParamId {
        self.weight
    }
}

/// Transposed convolution with a bias, with weights `[C_in, C_out/groups, K, K]` as in PyTorch's `ConvTranspose2d`.
#[derive(Clone, Debug)]
pub struct ConvTranspose2d {
    weight: ParamId,
    bias: ParamId,
    options: Convolution,
    output_padding: [usize; 2],
}

impl ConvTranspose2d {
    /// Adds `{name}.weight` and `{name}.bias` to the parameters. With a stride several sizes of image lead to one; `output_padding` is how
    /// much larger than the smallest of them the result is.
    ///
    /// The fans are counted as PyTorch counts them: the outputs that an input reaches as what an output sees.
    #[allow(clippy::too_many_arguments, reason = "those of Conv2d, and one more")]
    pub fn new<F: Real>(
        params: &mut Params<F>,
        name: &str,
        [inputs, outputs]: [usize; 2],
        kernel: [usize; 2],
        options: Convolution,
        output_padding: [usize; 2],
        init: Init,
        seed: u64,
    ) -> Self {
        let [reached, seen] = [outputs, inputs].map(|channels| channels / options.groups * kernel[0] * kernel[1]);
        let shape = [inputs, outputs / options.groups, kernel[0], kernel[1]];
        let index = params.len();
        let (w, _) = init.draw(shape.into(), [reached, seen], seed, index);
        let (_, b) = init.draw([outputs, 1].into(), [reached, seen], seed, index);
        let (weight, bias) = (params.add(format!("{name}.weight"), w), params.add(format!("{name}.bias"), b));
        ConvTranspose2d { weight, bias, options, output_padding }
    }

    /// `[B, C_in, H, W]` → `[B, C_out, …]`.
    ///
    /// # Panics
    /// When x has other channels.
    #[track_caller]
    pub fn forward<'t, F: Real>(&self, pass: &Pass<'t, '_, F>, x: Var<'t, F>) -> Var<'t, F> {
        let [weight, bias] = [self.weight, self.bias].map(|id| pass.param(id));
        x.conv_transpose2d(weight, Some(bias), self.options, self.output_padding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Tape, Tensor};

    #[test]
    fn layers_have_pytorchs_names_shapes_and_bounds() {
        let mut params = Params::<f64>::default();
        let options = Convolution { stride: [2, 2], padding: [1, 1], groups: 2, ..Convolution::default() };
        let down = Conv2d::new(&mut params, "down", [4, 6], [4, 4], options, Init::Pytorch, 0);
        let up = ConvTranspose2d::new(&mut params, "up", [6, 4], [4, 4], options, [0, 0], Init::Pytorch, 0);
        let shapes: Vec<_> =
            params.ids().map(|id| (params.name(id).to_string(), params.get(id).shape().to_vec())).collect();
        let expected = [
            ("down.weight", vec![6, 2, 4, 4]),
            ("down.bias", vec![6]),
            ("up.weight", vec![6, 2, 4, 4]),
            ("up.bias", vec![4]),
        ];
        assert_eq!(shapes, expected.map(|(name, shape)| (name.to_string(), shape)));
        // PyTorch takes fan_in from the second axis of the weights, here 2 · 16, for both.
        for id in params.ids() {
            let largest = params.get(id).data().iter().fold(0.0f64, |m, w| m.max(w.abs()));
            assert!(largest <= 1.0 / 32f64.sqrt() && largest > 0.5 / 32f64.sqrt(), "{}", params.name(id));
        }
        let tape = Tape::new();
        let pass = Pass::new(&tape, &params);
        let small = down.forward(&pass, tape.leaf(Tensor::full(1.0, [3, 4, 8, 6])));
        assert_eq!(*small.shape(), [3, 6, 4, 3]);
        assert_eq!(*up.forward(&pass, small).shape(), [3, 4, 8, 6]);
    }
}
