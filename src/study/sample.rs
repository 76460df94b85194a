//! New images from the prior.

use super::Subject;
use crate::data::Dataset;
use crate::plot::{Panel, Row};
use crate::rng::{Purpose, Stream};
use serde::Serialize;

/// Where new images came from.
#[derive(Clone, Debug, Serialize)]
pub struct Samples {
    /// z ~ N(0, I) of each image.
    pub z: Vec<Vec<f32>>,
}

/// Draws `n` points from the prior and decodes them: pixel probabilities, and Bernoulli samples of them. Gives the z and an SVG.
pub fn samples(subject: &Subject, data: &Dataset, n: usize) -> (Samples, String) {
    let stream = |row: usize| Stream::new(subject.seed, Purpose::Sample, 2, row as u64);
    let z: Vec<Vec<f32>> = (0..n)
        .map(|row| {
            let mut z = vec![0.0; subject.latent];
            stream(row).fill_normal(&mut z);
            z
        })
        .collect();
    let means = subject.decode(&z);
    let drawn: Vec<Vec<f32>> = means
        .iter()
        .enumerate()
        .map(|(row, p)| {
            let mut stream = Stream::new(subject.seed, Purpose::Sample, 3, row as u64);
            p.iter().map(|&p| if stream.uniform() < f64::from(p) { 1.0 } else { 0.0 }).collect()
        })
        .collect();
    let title = format!("{n} new images of the {} from z ~ N(0, I), with their z", subject.name);
    let mut panel = Panel::new(&title, data.test.height(), data.test.width());
    let caption = |z: &Vec<f32>| z.iter().take(2).map(|v| format!("{v:.2}")).collect::<Vec<_>>().join(" ");
    for rows in (0..n).collect::<Vec<_>>().chunks(10) {
        let (first, last) = (rows[0], rows[rows.len() - 1]);
        let captions: Vec<String> = z[first..=last].iter().map(caption).collect();
        panel = panel
            .row(Row::grey("mean", &means[first..=last]).captions(&captions))
            .row(Row::grey("sample", &drawn[first..=last]));
    }
    (Samples { z }, panel.svg())
}
