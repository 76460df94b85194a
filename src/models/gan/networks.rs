//! [`Generator`] and [`Critic`]: of dense layers, or of convolutions.

use super::{Hold, Settings};
use crate::autograd::Var;
use crate::kernels::Real;
use crate::nn::{Activation, BatchNorm, Conv2d, ConvTranspose2d, Dense, Init, Params, Pass, SpectralNorm, Stack};
use crate::ops::Convolution;

/// Channels of the hidden images, behind the noise's end and beside the image's.
const CHANNELS: [usize; 2] = [64, 32];
/// Windows of 4 × 4 that move by 2: they halve an image's sides, or double them.
const KERNEL: [usize; 2] = [4, 4];
const HALVING: Convolution = Convolution { stride: [2, 2], padding: [1, 1], dilation: [1, 1], groups: 1 };
/// The slope of the critic's nonlinearity below 0.
const SLOPE: f64 = 0.2;

/// Noise → images.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one")]
pub enum Generator {
    /// Dense layers with ReLU between them, then tanh.
    Dense(Stack),
    /// A dense layer to 64 channels of a quarter of the image's sides; batch normalisation and ReLU; a transposed convolution to 32
    /// channels; both again; a transposed convolution to the image, then tanh.
    Convolutional {
        /// From the noise.
        dense: Dense,
        /// Channels, height and width of what it gives.
        to: [usize; 3],
        /// Both transposed convolutions.
        up: [ConvTranspose2d; 2],
        /// Behind the dense layer, and between the convolutions.
        norms: [BatchNorm; 2],
    },
}

impl Generator {
    /// Adds `generator.*` to the parameters.
    pub fn new<F: Real>(params: &mut Params<F>, s: &Settings, seed: u64) -> Self {
        let (inputs, [channels, height, width]) = (s.latent + s.given(), s.shape);
        if !s.is_convolutional {
            let widths: Vec<usize> =
                [inputs].into_iter().chain(s.hidden.iter().rev().copied()).chain([channels * height * width]).collect();
            let relu = Activation::Relu;
            return Generator::Dense(Stack::new(params, "generator", &widths, relu, false, Init::Pytorch, seed));
        }
        let to = [CHANNELS[0], height / 4, width / 4];
        let first = to.iter().product();
        let dense = Dense::new(params, "generator.dense", [inputs, first], s.init(), seed);
        let norm = |params: &mut Params<F>, name, n| BatchNorm::new(params, name, n);
        let first = norm(params, "generator.norm1", first);
        let up = |params: &mut Params<F>, name, channels| {
            ConvTranspose2d::new(params, name, channels, KERNEL, HALVING, [0, 0], s.init(), seed)
        };
        let up1 = up(params, "generator.up1", CHANNELS);
        let second = norm(params, "generator.norm2", CHANNELS[1]);
        let up2 = up(params, "generator.up2", [CHANNELS[1], channels]);
        Generator::Convolutional { dense, to, up: [up1, up2], norms: [first, second] }
    }

    /// z `[B, Z]`, with the classes or the code, if it is given any → images `[B, D]` of pixels from −1 to 1.
    #[track_caller]
    pub fn forward<'t, F: Real>(&self, pass: &Pass<'t, '_, F>, z: Var<'t, F>, given: Option<Var<'t, F>>) -> Var<'t, F> {
        let z = given.map_or(z, |given| Var::concat(&[z, given], 1));
        match self {
            Generator::Dense(layers) => layers.forward(pass, z).tanh(),
            Generator::Convolutional { dense, to: [channels, height, width], up, norms } => {
                let rows = z.shape()[0];
                let x = norms[0].forward(pass, dense.forward(pass, z)).relu();
                let x = x.reshape([rows, *channels, *height, *width]);
                let x = norms[1].forward(pass, up[0].forward(pass, x)).relu();
                let x = up[1].forward(pass, x).tanh();
                x.reshape([rows, x.shape().size() / rows])
            }
        }
    }
}

/// Images → scores: high for real ones.
#[derive(Clone, Debug)]
pub struct Critic {
    layers: Layers,
    /// From what the last layer sees to the code that the image was made from, if there are codes.
    code: Option<Dense>,
    /// One for each layer, or none.
    spectra: Vec<SpectralNorm>,
    shape: [usize; 3],
}

#[derive(Clone, Debug)]
enum Layers {
    /// Dense layers with leaky ReLU between them.
    Dense(Vec<Dense>),
    /// Convolutions to 32 and to 64 channels, each halving the sides, the second normalised if it is to be, with leaky ReLU behind; a
    /// dense layer to the score.
    Convolutional { down: [Conv2d; 2], norm: Option<BatchNorm>, dense: Dense },
}

/// A critic's weights in a pass, divided by their largest singular values if they are to be.
pub struct Judge<'a, 't, 'p, F: Real> {
    critic: &'a Critic,
    pass: &'a Pass<'t, 'p, F>,
    weights: Vec<Var<'t, F>>,
}

impl Critic {
    /// Adds `critic.*` to the parameters.
    pub fn new<F: Real>(params: &mut Params<F>, s: &Settings, seed: u64) -> Self {
        let [channels, height, width] = s.shape;
        let technique = s.variant.technique();
        let (layers, weights, seen) = if s.is_convolutional {
            let down = |params: &mut Params<F>, name, channels| {
                Conv2d::new(params, name, channels, KERNEL, HALVING, s.init(), seed)
            };
            let first = down(params, "critic.down1", [channels + s.told(), CHANNELS[1]]);
            let second = down(params, "critic.down2", [CHANNELS[1], CHANNELS[0]]);
            let norm = technique.has_batch_norm.then(|| BatchNorm::new(params, "critic.norm", CHANNELS[0]));
            let flat = CHANNELS[0] * (height / 4) * (width / 4);
            let dense = Dense::new(params, "critic.dense", [flat, 1], s.init(), seed);
            let weights = vec![first.weight(), second.weight(), dense.weight()];
            (Layers::Convolutional { down: [first, second], norm, dense }, weights, flat)
        } else {
            let inputs = channels * height * width + s.told();
            let widths: Vec<usize> = [inputs].into_iter().chain(s.hidden.iter().copied()).chain([1]).collect();
            // Counted as in PyTorch's `Sequential`, with a nonlinearity behind each.
            let layer = |(i, w): (usize, &[usize])| {
                Dense::new(params, &format!("critic.{}", 2 * i), [w[0], w[1]], Init::Pytorch, seed)
            };
            let layers: Vec<Dense> = widths.windows(2).enumerate().map(layer).collect();
            let weights = layers.iter().map(Dense::weight).collect();
            (Layers::Dense(layers), weights, widths[widths.len() - 2])
        };
        let width = s.code();
        let code = (width > 0).then(|| Dense::new(params, "critic.code", [seen, width], s.init(), seed));
        let spectra = match technique.hold {
            Hold::Spectral => weights
                .into_iter()
                .map(|weight| {
                    let name = params.name(weight).trim_end_matches(".weight").to_string();
                    SpectralNorm::new(params, &name, weight)
                })
                .collect(),
            _ => Vec::new(),
        };
        Critic { layers, code, spectra, shape: s.shape }
    }

    /// The critic in a pass.
    pub fn on<'a, 't, 'p, F: Real>(&'a self, pass: &'a Pass<'t, 'p, F>) -> Judge<'a, 't, 'p, F> {
        let weights = match (&self.spectra[..], &self.layers) {
            ([], Layers::Dense(layers)) => layers.iter().map(|layer| pass.param(layer.weight())).collect(),
            ([], Layers::Convolutional { down: [first, second], dense, .. }) => {
                [first.weight(), second.weight(), dense.weight()].map(|id| pass.param(id)).to_vec()
            }
            (spectra, _) => spectra.iter().map(|norm| norm.weight(pass)).collect(),
        };
        Judge { critic: self, pass, weights }
    }
}

impl<'t, F: Real> Judge<'_, 't, '_, F> {
    /// Images `[B, D]`, with their classes `[B, classes]` if it is told them → scores `[B, 1]`.
    #[track_caller]
    pub fn score(&self, x: Var<'t, F>, classes: Option<Var<'t, F>>) -> Var<'t, F> {
        self.look(x, classes).0
    }

    /// Images → scores `[B, 1]`, and what it reads of their codes, if there are any.
    #[track_caller]
    pub fn look(&self, x: Var<'t, F>, classes: Option<Var<'t, F>>) -> (Var<'t, F>, Option<Var<'t, F>>) {
        let seen = self.last(x, classes);
        let dense = match &self.critic.layers {
            Layers::Dense(layers) => &layers[layers.len() - 1],
            Layers::Convolutional { dense, .. } => dense,
        };
        let score = dense.with(self.pass, self.weights[self.weights.len() - 1], seen);
        (score, self.critic.code.as_ref().map(|code| code.forward(self.pass, seen)))
    }

    /// What the last layer sees.
    #[track_caller]
    fn last(&self, x: Var<'t, F>, classes: Option<Var<'t, F>>) -> Var<'t, F> {
        let (pass, [channels, height, width], rows) = (self.pass, self.critic.shape, x.shape()[0]);
        match &self.critic.layers {
            Layers::Dense(layers) => {
                let mut x = classes.map_or(x, |classes| Var::concat(&[x, classes], 1));
                for (layer, weight) in layers[..layers.len() - 1].iter().zip(&self.weights) {
                    x = layer.with(pass, *weight, x).leaky_relu(SLOPE);
                }
                x
            }
            Layers::Convolutional { down, norm, .. } => {
                let x = x.reshape([rows, channels, height, width]);
                // A class is a plane of ones among planes of zeros.
                let plane = |classes: Var<'t, F>| {
                    let n = classes.shape()[1];
                    classes.reshape([rows, n, 1, 1]).broadcast_to([rows, n, height, width])
                };
                let x = classes.map_or(x, |classes| Var::concat(&[x, plane(classes)], 1));
                let x = down[0].with(pass, self.weights[0], x).leaky_relu(SLOPE);
                let x = down[1].with(pass, self.weights[1], x);
                let x = norm.as_ref().map_or(x, |norm| norm.forward(pass, x)).leaky_relu(SLOPE);
                x.reshape([rows, x.shape().size() / rows])
            }
        }
    }
}

/// How many weights both networks have; none where that exceeds what can be counted.
pub(super) fn weights(s: &Settings) -> Option<usize> {
    let [channels, height, width] = s.shape;
    let dense = |inputs: usize, outputs: usize| inputs.checked_add(1)?.checked_mul(outputs);
    let window = |inputs: usize, outputs: usize| inputs.checked_mul(KERNEL[0] * KERNEL[1])?.checked_mul(outputs);
    let sum = |parts: &[Option<usize>]| parts.iter().try_fold(0usize, |sum, n| sum.checked_add((*n)?));
    let inputs = s.latent.checked_add(s.given())?;
    let code = |seen: usize| if s.code() > 0 { dense(seen, s.code()) } else { Some(0) };
    if s.is_convolutional {
        let [wide, narrow] = CHANNELS;
        let flat = wide.checked_mul(height / 4)?.checked_mul(width / 4)?;
        let seen = channels.checked_add(s.told())?;
        let norm = if s.variant.technique().has_batch_norm { 2 * wide } else { 0 };
        let generator = [dense(inputs, flat), flat.checked_mul(2), window(wide, narrow), window(narrow, channels)];
        let critic = [window(seen, narrow), window(narrow, wide), dense(flat, 1), code(flat)];
        // Biases, and γ and β of the second norm.
        let rest = [Some(3 * narrow), Some(channels), Some(narrow + wide + norm)];
        return sum(&[sum(&generator), sum(&critic), sum(&rest)]);
    }
    let pixels = channels.checked_mul(height)?.checked_mul(width)?;
    let along = |widths: Vec<usize>| sum(&widths.windows(2).map(|w| dense(w[0], w[1])).collect::<Vec<_>>());
    let seen = pixels.checked_add(s.told())?;
    let critic = [seen].into_iter().chain(s.hidden.iter().copied()).chain([1]).collect();
    let code = code(s.hidden.last().copied().unwrap_or(seen));
    let generator = [inputs].into_iter().chain(s.hidden.iter().rev().copied()).chain([pixels]).collect();
    sum(&[along(critic), along(generator), code])
}
