//! A training step of the exercise's network, 784-512-256-2 and back on 128 images, by threads. Elements are images.

use criterion::{Bencher, Criterion, Throughput, criterion_group, criterion_main};
use elbo::data::synthetic;
use elbo::models::{Settings, Trainer, coder};
use elbo::optim::Descent;
use elbo::train::Config;

const ROWS: usize = 128;

fn vae_step(c: &mut Criterion) {
    let mut group = c.benchmark_group("vae_step");
    group.throughput(Throughput::Elements(ROWS as u64));
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads");
        group.bench_function(format!("threads: {threads}"), |b| pool.install(|| train(b)));
    }
    group.finish();
}

/// Goes round and round 60 batches, with a learning rate at which that can go on.
fn train(b: &mut Bencher) {
    let data = synthetic::dataset(60 * ROWS, 1);
    let own = coder::Settings { descent: Descent::adam(1e-3), ..coder::Settings::new(784) };
    let mut trainer = Trainer::new(Config::of(Settings::Vae(own))).expect("a good configuration");
    b.iter(|| trainer.step(&data).expect("a finite loss"));
}

criterion_group!(benches, vae_step);
criterion_main!(benches);
