//! The report of a search: what its summary tells.

use super::figures;
use super::row::{Fate, TrialRow};
use super::session::best_folder;
use super::summary::SearchSummary;
use super::validate::FoldScore;
use super::{Diverged, Objective, SamplerKind};
use crate::lab::{count, nats};
use crate::models::{Settings, Standing};
use crate::report::{Block, Figure, Report, Table, Text, escape, figure, formula, heading, table};
use crate::search::importance::LEAST_TRIALS;
use crate::search::sampler::tpe::Anatomy;
use crate::search::{FrozenTrial, Space, Value};
use crate::stats::{mean_difference, student_95};
use crate::train::{Means, mean_of};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// All figures of a search.
pub fn draw(trials: &[Arc<FrozenTrial>], s: &SearchSummary, suggestion: Option<&Anatomy>) -> Vec<Figure> {
    let loss = format!("{}, {}", s.plan.objective.name(), s.plan.objective.unit());
    let mut all = vec![figures::history(trials, &loss), figures::curves(trials, &loss)];
    all.extend(figures::slices(trials, &loss));
    all.push(figures::parallel(trials));
    all.extend(suggestion.into_iter().flat_map(figures::anatomy));
    all.extend(s.importance.as_ref().ok().map(|i| figures::importance(i)));
    all
}

/// What is told.
pub fn report(s: &SearchSummary, space: &Space, suggestion: Option<&(usize, Anatomy)>) -> Report {
    let unit = s.plan.objective.unit();
    let mut text = searched(s, space);
    text.push(heading("What was to be expected"));
    text.extend(s.expectations.iter().map(Block::from));
    text.push(heading("Trials"));
    text.extend([Block::Table(trials(s)), counts(s).into()]);
    text.push(heading("The best settings"));
    text.extend(tell_best(s));
    text.push(heading("How the search went"));
    text.extend([
        figure(
            figures::HISTORY,
            "Loss of each trial",
            format!("A dot a trial, by where its parameters came from; the line is the lowest loss so far. In {unit}."),
        ),
        credit(s).into(),
        figure(
            figures::CURVES,
            "Learning curves",
            format!("The loss of each fold on the images it was not trained on, after each epoch. In {unit}."),
        ),
    ]);
    text.push(heading("Loss against each parameter"));
    for (name, _) in s.trials.iter().flat_map(|t| &t.params).collect::<BTreeMap<_, _>>() {
        let single = space.get(name).is_some_and(|p| p.distribution.is_single());
        let (file, name) = (figures::slice_file(name), escape(name));
        let caption = format!("A dot a trial: its loss, {unit}, against its {name}.");
        text.extend((!single).then(|| figure(&file, format!("Loss against {name}"), caption)));
    }
    text.push(figure(
        figures::PARALLEL,
        "Trials through their parameters",
        "A line a trial: where its parameters and its loss stand between the ends of their ranges, which each axis names.",
    ));
    text.push(heading("The anatomy of a suggestion"));
    text.extend(anatomy(suggestion));
    text.push(heading("Which parameters matter"));
    match &s.importance {
        Ok(_) => text.extend([
            "PED-ANOVA: how much the distribution of a parameter among the best tenth of the trials differs from that among all.".into(),
            figure(
                figures::IMPORTANCE,
                "Importance",
                "Shares that sum to one. [Watanabe, Bansal and Hutter 2023](https://arxiv.org/abs/2304.10255).",
            ),
        ]),
        Err(_) => text.push(
            format!(
                "Not told: below {LEAST_TRIALS} complete trials the best tenth is too few to compare with all, and importances are noise."
            )
            .into(),
        ),
    }
    Report { title: format!("Tuning the {} on {}", s.plan.base.network.name(), escape(&s.data)).into(), blocks: text }
}

fn searched(s: &SearchSummary, space: &Space) -> Vec<Block> {
    let p = &s.plan;
    let rows = space.parameters().iter().map(|parameter| {
        let when = parameter.when.as_ref().map_or(String::new(), |(parent, values)| {
            format!("{parent} is {}", values.iter().map(Value::to_string).collect::<Vec<_>>().join(" or "))
        });
        [&parameter.name, &parameter.distribution.to_string(), &when].map(|cell| escape(cell)).to_vec()
    });
    let repeats = match p.repeats {
        1 => String::new(),
        n => format!(", {n} times with other folds and other initial weights"),
    };
    let sample = match p.base.network {
        Settings::Vae(_) => "; one sample z ~ q(z | x) an image",
        _ => "",
    };
    let minimised = format!(
        "Minimised: the {} on images that a network did not learn from, in {}, the mean over {} of the {} training \
         images{repeats}{sample}. The same folds in every trial (seed {}). The {} test images have \
         no part in the search.",
        p.objective.name(),
        p.objective.unit(),
        count(p.folds, "fold"),
        s.images[0],
        p.seed,
        s.images[1]
    );
    vec![
        minimised.into(),
        table(["parameter", "values", "only when"], rows, "What is searched."),
        format!("Not searched: {}.", fixed(s, space)).into(),
    ]
}

/// The settings that all trials have.
fn fixed(s: &SearchSummary, space: &Space) -> String {
    let (p, c) = (&s.plan, &s.plan.base);
    let mut all = vec![("epochs", c.epochs.to_string()), ("batch_size", c.batch_size.to_string())];
    if let Some((descent, activation, _)) = c.network.common() {
        all.push(("lr", descent.lr.to_string()));
        all.push(("optimizer", descent.optimizer.name().to_lowercase()));
        all.push(("activation", activation.name().to_lowercase()));
    }
    if let Some(own) = c.network.coder() {
        let widths = own.architecture.hidden.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
        all.extend([("latent_dim", own.architecture.latent.to_string()), ("hidden", widths)]);
        all.push(("beta", own.beta.to_string()));
    }
    let named = all.iter().filter(|(name, _)| space.get(name).is_none()).map(|(name, value)| format!("{name} {value}"));
    let sampler = format!("sampler {:?}", p.sampler).to_lowercase();
    let pruner = format!("pruner {:?}", p.pruner).to_lowercase();
    let rest = [sampler, pruner, "the rest in [`summary.json`](summary.json)".into()];
    named.chain(rest).collect::<Vec<_>>().join("; ")
}

/// Every trial.
fn trials(s: &SearchSummary) -> Table {
    let names: Vec<&String> =
        s.trials.iter().flat_map(|t| t.params.keys()).collect::<BTreeSet<_>>().into_iter().collect();
    let objective = s.plan.objective;
    // What is told beside the loss.
    let has_kl = matches!(s.plan.base.network, Settings::Vae(_));
    let others = Objective::of_network(&s.plan.base.network).iter().filter(|other| **other != objective);
    let others: Vec<Objective> = others.copied().collect();
    let row = |t: &TrialRow| {
        let params = names.iter().map(|name| t.params.get(*name).map_or(String::new(), |v| escape(&v.to_string())));
        let folds: Vec<String> = t.folds.iter().map(|f| objective.text(objective.of(&f.means))).collect();
        let mark = if s.best == Some(t.number) { format!("**{}**", t.number) } else { t.number.to_string() };
        let kl = |f: &FoldScore| mean_of(&f.means, "kl").unwrap_or(f64::NAN);
        let kl = has_kl.then(|| t.mean(kl).map_or("–".into(), |x| nats(x, 2)));
        let beside = others.iter().map(|o| t.mean(|f| o.of(&f.means)).map_or("–".into(), |x| o.text(x)));
        let told = vec![folds.join(", "), t.outcome(&s.plan)].into_iter().chain(kl).chain(beside);
        let told = told.chain([format!("{:.1}", t.seconds)]).collect();
        [vec![mark, escape(&t.source)], params.collect(), told].concat()
    };
    let loss = format!("{}, mean ± SE", objective.name());
    let shown_names: Vec<String> = names.iter().map(|name| escape(name)).collect();
    let header = [
        vec!["trial", "from"],
        shown_names.iter().map(String::as_str).collect(),
        vec!["folds", &loss],
        if has_kl { vec!["KL"] } else { vec![] },
        others.iter().map(|other| other.name()).collect(),
        vec!["seconds"],
    ];
    let cells = |cells: Vec<String>| cells.into_iter().map(Text::from).collect();
    Table {
        header: header.concat().into_iter().map(Text::from).collect(),
        rows: s.trials.iter().map(row).map(cells).collect(),
        caption: format!("Losses in {}; the best trial in bold.", objective.unit()).into(),
    }
}

/// Trials by what became of them, and those that repeat.
pub fn counts(s: &SearchSummary) -> String {
    let of = |fate: Fate| s.trials.iter().filter(|t| t.fate == fate).count();
    let all = [Fate::Complete, Fate::Stopped, Fate::Diverged, Fate::Failed, Fate::Running];
    let parts: Vec<String> = all.iter().filter(|f| of(**f) > 0).map(|f| format!("{} {}", of(*f), f.name())).collect();
    if parts.is_empty() {
        return "No trial was begun.".into();
    }
    let mut text = format!("{}: {}.", count(s.trials.len(), "trial"), parts.join(", "));
    for t in &s.trials {
        if let Some(error) = &t.error {
            text += &format!(" Trial {}: {}.", t.number, escape(error.split(';').next().unwrap_or_default()));
        }
    }
    if s.plan.diverged == Diverged::Fail && of(Fate::Failed) > 0 {
        text += " The sampler does not hear of failures and may try their region again; `diverged` gives them a loss.";
    }
    let repeats =
        |i: usize| !s.trials[i].params.is_empty() && s.trials[..i].iter().any(|t| t.params == s.trials[i].params);
    let repeated = (0..s.trials.len()).filter(|&i| repeats(i)).count();
    if repeated > 0 {
        text += &format!(
            " {} a point that was tried before{}.",
            match repeated {
                1 => "One trial repeats".into(),
                n => format!("{n} trials repeat"),
            },
            match s.trials.iter().filter(|t| t.known_from.is_some()).count() {
                0 => String::new(),
                n if n == repeated => ": everything was equal, and the known result was taken".into(),
                n => format!(": in {n} everything was equal, and the known result was taken"),
            }
        );
    }
    text
}

/// Which settings, what they cost, and how far to trust it.
pub fn tell_best(s: &SearchSummary) -> Vec<Block> {
    let Some(best) = s.best.and_then(|n| s.trials.iter().find(|t| t.number == n)) else {
        return vec!["No trial is complete.".into()];
    };
    let (objective, name) = (s.plan.objective, s.plan.objective.name());
    let mut text: Vec<Block> = vec![
        format!(
            "Trial {}: {}. Its cross-validated {name} is {} {}.",
            best.number,
            escape(&best.settings()),
            best.outcome(&s.plan),
            objective.unit()
        )
        .into(),
    ];
    let others = s.trials.iter().filter(|t| t.fate == Fate::Complete && t.params != best.params);
    let second = others.filter_map(|t| Some((t, t.loss?))).min_by(|a, b| a.1.total_cmp(&b.1));
    let comparable = second.filter(|(t, _)| t.folds.len() == best.folds.len() && best.folds.len() > 1);
    if let Some((second, _)) = comparable {
        // Both on the same folds: what a fold is hard by falls out of the differences.
        let of = |f: &FoldScore| objective.of(&f.means);
        let gaps: Vec<f64> = second.folds.iter().zip(&best.folds).map(|(a, b)| of(a) - of(b)).collect();
        let (gap, error) = mean_difference(&gaps, s.plan.folds);
        let needed = student_95(gaps.len() - 1);
        text.push(
            format!(
                "Of other settings trial {} is next, {} ± {} {} behind on the same folds. That is {}significant: from {} \
                 it takes {needed:.1} standard errors (t-test, 5 %, corrected for the training images that folds share).",
                second.number,
                objective.text(gap),
                objective.text(error),
                objective.points(),
                if gap > needed * error { "" } else { "not " },
                count(gaps.len(), "difference")
            )
            .into(),
        );
    }
    let complete = s.trials.iter().filter(|t| t.fate == Fate::Complete).count();
    if complete > 1 {
        text.push(
            format!(
                "The lowest of {complete} noisy losses looks better than it is, for luck is part of why it was chosen; and the folds' \
                 networks share training images, so that the ± of a trial, the standard error over its folds, is on the small side. The \
                 test images have no part in the choice."
            )
            .into(),
        );
    }
    if let Some(error) = &s.test_error {
        text.push(format!("These settings were not trained on all training images: {}.", escape(error)).into());
    }
    if let Some(means) = &s.test {
        if s.standing == Some(Standing::Diverged) {
            text.push(
                "The network that was trained with these settings on all training images has **diverged**.".into(),
            );
        }
        text.push(tested(s, means, &best_folder(best.number)).into());
    }
    text
}

/// What the best settings reach on the test images.
fn tested(s: &SearchSummary, means: &Means, folder: &str) -> String {
    let network = &s.plan.base.network;
    let trained = format!("Trained with these settings on all {} training images, the {}", s.images[0], network.name());
    let (of, b) = (|objective: Objective| objective.of(means), &s.baselines);
    let costs = |loss: f64, parts: String| {
        format!(
            "{trained} costs **{}** nats per test image{parts}. A predictor that knows the class and nothing else costs {:.2}, the \
             mean image {:.2}. The network is in `{folder}`.",
            nats(loss, 2),
            b.per_class,
            b.per_pixel
        )
    };
    if matches!(network, Settings::Cnn(_)) {
        return format!(
            "{trained} takes **{} %** of the test images for another class; its cross-entropy is {} nats per image. To name the most \
             frequent class errs in {:.2} %. The network is in `{folder}`.",
            Objective::Error.text(of(Objective::Error)),
            Objective::CrossEntropy.text(of(Objective::CrossEntropy)),
            100.0 * (1.0 - s.chance)
        );
    }
    let (recon, loss) = (of(Objective::Recon), of(Objective::Elbo));
    match loss.is_finite() {
        true => costs(loss, format!(": reconstruction {}, KL {}", nats(recon, 2), nats(loss - recon, 2))),
        false => costs(recon, String::new()),
    }
}

/// Who found the best settings: a startup trial is never the model's merit.
pub fn credit(s: &SearchSummary) -> String {
    let (model, others): (Vec<&TrialRow>, Vec<&TrialRow>) = s.trials.iter().partition(|t| t.source == "model");
    let lowest = |rows: &[&TrialRow]| {
        rows.iter().filter(|t| t.fate == Fate::Complete).filter_map(|t| t.loss).min_by(f64::total_cmp)
    };
    let (by_model, points) = (count(model.len(), "trial"), s.plan.objective.points());
    match (s.plan.sampler, lowest(&model), lowest(&others)) {
        (SamplerKind::Tpe, ..) if model.is_empty() => {
            "TPE's model suggested nothing in this search: what was found was found by trying.".into()
        }
        (SamplerKind::Tpe, None, _) => {
            format!("The model's share, {by_model}, has no complete one: it had no part in what was found.")
        }
        (SamplerKind::Tpe, Some(_), None) => format!("All complete trials are among the model's {by_model}."),
        (SamplerKind::Tpe, Some(m), Some(r)) if m < r => format!(
            "The best of the model's {by_model} is {} {points} better than the best of those it did not suggest ({}).",
            s.plan.objective.text(r - m),
            others.len()
        ),
        (SamplerKind::Tpe, Some(m), Some(r)) if m == r => {
            format!(
                "The best trial is one that the model did not suggest: in {by_model} it found that one again, and nothing better."
            )
        }
        (SamplerKind::Tpe, Some(m), Some(r)) => format!(
            "The best trial is one that the model did not suggest: in {by_model} it found nothing better ({} {points} behind).",
            s.plan.objective.text(m - r)
        ),
        _ => "No model was used: trials do not learn from one another.".into(),
    }
}

fn anatomy(suggestion: Option<&(usize, Anatomy)>) -> Vec<Block> {
    let Some((number, a)) = suggestion else {
        return vec![
            "There is no suggestion to take apart: the model made none, or not of all parameters together, or beside workers whose \
             view is not on record."
                .into(),
        ];
    };
    let numbers = |n: &[usize]| n.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    let good = match a.good_trials.len() {
        1 => format!("One trial counts as good, number {}", numbers(&a.good_trials)),
        n => format!("{n} trials count as good, numbers {}", numbers(&a.good_trials)),
    };
    let mut text: Vec<Block> = vec![
        format!(
            "How trial {number} was suggested. {good}: the best tenth of those finished, rounded up, and at most 25. They are compared \
             with {} more. From each group a density is built, one kernel a trial and a wide one for what is not known: l of the good, g \
             of the others. {} were drawn from l, and the one with the largest l/g is suggested: where good trials were and others were \
             not. The quotient is of densities over all parameters together, so that along a single one the suggestion may lie elsewhere.",
            a.bad_trials.len(),
            count(a.acquisition.len(), "candidate")
        )
        .into(),
        formula(
            "EI(x) ∝ (γ + {g(x)}/{l(x)} (1 − γ))^{−1}",
            "The expected improvement at x, with γ the share of good trials: it is largest where l/g is. \
             [Bergstra and others 2011](https://proceedings.neurips.cc/paper/2011/hash/86e8f7ab32cfd12577bc2619bc635690-Abstract.html), \
             section 4.1.",
        ),
    ];
    text.extend(a.wanted.iter().map(|(name, _)| {
        let (file, name) = (figures::anatomy_file(name), escape(name));
        let caption =
            format!("The densities of good and of other trials along {name}, and the candidate that was suggested.");
        figure(&file, format!("l and g along {name}"), caption)
    }));
    text.push(figure(
        figures::ACQUISITION,
        "Acquisition",
        "The score ln l − ln g of each candidate, in nats, the best first: it is suggested.",
    ));
    text
}
