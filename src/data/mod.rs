//! Data sets as bytes and labels: where they come from, how they are checked, in which order and as which numbers
//! they enter training.
//!
//! [`load`] gives a [`Dataset`] of two [`Split`]s from a folder of IDX files or of PNG images, from a published set of the
//! [`catalogue`], from the [`synthetic`] pattern book or from a distribution over the plane ([`toys`]). [`Folds`] divide the first for cross-validation. [`epoch_order`] and
//! [`Encoding`] are all that stands between its bytes and a mini-batch. No tensors here, and no augmentation.

mod baselines;
mod batches;
pub mod catalogue;
mod digest;
pub mod download;
mod encoding;
mod folds;
mod idx;
mod parts;
mod pictures;
mod published;
mod source;
pub mod synthetic;
pub mod toys;

pub use baselines::Baselines;
pub use batches::epoch_order;
pub use digest::Digest;
pub use encoding::{Encoder, Encoding};
pub use folds::Folds;
pub use source::{Origin, Source, load};
pub use toys::Toy;

use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// The shape `[C, H, W]` of images that are points of the plane: x and y, a grey pixel each.
pub const POINT: [usize; 3] = [1, 1, 2];

/// Images of one shape `[C, H, W]`, one byte per pixel (0 is black), each with a class number. C is 1 for grey, 3 for red, green
/// and blue: channel after channel, and in each row after row, as convolutions take them. A split shares its bytes with those
/// that were [taken](Self::take) from it, and is cheap to clone.
#[derive(Clone, Debug)]
pub struct Split {
    bytes: Arc<Bytes>,
    /// Which of the images, and in which order; all of them if not given.
    rows: Option<Arc<[u32]>>,
}

#[derive(Debug)]
struct Bytes {
    images: Vec<u8>,
    labels: Vec<u8>,
    shape: [usize; 3],
}

impl PartialEq for Split {
    fn eq(&self, other: &Self) -> bool {
        self.shape() == other.shape() && self.labels().eq(other.labels()) && self.images().eq(other.images())
    }
}

impl Split {
    /// Joins grey images and their labels.
    ///
    /// # Panics
    /// As [`of_shape`](Self::of_shape), for one channel.
    pub fn new(images: Vec<u8>, labels: Vec<u8>, height: usize, width: usize) -> Self {
        Split::of_shape(images, labels, [1, height, width])
    }

    /// Joins images of the shape `[C, H, W]` and their labels.
    ///
    /// # Panics
    /// When an image has neither 1 nor 3 channels, or no pixels, or `images` is not one image for each label.
    pub fn of_shape(images: Vec<u8>, labels: Vec<u8>, shape: [usize; 3]) -> Self {
        let [channels, height, width] = shape;
        assert!(channels == 1 || channels == 3, "an image has 1 or 3 channels, not {channels}");
        assert!(height > 0 && width > 0, "an image of {height} x {width} has no pixels");
        assert_eq!(images.len(), labels.len() * channels * height * width, "images and labels must go together");
        Split { bytes: Arc::new(Bytes { images, labels, shape }), rows: None }
    }

    /// The images of these rows, without a copy of them.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn take(&self, rows: impl IntoIterator<Item = u32>) -> Self {
        let rows = rows.into_iter().map(|row| {
            assert!((row as usize) < self.len(), "row {row} of {}", self.len());
            self.row(row as usize) as u32
        });
        Split { bytes: Arc::clone(&self.bytes), rows: Some(rows.collect()) }
    }

    fn row(&self, i: usize) -> usize {
        self.rows.as_ref().map_or(i, |rows| rows[i] as usize)
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        self.rows.as_ref().map_or(self.bytes.labels.len(), |rows| rows.len())
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `[C, H, W]` of an image: channels, rows, columns.
    pub fn shape(&self) -> [usize; 3] {
        self.bytes.shape
    }

    /// Whether its images are points of the plane.
    pub fn is_points(&self) -> bool {
        self.shape() == POINT
    }

    /// Channels of an image: 1 where it is grey, 3 where it has colour.
    pub fn channels(&self) -> usize {
        self.shape()[0]
    }

    /// Rows of an image.
    pub fn height(&self) -> usize {
        self.shape()[1]
    }

    /// Columns of an image.
    pub fn width(&self) -> usize {
        self.shape()[2]
    }

    /// What networks see of an image, D = C · H · W numbers: a point in colour counts three times.
    pub fn pixels(&self) -> usize {
        self.shape().iter().product()
    }

    /// The pixels of image `i`.
    pub fn image(&self, i: usize) -> &[u8] {
        &self.bytes.images[self.row(i) * self.pixels()..][..self.pixels()]
    }

    /// All images.
    pub fn images(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.len()).map(|i| self.image(i))
    }

    /// The class of image `i`.
    pub fn label(&self, i: usize) -> u8 {
        self.bytes.labels[self.row(i)]
    }

    /// The classes of all images.
    pub fn labels(&self) -> impl ExactSizeIterator<Item = u8> {
        (0..self.len()).map(|i| self.label(i))
    }

    /// The first `n` images, or all when there are fewer.
    fn first(&self, n: usize) -> Self {
        self.take(0..n.min(self.len()) as u32)
    }
}

/// Images to learn from and images to be judged by.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// What it is called, e.g. `Fashion-MNIST`.
    pub name: String,
    /// Where it came from: a folder, or how it was made.
    pub source: String,
    /// The training images.
    pub train: Split,
    /// The test images, of the same size.
    pub test: Split,
    /// What each class is called; every label is an index into it.
    pub class_names: Vec<String>,
    /// SHA-256 over the dimensions, pixels and labels of both splits, in lower-case hexadecimal. It tells whether a
    /// checkpoint was made with these data. The number of channels is a dimension only where it is not 1.
    pub digest: String,
    /// How it was loaded.
    pub origin: Origin,
    /// What its user should know before anything else: that it stands in for another one, and why.
    pub notice: Option<String>,
}

impl Dataset {
    /// How often who names the class that most training images have is right about test images.
    pub fn most_frequent_class(&self) -> f64 {
        let count = |split: &Split, class: usize| split.labels().filter(|label| usize::from(*label) == class).count();
        // The first one of equals.
        let most = (0..self.class_names.len()).rev().max_by_key(|&class| count(&self.train, class)).unwrap_or(0);
        count(&self.test, most) as f64 / self.test.len() as f64
    }

    /// Joins two splits and computes their digest.
    ///
    /// # Panics
    /// When the splits differ in the shape of an image, or a label has no name.
    pub fn new(name: &str, source: &str, train: Split, test: Split, class_names: Vec<String>) -> Self {
        assert_eq!(train.shape(), test.shape(), "both splits must have images of one shape");
        let highest = train.labels().chain(test.labels()).max();
        assert!(highest.is_none_or(|label| usize::from(label) < class_names.len()), "a label has no name");
        let digest = digest(&train, &test);
        let (name, source) = (name.into(), source.into());
        Dataset { name, source, train, test, class_names, digest, origin: Origin::default(), notice: None }
    }

    /// Keeps the first `n` images of each split: other data, so another digest.
    pub fn limit(mut self, n: usize) -> Self {
        self.train = self.train.first(n);
        self.test = self.test.first(n);
        self.digest = digest(&self.train, &self.test);
        self.origin.limit = u32::try_from(n).ok();
        self
    }
}

fn digest(train: &Split, test: &Split) -> String {
    let mut sha = Sha256::new();
    for split in [train, test] {
        let channels = Some(split.channels()).filter(|&channels| channels != 1);
        for dimension in [split.len(), split.height(), split.width()].into_iter().chain(channels) {
            sha.update((dimension as u64).to_le_bytes());
        }
        split.images().for_each(|image| sha.update(image));
        sha.update(split.labels().collect::<Vec<_>>());
    }
    digest::hex(&sha.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(n: usize) -> Vec<String> {
        (0..n).map(|class| class.to_string()).collect()
    }

    #[test]
    fn an_image_is_its_own_rows() {
        let split = Split::new((0..12).collect(), vec![3, 4], 2, 3);
        assert_eq!((split.len(), split.pixels(), split.is_empty()), (2, 6, false));
        assert_eq!(split.image(1), [6, 7, 8, 9, 10, 11]);
        assert_eq!(split.label(1), 4);
    }

    #[test]
    fn an_image_in_colour_is_its_channels_one_after_the_other() {
        let split = Split::of_shape((0..12).collect(), vec![3], [3, 1, 4]);
        assert_eq!((split.len(), split.pixels(), split.channels(), split.shape()), (1, 12, 3, [3, 1, 4]));
        assert_eq!(split.image(0)[4..8], [4, 5, 6, 7]);
        assert_ne!(split, Split::new((0..12).collect(), vec![3], 3, 4));
    }

    #[test]
    #[should_panic(expected = "an image has 1 or 3 channels, not 2")]
    fn two_channels_are_a_mistake() {
        Split::of_shape(vec![0; 8], vec![0], [2, 2, 2]);
    }

    #[test]
    fn the_digest_of_grey_images_stays_and_channels_are_seen_in_that_of_others() {
        let digest = |shape| {
            let split = Split::of_shape((0..12).collect(), vec![1], shape);
            Dataset::new("a", "b", split.clone(), split, names(2)).digest
        };
        // By hashlib: sha256(2 * (struct.pack("<QQQ", 1, 3, 4) + bytes(range(12)) + b"\1")), and "<QQQQ", 1, 2, 2, 3.
        assert_eq!(digest([1, 3, 4]), "c0cd2128b3b6763abaa8d603ebf0f91aa8a43ff06f1011eb52876f3e16a912d9");
        assert_eq!(digest([3, 2, 2]), "3f309745bd11fb4582a97b0ed0c49f179d6a16440e177ebd131977a5ebdd9e84");
    }

    #[test]
    fn what_is_taken_from_a_split_is_a_view_of_it() {
        let split = Split::new((0..12).collect(), vec![3, 4, 5], 2, 2);
        let taken = split.take([2, 0]).take([1, 0, 1]);
        assert_eq!(taken.labels().collect::<Vec<_>>(), [3, 5, 3]);
        assert_eq!(taken.image(1), [8, 9, 10, 11]);
        assert_eq!(taken.image(1).as_ptr(), split.image(2).as_ptr());
    }

    #[test]
    fn a_limit_keeps_the_first_images_and_changes_the_digest() {
        let split = Split::new((0..12).collect(), vec![0, 1], 2, 3);
        let whole = Dataset::new("a", "b", split.clone(), split, names(2));
        let first = whole.clone().limit(1);
        assert_eq!(first.train.images().collect::<Vec<_>>(), [[0, 1, 2, 3, 4, 5]]);
        assert_eq!(first.test.labels().collect::<Vec<_>>(), [0]);
        assert_ne!(first.digest, whole.digest);
        assert_eq!(whole.clone().limit(9).digest, whole.digest);
    }

    #[test]
    fn the_digest_sees_shape_pixels_and_labels() {
        let set = |images: [u8; 6], labels: [u8; 1], height| {
            let split = Split::new(images.to_vec(), labels.to_vec(), height, 6 / height);
            Dataset::new("a", "b", split.clone(), split, names(2)).digest
        };
        let here = set([0; 6], [0], 2);
        assert_eq!(here.len(), 64);
        assert_eq!(here, set([0; 6], [0], 2));
        for other in [set([0; 6], [0], 3), set([0, 0, 0, 0, 0, 1], [0], 2), set([0; 6], [1], 2)] {
            assert_ne!(here, other);
        }
    }

    #[test]
    #[should_panic(expected = "a label has no name")]
    fn a_label_without_a_name_is_a_mistake() {
        let split = Split::new(vec![0], vec![2], 1, 1);
        Dataset::new("a", "b", split.clone(), split, names(2));
    }
}
