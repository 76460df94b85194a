//! JSON as Python writes it: with the bare words `NaN`, `Infinity` and `-Infinity`, whole numbers of any length, and halves of
//! surrogate pairs in strings.
//!
//! The first two stand in [`serde_json::Value`] as text that begins with a character that no text has (U+FDD0, set aside by Unicode for
//! use inside programs), the last as another such character (U+FDD1) and four digits. A text that has one of these two after all has it
//! in the latter form, too.

use serde_json::Value;
use serde_json::error::Error;

const MARK: char = '\u{fdd0}';
const HALF: char = '\u{fdd1}';
const WORDS: [(&str, f64); 3] = [("NaN", f64::NAN), ("Infinity", f64::INFINITY), ("-Infinity", f64::NEG_INFINITY)];
/// What is read may be written within two more levels, and serde_json reads 127.
const DEEPEST: usize = 120;

/// A number that need not be finite.
pub fn number(x: f64) -> Value {
    let word = match x {
        x if x.is_nan() => "NaN",
        f64::INFINITY => "Infinity",
        f64::NEG_INFINITY => "-Infinity",
        _ => return Value::from(x),
    };
    Value::String(format!("{MARK}{word}"))
}

/// The number that [`number`] or a file made.
pub fn as_f64(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => {
            let word = text.strip_prefix(MARK)?;
            WORDS.iter().find(|(name, _)| *name == word).map(|(_, x)| *x).or_else(|| word.parse().ok())
        }
        value => value.as_f64(),
    }
}

/// Whether it is a whole number beyond 64 bits.
pub fn is_whole(value: &Value) -> bool {
    value.as_str().and_then(|text| text.strip_prefix(MARK)).is_some_and(is_long)
}

/// Whether digits are more than 64 bits hold.
fn is_long(digits: &str) -> bool {
    let digits = digits.strip_prefix('-').unwrap_or(digits);
    digits.len() > 18 && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Reads a text.
///
/// # Errors
/// When it is none, or nested too deep to be written again.
pub fn read(text: &str) -> Result<Value, Error> {
    // Only what serde_json would refuse or round is looked at twice.
    let has_long_number = text
        .as_bytes()
        .chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit())
        .any(|run| run.len() > 18 && run[0].is_ascii_digit());
    let plain = if has_long_number || has_marks(text) { None } else { serde_json::from_str(text).ok() };
    let value = match plain {
        Some(value) => value,
        None => serde_json::from_str(&rewritten(text, marked, halves_out))?,
    };
    match depth(&value) > DEEPEST {
        true => Err(serde::de::Error::custom(format!("nested deeper than {DEEPEST} levels"))),
        false => Ok(value),
    }
}

/// Whether our marks may be among the characters, as they are or escaped.
fn has_marks(text: &str) -> bool {
    text.contains([MARK, HALF]) || text.as_bytes().windows(5).any(|w| w.eq_ignore_ascii_case(b"\\ufdd"))
}

/// Words and long numbers as marked text.
fn marked(plain: &str) -> String {
    const ENDS: [char; 9] = [',', ':', '[', ']', '{', '}', ' ', '\t', '\n'];
    let mut out = String::new();
    for token in plain.split_inclusive(ENDS) {
        let word = token.trim_end_matches(ENDS);
        let infinite = word.parse::<f64>().ok().filter(|x| x.is_infinite() && word.contains(['e', 'E']));
        let is_exact = || word.parse::<i64>().is_err() && word.parse::<u64>().is_err();
        let value = infinite.map(number).or_else(|| WORDS.iter().find(|w| w.0 == word).map(|w| number(w.1)));
        let value = value.or_else(|| (is_long(word) && is_exact()).then(|| Value::String(format!("{MARK}{word}"))));
        match value {
            Some(marked) => out += &(marked.to_string() + &token[word.len()..]),
            None => out += token,
        }
    }
    out
}

/// What stands in a string with `\ud83d` as a mark where its other half is not beside it, and marks that were there in the same form.
fn halves_out(inside: &str) -> String {
    let mut out = String::new();
    let mut rest = inside;
    let unit = |text: &str| u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok();
    while let Some(at) = rest.find(['\\', MARK, HALF]) {
        out += &rest[..at];
        rest = &rest[at..];
        if let Some(mark) = rest.chars().next().filter(|c| *c != '\\') {
            out += &format!("{HALF}{:04x}", mark as u32);
            rest = &rest[mark.len_utf8()..];
            continue;
        }
        let (first, second) = (unit(rest), rest.get(6..).and_then(unit));
        let length = match (first, second) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
            (Some(half @ (0xD800..=0xDFFF | 0xFDD0 | 0xFDD1)), _) => {
                out += &format!("{HALF}{half:04x}");
                rest = &rest[6..];
                continue;
            }
            (Some(_), _) => 6,
            // An escape of one character.
            _ => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
        };
        out += &rest[..length];
        rest = &rest[length..];
    }
    out + rest
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(items) => 1 + items.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// Writes a value.
pub fn write(value: &Value) -> String {
    let text = value.to_string();
    if !text.contains([MARK, HALF]) {
        return text;
    }
    let mut out = String::new();
    for (i, part) in text.split(HALF).enumerate() {
        let is_unit = part.get(..4).is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        out += if i == 0 {
            ""
        } else if is_unit {
            "\\u"
        } else {
            "\\ufdd1"
        };
        out += part;
    }
    // Of marked text the quotes go.
    let start = format!("\"{MARK}");
    let mut parts = out.split(&start);
    let mut out = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let (word, rest) = part.split_once('"').unwrap_or((part, ""));
        match is_long(word) || WORDS.iter().any(|(name, _)| *name == word) {
            true => out += word,
            false => out += &format!("\"\\ufdd0{word}\""),
        }
        out += rest;
    }
    out
}

/// Rewrites what stands between the strings of a JSON text, and within them.
fn rewritten(text: &str, outside: impl Fn(&str) -> String, within: impl Fn(&str) -> String) -> String {
    let (mut out, mut start, mut inside, mut escaped) = (String::with_capacity(text.len()), 0, false, false);
    for (i, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if inside => escaped = true,
            '"' => {
                let part = &text[start..i];
                out += &if inside { within(part) } else { outside(part) };
                out.push('"');
                (start, inside) = (i + 1, !inside);
            }
            _ => {}
        }
    }
    let rest = &text[start..];
    out + &if inside { within(rest) } else { outside(rest) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_words_are_numbers_and_words_in_strings_are_not() {
        let text = r#"{"a":[NaN,-Infinity, Infinity],"b":"NaN, \"Infinity","c":1e999,"d":-1e999,"e":0.1}"#;
        let value = read(text).unwrap();
        assert!(as_f64(&value["a"][0]).unwrap().is_nan());
        assert_eq!(as_f64(&value["a"][1]), Some(f64::NEG_INFINITY));
        assert_eq!(as_f64(&value["c"]), Some(f64::INFINITY));
        assert_eq!(as_f64(&value["d"]), Some(f64::NEG_INFINITY));
        assert_eq!(value["b"], "NaN, \"Infinity");
        let expected = r#"{"a":[NaN,-Infinity,Infinity],"b":"NaN, \"Infinity","c":Infinity,"d":-Infinity,"e":0.1}"#;
        assert_eq!(write(&value), expected);
        assert!(read("{\"a\":NaM}").is_err() && read("").is_err());
    }

    #[test]
    fn long_numbers_and_halves_of_pairs_come_back_as_they_were() {
        for text in [
            "[123456789012345678901234567890,-99999999999999999999]",
            "[18446744073709551615,-9223372036854775808,9223372036854775807]",
            r#"{"a":"\\ud800 \\u0041","\\udfff":18446744073709551616}"#,
            r#"["\\\\ud800","1234567890123456789012"]"#,
        ] {
            let text = text.replace("\\\\", "\\");
            let value = read(&text).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(read(&write(&value)).unwrap(), value, "{text}");
        }
        assert_eq!(write(&read(r#"["\ud800x"]"#).unwrap()), r#"["\ud800x"]"#);
        assert_eq!(read(r#"["\ud83d\ude00"]"#).unwrap()[0], "😀");
        assert_eq!(as_f64(&read("[100000000000000000000]").unwrap()[0]), Some(1e20));
        assert_eq!(write(&read("100000000000000000001").unwrap()), "100000000000000000001");
    }

    #[test]
    fn texts_with_our_own_marks_come_back_as_they_were() {
        for text in [r#"["\ufdd0NaN"]"#, r#"["\ufdd0a"]"#, r#"{"\ufdd0NaN":"\ufdd1d800 \ufdd1zz x\ufdd0"}"#] {
            let value = read(text).unwrap();
            assert_eq!(write(&value), text);
            let raw = text.replace(r"\ufdd0", "\u{fdd0}").replace(r"\ufdd1", "\u{fdd1}");
            for other in [raw, text.replace("fdd", "FDD")] {
                assert_eq!(read(&other).unwrap(), value, "{other}");
            }
        }
        assert_eq!(as_f64(&read(r#"["\ufdd0NaN"]"#).unwrap()[0]), None);
        // What did not come from a file is written as valid JSON at least.
        for text in ["\u{fdd0}a\"", "\u{fdd1}zz"] {
            assert!(serde_json::from_str::<Value>(&write(&Value::from(text))).is_ok());
        }
    }

    #[test]
    fn what_is_nested_too_deep_to_be_written_again_is_refused() {
        let nested = |n: usize| "[".repeat(n) + &"]".repeat(n);
        assert!(read(&nested(DEEPEST)).is_ok());
        for n in [DEEPEST + 1, 127, 128, 100_000] {
            assert!(read(&nested(n)).is_err(), "{n}");
        }
    }
}
