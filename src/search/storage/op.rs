//! [`Op`]: the steps of a study's history, and [`Studies`]: what results from applying them in order.
//!
//! A step that breaks a rule has no effect. So several writers may append without agreeing first: the first wins, and every reader
//! comes to the same state. The rules are those of Optuna's journals.

use crate::search::distribution::Distribution;
use crate::search::trial::{Attrs, Direction, FrozenTrial, Param, State};
use jiff::Timestamp;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Whose attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The user's.
    User,
    /// A sampler's or a pruner's.
    System,
}

/// One step of a study's history. Studies and trials are named by their place in the file.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// A new study.
    CreateStudy {
        /// Its name, unlike all others.
        name: String,
        /// One an objective.
        directions: Vec<Direction>,
    },
    /// A study goes; its place stays taken.
    DeleteStudy {
        /// Which.
        study: usize,
    },
    /// An attribute of a study.
    StudyAttr {
        /// Which study.
        study: usize,
        /// Whose attribute.
        owner: Owner,
        /// Its name.
        key: String,
        /// Any JSON.
        value: Json,
    },
    /// A new trial, with all that it has already. Number and id are given by its place.
    CreateTrial {
        /// Its study.
        study: usize,
        /// What it has.
        trial: Box<FrozenTrial>,
    },
    /// A parameter of a running trial.
    Param {
        /// Which trial.
        trial: usize,
        /// The parameter.
        name: String,
        /// Its value.
        param: Param,
    },
    /// A trial begins or is finished.
    State {
        /// Which trial.
        trial: usize,
        /// What it becomes.
        state: State,
        /// Its values, one an objective.
        values: Option<Vec<f64>>,
        /// When. A trial that is queued again has none.
        time: Option<Timestamp>,
    },
    /// A value on the way.
    Report {
        /// Which trial.
        trial: usize,
        /// How far.
        step: u64,
        /// The value there.
        value: f64,
    },
    /// An attribute of a trial.
    TrialAttr {
        /// Which trial.
        trial: usize,
        /// Whose attribute.
        owner: Owner,
        /// Its name.
        key: String,
        /// Any JSON.
        value: Json,
    },
    /// What this program cannot work with: a trial with a distribution that cannot be searched, or such a parameter.
    Unreadable {
        /// Whose it is.
        of: Unread,
        /// What was expected and found.
        why: String,
    },
    /// What other tools write and readers skip.
    Skip,
}

/// What cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// A trial of this study: it has its place.
    TrialOf(usize),
    /// A parameter of this trial.
    ParamOf(usize),
}

/// What a line did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A study or a trial came to be, at this place.
    Created(usize),
    /// What it said.
    Done,
    /// Nothing: it broke a rule.
    Ignored,
}

/// A study.
#[derive(Clone, Debug)]
pub struct StudyRecord {
    /// Its name.
    pub name: String,
    /// One an objective.
    pub directions: Vec<Direction>,
    /// Attributes of the user.
    pub user_attrs: Attrs,
    /// Attributes of samplers and tools.
    pub system_attrs: Attrs,
    /// Its trials by number.
    pub trials: Vec<Arc<FrozenTrial>>,
    /// Why this program cannot work with it.
    pub unreadable: Option<String>,
    /// The first distribution of each parameter.
    first: BTreeMap<String, Arc<Distribution>>,
}

/// All studies of a storage.
#[derive(Clone, Debug, Default)]
pub struct Studies {
    /// By their places; deleted ones leave a gap.
    pub studies: Vec<Option<StudyRecord>>,
    /// The study and number of each trial, by its id.
    places: Vec<(usize, usize)>,
}

impl Studies {
    /// The place of the study of this name.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.studies.iter().position(|s| s.as_ref().is_some_and(|s| s.name == name))
    }

    /// The study at a place, if there is one.
    pub fn get(&self, study: usize) -> Option<&StudyRecord> {
        self.studies.get(study)?.as_ref()
    }

    /// The trial with an id, if its study is there.
    pub fn trial(&self, id: usize) -> Option<&Arc<FrozenTrial>> {
        let &(study, number) = self.places.get(id)?;
        self.get(study)?.trials.get(number)
    }

    fn study_mut(&mut self, study: usize) -> Option<&mut StudyRecord> {
        self.studies.get_mut(study)?.as_mut()
    }

    /// A trial that may still change.
    fn open(&mut self, id: usize) -> Option<&mut FrozenTrial> {
        let &(study, number) = self.places.get(id)?;
        let trial = self.study_mut(study)?.trials.get_mut(number)?;
        if trial.state.is_finished() { None } else { Some(Arc::make_mut(trial)) }
    }

    /// The steps that make these studies again, for a storage that has made `first` of its own.
    pub fn ops(&self, first: usize) -> Vec<Op> {
        let (mut ops, mut trials) = (Vec::new(), BTreeMap::new());
        for (study, record) in (first..).zip(self.studies.iter().flatten()) {
            let StudyRecord { name, directions, user_attrs, system_attrs, .. } = record;
            ops.push(Op::CreateStudy { name: name.clone(), directions: directions.clone() });
            for (owner, attrs) in [(Owner::User, user_attrs), (Owner::System, system_attrs)] {
                for (key, value) in attrs {
                    ops.push(Op::StudyAttr { study, owner, key: key.clone(), value: value.clone() });
                }
            }
            trials.extend(record.trials.iter().map(|trial| (trial.id, (study, trial))));
        }
        for (study, trial) in trials.into_values() {
            ops.push(Op::CreateTrial { study, trial: Box::new(FrozenTrial::clone(trial)) });
        }
        ops
    }

    /// Applies the next line.
    pub fn apply(&mut self, op: Op) -> Effect {
        self.try_apply(op).unwrap_or(Effect::Ignored)
    }

    fn try_apply(&mut self, op: Op) -> Option<Effect> {
        match op {
            Op::CreateStudy { name, directions } => {
                if self.find(&name).is_some() {
                    return None;
                }
                self.studies.push(Some(StudyRecord {
                    name,
                    directions,
                    user_attrs: Attrs::new(),
                    system_attrs: Attrs::new(),
                    trials: Vec::new(),
                    unreadable: None,
                    first: BTreeMap::new(),
                }));
                return Some(Effect::Created(self.studies.len() - 1));
            }
            Op::DeleteStudy { study } => {
                self.study_mut(study)?;
                self.studies[study] = None;
            }
            Op::StudyAttr { study, owner, key, value } => {
                let study = self.study_mut(study)?;
                match owner {
                    Owner::User => study.user_attrs.insert(key, value),
                    Owner::System => study.system_attrs.insert(key, value),
                };
            }
            Op::CreateTrial { study: at, mut trial } => {
                let id = self.places.len();
                let study = self.study_mut(at)?;
                trial.id = id;
                trial.number = study.trials.len();
                (trial.start, trial.complete) = (trial.start.map(as_kept), trial.complete.map(as_kept));
                for (name, param) in &mut trial.params {
                    study.share(name, param);
                }
                let number = trial.number;
                study.trials.push(Arc::new(*trial));
                self.places.push((at, number));
                return Some(Effect::Created(id));
            }
            Op::Param { trial, name, mut param } => {
                self.open(trial)?;
                let study = self.places[trial].0;
                if !self.study_mut(study)?.share(&name, &mut param) {
                    return None;
                }
                self.open(trial)?.params.insert(name, param);
            }
            Op::State { trial, state, values, time } => {
                let trial = self.open(trial)?;
                if state == State::Running && trial.state == State::Running {
                    return None;
                }
                trial.state = state;
                if values.is_some() {
                    trial.values = values;
                }
                let time = time.map(as_kept);
                match state {
                    State::Running => trial.start = time,
                    state if state.is_finished() => trial.complete = time,
                    _ => {}
                }
            }
            Op::Report { trial, step, value } => {
                self.open(trial)?.reports.insert(step, value);
            }
            Op::TrialAttr { trial, owner, key, value } => {
                let trial = self.open(trial)?;
                match owner {
                    Owner::User => trial.user_attrs.insert(key, value),
                    Owner::System => trial.system_attrs.insert(key, value),
                };
            }
            Op::Unreadable { of: Unread::ParamOf(trial), why } => {
                let study = self.places.get(trial)?.0;
                self.study_mut(study)?.unreadable.get_or_insert(why);
            }
            Op::Unreadable { of: Unread::TrialOf(study), why } => {
                self.study_mut(study)?.unreadable.get_or_insert(why);
                // Those behind it keep their numbers.
                let trial = Box::new(FrozenTrial::new(State::Fail));
                return self.try_apply(Op::CreateTrial { study, trial });
            }
            Op::Skip => {}
        }
        Some(Effect::Done)
    }
}

impl StudyRecord {
    /// Whether a parameter may have this distribution here. Equal ones become one, so that they are compared by address.
    fn share(&mut self, name: &str, param: &mut Param) -> bool {
        match self.first.get(name) {
            Some(first) if *first == param.distribution => param.distribution = Arc::clone(first),
            Some(first) => return first.is_compatible(&param.distribution),
            None => {
                self.first.insert(name.to_string(), Arc::clone(&param.distribution));
            }
        }
        true
    }

    /// The number of trials that were begun: all but those that wait.
    pub fn begun(&self) -> usize {
        self.trials.iter().filter(|t| t.state != State::Waiting).count()
    }

    /// The first distribution that a trial gave a parameter.
    pub fn first_distribution(&self, name: &str) -> Option<&Arc<Distribution>> {
        self.first.get(name)
    }
}

/// A time without what files do not keep of it.
fn as_kept(time: Timestamp) -> Timestamp {
    // Not by its microseconds alone: they do not reach into the last second that there is.
    Timestamp::new(time.as_second(), time.subsec_nanosecond() / 1000 * 1000).expect("a time between this one and 1970")
}
