//! Originals above reconstructions, with the loss of each.

use super::{Experiment, Findings, Measure, Subject, examples, nats};
use crate::data::Dataset;
use crate::plot::{ImageRow, Panel};
use crate::report::{Block, Figure, escape, figure};
use crate::stats::mean;
use serde::Serialize;
use std::collections::BTreeSet;

/// `elbo reconstruct`.
pub const EXPERIMENT: Experiment = Experiment {
    name: "reconstruct",
    about: "Show test images above their reconstructions, with the loss of each",
    title: "Reconstructions",
    key: "reconstructions",
    run: Measure::Coders(|subjects, data| Ok(Findings::of(measure(subjects, data), tell))),
};

/// Losses of the shown images.
#[derive(Clone, Debug, Serialize)]
pub struct Reconstructions {
    /// Which test images.
    pub images: Vec<usize>,
    /// Their classes.
    pub classes: Vec<String>,
    /// For each network, its name and the loss of each image at z = μ, nats.
    pub losses: Vec<(String, Vec<f64>)>,
}

/// How many images.
const IMAGES: usize = 10;
const FIGURE: &str = "reconstructions.svg";

/// Encodes and decodes test images with each network at z = μ.
pub fn measure(subjects: &[Subject], data: &Dataset) -> (Reconstructions, Vec<Figure>) {
    let rows = examples(data, IMAGES);
    let classes: Vec<String> =
        rows.iter().map(|&i| data.class_names[usize::from(data.test.label(i))].clone()).collect();
    let originals = subjects[0].images(&data.test, &rows);
    let mut panel =
        Panel::new("Test images and their reconstructions at z = μ, with the loss in nats", data.test.shape())
            .columns(&classes)
            .row(ImageRow::images("original", &originals));
    let mut losses = Vec::new();
    for subject in subjects {
        let codes = subject.encode(&originals);
        let means: Vec<_> = codes.into_iter().map(|c| c.mu).collect();
        let (decoded, loss) = (subject.decode(&means), subject.losses(&originals, &means));
        let captions: Vec<String> = loss.iter().map(|l| nats(*l, 1)).collect();
        panel = panel.row(ImageRow::images(subject.name(), &decoded).captions(&captions));
        losses.push((subject.name().to_string(), loss));
    }
    (Reconstructions { images: rows, classes, losses }, vec![Figure::new(FIGURE, panel.svg())])
}

/// The paragraphs.
pub fn tell(r: &Reconstructions) -> Vec<Block> {
    let mut text: Vec<Block> = vec![
        figure(
            FIGURE,
            "Originals above reconstructions",
            "Test images above what each network makes of them, decoded at z = μ; below each its loss in nats.",
        ),
        format!(
            "{}, and the probability of each pixel to be on that is decoded from the mean of its \
             code. A grey pixel is one the decoder is unsure of; what the code cannot hold, such as a print, a seam or a heel, \
             comes out as the average over the images with a similar code.",
            match r.classes.iter().collect::<BTreeSet<_>>().len() {
                n if n == r.classes.len() => "The first test image of each class",
                1 => "The first test images",
                _ => "The first test image of each class, then the next ones",
            }
        )
        .into(),
    ];
    for (name, losses) in &r.losses {
        let of = |i: usize| format!("{} ({})", escape(&r.classes[i]), nats(losses[i], 1));
        let worst = (0..losses.len()).max_by(|&a, &b| losses[a].total_cmp(&losses[b]));
        let best = (0..losses.len()).min_by(|&a, &b| losses[a].total_cmp(&losses[b]));
        if losses.len() == 1 {
            text.push(format!("{name}: {} nats for the only test image.", nats(losses[0], 1)).into());
        } else if let (Some(best), Some(worst)) = (best, worst) {
            text.push(
                format!(
                    "{name}: {} nats on average over these; the least for the {}, the most for the {}.",
                    nats(mean(losses.iter().copied()), 1),
                    of(best),
                    of(worst)
                )
                .into(),
            );
        }
    }
    text
}
