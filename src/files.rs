//! Files that are whole or absent.

use crate::error::{Error, Result};
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;
use tempfile::{NamedTempFile, PersistError};

/// Writes `bytes` to `path` so that a kill at any instant leaves the old file or the new one: a temporary sibling is
/// written and synced, then renamed over `path`, then the folder is synced.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    place(path, bytes, |file| file.persist(path)).map_err(Error::io(path))
}

/// Writes `bytes` to `path` in the same way, but only if nothing is there.
///
/// # Errors
/// [`Error::Usage`] when there is something: it stays as it is.
pub fn create(path: &Path, bytes: &[u8]) -> Result<()> {
    place(path, bytes, |file| file.persist_noclobber(path)).map_err(|e| match e.kind() {
        ErrorKind::AlreadyExists => Error::Usage(format!("{} is there already; choose another name", path.display())),
        _ => Error::io(path)(e),
    })
}

/// How the names of half-written files begin and end.
const PREFIX: &str = ".elbo-";
const SUFFIX: &str = ".tmp";

fn place(
    path: &Path,
    bytes: &[u8],
    rename: impl FnOnce(NamedTempFile) -> Result<File, PersistError>,
) -> std::io::Result<()> {
    let mut options = tempfile::Builder::new();
    options.prefix(PREFIX).suffix(SUFFIX);
    #[cfg(unix)]
    options.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    let mut file = options.tempfile_in(folder(path))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    rename(file)?;
    sync_name(path)
}

/// Syncs to disk that a file is there.
pub fn sync_name(path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    File::open(folder(path))?.sync_all()?;
    Ok(())
}

/// Whether something is there. Not to be able to look is an error, not a no: what is there would be overwritten.
pub fn is_there(path: &Path) -> Result<bool> {
    path.try_exists().map_err(Error::io(path))
}

/// Removes what killed processes left half-written in a folder, if there is one.
pub fn sweep(folder: &Path) -> Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(Error::io(folder))?,
    };
    for entry in entries {
        let entry = entry.map_err(Error::io(folder))?;
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX)) {
            fs::remove_file(entry.path()).map_err(Error::io(entry.path()))?;
        }
    }
    Ok(())
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    }
}

/// JSON for people.
pub fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).expect("plain data") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_replaces_the_file_and_leaves_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        write(&path, b"old").unwrap();
        write(&path, b"new").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_creation_leaves_what_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        create(&path, b"old").unwrap();
        let error = create(&path, b"new").unwrap_err().to_string();
        assert_eq!(error, format!("{} is there already; choose another name", path.display()));
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_was_left_half_written_is_swept_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        for name in [".elbo-x1y2z3.tmp", "a.tmp", ".elbo-a"] {
            std::fs::write(dir.path().join(name), b"").unwrap();
        }
        sweep(dir.path()).unwrap();
        sweep(&dir.path().join("none")).unwrap();
        let mut left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [".elbo-a", "a.tmp"]);
    }

    #[test]
    fn an_error_names_the_file() {
        let error = write(Path::new("/no/such/folder/a.txt"), b"").unwrap_err();
        assert!(error.to_string().starts_with("/no/such/folder/a.txt: "), "{error}");
    }
}
