use super::*;
use crate::data::synthetic;
use crate::models::{Config, Trainer, classifier, classifying};
use serde::Deserialize;

/// What PyTorch says (`fixtures/judge.py`).
#[derive(Deserialize)]
struct Recorded {
    width: usize,
    real: Vec<f64>,
    new: Vec<f64>,
    frechet: f64,
    precision: f64,
    recall: f64,
    density: f64,
    coverage: f64,
    shape: [usize; 3],
    images: Vec<Vec<f32>>,
    sharpness: f64,
}

#[test]
fn the_measures_are_those_of_another_program() {
    let r: Recorded = serde_json::from_str(include_str!("../../../fixtures/judge.json")).unwrap();
    let [real, new] = [r.real, r.new].map(|x| Features::new(x, r.width));
    let frechet = Gaussian::of(&real).distance(&Gaussian::of(&new));
    assert!((frechet - r.frechet).abs() < 1e-10 * r.frechet, "{frechet}");
    let found = Manifold::of(real).overlap(&new);
    let recorded = Overlap { precision: r.precision, recall: r.recall, density: r.density, coverage: r.coverage };
    let near = |a: f64, b: f64| (a - b).abs() < 1e-12;
    assert!(near(found.precision, recorded.precision) && near(found.recall, recorded.recall), "{found:?}");
    assert!(near(found.density, recorded.density) && near(found.coverage, recorded.coverage), "{found:?}");
    assert!((sharpness(&r.images, r.shape) - r.sharpness).abs() < 1e-7);
}

fn judge() -> (Trained, Dataset) {
    let data = synthetic::dataset(400, 100);
    let own = classifier::Settings::new(data.train.shape(), data.class_names.len());
    let mut trainer = Trainer::new(Config { batch_size: 50, ..classifying(own) }).unwrap();
    (0..64).for_each(|_| trainer.step(&data).unwrap());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("checkpoint.safetensors");
    trainer.save(&path, &data).unwrap();
    (Trained::load(&path).unwrap(), data)
}

#[test]
fn real_images_are_the_floor_and_means_the_ceiling() {
    let (trained, data) = judge();
    let judge = Judge::new(&trained, &data, Encoding::Grey, IMAGES).unwrap();
    assert_eq!(judge.images, 200);
    let references = judge.references();
    let [real, classes, mean] = &references[..] else { panic!("three references") };
    assert!(real.frechet < classes.frechet && classes.frechet < mean.frechet);
    let covered = [real, classes, mean].map(|verdict| verdict.overlap.coverage);
    assert!(covered[0] > covered[1] && covered[1] > covered[2] && covered[2] < 0.2, "{covered:?}");
    assert_eq!((mean.entropy, mean.rarest, mean.diversity), (0.0, 0.0, Some(0.0)));
    assert!(real.entropy > 2.0 && real.diversity.unwrap() > 0.8 && real.novelty.is_none());
    assert!((classes.classes.iter().sum::<f64>() - 1.0).abs() < 1e-12);
}

#[test]
fn copies_of_training_images_are_found_and_test_images_are_new() {
    let (trained, data) = judge();
    for pixels in [Encoding::Grey, Encoding::Threshold] {
        let judge = Judge::new(&trained, &data, pixels, 100).unwrap();
        // The first hundred, and nothing else: the real images themselves.
        let copies = judge.verdict("copies", seen(&data, 0..100, Encoding::Grey));
        assert!(copies.frechet.abs() < 1e-6, "{}", copies.frechet);
        assert_eq!((copies.novelty, copies.nearest[7].nearest.row), (Some(0.0), 7));
        let tests = data.test.images().map(|image| written(Encoding::Grey, image)).collect();
        let novelty = judge.verdict("tests", tests).novelty.unwrap();
        assert!((novelty - 0.5).abs() < 0.02, "{novelty}");
    }
}

#[test]
fn too_few_images_are_refused() {
    let (trained, _) = judge();
    let few = synthetic::dataset(3, 1);
    let error = Judge::new(&trained, &few, Encoding::Grey, IMAGES).err().unwrap().to_string();
    assert!(error.ends_with("expected at least 4 training images and 1 test image, found 3 and 1"), "{error}");
}

/// Every sentence follows from the numbers.
#[test]
fn what_is_left_out_is_named_and_nothing_else() {
    let (trained, data) = judge();
    let of_four =
        Judge::new(&trained, &data, Encoding::Grey, 4).unwrap().verdict("GAN", seen(&data, 0..4, Encoding::Grey));
    let verdict = |classes: Vec<f64>| Verdict { classes, ..of_four.clone() };
    let names: Vec<String> = ["Bag", "Coat"].map(String::from).to_vec();
    let three: Vec<String> = ["Bag", "Coat", "Shirt"].map(String::from).to_vec();
    let said = tell::left_out(&verdict(vec![0.985, 0.01, 0.005]), &three).unwrap();
    assert_eq!(said, "GAN makes hardly anything but: Bag (98.5 %).");
    assert_eq!(tell::left_out(&verdict(vec![0.99, 0.01]), &names).unwrap(), "GAN leaves out: Coat (1.0 %).");
    assert_eq!(tell::left_out(&verdict(vec![0.5, 0.5]), &names), None);
}
