//! A [`Distribution`] as study files have it.

use super::{Distribution, Value};
use serde_json::{Value as Json, json};

impl Distribution {
    /// As study files have it.
    pub fn to_json(&self) -> Json {
        match self {
            Distribution::Float { low, high, log, step } => json!({
                "name": "FloatDistribution", "attributes": {"step": step, "low": low, "high": high, "log": log}
            }),
            Distribution::Int { low, high, log, step } => json!({
                "name": "IntDistribution", "attributes": {"log": log, "step": step, "low": low, "high": high}
            }),
            Distribution::Categorical { choices } => json!({
                "name": "CategoricalDistribution",
                "attributes": {"choices": choices.iter().map(Value::to_json).collect::<Vec<_>>()}
            }),
        }
    }

    /// From JSON inside text, as study files have it. None if it is no distribution at all.
    ///
    /// # Errors
    /// As [`from_json`](Self::from_json).
    pub fn from_text(text: &str) -> Option<Result<Self, String>> {
        let json = crate::search::json::read(text).ok()?;
        Distribution::written(&json).map(|_| Distribution::from_json(&json))
    }

    /// From a study file: the forms of today, those of Optuna before 3.0, and the short form `{"type": …}`.
    ///
    /// # Errors
    /// What was expected, if it is no distribution, or none that has values and can be searched (see [`checked`](Self::checked)).
    pub fn from_json(json: &Json) -> Result<Self, String> {
        let written = Distribution::written(json).ok_or("a distribution")?;
        written.checked("").map_err(|e| e.to_string().replacen("parameter : expected", "a distribution of", 1))
    }

    fn written(json: &Json) -> Option<Self> {
        let (kind, at) = match json.get("name") {
            Some(name) => (name.as_str()?, json.get("attributes")?),
            None => (json.get("type")?.as_str()?, json),
        };
        let number = |key| at.get(key).and_then(Json::as_f64);
        let whole = |key| at.get(key).and_then(|v| v.as_i64().or_else(|| v.as_f64().map(|x| x as i64)));
        let log = at.get("log").and_then(Json::as_bool).unwrap_or(false);
        let float = |log, step| Some(Distribution::Float { low: number("low")?, high: number("high")?, log, step });
        let int = |log| {
            Some(Distribution::Int { low: whole("low")?, high: whole("high")?, log, step: whole("step").unwrap_or(1) })
        };
        match kind {
            "FloatDistribution" | "float" => float(log, number("step")),
            "IntDistribution" | "int" => int(log),
            "CategoricalDistribution" | "categorical" => {
                let choices = at.get("choices")?.as_array()?;
                Some(Distribution::Categorical { choices: choices.iter().map(Value::from_json).collect() })
            }
            "UniformDistribution" => float(false, None),
            "LogUniformDistribution" => float(true, None),
            "DiscreteUniformDistribution" => float(false, Some(number("q")?)),
            "IntUniformDistribution" => int(false),
            "IntLogUniformDistribution" => int(true),
            _ => None,
        }
    }
}
