//! [`Session`]: a study's folder, opened to be worked at.

use super::row::best;
use super::run::{is_held, left_behind};
use super::{CrossValidation, Left, Plan, Worker, options};
use crate::data::{Baselines, Dataset};
use crate::error::{Error, Result};
use crate::files;
use crate::lab::film;
use crate::models::{Network, Score, Standing, Trainer};
use crate::search::storage::Owner;
use crate::search::{Direction, Space, State, Storage, Study, Value};
use crate::train::{self, Folder, Means, Record, Watch};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// The study's file in its folder.
pub const JOURNAL: &str = "study.journal";
/// Attributes of the study: its plan, and how many trials it is to get.
const PLAN: &str = "plan";
const TRIALS: &str = "trials";

/// A study's folder, opened to be worked at.
pub struct Session {
    /// The folder.
    pub folder: Folder,
    /// What decides the search.
    pub plan: Plan,
    /// What is searched.
    pub space: Space,
    /// The study, with its sampler and its pruner.
    pub study: Study,
    /// What a trial is measured by.
    pub validation: CrossValidation,
    /// Trials that it is to get in all.
    pub total: usize,
}

/// What a resumed study is asked for besides what it has.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Another space, and the file that it is from.
    pub space: Option<(String, String)>,
    /// Trials in all.
    pub trials: Option<usize>,
    /// Trials more than were begun.
    pub more: Option<usize>,
    /// Points to try first.
    pub points: Vec<String>,
    /// Trials to fail, whose workers are gone.
    pub abandon: Vec<usize>,
}

/// Whether there is a journal with anything in it: a process that was killed at once leaves an empty one.
fn holds_a_study(journal: &Path) -> Result<bool> {
    Ok(files::is_there(journal)? && !Storage::journal(journal)?.studies().studies.is_empty())
}

fn read(path: &Path) -> Result<(Study, Plan, usize)> {
    let journal = path.join(JOURNAL);
    if !holds_a_study(&journal)? {
        let path = path.display();
        return Err(Error::Usage(format!(
            "{path}: expected the folder of a study, found no {JOURNAL} in it, or none with a study"
        )));
    }
    let storage = Storage::journal(&journal)?;
    // The one with a plan; else the first, which is refused below.
    let studies = || storage.studies().studies.iter().flatten();
    let own = studies().find(|study| study.user_attrs.contains_key(PLAN)).or(studies().next());
    let name = own.expect("it holds a study").name.clone();
    let study = Study::open(storage, &name)?;
    let (plan, total) = study.look(|s| {
        let plan = s.user_attrs.get(PLAN).map(|p| serde_json::from_value::<Plan>(p.clone()));
        (plan, s.user_attrs.get(TRIALS).and_then(|t| t.as_u64()).unwrap_or(0) as usize)
    })?;
    let bad = |found| Error::format(&journal, "attribute plan of the study", "the plan of a search", found);
    let plan = plan.ok_or_else(|| bad("none: another program began it".to_string()))?;
    Ok((study, plan.map_err(|e| bad(e.to_string()))?, total))
}

impl Session {
    /// A new study for so many trials, in the folder `out` or in the next free one of this name in `runs`.
    ///
    /// # Errors
    /// When something is wrong with the plan or a point: then nothing was made. When the folder has a study.
    pub fn create(
        plan: Plan,
        total: usize,
        points: &[String],
        out: Option<&Path>,
        name: &str,
        data: &Dataset,
    ) -> Result<Self> {
        let space = check(&plan)?;
        let validation = validation(&plan, data)?;
        let points = points.iter().map(|p| point(p, &space)).collect::<Result<Vec<_>>>()?;
        let folder = match out {
            Some(path) if holds_a_study(&path.join(JOURNAL))? => {
                return Err(Error::Taken { path: path.to_path_buf(), what: "study" });
            }
            Some(path) => Folder::at(path)?,
            None => Folder::create_next(&Path::new("runs").join(name))?,
        };
        let storage = Storage::journal(&folder.path().join(JOURNAL))?;
        let attrs = [
            (Owner::User, PLAN, serde_json::to_value(&plan).expect("plain data")),
            (Owner::User, TRIALS, json!(total)),
            (
                Owner::System,
                "study:metric_names",
                json!([format!("{}, {}", plan.objective.name(), plan.objective.unit())]),
            ),
        ];
        let study = Study::create_with(storage, plan.base.network.folder(), &[Direction::Minimize], attrs)?;
        for point in &points {
            study.enqueue(point)?;
        }
        Ok(Session { folder, study: ready(study, &plan, &space)?, plan, space, validation, total })
    }

    /// The study in a folder, changed as asked, and its data as `load` gives them for its plan. Says what the change means.
    ///
    /// # Errors
    /// When the data are others, or something is wrong with the change: then nothing was changed.
    pub fn resume(
        path: &Path,
        change: Change,
        load: impl FnOnce(&Plan) -> Result<Dataset>,
    ) -> Result<(Self, Dataset, Vec<String>)> {
        let (study, mut plan, mut total) = read(path)?;
        let data = load(&plan)?;
        plan.check_data(&data.digest)?;
        let old = plan.space()?;
        let (space, mut notes) = match change.space {
            Some((text, file)) => {
                plan.space = text;
                let space = check(&plan).map_err(|e| e.within(&file))?;
                let notes = compare(&old, &space, &study, &file)?;
                (space, notes)
            }
            None => (check(&plan)?, Vec::new()),
        };
        let validation = validation(&plan, &data)?;
        let points = change.points.iter().map(|p| point(p, &space)).collect::<Result<Vec<_>>>()?;
        let trials = study.trials()?;
        for &number in &change.abandon {
            let state = trials.get(number).map(|t| t.state);
            let refuse = |found: &str| {
                let path = path.display();
                Err(Error::Usage(format!("`abandon = {number}`: expected a running trial of {path}, found {found}")))
            };
            match state {
                None => return refuse("none"),
                Some(State::Running) if is_held(path, number) => return refuse("one with a worker at it"),
                Some(State::Running) => {}
                Some(state) => return refuse(state.name()),
            }
        }
        let waiting = trials.iter().filter(|t| t.state == State::Waiting).count() + points.len();
        let begun = trials.len() + points.len() - waiting;
        let asked = match (change.trials, change.more) {
            (Some(n), _) if n < begun => {
                return Err(Error::Usage(format!(
                    "`trials = {n}`: expected at least {begun}, which the study has; `more` adds to them"
                )));
            }
            (Some(n), _) => n,
            (None, Some(n)) => begun + n,
            (None, None) => total,
        };
        if !points.is_empty() && begun + waiting > asked {
            notes.push(format!("{waiting} queued: the study gets {} trials in all", begun + waiting));
        }
        let asked = if points.is_empty() { asked } else { asked.max(begun + waiting) };
        let mut attrs = Vec::new();
        if asked != total {
            attrs.push((Owner::User, TRIALS, json!(asked)));
            total = asked;
        }
        if space != old {
            attrs.push((Owner::User, PLAN, serde_json::to_value(&plan).expect("plain data")));
        }
        study.set_attrs(attrs)?;
        study.abandon(change.abandon)?;
        for point in &points {
            study.enqueue(point)?;
        }
        let study = ready(study, &plan, &space)?;
        Ok((Session { folder: Folder::at(path)?, study, plan, space, validation, total }, data, notes))
    }

    /// Somebody who works at it.
    pub fn worker(&self) -> Worker<'_> {
        let Session { folder, plan, space, study, validation, .. } = self;
        Worker { plan, space, study, validation, folder: folder.path() }
    }

    /// Trials that run or were left.
    ///
    /// # Errors
    /// When the study cannot be read.
    pub fn left(&self) -> Result<Left> {
        left_behind(&self.study, self.folder.path())
    }

    /// Trains the best settings on all training images and measures them on the test images; once, whoever comes first. None if no
    /// trial is complete, or another worker is at it.
    ///
    /// # Errors
    /// As [`train::run`].
    pub fn train_best<'w>(
        &self,
        data: &Dataset,
        watch: impl FnOnce(&Trainer, &Folder) -> Box<dyn Watch<Network> + 'w>,
        stop: &AtomicBool,
    ) -> Result<Option<(Means, Option<Standing>)>> {
        let Some(best) = best(&self.study.trials()?) else { return Ok(None) };
        let values = best.params.iter().map(|(name, p)| (name.clone(), p.value())).collect();
        let config = options::apply(&self.plan.base, &values)?;
        let own = Folder::at(&self.folder.path().join(best_folder(best.number)))?;
        let path = own.path().join("worker.lock");
        // Held to the end; the file stays, as those of trials do.
        let lock = File::create(&path).map_err(Error::io(&path))?;
        if !files::try_lock(&lock, &path)? {
            return Ok(None);
        }
        own.sweep()?;
        let mut trainer = match files::is_there(&own.checkpoint())? {
            true => Trainer::resume(&own.checkpoint(), data)?,
            false => Trainer::new(config)?,
        };
        let mut watch = watch(&trainer, &own);
        let result = train::run(&mut trainer, data, &own, &mut *watch, stop);
        drop(watch);
        let records = result.map_err(|e| e.part_of(self.folder.path()))?;
        film::write_film(trainer.config.epochs, &own)?;
        let config = &trainer.config;
        let standing = |record: &Record| {
            let beta = config.network.coder()?.last_beta(config.epochs);
            Some(Standing::of(Score::from(record), beta, &Baselines::of(data, config.binarize)))
        };
        Ok(records.last().map(|record| (record.means.clone(), standing(record))))
    }
}

/// Where the network with the best settings is, in the study's folder.
pub fn best_folder(trial: usize) -> String {
    format!("best-trial-{trial}")
}

fn validation(plan: &Plan, data: &Dataset) -> Result<CrossValidation> {
    CrossValidation::new(data, plan.folds, plan.repeats, plan.seed, plan.objective)
}

fn ready(study: Study, plan: &Plan, space: &Space) -> Result<Study> {
    let study = study.sampler(plan.sampler(space)?).seed(plan.seed);
    Ok(match plan.pruner() {
        Some(pruner) => study.pruner(pruner),
        None => study,
    })
}

/// The space of a plan, all of whose values make a configuration, so that no trial is lost to a bad one; and its sampler can work
/// with it.
fn check(plan: &Plan) -> Result<Space> {
    let space = plan.space()?;
    for p in space.parameters() {
        let d = &p.distribution;
        let values: Vec<f64> = match d.size() {
            Some(n) if n <= 1000 => (0..n).map(|k| d.nth(k)).collect(),
            Some(n) => vec![d.nth(0), d.nth(n / 2), d.nth(n - 1)],
            None => [0.0, 0.381_966, 1.0].map(|u| d.at(u)).to_vec(),
        };
        for x in values {
            let of_parameter = |e| match e {
                Error::Setting { name, expected, found } if name == p.name => {
                    Error::Usage(format!("parameter {name}: expected {expected}, found {found}"))
                }
                e => e,
            };
            options::apply(&plan.base, &BTreeMap::from([(p.name.clone(), d.value(x))])).map_err(of_parameter)?;
        }
    }
    plan.sampler(&space)?;
    Ok(space)
}

/// What a changed space means for a study.
fn compare(old: &Space, new: &Space, study: &Study, file: &str) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    for p in new.parameters() {
        let Some(known) = study.look(|s| s.first_distribution(&p.name).cloned())? else { continue };
        let (name, found) = (&p.name, &p.distribution);
        if !known.is_compatible(found) {
            return Err(Error::Usage(format!(
                "{file}: parameter {name}: expected {known}, as in the study, found {found}"
            )));
        }
        if known != p.distribution {
            notes.push(format!(
                "{file}: {name} was {known}: with another range it is suggested by itself, not with the others"
            ));
        }
    }
    for p in old.parameters().iter().filter(|p| new.get(&p.name).is_none()) {
        notes
            .push(format!("{file}: {} is no longer searched, and has the value of the study's other settings", p.name));
    }
    Ok(notes)
}

/// A point as the command line has it: `lr=0.02,epochs=20`.
fn point(text: &str, space: &Space) -> Result<BTreeMap<String, Value>> {
    let mut point = BTreeMap::new();
    for pair in text.split(',') {
        let bad = |why: String| Error::Usage(format!("`enqueue = {text}`: {why}"));
        let (name, value) = pair.split_once('=').ok_or_else(|| bad(format!("expected name=value, found {pair}")))?;
        let names = || space.parameters().iter().map(|p| p.name.as_str()).collect::<Vec<_>>().join(", ");
        let known = space.get(name.trim()).ok_or_else(|| bad(format!("expected one of {}, found {name}", names())))?;
        let value = value.trim();
        let value = match (value.parse(), value.parse()) {
            (Ok(i), _) => Value::Int(i),
            (_, Ok(x)) => Value::Float(x),
            _ => Value::from(value),
        };
        let internal = known.distribution.internal(&value);
        if !internal.is_some_and(|x| known.distribution.contains(x)) {
            return Err(bad(format!("{name}: expected {}, found {value}", known.distribution)));
        }
        if point.insert(known.name.clone(), value).is_some() {
            return Err(bad(format!("{name} stands twice")));
        }
    }
    Ok(point)
}
