//! Measures by nearest neighbours: precision and recall, density and coverage.

use super::Features;
use crate::kernels::Real;
use crate::kernels::gemm::{Matrix, Scratch, gemm};
use serde::Serialize;

/// Neighbours of precision and recall, as in the paper.
const K_MANIFOLD: usize = 3;
/// Neighbours of density and coverage, as in the paper.
const K_DENSITY: usize = 5;
/// Distances that are there at a time.
const BLOCK: usize = 1 << 22;

/// Squared distances of each row of a to all rows of b, both of `width` numbers, a row at a time: |a|² + |b|² − 2 a·b.
pub fn distances<F: Real>(a: &[F], b: &[F], width: usize, mut see: impl FnMut(usize, &[F])) {
    let squares = |x: &[F]| -> Vec<F> {
        x.chunks_exact(width).map(|row| row.iter().fold(F::ZERO, |sum, &x| sum + x * x)).collect()
    };
    let (of_a, of_b) = (squares(a), squares(b));
    let rows = (BLOCK / of_b.len().max(1)).max(1);
    let (mut products, mut scratch) = (Vec::new(), Scratch::default());
    for (block, a) in a.chunks(rows * width).enumerate() {
        let (m, n) = (a.len() / width, of_b.len());
        products.resize(m * n, F::ZERO);
        gemm(Matrix::new(a, m, width), Matrix::new(b, n, width).t(), None, &mut products[..m * n], &mut scratch);
        for (i, row) in products[..m * n].chunks_exact_mut(n).enumerate() {
            let i = block * rows + i;
            for (x, &square) in row.iter_mut().zip(&of_b) {
                let distance = of_a[i] + square - F::of(2.0) * *x;
                *x = if distance > F::ZERO { distance } else { F::ZERO };
            }
            see(i, row);
        }
    }
}

/// Features of real images, each with the radii of the balls around it.
pub struct Manifold {
    features: Features,
    radii: [Vec<f64>; 2],
}

/// How two sets overlap.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Overlap {
    /// The share of generated images within the ball of a real one, which reaches to its third neighbour (Kynkäänniemi et al. 2019, arXiv
    /// 1904.06991, equation 3): are they like real ones?
    pub precision: f64,
    /// The share of real images within the ball of a generated one: can all be generated?
    pub recall: f64,
    /// How many real balls, which reach to the fifth neighbour, a generated image is in, over 5 (Naeem et al. 2020, arXiv 2002.09797,
    /// equation 2). As precision, but one odd real image with a large ball counts little.
    pub density: f64,
    /// The share of real images with a generated one in their ball (ibid., equation 3).
    pub coverage: f64,
}

impl Manifold {
    /// Around each of these.
    pub fn of(features: Features) -> Self {
        Manifold { radii: radii(&features), features }
    }

    /// How these overlap with it.
    pub fn overlap(&self, other: &Features) -> Overlap {
        let ([near, far], [of_other, _]) = (&self.radii, radii(other));
        let n = self.features.len();
        let (mut precise, mut balls) = (0usize, 0usize);
        let (mut recalled, mut covered) = (vec![false; n], vec![false; n]);
        distances(other.data(), self.features.data(), self.features.width(), |i, row| {
            precise += usize::from(row.iter().zip(near).any(|(d, r)| d <= r));
            for (j, d) in row.iter().enumerate() {
                recalled[j] |= *d <= of_other[i];
                let is_within = *d <= far[j];
                covered[j] |= is_within;
                balls += usize::from(is_within);
            }
        });
        let share = |yes: &[bool]| yes.iter().filter(|yes| **yes).count() as f64 / n as f64;
        let m = other.len() as f64;
        Overlap {
            precision: precise as f64 / m,
            recall: share(&recalled),
            density: balls as f64 / (K_DENSITY as f64 * m),
            coverage: share(&covered),
        }
    }
}

/// The squared distance of each to its third and to its fifth neighbour among the others; to the last one where there are fewer.
fn radii(features: &Features) -> [Vec<f64>; 2] {
    let mut radii = [Vec::new(), Vec::new()];
    let mut others = Vec::new();
    distances(features.data(), features.data(), features.width(), |i, row| {
        others.clear();
        others.extend(row.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, d)| *d));
        for (radii, k) in radii.iter_mut().zip([K_MANIFOLD, K_DENSITY]) {
            let last = k.min(others.len());
            radii.push(if last == 0 { 0.0 } else { *others.select_nth_unstable_by(last - 1, f64::total_cmp).1 });
        }
    });
    radii
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_overlaps_with_itself_and_with_nothing_far_away() {
        let line = |from: f64| Features::new((0..40).flat_map(|i| [from + f64::from(i), 0.0]).collect(), 2);
        let manifold = Manifold::of(line(0.0));
        let own = manifold.overlap(&line(0.0));
        assert_eq!((own.precision, own.recall, own.coverage), (1.0, 1.0, 1.0));
        // In the middle the fifth neighbour is 3 away: an image is in the balls of itself and of three on each side.
        assert!((own.density - 1.4).abs() < 0.1, "{}", own.density);
        let far = manifold.overlap(&line(1000.0));
        assert_eq!(far, Overlap { precision: 0.0, recall: 0.0, density: 0.0, coverage: 0.0 });
    }

    /// All at one place of the real ones: they are like real ones, and leave out nearly all.
    #[test]
    fn a_collapsed_set_is_precise_and_covers_little() {
        let real = Features::new((0..40).map(f64::from).collect(), 1);
        let same = Features::new(vec![20.2; 30], 1);
        let Overlap { precision, recall, density, coverage } = Manifold::of(real).overlap(&same);
        assert_eq!((precision, recall), (1.0, 0.0));
        assert!(density > 1.0 && coverage < 0.2, "{density} {coverage}");
    }

    #[test]
    fn distances_are_those_of_the_definition_across_blocks() {
        let x: Vec<f64> = (0..3000).map(|i| f64::from(i * 7919 % 1013) / 100.0).collect();
        let mut seen = 0;
        distances(&x[..300], &x, 3, |i, row| {
            for (j, d) in row.iter().enumerate() {
                let exact: f64 = (0..3).map(|k| (x[3 * i + k] - x[3 * j + k]).powi(2)).sum();
                assert!((d - exact).abs() < 1e-9, "{i} {j}");
                seen += 1;
            }
        });
        assert_eq!(seen, 100 * 1000);
    }
}
