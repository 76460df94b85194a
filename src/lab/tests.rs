//! What is said of awkward runs: real networks, small or untrained, on few, uniform or one-sided images.

use super::losses::Run;
use super::*;
use crate::data::{Baselines, synthetic};
use crate::models::{self, Score, Settings, coder};
use crate::nn::Activation;
use crate::report::terminal;
use crate::train::{self, Record};

type Config = train::Config<coder::Settings>;

/// A section: its name, what it tells, and its figures.
type Section = (&'static str, Vec<Block>, Vec<Figure>);

/// A run's networks, trained for so many steps, and what all experiments say of them.
fn said(data: &Dataset, latent: usize, epochs: u64, change: impl Fn(&mut Config)) -> Vec<Section> {
    let trainer = |network: fn(coder::Settings) -> Settings| {
        let mut own = coder::Settings::new(data.train.pixels());
        (own.architecture.hidden, own.architecture.latent) = (vec![8], latent);
        let mut config = Config { batch_size: 16, epochs, ..train::Config::of(own) };
        change(&mut config);
        let Config { network: own, epochs, batch_size, binarize, seed } = config;
        let config = models::Config { network: network(own), epochs, batch_size, binarize, seed };
        let mut trainer = Trainer::new(config).unwrap();
        let mut records = Vec::new();
        for epoch in 1..=epochs {
            for _ in 0..trainer.batches(data) {
                trainer.step(data).unwrap();
            }
            let (train, test) = trainer.end_epoch(data).unwrap();
            records.extend(
                [("train", train), ("test", test)].map(|(split, means)| Record::new(epoch, split, &means, 1.0)),
            );
        }
        (trainer, records)
    };
    let trained = [Settings::Ae as fn(_) -> _, Settings::Vae].map(trainer);
    let subjects: Vec<Subject> = trained.iter().filter_map(|(trainer, _)| Subject::of(trainer)).collect();
    let runs: Vec<Run> = trained
        .iter()
        .map(|(t, records)| Run {
            name: t.config.network.name().into(),
            config: t.config.clone(),
            records: records.clone(),
        })
        .collect();
    let baselines = Baselines::of(data, trained[0].0.config.binarize);
    let of = |experiment: &'static Experiment| {
        let run = experiment.run.of_coders()?;
        let findings = run(&subjects, data).unwrap();
        Some((experiment.name, findings.text, findings.figures))
    };
    let training = ("losses", losses::tell(&runs, &baselines), losses::draw(&runs, &baselines));
    [training].into_iter().chain(EXPERIMENTS.iter().filter_map(of)).collect()
}

/// Whether a text can stand: no number that is none, nothing empty, and the figures it shows are those that were drawn.
fn check(run: &str, sections: &[Section]) {
    for (section, text, figures) in sections {
        let whole = markdown::blocks(text);
        // A table has empty cells.
        let prose: String = whole.lines().filter(|line| !line.starts_with('|')).collect::<Vec<_>>().join("\n");
        for bad in [
            "NaN",
            " 0.0 nats",
            "inf ",
            "inf.",
            "-0.0 ",
            "-0.00",
            "−0.00",
            "()",
            "  ",
            " .",
            ", .",
            "1 test images",
            "above shows",
            "inf times",
        ] {
            assert!(!prose.contains(bad), "{run}, {section}: {bad:?} in\n{whole}");
        }
        let digits = prose.split(|c: char| !c.is_ascii_digit()).map(str::len).max();
        assert!(digits < Some(8), "{run}, {section}: a number nobody reads in\n{prose}");
        assert!(!whole.contains("NaN") && !whole.contains("inf |"), "{run}, {section}:\n{whole}");
        let is_empty = |block: &Block| markdown::blocks(std::slice::from_ref(block)).trim().is_empty();
        assert!(!text.iter().any(is_empty), "{run}, {section}: an empty paragraph");
        let lines = text.iter().flat_map(|block| terminal::lines(block, 80)).collect::<Vec<_>>();
        assert!(!lines.is_empty() && !lines.iter().any(|line| line.contains("**")), "{run}, {section}:\n{lines:?}");
        let is_shown = |figure: &Figure| whole.contains(&format!("]({})", figure.path()));
        assert!(figures.iter().all(is_shown), "{run}, {section}: a figure is not shown");
        let shown = whole.matches("![").count();
        assert_eq!(shown, figures.len(), "{run}, {section}: {shown} figures are shown");
    }
}

/// Images of which only those of some classes are kept, and only so many of each split.
fn some(classes: std::ops::Range<u8>, n: usize) -> Dataset {
    let data = synthetic::dataset(200, 100);
    let keep = |split: &Split| {
        let rows: Vec<u32> =
            (0..split.len() as u32).filter(|&i| classes.contains(&split.label(i as usize))).take(n).collect();
        split.take(rows)
    };
    let (train, test) = (keep(&data.train), keep(&data.test));
    Dataset::new("some", "", train, test, data.class_names.clone())
}

fn black(data: &Dataset) -> Dataset {
    let dark = |split: &Split| {
        Split::new(vec![0; split.len() * split.pixels()], split.labels().collect(), split.height(), split.width())
    };
    Dataset::new("black", "", dark(&data.train), dark(&data.test), data.class_names.clone())
}

#[test]
fn nothing_that_is_said_of_an_awkward_run_is_empty_or_no_number() {
    let all = some(0..10, 60);
    let plain = |_: &mut Config| {};
    for (run, data, latent, epochs) in [
        ("one image", some(0..10, 1), 2, 1),
        ("two images", some(0..10, 2), 2, 1),
        ("one class", some(3..4, 30), 2, 2),
        ("all black", black(&all), 2, 2),
        ("one epoch", all.clone(), 2, 1),
        ("four epochs", all.clone(), 2, 4),
        ("latent 1", all.clone(), 1, 2),
        ("latent 3", all.clone(), 3, 2),
        ("latent 64", all.clone(), 64, 2),
    ] {
        check(run, &said(&data, latent, epochs, plain));
    }
    let untrained = said(&all, 2, 1, |c| c.network.descent.lr = 1e-9);
    check("untrained", &untrained);
    let losses = markdown::blocks(&untrained[0].1);
    assert!(losses.contains("hardly anything") && !losses.contains("collapsed**"));
    let wild = |c: &mut Config| {
        (c.network.architecture.activation, c.network.descent.lr, c.network.beta) = (Activation::Tanh, 1.0, 0.0)
    };
    let diverged = said(&all, 16, 2, wild);
    check("diverged", &diverged);
    let losses = markdown::blocks(&diverged[0].1);
    assert!(losses.contains("**diverged**"), "{losses}");
    check("collapsed", &said(&all, 2, 3, |c| c.network.beta = 1e3));
    check("grey", &said(&all, 2, 2, |c| c.binarize = Encoding::Grey));
}

#[test]
fn what_is_said_of_losses_follows_from_any_numbers() {
    let baselines = Baselines { half: 543.4, constant: 488.0, per_pixel: 383.0, per_class: 284.0, floor: 0.0 };
    let own = || coder::Settings::new(784);
    let losses = [0.0, 100.0, 283.95, 284.0, 383.0, 400.0, 488.1, 543.0, 1e3, 2e3, 9.7e14];
    for ae in losses {
        for vae in losses {
            for kl in [0.0, 1e-4, 0.2, 7.0, 1e9] {
                for before in [ae, ae + 0.04, ae + 50.0] {
                    let run = |network: Settings, recon: f64, kl: Option<f64>| {
                        let record = |epoch, split: &str, recon| losses::record(epoch, split, Score { recon, kl });
                        let records = vec![
                            record(1, "train", before),
                            record(1, "test", before),
                            record(2, "train", recon),
                            record(2, "test", recon),
                        ];
                        Run { name: network.name().into(), config: train::Config::of(network), records }
                    };
                    let runs = [run(Settings::Ae(own()), ae, None), run(Settings::Vae(own()), vae, Some(kl))];
                    let text = losses::tell(&runs, &baselines);
                    check(&format!("AE {ae}, VAE {vae} + {kl}"), &[("losses", text, losses::draw(&runs, &baselines))]);
                }
            }
        }
    }
}
