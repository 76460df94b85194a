//! What is told of it: sentences that follow from the numbers.

use super::background::uses;
use super::figures::{CLASSES, FRECHET, SAMPLES, scores_of};
use super::{GanSummary, Run};
use crate::error::Result;
use crate::kernels::Real;
use crate::lab::family::curve;
use crate::lab::judge::{self, Verdict};
use crate::lab::{count, nats, spread};
use crate::models::gan::{self, Game, Hold};
use crate::report::{Block, Report, escape, figure, film, formula, heading, table};
use crate::stats::{mean, mean_and_error};
use crate::train::Record;

/// The whole of it.
pub fn report(s: &GanSummary) -> Result<Report> {
    let mut blocks = vec![what_was_done(s).into()];
    blocks.push(heading("New images"));
    blocks.push(figure(
        SAMPLES,
        "New images",
        "The first ten of each, of its first seed, each from other noise z ~ N(0, I); real training images above them.",
    ));
    blocks.push(heading("What was minimised"));
    blocks.extend(losses(s));
    blocks.push(heading("How good the images are"));
    blocks.extend(measures(s));
    blocks.push(heading("What each approach can and cannot"));
    blocks.extend(approaches(s));
    blocks.push(heading("What each technique changed"));
    blocks.extend(techniques(s)?);
    Ok(Report { title: format!("GANs and VAEs: {}", escape(&s.data)).into(), blocks })
}

fn what_was_done(s: &GanSummary) -> String {
    let groups = s.groups();
    let said = |(group, runs): &(&str, Vec<&Run>)| {
        format!("{} ({})", escape(group), count(runs[0].config.epochs as usize, "epoch"))
    };
    let seeds = groups.iter().map(|(_, runs)| runs.len()).max().unwrap_or(0);
    format!(
        "On {} training images were trained, over {}: {}. {} All settings are in `config.json` beside each network; every number below is in \
         [`summary.json`](summary.json) or follows from it.",
        s.images[0],
        count(seeds, "seed"),
        groups.iter().map(said).collect::<Vec<_>>().join(", "),
        judge::about(&s.judge, s.references.first().map_or(0, |v| v.images)),
    )
}

fn losses(s: &GanSummary) -> Vec<Block> {
    let mut text: Vec<Block> = Vec::new();
    for (group, runs) in s.groups() {
        let name = escape(group);
        let Some(own) = runs[0].config.network.gan() else {
            text.push(formula(
                "−E_q[ln p(x | z)] + KL(q(z | x) ‖ p(z))",
                format!("{name}: one loss for both halves, the negative ELBO. [Kingma and Welling 2014](https://arxiv.org/abs/1312.6114)."),
            ));
            continue;
        };
        let ([critic, generator], technique) = (own.formulas(), own.variant.technique());
        text.push(formula(&critic, format!("{name}: what the critic D minimised.")));
        text.push(formula(
            &generator,
            format!("{name}: what the generator G minimised. {}.", escape(technique.source)),
        ));
        let records: Vec<&[Record]> = runs.iter().map(|run| &run.records[..]).collect();
        let course = |quantity| {
            let means = curve(&records, "train", quantity);
            Some(format!("{:.2} → {:.2}", means.first()?.1, means.last()?.1))
        };
        if let (Some(critic), Some(generator)) = (course("critic_gradient"), course("generator_gradient")) {
            let said = format!(
                "The scores D(x) of real and D(G(z)) of generated test images. The norm of the critic's gradient went {critic} from the first \
                 epoch to the last, that of the generator's {generator}."
            );
            text.push(figure(&scores_of(group), format!("Scores of the {name}"), said));
        }
        if let Some(path) = &runs[0].film {
            let caption = "What becomes of fixed noise, a frame an epoch; of the first seed.";
            text.push(film(path.clone(), format!("Training of the {name}"), caption));
        }
    }
    text
}

fn measures(s: &GanSummary) -> Vec<Block> {
    let makers = s.makers();
    let references = s.references.iter().map(|v| (v.name.as_str(), vec![v]));
    let rows: Vec<(&str, Vec<&Verdict>)> = makers.iter().cloned().chain(references).collect();
    let mut text = judge::tables(&rows, |values, decimals| spread(values, decimals).replace('-', "−"));
    text.push(
        format!(
            "Mean ± standard deviation over the seeds. The sharpness of the real images is {:.3}; the entropy of {} classes is at most {:.3}.",
            s.judge.sharpness,
            s.classes.len(),
            Real::ln(s.classes.len() as f64)
        )
        .into(),
    );
    text.push(figure(
        FRECHET,
        "Fréchet distances",
        "Each network's distance; the lines are what other real images and the class means have.",
    ));
    text.push(figure(CLASSES, "Classes of new images", "The share of each class, mean over the seeds."));
    let left_out = s.runs.iter().flat_map(|run| run.verdicts.iter().map(move |v| (run.config.seed, v)));
    text.extend(left_out.filter_map(|(seed, v)| {
        judge::left_out(v, &s.classes).map(|said| Block::from(format!("Seed {seed}: {said}")))
    }));
    text
}

/// A measure, what is said of the one that has more of what is good, and how good a value is.
struct Measure {
    name: &'static str,
    value: fn(&Verdict, &GanSummary) -> f64,
    is_less_better: bool,
    decimals: usize,
}

const MEASURES: [Measure; 6] = [
    Measure { name: "Fréchet distance", value: |v, _| v.frechet, is_less_better: true, decimals: 1 },
    Measure { name: "precision", value: |v, _| v.overlap.precision, is_less_better: false, decimals: 3 },
    Measure { name: "recall", value: |v, _| v.overlap.recall, is_less_better: false, decimals: 3 },
    Measure { name: "coverage", value: |v, _| v.overlap.coverage, is_less_better: false, decimals: 3 },
    Measure { name: "entropy of the classes", value: |v, _| v.entropy, is_less_better: false, decimals: 3 },
    Measure {
        name: "distance of the sharpness from real images'",
        value: |v, s| (v.sharpness - s.judge.sharpness).abs(),
        is_less_better: true,
        decimals: 3,
    },
];

/// Whether two means are more than two standard errors of their difference apart; none with fewer than two seeds each.
pub fn differ(a: &[f64], b: &[f64]) -> Option<bool> {
    if a.len() < 2 || b.len() < 2 {
        return None;
    }
    let ((ma, ea), (mb, eb)) = (mean_and_error(a), mean_and_error(b));
    Some((ma - mb).abs() > 2.0 * (ea * ea + eb * eb).sqrt())
}

/// What both measure, and which is better where that is clear.
fn compare(s: &GanSummary, one: &(&str, Vec<&Verdict>), other: &(&str, Vec<&Verdict>), caption: String) -> Block {
    let row = |measure: &Measure| {
        let of = |maker: &(&str, Vec<&Verdict>)| maker.1.iter().map(|v| (measure.value)(v, s)).collect::<Vec<f64>>();
        let (a, b) = (of(one), of(other));
        let show = |x: &[f64]| nats(mean(x.iter().copied()), measure.decimals).replace('-', "−");
        let better = match differ(&a, &b) {
            None => "one seed does not tell".into(),
            Some(false) => "no clear difference".into(),
            Some(true) => {
                let is_better = (mean(a.iter().copied()) < mean(b.iter().copied())) == measure.is_less_better;
                format!("**{}**", escape(if is_better { one.0 } else { other.0 }))
            }
        };
        vec![measure.name.to_string(), show(&a), show(&b), better]
    };
    table(["", &*escape(one.0), &*escape(other.0), "better"], MEASURES.iter().map(row), caption)
}

fn approaches(s: &GanSummary) -> Vec<Block> {
    let row = |(group, runs): &(&str, Vec<&Run>)| {
        let is_vae = runs[0].config.network.gan().is_none();
        let seconds: Vec<f64> = runs.iter().map(|run| run.seconds).collect();
        let all = mean(runs.iter().map(|run| run.seconds * run.config.epochs as f64));
        let diverged = runs.iter().filter(|run| run.diverged.is_some()).count();
        let distances: Vec<f64> =
            runs.iter().flat_map(|run| run.verdicts.first()).map(|verdict| verdict.frechet).collect();
        let steadiness = match distances.len() {
            0 | 1 => "–".to_string(),
            _ => {
                let (mean, error) = mean_and_error(&distances);
                format!("{:.0} %", 100.0 * error * (distances.len() as f64).sqrt() / mean)
            }
        };
        vec![
            escape(group),
            if is_vae { "a bound" } else { "none" }.into(),
            if is_vae { "yes" } else { "none" }.into(),
            format!("{diverged} of {}", runs.len()),
            steadiness,
            spread(&seconds, 1),
            format!("{:.1}", all / 60.0),
        ]
    };
    let mut text = vec![table(
        ["", "likelihood", "encoder", "diverged", "spread", "seconds an epoch", "minutes in all"],
        s.groups().iter().map(row),
        "A VAE bounds ln p(x) and encodes images; a GAN has neither, and its losses say nothing of how good its images are. Seeds that \
             diverged; the standard deviation of the Fréchet distance over the seeds, as a part of it; the cost.",
    )];
    let makers = s.makers();
    let order = |a: &&(&str, Vec<&Verdict>), b: &&(&str, Vec<&Verdict>)| {
        let of = |maker: &(&str, Vec<&Verdict>)| mean(maker.1.iter().map(|v| v.frechet));
        of(a).total_cmp(&of(b))
    };
    let is_gan = |run: &Run| run.config.network.gan().is_some();
    let is_gan_of = |name: &str| s.runs.iter().any(|run| is_gan(run) && run.verdicts.iter().any(|v| v.name == name));
    let best = makers.iter().filter(|(name, _)| is_gan_of(name)).min_by(order);
    for vae in makers.iter().filter(|(name, _)| !is_gan_of(name)) {
        if let Some(gan) = best {
            let caption =
                format!("The GAN of the least Fréchet distance beside the {}, means over the seeds.", escape(vae.0));
            text.push(compare(s, gan, vae, caption));
        }
    }
    if !makers.is_empty() {
        text.push("A difference is clear, here and below, where it exceeds two standard errors over the seeds.".into());
    }
    text
}

/// The vanilla GAN of this architecture: the DCGAN is that of convolutions.
fn reference<'s>(s: &'s GanSummary, of: &Run) -> Option<&'s Run> {
    let own = of.config.network.gan()?;
    let is_first = |other: &gan::Settings| {
        let technique = other.variant.technique();
        other.is_convolutional == own.is_convolutional
            && other.game == Game::NonSaturating
            && technique.hold == Hold::Free
            && !technique.is_conditional
            && !technique.has_code
    };
    s.runs.iter().find(|run| run.config.network.gan().is_some_and(is_first) && run.config.epochs == of.config.epochs)
}

fn techniques(s: &GanSummary) -> Result<Vec<Block>> {
    let (uses, makers) = (uses()?, s.makers());
    let mut text: Vec<Block> = Vec::new();
    for (group, runs) in s.groups() {
        let own = runs[0].config.network.gan();
        let mut said = format!("**{}**: ", escape(group));
        match own.map(|own| own.variant.technique()) {
            None => {
                said += "an encoder and a decoder, trained together on one bound, so that codes have a prior to draw new ones from."
            }
            Some(technique) => {
                said += technique.idea;
                let how = technique.differences();
                if !how.is_empty() {
                    said += &format!(" Beside the first GAN: {}.", how.join("; "));
                }
            }
        }
        if let Some(of) = uses.get(own.map_or("vae", |own| own.variant.name())) {
            said += &format!(" Used for: {} ([{}]({})).", of.what, escape(&of.source), of.link);
        }
        text.push(said.into());
        let find = |name: &str| makers.iter().find(|(maker, _)| *maker == name);
        match reference(s, runs[0]) {
            Some(vanilla) if vanilla.group != group => {
                if let (Some(own), Some(other)) = (find(group), find(&vanilla.group)) {
                    let caption = format!(
                        "Measured beside the {}, the first GAN of the same architecture, after as many epochs, means over the seeds.",
                        escape(&vanilla.group)
                    );
                    text.push(compare(s, own, other, caption));
                }
            }
            Some(_) => {}
            None if own.is_some() => text.push(
                "What it changed was not measured: the first GAN of the same architecture and epochs is not among these.".into(),
            ),
            None => {}
        }
    }
    text.push("All sources as BibTeX: [`references.bib`](references.bib).".into());
    Ok(text)
}
