//! The losses of training, beside those of predictors that look at no image.

use super::{count, nats};
use crate::data::Baselines;
use crate::models::coder::Settings;
use crate::models::{Config, Score, Standing};
use crate::optim::LrSchedule;
use crate::plot::Chart;
use crate::report::{Block, Figure, escape, figure, film, formula, table};
use crate::train::Record;
use serde::Serialize;

const FIGURE: &str = "losses.svg";
const CLOSE: &str = "losses_close.svg";

/// A trained network of the study.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// `AE` or `VAE`.
    pub name: String,
    /// Its configuration.
    pub config: Config,
    /// Its metrics, epoch by epoch.
    pub records: Vec<Record>,
}

/// Loss against epoch, train and test: with the baselines, and close up.
pub fn draw(runs: &[Run], b: &Baselines) -> Vec<Figure> {
    let far = curves("Loss in training", runs)
        .level(&format!("per-class mean {:.1}", b.per_class), b.per_class)
        .level(&format!("per-pixel mean {:.1}", b.per_pixel), b.per_pixel)
        .level(&format!("one constant {:.1}", b.constant), b.constant);
    let mut figures = vec![Figure::new(FIGURE, far.svg())];
    if shows_more(runs, b) {
        figures.push(Figure::new(CLOSE, curves("Loss in training, close up", runs).svg()));
    }
    figures
}

/// Whether curves without the baselines show what those beside them do not: a course, and less than half the range.
fn shows_more(runs: &[Run], b: &Baselines) -> bool {
    let losses =
        || runs.iter().flat_map(|run| &run.records).map(|r| Score::from(r).total()).filter(|loss| loss.is_finite());
    let range = |x: &mut dyn Iterator<Item = f64>| {
        x.fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), x| (lo.min(x), hi.max(x)))
    };
    let (lo, hi) = range(&mut losses());
    let (all_lo, all_hi) = range(&mut losses().chain([b.per_class, b.per_pixel, b.constant]));
    runs.iter().any(|run| run.of("test").count() > 2) && hi - lo < 0.5 * (all_hi - all_lo)
}

fn curves(title: &str, runs: &[Run]) -> Chart {
    let mut chart = Chart::new(title, "epoch", "nats per image").x_whole();
    for run in runs {
        let points =
            |split: &'static str| run.of(split).map(|r| (r.epoch as f64, Score::from(r).total())).collect::<Vec<_>>();
        let what = if run.is_variational() { "−ELBO" } else { "loss" };
        chart = chart
            .line(&format!("{}, test {what}", run.name), &points("test"))
            .dashed(&format!("{}, train {what}", run.name), &points("train"));
    }
    chart
}

impl Run {
    fn of(&self, split: &'static str) -> impl DoubleEndedIterator<Item = &Record> {
        self.records.iter().filter(move |r| r.split == split)
    }

    fn last(&self, split: &'static str) -> &Record {
        self.of(split).last().expect("a run has at least one epoch")
    }

    /// Where it stands, by its last test loss.
    pub fn standing(&self, b: &Baselines) -> Standing {
        Standing::of(self.score("test"), self.last_beta(), b)
    }

    /// Its last loss.
    fn score(&self, split: &'static str) -> Score {
        Score::from(self.last(split))
    }

    fn settings(&self) -> &Settings {
        self.config.network.coder().expect("what the study trains encodes and decodes")
    }

    fn last_beta(&self) -> f64 {
        self.settings().last_beta(self.config.epochs)
    }

    fn is_variational(&self) -> bool {
        self.score("test").kl.is_some()
    }
}

/// The paragraphs.
pub fn tell(runs: &[Run], b: &Baselines) -> Vec<Block> {
    let paper = "[Kingma and Welling 2014](https://arxiv.org/abs/1312.6114)";
    let mut text: Vec<Block> = vec![
        "An autoencoder minimises the cross-entropy of an image x under the Bernoulli probabilities that the decoder gives its \
         pixels, −ln p(x | z), with z the code of x. A VAE minimises the negative ELBO, E[−ln p(x | z)] + KL(q(z | x) ‖ N(0, I)) \
         with z ~ q(z | x), which is an upper bound of −ln p(x). All figures are sums over the pixels and means over the images, \
         in nats: one nat less makes an image e times as probable."
            .into(),
        formula(
            "ln p(x) ≥ E_q[ln p(x | z)] − KL(q(z | x) ‖ p(z))",
            format!("The ELBO, with z ~ q(z | x). {paper}, equation 3."),
        ),
        formula(
            "−ln p(x | z) = −∑_i (x_i ln p_i + (1 − x_i) ln(1 − p_i))",
            format!("The cross-entropy, over the pixels i, under the probabilities p that are decoded from z. {paper}, equation 11."),
        ),
        formula(
            "KL(N(μ, σ^2) ‖ N(0, I)) = {1}/{2} ∑_j (μ_j^2 + σ_j^2 − 1 − ln σ_j^2)",
            format!("The KL term in closed form, over the latent dimensions j. {paper}, appendix B."),
        ),
        figure(FIGURE, "Loss curves", "Loss after each epoch, nats per image, beside those of predictors that look at no image."),
        losses(runs, b),
    ];
    text.extend(weighted(runs).map(Block::from));
    text.push(
        format!(
            "To compare, predictors that look at no image: *p = ½* is a network before training; *one constant* knows how many pixels \
             are on; the *per-pixel mean* is the best that a decoder can do that ignores z, so it is where a VAE with a collapsed \
             posterior ends; the *per-class mean* knows the label and nothing else{}. They are fitted to the training images and \
             measured on the test images. The train column is the average over the last epoch, while the weights still changed.",
            if b.floor > 0.0 { "; what grey images have as *their own entropy*, no predictor can go below" } else { "" }
        )
        .into(),
    );
    for run in runs {
        text.push(against_baselines(run, b).into());
        if run.standing(b) != Standing::Diverged {
            text.extend(over_time(run).map(Block::from));
        }
    }
    if shows_more(runs, b) {
        text.push(figure(CLOSE, "Loss curves, close up", "The same curves without the predictors, nats per image."));
    }
    let with_posterior = |is: bool| runs.iter().find(|run| run.is_variational() == is);
    if let (Some(a), Some(v)) = (with_posterior(false), with_posterior(true))
        && [a, v].iter().all(|run| run.standing(b) != Standing::Diverged)
    {
        text.push(between(a, v).into());
    }
    for run in runs {
        text.push(film(
            format!("{}/film.png", run.name.to_lowercase()),
            format!("The {} in training", escape(&run.name)),
            "one frame an epoch: test images, their reconstructions, and below them what is decoded at fixed z.",
        ));
    }
    text
}

fn losses(runs: &[Run], b: &Baselines) -> Block {
    let of_run = |run: &Run| {
        let (test, train) = (run.score("test"), run.score("train"));
        let kl = test.kl.map_or("–".into(), |kl| nats(kl, 2));
        let totals = [test, train].map(|score| nats(score.total(), 2));
        [vec![run.name.clone(), nats(test.recon, 2), kl], totals.to_vec()].concat()
    };
    let baseline = |(name, loss): (&str, f64)| {
        vec![name.to_string(), format!("{loss:.2}"), "–".into(), format!("{loss:.2}"), String::new()]
    };
    let mut baselines = vec![
        ("per-class mean", b.per_class),
        ("per-pixel mean", b.per_pixel),
        ("one constant", b.constant),
        ("p = ½", b.half),
    ];
    if b.floor > 0.0 {
        baselines.insert(0, ("the images' own entropy", b.floor));
    }
    table(
        ["", "test reconstruction", "test KL", "test total", "train total"],
        runs.iter().map(of_run).chain(baselines.into_iter().map(baseline)),
        "Losses after the last epoch, and those of predictors that look at no image, nats per image.",
    )
}

/// What was minimised, where it is not what the table shows; else nothing.
fn weighted(runs: &[Run]) -> Option<String> {
    let weighted = |run: &&Run| run.is_variational() && (run.settings().beta != 1.0 || run.settings().beta_warmup > 0);
    runs.iter().find(weighted).map(|run| {
        let warm_up = match run.settings().beta_warmup {
            0 => String::new(),
            n => format!(", reached over {}", count(n as usize, "epoch")),
        };
        format!(
            "The {} was trained with its KL term weighted by β = {}{warm_up}. The table and the curves show the terms unweighted.",
            run.name,
            run.settings().beta
        )
    })
}

/// What a run reached.
fn against_baselines(run: &Run, b: &Baselines) -> String {
    let score = run.score("test");
    let (name, ahead) = (&run.name, b.per_class - score.total());
    match run.standing(b) {
        Standing::Diverged => {
            return format!(
                "The {name} has **diverged**: {} nats is absurd beside the {:.1} of p = ½. What else is said of it \
                 below describes a failed run. A lower `lr` or `clip_norm = 1` often helps.",
                match score.weighted(run.last_beta()) {
                    loss if loss > 2.0 * b.half => format!("its loss of {}", nats(loss, 1)),
                    _ => format!("its KL term of {}", nats(score.kl.unwrap_or(0.0), 1)),
                },
                b.half
            );
        }
        Standing::Untrained => {
            return format!(
                "The {name} has learned **hardly anything** so far: it reconstructs at {} nats, worse than one constant for all pixels \
                 ({:.1}; p = ½ costs {:.1}).",
                nats(score.recon, 1),
                b.constant,
                b.half
            );
        }
        Standing::Collapsed => {
            let kl = score.kl.unwrap_or(0.0);
            return format!(
                "The {name} has **collapsed**: it costs as much as the per-pixel mean, and its code says nothing (KL {kl:.3})."
            );
        }
        Standing::Ordinary => {}
    }
    let verdict = match ahead {
        d if d.abs() < 0.05 => format!("The {name} is as good as knowing the class and nothing else."),
        d if d > 0.0 => format!("The {name} costs {d:.1} nats less than knowing the class and nothing else."),
        d => format!("The {name} is no better than knowing the class and nothing else ({:.1} nats more).", -d),
    };
    match score.kl {
        Some(kl) if kl >= 0.05 && score.recon < b.per_pixel => {
            let saved = b.per_pixel - score.recon;
            format!(
                "{verdict} Its code tells on average at most {} nats ({} bits) about an image, and saves {saved:.1} nats \
                 against the per-pixel mean: {:.0} for each.",
                nats(kl, 2),
                nats(kl * std::f64::consts::LOG2_E, 1),
                saved / kl
            )
        }
        _ => verdict,
    }
}

/// How a run came there.
fn over_time(run: &Run) -> Option<String> {
    let loss = |r: &Record| Score::from(r).total();
    let last = run.last("test");
    let best = run.of("test").min_by(|a, b| loss(a).total_cmp(&loss(b)))?;
    let gap = loss(last) - loss(run.last("train"));
    let seen = match gap {
        g if g.abs() < 0.05 => "It costs as much on test images as it did over the last epoch of training".into(),
        g if g > 0.0 => format!("It costs {} nats more on test images than on those it was trained on", nats(g, 1)),
        g => format!("It costs {} nats less on test images than it did over the last epoch of training", nats(-g, 1)),
    };
    let before = run.of("test").rev().nth(1).map(|r| loss(r) - loss(last));
    let since = |split| run.of(split).filter(|r| r.epoch >= best.epoch).map(loss).collect::<Vec<f64>>();
    let (test, train) = (since("test"), since("train"));
    let overfits = test.len() > 2 && test.is_sorted() && train.is_sorted_by(|a, b| a >= b);
    Some(match (loss(last) - loss(best), before) {
        (d, _) if d > 1.0 && overfits => format!(
            "{seen}. Since epoch {}, which was {} nats better, it has become worse on test images and better on training images from \
             epoch to epoch: it overfits.",
            best.epoch,
            nats(d, 1)
        ),
        (d, _) if d > 1.0 => format!(
            "{seen}. Epoch {} was {} nats better than the last: at a learning rate of {} the loss still jumps from epoch to \
             epoch. {} is the remedy to try.",
            best.epoch,
            nats(d, 1),
            run.settings().descent.lr,
            match run.settings().descent.lr_schedule {
                LrSchedule::Constant => "A smaller rate or a falling one (`lr`, `lr_schedule = cosine`)",
                _ => "A smaller rate (`lr`)",
            }
        ),
        (0.0, Some(fell)) if fell >= 0.05 => {
            format!("{seen}. The last epoch is the best so far, {} nats better than the one before.", nats(fell, 1))
        }
        (0.0, Some(_)) => format!("{seen}. The last epoch is as good as the one before."),
        (d, Some(_)) => format!("{seen}. The last epoch is within a nat of the best ({d:.1}, epoch {}).", best.epoch),
        (_, None) => format!("{seen}."),
    })
}

/// Which of two runs reconstructs better.
fn between(a: &Run, v: &Run) -> String {
    let ahead = |split| v.score(split).recon - a.score(split).recon;
    let paid = v.last_beta() * v.score("test").kl.unwrap_or(0.0);
    let pays = if paid >= 0.05 { "draws z and pays for what its code tells" } else { "draws z" };
    match ahead("test") {
        d if d > 0.5 => format!(
            "The {} reconstructs test images {} nats better than the {}, which {pays}.",
            a.name,
            nats(d, 1),
            v.name
        ),
        d if d < -0.5 => format!(
            "The {} reconstructs test images {} nats better than the {}, although it {pays}. {}",
            v.name,
            nats(-d, 1),
            a.name,
            match ahead("train") {
                t if t <= -0.05 => format!(
                    "On the training images it is {} nats ahead too. There the {} could do the same with σ → 0: what sets it back \
                     is how it was optimised, not what it optimises, and another `seed` or `lr` may turn the order.",
                    nats(-t, 1),
                    a.name
                ),
                t if t < 0.05 => "On the training images the two are level.".into(),
                t => format!(
                    "On the training images it is {} nats behind, as one would expect: what it gives up there it gains on images \
                     that it has not seen.",
                    nats(t, 1)
                ),
            }
        ),
        _ => format!("The {} and the {} reconstruct test images equally well, to half a nat.", a.name, v.name),
    }
}

/// A line of metrics as a run would have it.
#[cfg(test)]
pub(super) fn record(epoch: u64, split: &str, score: Score) -> Record {
    let means = [("recon", Some(score.recon)), ("kl", score.kl)].map(|(name, x)| (name.to_string(), x));
    Record { epoch, split: split.into(), seconds: 1.0, means: means.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models;
    use crate::report::markdown;
    use crate::train;

    const BASELINES: Baselines =
        Baselines { half: 543.4, constant: 488.0, per_pixel: 383.0, per_class: 284.0, floor: 0.0 };

    fn run(network: fn(Settings) -> models::Settings, test: &[f64], kl: Option<f64>) -> Run {
        let network = network(Settings::new(784));
        let record = |split: &str, i: usize| super::record(i as u64 + 1, split, Score { recon: test[i], kl });
        let records = (0..test.len()).flat_map(|i| [record("train", i), record("test", i)]).collect();
        Run { name: network.name().into(), config: train::Config::of(network), records }
    }

    #[test]
    fn what_is_said_of_a_run_follows_its_losses() {
        let (ae, vae) =
            (run(models::Settings::Ae, &[180.0, 175.0], None), run(models::Settings::Vae, &[170.0, 178.0], Some(7.0)));
        let said = markdown::blocks(&tell(&[ae, vae], &BASELINES));
        assert!(said.contains("The AE costs 109.0 nats less than knowing the class"));
        assert!(said.contains("at most 7.00 nats (10.1 bits)") && said.contains("saves 205.0 nats"));
        let rising = run(models::Settings::Vae, &[170.0, 175.0, 178.0], Some(7.0));
        let falling = |r: &Record| record(r.epoch, "train", Score { recon: 200.0 - r.epoch as f64, kl: Some(7.0) });
        let records = rising.records.iter().map(|r| if r.split == "train" { falling(r) } else { r.clone() }).collect();
        let said_of = markdown::blocks(&tell(&[Run { records, ..rising }], &BASELINES));
        assert!(said_of.contains("Since epoch 1, which was 8.0 nats better") && said_of.contains("it overfits"));
        assert!(said.contains("The last epoch is the best so far, 5.0 nats better than the one before."));
        assert!(said.contains("Epoch 1 was 8.0 nats better than the last"));
        assert!(said.contains("The AE reconstructs test images 3.0 nats better than the VAE"));
    }

    #[test]
    fn a_collapsed_a_poor_and_a_surprising_run_are_called_so() {
        let (ae, vae) = (run(models::Settings::Ae, &[390.0], None), run(models::Settings::Vae, &[383.5], Some(0.001)));
        let said = markdown::blocks(&tell(&[ae, vae], &BASELINES));
        assert!(said.contains("The AE is no better than knowing the class and nothing else (106.0 nats more)"));
        assert!(said.contains("The VAE has **collapsed**") && !said.contains("at most 0.00"));
        assert!(said.contains("The VAE reconstructs test images 6.5 nats better than the AE, although"));
        let (ae, vae) = (run(models::Settings::Ae, &[542.86], None), run(models::Settings::Vae, &[9.7e14], Some(3.0)));
        let said = markdown::blocks(&tell(&[ae, vae], &BASELINES));
        assert!(said.contains(
            "The AE has learned **hardly anything** so far: it reconstructs at 542.9 nats, worse than one constant"
        ));
        assert!(said.contains("The VAE has **diverged**: its loss of 9.70e14 nats") && !said.contains("collapsed**"));
        assert!(!said.contains("own entropy") && !said.contains("close up"));
    }
}
