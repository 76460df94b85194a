//! What several targets need.

use elbo::search::sampler::tpe::{Joint, Startup};
use elbo::search::sampler::{Grid, Random, Sampler, Sobol, Tpe};
use elbo::search::storage::Studies;
use elbo::search::{Direction, Distribution, Outcome, Space, Storage, Study};
use std::{fs, path::PathBuf, process};

/// A folder of this process alone.
pub fn folder() -> PathBuf {
    let path = std::env::temp_dir().join(format!("elbo-fuzz-{}", process::id()));
    fs::create_dir_all(&path).expect("a temporary folder");
    path
}

/// A file in it that is not there.
pub fn no_file(name: &str) -> PathBuf {
    let path = folder().join(name);
    let _ = fs::remove_file(&path);
    path
}

/// A file in it with these contents.
pub fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder().join(name);
    fs::write(&path, bytes).expect("room in the temporary folder");
    path
}

/// All that studies are, as the lines that make them again. Ids are not in them: copies have others.
pub fn lines(studies: &Studies) -> Vec<String> {
    studies.ops(0).iter().map(|op| op.to_line("fuzz")).collect()
}

/// Asks every sampler for a few trials, and asserts that the values are the space's.
pub fn sample(space: &Space) {
    let tpe = Tpe { startup_trials: 2, startup: Startup::Sobol, ..Tpe::default() };
    let mut samplers: Vec<Box<dyn Sampler>> =
        vec![Box::new(Random), Box::new(Sobol), Box::new(tpe), Box::new(Tpe { joint: Some(Joint::Groups), ..tpe })];
    // Larger grids only take longer.
    if space.size().is_some_and(|n| n <= 1000) {
        samplers.push(Box::new(Grid::of(space).expect("a finite space without conditions")));
    }
    for sampler in samplers {
        let study =
            Study::create(Storage::in_memory(), "fuzz", &[Direction::Minimize]).expect("the first").sampler(sampler);
        for loss in [3.0, 1.0, 2.0, 1.0, 0.0, 2.0] {
            let Some(mut trial) = study.ask_within(usize::MAX).expect("memory to hold it") else { break };
            for (name, value) in trial.suggest_all(space).expect("a checked space") {
                let distribution = &space.get(&name).expect("a parameter of the space").distribution;
                let x = distribution.internal(&value).expect("a value of its kind");
                let is_within = match **distribution {
                    // Of more or smaller steps the rounding is larger than what `contains` forgives, as in Optuna.
                    Distribution::Float { low, high, step: Some(step), .. }
                        if distribution.size() > Some(1_000_000) || step < 1e-290 =>
                    {
                        (low..=high).contains(&x)
                    }
                    _ => distribution.contains(x),
                };
                assert!(is_within, "{name}: {distribution}: {value:?}");
            }
            study.tell(trial, Outcome::Complete(vec![loss])).expect("nobody else ended it");
        }
    }
}
