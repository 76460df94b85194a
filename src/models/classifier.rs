//! The convolutional classifier: which class is an image of?

use super::coder::Codes;
use crate::autograd::{Tape, Var};
use crate::data::Encoding;
use crate::error::{Error, Result};
use crate::kernels::Real;
use crate::loss;
use crate::nn::{Activation, Conv2d, Dense, Init, Params, Pass};
use crate::ops::{Convolution, Pooling};
use crate::optim::Descent;
use crate::tensor::Tensor;
use crate::train::{Batch, MOST_WEIGHTS, NotFinite, Part, Quantity, Task, Terms};
use serde::{Deserialize, Serialize};

/// What decides a classifier and its updates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Channels, height and width of an image.
    pub shape: [usize; 3],
    /// How many classes there are.
    pub classes: usize,
    /// Nonlinearity of the hidden layers.
    pub activation: Activation,
    /// Distribution of the initial weights.
    pub init: Init,
    /// How its weights are updated.
    #[serde(flatten)]
    pub descent: Descent,
}

impl Settings {
    /// ReLU, PyTorch's initial weights, Adam with learning rate 0.001.
    pub fn new(shape: [usize; 3], classes: usize) -> Self {
        let (activation, init) = (Activation::Relu, Init::Pytorch);
        Settings { shape, classes, activation, init, descent: Descent::adam(0.001) }
    }

    /// Numbers that the first dense layer sees: both poolings halve the image.
    fn flat(&self) -> Option<usize> {
        let [_, height, width] = self.shape;
        CHANNELS[1].checked_mul(height / 4)?.checked_mul(width / 4)
    }
}

/// Channels of both convolutions.
const CHANNELS: [usize; 2] = [32, 64];
/// Width of the hidden dense layer.
const FEATURES: usize = 128;
/// Both convolutions: 3 × 3, with zeros around the image so that its size stays.
const KERNEL: [usize; 2] = [3, 3];

/// Conv 3×3 to 32 channels, nonlinearity, max-pooling by 2, conv 3×3 to 64, nonlinearity, max-pooling by 2, dense to 128, nonlinearity,
/// dense to the classes' logits.
#[derive(Clone, Debug)]
pub struct Cnn {
    convolutions: [Conv2d; 2],
    dense: [Dense; 2],
    activation: Activation,
    shape: [usize; 3],
}

/// What an image becomes on its way through a [`Cnn`].
#[derive(Clone, Copy, Debug)]
pub struct Trace<'t, F: Real> {
    /// What the hidden layers give, behind their nonlinearities: `[B, 32, H, W]`, `[B, 64, H/2, W/2]`, `[B, 128]`. The last are the
    /// penultimate features.
    pub hidden: [Var<'t, F>; 3],
    /// `[B, classes]`; their softmax are the classes' probabilities.
    pub logits: Var<'t, F>,
}

impl<'t, F: Real> Trace<'t, F> {
    /// The penultimate features, `[B, 128]`.
    pub fn features(&self) -> Var<'t, F> {
        self.hidden[2]
    }
}

impl Cnn {
    /// Adds `conv1.*`, `conv2.*`, `fc1.*` and `fc2.*` to the parameters.
    pub fn new<F: Real>(params: &mut Params<F>, s: &Settings, seed: u64) -> Self {
        let options = Convolution { padding: [1, 1], ..Convolution::default() };
        let [first, second] = CHANNELS;
        let mut conv = |name, channels| Conv2d::new(params, name, channels, KERNEL, options, s.init, seed);
        let convolutions = [conv("conv1", [s.shape[0], first]), conv("conv2", [first, second])];
        let flat = s.flat().expect("the settings were validated");
        let mut dense = |name, widths| Dense::new(params, name, widths, s.init, seed);
        let dense = [dense("fc1", [flat, FEATURES]), dense("fc2", [FEATURES, s.classes])];
        Cnn { convolutions, dense, activation: s.activation, shape: s.shape }
    }

    /// `[B, C H W]` → what each layer makes of it.
    #[track_caller]
    pub fn trace<'t, F: Real>(&self, pass: &Pass<'t, '_, F>, x: Var<'t, F>) -> Trace<'t, F> {
        let (rows, [channels, height, width]) = (x.shape()[0], self.shape);
        let layer = |k: usize, x| self.activation.apply(self.convolutions[k].forward(pass, x));
        let first = layer(0, x.reshape([rows, channels, height, width]));
        let second = layer(1, first.max_pool2d(Pooling::square(2)));
        let pooled = second.max_pool2d(Pooling::square(2));
        let flat = pooled.reshape([rows, pooled.shape().size() / rows]);
        let features = self.activation.apply(self.dense[0].forward(pass, flat));
        Trace { hidden: [first, second, features], logits: self.dense[1].forward(pass, features) }
    }

    /// The first layer's windows.
    pub fn filters<'p, F: Real>(&self, params: &'p Params<F>) -> &'p Tensor<F> {
        params.get(self.convolutions[0].weight())
    }
}

/// The training of a [`Cnn`]: the cross-entropy of the classes.
pub struct Classifying {
    settings: Settings,
    network: Cnn,
    part: Part,
}

const QUANTITIES: &[Quantity] = &[
    Quantity { name: "cross_entropy", label: "cross-entropy", unit: "nats per image" },
    Quantity { name: "accuracy", label: "accuracy", unit: "of the images" },
];

impl Classifying {
    /// It has no decoder.
    pub(super) fn coder(&self) -> Option<&dyn Codes> {
        None
    }

    /// What decided it.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The network.
    pub fn network(&self) -> &Cnn {
        &self.network
    }

    /// The weights.
    pub fn params(&self) -> &Params<f32> {
        &self.part.params
    }

    /// Cross-entropy and accuracy of a batch.
    fn terms<'t>(&self, logits: Var<'t, f32>, loss: Var<'t, f32>, batch: &Batch) -> Terms {
        let logits = logits.value();
        let right = batch.labels().enumerate().filter(|(i, label)| likeliest(logits.row(*i)) == *label).count();
        Terms::new(QUANTITIES, &[loss.item().into(), right as f64 / batch.len() as f64])
    }
}

/// The class of the largest logit, the first one of equals.
pub fn likeliest(logits: &[f32]) -> usize {
    (1..logits.len()).fold(0, |best, class| if logits[class] > logits[best] { class } else { best })
}

impl Task for Classifying {
    type Settings = Settings;

    fn validate(settings: &Settings, _: Encoding) -> Result<()> {
        let (weights, size) = (format!("images of at most {MOST_WEIGHTS} weights"), Self::weights(settings));
        let [_, height, width] = settings.shape;
        let found = format!("{height} × {width}");
        settings.descent.validate()?;
        Error::first_setting([
            (settings.classes > 1, "classes", "at least 2 to tell apart", settings.classes.to_string()),
            (height.min(width) >= 4, "shape", "images of at least 4 × 4 pixels, to be halved twice", found.clone()),
            (size.is_some_and(|n| n <= MOST_WEIGHTS), "shape", &*weights, found),
        ])
    }

    fn pixels(settings: &Settings) -> usize {
        settings.shape.iter().product()
    }

    fn weights(settings: &Settings) -> Option<usize> {
        let window = |from: usize, to: usize| from.checked_mul(9)?.checked_add(1)?.checked_mul(to);
        let dense = |from: usize, to: usize| from.checked_add(1)?.checked_mul(to);
        let convolutions = window(settings.shape[0], CHANNELS[0])?.checked_add(window(CHANNELS[0], CHANNELS[1])?)?;
        let dense = dense(settings.flat()?, FEATURES)?.checked_add(dense(FEATURES, settings.classes)?)?;
        convolutions.checked_add(dense)
    }

    fn new(settings: &Settings, seed: u64) -> Self {
        let mut params = Params::default();
        let network = Cnn::new(&mut params, settings, seed);
        Classifying { network, part: Part::new(params, &settings.descent), settings: settings.clone() }
    }

    fn quantities(&self) -> &'static [Quantity] {
        QUANTITIES
    }

    fn step(&mut self, tape: &mut Tape<f32>, batch: &Batch) -> Result<Terms, NotFinite> {
        let pass = Pass::new(tape, &self.part.params);
        let x = tape.span("gather", || batch.images(tape));
        let (logits, loss) = tape.span("forward", || {
            let logits = self.network.trace(&pass, x).logits;
            (logits, loss::classification(logits, batch.classes(tape, self.settings.classes)))
        });
        if !loss.item().is_finite() {
            return Err(NotFinite("the loss".into()));
        }
        let grads = tape.span("backward", || pass.backward(loss));
        let terms = self.terms(logits, loss, batch);
        self.part.update(tape, grads, batch)?;
        Ok(terms)
    }

    fn judge(&self, tape: &mut Tape<f32>, batch: &Batch) -> Terms {
        let pass = Pass::judging(tape, &self.part.params);
        let logits = self.network.trace(&pass, batch.images(tape)).logits;
        self.terms(logits, loss::classification(logits, batch.classes(tape, self.settings.classes)), batch)
    }

    fn parts(&self) -> Vec<&Part> {
        vec![&self.part]
    }

    fn parts_mut(&mut self) -> Vec<&mut Part> {
        vec![&mut self.part]
    }

    fn line(&self, means: &Terms) -> String {
        let [loss, accuracy] = ["cross_entropy", "accuracy"].map(|name| means.get(name).unwrap_or(f64::NAN));
        format!("{loss:.4}, {:.2} % right", 100.0 * accuracy)
    }
}
