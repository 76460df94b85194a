//! Which files of a folder are the four of an IDX data set, by their names.
//!
//! MNIST's are `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`. Archives
//! unpack to variants of them, and all are read: in upper or lower case, with `.gz` behind, with a dot before `idx`, with `test` for
//! `t10k`, with the set's name before it as in `emnist-letters-train-images-idx3-ubyte`. A folder holds one set.

use crate::error::{Error, Result};
use crate::files;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Images and labels to train with, then to test with.
pub const STEMS: [&str; 4] =
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

/// The part of [`STEMS`] that a file is by its name, and what stands before it, in lower case: `emnist-letters-`.
fn part(name: &str) -> Option<(usize, String)> {
    let name = name.to_ascii_lowercase();
    let stem = name.strip_suffix(".gz").unwrap_or(&name).replace(".idx", "-idx");
    STEMS.iter().enumerate().find_map(|(part, tail)| {
        let prefix = stem.strip_suffix(tail).or_else(|| stem.strip_suffix(&tail.replace("t10k", "test")))?;
        (prefix.is_empty() || prefix.ends_with(['-', '_', '.'])).then(|| (part, prefix.to_string()))
    })
}

/// The parts of a data set in a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// What stands before their names, in lower case.
    pub prefix: String,
    /// Their files, in the order of [`STEMS`], those that are there.
    pub paths: [Option<PathBuf>; 4],
}

impl Parts {
    /// Looks for them. With a `prefix` all files without it are overlooked; else those in the folder must be of one set. Of a file and
    /// the same gzipped the latter is taken, whose checksum shows damage.
    ///
    /// # Errors
    /// [`Error::Format`] when two files are candidates for one part, or of two sets, or one of them is no file;
    /// [`Error::Io`] when the folder cannot be read. That it is not there is no error.
    pub fn find(dir: &Path, prefix: Option<&str>) -> Result<Self> {
        let entries = match fs::read_dir(dir) {
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(Parts::default()),
            entries => entries.map_err(Error::io(dir))?,
        };
        let mut names = Vec::new();
        for entry in entries {
            // A name that is no text is none of those.
            names.extend(entry.map_err(Error::io(dir))?.file_name().into_string());
        }
        names.sort();
        let mut found: [Option<(String, String)>; 4] = Default::default();
        for name in names {
            let Some((part, before)) = part(&name).filter(|(_, before)| prefix.is_none_or(|prefix| prefix == before))
            else {
                continue;
            };
            found[part] = Some(match found[part].take() {
                None => (name, before),
                // In order, the shorter comes first.
                Some((other, _)) if is_gzipped_of(&name, &other) => (name, before),
                Some((other, _)) => {
                    let both = format!("{other} and {name}");
                    return Err(Error::format(dir, STEMS[part], "one file", both));
                }
            });
        }
        let mut there = found.iter().flatten();
        if let Some((name, before)) = there.next()
            && let Some((other, _)) = there.find(|(_, other)| other != before)
        {
            return Err(Error::format(dir, "IDX files", "those of one data set", format!("{name} and {other}")));
        }
        let prefix = found.iter().flatten().next().map(|(_, before)| before.clone()).unwrap_or_default();
        let paths = found.map(|found| found.map(|(name, _)| dir.join(name)));
        for path in paths.iter().flatten() {
            if !fs::metadata(path).map_err(Error::io(path))?.is_file() {
                return Err(Error::format(path, "file", "a regular one", "something else"));
            }
        }
        Ok(Parts { prefix, paths })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.paths.iter().all(Option::is_none)
    }

    /// The files.
    ///
    /// # Errors
    /// [`Error::Format`] with the names of those that are not there.
    pub fn complete(self, dir: &Path) -> Result<[PathBuf; 4]> {
        let Parts { prefix, paths } = self;
        let test = if prefix.is_empty() { "t10k" } else { "test" };
        let stems = STEMS.map(|stem| format!("{prefix}{}", stem.replace("t10k", test)));
        let missing: Vec<&str> =
            stems.iter().zip(&paths).filter(|(_, path)| path.is_none()).map(|(s, _)| &s[..]).collect();
        let found = match files::is_there(dir)? {
            true => format!("no {}", missing.join(", no ")),
            false => "no such folder".into(),
        };
        let expected = format!("{} (in any case, each as it is or with .gz)", stems.join(", "));
        let [Some(a), Some(b), Some(c), Some(d)] = paths else {
            return Err(Error::format(dir, "IDX files", expected, found));
        };
        Ok([a, b, c, d])
    }
}

/// Whether a file is gzipped, by its name.
pub fn is_gzipped(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gz"))
}

fn is_gzipped_of(name: &str, plain: &str) -> bool {
    name.strip_prefix(plain).is_some_and(|rest| rest.eq_ignore_ascii_case(".gz"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found in a folder of such files, or said of it without its path.
    fn found(names: &[&str], prefix: Option<&str>) -> std::result::Result<(String, Vec<String>), String> {
        let dir = tempfile::tempdir().unwrap();
        names.iter().for_each(|name| fs::write(dir.path().join(name), b"").unwrap());
        let parts = Parts::find(dir.path(), prefix)
            .and_then(|parts| Ok((parts.prefix.clone(), parts.complete(dir.path())?)))
            .map_err(|e| e.to_string().replace(&dir.path().display().to_string(), "DIR"))?;
        Ok((parts.0, parts.1.iter().map(|p| p.file_name().unwrap().to_str().unwrap().into()).collect()))
    }

    #[test]
    fn files_are_found_by_any_of_the_names_that_archives_give_them() {
        for names in [
            STEMS,
            ["train-images.idx3-ubyte", "train-labels.idx1-ubyte", "t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"],
            [
                "TRAIN-IMAGES-IDX3-UBYTE.GZ",
                "Train-Labels.idx1-ubyte.gz",
                "T10K-images-idx3-ubyte",
                "test-labels-idx1-ubyte",
            ],
        ] {
            let (prefix, paths) = found(&[&names[..], &["README.md", "my-train-images.png"]].concat(), None).unwrap();
            assert_eq!((&prefix[..], paths), ("", names.map(String::from).into()));
        }
        let letters = ["train-images-idx3", "train-labels-idx1", "test-images-idx3", "test-labels-idx1"]
            .map(|part| format!("EMNIST-letters-{part}-ubyte"));
        let letters = letters.each_ref().map(|name| &name[..]);
        assert_eq!(found(&letters, None).unwrap(), ("emnist-letters-".into(), letters.map(String::from).into()));
        // Beside another set they are found by what stands before them.
        let both = [letters, STEMS].concat();
        assert_eq!(found(&both, Some("emnist-letters-")).unwrap().1, letters);
        assert_eq!(found(&both, Some("")).unwrap().1, STEMS);
    }

    #[test]
    fn two_candidates_are_refused_and_named() {
        let error = |more: &[&str]| found(&[&STEMS[..], more].concat(), None).unwrap_err();
        assert_eq!(
            error(&["t10k-images.idx3-ubyte"]),
            "DIR: t10k-images-idx3-ubyte: expected one file, found t10k-images-idx3-ubyte and t10k-images.idx3-ubyte"
        );
        assert_eq!(
            error(&["emnist-digits-train-labels-idx1-ubyte"]),
            "DIR: train-labels-idx1-ubyte: expected one file, found emnist-digits-train-labels-idx1-ubyte and \
             train-labels-idx1-ubyte"
        );
        let mixed = [STEMS[0], STEMS[1], STEMS[2], "emnist-digits-test-labels-idx1-ubyte"];
        assert_eq!(
            found(&mixed, None).unwrap_err(),
            "DIR: IDX files: expected those of one data set, found train-images-idx3-ubyte and \
             emnist-digits-test-labels-idx1-ubyte"
        );
    }

    #[test]
    fn of_a_file_and_the_same_gzipped_the_latter_is_taken() {
        let (_, paths) = found(&[&STEMS[..], &["t10k-images-idx3-ubyte.gz"]].concat(), None).unwrap();
        assert_eq!(paths, [STEMS[0], STEMS[1], "t10k-images-idx3-ubyte.gz", STEMS[3]]);
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = found(&[STEMS[0], STEMS[1], STEMS[3]], None).unwrap_err();
        assert!(error.starts_with("DIR: IDX files: expected train-images-idx3-ubyte, "), "{error}");
        assert!(error.ends_with("found no t10k-images-idx3-ubyte"), "{error}");
        let error = found(&["emnist-letters-train-images-idx3-ubyte"], None).unwrap_err();
        assert!(error.ends_with("no emnist-letters-test-images-idx3-ubyte, no emnist-letters-test-labels-idx1-ubyte"));
        assert_eq!(Parts::find(Path::new("/no/such/folder"), None).unwrap(), Parts::default());
        let error = Parts::default().complete(Path::new("/no/such/folder")).unwrap_err().to_string();
        assert!(error.starts_with("/no/such/folder: ") && error.ends_with("found no such folder"), "{error}");
    }

    #[test]
    fn a_folder_in_the_place_of_a_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("train-images-idx3-ubyte.gz")).unwrap();
        let error = Parts::find(dir.path(), None).unwrap_err().to_string();
        assert!(
            error.ends_with("train-images-idx3-ubyte.gz: file: expected a regular one, found something else"),
            "{error}"
        );
    }
}
