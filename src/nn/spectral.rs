//! [`SpectralNorm`]: weights divided by their largest singular value.

use super::{BufferId, ParamId, Params, Pass};
use crate::autograd::Var;
use crate::kernels::Real;
use crate::tensor::Tensor;

/// Below this a vector has no direction, as in PyTorch.
const EPS: f64 = 1e-12;
/// Steps of the power iteration before the first pass, as in PyTorch.
const WARM_UP: usize = 15;

/// W / σ(W) for weights `[n_out, …]`, seen as a matrix `[n_out, k]`, where σ is the largest singular value: a layer that stretches no vector.
/// σ = uᵀ W v with u and v from one step of the power iteration in each training pass, u ← W v / |W v|, v ← Wᵀu / |Wᵀu| from where the pass
/// before left them; the gradient takes them for constants (Miyato et al. 2018, arXiv 1802.05957, algorithm 1, with u first as in PyTorch's
/// `spectral_norm`).
#[derive(Clone, Debug)]
pub struct SpectralNorm {
    weight: ParamId,
    u: BufferId,
    v: BufferId,
}

impl SpectralNorm {
    /// Adds `{name}.u` and `{name}.v` to the buffers.
    pub fn new<F: Real>(params: &mut Params<F>, name: &str, weight: ParamId) -> Self {
        let value = params.get(weight);
        let cols = value.shape().size() / value.shape()[0];
        // Any direction that no weight is made for.
        let v = unit((0..cols).map(|i| F::of(1.0 + (i % 7) as f64 / 7.0)).collect());
        let [u, v] = (0..WARM_UP).fold([Vec::new(), v], |[_, v], _| iterate(value, &v));
        let [u, v] = [("u", u), ("v", v)].map(|(part, x)| {
            let n = x.len();
            params.add_buffer(format!("{name}.{part}"), Tensor::new(x, [n]))
        });
        SpectralNorm { weight, u, v }
    }

    /// The weights on the tape, divided by σ. Call it once a pass.
    pub fn weight<'t, F: Real>(&self, pass: &Pass<'t, '_, F>) -> Var<'t, F> {
        let (tape, w) = (pass.tape(), pass.param(self.weight));
        let (u, v) = (pass.buffer(self.u), pass.buffer(self.v));
        let (rows, cols) = (u.data().len(), v.data().len());
        let [u, v] = match pass.is_training() {
            true => iterate(&w.value(), v.data()),
            false => [u, v].map(|x| x.data().to_vec()),
        };
        let [u, v] = [(self.u, u), (self.v, v)].map(|(id, x)| {
            let x = Tensor::new(x, pass.buffer(id).shape());
            pass.renew(id, x.clone());
            tape.leaf(x)
        });
        let matrix = w.reshape([rows, cols]);
        let sigma = u.reshape([1, rows]).matmul(matrix).matmul(v.reshape([cols, 1]));
        (matrix / sigma).reshape(w.shape())
    }
}

/// A step of the power iteration from v.
fn iterate<F: Real>(w: &Tensor<F>, v: &[F]) -> [Vec<F>; 2] {
    let rows = w.data().chunks_exact(v.len());
    let image = |row: &[F]| row.iter().zip(v).fold(F::ZERO, |sum, (w, v)| w.mul_add(*v, sum));
    let u = unit(rows.clone().map(image).collect());
    let mut back = vec![F::ZERO; v.len()];
    for (row, u) in rows.zip(&u) {
        back.iter_mut().zip(row).for_each(|(v, w)| *v = w.mul_add(*u, *v));
    }
    [u, unit(back)]
}

/// x / |x|.
fn unit<F: Real>(mut x: Vec<F>) -> Vec<F> {
    let norm = x.iter().map(|x| x.f64() * x.f64()).sum::<f64>().sqrt().max(EPS);
    x.iter_mut().for_each(|x| *x = F::of(x.f64() / norm));
    x
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tape;
    use crate::rng::{Purpose, Stream};

    /// Diagonal weights have known singular values; the power iteration finds the largest, and the gradient is that of W / σ(W).
    #[test]
    fn weights_are_divided_by_their_largest_singular_value() {
        let mut params = Params::<f64>::default();
        let w = params.add("w", Tensor::new(vec![3.0, 0.0, 0.0, 0.0, -5.0, 0.0], [2, 3]));
        let norm = SpectralNorm::new(&mut params, "w", w);
        let tape = Tape::new();
        let y = norm.weight(&Pass::judging(&tape, &params)).value();
        let expected = [0.6, 0.0, 0.0, 0.0, -1.0, 0.0];
        assert!(y.data().iter().zip(expected).all(|(y, e)| (y - e).abs() < 1e-6), "{y:?}");
    }

    #[test]
    fn a_normalised_layer_stretches_nothing_however_its_weights_grow() {
        let mut params = Params::<f64>::default();
        let mut stream = Stream::new(0, Purpose::Check, 0, 0);
        let w = params.add("w", Tensor::new((0..8 * 12).map(|_| stream.normal()).collect(), [8, 3, 2, 2]));
        let norm = SpectralNorm::new(&mut params, "w", w);
        for step in 0..200 {
            let tape = Tape::new();
            let pass = Pass::new(&tape, &params);
            let y = norm.weight(&pass);
            let x = Tensor::new((0..12).map(|_| stream.normal()).collect(), [12, 1]);
            let image = y.reshape([8, 12]).matmul(tape.leaf(x.clone())).value();
            let length = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
            let stretched = length(image.data()) / length(x.data());
            assert!(step < 20 || stretched < 1.01, "step {step}: {stretched}");
            let mut grads = pass.backward(y.square().sum());
            params.renew(&mut grads);
            let grown = params.get(w).data().iter().map(|w| 1.01 * w).collect();
            *params.get_mut(w) = Tensor::new(grown, [8, 3, 2, 2]);
        }
    }
}
