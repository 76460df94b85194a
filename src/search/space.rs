//! [`Space`]: parameters declared before the search, some of them only under a condition.

use super::distribution::Distribution;
use super::value::Value;
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::sync::Arc;
use toml::{Table, Value as Toml};

/// A declared parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its values.
    pub distribution: Arc<Distribution>,
    /// The parameter it depends on, and the values of that one under which it exists.
    pub when: Option<(String, Vec<Value>)>,
}

/// Declared parameters, each after the one it depends on.
///
/// As a file, TOML with a table for each parameter:
///
/// ```toml
/// [lr]
/// low = 1e-4
/// high = 0.1
/// log = true
///
/// [optimizer]
/// choices = ["adam", "sgd"]
///
/// [momentum]            # exists only with SGD
/// low = 0.0
/// high = 0.99
/// when = { optimizer = "sgd" }
/// ```
///
/// Bounds that are both whole make an int, others a float; `type = "float"` and `type = "int"` say it outright. `step` and
/// `log = true` are as in [`Distribution`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Space {
    parameters: Vec<Parameter>,
}

impl Space {
    /// A space of parameters without conditions.
    ///
    /// # Errors
    /// When a distribution has no values.
    pub fn new<N: Into<String>>(parameters: impl IntoIterator<Item = (N, Distribution)>) -> Result<Self> {
        let mut space = Space::default();
        for (name, distribution) in parameters {
            space.push(name.into(), distribution, None)?;
        }
        Ok(space)
    }

    /// Adds a parameter, that exists only `when` another one has one of some values.
    ///
    /// # Errors
    /// When the distribution has no values, the name is taken, or the condition is about what was not declared before or can
    /// never be met.
    pub fn push(&mut self, name: String, distribution: Distribution, when: Option<(String, Vec<Value>)>) -> Result<()> {
        let distribution = Arc::new(distribution.checked(&name)?);
        if self.get(&name).is_some() {
            return Err(Error::Usage(format!("parameter {name}: declared twice")));
        }
        if let Some((parent, values)) = &when {
            let known = self.get(parent).ok_or_else(|| {
                Error::Usage(format!(
                    "parameter {name}: when: expected a parameter declared in the space, found {parent}"
                ))
            })?;
            for value in values {
                if !known.distribution.internal(value).is_some_and(|x| known.distribution.contains(x)) {
                    let expected = &known.distribution;
                    return Err(Error::Usage(format!(
                        "parameter {name}: when {parent}: expected {expected}, found {value}"
                    )));
                }
            }
        }
        self.parameters.push(Parameter { name, distribution, when });
        Ok(())
    }

    /// From the text of a file. `known` lists the names that mean something to the objective, and whether bounds that are both whole
    /// make an int of them.
    ///
    /// # Errors
    /// A line that names the parameter.
    pub fn from_toml(text: &str, known: &[(&str, bool)]) -> Result<Self> {
        let table: Table = text.parse().map_err(|e: toml::de::Error| {
            let line = e.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
            Error::Usage(format!("line {line}: {}", e.message()))
        })?;
        if table.is_empty() {
            return Err(Error::Usage("expected at least one parameter, found none".into()));
        }
        let mut declared: Vec<(&String, Declared)> = Vec::new();
        for (name, entry) in &table {
            let Some((_, whole)) = known.iter().find(|(known, _)| known == name) else {
                let known: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
                return Err(Error::Usage(format!(
                    "parameter {name}: there is no such option; there are {}",
                    known.join(", ")
                )));
            };
            declared.push((name, read_parameter(name, entry, *whole)?));
        }
        // Those without conditions first, then whatever has its parent.
        let mut space = Space::default();
        while !declared.is_empty() {
            let ready =
                declared.iter().position(|(_, (_, when))| when.as_ref().is_none_or(|(p, _)| space.get(p).is_some()));
            // With none ready, the first has a condition on what never comes: the space says so.
            let (name, (distribution, when)) = declared.remove(ready.unwrap_or(0));
            space.push(name.clone(), distribution, when)?;
        }
        Ok(space)
    }

    /// The parameters, each after the one it depends on.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// A parameter by name.
    pub fn get(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|p| p.name == name)
    }

    /// The number of different points; none if it is a continuum, or has conditions.
    pub fn size(&self) -> Option<u64> {
        let size = |p: &Parameter| if p.when.is_some() { None } else { p.distribution.size() };
        self.parameters.iter().try_fold(1_u64, |n, p| n.checked_mul(size(p)?))
    }

    /// Whether a parameter exists beside `values`.
    pub fn exists(&self, parameter: &Parameter, values: &BTreeMap<String, Value>) -> bool {
        parameter.when.as_ref().is_none_or(|(parent, accepted)| {
            values.get(parent).is_some_and(|value| accepted.iter().any(|a| a.equals(value)))
        })
    }
}

/// A distribution, and the condition under which the parameter exists.
type Declared = (Distribution, Option<(String, Vec<Value>)>);

fn read_parameter(name: &str, entry: &Toml, may_be_int: bool) -> Result<Declared> {
    let refuse =
        |expected: &str, found: String| Error::Usage(format!("parameter {name}: expected {expected}, found {found}"));
    let table = entry.as_table().ok_or_else(|| refuse("a table like [lr]", entry.to_string()))?;
    const KEYS: [&str; 7] = ["type", "low", "high", "log", "step", "choices", "when"];
    if let Some(key) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(refuse(&format!("only {}", KEYS.join(", ")), key.clone()));
    }
    let value = |toml: &Toml| match toml {
        Toml::String(text) => Ok(Value::Text(text.clone())),
        Toml::Integer(i) => Ok(Value::Int(*i)),
        Toml::Float(x) => Ok(Value::Float(*x)),
        Toml::Boolean(b) => Ok(Value::Bool(*b)),
        other => Err(refuse("a number, text, true or false", other.to_string())),
    };
    let number = |key: &str| match table.get(key) {
        None => Err(refuse("choices, or a range of low and high", format!("no {key}"))),
        Some(Toml::Integer(i)) => Ok(*i as f64),
        Some(Toml::Float(x)) => Ok(*x),
        Some(other) => Err(refuse(&format!("a number for {key}"), other.to_string())),
    };
    let log = match table.get("log") {
        None => false,
        Some(toml) => toml.as_bool().ok_or_else(|| refuse("true or false for log", toml.to_string()))?,
    };
    let step = table.contains_key("step").then(|| number("step")).transpose()?;
    let whole = |key: &str| table.get(key).is_none_or(Toml::is_integer);
    let kind = match table.get("type").map(|t| t.as_str().unwrap_or("")) {
        None if table.contains_key("choices") => "categorical",
        None if may_be_int && whole("low") && whole("high") && whole("step") => "int",
        None => "float",
        Some(kind) => kind,
    };
    let distribution = match kind {
        "categorical" => {
            let choices = table.get("choices").and_then(Toml::as_array);
            let choices = choices.ok_or_else(|| refuse("a list of choices", "none".into()))?;
            if let Some(key) = ["low", "high", "log", "step"].into_iter().find(|key| table.contains_key(*key)) {
                return Err(refuse("choices or a range", format!("choices and {key}")));
            }
            let choices = choices.iter().map(value).collect::<Result<Vec<_>>>()?;
            if let Some(i) = (1..choices.len()).find(|&i| choices[..i].iter().any(|c| c.equals(&choices[i]))) {
                return Err(refuse("choices that differ", format!("{} twice", choices[i])));
            }
            Distribution::Categorical { choices }
        }
        "int" => {
            let int = |key| {
                number(key).and_then(|x| match x as i64 as f64 == x {
                    true => Ok(x as i64),
                    false => Err(refuse(&format!("a whole number for {key}"), x.to_string())),
                })
            };
            let step = if step.is_some() { int("step")? } else { 1 };
            Distribution::Int { low: int("low")?, high: int("high")?, log, step }
        }
        "float" => Distribution::Float { low: number("low")?, high: number("high")?, log, step },
        other => return Err(refuse("type float, int or categorical", other.into())),
    };
    let when = match table.get("when") {
        None => None,
        Some(when) => {
            let one = when.as_table().filter(|t| t.len() == 1).and_then(|t| t.iter().next());
            let (parent, accepted) =
                one.ok_or_else(|| refuse("when = { parameter = value }", format!("when = {when}")))?;
            let accepted = match accepted {
                Toml::Array(values) => values.iter().map(value).collect::<Result<_>>()?,
                one => vec![value(one)?],
            };
            Some((parent.clone(), accepted))
        }
    };
    Ok((distribution, when))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [(&str, bool); 4] = [("lr", false), ("optimizer", true), ("momentum", false), ("hidden", true)];

    fn why(text: &str) -> String {
        Space::from_toml(text, &KNOWN).unwrap_err().to_string()
    }

    #[test]
    fn a_file_says_what_there_is_to_try() {
        let text = "[momentum]\nlow = 0.0\nhigh = 0.99\nwhen = { optimizer = \"sgd\" }\n[lr]\nlow = 1e-4\nhigh = 0.1\nlog = true\n\
                    [optimizer]\nchoices = [\"adam\", \"sgd\"]\n[hidden]\nlow = 64\nhigh = 512\nstep = 64";
        let space = Space::from_toml(text, &KNOWN).unwrap();
        let at = |name| (*space.get(name).unwrap().distribution).clone();
        assert_eq!(at("lr"), Distribution::log_float(1e-4, 0.1));
        assert_eq!(at("hidden"), Distribution::step_int(64, 512, 64));
        assert_eq!(at("optimizer"), Distribution::categorical(["adam", "sgd"]));
        let momentum = space.get("momentum").unwrap();
        let with = |name: &str| BTreeMap::from([("optimizer".to_string(), Value::from(name))]);
        assert!(space.exists(momentum, &with("sgd")) && !space.exists(momentum, &with("adam")));
        assert!(!space.exists(momentum, &BTreeMap::new()));
        assert_eq!(space.size(), None);
    }

    #[test]
    fn whole_bounds_make_an_int_only_where_numbers_are_whole() {
        let space = Space::from_toml("[lr]\nlow = 1\nhigh = 4\n[hidden]\nlow = 1\nhigh = 4", &KNOWN).unwrap();
        assert_eq!(*space.get("lr").unwrap().distribution, Distribution::float(1.0, 4.0));
        assert_eq!(*space.get("hidden").unwrap().distribution, Distribution::int(1, 4));
    }

    #[test]
    fn a_bad_file_says_which_parameter_and_why() {
        assert_eq!(
            why("[lrr]\nlow = 0\nhigh = 1"),
            "parameter lrr: there is no such option; there are lr, optimizer, momentum, hidden"
        );
        assert_eq!(
            why("[lr]\nlow = 0.0\nhigh = 1.0\nlog = true"),
            "parameter lr: expected a lower bound above 0 on a log scale, found 0"
        );
        assert!(why("[lr]\nlow = 2\nhigh = 1").contains("low ≤ high"));
        assert!(why("[lr]\nhigh = 1").contains("a range of low and high, found no low"));
        assert!(why("[lr]\nlow = 1\nhigh = 2\nlgo = true").contains("found lgo"));
        assert!(why("[momentum]\nlow = 0\nhigh = 1\nwhen = { optimizer = \"sgd\" }").contains("found optimizer"));
        let unmet = "[optimizer]\nchoices = [\"adam\"]\n[momentum]\nlow = 0\nhigh = 1\nwhen = { optimizer = \"sgd\" }";
        assert!(why(unmet).contains("expected one of adam, found sgd"));
        assert!(why("[lr]\nlow = true\nhigh = 2").contains("a number for low, found true"));
        assert!(why("[hidden]\nchoices = [64, 32, 64]").contains("choices that differ, found 64 twice"));
        assert!(why("[hidden]\nchoices = [64]\nlow = 2").contains("found choices and low"));
        assert!(why("[lr\nlow = 1").starts_with("line 1: "));
        assert!(why("").contains("at least one parameter"));
    }
}
