//! Statistics of a few numbers: means and their errors, correlation, the t-test's bound.

/// Their mean.
pub fn mean(x: impl IntoIterator<Item = f64>) -> f64 {
    let (sum, n) = x.into_iter().fold((0.0, 0.0), |(sum, n), x| (sum + x, n + 1.0));
    sum / n
}

/// Mean and standard error s/√n of at least two numbers. The networks of K folds share most of their training images, so that
/// for cross-validation the error is on the small side (Bengio and Grandvalet, *No unbiased estimator of the variance of K-fold
/// cross-validation*, JMLR 5, 2004).
pub fn mean_and_error(x: &[f64]) -> (f64, f64) {
    let mean = mean(x.iter().copied());
    (mean, (variance(x, mean) / x.len() as f64).sqrt())
}

/// The mean difference between two configurations over R times K folds, and its standard error corrected for what the training sets
/// share: s √(1/(KR) + 1/(K − 1)), for a t-test with KR − 1 degrees of freedom (Nadeau and Bengio, *Inference for the generalization
/// error*, Machine Learning 52, 2003).
pub fn mean_difference(differences: &[f64], k: usize) -> (f64, f64) {
    let mean = mean(differences.iter().copied());
    (mean, (variance(differences, mean) * (1.0 / differences.len() as f64 + 1.0 / (k as f64 - 1.0))).sqrt())
}

fn variance(x: &[f64], mean: f64) -> f64 {
    x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (x.len() as f64 - 1.0)
}

/// Pearson's correlation of pairs; none of fewer than ten, or where one of the two does not vary: two points always lie on a line,
/// and rounding is no spread.
pub fn correlation(x: &[f64], y: &[f64]) -> Option<f64> {
    let varies = |x: &[f64]| {
        let (low, high) = x.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &x| (l.min(x), h.max(x)));
        high - low > 1e-6 * high.abs().max(low.abs())
    };
    if x.len() < 10 || !varies(x) || !varies(y) {
        return None;
    }
    let (mx, my) = (mean(x.iter().copied()), mean(y.iter().copied()));
    let sum = |f: &dyn Fn(f64, f64) -> f64| x.iter().zip(y).map(|(x, y)| f(x - mx, y - my)).sum::<f64>();
    let r = sum(&|a, b| a * b) / (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt();
    r.is_finite().then_some(r)
}

/// The two-sided 5 % point of Student's t with so many degrees of freedom.
pub fn student_95(degrees: usize) -> f64 {
    const TABLE: [f64; 10] = [12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23];
    match degrees {
        0 => f64::INFINITY,
        d if d <= TABLE.len() => TABLE[d - 1],
        // Fisher's expansion, to 0.003 here.
        d => 1.96 + 2.37 / d as f64 + 2.82 / (d * d) as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_means_are_those_of_the_formulas() {
        let (mean, error) = mean_and_error(&[1.0, 2.0, 6.0]);
        assert!((mean - 3.0).abs() < 1e-15 && (error - (7.0_f64 / 3.0).sqrt()).abs() < 1e-15);
        assert!((mean_difference(&[1.0, 2.0, 6.0], 3).1 - (7.0_f64 * (1.0 / 3.0 + 0.5)).sqrt()).abs() < 1e-14);
    }

    #[test]
    fn a_correlation_is_that_of_its_angle_and_needs_pairs_and_spread() {
        let x: Vec<f64> = (0..100).map(|i| (f64::from(i) * std::f64::consts::TAU / 100.0).sin()).collect();
        // Sines that are a phase apart correlate by its cosine.
        let shifted = |phase: f64| -> Vec<f64> {
            (0..100).map(|i| (f64::from(i) * std::f64::consts::TAU / 100.0 + phase).sin()).collect()
        };
        for phase in [0.0, 0.5, 1.0, 2.0, 3.0_f64] {
            assert!((correlation(&x, &shifted(phase)).unwrap() - phase.cos()).abs() < 1e-12, "{phase}");
        }
        assert_eq!(correlation(&x[..9], &x[..9]), None);
        assert_eq!(correlation(&x, &[0.3; 100]), None);
        assert_eq!(correlation(&x, &vec![f64::NAN; 100]), None);
    }

    #[test]
    fn students_bound_is_that_of_tables() {
        for (degrees, t) in [(1, 12.706), (5, 2.571), (11, 2.201), (20, 2.086), (30, 2.042), (120, 1.980)] {
            assert!((student_95(degrees) - t).abs() < 0.006, "{degrees}");
        }
    }
}
