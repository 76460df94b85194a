//! What flags take, and what is said of a value that they do not.

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, Error};
use std::error::Error as _;
use std::ffi::OsString;
use std::ops::RangeBounds;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A whole number of this range. A parser's error says what it expects.
pub fn whole<T: FromStr + PartialOrd>(
    range: impl RangeBounds<T> + Clone + Send + Sync + 'static,
    expected: &'static str,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| text.parse().ok().filter(|n| range.contains(n)).ok_or_else(|| expected.to_string())
}

/// A number; whether it makes sense is checked with all others.
pub fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| "a number".into())
}

/// Two numbers.
pub fn pair(text: &str) -> Result<[f64; 2], String> {
    let numbers = text.split_once(',').and_then(|(a, b)| Some([a.trim().parse().ok()?, b.trim().parse().ok()?]));
    numbers.ok_or_else(|| "two numbers, such as 0.5,0.999".into())
}

/// A path, whose `~/` is the home folder: shells leave it as it is in `--out=~/x`.
pub fn path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(|text| at_home(text).into())
}

/// The same, not yet known to be a path.
pub fn path_or_word() -> impl TypedValueParser<Value = OsString> {
    OsStringValueParser::new().map(at_home)
}

fn at_home(text: OsString) -> OsString {
    match (Path::new(&text).strip_prefix("~"), std::env::home_dir()) {
        (Ok(rest), Some(home)) => home.join(rest).into_os_string(),
        _ => text,
    }
}

/// Numbers below 0 are values, not unknown flags.
pub fn with_negative_numbers(command: Command) -> Command {
    let command = command.mut_args(|arg| match arg.get_action().takes_values() {
        true => arg.allow_negative_numbers(true),
        false => arg,
    });
    let names: Vec<String> = command.get_subcommands().map(|c| c.get_name().to_string()).collect();
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, with_negative_numbers))
}

/// A bad value in one line, in the words of everything else: what, expected, found. None for errors of other kinds.
pub fn complaint(error: &Error) -> Option<String> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    if !matches!(error.kind(), ErrorKind::InvalidValue | ErrorKind::ValueValidation) {
        return None;
    }
    let expected = match (error.get(ContextKind::ValidValue), error.source()) {
        (Some(ContextValue::Strings(all)), _) => match all.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
            _ if all.is_empty() => "a value".into(),
            _ => all.concat(),
        },
        (_, Some(source)) => source.to_string(),
        _ => return None,
    };
    let name = text(ContextKind::InvalidArg)?;
    let name = name.split(' ').next().unwrap_or_default().trim_matches(['<', '>', '[', ']']);
    let found = text(ContextKind::InvalidValue).filter(|found| !found.is_empty()).unwrap_or_else(|| "nothing".into());
    Some(format!("{name}: expected {expected}, found {found}"))
}

/// The flag of a setting: `batch_size` is --batch-size.
pub fn of(setting: &str) -> String {
    format!("--{}", setting.replace('_', "-"))
}

/// A text of the library with its settings as flags: `clip_norm = 1` between backticks becomes --clip-norm 1.
pub fn named(text: &str) -> String {
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let parts: Vec<&str> = text.split('`').collect();
    let flag = |(i, part): (usize, &&str)| {
        let (name, value) = part.split_once(" = ").map_or((*part, None), |(name, value)| (name, Some(value)));
        match (i % 2 == 1, value) {
            (false, _) => part.to_string(),
            (true, _) if i + 1 == parts.len() => format!("`{part}"),
            (true, _) if !is_name(name) => format!("`{part}`"),
            (true, Some(value)) => format!("{} {value}", of(name)),
            (true, None) => of(name),
        }
    };
    parts.iter().enumerate().map(flag).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tilde_is_the_home_folder_only_where_a_shell_would_take_it_so() {
        let home = std::env::home_dir().unwrap();
        let expanded = |text: &str| PathBuf::from(at_home(text.into()));
        assert_eq!(expanded("~/x"), home.join("x"));
        assert_eq!(expanded("~"), home);
        for other in ["x/~", "~x", "./~/x", "synthetic"] {
            assert_eq!(expanded(other), PathBuf::from(other));
        }
    }

    #[test]
    fn settings_between_backticks_are_shown_as_flags() {
        assert_eq!(
            named("A lower `lr` or `clip_norm = 1` helps: `jobs`."),
            "A lower --lr or --clip-norm 1 helps: --jobs."
        );
        assert_eq!(named("`enqueue = lr=0.1`: no"), "--enqueue lr=0.1: no");
        for other in ["`config.json` beside it", "`Lr`", "a ` alone", "``"] {
            assert_eq!(named(other), other);
        }
    }
}
