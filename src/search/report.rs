//! `summary.json` and the report that tells it.

use super::figures::{self, folds, source};
use super::run::ERROR;
use super::validate::{FoldScore, standard_error};
use super::{Diverged, Plan, SamplerKind};
use crate::data::Baselines;
use crate::study::{Figure, count, shown, table};
use crate::train::Score;
use crate::tune::importance::{Importance, importances};
use crate::tune::sampler::Asking;
use crate::tune::sampler::tpe::{Anatomy, Tpe, common};
use crate::tune::{Direction, FrozenTrial, Space, State, Value, best_of};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Everything that was measured: `summary.json`.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Name of the data.
    pub data: String,
    /// Training and test images.
    pub images: [usize; 2],
    /// What decided the search.
    pub plan: Plan,
    /// What was said before the first trial.
    pub expectations: Vec<String>,
    /// Every trial.
    pub trials: Vec<Row>,
    /// The trial with the lowest loss.
    pub best: Option<usize>,
    /// The best settings, trained on all training images and measured on the test images.
    pub test: Option<Score>,
    /// What predictors that look at no image cost on the test images.
    pub baselines: Baselines,
    /// The importance of the parameters, or why it is not told.
    pub importance: Result<Vec<Importance>, String>,
}

/// A trial.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Its number.
    pub number: usize,
    /// `COMPLETE`, `PRUNED`, `FAIL` or `RUNNING`.
    pub state: &'static str,
    /// Where its parameters came from.
    pub source: String,
    /// Its parameters, as text.
    pub params: BTreeMap<String, String>,
    /// The objective: its mean over the folds.
    pub loss: Option<f64>,
    /// The standard error of that mean.
    pub standard_error: Option<f64>,
    /// Each fold.
    pub folds: Vec<FoldScore>,
    /// Seconds of training and judging.
    pub seconds: f64,
    /// Why it failed.
    pub error: Option<String>,
}

impl Row {
    /// What is told of a trial.
    pub fn of(trial: &FrozenTrial, plan: &Plan) -> Self {
        let folds = folds(trial);
        let losses: Vec<f64> = folds.iter().map(|f| plan.objective.of(f.recon, f.kl)).collect();
        Row {
            number: trial.number,
            state: trial.state.name(),
            source: source(trial).to_string(),
            params: trial.params.iter().map(|(name, p)| (name.clone(), p.value().to_string())).collect(),
            loss: trial.value(),
            standard_error: (losses.len() > 1).then(|| standard_error(&losses)),
            seconds: match folds.is_empty() {
                true => trial.seconds().unwrap_or(0.0),
                false => folds.iter().map(|f| f.seconds).sum(),
            },
            folds,
            error: trial.user_attrs.get(ERROR).and_then(|e| e.as_str()).map(str::to_string),
        }
    }

    fn kl(&self) -> Option<f64> {
        (!self.folds.is_empty()).then(|| self.folds.iter().map(|f| f.kl).sum::<f64>() / self.folds.len() as f64)
    }

    fn recon(&self) -> Option<f64> {
        (!self.folds.is_empty()).then(|| self.folds.iter().map(|f| f.recon).sum::<f64>() / self.folds.len() as f64)
    }

    /// Its loss with the standard error, or what became of it.
    pub fn outcome(&self) -> String {
        match (self.loss, self.standard_error, self.state) {
            (Some(loss), ..) if self.error.is_some() => format!("diverged, counted as {loss}"),
            (Some(loss), Some(se), _) => format!("{loss:.2} ± {se:.2}"),
            (Some(loss), None, "COMPLETE") => format!("{loss:.2}"),
            (Some(loss), None, _) => format!("pruned at {loss:.2}"),
            (None, ..) if self.state == "RUNNING" => "running".into(),
            (None, ..) => "failed".into(),
        }
    }

    /// Its parameters in one line.
    pub fn settings(&self) -> String {
        self.params.iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
    }
}

/// Where the network with the best settings is, in the study's folder.
pub fn best_folder(trial: usize) -> String {
    format!("best-trial-{trial}")
}

/// The trial with the lowest loss, among those that came to an end.
pub fn best(trials: &[Arc<FrozenTrial>]) -> Option<Arc<FrozenTrial>> {
    let ended: Vec<_> = trials.iter().filter(|t| !t.user_attrs.contains_key(ERROR)).cloned().collect();
    best_of(&ended, Direction::Minimize).cloned()
}

/// The numbers of a search, but for the test.
pub fn measure(
    trials: &[Arc<FrozenTrial>],
    plan: &Plan,
    expectations: Vec<String>,
    data: &crate::data::Dataset,
) -> Summary {
    Summary {
        data: data.name.clone(),
        images: [data.train.len(), data.test.len()],
        plan: plan.clone(),
        expectations,
        trials: trials.iter().filter(|t| t.state != State::Waiting).map(|t| Row::of(t, plan)).collect(),
        best: best(trials).map(|t| t.number),
        test: None,
        baselines: Baselines::of(data, plan.base.binarize),
        importance: importances(trials, Direction::Minimize).map_err(|e| e.to_string()),
    }
}

/// The last suggestion of the model, done again: none if the model made none.
pub fn last_suggestion(trials: &[Arc<FrozenTrial>], plan: &Plan) -> Option<(usize, Anatomy)> {
    let by_model = trials.iter().rev().filter(|t| source(t) == "model");
    by_model.into_iter().find_map(|trial| {
        let then = as_of(trials, trial);
        let asking = Asking {
            number: trial.number,
            trials: &then,
            directions: &[Direction::Minimize],
            seed: plan.seed,
            fixed: &[],
        };
        let tpe = Tpe { startup_trials: plan.startup_trials, startup: plan.startup, ..Tpe::default() };
        let wanted = common(&then);
        if wanted.is_empty() {
            return None;
        }
        let anatomy = tpe.suggest(&asking, wanted, true);
        // With several workers, what one of them knew then is not on record.
        let same = |(d, (name, _)): (usize, &(String, _))| {
            trial.params.get(name).is_some_and(|p| p.internal == anatomy.candidates[d][anatomy.best])
        };
        anatomy.wanted.iter().enumerate().all(same).then_some((trial.number, anatomy))
    })
}

/// The study as it was when a trial began.
fn as_of(trials: &[Arc<FrozenTrial>], asking: &FrozenTrial) -> Vec<Arc<FrozenTrial>> {
    let before = trials.iter().filter(|t| t.start <= asking.start && t.number != asking.number);
    let then = before.map(|t| {
        let mut t = Arc::clone(t);
        if t.complete.is_none_or(|end| Some(end) > asking.start) {
            Arc::make_mut(&mut t).state = State::Running;
        }
        t
    });
    then.collect()
}

/// All figures of a search.
pub fn draw(trials: &[Arc<FrozenTrial>], s: &Summary, suggestion: Option<&Anatomy>) -> Vec<Figure> {
    let loss = format!("{}, nats per image", s.plan.objective.name());
    let mut all = vec![figures::history(trials, &loss), figures::curves(trials, &loss)];
    all.extend(figures::slices(trials, &loss));
    all.push(figures::parallel(trials));
    all.extend(suggestion.into_iter().flat_map(figures::anatomy));
    all.extend(s.importance.as_ref().ok().map(|i| figures::importance(i)));
    all
}

/// The report in Markdown.
pub fn markdown(s: &Summary, space: &Space, suggestion: Option<&(usize, Anatomy)>) -> String {
    let mut text = vec![format!("# Tuning a VAE on {}", s.data), searched(s, space)];
    text.push("## What was to be expected".into());
    text.extend(s.expectations.iter().cloned());
    text.push("## Trials".into());
    text.extend([trials(s), counts(s)]);
    text.push("## The best settings".into());
    text.extend(tell_best(s));
    text.push("## How the search went".into());
    text.extend([shown("Loss of each trial", figures::HISTORY), credit(s), shown("Learning curves", figures::CURVES)]);
    text.push("## Loss against each parameter".into());
    for (name, _) in s.trials.iter().flat_map(|t| &t.params).collect::<BTreeMap<_, _>>() {
        let single = space.get(name).is_some_and(|p| p.distribution.is_single());
        text.extend((!single).then(|| shown(&format!("Loss against {name}"), &figures::slice_file(name))));
    }
    text.push(shown("Trials through their parameters", figures::PARALLEL));
    text.push("## The anatomy of a suggestion".into());
    text.extend(anatomy(suggestion));
    text.push("## Which parameters matter".into());
    text.push(match &s.importance {
        Ok(_) => format!(
            "PED-ANOVA: how much the distribution of a parameter among the best tenth of the trials differs from that among all.\n\n{}",
            shown("Importance", figures::IMPORTANCE)
        ),
        Err(why) => format!("Not told: {why}."),
    });
    text.join("\n\n") + "\n"
}

fn searched(s: &Summary, space: &Space) -> String {
    let p = &s.plan;
    let rows = space.parameters().iter().map(|parameter| {
        let when = parameter.when.as_ref().map_or(String::new(), |(parent, values)| {
            format!("{parent} is {}", values.iter().map(Value::to_string).collect::<Vec<_>>().join(" or "))
        });
        vec![parameter.name.clone(), parameter.distribution.to_string(), when]
    });
    let repeats = match p.repeats {
        1 => String::new(),
        n => format!(", {n} times with other folds and other initial weights"),
    };
    format!(
        "Minimised: the {} on images that a network did not learn from, in nats per image, the mean over {} of the {} training \
         images{repeats}; one sample z ~ q(z | x) an image. The same folds in every trial (seed {}). The {} test images were not \
         looked at before the end.\n\n{}",
        p.objective.name(),
        count(p.folds, "fold"),
        s.images[0],
        p.seed,
        s.images[1],
        table(&["parameter", "values", "only when"], rows)
    )
}

/// Every trial.
pub fn trials(s: &Summary) -> String {
    let names: Vec<&String> =
        s.trials.iter().flat_map(|t| t.params.keys()).collect::<BTreeSet<_>>().into_iter().collect();
    let number = |x: Option<f64>| x.map_or("–".into(), |x| format!("{x:.2}"));
    let row = |t: &Row| {
        let params = names.iter().map(|name| t.params.get(*name).cloned().unwrap_or_default());
        let folds: Vec<String> = t.folds.iter().map(|f| format!("{:.2}", s.plan.objective.of(f.recon, f.kl))).collect();
        let negative_elbo = t.recon().zip(t.kl()).map(|(r, k)| r + k);
        let mark = if s.best == Some(t.number) { format!("**{}**", t.number) } else { t.number.to_string() };
        [
            vec![mark, t.source.clone()],
            params.collect(),
            vec![folds.join(", "), t.outcome(), number(t.kl()), number(negative_elbo), format!("{:.1}", t.seconds)],
        ]
        .concat()
    };
    let loss = format!("{}, mean ± SE", s.plan.objective.name());
    let header = [
        vec!["trial", "from"],
        names.iter().map(|n| n.as_str()).collect(),
        vec!["folds", &loss, "KL", "−ELBO", "seconds"],
    ];
    table(&header.concat(), s.trials.iter().map(row))
}

/// Trials by what became of them, and those that repeat.
pub fn counts(s: &Summary) -> String {
    let of = |state: State, error: bool| {
        s.trials.iter().filter(|t| t.state == state.name() && t.error.is_some() == error).count()
    };
    let parts = [
        (of(State::Complete, false), "complete"),
        (of(State::Pruned, false), "pruned"),
        (of(State::Complete, true), "diverged"),
        (of(State::Fail, true) + of(State::Fail, false), "failed"),
        (of(State::Running, false), "still running"),
    ];
    let parts: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
    let mut text = format!("{}: {}.", count(s.trials.len(), "trial"), parts.join(", "));
    for t in &s.trials {
        if let Some(error) = &t.error {
            text += &format!(" Trial {}: {}.", t.number, error.split(';').next().unwrap_or_default());
        }
    }
    if of(State::Fail, true) > 0 && s.plan.diverged == Diverged::Fail {
        text += " The sampler does not hear of failures and may try their region again; --diverged LOSS tells it.";
    }
    let distinct = s.trials.iter().map(|t| &t.params).collect::<BTreeSet<_>>().len();
    let repeated = s.trials.len() - distinct;
    if repeated > 0 {
        text += &format!(
            " {} a point that was tried before.",
            match repeated {
                1 => "One trial repeats".into(),
                n => format!("{n} trials repeat"),
            }
        );
    }
    text
}

/// Which settings, what they cost, and how far to trust it.
pub fn tell_best(s: &Summary) -> Vec<String> {
    let Some(best) = s.best.and_then(|n| s.trials.iter().find(|t| t.number == n)) else {
        return vec!["No trial came to an end.".into()];
    };
    let name = s.plan.objective.name();
    let mut text = vec![format!(
        "Trial {}: {}. Its cross-validated {name} is {} nats per image.",
        best.number,
        best.settings(),
        best.outcome()
    )];
    let others = s.trials.iter().filter(|t| t.number != best.number && t.folds.len() == best.folds.len());
    let second = others.filter_map(|t| Some((t, t.loss?))).min_by(|a, b| a.1.total_cmp(&b.1));
    if let Some((second, _)) = second {
        // Both on the same folds: what a fold is hard by falls out of the differences.
        let of = |f: &FoldScore| s.plan.objective.of(f.recon, f.kl);
        let gaps: Vec<f64> = second.folds.iter().zip(&best.folds).map(|(a, b)| of(a) - of(b)).collect();
        let (gap, se) = (gaps.iter().sum::<f64>() / gaps.len() as f64, standard_error(&gaps));
        let needed = student_95(gaps.len() - 1);
        let verdict = match gap > needed * se {
            true => "",
            false => "not ",
        };
        text.push(format!(
            "Trial {} is next, {gap:.2} ± {se:.2} nats behind, fold by fold. That is {verdict}significant: with {} it takes {needed:.1} \
             standard errors (Student's t, 5 %).",
            second.number,
            count(gaps.len(), "fold")
        ));
    }
    text.push(format!(
        "The lowest of {} looks better than it is, for luck is part of why it was chosen; and the folds' networks share training \
         images, so the standard error is on the small side. The test images have no part in the choice.",
        count(s.trials.len(), "noisy trial")
    ));
    if let Some(test) = s.test {
        let b = &s.baselines;
        text.push(format!(
            "Trained with these settings on all {} training images, the VAE costs **{:.2}** nats per test image: reconstruction {:.2}, \
             KL {:.2}. A predictor that knows the class and nothing else costs {:.2}, the mean image {:.2}. The network is in \
             `{}`.",
            s.images[0],
            test.total(),
            test.recon,
            test.kl.unwrap_or(0.0),
            b.per_class,
            b.per_pixel,
            best_folder(best.number)
        ));
    }
    text
}

/// The two-sided 5 % point of Student's t.
fn student_95(degrees: usize) -> f64 {
    const TABLE: [f64; 10] = [12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23];
    match degrees {
        0 => f64::INFINITY,
        d if d <= TABLE.len() => TABLE[d - 1],
        // Fisher's expansion, to 0.003 here.
        d => 1.96 + 2.37 / d as f64 + 2.82 / (d * d) as f64,
    }
}

/// Who found the best settings: a startup trial is never the model's merit.
pub fn credit(s: &Summary) -> String {
    let of = |from: &dyn Fn(&str) -> bool| s.trials.iter().filter(|t| from(&t.source)).collect::<Vec<_>>();
    let lowest =
        |rows: &[&Row]| rows.iter().filter(|t| t.error.is_none()).filter_map(|t| t.loss).min_by(f64::total_cmp);
    let model = of(&|source| source == "model");
    let startup = of(&|source| source.starts_with("startup"));
    match (s.plan.sampler, lowest(&model), lowest(&startup)) {
        (SamplerKind::Tpe, None, _) => {
            "All trials are from startup: TPE's model had no part in this search, which is what random search would have done.".into()
        }
        (SamplerKind::Tpe, Some(m), Some(r)) if m < r => format!(
            "The model's best trial of {} is {:.2} nats better than the best of the {} at the start.",
            model.len(),
            r - m,
            startup.len()
        ),
        (SamplerKind::Tpe, Some(m), Some(r)) => format!(
            "The best trial is one of the {} at the start: the model, with {}, found nothing better ({:.2} nats behind).",
            startup.len(),
            count(model.len(), "trial"),
            m - r
        ),
        _ => "No model was used: trials do not learn from one another.".into(),
    }
}

fn anatomy(suggestion: Option<&(usize, Anatomy)>) -> Vec<String> {
    let Some((number, a)) = suggestion else {
        return vec!["The model suggested nothing in this search.".into()];
    };
    let numbers = |n: &[usize]| n.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    let good = match a.good_trials.len() {
        1 => format!("One trial was good ({})", numbers(&a.good_trials)),
        n => format!("{n} trials were good ({})", numbers(&a.good_trials)),
    };
    let mut text = vec![format!(
        "Trial {number}. {good}: the best tenth of those finished, rounded up. The other {} are what they are compared with. From \
         each group a density is built, one kernel a trial and a wide one for what is not known: l of the good, g of the others. {} \
         were drawn from l, and the one with the largest l/g is suggested: where good trials were and others were not.",
        a.bad_trials.len(),
        count(a.acquisition.len(), "candidate")
    )];
    text.extend(a.wanted.iter().map(|(name, _)| shown(&format!("l and g along {name}"), &figures::anatomy_file(name))));
    text.push(shown("Acquisition", figures::ACQUISITION));
    text
}
