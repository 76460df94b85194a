//! What is told of it: sentences that follow from the numbers.

use super::figures::{ACCURACY, FILTERS, FINAL, LOSS};
use super::{ActivationSummary, HIDDEN, LAYERS, Run, Signal, settings};
use crate::data::Encoding;
use crate::lab::classify::{Class, confusion};
use crate::lab::family::grouped;
use crate::lab::{count, spread};
use crate::nn::Activation;
use crate::report::{Block, Report, escape, figure, formula, heading, table};
use crate::stats::{mean, mean_and_error, student_95};

/// Accuracies that a run is asked when it reached them.
const MARKS: [f64; 2] = [0.85, 0.90];
/// Shares of dead units and of saturated outputs from which they are spoken of.
const DEAD: f64 = 0.01;
const SATURATED: f64 = 0.1;
/// A gradient that is so many times smaller than another has vanished.
const VANISHED: f64 = 0.01;

impl ActivationSummary {
    /// The networks that differ in nothing but their seed, with what they have in common.
    pub fn groups(&self) -> Vec<(&str, Vec<&Run>)> {
        grouped(&self.runs, |run| &run.group)
    }
}

impl Run {
    /// The last test accuracy; none of a network that diverged.
    pub fn accuracy(&self) -> Option<f64> {
        let last = self.records.iter().rev().find(|r| r.split == "test")?;
        if self.diverged.is_some() { None } else { last.get("accuracy") }
    }

    /// The first epoch after which the test accuracy was at least so much.
    fn reached(&self, accuracy: f64) -> Option<u64> {
        let test = self.records.iter().filter(|r| r.split == "test");
        test.filter(|r| r.get("accuracy").is_some_and(|a| a >= accuracy)).map(|r| r.epoch).min()
    }
}

/// The whole of it.
pub fn report(s: &ActivationSummary) -> Report {
    let mut blocks = vec![what_was_done(s).into()];
    blocks.push(heading("Learning and generalisation"));
    blocks.extend(learning(s));
    blocks.push(heading("Why: the signals inside"));
    blocks.extend(inside(s));
    blocks.push(heading("Background"));
    blocks.extend(background());
    Report { title: format!("Activation functions on a CNN: {}", escape(&s.data)).into(), blocks }
}

fn what_was_done(s: &ActivationSummary) -> String {
    let (groups, first) = (s.groups(), &s.runs[0].config);
    let own = settings(first);
    let seeds = groups.iter().map(|(_, runs)| runs.len()).max().unwrap_or(0);
    let pixels = match first.binarize {
        Encoding::Grey => "grey, byte / 255",
        Encoding::Threshold => "black or white, on from byte 128",
        Encoding::Dynamic => "black or white by chance",
        Encoding::Standardised => "standardised by the training images' mean and standard deviation",
    };
    format!(
        "A convolutional network (3 × 3 to 32 channels, max-pooling by 2, 3 × 3 to 64 channels, max-pooling by 2, dense to 128, dense to \
         {} classes) was trained with {} in place of its nonlinearity, over {} each, on {} images ({pixels}) for {} in batches of {} with \
         a learning rate of {}, and measured on {} test images. Networks of one seed see the images in the same order. To name the most \
         frequent class is right for {:.1} %. All settings are in `config.json` beside each network; every number below is in \
         [`summary.json`](summary.json) or follows from it.",
        own.classes,
        groups.iter().map(|(group, _)| *group).collect::<Vec<_>>().join(", "),
        count(seeds, "seed"),
        s.images[0],
        count(first.epochs as usize, "epoch"),
        first.batch_size,
        own.descent.lr,
        s.images[1],
        100.0 * s.chance
    )
}

fn learning(s: &ActivationSummary) -> Vec<Block> {
    let groups = s.groups();
    let row = |(group, runs): &(&str, Vec<&Run>)| {
        let ended: Vec<&&Run> = runs.iter().filter(|run| run.accuracy().is_some()).collect();
        let of =
            |f: &dyn Fn(&Run) -> f64, decimals| spread(&ended.iter().map(|run| f(run)).collect::<Vec<_>>(), decimals);
        let accuracy = |run: &Run| run.accuracy().unwrap_or(f64::NAN);
        let reached = |mark: f64| {
            let epochs: Option<Vec<f64>> = runs.iter().map(|run| run.reached(mark).map(|epoch| epoch as f64)).collect();
            epochs.map_or("not by all".into(), |epochs| format!("{:.1}", mean(epochs)))
        };
        vec![
            escape(group),
            of(&|run| 100.0 * accuracy(run), 2),
            of(&|run| 100.0 * run.train_accuracy, 2),
            of(&|run| 100.0 * (run.train_accuracy - accuracy(run)), 2),
            reached(MARKS[0]),
            reached(MARKS[1]),
            of(&|run| run.seconds, 1),
        ]
    };
    let mut text = vec![
        table(
            ["", "test accuracy", "train accuracy", "gap", "epochs to 85 %", "epochs to 90 %", "seconds an epoch"],
            groups.iter().map(row),
            "After the last epoch, mean ± standard deviation over the seeds, in per cent; the gap is how much better the images are named \
             that were trained on.",
        ),
        figure(
            ACCURACY,
            "Accuracy by epoch",
            "Mean over the seeds. The train curve is the average over the epoch, while weights changed.",
        ),
        figure(FINAL, "Final accuracy", "The test accuracy of each network after its last epoch."),
    ];
    text.push(best(s).into());
    let diverged: Vec<String> = s
        .runs
        .iter()
        .filter_map(|run| Some(format!("{} (seed {}) at {}", run.group, run.config.seed, run.diverged.as_ref()?)))
        .collect();
    if !diverged.is_empty() {
        text.push(format!("Diverged, and left out of the means: {}.", escape(&diverged.join("; "))).into());
    }
    text.push(figure(LOSS, "Cross-entropy by epoch", "Mean over the seeds, nats per image."));
    let run = s.runs.iter().max_by(|a, b| a.accuracy().unwrap_or(-1.0).total_cmp(&b.accuracy().unwrap_or(-1.0)));
    if let Some(run) = run.filter(|run| run.accuracy().is_some()) {
        let class = |name: &String| Class { name: name.clone(), images: 0, precision: None, recall: None };
        text.push(
            format!("What the best single network ({}, seed {}) takes for what:", run.group, run.config.seed).into(),
        );
        text.push(confusion(&run.confusion, &s.classes.iter().map(class).collect::<Vec<_>>()));
    }
    text
}

/// Which is best, and whether the seeds could have made the difference.
fn best(s: &ActivationSummary) -> String {
    let groups = s.groups();
    let accuracies = |runs: &[&Run]| runs.iter().map(|run| run.accuracy()).collect::<Option<Vec<f64>>>();
    let ended: Vec<(&str, Vec<f64>)> = groups.iter().filter_map(|(g, runs)| Some((*g, accuracies(runs)?))).collect();
    let order =
        |a: &&(&str, Vec<f64>), b: &&(&str, Vec<f64>)| mean(a.1.iter().copied()).total_cmp(&mean(b.1.iter().copied()));
    let Some((name, own)) = ended.iter().max_by(order) else { return "No network ended.".into() };
    let others: Vec<_> = ended.iter().filter(|(other, _)| other != name).collect();
    if others.is_empty() {
        return format!("{name} reaches {:.2} %.", 100.0 * mean(own.iter().copied()));
    }
    if own.len() < 2 {
        return format!(
            "{name} names most images rightly here. One seed each says nothing of whether another would give the same order."
        );
    }
    let compare = |(other, theirs): &&(&str, Vec<f64>)| {
        let pairs: Vec<f64> = own.iter().zip(theirs).map(|(a, b)| 100.0 * (a - b)).collect();
        let (difference, error) = mean_and_error(&pairs);
        let bound = student_95(pairs.len() - 1) * error;
        let verdict = match difference > bound {
            true => "more than the seeds' noise",
            false => "within the seeds' noise",
        };
        format!("{difference:.2} ± {bound:.2} points above {other}: {verdict}")
    };
    format!(
        "**{name} is best on average**, {}. The differences are paired (both networks of a seed see the images in the same order), with \
         the half-width of their 95 % interval (Student's t, {}).",
        others.iter().map(compare).collect::<Vec<_>>().join("; "),
        count(own.len(), "seed")
    )
}

/// A length with two digits, of whatever size.
fn length(x: f64) -> String {
    match x {
        x if x >= 10.0 => format!("{x:.0}"),
        x if x >= 0.095 => format!("{x:.*}", if x < 0.95 { 2 } else { 1 }),
        x => format!("{x:.1e}").replace("e-", "e−"),
    }
}

fn inside(s: &ActivationSummary) -> Vec<Block> {
    let groups = s.groups();
    let mean_of = |runs: &[&Run], end: usize, layer: usize, f: fn(&Signal) -> f64| {
        mean(runs.iter().map(|run| f(&run.signals[end][layer])))
    };
    let mut rows = Vec::new();
    for (group, runs) in &groups {
        for (layer, name) in HIDDEN.iter().enumerate() {
            let at = |end, f: fn(&Signal) -> f64| mean_of(runs, end, layer, f);
            let both = |f: fn(&Signal) -> f64, scale: f64, decimals: usize| {
                let [start, end] = [0, 1].map(|end| format!("{:.decimals$}", scale * at(end, f)).replace('-', "−"));
                format!("{start} → {end}")
            };
            rows.push(vec![
                escape(group),
                name.to_string(),
                both(|s| s.mean, 1.0, 2),
                both(|s| s.variance, 1.0, 2),
                both(|s| s.dead, 100.0, 1),
                both(|s| s.saturated, 100.0, 1),
            ]);
        }
    }
    let mut text = vec![
        table(
            ["", "layer", "mean", "variance", "never above 0, %", "beyond ±0.99, %"],
            rows,
            "Outputs of the hidden layers on the test images, before and after training, mean over the seeds: their mean and variance; the \
             share of units (channels of a convolution) that no test image moves above 0; the share of outputs beyond ±0.99.",
        ),
        table(
            ["", LAYERS[0], LAYERS[1], LAYERS[2], LAYERS[3]],
            groups.iter().map(|(group, runs)| {
                let cell = |layer: usize| {
                    let at = |end: usize| mean(runs.iter().map(|run| run.gradients[end][layer]));
                    format!("{} → {}", length(at(0)), length(at(1)))
                };
                [escape(group)].into_iter().chain((0..4).map(cell)).collect::<Vec<_>>()
            }),
            "Norm of the gradient in each layer's weights on training images, before and after training, nats.",
        ),
    ];
    text.extend(groups.iter().flat_map(|(group, runs)| verdicts(group, runs)).map(Block::from));
    text.push(figure(
        FILTERS,
        "Windows of the first layer",
        "The first layer's weights of the first seed: black the most negative, white the most positive of each network, grey 0.",
    ));
    text
}

/// What is said of each nonlinearity in the textbooks, and whether it is seen here.
fn verdicts(group: &str, runs: &[&Run]) -> Vec<String> {
    let ended: Vec<&&Run> = runs.iter().filter(|run| run.diverged.is_none()).collect();
    if ended.is_empty() {
        return Vec::new();
    }
    let most = |f: fn(&Signal) -> f64| {
        (0..3)
            .map(|layer| (mean(ended.iter().map(|run| f(&run.signals[1][layer]))), HIDDEN[layer]))
            .fold((f64::NEG_INFINITY, ""), |best, found| if found.0 > best.0 { found } else { best })
    };
    let ratio = mean(ended.iter().map(|run| run.gradients[0][0] / run.gradients[0][3]));
    let said = match settings(&ended[0].config).activation {
        Activation::Relu => match most(|s| s.dead) {
            (share, layer) if share > DEAD => {
                let place = HIDDEN.iter().position(|name| *name == layer).unwrap_or(0);
                let before = mean(ended.iter().map(|run| run.signals[0][place].dead));
                format!(
                    "{group} **dies** in part: {:.1} % of the units of {layer} are above 0 for no test image, {:.1} % before training. Through \
                     such a unit no gradient passes, and what is before it learns nothing of it.",
                    100.0 * share,
                    100.0 * before
                )
            }
            _ => format!("{group} units are said to die; here fewer than {:.0} % of any layer's did.", 100.0 * DEAD),
        },
        Activation::Tanh | Activation::Sigmoid => {
            let saturates = match most(|s| s.saturated) {
                (share, layer) if share > SATURATED => format!(
                    "{group} **saturates**: {:.1} % of the outputs of {layer} are beyond ±0.99, where its slope is below 0.02",
                    100.0 * share
                ),
                (share, layer) => format!(
                    "{group} is said to saturate; here {:.1} % of the outputs of {layer} are beyond ±0.99, and fewer elsewhere",
                    100.0 * share
                ),
            };
            let vanishes = match ratio < VANISHED {
                true => "the first layer's gradient **vanishes**",
                false => "the first layer's gradient does not vanish",
            };
            format!("{saturates}. At the start {vanishes}: it is {ratio:.2} times as long as the last one's.")
        }
        Activation::Selu => {
            let is_kept = |end: usize, layer: usize| {
                let of = |f: fn(&Signal) -> f64| mean(ended.iter().map(|run| f(&run.signals[end][layer])));
                of(|s| s.mean).abs() < 0.25 && (0.5..2.0).contains(&of(|s| s.variance))
            };
            let names = |end: usize| match (0..3)
                .filter(|&layer| is_kept(end, layer))
                .map(|layer| HIDDEN[layer])
                .collect::<Vec<_>>()
            {
                all if all.len() == HIDDEN.len() => "in every hidden layer".to_string(),
                none if none.is_empty() => "in no hidden layer".to_string(),
                some => format!("only in {}", some.join(" and ")),
            };
            format!(
                "{group} is made to keep mean 0 and variance 1. It has them (|mean| < 0.25, variance between ½ and 2) {} before training, and {} \
                 after it: its weights are drawn for inputs that are so already, which images and max-pooling are not.",
                names(0),
                names(1)
            )
        }
        _ => return Vec::new(),
    };
    vec![said]
}

fn background() -> Vec<Block> {
    vec![
        "What the literature says, to compare; none of it was measured here.".into(),
        formula("ReLU(x) = max(x, 0)", "Weights of variance 2/n keep the signals' scale, n being a unit's inputs: it halves their square. [He et al. 2015](https://arxiv.org/abs/1502.01852)."),
        formula(
            "SELU(x) = λ x for x > 0, λ α (e^x − 1) else",
            "λ ≈ 1.0507 and α ≈ 1.6733 make mean 0 and variance 1 a fixed point of a fully connected layer with weights of variance 1/n. \
             [Klambauer et al. 2017](https://arxiv.org/abs/1706.02515).",
        ),
        "With tanh, weights of variance 2/(n + m) for n inputs and m outputs keep signals and gradients at one scale in the middle, where it is \
         almost linear; where it saturates, gradients shrink from layer to layer. \
         [Glorot and Bengio 2010](https://proceedings.mlr.press/v9/glorot10a.html)."
            .into(),
    ]
}
