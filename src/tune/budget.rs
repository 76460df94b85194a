//! What a search can be expected to find, said before it begins.

use super::options;
use super::plan::PATIENCE;
use super::{Objective, Plan, PrunerKind, SamplerKind};
use crate::lab::count;
use crate::search::pruner::{Percentile, Wilcoxon};
use crate::search::sampler::tpe::Startup;
use crate::search::{Distribution, Space, Value};

/// From so many trials on, TPE's model begins to gain on random search. Measured with Optuna on a function shaped like a VAE's loss
/// and a conditional one, 60 runs each: up to 10 trials no number of startup trials beats random search; at 30 TPE wins three of
/// four comparisons.
const GAINS_FROM: usize = 15;

/// What will happen in a search of so many trials, so many of them at once, and what could be done about it: a sentence or two each.
pub fn expectations(plan: &Plan, space: &Space, trials: usize, jobs: usize) -> Vec<String> {
    [
        sampling(plan, trials, jobs),
        repeating(plan, space, trials),
        pruning(plan, space, trials),
        categories(plan, space),
        one_sided(plan, space),
    ]
    .concat()
}

fn sampling(plan: &Plan, trials: usize, jobs: usize) -> Vec<String> {
    let n = count(trials, "trial");
    let by = match plan.startup {
        Startup::Random => "random",
        Startup::Sobol => "points of a Sobol sequence",
    };
    let startup = plan.startup_trials;
    match plan.sampler {
        SamplerKind::Tpe if startup >= trials => {
            let early = Plan::default_startup(trials);
            let sooner =
                if early < startup && early < trials { format!("`startup = {early}`, or ") } else { String::new() };
            vec![format!(
                "{n}, TPE starts after {startup}: all {trials} will be {by}, and the model has no part in what is found. Remedy: \
                 {sooner}`trials = {}`.",
                2 * startup.max(GAINS_FROM)
            )]
        }
        SamplerKind::Tpe => {
            let mut text = match startup {
                0 => vec![format!("{n}, all by TPE's model, which knows nothing at first.")],
                _ => vec![format!(
                    "{n}, TPE starts after {startup}: these are {by}, then up to {} come from its model.",
                    trials - startup
                )],
            };
            if jobs > 1 {
                text.push(format!(
                    "With {jobs} at once the first {jobs} know nothing of each other, and each later one not of those beside it."
                ));
            }
            if trials < GAINS_FROM {
                text.push(format!(
                    "With fewer than about {GAINS_FROM} trials TPE is not better than random search, however early it starts: what \
                     is found is found by trying. It gains from there on (`trials = {}`).",
                    2 * GAINS_FROM
                ));
            }
            text
        }
        SamplerKind::Random => vec![format!("{n} at random: none learns from another.")],
        SamplerKind::Sobol => {
            vec![format!("{n} along a scrambled Sobol sequence: spread evenly, none learns from another.")]
        }
        SamplerKind::Grid => vec![format!("Up to {n}, each another point of the grid, in random order.")],
    }
}

fn repeating(plan: &Plan, space: &Space, trials: usize) -> Vec<String> {
    let Some(size) = space.size() else { return Vec::new() };
    let points = count(size as usize, "point");
    let n = trials as u64;
    match plan.sampler {
        SamplerKind::Grid if size <= n => {
            vec![format!("The grid has {points}: all will be tried, those that fail again.")]
        }
        SamplerKind::Grid => vec![format!("The grid has {points}: {n} of them will be tried.")],
        _ if size < n => vec![format!(
            "The space has only {points}, so that trials will repeat some. `sampler = grid` tries each once."
        )],
        _ if size <= 2 * n => {
            vec![format!("The space has only {points}: trials may repeat some. `sampler = grid` tries each once.")]
        }
        _ => Vec::new(),
    }
}

fn pruning(plan: &Plan, space: &Space, trials: usize) -> Vec<String> {
    let networks = plan.folds * plan.repeats;
    match plan.pruner {
        PrunerKind::Median | PrunerKind::Percentile => {
            let startup = Percentile::median().startup_trials;
            match trials <= startup {
                true => vec![format!(
                    "The pruner cannot act: it waits for {startup} complete trials, and there are {trials} in all."
                )],
                false => vec![format!("The pruner waits for {startup} complete trials.")],
            }
        }
        PrunerKind::Wilcoxon => {
            let p = Wilcoxon::default().p;
            let smallest = Wilcoxon::smallest_p;
            let needed = (1..).find(|&k| smallest(k) < p).expect("halving gets below anything");
            match smallest(networks as u32) >= p {
                true => vec![format!(
                    "The Wilcoxon pruner cannot act: with {} the smallest possible p-value is {}, and it stops below {p}. It needs \
                     {needed} or more (`folds = {needed}`, or `repeats`).",
                    count(networks, "fold"),
                    smallest(networks as u32)
                )],
                false => vec![format!("The Wilcoxon pruner cannot act before fold {needed} of {networks}.")],
            }
        }
        PrunerKind::Patient => {
            let longest = match space.get("epochs").map(|p| &*p.distribution) {
                Some(Distribution::Int { high, .. }) => *high as u64,
                _ => plan.base.epochs,
            };
            // More than patience + 1 reports, one an epoch.
            let needed = PATIENCE as u64 + 2;
            match longest < needed {
                true => vec![format!(
                    "The patient pruner cannot act: it needs {needed} epochs, and there are {longest} at most."
                )],
                false => Vec::new(),
            }
        }
        PrunerKind::None => Vec::new(),
    }
}

/// Lists of numbers hide their order from the model.
fn categories(plan: &Plan, space: &Space) -> Vec<String> {
    let is_numbers = |d: &Distribution| match d {
        Distribution::Categorical { choices } => {
            choices.len() > 2 && choices.iter().all(|c| matches!(c, Value::Int(_) | Value::Float(_)))
        }
        _ => false,
    };
    let own = space.parameters().iter().filter(|p| !options::is_default(p, &plan.base.network));
    let named = own.filter(|p| is_numbers(&p.distribution)).map(|p| {
        format!(
            "{} lists numbers as choices: to the model they have no order. A range with log = true or a step has one.",
            p.name
        )
    });
    named.collect()
}

/// Parameters of which more, or less, is nearly always better.
fn one_sided(plan: &Plan, space: &Space) -> Vec<String> {
    let searches = |name| {
        space.get(name).is_some_and(|p| !p.distribution.is_single() && !options::is_default(p, &plan.base.network))
    };
    let mut text = Vec::new();
    if searches("epochs") && plan.pruner == PrunerKind::None {
        text.push(
            "epochs are searched for the lowest loss: more is nearly always better. `pruner = median` stops what lags."
                .into(),
        );
    }
    if searches("beta") && plan.objective == Objective::Recon {
        text.push(
            "beta is searched for the lowest reconstruction loss: less is always better. `objective = elbo` weighs both terms."
                .into(),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::exercise;
    use crate::search::sampler::tpe::Joint;
    use crate::tune::Diverged;

    fn plan() -> Plan {
        Plan {
            base: exercise(784),
            space: String::new(),
            sampler: SamplerKind::Tpe,
            startup_trials: 10,
            startup: Startup::Random,
            joint: Joint::Common,
            pruner: PrunerKind::None,
            folds: 3,
            repeats: 1,
            objective: Objective::Recon,
            diverged: Diverged::Fail,
            seed: 0,
            data: String::new(),
            origin: Default::default(),
        }
    }

    fn said(plan: &Plan, space: &str, trials: usize) -> String {
        let space = Space::from_toml(space, &crate::tune::options::known(&plan.base.network)).unwrap();
        expectations(plan, &space, trials, 1).join(" ")
    }

    const LR: &str = "[lr]\nlow = 0.01\nhigh = 0.1\nlog = true";

    #[test]
    fn a_budget_within_the_startup_is_called_random_and_the_remedy_is_named() {
        let text = said(&plan(), LR, 5);
        assert!(text.starts_with("5 trials, TPE starts after 10: all 5 will be random"), "{text}");
        assert!(text.contains("Remedy: `startup = 2`, or `trials = 30`."), "{text}");
        let early = Plan { startup_trials: 2, ..plan() };
        assert!(said(&early, LR, 5).contains(
            "5 trials, TPE starts after 2: these are random, then up to 3 come from its model. With fewer than about 15"
        ));
        assert!(!said(&early, LR, 30).contains("fewer than"));
    }

    #[test]
    fn a_pruner_that_cannot_act_is_named() {
        let with = |pruner, folds, trials| said(&Plan { pruner, folds, ..plan() }, LR, trials);
        assert!(
            with(PrunerKind::Wilcoxon, 3, 20)
                .contains("cannot act: with 3 folds the smallest possible p-value is 0.125")
        );
        assert!(with(PrunerKind::Wilcoxon, 5, 20).contains("cannot act before fold 4 of 5"));
        assert!(with(PrunerKind::Median, 3, 5).contains("cannot act: it waits for 5 complete trials"));
        assert!(with(PrunerKind::Median, 3, 20).contains("waits for 5"));
    }

    #[test]
    fn traps_of_a_space_are_named() {
        let space =
            "[batch_size]\nchoices = [32, 64, 128]\n[epochs]\nlow = 10\nhigh = 50\nstep = 20\n[beta]\nchoices = [1, 4]";
        let text = said(&plan(), space, 10);
        for part in ["only 18 points", "batch_size lists numbers", "epochs are searched", "beta is searched"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let exercise: String = options::EXERCISE.iter().map(|(name, text)| format!("[{name}]\n{text}\n")).collect();
        let text = said(&plan(), &exercise, 30);
        assert!(!text.contains("batch_size lists") && !text.contains("epochs are searched"), "{text}");
        let grid = Plan { sampler: SamplerKind::Grid, ..plan() };
        assert!(said(&grid, space, 20).contains("18 points: all will be tried"));
        assert!(said(&grid, space, 4).contains("18 points: 4 of them"));
    }
}
