//! What this machine can do at most, measured: the yardsticks of a profile.

use super::Real;
use super::simd::simd;
use rayon::prelude::*;
use std::hint::black_box;
use std::time::Instant;

/// Multiplications and additions a second of all threads of the pool, in chains of fused multiply-adds that never leave the
/// registers.
pub fn flops() -> f64 {
    const ROUNDS: usize = 200_000;
    let chains = || {
        let start = Instant::now();
        let sums = chains(black_box(1.0f32), black_box(1e-9), ROUNDS);
        black_box(sums);
        (2 * ROUNDS * CHAINS * WIDTH) as f64 / start.elapsed().as_secs_f64()
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

/// Enough chains to keep two multipliers busy for the latency of each.
const CHAINS: usize = 12;
const WIDTH: usize = 16;

simd! {
    fn chains<F: Real>(a: F, b: F, rounds: usize) -> [[F; WIDTH]; CHAINS] {
        let mut sums = [[F::ZERO; WIDTH]; CHAINS];
        for _ in 0..rounds {
            for sum in &mut sums {
                for lane in sum {
                    *lane = lane.mul_add(a, b);
                }
            }
        }
        sums
    }
}

simd! {
    fn add<F: Real>(x: &[F], y: &mut [F]) {
        for (y, x) in y.iter_mut().zip(x) {
            *y += *x;
        }
    }
}
