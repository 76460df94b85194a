//! Its figures.

use super::GanSummary;
use crate::lab::family;
use crate::lab::judge::Verdict;
use crate::plot::{Chart, ImageRow, Panel};
use crate::report::Figure;
use crate::train::Record;

pub const SAMPLES: &str = "samples.svg";
pub const FRECHET: &str = "frechet.svg";
pub const CLASSES: &str = "classes.svg";

/// All of them.
pub fn draw(s: &GanSummary) -> Vec<Figure> {
    let mut figures = vec![
        Figure::new(SAMPLES, samples(s).svg()),
        Figure::new(FRECHET, distances(s).svg()),
        Figure::new(CLASSES, classes(s).svg()),
    ];
    for (group, runs) in s.groups() {
        let records: Vec<&[Record]> = runs.iter().map(|run| &run.records[..]).collect();
        if runs[0].config.network.gan().is_some() && records.iter().any(|records| !records.is_empty()) {
            figures.push(Figure::new(scores_of(group), scores(group, &records).svg()));
        }
    }
    figures
}

/// The file of a group's scores.
pub fn scores_of(group: &str) -> String {
    format!("scores_{}.svg", group.to_lowercase().replace(", ", "_").replace(' ', "_"))
}

/// The critic's scores of real and of generated test images over the epochs, mean over the seeds.
pub fn scores(name: &str, records: &[&[Record]]) -> Chart {
    Chart::new(&format!("Scores of the {name}'s critic"), "epoch", "mean score, test images")
        .x_whole()
        .line("D(x), real", &family::curve(records, "test", "real"))
        .line("D(G(z)), generated", &family::curve(records, "test", "fake"))
}

/// The norms of both gradients over the epochs, mean over the steps and the seeds.
pub fn gradients(name: &str, records: &[&[Record]]) -> Chart {
    Chart::new(&format!("Gradients of the {name}"), "epoch", "norm, mean over the steps")
        .x_whole()
        .line("critic", &family::curve(records, "train", "critic_gradient"))
        .line("generator", &family::curve(records, "train", "generator_gradient"))
}

/// Ten new images of each, the first seed's, none chosen, below real ones.
fn samples(s: &GanSummary) -> Panel {
    let panel = Panel::new("New images, none chosen, and real ones", s.shape);
    let panel = panel.row(ImageRow::images("real", &s.real));
    s.makers().iter().fold(panel, |panel, (name, verdicts)| panel.row(ImageRow::images(name, &verdicts[0].first)))
}

/// A dot a network.
fn distances(s: &GanSummary) -> Chart {
    let distances = |(name, verdicts): (_, Vec<&Verdict>)| (name, verdicts.iter().map(|v| v.frechet).collect());
    let makers: Vec<(&str, Vec<f64>)> = s.makers().into_iter().map(distances).collect();
    let chart = family::dots("Fréchet distance from real images, a dot a seed", "in the judge's features", &makers);
    let level = |chart: Chart, name: &str| match s.references.iter().find(|v| v.name == name) {
        Some(v) => chart.level(&format!("{name} {:.1}", v.frechet), v.frechet),
        None => chart,
    };
    level(level(chart, "other real images"), "class means")
}

/// The share of each class, mean over the seeds.
fn classes(s: &GanSummary) -> Chart {
    let names: Vec<&str> = s.classes.iter().map(String::as_str).collect();
    let chart =
        Chart::new("Classes that the judge sees in new images", "", "per cent of the images").categories(&names);
    let chart = s.makers().into_iter().fold(chart, |chart, (name, verdicts)| {
        let share =
            |class: usize| 100.0 * verdicts.iter().map(|v| v.classes[class]).sum::<f64>() / verdicts.len() as f64;
        chart.bars(name, &(0..names.len()).map(share).collect::<Vec<_>>())
    });
    let even = 100.0 / names.len() as f64;
    chart.level(&format!("even {even:.0} %"), even)
}
