//! How weights start.

use crate::kernels::Real;
use crate::rng::{Purpose, Stream};
use crate::tensor::{Shape, Tensor};
#[cfg(feature = "serde")]
use serde::{Deserialize, Serialize};

/// The distribution of initial weights, by the variance that keeps signals at one scale through the layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum Init {
    /// Uniform in ±1/√fan_in, biases too: variance 1/(3 fan_in), what PyTorch's `Linear` does.
    #[default]
    Pytorch,
    /// N(0, 2/fan_in), biases 0: for ReLU, which halves the variance (He et al. 2015, arXiv 1502.01852).
    He,
    /// N(0, 1/fan_in), biases 0: for SELU (LeCun et al. 1998, *Efficient BackProp*).
    Lecun,
    /// Uniform in ±√(6/(fan_in + fan_out)), biases 0: for tanh (Glorot and Bengio 2010), and what Keras' layers do.
    Glorot,
    /// N(0, 0.02²), biases 0: for GANs with convolutions (Radford et al. 2016, arXiv 1511.06434).
    Radford,
}

impl Init {
    /// Weights of a shape that begins with the number of outputs, and a bias for each output. The fans are how many inputs an output
    /// has, and how many outputs an input: `[n_in, n_out]` for a dense layer `[n_out, n_in]`, both times the window's size for a
    /// convolution. The same (seed, index) gives the same numbers, `index` being the place of the weights among the model's parameters.
    pub fn draw<F: Real>(self, shape: Shape, fans: [usize; 2], seed: u64, index: usize) -> (Tensor<F>, Tensor<F>) {
        let tensor = |shape: Shape, index: usize, draw: &dyn Fn(&mut Stream) -> f64| {
            let mut stream = Stream::new(seed, Purpose::Init, index as u64, 0);
            Tensor::new((0..shape.size()).map(|_| F::of(draw(&mut stream))).collect(), shape)
        };
        let [fan_in, fan_out] = fans.map(|fan| fan as f64);
        let uniform = |bound: f64| move |s: &mut Stream| s.between(-bound, bound);
        let normal = |variance: f64| move |s: &mut Stream| variance.sqrt() * s.normal();
        let (w, b) = (shape, Shape::from([shape[0]]));
        let zeros = Tensor::full(F::ZERO, b);
        match self {
            Init::Pytorch => {
                let draw = uniform(1.0 / fan_in.sqrt());
                (tensor(w, index, &draw), tensor(b, index + 1, &draw))
            }
            Init::He => (tensor(w, index, &normal(2.0 / fan_in)), zeros),
            Init::Lecun => (tensor(w, index, &normal(1.0 / fan_in)), zeros),
            Init::Glorot => (tensor(w, index, &uniform((6.0 / (fan_in + fan_out)).sqrt())), zeros),
            Init::Radford => (tensor(w, index, &normal(4e-4)), zeros),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_have_the_stated_variance_and_bounds() {
        let (n_in, n_out) = (300, 400);
        for (init, variance) in [
            (Init::Pytorch, 1.0 / 900.0),
            (Init::He, 2.0 / 300.0),
            (Init::Lecun, 1.0 / 300.0),
            (Init::Glorot, 2.0 / 700.0),
            (Init::Radford, 4e-4),
        ] {
            let (w, b) = init.draw::<f64>([n_out, n_in].into(), [n_in, n_out], 1, 0);
            let n = w.data().len() as f64;
            let mean = w.data().iter().sum::<f64>() / n;
            let var = w.data().iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
            // 120,000 draws: the standard error of the variance is below 0.5 %.
            assert!((var / variance - 1.0).abs() < 0.02, "{init:?}: {var} for {variance}");
            assert!(mean.abs() < 5.0 * (variance / n).sqrt(), "{init:?}: mean {mean}");
            let bias_bound = if init == Init::Pytorch { 1.0 / 300f64.sqrt() } else { 0.0 };
            assert!(b.data().iter().all(|x| x.abs() <= bias_bound), "{init:?}");
        }
    }
}
