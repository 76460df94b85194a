//! `elbo tune`: the search for good settings.

use super::train::{NetworkChoice, SettingsArgs, remark_on_foreign};
use super::watch::{Bars, Show, line};
use super::{DataArgs, flags, published, stop_on_signal};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::files;
use crate::lab::count;
use crate::models::{Network, Settings, Trainer};
use crate::report::terminal;
use crate::search::Space;
use crate::search::sampler::tpe::{Joint, Startup};
use crate::train::{Folder, Watch};
use crate::tune::session::{Change, Session};
use crate::tune::{
    Diverged, Left, Objective, Plan, PrunerKind, SamplerKind, SearchSummary, Share, Stand, options, report,
};
use clap::{Args, Subcommand, ValueEnum};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub const EXAMPLES: &str = "\
Examples:
  elbo tune                                     5 trials of epochs, batch size and learning rate
  elbo tune --space space.toml --trials 60 --pruner median --jobs 2
  elbo tune --epochs 5 --enqueue lr=0.02        epochs fixed, one point tried first
  elbo tune --model cnn                         the classifier's batch size and learning rate, by its error
  elbo tune --resume runs/tune --more 10        go on, or join in
  elbo tune compare                             TPE, random and grid search on losses measured once";

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct TuneArgs {
    #[command(subcommand)]
    command: Option<TuneCommand>,
    /// Trials of the study in all, whoever makes them [default: 5]
    #[arg(long, value_name = "N", value_parser = flags::whole(1_u32.., "a whole number of at least 1"), conflicts_with = "more")]
    trials: Option<u32>,
    /// Trials more than the study has
    #[arg(long, value_name = "N", value_parser = flags::whole(1_u32.., "a whole number of at least 1"))]
    more: Option<u32>,
    /// File with the parameters to search [default: epochs, batch size and learning rate; cnn: the latter two]
    ///
    /// TOML with a table for each parameter: `[lr]` with low and high, and log = true or a step if wanted; `[optimizer]` with
    /// choices = ["adam", "sgd"]; `[momentum]` with a range and when = { optimizer = "sgd" } if it exists only then. There are
    /// epochs, batch_size, lr, lr_schedule, optimizer, momentum, clip_norm, latent_dim, hidden (choices like "512,256"),
    /// activation, init, beta and beta_warmup; a cnn has no latent_dim, hidden, beta and beta_warmup.
    #[arg(long, value_name = "FILE.toml", value_parser = flags::path())]
    space: Option<PathBuf>,
    /// Search the learning rate among these values, not in a range
    #[arg(long, value_name = "X,X,…", value_delimiter = ',', conflicts_with_all = ["space", "lr"], value_parser = flags::number)]
    lr_choices: Vec<f64>,
    /// Where parameters come from
    #[arg(long, value_enum, default_value = "tpe")]
    sampler: SamplerChoice,
    /// Trials before TPE uses its model [default: a third, 2 to 10]
    #[arg(long, value_name = "N", value_parser = flags::whole(0_usize.., "a whole number"))]
    startup: Option<usize>,
    /// Start as Optuna does: with 10 random trials
    #[arg(long, conflicts_with = "startup")]
    optuna_defaults: bool,
    /// Folds of the cross-validation
    #[arg(long, value_name = "K", default_value_t = 3, value_parser = flags::whole(0_usize.., "a whole number of at least 2"))]
    folds: usize,
    /// Repeats of the cross-validation, with other folds and initial weights
    #[arg(long, value_name = "R", default_value_t = 1, value_parser = flags::whole(1_u16..=1000, "a whole number from 1 to 1000"))]
    repeats: u16,
    /// Which network
    #[arg(long, value_enum, default_value = "vae")]
    model: NetworkChoice,
    /// What is minimised [default: recon; cnn: error]
    #[arg(long, value_enum)]
    objective: Option<ObjectiveChoice>,
    /// Who stops unpromising trials
    ///
    /// median: not among the better half of the complete trials at the same epoch; percentile: not in the best quarter; both after 5;
    /// wilcoxon: worse than the best trial fold by fold, p < 0.1; patient: 3 epochs without progress.
    #[arg(long, value_enum, default_value = "none")]
    pruner: PrunerChoice,
    /// What a diverged trial gets: a large loss, that keeps the sampler away, or `fail`
    #[arg(long, value_name = "LOSS|fail", value_parser = diverged, default_value = "1000000")]
    diverged: Diverged,
    /// Begin no trial after so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
    /// Trials at once in this process; others may join with --resume
    #[arg(long, value_name = "J", default_value_t = 1, value_parser = flags::whole(1_u16..=256, "a whole number from 1 to 256"))]
    jobs: u16,
    /// Try this point first, e.g. lr=0.02,epochs=20; may be given several times
    #[arg(long, value_name = "NAME=VALUE,…")]
    enqueue: Vec<String>,
    /// Folder of the study [default: runs/tune, numbered if taken]
    #[arg(long, value_name = "DIR", value_parser = flags::path(), conflicts_with = "resume")]
    out: Option<PathBuf>,
    /// Go on with the study in this folder, or join its workers
    #[arg(long, value_name = "DIR", value_parser = flags::path(), conflicts_with_all = FIXED_BY_THE_STUDY)]
    resume: Option<PathBuf>,
    /// Show the report in the browser
    #[arg(long)]
    open: bool,
    /// What becomes of trials whose worker was killed
    #[arg(long, value_enum, default_value = "take-up")]
    left: LeftChoice,
    /// Fail these running trials: their workers are gone
    #[arg(long, value_name = "N,N,…", value_delimiter = ',', value_parser = flags::whole(0_usize.., "numbers of trials, such as 3,5"))]
    abandon: Vec<usize>,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    settings: SettingsArgs,
}

#[derive(Subcommand, Debug)]
enum TuneCommand {
    /// Play TPE, random and grid search against each other on losses measured once
    Compare(super::compare::CompareArgs),
    /// Write a study to a SQLite file
    #[cfg(feature = "sqlite")]
    Export(super::studies::ExportArgs),
    /// Read the studies of a SQLite file or a journal into a journal
    #[cfg(feature = "sqlite")]
    Import(super::studies::ImportArgs),
}

const FIXED_BY_THE_STUDY: [&str; 11] = [
    "model",
    "lr_choices",
    "sampler",
    "startup",
    "optuna_defaults",
    "folds",
    "repeats",
    "objective",
    "pruner",
    "diverged",
    "SettingsArgs",
];

choice!(SamplerChoice => SamplerKind { Tpe, Random, Grid, Sobol });
choice!(PrunerChoice => PrunerKind { None, Median, Percentile, Wilcoxon, Patient });
choice!(ObjectiveChoice => Objective { Recon, Elbo, Error, CrossEntropy });

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum LeftChoice {
    /// Go on from their last checkpoint.
    TakeUp,
    /// Fail them.
    Fail,
    /// Leave them as they are.
    Leave,
}

fn diverged(text: &str) -> Result<Diverged, String> {
    match text.parse::<f64>() {
        Ok(loss) if loss.is_finite() => Ok(Diverged::Loss(loss)),
        _ if text == "fail" => Ok(Diverged::Fail),
        _ => Err("fail or a number".into()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| "a number of seconds".into())
}

/// Runs it. `given` names the settings that stand on the command line: they are not searched.
pub fn run(mut args: TuneArgs, given: &[&str], quiet: bool) -> Result<()> {
    match args.command.take() {
        None => {}
        Some(TuneCommand::Compare(args)) => return super::compare::run(args, quiet),
        #[cfg(feature = "sqlite")]
        Some(TuneCommand::Export(args)) => return super::studies::export(args),
        #[cfg(feature = "sqlite")]
        Some(TuneCommand::Import(args)) => return super::studies::import(args),
    }
    let note = |line: &str| {
        if !quiet {
            note!("{}", flags::named(line));
        }
    };
    let stop = stop_on_signal()?;
    let (session, data) = match &args.resume {
        Some(path) => {
            let change = Change {
                space: args.space.as_ref().map(|file| Ok((read(file)?, file.display().to_string()))).transpose()?,
                trials: args.trials.map(|n| n as usize),
                more: args.more.map(|n| n as usize),
                points: args.enqueue.clone(),
                abandon: args.abandon.clone(),
            };
            let (session, data, notes) = Session::resume(path, change, |plan| args.data.load_for(&plan.origin))?;
            notes.iter().for_each(|line| note(line));
            (session, data)
        }
        None => {
            let only = [("--more", args.more.is_some()), ("--abandon", !args.abandon.is_empty())];
            if let Some((flag, _)) = only.iter().find(|(_, is_given)| *is_given) {
                return Err(Error::Usage(format!("{flag} goes with --resume DIR")));
            }
            let data = args.data.load()?;
            let total = args.trials.unwrap_or(5) as usize;
            let plan = plan(&args, given, total, &data, quiet)?;
            let session = Session::create(plan, total, &args.enqueue, args.out.as_deref(), "tune", &data);
            // A file is named with what is wrong in it.
            let named = |e: Error| match (&e, &args.space) {
                (Error::Usage(line), Some(file)) if line.starts_with("parameter ") => e.within(file.display()),
                _ => e,
            };
            (session.map_err(named)?, data)
        }
    };
    let left = settle(&session, args.left, &note)?;
    let jobs = usize::from(args.jobs);
    session.expectations(jobs).iter().for_each(|line| note(line));
    // A time beyond the clock's is no limit.
    let until = args.timeout.and_then(|t| Instant::now().checked_add(t));
    let bars = Bars::new(&session.plan, session.total, quiet);
    let best = |trainer: &Trainer, own: &Folder| {
        Box::new(Show::new("final network", trainer, &data, own, quiet)) as Box<dyn Watch<Network>>
    };
    let (summary, stand, page) = session.run(&data, &Share { left, jobs, until }, &bars, best, &stop)?;
    drop(bars);
    let go_on = super::going_on(" tune", session.folder.path());
    match stand {
        Stand::Over => {}
        Stand::Timeout => note(&format!(
            "time is over after {}: the best settings are not trained yet; {go_on}",
            count(summary.trials.len(), "trial")
        )),
        Stand::Running(n) => note(&format!(
            "{} still running: the best settings are not trained yet; when all are over, {go_on}",
            count(n, "trial")
        )),
    }
    tell(&summary, quiet)?;
    published(&page, args.open)?;
    match stand == Stand::Over && summary.best.is_none() {
        true => Err(Error::Failed("no trial is complete".into())),
        false => Ok(()),
    }
}

/// What the command line asks for.
fn plan(args: &TuneArgs, given: &[&str], total: usize, data: &Dataset, quiet: bool) -> Result<Plan> {
    let base = args.settings.of(args.model, None, data)?;
    remark_on_foreign(&base.network, given, quiet);
    let its_own = Objective::of_network(&base.network);
    let Some(&usual) = its_own.first() else {
        let found = base.network.name();
        return Err(Error::Usage(format!(
            "--model: expected ae, vae or cnn, whose loss can be compared, found {found}"
        )));
    };
    let objective = args.objective.map_or(usual, Objective::from);
    if !its_own.contains(&objective) {
        let named = |of: &dyn Fn(&Objective) -> bool| {
            let all = ObjectiveChoice::value_variants().iter().filter(|choice| of(&(**choice).into()));
            let names = all.filter_map(|choice| Some(choice.to_possible_value()?.get_name().to_string()));
            names.collect::<Vec<_>>().join(" or ")
        };
        let (own, found) = (named(&|o| its_own.contains(o)), named(&|o| *o == objective));
        let network = base.network.name();
        return Err(Error::Usage(format!("--objective: expected {own} for the {network}, found {found}")));
    }
    let text = space_text(args, &base.network, given)?;
    // A file is named with what is wrong in it.
    let space = Space::from_toml(&text, &options::known(&base.network));
    let space = space.map_err(|e| args.space.iter().fold(e, |e, file| e.within(file.display())))?;
    if let Some((name, file)) = given.iter().find(|name| space.get(name).is_some()).zip(args.space.as_ref()) {
        let flag = flags::of(name);
        let file = file.display();
        return Err(Error::Usage(format!("{flag}: {file} searches {name}; give one of the two")));
    }
    let has_conditions = space.parameters().iter().any(|p| p.when.is_some());
    Ok(Plan {
        seed: base.seed,
        base,
        space: text,
        sampler: args.sampler.into(),
        startup_trials: match args.optuna_defaults {
            true => 10,
            false => args.startup.unwrap_or(Plan::default_startup(total)),
        },
        startup: if args.optuna_defaults { Startup::Random } else { Startup::Sobol },
        // On a conditional test function groups find better points than the common parameters in 61 of 100 searches (100 trials).
        joint: if has_conditions && !args.optuna_defaults { Joint::Groups } else { Joint::Common },
        pruner: args.pruner.into(),
        folds: args.folds,
        repeats: args.repeats.into(),
        objective,
        diverged: args.diverged,
        data: data.digest.clone(),
        origin: data.origin.clone(),
    })
}

fn read(path: &Path) -> Result<String> {
    files::read_text(path, 1 << 20)
}

/// The space file, or the default space without what is given.
fn space_text(args: &TuneArgs, network: &Settings, given: &[&str]) -> Result<String> {
    if let Some(file) = &args.space {
        return read(file);
    }
    let choices: Vec<String> = args.lr_choices.iter().map(|x| format!("{x:?}")).collect();
    let choices = format!("choices = [{}]", choices.join(", "));
    let part = |&(name, text): &(&str, &str)| {
        let text = if name == "lr" && !args.lr_choices.is_empty() { &choices } else { text };
        format!("[{name}]\n{text}\n")
    };
    let searched = options::searched(network).iter().filter(|(name, _)| !given.contains(name));
    let text: Vec<String> = searched.map(part).collect();
    match text.is_empty() {
        true => {
            let all: Vec<String> = options::searched(network).iter().map(|(name, _)| flags::of(name)).collect();
            let (last, rest) = all.split_last().expect("something is searched");
            let all = format!("{} and {last}", rest.join(", "));
            Err(Error::Usage(format!("{all} are all given: nothing is left to search")))
        }
        false => Ok(text.join("\n")),
    }
}

/// Says which trials were left and does with them what was asked. Gives those to take up.
fn settle(session: &Session, asked: LeftChoice, note: &dyn Fn(&str)) -> Result<Vec<usize>> {
    let Left { dead, alive, unknown } = session.left()?;
    let list = |n: &[usize]| n.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    if !alive.is_empty() {
        note(&format!("another worker is at trial {}", list(&alive)));
    }
    if !unknown.is_empty() {
        let numbers = list(&unknown);
        note(&format!(
            "running in another program, or not: trial {numbers}. If nobody is at it: --abandon {}",
            numbers.replace(' ', "")
        ));
    }
    if dead.is_empty() {
        return Ok(dead);
    }
    let what = match asked {
        LeftChoice::TakeUp => "taken up where it was",
        LeftChoice::Fail => "failed",
        LeftChoice::Leave => "left as it is",
    };
    note(&format!("left by a worker that is gone, {what} (see --left): trial {}", list(&dead)));
    match asked {
        LeftChoice::TakeUp => Ok(dead),
        LeftChoice::Fail => session.study.abandon(dead).map(|()| Vec::new()),
        LeftChoice::Leave => Ok(Vec::new()),
    }
}

fn tell(summary: &SearchSummary, quiet: bool) -> Result<()> {
    // Else they were told as they ended.
    if quiet {
        for row in &summary.trials {
            say!("{}", line(row, &summary.plan))?;
        }
    }
    let all = [vec![report::counts(summary).into()], report::tell_best(summary), vec![report::credit(summary).into()]];
    all.concat().iter().try_for_each(|block| say!("{}", terminal::lines(block, usize::MAX).join("\n")))
}
