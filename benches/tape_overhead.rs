//! What an op costs beside its arithmetic: chains of 100 ops on four numbers, with their backward pass. Elements are ops.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use elbo::{Tape, Tensor, Var};

const OPS: u64 = 100;

fn overhead(c: &mut Criterion) {
    chain(c, "tanh", |x, _| x.tanh());
    chain(c, "mul", |x, w| x * w);
}

/// 100 times `op`, from x and w.
fn chain(c: &mut Criterion, name: &str, op: impl for<'t> Fn(Var<'t, f32>, Var<'t, f32>) -> Var<'t, f32>) {
    let (x, w) = (Tensor::full(0.5, [4]), Tensor::full(0.999, [4]));
    let mut tape = Tape::new();
    let mut group = c.benchmark_group("tape_overhead");
    group.throughput(Throughput::Elements(OPS));
    group.bench_function(format!("{name}, forward"), |b| {
        b.iter(|| {
            tape.begin();
            let (x, w) = (tape.leaf(x.clone()), tape.leaf(w.clone()));
            (0..OPS).fold(x, |y, _| op(y, w)).id()
        });
    });
    group.bench_function(format!("{name}, forward and backward"), |b| {
        b.iter(|| {
            tape.begin();
            let (x, w) = (tape.leaf(x.clone()), tape.leaf(w.clone()));
            let y = (0..OPS).fold(x, |y, _| op(y, w));
            tape.backward(y.sum(), &[x, w])
        });
    });
    group.finish();
}

criterion_group!(benches, overhead);
criterion_main!(benches);
