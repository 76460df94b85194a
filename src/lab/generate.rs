//! New images of a GAN.

use super::count;
use crate::autograd::Tape;
use crate::data::Dataset;
use crate::models::gan::{CONTINUOUS, Technique, Weights};
use crate::models::{Gan, Trained, Trainer};
use crate::plot::{ImageRow, Panel};
use crate::report::{Block, Figure, escape, figure, formula};
use crate::rng::{Purpose, Stream};
use crate::stats::mean;
use crate::tensor::Tensor;
use serde::Serialize;

/// A GAN to draw images from.
pub struct Source<'a> {
    gan: &'a Gan,
    seed: u64,
    weights: Weights,
}

impl<'a> Source<'a> {
    /// A network in training, if it is a GAN.
    pub fn of(trainer: &'a Trainer) -> Option<Self> {
        Some(Source::new(trainer.task.gan()?, trainer.config.seed))
    }

    /// A trained network, if it is a GAN.
    pub fn of_trained(trained: &'a Trained) -> Option<Self> {
        Some(Source::new(trained.task.gan()?, trained.config.seed))
    }

    fn new(gan: &'a Gan, seed: u64) -> Self {
        Source { gan, seed, weights: gan.best() }
    }

    /// The same with the weights of the last update, if those are not the ones that images are made with.
    pub fn without_average(&self) -> Option<Self> {
        (self.weights == Weights::Averaged).then_some(Source { weights: Weights::Last, ..*self })
    }

    /// What it is.
    pub fn technique(&self) -> &'static Technique {
        self.gan.settings().variant.technique()
    }

    /// What is said of it.
    pub fn about(&self) -> About {
        let Technique { name, idea, source, .. } = *self.technique();
        About { name, idea, source, losses: self.gan.settings().formulas() }
    }

    /// Noise of images with these numbers: z ~ N(0, I), and behind it what varies continuously in a code, uniform from −1 to 1.
    pub fn noise(&self, numbers: std::ops::Range<usize>) -> Vec<Vec<f32>> {
        let latent = self.gan.settings().latent;
        let width = latent + if self.technique().has_code { CONTINUOUS } else { 0 };
        let draw = |number: usize| {
            let mut z = vec![0.0; width];
            let mut stream = Stream::new(self.seed, Purpose::Prior, 1, number as u64);
            let (normal, code) = z.split_at_mut(latent);
            stream.fill_normal(normal);
            code.fill_with(|| stream.between(-1.0, 1.0) as f32);
            z
        };
        numbers.map(draw).collect()
    }

    /// Images of noise; of a conditional GAN, or one with a code, of one class or category each. Pixels from 0 to 1.
    pub fn of_noise(&self, noise: &[Vec<f32>], classes: &[usize]) -> Vec<Vec<f32>> {
        let mut tape = Tape::new();
        let mut all = Vec::with_capacity(noise.len());
        for (noise, classes) in noise.chunks(super::BATCH).zip(classes.chunks(super::BATCH)) {
            tape.begin();
            let images = self.gan.generate(&tape, tape.leaf(super::matrix(noise)), classes, self.weights).value();
            all.extend((0..noise.len()).map(|i| images.row(i).to_vec()));
        }
        all
    }

    /// Images of noise z ~ N(0, I), each with its own number; of a conditional GAN, of the class that the number has. Pixels from 0 to 1.
    pub fn images(&self, numbers: std::ops::Range<usize>, class: impl Fn(usize) -> usize) -> Vec<Vec<f32>> {
        self.of_noise(&self.noise(numbers.clone()), &numbers.map(class).collect::<Vec<_>>())
    }

    /// At points of the plane: the critic's score, and −∂L/∂x, L the generator's loss of a new point x that is there. Of a GAN that is
    /// told the class, means over the classes.
    pub fn judge(&self, points: &[[f64; 2]]) -> Vec<(f64, [f64; 2])> {
        let settings = self.gan.settings();
        let told = if self.technique().is_conditional { settings.classes } else { 1 };
        let mut tape = Tape::new();
        let mut all = Vec::with_capacity(points.len());
        for points in points.chunks(super::BATCH) {
            tape.begin();
            let rows = points.iter().flat_map(|point| std::iter::repeat_n(*point, told));
            let x: Vec<f32> = rows.flatten().map(|v| v as f32).collect();
            let classes: Vec<usize> = (0..points.len() * told).map(|row| row % told).collect();
            let x = tape.leaf(Tensor::new(x, [classes.len(), 2]));
            let scores = self.gan.score(&tape, x * 0.5 + 0.5, &classes);
            // The loss is a mean over rows.
            let loss = settings.game.generator(scores) * points.len() as f64;
            let slopes = tape.backward(loss, &[x]).remove(0);
            let of_points = scores
                .value()
                .data()
                .chunks(told)
                .zip(slopes.data().chunks(2 * told))
                .map(|(score, slope)| {
                    let pull = [0, 1].map(|axis| -slope.chunks(2).map(|d| f64::from(d[axis])).sum::<f64>());
                    (mean(score.iter().map(|s| f64::from(*s))), pull)
                })
                .collect::<Vec<_>>();
            all.extend(of_points);
        }
        all
    }
}

/// Which GAN.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct About {
    /// The variant's name.
    pub name: &'static str,
    /// What it changes.
    pub idea: &'static str,
    /// Where it is from.
    pub source: &'static str,
    /// What critic and generator minimise.
    pub losses: [String; 2],
}

impl About {
    /// The paragraphs.
    pub fn tell(&self) -> Vec<Block> {
        let [critic, generator] = &self.losses;
        vec![
            format!("{}: {} {}.", escape(self.name), escape(self.idea), escape(self.source)).into(),
            formula(critic, "What the critic minimised."),
            formula(generator, "What the generator minimised."),
        ]
    }
}

/// What was drawn.
#[derive(Clone, Debug, Serialize)]
pub struct Drawn {
    /// How many images.
    pub images: usize,
    /// Of which GAN.
    #[serde(flatten)]
    pub about: About,
    /// Whether a row is of one class.
    pub is_conditional: bool,
    /// Whether a row is of one category of its code.
    pub has_code: bool,
}

const FIGURE: &str = "generated.svg";
const CODES: &str = "codes.svg";
/// Images in a row, and rows where these are not classes.
const ROW: usize = 10;

/// Draws new images: a row a class, or a category of a code, where there are any; and what becomes of one image as its code varies.
pub fn measure(source: &Source, data: &Dataset) -> (Drawn, Vec<Figure>) {
    let (technique, classes) = (source.technique(), &data.class_names);
    let is_by_row = technique.is_conditional || technique.has_code;
    let rows = if is_by_row { classes.len() } else { ROW };
    let images = source.images(0..ROW * rows, |i| i / ROW);
    let title = format!("{} of the {} from z ~ N(0, I)", count(images.len(), "new image"), technique.name);
    let mut panel = Panel::new(&title, data.test.shape());
    for (i, row) in images.chunks(ROW).enumerate() {
        let name = match (technique.is_conditional, technique.has_code) {
            (true, _) => classes[i].clone(),
            (_, true) => format!("category {i}"),
            _ => String::new(),
        };
        panel = panel.row(ImageRow::images(&name, row));
    }
    let drawn = Drawn {
        images: images.len(),
        about: source.about(),
        is_conditional: technique.is_conditional,
        has_code: technique.has_code,
    };
    let mut figures = vec![Figure::new(FIGURE, panel.svg())];
    if technique.has_code {
        figures.push(Figure::new(CODES, codes(source, data).svg()));
    }
    (drawn, figures)
}

/// One image of each category, all from the same noise, with each continuous number of its code from −1 to 1.
fn codes(source: &Source, data: &Dataset) -> Panel {
    let noise = source.noise(0..1).remove(0);
    let latent = noise.len() - CONTINUOUS;
    let at = |k: usize| 2.0 * k as f32 / (ROW - 1) as f32 - 1.0;
    let mut panel = Panel::new("One noise, each number of the code from −1 to 1", data.test.shape());
    for category in 0..data.class_names.len() {
        for number in 0..CONTINUOUS {
            let vary = |k: usize| {
                let mut noise = noise.clone();
                noise[latent..].fill(0.0);
                noise[latent + number] = at(k);
                noise
            };
            let images = source.of_noise(&(0..ROW).map(vary).collect::<Vec<_>>(), &[category; ROW]);
            let name = format!("category {category}, number {}", number + 1);
            panel = panel.row(ImageRow::images(&name, &images));
        }
    }
    panel
}

/// The paragraphs.
pub fn tell(drawn: &Drawn) -> Vec<Block> {
    let rows = match (drawn.is_conditional, drawn.has_code) {
        (true, _) => " A row is of the class that was asked for.",
        (_, true) => " A row is of one category of the code: what it stands for was found by no label.",
        _ => "",
    };
    let mut text = vec![figure(FIGURE, "New images", format!("Each from other noise z ~ N(0, I), none chosen.{rows}"))];
    if drawn.has_code {
        text.push(figure(
            CODES,
            "What the code's numbers change",
            "In a row the noise and the category stay, and one number of the code varies.",
        ));
    }
    text.extend(drawn.about.tell());
    text
}
