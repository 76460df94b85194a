//! `elbo data`: list, find, fetch and verify data sets.

use super::{DataArgs, flags};
use crate::data::catalogue::{self, CATALOGUE, FASHION_MNIST, Published, Status};
use crate::data::{POINT, Source, Toy};
use crate::error::{Error, Result};
use clap::Subcommand;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

#[derive(Subcommand, Debug)]
pub enum DataCommand {
    /// List the sets that are known by name
    List,
    /// Download a published set, unless it is there
    Fetch {
        /// Which set, as `elbo data list` calls it
        #[arg(default_value = FASHION_MNIST.slug, value_parser = published)]
        name: &'static Published,
        /// Folder to put it in [default: the cache folder]
        #[arg(long, value_name = "DIR", value_parser = flags::path())]
        out: Option<PathBuf>,
    },
    /// Compare files with the published digests
    Verify {
        /// Folder with the files, or a set's name [default: where Fashion-MNIST is found]
        #[arg(value_name = "DIR|NAME", value_parser = flags::path_or_word())]
        dir: Option<OsString>,
    },
    /// Say what a data set holds
    Info(DataArgs),
}

/// A set by its name.
fn published(name: &str) -> Result<&'static Published, String> {
    catalogue::named(name).ok_or_else(|| format!("one of {}", catalogue::slugs()))
}

pub fn run(command: DataCommand) -> Result<()> {
    match command {
        DataCommand::List => {
            for set in &CATALOGUE {
                let found = match set.find() {
                    Some(dir) => format!("in {}", dir.display()),
                    None if set.is_fetched() => "to download".into(),
                    None => "to read from a folder".into(),
                };
                say!("{:<16}{:<16}{:>3} classes   {found}", set.slug, set.name, set.classes.len())?;
                say!("{:16}{}", "", set.citation)?;
                say!("{:16}licence: {}", "", set.licence)?;
            }
            say!("{:<16}{:<16}{:>3} classes   generated", "synthetic", "garments", FASHION_MNIST.classes.len())?;
            for toy in Toy::ALL {
                say!("{:<16}{:<16}{:>3} classes   generated: {}", toy.slug(), "points", toy.modes(), toy.about())?;
            }
            Ok(())
        }
        DataCommand::Fetch { name, out } => {
            let no_home = || Error::Usage("there is no home folder to download to; name one with --out DIR".into());
            let dir = out.or_else(|| name.cache_dir()).ok_or_else(no_home)?;
            name.fetch(&dir)?;
            say!("{}", dir.display())?;
            Ok(())
        }
        DataCommand::Verify { dir } => {
            let nowhere = |set: &Published| {
                Error::Usage(format!(
                    "{} was not found; name its folder, or run elbo data fetch {}",
                    set.name, set.slug
                ))
            };
            let (set, dir) = match dir.map(Source::from).or_else(Source::from_env) {
                Some(Source::Dir(dir)) => (catalogue::of_folder(&dir)?, dir),
                Some(Source::Named(slug)) => {
                    let set = catalogue::named(&slug).unwrap_or(FASHION_MNIST);
                    (set, set.find().ok_or_else(|| nowhere(set))?)
                }
                Some(Source::Auto | Source::Synthetic | Source::Toy(_)) | None => {
                    (FASHION_MNIST, FASHION_MNIST.find().ok_or_else(|| nowhere(FASHION_MNIST))?)
                }
            };
            let (mut bad, mut unknown) = (0, 0);
            for (path, status) in set.verify(&dir)? {
                let said = match status {
                    Status::Good => "good".to_string(),
                    Status::Missing => "missing".to_string(),
                    Status::Differs(found) => format!("differs: {found}"),
                    Status::Unknown(found) => {
                        unknown += 1;
                        format!("no digest is known of it: SHA-256 {found}")
                    }
                };
                bad += usize::from(said != "good");
                say!("{}: {said}", path.display())?;
            }
            match (bad, bad - unknown) {
                (0, _) => Ok(()),
                (n, 0) => Err(Error::Failed(format!(
                    "of {n} of 4 files it is not known whether they are those of {}",
                    set.name
                ))),
                (_, n) => Err(Error::Failed(format!("{n} of 4 files are not the published ones of {}", set.name))),
            }
        }
        DataCommand::Info(args) => {
            let data = args.load()?;
            say!("{} ({})", data.name, data.source)?;
            for (name, split) in [("train", &data.train), ("test", &data.test)] {
                let what = match split.shape() {
                    POINT => "points of the plane".into(),
                    [3, height, width] => format!("images of {height} × {width} in colour"),
                    [_, height, width] => format!("images of {height} × {width}"),
                };
                say!("{name}: {} {what}", split.len())?;
            }
            let labels: BTreeSet<u8> = data.train.labels().chain(data.test.labels()).collect();
            let classes: Vec<&str> = labels.iter().map(|&l| data.class_names[usize::from(l)].as_str()).collect();
            say!("classes: {}", classes.join(", "))?;
            say!("digest: {}", data.digest)?;
            Ok(())
        }
    }
}
