//! The published data sets that are known by name, a row a set: [`CATALOGUE`]. To add one, write its row.
//!
//! Reading the files is not particular to a set and is done elsewhere.

use super::Dataset;
use super::digest::Digest;
use super::parts::Parts;
use super::published::PLAIN;
pub use super::published::{Published, Status};
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// What is used where nothing is named.
pub static FASHION_MNIST: &Published = &CATALOGUE[0];

/// All of them.
pub static CATALOGUE: [Published; 4] = [
    Published {
        name: "Fashion-MNIST",
        slug: "fashion-mnist",
        files: [
            (
                "train-images-idx3-ubyte.gz",
                Some(Digest::Sha256("3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84")),
            ),
            (
                "train-labels-idx1-ubyte.gz",
                Some(Digest::Sha256("a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845")),
            ),
            (
                "t10k-images-idx3-ubyte.gz",
                Some(Digest::Sha256("346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073")),
            ),
            (
                "t10k-labels-idx1-ubyte.gz",
                Some(Digest::Sha256("67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5")),
            ),
        ],
        unpacked: [
            Some(Digest::Sha256("c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888")),
            Some(Digest::Sha256("bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9")),
            Some(Digest::Sha256("5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b")),
            Some(Digest::Sha256("0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34")),
        ],
        content: Some("978eecade04dd16e3fd6742d9b01341519c7a80af5c5b2ec0d3515cca6e72d7d"),
        mirrors: &[
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ],
        folders: &[
            "data/FashionMNIST/raw",
            "FashionMNIST/raw",
            "~/data/FashionMNIST/raw",
            "~/.keras/datasets/fashion-mnist",
        ],
        classes: &[
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ],
        citation: "H. Xiao, K. Rasul, R. Vollgraf, Fashion-MNIST: a novel image dataset for benchmarking machine learning \
                   algorithms, 2017, arXiv:1708.07747",
        licence: "MIT, Zalando SE",
        ..PLAIN
    },
    // The digests of MNIST and KMNIST are those that torchvision states, in torchvision/datasets/mnist.py at 01977a18.
    Published {
        name: "MNIST",
        slug: "mnist",
        files: [
            ("train-images-idx3-ubyte.gz", Some(Digest::Md5("f68b3c2dcbeaaa9fbdd348bbdeb94873"))),
            ("train-labels-idx1-ubyte.gz", Some(Digest::Md5("d53e105ee54ea40749a09fcbcd1e9432"))),
            ("t10k-images-idx3-ubyte.gz", Some(Digest::Md5("9fb629c4189551a2d022fa330f9573f3"))),
            ("t10k-labels-idx1-ubyte.gz", Some(Digest::Md5("ec29112dd5afa0611ce80d1b7f02629c"))),
        ],
        mirrors: &["https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"],
        folders: &["data/MNIST/raw", "MNIST/raw", "~/data/MNIST/raw"],
        classes: &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
        citation: "Y. LeCun, C. Cortes, C. J. C. Burges, The MNIST database of handwritten digits, 1998, \
                   http://yann.lecun.com/exdb/mnist/",
        licence: "none is stated",
        ..PLAIN
    },
    Published {
        name: "KMNIST",
        slug: "kmnist",
        files: [
            ("train-images-idx3-ubyte.gz", Some(Digest::Md5("bdb82020997e1d708af4cf47b453dcf7"))),
            ("train-labels-idx1-ubyte.gz", Some(Digest::Md5("e144d726b3acfaa3e44228e80efcd344"))),
            ("t10k-images-idx3-ubyte.gz", Some(Digest::Md5("5c965bf0a639b31b8f53240b1b52f4d7"))),
            ("t10k-labels-idx1-ubyte.gz", Some(Digest::Md5("7320c461ea6c1c855c0b718fb2a4b134"))),
        ],
        mirrors: &["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"],
        folders: &["data/KMNIST/raw", "KMNIST/raw", "~/data/KMNIST/raw"],
        classes: &["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"],
        citation: "T. Clanuwat, M. Bober-Irizar, A. Kitamoto, A. Lamb, K. Yamamoto, D. Ha, Deep Learning for Classical Japanese \
                   Literature, 2018, arXiv:1812.01718",
        licence: "CC BY-SA 4.0",
        ..PLAIN
    },
    // Its files hold each image column after column, and number the letters from 1. Their digests are not published; that of the
    // archive stands in torchvision, in the same file.
    Published {
        name: "EMNIST Letters",
        slug: "emnist-letters",
        prefix: "emnist-letters-",
        files: [
            ("emnist-letters-train-images-idx3-ubyte.gz", None),
            ("emnist-letters-train-labels-idx1-ubyte.gz", None),
            ("emnist-letters-test-images-idx3-ubyte.gz", None),
            ("emnist-letters-test-labels-idx1-ubyte.gz", None),
        ],
        archive: Some((
            "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/gzip.zip",
            Digest::Md5("58c8d27c78d21e728a6bc7b3cc06412e"),
        )),
        folders: &["data/EMNIST/raw", "EMNIST/raw", "~/data/EMNIST/raw"],
        classes: &[
            "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t", "u",
            "v", "w", "x", "y", "z",
        ],
        first_label: 1,
        transposed: true,
        citation: "G. Cohen, S. Afshar, J. Tapson, A. van Schaik, EMNIST: an extension of MNIST to handwritten letters, 2017, \
                   arXiv:1702.05373",
        licence: "none is stated",
        ..PLAIN
    },
];

/// The set of this [`slug`](Published::slug).
pub fn named(slug: &str) -> Option<&'static Published> {
    CATALOGUE.iter().find(|set| set.slug == slug)
}

/// All slugs, for a sentence.
pub fn slugs() -> String {
    CATALOGUE.each_ref().map(|set| set.slug).join(", ")
}

/// The set whose files these are by their names, where no other has such.
pub(super) fn of_names(parts: &Parts) -> Option<&'static Published> {
    CATALOGUE.iter().find(|set| !set.prefix.is_empty() && set.prefix == parts.prefix)
}

/// The set of this content, or of these files.
///
/// # Errors
/// When a file cannot be read.
pub(super) fn of_content(data: &Dataset, paths: &[PathBuf; 4]) -> Result<Option<&'static Published>> {
    for set in &CATALOGUE {
        let is_it = match set.content {
            Some(content) => content == data.digest,
            None => set.is_of(paths)?,
        };
        if is_it {
            return Ok(Some(set));
        }
    }
    Ok(None)
}

/// The set that the files of a folder are, by their names and, where several have such, by their digests; if they are no set's, the
/// first that has such names.
///
/// # Errors
/// [`Error::Format`] when there are none, or no set has such names; [`Error::Io`] when a file cannot be read.
pub fn of_folder(dir: &Path) -> Result<&'static Published> {
    let parts = Parts::find(dir, None)?;
    if parts.is_empty() {
        return Err(Error::format(dir, "IDX files", "those of a published set", "none"));
    }
    let mut best: Option<(&'static Published, usize)> = None;
    for set in CATALOGUE.iter().filter(|set| set.prefix == parts.prefix) {
        let good = set.verify(dir)?.iter().filter(|(_, status)| *status == Status::Good).count();
        if best.is_none_or(|(_, most)| good > most) {
            best = Some((set, good));
        }
    }
    best.map(|(set, _)| set).ok_or_else(|| {
        let found = format!("files whose names begin with {}", parts.prefix);
        Error::format(dir, "IDX files", format!("those of {}", slugs()), found)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_one_that_can_be_read() {
        for set in &CATALOGUE {
            let name = set.slug;
            assert!(named(name).is_some_and(|found| std::ptr::eq(found, set)), "{name} stands for two");
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b"-".contains(&b)) && name != "synthetic");
            assert_eq!(crate::data::Toy::named(name), None);
            let dir = tempfile::tempdir().unwrap();
            set.files.iter().for_each(|(file, _)| std::fs::write(dir.path().join(file), b"").unwrap());
            let paths = Parts::find(dir.path(), Some(set.prefix)).unwrap().complete(dir.path()).unwrap();
            assert_eq!(paths, set.files.map(|(file, _)| dir.path().join(file)), "{name}: in the order of the parts");
            // Names that several sets have say nothing, so neither do they say how to read.
            assert!(!set.prefix.is_empty() || (!set.transposed && set.first_label == 0), "{name}");
            assert!(set.mirrors.iter().all(|mirror| mirror.ends_with('/')), "{name}");
            assert!(set.is_fetched() || set.archive.is_some(), "{name}: where is it?");
            assert!(!set.classes.is_empty() && !set.citation.is_empty() && !set.licence.is_empty());
            let digests = set.files.iter().filter_map(|(_, digest)| *digest).chain(set.unpacked.into_iter().flatten());
            for digest in digests.chain(set.archive.map(|(_, digest)| digest)) {
                let length = if digest.algorithm() == "MD5" { 32 } else { 64 };
                let is_hex = digest.text().bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
                assert!(digest.text().len() == length && is_hex, "{name}: {digest:?}");
            }
        }
    }

    #[test]
    fn a_folder_of_an_unknown_set_is_not_verified() {
        let dir = tempfile::tempdir().unwrap();
        let error = of_folder(dir.path()).unwrap_err().to_string();
        assert!(error.ends_with(": IDX files: expected those of a published set, found none"), "{error}");
        std::fs::write(dir.path().join("qmnist-train-images-idx3-ubyte.gz"), b"").unwrap();
        let error = of_folder(dir.path()).unwrap_err().to_string();
        assert!(
            error.ends_with("mnist, kmnist, emnist-letters, found files whose names begin with qmnist-"),
            "{error}"
        );
    }
}
