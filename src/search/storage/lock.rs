//! [`Lock`]: one writer at a time, across processes and machines, by a file beside the journal.

use crate::error::{Error, Result};
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};
use uuid::Uuid;

/// A lock whose file has not changed for so long was left by a process that is gone.
const STALE: Duration = Duration::from_secs(30);
/// So long is waited for others that work.
const PATIENCE: Duration = Duration::from_secs(120);

/// So long nothing is said of it.
const SILENCE: Duration = Duration::from_secs(1);

/// Who is told that a lock is waited for.
static WAITING: OnceLock<fn(&Path)> = OnceLock::new();

/// From now on `tell` is called with a lock's file, once for each lock that is waited for longer than a second: another worker writes,
/// or was killed while it did, and then it takes half a minute until its lock counts as abandoned.
pub fn on_wait(tell: fn(&Path)) {
    let _ = WAITING.set(tell);
}

/// Held until dropped.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
}

impl Lock {
    /// Waits for the lock of a journal.
    ///
    /// # Errors
    /// When the file cannot be made, or others hold it by turns for two minutes.
    pub fn of(journal: &Path) -> Result<Self> {
        Lock::wait(journal, STALE, PATIENCE)
    }

    fn wait(journal: &Path, stale: Duration, patience: Duration) -> Result<Self> {
        let path = with_suffix(journal, ".lock");
        let start = Instant::now();
        let mut silent = true;
        let (mut pause, mut seen, mut since) = (Duration::from_millis(1), [None; 2], Instant::now());
        loop {
            match create(journal, &path) {
                Ok(()) => return Ok(Lock { path }),
                Err(e) if e.kind() != ErrorKind::AlreadyExists => return Err(Error::io(&path)(e)),
                Err(_) => {}
            }
            let now = changed(&path);
            if now != seen {
                (seen, since) = (now, Instant::now());
            } else if since.elapsed() > stale {
                take_away(journal, &path, seen);
                (seen, since) = ([None; 2], Instant::now());
                continue;
            }
            if silent && start.elapsed() > SILENCE {
                silent = false;
                if let Some(tell) = WAITING.get() {
                    tell(&path);
                }
            }
            if start.elapsed() > patience {
                let found = format!("{} held by others", path.display());
                return Err(Error::format(journal, "lock", format!("to get it within {patience:?}"), found));
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

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Makes the lock's file if it is not there. A link to the journal, as Optuna makes it; by name alone, so that it leads from its own
/// folder to the file whose time shows whether anybody works.
fn create(journal: &Path, path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::symlink(journal.file_name().unwrap_or(journal.as_os_str()), path);
    #[cfg(not(unix))]
    return fs::OpenOptions::new().write(true).create_new(true).open(path).map(drop);
}

/// Takes an abandoned lock away, if it is still the one that was `seen`. One at a time: of several who waited for it, the second would
/// take away the lock that the first made in its place.
fn take_away(journal: &Path, path: &Path, seen: [Option<SystemTime>; 2]) {
    let alone = fs::File::open(journal);
    // Where the file system has no such locks, looking again must do.
    let _ = alone.as_ref().map(fs::File::lock);
    if changed(path) == seen {
        release(path);
    }
}

/// When the lock was made, and when what it leads to was last changed. The first tells a new lock from the old one.
fn changed(path: &Path) -> [Option<SystemTime>; 2] {
    [fs::symlink_metadata(path), fs::metadata(path)].map(|m| m.and_then(|m: Metadata| m.modified()).ok())
}

/// Gives a lock back: renamed first, so that two who release cannot delete each other's.
fn release(path: &Path) {
    let away = with_suffix(path, &format!("{}.rename", Uuid::new_v4()));
    if fs::rename(path, &away).is_ok() {
        let _ = fs::remove_file(&away);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const SHORT: Duration = Duration::from_millis(200);

    /// A journal, and the lock that somebody left beside it.
    fn abandoned(dir: &Path) -> (PathBuf, PathBuf) {
        let (journal, lock) = (dir.join("journal"), dir.join("journal.lock"));
        fs::write(&journal, "").unwrap();
        create(&journal, &lock).unwrap();
        (journal, lock)
    }

    #[test]
    fn a_lock_goes_when_it_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let journal = dir.path().join("journal");
        let lock = Lock::of(&journal).unwrap();
        assert!(fs::symlink_metadata(dir.path().join("journal.lock")).is_ok());
        assert!(Lock::wait(&journal, SHORT, Duration::ZERO).is_err());
        drop(lock);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_abandoned_lock_is_taken_over_when_its_time_is_up() {
        let dir = tempfile::tempdir().unwrap();
        let (journal, lock) = abandoned(dir.path());
        let start = Instant::now();
        drop(Lock::wait(&journal, SHORT, PATIENCE).unwrap());
        assert!(start.elapsed() > SHORT);
        assert!(fs::symlink_metadata(&lock).is_err());
        // A plain file, as on Windows.
        fs::write(&lock, "").unwrap();
        drop(Lock::wait(&journal, SHORT, PATIENCE).unwrap());
        assert!(fs::symlink_metadata(&lock).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn an_abandoned_link_that_leads_nowhere_is_taken_over() {
        // Optuna makes such a link for a journal in another folder than its own.
        let dir = tempfile::tempdir().unwrap();
        let journal = dir.path().join("journal");
        std::os::unix::fs::symlink("runs/journal", dir.path().join("journal.lock")).unwrap();
        drop(Lock::wait(&journal, SHORT, PATIENCE).unwrap());
    }

    #[test]
    fn the_lock_of_somebody_who_works_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let (journal, _) = abandoned(dir.path());
        let error = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| Lock::wait(&journal, SHORT, 4 * SHORT).unwrap_err().to_string());
            for i in 0.. {
                if waiting.is_finished() {
                    break;
                }
                fs::write(&journal, "x".repeat(i)).unwrap();
                sleep(SHORT / 20);
            }
            waiting.join().unwrap()
        });
        let path = journal.display();
        assert_eq!(error, format!("{path}: lock: expected to get it within 800ms, found {path}.lock held by others"));
    }

    #[test]
    fn of_many_who_wait_for_an_abandoned_lock_one_at_a_time_gets_it() {
        let dir = tempfile::tempdir().unwrap();
        for _ in 0..4 {
            let (journal, _) = abandoned(dir.path());
            let holders = AtomicUsize::new(0);
            std::thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        let lock = Lock::wait(&journal, 5 * SHORT, PATIENCE).unwrap();
                        assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0);
                        sleep(SHORT / 8);
                        holders.fetch_sub(1, Ordering::SeqCst);
                        drop(lock);
                    });
                }
            });
        }
    }
}
