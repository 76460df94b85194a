//! The report: pictures and sentences, each sentence about the run made by a rule from a number of `summary.json`.

use super::consistency::{Consistency, IMAGES, PASSES};
use super::interpolate::Walk;
use super::latent::{Latent, NEIGHBOURS};
use super::reconstruct::Reconstructions;
use super::sample::Samples;
use crate::data::Baselines;
use crate::train::{Config, Record, is_collapsed};
use serde::Serialize;
use std::fmt::Write;

/// Everything that was measured: `summary.json`.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Name of the data.
    pub data: String,
    /// Their SHA-256.
    pub digest: String,
    /// What predictors that look at no image cost.
    pub baselines: Baselines,
    /// Each network's name, configuration and metrics.
    pub runs: Vec<Run>,
    /// Shown reconstructions.
    pub reconstructions: Reconstructions,
    /// The consistency experiment.
    pub consistency: Vec<Consistency>,
    /// The latent spaces.
    pub latent: Vec<Latent>,
    /// New images.
    pub samples: Samples,
    /// Interpolations.
    pub walks: Vec<Walk>,
    /// Seconds the study took.
    pub seconds: f64,
}

/// A trained network of the study.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// `AE` or `VAE`.
    pub name: String,
    /// Its configuration.
    pub config: Config,
    /// Its metrics, epoch by epoch.
    pub records: Vec<Record>,
}

impl Run {
    fn last(&self, split: &str) -> &Record {
        self.records.iter().rev().find(|r| r.split == split).expect("a run has at least one epoch")
    }
}

/// The report in Markdown.
pub fn markdown(s: &Summary) -> String {
    let mut out = String::new();
    let mut put = |text: String| out.write_str(&text).expect("a string takes text");
    put(format!("# What an autoencoder and a VAE learn from {}\n\nAll losses are in nats per image.\n\n", s.data));
    put("## Losses\n\n![Loss curves](figures/losses.svg)\n\n".into());
    put("| | test reconstruction | test KL | test total | train total |\n|---|---|---|---|---|\n".into());
    for run in &s.runs {
        let (test, train) = (run.last("test"), run.last("train"));
        let kl = test.kl.map_or("–".into(), |kl| format!("{kl:.2}"));
        put(format!(
            "| {} | {:.2} | {kl} | {:.2} | {:.2} |\n",
            run.name,
            test.recon,
            test.score().total(),
            train.score().total()
        ));
    }
    let b = &s.baselines;
    put(format!(
        "| per-class mean | {:.2} | | | |\n| per-pixel mean | {:.2} | | | |\n| one constant | {:.2} | | | |\n| p = ½ | {:.2} | | | |\n\n",
        b.per_class, b.per_pixel, b.constant, b.half
    ));
    for run in &s.runs {
        let test = run.last("test");
        if is_collapsed(test.score(), b.per_pixel) {
            put(format!(
                "The {} has **collapsed**: it costs as much as the per-pixel mean, and its code says nothing (KL {:.3}).\n\n",
                run.name,
                test.kl.unwrap_or(0.0)
            ));
        } else if test.score().total() < b.per_class {
            put(format!(
                "The {} costs {:.1} nats less than knowing the class and nothing else.\n\n",
                run.name,
                b.per_class - test.score().total()
            ));
        } else {
            put(format!(
                "The {} is no better than knowing the class and nothing else ({:.1} nats more).\n\n",
                run.name,
                test.score().total() - b.per_class
            ));
        }
    }
    for run in &s.runs {
        put(format!(
            "[The {} in training, an animated PNG]({}/film.png): test images, their reconstructions, and fixed latent points, one frame an epoch.\n\n",
            run.name,
            run.name.to_lowercase()
        ));
    }
    put("## Reconstructions\n\n![Originals above reconstructions](figures/reconstructions.svg)\n\n".into());
    put(format!("## Consistency\n\nEach of {IMAGES} test images is encoded and decoded {PASSES} times.\n\n"));
    put("| | distinct outputs, one image | mean over images | pixel standard deviation | Hamming distance, pixels | correlation of σ and spread |\n|---|---|---|---|---|---|\n".into());
    for c in &s.consistency {
        let r = c.sigma_spread_correlation.map_or("–".into(), |r| format!("{r:.2}"));
        put(format!(
            "| {} | {} | {:.1} | {:.4} | {:.2} | {r} |\n",
            c.name, c.distinct_one, c.distinct, c.pixel_std, c.hamming
        ));
    }
    put("\n".into());
    let most = s.consistency.iter().min_by(|a, b| a.distinct.total_cmp(&b.distinct)).expect("there are networks");
    for c in &s.consistency {
        if c.distinct == 1.0 {
            put(format!("{}: every pass gives the same bits, since nothing is drawn on the way.\n\n", c.name));
        } else if c.distinct > most.distinct {
            put(format!(
                "{}: {:.1} distinct outputs on average. Each pass draws another z from q(z | x), so what comes out varies as far as the posterior is wide.\n\n",
                c.name, c.distinct
            ));
        }
    }
    put("![Standard deviation maps](figures/consistency.svg)\n\n![Posterior width and spread](figures/sigma_spread.svg)\n\n".into());
    put("## Latent spaces\n\n".into());
    for l in &s.latent {
        put(format!("![Latent space of the {0}](figures/latent_{1}.svg)\n\n", l.name, l.name.to_lowercase()));
        put(format!(
            "{}: a vote of the {NEIGHBOURS} nearest neighbours finds the class of {:.1} % of the test images. Standard deviation of μ: {}; {} of {} dimensions active.\n\n",
            l.name,
            100.0 * l.knn_accuracy,
            list(&l.std),
            l.active_units,
            l.std.len()
        ));
    }
    if let [a, v] = &s.latent[..] {
        let wider = a.std.iter().cloned().fold(0.0, f64::max) / v.std.iter().cloned().fold(f64::MIN_POSITIVE, f64::max);
        if wider > 2.0 {
            put(format!(
                "The {} spreads its codes {wider:.1} times as wide as the {}: no KL term holds them near a prior.\n\n",
                a.name, v.name
            ));
        }
    }
    put("![Decoded grid of equal prior mass](figures/manifold.png)\n\n".into());
    put("## New images\n\n![New images](figures/samples.svg)\n\n## Interpolations\n\n".into());
    for l in &s.latent {
        put(format!("![Walks of the {}](figures/walks_{}.svg)\n\n", l.name, l.name.to_lowercase()));
    }
    out
}

fn list(x: &[f64]) -> String {
    x.iter().map(|x| format!("{x:.2}")).collect::<Vec<_>>().join(", ")
}
