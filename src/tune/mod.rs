//! The search for good settings of a network: [`search`](crate::search) over [cross-validated](CrossValidation) training.
//!
//! [`options`] says which settings can be searched, [`budget`] what a search can be expected to find before it begins, a [`Worker`]
//! goes through trials, a [`Session`](session::Session) is run from its first trial to its report, and [`report`] tells what came of them. [`compare`] plays samplers against each other on losses measured once.

pub mod budget;
pub mod compare;
pub mod figures;
mod finish;
mod objective;
pub mod options;
mod plan;
pub mod report;
pub mod row;
mod run;
pub mod session;
mod summary;
mod validate;

pub use finish::{Share, Stand};
pub use objective::Objective;
pub use plan::{Diverged, Plan, PrunerKind, SamplerKind};
pub use run::{Done, Left, WatchTrials, Worker};
pub use summary::SearchSummary;
pub use validate::{CrossValidation, End, FoldScore};
