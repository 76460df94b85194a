//! Distributions over rows: each function takes `[B, n]` and gives one number a row, `[B, 1]`, in nats.

pub mod bernoulli;
pub mod gaussian;
