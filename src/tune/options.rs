//! The settings that can be searched.

use crate::error::{Error, Result};
use crate::models::{Common, Config, Network, Settings, coder};
use crate::search::{Parameter, Space, Value};
use std::collections::BTreeMap;

/// A setting that a space may name.
struct Setting {
    name: &'static str,
    /// What values it takes.
    takes: &'static str,
    set: Set,
}

/// Puts a value where it belongs, which says which networks have the setting; false if the value is of another kind.
enum Set {
    /// To every training.
    Training(fn(&mut Config, &Value) -> bool),
    /// To networks with one optimiser and one nonlinearity.
    Common(fn(Common, &Value) -> bool),
    /// To networks with an encoder and a decoder.
    Coder(fn(&mut coder::Settings, &Value) -> bool),
}

const NUMBER: &str = "a number";
const WHOLE: &str = "a whole number";

const fn setting(name: &'static str, takes: &'static str, set: Set) -> Setting {
    Setting { name, takes, set }
}

/// All of them, in the order of `elbo train --help`. How inputs are binarised is none: it changes what the loss means.
const SETTINGS: [Setting; 13] = [
    setting("epochs", WHOLE, Set::Training(|c, v| whole(v, |n| c.epochs = n as u64))),
    setting("batch_size", WHOLE, Set::Training(|c, v| whole(v, |n| c.batch_size = n))),
    setting("lr", NUMBER, Set::Common(|(own, ..), v| number(v, |x| own.lr = x))),
    setting("lr_schedule", "constant, linear or cosine", Set::Common(|(own, ..), v| word(v, |s| own.lr_schedule = s))),
    setting("optimizer", "adam, sgd or rmsprop", Set::Common(|(own, ..), v| word(v, |o| own.optimizer = o))),
    setting("momentum", NUMBER, Set::Common(|(own, ..), v| number(v, |x| own.momentum = x))),
    setting("clip_norm", NUMBER, Set::Common(|(own, ..), v| number(v, |x| own.clip_norm = Some(x)))),
    setting("latent_dim", WHOLE, Set::Coder(|own, v| whole(v, |n| own.architecture.latent = n))),
    setting(
        "hidden",
        "a width, or widths as in \"512,256\"",
        Set::Coder(|own, v| widths(v).map(|w| own.architecture.hidden = w).is_some()),
    ),
    setting(
        "activation",
        "relu, selu, tanh, sigmoid, leaky_relu, elu, gelu or silu",
        Set::Common(|(_, own, _), v| word(v, |a| *own = a)),
    ),
    setting("init", "pytorch, he, lecun, glorot or radford", Set::Common(|(.., own), v| word(v, |i| *own = i))),
    setting("beta", NUMBER, Set::Coder(|own, v| number(v, |x| own.beta = x))),
    setting("beta_warmup", WHOLE, Set::Coder(|own, v| whole(v, |n| own.beta_warmup = n as u64))),
];

impl Setting {
    /// Whether a network has it.
    fn is_of(&self, network: &Settings) -> bool {
        match self.set {
            Set::Training(_) => true,
            Set::Common(_) => network.common().is_some(),
            Set::Coder(_) => network.coder().is_some(),
        }
    }

    /// False if the value is of another kind.
    fn put(&self, config: &mut Config, value: &Value) -> bool {
        match self.set {
            Set::Training(set) => set(config, value),
            Set::Common(set) => config.network.common_mut().is_some_and(|own| set(own, value)),
            Set::Coder(set) => config.network.coder_mut().is_some_and(|own| set(own, value)),
        }
    }
}

/// What is searched if the user does not say, by parameter.
pub type Searched = &'static [(&'static str, &'static str)];

/// The exercise's space.
pub const EXERCISE: Searched = &[
    ("epochs", "low = 10\nhigh = 30\nstep = 10"),
    ("batch_size", "choices = [64, 128, 256]"),
    ("lr", "low = 0.01\nhigh = 0.1\nlog = true"),
];

/// What is searched for a classifier.
const CLASSIFIER: Searched =
    &[("batch_size", "choices = [64, 128, 256]"), ("lr", "low = 0.0001\nhigh = 0.01\nlog = true")];

/// What is searched for a network if the user does not say.
pub fn searched(network: &Settings) -> Searched {
    match network {
        Settings::Cnn(_) => CLASSIFIER,
        _ => EXERCISE,
    }
}

/// Whether a parameter is searched as if the user had not said.
pub fn is_default(parameter: &Parameter, network: &Settings) -> bool {
    let text: String = searched(network).iter().map(|(name, text)| format!("[{name}]\n{text}\n")).collect();
    let space = Space::from_toml(&text, &known(network)).expect("a good space");
    space.get(&parameter.name).is_some_and(|own| own == parameter)
}

/// The names of a network's, and whether only whole numbers make sense.
pub fn known(network: &Settings) -> Vec<(&'static str, bool)> {
    let own = SETTINGS.iter().filter(|s| s.is_of(network));
    own.map(|s| (s.name, s.takes != NUMBER)).collect()
}

/// The names of all.
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
        let setting = SETTINGS.iter().find(|s| s.name == name && s.is_of(&base.network));
        let setting = setting.ok_or_else(|| {
            let known: Vec<&str> = known(&base.network).into_iter().map(|(name, _)| name).collect();
            Error::Usage(format!("parameter {name}: there is no such option; there are {}", known.join(", ")))
        })?;
        if !setting.put(&mut config, value) {
            return Err(Error::Usage(format!("parameter {name}: expected {}, found {value}", setting.takes)));
        }
    }
    config.validate::<Network>()?;
    Ok(config)
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
    use crate::models::{classifier, classifying, exercise};

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
    fn a_classifier_has_settings_of_its_own() {
        let base = classifying(classifier::Settings::new([1, 28, 28], 10));
        let with = |name: &str, value: Value| apply(&base, &BTreeMap::from([(name.to_string(), value)]));
        for (name, value) in [("activation", Value::from("tanh")), ("lr", Value::Float(0.5)), ("init", "he".into())] {
            assert_ne!(with(name, value).unwrap(), base, "{name}");
        }
        let error = with("latent_dim", Value::Int(3)).unwrap_err().to_string();
        assert_eq!(
            error,
            "parameter latent_dim: there is no such option; there are epochs, batch_size, lr, lr_schedule, optimizer, momentum, \
             clip_norm, activation, init"
        );
        assert!(Space::from_toml("[beta]\nlow = 0\nhigh = 1", &known(&base.network)).is_err());
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
