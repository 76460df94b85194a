//! `elbo tune export` and `import`: study files of other kinds.

use super::flags;
use crate::error::{Error, Result};
use crate::files;
use crate::search::Storage;
use crate::search::storage::{Studies, sqlite};
use crate::tune::session::JOURNAL;
use clap::Args;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

#[derive(Args, Debug)]
pub struct ExportArgs {
    /// SQLite file to write, of the schema that Optuna and its dashboards open
    #[arg(value_parser = flags::path())]
    file: PathBuf,
    /// The study: its folder, or a journal [default: the newest in runs]
    #[arg(long, value_name = "DIR|JOURNAL", value_parser = flags::path())]
    study: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct ImportArgs {
    /// SQLite file or journal to read
    #[arg(value_parser = flags::path())]
    file: PathBuf,
    /// Journal to write; one that is there gets the studies too
    #[arg(long, value_name = "JOURNAL", value_parser = flags::path())]
    out: PathBuf,
}

pub fn export(args: ExportArgs) -> Result<()> {
    let journal = match &args.study {
        Some(path) if fs::metadata(path).is_ok_and(|m| m.is_dir()) => path.join(JOURNAL),
        Some(path) => path.clone(),
        None => newest()?,
    };
    let studies = read(&journal)?;
    sqlite::export(&studies, &args.file)?;
    say!("{}: {}", args.file.display(), listed(&studies))
}

pub fn import(args: ImportArgs) -> Result<()> {
    let studies = read(&args.file)?;
    Storage::journal(&args.out)?.copy(&studies)?;
    say!("{}: {}", args.out.display(), listed(&studies))
}

/// The studies of a file that is there, of either kind.
fn read(path: &Path) -> Result<Studies> {
    let mut start = Vec::new();
    files::open_regular(path)?.take(16).read_to_end(&mut start).map_err(Error::io(path))?;
    match start.starts_with(b"SQLite format 3") {
        true => sqlite::import(path),
        false => Ok(Storage::journal(path)?.studies().clone()),
    }
}

/// The journal below `runs` that was changed last.
fn newest() -> Result<PathBuf> {
    let folders = fs::read_dir("runs").into_iter().flatten().flatten().map(|entry| entry.path().join(JOURNAL));
    let changed = |path: &PathBuf| fs::metadata(path).and_then(|m| m.modified()).ok();
    let found = folders.filter(|path| changed(path).is_some()).max_by_key(changed);
    found.ok_or_else(|| {
        Error::Usage(format!("runs: expected a folder with a {JOURNAL}, found none; name one with --study"))
    })
}

fn listed(studies: &Studies) -> String {
    let one = |s: &crate::search::storage::StudyRecord| {
        format!("{} with {}", s.name, crate::lab::count(s.trials.len(), "trial"))
    };
    let all: Vec<String> = studies.studies.iter().flatten().map(one).collect();
    if all.is_empty() { "no studies".into() } else { all.join(", ") }
}
