//! The latent space: where images go, and what is decoded from where.

use super::{Code, Subject, mean};
use crate::data::Dataset;
use crate::kernels::math::normal_quantile;
use crate::plot::{Chart, Grid};
use rayon::prelude::*;
use serde::Serialize;

/// Neighbours that vote.
pub const NEIGHBOURS: usize = 10;
/// Images of the manifold along each axis.
pub const GRID: usize = 20;

/// Numbers of a latent space.
#[derive(Clone, Debug, Serialize)]
pub struct Latent {
    /// The network.
    pub name: String,
    /// Share of test images whose class is that of most of their nearest neighbours among the other test images, by μ.
    pub knn_accuracy: f64,
    /// Mean μ of each class.
    pub class_means: Vec<(String, Vec<f64>)>,
    /// Mean of μ in each dimension.
    pub mean: Vec<f64>,
    /// Standard deviation of μ in each dimension.
    pub std: Vec<f64>,
    /// Mean posterior σ in each dimension; 0 for an autoencoder.
    pub sigma: Vec<f64>,
    /// Dimensions in which μ has a variance above 0.01 (Burda et al. 2016, arXiv 1509.00519).
    pub active_units: usize,
}

/// Encodes the test set. Gives the numbers, and for two latent dimensions the scatter as an SVG.
pub fn latent(subject: &Subject, data: &Dataset) -> (Latent, Option<String>) {
    let rows: Vec<usize> = (0..data.test.len()).collect();
    let codes = subject.encode(&subject.images(&data.test, &rows));
    let dims = 0..subject.latent;
    let along = |d: usize| codes.iter().map(move |c| f64::from(c.mu[d]));
    let means: Vec<f64> = dims.clone().map(|d| mean(along(d))).collect();
    let variances: Vec<f64> = dims.clone().map(|d| mean(along(d).map(|x| (x - means[d]).powi(2)))).collect();
    let of_class = |class: usize| {
        codes.iter().zip(data.test.labels()).filter(move |(_, l)| usize::from(**l) == class).map(|(c, _)| c)
    };
    let class_mean =
        |class: usize| dims.clone().map(|d| mean(of_class(class).map(|c| f64::from(c.mu[d])))).collect::<Vec<f64>>();
    let present = || data.class_names.iter().enumerate().filter(|(class, _)| of_class(*class).next().is_some());
    let numbers = Latent {
        name: subject.name.to_string(),
        knn_accuracy: knn_accuracy(&codes, data.test.labels(), data.class_names.len()),
        class_means: present().map(|(class, name)| (name.clone(), class_mean(class))).collect(),
        sigma: dims.clone().map(|d| mean(codes.iter().map(|c| f64::from(c.sigma[d])))).collect(),
        active_units: variances.iter().filter(|&&v| v > 0.01).count(),
        std: variances.into_iter().map(f64::sqrt).collect(),
        mean: means,
    };
    if subject.latent != 2 {
        return (numbers, None);
    }
    let title = format!(
        "Latent space of the {}: the test images{}",
        subject.name,
        if subject.is_variational() { " (means μ)" } else { "" }
    );
    let mut chart = Chart::new(&title, "z₁", "z₂").square();
    let point = |c: &Code| (f64::from(c.mu[0]), f64::from(c.mu[1]));
    for (class, name) in present() {
        chart = chart.scatter(name, &of_class(class).map(point).collect::<Vec<_>>());
    }
    if subject.is_variational() {
        for (class, name) in present() {
            let ellipse = |c: &Code| (point(c).0, point(c).1, f64::from(c.sigma[0]), f64::from(c.sigma[1]));
            chart = chart.ellipses(name, &of_class(class).take(6).map(ellipse).collect::<Vec<_>>());
        }
        for k in 1..=3 {
            chart = chart.contour(&format!("prior {k}σ"), (0.0, 0.0, f64::from(k), f64::from(k)));
        }
    }
    for (name, mean) in &numbers.class_means {
        chart = chart.note(name, (mean[0], mean[1]));
    }
    (numbers, Some(chart.svg()))
}

/// Leave-one-out accuracy of the vote of the nearest neighbours; the nearer of two equal counts wins.
fn knn_accuracy(codes: &[Code], labels: &[u8], classes: usize) -> f64 {
    let vote = |i: usize| {
        let distance = |j: usize| codes[i].mu.iter().zip(&codes[j].mu).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
        let mut others: Vec<(f32, usize)> = (0..codes.len()).filter(|&j| j != i).map(|j| (distance(j), j)).collect();
        let k = NEIGHBOURS.min(others.len());
        if k == 0 {
            return false;
        }
        others.select_nth_unstable_by(k - 1, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        others.truncate(k);
        others.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut votes = vec![0; classes];
        others.iter().for_each(|(_, j)| votes[usize::from(labels[*j])] += 1);
        let most = *votes.iter().max().expect("there are classes");
        let winner = others.iter().map(|(_, j)| labels[*j]).find(|&l| votes[usize::from(l)] == most);
        winner == Some(labels[i])
    };
    let right = (0..codes.len()).into_par_iter().filter(|&i| vote(i)).count();
    right as f64 / codes.len() as f64
}

/// Images decoded on a grid of equal prior mass: z = (Φ⁻¹(u), Φ⁻¹(v)) for u, v at the centres of equal cells of (0, 1), z₂
/// upwards. A PNG; none unless there are two latent dimensions.
pub fn manifold(subject: &Subject, data: &Dataset) -> Option<Vec<u8>> {
    if subject.latent != 2 {
        return None;
    }
    let at = |i: usize| normal_quantile((i as f64 + 0.5) / GRID as f64) as f32;
    let points: Vec<Vec<f32>> = (0..GRID * GRID).map(|i| vec![at(i % GRID), at(GRID - 1 - i / GRID)]).collect();
    let grid = Grid::new(data.test.height(), data.test.width()).per_row(GRID);
    Some(grid.grey(&subject.decode(&points)))
}
