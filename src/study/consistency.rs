//! One image, encoded and decoded many times: does the same come out?

use super::{Code, Subject, correlation, examples, mean};
use crate::data::Dataset;
use crate::plot::{Chart, Panel, Row};
use crate::rng::{Purpose, Stream};
use serde::Serialize;

/// How often each image goes through.
pub const PASSES: usize = 100;
/// How many images do.
pub const IMAGES: usize = 100;

/// How z is taken from q(z | x).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    Mean,
    Sample,
}

/// The consistency of one way of decoding.
#[derive(Clone, Debug, Serialize)]
pub struct Consistency {
    /// `AE`, `VAE, z = μ` or `VAE, z ~ q`.
    pub name: String,
    /// Distinct outputs (to the bit) of the first image.
    pub distinct_one: usize,
    /// Mean over images of the number of distinct outputs.
    pub distinct: f64,
    /// Mean over images and pixels of the standard deviation over passes.
    pub pixel_std: f64,
    /// Mean Hamming distance between two passes' outputs thresholded at ½, in pixels.
    pub hamming: f64,
    /// Over images: correlation of the posterior's mean σ with the pixels' mean standard deviation; none without spread.
    pub sigma_spread_correlation: Option<f64>,
}

/// Runs the experiment with each network. Gives the numbers and two SVGs: maps for some images, and σ against spread.
pub fn consistency(subjects: &[Subject], data: &Dataset) -> (Vec<Consistency>, String, String) {
    let rows = examples(data, IMAGES);
    let shown = rows.len().min(10);
    let (height, width) = (data.test.height(), data.test.width());
    let class = |&i: &usize| data.class_names[usize::from(data.test.label(i))].clone();
    let mut panel = Panel::new("Standard deviation of each pixel over 100 passes", height, width)
        .columns(&rows[..shown].iter().map(class).collect::<Vec<_>>())
        .row(Row::grey("original", &subjects[0].images(&data.test, &rows[..shown])));
    let mut chart = Chart::new(
        "Posterior width and spread of reconstructions",
        "mean posterior σ",
        "mean pixel standard deviation",
    );
    let mut results = Vec::new();
    for subject in subjects {
        let codes = subject.encode(&subject.images(&data.test, &rows));
        let ways: &[(Choice, &str)] = match subject.is_variational() {
            true => &[(Choice::Mean, ", z = μ"), (Choice::Sample, ", z ~ q")],
            false => &[(Choice::Mean, "")],
        };
        for &(choice, suffix) in ways {
            let name = format!("{}{suffix}", subject.name);
            let spreads: Vec<Spread> =
                codes.iter().zip(&rows).map(|(code, &row)| Spread::of(&passes(subject, code, row, choice))).collect();
            let std: Vec<f64> = spreads.iter().map(|s| mean(s.std.iter().map(|&v| f64::from(v)))).collect();
            let sigma: Vec<f64> = codes.iter().map(|c| mean(c.sigma.iter().map(|&v| f64::from(v)))).collect();
            panel = panel.row(Row::heat(&name, &spreads[..shown].iter().map(|s| &s.std[..]).collect::<Vec<_>>()));
            let varies = std.iter().any(|&s| s > 0.0);
            if varies {
                chart = chart.scatter(&name, &sigma.iter().copied().zip(std.iter().copied()).collect::<Vec<_>>());
            }
            results.push(Consistency {
                name,
                distinct_one: spreads[0].distinct,
                distinct: mean(spreads.iter().map(|s| s.distinct as f64)),
                pixel_std: mean(std.iter().copied()),
                hamming: mean(spreads.iter().map(|s| s.hamming)),
                sigma_spread_correlation: varies.then(|| correlation(&sigma, &std)),
            });
        }
    }
    (results, panel.svg(), chart.svg())
}

/// What comes out when one image is decoded again and again.
fn passes(subject: &Subject, code: &Code, row: usize, choice: Choice) -> Vec<Vec<f32>> {
    let mut stream = Stream::new(subject.seed, Purpose::Sample, 1, row as u64);
    let mut draw = |_| match choice {
        Choice::Mean => code.mu.clone(),
        Choice::Sample => code.mu.iter().zip(&code.sigma).map(|(m, s)| m + s * stream.normal() as f32).collect(),
    };
    subject.decode(&(0..PASSES).map(&mut draw).collect::<Vec<_>>())
}

/// How outputs for one image differ.
struct Spread {
    distinct: usize,
    std: Vec<f32>,
    hamming: f64,
}

impl Spread {
    fn of(outputs: &[Vec<f32>]) -> Self {
        let n = outputs.len() as f64;
        let mut bits: Vec<Vec<u32>> = outputs.iter().map(|o| o.iter().map(|x| x.to_bits()).collect()).collect();
        bits.sort_unstable();
        bits.dedup();
        let (mut std, mut differing) = (Vec::new(), 0.0);
        for j in 0..outputs[0].len() {
            let first = f64::from(outputs[0][j]);
            // Around the first value, so that equal values have exactly no variance.
            let (sum, squares) = outputs.iter().fold((0.0, 0.0), |(sum, squares), o| {
                let d = f64::from(o[j]) - first;
                (sum + d, squares + d * d)
            });
            std.push(((squares / n - (sum / n) * (sum / n)).max(0.0)).sqrt() as f32);
            let on = outputs.iter().filter(|o| o[j] >= 0.5).count() as f64;
            differing += on * (n - on);
        }
        Spread { distinct: bits.len(), std, hamming: differing / (n * (n - 1.0) / 2.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_outputs_have_no_spread_and_different_ones_have_theirs() {
        let same = Spread::of(&vec![vec![0.3, 0.9]; 5]);
        assert_eq!((same.distinct, &same.std[..], same.hamming), (1, &[0.0, 0.0][..], 0.0));
        let two = Spread::of(&[vec![0.0, 0.4], vec![1.0, 0.4]]);
        assert_eq!((two.distinct, &two.std[..], two.hamming), (2, &[0.5, 0.0][..], 1.0));
    }
}
