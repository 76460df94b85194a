//! New images of a GAN.

use super::count;
use crate::autograd::Tape;
use crate::data::Dataset;
use crate::models::gan::Technique;
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
}

impl<'a> Source<'a> {
    /// A network in training, if it is a GAN.
    pub fn of(trainer: &'a Trainer) -> Option<Self> {
        Some(Source { gan: trainer.task.gan()?, seed: trainer.config.seed })
    }

    /// A trained network, if it is a GAN.
    pub fn of_trained(trained: &'a Trained) -> Option<Self> {
        Some(Source { gan: trained.task.gan()?, seed: trained.config.seed })
    }

    /// What it is.
    pub fn technique(&self) -> &'static Technique {
        self.gan.settings().variant.technique()
    }

    /// What is said of it.
    pub fn about(&self) -> About {
        let Technique { name, idea, source, .. } = *self.technique();
        About { name, idea, source, losses: self.gan.settings().game.formulas() }
    }

    /// Images of noise z ~ N(0, I), each with its own number; of a conditional GAN, of the class that the number has. Pixels from 0 to 1.
    pub fn images(&self, numbers: std::ops::Range<usize>, class: impl Fn(usize) -> usize) -> Vec<Vec<f32>> {
        let mut tape = Tape::new();
        let (latent, mut all) = (self.gan.settings().latent, Vec::with_capacity(numbers.len()));
        for first in numbers.clone().step_by(super::BATCH) {
            let numbers = first..numbers.end.min(first + super::BATCH);
            tape.begin();
            let z = tape.leaf_with([numbers.len(), latent], |z| {
                let rows = z.chunks_exact_mut(latent).zip(numbers.clone());
                rows.for_each(|(z, i)| Stream::new(self.seed, Purpose::Prior, 1, i as u64).fill_normal(z));
            });
            let classes: Vec<usize> = numbers.map(&class).collect();
            let images = self.gan.generate(&tape, z, &classes).value();
            all.extend((0..classes.len()).map(|i| images.row(i).to_vec()));
        }
        all
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
    pub losses: [&'static str; 2],
}

impl About {
    /// The paragraphs.
    pub fn tell(&self) -> Vec<Block> {
        let [critic, generator] = self.losses;
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
}

const FIGURE: &str = "generated.svg";
/// Images in a row, and rows where these are not classes.
const ROW: usize = 10;

/// Draws new images: of a conditional GAN a row a class.
pub fn measure(source: &Source, data: &Dataset) -> (Drawn, Vec<Figure>) {
    let (technique, classes) = (source.technique(), &data.class_names);
    let rows = if technique.is_conditional { classes.len() } else { ROW };
    let images = source.images(0..ROW * rows, |i| i / ROW);
    let title = format!("{} of the {} from z ~ N(0, I)", count(images.len(), "new image"), technique.name);
    let mut panel = Panel::new(&title, data.test.shape());
    for (i, row) in images.chunks(ROW).enumerate() {
        let name = if technique.is_conditional { classes[i].as_str() } else { "" };
        panel = panel.row(ImageRow::images(name, row));
    }
    let drawn = Drawn { images: images.len(), about: source.about(), is_conditional: technique.is_conditional };
    (drawn, vec![Figure::new(FIGURE, panel.svg())])
}

/// The paragraphs.
pub fn tell(drawn: &Drawn) -> Vec<Block> {
    let rows = if drawn.is_conditional { " A row is of the class that was asked for." } else { "" };
    let shown = figure(FIGURE, "New images", format!("Each from other noise z ~ N(0, I), none chosen.{rows}"));
    [vec![shown], drawn.about.tell()].concat()
}
