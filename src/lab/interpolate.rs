//! Walks in latent space between pairs of images, within a class and between classes.

use super::{Experiment, Findings, Measure, Subject, nats, walks};
use crate::data::Dataset;
use crate::plot::{ImageRow, Panel};
use crate::report::{self, Block, Figure, escape, table};
use crate::stats::mean;
use serde::Serialize;

/// `elbo interpolate`.
pub const EXPERIMENT: Experiment = Experiment {
    name: "interpolate",
    about: "Walk in latent space between images of one class and of two; of a GAN between noises",
    title: "Interpolations",
    key: "walks",
    run: Measure::Makers(
        |subjects, data| Ok(Findings::of(measure(subjects, data), |walks| tell(walks))),
        |gan, data| Ok(Findings::of(walks::measure(gan, data), |found| walks::tell(found))),
    ),
};

/// Images of a walk, with both ends.
const STEPS: usize = 9;

/// A walk between two test images.
#[derive(Clone, Debug, Serialize)]
pub struct Walk {
    /// The network.
    pub name: String,
    /// The test images at its ends.
    pub ends: [usize; 2],
    /// Their classes.
    pub classes: [String; 2],
    /// Loss of each end's reconstruction, nats.
    pub losses: [f64; 2],
    /// Mean change of a pixel in each step.
    pub steps: Vec<f64>,
}

impl Walk {
    /// Share of the change that happens in the largest step: 1 / steps when all are equal. None where nothing changes.
    fn largest_step(&self) -> Option<f64> {
        let sum: f64 = self.steps.iter().sum();
        (sum > 0.0).then(|| self.steps.iter().copied().fold(0.0, f64::max) / sum)
    }

    fn is_within_a_class(&self) -> bool {
        self.classes[0] == self.classes[1]
    }

    fn title(&self) -> String {
        if self.is_within_a_class() { self.classes[0].clone() } else { self.classes.join(" → ") }
    }
}

/// Pairs of test images within a class, and between classes.
fn pairs(data: &Dataset) -> Vec<[usize; 2]> {
    let nth =
        |class: usize, n: usize| (0..data.test.len()).filter(|&i| usize::from(data.test.label(i)) == class).nth(n);
    // Fashion-MNIST's T-shirt, Trouser and Bag; T-shirt and Dress, Trouser and Sneaker, Sandal and Ankle boot. A set with fewer
    // classes has fewer pairs.
    let within = [0, 1, 8].map(|class| [nth(class, 0), nth(class, 1)]);
    let between = [[0, 3], [1, 7], [5, 9]].map(|classes| classes.map(|class| nth(class, 2)));
    within.into_iter().chain(between).filter_map(|[a, b]| Some([a?, b?])).collect()
}

/// Walks in straight lines from μ to μ, a figure a network.
pub fn measure(subjects: &[Subject], data: &Dataset) -> (Vec<Walk>, Vec<Figure>) {
    if pairs(data).is_empty() {
        return (Vec::new(), Vec::new());
    }
    let (walks, figures): (Vec<_>, _) = subjects.iter().map(|subject| of_one(subject, data)).unzip();
    (walks.concat(), figures)
}

fn of_one(subject: &Subject, data: &Dataset) -> (Vec<Walk>, Figure) {
    let title = format!("Walks of the {} between two test images (framed), in a straight line of z", subject.name());
    let mut panel = Panel::new(&title, data.test.shape());
    let mut walks = Vec::new();
    for ends in pairs(data) {
        let originals = subject.images(&data.test, &ends);
        let codes = subject.encode(&originals);
        let point = |t: usize| {
            let t = t as f32 / (STEPS - 1) as f32;
            codes[0].mu.iter().zip(&codes[1].mu).map(|(a, b)| a + t * (b - a)).collect()
        };
        let decoded = subject.decode(&(0..STEPS).map(point).collect::<Vec<Vec<f32>>>());
        let classes = ends.map(|i| data.class_names[usize::from(data.test.label(i))].clone());
        let losses = subject.losses(&originals, &codes.iter().map(|c| c.mu.clone()).collect::<Vec<_>>());
        let losses = [losses[0], losses[1]];
        let row: Vec<Vec<f32>> = [&originals[..1], &decoded[..], &originals[1..]].concat();
        let change = |a: &[f32], b: &[f32]| mean(a.iter().zip(b).map(|(a, b)| f64::from((a - b).abs())));
        let steps = decoded.windows(2).map(|pair| change(&pair[0], &pair[1])).collect();
        let walk = Walk { name: subject.name().to_string(), ends, classes, losses, steps };
        panel = panel.row(ImageRow::images(&walk.title(), &row).framed(&[0, STEPS + 1]));
        walks.push(walk);
    }
    (walks, Figure::new(figure(subject.name()), panel.svg()))
}

fn figure(name: &str) -> String {
    format!("walks_{}.svg", name.to_lowercase())
}

/// The paragraphs.
pub fn tell(walks: &[Walk]) -> Vec<Block> {
    if walks.is_empty() {
        return vec![
            "There is nothing to walk between: among the test images there are no two of the classes 0, 1 or 8, and none of both of the \
             classes 0 and 3, 1 and 7, or 5 and 9."
                .into(),
        ];
    }
    let even = 1.0 / (STEPS - 1) as f64;
    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    let mut text: Vec<Block> = vec![
        format!(
            "Two test images are encoded, and the straight line between their means is decoded at {STEPS} equally distant points. \
             The change in a step is the mean over pixels of the change of their probability; if all steps were equal, the largest \
             would hold {:.1} % of it.",
            100.0 * even
        )
        .into(),
    ];
    let mut names: Vec<&str> = walks.iter().map(|w| &w.name[..]).collect();
    names.dedup();
    for name in names {
        let own: Vec<&Walk> = walks.iter().filter(|w| w.name == name).collect();
        text.push(report::figure(
            &figure(name),
            format!("Walks of the {name}"),
            format!("What the {name} decodes on the way, between the two test images themselves (framed)."),
        ));
        text.push(table(
            [&format!("{name}: walk"), "loss of the ends", "change in all", "largest step"],
            own.iter().map(|w| {
                let sum: f64 = w.steps.iter().sum();
                let ends = w.losses.map(|l| nats(l, 1)).join(", ");
                vec![escape(&w.title()), ends, format!("{sum:.3}"), w.largest_step().map_or("–".into(), percent)]
            }),
            "Losses in nats; the change of a pixel's probability, summed over the steps, and the share of it in the largest one.",
        ));
        let share = |within: bool| {
            let (sum, n) = (own.iter().filter(|w| w.is_within_a_class() == within))
                .filter_map(|w| w.largest_step())
                .fold((0.0, 0.0), |(sum, n), step| (sum + step, n + 1.0));
            (n > 0.0).then(|| sum / n)
        };
        if let (Some(within), Some(between)) = (share(true), share(false)) {
            let verdict = if between > 1.25 * within {
                "The walks between classes are the less even."
            } else if within > 1.25 * between {
                "The walks within a class are the less even."
            } else {
                "Walks within and between classes are about equally even."
            };
            text.push(
                format!(
                    "{name}: the largest step holds {} of the change within classes and {} between them. {verdict}",
                    percent(within),
                    percent(between)
                )
                .into(),
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::markdown;

    fn walk(classes: [&str; 2], steps: [f64; 4]) -> Walk {
        let classes = classes.map(String::from);
        Walk { name: "VAE".into(), ends: [0, 1], classes, losses: [1.0, 2.0], steps: steps.to_vec() }
    }

    #[test]
    fn a_jump_is_told_where_it_is() {
        let (even, jump) = ([1.0; 4], [0.0, 0.1, 0.9, 0.0]);
        let said = |within, between| {
            let walks = [walk(["Bag", "Bag"], within), walk(["Bag", "Coat"], between)];
            markdown::blocks(&tell(&walks))
        };
        assert!(
            said(even, jump).contains("25 % of the change within classes and 90 % between them. The walks between")
        );
        assert!(said(jump, even).contains("walks within a class are the less even"));
        assert!(said(even, even).contains("equally even"));
        assert!(said([0.0; 4], [0.0; 4]).contains("| – |"));
    }
}
