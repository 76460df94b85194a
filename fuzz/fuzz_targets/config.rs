//! A configuration that is read is written and read again as the same one, and a valid small one takes a training step.
#![no_main]

use elbo::data::{Dataset, Split};
use elbo::error::Error;
use elbo::models::{Config, Network, Trainer};
use elbo::train::Task;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(config) = serde_json::from_slice::<Config>(bytes) else { return };
    let json = serde_json::to_string(&config).expect("plain data");
    assert_eq!(serde_json::from_str::<Config>(&json).expect("what was written"), config);

    let pixels = Network::pixels(&config.network);
    // Larger ones only take longer.
    if config.validate::<Network>().is_err() || Network::weights(&config.network).is_none_or(|n| n > 10_000) {
        return;
    }
    let split = Split::new((0..3 * pixels).map(|i| (i * 89) as u8).collect(), vec![0; 3], 1, pixels);
    let data = Dataset::new("fuzz", "memory", split.clone(), split, vec!["0".into()]);
    if config.check_steps(3).is_err() {
        return;
    }
    let mut trainer = Trainer::new(config).expect("a valid configuration");
    let step = trainer.step(&data);
    assert!(matches!(step, Ok(()) | Err(Error::Diverged { .. })), "{step:?}");
});
