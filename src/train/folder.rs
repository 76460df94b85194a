//! [`Folder`]: what a run leaves on disk.

use super::{Config, Record, checkpoint};
use crate::error::{Error, Result};
use crate::files;
use serde::Serialize;
use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const CHECKPOINT: &str = "checkpoint.safetensors";

/// The folder of a run.
///
/// | file | what |
/// |---|---|
/// | `config.json` | the resolved [`Config`] |
/// | `metrics.jsonl` | one [`Record`] a line |
/// | `checkpoint.safetensors` | weights, optimiser state and progress after the last epoch |
/// | `run.lock` | locked by the process that [works](Folder::claim) in the folder |
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    /// Held by this folder and its clones.
    lock: Option<Arc<File>>,
}

impl Folder {
    /// The folder at `path`, made if it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn at(path: &Path) -> Result<Self> {
        fs::create_dir_all(path).map_err(Error::io(path))?;
        Ok(Folder::named(path))
    }

    fn named(path: &Path) -> Self {
        Folder { path: path.to_path_buf(), lock: None }
    }

    /// A new folder at exactly `path`, [claimed](Folder::claim). A run that was killed before its first step is begun anew.
    ///
    /// # Errors
    /// [`Error::Taken`] when a run is there already, [`Error::Usage`] when another process works there.
    pub fn create(path: &Path) -> Result<Self> {
        let folder = Folder::at(path)?.claim()?;
        if folder.holds_a_run()? && !checkpoint::steps(&folder.checkpoint()).is_ok_and(|steps| steps == 0) {
            return Err(Error::Taken { path: path.to_path_buf(), what: "run" });
        }
        Ok(folder)
    }

    /// A new folder at `path`, or at `path-2`, `path-3`, … when something is there already; [claimed](Folder::claim).
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create_next(path: &Path) -> Result<Self> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(Error::io(parent))?;
        }
        for n in 1.. {
            let path = match n {
                1 => path.to_path_buf(),
                _ => PathBuf::from(format!("{}-{n}", path.display())),
            };
            match fs::create_dir(&path) {
                Ok(()) => return Folder::named(&path).claim(),
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                Err(e) => return Err(Error::io(path)(e)),
            }
        }
        unreachable!("there are more numbers than folders")
    }

    /// The folder of a run that was started before.
    ///
    /// # Errors
    /// [`Error::Usage`] when there is none.
    pub fn open(path: &Path) -> Result<Self> {
        let folder = Folder::named(path);
        if folder.holds_a_run()? {
            return Ok(folder);
        }
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        let inner =
            entries.map(|entry| entry.path()).filter(|path| files::is_there(&path.join(CHECKPOINT)).is_ok_and(|is| is));
        let within = inner.min().map_or(String::new(), |inner| format!("; there is a run in {}", inner.display()));
        let path = path.display();
        Err(Error::Usage(format!(
            "{path}: expected the folder of a run, found no checkpoint.safetensors in it{within}"
        )))
    }

    /// The folder for this process alone, until it and its clones are dropped or the process ends, however it ends. What a killed one
    /// left half-written is removed.
    ///
    /// # Errors
    /// [`Error::Usage`] when another process works in it.
    pub fn claim(mut self) -> Result<Self> {
        match self.try_claim()? {
            true => Ok(self),
            false => Err(Error::Usage(format!("{}: another process is at it", self.path.display()))),
        }
    }

    /// As [`claim`](Folder::claim), but waits until no other process works in it.
    ///
    /// # Errors
    /// [`Error::Interrupted`] when `stop` was set.
    pub fn claim_when_free(mut self, stop: &AtomicBool) -> Result<Self> {
        while !self.try_claim()? {
            if stop.load(Ordering::Relaxed) {
                return Err(Error::Interrupted { run: self.path });
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(self)
    }

    fn try_claim(&mut self) -> Result<bool> {
        let path = self.path.join("run.lock");
        // The file stays: whoever removed it would let a third process lock another one of the same name.
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(Error::io(&path))?;
        if !files::try_lock(&file, &path)? {
            return Ok(false);
        }
        self.lock = Some(Arc::new(file));
        self.sweep()?;
        Ok(true)
    }

    /// Removes what a killed process left half-written. No other process may be at it.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn sweep(&self) -> Result<()> {
        ["", "film", "figures"].iter().try_for_each(|within| files::sweep(&self.path.join(within)))
    }

    fn holds_a_run(&self) -> Result<bool> {
        files::is_there(&self.checkpoint())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the checkpoint is.
    pub fn checkpoint(&self) -> PathBuf {
        self.path.join(CHECKPOINT)
    }

    fn metrics_path(&self) -> PathBuf {
        self.path.join("metrics.jsonl")
    }

    /// Writes a file of the folder, whole or not at all, with the folders it is in.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir).map_err(Error::io(dir))?;
        }
        files::write(&path, bytes)
    }

    /// Writes `config.json`.
    pub fn write_config<S: Serialize>(&self, config: &Config<S>) -> Result<()> {
        self.write("config.json", files::json(config).as_bytes())
    }

    /// Writes `metrics.jsonl`.
    pub fn write_metrics(&self, records: &[Record]) -> Result<()> {
        let line = |record| serde_json::to_string(record).expect("a record is plain data") + "\n";
        self.write("metrics.jsonl", records.iter().map(line).collect::<String>().as_bytes())
    }

    /// Reads `metrics.jsonl`; nothing is there before the first epoch.
    ///
    /// # Errors
    /// When a line is not a record.
    pub fn read_metrics(&self) -> Result<Vec<Record>> {
        let path = self.metrics_path();
        if !files::is_there(&path)? {
            return Ok(Vec::new());
        }
        // A million epochs have 300 MB of them.
        let text = files::read_text(&path, 1 << 29)?;
        let record = |(i, line): (usize, &str)| {
            serde_json::from_str(line)
                .map_err(|e| Error::format(&path, format!("line {}", i + 1), "a record of metrics", e))
        };
        text.lines().enumerate().map(record).collect()
    }
}
