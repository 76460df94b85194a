//! The latent space: where images go, and what is decoded from where.

use super::{Code, Experiment, Findings, Measure, Subject, count, equal_mass, list, nats, subscript};
use crate::data::Dataset;
use crate::plot::{Chart, ImageGrid};
use crate::report::{self, Block, Figure, escape, formula, table};
use crate::stats::mean;
use rayon::prelude::*;
use serde::Serialize;

/// `elbo latent`.
pub const EXPERIMENT: Experiment = Experiment {
    name: "latent",
    about: "Show the latent space: where images go, and what is decoded from where",
    title: "Latent spaces",
    key: "latent",
    run: Measure::Coders(|subjects, data| Ok(Findings::of(measure(subjects, data), |spaces| tell(spaces)))),
};

/// Neighbours that vote.
const NEIGHBOURS: usize = 10;
/// Images of the manifold along each axis.
const GRID: usize = 20;
const MANIFOLD: &str = "manifold.png";

/// Numbers of a latent space.
#[derive(Clone, Debug, Serialize)]
pub struct Latent {
    /// The network.
    pub name: String,
    /// Whether a code is a distribution that the prior holds.
    pub variational: bool,
    /// Share of the test images of the largest class: the accuracy of guessing it.
    pub guess: f64,
    /// Neighbours that vote: 10, or all where there are fewer.
    pub neighbours: usize,
    /// Share of test images whose class is that of most of their nearest neighbours among the other test images, by μ.
    pub knn_accuracy: f64,
    /// The dimensions that are drawn, from 0: those two in which μ varies most, or the only one.
    pub drawn: Vec<usize>,
    /// Mean μ of each class.
    pub class_means: Vec<(String, Vec<f64>)>,
    /// Mean of μ in each dimension.
    pub mean: Vec<f64>,
    /// Standard deviation of μ in each dimension.
    pub std: Vec<f64>,
    /// Mean posterior σ in each dimension; 0 for an autoencoder.
    pub sigma: Vec<f64>,
    /// Standard deviation of z ~ q over all test images in each dimension: √(Var μ + E σ²).
    pub spread: Vec<f64>,
    /// Dimensions in which μ has a variance above 0.01 (Burda et al. 2016, arXiv 1509.00519).
    pub active_units: usize,
}

impl Latent {
    /// The names of what is drawn: z₁ and z₂.
    fn axes(&self) -> String {
        self.drawn.iter().map(|&d| axis(d)).collect::<Vec<_>>().join(" and ")
    }
}

/// Encodes the test set with each network, draws the means in the two most active dimensions, and what a VAE decodes over the prior
/// of these.
pub fn measure(subjects: &[Subject], data: &Dataset) -> (Vec<Latent>, Vec<Figure>) {
    let (numbers, mut figures): (Vec<Latent>, Vec<_>) = subjects.iter().map(|subject| of_one(subject, data)).unzip();
    let variational = subjects.iter().zip(&numbers).filter(|(subject, _)| subject.is_variational());
    figures.extend(variational.map(|(subject, l)| manifold(subject, &l.drawn, data)));
    (numbers, figures)
}

/// The name of a dimension, counted from 0.
fn axis(d: usize) -> String {
    format!("z{}", subscript(d + 1))
}

fn of_one(subject: &Subject, data: &Dataset) -> (Latent, Figure) {
    let rows: Vec<usize> = (0..data.test.len()).collect();
    let codes = subject.encode(&subject.images(&data.test, &rows));
    let dims = 0..subject.latent;
    let along = |d: usize| codes.iter().map(move |c| f64::from(c.mu[d]));
    let means: Vec<f64> = dims.clone().map(|d| mean(along(d))).collect();
    let variances: Vec<f64> = dims.clone().map(|d| mean(along(d).map(|x| (x - means[d]).powi(2)))).collect();
    let of_class = |class: usize| {
        codes.iter().zip(data.test.labels()).filter(move |(_, l)| usize::from(*l) == class).map(|(c, _)| c)
    };
    let class_mean =
        |class: usize| dims.clone().map(|d| mean(of_class(class).map(|c| f64::from(c.mu[d])))).collect::<Vec<f64>>();
    let present = || data.class_names.iter().enumerate().filter(|(class, _)| of_class(*class).next().is_some());
    let numbers = Latent {
        name: subject.name().to_string(),
        variational: subject.is_variational(),
        guess: present().map(|(class, _)| of_class(class).count()).max().unwrap_or(0) as f64 / codes.len() as f64,
        neighbours: NEIGHBOURS.min(codes.len() - 1),
        drawn: most_active(&variances),
        knn_accuracy: knn_accuracy(&codes, &data.test.labels().collect::<Vec<_>>(), data.class_names.len()),
        class_means: present().map(|(class, name)| (name.clone(), class_mean(class))).collect(),
        sigma: dims.clone().map(|d| mean(codes.iter().map(|c| f64::from(c.sigma[d])))).collect(),
        spread: dims
            .clone()
            .map(|d| (variances[d] + mean(codes.iter().map(|c| f64::from(c.sigma[d]).powi(2)))).sqrt())
            .collect(),
        active_units: variances.iter().filter(|&&v| v > 0.01).count(),
        std: variances.into_iter().map(f64::sqrt).collect(),
        mean: means,
    };
    let chart = draw(subject, &numbers, &codes, data);
    (numbers, Figure::new(figure(subject.name()), chart.svg()))
}

/// The two dimensions with the largest variance, in order; the earlier of equal ones.
fn most_active(variances: &[f64]) -> Vec<usize> {
    let mut dims: Vec<usize> = (0..variances.len()).collect();
    dims.sort_by(|&a, &b| variances[b].total_cmp(&variances[a]));
    dims.truncate(2);
    dims.sort_unstable();
    dims
}

/// The means of the test images, by class.
fn draw(subject: &Subject, l: &Latent, codes: &[Code], data: &Dataset) -> Chart {
    let of = if subject.is_variational() { " (means μ)" } else { "" };
    let which = match subject.latent {
        1 | 2 => String::new(),
        n => format!(", the two most active of {n} dimensions"),
    };
    let title = format!("Latent space of the {}: the test images{of}{which}", subject.name());
    let of_class = |name: &String| {
        let class = data.class_names.iter().position(|n| n == name);
        let is_one = move |label: u8| Some(usize::from(label)) == class;
        codes.iter().zip(data.test.labels()).filter(move |(_, label)| is_one(*label)).map(|(code, _)| code)
    };
    let [i, j] = match l.drawn[..] {
        [i, j] => [i, j],
        // On a line points would hide each other: each class as the share of its images up to z.
        _ => {
            let mut chart = Chart::new(&title, &axis(0), "share of the class up to there").y_range(0.0, 1.0);
            for (name, _) in &l.class_means {
                let mut z: Vec<f64> = of_class(name).map(|c| f64::from(c.mu[0])).collect();
                z.sort_by(f64::total_cmp);
                let n = z.len() as f64;
                let points: Vec<(f64, f64)> =
                    z.into_iter().enumerate().map(|(i, z)| (z, (i as f64 + 1.0) / n)).collect();
                chart = chart.line(name, &points);
            }
            return chart;
        }
    };
    let mut chart = Chart::new(&title, &axis(i), &axis(j)).square();
    let point = |c: &Code| (f64::from(c.mu[i]), f64::from(c.mu[j]));
    for (name, _) in &l.class_means {
        chart = chart.scatter(name, &of_class(name).map(point).collect::<Vec<_>>());
    }
    if subject.is_variational() {
        for (name, _) in &l.class_means {
            let ellipse = |c: &Code| (point(c).0, point(c).1, f64::from(c.sigma[i]), f64::from(c.sigma[j]));
            chart = chart.ellipses(name, &of_class(name).take(6).map(ellipse).collect::<Vec<_>>());
        }
        for k in 1..=3 {
            chart = chart.contour(&format!("prior {k}σ"), (0.0, 0.0, f64::from(k), f64::from(k)));
        }
    }
    l.class_means.iter().fold(chart, |chart, (name, mean)| chart.note(name, (mean[i], mean[j])))
}

fn figure(name: &str) -> String {
    format!("latent_{}.svg", name.to_lowercase())
}

/// Leave-one-out accuracy of the vote of the nearest neighbours; the nearer of two equal counts wins.
fn knn_accuracy(codes: &[Code], labels: &[u8], classes: usize) -> f64 {
    let vote = |i: usize| {
        let distance = |j: usize| codes[i].mu.iter().zip(&codes[j].mu).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
        let mut others: Vec<(f32, usize)> = (0..codes.len()).filter(|&j| j != i).map(|j| (distance(j), j)).collect();
        let k = NEIGHBOURS.min(others.len());
        if k == 0 {
            return false;
        }
        others.select_nth_unstable_by(k - 1, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        others.truncate(k);
        others.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut votes = vec![0; classes];
        others.iter().for_each(|(_, j)| votes[usize::from(labels[*j])] += 1);
        let most = *votes.iter().max().expect("there are classes");
        let winner = others.iter().map(|(_, j)| labels[*j]).find(|&l| votes[usize::from(l)] == most);
        winner == Some(labels[i])
    };
    let right = (0..codes.len()).into_par_iter().filter(|&i| vote(i)).count();
    right as f64 / codes.len() as f64
}

/// Images decoded on a grid of equal prior mass in the dimensions `drawn`: z = (Φ⁻¹(u), Φ⁻¹(v)) for u, v at the centres of equal
/// cells of (0, 1), the second upwards; all other dimensions are 0. A row, where there is one dimension.
fn manifold(subject: &Subject, drawn: &[usize], data: &Dataset) -> Figure {
    let rows = if drawn.len() == 2 { GRID } else { 1 };
    let at = |i: usize| {
        let mut z = vec![0.0; subject.latent];
        for (&d, place) in drawn.iter().zip([i % GRID, GRID - 1 - i / GRID]) {
            z[d] = equal_mass(place, GRID);
        }
        z
    };
    let grid = ImageGrid::new(data.test.shape()).per_row(GRID);
    Figure::new(MANIFOLD, grid.images(&subject.decode(&(0..GRID * rows).map(at).collect::<Vec<_>>())))
}

/// The paragraphs.
pub fn tell(spaces: &[Latent]) -> Vec<Block> {
    let mut text: Vec<Block> = vec!["The mean μ of each test image's code. No network was told a class.".into()];
    for l in spaces {
        let title = format!("Latent space of the {}", l.name);
        text.push(report::figure(&figure(&l.name), title, what_is_drawn(l)));
        match l.std.len() {
            1 => text.push("The only dimension: for each class the share of its images up to each z₁.".into()),
            2 => {}
            n => text.push(format!("Drawn are {}, in which μ varies most, of {n} dimensions.", l.axes()).into()),
        }
        let (accuracy, guess) = (100.0 * l.knn_accuracy, 100.0 * l.guess);
        let vote = match (l.neighbours, l.class_means.len()) {
            (0, _) => "there is one test image, and no other to compare it with".into(),
            (_, 1) => "all test images are of one class, and there is nothing to tell apart".into(),
            (k, _) => format!(
                "a vote of the {} finds the class of {accuracy:.1} % of the test images (guessing: {guess:.1} %)",
                count(k, "nearest neighbour")
            ),
        };
        text.push(
            format!(
                "{}: {vote}. {} of {} active (μ varies by more than 0.1); the standard deviation of μ is {}.{}",
                l.name,
                l.active_units,
                count(l.std.len(), "dimension"),
                list(&l.std),
                neighbours(l)
            )
            .into(),
        );
        if l.variational {
            text.push(against_the_prior(l).into());
            text.push(formula(
                "Var[z_j] = Var[μ_j] + E[σ_j^2]",
                "Why: over all test images z ~ q(z | x) varies as μ does, and by each posterior's own width.",
            ));
        }
    }
    if let [a, b] = spaces
        && a.neighbours > 0
        && a.class_means.len() > 1
    {
        let (more, less) = if a.knn_accuracy >= b.knn_accuracy { (a, b) } else { (b, a) };
        let apart = 100.0 * (more.knn_accuracy - less.knn_accuracy);
        let verdict = match apart {
            d if d < 1.0 => {
                format!("The codes of both tell classes apart about equally well ({apart:.1} points between them).")
            }
            _ => format!("The codes of the {} tell classes apart better, by {apart:.1} points.", more.name),
        };
        text.push(verdict.into());
        let width = |l: &Latent| mean(l.std.iter().map(|s| s * s)).sqrt().max(f64::MIN_POSITIVE);
        let (wide, narrow) = if width(a) >= width(b) { (a, b) } else { (b, a) };
        let times = width(wide) / width(narrow);
        if times > 1.25 {
            text.push(
                format!(
                    "The {} spreads its codes {} times as wide as the {} (root mean square over dimensions).{}",
                    wide.name,
                    if times < 1000.0 { format!("{times:.1}") } else { "over 1000".into() },
                    narrow.name,
                    if wide.variational {
                        ""
                    } else {
                        " Nothing holds them near a prior, so there is no telling where to draw from."
                    }
                )
                .into(),
            );
        }
    }
    if let Some(first) = spaces.first() {
        let header: Vec<&str> = ["class"].into_iter().chain(spaces.iter().map(|l| &l.name[..])).collect();
        let row = |i: usize| {
            let means = spaces.iter().map(|l| list(&l.class_means[i].1));
            [escape(&first.class_means[i].0)].into_iter().chain(means).collect::<Vec<_>>()
        };
        text.push("Mean μ of each class:".into());
        text.push(table(header, (0..first.class_means.len()).map(row), "One number a latent dimension."));
    }
    if let Some(l) = spaces.iter().find(|l| l.variational) {
        let (points, z) = match l.drawn.len() {
            1 => (format!("{GRID} points"), "z = Φ⁻¹(u) for u at the centres of equal parts of (0, 1)"),
            _ => (
                format!("{GRID} × {GRID} points"),
                "z = (Φ⁻¹(u), Φ⁻¹(v)) for u and v at the centres of equal parts of (0, 1)",
            ),
        };
        let others = match l.std.len() {
            1 | 2 => String::new(),
            _ => format!(" These are {}; all other dimensions are 0, the prior's centre.", l.axes()),
        };
        text.push(report::figure(
            MANIFOLD,
            "Decoded grid of equal prior mass",
            match l.drawn[..] {
                [i, j] => format!("{} from left to right, {} upwards.", axis(i), axis(j)),
                _ => "The only dimension, from left to right.".into(),
            },
        ));
        text.push(
            format!(
                "What the VAE decodes at {points}, each standing for the same share of the prior: {z}.{others} Training draws z around μ, \
                 so that neighbouring points are asked to decode alike."
            )
            .into(),
        );
    }
    text
}

/// How to read the figure.
fn what_is_drawn(l: &Latent) -> &'static str {
    match (l.drawn.len(), l.variational) {
        (2, true) => {
            "A dot a test image, at its mean μ, coloured by its class; the names stand at the means of the classes. Ellipses are some \
             posteriors at 1 σ, circles the prior at 1, 2 and 3 σ."
        }
        (2, false) => "A dot a test image, coloured by its class; the names stand at the means of the classes.",
        _ => "A line a class.",
    }
}

/// Which classes lie closest together.
fn neighbours(l: &Latent) -> String {
    let apart = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
    let pairs = l.class_means.iter().enumerate().flat_map(|(i, a)| l.class_means[i + 1..].iter().map(move |b| (a, b)));
    let closest = pairs.map(|(a, b)| (apart(&a.1, &b.1), &a.0, &b.0)).min_by(|a, b| a.0.total_cmp(&b.0));
    closest.map_or(String::new(), |(d, a, b)| {
        format!(" The closest classes are {} and {}, their means {} apart.", escape(a), escape(b), nats(d, 2))
    })
}

/// Whether all posteriors together are where the prior is.
fn against_the_prior(l: &Latent) -> String {
    let any = |f: &dyn Fn(f64, f64) -> bool| l.mean.iter().zip(&l.spread).any(|(&mean, &std)| f(mean, std));
    let differs: Vec<&str> = [
        (any(&|mean, _| mean.abs() > 0.25), "off its centre"),
        (any(&|_, std| std > 1.15), "wider in some direction"),
        (any(&|_, std| std < 0.85), "narrower in some direction"),
    ]
    .into_iter()
    .filter_map(|(yes, what)| yes.then_some(what))
    .collect();
    let verdict = match differs.is_empty() {
        true => "about where the prior N(0, 1) is, so that drawing from it reaches what was encoded".to_string(),
        false => format!(
            "which beside the prior N(0, 1) is {}: what is drawn from the prior is not quite what was encoded",
            differs.join(" and ")
        ),
    };
    format!(
        "{}: a posterior has a mean σ of {}{}. All of them together have the mean {} and the standard deviation {}, {verdict}.",
        l.name,
        list(&l.sigma),
        if l.drawn.len() == 2 { " (the ellipses are some of them, at 1 σ)" } else { "" },
        list(&l.mean),
        list(&l.spread)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::markdown;

    fn space(name: &str, knn_accuracy: f64, std: f64) -> Latent {
        Latent {
            name: name.into(),
            variational: name == "VAE",
            guess: 0.1,
            neighbours: 10,
            knn_accuracy,
            drawn: vec![0, 1],
            class_means: [("Bag", 0.0), ("Coat", 3.0), ("Shirt", 4.0)].map(|(c, x)| (c.into(), vec![x, 0.0])).to_vec(),
            mean: vec![0.0; 2],
            std: vec![std; 2],
            sigma: vec![0.0; 2],
            spread: vec![std; 2],
            active_units: 2,
        }
    }

    #[test]
    fn the_better_and_the_wider_space_are_found_by_their_numbers() {
        let said = markdown::blocks(&tell(&[space("AE", 0.6, 4.0), space("VAE", 0.7, 1.0)]));
        assert!(said.contains("The codes of the VAE tell classes apart better, by 10.0 points."));
        assert!(said.contains(
            "The AE spreads its codes 4.0 times as wide as the VAE (root mean square over dimensions). Nothing"
        ));
        assert!(
            said.contains("about where the prior N(0, 1) is") && said.contains("closest classes are Coat and Shirt")
        );
        let said = markdown::blocks(&tell(&[space("AE", 0.7, 1.0), space("VAE", 0.7, 2.0)]));
        assert!(said.contains("about equally well") && said.contains("is wider in some direction: what is drawn"));
        assert!(said.contains("2.0 times as wide as the AE (root mean square over dimensions).\n"));
    }
}
