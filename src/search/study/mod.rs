//! [`Study`]: trials that ask for parameters and tell what came of them.

mod asked;

pub use asked::Trial;

use super::pruner::Pruner;
use super::sampler::{Asking, Sampler};
use super::storage::{Effect, Op, Owner, Storage, StudyRecord};
use super::trial::{Direction, FIXED_PARAMS, FrozenTrial, State};
use super::value::Value;
use crate::error::{Error, Result};
use jiff::Timestamp;
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// A study: a name, directions, and trials in a [`Storage`], which other workers may share.
///
/// ```
/// use elbo::search::{Direction, Outcome, Storage, Study, sampler::Tpe};
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
        let place = place(&storage);
        let (effects, ()) = storage.transact(|studies| {
            if studies.find(name).is_some() {
                return Err(Error::Usage(format!("{place}a study named {name} is there already")));
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

    /// A study that is there already.
    ///
    /// # Errors
    /// [`Error::Usage`] when the storage has none of this name: then it lists those that it has.
    pub fn open(storage: Storage, name: &str) -> Result<Self> {
        let Some(id) = storage.studies().find(name) else {
            let names: Vec<&str> = storage.studies().studies.iter().flatten().map(|s| s.name.as_str()).collect();
            let found = if names.is_empty() { "no study".into() } else { names.join(", ") };
            let place = place(&storage);
            return Err(Error::Usage(format!("{place}expected a study named {name}, found {found}")));
        };
        let record = storage.studies().get(id).expect("just found");
        if let Some(why) = &record.unreadable {
            return Err(Error::Usage(format!("{}study {name}: {why}", place(&storage))));
        }
        let directions = record.directions.clone();
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

    /// Adds a trial as it is: one that was measured elsewhere.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add(&self, trial: FrozenTrial) -> Result<()> {
        self.write(vec![Op::CreateTrial { study: self.id, trial: Box::new(trial) }])?;
        Ok(())
    }

    /// Fails trials that no worker is at any more. Those that are finished stay as they are.
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
        Ok(self.ask_claimed(total, |_| Ok(()))?.map(|(trial, ())| trial))
    }

    /// The same, with a claim on the trial that is made before the trial is: no other worker can see one that nobody has.
    ///
    /// # Errors
    /// When it cannot be claimed or written.
    pub fn ask_claimed<C>(
        &self,
        total: usize,
        claim: impl FnOnce(usize) -> Result<C>,
    ) -> Result<Option<(Trial<'_>, C)>> {
        let time = Some(Timestamp::now());
        let mut storage = self.storage();
        let (effects, claimed) = storage.transact(|studies| {
            let study = studies.get(self.id).ok_or_else(|| self.is_gone())?;
            if study.begun() >= total {
                return Ok((Vec::new(), None));
            }
            if let Some(waiting) = study.trials.iter().find(|t| t.state == State::Waiting) {
                let begin = Op::State { trial: waiting.id, state: State::Running, values: None, time };
                return Ok((vec![begin], Some((waiting.id, claim(waiting.number)?))));
            }
            let mut trial = FrozenTrial::new(State::Running);
            trial.start = time;
            let asking = self.asking(study.trials.len(), &study.trials);
            let Some(attrs) = self.sampler.begin(&asking) else { return Ok((Vec::new(), None)) };
            trial.system_attrs = attrs;
            // Its id is told by the effect.
            let claimed = (0, claim(study.trials.len())?);
            Ok((vec![Op::CreateTrial { study: self.id, trial: Box::new(trial) }], Some(claimed)))
        })?;
        let Some((waiting, claim)) = claimed else { return Ok(None) };
        let id = match effects[0] {
            Effect::Created(id) => id,
            _ => waiting,
        };
        Ok(Some((self.take(&storage, id)?, claim)))
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

/// The file of a storage, as an error begins with it.
fn place(storage: &Storage) -> String {
    storage.path().map_or(String::new(), |path| format!("{}: ", path.display()))
}

/// The complete trial with the best value that violates no constraint; the first of several.
pub fn best_of(trials: &[Arc<FrozenTrial>], direction: Direction) -> Option<&Arc<FrozenTrial>> {
    let feasible = trials.iter().filter(|t| t.state == State::Complete && t.violation() == 0.0);
    let loss = |t: &FrozenTrial| direction.loss(t.value().unwrap_or(f64::NAN));
    feasible.reduce(|best, t| if loss(t) < loss(best) { t } else { best })
}
