//! Pure functions on slices.

pub mod math;
mod real;

pub use real::Real;
