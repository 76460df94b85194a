use super::{Judged, Pruner, Verdict, due};
use crate::search::trial::{Direction, State};
use libm::floor;

/// Stops a trial whose best report so far is worse than the q-th percentile of what complete trials reported at the same step.
///
/// The percentile interpolates linearly between order statistics (Hyndman and Fan, *Sample quantiles in statistical packages*, 1996,
/// definition 7). Reports of NaN are ignored, but a trial with no other is stopped.
#[derive(Clone, Copy, Debug)]
pub struct Percentile {
    /// q, from 0 to 100: the share of trials that would go on.
    pub percentile: f64,
    /// Complete trials before any is stopped.
    pub startup_trials: usize,
    /// The first step at which a trial may be stopped.
    pub warmup_steps: u64,
    /// A trial is judged once in so many steps; at least 1.
    pub interval: u64,
    /// Complete trials with a report at the step, without which no trial is stopped there.
    pub min_trials: usize,
}

impl Percentile {
    /// At a percentile, with Optuna's settings: 5 trials of startup, each step.
    ///
    /// # Panics
    /// When it is not from 0 to 100.
    #[track_caller]
    pub fn new(percentile: f64) -> Self {
        assert!((0.0..=100.0).contains(&percentile), "expected a percentile from 0 to 100, found {percentile}");
        Percentile { percentile, startup_trials: 5, warmup_steps: 0, interval: 1, min_trials: 1 }
    }

    /// At the median.
    pub fn median() -> Self {
        Percentile::new(50.0)
    }
}

impl Pruner for Percentile {
    fn judge(&self, judged: &Judged) -> Verdict {
        let complete = || judged.trials.iter().filter(|t| t.state == State::Complete);
        if complete().count() < self.startup_trials.max(1) {
            return false.into();
        }
        let Some((step, _)) = due(judged.trial, self.warmup_steps, self.interval) else { return false.into() };
        let losses = judged.trial.reports.values().map(|v| judged.loss(*v));
        let Some(best) = losses.filter(|l| !l.is_nan()).reduce(f64::min) else { return true.into() };
        let others: Vec<f64> = complete().filter_map(|t| t.reports.get(&step).copied()).collect();
        if others.len() < self.min_trials {
            return false.into();
        }
        let q = match judged.directions[0] {
            Direction::Minimize => self.percentile,
            Direction::Maximize => 100.0 - self.percentile,
        };
        (best > judged.loss(percentile(others, q))).into()
    }
}

/// The q-th percentile of all but NaN; of nothing it is NaN.
fn percentile(mut values: Vec<f64>, q: f64) -> f64 {
    values.retain(|v| !v.is_nan());
    values.sort_by(f64::total_cmp);
    let Some(last) = values.len().checked_sub(1) else { return f64::NAN };
    let place = last as f64 * (q / 100.0);
    let t = place - floor(place);
    let (a, b) = (values[place as usize], values[(place as usize + 1).min(last)]);
    // From the nearer side, to the bit as NumPy has it.
    if t < 0.5 { a + (b - a) * t } else { b - (b - a) * (1.0 - t) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_lies_between_order_statistics() {
        let values = || vec![4.0, f64::NAN, 1.0, 3.0, 2.0];
        assert_eq!(
            [0.0, 50.0, 80.0, 90.0, 100.0].map(|q| percentile(values(), q)),
            [1.0, 2.5, 3.400_000_000_000_000_4, 3.7, 4.0]
        );
        assert_eq!(percentile(vec![7.0], 25.0), 7.0);
        assert!(percentile(vec![f64::NAN], 50.0).is_nan());
    }
}
