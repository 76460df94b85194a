//! [`Lock`]: one writer at a time, across processes and machines, by a file beside the journal.

use crate::error::{Error, Result};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};
use uuid::Uuid;

/// A lock whose file has not changed for so long belongs to nobody.
const STALE: Duration = Duration::from_secs(30);
/// So long is waited for others that work.
const PATIENCE: Duration = Duration::from_secs(120);

/// Held until dropped.
pub struct Lock {
    path: PathBuf,
}

impl Lock {
    /// Waits for the lock of a journal.
    ///
    /// # Errors
    /// When the file cannot be made, or others hold it by turns for two minutes.
    pub fn of(journal: &Path) -> Result<Self> {
        let path = PathBuf::from(format!("{}.lock", journal.display()));
        let start = Instant::now();
        let (mut pause, mut seen, mut since) = (Duration::from_millis(1), None, Instant::now());
        loop {
            match create(journal, &path) {
                Ok(()) => return Ok(Lock { path }),
                Err(e) if e.kind() != ErrorKind::AlreadyExists => return Err(Error::io(&path)(e)),
                Err(_) => {}
            }
            let changed = modified(&path);
            if changed != seen {
                (seen, since) = (changed, Instant::now());
            } else if since.elapsed() > STALE {
                release(&path);
                (seen, since) = (None, Instant::now());
                continue;
            }
            if start.elapsed() > PATIENCE {
                let found = format!("{} held by others", path.display());
                return Err(Error::format(journal, "lock", "to get it within 120 s", found));
            }
            sleep(pause);
            pause = (2 * pause).min(Duration::from_secs(1));
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        release(&self.path);
    }
}

/// Makes the lock's file if nobody has. A link to the journal, as Optuna makes it; by name alone, so that it leads from its own
/// folder to the file whose time shows whether anybody works.
fn create(journal: &Path, path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::symlink(journal.file_name().unwrap_or(journal.as_os_str()), path);
    #[cfg(not(unix))]
    return fs::OpenOptions::new().write(true).create_new(true).open(path).map(drop);
}

/// When the lock, or what it leads to, was last changed.
fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).or_else(|_| fs::symlink_metadata(path)).and_then(|m| m.modified()).ok()
}

/// Gives a lock back: renamed first, so that two who release cannot delete each other's.
fn release(path: &Path) {
    let away = PathBuf::from(format!("{}{}.rename", path.display(), Uuid::new_v4()));
    if fs::rename(path, &away).is_ok() {
        let _ = fs::remove_file(&away);
    }
}
