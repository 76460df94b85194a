//! What this machine can do at most, measured: the yardsticks of a profile.

use super::Real;
use super::gemm::{CHAINS, Tiles};
use super::simd::simd;
use rayon::prelude::*;
use std::hint::black_box;
use std::time::Instant;

/// Multiplications and additions of `f32` a second that all threads of the pool do together, in chains of fused multiply-adds
/// that never leave the registers.
pub fn flops() -> f64 {
    const ROUNDS: usize = 400_000;
    let kernel = f32::kernel();
    let chains = || {
        let start = Instant::now();
        // SAFETY: the kernel is the one of the path in use.
        black_box(unsafe { (kernel.chains)(black_box(ROUNDS)) });
        (2 * ROUNDS * CHAINS * kernel.nr / 2) as f64 / start.elapsed().as_secs_f64()
    };
    best(|| rayon::broadcast(|_| chains()).iter().sum())
}

/// Bytes a second that all threads together read and write, adding one array to another, both far larger than any cache.
pub fn bandwidth() -> f64 {
    const NUMBERS: usize = 1 << 25;
    let (x, mut y) = (vec![1.0f32; NUMBERS], vec![0.0f32; NUMBERS]);
    best(|| {
        let start = Instant::now();
        let part = NUMBERS / rayon::current_num_threads();
        y.par_chunks_mut(part).zip(x.par_chunks(part)).for_each(|(y, x)| add(x, y));
        black_box(&y);
        (3 * NUMBERS * size_of::<f32>()) as f64 / start.elapsed().as_secs_f64()
    })
}

/// The best of some measurements: others were disturbed.
fn best(mut measure: impl FnMut() -> f64) -> f64 {
    (0..7).map(|_| measure()).fold(0.0, f64::max)
}

simd! {
    fn add<F: Real>(x: &[F], y: &mut [F]) {
        for (y, x) in y.iter_mut().zip(x) {
            *y += *x;
        }
    }
}
