//! [`Published`]: what is known of a data set that has a name, and how its files are found, fetched and verified.

use super::Dataset;
use super::digest::{Digest, sha256};
use super::download::{Timeouts, fetch};
use super::idx::Layout;
use super::parts::{Parts, is_gzipped};
use crate::error::{Error, Result};
use crate::files;
use std::env;
use std::path::{Path, PathBuf};

/// A published data set of four gzipped IDX files.
#[derive(Debug)]
pub struct Published {
    /// What it is called.
    pub name: &'static str,
    /// What it is called on the command line and in folders.
    pub slug: &'static str,
    /// What stands before the names of its files, in lower case.
    pub(super) prefix: &'static str,
    /// Its files as published, and their digests if they are known: images and labels to train with, then to test with.
    pub files: [(&'static str, Option<Digest>); 4],
    /// The digests of the files unpacked, if they are known.
    pub(super) unpacked: [Option<Digest>; 4],
    /// The [`Dataset::digest`] of the whole set, if it is known.
    pub(super) content: Option<&'static str>,
    /// Where the files are given away, addresses that end in `/`. The digests are pinned, so plain HTTP does no harm.
    pub mirrors: &'static [&'static str],
    /// The archive that holds the files, where they are not given away one by one.
    pub archive: Option<(&'static str, Digest)>,
    /// Where other tools leave the files; `~/` is the home folder.
    pub(super) folders: &'static [&'static str],
    /// What the classes are called.
    pub classes: &'static [&'static str],
    /// The number that its files give the first class.
    pub(super) first_label: u8,
    /// Whether its files hold each image column after column.
    pub(super) transposed: bool,
    /// Who made it.
    pub citation: &'static str,
    /// On what terms.
    pub licence: &'static str,
}

/// What a row need not say.
pub(super) const PLAIN: Published = Published {
    name: "",
    slug: "",
    prefix: "",
    files: [("", None); 4],
    unpacked: [None; 4],
    content: None,
    mirrors: &[],
    archive: None,
    folders: &[],
    classes: &[],
    first_label: 0,
    transposed: false,
    citation: "",
    licence: "",
};

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is the published one, or that unpacked.
    Good,
    /// It is not there, neither as published nor unpacked.
    Missing,
    /// It is another: this is its digest, after the kind of digest that was compared.
    Differs(String),
    /// No digest is published for it: this is its SHA-256.
    Unknown(String),
}

impl Published {
    /// How its files hold images and labels.
    pub(super) fn layout(&self) -> Layout {
        let last = self.first_label + (self.classes.len() - 1) as u8;
        Layout { transposed: self.transposed, labels: self.first_label..=last }
    }

    /// What a [`Dataset`] calls the classes.
    pub(super) fn class_names(&self) -> Vec<String> {
        self.classes.iter().map(|name| name.to_string()).collect()
    }

    /// Our own folder for its files: `$XDG_CACHE_HOME/elbo/` and its slug, by default below `~/.cache`. `None` when there is no home.
    pub fn cache_dir(&self) -> Option<PathBuf> {
        files::cache_dir().map(|dir| dir.join(self.slug))
    }

    /// The first of the usual folders that holds all four files: torchvision's, Keras' and our own. Files that are unpacked do not
    /// count where only the digests of the gzipped ones are known: it could not be said that they are those of the set.
    pub fn find(&self) -> Option<PathBuf> {
        let place = |folder: &&str| match folder.strip_prefix("~/") {
            Some(rest) => env::home_dir().map(|home| home.join(rest)),
            None => Some(PathBuf::from(folder)),
        };
        let has_digests = self.files.iter().any(|(_, digest)| digest.is_some());
        let holds_it =
            |dir: &PathBuf| {
                Parts::find(dir, Some(self.prefix)).is_ok_and(|parts| {
                    parts.paths.iter().enumerate().all(|(i, path)| {
                        path.as_deref().is_some_and(|path| !has_digests || self.digest(i, path).is_some())
                    })
                })
            };
        self.folders.iter().filter_map(place).chain(self.cache_dir()).find(holds_it)
    }

    /// What part `i` must be, in this file.
    fn digest(&self, i: usize, path: &Path) -> Option<Digest> {
        if is_gzipped(path) { self.files[i].1 } else { self.unpacked[i] }
    }

    /// Whether these are its files: by their digests, the smallest file first.
    pub(super) fn is_of(&self, paths: &[PathBuf; 4]) -> Result<bool> {
        for i in [3, 1, 2, 0] {
            let Some(digest) = self.digest(i, &paths[i]) else { return Ok(false) };
            if digest.of(&content(&paths[i])?) != digest.text() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the data that were read from these files are what was published.
    ///
    /// # Errors
    /// [`Error::Format`] when they are not.
    pub(super) fn check(&self, data: &Dataset, dir: &Path, paths: &[PathBuf; 4]) -> Result<()> {
        if let Some(expected) = self.content {
            return match data.digest == expected {
                true => Ok(()),
                false => Err(Error::format(dir, format!("SHA-256 of {}'s content", self.name), expected, &data.digest)),
            };
        }
        for (i, path) in paths.iter().enumerate() {
            if let Some(digest) = self.digest(i, path) {
                let found = digest.of(&content(path)?);
                if found != digest.text() {
                    let what = format!("{} of {}'s file", digest.algorithm(), self.name);
                    return Err(Error::format(path, what, digest.text(), found));
                }
            }
        }
        Ok(())
    }

    /// Whether [`fetch`](Self::fetch) can give it: its files are given away one by one, and their digests are known.
    pub fn is_fetched(&self) -> bool {
        !self.mirrors.is_empty() && self.files.iter().all(|(_, digest)| digest.is_some())
    }

    /// Fetches the published files that `dir` does not hold yet, with a progress bar on stderr when that is a terminal.
    ///
    /// # Errors
    /// [`Error::Usage`] with what to do instead when it is not [given away so](Self::is_fetched); else as
    /// [`download::fetch`](super::download::fetch).
    pub fn fetch(&self, dir: &Path) -> Result<()> {
        if !self.is_fetched() {
            return Err(Error::Usage(format!("{} is not downloaded: {}", self.name, self.advice())));
        }
        let files: Vec<(&str, Digest)> =
            self.files.iter().filter_map(|&(name, digest)| Some((name, digest?))).collect();
        fetch(&files, self.mirrors, dir, Timeouts::default())
    }

    /// How to get it without us.
    pub fn advice(&self) -> String {
        let from = match self.archive {
            Some((url, digest)) => {
                format!("unpack {url} ({} {}), put {} to", digest.algorithm(), digest.text(), self.files[0].0)
            }
            None => format!("get {} to", self.files[0].0),
        };
        let from = format!("{from} {}", self.files[3].0);
        let source =
            if self.mirrors.is_empty() { String::new() } else { format!(" from {}", self.mirrors.join(" or ")) };
        format!("{from}{source} into a folder, and name it with `data = DIR`")
    }

    /// Compares the files in `dir` with the published ones. The paths are those of the files that would be read, or that
    /// are missing.
    ///
    /// # Errors
    /// [`Error::Io`] when a file cannot be read; [`Error::Format`] when two are candidates for one.
    pub fn verify(&self, dir: &Path) -> Result<Vec<(PathBuf, Status)>> {
        let parts = Parts::find(dir, Some(self.prefix))?;
        let check = |(i, path): (usize, Option<PathBuf>)| {
            let Some(path) = path else { return Ok((dir.join(self.files[i].0), Status::Missing)) };
            let content = content(&path)?;
            let status = match self.digest(i, &path) {
                None => Status::Unknown(sha256(&content)),
                Some(digest) => match digest.of(&content) {
                    found if found == digest.text() => Status::Good,
                    found => Status::Differs(format!("{} {found}", digest.algorithm())),
                },
            };
            Ok((path, status))
        };
        parts.paths.into_iter().enumerate().map(check).collect()
    }
}

fn content(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(Error::io(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::catalogue::{FASHION_MNIST, named, of_folder};
    use crate::data::parts::STEMS;

    #[test]
    fn verification_tells_missing_from_different_and_from_unknown() {
        let dir = tempfile::tempdir().unwrap();
        let set = FASHION_MNIST;
        let [gzipped, unpacked] = [STEMS[0].to_string() + ".gz", STEMS[1].into()].map(|name| dir.path().join(name));
        std::fs::write(&gzipped, b"").unwrap();
        std::fs::write(&unpacked, b"").unwrap();
        let report = set.verify(dir.path()).unwrap();
        let of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(report[0], (gzipped.clone(), Status::Differs(format!("SHA-256 {of_nothing}"))));
        assert_eq!(report[1], (unpacked.clone(), Status::Differs(format!("SHA-256 {of_nothing}"))));
        assert_eq!(report[2], (dir.path().join("t10k-images-idx3-ubyte.gz"), Status::Missing));
        let report = named("mnist").unwrap().verify(dir.path()).unwrap();
        assert_eq!(report[0], (gzipped, Status::Differs("MD5 d41d8cd98f00b204e9800998ecf8427e".into())));
        assert_eq!(report[1], (unpacked, Status::Unknown(of_nothing.into())));
        assert_eq!(of_folder(dir.path()).unwrap().slug, "fashion-mnist");
    }

    #[test]
    fn a_set_without_digests_says_where_it_is() {
        let error = named("emnist-letters").unwrap().fetch(Path::new("/no/such")).unwrap_err().to_string();
        let start = "EMNIST Letters is not downloaded: unpack https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/gzip.zip (MD5 58c8";
        assert!(error.starts_with(start) && error.ends_with("name it with `data = DIR`"), "{error}");
    }
}
