//! Training: from a configuration and data to a run's folder.
//!
//! A [`Trainer`] is everything that changes while training, and a checkpoint is a trainer at rest: what continues from one ends
//! with the same bits as what was never interrupted. [`run`] drives it through its epochs, writes the [`Folder`], and tells a
//! [`Watch`] how it goes. No models here and no pictures.

mod checkpoint;
mod config;
mod folder;
mod metrics;
mod run;
mod trainer;

pub use checkpoint::Trained;
pub use config::{Config, OptimizerKind};
pub use folder::Folder;
pub use metrics::{Record, Score, Standing};
pub use run::{Watch, run, run_until};
pub use trainer::{Progress, Trainer};
