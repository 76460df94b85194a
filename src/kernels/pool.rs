//! Pooling of planes: the largest or the mean of what a window sees, and the adjoints of both. Threads own planes.

use super::Real;
use super::conv::Axis;
use super::simd::simd;
use rayon::prelude::*;

/// Numbers that a task handles at least.
const GRAIN: usize = 1 << 15;

/// The places of the image that the window at output `t` sees along an axis, each with its number in the window.
fn seen(axis: Axis, t: usize) -> impl Iterator<Item = (usize, usize)> {
    let place = move |k: usize| (k, (t * axis.stride + k * axis.dilation).wrapping_sub(axis.padding));
    (0..axis.kernel).map(place).filter(move |(_, place)| *place < axis.input)
}

/// A window of 2 × 2 that moves by 2: each place is seen once at most.
fn halves([rows, cols]: [Axis; 2]) -> bool {
    [rows, cols].iter().all(|a| (a.kernel, a.stride, a.padding, a.dilation) == (2, 2, 0, 1))
}

/// Pairs of planes, one of `x` and one of `y` numbers, in parallel.
fn planes(x: usize, y: usize) -> usize {
    (GRAIN / (x + y).max(1)).max(1)
}

fn areas([rows, cols]: [Axis; 2]) -> [usize; 2] {
    [rows.input * cols.input, rows.output() * cols.output()]
}

/// The largest number that each window sees, and how far in memory its place is behind the window's first one; the first of equals, NaN
/// before all.
pub fn max<F: Real>(axes: [Axis; 2], x: &[F], y: &mut [F], at: &mut [F]) {
    let [from, to] = areas(axes);
    let work = x.par_chunks_exact(from).zip(y.par_chunks_exact_mut(to)).zip(at.par_chunks_exact_mut(to));
    work.with_min_len(planes(from, 2 * to)).for_each(|((x, y), at)| match halves(axes) {
        true => max_of_four(axes[1].input, axes[1].output(), x, y, at),
        false => max_plane(axes, x, y, at),
    });
}

fn max_plane<F: Real>([rows, cols]: [Axis; 2], x: &[F], y: &mut [F], at: &mut [F]) {
    for (t, (y, at)) in y.chunks_exact_mut(cols.output()).zip(at.chunks_exact_mut(cols.output())).enumerate() {
        for (u, (y, at)) in y.iter_mut().zip(at).enumerate() {
            let mut best: Option<(usize, F)> = None;
            for (i, row) in seen(rows, t) {
                for (j, col) in seen(cols, u) {
                    let x = x[row * cols.input + col];
                    if best.is_none_or(|(_, largest)| x > largest || x.is_nan()) {
                        best = Some((i * cols.input + j, x));
                    }
                }
            }
            let (far, largest) = best.expect("a window sees at least one place");
            (*y, *at) = (largest, F::of(far as f64));
        }
    }
}

simd! {
    fn max_of_four<F: Real>(width: usize, out: usize, x: &[F], y: &mut [F], at: &mut [F]) {
        match out {
            8.. => max_in_blocks::<F, 8>(width, out, x, y, at),
            4.. => max_in_blocks::<F, 4>(width, out, x, y, at),
            _ => max_in_blocks::<F, 1>(width, out, x, y, at),
        }
    }
}

#[inline(always)]
fn max_in_blocks<F: Real, const N: usize>(width: usize, out: usize, x: &[F], y: &mut [F], at: &mut [F]) {
    let below = F::of(width as f64);
    for (t, (y, at)) in y.chunks_exact_mut(out).zip(at.chunks_exact_mut(out)).enumerate() {
        let pairs = |row: usize| x[row * width..][..2 * out].as_chunks::<2>().0;
        let (top, bottom) = (pairs(2 * t), pairs(2 * t + 1));
        for u in blocks::<N>(out) {
            let [top, bottom]: [[[F; 2]; N]; 2] = [top, bottom].map(|pairs| block(pairs, u));
            let (mut largest, mut far) = (top.map(|x| x[0]), [F::ZERO; N]);
            for i in 0..N {
                for (place, x) in [(F::ONE, top[i][1]), (below, bottom[i][0]), (below + F::ONE, bottom[i][1])] {
                    let wins = x > largest[i] || x.is_nan();
                    largest[i] = if wins { x } else { largest[i] };
                    far[i] = if wins { place } else { far[i] };
                }
            }
            y[u..][..N].copy_from_slice(&largest);
            at[u..][..N].copy_from_slice(&far);
        }
    }
}

/// Where each `N` of `n` begin; the last ones may be some of them again.
#[inline(always)]
fn blocks<const N: usize>(n: usize) -> impl Iterator<Item = usize> {
    (0..n).step_by(N).map(move |u| u.min(n - N))
}

/// The `N` elements from `u` on.
#[inline(always)]
fn block<T: Copy, const N: usize>(x: &[T], u: usize) -> [T; N] {
    x[u..][..N].try_into().expect("N of them")
}

/// `y[t]` ← what x has where `at` says.
pub fn choose<F: Real>(axes: [Axis; 2], x: &[F], at: &[F], y: &mut [F]) {
    let [from, to] = areas(axes);
    let work = x.par_chunks_exact(from).zip(at.par_chunks_exact(to)).zip(y.par_chunks_exact_mut(to));
    work.with_min_len(planes(from, 2 * to)).for_each(|((x, at), y)| {
        each(axes, at, |t, place| y[t] = x[place]);
    });
}

/// gx ← each g added where `at` says, in the order of g; 0 elsewhere.
pub fn unchoose<F: Real>(axes: [Axis; 2], g: &[F], at: &[F], gx: &mut [F]) {
    let [from, to] = areas(axes);
    let work = g.par_chunks_exact(to).zip(at.par_chunks_exact(to)).zip(gx.par_chunks_exact_mut(from));
    work.with_min_len(planes(from, 2 * to)).for_each(|((g, at), gx)| match halves(axes) {
        true => to_one_of_four(axes[1].input, axes[1].output(), g, at, gx),
        false => {
            gx.fill(F::ZERO);
            each(axes, at, |t, place| gx[place] += g[t]);
        }
    });
}

simd! {
    fn to_one_of_four<F: Real>(width: usize, out: usize, g: &[F], at: &[F], gx: &mut [F]) {
        match out {
            8.. => to_one_in_blocks::<F, 8>(width, out, g, at, gx),
            4.. => to_one_in_blocks::<F, 4>(width, out, g, at, gx),
            _ => to_one_in_blocks::<F, 1>(width, out, g, at, gx),
        }
    }
}

#[inline(always)]
fn to_one_in_blocks<F: Real, const N: usize>(width: usize, out: usize, g: &[F], at: &[F], gx: &mut [F]) {
    let below = F::of(width as f64);
    // No window sees the last line of an odd image.
    let (seen, unseen) = gx.split_at_mut(g.len() / out * 2 * width);
    unseen.fill(F::ZERO);
    for ((g, at), gx) in g.chunks_exact(out).zip(at.chunks_exact(out)).zip(seen.chunks_exact_mut(2 * width)) {
        for (line, left) in gx.chunks_exact_mut(width).zip([F::ZERO, below]) {
            for u in blocks::<N>(out) {
                let (g, at): ([F; N], [F; N]) = (block(g, u), block(at, u));
                let given = |i: usize, place: F| if at[i] == place { g[i] } else { F::ZERO };
                let pairs: [[F; 2]; N] = std::array::from_fn(|i| [given(i, left), given(i, left + F::ONE)]);
                line[2 * u..][..2 * N].copy_from_slice(pairs.as_flattened());
            }
            line[2 * out..].fill(F::ZERO);
        }
    }
}

/// Calls `f` with each output and the place in the image that `at` says.
#[inline(always)]
fn each<F: Real>([rows, cols]: [Axis; 2], at: &[F], mut f: impl FnMut(usize, usize)) {
    let width = cols.output();
    for (t, line) in at.chunks_exact(width).enumerate() {
        let row = (t * rows.stride).wrapping_sub(rows.padding).wrapping_mul(cols.input).wrapping_sub(cols.padding);
        for (u, at) in line.iter().enumerate() {
            f(t * width + u, row.wrapping_add(u * cols.stride).wrapping_add(at.f64() as usize));
        }
    }
}

/// The mean of what each window sees, zeros around the image included.
pub fn mean<F: Real>(axes: [Axis; 2], x: &[F], y: &mut [F]) {
    let ([rows, cols], [from, to]) = (axes, areas(axes));
    let share = F::of(1.0 / (rows.kernel * cols.kernel) as f64);
    x.par_chunks_exact(from).zip(y.par_chunks_exact_mut(to)).with_min_len(planes(from, to)).for_each(|(x, y)| {
        for (t, y) in y.iter_mut().enumerate() {
            let mut sum = F::ZERO;
            for (_, row) in seen(rows, t / cols.output()) {
                seen(cols, t % cols.output()).for_each(|(_, col)| sum += x[row * cols.input + col]);
            }
            *y = sum * share;
        }
    });
}

/// gx ← each g's share, added to all that its window sees.
pub fn spread<F: Real>(axes: [Axis; 2], g: &[F], gx: &mut [F]) {
    let ([rows, cols], [from, to]) = (axes, areas(axes));
    let share = F::of(1.0 / (rows.kernel * cols.kernel) as f64);
    g.par_chunks_exact(to).zip(gx.par_chunks_exact_mut(from)).with_min_len(planes(from, to)).for_each(|(g, gx)| {
        gx.fill(F::ZERO);
        for (t, g) in g.iter().enumerate() {
            for (_, row) in seen(rows, t / cols.output()) {
                seen(cols, t % cols.output()).for_each(|(_, col)| gx[row * cols.input + col] += *g * share);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(n: usize, seed: usize) -> Vec<f32> {
        // Few different ones: there are ties.
        (0..n).map(|i| ((i * 7919 + seed * 104_729) % 7) as f32 - 3.0).collect()
    }

    /// The general forms against windows written out, and the form for 2 × 2 against the general one.
    #[test]
    fn windows_agree_with_their_definition() {
        for (height, width, kernel, stride, padding) in [
            (4, 4, 2, 2, 0),
            (5, 7, 2, 2, 0),
            (5, 6, 3, 2, 1),
            (6, 5, 3, 1, 1),
            (7, 3, 2, 3, 1),
            (28, 28, 2, 2, 0),
            (3, 40, 2, 2, 0),
        ] {
            let axis = |input| Axis { input, kernel, stride, padding, dilation: 1 };
            let axes = [axis(height), axis(width)];
            let ([from, to], [oh, ow]) = (areas(axes), axes.map(|a| a.output()));
            let planes = 5;
            let x = numbers(planes * from, 1);
            let [mut y, mut at, mut again, mut means] = [(); 4].map(|()| vec![f32::NAN; planes * to]);
            max(axes, &x, &mut y, &mut at);
            choose(axes, &x, &at, &mut again);
            assert_eq!(y, again);
            mean(axes, &x, &mut means);
            let g = numbers(planes * to, 2);
            let [mut gx, mut gm] = [(); 2].map(|()| vec![f32::NAN; planes * from]);
            unchoose(axes, &g, &at, &mut gx);
            spread(axes, &g, &mut gm);
            let (mut expected, mut expected_mean) = (vec![0.0; gx.len()], vec![0.0; gx.len()]);
            for (p, t, u) in (0..planes).flat_map(|p| (0..oh).flat_map(move |t| (0..ow).map(move |u| (p, t, u)))) {
                let out = p * to + t * ow + u;
                let (mut largest, mut place, mut sum) = (f32::NEG_INFINITY, None, 0.0);
                for (i, j) in (0..kernel).flat_map(|i| (0..kernel).map(move |j| (i, j))) {
                    let (row, col) = (t * stride + i, u * stride + j);
                    if row < padding || col < padding || row - padding >= height || col - padding >= width {
                        continue;
                    }
                    let at = p * from + (row - padding) * width + col - padding;
                    sum += x[at];
                    expected_mean[at] += g[out] / (kernel * kernel) as f32;
                    if x[at] > largest {
                        (largest, place) = (x[at], Some(at));
                    }
                }
                assert_eq!(y[out], largest);
                expected[place.unwrap()] += g[out];
                assert!((means[out] - sum / (kernel * kernel) as f32).abs() < 1e-6);
            }
            assert_eq!(gx, expected, "{axes:?}");
            assert!(gm.iter().zip(&expected_mean).all(|(a, b)| (a - b).abs() < 1e-5));
        }
    }

    #[test]
    fn a_window_that_sees_nan_gives_nan() {
        let axis = |kernel| Axis { input: 4, kernel, stride: kernel, padding: 0, dilation: 1 };
        for axes in [[axis(2), axis(2)], [axis(1), axis(4)]] {
            for bad in 0..16 {
                let mut x = numbers(16, 1);
                x[bad] = f32::NAN;
                let [mut y, mut at] = [(); 2].map(|()| vec![0.0; 4]);
                max(axes, &x, &mut y, &mut at);
                assert_eq!(y.iter().filter(|y| y.is_nan()).count(), 1, "{bad}");
            }
        }
    }
}
