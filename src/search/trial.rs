//! [`FrozenTrial`]: what a study knows of one trial.

use super::distribution::Distribution;
use super::value::Value;
use jiff::Timestamp;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

/// Where a trial is in its life. Complete, pruned and failed are finished, and a finished trial never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum State {
    /// Somebody works on it, or worked and was killed.
    Running = 0,
    /// It has its values.
    Complete = 1,
    /// It was stopped as unpromising.
    Pruned = 2,
    /// It has no value: an error, or NaN.
    Fail = 3,
    /// It is queued.
    Waiting = 4,
}

impl State {
    /// All of them, each at the place of its code in study files.
    pub const ALL: [State; 5] = [State::Running, State::Complete, State::Pruned, State::Fail, State::Waiting];

    /// Whether it is over.
    pub fn is_finished(self) -> bool {
        matches!(self, State::Complete | State::Pruned | State::Fail)
    }

    /// As databases have it.
    pub fn name(self) -> &'static str {
        ["RUNNING", "COMPLETE", "PRUNED", "FAIL", "WAITING"][self as usize]
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        State::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// Whether small values are good or large ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Direction {
    /// Small is good.
    Minimize = 1,
    /// Large is good.
    Maximize = 2,
}

impl Direction {
    /// The value, or its negative: small is good then.
    pub fn loss(self, value: f64) -> f64 {
        match self {
            Direction::Minimize => value,
            Direction::Maximize => -value,
        }
    }

    /// As databases have it.
    pub fn name(self) -> &'static str {
        match self {
            Direction::Minimize => "MINIMIZE",
            Direction::Maximize => "MAXIMIZE",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Direction::Minimize, Direction::Maximize].into_iter().find(|direction| direction.name() == name)
    }
}

/// A parameter of a trial: its internal number and where that came from.
#[derive(Clone, PartialEq)]
pub struct Param {
    /// The internal number (see [`Distribution`]).
    pub internal: f64,
    /// The distribution asked for.
    pub distribution: Arc<Distribution>,
}

impl fmt::Debug for Param {
    /// Its value.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}", self.value())
    }
}

impl Param {
    /// From the number in a study file. None if that is no value of the distribution's kind; it may be out of range.
    pub fn stored(internal: f64, distribution: Distribution) -> Option<Self> {
        let (internal, valid) = match &distribution {
            Distribution::Float { .. } => (internal, true),
            Distribution::Int { .. } => (internal.trunc(), internal.is_finite()),
            Distribution::Categorical { .. } => (internal.trunc(), distribution.contains(internal.trunc())),
        };
        valid.then(|| Param { internal, distribution: Arc::new(distribution) })
    }

    /// The value as the objective sees it.
    pub fn value(&self) -> Value {
        self.distribution.value(self.internal)
    }
}

/// Attributes by name: any JSON, with the numbers of [`json`](super::json).
pub type Attrs = BTreeMap<String, Json>;

/// What a study knows of one trial.
#[derive(Clone, Debug, PartialEq)]
pub struct FrozenTrial {
    /// Its place in the study, from 0.
    pub number: usize,
    /// Its place among all trials of the storage.
    pub id: usize,
    /// Where it is in its life.
    pub state: State,
    /// One value an objective, if it has them.
    pub values: Option<Vec<f64>>,
    /// The parameters set so far, by name.
    pub params: BTreeMap<String, Param>,
    /// Values reported on the way, by step.
    pub reports: BTreeMap<u64, f64>,
    /// Attributes of the user.
    pub user_attrs: Attrs,
    /// Attributes of samplers and pruners.
    pub system_attrs: Attrs,
    /// When it began.
    pub start: Option<Timestamp>,
    /// When it was finished.
    pub complete: Option<Timestamp>,
}

/// The queued values of a trial.
pub const FIXED_PARAMS: &str = "fixed_params";
/// Before each constraint's name; its value is violated above 0.
const CONSTRAINT: &str = "constraints:";
/// Before each piece of the announcement of a joint suggestion.
pub const ANNOUNCED: &str = "tpe:relative_params:";

impl FrozenTrial {
    /// A trial without anything.
    pub fn new(state: State) -> Self {
        FrozenTrial {
            number: 0,
            id: 0,
            state,
            values: None,
            params: BTreeMap::new(),
            reports: BTreeMap::new(),
            user_attrs: Attrs::new(),
            system_attrs: Attrs::new(),
            start: None,
            complete: None,
        }
    }

    /// The value of a study with one objective.
    pub fn value(&self) -> Option<f64> {
        self.values.as_ref()?.first().copied()
    }

    /// The report at the largest step.
    pub fn last_report(&self) -> Option<(u64, f64)> {
        self.reports.last_key_value().map(|(&step, &value)| (step, value))
    }

    /// Its constraints by name; what is above 0 is violated. An older list has names 0, 1, ….
    pub fn constraints(&self) -> BTreeMap<String, f64> {
        let named = self
            .system_attrs
            .iter()
            .filter_map(|(key, value)| Some((key.strip_prefix(CONSTRAINT)?.to_string(), super::json::as_f64(value)?)));
        let old = self.system_attrs.get("constraints").and_then(Json::as_array);
        let old = old.into_iter().flatten().enumerate();
        let old = old.filter_map(|(i, value)| Some((i.to_string(), super::json::as_f64(value)?)));
        old.chain(named).collect()
    }

    /// By how much it violates its constraints in all; 0 is feasible.
    pub fn violation(&self) -> f64 {
        // Asked of every trial in every suggestion, and most have none.
        let first = self.system_attrs.range::<str, _>((Bound::Included("constraints"), Bound::Unbounded)).next();
        match first.is_some_and(|(key, _)| key.starts_with("constraints")) {
            true => self.constraints().values().filter(|v| **v > 0.0).sum(),
            false => 0.0,
        }
    }

    /// The parameters of the joint suggestion of a trial that runs elsewhere, before they are set.
    pub fn announced(&self) -> BTreeMap<String, Value> {
        let pieces = (0..).map_while(|i| self.system_attrs.get(&format!("{ANNOUNCED}{i}"))?.as_str());
        let text: String = pieces.collect();
        let Ok(Json::Object(map)) = super::json::read(&text) else { return BTreeMap::new() };
        map.into_iter().map(|(name, value)| (name, Value::from_json(&value))).collect()
    }

    /// The queued value of a parameter.
    pub fn fixed(&self, name: &str) -> Option<Value> {
        Some(Value::from_json(self.system_attrs.get(FIXED_PARAMS)?.get(name)?))
    }

    /// Seconds from start to end.
    pub fn seconds(&self) -> Option<f64> {
        Some(self.complete?.duration_since(self.start?).as_secs_f64())
    }
}
