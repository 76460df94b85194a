//! Schedules: numbers that change over training.

use crate::kernels::math::cos_pi;
#[cfg(feature = "serde")]
use serde::{Deserialize, Serialize};

/// How the learning rate goes from its initial value over training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum LrSchedule {
    /// It stays.
    #[default]
    Constant,
    /// To 0 along a line.
    Linear,
    /// To 0 along half a cosine (Loshchilov and Hutter 2017, arXiv 1608.03983, without restarts).
    Cosine,
}

impl LrSchedule {
    /// The factor on the initial learning rate for step `step` of `steps`, counted from 0.
    pub fn factor(self, step: u64, steps: u64) -> f64 {
        let done = step as f64 / steps.max(1) as f64;
        match self {
            LrSchedule::Constant => 1.0,
            LrSchedule::Linear => 1.0 - done,
            LrSchedule::Cosine => 0.5 * (1.0 + cos_pi(done)),
        }
    }
}

/// A factor that rises from 0 to 1 along a line over the first `steps` steps: the KL weight's warm-up (Bowman et al. 2016,
/// arXiv 1511.06349; Sønderby et al. 2016, arXiv 1602.02282). Without it, the KL term can close latents before the decoder has
/// learnt to use them.
pub fn warm_up(step: u64, steps: u64) -> f64 {
    if step >= steps { 1.0 } else { step as f64 / steps as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_start_at_one_and_end_at_zero() {
        for schedule in [LrSchedule::Linear, LrSchedule::Cosine] {
            assert_eq!(schedule.factor(0, 100), 1.0, "{schedule:?}");
            assert!((schedule.factor(50, 100) - 0.5).abs() < 1e-15, "{schedule:?}");
            assert!(schedule.factor(100, 100).abs() < 1e-15, "{schedule:?}");
        }
        assert_eq!(LrSchedule::Constant.factor(100, 100), 1.0);
    }

    #[test]
    fn warm_up_rises_to_one_and_stays() {
        assert_eq!([0, 5, 10, 11].map(|step| warm_up(step, 10)), [0.0, 0.5, 1.0, 1.0]);
        assert_eq!(warm_up(0, 0), 1.0);
    }
}
