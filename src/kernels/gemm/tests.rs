use super::*;
use crate::kernels::simd::{Path, on_every_path};

fn numbers<F: Real>(n: usize, seed: usize) -> Vec<F> {
    (0..n).map(|i| F::of(((i * 7919 + seed * 104_729) % 2003) as f64 / 1001.0 - 1.0)).collect()
}

/// Every orientation and start against the naive twin, to the bit.
fn agrees<F: Real>(m: usize, n: usize, k: usize) {
    let (a, b, bias, before) = (numbers::<F>(m * k, 1), numbers::<F>(k * n, 2), numbers::<F>(n, 3), numbers(m * n, 4));
    let mut scratch = Scratch::default();
    for (ta, tb) in [(false, false), (false, true), (true, false), (true, true)] {
        let a = if ta { Matrix::new(&a, k, m).t() } else { Matrix::new(&a, m, k) };
        let b = if tb { Matrix::new(&b, n, k).t() } else { Matrix::new(&b, k, n) };
        for bias in [None, Some(&bias[..])] {
            let (mut fast, mut slow) = (before.clone(), before.clone());
            gemm(a, b, bias, &mut fast, &mut scratch);
            naive(a, b, bias, &mut slow);
            assert!(
                fast == slow,
                "{m} × {n} × {k} of {}, {}, {ta} {tb}, bias: {}",
                F::NAME,
                Path::current(),
                bias.is_some()
            );
        }
    }
}

#[test]
fn gemm_is_its_naive_twin_on_every_path_to_the_bit() {
    on_every_path(|_| {
        for (m, n, k) in (0..=17).flat_map(|m| (0..=17).flat_map(move |n| (0..=17).map(move |k| (m, n, k)))) {
            agrees::<f32>(m, n, k);
        }
        for (m, n, k) in [(13, 31, 127), (61, 97, 53), (127, 67, 257), (1, 1009, 3), (1009, 1, 5), (12, 32, 1009)] {
            agrees::<f32>(m, n, k);
            agrees::<f64>(m, n, k);
        }
    });
}

#[test]
fn gemm_does_not_depend_on_threads() {
    let (a, b) = (numbers::<f32>(128 * 784, 1), numbers::<f32>(512 * 784, 2));
    let run = || {
        let mut c = vec![0.0; 128 * 512];
        gemm(Matrix::new(&a, 128, 784), Matrix::new(&b, 512, 784).t(), None, &mut c, &mut Scratch::default());
        c
    };
    let expected = run();
    for threads in [1, 2, 4] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert!(pool.install(run) == expected, "{threads} threads");
    }
}

#[test]
fn gemm_agrees_with_matrixmultiply() {
    let (m, n, k) = (67, 45, 300);
    let (a, b) = (numbers::<f64>(m * k, 1), numbers::<f64>(k * n, 2));
    let (mut ours, mut theirs) = (vec![0.0; m * n], vec![0.0; m * n]);
    gemm(Matrix::new(&a, m, k), Matrix::new(&b, k, n), None, &mut ours, &mut Scratch::default());
    let (k_, n_) = (k as isize, n as isize);
    // SAFETY: the slices have the extents and strides that the call names.
    unsafe {
        matrixmultiply::dgemm(m, k, n, 1.0, a.as_ptr(), k_, 1, b.as_ptr(), n_, 1, 0.0, theirs.as_mut_ptr(), n_, 1);
    }
    for (x, y) in ours.iter().zip(&theirs) {
        assert!((x - y).abs() <= 1e-12, "{x} {y}");
    }
}

/// A chain that the compiler folds away is counted all the same, and makes the peak too low. In the assembly each round has one
/// multiply-add a chain, in however many copies of the round, and one more for their sum.
#[cfg(all(target_arch = "x86_64", unix))]
#[test]
fn no_chain_of_the_peak_is_folded_away() {
    let own = std::env::current_exe().unwrap();
    let Ok(listing) = std::process::Command::new("objdump").args(["-d", "--no-show-raw-insn"]).arg(own).output() else {
        return println!("skipped: there is no objdump");
    };
    let text = String::from_utf8_lossy(&listing.stdout);
    let functions = text.split("\n\n").filter(|f| f.lines().next().is_some_and(|l| l.contains("multiply_adds")));
    let counts: Vec<usize> = functions.map(|f| f.matches("vfmadd").count()).filter(|n| *n > 0).collect();
    if counts.is_empty() || cfg!(debug_assertions) && counts.iter().all(|n| *n < CHAINS) {
        return println!("skipped: the program has no symbols, or was not optimised");
    }
    assert!(counts.iter().all(|n| *n >= 2 * CHAINS && n % CHAINS == 0), "multiply-adds in each function: {counts:?}");
}
