//! [`Journal`]: a file of one JSON object a line, appended to and never rewritten.

use super::lock::Lock;
use super::op::{Op, START, Studies};
use crate::error::{Error, Result};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// A journal file and how far it was read.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    /// Bytes read, up to the end of a line.
    read: u64,
    /// Lines read.
    lines: usize,
    /// A name that no other worker has.
    worker: String,
}

impl Journal {
    /// Opens a file, or makes an empty one.
    pub fn open(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(Error::io(path))?;
        Ok(Journal { path: path.to_path_buf(), file, read: 0, lines: 0, worker: Uuid::new_v4().to_string() })
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
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(self.read)).map_err(Error::io(&self.path))?;
        self.file.read_to_end(&mut bytes).map_err(Error::io(&self.path))?;
        // What nobody finished writing is cut off by the next writer, so it must not be somebody's other file.
        let begun = &bytes[..bytes.len().min(START.len())];
        if self.lines == 0 && !START.as_bytes().starts_with(begun) && !bytes.contains(&b'\n') {
            let found = String::from_utf8_lossy(begun);
            return Err(Error::format(&self.path, "file", "a journal of studies", format!("{found:?}…")));
        }
        let end = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
        for line in bytes[..end].split_inclusive(|b| *b == b'\n') {
            let number = self.lines + 1;
            let damaged = |(expected, found)| Error::format(&self.path, format!("line {number}"), expected, found);
            let text = std::str::from_utf8(line);
            let text = text.map_err(|e| damaged(("UTF-8".to_string(), e.to_string())))?;
            let text = if number == 1 { text.trim_start_matches('\u{feff}') } else { text };
            studies.apply(Op::from_line(text.trim_end_matches(['\n', '\r'])).map_err(damaged)?);
            self.lines = number;
            self.read += line.len() as u64;
        }
        Ok(())
    }

    /// Appends lines in one write and syncs them to disk. The lock must be held and the file read to its end. What an
    /// interrupted writer left behind the last newline was never a record, and is cut off first.
    pub fn append(&mut self, ops: &[Op]) -> Result<()> {
        if ops.is_empty() {
            return Ok(());
        }
        let text: String = ops.iter().map(|op| op.to_line(&self.worker) + "\n").collect();
        let mut write = || {
            if self.file.metadata()?.len() > self.read {
                self.file.set_len(self.read)?;
            }
            self.file.write_all(text.as_bytes())?;
            self.file.sync_data()
        };
        if let Err(e) = write() {
            // A full disk must not leave half a record for others.
            let _ = self.file.set_len(self.read);
            return Err(Error::io(&self.path)(e));
        }
        self.read += text.len() as u64;
        self.lines += ops.len();
        Ok(())
    }
}
