//! [`Study`]: trials that ask for parameters and tell what came of them.

use super::distribution::{Distribution, Value};
use super::json::number;
use super::pruner::{Judged, Pruner};
use super::sampler::{Asking, Sampler};
use super::space::Space;
use super::storage::{Effect, Op, Owner, Storage, StudyRecord};
use super::trial::{ANNOUNCED, Direction, FIXED_PARAMS, FrozenTrial, Param, State};
use crate::error::{Error, Result};
use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

/// A study: a name, directions, and trials in a [`Storage`], which other workers may share.
///
/// ```
/// use elbo::tune::{Direction, Outcome, Storage, Study, sampler::Tpe};
///
/// let study = Study::create(Storage::in_memory(), "parabola", &[Direction::Minimize])?.sampler(Tpe::default()).seed(7);
/// for _ in 0..40 {
///     let mut trial = study.ask()?;
///     let x = trial.float("x", -10.0, 10.0)?;
///     study.tell(trial, Outcome::Complete(vec![(x - 2.0) * (x - 2.0)]))?;
/// }
/// assert!(study.best()?.unwrap().value().unwrap() < 0.5);
/// # Ok::<(), elbo::Error>(())
/// ```
pub struct Study {
    storage: Mutex<Storage>,
    /// Its place in the storage.
    id: usize,
    name: String,
    directions: Vec<Direction>,
    sampler: Box<dyn Sampler>,
    pruner: Option<Box<dyn Pruner>>,
    seed: u64,
    fixed: Vec<(String, Value)>,
}

/// How a trial ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// With one value an objective. A NaN among them is a failure.
    Complete(Vec<f64>),
    /// As unpromising. Its value is its report at the largest step.
    Pruned,
    /// Without a value.
    Fail,
}

/// The attribute of a trial that says where its parameters came from.
pub const SOURCE: &str = "source";

impl Study {
    /// A new study. Its sampler is random search, until [`sampler`](Self::sampler) gives another.
    ///
    /// # Errors
    /// [`Error::Usage`] when the storage has a study of this name.
    pub fn create(storage: Storage, name: &str, directions: &[Direction]) -> Result<Self> {
        Study::create_with(storage, name, directions, [])
    }

    /// The same, with attributes from the start: no other worker sees it without them.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn create_with<'k>(
        mut storage: Storage,
        name: &str,
        directions: &[Direction],
        attrs: impl IntoIterator<Item = (Owner, &'k str, Json)>,
    ) -> Result<Self> {
        let (effects, ()) = storage.transact(|studies| {
            if studies.find(name).is_some() {
                return Err(Error::Usage(format!("a study named {name} is there already")));
            }
            let study = studies.studies.len();
            let create = Op::CreateStudy { name: name.into(), directions: directions.to_vec() };
            let attrs =
                attrs.into_iter().map(|(owner, key, value)| Op::StudyAttr { study, owner, key: key.into(), value });
            Ok(([create].into_iter().chain(attrs).collect(), ()))
        })?;
        let Effect::Created(id) = effects[0] else { unreachable!("nobody was in between") };
        Ok(Study::new(storage, id, name, directions))
    }

    /// A study that somebody created.
    ///
    /// # Errors
    /// [`Error::Usage`] when the storage has none of this name: then it lists those that it has.
    pub fn open(storage: Storage, name: &str) -> Result<Self> {
        let Some(id) = storage.studies().find(name) else {
            let names: Vec<&str> = storage.studies().studies.iter().flatten().map(|s| s.name.as_str()).collect();
            let found = if names.is_empty() { "no study".into() } else { names.join(", ") };
            return Err(Error::Usage(format!("expected a study named {name}, found {found}")));
        };
        let directions = storage.studies().get(id).expect("just found").directions.clone();
        Ok(Study::new(storage, id, name, &directions))
    }

    fn new(storage: Storage, id: usize, name: &str, directions: &[Direction]) -> Self {
        Study {
            storage: Mutex::new(storage),
            id,
            name: name.into(),
            directions: directions.to_vec(),
            sampler: Box::new(super::sampler::Random),
            pruner: None,
            seed: 0,
            fixed: Vec::new(),
        }
    }

    /// Where parameters come from.
    pub fn sampler(mut self, sampler: impl Sampler + 'static) -> Self {
        self.sampler = Box::new(sampler);
        self
    }

    /// Who stops unpromising trials.
    pub fn pruner(mut self, pruner: impl Pruner + 'static) -> Self {
        self.pruner = Some(Box::new(pruner));
        self
    }

    /// The sampler's seed. Trials have random numbers of their own, so workers may share it.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Gives a parameter one value in all trials of this worker; the others are searched around it.
    pub fn fix(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fixed.retain(|(fixed, _)| fixed != name);
        self.fixed.push((name.into(), value.into()));
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// One an objective.
    pub fn directions(&self) -> &[Direction] {
        &self.directions
    }

    fn storage(&self) -> MutexGuard<'_, Storage> {
        // What a panicking thread left is whole: operations are applied one by one.
        self.storage.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Reads what other workers wrote and looks at the study.
    ///
    /// # Errors
    /// When the file cannot be read, is damaged, or has the study no more.
    pub fn look<R>(&self, look: impl FnOnce(&StudyRecord) -> R) -> Result<R> {
        let mut storage = self.storage();
        storage.sync()?;
        storage.studies().get(self.id).map(look).ok_or_else(|| self.is_gone())
    }

    fn is_gone(&self) -> Error {
        Error::Usage(format!("study {}: somebody deleted it", self.name))
    }

    /// Its trials by number, as they are now.
    ///
    /// # Errors
    /// As [`look`](Self::look).
    pub fn trials(&self) -> Result<Vec<Arc<FrozenTrial>>> {
        self.look(|study| study.trials.clone())
    }

    /// The complete trial with the best value that violates no constraint; the first of several.
    ///
    /// # Errors
    /// As [`look`](Self::look).
    pub fn best(&self) -> Result<Option<Arc<FrozenTrial>>> {
        Ok(best_of(&self.trials()?, self.directions[0]).cloned())
    }

    /// Keeps attributes of the study.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn set_attrs<'k>(&self, attrs: impl IntoIterator<Item = (Owner, &'k str, Json)>) -> Result<()> {
        let op =
            |(owner, key, value): (Owner, &str, Json)| Op::StudyAttr { study: self.id, owner, key: key.into(), value };
        self.write(attrs.into_iter().map(op).collect())?;
        Ok(())
    }

    fn write(&self, ops: Vec<Op>) -> Result<Vec<Effect>> {
        Ok(self.storage().transact(|_| Ok((ops, ())))?.0)
    }

    /// Queues a trial with given values; what it does not give is suggested.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn enqueue(&self, params: &BTreeMap<String, Value>) -> Result<()> {
        let mut trial = FrozenTrial::new(State::Waiting);
        let params = params.iter().map(|(name, value)| (name.clone(), value.to_json()));
        trial.system_attrs.insert(FIXED_PARAMS.into(), Json::Object(Map::from_iter(params)));
        self.add(trial)
    }

    /// Adds a trial as it is: one that somebody else measured.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add(&self, trial: FrozenTrial) -> Result<()> {
        self.write(vec![Op::CreateTrial { study: self.id, trial: Box::new(trial) }])?;
        Ok(())
    }

    /// Fails trials that nobody works on any more. Those that are finished stay as they are.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn abandon(&self, trials: impl IntoIterator<Item = usize>) -> Result<()> {
        let all = self.trials()?;
        let fail = |n: usize| {
            let time = Some(Timestamp::now());
            Some(Op::State { trial: all.get(n)?.id, state: State::Fail, values: None, time })
        };
        self.write(trials.into_iter().filter_map(fail).collect())?;
        Ok(())
    }

    /// Begins a trial: the first that is queued, or a new one.
    ///
    /// # Errors
    /// When nothing is left to try, or it cannot be written.
    pub fn ask(&self) -> Result<Trial<'_>> {
        let nothing = || Error::Usage(format!("study {}: all that there is was tried", self.name));
        self.ask_within(usize::MAX)?.ok_or_else(nothing)
    }

    /// Begins a trial, unless the study has `total` that were begun, by whatever worker, or nothing is left to try.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn ask_within(&self, total: usize) -> Result<Option<Trial<'_>>> {
        let time = Some(Timestamp::now());
        let mut storage = self.storage();
        let (effects, claimed) = storage.transact(|studies| {
            let study = studies.get(self.id).ok_or_else(|| self.is_gone())?;
            if study.trials.iter().filter(|t| t.state != State::Waiting).count() >= total {
                return Ok((Vec::new(), None));
            }
            if let Some(waiting) = study.trials.iter().find(|t| t.state == State::Waiting) {
                let begin = Op::State { trial: waiting.id, state: State::Running, values: None, time };
                return Ok((vec![begin], Some(waiting.id)));
            }
            let mut trial = FrozenTrial::new(State::Running);
            trial.start = time;
            let asking = self.asking(study.trials.len(), &study.trials);
            let Some(attrs) = self.sampler.begin(&asking) else { return Ok((Vec::new(), None)) };
            trial.system_attrs = attrs;
            Ok((vec![Op::CreateTrial { study: self.id, trial: Box::new(trial) }], None))
        })?;
        let begun = effects.first().map(|effect| match *effect {
            Effect::Created(id) => id,
            _ => claimed.expect("what was not created was claimed"),
        });
        begun.map(|id| self.take(&storage, id)).transpose()
    }

    /// Goes on with a running trial that its worker left: with the parameters it has.
    ///
    /// # Errors
    /// [`Error::Usage`] when there is no such trial, or it does not run.
    pub fn take_up(&self, number: usize) -> Result<Trial<'_>> {
        let mut storage = self.storage();
        storage.sync()?;
        let study = storage.studies().get(self.id).ok_or_else(|| self.is_gone())?;
        match study.trials.get(number) {
            Some(trial) if trial.state == State::Running => self.take(&storage, trial.id),
            found => {
                let found = found.map_or("none", |t| t.state.name());
                Err(Error::Usage(format!(
                    "study {}, trial {number}: expected one that is RUNNING, found {found}",
                    self.name
                )))
            }
        }
    }

    fn take(&self, storage: &Storage, id: usize) -> Result<Trial<'_>> {
        let study = storage.studies().get(self.id).ok_or_else(|| self.is_gone())?;
        let frozen = storage.studies().trial(id).ok_or_else(|| self.is_gone())?;
        Ok(Trial {
            study: self,
            id,
            number: frozen.number,
            frozen: (**frozen).clone(),
            history: self.history(frozen.number, &study.trials),
            joint: None,
        })
    }

    /// The trials that the sampler may learn from.
    fn history(&self, number: usize, trials: &[Arc<FrozenTrial>]) -> Vec<Arc<FrozenTrial>> {
        let Some(pruner) = &self.pruner else { return trials.to_vec() };
        let group = |n: usize| pruner.group(&self.name, n, trials, &self.directions);
        let own = group(number);
        trials.iter().filter(|t| group(t.number) == own).cloned().collect()
    }

    fn asking<'a>(&'a self, number: usize, trials: &'a [Arc<FrozenTrial>]) -> Asking<'a> {
        Asking { number, trials, directions: &self.directions, seed: self.seed, fixed: &self.fixed }
    }

    /// Ends a trial.
    ///
    /// # Errors
    /// When it cannot be written. [`Error::Usage`] when somebody else ended it first: what was told first stays.
    ///
    /// # Panics
    /// When it is a trial of another study.
    #[track_caller]
    pub fn tell(&self, trial: Trial<'_>, outcome: Outcome) -> Result<()> {
        assert!(std::ptr::eq(self, trial.study), "tell: a trial of another study");
        let wanted = self.directions.len();
        let (state, values) = match outcome {
            Outcome::Complete(v) if v.len() == wanted && !v.iter().any(|x| x.is_nan()) => (State::Complete, Some(v)),
            Outcome::Pruned => {
                let last = trial.frozen.last_report().map(|(_, value)| value).filter(|v| !v.is_nan());
                (State::Pruned, last.map(|v| vec![v]))
            }
            Outcome::Complete(_) | Outcome::Fail => (State::Fail, None),
        };
        let op = Op::State { trial: trial.id, state, values, time: Some(Timestamp::now()) };
        match self.write(vec![op])?[0] {
            Effect::Ignored => Err(trial.was_ended()),
            _ => Ok(()),
        }
    }
}

/// The complete trial with the best value that violates no constraint; the first of several.
pub fn best_of(trials: &[Arc<FrozenTrial>], direction: Direction) -> Option<&Arc<FrozenTrial>> {
    let feasible = trials.iter().filter(|t| t.state == State::Complete && t.violation() == 0.0);
    let loss = |t: &FrozenTrial| direction.loss(t.value().unwrap_or(f64::NAN));
    feasible.reduce(|best, t| if loss(t) < loss(best) { t } else { best })
}

/// A running trial, and what it may ask.
pub struct Trial<'s> {
    study: &'s Study,
    id: usize,
    /// Its number in the study.
    pub number: usize,
    /// What the study knows of it.
    frozen: FrozenTrial,
    /// The trials that there were when it began.
    history: Vec<Arc<FrozenTrial>>,
    /// What was suggested together.
    joint: Option<HashMap<String, (Arc<Distribution>, f64)>>,
}

impl Trial<'_> {
    /// What the study knows of it.
    pub fn frozen(&self) -> &FrozenTrial {
        &self.frozen
    }

    /// Its study.
    pub fn study(&self) -> &Study {
        self.study
    }

    /// The value of a parameter: the one it has already; else the queued one; else the one [fixed](Study::fix) for the study; else
    /// the only one; else the one suggested together with others; else one suggested by itself.
    ///
    /// # Errors
    /// When the distribution has no values, the study has the name with another kind of distribution, a queued value is none of the
    /// choices, or it cannot be written.
    pub fn suggest(&mut self, name: &str, distribution: &Distribution) -> Result<Value> {
        let (value, ops) = self.decide(name, distribution)?;
        self.set(ops)?;
        Ok(value)
    }

    /// The values of all parameters of a space that exist, written in one piece.
    ///
    /// # Errors
    /// As [`suggest`](Self::suggest).
    pub fn suggest_all(&mut self, space: &Space) -> Result<BTreeMap<String, Value>> {
        let (mut values, mut all) = (BTreeMap::new(), Vec::new());
        for parameter in space.parameters() {
            if space.exists(parameter, &values) {
                let (value, ops) = self.decide(&parameter.name, &parameter.distribution)?;
                values.insert(parameter.name.clone(), value);
                all.extend(ops);
            }
        }
        self.set(all)?;
        Ok(values)
    }

    /// A number between two bounds.
    ///
    /// # Errors
    /// As [`suggest`](Self::suggest).
    pub fn float(&mut self, name: &str, low: f64, high: f64) -> Result<f64> {
        self.number_of(name, Distribution::float(low, high))
    }

    /// A positive number between two bounds, by its logarithm.
    ///
    /// # Errors
    /// As [`suggest`](Self::suggest).
    pub fn log_float(&mut self, name: &str, low: f64, high: f64) -> Result<f64> {
        self.number_of(name, Distribution::log_float(low, high))
    }

    /// A whole number between two bounds.
    ///
    /// # Errors
    /// As [`suggest`](Self::suggest).
    pub fn int(&mut self, name: &str, low: i64, high: i64) -> Result<i64> {
        Ok(self.number_of(name, Distribution::int(low, high))? as i64)
    }

    /// One of a list.
    ///
    /// # Errors
    /// As [`suggest`](Self::suggest).
    pub fn categorical<V: Into<Value>>(&mut self, name: &str, choices: impl IntoIterator<Item = V>) -> Result<Value> {
        self.suggest(name, &Distribution::categorical(choices))
    }

    fn number_of(&mut self, name: &str, distribution: Distribution) -> Result<f64> {
        let value = self.suggest(name, &distribution)?;
        Ok(value.number().expect("numeric distributions have numbers"))
    }

    /// Chooses a value, keeps it, and gives what is to be written.
    fn decide(&mut self, name: &str, distribution: &Distribution) -> Result<(Value, Vec<Op>)> {
        let distribution = Arc::new(distribution.clone().checked(name)?);
        if let Some(param) = self.frozen.params.get(name) {
            self.check(name, &param.distribution, &distribution)?;
            return Ok((param.value(), Vec::new()));
        }
        let mut ops = Vec::new();
        let fixed = || self.study.fixed.iter().find(|(fixed, _)| fixed == name).map(|(_, value)| value.clone());
        let internal = if let Some(given) = self.frozen.fixed(name).or_else(fixed) {
            let refuse = || Error::Usage(format!("parameter {name}: expected {distribution}, was given {given}"));
            distribution.internal(&given).ok_or_else(refuse)?
        } else if distribution.is_single() {
            distribution.nth(0)
        } else {
            if self.joint.is_none() {
                ops = self.suggest_jointly();
            }
            let joint = self.joint.as_ref().and_then(|joint| joint.get(name)).map(|(_, x)| *x);
            match joint.filter(|x| distribution.contains(*x)) {
                Some(x) => x,
                None => {
                    let asking = self.study.asking(self.number, &self.history);
                    self.study.sampler.independent(&asking, self.frozen.params.len(), name, &distribution)
                }
            }
        };
        let param = Param { internal, distribution };
        let value = param.value();
        self.frozen.params.insert(name.to_string(), param.clone());
        ops.push(Op::Param { trial: self.id, name: name.into(), param });
        Ok((value, ops))
    }

    /// Suggests parameters together, and announces them to other workers.
    fn suggest_jointly(&mut self) -> Vec<Op> {
        let asking = self.study.asking(self.number, &self.history);
        let source = json!(self.study.sampler.source(&asking));
        let suggested = self.study.sampler.joint(&asking);
        let mut ops = vec![self.attr(Owner::User, SOURCE, source)];
        if !suggested.is_empty() {
            let external = suggested.iter().map(|(name, d, x)| (name.clone(), d.value(*x).to_json()));
            let text = super::json::write(&Json::Object(Map::from_iter(external)));
            // The database column of other tools takes 2045 characters.
            let letters: Vec<char> = text.chars().collect();
            for (i, piece) in letters.chunks(2045).enumerate() {
                let piece = piece.iter().collect::<String>();
                ops.push(self.attr(Owner::System, &format!("{ANNOUNCED}{i}"), json!(piece)));
            }
        }
        self.joint = Some(suggested.into_iter().map(|(name, d, x)| (name, (d, x))).collect());
        ops
    }

    fn set(&mut self, ops: Vec<Op>) -> Result<()> {
        if ops.is_empty() {
            return Ok(());
        }
        let effects = self.study.write(ops.clone())?;
        let Some(place) = effects.iter().position(|e| *e == Effect::Ignored) else { return Ok(()) };
        if let Op::Param { name, param, .. } = &ops[place] {
            let first = self.study.look(|study| study.first_distribution(name).cloned())?;
            if let Some(first) = first {
                self.check(name, &first, &param.distribution)?;
            }
        }
        Err(self.was_ended())
    }

    /// Whether the study may give a parameter these two distributions.
    fn check(&self, name: &str, known: &Distribution, asked: &Distribution) -> Result<()> {
        match known.is_compatible(asked) {
            true => Ok(()),
            false => {
                let study = &self.study.name;
                Err(Error::Usage(format!(
                    "study {study}: parameter {name}: expected {known}, as in its trials, found {asked}"
                )))
            }
        }
    }

    fn was_ended(&self) -> Error {
        Error::Usage(format!("study {}, trial {}: somebody else ended it", self.study.name, self.number))
    }

    fn attr(&mut self, owner: Owner, key: &str, value: Json) -> Op {
        let attrs = match owner {
            Owner::User => &mut self.frozen.user_attrs,
            Owner::System => &mut self.frozen.system_attrs,
        };
        attrs.insert(key.into(), value.clone());
        Op::TrialAttr { trial: self.id, owner, key: key.into(), value }
    }

    /// Keeps attributes.
    ///
    /// # Errors
    /// When they cannot be written, or somebody else ended the trial.
    pub fn set_attrs<'k>(&mut self, attrs: impl IntoIterator<Item = (&'k str, Json)>) -> Result<()> {
        let ops = attrs.into_iter().map(|(key, value)| self.attr(Owner::User, key, value)).collect();
        self.set(ops)
    }

    /// Keeps a constraint's value; above 0 it is violated, and the trial is judged behind all that violate none.
    ///
    /// # Errors
    /// As [`set_attrs`](Self::set_attrs).
    pub fn set_constraint(&mut self, name: &str, value: f64) -> Result<()> {
        let op = self.attr(Owner::System, &format!("constraints:{name}"), number(value));
        self.set(vec![op])
    }

    /// Reports a value on the way. A second report at one step is ignored.
    ///
    /// # Errors
    /// As [`set_attrs`](Self::set_attrs).
    pub fn report(&mut self, step: u64, value: f64) -> Result<()> {
        if self.frozen.reports.contains_key(&step) {
            return Ok(());
        }
        self.frozen.reports.insert(step, value);
        self.set(vec![Op::Report { trial: self.id, step, value }])
    }

    /// Whether the pruner would stop it, by the trials as they are now.
    ///
    /// # Errors
    /// When the study cannot be read, or the pruner's notes cannot be written.
    pub fn should_prune(&mut self) -> Result<bool> {
        let Some(pruner) = &self.study.pruner else { return Ok(false) };
        let trials = self.study.trials()?;
        let judged = Judged {
            trial: &self.frozen,
            trials: &trials,
            directions: &self.study.directions,
            study: &self.study.name,
        };
        let verdict = pruner.judge(&judged);
        let mut ops = Vec::new();
        for (key, value) in verdict.notes {
            ops.push(self.attr(Owner::System, &key, value));
        }
        self.set(ops)?;
        Ok(verdict.prune)
    }
}
