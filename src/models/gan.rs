//! Generative adversarial networks: one training step for all of their [variants](TECHNIQUES).

mod networks;
mod technique;
#[cfg(test)]
mod tests;

pub use networks::{Critic, Generator, Judge};
pub use technique::{Game, Hold, TECHNIQUES, Technique, Variant};

use super::coder::Codes;
use crate::autograd::{Tape, Var};
use crate::data::{Encoding, POINT};
use crate::error::{Error, Result};
use crate::kernels::{Real, elementwise::map};
use crate::nn::{Init, Params, Pass, one_hot};
use crate::optim::Descent;
use crate::tensor::Tensor;
use crate::train::{Batch, MOST_WEIGHTS, NotFinite, Part, Quantity, Task, Terms};
use serde::{Deserialize, Serialize};

/// What decides a GAN and its updates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Which variant.
    pub variant: Variant,
    /// Channels, height and width of an image.
    pub shape: [usize; 3],
    /// How many classes there are.
    pub classes: usize,
    /// Dimensions of the noise.
    pub latent: usize,
    /// Whether both networks are made of convolutions.
    pub is_convolutional: bool,
    /// Widths of a dense critic's hidden layers; the generator has them in reverse.
    pub hidden: Vec<usize>,
    /// What both minimise.
    pub game: Game,
    /// Updates of the critic for one of the generator.
    pub critic_steps: u64,
    /// How the critic is updated.
    pub critic: Descent,
    /// How the generator is updated.
    pub generator: Descent,
}

impl Settings {
    /// A variant as its [`Technique`] has it, with 64 dimensions of noise. Of [points](POINT) both networks are dense and small, and learn
    /// five times as fast.
    pub fn new(variant: Variant, shape: [usize; 3], classes: usize) -> Self {
        let (technique, is_of_points) = (variant.technique(), shape == POINT);
        let own = (technique.descent)();
        let descent = Descent { lr: if is_of_points { 5.0 * own.lr } else { own.lr }, ..own };
        Settings {
            variant,
            shape,
            classes,
            latent: 64,
            is_convolutional: technique.is_convolutional && !is_of_points,
            hidden: if is_of_points { vec![128, 128] } else { vec![512, 256] },
            game: technique.game,
            critic_steps: technique.critic_steps,
            critic: descent.clone(),
            generator: descent,
        }
    }

    /// How many numbers both networks are told besides what they look at.
    fn told(&self) -> usize {
        if self.variant.technique().is_conditional { self.classes } else { 0 }
    }

    /// What holds the critic: of points, which are near one another, the penalty weighs 0.1 as in Gulrajani et al.'s own code for them.
    fn hold(&self) -> Hold {
        match self.variant.technique().hold {
            Hold::Penalty(_) if self.shape == POINT => Hold::Penalty(0.1),
            hold => hold,
        }
    }

    /// How the weights of convolutional networks start. Divided by their singular value, their scale does not count, and the biases' would.
    fn init(&self) -> Init {
        match self.variant.technique().hold {
            Hold::Spectral => Init::Pytorch,
            _ => Init::Radford,
        }
    }
}

/// A generator G and a critic D, trained against each other: G turns noise into images, D scores images, higher those that it takes for
/// real ones. Each step updates the critic, and every [`critic_steps`](Settings::critic_steps)-th the generator.
pub struct Gan {
    settings: Settings,
    generator: Generator,
    critic: Critic,
    /// The critic's, and the generator's.
    parts: [Part; 2],
}

const QUANTITIES: &[Quantity] = &[
    Quantity { name: "critic", label: "critic", unit: "its loss" },
    Quantity { name: "generator", label: "generator", unit: "its loss" },
    Quantity { name: "real", label: "D(x)", unit: "mean score of real images" },
    Quantity { name: "fake", label: "D(G(z))", unit: "mean score of generated images" },
];

/// What is added to a squared norm before its root is taken: at 0 that has no slope.
const EPS: f64 = 1e-12;

/// λ E[(|∇ D(x̂)| − 1)²] for points x̂ = ε x + (1 − ε) G(z) between real and generated images, with ε `[B, 1]` (Gulrajani et al. 2017,
/// equation 3).
#[track_caller]
pub fn gradient_penalty<'t, F: Real>(
    judge: &Judge<'_, 't, '_, F>,
    [real, fake]: [Var<'t, F>; 2],
    between: Var<'t, F>,
    classes: Option<Var<'t, F>>,
    weight: f64,
) -> Var<'t, F> {
    let tape = real.tape();
    let x = fake + (real - fake) * between;
    let score = judge.score(x, classes).sum();
    let slope = tape.vjp(&[(score, tape.leaf(Tensor::scalar(F::ONE)))], &[x]).remove(0);
    let length = (slope.square().sum_axes(&[1]) + EPS).sqrt();
    (length - 1.0).square().mean() * weight
}

impl Gan {
    /// What decided it.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// It has no encoder.
    pub(super) fn coder(&self) -> Option<&dyn Codes> {
        None
    }

    /// The generator's images of noise `[B, Z]`, pixels from 0 to 1, `[B, D]`; of a conditional one, of these classes.
    ///
    /// # Panics
    /// When there is no class for each row of z.
    pub fn generate<'t>(&self, tape: &'t Tape<f32>, z: Var<'t, f32>, classes: &[usize]) -> Var<'t, f32> {
        let pass = Pass::judging(tape, &self.parts[1].params);
        let classes = self.tell(|| one_hot(tape, classes.iter().copied(), self.settings.classes));
        self.generator.forward(&pass, z, classes) * 0.5 + 0.5
    }

    /// The critic's scores of images `[B, D]`, pixels from 0 to 1, `[B, 1]`; of a conditional one, if they are of these classes.
    ///
    /// # Panics
    /// When there is no class for each row of x.
    pub fn score<'t>(&self, tape: &'t Tape<f32>, x: Var<'t, f32>, classes: &[usize]) -> Var<'t, f32> {
        let pass = Pass::judging(tape, &self.parts[0].params);
        let classes = self.tell(|| one_hot(tape, classes.iter().copied(), self.settings.classes));
        self.critic.on(&pass).score(x * 2.0 - 1.0, classes)
    }

    /// What a conditional network is told.
    fn tell<'t>(&self, classes: impl FnOnce() -> Var<'t, f32>) -> Option<Var<'t, f32>> {
        (self.settings.told() > 0).then(classes)
    }

    fn told<'t>(&self, tape: &'t Tape<f32>, batch: &Batch) -> Option<Var<'t, f32>> {
        self.tell(|| batch.classes(tape, self.settings.classes))
    }

    /// Losses and scores.
    fn terms(&self, loss: Var<f32>, real: Var<f32>, fake: Var<f32>) -> Terms {
        let of_generator = self.settings.game.generator(fake);
        Terms::new(QUANTITIES, &[loss, of_generator, real.mean(), fake.mean()].map(|x| f64::from(x.item())))
    }

    /// A training pass; of a single image, whose batch has no variance, one that judges.
    fn pass<'t, 'p>(&'p self, tape: &'t Tape<f32>, part: usize, batch: &Batch) -> Pass<'t, 'p, f32> {
        let params = &self.parts[part].params;
        if batch.len() > 1 { Pass::new(tape, params) } else { Pass::judging(tape, params) }
    }

    fn update_critic(&mut self, tape: &mut Tape<f32>, batch: &Batch) -> Result<Terms, NotFinite> {
        let pass = self.pass(tape, 0, batch);
        let real = tape.span("gather", || batch.images(tape)) * 2.0 - 1.0;
        let (classes, hold) = (self.told(tape, batch), self.settings.hold());
        let (loss, terms) = tape.span("forward", || {
            let z = batch.noise(tape, self.settings.latent, 0);
            // Its value alone: no gradient goes back to the generator.
            let fake = tape.leaf(self.generator.forward(&self.pass(tape, 1, batch), z, classes).value());
            let judge = self.critic.on(&pass);
            let (of_real, of_fake) = (judge.score(real, classes), judge.score(fake, classes));
            let loss = self.settings.game.critic(of_real, of_fake);
            let loss = match hold {
                Hold::Penalty(weight) => {
                    loss + gradient_penalty(&judge, [real, fake], batch.uniform(tape), classes, weight)
                }
                _ => loss,
            };
            (loss, self.terms(loss, of_real, of_fake))
        });
        if !loss.item().is_finite() {
            return Err(NotFinite("the critic's loss".into()));
        }
        let grads = tape.span("backward", || pass.backward(loss));
        self.parts[0].update(tape, grads, batch)?;
        if let Hold::Clip(bound) = hold {
            let bound = bound as f32;
            let params = &mut self.parts[0].params;
            for id in params.ids() {
                let weights = params.get_mut(id);
                let mut clipped = vec![0.0; weights.data().len()];
                map(&|[w]: [f32; 1]| w.clamp(-bound, bound), [weights.data()], &mut clipped);
                *weights = Tensor::new(clipped, weights.shape());
            }
        }
        Ok(terms)
    }

    fn update_generator(&mut self, tape: &mut Tape<f32>, batch: &Batch) -> Result<(), NotFinite> {
        let (pass, of_critic) = (self.pass(tape, 1, batch), self.pass(tape, 0, batch));
        let classes = self.told(tape, batch);
        let loss = tape.span("forward", || {
            let fake = self.generator.forward(&pass, batch.noise(tape, self.settings.latent, 1), classes);
            self.settings.game.generator(self.critic.on(&of_critic).score(fake, classes))
        });
        if !loss.item().is_finite() {
            return Err(NotFinite("the generator's loss".into()));
        }
        let grads = tape.span("backward", || pass.backward(loss));
        self.parts[1].update(tape, grads, batch)
    }
}

impl Task for Gan {
    type Settings = Settings;

    fn validate(s: &Settings, encoding: Encoding) -> Result<()> {
        let [_, height, width] = s.shape;
        let (weights, size) = (format!("at most {MOST_WEIGHTS} weights"), Self::weights(s));
        let counted = size.map_or("more than can be counted".into(), |n| n.to_string());
        s.critic.validate().and(s.generator.validate())?;
        let sides = !s.is_convolutional || [height, width].iter().all(|side| *side > 0 && side % 4 == 0);
        let what = "images whose sides are multiples of 4, for convolutions (a dense GAN takes any)";
        Error::first_setting([
            (s.critic_steps > 0, "critic_steps", "at least 1", s.critic_steps.to_string()),
            (s.latent > 0, "latent_dim", "at least 1", s.latent.to_string()),
            (s.hidden.iter().all(|&h| h > 0), "hidden", "widths of at least 1", format!("{:?}", s.hidden)),
            (s.classes > 0, "classes", "at least 1", s.classes.to_string()),
            (Self::pixels(s) > 0, "shape", "at least one pixel", format!("{:?}", s.shape)),
            (sides, "shape", what, format!("{height} × {width}")),
            (encoding.is_of_probabilities(), "binarize", "pixels from 0 to 1", "standardised".into()),
            (size.is_some_and(|n| n <= MOST_WEIGHTS), "hidden, latent_dim", &*weights, counted),
        ])
    }

    fn pixels(s: &Settings) -> usize {
        s.shape.iter().fold(1, |pixels: usize, n| pixels.saturating_mul(*n))
    }

    fn shape(s: &Settings) -> Option<[usize; 3]> {
        s.is_convolutional.then_some(s.shape)
    }

    fn classes(s: &Settings) -> Option<usize> {
        s.variant.technique().is_conditional.then_some(s.classes)
    }

    fn weights(s: &Settings) -> Option<usize> {
        networks::weights(s)
    }

    fn new(settings: &Settings, seed: u64) -> Self {
        let (mut of_critic, mut of_generator) = (Params::default(), Params::default());
        let critic = Critic::new(&mut of_critic, settings, seed);
        // Other numbers than the critic's, whatever the seed.
        let generator = Generator::new(&mut of_generator, settings, seed ^ 1 << 63);
        let parts = [Part::new(of_critic, &settings.critic), Part::new(of_generator, &settings.generator)];
        Gan { settings: settings.clone(), generator, critic, parts }
    }

    fn quantities(&self) -> &'static [Quantity] {
        QUANTITIES
    }

    fn step(&mut self, tape: &mut Tape<f32>, batch: &Batch) -> Result<Terms, NotFinite> {
        let terms = self.update_critic(tape, batch)?;
        if (batch.step + 1).is_multiple_of(self.settings.critic_steps) {
            tape.begin();
            self.update_generator(tape, batch)?;
        }
        Ok(terms)
    }

    fn judge(&self, tape: &mut Tape<f32>, batch: &Batch) -> Terms {
        let pass = Pass::judging(tape, &self.parts[0].params);
        let classes = self.told(tape, batch);
        let z = batch.noise(tape, self.settings.latent, 0);
        let fake = self.generator.forward(&Pass::judging(tape, &self.parts[1].params), z, classes);
        let judge = self.critic.on(&pass);
        let (real, fake) = (judge.score(batch.images(tape) * 2.0 - 1.0, classes), judge.score(fake, classes));
        self.terms(self.settings.game.critic(real, fake), real, fake)
    }

    fn parts(&self) -> Vec<&Part> {
        self.parts.iter().collect()
    }

    fn parts_mut(&mut self) -> Vec<&mut Part> {
        self.parts.iter_mut().collect()
    }

    fn updates(&self, part: usize, steps: u64) -> u64 {
        if part == 0 { steps } else { steps / self.settings.critic_steps }
    }

    fn line(&self, means: &Terms) -> String {
        let [critic, generator] = ["critic", "generator"].map(|name| means.get(name).unwrap_or(f64::NAN));
        format!("critic {critic:.3}, generator {generator:.3}")
    }
}
