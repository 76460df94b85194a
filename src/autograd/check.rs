//! The gradient checker: derivatives against differences, at first and second order, in f64.
//!
//! For y = f(x) and a random cotangent c, let s(x) = ⟨c, f(x)⟩. Order 1 compares the derivative of s along random dense
//! directions d, by five-point central differences
//!
//! ```text
//! s′ ≈ (s(−2h) − 8 s(−h) + 8 s(h) − s(2h)) / 12h        error O(h⁴)
//! ```
//!
//! with ⟨∂s/∂x, d⟩ from the sweep. Order 2 does the same to the gradient itself: for random u, the function
//! H(x, c) = ⟨u, ∂s/∂x⟩ is differentiated along a direction in x **and in c**, by differences of recorded-off gradients and by
//! the sweep over the recorded gradient. Perturbing c as well catches a rule that is right at first order but hides part of
//! its input from the tape.

use super::{Domain, Example, Tape, Var};
use crate::rng::{Purpose, Stream};
use crate::tensor::Tensor;

/// Step of the differences: 1e-2 is too coarse for 1e-9, 1e-3 leaves little margin, below 1e-4 rounding takes over.
const H: f64 = 3e-4;

/// The largest relative error that passes.
pub const TOLERANCE: f64 = 1e-9;

/// Directions tried.
const DIRECTIONS: u64 = 3;

/// The worst relative errors |a − n| / max(|a|, |n|) of analytic against numeric directional derivatives.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Errors {
    /// Of the gradient.
    pub order1: f64,
    /// Of the gradient's gradient.
    pub order2: f64,
}

impl Errors {
    /// Whether both are within [`TOLERANCE`]. NaN is not.
    pub fn pass(&self) -> bool {
        self.order1 <= TOLERANCE && self.order2 <= TOLERANCE
    }
}

/// A function of several tensors, on whatever tape they are.
pub trait Function: for<'t> Fn(&[Var<'t, f64>]) -> Var<'t, f64> {}
impl<T: for<'t> Fn(&[Var<'t, f64>]) -> Var<'t, f64>> Function for T {}

/// Checks f at `x` along random directions.
///
/// # Panics
/// When the gradient as numbers and the recorded gradient are not the same bits.
pub fn check(f: &impl Function, x: &[Tensor<f64>]) -> Errors {
    let mut worst = Errors::default();
    for direction in 0..DIRECTIONS {
        let mut stream = Stream::new(0, Purpose::Check, direction, 1);
        let mut like = |t: &Tensor<f64>| {
            let mut data = vec![0.0; t.shape().size()];
            stream.fill_normal(&mut data);
            Tensor::new(data, t.shape())
        };
        let c = like(&value(f, x));
        let u: Vec<_> = x.iter().map(&mut like).collect();
        let (dx, dc): (Vec<_>, _) = (x.iter().map(&mut like).collect(), like(&c));
        let at = |t: f64| (x.iter().zip(&dx).map(|(x, d)| shifted(x, d, t)).collect::<Vec<_>>(), shifted(&c, &dc, t));

        // Order 1: along dx, with c fixed.
        let numeric = difference(|t| dot(&c, &value(f, &at(t).0)));
        let analytic = gradient(f, x, &c).iter().zip(&dx).map(|(g, d)| dot(g, d)).sum();
        worst.order1 = worst.order1.max(relative(analytic, numeric));

        // Order 2: along (dx, dc).
        let numeric = difference(|t| {
            let (x, c) = at(t);
            gradient(f, &x, &c).iter().zip(&u).map(|(g, u)| dot(g, u)).sum()
        });
        let analytic = second(f, x, &c, &u).iter().zip(dx.iter().chain([&dc])).map(|(g, d)| dot(g, d)).sum();
        worst.order2 = worst.order2.max(relative(analytic, numeric));
    }
    worst
}

/// Checks the example of a row of the catalogue.
pub fn check_example(example: &Example) -> Errors {
    check(&example.double, &inputs(example))
}

/// Random inputs of an example's shapes, within its domains.
pub fn inputs(example: &Example) -> Vec<Tensor<f64>> {
    let mut stream = Stream::new(0, Purpose::Check, 0, 0);
    let mut number = |domain| {
        let size = stream.between(0.2, 2.0);
        match domain {
            Domain::Signed if stream.uniform() < 0.5 => -size,
            _ => size,
        }
    };
    let mut tensor = |&(shape, domain): &(&[usize], Domain)| {
        let shape = crate::tensor::Shape::new(shape);
        Tensor::new((0..shape.size()).map(|_| number(domain)).collect(), shape)
    };
    example.inputs.iter().map(&mut tensor).collect()
}

fn leaves<'t>(tape: &'t Tape<f64>, x: &[Tensor<f64>]) -> Vec<Var<'t, f64>> {
    x.iter().map(|x| tape.leaf(x.clone())).collect()
}

fn value(f: &impl Function, x: &[Tensor<f64>]) -> Tensor<f64> {
    let tape = Tape::new();
    f(&leaves(&tape, x)).value()
}

/// ∂⟨c, f(x)⟩/∂x as numbers.
fn gradient(f: &impl Function, x: &[Tensor<f64>], c: &Tensor<f64>) -> Vec<Tensor<f64>> {
    let tape = Tape::new();
    let x = leaves(&tape, x);
    let y = f(&x);
    tape.pull(&[(y, tape.leaf(c.clone()))], &x)
}

/// ∂⟨u, ∂⟨c, f(x)⟩/∂x⟩/∂(x, c).
fn second(f: &impl Function, x: &[Tensor<f64>], c: &Tensor<f64>, u: &[Tensor<f64>]) -> Vec<Tensor<f64>> {
    let tape = Tape::new();
    let leaves = leaves(&tape, x);
    let y = f(&leaves);
    let c_leaf = tape.leaf(c.clone());
    let gradients = tape.vjp(&[(y, c_leaf)], &leaves);
    for (recorded, numbers) in gradients.iter().zip(gradient(f, x, c)) {
        let recorded = recorded.value();
        let same = |(a, b): (&f64, &f64)| a == b || a.is_nan() && b.is_nan();
        assert!(
            recorded.shape() == numbers.shape() && recorded.data().iter().zip(numbers.data()).all(same),
            "the recorded gradient and the numbers differ"
        );
    }
    let seeds: Vec<_> = gradients.into_iter().zip(u.iter().map(|u| tape.leaf(u.clone()))).collect();
    tape.pull(&seeds, &[&leaves[..], &[c_leaf]].concat())
}

fn shifted(x: &Tensor<f64>, d: &Tensor<f64>, t: f64) -> Tensor<f64> {
    Tensor::new(x.data().iter().zip(d.data()).map(|(x, d)| x + t * d).collect(), x.shape())
}

fn dot(a: &Tensor<f64>, b: &Tensor<f64>) -> f64 {
    a.data().iter().zip(b.data()).map(|(a, b)| a * b).sum()
}

/// The derivative at 0 by five-point central differences.
fn difference(s: impl Fn(f64) -> f64) -> f64 {
    (s(-2.0 * H) - 8.0 * s(-H) + 8.0 * s(H) - s(2.0 * H)) / (12.0 * H)
}

/// |a − b| / max(|a|, |b|); 0 when a = b, ∞ where that is not a number.
fn relative(a: f64, b: f64) -> f64 {
    let error = (a - b).abs() / a.abs().max(b.abs());
    match a == b {
        true => 0.0,
        false if error.is_nan() => f64::INFINITY,
        false => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_derivative_that_is_not_a_number_does_not_pass() {
        let zero = [Tensor::full(0.0, [2])];
        // √|x| has no derivative at 0; x √|x| has one, 0, and no second one.
        assert!(!check(&|x: &[Var<f64>]| x[0].abs().sqrt(), &zero).pass());
        let errors = check(&|x: &[Var<f64>]| x[0] * x[0].square().sqrt().sqrt(), &zero);
        assert!(!errors.pass(), "{errors:?}");
        for (a, b) in [(f64::NAN, 1.0), (1.0, f64::NAN), (f64::NAN, f64::NAN), (f64::INFINITY, 1.0)] {
            assert_eq!(relative(a, b), f64::INFINITY);
        }
    }
}
