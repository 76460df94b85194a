//! Values and gradients are PyTorch's, to 1e-9 relative, in f64. `fixtures/pytorch_goldens.py` recorded them.
#![cfg(feature = "train")]

use elbo::dist::{bernoulli, gaussian};
use elbo::loss::{self, Loss};
use elbo::models::{Architecture, Autoencoder, Coder, Vae};
use elbo::nn::{BatchNorm, Grads, LayerNorm, Params, Pass};
use elbo::ops::{CATALOGUE, Convolution, Pooling};
use elbo::optim::{Adam, Optimizer, RmsProp, Sgd};
use elbo::{Shape, Tape, Tensor, Var};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::sync::LazyLock;

type Function = for<'t> fn(&[Var<'t, f64>]) -> Var<'t, f64>;

/// The ops under the names of their cases.
const OPS: &[(&str, Function)] = &[
    ("add", |x| x[0] + x[1]),
    ("sub", |x| x[0] - x[1]),
    ("mul", |x| x[0] * x[1]),
    ("div", |x| x[0] / x[1]),
    ("neg", |x| -x[0]),
    ("scale", |x| x[0] * 1.7),
    ("shift", |x| x[0] + 0.3),
    ("exp", |x| x[0].exp()),
    ("exp_gap", |x| x[0].exp_gap()),
    ("exp_gap cancelling", |x| x[0].exp_gap()),
    ("ln", |x| x[0].ln()),
    ("sqrt", |x| x[0].sqrt()),
    ("square", |x| x[0].square()),
    ("tanh", |x| x[0].tanh()),
    ("tanh cancelling", |x| x[0].tanh()),
    ("sigmoid", |x| x[0].sigmoid()),
    ("sigmoid cancelling", |x| x[0].sigmoid()),
    ("softplus", |x| x[0].softplus()),
    ("relu", |x| x[0].relu()),
    ("leaky_relu", |x| x[0].leaky_relu(0.2)),
    ("selu", |x| x[0].selu()),
    ("selu cancelling", |x| x[0].selu()),
    ("abs", |x| x[0].abs()),
    ("clamp", |x| x[0].clamp(-0.5, 1.5)),
    ("maximum", |x| x[0].maximum(x[1])),
    ("minimum", |x| x[0].minimum(x[1])),
    ("step", |x| x[0].step()),
    ("sign", |x| x[0].sign()),
    ("within", |x| x[0].within(-0.5, 1.5)),
    ("select", |x| x[0].select(x[1], x[2])),
    ("bce", |x| x[0].bce(x[1])),
    ("bce cancelling", |x| x[0].bce(x[1])),
    ("matmul", |x| x[0].matmul(x[1])),
    ("matmul transposed_a", |x| x[0].matmul_with(true, x[1], false)),
    ("matmul transposed_b", |x| x[0].matmul_with(false, x[1], true)),
    ("matmul transposed_both", |x| x[0].matmul_with(true, x[1], true)),
    ("affine", |x| x[0].affine(x[1], x[2])),
    ("broadcast_to", |x| x[0].broadcast_to([2, 3, 4])),
    ("broadcast_to in_operators", |x| x[0] * x[1] + x[1]),
    ("sum_to", |x| x[0].sum_to([3, 1])),
    ("sum_to mean_axes", |x| x[0].mean_axes(&[0, 2])),
    ("log_sum_exp", |x| x[0].log_sum_exp(1)),
    ("log_sum_exp far_apart", |x| x[0].log_sum_exp(0)),
    ("hard_max", |x| x[0].hard_max(1)),
    ("reshape", |x| x[0].reshape([4, 6])),
    ("permute", |x| x[0].permute(&[2, 0, 1])),
    ("slice", |x| x[0].slice(1, 1, 3)),
    ("pad", |x| x[0].pad(1, 1, 2)),
    ("concat", |x| Var::concat(&[x[0], x[1]], 1)),
];

/// Convolutions, pooling and newer nonlinearities under the names of their cases, which know derivatives of order 2.
const IMAGES: &[(&str, Function)] = &[
    ("conv2d", |x| x[0].conv2d(x[1], Some(x[2]), PLAIN)),
    ("conv2d same", |x| x[0].conv2d(x[1], Some(x[2]), Convolution { padding: [1, 1], ..PLAIN })),
    ("conv2d strided", |x| x[0].conv2d(x[1], None, Convolution { stride: [2, 3], padding: [1, 2], ..PLAIN })),
    ("conv2d dilated", |x| x[0].conv2d(x[1], None, Convolution { dilation: [2, 3], stride: [2, 2], ..PLAIN })),
    ("conv2d grouped", |x| x[0].conv2d(x[1], None, Convolution { groups: 2, padding: [1, 1], ..PLAIN })),
    ("conv2d depthwise", |x| x[0].conv2d(x[1], None, Convolution { groups: 3, ..PLAIN })),
    ("conv2d_input", |x| x[0].conv_transpose2d(x[1], Some(x[2]), PLAIN, [0, 0])),
    ("conv2d_input strided", |x| {
        x[0].conv_transpose2d(x[1], None, Convolution { stride: [2, 3], padding: [1, 1], ..PLAIN }, [1, 2])
    }),
    ("conv2d_input grouped", |x| {
        x[0].conv_transpose2d(x[1], None, Convolution { stride: [2, 2], dilation: [2, 2], groups: 2, ..PLAIN }, [0, 0])
    }),
    ("conv2d_weight", |x| {
        x[0].conv2d_weight(x[1], [3, 2], Convolution { stride: [2, 1], padding: [1, 0], groups: 2, ..PLAIN })
    }),
    ("max_pool", |x| x[0].max_pool2d(Pooling::square(2))),
    ("max_pool padded", |x| x[0].max_pool2d(Pooling { kernel: [3, 2], stride: [2, 1], padding: [1, 1] })),
    ("max_pool ties", |x| x[0].max_pool2d(Pooling { stride: [1, 1], ..Pooling::square(2) })),
    ("max_unpool", |x| {
        pooled_square(x[0], x[0].max_pool2d(Pooling { kernel: [3, 2], stride: [2, 1], padding: [0, 0] }))
    }),
    ("avg_pool", |x| x[0].avg_pool2d(Pooling { kernel: [3, 2], stride: [2, 1], padding: [1, 0] })),
    ("avg_unpool", |x| {
        pooled_square(x[0], x[0].avg_pool2d(Pooling { kernel: [3, 3], stride: [2, 2], padding: [1, 1] }))
    }),
    ("global_avg_pool", |x| x[0].global_avg_pool2d()),
    ("log_softmax", |x| x[0].log_softmax(1)),
    ("softmax", |x| x[0].softmax(1)),
    ("cross_entropy", |x| {
        let classes = [3, 0, 0, 4].into_iter().flat_map(|label| (0..5).map(move |c| f64::from(u8::from(c == label))));
        loss::classification(x[0], x[0].tape().leaf(Tensor::new(classes.collect(), [4, 5])))
    }),
    ("elu", |x| x[0].elu(1.3)),
    ("silu", |x| x[0].silu()),
    ("gelu", |x| x[0].gelu()),
    ("gelu_tanh", |x| x[0].gelu_tanh()),
    ("normal_cdf", |x| x[0].normal_cdf()),
];

const PLAIN: Convolution = Convolution { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 };

/// Normalisation under the names of its cases: of x, with γ and β.
const NORMS: &[(&str, Function)] = &[
    ("batch_norm 1d", |x| batch_norm(x).0),
    ("batch_norm 2d", |x| batch_norm(x).0),
    ("layer_norm", |x| {
        let mut params = Params::default();
        let norm = LayerNorm::new(&mut params, "norm", 4);
        norm.forward(&Pass::with_leaves(x[0].tape(), &params, &x[1..]), x[0])
    }),
];

/// A batch, normalised, and the running moments that are to be after it.
fn batch_norm<'t>(x: &[Var<'t, f64>]) -> (Var<'t, f64>, Vec<Tensor<f64>>) {
    let mut params = Params::default();
    let norm = BatchNorm::new(&mut params, "norm", x[0].shape()[1]);
    let pass = Pass::with_leaves(x[0].tape(), &params, &x[1..]);
    let y = norm.forward(&pass, x[0]);
    let mut grads = pass.backward(y.sum());
    params.renew(&mut grads);
    (y, params.buffers().map(|(_, value)| value.clone()).collect())
}

/// The gradient of half the square of pooled images y in the images x.
fn pooled_square<'t>(x: Var<'t, f64>, y: Var<'t, f64>) -> Var<'t, f64> {
    x.tape().vjp(&[(y, y)], &[x])[0]
}

/// The terms of the losses under the names of their cases.
const TERMS: &[(&str, Function)] = &[
    ("log_likelihood of_binary_pixels", |x| bernoulli::log_likelihood(x[0], x[1])),
    ("log_likelihood of_grey_pixels", |x| bernoulli::log_likelihood(x[0], x[1])),
    ("reconstruction", |x| loss::reconstruction(x[0], x[1]).total),
    ("kl_from_standard", |x| gaussian::kl_from_standard(x[0], x[1])),
    ("reparameterise", |x| gaussian::reparameterise(x[0], x[1], x[2])),
];

/// What a case forgives, absolutely: nothing, except where a formula is a difference of nearly equal numbers, PyTorch's (σ′ = y − y² and
/// tanh′ = 1 − y² at 20, SELU at −1e-8 and its derivative at −20, eˣ − 1 − x at 1e-8) or ours too (the cross-entropy's σ − 1 at 20): the
/// last bits of its terms are left.
fn floor(case: &str) -> f64 {
    if case.ends_with(" cancelling") { 1e-15 } else { 0.0 }
}

#[test]
fn every_op_has_pytorchs_values_and_gradients() {
    compare_functions("ops", OPS);
}

#[test]
fn images_have_pytorchs_values_and_gradients_at_order_1_and_2() {
    compare_functions("images", IMAGES);
    compare_order_2("images", IMAGES);
}

#[test]
fn normalisation_has_pytorchs_values_gradients_and_running_moments() {
    compare_functions("norms", NORMS);
    compare_order_2("norms", NORMS);
    for name in ["batch_norm 1d", "batch_norm 2d"] {
        let case = &group("norms")[name];
        let tape = Tape::new();
        let x: Vec<_> = tensors(&case["x"]).into_iter().map(|x| tape.leaf(x)).collect();
        let mut worst = Worst::default();
        worst.compare_all("running moments", &batch_norm(&x).1, &case["running"]);
        worst.check(name);
    }
}

#[test]
fn every_op_of_the_catalogue_is_compared() {
    for row in &CATALOGUE {
        assert!(
            OPS.iter().chain(IMAGES).chain(NORMS).any(|(name, _)| name.split(' ').next() == Some(row.name)),
            "{} is not",
            row.name
        );
    }
}

#[test]
fn likelihoods_kl_and_samples_have_pytorchs_values_and_gradients() {
    compare_functions("terms", TERMS);
}

#[test]
fn whole_losses_have_pytorchs_parts_and_gradients_in_all_parameters() {
    for (name, case) in group("losses") {
        let mut worst = Worst::default();
        let network = Network::new(case);
        let tape = Tape::new();
        let pass = Pass::new(&tape, &network.params);
        let loss = network.loss(&pass, &tensor(&case["eps"]));
        worst.compare_parts(name, &loss, &case["loss"]);
        worst.compare_grads(name, &network.params, &pass.backward(loss.total), &case["grads"]);
        worst.check(name);
    }
}

#[test]
fn a_gradient_penalty_has_pytorchs_derivatives_of_order_2() {
    let case = &group("order 2")["gradient penalty"];
    let tape = Tape::new();
    let x: Vec<_> = tensors(&case["x"]).into_iter().map(|x| tape.leaf(x)).collect();
    let f = x[0].affine(x[1], x[2]).tanh().affine(x[3], x[4]).softplus().sum();
    let slope = tape.vjp(&[(f, tape.leaf(Tensor::scalar(1.0)))], &x[..1])[0];
    let penalty = slope.square().sum_axes(&[1]).mean();
    let mut worst = Worst::default();
    worst.compare("slope", &slope.value(), &tensor(&case["slope"]));
    worst.compare("penalty", &penalty.value(), &tensor(&case["penalty"]));
    worst.compare_all("gx", &tape.backward(penalty, &x), &case["gx"]);
    worst.check("gradient penalty");
}

#[test]
fn clipping_gives_pytorchs_norm_and_gradients() {
    let case = &group("training")["clip"];
    let network = Network::new(case);
    let tape = Tape::new();
    let pass = Pass::new(&tape, &network.params);
    let mut grads = pass.backward(network.loss(&pass, &tensor(&case["eps"])).total);
    let norm = grads.clip_norm(number(&case["max_norm"]));
    let mut worst = Worst::default();
    worst.compare("norm", &Tensor::scalar(norm), &tensor(&case["norm"]));
    worst.compare_grads("clipped", &network.params, &grads, &case["grads"]);
    worst.check("clip");
}

#[test]
fn twenty_steps_of_adam_are_pytorchs() {
    compare_training("adam", |params, _| Box::new(Adam::new(params)));
    compare_training("adam_betas", |params, _| Box::new(Adam::with_betas(params, [0.5, 0.9])));
}

#[test]
fn twenty_steps_of_rmsprop_are_pytorchs() {
    compare_training("rmsprop", |params, _| Box::new(RmsProp::new(params)));
}

#[test]
fn twenty_steps_of_sgd_with_momentum_are_pytorchs() {
    compare_training("sgd", |params, case| Box::new(Sgd::new(params, number(&case["momentum"]))));
}

/// Compares y = f(x…) and the gradients of Σ g·y in every x, both as numbers and as recorded for order 2.
fn compare_functions(group_name: &str, functions: &[(&str, Function)]) {
    let cases = group(group_name);
    assert_eq!(cases.len(), functions.len(), "each case of {group_name} has its function");
    for (name, f) in functions {
        let case = &cases[*name];
        let tape = Tape::new();
        let x: Vec<_> = tensors(&case["x"]).into_iter().map(|x| tape.leaf(x)).collect();
        let (y, g) = (f(&x), tape.leaf(tensor(&case["g"])));
        let recorded: Vec<_> = tape.vjp(&[(y, g)], &x).into_iter().map(Var::value).collect();
        let mut worst = Worst { floor: floor(name), ..Worst::default() };
        worst.compare("y", &y.value(), &tensor(&case["y"]));
        worst.compare_all("gx", &tape.backward((y * g).sum(), &x), &case["gx"]);
        worst.compare_all("recorded gx", &recorded, &case["gx"]);
        worst.check(name);
    }
}

/// Compares the gradients, in every x, of the sum of the squares of all gradients.
fn compare_order_2(group_name: &str, functions: &[(&str, Function)]) {
    for (name, f) in functions {
        let case = &group(group_name)[*name];
        let tape = Tape::new();
        let x: Vec<_> = tensors(&case["x"]).into_iter().map(|x| tape.leaf(x)).collect();
        let gx = tape.vjp(&[(f(&x), tape.leaf(tensor(&case["g"])))], &x);
        let squares = gx.into_iter().map(|gx| gx.square().sum()).reduce(|a, b| a + b).unwrap();
        let mut worst = Worst::default();
        worst.compare_all("hx", &tape.backward(squares, &x), &case["hx"]);
        worst.check(name);
    }
}

/// Trains from the recorded weights with the recorded noise; compares the loss of every step and the weights at the end.
fn compare_training(name: &str, optimizer: fn(&Params<f64>, &Value) -> Box<dyn Optimizer<f64>>) {
    let case = &group("training")[name];
    let mut network = Network::new(case);
    let mut optimizer = optimizer(&network.params, case);
    let (noise, losses) = (tensors(&case["eps"]), case["losses"].as_array().unwrap());
    assert_eq!((noise.len(), losses.len()), (20, 20));
    let mut worst = Worst::default();
    let mut tape = Tape::new();
    for (eps, expected) in noise.iter().zip(losses) {
        tape.begin();
        let pass = Pass::new(&tape, &network.params);
        let loss = network.loss(&pass, eps);
        worst.compare_parts(name, &loss, expected);
        let grads = pass.backward(loss.total);
        optimizer.step(&mut network.params, grads, number(&case["lr"]));
    }
    let trained = named_tensors(&case["trained"]);
    assert_eq!(trained.len(), network.params.len());
    for (name, expected) in trained {
        worst.compare(&name, network.params.get(network.params.find(&name).unwrap()), &expected);
    }
    worst.check(name);
}

enum Model {
    Ae(Autoencoder),
    Vae(Vae),
}

/// A network with the recorded weights, and its data.
struct Network {
    model: Model,
    params: Params<f64>,
    x: Tensor<f64>,
    beta: f64,
}

impl Network {
    fn new(case: &Value) -> Self {
        let architecture = Architecture::deserialize(&case["architecture"]).unwrap();
        let mut params = Params::default();
        let model = match case["architecture"]["kind"].as_str() {
            Some("ae") => Model::Ae(Autoencoder::new(&mut params, &architecture, 0)),
            Some("vae") => Model::Vae(Vae::new(&mut params, &architecture, 0)),
            other => panic!("{other:?}"),
        };
        let recorded = named_tensors(&case["params"]);
        assert_eq!(recorded.len(), params.len());
        for (name, value) in recorded {
            let id = params.find(&name).unwrap_or_else(|| panic!("we have no {name}"));
            assert_eq!(params.get(id).shape(), value.shape(), "{name}");
            *params.get_mut(id) = value;
        }
        Network { model, params, x: tensor(&case["x"]), beta: number(&case["beta"]) }
    }

    fn loss<'t>(&self, pass: &Pass<'t, '_, f64>, eps: &Tensor<f64>) -> Loss<'t, f64> {
        let (x, eps) = (pass.tape().leaf(self.x.clone()), || pass.tape().leaf(eps.clone()));
        match &self.model {
            Model::Ae(ae) => ae.loss(pass, x, eps, self.beta),
            Model::Vae(vae) => vae.loss(pass, x, eps, self.beta),
        }
    }
}

/// The largest relative error of a case, and where. Absolute errors up to the floor are none.
#[derive(Default)]
struct Worst {
    floor: f64,
    error: f64,
    place: String,
}

impl Worst {
    fn compare(&mut self, place: &str, ours: &Tensor<f64>, theirs: &Tensor<f64>) {
        assert_eq!(ours.shape(), theirs.shape(), "{place}");
        for (i, (a, b)) in ours.data().iter().zip(theirs.data()).enumerate() {
            let error = relative_error(*a, *b, self.floor);
            if error > self.error {
                self.error = error;
                self.place = format!("{place}, element {i}: {a:e}, PyTorch {b:e}");
            }
        }
    }

    fn compare_all(&mut self, place: &str, ours: &[Tensor<f64>], theirs: &Value) {
        let theirs = tensors(theirs);
        assert_eq!(ours.len(), theirs.len(), "{place}");
        for (k, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
            self.compare(&format!("{place} {k}"), ours, theirs);
        }
    }

    fn compare_parts(&mut self, place: &str, ours: &Loss<f64>, theirs: &Value) {
        let parts = [("total", Some(ours.total)), ("recon", Some(ours.recon)), ("kl", ours.kl)];
        for (part, ours) in parts {
            assert_eq!(ours.is_some(), theirs.get(part).is_some(), "{place} {part}");
            if let Some(ours) = ours {
                self.compare(&format!("{place} {part}"), &ours.value(), &tensor(&theirs[part]));
            }
        }
    }

    fn compare_grads(&mut self, place: &str, params: &Params<f64>, ours: &Grads<f64>, theirs: &Value) {
        let theirs = theirs.as_object().unwrap();
        assert_eq!(ours.iter().count(), theirs.len(), "{place}");
        for (id, g) in ours.iter() {
            let name = params.name(id);
            self.compare(&format!("{place}, gradient in {name}"), g, &tensor(&theirs[name]));
        }
    }

    fn check(&self, case: &str) {
        println!("{case}: worst relative error {:.1e} ({})", self.error, self.place);
        assert!(self.error <= 1e-9, "{case}: relative error {:.1e} at {}", self.error, self.place);
    }
}

/// |a − b| / max(|a|, |b|); 0 up to the floor, ∞ where a is not finite.
fn relative_error(a: f64, b: f64, floor: f64) -> f64 {
    let error = (a - b).abs();
    match a.is_finite() {
        true if error <= floor => 0.0,
        true => error / a.abs().max(b.abs()),
        false => f64::INFINITY,
    }
}

/// The recorded cases of a group, by name.
fn group(name: &str) -> &'static Map<String, Value> {
    static GOLDENS: LazyLock<Value> =
        LazyLock::new(|| serde_json::from_str(include_str!("../fixtures/pytorch_goldens.json")).unwrap());
    GOLDENS[name].as_object().unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// Nested lists as a tensor.
fn tensor(value: &Value) -> Tensor<f64> {
    let (mut extents, mut numbers) = (vec![], vec![value]);
    while let Some(first) = numbers[0].as_array() {
        extents.push(first.len());
        numbers = numbers.iter().flat_map(|list| list.as_array().unwrap()).collect();
    }
    Tensor::new(numbers.into_iter().map(number).collect(), Shape::new(&extents))
}

fn tensors(list: &Value) -> Vec<Tensor<f64>> {
    list.as_array().unwrap().iter().map(tensor).collect()
}

fn named_tensors(object: &Value) -> Vec<(String, Tensor<f64>)> {
    object.as_object().unwrap().iter().map(|(name, value)| (name.clone(), tensor(value))).collect()
}
