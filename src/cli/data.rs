//! `elbo data`: find, fetch and verify data sets.

use super::{DataArgs, flags};
use crate::data::Source;
use crate::data::fashion_mnist::{self, Status};
use crate::error::{Error, Result};
use clap::Subcommand;
use std::collections::BTreeSet;
use std::path::PathBuf;

#[derive(Subcommand, Debug)]
pub enum DataCommand {
    /// Download Fashion-MNIST, unless it is there
    Fetch {
        /// Folder to put it in [default: the cache folder]
        #[arg(long, value_name = "DIR", value_parser = flags::path())]
        out: Option<PathBuf>,
    },
    /// Compare files with the published digests
    Verify {
        /// Folder with the files [default: where Fashion-MNIST is found]
        #[arg(value_parser = flags::path())]
        dir: Option<PathBuf>,
    },
    /// Say what a data set holds
    Info(DataArgs),
}

pub fn run(command: DataCommand) -> Result<()> {
    match command {
        DataCommand::Fetch { out } => {
            let no_home = || Error::Usage("there is no home folder to download to; name one with --out DIR".into());
            let dir = out.or_else(fashion_mnist::cache_dir).ok_or_else(no_home)?;
            fashion_mnist::fetch(&dir)?;
            say!("{}", dir.display())?;
            Ok(())
        }
        DataCommand::Verify { dir } => {
            let set = match Source::from_env() {
                Some(Source::Dir(dir)) => Some(dir),
                _ => None,
            };
            let nowhere =
                || Error::Usage("Fashion-MNIST was not found; name its folder, or run elbo data fetch".into());
            let dir = dir.or(set).or_else(fashion_mnist::find).ok_or_else(nowhere)?;
            let mut bad = 0;
            for (path, status) in fashion_mnist::verify(&dir)? {
                let said = match status {
                    Status::Good => "good".to_string(),
                    Status::Missing => "missing".to_string(),
                    Status::Differs(found) => format!("differs: SHA-256 {found}"),
                };
                bad += usize::from(said != "good");
                say!("{}: {said}", path.display())?;
            }
            match bad {
                0 => Ok(()),
                n => Err(Error::Failed(format!("{n} of 4 files are not the published ones"))),
            }
        }
        DataCommand::Info(args) => {
            let data = args.load()?;
            say!("{} ({})", data.name, data.source)?;
            for (name, split) in [("train", &data.train), ("test", &data.test)] {
                say!("{name}: {} images of {} × {}", split.len(), split.height(), split.width())?;
            }
            let labels: BTreeSet<u8> = data.train.labels().chain(data.test.labels()).collect();
            let classes: Vec<&str> = labels.iter().map(|&l| data.class_names[usize::from(l)].as_str()).collect();
            say!("classes: {}", classes.join(", "))?;
            say!("digest: {}", data.digest)?;
            Ok(())
        }
    }
}
