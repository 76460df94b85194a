//! [`Params`], [`Pass`] and [`Grads`]: weights and buffers at rest, weights on a tape, and what a pass says of them.

use crate::autograd::{Tape, Var};
use crate::kernels::{Real, elementwise::map, reduce};
use crate::tensor::{Pool, Tensor};
use std::cell::RefCell;
use std::rc::Rc;

/// Which parameter of its [`Params`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParamId(usize);

impl ParamId {
    /// Its place among the parameters, counted from 0.
    pub fn index(self) -> usize {
        self.0
    }
}

/// Which buffer of its [`Params`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferId(usize);

/// All parameters of a model (or of several), in the order they were added, each under a path such as `encoder.0.weight`; and its
/// buffers: what layers keep from one pass to the next although no gradient moves it, such as running means.
#[derive(Clone, Debug, Default)]
pub struct Params<F: Real> {
    entries: Vec<(String, Tensor<F>)>,
    buffers: Vec<(String, Tensor<F>)>,
}

impl<F: Real> Params<F> {
    /// Adds a parameter.
    ///
    /// # Panics
    /// When the name is taken.
    #[track_caller]
    pub fn add(&mut self, name: impl Into<String>, value: Tensor<F>) -> ParamId {
        self.entries.push((self.free(name.into()), value));
        ParamId(self.entries.len() - 1)
    }

    /// Adds a buffer.
    ///
    /// # Panics
    /// When the name is taken.
    #[track_caller]
    pub fn add_buffer(&mut self, name: impl Into<String>, value: Tensor<F>) -> BufferId {
        self.buffers.push((self.free(name.into()), value));
        BufferId(self.buffers.len() - 1)
    }

    #[track_caller]
    fn free(&self, name: String) -> String {
        let is_taken = self.find(&name).is_some() || self.buffers.iter().any(|(n, _)| *n == name);
        assert!(!is_taken, "params: {name} stands twice");
        name
    }

    /// The buffer's value.
    pub fn buffer(&self, id: BufferId) -> &Tensor<F> {
        &self.buffers[id.0].1
    }

    /// The buffer's value, to replace.
    pub fn buffer_mut(&mut self, id: BufferId) -> &mut Tensor<F> {
        &mut self.buffers[id.0].1
    }

    /// All buffers, with their paths.
    pub fn buffers(&self) -> impl Iterator<Item = (&str, &Tensor<F>)> {
        self.buffers.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// All buffers, to replace.
    pub fn buffers_mut(&mut self) -> impl Iterator<Item = (&str, &mut Tensor<F>)> {
        self.buffers.iter_mut().map(|(name, value)| (name.as_str(), value))
    }

    /// Puts the buffers in place that a pass [renewed](Pass::renew).
    pub fn renew(&mut self, grads: &mut Grads<F>) {
        grads.renewed.drain(..).for_each(|(id, value)| self.buffers[id.0].1 = value);
    }

    /// The parameter's value.
    pub fn get(&self, id: ParamId) -> &Tensor<F> {
        &self.entries[id.0].1
    }

    /// The parameter's value, to replace.
    pub fn get_mut(&mut self, id: ParamId) -> &mut Tensor<F> {
        &mut self.entries[id.0].1
    }

    /// The parameter's path.
    pub fn name(&self, id: ParamId) -> &str {
        &self.entries[id.0].0
    }

    /// The parameter of this path.
    pub fn find(&self, name: &str) -> Option<ParamId> {
        self.entries.iter().position(|(n, _)| n == name).map(ParamId)
    }

    /// All ids, in order.
    pub fn ids(&self) -> impl Iterator<Item = ParamId> + use<F> {
        (0..self.entries.len()).map(ParamId)
    }

    /// Number of parameters (tensors).
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Number of weights: the elements of all parameters.
    pub fn size(&self) -> usize {
        self.entries.iter().map(|(_, value)| value.shape().size()).sum()
    }
}

/// One forward pass: a tape and the parameters it reads. Each parameter becomes one leaf, at its first use.
pub struct Pass<'t, 'p, F: Real> {
    tape: &'t Tape<F>,
    params: &'p Params<F>,
    leaves: RefCell<Vec<Option<Var<'t, F>>>>,
    renewed: RefCell<Vec<(BufferId, Tensor<F>)>>,
    is_training: bool,
}

impl<'t, 'p, F: Real> Pass<'t, 'p, F> {
    /// A training pass over `params`, recorded on `tape`.
    pub fn new(tape: &'t Tape<F>, params: &'p Params<F>) -> Self {
        Pass { tape, params, leaves: vec![None; params.len()].into(), renewed: RefCell::default(), is_training: true }
    }

    /// A pass that judges: layers that behave otherwise while training do not, and no buffer is renewed.
    pub fn judging(tape: &'t Tape<F>, params: &'p Params<F>) -> Self {
        Pass::new(tape, params).to_judge()
    }

    /// The same pass, but one that [judges](Pass::judging).
    pub fn to_judge(self) -> Self {
        Pass { is_training: false, ..self }
    }

    /// A pass whose parameters are these values instead, in the order of the ids: a loss as a function of its parameters.
    ///
    /// # Panics
    /// When there is not one leaf a parameter.
    pub fn with_leaves(tape: &'t Tape<F>, params: &'p Params<F>, leaves: &[Var<'t, F>]) -> Self {
        assert_eq!(leaves.len(), params.len(), "one leaf a parameter");
        let leaves: Vec<_> = leaves.iter().copied().map(Some).collect();
        Pass { leaves: leaves.into(), ..Pass::new(tape, params) }
    }

    /// The tape.
    pub fn tape(&self) -> &'t Tape<F> {
        self.tape
    }

    /// Whether it is a training pass.
    pub fn is_training(&self) -> bool {
        self.is_training
    }

    /// The buffer's value before this pass.
    pub fn buffer(&self, id: BufferId) -> &'p Tensor<F> {
        self.params.buffer(id)
    }

    /// Gives a buffer the value that it is to have after the update. Nothing comes of it where the pass [judges](Pass::judging).
    pub fn renew(&self, id: BufferId, value: Tensor<F>) {
        if self.is_training {
            self.renewed.borrow_mut().push((id, value));
        }
    }

    /// The parameter as a value on the tape.
    pub fn param(&self, id: ParamId) -> Var<'t, F> {
        *self.leaves.borrow_mut()[id.0].get_or_insert_with(|| self.tape.leaf(self.params.get(id).clone()))
    }

    /// The gradient of the loss in every parameter that this pass used.
    ///
    /// # Panics
    /// When the loss is not a single number.
    #[track_caller]
    pub fn backward(&self, loss: Var<'t, F>) -> Grads<F> {
        let leaves = self.leaves.borrow();
        let used: Vec<(ParamId, Var<'t, F>)> =
            leaves.iter().enumerate().filter_map(|(i, leaf)| leaf.map(|leaf| (ParamId(i), leaf))).collect();
        let wanted: Vec<_> = used.iter().map(|(_, leaf)| *leaf).collect();
        let values = self.tape.backward(loss, &wanted);
        let values = used.into_iter().map(|(id, _)| id).zip(values).collect();
        Grads { values, renewed: self.renewed.take(), pool: self.tape.pool() }
    }
}

/// Gradients by parameter. Owned: they outlive the pass; their memory goes back to its tape when they are dropped.
#[derive(Debug)]
pub struct Grads<F: Real> {
    values: Vec<(ParamId, Tensor<F>)>,
    /// Buffers of the pass, with the values that they are to have.
    renewed: Vec<(BufferId, Tensor<F>)>,
    pool: Rc<RefCell<Pool<F>>>,
}

impl<F: Real> Grads<F> {
    /// Parameters and their gradients, in the order of the parameters.
    pub fn iter(&self) -> impl Iterator<Item = (ParamId, &Tensor<F>)> {
        self.values.iter().map(|(id, g)| (*id, g))
    }

    /// Takes all of them out.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = (ParamId, Tensor<F>)> + use<F> {
        std::mem::take(&mut self.values).into_iter()
    }

    /// The first parameter whose gradient is not finite.
    pub fn not_finite(&self) -> Option<ParamId> {
        self.iter().find(|(_, g)| !reduce::all_finite(g.data())).map(|(id, _)| id)
    }

    /// √ Σ g² over all parameters.
    pub fn norm(&self) -> f64 {
        let plain = self.iter().map(|(_, g)| reduce::sum_of_squares(g.data()).f64()).sum::<f64>();
        if plain.is_finite() {
            return plain.sqrt();
        }
        // Squares beyond the range of F: those of the quotients by the largest are not.
        let all = || self.iter().flat_map(|(_, g)| g.data()).map(|g| g.f64());
        let largest = all().fold(0.0, |largest: f64, g| largest.max(g.abs()));
        if !largest.is_finite() {
            return plain;
        }
        largest * all().map(|g| g / largest).map(|q| q * q).sum::<f64>().sqrt()
    }

    /// Scales all gradients so that their norm is at most `max` (Pascanu et al. 2013; PyTorch's `clip_grad_norm_`), and returns
    /// the norm they had. A norm that is not finite leaves them as they are.
    pub fn clip_norm(&mut self, max: f64) -> f64 {
        let norm = self.norm();
        let factor = max / (norm + 1e-6);
        if norm.is_finite() && factor < 1.0 {
            // A factor below the normal numbers has few digits left: then it is two factors.
            let first = if factor < F::MIN_POSITIVE.f64() { 2f64.powi(-64) } else { 1.0 };
            let (first, second) = (F::of(first), F::of(factor / first));
            for (_, g) in &mut self.values {
                let mut pool = self.pool.borrow_mut();
                let mut scaled = pool.take(g.shape().size());
                map(&|[g]: [F; 1]| g * first * second, [g.data()], &mut scaled);
                let old = std::mem::replace(g, Tensor::new(scaled, g.shape()));
                old.into_vec().into_iter().for_each(|buffer| pool.give(buffer));
            }
        }
        norm
    }
}

impl<F: Real> Drop for Grads<F> {
    fn drop(&mut self) {
        let mut pool = self.pool.borrow_mut();
        self.values.drain(..).flat_map(|(_, g)| g.into_vec()).for_each(|buffer| pool.give(buffer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_used_twice_is_one_leaf_with_the_sum_of_both_gradients() {
        let mut params = Params::<f64>::default();
        let w = params.add("w", Tensor::scalar(3.0));
        params.add("unused", Tensor::scalar(1.0));
        let tape = Tape::new();
        let pass = Pass::new(&tape, &params);
        let grads = pass.backward(pass.param(w) * pass.param(w));
        assert_eq!(grads.iter().map(|(id, g)| (id, g.item())).collect::<Vec<_>>(), [(w, 6.0)]);
    }

    #[test]
    fn clipping_shortens_a_gradient_and_keeps_its_direction() {
        let mut params = Params::<f64>::default();
        let w = params.add("w", Tensor::new(vec![3.0, 4.0], [2]));
        let tape = Tape::new();
        let pass = Pass::new(&tape, &params);
        let mut grads = pass.backward((pass.param(w).square() * 0.5).sum());
        assert_eq!(grads.clip_norm(10.0), 5.0);
        assert_eq!(grads.iter().next().unwrap().1.data(), [3.0, 4.0]);
        grads.clip_norm(1.0);
        assert!((grads.norm() - 1.0).abs() < 1e-6);
        let g = grads.iter().next().unwrap().1.data().to_vec();
        assert!((g[0] / g[1] - 0.75).abs() < 1e-12);
    }

    #[test]
    fn huge_gradients_have_a_norm_and_are_clipped_to_it() {
        for (gradient, norm) in [
            ([3e19f32, 4e19], 5e19),
            ([3e38, -3e38], 3e38 * 2f64.sqrt()),
            ([3e38, 1e-30], 3e38),
            ([3e-30, 4e-30], 0.0),
            ([f32::MAX, f32::INFINITY], f64::INFINITY),
            ([f32::NAN, 1.0], f64::NAN),
        ] {
            let mut params = Params::<f32>::default();
            let w = params.add("w", Tensor::full(1.0, [2]));
            let tape = Tape::new();
            let pass = Pass::new(&tape, &params);
            let g = tape.leaf(Tensor::new(gradient.to_vec(), [2]));
            let mut grads = pass.backward((pass.param(w) * g).sum());
            let found = grads.clip_norm(1.0);
            assert!(
                (found / norm - 1.0).abs() < 1e-6 || found == norm || norm.is_nan() && found.is_nan(),
                "{found} {norm}"
            );
            let clipped = grads.iter().next().unwrap().1.data().to_vec();
            let expected = if norm > 1.0 && norm.is_finite() {
                gradient.map(|g| f64::from(g) / norm)
            } else {
                gradient.map(f64::from)
            };
            for (c, e) in clipped.iter().map(|c| f64::from(*c)).zip(expected) {
                assert!(
                    (c - e).abs() <= 1e-6 * e.abs().max(1e-30) || c == e || c.is_nan() && e.is_nan(),
                    "{gradient:?}: {clipped:?}"
                );
            }
        }
    }
}
