//! Data sets as bytes and labels: where they come from, how they are checked, in which order and as which numbers
//! they enter training.

mod batches;
mod binarise;

pub use batches::epoch_order;
pub use binarise::Binarise;
