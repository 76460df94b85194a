//! A SQLite file is refused, or its studies are the same after they were copied to a journal and exported again.
#![no_main]

use elbo::search::{Storage, storage::sqlite};
use elbo_fuzz::{file, lines, no_file};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(studies) = sqlite::import(&file("study.db", bytes)) else { return };
    let journal = no_file("journal");
    let mut storage = Storage::journal(&journal).expect("an empty journal");
    // What this program cannot work with is not copied.
    if storage.copy(&studies).is_err() {
        return;
    }
    assert_eq!(lines(storage.studies()), lines(&studies));
    assert_eq!(lines(Storage::journal(&journal).expect("what was written").studies()), lines(&studies));
    let exported = no_file("exported.db");
    if sqlite::export(&studies, &exported).is_ok() {
        assert_eq!(lines(&sqlite::import(&exported).expect("what was exported")), lines(&studies));
    }
});
