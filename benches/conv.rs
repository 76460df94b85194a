//! The convolutions of the CNN step (batch 128, f32): forward, input adjoint, weight adjoint.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use elbo::kernels::conv::{Axis, Geometry, conv, input_adjoint, weight_adjoint};
use elbo::kernels::gemm::Scratch;

fn layer(inputs: usize, outputs: usize, side: usize) -> Geometry {
    let axis = Axis { input: side, kernel: 3, stride: 1, padding: 1, dilation: 1 };
    Geometry { batch: 128, inputs, outputs, groups: 1, axes: [axis, axis] }
}

fn bench(c: &mut Criterion) {
    for (name, g) in [("1→32, 28×28", layer(1, 32, 28)), ("32→64, 14×14", layer(32, 64, 14))] {
        let [pixels, places] = g.axes.iter().fold([1, 1], |[i, o], axis| [i * axis.input, o * axis.output()]);
        let [x, w, y] = [g.batch * g.inputs * pixels, g.outputs * g.inputs * 9, g.batch * g.outputs * places];
        let numbers = |n: usize| (0..n).map(|i| (i % 251) as f32 * 1e-2 - 1.0).collect::<Vec<_>>();
        let (mut xs, mut ws, mut ys, mut scratch) = (numbers(x), numbers(w), numbers(y), Scratch::default());
        let mut group = c.benchmark_group(format!("conv/{name}"));
        // A multiply-add is two operations.
        group.throughput(Throughput::Elements(g.flops()));
        group.bench_function("forward", |b| b.iter(|| conv(&g, &xs, &ws, None, &mut ys, &mut scratch)));
        group.bench_function("weight adjoint", |b| b.iter(|| weight_adjoint(&g, &ys, &xs, &mut ws, &mut scratch)));
        group.bench_function("input adjoint", |b| b.iter(|| input_adjoint(&g, &ys, &ws, None, &mut xs, &mut scratch)));
        group.finish();
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
