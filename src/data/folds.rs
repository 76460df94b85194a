//! [`Folds`]: the training images divided for cross-validation.

use super::Dataset;
use super::digest::hex;
use crate::error::{Error, Result};
use crate::rng::{Purpose, Stream};
use sha2::{Digest as _, Sha256};

/// A random partition of the training images into K folds, whose sizes differ by at most one. Each fold judges a network that was
/// trained on the others: every image judges once, and the mean over the folds estimates the loss on images not seen.
#[derive(Clone, Debug)]
pub struct Folds {
    rows: Vec<Vec<u32>>,
}

impl Folds {
    /// K folds of `n` images. Another `repeat` is another partition.
    ///
    /// # Errors
    /// [`Error::Setting`] unless 2 ≤ K ≤ n.
    pub fn new(n: usize, k: usize, seed: u64, repeat: u64) -> Result<Self> {
        let refuse = |expected: String| Err(Error::Setting { name: "folds", expected, found: k.to_string() });
        if n < 2 {
            return Err(Error::Usage(format!(
                "the training images: expected 2 or more to divide into folds, found {n}"
            )));
        }
        if k < 2 || k > n {
            return refuse(format!("2 to {n}, the number of training images"));
        }
        let mut order: Vec<u32> = (0..n as u32).collect();
        Stream::new(seed, Purpose::Folds, repeat, 0).shuffle(&mut order);
        Ok(Folds { rows: (0..k).map(|i| order[i * n / k..(i + 1) * n / k].to_vec()).collect() })
    }

    /// The number of folds.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none: never.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The data of fold `i`: its images to be judged by, the other training images to learn from. The bytes are shared.
    pub fn data(&self, data: &Dataset, i: usize) -> Dataset {
        let others = self.rows.iter().enumerate().filter(|(j, _)| *j != i).flat_map(|(_, rows)| rows).copied();
        let mut sha = Sha256::new();
        sha.update(&data.digest);
        self.rows[i].iter().for_each(|row| sha.update(row.to_le_bytes()));
        Dataset {
            train: data.train.take(others),
            test: data.train.take(self.rows[i].iter().copied()),
            digest: hex(&sha.finalize()),
            ..data.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Split, load};

    #[test]
    fn every_image_judges_once_and_never_where_it_was_learnt() {
        let mut data = load(&crate::data::Source::Synthetic).unwrap();
        let n = 11;
        data.train = Split::new((0..n).collect(), (0..n).collect(), 1, 1);
        let folds = Folds::new(n.into(), 3, 5, 0).unwrap();
        let mut judged = Vec::new();
        for i in 0..folds.len() {
            let fold = folds.data(&data, i);
            let (mut learnt, own): (Vec<u8>, Vec<u8>) = (fold.train.labels().collect(), fold.test.labels().collect());
            assert!(own.len() == 3 || own.len() == 4);
            learnt.extend(&own);
            learnt.sort_unstable();
            assert_eq!(learnt, (0..n).collect::<Vec<_>>());
            judged.extend(own);
        }
        judged.sort_unstable();
        assert_eq!(judged, (0..n).collect::<Vec<_>>());
        let first = |seed, repeat| Folds::new(n.into(), 3, seed, repeat).unwrap().rows;
        assert_eq!(first(5, 0), folds.rows);
        assert!(first(5, 1) != folds.rows && first(6, 0) != folds.rows);
    }

    #[test]
    fn more_folds_than_images_are_refused() {
        let error = Folds::new(3, 4, 0, 0).unwrap_err().to_string();
        assert_eq!(error, "folds: expected 2 to 3, the number of training images, found 4");
        let error = Folds::new(1, 3, 0, 0).unwrap_err().to_string();
        assert_eq!(error, "the training images: expected 2 or more to divide into folds, found 1");
    }
}
