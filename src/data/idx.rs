//! The IDX format of MNIST and its relatives (Y. LeCun, <http://yann.lecun.com/exdb/mnist/>): a magic number that gives
//! type and number of dimensions, the dimensions as big-endian `u32`, the data.
//!
//! Files are read raw or gzipped, told apart by their first bytes. A header is believed only as far as the data bear it
//! out: memory grows with what was read, never with what was announced.

use super::Split;
use crate::error::{Error, Result};
use flate2::bufread::GzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// The most a file may unpack to, in bytes; twice EMNIST, the largest set we know of. A gzip bomb ends here.
const LIMIT: u64 = 1 << 30;

/// How files hold images and labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Whether each image is held column after column, so that it lies on its side if read as usual.
    pub transposed: bool,
    /// The labels that stand for the classes, in their order.
    pub labels: RangeInclusive<u8>,
}

/// The usual one: row after row, and as many classes as there may be, from 0.
pub const PLAIN: Layout = Layout { transposed: false, labels: 0..=u8::MAX };

/// Reads the training and the test images from the [four files](super::parts::STEMS) of a set.
pub fn read_all(paths: &[PathBuf; 4], layout: &Layout) -> Result<(Split, Split)> {
    let [train_images, train_labels, test_images, test_labels] = paths;
    let train = read_split(train_images, train_labels, layout)?;
    let test = read_split(test_images, test_labels, layout)?;
    if train.shape() != test.shape() {
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
fn read_split(images_path: &Path, labels_path: &Path, layout: &Layout) -> Result<Split> {
    let ([count, height, width], mut images) = read(images_path)?;
    let ([labels_count], mut labels) = read(labels_path)?;
    if labels_count != count {
        return Err(Error::format(labels_path, "number of labels", format!("{count}, one per image"), labels_count));
    }
    let (first, last) = (*layout.labels.start(), *layout.labels.end());
    if let Some(label) = labels.iter().find(|label| !layout.labels.contains(label)) {
        return Err(Error::format(labels_path, "label", format!("{first} to {last}"), label));
    }
    labels.iter_mut().for_each(|label| *label -= first);
    let (mut height, mut width) = (height as usize, width as usize);
    if layout.transposed {
        let mut lying = vec![0; height * width];
        for image in images.chunks_exact_mut(height * width) {
            lying.copy_from_slice(image);
            image.iter_mut().enumerate().for_each(|(i, pixel)| *pixel = lying[i % height * width + i / height]);
        }
        (height, width) = (width, height);
    }
    Ok(Split::new(images, labels, height, width))
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
        read_split(&paths[0], &paths[1], &PLAIN).map_err(|e| {
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
    fn transposed_images_are_turned_upright_and_labels_counted_from_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let paths = ["images", "labels"].map(|name| dir.path().join(name));
        // A 4 x 3 letter L, written column after column.
        let upright = [[9, 0, 0], [9, 0, 0], [9, 0, 0], [9, 9, 9]];
        let written: Vec<u8> = (0..3).flat_map(|column| upright.map(|row| row[column])).collect();
        std::fs::write(&paths[0], [&[0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 4][..], &written].concat()).unwrap();
        std::fs::write(&paths[1], [0, 0, 8, 1, 0, 0, 0, 1, 12]).unwrap();
        let letters = Layout { transposed: true, labels: 1..=26 };
        let split = read_split(&paths[0], &paths[1], &letters).unwrap();
        assert_eq!((split.shape(), split.label(0)), ([1, 4, 3], 11));
        assert_eq!(split.image(0), upright.as_flattened());
        for bad in [0, 27] {
            std::fs::write(&paths[1], [0, 0, 8, 1, 0, 0, 0, 1, bad]).unwrap();
            let error = read_split(&paths[0], &paths[1], &letters).unwrap_err().to_string();
            assert!(error.ends_with(&format!("labels: label: expected 1 to 26, found {bad}")), "{error}");
        }
    }

    #[test]
    fn test_images_of_another_size_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let wide = [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 6][..], &IMAGES[16..]].concat();
        let paths = ["a", "b", "c", "d"].map(|name| dir.path().join(name));
        for (path, bytes) in paths.iter().zip([&IMAGES[..], &LABELS, &wide, &LABELS]) {
            std::fs::write(path, bytes).unwrap();
        }
        let error = read_all(&paths, &PLAIN).unwrap_err().to_string();
        assert!(error.contains("c: image size: expected 2 x 3 as in "), "{error}");
        assert!(error.ends_with("found 1 x 6"), "{error}");
    }
}
