//! Metrics that are read are written and read again as the same records.
#![no_main]

use elbo::train::Folder;
use elbo_fuzz::{file, folder};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    file("metrics.jsonl", bytes);
    let folder = Folder::at(&folder()).expect("a temporary folder");
    let Ok(records) = folder.read_metrics() else { return };
    folder.write_metrics(&records).expect("room in the temporary folder");
    assert_eq!(folder.read_metrics().expect("what was written"), records);
});
