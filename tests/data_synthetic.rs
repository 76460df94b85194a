//! What is promised of the synthetic data set.
#![cfg(feature = "train")]

use elbo::data::{Split, synthetic};

#[test]
fn the_set_is_the_same_to_the_last_bit() {
    let set = synthetic::dataset(synthetic::TRAIN, synthetic::TEST);
    assert_eq!((set.train.len(), set.test.len(), set.train.pixels()), (10_000, 2_000, 784));
    assert_eq!(set.digest, "9e69b0362602e623b946fc68ce206b6c85f17d5dcd75a7791c89b88644e2c479");
}

#[test]
fn an_image_depends_neither_on_the_size_of_the_set_nor_on_the_threads() {
    let large = synthetic::dataset(40, 10);
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let small = one_thread.install(|| synthetic::dataset(25, 10));
    assert_eq!(large.limit(25).digest, small.limit(25).digest);
}

#[test]
fn every_ten_images_show_the_ten_classes_in_their_own_order() {
    let set = synthetic::dataset(1000, 200);
    for split in [&set.train, &set.test] {
        let labels: Vec<u8> = split.labels().collect();
        for ten in labels.chunks(10) {
            let mut sorted = ten.to_vec();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..10).collect::<Vec<u8>>());
        }
        assert_ne!(labels[..10], labels[10..20]);
    }
    assert!(set.train.labels().take(200).ne(set.test.labels()));
}

#[test]
fn no_image_comes_twice() {
    let set = synthetic::dataset(2000, 1000);
    let mut images: Vec<&[u8]> = set.train.images().chain(set.test.images()).collect();
    images.sort_unstable();
    images.dedup();
    assert_eq!(images.len(), 3000);
}

#[test]
fn a_third_of_the_pixels_is_bright_and_hardly_an_image_is_blank() {
    let set = synthetic::dataset(5000, 10);
    let bright = |pixels: &[u8]| pixels.iter().filter(|&&byte| byte >= 128).count();
    let part = set.train.images().map(bright).sum::<usize>() as f64 / (784 * set.train.len()) as f64;
    assert!((0.25..0.45).contains(&part), "{part}");
    let blank = set.train.images().filter(|image| bright(image) < 20).count();
    assert!(blank < 250, "{blank} of 5000 are nearly blank at the threshold");
}

/// The mean image of each class.
fn means(split: &Split) -> Vec<Vec<f64>> {
    let mut means = vec![vec![0.0; split.pixels()]; 10];
    for i in 0..split.len() {
        for (mean, &byte) in means[usize::from(split.label(i))].iter_mut().zip(split.image(i)) {
            *mean += f64::from(byte) / (split.len() / 10) as f64;
        }
    }
    means
}

fn distance(image: &[u8], mean: &[f64]) -> f64 {
    image.iter().zip(mean).map(|(&byte, mean)| (f64::from(byte) - mean).powi(2)).sum()
}

#[test]
fn classes_can_be_told_apart_but_not_by_their_means_alone() {
    let set = synthetic::dataset(synthetic::TRAIN, synthetic::TEST);
    let means = means(&set.train);
    let nearest =
        |image: &[u8]| (0..10).min_by(|&a, &b| distance(image, &means[a]).total_cmp(&distance(image, &means[b])));
    let right =
        (0..set.test.len()).filter(|&i| nearest(set.test.image(i)) == Some(usize::from(set.test.label(i)))).count();
    let accuracy = right as f64 / set.test.len() as f64;
    eprintln!("nearest class mean: {accuracy}");
    assert!((0.5..0.95).contains(&accuracy), "{accuracy}");
}

#[test]
fn images_of_a_class_differ() {
    let set = synthetic::dataset(2000, 10);
    let means = means(&set.train);
    let mut spread = [0.0; 10];
    for i in 0..set.train.len() {
        let class = usize::from(set.train.label(i));
        spread[class] += distance(set.train.image(i), &means[class]) / (784.0 * 200.0);
    }
    for (class, variance) in spread.iter().enumerate() {
        assert!(variance.sqrt() > 20.0, "class {class}: standard deviation {} of 255", variance.sqrt());
    }
}
