//! [`Storage`]: studies in memory or in a journal file, for one worker among many.
//!
//! All that a study is results from its [`Op`]s in order. In memory they are applied and forgotten; in a [journal](Storage::journal) they
//! are lines of a file that other processes append to as well, this program or Optuna's.

mod journal;
mod line;
mod lock;
mod op;
#[cfg(feature = "sqlite")]
pub mod sqlite;

pub use lock::on_wait;
pub use op::{Effect, Op, Owner, Studies, StudyRecord, Unread};

use crate::error::{Error, Result};
use journal::Journal;
use std::path::{Path, PathBuf};

/// Studies, as one worker sees them.
#[derive(Debug, Default)]
pub struct Storage {
    studies: Studies,
    journal: Option<Journal>,
}

impl Storage {
    /// Studies that end with the process.
    pub fn in_memory() -> Self {
        Storage::default()
    }

    /// The studies of a journal file, which is made if it is not there.
    ///
    /// # Errors
    /// When the file cannot be read or written, or is not a journal: then nothing was changed.
    pub fn journal(path: &Path) -> Result<Self> {
        let mut storage = Storage { studies: Studies::default(), journal: Some(Journal::open(path)?) };
        storage.sync()?;
        Ok(storage)
    }

    /// Its file.
    pub fn path(&self) -> Option<PathBuf> {
        self.journal.as_ref().map(|j| j.path().to_path_buf())
    }

    /// What is known. [`sync`](Self::sync) looks again.
    pub fn studies(&self) -> &Studies {
        &self.studies
    }

    /// Takes in what other workers wrote.
    ///
    /// # Errors
    /// When the file cannot be read, or a line of it is damaged.
    pub fn sync(&mut self) -> Result<()> {
        match &mut self.journal {
            Some(journal) => journal.read(&mut self.studies),
            None => Ok(()),
        }
    }

    /// Decides what happens next and makes it happen, with no other worker in between: `decide` sees the present state and gives
    /// the next steps, which are written in one piece and synced to disk before this returns.
    ///
    /// # Errors
    /// Those of `decide`, and of the file. After the latter the first of the steps may be written, as after a kill; what is there of
    /// another is an incomplete line that the next writer removes.
    pub fn transact<R>(&mut self, decide: impl FnOnce(&Studies) -> Result<(Vec<Op>, R)>) -> Result<(Vec<Effect>, R)> {
        let Some(journal) = &mut self.journal else {
            let (ops, result) = decide(&self.studies)?;
            return Ok((ops.into_iter().map(|op| self.studies.apply(op)).collect(), result));
        };
        let lock = journal.lock()?;
        journal.read(&mut self.studies)?;
        let (ops, result) = decide(&self.studies)?;
        let effects = journal.append(ops, &mut self.studies)?;
        drop(lock);
        Ok((effects, result))
    }

    /// Adds copies of all studies of another storage or file. They and their trials get ids of their own here, in the old order.
    ///
    /// # Errors
    /// [`Error::Usage`] when a study of one of their names is here already, and those of [`transact`](Self::transact).
    pub fn copy(&mut self, others: &Studies) -> Result<()> {
        if let Some(study) = others.studies.iter().flatten().find(|study| study.unreadable.is_some()) {
            let why = study.unreadable.as_deref().unwrap_or_default();
            return Err(Error::Usage(format!("study {}: {why}", study.name)));
        }
        self.transact(|studies| {
            match others.studies.iter().flatten().find(|study| studies.find(&study.name).is_some()) {
                Some(study) => Err(Error::Usage(format!("a study named {} is there already", study.name))),
                None => Ok((others.ops(studies.studies.len()), ())),
            }
        })?;
        Ok(())
    }
}
