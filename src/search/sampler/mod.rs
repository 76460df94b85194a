//! Samplers: where the parameters of a trial come from.

mod grid;
mod random;
mod sobol;
pub mod tpe;

pub use grid::Grid;
pub use random::Random;
pub use sobol::Sobol;
pub use tpe::Tpe;

use super::distribution::Distribution;
use super::trial::{Attrs, Direction, FrozenTrial};
use super::value::Value;
use crate::rng::{Purpose, Stream};
use std::sync::Arc;

/// A trial that asks for parameters, and what it may know. A suggestion is a function of this and nothing else.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// Its number.
    pub number: usize,
    /// The trials of its study, itself included.
    pub trials: &'a [Arc<FrozenTrial>],
    /// The study's directions.
    pub directions: &'a [Direction],
    /// The sampler's seed.
    pub seed: u64,
    /// Parameters with one value for the whole study: they are not suggested.
    pub fixed: &'a [(String, Value)],
}

impl Asking<'_> {
    /// The random numbers of the parameters with these names.
    pub fn random<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Stream {
        let mut hash = crc32fast::Hasher::new();
        for name in names {
            hash.update(name.as_bytes());
            hash.update(&[0]);
        }
        Stream::new(self.seed, Purpose::Suggest, self.number as u64, hash.finalize().into())
    }
}

impl<S: Sampler + ?Sized> Sampler for Box<S> {
    fn source(&self, asking: &Asking) -> String {
        (**self).source(asking)
    }

    fn begin(&self, asking: &Asking) -> Option<Attrs> {
        (**self).begin(asking)
    }

    fn joint(&self, asking: &Asking) -> Vec<Suggested> {
        (**self).joint(asking)
    }

    fn independent(&self, asking: &Asking, place: usize, name: &str, distribution: &Distribution) -> f64 {
        (**self).independent(asking, place, name, distribution)
    }
}

/// A parameter's name, distribution and suggested internal number.
pub type Suggested = (String, Arc<Distribution>, f64);

/// Where the parameters of a trial come from.
pub trait Sampler: Send + Sync {
    /// What made the suggestion, in one word or two: a trial keeps it.
    fn source(&self, asking: &Asking) -> String;

    /// System attributes of a new trial, chosen while no other worker can choose; none if there is nothing left to try.
    fn begin(&self, _asking: &Asking) -> Option<Attrs> {
        Some(Attrs::new())
    }

    /// Parameters suggested together, before the first is asked for.
    fn joint(&self, _asking: &Asking) -> Vec<Suggested> {
        Vec::new()
    }

    /// One parameter by itself, the `place`-th that the trial asks for, from 0.
    fn independent(&self, asking: &Asking, place: usize, name: &str, distribution: &Distribution) -> f64;
}
