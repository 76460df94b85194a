//! Figures of a search.

use super::row::{Fate, best, folds, source};
use super::validate::FoldScore;
use crate::files;
use crate::plot::{Chart, drawable};
use crate::report::Figure;
use crate::search::importance::Importance;
use crate::search::parzen::Mixture;
use crate::search::sampler::tpe::Anatomy;
use crate::search::{Distribution, FrozenTrial, Value};
use std::sync::Arc;

/// Files of the figures.
pub const HISTORY: &str = "history.svg";
/// Learning curves.
pub const CURVES: &str = "curves.svg";
/// Parallel coordinates.
pub const PARALLEL: &str = "parallel.svg";
/// Acquisition of the candidates of one suggestion.
pub const ACQUISITION: &str = "acquisition.svg";
/// Importance of parameters.
pub const IMPORTANCE: &str = "importance.svg";

/// The file of a parameter's slice.
pub fn slice_file(name: &str) -> String {
    format!("slice_{}.svg", files::named(name))
}

/// The file of a parameter's part in the anatomy of a suggestion.
pub fn anatomy_file(name: &str) -> String {
    format!("anatomy_{}.svg", files::named(name))
}

fn is_startup(trial: &FrozenTrial) -> bool {
    source(trial).starts_with("startup")
}

/// Complete trials and their losses.
fn valued(trials: &[Arc<FrozenTrial>]) -> impl Iterator<Item = (&FrozenTrial, f64)> {
    with_fate(trials, Fate::Complete)
}

fn with_fate(trials: &[Arc<FrozenTrial>], fate: Fate) -> impl Iterator<Item = (&FrozenTrial, f64)> {
    let kept = trials.iter().filter(move |t| Fate::of(t) == fate);
    kept.filter_map(|t| Some((&**t, t.value().filter(|v| v.is_finite())?)))
}

/// The range of losses worth a look: a trial far off would press all others to the axis.
fn window(losses: &[f64]) -> (f64, f64) {
    let mut sorted: Vec<f64> = losses.iter().copied().filter(|v| drawable(*v)).collect();
    sorted.sort_by(f64::total_cmp);
    // What was tried twice counts once.
    sorted.dedup();
    let Some(&low) = sorted.first() else { return (0.0, 1.0) };
    let limit = sorted[sorted.len() / 2] + 2.0 * (sorted[sorted.len() / 2] - low);
    let high = sorted.iter().copied().filter(|v| *v <= limit).fold(low, f64::max);
    let margin = 0.06 * (high - low).max(1e-3 * low.abs()).max(1e-9);
    (low - margin, high + margin)
}

/// A chart of losses whose y axis ends where it matters.
fn chart(title: &str, x: &str, loss: &str, losses: &[f64]) -> Chart {
    let (low, high) = window(losses);
    let count = |is_out: &dyn Fn(f64) -> bool| losses.iter().filter(|v| is_out(**v)).count();
    let out = [(count(&|v| v > high), "above the frame"), (count(&|v| v < low), "too low to be drawn")];
    let out: Vec<String> = out.into_iter().filter(|(n, _)| *n > 0).map(|(n, place)| format!("{n} {place}")).collect();
    let title = if out.is_empty() { title.to_string() } else { format!("{title} ({})", out.join(", ")) };
    Chart::new(&title, x, loss).y_range(low, high)
}

/// Of complete trials and of those stopped.
fn losses(trials: &[Arc<FrozenTrial>]) -> Vec<f64> {
    valued(trials).chain(with_fate(trials, Fate::Stopped)).map(|(_, v)| v).collect()
}

/// Loss against trial, and the best so far.
pub fn history(trials: &[Arc<FrozenTrial>], loss: &str) -> Figure {
    let mut best = Vec::new();
    for (t, v) in valued(trials) {
        let so_far = best.last().map_or(v, |&(_, b): &(f64, f64)| b.min(v));
        best.extend(best.last().map(|&(_, b)| (t.number as f64, b)));
        best.push((t.number as f64, so_far));
    }
    let chart = chart("Loss of each trial, and the best so far", "trial", loss, &losses(trials)).x_whole();
    let chart = dots(chart, trials, |t| Some(t.number as f64)).line("best so far", &best);
    Figure::new(HISTORY, chart.svg())
}

/// Dots for the trials at `x`, those of the startup in grey.
fn dots(chart: Chart, trials: &[Arc<FrozenTrial>], x: impl Fn(&FrozenTrial) -> Option<f64>) -> Chart {
    let points = |all: Vec<(&FrozenTrial, f64)>| -> Vec<(f64, f64)> {
        all.into_iter().filter_map(|(t, v)| Some((x(t)?, v))).collect()
    };
    let (model, rest): (Vec<_>, Vec<_>) = valued(trials).partition(|(t, _)| source(t) == "model");
    let (startup, rest): (Vec<_>, Vec<_>) = rest.into_iter().partition(|(t, _)| is_startup(t));
    let stopped = with_fate(trials, Fate::Stopped).collect();
    let mut chart = chart;
    for (name, dots) in [("by the model", model), ("other trials", rest), ("stopped early", stopped)] {
        if !dots.is_empty() {
            chart = chart.scatter(name, &points(dots));
        }
    }
    // Whatever they were told, they are beyond every loss: marked at the upper edge.
    let diverged = trials.iter().filter(|t| Fate::of(t) == Fate::Diverged);
    let diverged: Vec<_> = diverged.filter_map(|t| Some((x(t)?, f64::INFINITY))).collect();
    if !diverged.is_empty() {
        chart = chart.scatter("diverged", &diverged);
    }
    if startup.is_empty() { chart } else { chart.scatter("startup", &points(startup)).muted() }
}

/// Networks whose curves are told apart.
const SHOWN: usize = 6;

/// Loss against epoch, of each fold: the best trials in colour, the others in grey, also those that were stopped.
pub fn curves(trials: &[Arc<FrozenTrial>], loss: &str) -> Figure {
    let mut order: Vec<(&FrozenTrial, f64)> = valued(trials).collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let title = match order.len() {
        n if n > SHOWN => format!("Loss of each fold in training: the {SHOWN} best trials of {n}, others in grey"),
        _ => "Loss of each fold in training".into(),
    };
    let all: Vec<f64> = order.iter().flat_map(|(t, _)| folds(t)).flat_map(|f| f.curve).collect();
    let (low, high) = window(&all);
    let mut chart = Chart::new(&title, "epoch", loss).y_range(low, high).x_whole();
    let points = |fold: &FoldScore| -> Vec<(f64, f64)> {
        fold.curve.iter().enumerate().map(|(e, v)| (e as f64 + 1.0, *v)).collect()
    };
    for fold in with_fate(trials, Fate::Stopped).flat_map(|(t, _)| folds(t)) {
        chart = chart.line("", &points(&fold)).muted();
    }
    for (place, (trial, _)) in order.into_iter().enumerate().rev() {
        for fold in folds(trial) {
            chart = match place < SHOWN {
                true => chart.line(&format!("trial {}", trial.number), &points(&fold)),
                false => chart.line("", &points(&fold)).muted(),
            };
        }
    }
    Figure::new(CURVES, chart.svg())
}

/// Where a parameter's value stands on an axis: its logarithm, on a log scale.
fn place(distribution: &Distribution, internal: f64) -> f64 {
    if is_log(distribution) { libm::log10(internal) } else { internal }
}

/// A chart whose x axis is a parameter's: from end to end, with a margin.
fn along(chart: Chart, distribution: &Distribution) -> Chart {
    let (low, high) = range(distribution);
    let (low, high) = (place(distribution, low), place(distribution, high));
    let margin = 0.04 * (high - low);
    if !margin.is_finite() {
        return chart;
    }
    match distribution {
        Distribution::Categorical { choices } => {
            return chart.categories(&choices.iter().map(|c| c.to_string()).collect::<Vec<_>>());
        }
        _ if is_log(distribution) => chart.x_log(),
        Distribution::Int { .. } => chart.x_whole(),
        Distribution::Float { .. } => chart,
    }
    .x_range(low - margin, high + margin)
}

/// The parameters that trials have, each with its newest distribution.
pub fn parameters(trials: &[Arc<FrozenTrial>]) -> Vec<(String, Arc<Distribution>)> {
    let mut all: std::collections::BTreeMap<&String, &Arc<Distribution>> = Default::default();
    for trial in trials {
        all.extend(trial.params.iter().map(|(name, p)| (name, &p.distribution)));
    }
    let several = all.into_iter().filter(|(_, d)| !d.is_single());
    several.map(|(name, d)| (name.clone(), Arc::clone(d))).collect()
}

/// Loss against each parameter.
pub fn slices(trials: &[Arc<FrozenTrial>], loss: &str) -> Vec<Figure> {
    let slice = |(name, distribution): (String, Arc<Distribution>)| {
        let title = format!("Loss against {name}");
        let chart = along(chart(&title, &name, loss, &losses(trials)), &distribution);
        let chart = dots(chart, trials, |t| Some(place(&distribution, t.params.get(&name)?.internal)));
        let best = best(trials);
        let best = best.as_ref().and_then(|t| Some((t, t.params.get(&name)?)));
        let chart = match best {
            Some((t, p)) => chart.note("best", (place(&distribution, p.internal), t.value().unwrap_or(f64::NAN))),
            None => chart,
        };
        Figure::new(slice_file(&name), chart.svg())
    };
    parameters(trials).into_iter().map(slice).collect()
}

/// Each trial as a line through its parameters' places between their ends; the best tenth in colour.
pub fn parallel(trials: &[Arc<FrozenTrial>]) -> Figure {
    let parameters = parameters(trials);
    let mut order: Vec<(&FrozenTrial, f64)> = valued(trials).collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let good = order.len().div_ceil(10);
    let best = order.first().map_or(0.0, |(_, loss)| *loss);
    let (_, highest) = window(&losses(trials));
    let frame = (best, highest);
    // What stands at the lower and the upper end of each axis.
    let named = |(name, d): &(String, Arc<Distribution>)| match &**d {
        Distribution::Categorical { choices } => {
            format!("{name}: {}", choices.iter().map(Value::to_string).collect::<Vec<_>>().join(", "))
        }
        d => {
            let [low, high] = [range(d).0, range(d).1].map(|x| d.value(x));
            format!("{name}: {low} to {high}")
        }
    };
    let loss = format!(
        "loss: {} to {}",
        Value::Float((best * 100.0).round() / 100.0),
        Value::Float((highest * 100.0).round() / 100.0)
    );
    let names: Vec<String> = parameters.iter().map(named).chain([loss]).collect();
    let part = |x: f64, (low, high): (f64, f64)| if high > low { ((x - low) / (high - low)).min(1.0) } else { 0.5 };
    let line = |(trial, value): &(&FrozenTrial, f64)| {
        let mut points: Vec<(f64, f64)> = Vec::new();
        for (i, (name, d)) in parameters.iter().enumerate() {
            let (a, b) = range(d);
            // A parameter that a trial does not have breaks its line.
            let at = trial.params.get(name).map(|p| part(place(d, p.internal), (place(d, a), place(d, b))));
            points.push((i as f64, at.unwrap_or(f64::NAN)));
        }
        points.push((parameters.len() as f64, part(*value, frame)));
        points
    };
    let mut chart = Chart::new("Trials through their parameters", "", "place between the lowest value and the highest")
        .categories(&names)
        .y_range(-0.04, 1.04);
    for trial in order[good.min(order.len())..].iter().rev() {
        chart = chart.line("other trials", &line(trial)).muted();
    }
    for trial in order[..good.min(order.len())].iter().rev() {
        chart = chart.line(if good == 1 { "best trial" } else { "best tenth" }, &line(trial));
    }
    Figure::new(PARALLEL, chart.svg())
}

fn range(d: &Distribution) -> (f64, f64) {
    match d {
        Distribution::Float { low, high, .. } => (*low, *high),
        Distribution::Int { low, high, .. } => (*low as f64, *high as f64),
        Distribution::Categorical { choices } => (0.0, choices.len() as f64 - 1.0),
    }
}

/// One suggestion: for each parameter l and g along it and the candidates that were drawn from l, and what the candidates scored.
pub fn anatomy(anatomy: &Anatomy) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (d, (name, distribution)) in anatomy.wanted.iter().enumerate() {
        let xs = sites(distribution);
        let density = |mixture: &Mixture, x: &[f64]| -> Vec<f64> {
            mixture.marginal(d).log_pdf(&[x.to_vec()]).into_iter().map(libm::exp).collect()
        };
        let line = |mixture| -> Vec<(f64, f64)> {
            xs.iter().map(|x| place(distribution, *x)).zip(density(mixture, &xs)).collect()
        };
        let at = &anatomy.candidates[d];
        let on_l: Vec<(f64, f64)> =
            at.iter().map(|x| place(distribution, *x)).zip(density(&anatomy.good, at)).collect();
        let y = match (distribution.size(), is_log(distribution)) {
            (Some(_), _) => "probability".into(),
            (None, true) => format!("density of ln {name}"),
            (None, false) => "density".into(),
        };
        let title = format!("Where good trials had their {name}, and where the others");
        let chart = along(Chart::new(&title, name, &y), distribution);
        let (l, g) = ("l, good trials", "g, other trials");
        let chart = match **distribution {
            Distribution::Categorical { .. } => {
                chart.bars(l, &density(&anatomy.good, &xs)).bars(g, &density(&anatomy.bad, &xs))
            }
            _ => chart.line(l, &line(&anatomy.good)).line(g, &line(&anatomy.bad)).scatter("candidates, on l", &on_l),
        };
        let chart = chart.note("suggested", on_l[anatomy.best]);
        figures.push(Figure::new(anatomy_file(name), chart.svg()));
    }
    let mut scores = anatomy.acquisition.clone();
    scores.sort_by(|a, b| b.total_cmp(a));
    let chart = Chart::new("What each candidate scored", "candidate, best first", "ln l − ln g");
    let chart = chart.categories(&(1..=scores.len()).map(|n| n.to_string()).collect::<Vec<_>>()).bars("", &scores);
    figures.push(Figure::new(ACQUISITION, chart.svg()));
    figures
}

fn is_log(d: &Distribution) -> bool {
    matches!(d, Distribution::Float { log: true, .. } | Distribution::Int { log: true, .. })
}

/// Values at which a density is drawn.
fn sites(d: &Distribution) -> Vec<f64> {
    match d.size() {
        Some(n) if n <= 200 => (0..n).map(|k| d.nth(k)).collect(),
        _ => (0..=200).map(|i| d.at(f64::from(i) / 200.0)).collect(),
    }
}

/// What PED-ANOVA says.
pub fn importance(all: &[Importance]) -> Figure {
    let names: Vec<&str> = all.iter().map(|i| i.name.as_str()).collect();
    let shares: Vec<f64> = all.iter().map(|i| i.normalized).collect();
    let chart =
        Chart::new("Importance of the parameters", "", "share (PED-ANOVA)").categories(&names).bars("", &shares);
    Figure::new(IMPORTANCE, chart.svg())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_holds_what_is_worth_a_look() {
        let (low, high) = window(&[1.0, 1.0, 1.0, 1.0, 60.0, 70.0]);
        assert!(low < 1.0 && high > 70.0, "a value that was found again and again is one value: {low} {high}");
        let (low, high) = window(&[2.0, 1.0, 3.0, 1e9, f64::INFINITY, -1e308]);
        assert!((0.0..1.0).contains(&low) && (3.0..4.0).contains(&high), "{low} {high}");
        assert_eq!(window(&[]), (0.0, 1.0));
    }
}
