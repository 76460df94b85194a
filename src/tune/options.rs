//! The settings that can be searched.

use crate::error::{Error, Result};
use crate::models::{Architecture, Config, Network, Settings, coder};
use crate::optim::Descent;
use crate::search::{Parameter, Space, Value};
use std::collections::BTreeMap;

/// A setting that a space may name.
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// What values it takes.
    pub takes: &'static str,
    /// Puts a value into a configuration; false if it is of another kind.
    set: fn(&mut Config, &Value) -> bool,
}

const NUMBER: &str = "a number";

/// All of them, in the order of `elbo train --help`. How inputs are binarised is none: it changes what the loss means.
pub const SETTINGS: [Setting; 13] = [
    Setting { name: "epochs", takes: "a whole number", set: |c, v| whole(v, |n| c.epochs = n as u64) },
    Setting { name: "batch_size", takes: "a whole number", set: |c, v| whole(v, |n| c.batch_size = n) },
    Setting { name: "lr", takes: NUMBER, set: |c, v| number(v, |x| descent(c).lr = x) },
    Setting {
        name: "lr_schedule",
        takes: "constant, linear or cosine",
        set: |c, v| word(v, |s| descent(c).lr_schedule = s),
    },
    Setting { name: "optimizer", takes: "adam or sgd", set: |c, v| word(v, |o| descent(c).optimizer = o) },
    Setting { name: "momentum", takes: NUMBER, set: |c, v| number(v, |x| descent(c).momentum = x) },
    Setting { name: "clip_norm", takes: NUMBER, set: |c, v| number(v, |x| descent(c).clip_norm = Some(x)) },
    Setting { name: "latent_dim", takes: "a whole number", set: |c, v| whole(v, |n| shape(c).latent = n) },
    Setting {
        name: "hidden",
        takes: "a width, or widths as in \"512,256\"",
        set: |c, v| widths(v).map(|w| shape(c).hidden = w).is_some(),
    },
    Setting {
        name: "activation",
        takes: "relu, selu, tanh, sigmoid, leaky_relu, elu, gelu or silu",
        set: |c, v| word(v, |a| shape(c).activation = a),
    },
    Setting { name: "init", takes: "pytorch, he, lecun, glorot or radford", set: |c, v| word(v, |i| shape(c).init = i) },
    Setting { name: "beta", takes: NUMBER, set: |c, v| number(v, |x| vae(c).beta = x) },
    Setting { name: "beta_warmup", takes: "a whole number", set: |c, v| whole(v, |n| vae(c).beta_warmup = n as u64) },
];

/// What is searched if the user does not say: the exercise's space, by parameter.
pub const EXERCISE: [(&str, &str); 3] = [
    ("epochs", "low = 10\nhigh = 30\nstep = 10"),
    ("batch_size", "choices = [64, 128, 256]"),
    ("lr", "low = 0.01\nhigh = 0.1\nlog = true"),
];

/// Whether a parameter is searched as in the exercise.
pub fn is_exercise(parameter: &Parameter) -> bool {
    let text: String = EXERCISE.iter().map(|(name, text)| format!("[{name}]\n{text}\n")).collect();
    let space = Space::from_toml(&text, &known()).expect("a good space");
    space.get(&parameter.name).is_some_and(|own| own == parameter)
}

/// Their names, and whether only whole numbers make sense.
pub fn known() -> Vec<(&'static str, bool)> {
    SETTINGS.iter().map(|s| (s.name, s.takes != NUMBER)).collect()
}

/// Their names.
pub fn names() -> Vec<&'static str> {
    SETTINGS.iter().map(|s| s.name).collect()
}

/// A configuration with the values of a trial.
///
/// # Errors
/// [`Error::Usage`] that names the parameter, what it takes and what it got.
pub fn apply(base: &Config, values: &BTreeMap<String, Value>) -> Result<Config> {
    let mut config = base.clone();
    for (name, value) in values {
        let setting = SETTINGS.iter().find(|s| s.name == name);
        let setting = setting.ok_or_else(|| {
            let known = names().join(", ");
            Error::Usage(format!("parameter {name}: there is no such option; there are {known}"))
        })?;
        if !(setting.set)(&mut config, value) {
            return Err(Error::Usage(format!("parameter {name}: expected {}, found {value}", setting.takes)));
        }
    }
    config.validate::<Network>()?;
    Ok(config)
}

/// What is tuned.
pub fn vae(config: &mut Config) -> &mut coder::Settings {
    match &mut config.network {
        Settings::Vae(own) => own,
        other => panic!("the VAE is tuned, not the {}", other.name()),
    }
}

fn descent(config: &mut Config) -> &mut Descent {
    &mut vae(config).descent
}

fn shape(config: &mut Config) -> &mut Architecture {
    &mut vae(config).architecture
}

fn whole(value: &Value, set: impl FnOnce(usize)) -> bool {
    value.number().filter(|x| *x >= 0.0 && *x == x.floor()).map(|x| set(x as usize)).is_some()
}

fn number(value: &Value, set: impl FnOnce(f64)) -> bool {
    value.number().map(set).is_some()
}

/// A word as a configuration file has it.
fn word<T: serde::de::DeserializeOwned>(value: &Value, set: impl FnOnce(T)) -> bool {
    serde_json::from_value(value.to_json()).map(set).is_ok()
}

fn widths(value: &Value) -> Option<Vec<usize>> {
    match value {
        Value::Int(n) => Some(vec![usize::try_from(*n).ok()?]),
        Value::Text(text) => text.split(',').map(|w| w.trim().parse().ok()).collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::exercise;

    fn with(name: &str, value: impl Into<Value>) -> Result<Config> {
        apply(&exercise(784), &BTreeMap::from([(name.to_string(), value.into())]))
    }

    #[test]
    fn every_setting_changes_the_configuration() {
        let values = [
            ("epochs", Value::Int(7)),
            ("batch_size", Value::Int(64)),
            ("lr", Value::Float(0.5)),
            ("lr_schedule", "cosine".into()),
            ("optimizer", "sgd".into()),
            ("momentum", Value::Float(0.5)),
            ("clip_norm", Value::Int(1)),
            ("latent_dim", Value::Int(8)),
            ("hidden", "64,32".into()),
            ("activation", "tanh".into()),
            ("init", "he".into()),
            ("beta", Value::Float(2.0)),
            ("beta_warmup", Value::Int(3)),
        ];
        assert_eq!(values.iter().map(|(n, _)| *n).collect::<Vec<_>>(), names());
        for (name, value) in values {
            assert_ne!(with(name, value).unwrap(), exercise(784), "{name}");
        }
        assert_eq!(with("hidden", 300_i64).unwrap().network.coder().unwrap().architecture.hidden, [300]);
    }

    #[test]
    fn a_bad_value_is_named_with_what_was_expected() {
        let why = |name, value: Value| with(name, value).unwrap_err().to_string();
        assert_eq!(
            why("activation", "swish".into()),
            "parameter activation: expected relu, selu, tanh, sigmoid, leaky_relu, elu, gelu or silu, found swish"
        );
        assert!(why("depth", Value::Int(1)).starts_with("parameter depth: there is no such option; there are epochs,"));
        assert_eq!(why("batch_size", Value::Int(0)), "batch_size: expected at least 1, found 0");
        assert!(why("hidden", "12,x".into()).contains("found 12,x"));
    }
}
