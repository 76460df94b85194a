//! Its figures.

use super::{ActivationSummary, Run};
use crate::lab::family;
use crate::plot::{Chart, ImageRow, Panel};
use crate::report::Figure;
use crate::train::Record;

pub const ACCURACY: &str = "accuracy.svg";
pub const LOSS: &str = "cross_entropy.svg";
pub const FINAL: &str = "final_accuracy.svg";
pub const FILTERS: &str = "filters.svg";

/// All of them.
pub fn draw(s: &ActivationSummary) -> Vec<Figure> {
    vec![
        Figure::new(ACCURACY, curves(s, "Accuracy in training", "accuracy", "per cent of the images", 100.0).svg()),
        Figure::new(LOSS, curves(s, "Cross-entropy in training", "cross_entropy", "nats per image", 1.0).svg()),
        Figure::new(FINAL, finals(s).svg()),
        Figure::new(FILTERS, filters(s).svg()),
    ]
}

/// The mean over the seeds after each epoch, test and train.
fn curves(s: &ActivationSummary, title: &str, quantity: &str, unit: &str, scale: f64) -> Chart {
    let mut chart = Chart::new(title, "epoch", unit).x_whole();
    for (group, runs) in s.groups() {
        let records: Vec<&[Record]> = runs.iter().map(|run| &run.records[..]).collect();
        let curve = |split: &str| -> Vec<(f64, f64)> {
            family::curve(&records, split, quantity).into_iter().map(|(epoch, y)| (epoch, scale * y)).collect()
        };
        chart =
            chart.line(&format!("{group}, test"), &curve("test")).dashed(&format!("{group}, train"), &curve("train"));
    }
    chart
}

/// A dot a network.
fn finals(s: &ActivationSummary) -> Chart {
    let accuracies =
        |(group, runs): (_, Vec<&Run>)| (group, runs.iter().filter_map(|run| Some(100.0 * run.accuracy()?)).collect());
    let groups: Vec<(&str, Vec<f64>)> = s.groups().into_iter().map(accuracies).collect();
    family::dots("Test accuracy after training, a dot a seed", "per cent of the images", &groups)
}

/// The first layer's windows of the first seed, black the most negative and white the most positive weight.
fn filters(s: &ActivationSummary) -> Panel {
    let mut panel = Panel::new("Windows of the first layer, 3 × 3 weights each", [1, 3, 3]);
    for (group, runs) in s.groups() {
        let filters = &runs[0].filters;
        let largest = filters.iter().flatten().fold(f32::MIN_POSITIVE, |m, w| m.max(w.abs()));
        let shade = |w: &f32| if w.is_finite() { 0.5 + 0.5 * w / largest } else { 0.5 };
        let shades: Vec<Vec<f32>> = filters.iter().map(|w| w.iter().map(shade).collect()).collect();
        for (i, row) in shades.chunks(16).enumerate() {
            panel = panel.row(ImageRow::images(if i == 0 { group } else { "" }, row));
        }
    }
    panel
}
