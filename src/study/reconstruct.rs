//! Originals above reconstructions, with the loss of each.

use super::{Subject, cross_entropy, examples};
use crate::data::Dataset;
use crate::plot::{Panel, Row};
use serde::Serialize;

/// Losses of the shown images.
#[derive(Clone, Debug, Serialize)]
pub struct Reconstructions {
    /// Which test images.
    pub images: Vec<usize>,
    /// For each network, its name and the loss of each image at z = μ, nats.
    pub losses: Vec<(String, Vec<f64>)>,
}

/// Encodes and decodes test images with each network at z = μ. Gives the numbers and an SVG.
pub fn reconstructions(subjects: &[Subject], data: &Dataset, n: usize) -> (Reconstructions, String) {
    let rows = examples(data, n);
    let (height, width) = (data.test.height(), data.test.width());
    let class = |&i: &usize| data.class_names[usize::from(data.test.label(i))].clone();
    let originals = subjects[0].images(&data.test, &rows);
    let mut panel = Panel::new("Test images and their reconstructions at z = μ, with the loss in nats", height, width)
        .columns(&rows.iter().map(class).collect::<Vec<_>>())
        .row(Row::grey("original", &originals));
    let mut losses = Vec::new();
    for subject in subjects {
        let codes = subject.encode(&originals);
        let decoded = subject.decode(&codes.into_iter().map(|c| c.mu).collect::<Vec<_>>());
        let loss: Vec<f64> = originals.iter().zip(&decoded).map(|(x, p)| cross_entropy(x, p)).collect();
        let captions: Vec<String> = loss.iter().map(|l| format!("{l:.1}")).collect();
        panel = panel.row(Row::grey(subject.name, &decoded).captions(&captions));
        losses.push((subject.name.to_string(), loss));
    }
    (Reconstructions { images: rows, losses }, panel.svg())
}
