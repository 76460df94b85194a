//! The search for good parameters of anything that can be measured, by the Tree-structured Parzen Estimator and its rivals.
//!
//! A [`Study`] is asked for a [`Trial`], the trial for parameters, and the study is told what came of it:
//!
//! ```
//! use elbo::search::{Direction, Outcome, Storage, Study, sampler::Tpe};
//!
//! let study = Study::create(Storage::in_memory(), "example", &[Direction::Minimize])?.sampler(Tpe::default());
//! for _ in 0..20 {
//!     let mut trial = study.ask()?;
//!     let lr = trial.log_float("lr", 1e-5, 1e-1)?;
//!     let layers = trial.int("layers", 1, 4)?;
//!     // A parameter may depend on another one.
//!     let dropout = if layers > 2 { trial.float("dropout", 0.0, 0.5)? } else { 0.0 };
//!     let loss = (lr.log10() + 3.0).abs() + (layers - 3).abs() as f64 + dropout;
//!     study.tell(trial, Outcome::Complete(vec![loss]))?;
//! }
//! println!("{:?}", study.best()?.unwrap().params);
//! # Ok::<(), elbo::Error>(())
//! ```
//!
//! # How TPE chooses
//!
//! Of the loss y at parameters x a model could be built, p(y | x), to ask where y is expected to be low. TPE models the other way
//! round: it divides the trials so far into the best tenth and the rest, and models where each group was, l(x) and g(x). By Bayes'
//! rule the expected improvement at x grows with l(x)/g(x), so it proposes an x that is likely under l and unlikely under g:
//!
//! 1. [`split`]: which trials are good.
//! 2. [`parzen`]: l and g, a kernel a trial and a wide one for what is not known.
//! 3. [`sampler::tpe`]: candidates from l, and the one with the largest ln l − ln g.
//!
//! Random search ([`sampler::Random`]) learns nothing and needs nothing; a grid ([`sampler::Grid`]) misses nothing and grows with
//! every parameter by a factor; Sobol points ([`sampler::Sobol`]) are random search without its gaps.
//!
//! # What is kept
//!
//! A study is what its lines say, in memory or in a [journal](storage) that other processes share, this program's or Optuna's: the
//! rules of the sampler and the format of the file are those of Optuna 5.0. [`pruner`]s stop trials that lag behind;
//! [`importance`] says which parameters made the difference.
//!
//! A suggestion is a function of the seed, the trial's number and the trials it could see; there is no generator whose state matters.
//! Nothing here knows of tensors, networks or data.

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
mod value;

pub use distribution::Distribution;
pub use space::{Parameter, Space};
pub use storage::Storage;
pub use study::{Outcome, SOURCE, Study, Trial, best_of};
pub use trial::{Direction, FrozenTrial, State};
pub use value::Value;
