//! What must hold for every row of the catalogue.

use super::CATALOGUE;
use crate::autograd::check::{check, check_example, inputs};
use crate::autograd::{Op, Row, Var, Vjp};
use crate::error::ShapeError;
use crate::kernels::gemm::Scratch;
use crate::{Shape, Tape, Tensor};

#[test]
fn every_gradient_is_right_at_order_1_and_2() {
    for row in &CATALOGUE {
        let errors = check_example(&row.example);
        assert!(errors.pass(), "{}: {errors:?}", row.name);
    }
}

#[test]
fn awkward_points_have_their_limits() {
    let faults: Vec<String> = super::LIMITS.iter().filter_map(super::Limit::fault).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
#[should_panic(expected = "mean_axes: axis 1 stands twice in [1, 1]")]
fn an_axis_is_averaged_once() {
    let tape = Tape::<f32>::new();
    let _ = tape.leaf(Tensor::full(0.0, [2, 3])).mean_axes(&[1, 1]);
}

#[test]
fn every_op_in_the_source_has_a_row_and_an_example_that_uses_it() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = std::fs::read_dir(root.join("ops")).unwrap().map(|entry| entry.unwrap().path());
    // The op of all formulas stands in pointwise.rs.
    let sources = files.filter(|path| !path.ends_with("pointwise.rs")).chain([root.join("autograd/add.rs")]);
    // An op is declared by `formula!` or by `impl Op`; each names its row.
    let declares =
        |line: &&str| line.starts_with("formula! {") || line.starts_with("impl") && line.contains("> Op<F> for ");
    let declared: usize =
        sources.map(|path| std::fs::read_to_string(path).unwrap().lines().filter(declares).count()).sum();
    assert_eq!(declared, CATALOGUE.len());
    for row in &CATALOGUE {
        let tape = Tape::new();
        let x: Vec<_> = inputs(&row.example).into_iter().map(|x| tape.leaf(x)).collect();
        let _ = (row.example.double)(&x);
        assert!(tape.to_string().contains(&format!(" = {}(", row.name)), "{} is not in its own example", row.name);
        assert_eq!(CATALOGUE.iter().filter(|r| r.name == row.name).count(), 1, "{} stands twice", row.name);
    }
}

#[test]
fn f32_agrees_with_f64() {
    for row in &CATALOGUE {
        let x = inputs(&row.example);
        let double = {
            let tape = Tape::<f64>::new();
            let x: Vec<_> = x.iter().map(|x| tape.leaf(x.clone())).collect();
            let y = (row.example.double)(&x);
            let loss = y.square().sum();
            [vec![y.value()], tape.backward(loss, &x)].concat()
        };
        let tape = Tape::<f32>::new();
        let x: Vec<_> = x.iter().map(|x| tape.leaf(x.cast())).collect();
        let y = (row.example.single)(&x);
        let loss = y.square().sum();
        for (single, double) in [vec![y.value()], tape.backward(loss, &x)].concat().iter().zip(&double) {
            let scale = double.data().iter().fold(0f64, |m, x| m.max(x.abs()));
            for (s, d) in single.data().iter().zip(double.data()) {
                assert!((f64::from(*s) - d).abs() <= 1e-6 * scale.max(1.0), "{}: {s} {d}", row.name);
            }
        }
    }
}

#[test]
fn stable_forms_are_finite_for_inputs_up_to_1e4() {
    let tape = Tape::<f32>::new();
    let x = tape.leaf(Tensor::new(vec![-1e4, -88.0, -1.0, 0.0, 1.0, 88.0, 1e4], [7]));
    let t = tape.leaf(Tensor::new(vec![1.0, 0.0, 1.0, 0.5, 0.0, 1.0, 0.0], [7]));
    for y in [x.softplus(), x.sigmoid(), x.tanh(), x.selu(), x.bce(t), x.log_sum_exp(0)] {
        let gradient = &tape.backward(y.sum(), &[x])[0];
        assert!(y.value().data().iter().chain(gradient.data()).all(|v| v.is_finite()), "{y:?}");
    }
    assert_eq!(x.bce(t).value().data()[0], 1e4);
}

#[test]
fn cross_entropy_keeps_the_small_loss_of_a_pixel_that_is_right() {
    let tape = Tape::<f32>::new();
    let leaf = |x: [f32; 2]| tape.leaf(Tensor::new(x.to_vec(), [2]));
    let loss = leaf([20.0, -20.0]).bce(leaf([1.0, 0.0])).value();
    // ln(1 + e⁻²⁰); 20 itself is a thousand times too coarse to carry it.
    let expected = 2.061_153_6e-9;
    assert!(loss.data().iter().all(|l| (l / expected - 1.0).abs() < 1e-6), "{loss:?}");
}

#[test]
fn a_nan_is_passed_on_by_every_elementwise_op() {
    for row in CATALOGUE.iter().filter(|r| !["step", "sign", "within", "select"].contains(&r.name)) {
        let good = inputs(&row.example);
        for poisoned in 0..good.len() {
            let tape = Tape::<f32>::new();
            let input = |(k, x): (usize, &Tensor<f64>)| match k == poisoned {
                true => tape.leaf(Tensor::full(f32::NAN, x.shape())),
                false => tape.leaf(x.cast()),
            };
            let x: Vec<_> = good.iter().enumerate().map(input).collect();
            let y = (row.example.single)(&x).value();
            assert!(y.data().iter().any(|v| v.is_nan()), "argument {poisoned} of {}", row.name);
        }
    }
}

/// x³, with a rule that reads x from outside the tape: right at order 1, blind at order 2.
struct Hidden;

const HIDDEN: Row = Row {
    name: "hidden",
    formula: "x³",
    derivative: "3 g x², with x hidden from the tape",
    example: crate::example!([([4], Signed)], |x| x[0].square() * x[0]),
};

impl Op<f64> for Hidden {
    fn row(&self) -> &'static Row {
        &HIDDEN
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(x[0])
    }
    fn forward(&mut self, x: &[&Tensor<f64>], y: &mut [f64], _: &mut Scratch<f64>) {
        y.iter_mut().zip(x[0].data()).for_each(|(y, x)| *y = x * x * x);
    }
    fn vjp<'t>(&self, cx: &Vjp<'t, f64>) {
        let hidden = cx.tape().leaf(cx.x(0).value());
        cx.give(0, || cx.g() * hidden.square() * 3.0);
    }
}

#[test]
fn a_rule_that_hides_its_input_passes_order_1_and_fails_order_2() {
    let x = inputs(&HIDDEN.example);
    let errors = check(&|x: &[Var<f64>]| x[0].tape().apply(Hidden, [x[0]]), &x);
    assert!(errors.order1 < 1e-9 && errors.order2 > 1e-2, "{errors:?}");
    assert!(check_example(&HIDDEN.example).pass());
}
