//! The only source of randomness: numbers as a pure function of (seed, purpose, step, row).
//!
//! A counter-based generator has no state that moves: to draw is to evaluate a function at a counter. So there is nothing to
//! save in a checkpoint, noise cannot depend on the number of threads, and row 17 of step 400 can be drawn again alone.
//! The function is Philox4x32-10 (Salmon, Moraes, Dror and Shaw, *Parallel random numbers: as easy as 1, 2, 3*, SC 2011).
//!
//! A [`Stream`] is a generator of the crate `rand` as well, so that `rand_distr`, and all that is built on it, draws from it.

use crate::kernels::Real;
use crate::kernels::math::normal_quantile;
use rand_core::utils::{fill_bytes_via_next_word, next_u64_via_u32};
use rand_core::{Infallible, TryRng};

/// What a random number is for. Streams of different purposes never meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Purpose {
    /// Initial weights; the step is the parameter's index.
    Init = 1,
    /// The order of the training images; the step is the epoch.
    Shuffle = 2,
    /// ε of the reparameterisation trick while training; the step is the training step.
    Reparameterise = 3,
    /// Dynamic binarisation of training images; the step is the epoch, the row the image's index.
    Binarise = 4,
    /// ε while evaluating; the step is the epoch.
    Evaluate = 5,
    /// z from the prior, for pictures; the row is the picture's number.
    Prior = 6,
    /// The synthetic data set; the step is the split and what is drawn, the row the image's index, or its group's for labels.
    Synthetic = 7,
    /// Test points and directions of the gradient checker; the step is the direction.
    Check = 8,
    /// Dynamic binarisation of test images, once and for all; the row is the image's index.
    BinariseTest = 9,
    /// z from an image's posterior, for pictures; the row is the image's index.
    Posterior = 10,
    /// Pixels from their probabilities, for pictures; the row is the picture's number.
    Pixels = 11,
    /// Suggested parameters; the step is the trial's number, the row a hash of the parameters' names.
    Suggest = 12,
    /// The order of the points of a grid search.
    Grid = 13,
    /// The folds of cross-validation; the step is the repeat.
    Folds = 14,
    /// Uniform numbers of a training step, as for points between real and generated images; the step is the training step, or the epoch
    /// while evaluating.
    Uniform = 15,
}

/// A stream of random numbers.
///
/// ```
/// use elbo::rng::{Purpose, Stream};
/// let draw = |row| Stream::new(0, Purpose::Prior, 5, row).normal();
/// assert_eq!(draw(17), draw(17));
/// assert_ne!(draw(17), draw(18));
/// ```
#[derive(Clone, Debug)]
pub struct Stream {
    key: [u32; 2],
    counter: [u32; 4],
    block: [u32; 4],
    used: usize,
}

impl Stream {
    /// The stream of (seed, purpose, step, row): 2³⁴ words of 32 bits.
    ///
    /// # Panics
    /// When `step` or `row` does not fit in 32 bits.
    pub fn new(seed: u64, purpose: Purpose, step: u64, row: u64) -> Self {
        let narrow = |x: u64, name| u32::try_from(x).unwrap_or_else(|_| panic!("rng: {name} {x} exceeds 32 bits"));
        Stream {
            key: [seed as u32, (seed >> 32) as u32],
            counter: [0, narrow(row, "row"), narrow(step, "step"), purpose as u32],
            block: [0; 4],
            used: 4,
        }
    }

    /// 32 uniform bits.
    pub fn next_u32(&mut self) -> u32 {
        if self.used == 4 {
            self.block = philox(self.key, self.counter);
            self.counter[0] = self.counter[0].checked_add(1).expect("rng: a stream gives 2^34 words");
            self.used = 0;
        }
        self.used += 1;
        self.block[self.used - 1]
    }

    /// Uniform in the open interval (0, 1), on the midpoints of 2³² equal cells: never 0 and never 1.
    pub fn uniform(&mut self) -> f64 {
        (self.next_u32() as f64 + 0.5) * (1.0 / 4_294_967_296.0)
    }

    /// Uniform in [low, high].
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// N(0, 1), by inversion: x = Φ⁻¹(u), one uniform number for each normal one.
    pub fn normal(&mut self) -> f64 {
        normal_quantile(self.uniform())
    }

    /// Uniform in 0..n, without bias (Lemire, *Fast random integer generation in an interval*, 2019).
    ///
    /// # Panics
    /// When `n` is 0 or exceeds 2³² − 1.
    pub fn below(&mut self, n: usize) -> usize {
        let n = u32::try_from(n).expect("rng: below() takes at most 2^32 - 1");
        assert!(n > 0, "rng: below(0) has nothing to choose from");
        let threshold = n.wrapping_neg() % n;
        loop {
            let wide = u64::from(self.next_u32()) * u64::from(n);
            if wide as u32 >= threshold {
                return (wide >> 32) as usize;
            }
        }
    }

    /// A uniformly random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }

    /// Fills `out` with N(0, 1).
    pub fn fill_normal<F: Real>(&mut self, out: &mut [F]) {
        out.fill_with(|| F::of(self.normal()));
    }
}

/// The same words, as any other generator's: two of them, the lower first, for 64 bits.
impl TryRng for Stream {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        next_u64_via_u32(self)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        fill_bytes_via_next_word(bytes, || self.try_next_u32())
    }
}

/// Ten rounds of Philox4x32.
fn philox(mut key: [u32; 2], mut x: [u32; 4]) -> [u32; 4] {
    for _ in 0..10 {
        let a = u64::from(x[0]) * 0xD251_1F53;
        let b = u64::from(x[2]) * 0xCD9E_8D57;
        x = [(b >> 32) as u32 ^ x[1] ^ key[0], b as u32, (a >> 32) as u32 ^ x[3] ^ key[1], a as u32];
        key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_distr::{Distribution, StandardNormal, Uniform};

    #[test]
    fn philox_gives_the_published_vectors() {
        // kat_vectors of the authors' Random123 distribution.
        assert_eq!(philox([0; 2], [0; 4]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(philox([!0; 2], [!0; 4]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        assert_eq!(
            philox([0xa409_3822, 0x299f_31d0], [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344]),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn streams_differ_in_each_coordinate() {
        let first = |seed, purpose, step, row| Stream::new(seed, purpose, step, row).next_u32();
        let here = first(1, Purpose::Prior, 2, 3);
        assert_eq!(here, first(1, Purpose::Prior, 2, 3));
        for other in [
            first(2, Purpose::Prior, 2, 3),
            first(1 << 32 | 1, Purpose::Prior, 2, 3),
            first(1, Purpose::Check, 2, 3),
            first(1, Purpose::Prior, 3, 3),
            first(1, Purpose::Prior, 2, 4),
        ] {
            assert_ne!(here, other);
        }
    }

    #[test]
    fn normals_have_the_moments_of_a_normal() {
        let mut s = Stream::new(7, Purpose::Check, 0, 0);
        let n = 200_000;
        let x: Vec<f64> = (0..n).map(|_| s.normal()).collect();
        let moment = |p: i32| x.iter().map(|v| v.powi(p)).sum::<f64>() / n as f64;
        // Five standard errors of each moment's estimate.
        for (p, expected, var) in [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)] {
            let bound = 5.0 * f64::sqrt(var / n as f64);
            assert!((moment(p) - expected).abs() < bound, "moment {p}: {}", moment(p));
        }
    }

    #[test]
    fn the_words_are_those_of_any_generator() {
        let stream = || Stream::new(5, Purpose::Check, 1, 2);
        let (mut a, mut b) = (stream(), stream());
        assert_eq!(rand_core::Rng::next_u64(&mut a), u64::from(b.next_u32()) | u64::from(b.next_u32()) << 32);
        let mut bytes = [0; 6];
        rand_core::Rng::fill_bytes(&mut a, &mut bytes);
        assert_eq!([&b.next_u32().to_le_bytes()[..], &b.next_u32().to_le_bytes()[..2]].concat(), bytes);
    }

    /// The largest distance of two empirical distribution functions, in units of what two samples of one law stay below in 999 of
    /// 1000 cases (Kolmogorov and Smirnov).
    fn distance(mut x: Vec<f64>, mut y: Vec<f64>) -> f64 {
        x.sort_by(f64::total_cmp);
        y.sort_by(f64::total_cmp);
        let n = x.len() as f64;
        let mut below = 0;
        let gap = |(i, x): (usize, &f64)| {
            while below < y.len() && y[below] <= *x {
                below += 1;
            }
            ((i as f64 + 1.0 - below as f64) / n).abs()
        };
        assert_eq!(x.len(), y.len());
        x.iter().enumerate().map(gap).fold(0.0, f64::max) / (1.95 * (2.0 / n).sqrt())
    }

    #[test]
    fn normals_and_uniforms_follow_the_laws_of_rand_distr() {
        let stream = |row| Stream::new(11, Purpose::Check, 0, row);
        let draw = |row: u64, law: &dyn Fn(&mut Stream) -> f64| -> Vec<f64> {
            let mut stream = stream(row);
            (0..100_000).map(|_| law(&mut stream)).collect()
        };
        let theirs = Uniform::new(-3.0, 5.0).unwrap();
        let [normal, standard, between, uniform] = [
            draw(0, &Stream::normal),
            draw(1, &|s| StandardNormal.sample(s)),
            draw(2, &|s| s.between(-3.0, 5.0)),
            draw(3, &|s| theirs.sample(s)),
        ];
        assert!(distance(normal.clone(), standard) < 1.0);
        assert!(distance(between.clone(), uniform) < 1.0);
        // And it tells other laws apart: a normal one that is a tenth wider.
        assert!(distance(normal.iter().map(|x| 1.1 * x).collect(), draw(1, &|s| StandardNormal.sample(s))) > 1.0);
    }

    #[test]
    fn every_order_is_as_likely_as_any_other() {
        let mut stream = Stream::new(12, Purpose::Shuffle, 0, 0);
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..24_000 {
            let mut order = [0, 1, 2, 3];
            stream.shuffle(&mut order);
            *counts.entry(order).or_insert(0.0) += 1.0;
        }
        let chi2: f64 = counts.values().map(|c: &f64| (c - 1e3).powi(2) / 1e3).sum();
        assert!(counts.len() == 24 && chi2 < 49.7, "chi-square with 23 degrees of freedom, p = 1e-3: {chi2}");
    }

    #[test]
    fn below_is_uniform_and_shuffle_is_a_permutation() {
        let mut s = Stream::new(3, Purpose::Shuffle, 0, 0);
        let mut counts = [0u32; 7];
        (0..70_000).for_each(|_| counts[s.below(7)] += 1);
        let chi2: f64 = counts.iter().map(|&c| (f64::from(c) - 1e4).powi(2) / 1e4).sum();
        assert!(chi2 < 27.9, "chi-square with 6 degrees of freedom, p = 1e-4: {chi2}");
        let mut order: Vec<usize> = (0..1000).collect();
        s.shuffle(&mut order);
        assert_ne!(order, (0..1000).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..1000).collect::<Vec<_>>());
    }
}
