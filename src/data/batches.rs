//! The order in which images are seen.

use crate::rng::{Purpose, Stream};

/// The order of `n` images in an epoch: a permutation of 0..n that depends on the seed and the epoch alone. The
/// mini-batches are its consecutive chunks.
///
/// # Panics
/// When `n` or `epoch` does not fit in 32 bits.
pub fn epoch_order(seed: u64, epoch: u64, n: usize) -> Vec<u32> {
    let n = u32::try_from(n).expect("a data set has fewer than 2^32 images");
    let mut order: Vec<u32> = (0..n).collect();
    Stream::new(seed, Purpose::Shuffle, epoch, 0).shuffle(&mut order);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_has_its_own_permutation() {
        let orders = [epoch_order(1, 0, 500), epoch_order(1, 1, 500), epoch_order(2, 0, 500)];
        for (i, order) in orders.iter().enumerate() {
            assert!(!orders[..i].contains(order));
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..500).collect::<Vec<u32>>());
        }
        assert_eq!(orders[0], epoch_order(1, 0, 500));
    }
}
