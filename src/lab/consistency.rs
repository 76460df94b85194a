//! One image, encoded and decoded many times: does the same come out?

use super::{Code, Experiment, Findings, Measure, Subject, examples, list};
use crate::data::Dataset;
use crate::plot::{Chart, ImageRow, Panel};
use crate::report::{Block, Figure, escape, figure, formula, table};
use crate::rng::{Purpose, Stream};
use crate::stats::{correlation, mean};
use serde::Serialize;

/// `elbo consistency`.
pub const EXPERIMENT: Experiment = Experiment {
    name: "consistency",
    about: "Encode and decode images many times: how consistent are the outputs?",
    title: "Consistency",
    key: "consistency",
    run: Measure::Coders(|subjects, data| Ok(Findings::of(measure(subjects, data), |ways| tell(ways)))),
};

/// How often each image goes through.
const PASSES: usize = 100;
/// How many images do.
const IMAGES: usize = 100;

/// How z is taken from q(z | x).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    Mean,
    Sample,
}

/// The consistency of one way of decoding.
#[derive(Clone, Debug, Serialize)]
pub struct Consistency {
    /// `AE`, `VAE, z = μ` or `VAE, z ~ q`.
    pub name: String,
    /// Whether z is drawn.
    pub drawn: bool,
    /// How many images were taken.
    pub images: usize,
    /// How often each went through.
    pub passes: usize,
    /// Distinct outputs (to the bit) of the first image.
    pub distinct_one: usize,
    /// Mean over images of the number of distinct outputs.
    pub distinct: f64,
    /// Mean over images and pixels of the standard deviation over passes.
    pub pixel_std: f64,
    /// Mean Hamming distance between two passes' outputs thresholded at ½, in pixels.
    pub hamming: f64,
    /// Share of the pixels that this is.
    pub hamming_share: f64,
    /// Over images: correlation of the posterior's mean σ with the pixels' mean standard deviation; none without spread.
    pub sigma_spread_correlation: Option<f64>,
    /// Over images: correlation of the posterior's mean σ with the decoder's slope at μ, the mean over pixels and latents of
    /// |∂p/∂z|; none without spread.
    pub sigma_slope_correlation: Option<f64>,
}

const MAPS: &str = "consistency.svg";
const SPREAD: &str = "sigma_spread.svg";

/// Runs the experiment with each network: maps for some images, and σ against spread.
pub fn measure(subjects: &[Subject], data: &Dataset) -> (Vec<Consistency>, Vec<Figure>) {
    let rows = examples(data, IMAGES);
    let shown = rows.len().min(10);
    let class = |&i: &usize| data.class_names[usize::from(data.test.label(i))].clone();
    let mut panel = Panel::new(&format!("Standard deviation of each pixel over {PASSES} passes"), data.test.shape())
        .columns(&rows[..shown].iter().map(class).collect::<Vec<_>>())
        .row(ImageRow::images("original", &subjects[0].images(&data.test, &rows[..shown])));
    let mut chart = Chart::new(
        "Posterior width and spread of reconstructions",
        "mean posterior σ",
        "mean pixel standard deviation",
    );
    let mut results = Vec::new();
    for subject in subjects {
        let images = subject.images(&data.test, &rows);
        let codes = subject.encode(&images);
        let ways: &[(Choice, &str)] = match subject.is_variational() {
            true => &[(Choice::Mean, ", z = μ"), (Choice::Sample, ", z ~ q")],
            false => &[(Choice::Mean, "")],
        };
        for &(choice, suffix) in ways {
            let name = format!("{}{suffix}", subject.name());
            let spread = |(image, &row): (&Vec<f32>, &usize)| Spread::of(&passes(subject, image, row, choice));
            let spreads: Vec<Spread> = images.iter().zip(&rows).map(spread).collect();
            let std: Vec<f64> = spreads.iter().map(|s| mean(s.std.iter().map(|&v| f64::from(v)))).collect();
            let sigma: Vec<f64> = codes.iter().map(|c| mean(c.sigma.iter().map(|&v| f64::from(v)))).collect();
            panel = panel.row(ImageRow::heat(&name, &spreads[..shown].iter().map(|s| &s.std[..]).collect::<Vec<_>>()));
            let varies = std.iter().any(|&s| s > 0.0);
            if varies {
                chart = chart.scatter(&name, &sigma.iter().copied().zip(std.iter().copied()).collect::<Vec<_>>());
            }
            let hamming = mean(spreads.iter().map(|s| s.hamming));
            results.push(Consistency {
                name,
                drawn: matches!(choice, Choice::Sample),
                images: rows.len(),
                passes: PASSES,
                distinct_one: spreads[0].distinct,
                distinct: mean(spreads.iter().map(|s| s.distinct as f64)),
                pixel_std: mean(std.iter().copied()),
                hamming,
                hamming_share: hamming / data.test.pixels() as f64,
                sigma_spread_correlation: correlation(&sigma, &std),
                sigma_slope_correlation: correlation(&sigma, &slopes(subject, &codes)),
            });
        }
    }
    let mut figures = vec![Figure::new(MAPS, panel.svg())];
    if results.iter().any(|c| c.sigma_spread_correlation.is_some()) {
        figures.push(Figure::new(SPREAD, chart.svg()));
    }
    (results, figures)
}

/// The decoder's slope at each mean: |p(μ + h eᵢ) − p(μ − h eᵢ)| / 2h, mean over pixels and latents.
fn slopes(subject: &Subject, codes: &[Code]) -> Vec<f64> {
    const H: f32 = 0.01;
    let moved = |code: &Code, i: usize, h: f32| {
        let mut z = code.mu.clone();
        z[i] += h;
        z
    };
    let slope = |code: &Code| {
        let points = (0..subject.latent).flat_map(|i| [moved(code, i, H), moved(code, i, -H)]).collect::<Vec<_>>();
        let pairs = subject.decode(&points);
        let change = |pair: &[Vec<f32>]| mean(pair[0].iter().zip(&pair[1]).map(|(a, b)| f64::from((a - b).abs())));
        mean(pairs.chunks(2).map(change)) / f64::from(2.0 * H)
    };
    codes.iter().map(slope).collect()
}

/// The paragraphs.
pub fn tell(ways: &[Consistency]) -> Vec<Block> {
    let optional = |r: Option<f64>| r.map_or("–".into(), |r| list(&[r]));
    let (images, passes) = ways.first().map_or((0, 0), |c| (c.images, c.passes));
    let mut text: Vec<Block> = vec![
        format!(
            "{} encoded and decoded {passes} times. An autoencoder's code is a point, a function of \
             the image. A VAE's is a distribution, q(z | x) = N(μ, σ²): one can decode its mean, or each time another sample.",
            match images {
                1 => "The only test image is".to_string(),
                n => format!("Each of {n} test images is"),
            }
        )
        .into(),
        formula(
            "z = μ(x) + σ(x) ⊙ ε, ε ~ N(0, I)",
            "A sample of q(z | x), written so that μ and σ have derivatives: the noise ε is an input. \
             [Kingma and Welling 2014](https://arxiv.org/abs/1312.6114), section 2.4.",
        ),
        table(
            [
                "",
                "distinct outputs, first image",
                "mean over images",
                "pixel standard deviation",
                "Hamming distance, pixels",
                "correlation of σ and spread",
            ],
            ways.iter().map(|c| {
                vec![
                    escape(&c.name),
                    c.distinct_one.to_string(),
                    format!("{:.1}", c.distinct),
                    format!("{:.4}", c.pixel_std),
                    format!("{:.2}", c.hamming),
                    optional(c.sigma_spread_correlation),
                ]
            }),
            format!(
                "What differs between {passes} passes of an image, mean over the images: outputs are distinct if one bit is; the standard \
                 deviation is that of a pixel's probability; the distance is between two passes thresholded at ½."
            ),
        ),
    ];
    for c in ways {
        if c.distinct == 1.0 {
            let why = if c.drawn { "the decoder ignores which z is drawn" } else { "nothing is drawn on the way" };
            text.push(format!("{}: every pass gives the same bits: {why}.", c.name).into());
            continue;
        }
        let share = 100.0 * c.hamming_share;
        text.push(
            format!(
                "{}: {:.1} of {passes} outputs are distinct. Thresholded at ½, two passes differ in {:.1} pixels, {share:.1} % of the image.",
                c.name, c.distinct, c.hamming
            )
            .into(),
        );
    }
    let least = ways.iter().map(|c| c.pixel_std).fold(f64::INFINITY, f64::min);
    let names = |most: bool| {
        let of = ways.iter().filter(|c| (c.pixel_std == least) == most).map(|c| &c.name[..]).collect::<Vec<_>>();
        of.join("; ")
    };
    if ways.len() > 1 && !names(false).is_empty() {
        text.push(format!("Most consistent: {}. Less so: {}.", names(true), names(false)).into());
    }
    text.push(figure(
        MAPS,
        "Standard deviation maps",
        "The standard deviation of each pixel's probability over the passes: where a reconstruction changes from one pass to the next.",
    ));
    let strength = |r: f64| match r {
        r if r > 0.3 => "rises with",
        r if r < -0.3 => "falls with",
        _ => "hardly depends on",
    };
    for c in ways {
        let Some(spread) = c.sigma_spread_correlation else { continue };
        let mut said = format!(
            "How far reconstructions of an image spread {} the width σ of its posterior (correlation {}).",
            strength(spread),
            list(&[spread])
        );
        if let Some(slope) = c.sigma_slope_correlation {
            said += &format!(
                " To first order the spread is σ times the slope of the decoder, and the width {} that slope (correlation {}){}.",
                strength(slope),
                list(&[slope]),
                if slope < -0.3 {
                    ": where a small change of z changes the image much, the encoder has learned to be precise"
                } else {
                    ""
                }
            );
        }
        text.push(said.into());
    }
    if ways.iter().any(|c| c.sigma_spread_correlation.is_some()) {
        text.push(figure(
            SPREAD,
            "Posterior width and spread",
            "A dot an image: σ, mean over the latent dimensions, against the standard deviation over the passes, mean over the pixels.",
        ));
    }
    text
}

/// What comes out when one image is encoded and decoded again and again: a batch of copies, each going through on its own.
fn passes(subject: &Subject, image: &[f32], row: usize, choice: Choice) -> Vec<Vec<f32>> {
    let mut stream = Stream::new(subject.seed, Purpose::Posterior, 0, row as u64);
    let mut draw = |code: Code| match choice {
        Choice::Mean => code.mu,
        Choice::Sample => code.mu.iter().zip(&code.sigma).map(|(m, s)| m + s * stream.normal() as f32).collect(),
    };
    let codes = subject.encode(&vec![image.to_vec(); PASSES]);
    subject.decode(&codes.into_iter().map(&mut draw).collect::<Vec<_>>())
}

/// How outputs for one image differ.
struct Spread {
    distinct: usize,
    std: Vec<f32>,
    hamming: f64,
}

impl Spread {
    fn of(outputs: &[Vec<f32>]) -> Self {
        let n = outputs.len() as f64;
        let mut bits: Vec<Vec<u32>> = outputs.iter().map(|o| o.iter().map(|x| x.to_bits()).collect()).collect();
        bits.sort_unstable();
        bits.dedup();
        let (mut std, mut differing) = (Vec::new(), 0.0);
        for j in 0..outputs[0].len() {
            let first = f64::from(outputs[0][j]);
            // Around the first value, so that equal values have exactly no variance.
            let (sum, squares) = outputs.iter().fold((0.0, 0.0), |(sum, squares), o| {
                let d = f64::from(o[j]) - first;
                (sum + d, squares + d * d)
            });
            std.push(((squares / n - (sum / n) * (sum / n)).max(0.0)).sqrt() as f32);
            let on = outputs.iter().filter(|o| o[j] >= 0.5).count() as f64;
            differing += on * (n - on);
        }
        Spread { distinct: bits.len(), std, hamming: differing / (n * (n - 1.0) / 2.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::markdown;

    fn way(name: &str, distinct: f64, pixel_std: f64) -> Consistency {
        Consistency {
            name: name.into(),
            drawn: name.contains('~'),
            images: 100,
            passes: 100,
            distinct_one: distinct as usize,
            distinct,
            pixel_std,
            hamming: 100.0 * pixel_std,
            hamming_share: pixel_std,
            sigma_spread_correlation: (distinct > 1.0).then_some(0.6),
            sigma_slope_correlation: (distinct > 1.0).then_some(0.1),
        }
    }

    #[test]
    fn the_more_consistent_network_is_the_one_with_the_smaller_spread() {
        let said = markdown::blocks(&tell(&[way("AE", 1.0, 0.0), way("VAE, z ~ q", 100.0, 0.01)]));
        assert!(said.contains("Most consistent: AE. Less so: VAE, z ~ q."));
        assert!(said.contains("AE: every pass gives the same bits") && said.contains("1.0 % of the image"));
        assert!(said.contains("rises with the width σ of its posterior (correlation 0.60)"));
        assert!(said.contains("hardly depends on that slope (correlation 0.10)."));
        let said = markdown::blocks(&tell(&[way("AE", 3.0, 0.3), way("VAE, z ~ q", 100.0, 0.01)]));
        assert!(said.contains("Most consistent: VAE, z ~ q. Less so: AE."));
        assert!(!said.contains("the same bits"));
        let said = markdown::blocks(&tell(&[way("VAE, z ~ q", 1.0, 0.0)]));
        assert!(
            said.contains("the same bits: the decoder ignores which z is drawn") && !said.contains("nothing is drawn")
        );
    }

    #[test]
    fn equal_outputs_have_no_spread_and_different_ones_have_theirs() {
        let same = Spread::of(&vec![vec![0.3, 0.9]; 5]);
        assert_eq!((same.distinct, &same.std[..], same.hamming), (1, &[0.0, 0.0][..], 0.0));
        let two = Spread::of(&[vec![0.0, 0.4], vec![1.0, 0.4]]);
        assert_eq!((two.distinct, &two.std[..], two.hamming), (2, &[0.5, 0.0][..], 1.0));
    }
}
