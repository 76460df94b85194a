//! Distributions over the plane, small enough that whatever a network makes of them can be seen: [`Toy`].
//!
//! A point is an image of 1 × 2 grey pixels, x and y: byte b stands for 2 b / 255 − 1, the number that a GAN sees. A point lies on its
//! mode's line (which for [`Ring`](Toy::Ring) and [`Grid`](Toy::Grid) is a single place), plus N(0, σ²) in x and in y. σ is at least
//! 2.5 steps of a byte, whose rounding (a standard deviation of 0.29 steps) then adds less than 1 % to it.
//!
//! Ring and grid are those of Srivastava et al. 2017 (VEEGAN, arXiv 1705.07761, section 4.1), with wider modes, since bytes are coarse:
//! σ is 1/20 of the radius and of the distance of neighbours, where their published code has 1/100 (σ 0.01, radius 1) and 1/40 (σ 0.05,
//! distance 2). Wider modes are easier to hit: numbers compare with others measured here, and only roughly with published ones.

use super::{Dataset, Source, Split, synthetic};
use crate::kernels::math::cos_pi;
use crate::rng::{Purpose, Stream};
use serde::{Deserialize, Serialize};

/// A distribution over the square from −1 to 1, in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Toy {
    /// Eight Gaussians on a circle around 0 of radius 0.8; σ 0.04.
    Ring,
    /// Twenty-five Gaussians, five by five, 0.4 apart; σ 0.02.
    Grid,
    /// Two half circles of radius 0.55 that reach into each other, as in scikit-learn's `make_moons`; σ 0.03.
    Moons,
    /// The spiral r = 0.85 t / 4.5π for t from 1.5π to 4.5π, as in scikit-learn's `make_swiss_roll` seen from its side, in six modes of
    /// a quarter turn each; σ 0.02.
    SwissRoll,
}

/// Parts of a line among whose ends the nearest is looked for: a distance is less than 0.0005 too long where it is that of 3 σ.
const PARTS: usize = 64;

impl Toy {
    /// All of them.
    pub const ALL: [Toy; 4] = [Toy::Ring, Toy::Grid, Toy::Moons, Toy::SwissRoll];

    /// The one that `--data` calls so.
    pub fn named(slug: &str) -> Option<Self> {
        Toy::ALL.into_iter().find(|toy| toy.slug() == slug)
    }

    /// What `--data` calls it.
    pub fn slug(self) -> &'static str {
        match self {
            Toy::Ring => "ring",
            Toy::Grid => "grid",
            Toy::Moons => "moons",
            Toy::SwissRoll => "swiss-roll",
        }
    }

    /// What it is.
    pub fn about(self) -> &'static str {
        match self {
            Toy::Ring => "8 Gaussians on a circle",
            Toy::Grid => "25 Gaussians, five by five",
            Toy::Moons => "two half circles that reach into each other",
            Toy::SwissRoll => "a spiral, in six parts",
        }
    }

    /// How many modes it has. They are equally likely, and are its classes.
    pub fn modes(self) -> usize {
        match self {
            Toy::Ring => 8,
            Toy::Grid => 25,
            Toy::Moons => 2,
            Toy::SwissRoll => 6,
        }
    }

    /// The standard deviation of a point's distance from its mode's line, in x and in y.
    pub fn sigma(self) -> f64 {
        match self {
            Toy::Ring => 0.04,
            Toy::Moons => 0.03,
            Toy::Grid | Toy::SwissRoll => 0.02,
        }
    }

    /// What its modes are called.
    pub fn class_names(self) -> Vec<String> {
        let names: &[&str] = match self {
            Toy::Ring => &["E", "NE", "N", "NW", "W", "SW", "S", "SE"],
            Toy::Moons => &["upper", "lower"],
            // As fields of a chessboard.
            Toy::Grid => {
                return (0..25).map(|i| format!("{}{}", ["a", "b", "c", "d", "e"][i % 5], i / 5 + 1)).collect();
            }
            Toy::SwissRoll => return (1..=6).map(|part| format!("part {part}")).collect(),
        };
        names.iter().map(|&name| name.into()).collect()
    }

    /// The point of a mode's line at a share of its way, from 0 to 1; of a Gaussian its mean, whatever the share.
    pub fn line(self, mode: usize, share: f64) -> [f64; 2] {
        match self {
            Toy::Ring => turned(mode as f64 / 8.0).map(|x| 0.8 * x),
            Toy::Grid => [mode % 5, mode / 5].map(|place| 0.4 * place as f64 - 0.8),
            Toy::Moons => {
                let [x, y] = turned(share / 2.0);
                let [x, y] = if mode == 0 { [x, y] } else { [1.0 - x, 0.5 - y] };
                [0.55 * (x - 0.5), 0.55 * (y - 0.25)]
            }
            Toy::SwissRoll => {
                let turns = 0.75 + (mode as f64 + share) / 4.0;
                turned(turns).map(|x| 0.85 * turns / 2.25 * x)
            }
        }
    }

    /// The mode whose line is nearest to a point, and how far it is.
    pub fn nearest(self, [x, y]: [f64; 2]) -> (usize, f64) {
        let parts = if self.is_gaussians() { 0 } else { PARTS };
        let places = (0..self.modes()).flat_map(|mode| (0..=parts).map(move |part| (mode, part)));
        let distance = |(mode, part): (usize, usize)| {
            let [cx, cy] = self.line(mode, part as f64 / PARTS as f64);
            (mode, ((x - cx).powi(2) + (y - cy).powi(2)).sqrt())
        };
        places.map(distance).min_by(|a, b| a.1.total_cmp(&b.1)).expect("there are modes")
    }

    /// Whether each of its modes is a single place.
    pub fn is_gaussians(self) -> bool {
        matches!(self, Toy::Ring | Toy::Grid)
    }

    /// Draws `train` and `test` points, each a pure function of its split and index: of as many consecutive ones as there are modes
    /// each has one, in random order.
    ///
    /// # Panics
    /// When a count does not fit in 32 bits.
    pub fn dataset(self, train: usize, test: usize) -> Dataset {
        let [train, test] = [self.split(0, train), self.split(1, test)];
        let mut set = Dataset::new(self.slug(), "generated", train, test, self.class_names());
        set.origin.source = Source::Toy(self);
        set
    }

    fn split(self, split: u64, n: usize) -> Split {
        // Seed 0 is the garments'.
        let stream = |what, row: usize| Stream::new(1 + self as u64, Purpose::Synthetic, 2 * split + what, row as u64);
        let labels = synthetic::labels(n, self.modes(), |group| stream(0, group));
        let point = |(i, &mode): (usize, &u8)| {
            let mut random = stream(1, i);
            let line = self.line(usize::from(mode), random.uniform());
            line.map(|x| byte(x + self.sigma() * random.normal()))
        };
        let points = labels.iter().enumerate().flat_map(point).collect();
        Split::new(points, labels, 1, 2)
    }
}

/// The point of the unit circle after so many turns from (1, 0), by less than 1e-15.
fn turned(turns: f64) -> [f64; 2] {
    let cos = |turns: f64| {
        let half_turns = 2.0 * (turns - turns.round()).abs();
        cos_pi(half_turns)
    };
    [cos(turns), cos(turns - 0.25)]
}

/// The byte nearest to a coordinate; beyond ±1, that of the edge.
fn byte(x: f64) -> u8 {
    ((x + 1.0) * 127.5 + 0.5) as u8
}

/// The point that a network's image is: two pixels from 0 to 1.
///
/// # Panics
/// When there are fewer pixels.
pub fn point(pixels: &[f32]) -> [f64; 2] {
    [0, 1].map(|i| 2.0 * f64::from(pixels[i]) - 1.0)
}

/// All points of a split.
///
/// # Panics
/// When its images are no [points](Split::is_points).
pub fn points(split: &Split) -> Vec<[f64; 2]> {
    assert!(split.is_points(), "images of 1 x 2 pixels");
    split.images().map(|image| [0, 1].map(|i| f64::from(image[i]) / 127.5 - 1.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_have_the_means_and_the_widths_that_are_said() {
        for toy in [Toy::Ring, Toy::Grid] {
            let set = toy.dataset(20_000, 10);
            let all = points(&set.train);
            for mode in 0..toy.modes() {
                let own: Vec<[f64; 2]> =
                    (0..all.len()).filter(|&i| usize::from(set.train.label(i)) == mode).map(|i| all[i]).collect();
                let n = own.len() as f64;
                assert_eq!(own.len(), 20_000 / toy.modes());
                for axis in [0, 1] {
                    let centre = toy.line(mode, 0.5)[axis];
                    let mean = own.iter().map(|p| p[axis]).sum::<f64>() / n;
                    let variance = own.iter().map(|p| (p[axis] - mean).powi(2)).sum::<f64>() / n;
                    // The rounding's variance is a twelfth of a squared step.
                    let expected = toy.sigma().powi(2) + (2.0_f64 / 255.0).powi(2) / 12.0;
                    assert!((mean - centre).abs() < 5.0 * (expected / n).sqrt(), "{toy:?} {mode}: {mean} {centre}");
                    assert!((variance / expected - 1.0).abs() < 5.0 * (2.0 / n).sqrt(), "{toy:?} {mode}: {variance}");
                }
            }
        }
    }

    #[test]
    fn a_ring_is_round_and_a_roll_goes_outwards() {
        for mode in 0..8 {
            let [x, y] = Toy::Ring.line(mode, 0.0);
            let angle = std::f64::consts::FRAC_PI_4 * mode as f64;
            assert!((x - 0.8 * angle.cos()).abs() < 1e-15 && (y - 0.8 * angle.sin()).abs() < 1e-15, "{mode}");
        }
        // 4.5π is a quarter turn: upwards.
        let [x, y] = Toy::SwissRoll.line(5, 1.0);
        assert!(x.abs() < 1e-15 && (y - 0.85).abs() < 1e-15, "{x} {y}");
        let [x, y] = Toy::SwissRoll.line(0, 0.0);
        assert!(x.abs() < 1e-15 && (y + 0.85 / 3.0).abs() < 1e-15, "{x} {y}");
        // A part ends where the next one begins.
        for part in 0..5 {
            let [a, b] = [Toy::SwissRoll.line(part, 1.0), Toy::SwissRoll.line(part + 1, 0.0)];
            assert!((a[0] - b[0]).abs() < 1e-15 && (a[1] - b[1]).abs() < 1e-15);
        }
        assert_eq!(Toy::Moons.line(0, 0.5).map(|x| (x * 1e4).round()), [-2750.0, 4125.0]);
        assert_eq!(Toy::Moons.line(1, 0.5).map(|x| (x * 1e4).round()), [2750.0, -4125.0]);
    }

    /// The distance to a line of points in 2-D is |N(0, σ²)|, up to the line's bend, and to a single point that of Rayleigh.
    #[test]
    fn points_are_near_their_own_modes() {
        for toy in Toy::ALL {
            let set = toy.dataset(4000, 10);
            let near: Vec<(usize, f64)> = points(&set.train).into_iter().map(|p| toy.nearest(p)).collect();
            let own = near.iter().zip(set.train.labels()).filter(|((mode, _), label)| *mode == usize::from(*label));
            // At the seams of the roll a point may be nearer to the next part.
            assert!(own.count() as f64 > 0.97 * near.len() as f64, "{toy:?}");
            let within = |k: f64| near.iter().filter(|(_, d)| *d <= k * toy.sigma()).count() as f64 / near.len() as f64;
            let expected = if toy.is_gaussians() { [0.8647, 0.9889] } else { [0.9545, 0.9973] };
            for (k, share) in [2.0, 3.0].into_iter().zip(expected) {
                assert!((within(k) - share).abs() < 0.02, "{toy:?} within {k} σ: {} {share}", within(k));
            }
        }
    }

    #[test]
    fn a_point_depends_neither_on_how_many_there_are_nor_on_the_other_split() {
        for toy in Toy::ALL {
            let (large, small) = (toy.dataset(300, 60), toy.dataset(60, 30));
            assert_eq!(large.train.take(0..60), small.train);
            assert_ne!(large.train.take(0..60), large.test);
            assert_eq!(Toy::named(toy.slug()), Some(toy));
            assert_eq!(toy.class_names().len(), toy.modes());
        }
        assert_eq!(Toy::named("spiral"), None);
    }

    #[test]
    fn the_points_are_the_same_on_every_machine() {
        let digests = Toy::ALL.map(|toy| toy.dataset(synthetic::TRAIN, synthetic::TEST).digest[..16].to_string());
        assert_eq!(digests, ["736a91ac85abc19d", "e953a6c604e1e648", "ebc4ef0bd90b14c2", "fd20af839c8c3d85"]);
    }

    #[test]
    fn bytes_and_coordinates_are_two_names_of_one_thing() {
        assert_eq!([-1.0, 1.0, 0.0, 7.0, -7.0].map(byte), [0, 255, 128, 255, 0]);
        assert_eq!(point(&[0.0, 0.75]), [-1.0, 0.5]);
        let split = Split::new(vec![0, 255], vec![0], 1, 2);
        assert_eq!(points(&split), [[-1.0, 1.0]]);
    }
}
