//! A training step of the exercise's network, 784-512-256-2 and back on 128 images, by threads. Elements are images.

use criterion::{Bencher, Criterion, Throughput, criterion_group, criterion_main};
use elbo::kernels::attend::attended;
use elbo::models::{Architecture, Kind, Model};
use elbo::nn::Pass;
use elbo::optim::{Adam, Optimizer};
use elbo::rng::{Purpose, Stream};
use elbo::{Tape, Tensor};

const ROWS: usize = 128;

fn vae_step(c: &mut Criterion) {
    let mut group = c.benchmark_group("vae_step");
    group.throughput(Throughput::Elements(ROWS as u64));
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads");
        group.bench_function(format!("{threads} threads"), |b| pool.install(|| train(b)));
    }
    group.finish();
}

fn train(b: &mut Bencher) {
    let (model, mut params) = Model::new::<f32>(&Architecture::new(Kind::Vae, 784), 0);
    let mut adam = Adam::new(&params);
    let mut noise = Stream::new(0, Purpose::Check, 0, 0);
    let images = Tensor::new((0..ROWS * 784).map(|_| noise.uniform() as f32).collect(), [ROWS, 784]);
    let eps = Tensor::new((0..ROWS * 2).map(|_| noise.normal() as f32).collect(), [ROWS, 2]);
    let mut tape = Tape::new();
    let mut step = || {
        tape.begin();
        let pass = Pass::new(&tape, &params);
        let loss = model.loss(&pass, tape.leaf(images.clone()), || tape.leaf(eps.clone()), 1.0);
        let grads = pass.backward(loss.total);
        assert_eq!(grads.not_finite(), None);
        adam.step(&mut params, grads, 1e-3);
    };
    b.iter(|| attended(&mut step));
}

criterion_group!(benches, vae_step);
criterion_main!(benches);
