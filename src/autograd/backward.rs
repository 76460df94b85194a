//! The sweep: from outputs back to what is asked for, once for numbers and once for values that can be differentiated again.

use super::op::{MAX_ARGS, Vjp};
use super::profile::Work;
use super::{Add, Tape, Var};
use crate::kernels::{Real, elementwise::map};
use crate::tensor::Tensor;
use std::cell::Cell;

impl<F: Real> Tape<F> {
    /// ∂loss/∂x for each wanted x, as numbers. What does not depend on x has a gradient of zeros.
    ///
    /// Only the values between the wanted ones and the loss are visited, and only the shares that lead to a wanted one are
    /// computed.
    ///
    /// # Panics
    /// When the loss is not a single number, or a handle belongs to another tape.
    #[track_caller]
    pub fn backward<'t>(&'t self, loss: Var<'t, F>, wanted: &[Var<'t, F>]) -> Vec<Tensor<F>> {
        let shape = loss.shape();
        assert!(shape.size() == 1, "backward: the loss must be a single number, not {shape}");
        let one = self.leaf_with(shape, |x| x.fill(F::ONE));
        self.pull(&[(loss, one)], wanted)
    }

    /// Σ over (y, g) of g · ∂y/∂x for each wanted x, as numbers: the pull-back of several cotangents at once.
    #[track_caller]
    pub(super) fn pull<'t>(&'t self, seeds: &[(Var<'t, F>, Var<'t, F>)], wanted: &[Var<'t, F>]) -> Vec<Tensor<F>> {
        let mode = Numbers { mark: self.len() };
        let mut cotangents = self.cotangents.take();
        let found = sweep(self, &mode, seeds, wanted, &mut cotangents);
        self.cotangents.set(cotangents);
        let zeros = |x: &Var<F>| {
            let mut buffer = self.pool.borrow_mut().take(x.shape().size());
            buffer.fill(F::ZERO);
            Tensor::new(buffer, x.shape())
        };
        wanted.iter().zip(found).map(|(x, g)| g.unwrap_or_else(|| zeros(x))).collect()
    }

    /// Σ over (y, g) of g · ∂y/∂x for each wanted x, recorded on the tape: it can be computed with and differentiated again.
    ///
    /// ```
    /// use elbo::{Tape, Tensor};
    /// let tape = Tape::<f64>::new();
    /// let x = tape.leaf(Tensor::scalar(2.0));
    /// let y = x.square() * x; // x³
    /// let one = tape.leaf(Tensor::scalar(1.0));
    /// let dy = tape.vjp(&[(y, one)], &[x])[0]; // 3x²
    /// assert_eq!(dy.item(), 12.0);
    /// assert_eq!(tape.backward(dy, &[x])[0].item(), 12.0); // 6x
    /// ```
    ///
    /// # Panics
    /// When a cotangent has another shape than its value, or a handle belongs to another tape.
    #[track_caller]
    pub fn vjp<'t>(&'t self, seeds: &[(Var<'t, F>, Var<'t, F>)], wanted: &[Var<'t, F>]) -> Vec<Var<'t, F>> {
        let mut cotangents = self.recorded.take();
        let found = sweep(self, &Recorded, seeds, wanted, &mut cotangents);
        self.recorded.set(cotangents);
        let zeros = |x: &Var<'t, F>| self.leaf_with(x.shape(), |g| g.fill(F::ZERO));
        wanted.iter().zip(found).map(|(x, g)| g.map_or_else(|| zeros(x), |id| self.var(id))).collect()
    }
}

/// How cotangents are kept while they wait for their node's turn.
trait Mode<F: Real> {
    type Cotangent: Clone;
    const RECORDING: bool;
    /// Puts a waiting cotangent on the tape, for a rule to use.
    fn lend<'t>(&self, tape: &'t Tape<F>, g: Self::Cotangent) -> Var<'t, F>;
    /// Takes what a rule gave.
    fn keep(&self, share: Var<F>) -> Self::Cotangent;
    /// The sum of two shares of one node.
    fn add(&self, tape: &Tape<F>, a: Self::Cotangent, b: Self::Cotangent) -> Self::Cotangent;
    /// A rule is done.
    fn clear(&self, tape: &Tape<F>);
}

/// Cotangents as tensors: what a rule put on the tape is taken off again after it.
struct Numbers {
    mark: usize,
}

impl<F: Real> Mode<F> for Numbers {
    type Cotangent = Tensor<F>;
    const RECORDING: bool = false;

    fn lend<'t>(&self, tape: &'t Tape<F>, g: Tensor<F>) -> Var<'t, F> {
        tape.leaf(g)
    }

    fn keep(&self, share: Var<F>) -> Tensor<F> {
        share.value()
    }

    fn add(&self, tape: &Tape<F>, a: Tensor<F>, b: Tensor<F>) -> Tensor<F> {
        let shape = a.shape();
        let mut pool = tape.pool.borrow_mut();
        let mut sum = pool.take(shape.size());
        tape.timed(
            "add",
            || Work::on::<F>(3 * shape.size(), shape),
            || {
                map(&|[a, b]: [F; 2]| a + b, [a.data(), b.data()], &mut sum);
            },
        );
        [a, b].into_iter().flat_map(Tensor::into_vec).for_each(|buffer| pool.give(buffer));
        Tensor::new(sum, shape)
    }

    fn clear(&self, tape: &Tape<F>) {
        tape.truncate(self.mark);
    }
}

/// Cotangents as values on the tape.
struct Recorded;

impl<F: Real> Mode<F> for Recorded {
    type Cotangent = u32;
    const RECORDING: bool = true;

    fn lend<'t>(&self, tape: &'t Tape<F>, g: u32) -> Var<'t, F> {
        tape.var(g)
    }

    fn keep(&self, share: Var<F>) -> u32 {
        share.id
    }

    fn add(&self, tape: &Tape<F>, a: u32, b: u32) -> u32 {
        tape.apply(Add, [tape.var(a), tape.var(b)]).id
    }

    fn clear(&self, _: &Tape<F>) {}
}

/// Reverse-mode differentiation. `waiting[i]` is the sum of the shares given to node i so far; when the sweep reaches i, all its
/// users are done and the sum is complete.
#[track_caller]
fn sweep<'t, F: Real, M: Mode<F>>(
    tape: &'t Tape<F>,
    mode: &M,
    seeds: &[(Var<'t, F>, Var<'t, F>)],
    wanted: &[Var<'t, F>],
    waiting: &mut Vec<Option<M::Cotangent>>,
) -> Vec<Option<M::Cotangent>> {
    let ours = |x: &Var<'t, F>| std::ptr::eq(x.tape(), tape);
    assert!(seeds.iter().all(|(y, g)| ours(y) && ours(g)), "backward: an output belongs to another tape");
    assert!(wanted.iter().all(ours), "backward: a wanted value belongs to another tape");
    let newest = seeds.iter().map(|(y, _)| y.id()).max().unwrap_or(0);
    let path = mark_path(tape, newest, wanted);
    waiting.clear();
    waiting.resize(newest + 1, None);
    let give = |waiting: &mut Vec<Option<M::Cotangent>>, id: usize, share: M::Cotangent| {
        waiting[id] = Some(match waiting[id].take() {
            // The first share is moved, not added to zeros.
            None => share,
            Some(sum) => mode.add(tape, sum, share),
        });
    };
    for (y, g) in seeds {
        assert_eq!(y.shape(), g.shape(), "a cotangent has its value's shape");
        give(waiting, y.id(), mode.keep(*g));
    }
    mode.clear(tape);
    let mut found: Vec<Option<M::Cotangent>> = vec![None; wanted.len()];
    for id in (0..=newest).rev() {
        let Some(g) = waiting[id].take() else { continue };
        if !path[id] {
            continue;
        }
        for (x, found) in wanted.iter().zip(&mut found) {
            if x.id() == id {
                *found = Some(g.clone());
            }
        }
        // What the rule needs is copied out, because the rule itself will append to the list of nodes.
        let (op, args, arity) = {
            let node = &tape.nodes.borrow()[id];
            let Some(op) = node.op.clone() else { continue };
            let mut args = [0; MAX_ARGS];
            args[..node.args().len()].copy_from_slice(node.args());
            (op, args, node.args().len())
        };
        let is_arg = |k: usize| k < arity;
        let cx = Vjp {
            tape,
            g: mode.lend(tape, g),
            y: tape.var(id as u32),
            x: std::array::from_fn(|k| is_arg(k).then(|| tape.var(args[k]))),
            wanted: std::array::from_fn(|k| is_arg(k) && path[args[k] as usize]),
            recording: M::RECORDING,
            shares: Cell::new([None; MAX_ARGS]),
        };
        op.vjp(&cx);
        let shares = cx.shares.get().map(|share| share.map(|s| mode.keep(s)));
        mode.clear(tape);
        for (k, share) in shares.into_iter().enumerate() {
            if let Some(share) = share {
                give(waiting, args[k] as usize, share);
            }
        }
    }
    tape.path.set(path);
    found
}

/// Which of the nodes up to `newest` are wanted, or computed from wanted ones.
fn mark_path<F: Real>(tape: &Tape<F>, newest: usize, wanted: &[Var<F>]) -> Vec<bool> {
    let mut path = tape.path.take();
    path.clear();
    path.resize(newest + 1, false);
    for x in wanted {
        if let Some(on) = path.get_mut(x.id()) {
            *on = true;
        }
    }
    for (id, node) in tape.nodes.borrow()[..=newest].iter().enumerate() {
        path[id] |= node.args().iter().any(|&arg| path[arg as usize]);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "a wanted value belongs to another tape")]
    fn a_handle_of_another_tape_is_not_mistaken_for_one_of_this() {
        let (ours, other) = (Tape::<f64>::new(), Tape::new());
        let [x, y] = [&ours, &other].map(|tape| tape.leaf(Tensor::scalar(1.0)));
        ours.backward(x.square(), &[y]);
    }
}
