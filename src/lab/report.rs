//! `summary.json` and the report that tells it.

use super::losses::{self, Run};
use super::{Experiment, Findings, count};
use crate::data::{Baselines, Encoding};
use crate::report::{Block, Report, escape, heading};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// Everything that was measured: `summary.json`.
#[derive(serde::Serialize)]
pub struct StudySummary {
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
    /// What the experiments found, each under its own key.
    #[serde(flatten)]
    pub found: Found,
    /// Seconds of training and of the experiments.
    pub seconds: f64,
}

/// Experiments and what they found, in the order of the report.
pub struct Found(pub Vec<(&'static Experiment, Findings)>);

impl Serialize for Found {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (experiment, findings) in &self.0 {
            map.serialize_entry(experiment.key, &findings.numbers)?;
        }
        map.end()
    }
}

/// The report: training, then a section an experiment.
pub fn report(s: &StudySummary) -> Report {
    let mut blocks: Vec<Block> = s.runs.first().map(|run| settings(run, s).into()).into_iter().collect();
    blocks.push(heading("Losses"));
    blocks.extend(losses::tell(&s.runs, &s.baselines));
    for (experiment, findings) in &s.found.0 {
        blocks.push(heading(experiment.title));
        blocks.extend(findings.text.iter().cloned());
    }
    Report { title: format!("What an autoencoder and a VAE learn from {}", escape(&s.data)).into(), blocks }
}

/// What was run.
fn settings(run: &Run, s: &StudySummary) -> String {
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
