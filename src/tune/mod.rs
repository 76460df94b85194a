//! Search for good parameters of anything that can be measured.

pub mod distribution;
pub mod importance;
pub mod json;
mod ln;
pub mod normal;
pub mod parzen;
pub mod pruner;
pub mod sampler;
mod space;
pub mod split;
pub mod storage;
mod study;
pub mod trial;

pub use distribution::{Distribution, Value};
pub use space::{Parameter, Space};
pub use storage::Storage;
pub use study::{Outcome, SOURCE, Study, Trial, best_of};
pub use trial::{Direction, FrozenTrial, State};
