//! [`Var`]: a handle to a value on a tape.

use super::Tape;
use crate::kernels::Real;
use crate::tensor::{Shape, Tensor};
use std::fmt;

/// A value on a [`Tape`]: `Copy`, as small as a reference and an index. Operators and methods on it append to the tape; they are
/// defined in [`ops`](crate::ops).
pub struct Var<'t, F: Real> {
    pub(super) tape: &'t Tape<F>,
    pub(super) id: u32,
}

impl<F: Real> Clone for Var<'_, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F: Real> Copy for Var<'_, F> {}

impl<'t, F: Real> Var<'t, F> {
    /// The tape it is on.
    pub fn tape(self) -> &'t Tape<F> {
        self.tape
    }

    /// Its place on the tape, counted from 0.
    pub fn id(self) -> usize {
        self.id as usize
    }

    /// Its value. The elements are shared, not copied.
    pub fn value(self) -> Tensor<F> {
        self.tape.nodes.borrow()[self.id()].value.clone()
    }

    /// The extents of its value.
    pub fn shape(self) -> Shape {
        self.tape.nodes.borrow()[self.id()].value.shape()
    }

    /// The number in a value of one element.
    ///
    /// # Panics
    /// When there are more.
    #[track_caller]
    pub fn item(self) -> F {
        self.tape.nodes.borrow()[self.id()].value.item()
    }
}

impl<F: Real> fmt::Debug for Var<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "%{} = {}", self.id, self.value())
    }
}
