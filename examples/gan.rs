//! A generative adversarial network on a ring (Goodfellow et al. 2014): `cargo run --release --no-default-features --example gan`.
//!
//! Two networks and two optimisers on one tape. The critic learns to tell points of a circle from generated ones; the generator
//! learns to make points that it takes for real.

use elbo::autograd::Var;
use elbo::nn::{Activation, Init, Params, Pass, Stack};
use elbo::optim::{Adam, Optimizer};
use elbo::rng::{Purpose, Stream};
use elbo::{Tape, Tensor};

const BATCH: usize = 128;
const LATENT: usize = 2;

/// Points of the unit circle.
fn ring(step: u64) -> Tensor<f32> {
    let mut stream = Stream::new(0, Purpose::Shuffle, step, 0);
    let point = |_| {
        let angle = std::f64::consts::TAU * stream.uniform();
        [angle.cos() as f32, angle.sin() as f32]
    };
    Tensor::new((0..BATCH).flat_map(point).collect(), [BATCH, 2])
}

/// N(0, 1) noise, other numbers each step and each draw.
fn noise(tape: &Tape<f32>, step: u64, draw: u64) -> Var<'_, f32> {
    tape.leaf_with([BATCH, LATENT], |z| Stream::new(0, Purpose::Prior, step, draw).fill_normal(z))
}

fn main() {
    let (mut of_critic, mut of_generator) = (Params::<f32>::default(), Params::<f32>::default());
    let stack = |params: &mut Params<f32>, name, widths: [usize; 4], seed| {
        Stack::new(params, name, &widths, Activation::Tanh, false, Init::Glorot, seed)
    };
    let critic = stack(&mut of_critic, "critic", [2, 64, 64, 1], 0);
    let generator = stack(&mut of_generator, "generator", [LATENT, 64, 64, 2], 1);
    let (mut critic_adam, mut generator_adam) = (Adam::new(&of_critic), Adam::new(&of_generator));
    let mut tape = Tape::new();
    for step in 0..=2000 {
        tape.begin();
        let pass = Pass::new(&tape, &of_critic);
        // The generated points' values alone: no gradient goes back to the generator.
        let fake = generator.forward(&Pass::new(&tape, &of_generator), noise(&tape, step, 0)).value();
        let radii: Vec<f32> = (0..BATCH).map(|i| fake.row(i)[0].hypot(fake.row(i)[1])).collect();
        let (real, fake) = (tape.leaf(ring(step)), tape.leaf(fake));
        // Cross-entropy from logits: −ln σ(D(x)) − ln(1 − σ(D(G(z)))).
        let loss = (-critic.forward(&pass, real)).softplus().mean() + critic.forward(&pass, fake).softplus().mean();
        let critic_loss = loss.item();
        let grads = pass.backward(loss);
        critic_adam.step(&mut of_critic, grads, 2e-3);

        tape.begin();
        let pass = Pass::new(&tape, &of_generator);
        let fake = generator.forward(&pass, noise(&tape, step, 1));
        // Non-saturating: −ln σ(D(G(z))).
        let loss = (-critic.forward(&Pass::new(&tape, &of_critic), fake)).softplus().mean();
        let generator_loss = loss.item();
        let grads = pass.backward(loss);
        generator_adam.step(&mut of_generator, grads, 1e-3);
        if step % 400 == 0 {
            let mean = radii.iter().sum::<f32>() / BATCH as f32;
            let off = radii.iter().map(|r| (r - 1.0).abs()).sum::<f32>() / BATCH as f32;
            println!(
                "step {step:>4}: critic {critic_loss:.3}, generator {generator_loss:.3} nats; \
                 generated points at radius {mean:.2}, off the ring by {off:.2}"
            );
        }
    }
}
