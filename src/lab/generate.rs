//! New images of a GAN.

use super::count;
use crate::autograd::Tape;
use crate::data::Dataset;
use crate::models::gan::{CONTINUOUS, Technique, Weights};
use crate::models::{Gan, Trained, Trainer};
use crate::plot::{ImageRow, Panel};
use crate::report::{Block, Figure, escape, figure, formula};
use crate::rng::{Purpose, Stream};
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

    /// Images of noise z ~ N(0, I), each with its own number; of a conditional GAN, of the class that the number has. Pixels from 0 to 1.
    pub fn images(&self, numbers: std::ops::Range<usize>, class: impl Fn(usize) -> usize) -> Vec<Vec<f32>> {
        let mut tape = Tape::new();
        let latent = self.gan.settings().latent;
        let width = latent + if self.technique().has_code { CONTINUOUS } else { 0 };
        let mut all = Vec::with_capacity(numbers.len());
        for first in numbers.clone().step_by(super::BATCH) {
            let numbers = first..numbers.end.min(first + super::BATCH);
            tape.begin();
            let z = tape.leaf_with([numbers.len(), width], |z| {
                for (z, i) in z.chunks_exact_mut(width).zip(numbers.clone()) {
                    let mut stream = Stream::new(self.seed, Purpose::Prior, 1, i as u64);
                    let (z, code) = z.split_at_mut(latent);
                    stream.fill_normal(z);
                    code.fill_with(|| stream.between(-1.0, 1.0) as f32);
                }
            });
            let classes: Vec<usize> = numbers.map(&class).collect();
            let images = self.gan.generate(&tape, z, &classes, self.weights).value();
            all.extend((0..classes.len()).map(|i| images.row(i).to_vec()));
        }
        all
    }
}

/// What was drawn.
#[derive(Clone, Debug, Serialize)]
pub struct Drawn {
    /// How many images.
    pub images: usize,
    /// The variant's name.
    pub name: &'static str,
    /// What it changes.
    pub idea: &'static str,
    /// Where it is from.
    pub source: &'static str,
    /// What critic and generator minimise.
    pub losses: [String; 2],
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
    let drawn = Drawn {
        images: images.len(),
        name: technique.name,
        idea: technique.idea,
        source: technique.source,
        losses: technique.formulas(source.gan.settings().game),
        is_conditional: technique.is_conditional,
    };
    (drawn, vec![Figure::new(FIGURE, panel.svg())])
}

/// The paragraphs.
pub fn tell(drawn: &Drawn) -> Vec<Block> {
    let [critic, generator] = &drawn.losses;
    let rows = if drawn.is_conditional { " A row is of the class that was asked for." } else { "" };
    vec![
        figure(FIGURE, "New images", format!("Each from other noise z ~ N(0, I), none chosen.{rows}")),
        format!("{}: {} {}.", escape(drawn.name), escape(drawn.idea), escape(drawn.source)).into(),
        formula(critic, "What the critic minimised."),
        formula(generator, "What the generator minimised."),
    ]
}
