//! [`Dense`]: the fully connected layer.

use super::{Init, ParamId, Params, Pass};
use crate::autograd::Var;
use crate::kernels::Real;

/// y = x Wᵀ + b, with W `[n_out, n_in]` and b `[n_out]` as in PyTorch's `Linear`.
#[derive(Clone, Debug)]
pub struct Dense {
    weight: ParamId,
    bias: ParamId,
}

impl Dense {
    /// Adds `{name}.weight` and `{name}.bias` to the parameters.
    pub fn new<F: Real>(params: &mut Params<F>, name: &str, [n_in, n_out]: [usize; 2], init: Init, seed: u64) -> Self {
        let (w, b) = init.draw([n_out, n_in].into(), [n_in, n_out], seed, params.len());
        Dense { weight: params.add(format!("{name}.weight"), w), bias: params.add(format!("{name}.bias"), b) }
    }

    /// `[B, n_in]` → `[B, n_out]`.
    ///
    /// # Panics
    /// When x has another number of columns.
    #[track_caller]
    pub fn forward<'t, F: Real>(&self, pass: &Pass<'t, '_, F>, x: Var<'t, F>) -> Var<'t, F> {
        self.with(pass, pass.param(self.weight), x)
    }

    /// The same with other weights in place of its own.
    #[track_caller]
    pub fn with<'t, F: Real>(&self, pass: &Pass<'t, '_, F>, weight: Var<'t, F>, x: Var<'t, F>) -> Var<'t, F> {
        x.affine(weight, pass.param(self.bias))
    }

    /// Its weights.
    pub fn weight(&self) -> ParamId {
        self.weight
    }
}
