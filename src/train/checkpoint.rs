//! A trainer at rest: one safetensors file, whole or absent.
//!
//! Weights stand under PyTorch's names and in its layout, so Python reads them with one line; the optimiser's moments stand
//! beside them under `optimizer.<moment>.<parameter>`, and everything else as JSON in the header's metadata under `elbo`:
//!
//! ```python
//! from safetensors.torch import load_file
//! weights = {k: v for k, v in load_file("checkpoint.safetensors").items() if not k.startswith("optimizer.")}
//! ```

use super::config::MOST_WEIGHTS;
use super::{Config, Progress, Trainer};
use crate::data::{Dataset, Origin};
use crate::error::{Error, Result};
use crate::files;
use crate::models::Model;
use crate::nn::Params;
use crate::tensor::{Shape, Tensor};
use safetensors::{Dtype, SafeTensors, serialize, tensor::TensorView};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::Path;

/// The key of our JSON in the file's metadata.
const KEY: &str = "elbo";

/// What a checkpoint holds besides tensors.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    version: u32,
    config: Config,
    /// SHA-256 of the data.
    data: String,
    /// How to load them again; files of before did not say.
    #[serde(default)]
    origin: Origin,
    progress: Progress,
    /// Steps the optimiser has taken.
    optimizer_steps: u64,
}

/// The largest file that is read: the most weights that a network may have, thrice, and a header.
const LIMIT: u64 = (MOST_WEIGHTS * 3 * size_of::<f32>()) as u64 + (1 << 20);

/// The format this program writes and reads.
const VERSION: u32 = 1;

/// A network with the weights of a checkpoint.
#[derive(Clone, Debug)]
pub struct Trained {
    /// What decided the run.
    pub config: Config,
    /// The network.
    pub model: Model,
    /// Its weights.
    pub params: Params<f32>,
    /// SHA-256 of the data it was trained on.
    pub data: String,
    /// How to load them again.
    pub origin: Origin,
    /// How far it was.
    pub progress: Progress,
}

impl Trainer {
    /// Saves everything that a resume needs.
    ///
    /// # Errors
    /// When the file cannot be written; then the old one is still there.
    pub fn save(&self, path: &Path, data: &Dataset) -> Result<()> {
        let state = self.optimizer.state();
        let header = Header {
            version: VERSION,
            config: self.config.clone(),
            data: data.digest.clone(),
            origin: data.origin.clone(),
            progress: self.progress,
            optimizer_steps: state.steps,
        };
        let ids = || self.params.ids();
        let weights = ids().map(|id| (self.params.name(id).to_string(), self.params.get(id)));
        let moments = state.moments.iter().flat_map(|(moment, tensors)| {
            ids().map(move |id| (moment_name(moment, self.params.name(id)), &tensors[id.index()]))
        });
        let tensors: Vec<_> =
            weights.chain(moments).map(|(name, tensor)| (name, tensor.shape(), bytes(tensor))).collect();
        let views = tensors.iter().map(|(name, shape, bytes)| {
            (name, TensorView::new(Dtype::F32, shape.to_vec(), bytes).expect("four bytes an element"))
        });
        let json = serde_json::to_string(&header).expect("plain data");
        let file = serialize(views, Some(HashMap::from([(KEY.to_string(), json)]))).expect("valid names and shapes");
        files::write(path, &file)
    }

    /// The trainer that [`save`](Trainer::save) saved.
    ///
    /// # Errors
    /// When the file is damaged, or was made with other data.
    pub fn resume(path: &Path, data: &Dataset) -> Result<Self> {
        let file = Checkpoint::read(path)?;
        let (header, tensors) = file.open(path)?;
        check_data(path, &header.data, data)?;
        let (pixels, found) = (data.train.pixels(), header.config.architecture.pixels);
        if pixels != found {
            return Err(Error::format(path, "pixels", format!("{pixels}, as images of the data have"), found));
        }
        header.check_progress(path, data.train.len())?;
        let mut trainer = Trainer::new(header.config).map_err(|e| e.read_from(path))?;
        read_weights(path, &tensors, &mut trainer.params)?;
        trainer.progress = header.progress;
        let state = trainer.optimizer.state_mut();
        state.steps = header.optimizer_steps;
        for (moment, values) in &mut state.moments {
            for id in trainer.params.ids() {
                let value = &mut values[id.index()];
                *value = read_tensor(path, &tensors, &moment_name(moment, trainer.params.name(id)), value.shape())?;
            }
        }
        Ok(trainer)
    }
}

impl Trained {
    /// Reads the network of a checkpoint.
    ///
    /// # Errors
    /// When the file is missing or damaged.
    pub fn load(path: &Path) -> Result<Self> {
        let file = Checkpoint::read(path)?;
        let (header, tensors) = file.open(path)?;
        let (model, mut params) = Model::new(&header.config.architecture, header.config.seed);
        read_weights(path, &tensors, &mut params)?;
        let Header { config, data, origin, progress, .. } = header;
        Ok(Trained { config, model, params, data, origin, progress })
    }

    /// Whether these are the data it was trained on.
    ///
    /// # Errors
    /// When they are not; `path` is the checkpoint's.
    pub fn check_data(&self, path: &Path, data: &Dataset) -> Result<()> {
        check_data(path, &self.data, data)
    }
}

fn check_data(path: &Path, digest: &str, data: &Dataset) -> Result<()> {
    match digest == data.digest {
        true => Ok(()),
        false => {
            let found =
                format!("{} ({}), SHA-256 {}; name them with `data` and `limit`", data.name, data.source, data.digest);
            Err(Error::format(path, "data", format!("those it was trained on (SHA-256 {digest})"), found))
        }
    }
}

impl Header {
    /// Whether this is how far one can be with so many training images.
    fn check_progress(&self, path: &Path, images: usize) -> Result<()> {
        self.config.check_steps(images).map_err(|e| e.read_from(path))?;
        let Progress { epoch, batch, step, images: seen, recon, kl, seconds } = self.progress;
        let batches = self.config.batches(images);
        let bad = |what: &str, expected: String, found: u64| Err(Error::format(path, what, expected, found));
        if batch > batches {
            return bad("batches", format!("at most {batches}"), batch);
        }
        let steps = epoch.saturating_mul(batches).saturating_add(batch);
        for (what, found) in [("steps", step), ("steps of the optimiser", self.optimizer_steps)] {
            if found != steps || steps > u32::MAX.into() {
                return bad(what, format!("{steps} after {epoch} epochs and {batch} batches, within 2^32"), found);
            }
        }
        let expected = (batch * self.config.batch_size as u64).min(images as u64);
        if seen != expected {
            return bad("images", format!("{expected} after {batch} batches"), seen);
        }
        match [recon, kl, seconds].iter().find(|x| !x.is_finite()) {
            Some(found) => Err(Error::format(path, "progress", "finite numbers", found)),
            None => Ok(()),
        }
    }
}

/// The bytes of a file.
struct Checkpoint(Vec<u8>);

impl Checkpoint {
    fn read(path: &Path) -> Result<Self> {
        files::read(path, LIMIT).map(Checkpoint)
    }

    fn open(&self, path: &Path) -> Result<(Header, SafeTensors<'_>)> {
        let bad = |what: &str, e: String| Error::format(path, what, "a checkpoint of elbo", e);
        let (_, metadata) = SafeTensors::read_metadata(&self.0).map_err(|e| bad("file", e.to_string()))?;
        let json = metadata.metadata().as_ref().and_then(|m| m.get(KEY));
        let json = json.ok_or_else(|| bad("header", format!("no entry \"{KEY}\"")))?;
        let header: Header = serde_json::from_str(json).map_err(|e| bad("header", e.to_string()))?;
        if header.version != VERSION {
            return Err(Error::format(path, "version", VERSION, header.version));
        }
        header.config.validate().map_err(|e| e.read_from(path))?;
        let (needed, found) = (header.config.architecture.weights().unwrap_or(usize::MAX), self.0.len());
        if needed > found / size_of::<f32>() {
            return Err(bad("weights", format!("{found} bytes for {needed} weights")));
        }
        let tensors = SafeTensors::deserialize(&self.0).map_err(|e| bad("file", e.to_string()))?;
        Ok((header, tensors))
    }
}

fn moment_name(moment: &str, parameter: &str) -> String {
    format!("optimizer.{moment}.{parameter}")
}

fn read_weights(path: &Path, tensors: &SafeTensors, params: &mut Params<f32>) -> Result<()> {
    for id in params.ids() {
        let shape = params.get(id).shape();
        *params.get_mut(id) = read_tensor(path, tensors, params.name(id), shape)?;
    }
    Ok(())
}

fn read_tensor(path: &Path, tensors: &SafeTensors, name: &str, shape: Shape) -> Result<Tensor<f32>> {
    let expected = format!("f32{shape}");
    let view = tensors.tensor(name).map_err(|_| Error::format(path, name, &expected, "nothing"))?;
    if view.dtype() != Dtype::F32 || view.shape() != &*shape {
        return Err(Error::format(path, name, &expected, format!("{:?}{:?}", view.dtype(), view.shape())));
    }
    let (numbers, _) = view.data().as_chunks::<4>();
    let numbers: Vec<f32> = numbers.iter().map(|&b| f32::from_le_bytes(b)).collect();
    match numbers.iter().enumerate().find(|(_, x)| !x.is_finite()) {
        Some((i, x)) => Err(Error::format(path, name, "finite numbers", format!("{x} at place {i}"))),
        None => Ok(Tensor::new(numbers, shape)),
    }
}

fn bytes(tensor: &Tensor<f32>) -> Vec<u8> {
    tensor.data().iter().flat_map(|x| x.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Split;
    use crate::models::{Architecture, Kind};

    /// Whoever changes a file may change its digest, too.
    #[test]
    fn a_network_for_images_of_another_size_is_refused() {
        let images = |n: usize| {
            let split = Split::new(vec![0; n], vec![0], 1, n);
            Dataset::new("test", "memory", split.clone(), split, vec!["0".into()])
        };
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("checkpoint.safetensors");
        let architecture = Architecture { hidden: vec![2], ..Architecture::new(Kind::Vae, 6) };
        let trainer = Trainer::new(Config { architecture, ..Config::new(Kind::Vae, 6) }).unwrap();
        let digest = images(4).digest;
        trainer.save(&path, &Dataset { digest, ..images(6) }).unwrap();
        let error = Trainer::resume(&path, &images(4)).err().unwrap().to_string();
        assert_eq!(error, format!("{}: pixels: expected 4, as images of the data have, found 6", path.display()));
    }
}
