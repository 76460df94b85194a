//! The two ways to be wrong: [`Error`] when the world is (a file, a network, a flag, a diverged run) and
//! [`ShapeError`] when the program is (it becomes a panic at the caller's line).

use std::fmt;
use std::path::{Path, PathBuf};

/// Shorthand for results whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Something outside the program is not as it must be. Each message is one line: what, where, expected, found. Settings stand in
/// it under their own names, with or without a value: `lr`, `clip_norm = 1`; the command line shows them as its flags.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused a file.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file was read and is not what it should be.
    #[error("{}: {what}: expected {expected}, found {found}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The part of it that is wrong, e.g. `magic number`.
        what: String,
        /// What stands there in a good file.
        expected: String,
        /// What stands there in this one.
        found: String,
    },
    /// A request of the user that cannot be met as it was made: exit status 2.
    #[error("{0}")]
    Usage(String),
    /// A setting with a value that makes no sense: exit status 2.
    #[error("{name}: expected {expected}, found {found}")]
    Setting {
        /// Its name, as in a configuration file: `batch_size`. Several are separated by commas.
        name: &'static str,
        /// What values it takes.
        expected: String,
        /// What it was given.
        found: String,
    },
    /// A folder is not free for something new: exit status 2.
    #[error("{} already holds a {what}", path.display())]
    Taken {
        /// The folder.
        path: PathBuf,
        /// What it holds: a run, a study.
        what: &'static str,
    },
    /// A check that the user asked for did not pass.
    #[error("{0}")]
    Failed(String),
    /// A download failed. Nothing was left half-written.
    #[error("{url}: {reason}")]
    Download {
        /// Where it was asked for.
        url: String,
        /// Why it failed.
        reason: String,
    },
    /// A loss or a gradient stopped being a number: before the update of a step, or in the evaluation after an epoch. Neither the
    /// update nor the checkpoint was made.
    #[error(
        "step {step}: {tensor} is not finite; what was saved before is kept. A lower `lr` or `clip_norm = 1` often helps"
    )]
    Diverged {
        /// The training step, counted from 1 over all epochs.
        step: u64,
        /// The loss, or the parameter whose gradient it is.
        tensor: String,
    },
    /// Ctrl-C or SIGTERM: the step was finished and the state saved. Exit status 130 or 143.
    #[error("interrupted; all is saved in {}", run.display())]
    Interrupted {
        /// The run's folder.
        run: PathBuf,
    },
}

impl Error {
    /// For `map_err` on calls of the operating system: `File::open(p).map_err(Error::io(p))`.
    pub fn io(path: impl AsRef<Path>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.as_ref().to_path_buf();
        move |source| Error::Io { path, source }
    }

    /// A request about what stands in a file, with the file's name before it. Other errors stay as they are.
    pub fn within(self, file: impl fmt::Display) -> Self {
        match self {
            Error::Usage(_) | Error::Setting { .. } => Error::Usage(format!("{file}: {self}")),
            e => e,
        }
    }

    /// What is wrong with a setting that was read from a file: the file's fault, not the user's. Other errors stay as they are.
    pub fn read_from(self, path: &Path) -> Self {
        match self {
            Error::Setting { name, expected, found } => Error::format(path, name, expected, found),
            e => e,
        }
    }

    /// An interruption of what belongs to a larger work: whoever goes on, goes on with that, in `folder`. Other errors stay as they are.
    pub fn part_of(self, folder: &Path) -> Self {
        match self {
            Error::Interrupted { .. } => Error::Interrupted { run: folder.to_path_buf() },
            e => e,
        }
    }

    /// The first setting that is not as it must be: whether it is, its name, what is expected and what was found.
    ///
    /// # Errors
    /// A [`Error::Setting`] when there is one.
    pub fn first_setting<'a>(rules: impl IntoIterator<Item = (bool, &'static str, &'a str, String)>) -> Result<()> {
        match rules.into_iter().find(|(good, ..)| !good) {
            Some((_, name, expected, found)) => Err(Error::Setting { name, expected: expected.into(), found }),
            None => Ok(()),
        }
    }

    /// A [`Error::Format`], from anything that can be shown.
    pub fn format(path: &Path, what: impl fmt::Display, expected: impl fmt::Display, found: impl fmt::Display) -> Self {
        Error::Format {
            path: path.to_path_buf(),
            what: what.to_string(),
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }
}

/// Operands whose shapes do not fit: a mistake in the program, reported by a panic at the line that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeError(pub String);

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ShapeError {}
