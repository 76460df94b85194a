//! The published numbers of Fashion-MNIST, where `ELBO_DATA` names a folder that holds it.
#![cfg(feature = "train")]

use elbo::data::catalogue::{FASHION_MNIST, Status};
use elbo::data::{Dataset, Encoding, Source, load};
use std::path::Path;

fn fashion_mnist() -> Option<Dataset> {
    let Some(dir) = std::env::var_os("ELBO_DATA") else {
        eprintln!("skipped: ELBO_DATA is not set");
        return None;
    };
    if !FASHION_MNIST.verify(Path::new(&dir)).unwrap().iter().all(|(_, status)| *status == Status::Good) {
        eprintln!("skipped: ELBO_DATA does not hold Fashion-MNIST");
        return None;
    }
    let set = load(&Source::from(dir)).unwrap();
    assert_eq!(set.name, "Fashion-MNIST");
    Some(set)
}

#[test]
fn the_published_numbers_come_out() {
    let Some(set) = fashion_mnist() else { return };
    assert_eq!((set.train.height(), set.train.width()), (28, 28));
    for (split, each) in [(&set.train, 6000), (&set.test, 1000)] {
        let mut counts = [0; 10];
        split.labels().for_each(|label| counts[usize::from(label)] += 1);
        assert_eq!(counts, [each; 10]);
    }
    assert_eq!(set.class_names[usize::from(set.train.label(0))], "Ankle boot");

    let bytes = || set.train.images().flatten();
    let n = bytes().count() as f64;
    let moment = |power| bytes().map(|&byte| (f64::from(byte) / 255.0).powi(power)).sum::<f64>() / n;
    let (mean, std) = (moment(1), (moment(2) - moment(1).powi(2)).sqrt());
    assert!((mean - 0.2860).abs() < 5e-5 && (std - 0.3530).abs() < 5e-5, "{mean} {std}");

    let bytes: Vec<u8> = set.test.images().flatten().copied().collect();
    let mut ones = vec![0f32; bytes.len()];
    Encoding::Threshold.write(&bytes, || unreachable!("a threshold draws nothing"), &mut ones);
    let part = ones.iter().map(|&x| f64::from(x)).sum::<f64>() / ones.len() as f64;
    assert!((part - 0.315).abs() < 5e-4, "{part}");
}

#[test]
fn unpacked_files_are_the_same_set() {
    let Some(set) = fashion_mnist() else { return };
    let dir = tempfile::tempdir().unwrap();
    for (name, _) in FASHION_MNIST.files {
        let packed = std::fs::File::open(Path::new(&set.source).join(name)).unwrap();
        let mut unpacked = std::fs::File::create(dir.path().join(name.trim_end_matches(".gz"))).unwrap();
        std::io::copy(&mut flate2::read::GzDecoder::new(packed), &mut unpacked).unwrap();
    }
    assert!(FASHION_MNIST.verify(dir.path()).unwrap().iter().all(|(_, status)| *status == Status::Good));
    let again = load(&Source::Dir(dir.path().into())).unwrap();
    assert_eq!((again.name, again.digest), (set.name, set.digest));
}
