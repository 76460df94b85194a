//! Pure functions on slices: no tensors, no tape, working memory passed in. The only `unsafe` code of the project is here.
//!
//! | module | what |
//! |---|---|
//! | [`simd`] | one source for several instruction sets |
//! | [`math`] | `exp`, `ln`, `tanh`, `sigmoid`, `softplus` |
//! | [`elementwise`] | any scalar formula over slices |
//! | [`reduce`] | sums in a fixed order |
//! | [`channels`] | sums of channels, and formulas with their numbers |
//! | [`gemm`] | matrix products |
//! | [`conv`] | convolutions and their adjoints |
//! | [`pool`] | the largest and the mean of windows |
//! | [`update`] | the updates of Adam and of momentum |
//! | [`attend`] | threads that stay awake through a step |
//! | [`peak`] | what the machine can do at most |
//!
//! Every kernel gives the same bits on any number of threads and on each [`simd::Path`]: threads own disjoint outputs, and the
//! order of the operations behind one output depends on the shapes alone.

#![allow(unsafe_code)]

pub mod attend;
pub mod channels;
pub mod conv;
pub mod elementwise;
pub mod gemm;
pub mod math;
pub mod peak;
pub mod pool;
mod real;
pub mod reduce;
pub mod simd;
pub mod update;

pub use real::Real;
