//! The Fréchet distance between two sets of features, each taken for a Gaussian's.

use super::Features;
use crate::stats::mean;

/// Mean and covariance of a set of features, and the covariance's root.
#[derive(Clone, Debug)]
pub struct Gaussian {
    mean: Vec<f64>,
    /// n × n, row by row; of at least two rows of features the unbiased one.
    covariance: Vec<f64>,
    root: Vec<f64>,
}

impl Gaussian {
    /// Of the rows of some features.
    pub fn of(features: &Features) -> Self {
        let n = features.width();
        let mean: Vec<f64> = (0..n).map(|j| mean(features.rows().map(|row| row[j]))).collect();
        let mut covariance = vec![0.0; n * n];
        for row in features.rows() {
            let centred: Vec<f64> = row.iter().zip(&mean).map(|(x, m)| x - m).collect();
            for (sums, &a) in covariance.chunks_exact_mut(n).zip(&centred) {
                sums.iter_mut().zip(&centred).for_each(|(sum, b)| *sum += a * b);
            }
        }
        let freedom = (features.len() as f64 - 1.0).max(1.0);
        covariance.iter_mut().for_each(|x| *x /= freedom);
        let (values, vectors) = eigen(covariance.clone(), n);
        let root = (0..n * n).map(|at| {
            let (i, j) = (at / n, at % n);
            (0..n).map(|k| vectors[i * n + k] * values[k].max(0.0).sqrt() * vectors[j * n + k]).sum()
        });
        Gaussian { root: root.collect(), mean, covariance }
    }

    /// |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁^½ Σ₂ Σ₁^½)^½): the squared 2-Wasserstein distance of two Gaussians (Dowson and Landau 1982). In the
    /// features of an Inception network it is Heusel et al.'s FID (2017, arXiv 1706.08500, equation 6); in those of any other it is not.
    ///
    /// # Panics
    /// When the features are of different widths.
    pub fn distance(&self, other: &Gaussian) -> f64 {
        let n = self.mean.len();
        assert_eq!(n, other.mean.len(), "features of one width");
        let means: f64 = self.mean.iter().zip(&other.mean).map(|(a, b)| (a - b) * (a - b)).sum();
        let trace = |x: &[f64]| (0..n).map(|i| x[i * n + i]).sum::<f64>();
        let between = product(&product(&self.root, &other.covariance, n), &self.root, n);
        let roots: f64 = eigen(between, n).0.into_iter().map(|value| value.max(0.0).sqrt()).sum();
        means + trace(&self.covariance) + trace(&other.covariance) - 2.0 * roots
    }
}

fn product(a: &[f64], b: &[f64], n: usize) -> Vec<f64> {
    let mut c = vec![0.0; n * n];
    for (c, a) in c.chunks_exact_mut(n).zip(a.chunks_exact(n)) {
        for (b, a) in b.chunks_exact(n).zip(a) {
            c.iter_mut().zip(b).for_each(|(c, b)| *c += a * b);
        }
    }
    c
}

/// Sweeps after which the rotations end: they converge quadratically, and these numbers need about ten.
const SWEEPS: usize = 60;

/// Eigenvalues of a symmetric n × n matrix, and its eigenvectors as columns: Jacobi's rotations (Golub and Van Loan, *Matrix
/// Computations*, 4th edition, section 8.5.2), until what is beside the diagonal is rounding.
fn eigen(mut a: Vec<f64>, n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut v: Vec<f64> = (0..n * n).map(|at| f64::from(u8::from(at / n == at % n))).collect();
    let size: f64 = a.iter().map(|x| x * x).sum();
    for _ in 0..SWEEPS {
        let beside: f64 = (0..n * n).filter(|at| at / n != at % n).map(|at| a[at] * a[at]).sum();
        if beside <= 1e-30 * size {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                let apq = a[p * n + q];
                if apq == 0.0 {
                    continue;
                }
                let tau = (a[q * n + q] - a[p * n + p]) / (2.0 * apq);
                let tan = tau.signum() / (tau.abs() + (1.0 + tau * tau).sqrt());
                let cos = 1.0 / (1.0 + tan * tan).sqrt();
                let turn = |x: &mut [f64], i: usize, j: usize| {
                    let (p, q) = (x[i], x[j]);
                    x[i] = cos * p - tan * cos * q;
                    x[j] = tan * cos * p + cos * q;
                };
                // Its rows, then its columns.
                (0..n).for_each(|k| turn(&mut a, p * n + k, q * n + k));
                (0..n).for_each(|k| turn(&mut a, k * n + p, k * n + q));
                (0..n).for_each(|k| turn(&mut v, k * n + p, k * n + q));
            }
        }
    }
    ((0..n).map(|i| a[i * n + i]).collect(), v)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Stream};

    fn normals(row: u64, n: usize) -> Vec<f64> {
        let mut x = vec![0.0; n];
        Stream::new(0, Purpose::Check, 0, row).fill_normal(&mut x);
        x
    }

    #[test]
    fn eigenvectors_put_a_matrix_together_again() {
        let n = 12;
        let x = normals(0, n * n);
        let symmetric: Vec<f64> = (0..n * n).map(|at| x[at] + x[at % n * n + at / n]).collect();
        let (values, v) = eigen(symmetric.clone(), n);
        for i in 0..n {
            for j in 0..n {
                let sum = |f: &dyn Fn(usize) -> f64| (0..n).map(f).sum::<f64>();
                let back = sum(&|k| v[i * n + k] * values[k] * v[j * n + k]);
                let one = sum(&|k| v[k * n + i] * v[k * n + j]);
                assert!((back - symmetric[i * n + j]).abs() < 1e-12, "{i} {j}");
                assert!((one - f64::from(u8::from(i == j))).abs() < 1e-13, "{i} {j}");
            }
        }
    }

    /// Of independent coordinates: Σ (μ₁ − μ₂)² + (σ₁ − σ₂)².
    #[test]
    fn the_distance_of_stretched_and_shifted_features_is_the_closed_form() {
        let (n, rows) = (5, 300);
        let x = normals(1, n * rows);
        let moved = |j: usize, x: f64| (j as f64 + 1.0) * x + j as f64;
        let one = Features::new(x.clone(), n);
        let other = Features::new(x.iter().enumerate().map(|(i, &x)| moved(i % n, x)).collect(), n);
        let [a, b] = [&one, &other].map(Gaussian::of);
        // D Σ D with a diagonal D: only where Σ is diagonal do the roots commute, so the axes are taken one by one.
        let axis = |features: &Features, j: usize| Features::new(features.rows().map(|row| row[j]).collect(), 1);
        for j in 0..n {
            let [a, b] = [axis(&one, j), axis(&other, j)].map(|x| Gaussian::of(&x));
            let spread = |g: &Gaussian| g.covariance[0].sqrt();
            let expected = (a.mean[0] - b.mean[0]).powi(2) + (spread(&a) - spread(&b)).powi(2);
            assert!((a.distance(&b) - expected).abs() < 1e-10 * expected.max(1.0), "{j}");
        }
        assert!((a.distance(&b) - b.distance(&a)).abs() < 1e-9 * a.distance(&b));
        assert!(a.distance(&a).abs() < 1e-10);
    }
}
