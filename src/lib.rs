//! elbo

pub mod autograd;
pub mod data;
pub mod dist;
pub mod error;
pub mod files;
pub mod kernels;
pub mod loss;
pub mod models;
pub mod nn;
pub mod ops;
pub mod optim;
pub mod plot;
pub mod rng;
pub mod tensor;
pub mod train;

pub use autograd::{Tape, Var};
pub use error::{Error, Result};
pub use tensor::{Shape, Tensor};
