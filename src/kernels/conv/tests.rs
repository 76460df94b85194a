use super::*;
use crate::kernels::simd::{Path, on_every_path};

fn numbers<F: Real>(n: usize, seed: usize) -> Vec<F> {
    (0..n).map(|i| F::of(((i * 7919 + seed * 104_729) % 2003) as f64 / 1001.0 - 1.0)).collect()
}

/// The three fast forms and their naive twins, to the bit.
fn agree<F: Real>(g: &Geometry, scratch: &mut Scratch<F>) {
    let [x, w, y] = g.sizes();
    let (xs, ws, ys, bias) = (numbers::<F>(x, 1), numbers::<F>(w, 2), numbers::<F>(y, 3), numbers::<F>(g.outputs, 4));
    let compare = |name: &str, n: usize, fast: &mut dyn FnMut(&mut [F]), slow: &mut dyn FnMut(&mut [F])| {
        let [mut a, mut b] = [(); 2].map(|()| vec![F::NAN; n]);
        fast(&mut a);
        slow(&mut b);
        assert!(a == b, "{name} of {g:?}, {}, {}:\n{a:?}\n{b:?}", F::NAME, Path::current());
    };
    for bias in [None, Some(&bias[..])] {
        let fast = &mut |y: &mut [F]| conv(g, &xs, &ws, bias, y, scratch);
        compare("conv", y, fast, &mut |y| naive::conv(g, &xs, &ws, bias, y));
    }
    let bias = numbers::<F>(g.inputs, 5);
    for bias in [None, Some(&bias[..])] {
        let fast = &mut |gx: &mut [F]| input_adjoint(g, &ys, &ws, bias, gx, scratch);
        compare("input adjoint", x, fast, &mut |gx| naive::input_adjoint(g, &ys, &ws, bias, gx));
    }
    let fast = &mut |gw: &mut [F]| weight_adjoint(g, &ys, &xs, gw, scratch);
    compare("weight adjoint", w, fast, &mut |gw| naive::weight_adjoint(g, &ys, &xs, gw));
}

fn axes() -> Vec<Axis> {
    let mut all = Vec::new();
    for input in [1, 2, 5, 8] {
        for (kernel, dilation) in [(1, 1), (2, 1), (3, 1), (4, 1), (2, 3), (3, 2)] {
            for (stride, padding) in [(1, 0), (1, 1), (2, 0), (2, 1), (3, 2), (1, 3), (5, 0)] {
                all.push(Axis { input, kernel, stride, padding, dilation });
            }
        }
    }
    all
}

#[test]
fn the_fast_forms_are_their_naive_twins_on_every_path_to_the_bit() {
    on_every_path(|_| {
        let (mut single, mut double) = (Scratch::default(), Scratch::default());
        let axes = axes();
        for (i, &rows) in axes.iter().enumerate() {
            // Each axis beside three others, with channels and groups in turn.
            for (k, cols) in
                [rows, axes[(i * 7 + 3) % axes.len()], axes[(i * 31 + 1) % axes.len()]].into_iter().enumerate()
            {
                let (groups, inputs, outputs) = [(1, 1, 1), (1, 3, 2), (2, 4, 6), (3, 3, 3), (1, 2, 13)][(i + k) % 5];
                let g = Geometry { batch: [1, 2, 3, 0][(i + 2 * k) % 4], inputs, outputs, groups, axes: [rows, cols] };
                agree::<f32>(&g, &mut single);
                agree::<f64>(&g, &mut double);
            }
        }
        let axis = |input| Axis { input, kernel: 3, stride: 1, padding: 1, dilation: 1 };
        let g = Geometry { batch: 11, inputs: 5, outputs: 40, groups: 1, axes: [axis(14), axis(28)] };
        agree::<f32>(&g, &mut single);
    });
}

#[test]
fn convolutions_do_not_depend_on_threads() {
    let axis = Axis { input: 9, kernel: 4, stride: 2, padding: 1, dilation: 1 };
    let g = Geometry { batch: 37, inputs: 3, outputs: 5, groups: 1, axes: [axis, axis] };
    let [x, w, y] = g.sizes();
    let (xs, ws, ys) = (numbers::<f32>(x, 1), numbers::<f32>(w, 2), numbers::<f32>(y, 3));
    let run = || {
        let (mut fx, mut fw, mut fy, scratch) = (vec![0.0; x], vec![0.0; w], vec![0.0; y], &mut Scratch::default());
        conv(&g, &xs, &ws, None, &mut fy, scratch);
        input_adjoint(&g, &ys, &ws, None, &mut fx, scratch);
        weight_adjoint(&g, &ys, &xs, &mut fw, scratch);
        [fx, fw, fy].concat()
    };
    let expected = run();
    for threads in [1, 2, 4] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert!(pool.install(run) == expected, "{threads} threads");
    }
}
