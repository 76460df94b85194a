use super::report::{differ, report};
use super::*;
use crate::lab::judge::neighbours::Overlap;
use crate::models::gan::{self, TECHNIQUES, Variant};
use crate::models::{Settings, adversarial, exercise};
use crate::report::markdown;

fn verdict(name: &str, frechet: f64) -> Verdict {
    Verdict {
        name: name.into(),
        images: 100,
        frechet,
        overlap: Overlap { precision: 0.5, recall: 0.4, density: 0.3, coverage: 0.2 },
        classes: vec![0.995, 0.005],
        entropy: 0.03,
        rarest: 0.005,
        diversity: Some(0.9),
        sharpness: 0.15,
        novelty: Some(0.6),
        nearest: Vec::new(),
        first: vec![vec![0.0; 784]; 10],
    }
}

fn run(group: &str, config: Config, frechet: f64) -> Run {
    let of = |epoch, split: &str, name: &str, value: f64| Record {
        epoch,
        split: split.into(),
        seconds: 1.0,
        means: [(name.to_string(), Some(value))].into(),
    };
    let records = vec![of(1, "train", "critic_gradient", 2.0), of(1, "train", "generator_gradient", 3.0)];
    Run {
        group: group.into(),
        config,
        records,
        diverged: None,
        seconds: 2.0,
        verdicts: vec![verdict(group, frechet)],
        film: None,
    }
}

fn summary(runs: Vec<Run>) -> GanSummary {
    GanSummary {
        data: "garments".into(),
        digest: String::new(),
        images: [60, 10],
        classes: vec!["Bag".into(), "Coat".into()],
        judge: About { accuracy: 0.9, seed: 0, epochs: 5, pixels: crate::data::Encoding::Grey, sharpness: 0.16 },
        references: vec![verdict("other real images", 0.3), verdict("class means", 200.0)],
        real: vec![vec![0.0; 784]; 10],
        shape: [1, 28, 28],
        runs,
    }
}

fn gan(variant: Variant, seed: u64) -> Config {
    Config { seed, ..adversarial(gan::Settings::new(variant, [1, 28, 28], 2)) }
}

fn vae(seed: u64) -> Config {
    Config { seed, ..exercise(784) }
}

fn said(runs: Vec<Run>) -> String {
    markdown::page(&report(&summary(runs)).unwrap())
}

#[test]
fn a_difference_is_told_where_it_exceeds_two_standard_errors() {
    let pair = |a: [f64; 2], b: [f64; 2]| {
        let of = |name: &'static str, config: fn(u64) -> Config, x: [f64; 2]| {
            x.into_iter().enumerate().map(move |(seed, x)| run(name, config(seed as u64), x))
        };
        said(of("VAE, 2-D", vae, a).chain(of("DCGAN", |seed| gan(Variant::Dcgan, seed), b)).collect())
    };
    assert!(pair([100.0, 101.0], [50.0, 52.0]).contains("| Fréchet distance | 51.0 | 100.5 | **DCGAN** |"));
    assert!(pair([40.0, 41.0], [50.0, 52.0]).contains("| Fréchet distance | 51.0 | 40.5 | **VAE, 2-D** |"));
    assert!(pair([40.0, 60.0], [50.0, 52.0]).contains("| Fréchet distance | 51.0 | 50.0 | no clear difference |"));
    let one = said(vec![run("VAE, 2-D", vae(0), 9.0), run("DCGAN", gan(Variant::Dcgan, 0), 5.0)]);
    assert!(one.contains("| Fréchet distance | 5.0 | 9.0 | one seed does not tell |"));
    // Standard errors of 1 and 1: two of their difference are 2 √2.
    assert_eq!(differ(&[0.0, 2.0], &[3.7, 5.7]), Some(true));
    assert_eq!(differ(&[0.0, 2.0], &[2.7, 4.7]), Some(false));
    assert_eq!(differ(&[0.0], &[2.7, 4.7]), None);
}

/// What a technique is said to differ in follows from its line; it is measured beside the first GAN of its architecture, or not at all.
#[test]
fn every_technique_is_told_with_its_losses_its_use_and_its_reference() {
    let name = |variant: Variant| variant.technique().name;
    let all: Vec<Run> = TECHNIQUES.iter().map(|t| run(t.name, gan(t.variant, 0), 50.0)).collect();
    let page = said(all);
    for technique in &TECHNIQUES {
        for formula in technique.formulas(technique.game, technique.hold) {
            assert!(page.contains(&crate::report::Formula::new(&formula, "").plain()), "{formula}");
        }
        assert!(background::uses().unwrap().contains_key(technique.variant.name()), "{}", technique.name);
    }
    assert!(page.contains("Measured beside the DCGAN, the first GAN of the same architecture"));
    assert!(page.contains("the critic's loss has 10 E[(|∇D(x̂)| − 1)²] added"));
    assert!(page.contains("Seed 0: DCGAN leaves out: Coat (0.5 %)."));
    let alone = said(vec![run(name(Variant::Sngan), gan(Variant::Sngan, 0), 50.0)]);
    assert!(alone.contains("What it changed was not measured"));
    // An InfoGAN plays the same game, and is not the first GAN.
    let coded = said(vec![run("InfoGAN", gan(Variant::Infogan, 0), 50.0), run("SN-GAN", gan(Variant::Sngan, 0), 50.0)]);
    assert_eq!(coded.matches("What it changed was not measured").count(), 2);
    let bib = background::bibliography().unwrap();
    assert_eq!(bib.matches("\n@").count() + 1, TECHNIQUES.len() + 1);
}

#[test]
fn what_makes_no_images_is_not_compared() {
    let cnn = Config { network: Settings::Ae(exercise(784).network.coder().unwrap().clone()), ..exercise(784) };
    let dir = tempfile::tempdir().unwrap();
    let error = GanStudy::begin(Family::folder(dir.path()).unwrap(), vec![cnn]).err().unwrap().to_string();
    assert_eq!(error, "a study of GANs compares GANs and VAEs, found a AE");
    assert!(!dir.path().join("plan.json").exists());
}

#[test]
fn architectures_are_named_where_there_are_two() {
    let dense = gan(Variant::Dcgan, 0);
    let mut conv = gan(Variant::Dcgan, 0);
    if let Settings::Gan(own) = &mut conv.network {
        own.is_convolutional = false;
    }
    let both = [dense.clone(), conv.clone()];
    assert_eq!(both.each_ref().map(|config| group(&both, config)), ["DCGAN, convolutional", "DCGAN, dense"]);
    assert_eq!(group(std::slice::from_ref(&dense), &dense), "DCGAN");
    assert_eq!(group(&[vae(0)], &vae(0)), "VAE, 2-D");
}
