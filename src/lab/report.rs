//! `summary.json` and the report that tells it.

use super::consistency::{self, Consistency};
use super::count;
use super::interpolate::{self, Walk};
use super::latent::{self, Latent};
use super::losses::{self, Run};
use super::reconstruct::{self, Reconstructions};
use super::sample::{self, Samples};
use crate::data::{Baselines, Encoding};
use serde::Serialize;

/// Everything that was measured: `summary.json`.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Name of the data.
    pub data: String,
    /// Their SHA-256.
    pub digest: String,
    /// Training and test images.
    pub images: [usize; 2],
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
    /// Seconds of training and of the experiments.
    pub seconds: f64,
}

/// The report in Markdown.
pub fn markdown(s: &Summary) -> String {
    let sections = [
        ("Losses", losses::tell(&s.runs, &s.baselines)),
        ("Reconstructions", reconstruct::tell(&s.reconstructions)),
        ("Consistency", consistency::tell(&s.consistency)),
        ("Latent spaces", latent::tell(&s.latent)),
        ("New images", sample::tell(&s.samples)),
        ("Interpolations", interpolate::tell(&s.walks)),
    ];
    let mut text = vec![format!("# What an autoencoder and a VAE learn from {}", s.data)];
    text.extend(s.runs.first().map(|run| settings(run, s)));
    for (title, paragraphs) in sections {
        text.push(format!("## {title}"));
        text.extend(paragraphs);
    }
    text.join("\n\n") + "\n"
}

/// What was run.
fn settings(run: &Run, s: &Summary) -> String {
    let c = &run.config;
    let own = c.network.coder().expect("what the study trains encodes and decodes");
    let a = &own.architecture;
    let widths = |hidden: Vec<usize>| hidden.iter().map(usize::to_string).collect::<Vec<_>>().join("–");
    let encoder = widths([&[a.pixels], &a.hidden[..], &[a.latent]].concat());
    let [train, test] = s.images;
    format!(
        "Both networks are fully connected, {encoder} and back. {} They were trained on {train} images for {} in batches of {} with a \
         learning rate of {}, seed {}, and measured on {test} test images; all other settings are in `config.json` beside each \
         network. Training and figures took {:.0} s. Every number below is in [`summary.json`](summary.json) or follows from it.",
        match c.binarize {
            Encoding::Threshold => "Pixels were made black or white: on from byte 128, off below.",
            Encoding::Dynamic =>
                "Pixels were made black or white by chance, anew in each epoch: on with probability byte / 255.",
            Encoding::Grey => "Pixels are grey: byte / 255.",
            Encoding::Standardised => "Pixels are standardised by the training images' mean and standard deviation.",
        },
        count(c.epochs as usize, "epoch"),
        c.batch_size,
        own.descent.lr,
        c.seed,
        s.seconds
    )
}
