//! The gradient check of whole losses.

use super::{Architecture, Coder};
use crate::autograd::Var;
use crate::autograd::check::{Errors, check};
use crate::nn::{Activation, Params, Pass};
use crate::rng::{Purpose, Stream};
use crate::tensor::Tensor;

/// Checks the gradient of the loss of a small network of this kind, in all parameters, the data and the noise, at order 1 and 2.
///
/// The hidden layers are tanh here: a difference across a kink of ReLU measures the kink. ReLU's own rule is checked in the
/// catalogue.
pub fn check_loss<N: Coder>() -> Errors {
    let (rows, pixels, latent) = (4, 12, 2);
    let activation = Activation::Tanh;
    let architecture = Architecture { hidden: vec![9, 7], latent, activation, ..Architecture::new(pixels) };
    let mut params = Params::<f64>::default();
    let model = N::new(&mut params, &architecture, 0);
    let mut stream = Stream::new(0, Purpose::Check, 0, 2);
    let x = Tensor::new((0..rows * pixels).map(|_| stream.uniform()).collect(), [rows, pixels]);
    let eps = Tensor::new((0..rows * latent).map(|_| stream.normal()).collect(), [rows, latent]);
    let n = params.len();
    let noise = N::IS_VARIATIONAL.then_some(eps);
    let inputs: Vec<_> = params.ids().map(|id| params.get(id).clone()).chain([x]).chain(noise).collect();
    check(
        &|v: &[Var<f64>]| {
            let pass = Pass::with_leaves(v[0].tape(), &params, &v[..n]);
            model.loss(&pass, v[n], || v[n + 1], 1.3).total
        },
        &inputs,
    )
}
