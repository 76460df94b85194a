//! A space that is read can be declared again, and every sampler gives values within it.
#![no_main]

use elbo::tune::options::known;
use elbo::search::{Distribution, Space};
use elbo_fuzz::sample;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let network = elbo::models::exercise(4).network;
    let Ok(space) = Space::from_toml(text, &known(&network)) else { return };
    let mut again = Space::default();
    for p in space.parameters() {
        again.push(p.name.clone(), Distribution::clone(&p.distribution), p.when.clone()).expect("declared before");
    }
    assert_eq!(again, space);
    sample(&space);
});
