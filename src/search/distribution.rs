//! [`Distribution`]: what values a parameter may take.

use super::value::Value;
use crate::error::{Error, Result};
use libm::{exp, floor, log, rint};
use std::fmt;

mod written;

/// The values a parameter may take. Both bounds are included.
///
/// What is stored and modelled is a value's *internal* number: a float or an int as it is (not its logarithm), a choice by its
/// place in the list, from 0.
#[derive(Clone, Debug, PartialEq)]
pub enum Distribution {
    /// A number in [low, high].
    Float {
        /// Lower bound; above 0 with `log`.
        low: f64,
        /// Upper bound; with a step, the last reachable value.
        high: f64,
        /// Whether equal ratios matter, not equal differences.
        log: bool,
        /// If given, only low, low + step, … are reachable. Not with `log`.
        step: Option<f64>,
    },
    /// A whole number in [low, high].
    Int {
        /// Lower bound; at least 1 with `log`.
        low: i64,
        /// Upper bound: the last reachable value.
        high: i64,
        /// Whether equal ratios matter.
        log: bool,
        /// Only low, low + step, … are reachable; 1 with `log`.
        step: i64,
    },
    /// One of a list, without an order.
    Categorical {
        /// The list.
        choices: Vec<Value>,
    },
}

/// Whole numbers beyond this are not exact as f64.
const EXACT: i64 = 1 << 53;

impl Distribution {
    /// A number between two bounds.
    pub fn float(low: f64, high: f64) -> Self {
        Distribution::Float { low, high, log: false, step: None }
    }

    /// A positive number between two bounds, by its logarithm.
    pub fn log_float(low: f64, high: f64) -> Self {
        Distribution::Float { low, high, log: true, step: None }
    }

    /// One of low, low + step, …, up to high.
    pub fn step_float(low: f64, high: f64, step: f64) -> Self {
        Distribution::Float { low, high, log: false, step: Some(step) }
    }

    /// A whole number between two bounds.
    pub fn int(low: i64, high: i64) -> Self {
        Distribution::step_int(low, high, 1)
    }

    /// A positive whole number between two bounds, by its logarithm.
    pub fn log_int(low: i64, high: i64) -> Self {
        Distribution::Int { low, high, log: true, step: 1 }
    }

    /// One of the whole numbers low, low + step, …, up to high.
    pub fn step_int(low: i64, high: i64, step: i64) -> Self {
        Distribution::Int { low, high, log: false, step }
    }

    /// One of a list.
    pub fn categorical<V: Into<Value>>(choices: impl IntoIterator<Item = V>) -> Self {
        Distribution::Categorical { choices: choices.into_iter().map(V::into).collect() }
    }

    /// The same, with an upper bound that the steps reach. 0.5 is a multiple of 0.1: steps are counted in decimal.
    ///
    /// # Errors
    /// [`Error::Usage`], beginning with `name`, when there is no such distribution.
    pub fn checked(mut self, name: &str) -> Result<Self> {
        let refuse = |expected: &str, found: String| {
            Err(Error::Usage(format!("parameter {name}: expected {expected}, found {found}")))
        };
        match &mut self {
            Distribution::Float { low, high, log, step } => {
                if !(low.is_finite() && high.is_finite() && low <= high) {
                    return refuse("finite bounds low ≤ high", format!("[{low}, {high}]"));
                }
                // With the half step that a value's cell reaches beyond each end.
                let around = step.unwrap_or(0.0);
                if !((*high + around) - (*low - around)).is_finite() && around.is_finite() {
                    return refuse("a range whose width is a number", format!("[{low}, {high}]"));
                }
                if *log && *low <= 0.0 {
                    return refuse("a lower bound above 0 on a log scale", low.to_string());
                }
                if let Some(s) = *step {
                    if *log {
                        return refuse("a step or a log scale", "both".into());
                    }
                    // Sums of smaller ones have too few digits to be told from one another.
                    if !(s.is_normal() && s > 0.0) {
                        return refuse("a positive step of at least 2.3e-308", format!("{s:?}"));
                    }
                    if (*high - *low) / s > EXACT as f64 {
                        return refuse("at most 2^53 steps", format!("steps of {s} in [{low}, {high}]"));
                    }
                    *high = last_step(*low, *high, s);
                }
            }
            Distribution::Int { low, high, log, step } => {
                if low > high || *low < -EXACT || *high > EXACT {
                    return refuse("whole bounds low ≤ high, within ±2^53", format!("[{low}, {high}]"));
                }
                if *log && *low < 1 {
                    return refuse("a lower bound of at least 1 on a log scale", low.to_string());
                }
                if *step < 1 || (*log && *step != 1) {
                    return refuse("a step of at least 1, and of 1 on a log scale", step.to_string());
                }
                *high -= (*high - *low) % *step;
            }
            Distribution::Categorical { choices } if choices.is_empty() => {
                return refuse("at least one choice", "none".into());
            }
            Distribution::Categorical { .. } => {}
        }
        Ok(self)
    }

    /// Whether there is but one value. Such a parameter is never modelled.
    pub fn is_single(&self) -> bool {
        match self {
            // In decimal: 0.6 − 0.5 is below 0.1 in binary.
            Distribution::Float { low, high, step, .. } => {
                low == high || step.is_some_and(|s| last_step(*low, *high, s) == *low)
            }
            Distribution::Int { low, high, step, .. } => high - low < *step,
            Distribution::Categorical { choices } => choices.len() == 1,
        }
    }

    /// The number of values; none if it is a continuum.
    pub fn size(&self) -> Option<u64> {
        match self {
            Distribution::Float { low, high, .. } if low == high => Some(1),
            Distribution::Float { low, high, step, .. } => step.map(|s| rint((high - low) / s) as u64 + 1),
            Distribution::Int { low, high, step, .. } => Some(((high - low) / step) as u64 + 1),
            Distribution::Categorical { choices } => Some(choices.len() as u64),
        }
    }

    /// The internal number of value `k` of those that [`size`](Self::size) counts: low + k step in floating point, where
    /// 3 × 0.1 > 0.3, and so at most high.
    pub fn nth(&self, k: u64) -> f64 {
        match self {
            Distribution::Float { low, high, step, .. } => (low + k as f64 * step.unwrap_or(0.0)).min(*high),
            Distribution::Int { low, step, .. } => (low + k as i64 * step) as f64,
            Distribution::Categorical { .. } => k as f64,
        }
    }

    /// The internal number at quantile `u` ∈ [0, 1) of the prior, the law of random search: uniform over the values; with `log`
    /// uniform in ln x for a float, and P(k) ∝ ln((k + ½)/(k − ½)) for an int.
    pub fn at(&self, u: f64) -> f64 {
        match *self {
            Distribution::Float { low, high, log: true, .. } => {
                exp(log(low) + u * (log(high) - log(low))).clamp(low, high)
            }
            Distribution::Int { low, high, log: true, .. } => {
                let (a, b) = (log(low as f64 - 0.5), log(high as f64 + 0.5));
                rint(exp(a + u * (b - a))).clamp(low as f64, high as f64)
            }
            Distribution::Float { low, high, step: None, .. } => (low + u * (high - low)).min(high),
            _ => {
                let n = self.size().expect("all others are discrete");
                self.nth((floor(u * n as f64) as u64).min(n - 1))
            }
        }
    }

    /// Whether an internal number is one of its values.
    pub fn contains(&self, x: f64) -> bool {
        match self {
            Distribution::Float { low, high, step, .. } => {
                // As far as the digits of x and low tell the steps apart.
                let is_on = |s: f64| (x - self.nth(rint((x - low) / s) as u64)).abs() <= 1e-8 * s;
                (*low..=*high).contains(&x) && step.is_none_or(is_on)
            }
            Distribution::Int { low, high, step, .. } => {
                let (low, high) = (*low as f64, *high as f64);
                (low..=high).contains(&x) && (x - low) % *step as f64 == 0.0
            }
            Distribution::Categorical { choices } => x >= 0.0 && x < choices.len() as f64 && x == floor(x),
        }
    }

    /// The value of an internal number.
    ///
    /// # Panics
    /// When it is not the place of a choice.
    pub fn value(&self, x: f64) -> Value {
        match self {
            Distribution::Float { .. } => Value::Float(x),
            Distribution::Int { .. } => Value::Int(x as i64),
            Distribution::Categorical { choices } => choices[x as usize].clone(),
        }
    }

    /// The internal number of a value, if it is of the right kind. It may be out of range.
    pub fn internal(&self, value: &Value) -> Option<f64> {
        match self {
            Distribution::Categorical { choices } => choices.iter().position(|c| c.equals(value)).map(|i| i as f64),
            Distribution::Float { .. } => value.number().filter(|x| x.is_finite()),
            Distribution::Int { .. } => value.number().filter(|x| *x == floor(*x) && x.abs() <= EXACT as f64),
        }
    }

    /// Whether one study may give a parameter both distributions: those of one kind on one scale, with the same choices.
    pub fn is_compatible(&self, other: &Distribution) -> bool {
        match (self, other) {
            (Distribution::Float { log: a, .. }, Distribution::Float { log: b, .. }) => a == b,
            (Distribution::Int { log: a, .. }, Distribution::Int { log: b, .. }) => a == b,
            (Distribution::Categorical { choices: a }, Distribution::Categorical { choices: b }) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.equals(b))
            }
            _ => false,
        }
    }
}

impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let scale = |log: &bool| if *log { ", log" } else { "" };
        match self {
            Distribution::Float { low, high, log, step } => {
                write!(f, "float [{low}, {high}]{}", scale(log))?;
                step.map_or(Ok(()), |s| write!(f, ", step {s}"))
            }
            Distribution::Int { low, high, log, step } => {
                write!(f, "int [{low}, {high}]{}", scale(log))?;
                if *step == 1 { Ok(()) } else { write!(f, ", step {step}") }
            }
            Distribution::Categorical { choices } => {
                let choice = |c: &Value| match c {
                    Value::Text(text) if text.contains(',') => format!("\"{text}\""),
                    c => c.to_string(),
                };
                write!(f, "one of {}", choices.iter().map(choice).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// The last of low, low + step, … that does not exceed high, in decimal arithmetic on the shortest digits of each number. What
/// is the last once stays so: its shortest digits may be a little below what they were rounded from.
fn last_step(low: f64, high: f64, step: f64) -> f64 {
    let decimal = |x: f64| -> (i128, i32) {
        let text = format!("{x:e}");
        let (digits, exponent) = text.split_once('e').expect("scientific notation has an exponent");
        let fraction = digits.split_once('.').map_or(0, |(_, f)| f.len() as i32);
        let whole = digits.replace('.', "").parse().expect("at most 17 digits");
        (whole, exponent.parse::<i32>().expect("a small number") - fraction)
    };
    let parts = [low, high, step].map(decimal);
    let unit = parts.iter().map(|p| p.1).min().expect("three");
    let scaled = |(digits, exponent): (i128, i32)| digits.checked_mul(10_i128.checked_pow((exponent - unit) as u32)?);
    let in_decimal = || {
        let [low, high, step] = parts.map(scaled);
        let (low, step) = (low?, step?);
        let k = high?.checked_sub(low)? / step;
        let nth = |k: i128| {
            Some(format!("{}e{unit}", low.checked_add(k.checked_mul(step)?)?).parse::<f64>().expect("a number"))
        };
        Some((nth(k)?, nth(k + 1)?))
    };
    let (last, next) = in_decimal().unwrap_or_else(|| {
        // Magnitudes too far apart for 38 digits.
        let k = floor((high - low) / step);
        (low + k * step, low + (k + 1.0) * step)
    });
    if next == high { high } else { last }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn steps_are_counted_in_decimal() {
        let high = |low, high, step| match Distribution::step_float(low, high, step).checked("x").unwrap() {
            Distribution::Float { high, .. } => high,
            _ => unreachable!(),
        };
        assert_eq!(high(0.0, 0.5, 0.1), 0.5);
        assert_eq!(high(0.0, 0.55, 0.1), 0.5);
        assert_eq!(high(0.1, 1.0, 0.3), 1.0);
        assert_eq!(high(-1.0, 1e15, 0.5), 1e15);
        assert!(!Distribution::step_float(0.5, 0.6, 0.1).is_single());
        assert!(Distribution::step_float(0.5, 0.59, 0.1).is_single());
        assert_eq!(Distribution::step_int(64, 256, 100).checked("x").unwrap(), Distribution::step_int(64, 164, 100));
    }

    #[test]
    fn the_last_step_stays_the_last() {
        for (low, high, step) in [(0.1234567890123456, 100000.5, 1.0), (1e-30, 1e15, 0.7)] {
            let checked = Distribution::step_float(low, high, step).checked("x").unwrap();
            assert_eq!(checked.clone().checked("x").unwrap(), checked);
        }
    }

    #[test]
    fn values_survive_the_way_in_and_out() {
        let choices = [Value::None, Value::Bool(true), Value::Int(32), Value::Float(1.5), Value::Text("x".into())];
        for d in [
            Distribution::log_float(1e-5, 0.1),
            Distribution::step_float(0.0, 0.5, 0.1),
            Distribution::step_float(0.0, 0.3, 0.1),
            Distribution::step_int(64, 512, 64),
            Distribution::log_int(2, 64),
            Distribution::categorical(choices.clone()),
        ] {
            assert_eq!(Distribution::from_json(&d.to_json()), Ok(d.clone()));
            for i in 0..100 {
                let x = d.at(f64::from(i) / 100.0);
                assert!(d.contains(x), "{d}: {x}");
                assert_eq!(d.internal(&d.value(x)), Some(x), "{d}");
            }
        }
        let old = json!({"name": "DiscreteUniformDistribution", "attributes": {"low": 0.0, "high": 1.0, "q": 0.25}});
        assert_eq!(Distribution::from_json(&old), Ok(Distribution::step_float(0.0, 1.0, 0.25)));
        assert_eq!(
            Distribution::from_json(&json!({"type": "int", "low": 1, "high": 9, "log": true})),
            Ok(Distribution::log_int(1, 9))
        );
    }

    #[test]
    fn what_is_no_distribution_says_why() {
        let why = |d: Distribution| d.checked("lr").unwrap_err().to_string();
        assert_eq!(
            why(Distribution::log_float(0.0, 0.1)),
            "parameter lr: expected a lower bound above 0 on a log scale, found 0"
        );
        assert_eq!(
            why(Distribution::float(1.0, 0.5)),
            "parameter lr: expected finite bounds low ≤ high, found [1, 0.5]"
        );
        assert!(why(Distribution::int(3, 2)).contains("[3, 2]"));
        assert!(why(Distribution::step_float(0.0, 1.0, 0.0)).contains("a positive step"));
        assert!(why(Distribution::categorical::<Value>([])).contains("at least one choice"));
        for endless in [
            Distribution::float(-1.5e308, 1.5e308),
            Distribution::step_float(0.0, 1.0, 1e-20),
            Distribution::step_float(0.0, 1.0, 5e-324),
            Distribution::step_float(-1e308, 1e308, 1e292),
            Distribution::int(0, 1 << 60),
        ] {
            let why = why(endless.clone());
            assert!(why.starts_with("parameter lr: expected ") && why.contains("found "), "{endless}: {why}");
        }
    }
}
