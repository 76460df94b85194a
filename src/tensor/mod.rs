//! [`Tensor`]: an n-dimensional array of numbers, as a value.
//!
//! Contiguous and row-major, so that a kernel sees one slice; cheap to clone, since clones share their elements; copied when a
//! shared one is written. No derivatives here: those are the tape's.

mod pool;
mod print;
mod shape;

pub use pool::Pool;
pub use shape::{MAX_RANK, Shape};

use crate::kernels::Real;
use ndarray::{ArcArray1, ArrayD, ArrayViewD, IxDyn};

/// An n-dimensional array: a shared flat [`ndarray`] array under a [`Shape`].
///
/// ```
/// use elbo::tensor::Tensor;
/// let a = Tensor::new(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [2, 3]);
/// let mut b = a.clone(); // shares the elements
/// b.data_mut()[0] = 9.0; // copies them first
/// assert_eq!((a.data()[0], b.data()[0]), (1.0, 9.0));
/// assert_eq!(a.view()[[1, 2]], 6.0); // an ndarray view
/// ```
#[derive(Clone, PartialEq)]
pub struct Tensor<F> {
    data: ArcArray1<F>,
    shape: Shape,
}

impl<F: Real> Tensor<F> {
    /// A tensor of these elements, in row-major order.
    ///
    /// # Panics
    /// When the shape has another number of elements.
    #[track_caller]
    pub fn new(data: Vec<F>, shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        assert!(data.len() == shape.size(), "tensor: {} elements do not fill {shape}", data.len());
        Tensor { data: ArcArray1::from(data), shape }
    }

    /// A tensor of one number and no axes.
    pub fn scalar(x: F) -> Self {
        Self::new(vec![x], Shape::SCALAR)
    }

    /// A tensor whose elements are all `x`.
    pub fn full(x: F, shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        Self::new(vec![x; shape.size()], shape)
    }

    /// The extents.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// All elements in row-major order.
    pub fn data(&self) -> &[F] {
        self.data.as_slice().expect("a tensor is contiguous")
    }

    /// All elements, to write. Copies them first when a clone shares them.
    pub fn data_mut(&mut self) -> &mut [F] {
        self.data.as_slice_mut().expect("a tensor is contiguous")
    }

    /// The same elements under another shape of the same size.
    ///
    /// # Panics
    /// When the sizes differ.
    #[track_caller]
    pub fn reshape(&self, shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        assert!(self.shape.size() == shape.size(), "reshape: {} does not fill {shape}", self.shape);
        Tensor { data: self.data.clone(), shape }
    }

    /// The number in a tensor of one element.
    ///
    /// # Panics
    /// When there are more.
    #[track_caller]
    pub fn item(&self) -> F {
        assert!(self.shape.size() == 1, "item: {} is not a single number", self.shape);
        self.data()[0]
    }

    /// Row `i` of the first axis.
    ///
    /// # Panics
    /// When there is no such row.
    #[track_caller]
    pub fn row(&self, i: usize) -> &[F] {
        let n = *self.shape.first().expect("row: a scalar has no rows");
        assert!(i < n, "row: {} has no row {i}", self.shape);
        &self.data()[i * (self.shape.size() / n)..][..self.shape.size() / n]
    }

    /// An ndarray view.
    pub fn view(&self) -> ArrayViewD<'_, F> {
        ArrayViewD::from_shape(IxDyn(&self.shape), self.data()).expect("the shape fits by construction")
    }

    /// The buffer, when nobody else shares it; else the tensor again.
    pub fn into_vec(self) -> Result<Vec<F>, Self> {
        match self.data.try_into_owned_nocopy() {
            Ok(array) => Ok(array.into_raw_vec_and_offset().0),
            Err(data) => Err(Tensor { data, shape: self.shape }),
        }
    }

    /// The same numbers in another precision.
    pub fn cast<G: Real>(&self) -> Tensor<G> {
        Tensor::new(self.data().iter().map(|x| G::of(x.f64())).collect(), self.shape)
    }
}

impl<F: Real> From<ArrayD<F>> for Tensor<F> {
    /// Copies the elements, in row-major order.
    fn from(array: ArrayD<F>) -> Self {
        let shape = Shape::new(array.shape());
        Tensor::new(array.into_iter().collect(), shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transposed_array_arrives_in_row_major_order() {
        let array = ArrayD::from_shape_vec(IxDyn(&[2, 3]), vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        let t = Tensor::from(array.clone().reversed_axes());
        assert_eq!((t.shape(), t.data()), (Shape::from([3, 2]), &[0.0, 3.0, 1.0, 4.0, 2.0, 5.0][..]));
        assert_eq!(t.view(), array.reversed_axes());
    }

    #[test]
    fn only_an_unshared_tensor_gives_up_its_buffer() {
        let t = Tensor::new(vec![1.0, 2.0], [2]);
        let other = t.reshape([2, 1]);
        assert!(t.into_vec().is_err());
        assert_eq!(other.into_vec(), Ok(vec![1.0, 2.0]));
    }

    #[test]
    #[should_panic(expected = "tensor: 3 elements do not fill [2, 2]")]
    fn a_wrong_size_is_a_panic_with_both_sizes() {
        Tensor::new(vec![0.0; 3], [2, 2]);
    }
}
