//! A stand-in for Fashion-MNIST that needs no file: 28 × 28 drawings of the same ten kinds of garments.
//!
//! Every image is a pure function of its split and index, made of `+ − × ÷ √` and counter-based random numbers, so the
//! set is the same to the last bit on every machine. It is meant for trying things out and for tests. It is easier than
//! Fashion-MNIST, and no number measured on it says anything about that.
//!
//! What garments look like is in `garments`, how outlines become pixels in `raster`; here are pose, cloth and labels.

mod garments;
mod raster;

use super::{Dataset, Split, catalogue::FASHION_MNIST};
use crate::rng::{Purpose, Stream};
use garments::Point;
use raster::{Canvas, SIDE};
use rayon::prelude::*;

/// Training images, unless asked for otherwise.
pub const TRAIN: usize = 10_000;
/// Test images, unless asked for otherwise.
pub const TEST: usize = 2_000;

/// Those of Fashion-MNIST.
const CLASSES: usize = 10;

/// Draws `train` and `test` images. Each ten consecutive ones show the ten classes in random order; an image does not
/// depend on how many there are.
///
/// # Panics
/// When a count does not fit in 32 bits.
pub fn dataset(train: usize, test: usize) -> Dataset {
    let name = "synthetic garments";
    Dataset::new(name, "generated", split(0, train), split(1, test), FASHION_MNIST.class_names())
}

/// The stream of one image or label of a split; there is one synthetic set, so the seed is fixed.
fn stream(split: u64, what: u64, row: usize) -> Stream {
    Stream::new(0, Purpose::Synthetic, 2 * split + what, row as u64)
}

/// `n` labels: each group of as many as there are classes has all of them, in the order that the group's stream shuffles them to.
pub(super) fn labels(n: usize, classes: usize, stream: impl Fn(usize) -> Stream) -> Vec<u8> {
    let group = |group: usize| {
        let mut all: Vec<u8> = (0..classes).map(|class| class as u8).collect();
        stream(group).shuffle(&mut all);
        all
    };
    (0..n.div_ceil(classes)).flat_map(group).take(n).collect()
}

fn split(split: u64, n: usize) -> Split {
    let labels = labels(n, CLASSES, |ten| stream(split, 0, ten));
    let mut images = vec![0; n * SIDE * SIDE];
    images.par_chunks_mut(SIDE * SIDE).zip(&labels).enumerate().for_each(|(i, (image, &label))| {
        draw(label, &mut stream(split, 1, i), image);
    });
    Split::new(images, labels, SIDE, SIDE)
}

/// Draws one garment.
fn draw(class: u8, random: &mut Stream, image: &mut [u8]) {
    let pieces = garments::cut(class, random);
    let pose = Pose::new(random);
    let cloth = Cloth::new(random);
    let mut canvas = Canvas::default();
    for piece in &pieces {
        let outline: Vec<Point> = piece.outline.iter().map(|&point| pose.place(point)).collect();
        canvas.paint(&outline, piece.tone);
    }
    for (i, (pixel, &tone)) in image.iter_mut().zip(canvas.tones()).enumerate() {
        let at = |k: usize| (k as f64 + 0.5) / (SIDE as f64 / 2.0) - 1.0;
        let grain = random.between(1.0 - cloth.grain, 1.0 + cloth.grain);
        // A cast saturates, so over-bright cloth is white.
        *pixel = (tone * cloth.brightness(at(i % SIDE), at(i / SIDE)) * grain + 0.5) as u8;
    }
}

/// Where the garment lies: from the square [−1, 1]² of the pattern to pixels.
struct Pose {
    scale: Point,
    tilt: f64,
    shift: Point,
}

impl Pose {
    fn new(random: &mut Stream) -> Self {
        let size = random.between(0.9, 1.03);
        Pose {
            scale: [size * random.between(0.94, 1.12), size],
            tilt: random.between(-0.05, 0.05),
            shift: [random.between(-0.05, 0.05), random.between(-0.05, 0.05)],
        }
    }

    /// Scales, turns by about `tilt` radians and shifts.
    fn place(&self, point: Point) -> Point {
        let [x, y] = [point[0] * self.scale[0], point[1] * self.scale[1]];
        let turned = [x - self.tilt * y, y + self.tilt * x];
        std::array::from_fn(|k| (turned[k] + self.shift[k] + 1.0) * (SIDE as f64 / 2.0))
    }
}

/// What the garment is made of.
struct Cloth {
    /// Grey of the plain cloth, as a byte.
    shade: f64,
    /// Change of brightness per half image, to the right and downwards.
    light: Point,
    /// Stripes: depth, width as a part of half an image, and direction.
    stripes: (f64, f64, Point),
    /// Largest relative deviation of a pixel.
    grain: f64,
}

impl Cloth {
    fn new(random: &mut Stream) -> Self {
        let striped = random.uniform() < 0.15;
        let direction = [[1.0, 0.0], [0.0, 1.0], [0.7, 0.7]][random.below(3)];
        Cloth {
            // The smaller of two draws down from white: bright cloth is common, dark cloth is not.
            shade: 245.0 - f64::min(random.between(0.0, 140.0), random.between(0.0, 140.0)),
            light: [random.between(-0.15, 0.15), random.between(-0.15, 0.15)],
            stripes: (if striped { random.between(0.15, 0.5) } else { 0.0 }, random.between(0.14, 0.3), direction),
            grain: random.between(0.02, 0.1),
        }
    }

    fn brightness(&self, x: f64, y: f64) -> f64 {
        let (depth, width, direction) = self.stripes;
        let along = (x * direction[0] + y * direction[1]) / (2.0 * width) + 16.0;
        let dark = if along - along.floor() < 0.5 { depth } else { 0.0 };
        self.shade * (1.0 + self.light[0] * x + self.light[1] * y) * (1.0 - dark)
    }
}
