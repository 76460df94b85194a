//! [`BatchNorm`] and [`LayerNorm`]: signals at mean 0 and variance 1, whatever the weights before.

use super::{BufferId, ParamId, Params, Pass};
use crate::autograd::Var;
use crate::kernels::Real;
use crate::tensor::Tensor;

/// What is added to a variance before its root is taken, as in PyTorch.
const EPS: f64 = 1e-5;
/// How much of the running moments a batch replaces, as in PyTorch.
const MOMENTUM: f64 = 0.1;

/// y = γ (x − μ) / √(σ² + ε) + β for each channel, with the mean and the variance of the batch (and of all places of an image) while
/// training, and with running averages of them when judging (Ioffe and Szegedy 2015, arXiv 1502.03167). PyTorch's `BatchNorm1d` and
/// `BatchNorm2d`: ε = 1e-5, the running moments take a tenth of each batch's, and the variance among them is the unbiased one.
#[derive(Clone, Debug)]
pub struct BatchNorm {
    gamma: ParamId,
    beta: ParamId,
    mean: BufferId,
    variance: BufferId,
}

impl BatchNorm {
    /// Adds `{name}.weight` (γ, ones) and `{name}.bias` (β, zeros) to the parameters, and `{name}.running_mean` and
    /// `{name}.running_var` to the buffers.
    pub fn new<F: Real>(params: &mut Params<F>, name: &str, channels: usize) -> Self {
        let full = |x| Tensor::full(x, [channels]);
        BatchNorm {
            gamma: params.add(format!("{name}.weight"), full(F::ONE)),
            beta: params.add(format!("{name}.bias"), full(F::ZERO)),
            mean: params.add_buffer(format!("{name}.running_mean"), full(F::ZERO)),
            variance: params.add_buffer(format!("{name}.running_var"), full(F::ONE)),
        }
    }

    /// `[B, C]` or `[B, C, H, W]` → the same shape.
    ///
    /// # Panics
    /// When x has other channels; or one number for each channel while training: it has no variance.
    #[track_caller]
    pub fn forward<'t, F: Real>(&self, pass: &Pass<'t, '_, F>, x: Var<'t, F>) -> Var<'t, F> {
        let (tape, shape) = (pass.tape(), x.shape());
        let [gamma, beta] = [self.gamma, self.beta].map(|id| pass.param(id));
        if pass.is_training() {
            let (y, [mean, variance]) = x.batch_norm(gamma, beta, EPS);
            let n = (shape.size() / shape[1]) as f64;
            self.renew(pass, self.mean, &mean, 1.0);
            self.renew(pass, self.variance, &variance, n / (n - 1.0));
            return y;
        }
        assert!(shape.len() == 2 || shape.len() == 4, "batch_norm: expected [B, C] or [B, C, H, W], found {shape}");
        let of_channel = |v: Var<'t, F>| if shape.len() == 2 { v } else { v.reshape([shape[1], 1, 1]) };
        let [mean, variance] = [self.mean, self.variance].map(|id| tape.leaf(pass.buffer(id).clone()));
        let [mean, scale, beta] = [mean, gamma / (variance + EPS).sqrt(), beta].map(of_channel);
        (x - mean) * scale + beta
    }

    /// Takes a tenth of the batch's moment into the running one.
    fn renew<F: Real>(&self, pass: &Pass<F>, id: BufferId, new: &Tensor<F>, scale: f64) {
        let old = pass.buffer(id);
        let mix = |(old, new): (&F, &F)| F::of(1.0 - MOMENTUM) * *old + F::of(MOMENTUM * scale) * *new;
        pass.renew(id, Tensor::new(old.data().iter().zip(new.data()).map(mix).collect(), old.shape()));
    }
}

/// y = γ (x − μ) / √(σ² + ε) + β over the last axis of each row (Ba, Kiros and Hinton 2016, arXiv 1607.06450). PyTorch's `LayerNorm`.
#[derive(Clone, Debug)]
pub struct LayerNorm {
    gamma: ParamId,
    beta: ParamId,
}

impl LayerNorm {
    /// Adds `{name}.weight` (γ, ones) and `{name}.bias` (β, zeros) to the parameters.
    pub fn new<F: Real>(params: &mut Params<F>, name: &str, width: usize) -> Self {
        let mut full = |name: String, x| params.add(name, Tensor::full(x, [width]));
        LayerNorm { gamma: full(format!("{name}.weight"), F::ONE), beta: full(format!("{name}.bias"), F::ZERO) }
    }

    /// `[…, width]` → the same shape.
    ///
    /// # Panics
    /// When the last axis is of another width.
    #[track_caller]
    pub fn forward<'t, F: Real>(&self, pass: &Pass<'t, '_, F>, x: Var<'t, F>) -> Var<'t, F> {
        let last = x.shape().len().checked_sub(1).expect("layer_norm: expected at least one axis");
        let centred = x - x.mean_axes(&[last]);
        let spread = (centred.square().mean_axes(&[last]) + EPS).sqrt();
        centred / spread * pass.param(self.gamma) + pass.param(self.beta)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tape;

    #[test]
    #[should_panic(expected = "batch_norm: expected more than one number for each channel, found [1, 3]")]
    fn one_number_has_no_variance() {
        let mut params = Params::<f32>::default();
        let norm = BatchNorm::new(&mut params, "norm", 3);
        let tape = Tape::new();
        let _ = norm.forward(&Pass::new(&tape, &params), tape.leaf(Tensor::full(1.0, [1, 3])));
    }

    #[test]
    fn judging_renews_nothing_and_does_not_look_at_the_batch() {
        let mut params = Params::<f64>::default();
        let norm = BatchNorm::new(&mut params, "norm", 1);
        let tape = Tape::new();
        let x = tape.leaf(Tensor::new(vec![3.0, 5.0], [2, 1]));
        let judged = norm.forward(&Pass::judging(&tape, &params), x).value();
        assert!((judged.data()[0] - 3.0 / (1.0 + EPS).sqrt()).abs() < 1e-15);
        let pass = Pass::new(&tape, &params);
        let y = norm.forward(&pass, x);
        assert!((y.value().data()[0] + 1.0).abs() < 1e-5);
        let mut grads = pass.backward(y.sum());
        params.renew(&mut grads);
        let running: Vec<f64> = params.buffers().map(|(_, value)| value.item()).collect();
        assert_eq!(running, [0.1 * 4.0, 0.9 + 0.1 * 2.0]);
    }
}
