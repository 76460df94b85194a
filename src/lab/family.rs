//! [`Family`]: networks that are trained one after the other to be compared, each in a folder of its own.

use crate::data::{Dataset, Origin};
use crate::error::{Error, Result};
use crate::files;
use crate::models::{Config, Network, Trained, Trainer};
use crate::plot::Chart;
use crate::stats::mean;
use crate::train::{self, Folder, Record, Watch};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// What is to be trained: a list of configurations.
const PLAN: &str = "plan.json";
/// Steps from which the whole is estimated.
const STEPS: u32 = 5;

/// What a network has in common with those that differ in nothing but their seed, given the configurations of all.
pub type Group = fn(&[Config], &Config) -> String;

/// Networks that are trained one after the other, and the folder that each has its own in.
pub struct Family {
    configs: Vec<Config>,
    folder: Folder,
    group: Group,
}

/// One of them after its training.
pub struct Member {
    /// What it has in common with those that differ in their seed.
    pub group: String,
    /// The network, and how it was trained.
    pub trainer: Trainer,
    /// Its metrics, epoch by epoch; none where it diverged before the first one ended.
    pub records: Vec<Record>,
    /// The step and the tensor at which it diverged.
    pub diverged: Option<String>,
    /// Its folder.
    pub folder: Folder,
}

impl Family {
    /// A new one in `folder`.
    ///
    /// # Errors
    /// When a configuration makes no sense, or the plan cannot be written.
    pub fn begin(folder: Folder, configs: Vec<Config>, group: Group) -> Result<Self> {
        configs.iter().try_for_each(Config::validate::<Network>)?;
        folder.write(PLAN, files::json(&configs).as_bytes())?;
        Ok(Family { configs, folder, group })
    }

    /// A folder without one, for this process alone.
    ///
    /// # Errors
    /// [`Error::Taken`] when there is one in it, [`Error::Usage`] when another process works there.
    pub fn folder(path: &Path) -> Result<Folder> {
        let folder = Folder::at(path)?.claim()?;
        match files::is_there(&path.join(PLAN))? {
            true => Err(Error::Taken { path: path.to_path_buf(), what: "study" }),
            false => Ok(folder),
        }
    }

    /// Where the data were; the default where no network was begun.
    ///
    /// # Errors
    /// When a checkpoint cannot be read.
    pub fn origin(&self) -> Result<Origin> {
        for config in &self.configs {
            let own = self.folder.path().join(name(&self.configs, config, self.group));
            if files::is_there(&own)? && files::is_there(&Folder::at(&own)?.checkpoint())? {
                return Ok(Trained::load(&Folder::at(&own)?.checkpoint())?.origin);
            }
        }
        Ok(Origin::default())
    }

    /// The one that was begun at `path`.
    ///
    /// # Errors
    /// When there is none, or another process works there.
    pub fn resume(path: &Path, group: Group) -> Result<Self> {
        let configs = plan(path)?;
        Ok(Family { configs, folder: Folder::at(path)?.claim()?, group })
    }

    /// The configurations, in the order of training.
    pub fn configs(&self) -> &[Config] {
        &self.configs
    }

    /// The folder of all.
    pub fn path(&self) -> &Folder {
        &self.folder
    }

    /// About how many seconds the training of all will take, from a few steps of one of each group.
    ///
    /// # Errors
    /// When these diverge.
    pub fn estimate(&self, data: &Dataset) -> Result<f64> {
        let mut measured: Vec<(String, f64)> = Vec::new();
        let mut all = 0.0;
        for config in &self.configs {
            let group = (self.group)(&self.configs, config);
            let step = match measured.iter().find(|(of, _)| *of == group) {
                Some((_, step)) => *step,
                None => {
                    let mut trainer = Trainer::new(config.clone())?;
                    // The first one makes the memory that all others use.
                    trainer.step(data)?;
                    let start = Instant::now();
                    (0..STEPS).try_for_each(|_| trainer.step(data))?;
                    let step = start.elapsed().as_secs_f64() / f64::from(STEPS);
                    measured.push((group, step));
                    step
                }
            };
            all += (config.batches(data.train.len()) * config.epochs) as f64 * step;
        }
        Ok(all)
    }

    /// Trains each to its end and shows it to `ended`. `watch` makes an observer of each one's training.
    ///
    /// # Errors
    /// As [`train::run`], but that a network which diverges is a result; and those of `ended`.
    pub fn train<'w>(
        &self,
        data: &Dataset,
        watch: impl Fn(&str, &Trainer, &Folder) -> Box<dyn Watch<Network> + 'w>,
        stop: &AtomicBool,
        mut ended: impl FnMut(Member) -> Result<()>,
    ) -> Result<()> {
        for config in &self.configs {
            let group = (self.group)(&self.configs, config);
            let path = self.folder.path().join(name(&self.configs, config, self.group));
            let own = Folder::at(&path)?.claim()?;
            let mut trainer = match files::is_there(&own.checkpoint())? {
                true => Trainer::resume(&own.checkpoint(), data)?,
                false => Trainer::new(config.clone())?,
            };
            if trainer.config != *config {
                let found = "others (see config.json)";
                return Err(Error::format(&own.checkpoint(), "settings", format!("those of {PLAN}"), found));
            }
            let mut watch = watch(&format!("{group}, seed {}", config.seed), &trainer, &own);
            let (records, diverged) = match train::run(&mut trainer, data, &own, &mut *watch, stop) {
                Ok(records) => (records, None),
                Err(Error::Diverged { step, tensor }) => {
                    (own.read_metrics()?, Some(format!("step {step}: {tensor} is not finite")))
                }
                Err(e) => return Err(e.part_of(self.folder.path())),
            };
            drop(watch);
            ended(Member { group, trainer, records, diverged, folder: own })?;
        }
        Ok(())
    }
}

fn plan(path: &Path) -> Result<Vec<Config>> {
    let path = path.join(PLAN);
    if !files::is_there(&path)? {
        let of = path.parent().unwrap_or(&path).display();
        return Err(Error::Usage(format!("{of}: expected the folder of a study of networks, found no {PLAN} in it")));
    }
    let configs: Vec<Config> = serde_json::from_str(&files::read_text(&path, 1 << 24)?)
        .map_err(|e| Error::format(&path, "plan", "the configurations of a study", e))?;
    match configs.is_empty() {
        true => Err(Error::format(&path, "plan", "the configurations of a study", "none")),
        false => Ok(configs),
    }
}

/// The folder of a network.
fn name(all: &[Config], config: &Config, group: Group) -> String {
    let group = group(all, config).to_lowercase().replace(", ", "-").replace(' ', "_");
    format!("{group}-{}", config.seed)
}

/// What is called alike, in the order of the first of each.
pub fn grouped<'t, T>(
    all: impl IntoIterator<Item = &'t T>,
    group: impl Fn(&'t T) -> &'t str,
) -> Vec<(&'t str, Vec<&'t T>)> {
    let mut groups: Vec<(&str, Vec<&T>)> = Vec::new();
    for one in all {
        match groups.iter_mut().find(|(of, _)| *of == group(one)) {
            Some((_, members)) => members.push(one),
            None => groups.push((group(one), vec![one])),
        }
    }
    groups
}

/// What was measured after an epoch, mean over those that have it, for a curve: epochs and values.
pub fn curve(records: &[&[Record]], split: &str, quantity: &str) -> Vec<(f64, f64)> {
    let of = |records: &&[Record], epoch| {
        records.iter().find(|r| r.split == split && r.epoch == epoch).and_then(|r| r.get(quantity))
    };
    let last = records.iter().flat_map(|records| records.iter()).map(|r| r.epoch).max().unwrap_or(0);
    let at = |epoch| {
        let values: Vec<f64> = records.iter().filter_map(|records| of(records, epoch)).collect();
        (!values.is_empty()).then(|| (epoch as f64, mean(values)))
    };
    (1..=last).filter_map(at).collect()
}

/// A dot for each of a group's values, above its name.
pub fn dots(title: &str, unit: &str, groups: &[(&str, Vec<f64>)]) -> Chart {
    let names: Vec<&str> = groups.iter().map(|(name, _)| *name).collect();
    let chart = Chart::new(title, "", unit).categories(&names).x_range(-0.5, names.len() as f64 - 0.5);
    groups.iter().enumerate().fold(chart, |chart, (k, (_, values))| {
        chart.scatter("", &values.iter().map(|y| (k as f64, *y)).collect::<Vec<_>>())
    })
}
