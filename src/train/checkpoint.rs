//! A trainer at rest: one safetensors file, whole or absent.
//!
//! Weights stand under PyTorch's names and in its layout, so Python reads them with one line; the optimiser's moments stand
//! beside them under `optimizer.<moment>.<parameter>`, and everything else as JSON in the header's metadata under `elbo`:
//!
//! ```python
//! from safetensors.torch import load_file
//! weights = {k: v for k, v in load_file("checkpoint.safetensors").items() if not k.startswith("optimizer.")}
//! ```

use super::{Config, MOST_WEIGHTS, Part, Progress, Task, Terms, Trainer};
use crate::data::{Dataset, Origin};
use crate::error::{Error, Result};
use crate::files;
use crate::nn::Params;
use crate::tensor::{Shape, Tensor};
use safetensors::{Dtype, SafeTensors, serialize, tensor::TensorView};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// The key of our JSON in the file's metadata.
const KEY: &str = "elbo";

/// What a checkpoint holds besides tensors.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound(deserialize = "S: DeserializeOwned"))]
struct Header<S> {
    version: u32,
    config: Config<S>,
    /// SHA-256 of the data.
    data: String,
    /// How to load them again; files of before did not say.
    #[serde(default)]
    origin: Origin,
    progress: Written,
    /// Steps that the optimiser of each part has taken; one number in files of before.
    #[serde(deserialize_with = "one_or_more")]
    optimizer_steps: Vec<u64>,
}

/// A [`Progress`] as it is written: the sums by name.
#[derive(Debug, Serialize, Deserialize)]
struct Written {
    epoch: u64,
    batch: u64,
    step: u64,
    images: u64,
    seconds: f64,
    #[serde(flatten)]
    sums: BTreeMap<String, Option<f64>>,
}

fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Steps {
        One(u64),
        More(Vec<u64>),
    }
    Ok(match Steps::deserialize(deserializer)? {
        Steps::One(steps) => vec![steps],
        Steps::More(steps) => steps,
    })
}

/// The largest file that is read: the most weights that a network may have, thrice, and a header.
const LIMIT: u64 = (MOST_WEIGHTS * 3 * size_of::<f32>()) as u64 + (1 << 20);

/// The format this program writes; it reads those before, too.
const VERSION: u32 = 2;

/// A task with the weights of a checkpoint.
pub struct Trained<T: Task> {
    /// What decided the run.
    pub config: Config<T::Settings>,
    /// What was trained.
    pub task: T,
    /// SHA-256 of the data it was trained on.
    pub data: String,
    /// How to load them again.
    pub origin: Origin,
    /// How far it was, without sums.
    pub progress: Progress,
}

impl<T: Task> Trainer<T> {
    /// Saves everything that a resume needs.
    ///
    /// # Errors
    /// When the file cannot be written; then the old one is still there.
    pub fn save(&self, path: &Path, data: &Dataset) -> Result<()> {
        let parts = self.task.parts();
        let Progress { epoch, batch, step, images, ref sums, seconds } = self.progress;
        let header = Header {
            version: VERSION,
            config: self.config.clone(),
            data: data.digest.clone(),
            origin: data.origin.clone(),
            progress: Written { epoch, batch, step, images, seconds, sums: sums.named() },
            optimizer_steps: parts.iter().map(|part| part.optimizer.state().steps).collect(),
        };
        let tensors: Vec<_> = parts.iter().flat_map(|part| tensors(part)).collect();
        let tensors: Vec<_> = tensors.iter().map(|(name, tensor)| (name, tensor.shape(), bytes(tensor))).collect();
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
        let (header, tensors) = file.open::<T>(path)?;
        check_data(path, &header.data, data)?;
        check_shape::<T>(path, &header.config.network, data)?;
        header.check_progress(path, data.train.len())?;
        let mut trainer = Trainer::<T>::new(header.config).map_err(|e| e.read_from(path))?;
        trainer.progress = header.progress.with_sums(path, &trainer.task)?;
        let expected: Vec<u64> =
            (0..trainer.task.parts().len()).map(|i| trainer.task.updates(i, trainer.progress.step)).collect();
        if header.optimizer_steps != expected {
            let [expected, found] = [&expected, &header.optimizer_steps].map(|steps| listed(steps));
            return Err(Error::format(path, "steps of the optimiser", expected, found));
        }
        for (part, steps) in trainer.task.parts_mut().into_iter().zip(expected) {
            read_weights(path, &tensors, &mut part.params)?;
            let state = part.optimizer.state_mut();
            state.steps = steps;
            for (moment, values) in &mut state.moments {
                for id in part.params.ids() {
                    let value = &mut values[id.index()];
                    *value = read_tensor(path, &tensors, &moment_name(moment, part.params.name(id)), value.shape())?;
                }
            }
        }
        Ok(trainer)
    }
}

impl<T: Task> Trained<T> {
    /// Reads the weights of a checkpoint.
    ///
    /// # Errors
    /// When the file is missing or damaged.
    pub fn load(path: &Path) -> Result<Self> {
        let file = Checkpoint::read(path)?;
        let (header, tensors) = file.open::<T>(path)?;
        let mut task = T::new(&header.config.network, header.config.seed);
        task.parts_mut().into_iter().try_for_each(|part| read_weights(path, &tensors, &mut part.params))?;
        let Header { config, data, origin, progress, .. } = header;
        Ok(Trained { config, task, data, origin, progress: progress.with(Terms::default()) })
    }

    /// Whether these are the data it was trained on.
    ///
    /// # Errors
    /// When they are not; `path` is the checkpoint's.
    pub fn check_data(&self, path: &Path, data: &Dataset) -> Result<()> {
        check_data(path, &self.data, data)
    }
}

/// In what the network is for other images or classes than these: its name, the network's and the data's.
pub fn mismatch<T: Task>(network: &T::Settings, data: &Dataset) -> Option<(&'static str, [String; 2])> {
    let shape = |[channels, height, width]: [usize; 3]| format!("{channels} × {height} × {width}");
    let own = [
        ("pixels", Some(T::pixels(network).to_string()), data.train.pixels().to_string()),
        ("shape", T::shape(network).map(shape), shape(data.train.shape())),
        ("classes", T::classes(network).map(|n| n.to_string()), data.class_names.len().to_string()),
    ];
    own.into_iter().find_map(|(name, own, found)| Some((name, [own.filter(|own| *own != found)?, found])))
}

/// Whether the network is one for images and classes like these.
///
/// # Errors
/// A line that says what is, and what the data have.
fn check_shape<T: Task>(path: &Path, network: &T::Settings, data: &Dataset) -> Result<()> {
    match mismatch::<T>(network, data) {
        Some((name, [own, of_data])) => Err(Error::format(path, name, format!("{of_data}, as the data have"), own)),
        None => Ok(()),
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

/// How many steps the checkpoint at `path` has.
pub(super) fn steps(path: &Path) -> Result<u64> {
    #[derive(Deserialize)]
    struct Begun {
        progress: Written,
    }
    Ok(Checkpoint::read(path)?.header::<Begun>(path)?.progress.step)
}

impl<S> Header<S> {
    /// Whether this is how far one can be with so many training images.
    fn check_progress(&self, path: &Path, images: usize) -> Result<()> {
        self.config.check_steps(images).map_err(|e| e.read_from(path))?;
        let Written { epoch, batch, step, images: seen, seconds, .. } = self.progress;
        let batches = self.config.batches(images);
        let bad = |what: &str, expected: String, found: u64| Err(Error::format(path, what, expected, found));
        if batch > batches {
            return bad("batches", format!("at most {batches}"), batch);
        }
        let steps = epoch.saturating_mul(batches).saturating_add(batch);
        if step != steps || steps > u32::MAX.into() {
            return bad("steps", format!("{steps} after {epoch} epochs and {batch} batches, within 2^32"), step);
        }
        let expected = (batch * self.config.batch_size as u64).min(images as u64);
        if seen != expected {
            return bad("images", format!("{expected} after {batch} batches"), seen);
        }
        match seconds.is_finite() {
            true => Ok(()),
            false => Err(Error::format(path, "progress", "finite numbers", seconds)),
        }
    }
}

impl Written {
    fn with(&self, sums: Terms) -> Progress {
        let &Written { epoch, batch, step, images, seconds, .. } = self;
        Progress { epoch, batch, step, images, sums, seconds }
    }

    /// With the sums of what the task measures; none at the start of an epoch.
    fn with_sums<T: Task>(&self, path: &Path, task: &T) -> Result<Progress> {
        let sum = |name: &str| match self.sums.get(name) {
            Some(&Some(sum)) if sum.is_finite() => Ok(sum),
            found => Err(Error::format(path, "progress", format!("a finite sum of {name}"), format!("{found:?}"))),
        };
        let quantities = task.quantities();
        let sums = match self.batch {
            0 => Terms::default(),
            _ => Terms::new(quantities, &quantities.iter().map(|q| sum(q.name)).collect::<Result<Vec<_>>>()?),
        };
        Ok(self.with(sums))
    }
}

fn listed(steps: &[u64]) -> String {
    steps.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
}

/// The bytes of a file.
struct Checkpoint(Vec<u8>);

impl Checkpoint {
    fn read(path: &Path) -> Result<Self> {
        files::read(path, LIMIT).map(Checkpoint)
    }

    /// Our JSON.
    fn header<H: DeserializeOwned>(&self, path: &Path) -> Result<H> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let bad = |what: &str, e: String| Error::format(path, what, "a checkpoint of elbo", e);
        let (_, metadata) = SafeTensors::read_metadata(&self.0).map_err(|e| bad("file", e.to_string()))?;
        let json = metadata.metadata().as_ref().and_then(|m| m.get(KEY));
        let json = json.ok_or_else(|| bad("header", format!("no entry \"{KEY}\"")))?;
        let Version { version } = serde_json::from_str(json).map_err(|e| bad("header", e.to_string()))?;
        if !(1..=VERSION).contains(&version) {
            return Err(Error::format(path, "version", format!("at most {VERSION}"), version));
        }
        serde_json::from_str(json).map_err(|e| bad("header", e.to_string()))
    }

    fn open<T: Task>(&self, path: &Path) -> Result<(Header<T::Settings>, SafeTensors<'_>)> {
        let bad = |what: &str, e: String| Error::format(path, what, "a checkpoint of elbo", e);
        let header: Header<T::Settings> = self.header(path)?;
        header.config.validate::<T>().map_err(|e| e.read_from(path))?;
        let (needed, found) = (T::weights(&header.config.network).unwrap_or(usize::MAX), self.0.len());
        if needed > found / size_of::<f32>() {
            return Err(bad("weights", format!("{found} bytes for {needed} weights")));
        }
        let tensors = SafeTensors::deserialize(&self.0).map_err(|e| bad("file", e.to_string()))?;
        Ok((header, tensors))
    }
}

/// What a part has to remember, by name.
fn tensors(part: &Part) -> Vec<(String, &Tensor<f32>)> {
    let params = &part.params;
    let weights = params.ids().map(|id| (params.name(id).to_string(), params.get(id)));
    let moments = part.optimizer.state().moments.iter().flat_map(|(moment, tensors)| {
        params.ids().map(move |id| (moment_name(moment, params.name(id)), &tensors[id.index()]))
    });
    let buffers = params.buffers().map(|(name, value)| (name.to_string(), value));
    weights.chain(buffers).chain(moments).collect()
}

fn moment_name(moment: &str, parameter: &str) -> String {
    format!("optimizer.{moment}.{parameter}")
}

fn read_weights(path: &Path, tensors: &SafeTensors, params: &mut Params<f32>) -> Result<()> {
    for id in params.ids() {
        let shape = params.get(id).shape();
        *params.get_mut(id) = read_tensor(path, tensors, params.name(id), shape)?;
    }
    for (name, value) in params.buffers_mut() {
        *value = read_tensor(path, tensors, name, value.shape())?;
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
