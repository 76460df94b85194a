//! The definitions: loops, in the order of additions that the fast forms have. For tests.

use super::{Geometry, PARTS, Real};

/// Calls `f` with the places in (x, w, y), in the order b, o, y, x, c, i, j; no place in x where the window sees a zero around it.
fn each(g: &Geometry, mut f: impl FnMut(usize, Option<usize>, usize, usize)) {
    let ([channels, outputs], [down, across]) = (g.channels(), g.axes);
    let (oh, ow) = (down.output(), across.output());
    for (b, o) in (0..g.batch).flat_map(|b| (0..g.outputs).map(move |o| (b, o))) {
        for (y, x) in (0..oh).flat_map(|y| (0..ow).map(move |x| (y, x))) {
            for c in 0..channels {
                for (i, j) in (0..down.kernel).flat_map(|i| (0..across.kernel).map(move |j| (i, j))) {
                    let row = (y * down.stride + i * down.dilation).checked_sub(down.padding);
                    let col = (x * across.stride + j * across.dilation).checked_sub(across.padding);
                    let inside = |row: &usize, col: &usize| *row < down.input && *col < across.input;
                    let place = row.zip(col).filter(|(row, col)| inside(row, col)).map(|(row, col)| {
                        ((b * g.inputs + o / outputs * channels + c) * down.input + row) * across.input + col
                    });
                    let weight = ((o * channels + c) * down.kernel + i) * across.kernel + j;
                    f(b, place, weight, ((b * g.outputs + o) * oh + y) * ow + x);
                }
            }
        }
    }
}

/// y ← the bias of its channel, or 0, for so many planes in all.
fn start<F: Real>(planes: usize, bias: Option<&[F]>, y: &mut [F]) {
    let size = y.len() / planes.max(1);
    y.iter_mut().enumerate().for_each(|(i, y)| *y = bias.map_or(F::ZERO, |bias| bias[i / size % bias.len()]));
}

/// As [`conv`](super::conv).
pub fn conv<F: Real>(g: &Geometry, x: &[F], w: &[F], bias: Option<&[F]>, y: &mut [F]) {
    start(g.batch * g.outputs, bias, y);
    each(g, |_, place, weight, out| y[out] = w[weight].mul_add(place.map_or(F::ZERO, |p| x[p]), y[out]));
}

/// As [`input_adjoint`](super::input_adjoint).
pub fn input_adjoint<F: Real>(geometry: &Geometry, g: &[F], w: &[F], bias: Option<&[F]>, gx: &mut [F]) {
    start(geometry.batch * geometry.inputs, bias, gx);
    // In the order of (o, i, j) for each place of x.
    let mut terms = Vec::new();
    each(geometry, |_, place, weight, out| terms.extend(place.map(|place| (place, weight, out))));
    terms.sort_unstable();
    terms.into_iter().for_each(|(place, weight, out)| gx[place] = w[weight].mul_add(g[out], gx[place]));
}

/// As [`weight_adjoint`](super::weight_adjoint).
pub fn weight_adjoint<F: Real>(geometry: &Geometry, g: &[F], x: &[F], gw: &mut [F]) {
    let images = geometry.batch.div_ceil(PARTS).max(1);
    let mut parts = vec![vec![F::ZERO; gw.len()]; geometry.batch.div_ceil(images)];
    each(geometry, |b, place, weight, out| {
        let sum = &mut parts[b / images][weight];
        *sum = place.map_or(F::ZERO, |place| x[place]).mul_add(g[out], *sum);
    });
    gw.fill(F::ZERO);
    parts.iter().for_each(|part| gw.iter_mut().zip(part).for_each(|(gw, part)| *gw += *part));
}
