//! What the studies that train several networks have in common on the command line.

use super::watch::Show;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::lab::count;
use crate::lab::family::Family;
use crate::models::{Config, Network, Trainer};
use crate::train::{Folder, Watch};
use std::path::Path;

/// Adds a configuration of what is called so to the others, if it makes sense and is not among them.
pub fn add(configs: &mut Vec<Config>, config: Config, name: &str, data: &Dataset) -> Result<()> {
    config.validate::<Network>()?;
    config.check_steps(data.train.len())?;
    if configs.contains(&config) {
        return Err(Error::Usage(format!("{name} named twice")));
    }
    configs.push(config);
    Ok(())
}

/// The folder of a new study: the one that is named, or the next free one of `runs`.
pub fn folder(out: Option<&Path>, name: &str) -> Result<Folder> {
    match out {
        Some(path) => Family::folder(path),
        None => Folder::create_next(&Path::new("runs").join(name)),
    }
}

/// Says how long the training of all takes; `what` are they?
pub fn announce(what: &str, family: &Family, data: &Dataset) -> Result<()> {
    let minutes = count((family.estimate(data)? / 60.0).ceil() as usize, "minute");
    note!("{what} on {} images: about {minutes} of training in all", data.train.len());
    Ok(())
}

/// Shows a network's training.
pub fn show<'a>(
    name: &str,
    trainer: &Trainer,
    own: &Folder,
    data: &'a Dataset,
    quiet: bool,
) -> Box<dyn Watch<Network> + 'a> {
    Box::new(Show::new(name, trainer, data, own, quiet))
}
