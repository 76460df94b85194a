//! Images and labels that are read are gzipped and read again as the same data set.
#![no_main]

use elbo::data::{Source, Split, load};
use elbo_fuzz::{file, folder};
use flate2::{Compression, write::GzEncoder};
use libfuzzer_sys::fuzz_target;
use std::io::Write;

const STEMS: [&str; 4] =
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

/// Images, then labels.
fn written(split: &Split) -> [Vec<u8>; 2] {
    let header = |magic: u8, sizes: &[usize]| {
        let sizes = sizes.iter().flat_map(|&n| (n as u32).to_be_bytes());
        [0, 0, 8, magic].into_iter().chain(sizes).collect::<Vec<u8>>()
    };
    let mut files = [header(3, &[split.len(), split.height(), split.width()]), header(1, &[split.len()])];
    split.images().for_each(|image| files[0].extend(image));
    files[1].extend(split.labels());
    files.map(|bytes| {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&bytes).and_then(|()| gzip.finish()).expect("memory")
    })
}

// The first two bytes say how long the images' file is; the labels' is the rest. Training and test images are the same.
fuzz_target!(|bytes: &[u8]| {
    let Some((length, rest)) = bytes.split_first_chunk() else { return };
    let Some((images, labels)) = rest.split_at_checked(u16::from_be_bytes(*length).into()) else { return };
    STEMS.iter().zip([images, labels, images, labels]).for_each(|(stem, bytes)| drop(file(stem, bytes)));
    let source = Source::Dir(folder());
    let Ok(data) = load(&source) else { return };
    let files = [written(&data.train), written(&data.test)];
    STEMS.iter().zip(files.as_flattened()).for_each(|(stem, bytes)| drop(file(stem, bytes)));
    let again = load(&source).expect("what was written");
    assert!(again.train == data.train && again.test == data.test && again.digest == data.digest);
});
