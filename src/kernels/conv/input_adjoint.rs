//! The input adjoint: one convolution of g for each remainder of a place by the stride.

use super::{Axis, Geometry, Padded, Spread, Strips, Sweep, apart, place};
use crate::kernels::Real;
use crate::kernels::gemm::Scratch;

/// An input adjoint along an axis, for the places of x whose distance to the window's first place leaves a remainder: output t there is
/// Σ w[i] g[before + t − i d / s] over the [taps that fall on it](seen).
struct Remainder {
    before: usize,
    outputs: Spread,
}

fn remainder(axis: Axis, phase: usize) -> Remainder {
    let before = axis.padding.saturating_sub(phase).div_ceil(axis.stride);
    let first = before * axis.stride + phase - axis.padding;
    let n = axis.input.saturating_sub(first).div_ceil(axis.stride);
    Remainder { before, outputs: Spread { extent: axis.input, first, step: axis.stride, n } }
}

/// The taps that fall on a remainder.
fn seen(axis: Axis, phase: usize) -> impl Iterator<Item = usize> + Clone {
    (0..axis.kernel).filter(move |i| i * axis.dilation % axis.stride == phase)
}

/// Planes of g that hold what all remainders see.
fn all_remainders(axis: Axis) -> Padded {
    let all = || (0..axis.stride).map(|phase| (phase, remainder(axis, phase)));
    let furthest = |phase| seen(axis, phase).last().map_or(0, |i| i * axis.dilation / axis.stride);
    let shift =
        all().map(|(phase, r)| furthest(phase) as isize - r.before as isize).max().expect("a stride of 1 or more");
    let end = all().map(|(_, r)| r.before + r.outputs.n).max().expect("a stride of 1 or more");
    Padded { input: axis.output(), shift, phases: 1, len: (end as isize + shift) as usize }
}

/// gx ← bias + the gradient in x of Σ g · (x ∗ w): a transposed convolution of g `[B, O, …]` to `[B, C, H, W]`; the bias of `[C]`
/// starts each sum.
///
/// # Panics
/// When the extents do not fit.
pub fn input_adjoint<F: Real>(
    geometry: &Geometry,
    g: &[F],
    w: &[F],
    bias: Option<&[F]>,
    gx: &mut [F],
    scratch: &mut Scratch<F>,
) {
    geometry.check(gx.len(), w.len(), g.len());
    if let Some(bias) = bias {
        assert_eq!(bias.len(), geometry.inputs, "conv: the bias' length");
    }
    if gx.is_empty() {
        return;
    }
    if g.is_empty() {
        let plane = geometry.axes.iter().map(|axis| axis.input).product();
        let planes = gx.chunks_exact_mut(plane).enumerate();
        return planes.for_each(|(c, gx)| gx.fill(bias.map_or(F::ZERO, |bias| bias[c % bias.len()])));
    }
    let ([channels, outputs], [down, across]) = (geometry.channels(), geometry.axes);
    let planes = geometry.axes.map(all_remainders);
    // Once: whoever changes the path meanwhile does not change it in the middle.
    let kernel = F::kernel();
    let sweeps = down.stride * across.stride;
    let phases = |k: usize| (k / across.stride, k % across.stride);
    let pairs = |k: usize| {
        let (p, q) = phases(k);
        seen(down, p).flat_map(move |i| seen(across, q).map(move |j| (i, j)))
    };
    let mut places = scratch.take_places();
    let mut columns = 0;
    for k in 0..sweeps {
        let (rows, cols) = (remainder(down, phases(k).0), remainder(across, phases(k).1));
        columns = columns.max(Strips::columns(&kernel, [rows.outputs, cols.outputs], planes));
        let along = |r: &Remainder, plane: Padded, axis: Axis, i: usize| {
            ((r.before as isize + plane.shift) as usize).wrapping_sub(i * axis.dilation / axis.stride)
        };
        for o in 0..outputs {
            let tap = |(i, j)| along(&rows, planes[0], down, i) * planes[1].len + along(&cols, planes[1], across, j);
            // A remainder without outputs has taps, but no use for them.
            let is_empty = rows.outputs.n * cols.outputs.n == 0;
            places.extend(pairs(k).map(|pair| if is_empty { 0 } else { place(o * apart(planes) + tap(pair)) }));
        }
    }
    let strips = Strips {
        kernel,
        batch: geometry.batch,
        groups: geometry.groups,
        channels: outputs,
        rows: channels,
        planes,
        columns,
    };
    // The weights of each sweep, turned to [input channel][output channel][tap].
    let window = down.kernel * across.kernel;
    let room = scratch.take(geometry.inputs * places.len() + strips.room());
    let (turned, room) = room.split_at_mut(geometry.inputs * places.len());
    let mut next = turned.iter_mut();
    for k in 0..sweeps {
        let taps: Vec<usize> = pairs(k).map(|(i, j)| i * across.kernel + j).collect();
        for (group, c) in (0..geometry.groups).flat_map(|group| (0..channels).map(move |c| (group, c))) {
            for o in 0..outputs {
                let w = &w[((group * outputs + o) * channels + c) * window..][..window];
                taps.iter().zip(next.by_ref()).for_each(|(&tap, a)| *a = w[tap]);
            }
        }
    }
    let (turned, taps) = (&*turned, &places);
    let sweep = |k: usize| {
        let count = |k: usize| outputs * pairs(k).count();
        let first: usize = (0..k).map(count).sum();
        let (n, (p, q)) = (count(k), phases(k));
        Sweep {
            a: &turned[geometry.inputs * first..][..geometry.inputs * n],
            taps: &taps[first..][..n],
            outputs: [remainder(down, p).outputs, remainder(across, q).outputs],
        }
    };
    strips.run(g, (sweeps, sweep), bias, gx, room);
    scratch.give_places(places);
}
