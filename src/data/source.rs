//! Which data set is meant, and getting hold of it.

use super::catalogue::{self, FASHION_MNIST, Published};
use super::parts::Parts;
use super::{Dataset, Toy, idx, pictures, synthetic};
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
    /// The IDX files of this folder, or its PNG images.
    Dir(#[serde(with = "path")] PathBuf),
    /// The set of the [catalogue] with this slug, wherever it can be had.
    Named(String),
    /// The generated garments of [`synthetic`].
    Synthetic,
    /// Points of the plane, generated too.
    Toy(Toy),
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

/// Reads the value of `--data` or `ELBO_DATA`: the word `synthetic`, or the slug of a set of the [catalogue] or of a [`Toy`], else a folder.
/// A folder that is called like one of them is meant by `./synthetic`.
impl From<OsString> for Source {
    fn from(value: OsString) -> Self {
        match value.to_str() {
            Some("synthetic") => Source::Synthetic,
            Some(slug) if catalogue::named(slug).is_some() => Source::Named(slug.into()),
            word => match word.and_then(Toy::named) {
                Some(toy) => Source::Toy(toy),
                None => Source::Dir(value.into()),
            },
        }
    }
}

/// All words that [`Source`] takes for something else than a folder, for a sentence.
fn words() -> String {
    let toys = Toy::ALL.map(Toy::slug).join(", ");
    format!("synthetic, {}, {toys}", catalogue::slugs())
}

/// Loads a data set.
///
/// A folder holds either the four IDX files of a set, whose images may have any size, under the names that archives unpack to: MNIST's
/// `train-images-idx3-ubyte` and so on, in any case, gzipped or not, with the set's name before them or not. Or it holds PNG images in a
/// folder for each class: `DIR/train/CLASS/*.png` and `DIR/test/CLASS/*.png`, or `DIR/CLASS/*.png` alone, of which every seventh of a
/// class becomes a test image. IDX classes are called by their numbers, unless names or digests tell which published set it is.
///
/// # Errors
/// [`Error::Format`] or [`Error::Io`] when a folder that was asked for is none of these, and when any file that is there is
/// damaged. Neither is papered over with other data. [`Error::Download`] or [`Error::Usage`] when a set that was asked for by its
/// name cannot be had.
pub fn load(source: &Source) -> Result<Dataset> {
    match source {
        Source::Dir(dir) => read(dir),
        Source::Named(slug) => {
            let set = catalogue::named(slug).ok_or_else(|| Error::Setting {
                name: "data",
                expected: format!("a folder, synthetic or one of {}", catalogue::slugs()),
                found: slug.clone(),
            })?;
            let dir = find_or_fetch(set).map_err(|e| with_advice(e, set))?;
            let mut data = read_published(set, &dir)?;
            data.origin.source = source.clone();
            Ok(data)
        }
        Source::Synthetic => {
            let mut set = synthetic::dataset(synthetic::TRAIN, synthetic::TEST);
            set.origin.source = Source::Synthetic;
            Ok(set)
        }
        Source::Toy(toy) => Ok(toy.dataset(synthetic::TRAIN, synthetic::TEST)),
        Source::Auto => match Source::from_env() {
            Some(source) => load(&source),
            None => match find_or_fetch(FASHION_MNIST) {
                Ok(dir) => read_published(FASHION_MNIST, &dir),
                Err(reason) => {
                    let mut stand_in = load(&Source::Synthetic)?;
                    stand_in.notice = Some(notice(&reason.to_string()));
                    Ok(stand_in)
                }
            },
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
                let other = Source::from_env().or_else(|| FASHION_MNIST.find().map(Source::Dir));
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

/// The folder of a published set.
fn find_or_fetch(set: &Published) -> Result<PathBuf> {
    if let Some(dir) = set.find() {
        return Ok(dir);
    }
    let no_home = || Error::Usage("there is no home folder to download it to".into());
    let dir = set.cache_dir().ok_or_else(no_home)?;
    set.fetch(&dir)?;
    Ok(dir)
}

/// Why a download failed, and what to do about it.
fn with_advice(error: Error, set: &Published) -> Error {
    match error {
        Error::Download { url, reason } => {
            Error::Download { url: format!("{}: {url}", set.name), reason: format!("{reason}; or {}", set.advice()) }
        }
        e => e,
    }
}

/// What is said when the synthetic set stands in.
fn notice(reason: &str) -> String {
    let indented = |lines: &[&str]| lines.iter().map(|line| format!("      {line}")).collect::<Vec<_>>().join("\n");
    let addresses = indented(FASHION_MNIST.mirrors);
    let files = indented(&FASHION_MNIST.files.map(|(name, _)| name));
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

/// Reads a folder that holds a published set.
fn read_published(set: &'static Published, dir: &Path) -> Result<Dataset> {
    let parts = Parts::find(dir, Some(set.prefix))?;
    let paths = parts.clone().complete(dir)?;
    let data = read_idx(dir, parts)?;
    set.check(&data, dir, &paths)?;
    Ok(called(data, set))
}

/// Reads the data set of a folder.
fn read(dir: &Path) -> Result<Dataset> {
    let parts = Parts::find(dir, None)?;
    if !parts.is_empty() {
        return read_idx(dir, parts);
    }
    let is_there = files::is_there(dir)?;
    if is_there && let Some((train, test, classes)) = pictures::read(dir)? {
        return placed(Dataset::new("PNG images", &dir.display().to_string(), train, test, classes), dir);
    }
    // Without a separator it may have been meant for a name.
    let names = match dir.components().count() {
        1 => format!("{} or ", words()),
        _ => String::new(),
    };
    let expected = format!(
        "{names}a folder of IDX files (train-images-idx3-ubyte, ...) or of PNG images (train/CLASS/*.png and test/CLASS/*.png, \
         or CLASS/*.png)"
    );
    Err(Error::format(dir, "data", expected, if is_there { "neither" } else { "no such folder" }))
}

/// Reads the IDX files of a folder.
fn read_idx(dir: &Path, parts: Parts) -> Result<Dataset> {
    let by_name = catalogue::of_names(&parts);
    let paths = parts.complete(dir)?;
    let (train, test) = idx::read_all(&paths, &by_name.map_or(idx::PLAIN, Published::layout))?;
    let classes = train.labels().chain(test.labels()).max().map_or(0, |label| usize::from(label) + 1);
    let numbers = (0..classes).map(|class| class.to_string()).collect();
    let data = placed(Dataset::new("IDX data", &dir.display().to_string(), train, test, numbers), dir)?;
    let set = match by_name {
        Some(set) => Some(set),
        None => catalogue::of_content(&data, &paths)?,
    };
    Ok(match set {
        Some(set) => called(data, set),
        None => data,
    })
}

/// The data under the names of a published set.
fn called(mut data: Dataset, set: &Published) -> Dataset {
    data.name = set.name.into();
    data.class_names = set.class_names();
    data
}

/// The data with the folder that they were read from.
fn placed(mut data: Dataset, dir: &Path) -> Result<Dataset> {
    data.origin.source = Source::Dir(std::path::absolute(dir).map_err(Error::io(dir))?);
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_is_a_word_or_a_folder() {
        assert_eq!(Source::from(OsString::from("synthetic")), Source::Synthetic);
        for set in &catalogue::CATALOGUE {
            assert_eq!(Source::from(OsString::from(set.slug)), Source::Named(set.slug.into()));
        }
        for toy in Toy::ALL {
            assert_eq!(Source::from(OsString::from(toy.slug())), Source::Toy(toy));
        }
        for folder in ["./ring", "./synthetic", "./mnist", "MNIST", "mnist/", "data/mnist", "digits"] {
            assert_eq!(Source::from(OsString::from(folder)), Source::Dir(folder.into()));
        }
    }

    #[test]
    fn an_origin_survives_the_way_through_json_whatever_its_folder_is_called() {
        let mut folders =
            vec![Source::Auto, Source::Synthetic, Source::Named("kmnist".into()), Source::Dir("/data/a b".into())];
        folders.extend(Toy::ALL.map(Source::Toy));
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
    fn origins_of_older_runs_are_read() {
        for (json, source) in [
            ("\"auto\"", Source::Auto),
            ("\"synthetic\"", Source::Synthetic),
            ("{\"toy\": \"swiss-roll\"}", Source::Toy(Toy::SwissRoll)),
            ("{\"dir\": \"/data\"}", Source::Dir("/data".into())),
            ("{\"named\": \"mnist\"}", Source::Named("mnist".into())),
        ] {
            let json = format!("{{\"source\": {json}, \"limit\": null}}");
            assert_eq!(serde_json::from_str::<Origin>(&json).unwrap().source, source);
        }
        let error = load(&Source::Named("cifar".into())).unwrap_err().to_string();
        assert_eq!(
            error,
            "data: expected a folder, synthetic or one of fashion-mnist, mnist, kmnist, emnist-letters, found cifar"
        );
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
        let error = read_published(FASHION_MNIST, dir.path()).unwrap_err().to_string();
        assert!(error.contains("SHA-256 of Fashion-MNIST's content: expected "), "{error}");
        // Of files that are unpacked MNIST's digests are not known; what is gzipped must have them.
        let mnist = catalogue::named("mnist").unwrap();
        assert_eq!(read_published(mnist, dir.path()).unwrap().name, "MNIST");
        let packed = dir.path().join("t10k-labels-idx1-ubyte.gz");
        std::fs::write(&packed, [0, 0, 8, 1, 0, 0, 0, 1, 0]).unwrap();
        let error = read_published(mnist, dir.path()).unwrap_err().to_string();
        assert!(
            error.contains("gz: MD5 of MNIST's file: expected ec29112dd5afa0611ce80d1b7f02629c, found "),
            "{error}"
        );
    }

    #[test]
    fn a_set_is_known_by_its_names() {
        let dir = tempfile::tempdir().unwrap();
        // Two rows of three columns, written column after column.
        let images = [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 2, 1, 4, 2, 5, 3, 6];
        for (split, label) in [("train", 1), ("test", 26)] {
            let path = |rest| dir.path().join(format!("emnist-letters-{split}-{rest}-ubyte"));
            std::fs::write(path("images-idx3"), images).unwrap();
            std::fs::write(path("labels-idx1"), [0, 0, 8, 1, 0, 0, 0, 1, label]).unwrap();
        }
        let set = load(&Source::Dir(dir.path().into())).unwrap();
        assert_eq!((set.name.as_str(), set.train.shape()), ("EMNIST Letters", [1, 2, 3]));
        assert_eq!(set.train.image(0), [1, 2, 3, 4, 5, 6]);
        assert_eq!(set.class_names.len(), 26);
        let class = |label| set.class_names[usize::from(label)].as_str();
        assert_eq!((class(set.train.label(0)), class(set.test.label(0))), ("a", "z"));
    }

    #[test]
    fn a_folder_of_pictures_is_a_set() {
        let dir = tempfile::tempdir().unwrap();
        for (name, color) in
            [("blue/1", [0, 0, 200]), ("blue/2", [0, 0, 255]), ("red/1", [200, 0, 0]), ("red/2", [255, 0, 0])]
        {
            let path = dir.path().join(format!("{name}.png"));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let mut encoder = png::Encoder::new(std::fs::File::create(path).unwrap(), 1, 1);
            encoder.set_color(png::ColorType::Rgb);
            encoder.write_header().unwrap().write_image_data(&color).unwrap();
        }
        let set = load(&Source::Dir(dir.path().into())).unwrap();
        assert_eq!(
            (set.class_names.as_slice(), set.train.shape()),
            (&["blue".to_string(), "red".into()][..], [3, 1, 1])
        );
        assert_eq!(set.test.images().collect::<Vec<_>>(), [[0, 0, 200], [200, 0, 0]]);
        assert_eq!(set.origin.load().unwrap().digest, set.digest);
    }

    #[test]
    fn a_folder_of_nothing_says_what_there_may_be() {
        let dir = tempfile::tempdir().unwrap();
        let error = load(&Source::Dir(dir.path().into())).unwrap_err().to_string();
        let start =
            format!("{}: data: expected a folder of IDX files (train-images-idx3-ubyte, ", dir.path().display());
        assert!(error.starts_with(&start) && error.ends_with("or CLASS/*.png), found neither"), "{error}");
        let error = load(&Source::Dir("minst".into())).unwrap_err().to_string();
        let start = "minst: data: expected synthetic, fashion-mnist, mnist, kmnist, emnist-letters, ring, grid, \
                     moons, swiss-roll or a folder of IDX ";
        assert!(error.starts_with(start) && error.ends_with("found no such folder"), "{error}");
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
