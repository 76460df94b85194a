//! Data sets as bytes and labels: where they come from, how they are checked, in which order and as which numbers
//! they enter training.
//!
//! [`load`] gives a [`Dataset`] of two [`Split`]s from a folder of IDX files, from a download of [`fashion_mnist`] or
//! from the [`synthetic`] pattern book. [`epoch_order`] and [`Binarise`] are all that stands between its bytes and a
//! mini-batch. No tensors here, and no augmentation.

mod baselines;
mod batches;
mod binarise;
pub mod download;
pub mod fashion_mnist;
mod idx;
mod source;
pub mod synthetic;

pub use baselines::Baselines;
pub use batches::epoch_order;
pub use binarise::Binarise;
pub use source::{Source, load};

use crate::error::{Error, Result};
use sha2::{Digest, Sha256};
use std::path::Path;

/// Grey images of one size, one byte per pixel (0 is black), row after row, each with a class number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    images: Vec<u8>,
    labels: Vec<u8>,
    height: usize,
    width: usize,
}

impl Split {
    /// Joins images and labels.
    ///
    /// # Panics
    /// When an image has no pixels, or `images` is not one image of `height` × `width` for each label.
    pub fn new(images: Vec<u8>, labels: Vec<u8>, height: usize, width: usize) -> Self {
        assert!(height > 0 && width > 0, "an image of {height} x {width} has no pixels");
        assert_eq!(images.len(), labels.len() * height * width, "images and labels must go together");
        Split { images, labels, height, width }
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Rows of an image.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Columns of an image.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Pixels of an image.
    pub fn pixels(&self) -> usize {
        self.height * self.width
    }

    /// The pixels of image `i`.
    pub fn image(&self, i: usize) -> &[u8] {
        &self.images[i * self.pixels()..][..self.pixels()]
    }

    /// The pixels of all images, one after the other.
    pub fn images(&self) -> &[u8] {
        &self.images
    }

    /// The class of image `i`.
    pub fn label(&self, i: usize) -> u8 {
        self.labels[i]
    }

    /// The classes of all images.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// Keeps the first `n` images, or all when there are fewer.
    fn truncate(&mut self, n: usize) {
        self.labels.truncate(n);
        self.images.truncate(self.labels.len() * self.pixels());
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
    /// checkpoint was made with these data.
    pub digest: String,
}

impl Dataset {
    /// Joins two splits and computes their digest.
    ///
    /// # Panics
    /// When the splits differ in image size, or a label has no name.
    pub fn new(name: &str, source: &str, train: Split, test: Split, class_names: Vec<String>) -> Self {
        assert_eq!((train.height, train.width), (test.height, test.width), "both splits must have one image size");
        let highest = train.labels.iter().chain(&test.labels).max();
        assert!(highest.is_none_or(|&label| usize::from(label) < class_names.len()), "a label has no name");
        let digest = digest(&train, &test);
        Dataset { name: name.into(), source: source.into(), train, test, class_names, digest }
    }

    /// Keeps the first `n` images of each split: other data, so another digest.
    pub fn limit(mut self, n: usize) -> Self {
        self.train.truncate(n);
        self.test.truncate(n);
        self.digest = digest(&self.train, &self.test);
        self
    }
}

fn digest(train: &Split, test: &Split) -> String {
    let mut sha = Sha256::new();
    for split in [train, test] {
        for dimension in [split.len(), split.height, split.width] {
            sha.update((dimension as u64).to_le_bytes());
        }
        sha.update(&split.images);
        sha.update(&split.labels);
    }
    hex(&sha.finalize())
}

/// SHA-256 of a file's content, in lower-case hexadecimal.
fn sha256_of_file(path: &Path) -> Result<String> {
    let content = std::fs::read(path).map_err(Error::io(path))?;
    Ok(hex(&Sha256::digest(content)))
}

/// Lower-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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
    fn a_limit_keeps_the_first_images_and_changes_the_digest() {
        let split = Split::new((0..12).collect(), vec![0, 1], 2, 3);
        let whole = Dataset::new("a", "b", split.clone(), split, names(2));
        let first = whole.clone().limit(1);
        assert_eq!((first.train.images(), first.test.labels()), (&[0, 1, 2, 3, 4, 5][..], &[0][..]));
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
