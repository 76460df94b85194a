//! [`Trial`]: a running trial, and what it may ask.

use super::{SOURCE, Study};
use crate::error::{Error, Result};
use crate::search::distribution::Distribution;
use crate::search::json::{self, number};
use crate::search::pruner::Judged;
use crate::search::space::Space;
use crate::search::storage::{Effect, Op, Owner};
use crate::search::trial::{ANNOUNCED, FrozenTrial, Param};
use crate::search::value::Value;
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A running trial, and what it may ask.
pub struct Trial<'s> {
    pub(super) study: &'s Study,
    pub(super) id: usize,
    /// Its number in the study.
    pub number: usize,
    /// What the study knows of it.
    pub(super) frozen: FrozenTrial,
    /// The trials that there were when it began.
    pub(super) history: Vec<Arc<FrozenTrial>>,
    /// What was suggested together.
    pub(super) joint: Option<HashMap<String, f64>>,
}

impl Trial<'_> {
    /// What the study knows of it.
    pub fn frozen(&self) -> &FrozenTrial {
        &self.frozen
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
            let joint = self.joint.as_ref().and_then(|joint| joint.get(name)).copied();
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
            let text = json::write(&Json::Object(Map::from_iter(external)));
            // The database column of other tools takes 2045 characters.
            let letters: Vec<char> = text.chars().collect();
            for (i, piece) in letters.chunks(2045).enumerate() {
                let piece = piece.iter().collect::<String>();
                ops.push(self.attr(Owner::System, &format!("{ANNOUNCED}{i}"), json!(piece)));
            }
        }
        self.joint = Some(suggested.into_iter().map(|(name, _, x)| (name, x)).collect());
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

    pub(super) fn was_ended(&self) -> Error {
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
