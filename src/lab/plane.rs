//! Networks on points of the plane: what they make, over what they learned from, and where a critic wants it to go.

use super::generate::{About, Source};
use super::{Subject, count};
use crate::data::{self, Dataset, Toy, toys};
use crate::kernels::math::double::{exp, ln};
use crate::models::Trainer;
use crate::plot::{Chart, Field};
use crate::report::{Block, Figure, escape, figure};
use serde::Serialize;

/// New points that are counted, as many as in Srivastava et al. 2017.
const POINTS: usize = 2500;
/// Those of a frame of the film.
const IN_FRAME: usize = 1000;
/// Pixels along a side of a frame.
const FRAME: usize = 400;
/// Points along a side where the critic is asked: for a figure, for a frame, and for arrows.
const FIELD: [usize; 3] = [96, 48, 15];
/// Where points are: also a GAN makes none beyond.
const EXTENT: (f64, f64) = (-1.0, 1.0);
const FIGURE: &str = "plane.svg";

/// How points spread over the modes of a [`Toy`], as Srivastava et al. 2017 (VEEGAN, arXiv 1705.07761, section 4.1) count.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Coverage {
    /// How many points were looked at.
    pub points: usize,
    /// How many modes there are.
    pub modes: usize,
    /// Modes that are nearest to at least one high-quality point.
    pub covered: usize,
    /// Share of the points that are of high quality: within 3 σ of the nearest mode. Of the Gaussians' own points 98.9 % are, of the
    /// curves' 99.7 %.
    pub high_quality: f64,
    /// How many equally likely modes would spread as the high-quality points do over the modes nearest to them: exp(−Σ p ln p); 0 where
    /// there are none.
    pub effective: f64,
    /// High-quality points of each mode.
    pub of_modes: Vec<(String, usize)>,
}

impl Coverage {
    /// Counts.
    pub fn of(toy: Toy, points: &[[f64; 2]]) -> Self {
        let mut counts = vec![0; toy.modes()];
        for (mode, distance) in points.iter().map(|point| toy.nearest(*point)) {
            counts[mode] += usize::from(distance <= 3.0 * toy.sigma());
        }
        let good: usize = counts.iter().sum();
        let shares = counts.iter().filter(|n| **n > 0).map(|n| *n as f64 / good as f64);
        let entropy = -shares.map(|p| p * ln(p)).sum::<f64>();
        Coverage {
            points: points.len(),
            modes: counts.len(),
            covered: counts.iter().filter(|n| **n > 0).count(),
            high_quality: good as f64 / points.len() as f64,
            effective: if good == 0 { 0.0 } else { exp(entropy) },
            of_modes: toy.class_names().into_iter().zip(counts).collect(),
        }
    }

    /// In a sentence.
    pub fn sentence(&self) -> String {
        let Coverage { modes, covered, high_quality, effective, .. } = self;
        format!(
            "{covered} of {modes} modes covered, as evenly as {effective:.1} equally likely ones; {:.1} % of {} are of high quality",
            100.0 * high_quality,
            count(self.points, "new point")
        )
    }
}

/// What a critic thinks of the plane.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Opinion {
    /// The least and the greatest score.
    pub scores: [f64; 2],
    /// |∂L/∂x| of the longest arrow, L the generator's loss of one point x.
    pub steepest: f64,
}

/// What a network makes of points.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plane {
    /// The network.
    pub name: String,
    /// How its points spread over the modes, where these are known.
    pub coverage: Option<Coverage>,
    /// Its critic's, if it has one.
    pub critic: Option<Opinion>,
    /// Which GAN, if it is one.
    pub gan: Option<About>,
}

/// A network to draw points from.
pub enum Points<'a> {
    /// By its decoder.
    Coder(&'a Subject<'a>),
    /// By its generator.
    Gan(&'a Source<'a>),
}

impl Points<'_> {
    fn name(&self) -> &'static str {
        match self {
            Points::Coder(subject) => subject.name(),
            Points::Gan(source) => source.technique().name,
        }
    }

    /// New points from fixed noise, n of them, of the data's classes in turn where a class must be told; of an autoencoder, which has no
    /// prior, the test points as it reconstructs them.
    fn points(&self, n: usize, data: &Dataset) -> Vec<[f64; 2]> {
        let images = match self {
            Points::Gan(source) => source.images(0..n, |i| i % data.class_names.len()),
            Points::Coder(subject) if subject.is_variational() => subject.decode(&subject.prior(0..n)),
            Points::Coder(subject) => {
                let rows: Vec<usize> = (0..n.min(data.test.len())).collect();
                let codes = subject.encode(&subject.images(&data.test, &rows));
                subject.decode(&codes.into_iter().map(|code| code.mu).collect::<Vec<_>>())
            }
        };
        images.iter().map(|image| toys::point(image)).collect()
    }

    /// The critic's scores on so many points along a side; 0 without a critic.
    fn field(&self, side: usize) -> Field {
        Field::new(EXTENT, side, |points| match self {
            Points::Gan(source) => source.judge(points).into_iter().map(|(score, _)| score as f32).collect(),
            Points::Coder(_) => vec![0.0; points.len()],
        })
    }
}

/// Runs `look` with a network in training, if it makes points.
fn with_source<R>(trainer: &Trainer, look: impl FnOnce(&Points) -> R) -> Option<R> {
    match Source::of(trainer) {
        Some(source) => Some(look(&Points::Gan(&source))),
        None => Subject::of(trainer).map(|subject| look(&Points::Coder(&subject))),
    }
}

/// How new points of a network in training spread over the modes; none where there are no modes, or no new points.
pub fn coverage(trainer: &Trainer, data: &Dataset) -> Option<Coverage> {
    let toy = toy(data)?;
    let makes_new = |maker: &Points| !matches!(maker, Points::Coder(subject) if !subject.is_variational());
    with_source(trainer, |maker| makes_new(maker).then(|| Coverage::of(toy, &maker.points(POINTS, data))))?
}

/// A frame of the film, a PNG: the test points in grey, new points of fixed noise in blue, and as a tint what the critic thinks; none of
/// a network that makes no points.
pub fn frame(trainer: &Trainer, data: &Dataset) -> Option<Vec<u8>> {
    let test = toys::points(&data.test);
    with_source(trainer, |maker| maker.field(FIELD[1]).snapshot(FRAME, &test, &maker.points(IN_FRAME, data)))
}

/// Where the modes of the data are known.
fn toy(data: &Dataset) -> Option<Toy> {
    match data.origin.source {
        data::Source::Toy(toy) => Some(toy),
        _ => None,
    }
}

/// Draws new points over the test points, and what a critic thinks of the plane.
pub fn measure(maker: &Points, data: &Dataset) -> (Plane, Vec<Figure>) {
    let pairs = |points: &[[f64; 2]]| points.iter().map(|[x, y]| (*x, *y)).collect::<Vec<_>>();
    let points = maker.points(POINTS, data);
    let title = format!("{} of the {} over {}", count(points.len(), "new point"), maker.name(), data.name);
    let mut chart = Chart::new(&title, "x", "y").x_range(EXTENT.0, EXTENT.1).y_range(EXTENT.0, EXTENT.1).square();
    let (mut critic, mut gan) = (None, None);
    if let Points::Gan(source) = maker {
        let field = maker.field(FIELD[0]);
        let (least, greatest) = field.extremes();
        let (arrows, steepest) = arrows(source);
        chart = chart.tint("critic's score", &field).arrows(&arrows);
        gan = Some(source.about());
        critic = Some(Opinion { scores: [least, greatest].map(f64::from), steepest });
    }
    chart =
        chart.scatter("new points", &pairs(&points)).scatter("test points", &pairs(&toys::points(&data.test))).muted();
    let coverage = toy(data).map(|toy| Coverage::of(toy, &points));
    let plane = Plane { name: maker.name().into(), coverage, critic, gan };
    (plane, vec![Figure::new(FIGURE, chart.svg())])
}

/// Arrows along −∂L/∂x at the centres of equal cells, the longest as long as a cell; and the slope that this stands for.
fn arrows(source: &Source) -> (Vec<[f64; 4]>, f64) {
    let cell = (EXTENT.1 - EXTENT.0) / FIELD[2] as f64;
    let centre = |i: usize| EXTENT.0 + cell * (i as f64 + 0.5);
    let at: Vec<[f64; 2]> = (0..FIELD[2] * FIELD[2]).map(|i| [centre(i % FIELD[2]), centre(i / FIELD[2])]).collect();
    let pulls: Vec<[f64; 2]> = source.judge(&at).into_iter().map(|(_, pull)| pull).collect();
    let steepest =
        pulls.iter().map(|[dx, dy]| (dx * dx + dy * dy).sqrt()).filter(|d| d.is_finite()).fold(0.0, f64::max);
    let scale = cell / steepest.max(f64::MIN_POSITIVE);
    (at.iter().zip(&pulls).map(|([x, y], [dx, dy])| [*x, *y, scale * dx, scale * dy]).collect(), steepest)
}

/// The paragraphs.
pub fn tell(plane: &Plane) -> Vec<Block> {
    let critic = match plane.critic {
        Some(Opinion { scores: [least, greatest], steepest }) => format!(
            " The stronger the tint, the higher the critic's score: from {least:.2} to {greatest:.2}. An arrow is −∂L/∂x, which way the \
             generator's loss L wants a new point that is there to go; the longest stands for a slope of {steepest:.2e}."
        )
        .replace(" -", " −"),
        None => String::new(),
    };
    let caption = format!("*Grey*: the test points. *Blue*: new points, each from other noise.{critic}");
    let mut text = vec![figure(FIGURE, "New points over the data", caption)];
    if let Some(c) = &plane.coverage {
        text.push(format!("{}: {}.", escape(&plane.name), c.sentence()).into());
        let [fewest, most] = [
            c.of_modes.iter().min_by_key(|(_, n)| *n).expect("there are modes"),
            c.of_modes.iter().rev().max_by_key(|(_, n)| *n).expect("there are modes"),
        ];
        let share = |n: usize| 100.0 * n as f64 / c.points as f64;
        text.push(
            format!(
                "The most high-quality points are at {} ({:.1} % of all points), the fewest at {} ({:.1} %); a mode of the data has \
                 {:.1} %. A point is of high quality within 3 σ of the nearest mode, and a mode is covered by one such point \
                 (Srivastava et al. 2017, arXiv 1705.07761).",
                escape(&most.0),
                share(most.1),
                escape(&fewest.0),
                share(fewest.1),
                100.0 / c.modes as f64
            )
            .into(),
        );
    }
    text.extend(plane.gan.iter().flat_map(About::tell));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::gan::{self, TECHNIQUES, Variant};
    use crate::models::{Settings, adversarial, coder};
    use crate::report::markdown;

    #[test]
    fn points_of_a_hand_made_sample_are_counted() {
        let at = |mode: usize, distance: f64| {
            let [x, y] = Toy::Ring.line(mode, 0.0);
            [x, y + distance]
        };
        // Within 3 σ = 0.12 of E twice and of N once; of S only beyond; and one in the middle.
        let c = Coverage::of(Toy::Ring, &[at(0, 0.0), at(0, 0.119), at(2, -0.11), at(6, 0.121), [0.0, 0.0]]);
        assert_eq!((c.points, c.modes, c.covered, c.high_quality), (5, 8, 2, 0.6));
        let of = |name: &str| c.of_modes.iter().find(|(n, _)| n == name).unwrap().1;
        assert_eq!(["E", "N", "S"].map(of), [2, 1, 0]);
        // Shares of 2/3 and 1/3: exp(ln 3 − 2/3 ln 2).
        assert!((c.effective - 3.0 / 2f64.powf(2.0 / 3.0)).abs() < 1e-12, "{}", c.effective);
        let none = Coverage::of(Toy::Ring, &[[0.0, 0.0]]);
        assert_eq!((none.covered, none.high_quality, none.effective), (0, 0.0, 0.0));
    }

    #[test]
    fn the_data_themselves_cover_all_modes_evenly() {
        for toy in Toy::ALL {
            let c = Coverage::of(toy, &toys::points(&toy.dataset(10, 5000).test));
            assert_eq!(c.covered, toy.modes());
            assert!(c.high_quality > 0.98 && c.effective > 0.99 * toy.modes() as f64, "{toy:?} {c:?}");
        }
    }

    /// Against differences of the generator's loss of one point, whose critic is trained a little so that it is not flat.
    #[test]
    fn arrows_are_the_slope_of_the_generators_loss() {
        let data = Toy::Moons.dataset(256, 10);
        for technique in &TECHNIQUES {
            let own = gan::Settings { critic_steps: 1, ..gan::Settings::new(technique.variant, data.train.shape(), 2) };
            let mut trainer = Trainer::new(adversarial(own.clone())).unwrap();
            (0..4).for_each(|_| trainer.step(&data).unwrap());
            let source = Source::of(&trainer).unwrap();
            let told = if technique.is_conditional { 2 } else { 1 };
            let loss = |point: [f64; 2]| {
                let tape = crate::Tape::new();
                let gan = trainer.task.gan().unwrap();
                let pixels: Vec<f32> = point.iter().map(|v| (0.5 * v + 0.5) as f32).collect();
                let losses = (0..told).map(|class| {
                    let x = tape.leaf(crate::Tensor::new(pixels.clone(), [1, 2]));
                    f64::from(own.game.generator(gan.score(&tape, x, &[class])).item())
                });
                losses.sum::<f64>() / told as f64
            };
            let (step, at) = (2e-3, [[0.1, 0.2], [-0.7, 0.4], [0.55, -0.35]]);
            for (point, (_, pull)) in at.iter().zip(source.judge(&at)) {
                for axis in [0, 1] {
                    let moved = |by: f64| {
                        let mut moved = *point;
                        moved[axis] += by;
                        loss(moved)
                    };
                    let slope = (moved(step) - moved(-step)) / (2.0 * step);
                    let bound = 0.02 * (pull[0] * pull[0] + pull[1] * pull[1]).sqrt() + 1e-4;
                    assert!((pull[axis] + slope).abs() < bound, "{}: {} {slope}", technique.name, pull[axis]);
                }
            }
        }
    }

    #[test]
    fn every_network_that_makes_points_has_a_frame_and_a_figure() {
        let data = Toy::Moons.dataset(64, 32);
        let hidden = vec![4];
        let gans = [Variant::WganGp, Variant::Cgan].map(|variant| {
            let of = gan::Settings::new(variant, data.train.shape(), 2);
            Settings::Gan(gan::Settings { hidden: hidden.clone(), latent: 2, ..of })
        });
        let coders = [Settings::Ae, Settings::Vae].map(|network| {
            let mut own = coder::Settings::new(data.train.pixels());
            own.architecture.hidden = hidden.clone();
            network(own)
        });
        for network in gans.into_iter().chain(coders) {
            let is_ae = matches!(network, Settings::Ae(_));
            let trainer = Trainer::new(crate::models::Config::of(network)).unwrap();
            assert_eq!(&frame(&trainer, &data).unwrap()[1..4], b"PNG");
            assert_eq!(coverage(&trainer, &data).is_none(), is_ae);
            let (plane, _) = with_source(&trainer, |maker| measure(maker, &data)).unwrap();
            let said = markdown::blocks(&tell(&plane));
            assert!(!said.contains("NaN") && said.contains("](figures/plane.svg)"), "{said}");
        }
    }
}
