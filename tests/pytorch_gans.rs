//! A step of each GAN beside PyTorch's: both losses, and the gradients in all parameters, to 1e-9. Weights and images are written down by
//! a formula that both sides know; of each gradient its sum is recorded, and its sum with other weights.
#![cfg(feature = "train")]

use elbo::autograd::Var;
use elbo::models::gan::{Critic, Generator, Hold, Settings, Variant, code_loss, gradient_penalty};
use elbo::nn::{Grads, Params, Pass, one_hot};
use elbo::{Tape, Tensor};
use serde_json::Value;

/// sin(0.7 i + phase).
fn wave(n: usize, phase: f64) -> Vec<f64> {
    (0..n).map(|i| (0.7 * i as f64 + phase).sin()).collect()
}

/// All parameters by the formula, around 1 for the factors of a normalisation; and the directions of spectral normalisation.
fn write_down(params: &mut Params<f64>) {
    for (index, id) in params.ids().enumerate() {
        let shape = params.get(id).shape();
        let around = if shape.len() == 1 && params.name(id).ends_with("weight") { 1.0 } else { 0.0 };
        let values = wave(shape.size(), index as f64).into_iter().map(|w| around + 0.1 * w).collect();
        *params.get_mut(id) = Tensor::new(values, shape);
    }
    for (name, value) in params.buffers_mut().filter(|(name, _)| name.ends_with(".v")) {
        let v = wave(value.data().len(), 1.0);
        let norm = v.iter().map(|v| v * v).sum::<f64>().sqrt();
        assert!(norm > 0.0, "{name}");
        *value = Tensor::new(v.into_iter().map(|v| v / norm).collect(), value.shape());
    }
}

fn compare(what: &str, ours: f64, theirs: &Value) {
    let theirs = theirs.as_f64().unwrap();
    assert!((ours - theirs).abs() <= 1e-9 * theirs.abs().max(1.0), "{what}: {ours}, expected {theirs}");
}

fn compare_grads(what: &str, params: &Params<f64>, grads: &Grads<f64>, expected: &Value) {
    let expected = expected.as_array().unwrap();
    assert_eq!(grads.iter().count(), expected.len(), "{what}");
    for ((id, g), expected) in grads.iter().zip(expected) {
        let weighted = g.data().iter().zip(wave(g.data().len(), 2.0)).map(|(g, w)| g * w).sum();
        compare(&format!("{what}, {}", params.name(id)), g.data().iter().sum(), &expected[0]);
        compare(&format!("{what}, {}, weighted", params.name(id)), weighted, &expected[1]);
    }
}

fn with_code<'t>(loss: Var<'t, f64>, read: Option<Var<'t, f64>>, code: Option<Var<'t, f64>>) -> Var<'t, f64> {
    match (read, code) {
        (Some(read), Some(code)) => loss + code_loss(read, code),
        _ => loss,
    }
}

#[test]
fn a_step_of_each_gan_has_pytorchs_losses_and_gradients() {
    let goldens: Value = serde_json::from_str(include_str!("../fixtures/pytorch_goldens.json")).unwrap();
    for (name, expected) in goldens["gans"].as_object().unwrap() {
        let (kind, architecture) = name.split_once(' ').unwrap();
        let variant: Variant = serde_json::from_str(&format!("\"{kind}\"")).unwrap();
        let settings = Settings {
            latent: 3,
            hidden: vec![6, 5],
            is_convolutional: architecture == "conv",
            ..Settings::new(variant, [1, 8, 8], 2)
        };
        let (mut of_critic, mut of_generator) = (Params::<f64>::default(), Params::<f64>::default());
        let critic = Critic::new(&mut of_critic, &settings, 0);
        let generator = Generator::new(&mut of_generator, &settings, 0);
        [&mut of_critic, &mut of_generator].into_iter().for_each(write_down);

        let tape = Tape::new();
        let leaf = |n: usize, phase| tape.leaf(Tensor::new(wave(4 * n, phase), [4, n]));
        let (x, z, between) = (leaf(64, 0.3), leaf(3, 0.1), leaf(1, 0.2) * 0.4 + 0.5);
        let technique = variant.technique();
        let labels = one_hot(&tape, [0, 1, 1, 0].into_iter(), 2);
        let classes: Option<Var<f64>> = technique.is_conditional.then_some(labels);
        let code = technique.has_code.then(|| Var::concat(&[labels, leaf(2, 0.5)], 1));
        let given = classes.or(code);

        let pass = Pass::new(&tape, &of_critic);
        let fake = tape.leaf(generator.forward(&Pass::new(&tape, &of_generator), z, given).value());
        let judge = critic.on(&pass);
        let (of_fake, read) = judge.look(fake, classes);
        let mut loss = with_code(settings.game.critic(judge.score(x, classes), of_fake), read, code);
        if let Hold::Penalty(weight) = technique.hold {
            loss = loss + gradient_penalty(&judge, [x, fake], between, classes, weight);
        }
        compare(&format!("{name}: critic"), loss.item(), &expected["critic"]);
        let mut grads = pass.backward(loss);
        compare_grads(name, &of_critic, &grads, &expected["critic grads"]);
        of_critic.renew(&mut grads);

        let (pass, frozen) = (Pass::new(&tape, &of_generator), Pass::new(&tape, &of_critic));
        let (score, read) = critic.on(&frozen).look(generator.forward(&pass, z, given), classes);
        let loss = with_code(settings.game.generator(score), read, code);
        compare(&format!("{name}: generator"), loss.item(), &expected["generator"]);
        compare_grads(name, &of_generator, &pass.backward(loss), &expected["generator grads"]);
    }
}
