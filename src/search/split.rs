//! Good trials and bad ones.

use super::trial::{Direction, FrozenTrial, State};
use std::cmp::Ordering;
use std::sync::Arc;

/// How many of n finished trials are good: ⌈n/10⌉, and at most 25 with one objective.
pub fn good_of(n: usize, objectives: usize) -> usize {
    let tenth = n.div_ceil(10);
    if objectives > 1 { tenth } else { tenth.min(25) }
}

/// The trials by which a suggestion is made, each group in the order of its trials.
#[derive(Clone, Debug)]
pub struct Split<'a> {
    /// The `n_below` best.
    pub good: Vec<&'a FrozenTrial>,
    /// All others, and those that still run.
    pub bad: Vec<&'a FrozenTrial>,
}

/// Divides the complete, pruned and running trials, other than trial `asking`. `n_below` gives the number of good ones from the
/// number of finished ones.
///
/// The best are complete trials by value; then pruned ones, by how far they came and by what they reported there; then those
/// that violate constraints, by how much. Equal trials stay in order: the earlier is preferred. Several objectives:
/// [`Direction`]s each, by ranks of non-domination, and within the last rank by the hypervolume that a trial adds.
pub fn split<'a>(
    trials: &'a [Arc<FrozenTrial>],
    asking: usize,
    directions: &[Direction],
    n_below: impl FnOnce(usize) -> usize,
) -> Split<'a> {
    let (mut complete, mut pruned, mut infeasible, mut bad) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for trial in trials.iter().map(Arc::as_ref).filter(|t| t.number != asking) {
        match trial.state {
            State::Running => bad.push(trial),
            State::Complete | State::Pruned if trial.violation() > 0.0 => infeasible.push(trial),
            State::Complete => complete.push(trial),
            State::Pruned => pruned.push(trial),
            State::Fail | State::Waiting => {}
        }
    }
    let n = n_below(complete.len() + pruned.len() + infeasible.len());
    let mut good = Vec::new();
    match directions {
        [direction] => sort_by_key(&mut complete, |t| direction.loss(t.value().unwrap_or(f64::NAN))),
        _ => complete = by_domination(complete, directions, n),
    }
    pruned.sort_by(|a, b| compare_pruned(a, b, directions[0]));
    sort_by_key(&mut infeasible, |t| t.violation());
    for mut class in [complete, pruned, infeasible] {
        let rest = class.split_off((n - good.len()).min(class.len()));
        good.extend(class);
        bad.extend(rest);
    }
    good.sort_by_key(|t| t.number);
    bad.sort_by_key(|t| t.number);
    Split { good, bad }
}

fn sort_by_key(trials: &mut [&FrozenTrial], key: impl Fn(&FrozenTrial) -> f64) {
    trials.sort_by(|a, b| ascending(key(a), key(b)));
}

/// −0 and 0 are equal, and NaN comes last.
fn ascending(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

fn compare_pruned(a: &FrozenTrial, b: &FrozenTrial, direction: Direction) -> Ordering {
    let key = |t: &FrozenTrial| t.last_report().map_or((-1, 0.0), |(step, v)| (step as i64, direction.loss(v)));
    let ((a_step, a), (b_step, b)) = (key(a), key(b));
    b_step.cmp(&a_step).then_with(|| ascending(a, b))
}

/// The first `n` of a selection by non-domination, then the others.
fn by_domination<'a>(trials: Vec<&'a FrozenTrial>, directions: &[Direction], n: usize) -> Vec<&'a FrozenTrial> {
    let losses = |t: &FrozenTrial| -> Vec<f64> {
        let values = t.values.iter().flatten();
        values.zip(directions).map(|(v, d)| d.loss(*v)).collect()
    };
    let mut left: Vec<(Vec<f64>, &FrozenTrial)> = trials.into_iter().map(|t| (losses(t), t)).collect();
    let mut chosen: Vec<&FrozenTrial> = Vec::new();
    while chosen.len() < n && !left.is_empty() {
        let on_front: Vec<bool> = left.iter().map(|(p, _)| !left.iter().any(|(q, _)| dominates(q, p))).collect();
        let mut marks = on_front.iter();
        let (mut front, rest): (Vec<_>, Vec<_>) = left.into_iter().partition(|_| *marks.next().expect("one a point"));
        left = rest;
        let places = n - chosen.len();
        if front.len() > places {
            let points: Vec<&[f64]> = front.iter().map(|(p, _)| p.as_slice()).collect();
            let picked = by_hypervolume(&points, places);
            chosen.extend(picked.iter().map(|&i| front[i].1));
            front = front.into_iter().enumerate().filter(|(i, _)| !picked.contains(i)).map(|(_, x)| x).collect();
            left.extend(front);
            break;
        }
        chosen.extend(front.into_iter().map(|(_, t)| t));
    }
    chosen.extend(left.into_iter().map(|(_, t)| t));
    chosen
}

fn dominates(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).all(|(a, b)| a <= b) && a != b
}

/// The places of `n` of the points of a front, chosen greedily by the hypervolume that each adds.
fn by_hypervolume(points: &[&[f64]], n: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..points.len()).collect();
    let lexicographic = |a: &[f64], b: &[f64]| {
        a.iter().zip(b).map(|(a, b)| ascending(*a, *b)).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
    };
    order.sort_by(|&a, &b| lexicographic(points[a], points[b]));
    let worst = |d: usize| points.iter().map(|p| p[d]).fold(f64::NEG_INFINITY, f64::max);
    let reference: Vec<f64> = (0..points[0].len())
        .map(|d| match f64::max(1.1 * worst(d), 0.9 * worst(d)) {
            0.0 => 1e-12,
            r => r,
        })
        .collect();
    if !reference.iter().all(|r| r.is_finite()) {
        order.truncate(n);
        return order;
    }
    let (mut distinct, mut copies): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
    for i in order {
        let is_new = distinct.last().is_none_or(|&last| points[last] != points[i]);
        if is_new { &mut distinct } else { &mut copies }.push(i);
    }
    copies.sort_unstable();
    let (mut chosen, mut set): (Vec<usize>, Vec<&[f64]>) = (Vec::new(), Vec::new());
    while chosen.len() < n && !distinct.is_empty() {
        let adds = |i: usize| exclusive(points[i], &set, &reference);
        let mut best = (0, f64::NEG_INFINITY);
        for (place, &i) in distinct.iter().enumerate() {
            let volume = adds(i);
            if volume > best.1 {
                best = (place, volume);
            }
        }
        let i = distinct.remove(best.0);
        chosen.push(i);
        set.push(points[i]);
    }
    let missing = n - chosen.len();
    chosen.extend(copies.into_iter().take(missing));
    chosen
}

/// The volume that `p` dominates, within `reference`, and none of `others` does.
fn exclusive(p: &[f64], others: &[&[f64]], reference: &[f64]) -> f64 {
    let own: f64 = p.iter().zip(reference).map(|(p, r)| r - p).product();
    // Within p's box, each other point dominates what the worse of both does (While, Bradstreet and Barone, 2012).
    let limited: Vec<Vec<f64>> = others.iter().map(|q| q.iter().zip(p).map(|(q, p)| q.max(*p)).collect()).collect();
    let mut volume = 0.0;
    for (i, q) in limited.iter().enumerate() {
        let after: Vec<&[f64]> = limited[i + 1..].iter().map(Vec::as_slice).collect();
        volume += exclusive(q, &after, reference);
    }
    own - volume
}
