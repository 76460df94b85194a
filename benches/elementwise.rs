//! The elementary functions on 4096 `f32` in the L1 cache, by instruction set: seconds per element.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use elbo::kernels::Real;
use elbo::kernels::elementwise::{Pointwise, map};
use elbo::kernels::simd::Path;
use std::hint::black_box;

fn elementwise(c: &mut Criterion) {
    let x: Vec<f32> = (1..=4096).map(|i| i as f32 * 1e-3).collect();
    let best = Path::current();
    for path in Path::ALL.into_iter().filter(|p| p.is_supported()) {
        path.force();
        function(c, "exp", &x, |[x]: [f32; 1]| Real::exp(x));
        function(c, "ln", &x, |[x]: [f32; 1]| Real::ln(x));
        function(c, "tanh", &x, |[x]: [f32; 1]| Real::tanh(x));
        function(c, "sigmoid", &x, |[x]: [f32; 1]| x.sigmoid());
        function(c, "softplus", &x, |[x]: [f32; 1]| x.softplus());
    }
    best.force();
}

fn function(c: &mut Criterion, name: &str, x: &[f32], f: impl Pointwise<f32, 1>) {
    let mut y = vec![0.0; x.len()];
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Elements(x.len() as u64));
    group.bench_function(Path::current().to_string(), |b| b.iter(|| map(&f, [black_box(x)], &mut y)));
    group.finish();
}

criterion_group!(benches, elementwise);
criterion_main!(benches);
