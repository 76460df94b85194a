//! The products of a training step, beside peers of one thread: `matrixmultiply`, `ndarray`'s `dot` (which calls it) and `gemm`.
//! Elements are multiplications and additions: 1 Gelem/s is 1 GFLOP/s.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use elbo::kernels::gemm::{Matrix, Scratch, gemm};
use ndarray::{Array2, ArrayView2};

fn products(c: &mut Criterion) {
    // C[m, n] = op(A) · op(B) with inner extent k; a transposed operand is stored as the other one is read.
    for (name, m, n, k, ta, tb) in [
        ("gemm NT 128x512x784", 128, 512, 784, false, true),
        ("gemm NT 128x256x512", 128, 256, 512, false, true),
        ("gemm NN 128x784x512", 128, 784, 512, false, false),
        ("gemm TN 512x784x128", 512, 784, 128, true, false),
        ("gemm NN 1024x1024x1024", 1024, 1024, 1024, false, false),
    ] {
        let stored = |rows, cols, t| {
            let shape = if t { (cols, rows) } else { (rows, cols) };
            Array2::from_shape_fn(shape, |(i, j)| ((i * 7 + j * 13) % 101) as f32 / 50.0 - 1.0)
        };
        let (a, b) = (stored(m, k, ta), stored(k, n, tb));
        let mut product = vec![0.0; m * n];
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Elements(2 * (m * n * k) as u64));

        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads");
            let mut scratch = Scratch::default();
            let (a, b) = (matrix(&a, ta), matrix(&b, tb));
            group.bench_function(format!("elbo, threads: {threads}"), |bench| {
                pool.install(|| bench.iter(|| gemm(a, b, None, &mut product, &mut scratch)));
            });
        }

        let (a, b) = (view(&a, ta), view(&b, tb));
        let ours = product.clone();
        for peer in [by_matrixmultiply, by_gemm] {
            peer(a, b, &mut product);
            assert!(ours.iter().zip(&product).all(|(x, y)| (x - y).abs() < 1e-2), "all compute the same");
        }
        group.bench_function("matrixmultiply", |bench| bench.iter(|| by_matrixmultiply(a, b, &mut product)));
        group.bench_function("gemm", |bench| bench.iter(|| by_gemm(a, b, &mut product)));
        group.bench_function("ndarray", |bench| bench.iter(|| a.dot(&b)));
        group.finish();
    }
}

fn matrix(x: &Array2<f32>, transposed: bool) -> Matrix<'_, f32> {
    let stored = Matrix::new(x.as_slice().expect("made in row-major order"), x.nrows(), x.ncols());
    if transposed { stored.t() } else { stored }
}

fn view(x: &Array2<f32>, transposed: bool) -> ArrayView2<'_, f32> {
    if transposed { x.t() } else { x.view() }
}

/// Extents (m, n, k), and the strides of both operands.
fn layout(a: ArrayView2<f32>, b: ArrayView2<f32>, c: &[f32]) -> ([usize; 3], [[isize; 2]; 2]) {
    let (m, k, n) = (a.nrows(), a.ncols(), b.ncols());
    assert_eq!((b.nrows(), c.len()), (k, m * n));
    ([m, n, k], [a, b].map(|x| [x.strides()[0], x.strides()[1]]))
}

#[allow(unsafe_code)]
fn by_matrixmultiply(a: ArrayView2<f32>, b: ArrayView2<f32>, c: &mut [f32]) {
    let ([m, n, k], [[a0, a1], [b0, b1]]) = layout(a, b, c);
    // SAFETY: the views and the slice have the extents and strides that the call names.
    unsafe {
        let c = c.as_mut_ptr();
        matrixmultiply::sgemm(m, k, n, 1.0, a.as_ptr(), a0, a1, b.as_ptr(), b0, b1, 0.0, c, n as isize, 1);
    }
}

#[allow(unsafe_code)]
fn by_gemm(a: ArrayView2<f32>, b: ArrayView2<f32>, c: &mut [f32]) {
    let ([m, n, k], [[a0, a1], [b0, b1]]) = layout(a, b, c);
    let (c, one) = (c.as_mut_ptr(), gemm_common::Parallelism::None);
    // It writes by columns: Cᵀ = Bᵀ Aᵀ. This is what the generic gemm::gemm does.
    // SAFETY: the views and the slice have the extents and strides that the call names. Its strides are columns first.
    unsafe {
        let (no, (a, b)) = (false, (a.as_ptr(), b.as_ptr()));
        let product = gemm_f32::gemm::f32::get_gemm_fn();
        product(n, m, k, c, n as isize, 1, no, b, b0, b1, a, a0, a1, 0.0, 1.0, no, no, no, one);
    }
}

criterion_group!(benches, products);
criterion_main!(benches);
