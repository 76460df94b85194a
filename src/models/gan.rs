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
use crate::loss;
use crate::nn::{BufferId, Init, Params, Pass, one_hot};
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
    /// How much of the average of the generator's weights an update keeps, if there is to be one: w̄ ← d w̄ + (1 − d) w (Yazıcı et al. 2019,
    /// arXiv 1806.04498).
    #[serde(default)]
    pub ema: Option<f64>,
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
            ema: None,
        }
    }

    /// How many numbers both networks are told besides what they look at.
    fn told(&self) -> usize {
        if self.variant.technique().is_conditional { self.classes } else { 0 }
    }

    /// How many numbers a code has: which of as many categories as there are classes, and some that vary continuously.
    fn code(&self) -> usize {
        if self.variant.technique().has_code { self.classes.saturating_add(CONTINUOUS) } else { 0 }
    }

    /// How many numbers the generator is given besides noise.
    fn given(&self) -> usize {
        self.told().saturating_add(self.code())
    }

    /// What critic and generator minimise, as formulas.
    pub fn formulas(&self) -> [String; 2] {
        self.variant.technique().formulas(self.game, self.hold())
    }

    /// What holds the critic: of points, which are near one another, the penalty weighs 0.1 as in Gulrajani et al.'s own code for them.
    pub fn hold(&self) -> Hold {
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
    /// The averages of the generator's weights, in their order, if there are any.
    averages: Vec<BufferId>,
}

/// Which weights of a generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// Those of the last update.
    Last,
    /// Their [average](Settings::ema).
    Averaged,
}

static QUANTITIES: [Quantity; 6] = [
    Quantity { name: "critic", label: "critic", unit: "its loss" },
    Quantity { name: "generator", label: "generator", unit: "its loss" },
    Quantity { name: "real", label: "D(x)", unit: "mean score of real images" },
    Quantity { name: "fake", label: "D(G(z))", unit: "mean score of generated images" },
    Quantity { name: "critic_gradient", label: "|∇ critic|", unit: "norm, mean over its updates" },
    Quantity { name: "generator_gradient", label: "|∇ generator|", unit: "norm, mean over its updates" },
];
/// Those of them that are measured without an update.
const JUDGED: usize = 4;

/// Numbers of a code that vary continuously, uniform from −1 to 1.
pub const CONTINUOUS: usize = 2;

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

/// −E[ln Q(c | G(z, c))] but for a constant: the cross-entropy of the code's category and, for what varies continuously, that of a Gaussian of
/// variance 1. H(c) minus it bounds the mutual information of code and image from below (Chen et al. 2016, equation 5). Both `[B, K + 2]`, for K
/// categories.
#[track_caller]
pub fn code_loss<'t, F: Real>(read: Var<'t, F>, code: Var<'t, F>) -> Var<'t, F> {
    let width = read.shape()[1];
    let [(read, at), (code, c)] =
        [read, code].map(|x| (x.slice(1, 0, width - CONTINUOUS), x.slice(1, width - CONTINUOUS, width)));
    loss::classification(read, code) + ((c - at).square() * 0.5).sum_axes(&[1]).mean()
}

impl Gan {
    /// What decided it.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The weights to make images with: the average, if there is one.
    pub fn best(&self) -> Weights {
        if self.settings.ema.is_some() { Weights::Averaged } else { Weights::Last }
    }

    /// It has no encoder.
    pub(super) fn coder(&self) -> Option<&dyn Codes> {
        None
    }

    /// The generator's images of noise `[B, Z]`, pixels from 0 to 1, `[B, D]`; of a conditional one, of these classes, and of one with a code,
    /// of these categories, with what varies continuously behind z: `[B, Z + 2]`.
    ///
    /// # Panics
    /// When there is no class for each row of z, where there are classes; or no average of the weights, where that is asked for.
    pub fn generate<'t>(
        &self,
        tape: &'t Tape<f32>,
        z: Var<'t, f32>,
        classes: &[usize],
        weights: Weights,
    ) -> Var<'t, f32> {
        let params = &self.parts[1].params;
        let pass = match weights {
            Weights::Last => Pass::judging(tape, params),
            Weights::Averaged => {
                let leaf = |id: &BufferId| tape.leaf(params.buffer(*id).clone());
                Pass::with_leaves(tape, params, &self.averages.iter().map(leaf).collect::<Vec<_>>()).to_judge()
            }
        };
        let (latent, width) = (self.settings.latent, z.shape()[1]);
        let classes =
            (self.settings.given() > 0).then(|| one_hot(tape, classes.iter().copied(), self.settings.classes));
        let given = match width > latent {
            true => classes.map(|classes| Var::concat(&[classes, z.slice(1, latent, width)], 1)),
            false => classes,
        };
        self.generator.forward(&pass, z.slice(1, 0, latent), given) * 0.5 + 0.5
    }

    /// The critic's scores of images `[B, D]`, pixels from 0 to 1, `[B, 1]`; of a conditional one, if they are of these classes.
    ///
    /// # Panics
    /// When there is no class for each row of x.
    pub fn score<'t>(&self, tape: &'t Tape<f32>, x: Var<'t, f32>, classes: &[usize]) -> Var<'t, f32> {
        let pass = Pass::judging(tape, &self.parts[0].params);
        let told = (self.settings.told() > 0).then(|| one_hot(tape, classes.iter().copied(), self.settings.classes));
        self.critic.on(&pass).score(x * 2.0 - 1.0, told)
    }

    /// What both networks are told of a batch.
    fn told<'t>(&self, tape: &'t Tape<f32>, batch: &Batch) -> Option<Var<'t, f32>> {
        (self.settings.told() > 0).then(|| batch.classes(tape, self.settings.classes))
    }

    /// A code for each image, `[B, K + 2]`: a category as 1 among zeros, and numbers from −1 to 1.
    fn code<'t>(&self, tape: &'t Tape<f32>, batch: &Batch, draw: u64) -> Option<Var<'t, f32>> {
        let (width, categories) = (self.settings.code(), self.settings.classes);
        (width > 0).then(|| {
            tape.leaf_with([batch.len(), width], |code| {
                code.fill(0.0);
                let drawn = batch.uniform(1 + CONTINUOUS, 1 + draw);
                for (code, u) in code.chunks_exact_mut(width).zip(drawn.chunks_exact(1 + CONTINUOUS)) {
                    // A number just below 1 may round to it.
                    code[((u[0] * categories as f32) as usize).min(categories - 1)] = 1.0;
                    code[categories..].iter_mut().zip(&u[1..]).for_each(|(c, u)| *c = 2.0 * u - 1.0);
                }
            })
        })
    }

    /// Losses and scores.
    fn measured(&self, loss: Var<f32>, real: Var<f32>, fake: Var<f32>) -> [f64; JUDGED] {
        let of_generator = self.settings.game.generator(fake);
        [loss, of_generator, real.mean(), fake.mean()].map(|x| f64::from(x.item()))
    }

    /// A training pass; of a single image, whose batch has no variance, one that judges.
    fn pass<'t, 'p>(&'p self, tape: &'t Tape<f32>, part: usize, batch: &Batch) -> Pass<'t, 'p, f32> {
        let params = &self.parts[part].params;
        if batch.len() > 1 { Pass::new(tape, params) } else { Pass::judging(tape, params) }
    }

    /// Gives losses and scores before the update, and the gradient's norm.
    fn update_critic(&mut self, tape: &mut Tape<f32>, batch: &Batch) -> Result<([f64; JUDGED], f64), NotFinite> {
        let pass = self.pass(tape, 0, batch);
        let real = tape.span("gather", || batch.images(tape)) * 2.0 - 1.0;
        let (told, code, hold) = (self.told(tape, batch), self.code(tape, batch, 0), self.settings.hold());
        let (loss, measured) = tape.span("forward", || {
            let z = batch.noise(tape, self.settings.latent, 0);
            // Its value alone: no gradient goes back to the generator.
            let fake = tape.leaf(self.generator.forward(&self.pass(tape, 1, batch), z, told.or(code)).value());
            let judge = self.critic.on(&pass);
            let of_real = judge.score(real, told);
            let (of_fake, read) = judge.look(fake, told);
            let mut loss = self.settings.game.critic(of_real, of_fake);
            if let Hold::Penalty(weight) = hold {
                let between = tape.leaf(Tensor::new(batch.uniform(1, 0), [batch.len(), 1]));
                loss = loss + gradient_penalty(&judge, [real, fake], between, told, weight);
            }
            if let (Some(read), Some(code)) = (read, code) {
                loss = loss + code_loss(read, code);
            }
            (loss, self.measured(loss, of_real, of_fake))
        });
        if !loss.item().is_finite() {
            return Err(NotFinite("the critic's loss".into()));
        }
        let grads = tape.span("backward", || pass.backward(loss));
        let norm = grads.norm();
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
        Ok((measured, norm))
    }

    /// Gives the gradient's norm.
    fn update_generator(&mut self, tape: &mut Tape<f32>, batch: &Batch) -> Result<f64, NotFinite> {
        let (pass, of_critic) = (self.pass(tape, 1, batch), self.pass(tape, 0, batch));
        let (told, code) = (self.told(tape, batch), self.code(tape, batch, 1));
        let loss = tape.span("forward", || {
            let fake = self.generator.forward(&pass, batch.noise(tape, self.settings.latent, 1), told.or(code));
            let (score, read) = self.critic.on(&of_critic).look(fake, told);
            let loss = self.settings.game.generator(score);
            match (read, code) {
                (Some(read), Some(code)) => loss + code_loss(read, code),
                _ => loss,
            }
        });
        if !loss.item().is_finite() {
            return Err(NotFinite("the generator's loss".into()));
        }
        let grads = tape.span("backward", || pass.backward(loss));
        let norm = grads.norm();
        self.parts[1].update(tape, grads, batch)?;
        if let Some(decay) = self.settings.ema {
            let decay = decay as f32;
            let params = &mut self.parts[1].params;
            for (id, average) in params.ids().zip(&self.averages) {
                let (old, new) = (params.buffer(*average), params.get(id));
                let mut mixed = vec![0.0; new.data().len()];
                map(&|[old, new]: [f32; 2]| new + decay * (old - new), [old.data(), new.data()], &mut mixed);
                *params.buffer_mut(*average) = Tensor::new(mixed, new.shape());
            }
        }
        Ok(norm)
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
            (
                s.ema.is_none_or(|d| (0.0..1.0).contains(&d)),
                "ema",
                "from 0 to below 1",
                format!("{:?}", s.ema.unwrap_or(0.0)),
            ),
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
        (s.given() > 0).then_some(s.classes)
    }

    fn weights(s: &Settings) -> Option<usize> {
        networks::weights(s)
    }

    fn new(settings: &Settings, seed: u64) -> Self {
        let (mut of_critic, mut of_generator) = (Params::default(), Params::default());
        let critic = Critic::new(&mut of_critic, settings, seed);
        // Other numbers than the critic's, whatever the seed.
        let generator = Generator::new(&mut of_generator, settings, seed ^ 1 << 63);
        let averages = match settings.ema {
            Some(_) => of_generator
                .ids()
                .map(|id| {
                    of_generator.add_buffer(format!("ema.{}", of_generator.name(id)), of_generator.get(id).clone())
                })
                .collect(),
            None => Vec::new(),
        };
        let parts = [Part::new(of_critic, &settings.critic), Part::new(of_generator, &settings.generator)];
        Gan { settings: settings.clone(), generator, critic, parts, averages }
    }

    fn quantities(&self) -> &'static [Quantity] {
        &QUANTITIES
    }

    fn step(&mut self, tape: &mut Tape<f32>, batch: &Batch) -> Result<Terms, NotFinite> {
        let ([critic, generator, real, fake], of_critic) = self.update_critic(tape, batch)?;
        let mut of_generator = 0.0;
        let steps = self.settings.critic_steps;
        if (batch.step + 1).is_multiple_of(steps) {
            tape.begin();
            // Of one step for all up to it, so that the mean over the steps is that over the updates.
            of_generator = self.update_generator(tape, batch)? * steps as f64;
        }
        Ok(Terms::new(&QUANTITIES, &[critic, generator, real, fake, of_critic, of_generator]))
    }

    fn judge(&self, tape: &mut Tape<f32>, batch: &Batch) -> Terms {
        let pass = Pass::judging(tape, &self.parts[0].params);
        let (told, code) = (self.told(tape, batch), self.code(tape, batch, 0));
        let z = batch.noise(tape, self.settings.latent, 0);
        let fake = self.generator.forward(&Pass::judging(tape, &self.parts[1].params), z, told.or(code));
        let judge = self.critic.on(&pass);
        let (real, fake) = (judge.score(batch.images(tape) * 2.0 - 1.0, told), judge.score(fake, told));
        Terms::new(&QUANTITIES[..JUDGED], &self.measured(self.settings.game.critic(real, fake), real, fake))
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
