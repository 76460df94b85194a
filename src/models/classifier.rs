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
    /// What the convolutions give, before their nonlinearity: `[B, 32, H, W]`, `[B, 64, H/2, W/2]`.
    convolved: [Var<'t, F>; 2],
    activation: Activation,
    /// The penultimate features, behind their nonlinearity: `[B, 128]`.
    pub features: Var<'t, F>,
    /// `[B, classes]`; their softmax are the classes' probabilities.
    pub logits: Var<'t, F>,
}

impl<'t, F: Real> Trace<'t, F> {
    /// What the hidden layers give, behind their nonlinearities: `[B, 32, H, W]`, `[B, 64, H/2, W/2]`, `[B, 128]`.
    pub fn hidden(&self) -> [Var<'t, F>; 3] {
        let [first, second] = self.convolved.map(|x| self.activation.apply(x));
        [first, second, self.features]
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
        let first = self.convolutions[0].forward(pass, x.reshape([rows, channels, height, width]));
        let second = self.convolutions[1].forward(pass, self.pool(first));
        let pooled = self.pool(second);
        let flat = pooled.reshape([rows, pooled.shape().size() / rows]);
        let features = self.activation.apply(self.dense[0].forward(pass, flat));
        let logits = self.dense[1].forward(pass, features);
        Trace { convolved: [first, second], activation: self.activation, features, logits }
    }

    /// The nonlinearity, then the largest of each 2 × 2. One that never falls gives the largest of what it is given, and is applied to that:
    /// to a quarter of the numbers.
    #[track_caller]
    fn pool<'t, F: Real>(&self, x: Var<'t, F>) -> Var<'t, F> {
        let window = Pooling::square(2);
        match self.activation.is_monotone() {
            true => self.activation.apply(x.max_pool2d(window)),
            false => self.activation.apply(x).max_pool2d(window),
        }
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
        // A file may say anything; no data have so many.
        settings.shape.iter().fold(1, |pixels: usize, n| pixels.saturating_mul(*n))
    }

    fn shape(settings: &Settings) -> Option<[usize; 3]> {
        Some(settings.shape)
    }

    fn classes(settings: &Settings) -> Option<usize> {
        Some(settings.classes)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Dataset, Split, synthetic};
    use crate::models::{self, Config, Trainer};
    use crate::rng::{Purpose, Stream};
    use crate::tensor::Shape;

    fn small(activation: Activation) -> Settings {
        Settings { activation, ..Settings::new([2, 5, 4], 3) }
    }

    /// Along a direction in all weights and pixels, by so short a step that no window's largest changes.
    #[test]
    fn the_loss_has_the_right_gradient_in_weights_and_images() {
        let settings = small(Activation::Tanh);
        let mut params = Params::<f64>::default();
        let network = Cnn::new(&mut params, &settings, 0);
        let mut stream = Stream::new(0, Purpose::Check, 0, 0);
        let mut draw = |shape: Shape| Tensor::new((0..shape.size()).map(|_| stream.normal()).collect(), shape);
        let at: Vec<_> = params.ids().map(|id| params.get(id).clone()).chain([draw([2, 40].into())]).collect();
        let direction: Vec<_> = at.iter().map(|x| draw(x.shape())).collect();
        let classes = Tensor::new(vec![0.0, 1.0, 0.0, 0.0, 0.0, 1.0], [2, 3]);
        let measure = |step: f64| {
            let tape = Tape::new();
            let along = |(x, d): (&Tensor<f64>, &Tensor<f64>)| {
                let moved = x.data().iter().zip(d.data()).map(|(x, d)| x + step * d).collect();
                tape.leaf(Tensor::new(moved, x.shape()))
            };
            let leaves: Vec<_> = at.iter().zip(&direction).map(along).collect();
            let pass = Pass::with_leaves(&tape, &params, &leaves[..params.len()]);
            let logits = network.trace(&pass, leaves[params.len()]).logits;
            let loss = loss::classification(logits, tape.leaf(classes.clone()));
            let slopes = tape.backward(loss, &leaves).into_iter().zip(&direction);
            let slope = slopes.flat_map(|(g, d)| g.data().iter().zip(d.data()).map(|(g, d)| g * d).collect::<Vec<_>>());
            (loss.item(), slope.sum::<f64>())
        };
        let step = 1e-6;
        let difference = (measure(step).0 - measure(-step).0) / (2.0 * step);
        let slope = measure(0.0).1;
        assert!((difference / slope - 1.0).abs() < 1e-7, "{difference} {slope}");
    }

    /// Whichever comes first: the same numbers and the same gradients, at places that differ, to which one alone is due.
    #[test]
    fn the_nonlinearity_and_pooling_commute() {
        use Activation::*;
        let mut stream = Stream::new(0, Purpose::Check, 0, 0);
        let draw: Vec<f64> = (0..2 * 3 * 6 * 5).map(|_| 3.0 * stream.normal()).collect();
        for activation in [Relu, Selu, Tanh, Sigmoid, LeakyRelu, Elu, Gelu, Silu] {
            let network = Cnn::new(&mut Params::<f64>::default(), &small(activation), 0);
            let tape = Tape::new();
            let x = tape.leaf(Tensor::new(draw.clone(), [2, 3, 6, 5]));
            let [ours, theirs] = [network.pool(x), activation.apply(x).max_pool2d(Pooling::square(2))];
            assert_eq!(ours.value().data(), theirs.value().data(), "{}", activation.name());
            let slopes = [ours, theirs].map(|y| tape.backward(y.square().sum(), &[x]));
            assert_eq!(slopes[0][0].data(), slopes[1][0].data(), "{}", activation.name());
        }
    }

    #[test]
    fn an_untrained_network_costs_ln_of_the_classes() {
        let tape = Tape::<f64>::new();
        let logits = tape.leaf(Tensor::full(0.0, [4, 10]));
        let classes = tape.leaf(Tensor::new((0..40).map(|i| f64::from(u8::from(i % 10 == 3))).collect(), [4, 10]));
        assert!((loss::classification(logits, classes).item() - 10f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn weights_are_counted_without_making_them() {
        let settings = small(Activation::Relu);
        assert_eq!(Classifying::weights(&settings), Some(Classifying::new(&settings, 0).params().size()));
        assert_eq!(Classifying::weights(&Settings::new([1, 28, 28], 10)), Some(421_642));
        let endless = Settings { shape: [1, usize::MAX, usize::MAX], ..settings };
        assert_eq!((Classifying::weights(&endless), Classifying::pixels(&endless)), (None, usize::MAX));
    }

    #[test]
    fn what_cannot_be_classified_is_refused() {
        let why = |shape, classes| {
            let config = Config::of(models::Settings::Cnn(Settings::new(shape, classes)));
            config.validate::<models::Network>().unwrap_err().to_string()
        };
        assert_eq!(why([1, 28, 28], 1), "classes: expected at least 2 to tell apart, found 1");
        assert_eq!(
            why([1, 3, 28], 10),
            "shape: expected images of at least 4 × 4 pixels, to be halved twice, found 3 × 28"
        );
    }

    #[test]
    fn a_run_that_is_resumed_in_the_middle_has_the_bits_of_one_that_is_not() {
        let data = synthetic::dataset(100, 10);
        let own = Settings { activation: Activation::Selu, ..Settings::new(data.train.shape(), 10) };
        let config = Config { batch_size: 32, ..Config::of(models::Settings::Cnn(own)) };
        let path = tempfile::tempdir().unwrap();
        let file = path.path().join("checkpoint.safetensors");
        let bits = |trainer: &Trainer| {
            let [part] = trainer.task.parts()[..] else { panic!("one part") };
            part.params.ids().flat_map(|id| part.params.get(id).data().to_vec()).map(f32::to_bits).collect::<Vec<_>>()
        };
        let mut whole = Trainer::new(config).unwrap();
        for step in 0..7 {
            whole.step(&data).unwrap();
            if step == 2 {
                whole.save(&file, &data).unwrap();
            }
        }
        let mut resumed = Trainer::resume(&file, &data).unwrap();
        (3..7).for_each(|_| resumed.step(&data).unwrap());
        assert!(bits(&resumed) == bits(&whole));
        // Whoever changes a file may change its digest, too.
        let why = |data: Dataset, digest: &str| {
            Trainer::resume(&file, &Dataset { digest: digest.into(), ..data }).err().unwrap().to_string()
        };
        let mut more = data.class_names.clone();
        let wide =
            |split: &Split| Split::new(split.images().flatten().copied().collect(), split.labels().collect(), 14, 56);
        let wide = Dataset::new("wide", "memory", wide(&data.train), wide(&data.test), more.clone());
        let error = why(wide, &data.digest);
        assert!(error.ends_with("shape: expected 1 × 14 × 56, as the data have, found 1 × 28 × 28"), "{error}");
        more.push("another".into());
        let more = Dataset::new("more", "memory", data.train.clone(), data.test.clone(), more);
        let error = why(more, &data.digest);
        assert!(error.ends_with("classes: expected 11, as the data have, found 10"), "{error}");
    }
}
