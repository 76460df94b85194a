//! A layer and an operation of one's own: `cargo run --release --no-default-features --example custom`.
//!
//! The operation is softsign, x / (1 + |x|), with its own derivative; the layer is a gated one, (x Wᵀ + b) · softsign(x Vᵀ + c). A
//! network of two of them learns sin 3x.

use elbo::autograd::{Var, check::check_example};
use elbo::kernels::Real;
use elbo::nn::{Dense, Init, Params, Pass};
use elbo::ops::{Formula, apply};
use elbo::optim::{Adam, Optimizer};
use elbo::{Tape, Tensor};

elbo::formula! {
    /// x / (1 + |x|).
    Softsign<1>, "softsign", y = "x / (1 + |x|)", gx = "g / (1 + |x|)²",
    example!([([3, 4], Signed)], |x| apply(Softsign {}, [x[0]])),
    |self, [x]| x / (F::ONE + x.abs()),
    |self, g, [x], _| {
        let wide = x.select(x, -x).shift(1.0);
        [g / (wide * wide)]
    },
}

/// (x Wᵀ + b) · softsign(x Vᵀ + c).
struct Gated {
    value: Dense,
    gate: Dense,
}

impl Gated {
    fn new<F: Real>(params: &mut Params<F>, name: &str, widths: [usize; 2]) -> Self {
        let mut dense = |part: &str| Dense::new(params, &format!("{name}.{part}"), widths, Init::Pytorch, 0);
        Gated { value: dense("value"), gate: dense("gate") }
    }

    fn forward<'t, F: Real>(&self, pass: &Pass<'t, '_, F>, x: Var<'t, F>) -> Var<'t, F> {
        self.value.forward(pass, x) * apply(Softsign {}, [self.gate.forward(pass, x)])
    }
}

fn main() {
    // Against differences, at first and second order.
    let errors = check_example(&Softsign::ROW.example);
    assert!(errors.pass(), "{errors:?}");
    println!("softsign's derivative is off by {:.0e} at most, its second one by {:.0e}", errors.order1, errors.order2);

    let mut params = Params::<f32>::default();
    let (first, second) = (Gated::new(&mut params, "first", [1, 32]), Gated::new(&mut params, "second", [32, 1]));
    let (mut adam, mut tape) = (Adam::new(&params), Tape::new());
    let points: Vec<f32> = (0..64).map(|i| i as f32 / 32.0 - 1.0).collect();
    let wanted: Vec<f32> = points.iter().map(|x| (3.0 * x).sin()).collect();
    for step in 0..=1000 {
        tape.begin();
        let pass = Pass::new(&tape, &params);
        let [x, y] = [&points, &wanted].map(|column| tape.leaf(Tensor::new(column.clone(), [64, 1])));
        let loss = (second.forward(&pass, first.forward(&pass, x)) - y).square().mean();
        if step % 250 == 0 {
            println!("step {step:>4}: mean squared error {:.5}", loss.item());
        }
        let grads = pass.backward(loss);
        adam.step(&mut params, grads, 0.01);
    }
}
