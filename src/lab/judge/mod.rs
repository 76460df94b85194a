//! How good new images are, measured: by the features of a classifier that was trained on the same data, and by pixels.
//!
//! | measure | what it says |
//! |---|---|
//! | [Fréchet distance](frechet::Gaussian::distance) | how far the features of new images lie from those of real ones, all in all; 0 is best |
//! | [precision, density](neighbours::Overlap) | whether new images are like real ones |
//! | [recall, coverage](neighbours::Overlap) | whether all real images have new ones like them |
//! | classes, their entropy, the rarest | whether whole classes are left out |
//! | diversity | how much images of one class differ, beside real ones |
//! | [sharpness] | edges and noise, beside real images |
//! | [nearest training image](pixels::nearest) | whether training images were learnt by heart |
//!
//! None of them means much alone: another half of the training images is measured as if it were new, and so are the mean image and the
//! means of the classes. All images that are compared have the same pixels, grey or black and white.

pub mod cache;
pub mod frechet;
pub mod neighbours;
pub mod pixels;
mod tell;
#[cfg(test)]
mod tests;

pub use tell::{about, draw, left_out, tables, tell};

use super::classify::{self, Classifier};
use super::makers::Maker;
use crate::data::{Dataset, Encoding};
use crate::error::{Error, Result};
use crate::kernels::Real;
use crate::models::Trained;
use crate::rng::Stream;
use crate::stats::mean;
use frechet::Gaussian;
use neighbours::{Manifold, Overlap};
use pixels::{Nearest, nearest, sharpness};
use serde::Serialize;

/// Images that are judged, unless asked for otherwise or there are fewer real ones.
pub const IMAGES: usize = 10_000;
/// Of these, those whose neighbours are looked for.
const NEIGHBOURS: usize = 5_000;
/// New images whose nearest training image is looked for, and test images that say how far that is from an image that is new.
const REMEMBERED: usize = 500;
/// New images that are shown.
const SHOWN: usize = 10;

/// Rows of features.
#[derive(Clone, Debug)]
pub struct Features {
    data: Vec<f64>,
    width: usize,
}

impl Features {
    /// Rows of `width` numbers, one after the other.
    ///
    /// # Panics
    /// When they are not whole rows.
    pub fn new(data: Vec<f64>, width: usize) -> Self {
        assert_eq!(data.len() % width, 0, "rows of {width} numbers");
        Features { data, width }
    }

    /// How many rows there are.
    #[allow(clippy::len_without_is_empty, reason = "there is at least one")]
    pub fn len(&self) -> usize {
        self.data.len() / self.width
    }

    /// Numbers of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// All numbers, row by row.
    pub fn data(&self) -> &[f64] {
        &self.data
    }

    /// The rows.
    pub fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.data.chunks_exact(self.width)
    }

    /// The first rows.
    fn first(&self, n: usize) -> Self {
        Features { data: self.data[..self.width * n.min(self.len())].to_vec(), width: self.width }
    }
}

/// What a set of images measures.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// What made them.
    pub name: String,
    /// How many they are.
    pub images: usize,
    /// [`Gaussian::distance`] from the real images.
    pub frechet: f64,
    /// How they overlap with the real images.
    #[serde(flatten)]
    pub overlap: Overlap,
    /// The share that the judge takes for each class.
    pub classes: Vec<f64>,
    /// −Σ p ln p of these shares, nats.
    pub entropy: f64,
    /// The least of them.
    pub rarest: f64,
    /// The variance of the features within a class, as a part of that of real images of this class, mean over the classes with two images;
    /// none where there is no such class.
    pub diversity: Option<f64>,
    /// [`sharpness`].
    pub sharpness: f64,
    /// The median of the [percentiles](Neighbour::percentile) of the first 500: about ½ where new images are as far from training images as
    /// test images are, near 0 where they are copies; none where they are training images themselves.
    pub novelty: Option<f64>,
    /// Nearest training images of the first ones.
    pub nearest: Vec<Neighbour>,
    /// The first ones themselves.
    #[serde(skip)]
    pub first: Vec<Vec<f32>>,
}

/// A new image's nearest training image.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Neighbour {
    /// Which, and how far it is.
    #[serde(flatten)]
    pub nearest: Nearest,
    /// The share of test images that are nearer to their nearest training image.
    pub percentile: f64,
}

/// The classifier, and the real images that others are compared with: the first training images. Others are the first ones of the second
/// half.
pub struct Judge<'a> {
    classifier: Classifier<'a>,
    data: &'a Dataset,
    about: About,
    images: usize,
    gaussian: Gaussian,
    manifold: Manifold,
    /// The features' variance within each class.
    spreads: Vec<Option<f64>>,
    /// Distances of test images to their nearest training images, in order.
    distances: Vec<f64>,
}

/// What was judged by.
#[derive(Clone, Debug, Serialize)]
pub struct About {
    /// The classifier's accuracy on the test images.
    pub accuracy: f64,
    /// Its seed.
    pub seed: u64,
    /// Its epochs.
    pub epochs: u64,
    /// What all images are, real and new: grey, or black and white.
    pub pixels: Encoding,
    /// The sharpness of the real images.
    pub sharpness: f64,
}

impl<'a> Judge<'a> {
    /// A judge of at most so many images, grey or black and white ([`Encoding::Threshold`]); of fewer where the data have not twice as
    /// many to learn from.
    ///
    /// # Errors
    /// When there are fewer than four training images or no test images, or the network is no classifier.
    pub fn new(trained: &'a Trained, data: &'a Dataset, pixels: Encoding, images: usize) -> Result<Self> {
        let images = images.min(data.train.len() / 2);
        if images < 2 || data.test.is_empty() {
            let found = format!("{} and {}", data.train.len(), data.test.len());
            return Err(Error::Usage(format!(
                "{}: to judge, expected at least 4 training images and 1 test image, found {found}",
                data.name
            )));
        }
        let classifier = Classifier::of_trained(trained, &data.train)
            .ok_or_else(|| Error::Usage("a judge is a classifier".into()))?;
        let see = |bytes: &[u8], out: &mut [f32]| encode(pixels, bytes, out);
        let accuracy = classify::measure(&classifier, &data.test, &data.class_names).accuracy;
        let real = seen(data, 0..images, pixels);
        let (features, classes) = classifier.look(&real);
        let tests: Vec<Vec<f32>> = data.test.images().take(REMEMBERED).map(|image| written(pixels, image)).collect();
        let mut distances: Vec<f64> = nearest(&tests, &data.train, see).into_iter().map(|near| near.distance).collect();
        distances.sort_by(f64::total_cmp);
        let (seed, epochs) = (trained.config.seed, trained.progress.epoch);
        let about = About { accuracy, seed, epochs, pixels, sharpness: sharpness(&real, data.train.shape()) };
        Ok(Judge {
            classifier,
            data,
            about,
            images,
            gaussian: Gaussian::of(&features),
            manifold: Manifold::of(features.first(NEIGHBOURS)),
            spreads: spreads(&features, &classes, data.class_names.len()),
            distances,
        })
    }

    /// What is judged by.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// What to compare with, first the best that can be reached: other real images, the means of the classes, and the mean image.
    pub fn references(&self) -> Vec<Verdict> {
        let (data, n, half) = (self.data, self.images, self.data.train.len() / 2);
        let classes = data.class_names.len();
        let mut sums = vec![vec![0.0f64; data.train.pixels()]; classes + 1];
        let mut counts = vec![0.0f64; classes + 1];
        for (image, label) in data.train.images().zip(data.train.labels()) {
            for of in [usize::from(label), classes] {
                counts[of] += 1.0;
                sums[of].iter_mut().zip(image).for_each(|(sum, byte)| *sum += f64::from(*byte) / 255.0);
            }
        }
        let average = |(sum, n): (&Vec<f64>, &f64)| sum.iter().map(|x| (x / n.max(1.0)) as f32).collect();
        let means: Vec<Vec<f32>> = sums.iter().zip(&counts).map(average).collect();
        let repeated = |of: &[Vec<f32>]| (0..n).map(|i| of[i % of.len()].clone()).collect::<Vec<_>>();
        let (present, mean) = (counts[..classes].iter().enumerate(), &means[classes..]);
        let of_classes: Vec<Vec<f32>> = present.filter(|(_, n)| **n > 0.0).map(|(i, _)| means[i].clone()).collect();
        vec![
            self.measure("other real images", seen(data, half..half + n, self.about.pixels), false),
            self.measure("class means", repeated(&of_classes), false),
            self.measure("mean image", repeated(mean), false),
        ]
    }

    /// The first real images, as they are compared.
    pub fn real(&self) -> Vec<Vec<f32>> {
        seen(self.data, 0..self.images.min(SHOWN), self.about.pixels)
    }

    /// As many new images of a network as are judged, of all classes in turn where it is told one.
    pub fn of(&self, name: &str, maker: &Maker) -> Verdict {
        let classes: Vec<usize> = (0..self.data.class_names.len()).collect();
        self.verdict(name, maker.images(0..self.images, &classes))
    }

    /// New images, of grey pixels or, if the judge is to see no others, of any that become black and white.
    pub fn verdict(&self, name: &str, images: Vec<Vec<f32>>) -> Verdict {
        self.measure(name, images, true)
    }

    fn measure(&self, name: &str, mut images: Vec<Vec<f32>>, are_new: bool) -> Verdict {
        if self.about.pixels == Encoding::Threshold {
            images.iter_mut().flatten().for_each(|x| *x = f32::from(u8::from(*x >= 0.5)));
        }
        let (features, classes) = self.classifier.look(&images);
        let n = self.data.class_names.len();
        let share = |class| classes.iter().filter(|found| **found == class).count() as f64 / classes.len() as f64;
        let shares: Vec<f64> = (0..n).map(share).collect();
        let spreads = spreads(&features, &classes, n);
        let diversities: Vec<f64> =
            spreads.iter().zip(&self.spreads).filter_map(|(a, b)| Some((*a)? / (*b)?)).collect();
        let remembered = &images[..if are_new { images.len().min(REMEMBERED) } else { 0 }];
        let see = |bytes: &[u8], out: &mut [f32]| encode(self.about.pixels, bytes, out);
        let neighbour = |nearest: Nearest| {
            let closer = self.distances.partition_point(|d| *d < nearest.distance);
            Neighbour { nearest, percentile: closer as f64 / self.distances.len() as f64 }
        };
        let near = if are_new { nearest(remembered, &self.data.train, see) } else { Vec::new() };
        let near: Vec<Neighbour> = near.into_iter().map(neighbour).collect();
        let mut percentiles: Vec<f64> = near.iter().map(|near| near.percentile).collect();
        percentiles.sort_by(f64::total_cmp);
        Verdict {
            name: name.into(),
            images: images.len(),
            frechet: self.gaussian.distance(&Gaussian::of(&features)),
            overlap: self.manifold.overlap(&features.first(NEIGHBOURS)),
            entropy: shares.iter().filter(|p| **p > 0.0).fold(0.0, |sum, p| sum - p * Real::ln(*p)),
            rarest: shares.iter().copied().fold(1.0, f64::min),
            classes: shares,
            diversity: (!diversities.is_empty()).then(|| mean(diversities)),
            sharpness: sharpness(&images, self.data.train.shape()),
            novelty: percentiles.get(percentiles.len() / 2).copied(),
            nearest: near.into_iter().take(SHOWN).collect(),
            first: images.into_iter().take(SHOWN).collect(),
        }
    }
}

/// The features' summed variance within each class; none of fewer than two images, or of such that do not differ.
fn spreads(features: &Features, classes: &[usize], n: usize) -> Vec<Option<f64>> {
    let of_class = |class: usize| {
        let rows = || features.rows().zip(classes).filter(move |(_, of)| **of == class).map(|(row, _)| row);
        let count = rows().count() as f64;
        let variance = |j: usize| {
            let centre = mean(rows().map(|row| row[j]));
            rows().map(|row| (row[j] - centre) * (row[j] - centre)).sum::<f64>() / (count - 1.0)
        };
        (count > 1.0).then(|| (0..features.width()).map(variance).sum::<f64>())
    };
    (0..n).map(of_class).collect()
}

/// An image as the judge sees it.
fn encode(pixels: Encoding, bytes: &[u8], out: &mut [f32]) {
    let no_noise = || -> Stream { unreachable!("pixels are grey, or black and white from a threshold on") };
    pixels.write(bytes, no_noise, out);
}

fn written(pixels: Encoding, bytes: &[u8]) -> Vec<f32> {
    let mut x = vec![0.0; bytes.len()];
    encode(pixels, bytes, &mut x);
    x
}

fn seen(data: &Dataset, rows: std::ops::Range<usize>, pixels: Encoding) -> Vec<Vec<f32>> {
    rows.map(|row| written(pixels, data.train.image(row))).collect()
}
