//! [`Folder`]: what a run leaves on disk.

use super::{Config, Record};
use crate::error::{Error, Result};
use crate::files;
use crate::models::Kind;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of a run.
///
/// | file | what |
/// |---|---|
/// | `config.json` | the resolved [`Config`] |
/// | `metrics.jsonl` | one [`Record`] a line |
/// | `checkpoint.safetensors` | weights, optimiser state and progress after the last epoch |
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The folder at `path`, made if it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn at(path: &Path) -> Result<Self> {
        fs::create_dir_all(path).map_err(Error::io(path))?;
        Ok(Folder { path: path.to_path_buf() })
    }

    /// A new folder at exactly `path`.
    ///
    /// # Errors
    /// [`Error::Usage`] when a run is there already.
    pub fn create(path: &Path) -> Result<Self> {
        if (Folder { path: path.to_path_buf() }).holds_a_run() {
            let path = path.display();
            return Err(Error::Usage(format!(
                "{path} already holds a run; choose another --out, or go on with --resume {path}"
            )));
        }
        Folder::at(path)
    }

    /// A new folder at `path`, or at `path-2`, `path-3`, … when runs are there already.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create_next(path: &Path) -> Result<Self> {
        let numbered = |n: u32| match n {
            1 => path.to_path_buf(),
            _ => PathBuf::from(format!("{}-{n}", path.display())),
        };
        let free = (1..).map(numbered).find(|path| !path.exists()).expect("there are more numbers than folders");
        Folder::at(&free)
    }

    /// The folder of a run that was started before.
    ///
    /// # Errors
    /// [`Error::Usage`] when there is none.
    pub fn open(path: &Path) -> Result<Self> {
        let folder = Folder { path: path.to_path_buf() };
        match folder.holds_a_run() {
            true => Ok(folder),
            false => {
                let within = Kind::ALL.map(|kind| Folder { path: path.join(kind.folder()) });
                let within = match within.iter().find(|folder| folder.holds_a_run()) {
                    Some(folder) => format!("; there is a run in {}", folder.path.display()),
                    None => String::new(),
                };
                let path = path.display();
                Err(Error::Usage(format!(
                    "{path}: expected the folder of a run, found no checkpoint.safetensors in it{within}"
                )))
            }
        }
    }

    fn holds_a_run(&self) -> bool {
        self.checkpoint().exists()
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the checkpoint is.
    pub fn checkpoint(&self) -> PathBuf {
        self.path.join("checkpoint.safetensors")
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
    pub fn write_config(&self, config: &Config) -> Result<()> {
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
        if !path.exists() {
            return Ok(Vec::new());
        }
        let text = fs::read_to_string(&path).map_err(Error::io(&path))?;
        let record = |(i, line): (usize, &str)| {
            serde_json::from_str(line)
                .map_err(|e| Error::format(&path, format!("line {}", i + 1), "a record of metrics", e))
        };
        text.lines().enumerate().map(record).collect()
    }
}
