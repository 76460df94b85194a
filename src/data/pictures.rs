//! A folder of PNG images sorted by class, for pictures of one's own.
//!
//! Either `DIR/train/CLASS/*.png` and `DIR/test/CLASS/*.png`, or `DIR/CLASS/*.png` alone: then of each class the first image, the
//! eighth and so on, every seventh in the order of their names, are the test images. Images that follow one another, such as those of
//! a film, should be sorted into `train` and `test` by hand: their neighbours would give the test away.
//!
//! * Classes are in the order of their names. The images of a split go round: the first of each class, the second of each class, and
//!   so on, so that the first N of them show all classes.
//! * What does not end in `.png`, in any case, is ignored, as are names that begin with a dot. A PNG file that cannot be read is an
//!   error.
//! * All images have one size; nothing is scaled. Palettes and fewer bits become 8, of 16 bits the upper 8 are taken, and what is
//!   transparent lies on black.
//! * Where every pixel of every image is grey, whatever the files say, there is one channel, else there are three.

use super::Split;
use crate::error::{Error, Result};
use crate::files;
use png::{ColorType, Decoder, Limits, Transformations};
use rayon::prelude::*;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

/// One in so many images of a class is a test image, where they are not sorted.
const TEST_EVERY: usize = 7;
/// As many as a label has values.
const MOST_CLASSES: usize = 256;
/// The most pixels that all images may have together; three times that in bytes where they have colour.
const MOST_PIXELS: u64 = 1 << 29;
/// The most pixels of an image, so that a header does not ask for absurd memory.
const MOST_OF_ONE: u64 = 1 << 24;
/// The most bytes of a file, and of what its decoder keeps beside the image.
const FILE_LIMIT: usize = 1 << 26;

/// Reads a folder: training images, test images, the names of the classes. None if there are no PNG files where they should be.
///
/// # Errors
/// [`Error::Format`] when there are, and they are not a data set; [`Error::Io`] when a file cannot be read.
pub fn read(dir: &Path) -> Result<Option<(Split, Split, Vec<String>)>> {
    let classes = classes(dir)?;
    if classes.is_empty() {
        return Ok(None);
    }
    if classes.len() > MOST_CLASSES {
        return Err(Error::format(dir, "classes", format!("at most {MOST_CLASSES} folders"), classes.len()));
    }
    let (mut paths, mut labels) = round(&classes, |class| &class.train);
    let training = paths.len();
    let (test_paths, test_labels) = round(&classes, |class| &class.test);
    paths.extend(test_paths);
    labels.extend(test_labels);

    let size @ (width, height) = size(paths[0])?;
    let pixels = u64::from(width) * u64::from(height);
    if pixels * paths.len() as u64 > MOST_PIXELS {
        let found = format!("{} of {height} x {width}", paths.len());
        return Err(Error::format(dir, "images", format!("at most {MOST_PIXELS} pixels together"), found));
    }
    let decoded: Vec<Result<Vec<u8>>> = paths.par_iter().map(|path| decode(path, size, paths[0])).collect();
    // In their order, so that of several bad files always the same is named.
    let decoded = decoded.into_iter().collect::<Result<Vec<_>>>()?;

    let channels = if decoded.iter().any(|image| image.len() as u64 > pixels) { 3 } else { 1 };
    let split = |images: &[Vec<u8>], labels: &[u8]| {
        let copies = |image: &Vec<u8>| if image.len() as u64 > pixels { 1 } else { channels };
        let bytes = images.iter().flat_map(|image| std::iter::repeat_n(image, copies(image))).flatten().copied();
        Split::of_shape(bytes.collect(), labels.to_vec(), [channels, height as usize, width as usize])
    };
    let train = split(&decoded[..training], &labels[..training]);
    let test = split(&decoded[training..], &labels[training..]);
    Ok(Some((train, test, classes.into_iter().map(|class| class.name).collect())))
}

/// The files of a class, in the order of their names.
struct Class {
    name: String,
    train: Vec<PathBuf>,
    test: Vec<PathBuf>,
}

/// The classes in the order of their names; none if there are no PNG files.
fn classes(dir: &Path) -> Result<Vec<Class>> {
    let folders = folders(dir)?;
    let named = |name: &str| folders.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
    if let (Some((_, train)), Some((_, test))) = (named("train"), named("test")) {
        let [mut train, mut test] = [by_class(train)?, by_class(test)?];
        if !train.is_empty() || !test.is_empty() {
            let lacks = |there: &[Found], here: &[Found]| {
                there.iter().find(|class| !here.iter().any(|other| other.name == class.name)).map(|c| c.folder.clone())
            };
            if let Some(folder) = lacks(&train, &test).or_else(|| lacks(&test, &train)) {
                return Err(Error::format(&folder, "class", "one of both train and test", "no PNG files in the other"));
            }
            let both = train.drain(..).zip(test.drain(..));
            return Ok(both
                .map(|(train, test)| Class { name: train.name, train: train.files, test: test.files })
                .collect());
        }
    }
    by_class(dir)?.into_iter().map(divide).collect()
}

/// A class whose images are not sorted into those to train and those to test with.
fn divide(class: Found) -> Result<Class> {
    if class.files.len() < 2 {
        let expected = "2 or more, to train and to test with";
        return Err(Error::format(&class.folder, "images of a class", expected, class.files.len()));
    }
    let (mut train, mut test) = (Vec::new(), Vec::new());
    for (i, file) in class.files.into_iter().enumerate() {
        if i % TEST_EVERY == 0 { test.push(file) } else { train.push(file) }
    }
    Ok(Class { name: class.name, train, test })
}

/// A folder of PNG files.
struct Found {
    name: String,
    folder: PathBuf,
    files: Vec<PathBuf>,
}

/// The folders in a folder, with their PNG files.
///
/// # Errors
/// When some have PNG files and others do not.
fn by_class(dir: &Path) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for (name, folder) in folders(dir)? {
        let is_png = |path: &PathBuf| path.extension().is_some_and(|e| e.eq_ignore_ascii_case("png"));
        let files = entries(&folder)?.into_iter().filter(is_png).collect();
        found.push(Found { name, folder, files });
    }
    match found.iter().find(|class| class.files.is_empty()) {
        _ if found.iter().all(|class| class.files.is_empty()) => Ok(Vec::new()),
        Some(empty) => Err(Error::format(&empty.folder, "images of a class", "PNG files, as beside it", "none")),
        None => Ok(found),
    }
}

/// The folders in a folder and their names.
fn folders(dir: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut folders = Vec::new();
    for path in entries(dir)? {
        if fs::metadata(&path).map_err(Error::io(&path))?.is_dir() {
            let name = path.file_name().and_then(|name| name.to_str()).map(String::from);
            let name = name.ok_or_else(|| Error::format(&path, "name of a class", "UTF-8", "other bytes"))?;
            folders.push((name, path));
        }
    }
    Ok(folders)
}

/// What a folder holds, in the order of names, but for what is hidden.
fn entries(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(Error::io(dir))? {
        let entry = entry.map_err(Error::io(dir))?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// The images of all classes in turn, and their labels.
fn round(classes: &[Class], of: fn(&Class) -> &[PathBuf]) -> (Vec<&Path>, Vec<u8>) {
    let most = classes.iter().map(|class| of(class).len()).max().unwrap_or(0);
    let nth = |i: usize| {
        let labelled = classes.iter().enumerate();
        labelled.filter_map(move |(label, class)| Some((of(class).get(i)?.as_path(), label as u8)))
    };
    (0..most).flat_map(nth).unzip()
}

/// What is wrong with a file.
fn wrong(path: &Path, found: impl ToString) -> Error {
    Error::format(path, "image", "a whole PNG file", found.to_string())
}

type Reading = Decoder<Cursor<Vec<u8>>>;

/// A file's decoder, and the width and height in its header, believed only if they are no more than can be held.
fn open(path: &Path) -> Result<(Reading, (u32, u32))> {
    let bytes = files::read(path, FILE_LIMIT as u64)?;
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: FILE_LIMIT });
    decoder.set_transformations(Transformations::normalize_to_color8());
    let (width, height) = decoder.read_header_info().map_err(|e| wrong(path, e))?.size();
    if u64::from(width) * u64::from(height) > MOST_OF_ONE {
        let found = format!("{height} x {width}");
        return Err(Error::format(path, "image size", format!("at most {MOST_OF_ONE} pixels"), found));
    }
    Ok((decoder, (width, height)))
}

/// The width and height of an image.
fn size(path: &Path) -> Result<(u32, u32)> {
    Ok(open(path)?.1)
}

/// The channels of an image one after the other: one if all its pixels are grey, else three. It must have the `size` of the `first`.
fn decode(path: &Path, size: (u32, u32), first: &Path) -> Result<Vec<u8>> {
    let (decoder, (width, height)) = open(path)?;
    if (width, height) != size {
        let expected = format!("{} x {} as in {}", size.1, size.0, first.display());
        return Err(Error::format(path, "image size", expected, format!("{height} x {width}")));
    }
    let mut reader = decoder.read_info().map_err(|e| wrong(path, e))?;
    let mut samples =
        vec![0; reader.output_buffer_size().ok_or_else(|| wrong(path, "one that does not fit into memory"))?];
    let info = reader.next_frame(&mut samples).map_err(|e| wrong(path, e))?;
    reader.finish().map_err(|e| wrong(path, e))?;
    samples.truncate(info.buffer_size());
    let on_black = |x: u8, alpha: u8| ((u16::from(x) * u16::from(alpha) + 127) / 255) as u8;
    let pixels: Vec<[u8; 3]> = match info.color_type {
        ColorType::Grayscale => return Ok(samples),
        ColorType::GrayscaleAlpha => return Ok(samples.as_chunks().0.iter().map(|&[x, a]| on_black(x, a)).collect()),
        ColorType::Rgb => samples.as_chunks().0.to_vec(),
        ColorType::Rgba => {
            samples.as_chunks().0.iter().map(|&[r, g, b, a]| [r, g, b].map(|x| on_black(x, a))).collect()
        }
        ColorType::Indexed => return Err(wrong(path, "a palette that was not expanded")),
    };
    let channels = if pixels.iter().all(|[r, g, b]| r == g && g == b) { 1 } else { 3 };
    Ok((0..channels).flat_map(|channel| pixels.iter().map(move |pixel| pixel[channel])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use png::{BitDepth, Encoder};

    /// A PNG file of 1 x `width` pixels.
    fn png(
        width: u32,
        color: ColorType,
        depth: BitDepth,
        samples: &[u8],
        more: impl FnOnce(&mut Encoder<&mut Vec<u8>>),
    ) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, width, 1);
        encoder.set_color(color);
        encoder.set_depth(depth);
        more(&mut encoder);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(samples).unwrap();
        writer.finish().unwrap();
        bytes
    }

    fn grey(samples: &[u8]) -> Vec<u8> {
        png(samples.len() as u32, ColorType::Grayscale, BitDepth::Eight, samples, |_| ())
    }

    fn rgb(samples: &[[u8; 3]]) -> Vec<u8> {
        png(samples.len() as u32, ColorType::Rgb, BitDepth::Eight, samples.as_flattened(), |_| ())
    }

    type Made = Option<(Split, Split, Vec<String>)>;

    /// What is read from a folder of such files, or said of it without its path.
    fn set(made: &[(&str, Vec<u8>)]) -> std::result::Result<Made, String> {
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in made {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        read(dir.path()).map_err(|e| {
            let text = e.to_string();
            assert!(!text.contains('\n'), "{text}");
            text.replace(&dir.path().display().to_string(), "DIR")
        })
    }

    fn images(split: &Split) -> Vec<&[u8]> {
        split.images().collect()
    }

    #[test]
    fn sorted_images_are_read_class_by_class_in_turn() {
        let (train, test, names) = set(&[
            ("train/dog/b.png", grey(&[3, 30])),
            ("train/dog/a.PNG", grey(&[2, 20])),
            ("train/cat/z.png", grey(&[1, 10])),
            ("test/cat/y.png", grey(&[4, 40])),
            ("test/dog/x.png", grey(&[5, 50])),
            ("train/dog/notes.txt", b"no image".to_vec()),
            ("train/dog/.hidden.png", b"no image".to_vec()),
            ("train/.cache/a.png", b"no image".to_vec()),
            ("README.md", b"no image".to_vec()),
        ])
        .unwrap()
        .unwrap();
        assert_eq!(names, ["cat", "dog"]);
        assert_eq!(images(&train), [[1, 10], [2, 20], [3, 30]]);
        assert_eq!(train.labels().collect::<Vec<_>>(), [0, 1, 1]);
        assert_eq!((images(&test), test.labels().collect::<Vec<_>>()), (vec![&[4, 40][..], &[5, 50]], vec![0, 1]));
        assert_eq!(train.shape(), [1, 1, 2]);
    }

    #[test]
    fn of_images_that_are_not_sorted_every_seventh_is_to_test_with() {
        let made: Vec<_> = (0..15).map(|i| (format!("a/{i:02}.png"), grey(&[i]))).collect();
        let mut made: Vec<_> = made.iter().map(|(name, bytes)| (&name[..], bytes.clone())).collect();
        made.extend([("b/1.png", grey(&[101])), ("b/2.png", grey(&[102]))]);
        let (train, test, names) = set(&made).unwrap().unwrap();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(images(&test).concat(), [0, 101, 7, 14]);
        assert_eq!(images(&train).concat(), [1, 102, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13]);
        assert_eq!(
            set(&made[..16]).unwrap_err(),
            "DIR/b: images of a class: expected 2 or more, to train and to test with, found 1"
        );
    }

    #[test]
    fn every_colour_type_becomes_bytes() {
        let one = |bytes: Vec<u8>| {
            let (train, ..) = set(&[("a/1.png", bytes.clone()), ("a/2.png", bytes)]).unwrap().unwrap();
            (train.channels(), train.image(0).to_vec())
        };
        let plain = |color, depth, samples: &[u8]| one(png(2, color, depth, samples, |_| ()));
        use {BitDepth::*, ColorType::*};
        assert_eq!(plain(Grayscale, One, &[0b0100_0000]), (1, vec![0, 255]));
        assert_eq!(plain(Grayscale, Two, &[0b0110_0000]), (1, vec![85, 170]));
        assert_eq!(plain(Grayscale, Four, &[0x1f]), (1, vec![17, 255]));
        assert_eq!(plain(Grayscale, Eight, &[7, 200]), (1, vec![7, 200]));
        assert_eq!(plain(Grayscale, Sixteen, &[7, 255, 200, 1]), (1, vec![7, 200]));
        // What is transparent lies on black: 200 * 128 / 255 = 100.4.
        assert_eq!(plain(GrayscaleAlpha, Eight, &[200, 128, 9, 0]), (1, vec![100, 0]));
        assert_eq!(plain(Rgb, Eight, &[1, 2, 3, 4, 5, 6]), (3, vec![1, 4, 2, 5, 3, 6]));
        assert_eq!(plain(Rgb, Sixteen, &[1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0]), (3, vec![1, 4, 2, 5, 3, 6]));
        assert_eq!(plain(Rgba, Eight, &[200, 100, 0, 128, 9, 9, 9, 0]), (3, vec![100, 0, 50, 0, 0, 0]));
        let palette = |colors: [u8; 6]| one(png(2, Indexed, One, &[0b0100_0000], |e| e.set_palette(colors.to_vec())));
        assert_eq!(palette([10, 20, 30, 40, 50, 60]), (3, vec![10, 40, 20, 50, 30, 60]));
        // Colour that is grey in every pixel is grey.
        assert_eq!(palette([7, 7, 7, 8, 8, 8]), (1, vec![7, 8]));
        assert_eq!(plain(Rgb, Eight, &[1, 1, 1, 4, 4, 4]), (1, vec![1, 4]));
        let key = png(2, Grayscale, Eight, &[7, 200], |e| e.set_trns(vec![0, 200]));
        assert_eq!(one(key), (1, vec![7, 0]), "a transparent grey");
    }

    #[test]
    fn one_image_in_colour_gives_all_three_channels() {
        let made = [("a/1.png", grey(&[5, 6])), ("a/2.png", rgb(&[[1, 2, 3], [4, 5, 6]])), ("a/3.png", grey(&[7, 8]))];
        let (train, test, _) = set(&made).unwrap().unwrap();
        assert_eq!((train.shape(), test.shape()), ([3, 1, 2], [3, 1, 2]));
        assert_eq!(images(&train), [[1, 4, 2, 5, 3, 6], [7, 8, 7, 8, 7, 8]]);
        assert_eq!(images(&test), [[5, 6, 5, 6, 5, 6]]);
    }

    #[test]
    fn images_of_two_sizes_are_refused() {
        let made = [
            ("a/1.png", grey(&[5, 6])),
            ("a/2.png", grey(&[5, 6])),
            ("b/1.png", grey(&[5])),
            ("b/2.png", grey(&[5, 6])),
        ];
        assert_eq!(set(&made).unwrap_err(), "DIR/b/1.png: image size: expected 1 x 2 as in DIR/a/2.png, found 1 x 1");
    }

    #[test]
    fn a_damaged_file_is_named() {
        let whole = rgb(&[[1, 2, 3], [4, 5, 6]]);
        for n in 0..whole.len() {
            let made = [("a/1.png", whole.clone()), ("a/2.png", whole[..n].to_vec())];
            let error = set(&made).unwrap_err();
            assert!(error.starts_with("DIR/a/2.png: image: expected a whole PNG file, found "), "{n}: {error}");
        }
        let mut flipped = whole.clone();
        flipped[45] ^= 4;
        assert!(
            set(&[("a/1.png", whole.clone()), ("a/2.png", flipped)]).unwrap_err().starts_with("DIR/a/2.png: image: ")
        );
        let jpeg = set(&[("a/1.png", b"\xff\xd8\xff\xe0".to_vec()), ("a/2.png", whole)]).unwrap_err();
        assert!(jpeg.starts_with("DIR/a/1.png: image: expected a whole PNG file, found "), "{jpeg}");
    }

    #[test]
    fn an_announced_size_is_not_believed() {
        let mut huge = grey(&[5]);
        huge[16..24].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]);
        let crc = crc32fast::hash(&huge[12..29]);
        huge[29..33].copy_from_slice(&crc.to_be_bytes());
        let error = set(&[("a/1.png", huge.clone()), ("a/2.png", huge)]).unwrap_err();
        let expected = "DIR/a/2.png: image size: expected at most 16777216 pixels, found 2147483647 x 2147483647";
        assert_eq!(error, expected);
    }

    #[test]
    fn folders_that_do_not_go_together_are_refused() {
        let image = || grey(&[1]);
        assert_eq!(
            set(&[("a/1.png", image()), ("a/2.png", image()), ("b/1.jpg", image())]).unwrap_err(),
            "DIR/b: images of a class: expected PNG files, as beside it, found none"
        );
        assert_eq!(
            set(&[("train/a/1.png", image()), ("train/b/1.png", image()), ("test/a/1.png", image())]).unwrap_err(),
            "DIR/train/b: class: expected one of both train and test, found no PNG files in the other"
        );
        let many: Vec<_> =
            (0..257).map(|i| format!("{i}/1.png")).flat_map(|name| [name.replace("/1", "/2"), name]).collect();
        let many: Vec<_> = many.iter().map(|name| (&name[..], image())).collect();
        assert_eq!(set(&many).unwrap_err(), "DIR: classes: expected at most 256 folders, found 257");
        assert_eq!(set(&[("runs/a.json", vec![]), ("b.png", image())]), Ok(None));
        assert_eq!(set(&[("train/a/1.png", image())]), Ok(None));
    }

    #[test]
    fn train_and_test_may_be_classes() {
        let made = ["train/1.png", "train/2.png", "test/1.png", "test/2.png"].map(|name| (name, grey(&[1])));
        let (_, _, names) = set(&made).unwrap().unwrap();
        assert_eq!(names, ["test", "train"]);
    }
}
