//! Adam on the weights of the exercise's network, all in one parameter, by threads. Elements are weights.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use elbo::kernels::update::{Adam, update};

const WEIGHTS: usize = 1_070_868;

fn adam(c: &mut Criterion) {
    let rule = Adam { share1: 0.1f32, beta2: 0.999, share2: 0.001, eps: 1e-8, step_size: 1e-3, root_correction: 1.0 };
    let w = vec![0.1; WEIGHTS];
    let (mut g, mut m, mut v) = (vec![0.01; WEIGHTS], vec![0.0; WEIGHTS], vec![0.0; WEIGHTS]);
    let mut group = c.benchmark_group("adam");
    group.throughput(Throughput::Elements(WEIGHTS as u64));
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads");
        group.bench_function(format!("threads: {threads}"), |bench| {
            pool.install(|| bench.iter(|| update(&rule, &w, &mut g, [&mut m, &mut v])));
        });
    }
    group.finish();
}

criterion_group!(benches, adam);
criterion_main!(benches);
