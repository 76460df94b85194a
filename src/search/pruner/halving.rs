use super::{Judged, Pruner, Resource, Verdict};
use crate::search::json::{as_f64, number};

/// Asynchronous successive halving: of the trials that reach a rung, those among the best 1/r go on.
///
/// Rung k is at step m r^(e + k). The first trials at a rung go on if no other was better. A trial keeps what it reported there as
/// attribute `completed_rung_k`. Li, Jamieson, Rostamizadeh, Gonina, Ben-tzur, Hardt, Recht and Talwalkar, *A system for massively
/// parallel hyperparameter tuning*, MLSys 2020.
#[derive(Clone, Debug)]
pub struct SuccessiveHalving {
    /// m. If automatic, a hundredth of the largest step that a complete trial ended with, at least 1; until there is one, no trial is
    /// stopped.
    pub min_resource: Resource,
    /// r, at least 2.
    pub reduction: u64,
    /// e.
    pub early_stopping_rate: u32,
    /// Trials that are stopped at each rung, before any may pass.
    pub bootstrap: usize,
}

impl Default for SuccessiveHalving {
    /// Optuna's settings.
    fn default() -> Self {
        SuccessiveHalving { min_resource: Resource::automatic(), reduction: 4, early_stopping_rate: 0, bootstrap: 0 }
    }
}

impl SuccessiveHalving {
    /// Whether a trial with the last of these losses goes on, all of which reached the rung.
    fn passes(&self, mut losses: Vec<f64>) -> bool {
        let (count, loss) = (losses.len(), losses[losses.len() - 1]);
        losses.sort_by(f64::total_cmp);
        let good = (count / self.reduction as usize).max(1);
        count > self.bootstrap && loss <= losses[good - 1]
    }
}

impl Pruner for SuccessiveHalving {
    /// # Panics
    /// When the reduction factor is below 2: rungs would have no end.
    fn judge(&self, judged: &Judged) -> Verdict {
        assert!(self.reduction > 1, "expected a reduction factor of at least 2, found {}", self.reduction);
        let mut verdict = Verdict::default();
        let Some((step, value)) = judged.trial.last_report() else { return verdict };
        let Some(least) = self.min_resource.get(judged.trials, |largest| (largest / 100).max(1)) else {
            return verdict;
        };
        let key = |rung| format!("completed_rung_{rung}");
        let mut rung = (0..).take_while(|k| judged.trial.system_attrs.contains_key(&key(*k))).count() as u32;
        let is_reached = |rung| {
            let at = self
                .reduction
                .checked_pow(self.early_stopping_rate.saturating_add(rung))
                .and_then(|x| x.checked_mul(least));
            at.is_some_and(|at| at <= step)
        };
        while is_reached(rung) && !verdict.prune {
            if value.is_nan() {
                verdict.prune = true;
                break;
            }
            let key = key(rung);
            let values = judged.trials.iter().filter_map(|t| as_f64(t.system_attrs.get(&key)?));
            let losses = values.chain([value]).map(|v| judged.loss(v)).collect();
            verdict.notes.push((key, number(value)));
            verdict.prune = !self.passes(losses);
            rung += 1;
        }
        verdict
    }
}
