//! Samplers against each other on losses that were measured once: a grid of settings, then searches that look their losses up.
//!
//! A search looks up what it would have trained for minutes, so that hundreds of them can be played with different seeds: what is
//! left is the difference between the samplers, not the luck of one search.

use super::Plan;
use super::row;
use crate::error::{Error, Result};
use crate::lab::count;
use crate::plot::Chart;
use crate::report::{Block, Figure, figure, table};
use crate::search::sampler::tpe::Startup;
use crate::search::sampler::{Grid, Random, Sampler, Tpe};
use crate::search::{Direction, Distribution, FrozenTrial, Outcome, Space, Storage, Study, Value};
use crate::stats::mean_and_error;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

const FIGURE: &str = "compare.svg";

/// Cross-validated losses on a grid of epochs, batch sizes and learning rates.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// Epochs of each point.
    pub epochs: Vec<u64>,
    /// Batch sizes.
    pub batch_sizes: Vec<i64>,
    /// Learning rates.
    pub lrs: Vec<f64>,
    /// The loss of each point, epochs outermost and learning rates innermost; none where training diverged.
    pub losses: Vec<Option<f64>>,
}

impl Measured {
    /// Reads the losses off a finished grid study of batch size and learning rate. A network that was trained for the most epochs was,
    /// on the way, bit for bit the one that is trained for fewer, since nothing it does depends on how many are to come.
    ///
    /// # Errors
    /// [`Error::Usage`] when a point of the grid was not measured.
    pub fn of(
        trials: &[Arc<FrozenTrial>],
        folds: usize,
        epochs: &[u64],
        batch_sizes: &[i64],
        lrs: &[f64],
    ) -> Result<Self> {
        let mut losses = Vec::new();
        for &epoch in epochs {
            for &batch in batch_sizes {
                for &lr in lrs {
                    let is = |t: &FrozenTrial, name: &str, x: f64| {
                        t.params.get(name).and_then(|p| p.value().number()).is_some_and(|v| v == x)
                    };
                    let at = trials
                        .iter()
                        .find(|t| is(t, "batch_size", batch as f64) && is(t, "lr", lr) && t.state.is_finished());
                    let at = at.ok_or_else(|| {
                        Error::Usage(format!(
                            "the grid has no trial with batch_size {batch} and lr {lr}: it is not finished"
                        ))
                    })?;
                    let curves = row::folds(at);
                    let sum: Option<f64> = curves.iter().map(|f| f.curve.get(epoch as usize - 1)).sum();
                    losses.push(sum.filter(|_| curves.len() == folds).map(|s| s / folds as f64));
                }
            }
        }
        Ok(Measured { epochs: epochs.to_vec(), batch_sizes: batch_sizes.to_vec(), lrs: lrs.to_vec(), losses })
    }

    fn space(&self) -> Result<Space> {
        let numbers: Vec<i64> = self.epochs.iter().map(|e| *e as i64).collect();
        let step = numbers.get(1).map_or(1, |second| second - numbers[0]);
        let epochs = match numbers.windows(2).all(|w| w[1] - w[0] == step) && step > 0 {
            true => Distribution::step_int(numbers[0], numbers[numbers.len() - 1], step),
            false => Distribution::categorical(numbers),
        };
        Space::new([
            ("epochs", epochs),
            ("batch_size", Distribution::categorical(self.batch_sizes.clone())),
            ("lr", Distribution::categorical(self.lrs.clone())),
        ])
    }

    fn look_up(&self, values: &BTreeMap<String, Value>) -> Option<f64> {
        let number = |name: &str| values[name].number().expect("all are numbers");
        let e = self.epochs.iter().position(|e| *e as f64 == number("epochs"))?;
        let b = self.batch_sizes.iter().position(|b| *b as f64 == number("batch_size"))?;
        let l = self.lrs.iter().position(|l| *l == number("lr"))?;
        self.losses[(e * self.batch_sizes.len() + b) * self.lrs.len() + l]
    }

    /// The highest loss; what diverged counts as that.
    fn highest(&self) -> f64 {
        self.losses.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max)
    }

    /// The lowest loss.
    pub fn lowest(&self) -> f64 {
        self.losses.iter().flatten().copied().fold(f64::INFINITY, f64::min)
    }
}

/// What searches with one sampler found.
#[derive(Clone, Debug, Serialize)]
pub struct Played {
    /// The sampler.
    pub name: String,
    /// After each trial, the best loss so far above the lowest of the grid: mean over the searches, nats per image.
    pub mean: Vec<f64>,
    /// The standard error of that mean.
    pub error: Vec<f64>,
    /// The same, which a tenth of the searches is below.
    pub low: Vec<f64>,
    /// The same, which nine tenths are below.
    pub high: Vec<f64>,
    /// The part of the searches that had the lowest loss after each trial.
    pub found: Vec<f64>,
    /// Different points that a search tried, on average.
    pub distinct: f64,
}

/// Everything that was measured: `summary.json`.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// The losses.
    pub measured: Measured,
    /// Searches of each sampler.
    pub searches: u64,
    /// What they found.
    pub played: Vec<Played>,
}

/// Plays searches, each with as many trials as the grid has points.
///
/// # Errors
/// When every point of the grid diverged.
pub fn play(measured: Measured, searches: u64) -> Result<Comparison> {
    if !measured.lowest().is_finite() {
        return Err(Error::Usage("all points of the grid diverged: there is nothing to compare".into()));
    }
    let space = measured.space()?;
    let budget = measured.losses.len();
    let startup_trials = Plan::default_startup(budget);
    let tpe = Tpe { startup_trials, startup: Startup::Sobol, ..Tpe::default() };
    let optuna = Tpe::default();
    let first = |tpe: &Tpe, by| format!("TPE, {} {by} points first", tpe.startup_trials);
    let played = vec![
        searched(&measured, &space, searches, &first(&tpe, "Sobol"), tpe)?,
        searched(&measured, &space, searches, &first(&optuna, "random"), optuna)?,
        searched(&measured, &space, searches, "random", Random)?,
        searched(&measured, &space, searches, "grid", Grid::of(&space)?)?,
    ];
    Ok(Comparison { measured, searches, played })
}

/// Searches with one sampler.
fn searched(
    measured: &Measured,
    space: &Space,
    searches: u64,
    name: &str,
    sampler: impl Sampler + Clone + 'static,
) -> Result<Played> {
    let (budget, lowest, highest) = (measured.losses.len(), measured.lowest(), measured.highest());
    let mut regrets: Vec<Vec<f64>> = vec![Vec::new(); budget];
    let mut distinct = 0.0;
    for seed in 0..searches {
        let study =
            Study::create(Storage::in_memory(), name, &[Direction::Minimize])?.sampler(sampler.clone()).seed(seed);
        let (mut best, mut tried) = (f64::INFINITY, Vec::new());
        for regrets in &mut regrets {
            let mut trial = study.ask()?;
            let values = trial.suggest_all(space)?;
            let loss = measured.look_up(&values).unwrap_or(highest);
            best = best.min(loss);
            regrets.push(best - lowest);
            if !tried.contains(&values) {
                tried.push(values);
            }
            study.tell(trial, Outcome::Complete(vec![loss]))?;
        }
        distinct += tried.len() as f64;
    }
    let n = searches as f64;
    let quantile = |x: &[f64], q: f64| x[((x.len() - 1) as f64 * q).round() as usize];
    regrets.iter_mut().for_each(|x| x.sort_by(f64::total_cmp));
    Ok(Played {
        name: name.to_string(),
        mean: regrets.iter().map(|x| mean_and_error(x).0).collect(),
        error: regrets.iter().map(|x| mean_and_error(x).1).collect(),
        low: regrets.iter().map(|x| quantile(x, 0.1)).collect(),
        high: regrets.iter().map(|x| quantile(x, 0.9)).collect(),
        found: regrets.iter().map(|x| x.iter().filter(|r| **r == 0.0).count() as f64 / n).collect(),
        distinct: distinct / n,
    })
}

/// Best so far against trials, with the band of eight tenths of the searches.
pub fn draw(c: &Comparison) -> Figure {
    let points = |y: &[f64]| -> Vec<(f64, f64)> {
        y.iter().enumerate().map(|(i, y)| (i as f64 + 1.0, *y)).filter(|(_, y)| y.is_finite()).collect()
    };
    let title = format!("Best so far: mean of {} searches, dashed the middle eight tenths", c.searches);
    // Where all searches have found something.
    let high = c.played.iter().map(|p| p.mean[2.min(p.mean.len() - 1)]).fold(0.0, f64::max);
    let mut chart = Chart::new(&title, "trial", "nats per image above the best point").x_whole();
    if high > 0.0 {
        chart = chart.y_range(0.0, high);
    }
    for p in &c.played {
        chart = chart.line(&p.name, &points(&p.mean)).dashed("", &points(&p.low)).dashed("", &points(&p.high));
    }
    Figure::new(FIGURE, chart.svg())
}

/// The paragraphs.
pub fn tell(c: &Comparison) -> Vec<Block> {
    let m = &c.measured;
    let size = m.losses.len();
    let loss = |x: Option<f64>| x.map_or("diverged".into(), |x| format!("{x:.2}"));
    let rows = m.losses.chunks(m.lrs.len()).enumerate().map(|(i, losses)| {
        let (e, b) = (m.epochs[i / m.batch_sizes.len()], m.batch_sizes[i % m.batch_sizes.len()]);
        [vec![e.to_string(), b.to_string()], losses.iter().map(|x| loss(*x)).collect()].concat()
    });
    let header: Vec<String> = m.lrs.iter().map(|lr| format!("lr {lr}")).collect();
    let header = [vec!["epochs", "batch size"], header.iter().map(String::as_str).collect()].concat();
    let budgets = budgets(size);
    let after = |p: &Played| {
        budgets.iter().map(|b| format!("{:.2} ({:.0} %)", p.mean[b - 1], 100.0 * p.found[b - 1])).collect()
    };
    let rows_of =
        c.played.iter().map(|p| [vec![p.name.clone()], after(p), vec![format!("{:.1}", p.distinct)]].concat());
    let after: Vec<String> = budgets.iter().map(|b| format!("after {}", count(*b, "trial"))).collect();
    let head = [vec!["sampler"], after.iter().map(String::as_str).collect(), vec!["points tried"]].concat();
    vec![
        "*Grid search* tries every combination: it never repeats itself, finds the best point at the latest with the last trial, and its \
         price grows with every parameter by a factor. *Random search* draws each trial by itself: it repeats points where there are few, \
         and wins over a grid where there are many and few parameters matter, because every trial tries a new value of each. *TPE* \
         learns: it divides the trials so far into good ones and others and proposes what is likely among the first and not among \
         the second. That pays once there are enough trials to learn from."
            .into(),
        format!(
            "The losses of the {size} points, measured once by cross-validation (reconstruction, nats per image); what diverged counts as \
             the highest:"
        )
        .into(),
        table(header, rows, "Cross-validated reconstruction, nats per image."),
        format!(
            "{} searches with each sampler look their losses up in this table. Told is how far the best of a search so far is above the best \
             point, on average, and in brackets how many of the searches had found that point:",
            c.searches
        )
        .into(),
        table(head, rows_of, "Nats per image above the best point, mean over the searches, and the share of the searches that had found it."),
        figure(
            FIGURE,
            "Best so far",
            "The best loss so far above the lowest of the grid, nats per image, after each trial.",
        ),
        verdict(c).join(" ").into(),
    ]
}

/// What follows from the numbers. Trials before the model are not its merit.
pub fn verdict(c: &Comparison) -> Vec<String> {
    let size = c.measured.losses.len();
    let [tpe, late, random, grid] = &c.played[..] else { unreachable!("four samplers play") };
    // By the standard error of the difference over the searches.
    let against = |other: &Played, trials: usize| {
        let i = trials - 1;
        let (gap, error) = (other.mean[i] - tpe.mean[i], (tpe.error[i].powi(2) + other.error[i].powi(2)).sqrt());
        match gap {
            gap if gap.abs() <= 2.0 * error => "level with".to_string(),
            gap if gap > 0.0 => format!("{gap:.2} ± {error:.2} nats ahead of"),
            gap => format!("{:.2} ± {error:.2} nats behind", -gap),
        }
    };
    let startup = Plan::default_startup(size);
    let mut text = Vec::new();
    for &trials in budgets(size).iter() {
        let by = match trials <= startup {
            true => "the Sobol points that TPE starts with are",
            false => "TPE, these included, is",
        };
        text.push(format!(
            "After {}, {by} {} random search and {} the grid.",
            count(trials, "trial"),
            against(random, trials),
            against(grid, trials)
        ));
    }
    text.push(format!(
        "With {} random points before its model TPE is {:.2} nats above the best point after {}, with {startup} Sobol points {:.2}.",
        Tpe::default().startup_trials,
        late.mean[size - 1],
        count(size, "trial"),
        tpe.mean[size - 1]
    ));
    if tpe.distinct < 0.8 * size as f64 {
        text.push(format!(
            "In a space of {size} points a sampler that may repeat itself wastes trials: in {size} of them TPE tried {:.1} different \
             points and random search {:.1}; the grid tries all. The best point was among them in {:.0} % of TPE's searches and in \
             {:.0} % of those at random.",
            tpe.distinct,
            random.distinct,
            100.0 * tpe.found[size - 1],
            100.0 * random.found[size - 1]
        ));
    }
    text
}

/// Numbers of trials that are told.
fn budgets(size: usize) -> Vec<usize> {
    [5, 10, 15].into_iter().filter(|b| *b < size).chain([size]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::markdown;

    fn measured() -> Measured {
        let losses = (0..18).map(|i| if i == 4 { None } else { Some(200.0 + f64::from((i * 7) % 18)) }).collect();
        Measured { epochs: vec![10, 20, 30], batch_sizes: vec![64, 128, 256], lrs: vec![0.01, 0.1], losses }
    }

    #[test]
    fn a_grid_search_finds_the_best_point_at_the_latest_with_the_last_trial() {
        let c = play(measured(), 40).unwrap();
        let grid = c.played.last().unwrap();
        assert_eq!((grid.name.as_str(), grid.distinct), ("grid", 18.0));
        assert_eq!((grid.found[17], grid.mean[17]), (1.0, 0.0));
        // In random order, trial t finds it with probability t/18; four standard errors.
        for (i, found) in grid.found.iter().enumerate() {
            let p = (i as f64 + 1.0) / 18.0;
            assert!((found - p).abs() <= 4.0 * (p * (1.0 - p) / 40.0).sqrt() + 1e-9, "{i}: {found}");
        }
        assert!(c.played.iter().all(|p| p.mean.windows(2).all(|w| w[1] <= w[0]) && p.low[9] <= p.high[9]));
        let text = markdown::blocks(&tell(&c));
        assert!(
            text.contains("| 20 | 128 |") && text.contains("diverged") && text.contains("the grid tries all"),
            "{text}"
        );
    }
}
