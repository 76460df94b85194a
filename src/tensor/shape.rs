//! [`Shape`]: the extents of a tensor's axes.

use crate::error::ShapeError;
use std::fmt;
use std::ops::Deref;

/// The most axes a tensor may have.
pub const MAX_RANK: usize = 6;

/// Extents of up to [`MAX_RANK`] axes, the last one contiguous in memory. Small and `Copy`, so a node of the tape needs no
/// allocation for it. Dereferences to `[usize]`.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Shape {
    extents: [usize; MAX_RANK],
    rank: u8,
}

impl Shape {
    /// The shape of a single number.
    pub const SCALAR: Shape = Shape { extents: [0; MAX_RANK], rank: 0 };

    /// # Panics
    /// With more than [`MAX_RANK`] axes.
    #[track_caller]
    pub fn new(extents: &[usize]) -> Self {
        assert!(extents.len() <= MAX_RANK, "shape: {extents:?} has more than {MAX_RANK} axes");
        let mut shape = Shape { rank: extents.len() as u8, ..Shape::SCALAR };
        shape.extents[..extents.len()].copy_from_slice(extents);
        shape
    }

    /// Number of elements: the product of the extents, 1 for a scalar.
    ///
    /// # Panics
    /// When it exceeds what can be addressed.
    #[track_caller]
    pub fn size(&self) -> usize {
        if self.contains(&0) {
            return 0;
        }
        let product = self.iter().try_fold(1usize, |size, &extent| size.checked_mul(extent));
        match product {
            Some(size) => size,
            None => panic!("shape: {self} has too many elements"),
        }
    }

    /// This shape with axis `axis` of extent `extent`.
    ///
    /// # Panics
    /// When there is no such axis.
    #[track_caller]
    pub fn with(mut self, axis: usize, extent: usize) -> Self {
        assert!(axis < self.len(), "shape: {self} has no axis {axis}");
        self.extents[axis] = extent;
        self
    }

    /// The shape that both broadcast to: aligned at the last axis, extents are equal or one of them is 1 or absent.
    pub fn broadcast(self, other: Shape) -> Result<Shape, ShapeError> {
        let rank = self.len().max(other.len());
        let mut out = Shape { rank: rank as u8, ..Shape::SCALAR };
        for back in 1..=rank {
            let extent = |s: &Shape| s.len().checked_sub(back).map_or(1, |axis| s[axis]);
            out.extents[rank - back] = match (extent(&self), extent(&other)) {
                (a, b) if a == b => a,
                (1, b) => b,
                (a, 1) => a,
                (a, b) => return Err(ShapeError(format!("{self} and {other} do not broadcast ({a} ≠ {b})"))),
            };
        }
        Ok(out)
    }
}

impl Deref for Shape {
    type Target = [usize];
    fn deref(&self) -> &[usize] {
        &self.extents[..self.rank as usize]
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    #[track_caller]
    fn from(extents: [usize; N]) -> Self {
        Shape::new(&extents)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(&format!("{:?}", &**self))
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_broadcast_from_the_last_axis() {
        let broadcast = |a: &[usize], b: &[usize]| Shape::new(a).broadcast(Shape::new(b)).map(|s| s.to_vec());
        assert_eq!(broadcast(&[128, 1], &[784]), Ok(vec![128, 784]));
        assert_eq!(broadcast(&[], &[2, 3]), Ok(vec![2, 3]));
        assert_eq!(broadcast(&[4, 1, 3], &[2, 1]), Ok(vec![4, 2, 3]));
        let error = broadcast(&[2, 3], &[2]).unwrap_err();
        assert_eq!(error.0, "[2, 3] and [2] do not broadcast (3 ≠ 2)");
    }

    #[test]
    fn a_scalar_has_one_element_and_an_empty_shape_none() {
        assert_eq!(Shape::SCALAR.size(), 1);
        for empty in [[3, 0, 1], [0, 1 << 40, 1 << 40], [1 << 40, 1 << 40, 0]] {
            assert_eq!(Shape::from(empty).size(), 0);
        }
    }
}
