//! Walks in latent space between pairs of images, within a class and between classes.

use super::{Subject, cross_entropy};
use crate::data::Dataset;
use crate::plot::{Panel, Row};
use serde::Serialize;

/// Images of a walk, with both ends.
const STEPS: usize = 9;

/// A walk between two test images.
#[derive(Clone, Debug, Serialize)]
pub struct Walk {
    /// The network.
    pub name: String,
    /// The test images at its ends.
    pub ends: [usize; 2],
    /// Their classes.
    pub classes: [String; 2],
    /// Loss of each end's reconstruction, nats.
    pub losses: [f64; 2],
}

/// Pairs within a class, and between classes.
fn pairs(data: &Dataset) -> Vec<[usize; 2]> {
    let nth =
        |class: usize, n: usize| (0..data.test.len()).filter(|&i| usize::from(data.test.label(i)) == class).nth(n);
    let classes = data.class_names.len();
    let within = [0, 1, 8].map(|c| [nth(c % classes, 0), nth(c % classes, 1)]);
    let between = [[0, 3], [1, 7], [5, 9]].map(|[a, b]| [nth(a % classes, 2), nth(b % classes, 2)]);
    within.into_iter().chain(between).filter_map(|[a, b]| Some([a?, b?])).collect()
}

/// Walks in straight lines from μ to μ. Gives the numbers and an SVG a network.
pub fn walks(subject: &Subject, data: &Dataset) -> (Vec<Walk>, String) {
    let title = format!("Walks of the {} between two test images (framed), in a straight line of z", subject.name);
    let mut panel = Panel::new(&title, data.test.height(), data.test.width());
    let mut walks = Vec::new();
    for ends in pairs(data) {
        let originals = subject.images(&data.test, &ends);
        let codes = subject.encode(&originals);
        let point = |t: usize| {
            let t = t as f32 / (STEPS - 1) as f32;
            codes[0].mu.iter().zip(&codes[1].mu).map(|(a, b)| a + t * (b - a)).collect()
        };
        let decoded = subject.decode(&(0..STEPS).map(point).collect::<Vec<Vec<f32>>>());
        let classes = ends.map(|i| data.class_names[usize::from(data.test.label(i))].clone());
        let losses = [cross_entropy(&originals[0], &decoded[0]), cross_entropy(&originals[1], &decoded[STEPS - 1])];
        let row: Vec<Vec<f32>> = [&originals[..1], &decoded[..], &originals[1..]].concat();
        let name = if classes[0] == classes[1] { classes[0].clone() } else { classes.join(" → ") };
        panel = panel.row(Row::grey(&name, &row).framed(&[0, STEPS + 1]));
        walks.push(Walk { name: subject.name.to_string(), ends, classes, losses });
    }
    (walks, panel.svg())
}
