//! elbo

pub mod data;
pub mod error;
pub mod files;
pub mod kernels;
pub mod plot;
pub mod rng;
