//! Training: from a configuration and data to a run's folder.
//!
//! What is trained is a [`Task`]: a network with its losses and its updates, or several. A [`Trainer`] is everything that changes
//! while training, and a checkpoint is a trainer at rest: what continues from one ends with the same bits as what was never
//! interrupted. [`run`] drives it through its epochs, writes the [`Folder`], and reports to a [`Watch`]. No network is known here
//! by its name.

mod batch;
mod checkpoint;
mod config;
mod folder;
mod metrics;
mod part;
mod run;
mod task;
mod trainer;

pub use batch::Batch;
pub use checkpoint::{Trained, mismatch};
pub use config::{Config, MOST_EPOCHS, MOST_WEIGHTS};
pub use folder::Folder;
pub use metrics::{Means, Record, mean_of};
pub use part::Part;
pub use run::{Watch, run, run_until};
pub use task::{NotFinite, Quantity, Task, Terms};
pub use trainer::{Progress, Trainer};
