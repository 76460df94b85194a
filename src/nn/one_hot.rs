//! Labels as probabilities.

use crate::autograd::{Tape, Var};
use crate::kernels::Real;

/// Classes as probabilities, `[B, classes]`: 1 for each label's own, 0 for all others.
///
/// # Panics
/// When there are fewer classes than labels.
pub fn one_hot<F: Real>(tape: &Tape<F>, labels: impl ExactSizeIterator<Item = usize>, classes: usize) -> Var<'_, F> {
    tape.leaf_with([labels.len(), classes], |y| {
        y.fill(F::ZERO);
        y.chunks_exact_mut(classes).zip(labels).for_each(|(y, label)| y[label] = F::ONE);
    })
}
