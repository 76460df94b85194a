//! `elbo tune`: the search for good settings.

use super::train::Settings;
use super::{DataArgs, stop_on_ctrl_c};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::files;
use crate::models::Kind;
use crate::search::report::{self, Row, Summary};
use crate::search::{
    CrossValidation, Diverged, Done, Objective, Plan, Progress, PrunerKind, SamplerKind, Worker, budget, left_behind,
    options,
};
use crate::study::{count, film};
use crate::train::{self, Folder, Score, Trainer, Watch};
use crate::tune::sampler::tpe::Startup;
use crate::tune::storage::Owner;
use crate::tune::{Direction, FrozenTrial, Space, State, Storage, Study, Value};
use clap::{Args, Subcommand, ValueEnum};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct TuneArgs {
    #[command(subcommand)]
    command: Option<TuneCommand>,
    /// Trials of the study in all, whoever makes them [default: 5]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "more")]
    trials: Option<u32>,
    /// Trials more than the study has
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), requires = "resume")]
    more: Option<u32>,
    /// File with the parameters to search [default: epochs, batch size and learning rate]
    #[arg(long, value_name = "FILE.toml")]
    space: Option<PathBuf>,
    /// Search the learning rate among these values, not in a range
    #[arg(long, value_name = "X,X,…", value_delimiter = ',', conflicts_with_all = ["space", "lr"])]
    lr_choices: Vec<f64>,
    /// Where parameters come from
    #[arg(long, value_enum, default_value = "tpe")]
    sampler: SamplerChoice,
    /// Trials before TPE uses its model [default: a third, 2 to 10]
    #[arg(long, value_name = "N")]
    startup: Option<usize>,
    /// Start as Optuna does: with 10 random trials
    #[arg(long, conflicts_with = "startup")]
    optuna_defaults: bool,
    /// Folds of the cross-validation
    #[arg(long, value_name = "K", default_value_t = 3)]
    folds: usize,
    /// Repeats of the cross-validation, with other folds and initial weights
    #[arg(long, value_name = "R", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    repeats: u16,
    /// What is minimised
    #[arg(long, value_enum, default_value = "recon")]
    objective: ObjectiveChoice,
    /// Who stops unpromising trials
    #[arg(long, value_enum, default_value = "none")]
    pruner: PrunerChoice,
    /// What a diverged trial gets: a large loss, that keeps the sampler away, or `fail` [default: 1000000]
    #[arg(long, value_name = "LOSS|fail", value_parser = diverged)]
    diverged: Option<Diverged>,
    /// Begin no trial after so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
    /// Trials at once in this process; others may join with --resume
    #[arg(long, value_name = "J", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
    /// Try this point first, e.g. lr=0.02,epochs=20; may be given several times
    #[arg(long, value_name = "NAME=VALUE,…")]
    enqueue: Vec<String>,
    /// Folder of the study [default: runs/tune, numbered if taken]
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    out: Option<PathBuf>,
    /// Go on with the study in this folder, or join its workers
    #[arg(long, value_name = "DIR", conflicts_with_all = FIXED_BY_THE_STUDY)]
    resume: Option<PathBuf>,
    /// What becomes of trials whose worker was killed
    #[arg(long, value_enum, default_value = "take-up", requires = "resume")]
    left: LeftChoice,
    /// Fail these running trials: their workers are gone
    #[arg(long, value_name = "N,N,…", value_delimiter = ',', requires = "resume")]
    abandon: Vec<usize>,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    settings: Settings,
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

const FIXED_BY_THE_STUDY: [&str; 9] =
    ["lr_choices", "sampler", "startup", "optuna_defaults", "folds", "repeats", "objective", "pruner", "Settings"];

choice!(SamplerChoice => SamplerKind { Tpe, Random, Grid, Sobol });
choice!(PrunerChoice => PrunerKind { None, Median, Percentile, Wilcoxon, Patient });
choice!(ObjectiveChoice => Objective { Recon, Elbo });

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
        _ => Err("expected fail or a number".into()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "expected a number of seconds".to_string())?;
    Duration::try_from_secs_f64(seconds).map_err(|e| e.to_string())
}

/// What is searched if the user does not say: the exercise's space, by parameter.
const DEFAULT_SPACE: [(&str, &str); 3] = [
    ("epochs", "low = 10\nhigh = 30\nstep = 10"),
    ("batch_size", "choices = [64, 128, 256]"),
    ("lr", "low = 0.01\nhigh = 0.1\nlog = true"),
];

/// The study's name in its journal.
const NAME: &str = "vae";
pub(super) const JOURNAL: &str = "study.journal";
/// Attributes of the study: its plan, and how many trials it is to get.
const PLAN: &str = "plan";
const TRIALS: &str = "trials";

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
    let data = args.data.load()?;
    let stop = stop_on_ctrl_c()?;
    let Opened { folder, plan, space, study, total } = match &args.resume {
        Some(path) => resume(path, &args, &data)?,
        None => create(&args, given, &data)?,
    };
    let note = |line: &str| {
        if !quiet {
            eprintln!("{line}")
        }
    };
    let left = settle(&args, &study, folder.path(), &note)?;
    for point in &args.enqueue {
        study.enqueue(&point_of(point, &space)?)?;
    }
    let expectations = budget::expectations(&plan, &space, total);
    expectations.iter().for_each(|line| note(line));
    let validation = CrossValidation::new(&data, plan.folds, plan.repeats, plan.seed, plan.objective)?;
    let worker = Worker { plan: &plan, space: &space, study: &study, validation: &validation, folder: folder.path() };
    let jobs = usize::from(args.jobs);
    let threads = (rayon::current_num_threads() / jobs).max(1);
    let until = args.timeout.map(|t| Instant::now() + t);
    let bars = Bars::new(&plan, total, quiet);
    let done = worker.work(&left, total, (jobs, threads), until, &bars, &stop)?;
    drop(bars);

    let trials = study.trials()?;
    let mut summary = report::measure(&trials, &plan, expectations, &data);
    let running = trials.iter().filter(|t| t.state == State::Running).count();
    let path = folder.path().display();
    match (done, running) {
        (Done::Timeout, _) => {
            note(&format!("time is over after {}; go on with --resume {path}", count(trials.len(), "trial")))
        }
        (Done::All, 0) => summary.test = train_best(&trials, &plan, &folder, &data, &stop, quiet)?,
        (Done::All, n) => note(&format!("{} still running elsewhere; this is told without", count(n, "trial"))),
    }
    let suggestion = report::last_suggestion(&trials, &plan);
    for figure in report::draw(&trials, &summary, suggestion.as_ref().map(|(_, a)| a)) {
        folder.write(&figure.path(), &figure.bytes)?;
    }
    folder.write("summary.json", files::json(&summary).as_bytes())?;
    folder.write("report.md", report::markdown(&summary, &space, suggestion.as_ref()).as_bytes())?;
    tell(&summary)?;
    say!("{}", folder.path().join("report.md").display())
}

/// A study that is worked at.
pub(super) struct Opened {
    pub folder: Folder,
    pub plan: Plan,
    pub space: Space,
    pub study: Study,
    /// Trials that it is to get in all.
    pub total: usize,
}

impl Opened {
    /// A new study, in the folder `out` or in the next free one of this name.
    pub fn create(plan: Plan, total: usize, out: Option<&Path>, name: &str, data: &Dataset) -> Result<Self> {
        // Whatever is wrong is found before a folder is made.
        let space = plan.space()?;
        check_ends(&plan, &space)?;
        plan.sampler(&space)?;
        CrossValidation::new(data, plan.folds, plan.repeats, plan.seed, plan.objective)?;
        let folder = match out {
            Some(path) if path.join(JOURNAL).exists() => {
                let path = path.display();
                return Err(Error::Usage(format!(
                    "{path} already holds a study; choose another --out, or go on with --resume {path}"
                )));
            }
            Some(path) => Folder::at(path)?,
            None => Folder::create_next(&Path::new("runs").join(name))?,
        };
        let storage = Storage::journal(&folder.path().join(JOURNAL))?;
        let study = Study::create(storage, NAME, &[Direction::Minimize])?;
        study.set_attrs([
            (Owner::User, PLAN, serde_json::to_value(&plan).expect("plain data")),
            (Owner::User, TRIALS, json!(total)),
            (Owner::System, "study:metric_names", json!([format!("{}, nats per image", plan.objective.name())])),
        ])?;
        Opened::new(folder, plan, study, total)
    }

    /// The study in a folder.
    pub fn reopen(path: &Path, data: &Dataset) -> Result<Self> {
        let journal = path.join(JOURNAL);
        if !journal.exists() {
            let path = path.display();
            return Err(Error::Usage(format!("{path}: expected the folder of a study, found no {JOURNAL} in it")));
        }
        let study = Study::open(Storage::journal(&journal)?, NAME)?;
        let (plan, total) = study.look(|s| {
            let plan = s.user_attrs.get(PLAN).map(|p| serde_json::from_value::<Plan>(p.clone()));
            (plan, s.user_attrs.get(TRIALS).and_then(|t| t.as_u64()).unwrap_or(5) as usize)
        })?;
        let bad = |found| Error::format(&journal, "attribute plan of the study", "the plan of a search", found);
        let plan = plan.ok_or_else(|| bad("none: another program began it".to_string()))?;
        let plan = plan.map_err(|e| bad(e.to_string()))?;
        plan.check_data(&data.digest)?;
        Opened::new(Folder::at(path)?, plan, study, total)
    }

    fn new(folder: Folder, plan: Plan, study: Study, total: usize) -> Result<Self> {
        let space = plan.space()?;
        let mut study = study.sampler(plan.sampler(&space)?).seed(plan.seed);
        if let Some(pruner) = plan.pruner() {
            study = study.pruner(pruner);
        }
        Ok(Opened { folder, plan, space, study, total })
    }
}

fn create(args: &TuneArgs, given: &[&str], data: &Dataset) -> Result<Opened> {
    let text = space_text(args, given)?;
    let space = space_of(&text, args.space.as_deref())?;
    let base = args.settings.config(Kind::Vae, data)?;
    let total = args.trials.unwrap_or(5) as usize;
    let plan = Plan {
        seed: base.seed,
        base,
        space: text,
        sampler: args.sampler.into(),
        startup_trials: match args.optuna_defaults {
            true => 10,
            false => args.startup.unwrap_or(Plan::default_startup(total)),
        },
        startup: if args.optuna_defaults { Startup::Random } else { Startup::Sobol },
        pruner: args.pruner.into(),
        folds: args.folds,
        repeats: args.repeats.into(),
        objective: args.objective.into(),
        diverged: args.diverged.unwrap_or(Diverged::Loss(1e6)),
        data: data.digest.clone(),
    };
    for point in &args.enqueue {
        point_of(point, &space)?;
    }
    Opened::create(plan, total, args.out.as_deref(), "tune", data)
}

fn resume(path: &Path, args: &TuneArgs, data: &Dataset) -> Result<Opened> {
    let Opened { folder, mut plan, study, total, .. } = Opened::reopen(path, data)?;
    let begun = study.look(|s| s.trials.iter().filter(|t| t.state != State::Waiting).count())?;
    if let Some(file) = &args.space {
        plan.space = read(file)?;
        let space = space_of(&plan.space, Some(file))?;
        for line in same_space(&space, &study, file)? {
            eprintln!("{line}");
        }
        study.set_attrs([(Owner::User, PLAN, serde_json::to_value(&plan).expect("plain data"))])?;
    }
    plan.diverged = args.diverged.unwrap_or(plan.diverged);
    let total = match (args.trials, args.more) {
        (Some(n), _) => n as usize,
        (None, Some(n)) => begun + n as usize,
        (None, None) => total,
    };
    study.set_attrs([(Owner::User, TRIALS, json!(total))])?;
    Opened::new(folder, plan, study, total)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(Error::io(path))
}

fn space_of(text: &str, file: Option<&Path>) -> Result<Space> {
    Space::from_toml(text, &options::names()).map_err(|e| match (e, file) {
        (Error::Usage(line), Some(file)) => Error::Usage(format!("{}: {line}", file.display())),
        (e, _) => e,
    })
}

/// The space file, or the default space without what is given.
fn space_text(args: &TuneArgs, given: &[&str]) -> Result<String> {
    if let Some(file) = &args.space {
        let text = read(file)?;
        let space = space_of(&text, Some(file))?;
        return match given.iter().find(|name| space.get(name).is_some()) {
            Some(name) => {
                let flag = name.replace('_', "-");
                Err(Error::Usage(format!("--{flag}: {} searches {name}; give one of the two", file.display())))
            }
            None => Ok(text),
        };
    }
    let choices: Vec<String> = args.lr_choices.iter().map(|x| format!("{x:?}")).collect();
    let choices = format!("choices = [{}]", choices.join(", "));
    let part = |(name, text): (&str, &str)| {
        let text = if name == "lr" && !args.lr_choices.is_empty() { &choices } else { text };
        format!("[{name}]\n{text}\n")
    };
    let searched = DEFAULT_SPACE.into_iter().filter(|(name, _)| !given.contains(name));
    let text: Vec<String> = searched.map(part).collect();
    match text.is_empty() {
        true => Err(Error::Usage("--epochs, --batch-size and --lr are all given: nothing is left to search".into())),
        false => Ok(text.join("\n")),
    }
}

/// Both ends of every parameter must make a configuration, so that no trial is lost to a bad one.
fn check_ends(plan: &Plan, space: &Space) -> Result<()> {
    for p in space.parameters() {
        let n = p.distribution.size().unwrap_or(2).min(1000);
        for k in 0..n {
            let x = match p.distribution.size() {
                Some(_) => p.distribution.nth(k),
                None => p.distribution.at(k as f64),
            };
            options::apply(&plan.base, &BTreeMap::from([(p.name.clone(), p.distribution.value(x))]))?;
        }
    }
    Ok(())
}

/// What a changed space means for a study.
fn same_space(space: &Space, study: &Study, file: &Path) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for p in space.parameters() {
        let Some(known) = study.look(|s| s.first_distribution(&p.name).cloned())? else { continue };
        let (name, file) = (&p.name, file.display());
        if !known.is_compatible(&p.distribution) {
            let found = &p.distribution;
            return Err(Error::Usage(format!(
                "{file}: parameter {name}: expected {known}, as in the study, found {found}"
            )));
        }
        if known != p.distribution {
            lines.push(format!(
                "{file}: {name} was {known}: with another range it is suggested by itself, not with the others"
            ));
        }
    }
    Ok(lines)
}

/// A point as the command line has it.
fn point_of(text: &str, space: &Space) -> Result<BTreeMap<String, Value>> {
    let mut point = BTreeMap::new();
    for pair in text.split(',') {
        let bad = |why: String| Error::Usage(format!("--enqueue {text}: {why}"));
        let (name, value) = pair.split_once('=').ok_or_else(|| bad(format!("expected name=value, found {pair}")))?;
        let names = || space.parameters().iter().map(|p| p.name.as_str()).collect::<Vec<_>>().join(", ");
        let known = space.get(name.trim()).ok_or_else(|| bad(format!("expected one of {}, found {name}", names())))?;
        let value = value.trim();
        let value = match (value.parse(), value.parse()) {
            (Ok(i), _) => Value::Int(i),
            (_, Ok(x)) => Value::Float(x),
            _ => Value::from(value),
        };
        if known.distribution.internal(&value).is_none() {
            return Err(bad(format!("{name}: expected {}, found {value}", known.distribution)));
        }
        point.insert(known.name.clone(), value);
    }
    Ok(point)
}

/// Says which trials were left and does with them what was asked. Gives those to take up.
fn settle(args: &TuneArgs, study: &Study, folder: &Path, note: &dyn Fn(&str)) -> Result<Vec<usize>> {
    if args.resume.is_none() {
        return Ok(Vec::new());
    }
    study.abandon(args.abandon.iter().copied())?;
    let left = left_behind(study, folder)?;
    let list = |n: &[usize]| n.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    if !left.dead.is_empty() {
        let (what, take_up) = match args.left {
            LeftChoice::TakeUp => ("taken up where it was", left.dead.clone()),
            LeftChoice::Fail => ("failed", Vec::new()),
            LeftChoice::Leave => ("left as it is", Vec::new()),
        };
        note(&format!("left by a worker that is gone, {what} (see --left): trial {}", list(&left.dead)));
        if args.left == LeftChoice::Fail {
            study.abandon(left.dead.iter().copied())?;
        }
        return Ok(take_up);
    }
    if !left.unknown.is_empty() {
        note(&format!(
            "running elsewhere: trial {0}. If no worker is at them, fail them with --abandon {1}",
            list(&left.unknown),
            list(&left.unknown).replace(' ', "")
        ));
    }
    Ok(Vec::new())
}

/// Trains the best settings on all training images and measures them on the test images; once, whoever comes first.
fn train_best(
    trials: &[Arc<FrozenTrial>],
    plan: &Plan,
    folder: &Folder,
    data: &Dataset,
    stop: &AtomicBool,
    quiet: bool,
) -> Result<Option<Score>> {
    let Some(best) = report::best(trials) else { return Ok(None) };
    let values = best.params.iter().map(|(name, p)| (name.clone(), p.value())).collect();
    let config = options::apply(&plan.base, &values)?;
    let own = Folder::at(&folder.path().join(report::best_folder(best.number)))?;
    let path = own.path().join("worker.lock");
    let lock = File::create(&path).map_err(Error::io(&path))?;
    if lock.try_lock().is_err() {
        return Ok(None);
    }
    let mut trainer = match own.checkpoint().exists() {
        true => Trainer::resume(&own.checkpoint(), &data.digest)?,
        false => Trainer::new(config)?,
    };
    let mut show = super::watch::Show::new("best", &trainer, data, &own, quiet);
    let result = train::run(&mut trainer, data, &own, &mut show, stop);
    drop(show);
    match result {
        // Whoever goes on, goes on with the study.
        Err(Error::Interrupted { .. }) => return Err(Error::Interrupted { run: folder.path().to_path_buf() }),
        Err(e @ Error::Diverged { .. }) => {
            eprintln!("the best settings, on all training images: {e}");
            return Ok(None);
        }
        result => result?,
    }
    fs::remove_file(&path).map_err(Error::io(&path))?;
    film::write_film(trainer.config.epochs, &own)?;
    Ok(own.read_metrics()?.last().map(|r| r.score()))
}

fn tell(summary: &Summary) -> Result<()> {
    for row in &summary.trials {
        say!("{}", line(row))?;
    }
    say!("{}", report::counts(summary))?;
    for paragraph in report::tell_best(summary) {
        say!("{}", paragraph.replace("**", ""))?;
    }
    say!("{}", report::credit(summary))
}

/// A trial in one line.
fn line(row: &Row) -> String {
    format!("trial {:>2}  {}  {}  [{}]  {:.1} s", row.number, row.outcome(), row.settings(), row.source, row.seconds)
}

/// A bar for each job on a terminal, and a line for each trial that is over.
pub(super) struct Bars {
    all: MultiProgress,
    plan: Plan,
    total: usize,
    quiet: bool,
}

impl Bars {
    pub fn new(plan: &Plan, total: usize, quiet: bool) -> Self {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        Bars { all: MultiProgress::with_draw_target(target), plan: plan.clone(), total, quiet }
    }
}

impl Progress for Bars {
    fn begin(&self, _: usize, trial: &FrozenTrial, steps: u64, networks: usize) -> Box<dyn Watch> {
        let bar = self.all.add(ProgressBar::new(steps));
        let template = match console::Term::stderr().size().1 < 100 {
            true => "{prefix} {percent:>3} %  {eta} left",
            false => "{prefix} {wide_bar} {msg}  {eta} left",
        };
        bar.set_style(ProgressStyle::with_template(template).expect("the template is well-formed"));
        bar.set_prefix(format!("trial {} of {}", trial.number + 1, self.total));
        bar.set_message(format!("{}, {}", Row::of(trial, &self.plan).settings(), count(networks, "fold")));
        Box::new(Bar(bar))
    }

    fn end(&self, _: usize, trial: &FrozenTrial) {
        if !self.quiet {
            let line = line(&Row::of(trial, &self.plan));
            self.all.suspend(|| eprintln!("{line}"));
        }
    }
}

struct Bar(ProgressBar);

impl Watch for Bar {
    fn step(&mut self, _: &Trainer) {
        self.0.inc(1);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
