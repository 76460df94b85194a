//! [`Value`]: a parameter's value as the objective sees it.

use super::json;
use serde::{Serialize, Serializer};
use serde_json::{Value as Json, json};
use std::fmt;

/// A parameter's value as the objective sees it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A choice without a value.
    None,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Text.
    Text(String),
    /// Any other JSON, as choices of other programs are: lists, objects, whole numbers beyond 64 bits.
    Json(Json),
}

impl Value {
    /// It as a number, as Python would compare it.
    pub fn number(&self) -> Option<f64> {
        match self {
            Value::Bool(b) => Some(f64::from(u8::from(*b))),
            Value::Int(i) => Some(*i as f64),
            Value::Float(x) => Some(*x),
            Value::None | Value::Text(_) | Value::Json(_) => None,
        }
    }

    /// Python's equality, by which study files are compared: 1 == 1.0 == true.
    pub fn equals(&self, other: &Value) -> bool {
        match (self.number(), other.number()) {
            (Some(a), Some(b)) => a == b || (a.is_nan() && b.is_nan()),
            _ => self == other,
        }
    }

    /// As study files have it.
    pub fn to_json(&self) -> Json {
        match self {
            Value::None => Json::Null,
            Value::Bool(b) => json!(b),
            Value::Int(i) => json!(i),
            Value::Float(x) => json::number(*x),
            Value::Text(t) => json!(t),
            Value::Json(json) => json.clone(),
        }
    }

    /// From a study file.
    pub fn from_json(json: &Json) -> Self {
        match json {
            Json::Null => Value::None,
            Json::Bool(b) => Value::Bool(*b),
            Json::Number(n) => match (n.as_i64(), n.as_f64()) {
                (Some(i), _) => Value::Int(i),
                (None, Some(x)) if n.is_f64() => Value::Float(x),
                _ => Value::Json(json.clone()),
            },
            Json::String(_) if json::is_whole(json) => Value::Json(json.clone()),
            Json::String(text) => json::as_f64(json).map_or_else(|| Value::Text(text.clone()), Value::Float),
            Json::Array(_) | Json::Object(_) => Value::Json(json.clone()),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::None => serializer.serialize_none(),
            Value::Bool(b) => serializer.serialize_bool(*b),
            Value::Int(i) => serializer.serialize_i64(*i),
            Value::Float(x) => serializer.serialize_f64(*x),
            Value::Text(t) => serializer.serialize_str(t),
            Value::Json(json) => json.serialize(serializer),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Value::None => f.write_str("none"),
            Value::Bool(b) => b.fmt(f),
            Value::Int(i) => i.fmt(f),
            Value::Float(x) if *x != 0.0 && (x.abs() < 1e-4 || x.abs() >= 1e6) => write!(f, "{x:.3e}"),
            Value::Float(x) => {
                let digits = format!("{x:.6}");
                f.write_str(digits.trim_end_matches('0').trim_end_matches('.'))
            }
            Value::Text(t) => t.fmt(f),
            Value::Json(json) => f.write_str(&json::write(json)),
        }
    }
}

impl From<f64> for Value {
    fn from(x: f64) -> Self {
        Value::Float(x)
    }
}

impl From<i64> for Value {
    fn from(i: i64) -> Self {
        Value::Int(i)
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Value::Bool(b)
    }
}

impl From<&&str> for Value {
    fn from(text: &&str) -> Self {
        Value::Text((*text).into())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.into())
    }
}
