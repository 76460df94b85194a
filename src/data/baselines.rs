//! What a model must beat: the cross-entropy of predictors that look at no image.

use super::{Dataset, Encoding, Split};
use crate::kernels::math::double::ln;
use serde::{Deserialize, Serialize};

/// Cross-entropy of the test images under predictors fitted to the training images, in nats per image.
///
/// A pixel's cross-entropy −t ln p − (1 − t) ln(1 − p) is linear in its target t, so mean targets are all that is needed; for
/// dynamic binarisation this is the expectation over its draws.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baselines {
    /// p = ½ everywhere: D ln 2, what an untrained network costs.
    pub half: f64,
    /// One p for all pixels.
    pub constant: f64,
    /// One p for each pixel: where a collapsed posterior ends.
    pub per_pixel: f64,
    /// One p for each pixel of each class: what knowing the label alone would give.
    pub per_class: f64,
    /// The entropy of the targets themselves, which no model can beat: 0 when they are binary.
    pub floor: f64,
}

impl Baselines {
    /// Fits and evaluates all of them.
    ///
    /// # Panics
    /// For an encoding that is not [of probabilities](Encoding::is_of_probabilities): it has no cross-entropy.
    pub fn of(data: &Dataset, encoding: Encoding) -> Self {
        let classes = data.class_names.len();
        let train = Means::of(&data.train, classes, encoding);
        let test = Means::of(&data.test, classes, encoding);
        let pixels = data.test.pixels() as f64;
        let n = data.train.len() as f64;
        let overall = |m: &Means| [m.all.iter().sum::<f64>() / pixels];
        let all = smoothed(&train.all, n);
        // A class that was not in the training images is taken for any.
        let of_class = |c: usize| match train.counts[c] {
            0.0 => all.clone(),
            count => smoothed(&train.by_class[c], count),
        };
        let by_class = (0..classes).map(|c| test.counts[c] * cross_entropy(&test.by_class[c], &of_class(c)));
        Baselines {
            half: pixels * std::f64::consts::LN_2,
            constant: pixels * cross_entropy(&overall(&test), &smoothed(&overall(&train), n * pixels)),
            per_pixel: cross_entropy(&test.all, &all),
            per_class: by_class.sum::<f64>() / data.test.len() as f64,
            floor: test.entropy,
        }
    }
}

/// Mean targets of each pixel, over all images and over those of each class.
struct Means {
    all: Vec<f64>,
    by_class: Vec<Vec<f64>>,
    counts: Vec<f64>,
    /// Mean over images of the entropy of their targets.
    entropy: f64,
}

impl Means {
    fn of(split: &Split, classes: usize, encoding: Encoding) -> Self {
        assert!(encoding.is_of_probabilities(), "{encoding:?} pixels have no cross-entropy");
        let target: [f64; 256] = std::array::from_fn(|byte| match encoding {
            Encoding::Threshold => f64::from(u8::from(byte >= 128)),
            Encoding::Dynamic | Encoding::Grey | Encoding::Standardised => byte as f64 / 255.0,
        });
        let mut sums = vec![vec![0.0; split.pixels()]; classes];
        let mut counts = vec![0.0; classes];
        let mut bytes = [0u64; 256];
        for i in 0..split.len() {
            let class = usize::from(split.label(i));
            counts[class] += 1.0;
            for (sum, &byte) in sums[class].iter_mut().zip(split.image(i)) {
                *sum += target[usize::from(byte)];
                bytes[usize::from(byte)] += 1;
            }
        }
        let n = split.len() as f64;
        let all = (0..split.pixels()).map(|j| sums.iter().map(|s| s[j]).sum::<f64>() / n).collect();
        // A drawn target is binary: its own entropy is no floor.
        let entropy = match encoding {
            Encoding::Grey => {
                (0..256).map(|b| bytes[b] as f64 * cross_entropy(&[target[b]], &[target[b]])).sum::<f64>() / n
            }
            Encoding::Threshold | Encoding::Dynamic | Encoding::Standardised => 0.0,
        };
        for (sum, &count) in sums.iter_mut().zip(&counts) {
            sum.iter_mut().for_each(|s| *s /= f64::max(count, 1.0));
        }
        Means { all, by_class: sums, counts, entropy }
    }
}

/// The estimates (n p + ½) / (n + 1): what was never on in n images is not impossible.
fn smoothed(p: &[f64], n: f64) -> Vec<f64> {
    p.iter().map(|p| (n * p + 0.5) / (n + 1.0)).collect()
}

/// Σ −t ln p − (1 − t) ln(1 − p), with 0 ln 0 = 0.
fn cross_entropy(t: &[f64], p: &[f64]) -> f64 {
    let term = |t: f64, p: f64| if t == 0.0 { 0.0 } else { -t * ln(p) };
    t.iter().zip(p).map(|(&t, &p)| term(t, p) + term(1.0 - t, 1.0 - p)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A set of images of two pixels, each with its class.
    fn set(train: &[([u8; 2], u8)], test: &[([u8; 2], u8)]) -> Dataset {
        let split = |rows: &[([u8; 2], u8)]| {
            let (images, labels): (Vec<_>, Vec<_>) = rows.iter().copied().unzip();
            Split::new(images.concat(), labels, 1, 2)
        };
        Dataset::new("pairs", "", split(train), split(test), vec!["0".into(), "1".into()])
    }

    #[test]
    fn baselines_are_those_of_counting_by_hand() {
        let rows = [([255, 0], 0), ([255, 255], 0), ([0, 0], 1)];
        let b = Baselines::of(&set(&rows, &rows[1..]), Encoding::Threshold);
        let bit = |on: bool, p: f64| -f64::ln(if on { p } else { 1.0 - p });
        assert!((b.half - 2.0 * 2f64.ln()).abs() < 1e-15);
        // 3 of 6 pixels are on, so that smoothing changes nothing.
        assert!((b.constant - b.half).abs() < 1e-15);
        // On in 2 and in 1 of 3 images: (2 + ½) / 4 and (1 + ½) / 4.
        let image = |a, b| bit(a, 2.5 / 4.0) + bit(b, 1.5 / 4.0);
        assert!((b.per_pixel - 0.5 * (image(true, true) + image(false, false))).abs() < 1e-15);
        // In class 0 on in 2 and in 1 of 2 images, in class 1 in none of 1.
        let per_class = bit(true, 2.5 / 3.0) + bit(true, 0.5) + 2.0 * bit(false, 0.25);
        assert!((b.per_class - 0.5 * per_class).abs() < 1e-15);
        assert_eq!(b.floor, 0.0);
    }

    #[test]
    fn baselines_are_finite_for_a_class_never_seen_and_for_constant_pixels() {
        let b = Baselines::of(&set(&[([0, 0], 0)], &[([255, 0], 1)]), Encoding::Threshold);
        assert!([b.half, b.constant, b.per_pixel, b.per_class].iter().all(|b| b.is_finite()), "{b:?}");
    }
}
