//! Fashion-MNIST: 60,000 + 10,000 images of garments, 28 × 28 (H. Xiao, K. Rasul and R. Vollgraf, *Fashion-MNIST: a
//! novel image dataset for benchmarking machine learning algorithms*, 2017, arXiv:1708.07747; MIT licence, Zalando SE).
//!
//! Its files, digests and addresses, and the folders where other tools leave it. Reading the files is not particular to
//! it and is done elsewhere.

use super::download::{Timeouts, fetch as fetch_from};
use super::{idx, sha256_of_file};
use crate::error::Result;
use indicatif::{ProgressBar, ProgressStyle};
use std::env;
use std::path::{Path, PathBuf};

/// What the classes are called.
pub const CLASS_NAMES: [&str; 10] =
    ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

/// The published files and their SHA-256.
pub const FILES: [(&str, &str); 4] = [
    ("train-images-idx3-ubyte.gz", "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
    ("train-labels-idx1-ubyte.gz", "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
    ("t10k-images-idx3-ubyte.gz", "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
    ("t10k-labels-idx1-ubyte.gz", "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
];

/// SHA-256 of the files unpacked, in the same order.
const UNPACKED: [&str; 4] = [
    "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
];

/// The [`Dataset::digest`](super::Dataset::digest) of the whole set.
pub(super) const DIGEST: &str = "978eecade04dd16e3fd6742d9b01341519c7a80af5c5b2ec0d3515cca6e72d7d";

/// Where the files are given away. The digests are pinned, so plain HTTP does no harm.
pub const MIRRORS: [&str; 2] = [
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
];

/// Our own folder for the files: `$XDG_CACHE_HOME/elbo/fashion-mnist`, by default below `~/.cache`. `None` when there
/// is no home.
pub fn cache_dir() -> Option<PathBuf> {
    env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|dir| dir.is_absolute())
        .or_else(|| env::home_dir().map(|home| home.join(".cache")))
        .map(|dir| dir.join("elbo/fashion-mnist"))
}

/// The first of the usual folders that holds all four files: torchvision's, Keras' and our own.
pub fn find() -> Option<PathBuf> {
    let home = env::home_dir();
    let below_home = |path| home.as_ref().map(|home| home.join(path));
    let places = [
        Some(PathBuf::from("data/FashionMNIST/raw")),
        Some(PathBuf::from("FashionMNIST/raw")),
        below_home("data/FashionMNIST/raw"),
        below_home(".keras/datasets/fashion-mnist"),
        cache_dir(),
    ];
    places.into_iter().flatten().find(|dir| idx::STEMS.iter().all(|stem| matches!(idx::find(dir, stem), Ok(Some(_)))))
}

/// Fetches the published files that `dir` does not hold yet, with a progress bar on stderr when that is a terminal.
///
/// # Errors
/// As for [`download::fetch`](super::download::fetch).
pub fn fetch(dir: &Path) -> Result<()> {
    let style = "{msg} {wide_bar} {decimal_bytes} of {decimal_total_bytes}, {eta} left";
    let style = ProgressStyle::with_template(style).expect("the template is well-formed");
    let bar = ProgressBar::no_length().with_style(style);
    let result = fetch_from(&FILES, &MIRRORS, dir, Timeouts::default(), &bar);
    bar.finish_and_clear();
    result
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is the published one, or that unpacked.
    Good,
    /// It is not there, neither as published nor unpacked.
    Missing,
    /// It is another: this is its SHA-256.
    Differs(String),
}

/// Compares the files in `dir` with the published ones. The paths are those of the files that would be read, or that
/// are missing.
///
/// # Errors
/// [`Error::Io`](crate::error::Error::Io) when a file cannot be read.
pub fn verify(dir: &Path) -> Result<Vec<(PathBuf, Status)>> {
    let check = |((stem, (name, packed)), unpacked): ((&str, (&str, &str)), &str)| {
        let Some(path) = idx::find(dir, stem)? else {
            return Ok((dir.join(name), Status::Missing));
        };
        let found = sha256_of_file(&path)?;
        let is_packed = path.extension().is_some_and(|e| e == "gz");
        let expected = if is_packed { packed } else { unpacked };
        let status = if found == expected { Status::Good } else { Status::Differs(found) };
        Ok((path, status))
    };
    idx::STEMS.into_iter().zip(FILES).zip(UNPACKED).map(check).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_files_are_the_stems_gzipped() {
        for (stem, (name, _)) in idx::STEMS.iter().zip(FILES) {
            assert_eq!(format!("{stem}.gz"), name);
        }
    }

    #[test]
    fn verification_tells_missing_from_different() {
        let dir = tempfile::tempdir().unwrap();
        let [name, ..] = FILES.map(|(name, _)| dir.path().join(name));
        std::fs::write(&name, b"").unwrap();
        let report = verify(dir.path()).unwrap();
        let of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(report[0], (name, Status::Differs(of_nothing.into())));
        assert!(report[1..].iter().all(|(_, status)| *status == Status::Missing));
    }
}
