//! Studies as SQLite files of Optuna's schema: to hand over, and to look at with its tools. Workers share a
//! [journal](super::Storage::journal) instead.

use super::line::{has_year, shortened, unread};
use super::op::{Effect, Op, Owner, Studies, Unread};
use crate::error::{Error, Result};
use crate::files;
use crate::search::distribution::Distribution;
use crate::search::json;
use crate::search::trial::{Attrs, Direction, FrozenTrial, Param, State};
use jiff::{Timestamp, civil, tz::TimeZone};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, MAIN_DB, OpenFlags, Params, params};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;

/// The tables of Optuna 5.0.
const SCHEMA: &str = include_str!("optuna.sql");
/// Their version, in use since Optuna 3.2.
const REVISION: &str = "v3.2.0.a";
/// More than any search has: a table may be a view without end.
const MOST_ROWS: usize = 50_000_000;
/// Rows are written by the rules of this version.
const LIBRARY: &str = "5.0.0";

/// Writes all studies to a new file: whole, or not at all. Ids are one more than here, where they begin at 0.
///
/// # Errors
/// [`Error::Usage`] when there is a file of this name, and when the file cannot be written. When a number cannot be kept in these
/// tables: NaN as a parameter or a value.
pub fn export(studies: &Studies, path: &Path) -> Result<()> {
    for study in studies.studies.iter().flatten() {
        if let Some(why) = &study.unreadable {
            return Err(Error::Usage(format!("study {}: {why}", study.name)));
        }
        let unkept = |t: &FrozenTrial| {
            t.values.iter().flatten().any(|v| v.is_nan()) || t.params.values().any(|p| p.internal.is_nan())
        };
        if let Some(trial) = study.trials.iter().find(|t| unkept(t)) {
            let what = format!("study {}, trial {}: parameters and values", study.name, trial.number);
            return Err(Error::format(path, what, "numbers", "NaN"));
        }
    }
    let refused = |e: rusqlite::Error| Error::format(path, "tables", "to hold all studies", e);
    let mut db = Connection::open_in_memory().map_err(refused)?;
    fill(&mut db, studies).map_err(refused)?;
    files::create(path, &db.serialize(MAIN_DB).map_err(refused)?)
}

fn fill(db: &mut Connection, studies: &Studies) -> rusqlite::Result<()> {
    db.execute_batch(SCHEMA)?;
    let db = db.transaction()?;
    insert(&db, "INSERT INTO version_info VALUES (1, 12, ?)", [LIBRARY])?;
    insert(&db, "INSERT INTO alembic_version VALUES (?)", [REVISION])?;
    for (id, study) in studies.studies.iter().enumerate().filter_map(|(i, s)| Some((i as i64 + 1, s.as_ref()?))) {
        insert(&db, "INSERT INTO studies VALUES (?, ?)", params![id, study.name])?;
        for (objective, direction) in study.directions.iter().enumerate() {
            let row = params![direction.name(), id, objective as i64];
            insert(&db, "INSERT INTO study_directions VALUES (NULL, ?, ?, ?)", row)?;
        }
        insert_attrs(&db, "study_user_attributes", id, &study.user_attrs)?;
        insert_attrs(&db, "study_system_attributes", id, &study.system_attrs)?;
        for trial in &study.trials {
            insert_trial(&db, id, trial)?;
        }
    }
    db.commit()
}

fn insert_trial(db: &Connection, study: i64, trial: &FrozenTrial) -> rusqlite::Result<()> {
    let id = trial.id as i64 + 1;
    let [start, complete] =
        [trial.start, trial.complete].map(|time| time.map(|t| t.strftime("%Y-%m-%d %H:%M:%S.%6f").to_string()));
    let row = params![id, trial.number as i64, study, trial.state.name(), start, complete];
    insert(db, "INSERT INTO trials VALUES (?, ?, ?, ?, ?, ?)", row)?;
    for (name, param) in &trial.params {
        let row = params![id, name, param.internal, json::write(&param.distribution.to_json())];
        insert(db, "INSERT INTO trial_params VALUES (NULL, ?, ?, ?, ?)", row)?;
    }
    for (objective, value) in trial.values.iter().flatten().enumerate() {
        let (value, kind) = kept(*value);
        insert(db, "INSERT INTO trial_values VALUES (NULL, ?, ?, ?, ?)", params![id, objective as i64, value, kind])?;
    }
    for (step, value) in &trial.reports {
        let step = i64::try_from(*step).map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))?;
        let (value, kind) = kept(*value);
        let row = params![id, step, value, kind];
        insert(db, "INSERT INTO trial_intermediate_values VALUES (NULL, ?, ?, ?, ?)", row)?;
    }
    insert_attrs(db, "trial_user_attributes", id, &trial.user_attrs)?;
    insert_attrs(db, "trial_system_attributes", id, &trial.system_attrs)
}

fn insert_attrs(db: &Connection, table: &str, owner: i64, attrs: &Attrs) -> rusqlite::Result<()> {
    let sql = format!("INSERT INTO {table} VALUES (NULL, ?, ?, ?)");
    attrs.iter().try_for_each(|(key, value)| insert(db, &sql, params![owner, key, json::write(value)]))
}

fn insert(db: &Connection, sql: &str, row: impl Params) -> rusqlite::Result<()> {
    db.prepare_cached(sql)?.execute(row).map(drop)
}

/// The words for numbers that SQL servers do not know, and the numbers.
const KINDS: [(&str, f64); 3] = [("INF_POS", f64::INFINITY), ("INF_NEG", f64::NEG_INFINITY), ("NAN", f64::NAN)];
const FINITE: &str = "FINITE";

/// A number as a value and its kind.
fn kept(x: f64) -> (Option<f64>, &'static str) {
    match KINDS.iter().find(|(_, y)| x == *y || (x.is_nan() && y.is_nan())) {
        Some((kind, _)) => (None, kind),
        None => (Some(x), FINITE),
    }
}

/// Reads all studies of a file, which stays as it is. Studies and trials get new ids, in the old order.
///
/// # Errors
/// When the file cannot be read, is damaged, or was not made by Optuna 3.2 to 5: the message names table, row and column.
pub fn import(path: &Path) -> Result<Studies> {
    files::open_regular(path)?;
    let damaged = |found| Error::format(path, "file", "an intact SQLite database", found);
    let refused = |e: rusqlite::Error| damaged(e.to_string());
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(refused)?;
    // All tables as they are at one instant.
    let transaction = connection.transaction().map_err(refused)?;
    let db = Database { path, db: &transaction };
    let verdict: String = db.db.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(refused)?;
    if verdict != "ok" {
        return Err(damaged(verdict.replace('\n', " ")));
    }
    let zone = db.zone()?;
    let (mut studies, mut places) = (Studies::default(), BTreeMap::new());
    db.read_studies(&mut studies, &mut places)?;
    db.read_trials(&mut studies, &places, &zone)?;
    Ok(studies)
}

struct Database<'a> {
    path: &'a Path,
    db: &'a Connection,
}

impl Database<'_> {
    /// Checks that the tables are those we know, and gives the zone of their times: before Optuna 5.0 they were local.
    fn zone(&self) -> Result<TimeZone> {
        self.one("alembic_version", &["version_num"], |row| {
            row.parse("version_num", &format!("{REVISION}, as in Optuna 3.2 to 5"), |v| (v == REVISION).then_some(()))
        })?;
        let major: u32 = self.one("version_info", &["version_info_id", "library_version"], |row| {
            row.parse("library_version", "a version", |v| v.split('.').next()?.parse().ok())
        })?;
        Ok(if major < 5 { TimeZone::system() } else { TimeZone::UTC })
    }

    fn read_studies(&self, studies: &mut Studies, places: &mut BTreeMap<i64, usize>) -> Result<()> {
        let columns = ["study_direction_id", "study_id", "objective", "direction"];
        let mut directions = self.groups("study_directions", &columns, |row| {
            Ok((row.whole("objective")?, row.parse("direction", "MINIMIZE or MAXIMIZE", Direction::named)?))
        })?;
        let mut user = self.attrs("study_user_attributes", "study_user_attribute_id", "study_id")?;
        let mut system = self.attrs("study_system_attributes", "study_system_attribute_id", "study_id")?;
        self.each("studies", &["study_id", "study_name"], |row| {
            let (id, name) = (row.whole("study_id")?, row.text("study_name")?);
            let directions = row.objectives(directions.remove(&id).unwrap_or_default())?;
            if directions.is_empty() {
                return Err(row.wrong("directions", "one an objective", "none"));
            }
            let Effect::Created(study) = studies.apply(Op::CreateStudy { name: name.clone(), directions }) else {
                return Err(row.wrong("study_name", "a name of its own", name));
            };
            for (owner, attrs) in [(Owner::User, &mut user), (Owner::System, &mut system)] {
                for (key, value) in attrs.remove(&id).unwrap_or_default() {
                    studies.apply(Op::StudyAttr { study, owner, key, value });
                }
            }
            places.insert(id, study);
            Ok(())
        })
    }

    fn read_trials(&self, studies: &mut Studies, places: &BTreeMap<i64, usize>, zone: &TimeZone) -> Result<()> {
        let columns = ["param_id", "trial_id", "param_name", "param_value", "distribution_json"];
        let mut params = self.groups("trial_params", &columns, |row| {
            let name = row.text("param_name")?;
            let distribution = match row.parse("distribution_json", "a distribution", Distribution::from_text)? {
                Ok(distribution) => distribution,
                Err(why) => return Ok((name.clone(), Err(unread(&name, &why)))),
            };
            let param = row.read("param_value", "an internal value of its distribution", |v| {
                Param::stored(real(v)?, distribution)
            })?;
            Ok((name, Ok(param)))
        })?;
        let columns = ["trial_value_id", "trial_id", "objective", "value", "value_type"];
        let mut values = self.groups("trial_values", &columns, |row| {
            Ok((row.whole("objective")?, row.number("value", "value_type")?))
        })?;
        let columns =
            ["trial_intermediate_value_id", "trial_id", "step", "intermediate_value", "intermediate_value_type"];
        let mut reports = self.groups("trial_intermediate_values", &columns, |row| {
            let step = row.read("step", "a whole number from 0", |v| v.as_i64().ok()?.try_into().ok())?;
            Ok((step, row.number("intermediate_value", "intermediate_value_type")?))
        })?;
        let mut user = self.attrs("trial_user_attributes", "trial_user_attribute_id", "trial_id")?;
        let mut system = self.attrs("trial_system_attributes", "trial_system_attribute_id", "trial_id")?;
        let columns = ["trial_id", "number", "study_id", "state", "datetime_start", "datetime_complete"];
        self.each("trials", &columns, |row| {
            // As Optuna has it, what belongs to no study is not there.
            let Some(&study) = places.get(&row.whole("study_id")?) else { return Ok(()) };
            let id = row.whole("trial_id")?;
            let number = studies.get(study).map_or(0, |s| s.trials.len()) as i64;
            row.read("number", &number.to_string(), |v| (v.as_i64() == Ok(number)).then_some(()))?;
            let mut trial = FrozenTrial::new(row.parse("state", "the state of a trial", State::named)?);
            trial.start = row.time("datetime_start", zone)?;
            trial.complete = row.time("datetime_complete", zone)?;
            trial.values = values.remove(&id).map(|values| row.objectives(values)).transpose()?;
            for (name, param) in params.remove(&id).unwrap_or_default() {
                match param {
                    Ok(param) => trial.params.insert(name, param),
                    Err(why) => {
                        studies.apply(Op::Unreadable { of: Unread::TrialOf(study), why });
                        return Ok(());
                    }
                };
            }
            trial.reports = reports.remove(&id).unwrap_or_default();
            trial.user_attrs = user.remove(&id).unwrap_or_default();
            trial.system_attrs = system.remove(&id).unwrap_or_default();
            studies.apply(Op::CreateTrial { study, trial: Box::new(trial) });
            Ok(())
        })
    }

    fn attrs(&self, table: &str, id: &str, owner: &str) -> Result<BTreeMap<i64, Attrs>> {
        self.groups(table, &[id, owner, "key", "value_json"], |row| {
            Ok((row.text("key")?, row.parse("value_json", "JSON", |text| json::read(text).ok())?))
        })
    }

    /// The rows of a table by the number in their second column: that of the study or trial which they belong to.
    fn groups<K: Ord, V>(
        &self,
        table: &str,
        columns: &[&str],
        read: impl Fn(&Row) -> Result<(K, V)>,
    ) -> Result<BTreeMap<i64, BTreeMap<K, V>>> {
        let mut groups: BTreeMap<i64, BTreeMap<K, V>> = BTreeMap::new();
        self.each(table, columns, |row| {
            let (key, value) = read(row)?;
            groups.entry(row.whole(columns[1])?).or_default().insert(key, value);
            Ok(())
        })?;
        Ok(groups)
    }

    fn one<T>(&self, table: &str, columns: &[&str], read: impl Fn(&Row) -> Result<T>) -> Result<T> {
        let mut found = None;
        self.each(table, columns, |row| {
            found = Some(read(row)?);
            Ok(())
        })?;
        found.ok_or_else(|| Error::format(self.path, table, "a row", "none"))
    }

    /// Reads a table in the order of its first column.
    fn each(&self, table: &str, columns: &[&str], mut read: impl FnMut(&Row) -> Result<()>) -> Result<()> {
        let refused = |e| Error::format(self.path, table, "a table as Optuna makes it", e);
        let sql = format!("SELECT {} FROM {table} ORDER BY 1", columns.join(", "));
        let mut statement = self.db.prepare(&sql).map_err(refused)?;
        let mut rows = statement.query([]).map_err(refused)?;
        let mut left = MOST_ROWS;
        while let Some(row) = rows.next().map_err(refused)? {
            left -= 1;
            if left == 0 {
                return Err(Error::format(self.path, table, format!("fewer than {MOST_ROWS} rows"), "more"));
            }
            read(&Row { path: self.path, table, columns, row })?;
        }
        Ok(())
    }
}

/// A row, and words for what is wrong with it.
struct Row<'a> {
    path: &'a Path,
    table: &'a str,
    columns: &'a [&'a str],
    row: &'a rusqlite::Row<'a>,
}

impl Row<'_> {
    fn value(&self, column: &str) -> ValueRef<'_> {
        let i = self.columns.iter().position(|c| *c == column).expect("a column asked for");
        self.row.get_ref(i).expect("a column there is")
    }

    fn wrong(&self, what: &str, expected: &str, found: impl Display) -> Error {
        let row = shown(self.value(self.columns[0]));
        Error::format(self.path, format!("{} {row}: {what}", self.table), expected, found)
    }

    fn read<T>(&self, column: &str, expected: &str, parse: impl FnOnce(ValueRef) -> Option<T>) -> Result<T> {
        let value = self.value(column);
        parse(value).ok_or_else(|| self.wrong(column, expected, shown(value)))
    }

    fn parse<T>(&self, column: &str, expected: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T> {
        self.read(column, expected, |v| parse(v.as_str().ok()?))
    }

    fn text(&self, column: &str) -> Result<String> {
        self.parse(column, "text", |text| Some(text.to_string()))
    }

    fn whole(&self, column: &str) -> Result<i64> {
        self.read(column, "a whole number", |v| v.as_i64().ok())
    }

    fn number(&self, column: &str, kind: &str) -> Result<f64> {
        let infinite = self.parse(kind, "FINITE, INF_POS, INF_NEG or NAN", |kind| match kind {
            FINITE => Some(None),
            kind => KINDS.iter().find(|k| k.0 == kind).map(|k| Some(k.1)),
        })?;
        infinite.map_or_else(|| self.read(column, "a number", real), Ok)
    }

    fn time(&self, column: &str, zone: &TimeZone) -> Result<Option<Timestamp>> {
        let parse = |text: &str| text.parse::<civil::DateTime>().ok()?.to_zoned(zone.clone()).ok();
        self.read(column, "a time", |v| match v {
            ValueRef::Null => Some(None),
            v => parse(v.as_str().ok()?).map(|time| time.timestamp()).filter(has_year).map(Some),
        })
    }

    /// What there is for each objective, in their order.
    fn objectives<T>(&self, found: BTreeMap<i64, T>) -> Result<Vec<T>> {
        match found.keys().copied().eq(0..found.len() as i64) {
            true => Ok(found.into_values().collect()),
            false => Err(self.wrong("objectives", "0, 1, …", format!("{:?}", found.keys()))),
        }
    }
}

fn real(value: ValueRef) -> Option<f64> {
    match value {
        ValueRef::Real(x) => Some(x),
        ValueRef::Integer(i) => Some(i as f64),
        _ => None,
    }
}

fn shown(value: ValueRef) -> String {
    match value {
        ValueRef::Null => "NULL".into(),
        ValueRef::Integer(i) => i.to_string(),
        ValueRef::Real(x) => x.to_string(),
        ValueRef::Text(text) => format!("{:?}", shortened(&String::from_utf8_lossy(text))),
        ValueRef::Blob(_) => "bytes".into(),
    }
}
