//! Walks between two noises of a GAN: in a straight line, and on the sphere.

use super::generate::Source;
use crate::data::Dataset;
use crate::kernels::math::cos_pi;
use crate::plot::{ImageRow, Panel};
use crate::report::{Block, Figure, figure, formula, table};
use crate::stats::mean;
use serde::Serialize;

const FIGURE: &str = "walks_gan.svg";
/// Images of a walk, with both ends.
const STEPS: usize = 9;
const PAIRS: usize = 4;

/// A walk both ways.
#[derive(Clone, Debug, Serialize)]
pub struct Walk {
    /// |z| half way, in a straight line and on the sphere, as a part of the mean of the ends'.
    pub lengths: [f64; 2],
    /// Mean change of a pixel in each step, in a straight line and on the sphere.
    pub steps: [Vec<f64>; 2],
}

/// (1 − t) a + t b.
fn straight(a: &[f32], b: &[f32], t: f32) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a + t * (b - a)).collect()
}

/// sin((1 − t) ω) / sin ω · a + sin(t ω) / sin ω · b, with the angle ω between both (Shoemake 1985; of GANs White 2016, arXiv 1609.04468):
/// noise of many dimensions lies near a sphere of radius √Z, and so does every point of this walk. A straight line where ω is 0 or π.
pub fn spherical(a: &[f32], b: &[f32], t: f32) -> Vec<f32> {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    let cosine = dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
    let turns = angle(cosine);
    let sine = |turns: f64| cos_pi(0.5 - turns);
    let whole = sine(turns);
    if !whole.is_finite() || whole < 1e-6 {
        return straight(a, b, t);
    }
    let t = f64::from(t);
    let (of_a, of_b) = (sine((1.0 - t) * turns) / whole, sine(t * turns) / whole);
    a.iter().zip(b).map(|(a, b)| (of_a * f64::from(*a) + of_b * f64::from(*b)) as f32).collect()
}

/// The angle of this cosine over π, by halving: the platform's arc cosine has not the same bits everywhere.
fn angle(cosine: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if cos_pi(middle) > cosine { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// Walks both ways, each pair of rows between the same two noises.
pub fn measure(source: &Source, data: &Dataset) -> (Vec<Walk>, Vec<Figure>) {
    let noise = source.noise(0..2 * PAIRS);
    let title = format!("Walks of the {} between two noises", source.technique().name);
    let mut panel = Panel::new(&title, data.test.shape());
    let mut walks = Vec::new();
    for (i, ends) in noise.chunks_exact(2).enumerate() {
        let [a, b] = [&ends[0], &ends[1]];
        let class = i % data.class_names.len();
        let norm = |z: &[f32]| z.iter().map(|z| f64::from(z * z)).sum::<f64>().sqrt();
        let ways = [("straight", straight as fn(&[f32], &[f32], f32) -> Vec<f32>), ("spherical", spherical)];
        let rows = ways.map(|(name, way)| {
            let points: Vec<Vec<f32>> = (0..STEPS).map(|k| way(a, b, k as f32 / (STEPS - 1) as f32)).collect();
            let images = source.of_noise(&points, &[class; STEPS]);
            let change = |pair: &[Vec<f32>]| mean(pair[0].iter().zip(&pair[1]).map(|(a, b)| f64::from((a - b).abs())));
            let length = norm(&points[STEPS / 2]) / (0.5 * (norm(a) + norm(b)));
            let steps: Vec<f64> = images.windows(2).map(change).collect();
            (name, images, length, steps)
        });
        for (name, images, ..) in &rows {
            panel = panel.row(ImageRow::images(name, images));
        }
        let [(_, _, first, straight), (_, _, second, sphere)] = rows;
        walks.push(Walk { lengths: [first, second], steps: [straight, sphere] });
    }
    (walks, vec![Figure::new(FIGURE, panel.svg())])
}

/// The paragraphs.
pub fn tell(walks: &[Walk]) -> Vec<Block> {
    let largest = |steps: &[f64]| {
        let sum: f64 = steps.iter().sum();
        let share = steps.iter().copied().fold(0.0, f64::max) / sum;
        if sum > 0.0 { format!("{:.0} %", 100.0 * share) } else { "–".into() }
    };
    let row = |(i, walk): (usize, &Walk)| {
        let both =
            walk.steps.iter().zip(walk.lengths).flat_map(|(steps, length)| [format!("{length:.2}"), largest(steps)]);
        [(i + 1).to_string()].into_iter().chain(both).collect::<Vec<_>>()
    };
    vec![
        formula("z(t) = (1 − t) a + t b", "In a straight line, from noise a to noise b."),
        formula(
            "z(t) = sin((1 − t) ω)/sin ω a + sin(t ω)/sin ω b",
            "On the sphere, with the angle ω between both. [White 2016](https://arxiv.org/abs/1609.04468).",
        ),
        figure(
            FIGURE,
            "Walks between noises",
            "Each pair of rows is between the same two noises, in a straight line and on the sphere.",
        ),
        table(
            ["walk", "straight: |z| half way", "largest step", "spherical: |z| half way", "largest step"],
            walks.iter().enumerate().map(row),
            "The length of the noise half way, as a part of that of the ends: noise of many dimensions hardly ever is as short as the middle of a \
             straight line. The share of the change, summed over the steps, that the largest of them holds.",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f32::consts::FRAC_1_SQRT_2;

    #[test]
    fn a_walk_on_the_sphere_stays_on_it_and_has_even_angles() {
        let (a, b) = ([2.0, 0.0, 0.0], [0.0, 2.0, 0.0]);
        let half = spherical(&a, &b, 0.5);
        assert!((half[0] - 2.0 * FRAC_1_SQRT_2).abs() < 1e-6 && (half[1] - 2.0 * FRAC_1_SQRT_2).abs() < 1e-6);
        for k in 0..=10 {
            let t = k as f32 / 10.0;
            let z = spherical(&a, &b, t);
            let turn = f64::from(t) * std::f64::consts::FRAC_PI_2;
            assert!((f64::from(z[0]) - 2.0 * turn.cos()).abs() < 1e-6, "{k}");
            assert!((f64::from(z[1]) - 2.0 * turn.sin()).abs() < 1e-6, "{k}");
        }
        // Between a noise and itself, or its opposite, there is no sphere to walk on.
        assert_eq!(spherical(&a, &a, 0.3), a);
        assert_eq!(spherical(&a, &[-2.0, 0.0, 0.0], 0.5), [0.0, 0.0, 0.0]);
    }
}
