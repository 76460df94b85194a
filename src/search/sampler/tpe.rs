//! [`Tpe`]: the Tree-structured Parzen Estimator.
//!
//! It divides the past trials into a few good ones and all others, builds a [mixture](crate::search::parzen) of each, l(x) and
//! g(x), draws candidates from l and takes the one with the largest l(x)/g(x), which is the one with the largest expected
//! improvement (Bergstra, Bardenet, Bengio and Kégl, NeurIPS 2011, section 4). The rules are those of Optuna 5.0.

use super::{Asking, Random, Sampler, Sobol, Suggested};
use crate::search::distribution::Distribution;
use crate::search::parzen::{self, Mixture, ramp};
use crate::search::split::{good_of, split};
use crate::search::trial::{FrozenTrial, State};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which parameters are suggested together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Joint {
    /// Those that every trial had, with the same distribution.
    Common,
    /// Those that came together whenever they came: the branches of a conditional space each have a mixture of their own.
    Groups,
    /// None: each parameter has its own mixtures.
    Never,
}

/// How the first trials are chosen, before there is anything to model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Startup {
    /// At random.
    Random,
    /// By a [`Sobol`] sequence.
    Sobol,
}

/// The Tree-structured Parzen Estimator.
#[derive(Clone, Copy, Debug)]
pub struct Tpe {
    /// Complete and pruned trials before the model is used.
    pub startup_trials: usize,
    /// How they are chosen.
    pub startup: Startup,
    /// Candidates drawn from l.
    pub candidates: usize,
    /// Which parameters are suggested together. `None`: the common ones, with several objectives none.
    pub joint: Option<Joint>,
}

impl Default for Tpe {
    /// Optuna's settings.
    fn default() -> Self {
        Tpe { startup_trials: 10, startup: Startup::Random, candidates: 24, joint: None }
    }
}

/// A parameter that is to be suggested.
pub type Wanted = (String, Arc<Distribution>);

/// One suggestion and how it came about.
#[derive(Clone, Debug)]
pub struct Anatomy {
    /// The parameters, in the order of their names.
    pub wanted: Vec<Wanted>,
    /// l, of the good trials.
    pub good: Mixture,
    /// g, of the others.
    pub bad: Mixture,
    /// Numbers of the trials behind l.
    pub good_trials: Vec<usize>,
    /// Numbers of the trials behind g.
    pub bad_trials: Vec<usize>,
    /// Candidates by columns: `candidates[d][i]` is parameter d of candidate i, internal.
    pub candidates: Vec<Vec<f64>>,
    /// ln l − ln g of each candidate.
    pub acquisition: Vec<f64>,
    /// The candidate that is suggested.
    pub best: usize,
}

impl Tpe {
    /// Whether the model is used, with these trials finished.
    pub fn is_past_startup(&self, trials: &[Arc<FrozenTrial>]) -> bool {
        let counts = |t: &&Arc<FrozenTrial>| matches!(t.state, State::Complete | State::Pruned);
        trials.iter().filter(counts).count() >= self.startup_trials
    }

    /// The parameters that are suggested together, in groups of which each has its own mixtures; none during the startup.
    pub fn together(&self, asking: &Asking) -> Vec<Vec<Wanted>> {
        if !self.is_past_startup(asking.trials) {
            return Vec::new();
        }
        let mut groups = match self.joint(asking.directions.len()) {
            Joint::Common => vec![common(asking.trials)],
            Joint::Groups => groups(asking.trials),
            Joint::Never => Vec::new(),
        };
        groups.iter_mut().for_each(|group| group.retain(|(name, _)| !asking.fixed.iter().any(|(f, _)| f == name)));
        groups.retain(|group| !group.is_empty());
        groups
    }

    /// Suggests parameters together, or one by itself.
    pub fn suggest(&self, asking: &Asking, wanted: Vec<Wanted>, joint: bool) -> Anatomy {
        let split = split(asking.trials, asking.number, asking.directions, |n| good_of(n, asking.directions.len()));
        let (good_trials, good) = observe(&split.good, &wanted, joint);
        let (bad_trials, bad) = observe(&split.bad, &wanted, joint);
        // With several objectives all good trials are alike.
        let weights = if asking.directions.len() > 1 { vec![1.0; good_trials.len()] } else { ramp(good_trials.len()) };
        let fit = |columns, weights| Mixture::fit(wanted.iter().map(|(_, d)| &**d).zip(columns), weights);
        let (good, bad) = (fit(good, weights), fit(bad, ramp(bad_trials.len())));

        let mut random = asking.random(wanted.iter().map(|(name, _)| name.as_str()));
        let mut candidates = vec![Vec::with_capacity(self.candidates); wanted.len()];
        for _ in 0..self.candidates {
            for (column, x) in candidates.iter_mut().zip(good.sample(&mut random)) {
                column.push(x);
            }
        }
        let (acquisition, best) = acquire(&good.log_pdf(&candidates), &bad.log_pdf(&candidates));
        Anatomy { wanted, good, bad, good_trials, bad_trials, candidates, acquisition, best }
    }

    fn joint(&self, objectives: usize) -> Joint {
        self.joint.unwrap_or(if objectives > 1 { Joint::Never } else { Joint::Common })
    }
}

/// ln l − ln g, and the place of the first of the largest; where both are −∞, the quotient counts as 0.
fn acquire(log_l: &[f64], log_g: &[f64]) -> (Vec<f64>, usize) {
    let acquisition: Vec<f64> = log_l.iter().zip(log_g).map(|(l, g)| l - g).collect();
    let score = |i: usize| if acquisition[i].is_nan() { f64::NEG_INFINITY } else { acquisition[i] };
    let best = (1..acquisition.len()).fold(0, |best, i| if score(i) > score(best) { i } else { best });
    (acquisition, best)
}

/// The trials that have all wanted parameters, and their observations by columns. Of one that runs elsewhere the announced
/// parameters count too, if several are wanted together.
fn observe(trials: &[&FrozenTrial], wanted: &[Wanted], joint: bool) -> (Vec<usize>, Vec<Vec<f64>>) {
    let (mut numbers, mut columns) = (Vec::new(), vec![Vec::with_capacity(trials.len()); wanted.len()]);
    let mut row = vec![0.0; wanted.len()];
    for trial in trials {
        let announced = match joint && trial.state == State::Running {
            true => trial.announced(),
            false => BTreeMap::new(),
        };
        // Both are in the order of names.
        let mut params = trial.params.iter().peekable();
        let has_all = wanted.iter().zip(&mut row).all(|((name, distribution), x)| {
            while params.next_if(|(n, _)| *n < name).is_some() {}
            let set = params.next_if(|(n, _)| *n == name).map(|(_, p)| p.internal);
            let found = set.or_else(|| distribution.internal(announced.get(name)?));
            let found = found.filter(|x| parzen::has_kernel(distribution, *x));
            *x = found.unwrap_or(f64::NAN);
            found.is_some()
        });
        if has_all {
            numbers.push(trial.number);
            columns.iter_mut().zip(&row).for_each(|(column, x)| column.push(*x));
        }
    }
    (numbers, columns)
}

/// The parameters of each complete or pruned trial.
fn spaces(trials: &[Arc<FrozenTrial>]) -> impl Iterator<Item = BTreeMap<&String, &Arc<Distribution>>> {
    let counts = trials.iter().filter(|t| matches!(t.state, State::Complete | State::Pruned));
    counts.map(|t| t.params.iter().map(|(name, p)| (name, &p.distribution)).collect())
}

/// The parameters that every complete or pruned trial had with the same distribution, but for those with one value.
pub fn common(trials: &[Arc<FrozenTrial>]) -> Vec<Wanted> {
    let mut finished = trials.iter().filter(|t| matches!(t.state, State::Complete | State::Pruned));
    let Some(first) = finished.next() else { return Vec::new() };
    let mut common: Vec<_> = first.params.iter().map(|(name, p)| (name, &p.distribution)).collect();
    for trial in finished {
        // Both are in the order of names.
        let mut params = trial.params.iter().peekable();
        common.retain(|(name, d)| {
            while params.next_if(|(n, _)| n < name).is_some() {}
            let own = params.next_if(|(n, _)| n == name);
            own.is_some_and(|(_, p)| Arc::ptr_eq(&p.distribution, d) || p.distribution == **d)
        });
    }
    let wanted = common.into_iter().map(|(name, d)| (name.clone(), Arc::clone(d)));
    wanted.filter(|(_, d)| !d.is_single()).collect()
}

/// The parameters in groups: two are in one group if every complete or pruned trial had both or neither.
pub fn groups(trials: &[Arc<FrozenTrial>]) -> Vec<Vec<Wanted>> {
    let mut groups: Vec<BTreeMap<&String, &Arc<Distribution>>> = Vec::new();
    for mut space in spaces(trials) {
        let mut next = Vec::new();
        for group in groups {
            let (within, without): (BTreeMap<_, _>, BTreeMap<_, _>) =
                group.into_iter().partition(|(name, _)| space.contains_key(*name));
            // The newest distribution counts.
            let within = within.into_keys().filter_map(|name| space.remove_entry(name)).collect();
            next.extend([within, without]);
        }
        next.push(space);
        next.retain(|group| !group.is_empty());
        groups = next;
    }
    let wanted = |group: BTreeMap<&String, &Arc<Distribution>>| -> Vec<Wanted> {
        let several = group.into_iter().filter(|(_, d)| !d.is_single());
        several.map(|(name, d)| (name.clone(), Arc::clone(d))).collect()
    };
    groups.into_iter().map(wanted).filter(|group: &Vec<Wanted>| !group.is_empty()).collect()
}

impl Sampler for Tpe {
    fn source(&self, asking: &Asking) -> String {
        match (self.is_past_startup(asking.trials), self.startup) {
            (true, _) => "model",
            (false, Startup::Random) => "startup, random",
            (false, Startup::Sobol) => "startup, Sobol",
        }
        .into()
    }

    fn joint(&self, asking: &Asking) -> Vec<Suggested> {
        let suggest = |wanted: Vec<Wanted>| {
            let Anatomy { wanted, candidates, best, .. } = self.suggest(asking, wanted, true);
            wanted.into_iter().zip(candidates).map(move |((name, d), column)| (name, d, column[best]))
        };
        self.together(asking).into_iter().flat_map(suggest).collect()
    }

    fn independent(&self, asking: &Asking, place: usize, name: &str, distribution: &Distribution) -> f64 {
        match (self.is_past_startup(asking.trials), self.startup) {
            (true, _) => {
                let wanted = vec![(name.to_string(), Arc::new(distribution.clone()))];
                let anatomy = self.suggest(asking, wanted, false);
                anatomy.candidates[0][anatomy.best]
            }
            (false, Startup::Random) => Random.independent(asking, place, name, distribution),
            (false, Startup::Sobol) => Sobol.independent(asking, place, name, distribution),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::trial::Param;
    use crate::search::{Direction, Outcome, Storage, Study};

    #[test]
    fn observations_that_are_no_numbers_on_their_scale_are_left_out() {
        let distributions =
            [Distribution::float(0.0, 1.0), Distribution::log_float(0.5, 1.0), Distribution::log_int(1, 9)];
        for distribution in distributions {
            let tpe = Tpe { startup_trials: 1, ..Tpe::default() };
            let study = Study::create(Storage::in_memory(), "s", &[Direction::Minimize]).unwrap().sampler(tpe);
            for internal in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -5.0, 1e300] {
                let mut trial = FrozenTrial::new(State::Complete);
                trial.values = Some(vec![1.0]);
                let param = Param { internal, distribution: Arc::new(distribution.clone()) };
                trial.params.insert("x".into(), param);
                study.add(trial).unwrap();
            }
            for _ in 0..4 {
                let mut trial = study.ask().unwrap();
                let x = distribution.internal(&trial.suggest("x", &distribution).unwrap()).unwrap();
                assert!(distribution.contains(x), "{distribution}: {x}");
                study.tell(trial, Outcome::Fail).unwrap();
            }
        }
    }
}
