//! Files that are whole or absent.

use crate::error::{Error, Result};
use std::env;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
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

/// Locks an open file until it is closed, and says whether it could: not if another process has it. `path` is for errors. Some network
/// file systems have no locks: there everybody has it.
///
/// # Errors
/// When it cannot be known.
pub fn try_lock(file: &File, path: &Path) -> Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(e)) if e.kind() == ErrorKind::Unsupported => Ok(true),
        Err(TryLockError::Error(e)) => Err(Error::io(path)(e)),
    }
}

/// Text of a regular file of at most `limit` bytes.
///
/// # Errors
/// As [`read`], and when it is not UTF-8.
pub fn read_text(path: &Path, limit: u64) -> Result<String> {
    String::from_utf8(read(path, limit)?).map_err(|e| Error::format(path, "file", "UTF-8", e.utf8_error()))
}

/// A file name that stands for any text: letters, digits, `-` and `_` as they are, all other bytes as `%` and two digits; of a long
/// text the beginning and a checksum. It is no path, and no other text's name.
pub fn named(text: &str) -> String {
    const LONGEST: usize = 80;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let encode = |byte: u8| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    let name: String = text.bytes().map(encode).collect();
    match name.len() > LONGEST {
        true => format!("{}%{:08x}", &name[..LONGEST], crc32fast::hash(text.as_bytes())),
        false => name,
    }
}

/// Where files are kept that can be had again: `$XDG_CACHE_HOME/elbo`, by default below `~/.cache`. `None` when there is no home.
pub fn cache_dir() -> Option<PathBuf> {
    env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|dir| dir.is_absolute())
        .or_else(|| env::home_dir().map(|home| home.join(".cache")))
        .map(|dir| dir.join("elbo"))
}

/// Whether something is there; below a file is nothing. Not to be able to look is an error, not a no: what is there would be
/// overwritten.
pub fn is_there(path: &Path) -> Result<bool> {
    match path.try_exists() {
        Err(e) if e.kind() == ErrorKind::NotADirectory => Ok(false),
        found => found.map_err(Error::io(path)),
    }
}

/// Removes what killed processes left half-written in a folder, if there is one. No other process may be writing there.
pub fn sweep(folder: &Path) -> Result<()> {
    sweep_older(folder, Duration::ZERO)
}

/// Removes what killed processes left half-written in a folder where others may be writing: what has not changed for so long.
pub fn sweep_older(folder: &Path, age: Duration) -> Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(Error::io(folder))?,
    };
    for entry in entries {
        let entry = entry.map_err(Error::io(folder))?;
        let name = entry.file_name();
        let is_left = |name: &str| {
            // A lock is renamed before it is removed.
            (name.starts_with(PREFIX) && name.ends_with(SUFFIX))
                || (name.contains(".lock") && name.ends_with(".rename"))
        };
        // What cannot be looked at is gone already, or as good as new.
        let is_old = || entry.metadata().is_ok_and(|m| m.modified().is_ok_and(|t| t.elapsed().is_ok_and(|t| t >= age)));
        if name.to_str().is_some_and(is_left) && (age.is_zero() || is_old()) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Removes a file, if it is there.
///
/// # Errors
/// When it cannot be removed.
pub fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(Error::io(path)(e)),
        _ => Ok(()),
    }
}

/// Opens a regular file, or a link to one, for reading. Others may have no end (`/dev/zero`) or no beginning (a pipe).
///
/// # Errors
/// When it cannot be opened, or is something else.
pub fn open_regular(path: &Path) -> Result<File> {
    // Looked at before it is opened, which for a pipe would wait for a writer.
    let kind = fs::metadata(path).map_err(Error::io(path))?.file_type();
    match kind.is_file() {
        true => File::open(path).map_err(Error::io(path)),
        false => {
            let found = if kind.is_dir() { "a folder" } else { special(kind) };
            let what = format!("expected a regular file, found {found}");
            Err(Error::io(path)(io::Error::new(ErrorKind::InvalidInput, what)))
        }
    }
}

/// The contents of a regular file of at most `limit` bytes.
///
/// # Errors
/// As [`open_regular`], and when it is larger.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>> {
    read_on(&open_regular(path)?, path, limit)
}

/// The rest of an open file, of at most `limit` bytes; `path` is for errors.
pub fn read_on(file: &File, path: &Path, limit: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // A file may grow while it is read.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(Error::io(path))?;
    match bytes.len() as u64 <= limit {
        true => Ok(bytes),
        false => Err(Error::format(path, "length", format!("at most {limit} bytes"), "more")),
    }
}

#[cfg(unix)]
fn special(kind: fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    match kind {
        k if k.is_fifo() => "a pipe",
        k if k.is_socket() => "a socket",
        _ => "a device",
    }
}

#[cfg(not(unix))]
fn special(_: fs::FileType) -> &'static str {
    "a device"
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
    fn a_name_is_a_file_name_whatever_it_is() {
        for (text, name) in [
            ("lr", "lr"),
            ("batch_size-2", "batch_size-2"),
            ("x/../../../../name", "x%2F%2E%2E%2F%2E%2E%2F%2E%2E%2F%2E%2E%2Fname"),
            ("..", "%2E%2E"),
            ("a\0\n", "a%00%0A"),
            ("", ""),
        ] {
            assert_eq!(named(text), name);
        }
        let long = [named(&"é".repeat(300)), named(&"é".repeat(301))];
        assert!(long.iter().all(|name| name.len() < 100 && !name.contains('/')) && long[0] != long[1]);
    }

    #[test]
    fn what_was_left_half_written_is_swept_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        for name in [".elbo-x1y2z3.tmp", "a.tmp", ".elbo-a"] {
            std::fs::write(dir.path().join(name), b"").unwrap();
        }
        std::fs::write(dir.path().join("a.lock5e1f.rename"), b"").unwrap();
        sweep_older(dir.path(), Duration::from_secs(3600)).unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 4);
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

    #[test]
    fn only_regular_files_within_a_limit_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        fs::write(&path, b"12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        let why = |path: &Path, limit| read(path, limit).unwrap_err().to_string();
        assert_eq!(why(&path, 4), format!("{}: length: expected at most 4 bytes, found more", path.display()));
        let at = dir.path().display();
        assert_eq!(why(dir.path(), 9), format!("{at}: expected a regular file, found a folder"));
        assert!(why(&dir.path().join("b.txt"), 9).contains("No such file") || cfg!(windows));
    }

    #[cfg(unix)]
    #[test]
    fn devices_and_pipes_are_refused_and_links_to_files_are_read() {
        use std::os::unix::{fs::symlink, net::UnixListener};
        let why = |path: &Path| read(path, u64::MAX).unwrap_err().to_string();
        assert_eq!(why(Path::new("/dev/zero")), "/dev/zero: expected a regular file, found a device");
        let dir = tempfile::tempdir().unwrap();
        let [file, link, pipe, socket] = ["file", "link", "pipe", "socket"].map(|name| dir.path().join(name));
        fs::write(&file, b"x").unwrap();
        symlink("file", &link).unwrap();
        assert_eq!(read(&link, 1).unwrap(), b"x");
        let _listener = UnixListener::bind(&socket).unwrap();
        assert!(why(&socket).ends_with("found a socket"));
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(why(&pipe).ends_with("found a pipe"));
    }
}
