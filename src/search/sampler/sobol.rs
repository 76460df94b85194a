use super::{Asking, Sampler};
use crate::search::distribution::Distribution;

/// Sobol's sequence, scrambled: point n of it for trial n, dimension k for the k-th parameter asked for. Like random search, but
/// the points keep apart: each stretch of 2ᵐ of them has one in each of 2ᵐ equal slices of every parameter (Sobol, 1967; Owen,
/// 1995; computed as by Burley, *Practical hash-based Owen scrambling*, JCGT 9, 2020).
#[derive(Clone, Copy, Debug, Default)]
pub struct Sobol;

/// What the direction numbers reach to.
const DIMENSIONS: usize = 256;

impl Sampler for Sobol {
    fn source(&self, _: &Asking) -> String {
        "Sobol".into()
    }

    fn independent(&self, asking: &Asking, place: usize, name: &str, distribution: &Distribution) -> f64 {
        let u = match u16::try_from(asking.number) {
            Ok(number) if place < DIMENSIONS => {
                let seed = (asking.seed ^ (asking.seed >> 32)) as u32;
                f64::from(sobol_burley::sample(number.into(), place as u32, seed))
            }
            // Beyond the sequence.
            _ => asking.random([name]).uniform(),
        };
        distribution.at(u)
    }
}
