//! New images from the prior.

use super::plane::{self, Points};
use super::{Experiment, Findings, Measure, Subject, generate};
use crate::data::Dataset;
use crate::error::Error;
use crate::plot::{ImageRow, Panel};
use crate::report::{Block, Figure, figure};
use crate::stats::mean;
use serde::Serialize;

/// `elbo sample`.
pub const EXPERIMENT: Experiment = Experiment {
    name: "sample",
    about: "Make new images from the prior",
    title: "New images",
    key: "samples",
    run: Measure::Makers(
        |subjects, data| match subjects.iter().find(|subject| subject.is_variational()) {
            Some(subject) if data.test.is_points() => {
                Ok(Findings::of(plane::measure(&Points::Coder(subject), data), plane::tell))
            }
            Some(subject) => Ok(Findings::of(measure(subject, data), tell)),
            None => Err(Error::Usage(
                "an autoencoder has no prior to draw new images from; sample needs a VAE or a GAN".into(),
            )),
        },
        |gan, data| match data.test.is_points() {
            true => Ok(Findings::of(plane::measure(&Points::Gan(gan), data), plane::tell)),
            false => Ok(Findings::of(generate::measure(gan, data), generate::tell)),
        },
    ),
};

/// Where new images came from.
#[derive(Clone, Debug, Serialize)]
pub struct Samples {
    /// z ~ N(0, I) of each image.
    pub z: Vec<Vec<f32>>,
    /// Share of the pixels of new images with a probability between 0.1 and 0.9.
    pub undecided: f64,
    /// The same share for reconstructions of test images.
    pub undecided_reconstructions: f64,
    /// How many these are.
    pub reconstructions: usize,
}

/// How many images.
const IMAGES: usize = 20;
const FIGURE: &str = "samples.svg";

/// Draws points from the prior and decodes them: pixel probabilities, and Bernoulli samples of them.
pub fn measure(subject: &Subject, data: &Dataset) -> (Samples, Vec<Figure>) {
    let n = IMAGES;
    let z = subject.prior(0..n);
    let means = subject.decode(&z);
    let drawn = subject.draw(&means, 0);
    let coordinates = if subject.latent <= 2 { "z" } else { "z₁ and z₂" };
    let title = format!("{n} new images of the {} from z ~ N(0, I), each above its {coordinates}", subject.name());
    let mut panel = Panel::new(&title, data.test.shape());
    let caption =
        |z: &Vec<f32>| z.iter().take(2).map(|v| format!("{v:.1}").replace('-', "−")).collect::<Vec<_>>().join(" ");
    for rows in (0..n).collect::<Vec<_>>().chunks(10) {
        let (first, last) = (rows[0], rows[rows.len() - 1]);
        let captions: Vec<String> = z[first..=last].iter().map(caption).collect();
        panel = panel
            .row(ImageRow::images("mean", &means[first..=last]))
            .row(ImageRow::images("sample", &drawn[first..=last]).captions(&captions));
    }
    let originals = subject.images(&data.test, &(0..n.min(data.test.len())).collect::<Vec<_>>());
    let codes = subject.encode(&originals).into_iter().map(|c| c.mu).collect::<Vec<_>>();
    let numbers = Samples {
        z,
        undecided: undecided(&means),
        undecided_reconstructions: undecided(&subject.decode(&codes)),
        reconstructions: codes.len(),
    };
    (numbers, vec![Figure::new(FIGURE, panel.svg())])
}

fn undecided(images: &[Vec<f32>]) -> f64 {
    mean(images.iter().flatten().map(|p| f64::from(u8::from((0.1..=0.9).contains(p)))))
}

/// The paragraphs.
pub fn tell(s: &Samples) -> Vec<Block> {
    let (new, seen) = (100.0 * s.undecided, 100.0 * s.undecided_reconstructions);
    let verdict = match new / seen {
        r if r > 1.25 => "the new images are the less decided",
        r if r < 0.8 => "the new images are the more decided",
        _ => "they are about as decided",
    };
    vec![
        figure(FIGURE, "New images", "Pixel probabilities (*mean*) above one draw of each pixel (*sample*), and below both their z."),
        "Each z is drawn from the prior N(0, I), without any image. *mean* is the decoded probability of each pixel, *sample* one \
         draw from it: the likelihood takes pixels as independent given z, so a draw has noise that no image has, and means \
         are what one usually shows."
            .into(),
        format!(
            "{new:.1} % of the pixels of new images are undecided (probability between 0.1 and 0.9), against {seen:.1} % in \
             {}: {verdict}. A place of the prior where no image was encoded can look undecided, or like another \
             class, or black; a picture of the latent space shows whether there are such places.",
            match s.reconstructions {
                1 => "the reconstruction of one test image".into(),
                n => format!("the reconstructions of {n} test images"),
            }
        )
        .into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::markdown;

    #[test]
    fn what_is_said_follows_the_share_of_undecided_pixels() {
        let said = |undecided| {
            let numbers = Samples { z: vec![], undecided, undecided_reconstructions: 0.2, reconstructions: 20 };
            markdown::blocks(&tell(&numbers))
        };
        assert!(said(0.3).contains("the less decided") && said(0.3).contains("30.0 %"));
        assert!(said(0.21).contains("about as decided"));
        assert!(said(0.1).contains("the more decided"));
    }
}
