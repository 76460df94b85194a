//! JSON as Python writes it: with the bare words `NaN`, `Infinity` and `-Infinity`.
//!
//! They stand in [`serde_json::Value`] as text that begins with a character that no text has (U+FDD0, set aside by Unicode for
//! use inside programs).

use serde_json::Value;

const MARK: char = '\u{fdd0}';
const WORDS: [(&str, f64); 3] = [("NaN", f64::NAN), ("Infinity", f64::INFINITY), ("-Infinity", f64::NEG_INFINITY)];

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
            WORDS.iter().find(|(name, _)| *name == word).map(|(_, x)| *x)
        }
        value => value.as_f64(),
    }
}

/// Reads a text.
pub fn read(text: &str) -> serde_json::Result<Value> {
    // Only what is not JSON is looked at twice.
    serde_json::from_str(text).or_else(|_| {
        let marked = outside_strings(text, |plain| {
            let mut out = String::new();
            for token in plain.split_inclusive([',', ':', '[', ']', '{', '}', ' ']) {
                let word = token.trim_end_matches([',', ':', '[', ']', '{', '}', ' ']);
                let infinite = word.parse::<f64>().ok().filter(|x| x.is_infinite() && word.contains(['e', 'E']));
                match infinite.map(number).or_else(|| WORDS.iter().find(|w| w.0 == word).map(|w| number(w.1))) {
                    Some(marked) => out += &(marked.to_string() + &token[word.len()..]),
                    None => out += token,
                }
            }
            out
        });
        serde_json::from_str(&marked)
    })
}

/// Writes a value.
pub fn write(value: &Value) -> String {
    let text = value.to_string();
    if !text.contains(MARK) {
        return text;
    }
    WORDS.iter().fold(text, |text, (word, _)| text.replace(&format!("\"{MARK}{word}\""), word))
}

/// Rewrites what stands between the strings of a JSON text.
fn outside_strings(text: &str, rewrite: impl Fn(&str) -> String) -> String {
    let (mut out, mut start, mut inside, mut escaped) = (String::with_capacity(text.len()), 0, false, false);
    for (i, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if inside => escaped = true,
            '"' => {
                let part = &text[start..i];
                out += &if inside { part.to_string() } else { rewrite(part) };
                out.push('"');
                (start, inside) = (i + 1, !inside);
            }
            _ => {}
        }
    }
    let rest = &text[start..];
    out + &if inside { rest.to_string() } else { rewrite(rest) }
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
}
