//! Addition, the one operation that the chain rule itself needs.

use super::op::{Op, Row, Vjp};
use crate::error::ShapeError;
use crate::example;
use crate::kernels::{Real, elementwise::map, gemm::Scratch};
use crate::tensor::{Shape, Tensor};

/// y = a + b, for equal shapes.
pub struct Add;

impl Add {
    /// Its row in the catalogue.
    pub const ROW: Row = Row {
        name: "add",
        formula: "a + b",
        derivative: "a: g, b: g",
        example: example!([([3, 4], Signed), ([3, 4], Signed)], |x| x[0] + x[1]),
    };
}

impl<F: Real> Op<F> for Add {
    fn row(&self) -> &'static Row {
        &Self::ROW
    }

    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        if x[0] != x[1] {
            return Err(ShapeError(format!("shapes differ: {} and {}", x[0], x[1])));
        }
        Ok(x[0])
    }

    fn forward(&mut self, x: &[&Tensor<F>], y: &mut [F], _: &mut Scratch<F>) {
        map(&|[a, b]: [F; 2]| a + b, [x[0].data(), x[1].data()], y);
    }

    fn vjp<'t>(&self, cx: &Vjp<'t, F>) {
        cx.give(0, || cx.g());
        cx.give(1, || cx.g());
    }
}
