//! A distribution of any three numbers is refused, or every sampler gives values within it, and JSON keeps it but for the last of steps.
#![no_main]

use elbo::search::{Distribution, Space};
use elbo_fuzz::sample;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, [u64; 3])| {
    let (kind, numbers) = input;
    let ([low, high, step], [a, b, c]) = (numbers.map(f64::from_bits), numbers.map(|n| n as i64));
    let distribution = match kind % 5 {
        0 => Distribution::float(low, high),
        1 => Distribution::log_float(low, high),
        2 => Distribution::step_float(low, high, step),
        3 => Distribution::log_int(a, b),
        _ => Distribution::step_int(a, b, c),
    };
    let Ok(checked) = distribution.checked("x") else { return };
    let again = Distribution::from_text(&checked.to_json().to_string());
    // The last step is found in decimal or, where 38 digits do not suffice, in binary: it may move by one with its own digits.
    let has_moved = kind % 5 == 2 && matches!(again, Some(Ok(_)));
    assert!(has_moved || again == Some(Ok(checked.clone())), "{checked:?}: {again:?}");
    sample(&Space::new([("x", checked)]).expect("checked before"));
});
