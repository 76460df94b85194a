//! [`Tape`]: the values of one forward pass, in the order they were computed.

use super::op::{MAX_ARGS, Op};
use super::profile::{Profile, Work};
use super::var::Var;
use crate::kernels::{Real, gemm::Scratch};
use crate::tensor::{Pool, Shape, Tensor};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// An append-only list of values and the ops that made them.
///
/// The tape owns the memory of everything computed on it. [`begin`](Tape::begin) starts the next forward pass: it needs the
/// tape exclusively, which proves that no [`Var`] is left, and takes back every buffer that is no longer held.
///
/// ```
/// use elbo::{Tape, Tensor};
/// let mut tape = Tape::<f64>::new();
/// for step in 0..2 {
///     tape.begin();
///     let x = tape.leaf(Tensor::scalar(3.0));
///     let y = x * x + x; // 12
///     let gradient = tape.backward(y, &[x]); // 2x + 1
///     assert_eq!((y.item(), gradient[0].item()), (12.0, 7.0));
/// }
/// ```
///
/// A handle cannot outlive the pass it belongs to:
///
/// ```compile_fail,E0502
/// # use elbo::{Tape, Tensor};
/// let mut tape = Tape::<f64>::new();
/// let x = tape.leaf(Tensor::scalar(3.0));
/// tape.begin(); // cannot borrow `tape` as mutable …
/// x.item();
/// ```
#[derive(Default)]
pub struct Tape<F: Real> {
    pub(super) nodes: RefCell<Vec<Node<F>>>,
    pub(super) pool: Rc<RefCell<Pool<F>>>,
    scratch: RefCell<Scratch<F>>,
    profile: RefCell<Option<Profile>>,
    /// The sweep's working lists, kept for their capacity.
    pub(super) cotangents: Cell<Vec<Option<Tensor<F>>>>,
    pub(super) recorded: Cell<Vec<Option<u32>>>,
    pub(super) path: Cell<Vec<bool>>,
}

/// A value and where it came from.
pub(super) struct Node<F: Real> {
    /// `None` for a leaf.
    pub op: Option<Rc<dyn Op<F>>>,
    args: [u32; MAX_ARGS],
    arity: u8,
    pub value: Tensor<F>,
}

impl<F: Real> Node<F> {
    /// Ids of the arguments.
    pub fn args(&self) -> &[u32] {
        &self.args[..self.arity as usize]
    }
}

impl<F: Real> Tape<F> {
    /// An empty tape.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a new forward pass: forgets all values and keeps their buffers for it.
    pub fn begin(&mut self) {
        self.truncate(0);
    }

    /// Number of values on the tape.
    pub fn len(&self) -> usize {
        self.nodes.borrow().len()
    }

    /// Whether nothing was computed yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts a tensor on the tape: an input, a parameter or a constant; gradients are asked for by handle, not by kind.
    pub fn leaf(&self, value: Tensor<F>) -> Var<'_, F> {
        self.push(Node { op: None, args: [0; MAX_ARGS], arity: 0, value })
    }

    /// A leaf that is written in place, into memory of the tape. `write` must write every element.
    pub fn leaf_with(&self, shape: impl Into<Shape>, write: impl FnOnce(&mut [F])) -> Var<'_, F> {
        let shape = shape.into();
        let mut buffer = self.pool.borrow_mut().take(shape.size());
        write(&mut buffer);
        self.leaf(Tensor::new(buffer, shape))
    }

    /// Applies an op: checks shapes, computes the value, appends it.
    ///
    /// # Panics
    /// When the shapes do not fit, or a handle belongs to another tape.
    #[track_caller]
    pub fn apply<const N: usize>(&self, mut op: impl Op<F>, x: [Var<'_, F>; N]) -> Var<'_, F> {
        const { assert!(N <= MAX_ARGS) };
        let value = {
            let nodes = self.nodes.borrow();
            let x = x.map(|x| {
                assert!(std::ptr::eq(x.tape, self), "{}: an argument belongs to another tape", op.row().name);
                &nodes[x.id as usize].value
            });
            let shape = match op.shape(&x.map(Tensor::shape)) {
                Ok(shape) => shape,
                Err(e) => panic!("{}: {e}", op.row().name),
            };
            let work = || Work {
                flops: op.flops(&x.map(Tensor::shape), shape),
                ..Work::on::<F>(x.iter().map(|x| x.shape().size()).sum::<usize>() + shape.size(), shape)
            };
            let span = self.open(op.row().name, work);
            let mut buffer = self.pool.borrow_mut().take(shape.size());
            op.forward(&x, &mut buffer, &mut self.scratch.borrow_mut());
            self.close(span);
            Tensor::new(buffer, shape)
        };
        self.record(op, x, value)
    }

    /// Appends a value that was computed elsewhere, e.g. one that shares its elements with its argument.
    pub(crate) fn record<const N: usize>(&self, op: impl Op<F>, x: [Var<'_, F>; N], value: Tensor<F>) -> Var<'_, F> {
        let mut args = [0; MAX_ARGS];
        args[..N].copy_from_slice(&x.map(|x| x.id));
        self.push(Node { op: Some(Rc::new(op)), args, arity: N as u8, value })
    }

    fn push(&self, node: Node<F>) -> Var<'_, F> {
        let mut nodes = self.nodes.borrow_mut();
        let id = u32::try_from(nodes.len()).expect("a tape holds 2^32 values");
        nodes.push(node);
        Var { tape: self, id }
    }

    /// The handle of a node that is on the tape.
    pub(super) fn var(&self, id: u32) -> Var<'_, F> {
        Var { tape: self, id }
    }

    /// Takes the newest values off, down to `len`. The caller knows that no handle to them is used again.
    pub(super) fn truncate(&self, len: usize) {
        let mut pool = self.pool.borrow_mut();
        for node in self.nodes.borrow_mut().drain(len..) {
            if let Ok(buffer) = node.value.into_vec() {
                pool.give(buffer);
            }
        }
    }

    /// From now on, notes when each op is computed, forward and backward.
    pub fn begin_profile(&self) {
        *self.profile.borrow_mut() = Some(Profile::default());
    }

    /// What was noted; notes no more.
    pub fn end_profile(&self) -> Option<Profile> {
        self.profile.take()
    }

    /// Runs a part of a training step, and notes it by this name if there is a profile.
    pub fn span<T>(&self, name: &'static str, part: impl FnOnce() -> T) -> T {
        self.timed(name, Work::default, part)
    }

    /// Runs a computation, and notes it with its work if there is a profile.
    pub(crate) fn timed<T>(
        &self,
        name: &'static str,
        work: impl FnOnce() -> Work,
        computation: impl FnOnce() -> T,
    ) -> T {
        let span = self.open(name, work);
        let result = computation();
        self.close(span);
        result
    }

    /// An event begins, if there is a profile.
    fn open(&self, name: &'static str, work: impl FnOnce() -> Work) -> Option<usize> {
        self.profile.borrow_mut().as_mut().map(|profile| profile.open(name, work()))
    }

    /// It ends.
    fn close(&self, span: Option<usize>) {
        if let (Some(span), Some(profile)) = (span, self.profile.borrow_mut().as_mut()) {
            profile.close(span);
        }
    }

    /// The tape's memory, for those who must give buffers back later than the pass.
    pub(crate) fn pool(&self) -> Rc<RefCell<Pool<F>>> {
        Rc::clone(&self.pool)
    }
}
