//! What is read is written and read again as the same value, and plain JSON is read as serde_json reads it.
#![no_main]

use elbo::search::json::{is_whole, read, write};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &str| {
    let own = read(text);
    if let Ok(value) = &own {
        assert_eq!(&read(&write(value)).expect("what was written"), value);
    }
    // Long numbers it rounds, and marks it takes for text.
    let is_plain = |v: &Value| write(v) == v.to_string() && !is_whole(v);
    if let (Ok(own), Ok(other)) = (own, serde_json::from_str::<Value>(text))
        && is_plain(&own)
    {
        assert_eq!(own, other);
    }
});
