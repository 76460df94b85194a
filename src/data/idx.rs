//! The IDX format of MNIST and its relatives (Y. LeCun, <http://yann.lecun.com/exdb/mnist/>): a magic number that gives
//! type and number of dimensions, the dimensions as big-endian `u32`, the data.
//!
//! Files are read raw or gzipped, told apart by their first bytes. A header is believed only as far as the data bear it
//! out: memory grows with what was read, never with what was announced.

use super::Split;
use crate::error::{Error, Result};
use crate::files;
use flate2::bufread::GzDecoder;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// The files of a data set, without the `.gz` they may end in: images and labels to train with, then to test with.
pub const STEMS: [&str; 4] =
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

/// The most a file may unpack to, in bytes; twice EMNIST, the largest set we know of. A gzip bomb ends here.
const LIMIT: u64 = 1 << 30;

/// The file of a stem in `dir`, if there: the gzipped one first, whose checksum shows damage. Some archives unpack
/// `train-images-idx3-ubyte` as `train-images.idx3-ubyte`.
///
/// # Errors
/// When it cannot be told whether it is there, or it is no file.
pub fn find(dir: &Path, stem: &str) -> Result<Option<PathBuf>> {
    let dotted = stem.replacen("-idx", ".idx", 1);
    for name in [format!("{stem}.gz"), stem.into(), format!("{dotted}.gz"), dotted] {
        let path = dir.join(name);
        match fs::metadata(&path) {
            Ok(found) if found.is_file() => return Ok(Some(path)),
            Ok(_) => return Err(Error::format(&path, "file", "a regular one", "something else")),
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
            Err(e) => return Err(Error::io(path)(e)),
        }
    }
    Ok(None)
}

/// Reads the training and the test images of a folder.
pub fn read_dir(dir: &Path) -> Result<(Split, Split)> {
    let mut found = STEMS.map(|_| None);
    for (found, stem) in found.iter_mut().zip(STEMS) {
        *found = find(dir, stem)?;
    }
    let [Some(train_images), Some(train_labels), Some(test_images), Some(test_labels)] = &found else {
        let missing: Vec<&str> = STEMS.iter().zip(&found).filter(|(_, f)| f.is_none()).map(|(&stem, _)| stem).collect();
        let expected = format!("{} (each as it is or with .gz)", STEMS.join(", "));
        let found = match files::is_there(dir)? {
            true => format!("no {}", missing.join(", no ")),
            false => "no such folder".into(),
        };
        return Err(Error::format(dir, "IDX files", expected, found));
    };
    let train = read_split(train_images, train_labels)?;
    let test = read_split(test_images, test_labels)?;
    if (train.height(), train.width()) != (test.height(), test.width()) {
        let expected = format!("{} x {} as in {}", train.height(), train.width(), train_images.display());
        return Err(Error::format(
            test_images,
            "image size",
            expected,
            format!("{} x {}", test.height(), test.width()),
        ));
    }
    Ok((train, test))
}

/// Reads images and their labels.
fn read_split(images_path: &Path, labels_path: &Path) -> Result<Split> {
    let ([count, height, width], images) = read(images_path)?;
    let ([labels_count], labels) = read(labels_path)?;
    if labels_count != count {
        return Err(Error::format(labels_path, "number of labels", format!("{count}, one per image"), labels_count));
    }
    Ok(Split::new(images, labels, height as usize, width as usize))
}

/// Reads a file of unsigned bytes in `D` dimensions.
fn read<const D: usize>(path: &Path) -> Result<([u32; D], Vec<u8>)> {
    let mut file = BufReader::new(File::open(path).map_err(Error::io(path))?);
    if file.fill_buf().map_err(Error::io(path))?.starts_with(&[0x1f, 0x8b]) {
        unpack(path, Members::Within(GzDecoder::new(file)))
    } else {
        unpack(path, file)
    }
}

/// What gzip unpacks: one member after the other, and zeros behind the last, which tapes and some archives pad with.
enum Members<R> {
    Within(GzDecoder<R>),
    Done,
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Members::Within(member) = self {
            match member.read(out)? {
                0 if !out.is_empty() => {}
                n => return Ok(n),
            }
            let Members::Within(member) = std::mem::replace(self, Members::Done) else { break };
            let mut rest = member.into_inner();
            let next = loop {
                let bytes = rest.fill_buf()?;
                match (bytes.iter().position(|b| *b != 0), bytes.len()) {
                    (_, 0) => break None,
                    (Some(zeros), _) => break Some((zeros, bytes[zeros])),
                    (None, n) => rest.consume(n),
                }
            };
            if let Some((zeros, first)) = next {
                if first != 0x1f {
                    return Err(io::Error::new(ErrorKind::InvalidData, "trailing bytes"));
                }
                rest.consume(zeros);
                *self = Members::Within(GzDecoder::new(rest));
            }
        }
        Ok(0)
    }
}

/// Reads the format proper.
fn unpack<const D: usize>(path: &Path, mut from: impl Read) -> Result<([u32; D], Vec<u8>)> {
    let header = read_at_most(path, &mut from, 4 + 4 * D as u64)?;
    let words: Vec<u32> = header.as_chunks().0.iter().map(|&word| u32::from_be_bytes(word)).collect();
    if let Some(&magic) = words.first()
        && magic != 0x0800 + D as u32
    {
        let expected = format!("{:#010x} (unsigned bytes, dimensions: {D})", 0x0800 + D);
        return Err(Error::format(path, "magic number", expected, format!("{magic:#010x}")));
    }
    let Some(dimensions) = words.get(1..).and_then(|rest| <[u32; D]>::try_from(rest).ok()) else {
        return Err(Error::format(path, "header", format!("{} bytes", 4 + 4 * D), header.len()));
    };
    let shown = dimensions.map(|d| d.to_string()).join(" x ");
    if dimensions.contains(&0) {
        return Err(Error::format(path, "dimensions", "at least 1 each", shown));
    }
    let length = dimensions.iter().try_fold(1u64, |product, &d| product.checked_mul(d.into()));
    let Some(length) = length.filter(|&length| length <= LIMIT) else {
        return Err(Error::format(path, "dimensions", format!("a product of at most {LIMIT}"), shown));
    };
    let data = read_at_most(path, &mut from, length)?;
    if (data.len() as u64) < length {
        return Err(Error::format(path, "data, truncated", format!("{length} bytes for {shown}"), data.len()));
    }
    if !read_at_most(path, &mut from, 1)?.is_empty() {
        return Err(Error::format(path, "data", format!("{length} bytes for {shown}"), "trailing bytes"));
    }
    Ok((dimensions, data))
}

/// Reads to the end or to the limit. Compressed data that cannot be unpacked are the file's fault, not the system's.
fn read_at_most(path: &Path, from: &mut impl Read, limit: u64) -> Result<Vec<u8>> {
    let mut data = Vec::new();
    match from.by_ref().take(limit).read_to_end(&mut data) {
        Ok(_) => Ok(data),
        Err(e) => Err(match e.kind() {
            ErrorKind::UnexpectedEof => Error::format(path, "gzip stream", "a whole one", "a truncated one"),
            ErrorKind::InvalidInput | ErrorKind::InvalidData => Error::format(path, "gzip stream", "an intact one", e),
            _ => Error::io(path)(e),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    const IMAGES: [u8; 28] = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    const LABELS: [u8; 10] = [0, 0, 8, 1, 0, 0, 0, 2, 5, 6];

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// What is said of a split of these two files, without the path.
    fn verdict(images: &[u8], labels: &[u8]) -> std::result::Result<Split, String> {
        let dir = tempfile::tempdir().unwrap();
        let paths = [dir.path().join("images"), dir.path().join("labels")];
        std::fs::write(&paths[0], images).unwrap();
        std::fs::write(&paths[1], labels).unwrap();
        read_split(&paths[0], &paths[1]).map_err(|e| {
            let text = e.to_string();
            assert!(!text.contains('\n'), "{text}");
            text.strip_prefix(&format!("{}/", dir.path().display())).unwrap_or_else(|| panic!("{text}")).into()
        })
    }

    #[test]
    fn raw_and_gzipped_files_read_the_same() {
        let expected = Split::new((1..=12).collect(), vec![5, 6], 2, 3);
        assert_eq!(verdict(&IMAGES, &LABELS).unwrap(), expected);
        assert_eq!(verdict(&gzip(&IMAGES), &LABELS).unwrap(), expected);
        assert_eq!(verdict(&IMAGES, &gzip(&LABELS)).unwrap(), expected);
    }

    #[test]
    fn every_prefix_of_a_file_is_refused_and_named() {
        for n in 0..IMAGES.len() {
            let error = verdict(&IMAGES[..n], &LABELS).unwrap_err();
            assert!(error.starts_with("images: header: ") || error.starts_with("images: data, truncated: "), "{error}");
        }
        let packed = gzip(&IMAGES);
        for n in 0..packed.len() {
            let error = verdict(&packed[..n], &LABELS).unwrap_err();
            assert!(error.starts_with("images: "), "{error}");
        }
        assert_eq!(
            verdict(&IMAGES[..20], &LABELS).unwrap_err(),
            "images: data, truncated: expected 12 bytes for 2 x 2 x 3, found 4"
        );
        assert_eq!(
            verdict(&packed[..packed.len() - 1], &LABELS).unwrap_err(),
            "images: gzip stream: expected a whole one, found a truncated one"
        );
    }

    #[test]
    fn trailing_bytes_are_refused() {
        let more = [&IMAGES[..], &[0]].concat();
        let expected = "images: data: expected 12 bytes for 2 x 2 x 3, found trailing bytes";
        assert_eq!(verdict(&more, &LABELS).unwrap_err(), expected);
        assert_eq!(verdict(&gzip(&more), &LABELS).unwrap_err(), expected);
        for n in [1, 2, 20] {
            let error = verdict(&[gzip(&IMAGES), vec![1; n]].concat(), &LABELS).unwrap_err();
            assert_eq!(error, "images: gzip stream: expected an intact one, found trailing bytes");
        }
    }

    #[test]
    fn zeros_behind_a_gzip_stream_and_members_one_after_the_other_are_read() {
        let expected = verdict(&IMAGES, &LABELS).unwrap();
        for zeros in [1, 512, 20_000] {
            let padded = [gzip(&IMAGES), vec![0; zeros]].concat();
            assert_eq!(verdict(&padded, &LABELS).unwrap(), expected);
        }
        let members = [gzip(&IMAGES[..10]), gzip(b""), gzip(&IMAGES[10..]), vec![0; 3]].concat();
        assert_eq!(verdict(&members, &LABELS).unwrap(), expected);
    }

    #[test]
    fn files_are_found_by_any_of_their_names() {
        let dir = tempfile::tempdir().unwrap();
        for name in [
            "train-images.idx3-ubyte",
            "train-labels.idx1-ubyte.gz",
            "t10k-images-idx3-ubyte",
            "t10k-labels-idx1-ubyte.gz",
        ] {
            let bytes: &[u8] = if name.contains("images") { &IMAGES } else { &LABELS };
            std::fs::write(dir.path().join(name), if name.ends_with(".gz") { gzip(bytes) } else { bytes.to_vec() })
                .unwrap();
        }
        assert_eq!(read_dir(dir.path()).unwrap().0.len(), 2);
        std::fs::create_dir(dir.path().join("train-images-idx3-ubyte.gz")).unwrap();
        let error = read_dir(dir.path()).unwrap_err().to_string();
        assert!(
            error.ends_with("train-images-idx3-ubyte.gz: file: expected a regular one, found something else"),
            "{error}"
        );
    }

    #[test]
    fn a_wrong_magic_number_is_refused() {
        assert_eq!(
            verdict(&LABELS, &IMAGES).unwrap_err(),
            "images: magic number: expected 0x00000803 (unsigned bytes, dimensions: 3), found 0x00000801"
        );
        assert!(verdict(b"<!DOCTYPE html>", &LABELS).unwrap_err().ends_with("found 0x3c21444f"));
    }

    #[test]
    fn as_many_labels_as_images_are_asked_for() {
        let three = [0, 0, 8, 1, 0, 0, 0, 3, 5, 6, 7];
        assert_eq!(
            verdict(&IMAGES, &three).unwrap_err(),
            "labels: number of labels: expected 2, one per image, found 3"
        );
    }

    #[test]
    fn images_without_pixels_are_refused() {
        for at in [7, 11, 15] {
            let mut images = IMAGES;
            images[at] = 0;
            let error = verdict(&images, &LABELS).unwrap_err();
            assert!(error.starts_with("images: dimensions: expected at least 1 each, found "), "{error}");
        }
    }

    #[test]
    fn an_announced_size_is_not_believed() {
        for (at, expected) in
            [(4..8, "images: data, truncated: "), (4..16, "images: dimensions: expected a product of ")]
        {
            let mut images = IMAGES;
            images[at.clone()].fill(if at.len() == 4 { 0x07 } else { 0xff });
            images[4] &= 0x03;
            let error = verdict(&images, &LABELS).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn a_damaged_bit_of_a_gzip_file_never_changes_the_images() {
        let packed = gzip(&IMAGES);
        let intact = verdict(&packed, &LABELS).unwrap();
        for i in 0..packed.len() {
            for bit in 0..8 {
                let mut damaged = packed.clone();
                damaged[i] ^= 1 << bit;
                // Some bits mean nothing to us (the time, the system, padding), and the images come through.
                match verdict(&damaged, &LABELS) {
                    Ok(read) => assert_eq!(read, intact, "byte {i}"),
                    Err(error) => assert!(error.starts_with("images: "), "{error}"),
                }
            }
        }
    }

    #[test]
    fn a_folder_without_the_files_says_which() {
        let dir = tempfile::tempdir().unwrap();
        for stem in [STEMS[0], STEMS[1], STEMS[3]] {
            std::fs::write(dir.path().join(stem), b"").unwrap();
        }
        let error = read_dir(dir.path()).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{}: IDX files: expected {}, ", dir.path().display(), STEMS[0])), "{error}");
        assert!(error.ends_with("found no t10k-images-idx3-ubyte"), "{error}");
        let error = read_dir(Path::new("/no/such/folder")).unwrap_err().to_string();
        assert!(error.starts_with("/no/such/folder: ") && error.ends_with("found no such folder"), "{error}");
    }

    #[test]
    fn test_images_of_another_size_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let wide = [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 6][..], &IMAGES[16..]].concat();
        for (stem, bytes) in STEMS.iter().zip([&IMAGES[..], &LABELS, &wide, &LABELS]) {
            std::fs::write(dir.path().join(stem), bytes).unwrap();
        }
        let error = read_dir(dir.path()).unwrap_err().to_string();
        assert!(error.contains("t10k-images-idx3-ubyte: image size: expected 2 x 3 as in "), "{error}");
        assert!(error.ends_with("found 1 x 6"), "{error}");
    }
}
