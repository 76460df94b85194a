//! A journal is refused, or its studies take another trial each, and are the same when read again and through SQLite.
#![no_main]

use elbo::error::Error;
use elbo::search::storage::sqlite;
use elbo::search::{Outcome, Storage, Study, sampler::Tpe};
use elbo_fuzz::{file, lines, no_file};
use libfuzzer_sys::fuzz_target;
use std::path::Path;

/// One more trial, with the parameters that the others have.
fn go_on(path: &Path, name: &str) -> Result<(), Error> {
    let tpe = Tpe { startup_trials: 1, ..Tpe::default() };
    let study = Study::open(Storage::journal(path)?, name)?.sampler(tpe);
    let mut trial = study.ask()?;
    let trials = study.trials()?;
    for (name, param) in trials.iter().flat_map(|t| &t.params) {
        trial.suggest(name, &param.distribution)?;
    }
    let values = vec![1.0; study.directions().len()];
    study.tell(trial, Outcome::Complete(values))
}

fuzz_target!(|bytes: &[u8]| {
    let path = file("journal", bytes);
    let Ok(storage) = Storage::journal(&path) else { return };
    let names: Vec<String> = storage.studies().studies.iter().flatten().map(|s| s.name.clone()).collect();
    for name in names {
        // It may be refused: a queued value that is no choice, a parameter of two kinds.
        let _ = go_on(&path, &name);
    }
    let storage = Storage::journal(&path).expect("what was appended");
    let exported = no_file("exported.db");
    if sqlite::export(storage.studies(), &exported).is_ok() {
        let imported = sqlite::import(&exported).expect("what was exported");
        assert_eq!(lines(&imported), lines(storage.studies()));
    }
});
