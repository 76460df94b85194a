use super::{Judged, Pruner, Verdict, due};

/// Stops a trial that reports NaN or a value out of bounds, whatever the study's direction.
#[derive(Clone, Copy, Debug)]
pub struct Threshold {
    /// The smallest value to go on with.
    pub lower: f64,
    /// The largest value to go on with.
    pub upper: f64,
    /// The first step at which a trial may be stopped.
    pub warmup_steps: u64,
    /// A trial is judged once in so many steps; at least 1.
    pub interval: u64,
}

impl Default for Threshold {
    /// Without bounds, at each step.
    fn default() -> Self {
        Threshold { lower: f64::NEG_INFINITY, upper: f64::INFINITY, warmup_steps: 0, interval: 1 }
    }
}

impl Pruner for Threshold {
    fn judge(&self, judged: &Judged) -> Verdict {
        let is_out = |(_, value): (u64, f64)| !(self.lower..=self.upper).contains(&value);
        due(judged.trial, self.warmup_steps, self.interval).is_some_and(is_out).into()
    }
}
