//! [`Pool`]: buffers that are handed out again instead of being freed.

use crate::kernels::Real;
use std::collections::BTreeMap;

/// Free buffers by length. A training step asks for the same lengths as the step before, so from the second step on
/// every request is met from here and the allocator is not called.
#[derive(Debug, Default)]
pub struct Pool<F> {
    shelves: BTreeMap<usize, Shelf<F>>,
}

#[derive(Debug, Default)]
struct Shelf<F> {
    free: Vec<Vec<F>>,
    /// Buffers of this length ever made here. A shelf keeps no more than these, so that tensors which were made elsewhere
    /// and pass through a tape (batches, weights) do not pile up.
    made: usize,
}

impl<F: Real> Pool<F> {
    /// A buffer of `len` numbers of any value.
    pub fn take(&mut self, len: usize) -> Vec<F> {
        let shelf = self.shelves.entry(len).or_default();
        shelf.free.pop().unwrap_or_else(|| {
            shelf.made += 1;
            vec![F::ZERO; len]
        })
    }

    /// Gives a buffer back. Debug builds fill it with NaN, so that reading it unwritten is noticed.
    pub fn give(&mut self, mut buffer: Vec<F>) {
        if let Some(shelf) = self.shelves.get_mut(&buffer.len())
            && shelf.free.len() < shelf.made
        {
            if cfg!(debug_assertions) {
                buffer.fill(F::NAN);
            }
            shelf.free.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_and_foreign_ones_do_not_pile_up() {
        let mut pool = Pool::<f32>::default();
        let buffer = pool.take(100);
        let address = buffer.as_ptr();
        pool.give(buffer);
        pool.give(vec![0.0; 100]);
        pool.give(vec![0.0; 7]);
        let (same, new) = (pool.take(100), pool.take(100));
        assert!(same.as_ptr() == address && new.as_ptr() != address);
        assert!(!pool.shelves.contains_key(&7));
    }
}
