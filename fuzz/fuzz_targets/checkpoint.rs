//! A checkpoint is refused, or trains on as far as it may and is saved and resumed as it is.
#![no_main]

use elbo::data::{Dataset, Split};
use elbo::error::Error;
use elbo::models::{Trained, Trainer};
use elbo::train::Task;
use elbo_fuzz::file;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

/// Those of the corpus: four images of 2 × 2.
static DATA: LazyLock<Dataset> = LazyLock::new(|| {
    let split = Split::new((0..16).map(|i| i * 17).collect(), vec![0, 1, 0, 1], 2, 2);
    Dataset::new("fuzz", "memory", split.clone(), split, vec!["0".into(), "1".into()])
});

fuzz_target!(|bytes: &[u8]| {
    let path = file("checkpoint.safetensors", bytes);
    let loaded = Trained::load(&path);
    let Ok(mut trainer) = Trainer::resume(&path, &DATA) else { return };
    assert!(loaded.is_ok(), "resumed, but not loaded: {:?}", loaded.err());
    if trainer.progress.batch < trainer.batches(&DATA) && trainer.progress.epoch < trainer.config.epochs {
        match trainer.step(&DATA) {
            Ok(()) => {}
            Err(Error::Diverged { .. }) => return,
            Err(e) => panic!("{e}"),
        }
    }
    trainer.evaluate(&DATA);
    // An update may overflow; the next step says so.
    let params = &trainer.task.parts()[0].params;
    if params.ids().any(|id| params.get(id).data().iter().any(|x| !x.is_finite())) {
        return;
    }
    trainer.save(&path, &DATA).expect("room in the temporary folder");
    let again = Trainer::resume(&path, &DATA).expect("what was saved");
    assert_eq!((again.progress, &again.config), (trainer.progress, &trainer.config));
});
