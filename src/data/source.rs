//! Which data set is meant, and getting hold of it.

use super::{Dataset, fashion_mnist, idx, synthetic};
use crate::error::{Error, Result};
use crate::files;
use serde::{Deserialize, Serialize};
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Which data to load: the value of `--data`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// What `ELBO_DATA` says if it is set; else Fashion-MNIST, wherever it can be had; else the synthetic set, with a
    /// [notice](Dataset::notice).
    #[default]
    Auto,
    /// The IDX files of this folder.
    Dir(#[serde(with = "path")] PathBuf),
    /// The generated garments of [`synthetic`].
    Synthetic,
}

impl Source {
    /// What `ELBO_DATA` says, if it is set.
    pub fn from_env() -> Option<Self> {
        env::var_os("ELBO_DATA").filter(|value| !value.is_empty()).map(Source::from)
    }
}

/// How a data set was loaded, to load it again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// What was loaded: never [`Source::Auto`], unless nothing is known.
    pub source: Source,
    /// To how many images each split was limited.
    pub limit: Option<u32>,
}

/// A path as text, or as bytes where it is none.
mod path {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::path::{Path, PathBuf};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Written {
        Text(String),
        Bytes(Vec<u8>),
    }

    pub fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
        let text = path.to_str().map(|text| Written::Text(text.into()));
        text.unwrap_or_else(|| bytes(path)).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
        Ok(match Written::deserialize(deserializer)? {
            Written::Text(text) => text.into(),
            Written::Bytes(bytes) => from_bytes(bytes),
        })
    }

    #[cfg(unix)]
    fn bytes(path: &Path) -> Written {
        use std::os::unix::ffi::OsStrExt;
        Written::Bytes(path.as_os_str().as_bytes().to_vec())
    }

    #[cfg(unix)]
    fn from_bytes(bytes: Vec<u8>) -> PathBuf {
        use std::os::unix::ffi::OsStringExt;
        std::ffi::OsString::from_vec(bytes).into()
    }

    #[cfg(not(unix))]
    fn bytes(path: &Path) -> Written {
        Written::Text(path.to_string_lossy().into())
    }

    #[cfg(not(unix))]
    fn from_bytes(bytes: Vec<u8>) -> PathBuf {
        String::from_utf8_lossy(&bytes).into_owned().into()
    }
}

/// Reads the value of `--data` or `ELBO_DATA`: the word `synthetic`, else a folder.
impl From<OsString> for Source {
    fn from(value: OsString) -> Self {
        if value == "synthetic" { Source::Synthetic } else { Source::Dir(value.into()) }
    }
}

/// Loads a data set.
///
/// A folder holds four files with the names MNIST gave them, gzipped or not; images may have any size. Classes are
/// called by their numbers, unless the content is Fashion-MNIST's.
///
/// # Errors
/// [`Error::Format`] or [`Error::Io`] when a folder that was asked for lacks a file, and when any file that is there is
/// damaged. Neither is papered over with other data.
pub fn load(source: &Source) -> Result<Dataset> {
    match source {
        Source::Dir(dir) => read(dir),
        Source::Synthetic => {
            let mut set = synthetic::dataset(synthetic::TRAIN, synthetic::TEST);
            set.origin.source = Source::Synthetic;
            Ok(set)
        }
        Source::Auto => match Source::from_env() {
            Some(source) => load(&source),
            None => find_or_fetch(),
        },
    }
}

impl Origin {
    /// Loads what was loaded before. Instead of a folder that is there no more, the one that `ELBO_DATA` names or that is found by
    /// itself is taken: whether it is the same, its digest tells.
    ///
    /// # Errors
    /// As [`load`].
    pub fn load(&self) -> Result<Dataset> {
        let data = match &self.source {
            Source::Dir(dir) if !files::is_there(dir)? => {
                let other = Source::from_env().or_else(|| fashion_mnist::find().map(Source::Dir));
                let gone =
                    || Error::format(dir, "data", "a folder, as before", "nothing; name where it is now with `data`");
                load(&other.ok_or_else(gone)?)?
            }
            source => load(source)?,
        };
        Ok(match self.limit {
            Some(n) => data.limit(n as usize),
            None => data,
        })
    }
}

fn find_or_fetch() -> Result<Dataset> {
    if let Some(dir) = fashion_mnist::find() {
        return read_fashion_mnist(&dir);
    }
    let fetched = match fashion_mnist::cache_dir() {
        Some(dir) => fashion_mnist::fetch(&dir).map(|()| dir).map_err(|e| e.to_string()),
        None => Err("there is no home folder to download it to".into()),
    };
    match fetched {
        Ok(dir) => read_fashion_mnist(&dir),
        Err(reason) => {
            let mut stand_in = load(&Source::Synthetic)?;
            stand_in.notice = Some(notice(&reason));
            Ok(stand_in)
        }
    }
}

/// What is said when the synthetic set stands in.
fn notice(reason: &str) -> String {
    let addresses = fashion_mnist::MIRRORS.map(|mirror| format!("      {mirror}")).join("\n");
    let files = fashion_mnist::FILES.map(|(name, _)| format!("      {name}")).join("\n");
    format!(
        "\
============================= THIS IS NOT FASHION-MNIST =============================
Fashion-MNIST is not on this machine and could not be downloaded:
  {reason}
What follows uses generated drawings of garments. Its numbers cannot be compared with
any published ones. To use Fashion-MNIST, put these four files
{files}
  from either of
{addresses}
  into a folder and name it with `data = DIR` or ELBO_DATA=DIR.
To use the drawings without this notice: `data = synthetic`.
====================================================================================="
    )
}

/// Reads a folder that is Fashion-MNIST's by its name.
fn read_fashion_mnist(dir: &Path) -> Result<Dataset> {
    let set = read(dir)?;
    if set.digest != fashion_mnist::DIGEST {
        return Err(Error::format(dir, "SHA-256 of Fashion-MNIST's content", fashion_mnist::DIGEST, set.digest));
    }
    Ok(set)
}

/// Reads the IDX files of a folder.
fn read(dir: &Path) -> Result<Dataset> {
    let (train, test) = idx::read_dir(dir)?;
    let classes = train.labels().chain(test.labels()).max().map_or(0, |label| usize::from(label) + 1);
    let numbers = (0..classes).map(|class| class.to_string()).collect();
    let mut set = Dataset::new("IDX data", &dir.display().to_string(), train, test, numbers);
    set.origin.source = Source::Dir(std::path::absolute(dir).map_err(Error::io(dir))?);
    if set.digest == fashion_mnist::DIGEST {
        set.name = "Fashion-MNIST".into();
        set.class_names = fashion_mnist::CLASS_NAMES.map(String::from).into();
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_is_a_word_or_a_folder() {
        assert_eq!(Source::from(OsString::from("synthetic")), Source::Synthetic);
        assert_eq!(Source::from(OsString::from("./synthetic")), Source::Dir("./synthetic".into()));
    }

    #[test]
    fn an_origin_survives_the_way_through_json_whatever_its_folder_is_called() {
        let mut folders = vec![Source::Auto, Source::Synthetic, Source::Dir("/data/a b".into())];
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStringExt;
            folders.push(Source::Dir(OsString::from_vec(b"/data/\xff\xfe".to_vec()).into()));
        }
        for source in folders {
            let origin = Origin { source, limit: Some(7) };
            let json = serde_json::to_string(&origin).unwrap();
            assert_eq!(serde_json::from_str::<Origin>(&json).unwrap(), origin, "{json}");
        }
    }

    #[test]
    fn any_idx_set_loads_and_its_classes_are_numbers() {
        let dir = tempfile::tempdir().unwrap();
        let images = [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 7, 9];
        for (stem, label) in [("train", 1), ("t10k", 2)] {
            std::fs::write(dir.path().join(format!("{stem}-images-idx3-ubyte")), images).unwrap();
            let labels = [0, 0, 8, 1, 0, 0, 0, 1, label];
            std::fs::write(dir.path().join(format!("{stem}-labels-idx1-ubyte")), labels).unwrap();
        }
        let set = load(&Source::Dir(dir.path().into())).unwrap();
        assert_eq!((set.train.height(), set.train.width(), set.test.image(0)), (1, 2, &[7, 9][..]));
        assert_eq!(set.class_names, ["0", "1", "2"]);
        let error = read_fashion_mnist(dir.path()).unwrap_err().to_string();
        assert!(error.contains("SHA-256 of Fashion-MNIST's content: expected "), "{error}");
    }

    #[test]
    fn a_folder_asked_for_is_never_replaced() {
        let error = load(&Source::Dir("/no/such/folder".into())).unwrap_err().to_string();
        assert!(error.starts_with("/no/such/folder: "), "{error}");
    }

    #[test]
    fn the_notice_says_what_to_do() {
        let text = notice("no network");
        for part in ["THIS IS NOT FASHION-MNIST", "no network", "`data = DIR`", "t10k-labels-idx1-ubyte.gz", "https://"]
        {
            assert!(text.contains(part), "{part}");
        }
    }
}
