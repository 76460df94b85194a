//! [`Journal`]: a file of one JSON object a line, appended to and never rewritten.

use super::line::START;
use super::lock::Lock;
use super::op::{Effect, Op, Studies};
use crate::error::{Error, Result};
use crate::files;
use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// The most that is read at a time, in bytes: a million trials have less.
const LONGEST: u64 = 1 << 32;

/// A journal file and how far it was read. It is opened anew for each step: only so does a network file system show what other
/// machines wrote.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    /// Bytes read, up to the end of a line.
    read: u64,
    /// Lines read.
    lines: usize,
    /// A name that no other worker has.
    worker: String,
}

impl Journal {
    /// A file, which is made if it is not there.
    pub fn open(path: &Path) -> Result<Self> {
        match OpenOptions::new().append(true).create_new(true).open(path).and_then(|_| files::sync_name(path)) {
            Err(e) if e.kind() != ErrorKind::AlreadyExists => Err(Error::io(path)(e)),
            _ => Ok(Journal { path: path.to_path_buf(), read: 0, lines: 0, worker: Uuid::new_v4().to_string() }),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps other writers out.
    pub fn lock(&self) -> Result<Lock> {
        Lock::of(&self.path)
    }

    /// Applies the lines that were appended since the last time. What does not end in a newline is not yet written.
    pub fn read(&mut self, studies: &mut Studies) -> Result<()> {
        let bytes = self.rest()?;
        // A line that was not written to its end is cut off by the next writer, so this must not be a file of something else.
        let begun = &bytes[..bytes.len().min(START.len())];
        if self.lines == 0 && !START.as_bytes().starts_with(begun) && !bytes.contains(&b'\n') {
            let found = String::from_utf8_lossy(begun);
            return Err(Error::format(&self.path, "file", "a journal of studies", format!("{found:?}…")));
        }
        for line in bytes[..whole_lines(&bytes)].split_inclusive(|b| *b == b'\n') {
            let number = self.lines + 1;
            let damaged = |(expected, found)| Error::format(&self.path, format!("line {number}"), expected, found);
            let text = std::str::from_utf8(line).map_err(|e| damaged(("UTF-8".to_string(), e.to_string())))?;
            let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_end_matches(['\n', '\r']);
            studies.apply(Op::from_line(text).map_err(damaged)?);
            self.lines = number;
            self.read += line.len() as u64;
        }
        Ok(())
    }

    /// Appends lines in one write, syncs them to disk and applies them. The lock must be held and the file read to its end. What an
    /// interrupted writer left behind the last newline was never a record, and is cut off first.
    pub fn append(&mut self, ops: Vec<Op>, studies: &mut Studies) -> Result<Vec<Effect>> {
        if ops.is_empty() {
            return Ok(Vec::new());
        }
        let rest = self.rest()?;
        if whole_lines(&rest) > 0 {
            return Err(Error::format(
                &self.path,
                "lock",
                "to write alone",
                "lines that somebody else wrote meanwhile",
            ));
        }
        let text: String = ops.iter().map(|op| op.to_line(&self.worker) + "\n").collect();
        let write = || {
            if !rest.is_empty() {
                self.cut(0)?;
            }
            let mut file = OpenOptions::new().append(true).open(&self.path)?;
            file.write_all(text.as_bytes())?;
            file.sync_data()
        };
        if let Err(e) = write() {
            // A full disk must not leave half a line for others; whole ones they may have read.
            let _ = self.rest().map(|rest| self.cut(whole_lines(&rest) as u64));
            return Err(Error::io(&self.path)(e));
        }
        self.read += text.len() as u64;
        self.lines += ops.len();
        Ok(ops.into_iter().map(|op| studies.apply(op)).collect())
    }

    /// What stands behind the lines that were read.
    fn rest(&self) -> Result<Vec<u8>> {
        let mut file = files::open_regular(&self.path)?;
        let length = file.metadata().map_err(Error::io(&self.path))?.len();
        if length < self.read {
            let expected = format!("at least {} bytes, as before", self.read);
            return Err(Error::format(&self.path, "length", expected, length));
        }
        file.seek(SeekFrom::Start(self.read)).map_err(Error::io(&self.path))?;
        files::read_on(&file, &self.path, LONGEST)
    }

    /// Leaves so many bytes behind the lines that were read.
    fn cut(&self, keep: u64) -> io::Result<()> {
        OpenOptions::new().write(true).open(&self.path)?.set_len(self.read + keep)
    }
}

/// The bytes up to the last newline.
fn whole_lines(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::Direction;

    #[test]
    fn a_writer_whose_lock_was_taken_away_overwrites_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let create = |name: &str| vec![Op::CreateStudy { name: name.into(), directions: vec![Direction::Minimize] }];
        let (mut slow, mut quick) = (Journal::open(&path).unwrap(), Journal::open(&path).unwrap());
        let mut studies = [Studies::default(), Studies::default()];
        assert_eq!(quick.append(create("quick"), &mut studies[1]).unwrap(), [Effect::Created(0)]);
        let error = slow.append(create("slow"), &mut studies[0]).unwrap_err().to_string();
        assert!(error.ends_with("lock: expected to write alone, found lines that somebody else wrote meanwhile"));
        slow.read(&mut studies[0]).unwrap();
        assert_eq!(slow.append(create("slow"), &mut studies[0]).unwrap(), [Effect::Created(1)]);
        quick.read(&mut studies[1]).unwrap();
        assert_eq!(studies.map(|s| s.find("slow")), [Some(1); 2]);
    }
}
