//! What is said of verdicts, and shown.

use super::{About, Verdict};
use crate::data::{Dataset, Encoding};
use crate::kernels::Real;
use crate::lab::{count, nats};
use crate::plot::{ImageRow, Panel};
use crate::report::{Block, Figure, escape, figure, table};

const FIGURE: &str = "judged.svg";

/// New images above their nearest training images.
pub fn draw(verdicts: &[Verdict], about: &About, data: &Dataset) -> Figure {
    let shown = verdicts.iter().map(|v| v.nearest.len()).max().unwrap_or(0);
    let title = format!("New images, and the training image nearest to each of {shown}");
    let mut panel = Panel::new(&title, data.train.shape());
    for verdict in verdicts {
        let near: Vec<Vec<f32>> =
            verdict.nearest.iter().map(|n| super::written(about.pixels, data.train.image(n.nearest.row))).collect();
        let captions: Vec<String> = verdict.nearest.iter().map(|n| format!("{:.0} %", 100.0 * n.percentile)).collect();
        panel = panel
            .row(ImageRow::images(&verdict.name, &verdict.first))
            .row(ImageRow::images("nearest", &near).captions(&captions));
    }
    Figure::new(FIGURE, panel.svg())
}

/// What was judged by.
pub fn about(about: &About, images: usize) -> String {
    let pixels = match about.pixels {
        Encoding::Threshold => "All images were made black and white at ½, new ones and real ones",
        _ => "All images are grey, new ones and real ones",
    };
    format!(
        "Judged by a CNN that names {:.2} % of the test images rightly ({}, seed {}), on {} each, neighbours on the first {}. {pixels}.",
        100.0 * about.accuracy,
        count(about.epochs as usize, "epoch"),
        about.seed,
        count(images, "image"),
        images.min(super::NEIGHBOURS)
    )
}

/// A table of what was measured of some sets, each number by `show`, which gets its values: one, or one a seed.
pub fn tables<'v>(rows: &[(&str, Vec<&'v Verdict>)], show: impl Fn(&[f64], usize) -> String) -> Vec<Block> {
    type Of = fn(&Verdict) -> Option<f64>;
    let row = |(name, verdicts): &(&str, Vec<&'v Verdict>), columns: &[(Of, usize)]| {
        let cell = |(of, decimals): &(Of, usize)| {
            let values: Vec<f64> = verdicts.iter().filter_map(|v| of(v)).collect();
            if values.is_empty() { "–".into() } else { show(&values, *decimals) }
        };
        [escape(name)].into_iter().chain(columns.iter().map(cell)).collect::<Vec<_>>()
    };
    let likeness: [(Of, usize); 5] = [
        (|v| Some(v.frechet), 1),
        (|v| Some(v.overlap.precision), 3),
        (|v| Some(v.overlap.recall), 3),
        (|v| Some(v.overlap.density), 3),
        (|v| Some(v.overlap.coverage), 3),
    ];
    let images: [(Of, usize); 5] = [
        (|v| Some(v.entropy), 3),
        (|v| Some(100.0 * v.rarest), 1),
        (|v| v.diversity, 2),
        (|v| Some(v.sharpness), 3),
        (|v| v.novelty.map(|x| 100.0 * x), 0),
    ];
    vec![
        table(
            ["", "Fréchet", "precision", "recall", "density", "coverage"],
            rows.iter().map(|r| row(r, &likeness)),
            "The Fréchet distance of the CNN's features from those of real images (not the FID, which is of another network); the share of \
             new images like real ones, and of real images like new ones; the same by density and coverage, which odd images disturb less.",
        ),
        table(
            ["", "entropy", "rarest class, %", "diversity", "sharpness", "nearest, %"],
            rows.iter().map(|r| row(r, &images)),
            "Entropy of the classes that the CNN sees, nats, and the share of the rarest one; the variance within a class beside that of real \
             images; the variance of the Laplacian; and how many of 100 test images are nearer to a training image than a new image is, \
             median: about 50 for images that are new, 0 for copies.",
        ),
    ]
}

/// The paragraphs about single runs.
pub fn tell(by: &About, references: &[Verdict], verdicts: &[Verdict], classes: &[String]) -> Vec<Block> {
    let images = references.first().map_or(0, |v| v.images);
    let mut text = vec![about(by, images).into()];
    let rows: Vec<(&str, Vec<&Verdict>)> =
        verdicts.iter().chain(references).map(|v| (v.name.as_str(), vec![v])).collect();
    text.extend(tables(&rows, |values, decimals| nats(values[0], decimals).replace('-', "−")));
    let (sharpness, most) = (by.sharpness, Real::ln(classes.len() as f64));
    text.push(
        format!("The sharpness of the real images is {sharpness:.3}; the entropy of the classes is at most {most:.3}.")
            .into(),
    );
    text.extend(verdicts.iter().filter_map(|v| left_out(v, classes)).map(Block::from));
    text.push(figure(
        FIGURE,
        "New images and training images",
        "New images, none chosen, and below each the training image that is nearest in its pixels, with the share of test images that are nearer \
         to one.",
    ));
    text
}

/// A class is left out that has less than this share of the images.
const LEFT_OUT: f64 = 0.02;

/// Which classes are not made; where these are most, which are.
pub fn left_out(verdict: &Verdict, classes: &[String]) -> Option<String> {
    let named = |is_told: fn(f64) -> bool| {
        let of = verdict.classes.iter().zip(classes).filter(|(share, _)| is_told(**share));
        of.map(|(share, name)| format!("{} ({:.1} %)", escape(name), 100.0 * share)).collect::<Vec<_>>()
    };
    let (rare, made) = (named(|share| share < LEFT_OUT), named(|share| share >= LEFT_OUT));
    let name = escape(&verdict.name);
    match rare.len() {
        0 => None,
        n if n > made.len() && !made.is_empty() => {
            Some(format!("{name} makes hardly anything but: {}.", made.join(", ")))
        }
        _ => Some(format!("{name} leaves out: {}.", rare.join(", "))),
    }
}
