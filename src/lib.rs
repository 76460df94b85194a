//! elbo

pub mod data;
pub mod error;
pub mod kernels;
pub mod plot;
pub mod rng;
