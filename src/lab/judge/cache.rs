//! The judge's network: trained once for each data set, and kept.

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::files;
use crate::models::{Config, Network, Trained, Trainer, classifier, classifying};
use crate::train::{self, Folder, Watch};
use std::sync::atomic::AtomicBool;

/// The judge of these data: the classifier of the study of activations with ReLU, PyTorch's initial weights and seed 0, grey images. It is
/// a run like any other, `judges/` and the data's digest in the cache folder; it is trained if it is not there. `watch` makes an observer
/// of that.
///
/// # Errors
/// As [`train::run`]; when the images cannot be classified, or there is no home folder.
pub fn judge_of<'w>(
    data: &Dataset,
    watch: impl FnOnce(&Trainer, &Folder) -> Box<dyn Watch<Network> + 'w>,
    stop: &AtomicBool,
) -> Result<Trained> {
    let config = config(data);
    config.validate::<Network>().map_err(|e| e.within(format!("{} cannot be judged", data.name)))?;
    let cache = files::cache_dir().ok_or_else(|| {
        Error::Usage("there is no home folder to keep the judge in; XDG_CACHE_HOME can name another".into())
    })?;
    let folder = Folder::at(&cache.join("judges").join(&data.digest[..16]))?;
    let load = || -> Result<Option<Trained>> {
        if !files::is_there(&folder.checkpoint())? {
            return Ok(None);
        }
        let trained = Trained::load(&folder.checkpoint())?;
        let is_done =
            trained.progress.epoch >= config.epochs && trained.config == config && trained.data == data.digest;
        Ok(is_done.then_some(trained))
    };
    if let Some(trained) = load()? {
        return Ok(trained);
    }
    let own = folder.clone().claim_when_free(stop)?;
    // Another process may have trained it meanwhile.
    if let Some(trained) = load()? {
        return Ok(trained);
    }
    let mut trainer = match Trainer::resume(&own.checkpoint(), data) {
        Ok(trainer) if trainer.config == config => trainer,
        _ => Trainer::new(config.clone())?,
    };
    let mut watch = watch(&trainer, &own);
    train::run(&mut trainer, data, &own, &mut *watch, stop)?;
    Trained::load(&own.checkpoint())
}

/// Whether there are judges of such data.
pub fn can_be_judged(data: &Dataset) -> bool {
    config(data).validate::<Network>().is_ok()
}

fn config(data: &Dataset) -> Config {
    classifying(classifier::Settings::new(data.train.shape(), data.class_names.len()))
}
