use super::{Asking, Sampler};
use crate::search::distribution::Distribution;

/// Random search: each parameter by itself, whatever came before (Bergstra and Bengio, JMLR 13, 2012). Against a grid it wins
/// where few parameters matter, since it tries a new value of each in every trial.
#[derive(Clone, Copy, Debug, Default)]
pub struct Random;

impl Sampler for Random {
    fn source(&self, _: &Asking) -> String {
        "random".into()
    }

    fn independent(&self, asking: &Asking, _: usize, name: &str, distribution: &Distribution) -> f64 {
        distribution.at(asking.random([name]).uniform())
    }
}
