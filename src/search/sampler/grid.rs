use super::{Asking, Sampler};
use crate::error::{Error, Result};
use crate::rng::{Purpose, Stream};
use crate::search::distribution::Distribution;
use crate::search::space::{Parameter, Space};
use crate::search::trial::{Attrs, State};
use crate::search::value::Value;
use serde_json::{Map, Value as Json};

/// Grid search: every combination once, in a random order. A combination is taken again only if all that tried it failed or
/// were given up.
#[derive(Clone, Debug)]
pub struct Grid {
    axes: Vec<(String, Vec<Value>)>,
}

/// More combinations than anybody tries.
const MOST: usize = 1_000_000;
/// The attribute by which a trial keeps its combination.
const POINT: &str = "grid_id";
const AXES: &str = "search_space";

impl Grid {
    /// All combinations of these values.
    ///
    /// # Errors
    /// [`Error::Usage`] when there are none or too many.
    pub fn new(axes: impl IntoIterator<Item = (String, Vec<Value>)>) -> Result<Self> {
        let mut axes: Vec<_> = axes.into_iter().collect();
        axes.sort_by(|a, b| a.0.cmp(&b.0));
        let size = axes.iter().try_fold(1_usize, |n, (_, values)| n.checked_mul(values.len()));
        match size {
            Some(1..=MOST) => Ok(Grid { axes }),
            _ => {
                let found = size.map_or("more".into(), |n| n.to_string());
                Err(Error::Usage(format!("grid search: expected 1 to {MOST} combinations, found {found}")))
            }
        }
    }

    /// All points of a space.
    ///
    /// # Errors
    /// [`Error::Usage`] when a parameter has a continuum of values or a condition, or there are too many points.
    pub fn of(space: &Space) -> Result<Self> {
        let axis = |p: &Parameter| {
            let refuse = |why: &str| Error::Usage(format!("grid search: parameter {}: {why}", p.name));
            if p.when.is_some() {
                return Err(refuse("expected no condition, found one"));
            }
            let found = &p.distribution;
            let n = found.size().ok_or_else(|| refuse(&format!("expected choices or a step, found {found}")))?;
            // The rest is counted, not listed.
            Ok((p.name.clone(), (0..n.min(MOST as u64 + 1)).map(|k| found.value(found.nth(k))).collect()))
        };
        Grid::new(space.parameters().iter().map(axis).collect::<Result<Vec<_>>>()?)
    }

    /// The number of combinations.
    pub fn size(&self) -> usize {
        self.axes.iter().map(|(_, values)| values.len()).product()
    }

    /// Combinations that no trial has finished or is trying, in the order in which they are tried: those that failed at the end.
    pub fn left(&self, asking: &Asking) -> Vec<usize> {
        let (mut taken, mut failed) = (vec![false; self.size()], vec![false; self.size()]);
        for trial in asking.trials.iter().filter(|t| t.number != asking.number) {
            let point = trial.system_attrs.get(POINT).and_then(Json::as_u64);
            let marks = if trial.state == State::Fail { &mut failed } else { &mut taken };
            if let Some(mark) = point.and_then(|p| marks.get_mut(p as usize)) {
                *mark = true;
            }
        }
        let mut order: Vec<usize> = (0..self.size()).collect();
        Stream::new(asking.seed, Purpose::Grid, 0, 0).shuffle(&mut order);
        order.retain(|&point| !taken[point]);
        order.sort_by_key(|&point| failed[point]);
        order
    }

    /// A combination: the last name varies fastest.
    fn point(&self, mut id: usize) -> Vec<(&str, &Value)> {
        let mut point = Vec::new();
        for (name, values) in self.axes.iter().rev() {
            point.push((name.as_str(), &values[id % values.len()]));
            id /= values.len();
        }
        point
    }

    fn attrs(&self, id: usize) -> Attrs {
        let axes = self.axes.iter().map(|(name, values)| (name.clone(), values.iter().map(Value::to_json).collect()));
        Attrs::from([(POINT.into(), Json::from(id)), (AXES.into(), Json::Object(Map::from_iter(axes)))])
    }
}

impl Sampler for Grid {
    fn source(&self, _: &Asking) -> String {
        "grid".into()
    }

    fn begin(&self, asking: &Asking) -> Option<Attrs> {
        self.left(asking).first().map(|&id| self.attrs(id))
    }

    /// The value of the trial's combination; for a parameter without an axis, or a value that its distribution does not know, a
    /// random one.
    fn independent(&self, asking: &Asking, _: usize, name: &str, distribution: &Distribution) -> f64 {
        let trial = asking.trials.iter().find(|t| t.number == asking.number);
        let id = trial.and_then(|t| t.system_attrs.get(POINT)?.as_u64());
        let point = id.map(|id| self.point(id as usize)).unwrap_or_default();
        let value = point.into_iter().find(|(axis, _)| *axis == name).and_then(|(_, v)| distribution.internal(v));
        value.unwrap_or_else(|| distribution.at(asking.random([name]).uniform()))
    }
}
