//! The order in which images are seen.

use crate::rng::{Purpose, Stream};

/// The order of `n` images in an epoch, into `order`: a permutation of 0..n that depends on the seed and the epoch alone. The
/// mini-batches are its consecutive chunks.
///
/// # Panics
/// When `n` or `epoch` does not fit in 32 bits.
pub fn epoch_order(seed: u64, epoch: u64, n: usize, order: &mut Vec<u32>) {
    let n = u32::try_from(n).expect("a data set has fewer than 2^32 images");
    order.clear();
    order.extend(0..n);
    Stream::new(seed, Purpose::Shuffle, epoch, 0).shuffle(order);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_has_its_own_permutation() {
        let order = |seed, epoch| {
            let mut order = vec![7];
            epoch_order(seed, epoch, 500, &mut order);
            order
        };
        let orders = [order(1, 0), order(1, 1), order(2, 0)];
        for (i, order) in orders.iter().enumerate() {
            assert!(!orders[..i].contains(order));
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..500).collect::<Vec<u32>>());
        }
        assert_eq!(orders[0], order(1, 0));
    }
}
