//! Reference cases that Optuna made.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// The cases of `fixtures/optuna/FILE`, or of the file that the variable names.
pub fn read<T: DeserializeOwned>(variable: &str, file: &str) -> T {
    let path = std::env::var(variable).unwrap_or_else(|_| format!("fixtures/optuna/{file}"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// A number, or the name of one that JSON lacks.
pub fn number(value: &Value) -> f64 {
    match value.as_str() {
        Some("inf") => f64::INFINITY,
        Some("-inf") => f64::NEG_INFINITY,
        Some("nan") => f64::NAN,
        _ => value.as_f64().unwrap_or_else(|| panic!("{value} is no number")),
    }
}
