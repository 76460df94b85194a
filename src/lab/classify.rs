//! What a classifier takes test images for: confusions, and its most confident mistakes.

use super::judge::Features;
use super::{Experiment, Findings, Measure, count, matrix};
use crate::autograd::{Tape, Var};
use crate::data::{Dataset, Encoder, Split};
use crate::kernels::Real;
use crate::models::classifier::{Trace, likeliest};
use crate::models::{Classifying, Config, Network, Trained};
use crate::nn::Pass;
use crate::plot::{ImageRow, Panel};
use crate::report::{Block, Figure, Text, escape, figure, table};
use crate::rng::{Purpose, Stream};
use serde::Serialize;
use std::ops::Range;

/// `elbo classify`.
pub const EXPERIMENT: Experiment = Experiment {
    name: "classify",
    about: "Classify the test images: accuracy, confusions, the most confident mistakes",
    title: "Classes",
    key: "classes",
    run: Measure::Classifier(|classifier, data| {
        let numbers = measure(classifier, &data.test, &data.class_names);
        let figures = draw(&numbers, data);
        Ok(Findings::of((numbers, figures), tell))
    }),
};

/// Images that go through the network at a time: of each it makes tens of thousands of numbers on the way.
const BATCH: usize = 100;

/// A classifier to look at.
pub struct Classifier<'a> {
    task: &'a Classifying,
    encoder: Encoder,
    seed: u64,
}

impl<'a> Classifier<'a> {
    /// A trained network, if it is one. `train` are the images that it was trained on.
    pub fn of_trained(trained: &'a Trained, train: &Split) -> Option<Self> {
        Classifier::of(&trained.config, &trained.task, train)
    }

    /// A network, if it is one, as `config` encodes images.
    pub fn of(config: &Config, network: &'a Network, train: &Split) -> Option<Self> {
        let (encoder, seed) = (config.binarize.fit(train), config.seed);
        Some(Classifier { task: network.classifier()?, encoder, seed })
    }

    /// Its training task.
    pub fn task(&self) -> &'a Classifying {
        self.task
    }

    /// Images as the network sees them, `[B, D]`.
    pub fn images<'t>(&self, tape: &'t Tape<f32>, split: &Split, rows: Range<usize>) -> Var<'t, f32> {
        let pixels = split.pixels();
        tape.leaf_with([rows.len(), pixels], |x| {
            for (x, row) in x.chunks_exact_mut(pixels).zip(rows) {
                let noise = || Stream::new(self.seed, Purpose::BinariseTest, 0, row as u64);
                self.encoder.write(split.image(row), noise, x);
            }
        })
    }

    /// Shows `see` what becomes of the images, some at a time.
    pub fn each_batch(&self, split: &Split, mut see: impl FnMut(&Trace<f32>)) {
        let mut tape = Tape::new();
        for first in (0..split.len()).step_by(BATCH) {
            let rows = first..split.len().min(first + BATCH);
            tape.begin();
            let x = self.images(&tape, split, rows);
            see(&self.task.network().trace(&Pass::judging(&tape, self.task.params()), x));
        }
    }

    /// Each image's probabilities of the classes.
    pub fn probabilities(&self, split: &Split) -> Vec<Vec<f32>> {
        let mut all = Vec::with_capacity(split.len());
        self.each_batch(split, |trace| {
            let p = trace.logits.softmax(1).value();
            all.extend((0..p.shape()[0]).map(|i| p.row(i).to_vec()));
        });
        all
    }

    /// The penultimate features of grey images or of black and white ones, and the classes that they are taken for: by the features new
    /// images are compared with real ones.
    pub fn look(&self, images: &[Vec<f32>]) -> (Features, Vec<usize>) {
        let mut tape = Tape::new();
        let (mut data, mut classes, mut width) = (Vec::new(), Vec::with_capacity(images.len()), 1);
        for images in images.chunks(BATCH) {
            tape.begin();
            let pass = Pass::judging(&tape, self.task.params());
            let trace = self.task.network().trace(&pass, tape.leaf(matrix(images)));
            let (features, logits) = (trace.features.value(), trace.logits.value());
            width = features.shape()[1];
            data.extend(features.data().iter().map(|x| f64::from(*x)));
            classes.extend((0..images.len()).map(|i| likeliest(logits.row(i))));
        }
        (Features::new(data, width), classes)
    }
}

/// What came of the test images.
#[derive(Clone, Debug, Serialize)]
pub struct Classification {
    /// How many there are.
    pub images: usize,
    /// The share that was named rightly.
    pub accuracy: f64,
    /// −ln of the probability of the right class, mean over the images, nats.
    pub cross_entropy: f64,
    /// Each class' own figures.
    pub classes: Vec<Class>,
    /// Images of class i that were taken for class j.
    pub confusion: Vec<Vec<usize>>,
    /// The most confident mistakes, the most confident first.
    pub mistakes: Vec<Mistake>,
}

/// A class, and how well it is told from the others.
#[derive(Clone, Debug, Serialize)]
pub struct Class {
    /// What it is called.
    pub name: String,
    /// Its images.
    pub images: usize,
    /// The share of what was taken for it that belongs to it; none where nothing was.
    pub precision: Option<f64>,
    /// The share of its images that were taken for it; none without images.
    pub recall: Option<f64>,
}

/// An image that was taken for another class.
#[derive(Clone, Debug, Serialize)]
pub struct Mistake {
    /// Its place among the test images.
    pub row: usize,
    /// Its class.
    pub class: usize,
    /// What it was taken for.
    pub named: usize,
    /// With what probability.
    pub probability: f64,
}

const FIGURE: &str = "mistakes.svg";
/// Mistakes that are shown.
const MISTAKES: usize = 20;
const PER_ROW: usize = 5;

/// Classifies images.
pub fn measure(classifier: &Classifier, test: &Split, names: &[String]) -> Classification {
    let probabilities = classifier.probabilities(test);
    let mut confusion = vec![vec![0; names.len()]; names.len()];
    let (mut mistakes, mut loss) = (Vec::new(), 0.0);
    for (row, (p, class)) in probabilities.iter().zip(test.labels().map(usize::from)).enumerate() {
        let named = likeliest(p);
        confusion[class][named] += 1;
        // A probability that rounds to 0 is at least the smallest number.
        loss -= Real::ln(f64::from(p[class].max(f32::MIN_POSITIVE)));
        if named != class {
            mistakes.push(Mistake { row, class, named, probability: p[named].into() });
        }
    }
    mistakes.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    mistakes.truncate(MISTAKES);
    let right: usize = (0..names.len()).map(|class| confusion[class][class]).sum();
    let share = |part: usize, whole: usize| (whole > 0).then(|| part as f64 / whole as f64);
    let class = |class: usize| {
        let images = confusion[class].iter().sum();
        let named = confusion.iter().map(|row| row[class]).sum();
        let right = confusion[class][class];
        Class { name: names[class].clone(), images, precision: share(right, named), recall: share(right, images) }
    };
    let images = test.len();
    Classification {
        images,
        accuracy: right as f64 / images as f64,
        cross_entropy: loss / images as f64,
        classes: (0..names.len()).map(class).collect(),
        confusion,
        mistakes,
    }
}

/// The most confident mistakes, if there are any.
fn draw(c: &Classification, data: &Dataset) -> Vec<Figure> {
    let (test, names) = (&data.test, &data.class_names);
    let mut panel = Panel::new("The most confident mistakes: what it is, and what it was taken for", test.shape());
    for mistakes in c.mistakes.chunks(PER_ROW) {
        let pixels = |m: &Mistake| test.image(m.row).iter().map(|&byte| f32::from(byte) / 255.0).collect::<Vec<_>>();
        let caption = |m: &Mistake| format!("{} as {}", names[m.class], names[m.named]);
        let captions: Vec<String> = mistakes.iter().map(caption).collect();
        let images: Vec<_> = mistakes.iter().map(pixels).collect();
        panel = panel.row(ImageRow::images("", &images).captions(&captions));
    }
    if c.mistakes.is_empty() { Vec::new() } else { vec![Figure::new(FIGURE, panel.svg())] }
}

/// The paragraphs.
pub fn tell(c: &Classification) -> Vec<Block> {
    let percent = |x: Option<f64>| x.map_or("–".to_string(), |x| format!("{:.1}", 100.0 * x));
    let mut text: Vec<Block> = vec![
        format!(
            "{:.2} % of {} are named rightly; the cross-entropy is {:.4} nats per image.",
            100.0 * c.accuracy,
            count(c.images, "test image"),
            c.cross_entropy
        )
        .into(),
        table(
            ["class", "images", "recall", "precision"],
            c.classes.iter().map(|class| {
                vec![escape(&class.name), class.images.to_string(), percent(class.recall), percent(class.precision)]
            }),
            "Recall: the share of a class that is named rightly. Precision: the share of what is named so that is. In per cent.",
        ),
        confusion(&c.confusion, &c.classes),
    ];
    let pair = |(i, row): (usize, &Vec<usize>)| {
        let others = row.iter().enumerate().filter(|(j, n)| *j != i && **n > 0);
        others.max_by_key(|(_, n)| **n).map(|(j, n)| (*n, i, j))
    };
    if let Some((n, i, j)) = c.confusion.iter().enumerate().filter_map(pair).max_by_key(|(n, ..)| *n) {
        text.push(
            format!(
                "The commonest mistake: {} of {} taken for {}.",
                count(n, "image"),
                escape(&c.classes[i].name),
                escape(&c.classes[j].name)
            )
            .into(),
        );
    }
    if let Some(worst) = c.mistakes.first() {
        text.push(figure(
            FIGURE,
            "Mistakes",
            format!(
                "Images that were taken for another class, the most confident first, at {:.1} %: what each is labelled, and what it was \
                 taken for.",
                100.0 * worst.probability
            ),
        ));
    }
    text
}

/// How often each class was taken for each.
pub fn confusion(confusion: &[Vec<usize>], classes: &[Class]) -> Block {
    let header = [String::new()].into_iter().chain(classes.iter().map(|class| escape(&class.name)));
    let row = |(row, class): (&Vec<usize>, &Class)| {
        let cell = |n: &usize| if *n == 0 { "·".to_string() } else { n.to_string() };
        [escape(&class.name)].into_iter().chain(row.iter().map(cell)).map(Text::from).collect::<Vec<_>>()
    };
    table(
        header.map(Text::from).collect::<Vec<_>>(),
        confusion.iter().zip(classes).map(row),
        "Confusions: test images of each class (rows) by what they were taken for (columns).",
    )
}
