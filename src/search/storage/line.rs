//! The lines of a journal: how an [`Op`] is written and read. The format is Optuna's, `op_code` and the names of the fields.

use super::op::{Op, Owner, Unread};
use crate::search::distribution::Distribution;
use crate::search::json::{self, as_f64, number};
use crate::search::trial::{Direction, FrozenTrial, Param, State};
use jiff::{Timestamp, civil, tz::TimeZone};
use serde_json::{Map, Value as Json, json};

/// How the lines that we and Optuna write begin.
pub const START: &str = "{\"op_code\"";

impl Op {
    /// As a line of a journal, without its end.
    pub fn to_line(&self, worker: &str) -> String {
        let attr = |owner: &Owner, key: &str, value: &Json, codes: [u64; 2]| match owner {
            Owner::User => (codes[0], json!({"user_attr": {key: value}})),
            Owner::System => (codes[1], json!({"system_attr": {key: value}})),
        };
        let (code, fields) = match self {
            Op::CreateStudy { name, directions } => {
                let directions: Vec<u8> = directions.iter().map(|d| *d as u8).collect();
                (0, json!({"study_name": name, "directions": directions}))
            }
            Op::DeleteStudy { study } => (1, json!({"study_id": study})),
            Op::StudyAttr { study, owner, key, value } => {
                let (code, mut fields) = attr(owner, key, value, [2, 3]);
                fields["study_id"] = json!(study);
                (code, fields)
            }
            Op::CreateTrial { study, trial } => (4, create_trial(*study, trial)),
            Op::Param { trial, name, param } => (
                5,
                json!({
                    "trial_id": trial, "param_name": name, "param_value_internal": internal(param),
                    "distribution": json::write(&param.distribution.to_json()),
                }),
            ),
            Op::State { trial, state, values, time } => {
                let mut fields = json!({"trial_id": trial, "state": *state as u8, "values": numbers(values)});
                match state {
                    State::Running => fields["datetime_start"] = written(*time),
                    state if state.is_finished() => fields["datetime_complete"] = written(*time),
                    _ => {}
                }
                (6, fields)
            }
            Op::Report { trial, step, value } => {
                (7, json!({"trial_id": trial, "step": step, "intermediate_value": number(*value)}))
            }
            Op::TrialAttr { trial, owner, key, value } => {
                let (code, mut fields) = attr(owner, key, value, [8, 9]);
                fields["trial_id"] = json!(trial);
                (code, fields)
            }
            Op::Unreadable { .. } => unreachable!("it is read, never written"),
            Op::Skip => (10, json!({})),
        };
        let fields = json::write(&fields);
        let comma = if fields == "{}" { "" } else { "," };
        format!("{START}:{code},\"worker_id\":{}{comma}{}", json!(worker), &fields[1..])
    }

    /// From a line of a journal.
    ///
    /// # Errors
    /// What was expected and what was found.
    pub fn from_line(line: &str) -> Result<Op, (String, String)> {
        let json = json::read(line)
            .map_err(|e| ("a JSON object".to_string(), e.to_string().replace(" at line 1 column ", " at byte ")))?;
        let at = Fields(&json);
        at.text("worker_id")?;
        let code = at.whole("op_code")?;
        let owner = if matches!(code, 2 | 8) { Owner::User } else { Owner::System };
        Ok(match code {
            0 => {
                let direction = |d: &Json| match d.as_u64() {
                    Some(1) => Some(Direction::Minimize),
                    Some(2) => Some(Direction::Maximize),
                    _ => None,
                };
                let directions: Option<Vec<_>> =
                    at.get("directions")?.as_array().and_then(|a| a.iter().map(direction).collect());
                let directions = directions.filter(|d| !d.is_empty());
                let directions = directions.ok_or_else(|| at.missing("directions of 1 or 2"))?;
                Op::CreateStudy { name: at.text("study_name")?, directions }
            }
            1 => Op::DeleteStudy { study: at.whole("study_id")? },
            2 | 3 => {
                let (key, value) = at.attr(owner)?;
                Op::StudyAttr { study: at.whole("study_id")?, owner, key, value }
            }
            4 => {
                let study = at.whole("study_id")?;
                match read_trial(&at)? {
                    Ok(trial) => Op::CreateTrial { study, trial: Box::new(trial) },
                    Err(why) => Op::Unreadable { of: Unread::TrialOf(study), why },
                }
            }
            5 => {
                let (trial, name) = (at.whole("trial_id")?, at.text("param_name")?);
                match at.param(at.get("param_value_internal")?, at.get("distribution")?)? {
                    Ok(param) => Op::Param { trial, name, param },
                    Err(why) => Op::Unreadable { of: Unread::ParamOf(trial), why: unread(&name, &why) },
                }
            }
            6 => {
                let state = at.state(at.get("state")?)?;
                let time = match state {
                    State::Running => Some(at.time("datetime_start")?),
                    state if state.is_finished() => Some(at.time("datetime_complete")?),
                    _ => None,
                };
                Op::State { trial: at.whole("trial_id")?, state, values: at.values(at.get("values")?)?, time }
            }
            7 => Op::Report {
                trial: at.whole("trial_id")?,
                step: at.whole("step")? as u64,
                value: at.number("intermediate_value")?,
            },
            8 | 9 => {
                let (key, value) = at.attr(owner)?;
                Op::TrialAttr { trial: at.whole("trial_id")?, owner, key, value }
            }
            10 => Op::Skip,
            other => return Err(("an op_code from 0 to 10".into(), other.to_string())),
        })
    }
}

fn internal(param: &Param) -> Json {
    match *param.distribution {
        Distribution::Categorical { .. } => json!(param.internal as i64),
        _ => number(param.internal),
    }
}

fn numbers(values: &Option<Vec<f64>>) -> Json {
    values.as_ref().map_or(Json::Null, |v| v.iter().map(|x| number(*x)).collect())
}

/// ISO 8601 with microseconds, UTC.
fn written(time: Option<Timestamp>) -> Json {
    time.map_or(Json::Null, |t| json!(t.strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00").to_string()))
}

/// A time with its offset, or, as before Optuna 5.0, local.
pub fn read_time(text: &str) -> Option<Timestamp> {
    let local = || text.parse::<civil::DateTime>().ok()?.to_zoned(TimeZone::system()).ok();
    text.parse().ok().or_else(|| local().map(|z| z.timestamp())).filter(has_year)
}

/// Whether a time has a year of four digits, as written, and as other programs have it.
pub fn has_year(time: &Timestamp) -> bool {
    time.to_zoned(TimeZone::UTC).year() > 0
}

fn create_trial(study: usize, trial: &FrozenTrial) -> Json {
    let mut fields = json!({"study_id": study, "datetime_start": written(trial.start)});
    let FrozenTrial { params, reports, user_attrs, system_attrs, .. } = trial;
    let object = |pairs: Vec<(String, Json)>| Json::Object(Map::from_iter(pairs));
    if trial.state != State::Running {
        fields["state"] = json!(trial.state as u8);
    }
    if let Some(values) = &trial.values {
        match values.as_slice() {
            [value] => fields["value"] = number(*value),
            _ => fields["values"] = numbers(&trial.values),
        }
    }
    if trial.complete.is_some() {
        fields["datetime_complete"] = written(trial.complete);
    }
    if !params.is_empty() {
        let text = |p: &Param| json!(json::write(&p.distribution.to_json()));
        fields["distributions"] = object(params.iter().map(|(n, p)| (n.clone(), text(p))).collect());
        fields["params"] = object(params.iter().map(|(n, p)| (n.clone(), internal(p))).collect());
    }
    if !reports.is_empty() {
        fields["intermediate_values"] = object(reports.iter().map(|(s, v)| (s.to_string(), number(*v))).collect());
    }
    for (key, attrs) in [("user_attrs", user_attrs), ("system_attrs", system_attrs)] {
        if !attrs.is_empty() {
            fields[key] = object(attrs.clone().into_iter().collect());
        }
    }
    fields
}

/// Of a parameter whose distribution cannot be searched.
pub fn unread(name: &str, why: &str) -> String {
    format!("parameter {name}: expected {why}")
}

/// A trial, or why this program cannot work with it.
fn read_trial(at: &Fields) -> Result<Result<FrozenTrial, String>, (String, String)> {
    let state = at.some("state").map_or(Ok(State::Running), |s| at.state(s))?;
    let mut trial = FrozenTrial::new(state);
    if !at.get("datetime_start")?.is_null() {
        trial.start = Some(at.time("datetime_start")?);
    }
    if at.some("datetime_complete").is_some() {
        trial.complete = Some(at.time("datetime_complete")?);
    }
    trial.values = match (at.some("value"), at.some("values")) {
        (Some(_), Some(_)) => return Err(at.missing("a value or values")),
        (Some(_), None) => Some(vec![at.number("value")?]),
        (None, Some(values)) => at.values(values)?,
        (None, None) => None,
    };
    for (name, internal) in at.entries("params")? {
        let distribution = at.some("distributions").and_then(|d| d.get(name));
        let distribution = distribution.ok_or_else(|| at.missing(&format!("{name} in distributions")))?;
        match at.param(internal, distribution)? {
            Ok(param) => trial.params.insert(name.clone(), param),
            Err(why) => return Ok(Err(unread(name, &why))),
        };
    }
    for (step, value) in at.entries("intermediate_values")? {
        let pair = step.parse().ok().zip(as_f64(value));
        let (step, value) = pair.ok_or_else(|| at.missing("steps and numbers in intermediate_values"))?;
        trial.reports.insert(step, value);
    }
    let attrs = |key| Ok::<_, (String, String)>(at.entries(key)?.map(|(k, v)| (k.clone(), v.clone())).collect());
    (trial.user_attrs, trial.system_attrs) = (attrs("user_attrs")?, attrs("system_attrs")?);
    Ok(Ok(trial))
}

/// A line's fields.
struct Fields<'a>(&'a Json);

impl<'a> Fields<'a> {
    fn missing(&self, expected: &str) -> (String, String) {
        (expected.to_string(), shortened(&json::write(self.0)))
    }

    fn get(&self, key: &str) -> Result<&'a Json, (String, String)> {
        self.0.get(key).ok_or_else(|| self.missing(&format!("a field {key}")))
    }

    /// A field that is there and not null.
    fn some(&self, key: &str) -> Option<&'a Json> {
        self.0.get(key).filter(|v| !v.is_null())
    }

    /// What is in an object, if the field is there.
    fn entries(&self, key: &str) -> Result<impl Iterator<Item = (&'a String, &'a Json)> + use<'a>, (String, String)> {
        let object = |v: &'a Json| v.as_object().ok_or_else(|| self.missing(&format!("an object in {key}")));
        Ok(self.some(key).map(object).transpose()?.into_iter().flatten())
    }

    fn attr(&self, owner: Owner) -> Result<(String, Json), (String, String)> {
        let key = match owner {
            Owner::User => "user_attr",
            Owner::System => "system_attr",
        };
        let mut entries = self.entries(key)?;
        match (entries.next(), entries.next()) {
            (Some((name, value)), None) => Ok((name.clone(), value.clone())),
            _ => Err(self.missing(&format!("one key in {key}"))),
        }
    }

    fn text(&self, key: &str) -> Result<String, (String, String)> {
        let text = self.get(key)?.as_str();
        text.map(str::to_string).ok_or_else(|| self.missing(&format!("text in {key}")))
    }

    fn whole(&self, key: &str) -> Result<usize, (String, String)> {
        let whole = self.get(key)?.as_u64();
        whole.map(|x| x as usize).ok_or_else(|| self.missing(&format!("a whole number in {key}")))
    }

    fn number(&self, key: &str) -> Result<f64, (String, String)> {
        as_f64(self.get(key)?).ok_or_else(|| self.missing(&format!("a number in {key}")))
    }

    fn state(&self, json: &Json) -> Result<State, (String, String)> {
        let state = json.as_u64().and_then(|i| State::ALL.get(i as usize));
        state.copied().ok_or_else(|| self.missing("a state from 0 to 4"))
    }

    fn time(&self, key: &str) -> Result<Timestamp, (String, String)> {
        let time = self.get(key)?.as_str().and_then(read_time);
        time.ok_or_else(|| self.missing(&format!("a time in {key}")))
    }

    fn values(&self, json: &Json) -> Result<Option<Vec<f64>>, (String, String)> {
        if json.is_null() {
            return Ok(None);
        }
        let values: Option<Vec<f64>> = json.as_array().and_then(|a| a.iter().map(as_f64).collect());
        // None at all are no values, in databases too.
        let values = values.ok_or_else(|| self.missing("a list of numbers in values"))?;
        Ok(if values.is_empty() { None } else { Some(values) })
    }

    /// A parameter, or why its distribution cannot be searched.
    fn param(&self, internal: &Json, distribution: &Json) -> Result<Result<Param, String>, (String, String)> {
        let found = |json: &Json| shortened(&json::write(json));
        let text = distribution.as_str().and_then(Distribution::from_text);
        let text = match text.ok_or_else(|| ("a distribution, as JSON inside text".to_string(), found(distribution)))? {
            Ok(distribution) => distribution,
            Err(why) => return Ok(Err(why)),
        };
        let param = as_f64(internal).and_then(|x| Param::stored(x, text));
        param.map(Ok).ok_or_else(|| ("an internal value of its distribution".to_string(), found(internal)))
    }
}

/// The beginning of what may be long.
pub fn shortened(text: &str) -> String {
    match text.char_indices().nth(120) {
        Some((end, _)) => text[..end].to_string() + "…",
        None => text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::storage::Studies;

    fn created(start: &str, values: &str) -> Result<Op, (String, String)> {
        Op::from_line(&format!(
            r#"{{"op_code":4,"worker_id":"w","study_id":0,"datetime_start":"{start}","values":{values},"state":2}}"#
        ))
    }

    #[test]
    fn times_that_cannot_be_written_are_refused_and_the_last_one_is_kept() {
        for start in ["-009998-01-01T00:00:00Z", "0000-12-31T23:59:59Z"] {
            assert_eq!(created(start, "null").unwrap_err().0, "a time in datetime_start");
        }
        let mut studies = Studies::default();
        studies.apply(Op::CreateStudy { name: "s".into(), directions: vec![Direction::Minimize] });
        for (start, kept) in [
            ("9999-12-30T22:00:00.9999999Z", "9999-12-30T22:00:00.999999Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ] {
            studies.apply(created(start, "null").unwrap());
            let trial = studies.get(0).unwrap().trials.last().unwrap();
            assert_eq!(trial.start.unwrap().to_string(), kept);
            let line = create_trial(0, trial)["datetime_start"].as_str().map(read_time);
            assert_eq!(line, Some(trial.start));
        }
    }

    #[test]
    fn an_empty_list_of_values_is_none() {
        let Op::CreateTrial { trial, .. } = created("2026-11-21T00:00:00Z", "[]").unwrap() else { panic!() };
        assert_eq!(trial.values, None);
    }
}
