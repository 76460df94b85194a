//! Convolution of images with windows of weights, and its two adjoints.
//!
//! y[b, o, y, x] = Σ w[o, c, i, j] · x[b, c, y s + i d − p, x s + j d − p] is a matrix product: w, as one row for each o, times a matrix
//! whose row (c, i, j) holds what tap (i, j) of the window sees in channel c, one column for each place of the window. That matrix is
//! `kernel²` times the image, and is never made. An image is copied into planes with zeros around it, as wide as they are apart; in
//! them neighbouring places of the window see neighbouring numbers, and row (c, i, j) is the plane of c itself, from the tap's place
//! on. So the product's micro-kernel reads each row of B where it lies. A column of it that straddles two lines of the plane is
//! computed and dropped.
//!
//! * A window that moves by s > 1: the planes are split by remainder, s² of them for each channel, and again neighbours are neighbours.
//! * The **input adjoint** gx[c, v] = Σ w[o, c, i] g[o, y] over all y s + i d − p = v (a transposed convolution) is such a convolution
//!   of g, one for each remainder of v + p by s, with the taps that fall on it.
//! * The **weight adjoint** gw[o, c, i, j] = Σ g[b, o, y, x] · x[b, c, …] is the product of the same planes with gᵀ, packed. It sums over
//!   all images: in 8 parts, whatever the number of threads, that are added in order.
//!
//! Threads own images, or parts. Each output is a chain of fused multiply-adds in the order (c, i, j), (o, i, j) or (b, y, x).

#![allow(unsafe_code)]

mod input_adjoint;
pub mod naive;
#[cfg(test)]
mod tests;

pub use input_adjoint::input_adjoint;

use super::Real;
use super::gemm::{Kernel, Matrix, Scratch, Strip, Sums};
use rayon::prelude::*;

/// How a window moves along one axis of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Extent of the image.
    pub input: usize,
    /// Places that the window sees.
    pub kernel: usize,
    /// How far the window moves from one output to the next.
    pub stride: usize,
    /// Zeros before the image, and after it.
    pub padding: usize,
    /// How far apart the places that the window sees are.
    pub dilation: usize,
}

impl Axis {
    /// How many places the window has: ⌊(input + 2 padding − dilation (kernel − 1) − 1) / stride⌋ + 1; 0 where it does not fit.
    pub fn output(&self) -> usize {
        let span = self.dilation * (self.kernel - 1) + 1;
        (self.input + 2 * self.padding).checked_sub(span).map_or(0, |room| room / self.stride + 1)
    }
}

/// The extents of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Images.
    pub batch: usize,
    /// Channels of x in all groups.
    pub inputs: usize,
    /// Channels of y in all groups.
    pub outputs: usize,
    /// Into how many parts the channels are divided, each seeing only its own.
    pub groups: usize,
    /// Rows and columns.
    pub axes: [Axis; 2],
}

impl Geometry {
    /// Channels of x and of y in a group.
    fn channels(&self) -> [usize; 2] {
        [self.inputs / self.groups, self.outputs / self.groups]
    }

    /// Elements of x, w and y.
    fn sizes(&self) -> [usize; 3] {
        let [rows, cols] = self.axes;
        let taps = self.channels()[0] * rows.kernel * cols.kernel;
        [
            self.batch * self.inputs * rows.input * cols.input,
            self.outputs * taps,
            self.batch * self.outputs * rows.output() * cols.output(),
        ]
    }

    /// Multiplications and additions of the convolution, and of each of its adjoints.
    pub fn flops(&self) -> u64 {
        let [_, weights, y] = self.sizes();
        2 * y as u64 * (weights / self.outputs.max(1)) as u64
    }

    fn check(&self, x: usize, w: usize, y: usize) {
        assert_eq!([x, w, y], self.sizes(), "conv: the elements of images, weights and outputs");
    }
}

/// Zeros around an axis: place p of the image is number p + `shift` of `phases` interleaved lines of `len` numbers, if there.
#[derive(Clone, Copy)]
struct Padded {
    input: usize,
    shift: isize,
    phases: usize,
    len: usize,
}

impl Padded {
    /// Of the places of the image that come to line `phase`: the first, how many they are, and which of the line's numbers the first is.
    fn places(&self, phase: usize) -> [usize; 3] {
        let (before, stride) = (self.shift - phase as isize, self.phases as isize);
        let at = (before.max(0) + stride - 1) / stride;
        let end = (self.len as isize * stride - before).clamp(0, self.input as isize);
        let first = (at * stride - before) as usize;
        [first, (end as usize).saturating_sub(first).div_ceil(self.phases), at as usize]
    }
}

/// Numbers from one channel's planes to the next one's: an odd number of cache lines, so that channels of a power of two do not all
/// compete for the same places of the cache.
fn apart([rows, cols]: [Padded; 2]) -> usize {
    const LINE: usize = 16;
    ((rows.phases * rows.len * cols.phases * cols.len).div_ceil(LINE) | 1) * LINE
}

/// Where outputs go along an axis: output t of `n` to place `first` + t `step` of `extent`.
#[derive(Clone, Copy)]
struct Spread {
    extent: usize,
    first: usize,
    step: usize,
    n: usize,
}

/// One convolution of padded planes: weights `[rows][taps]`, where in a plane each tap begins, and where outputs go.
#[derive(Clone, Copy)]
struct Sweep<'a, F> {
    a: &'a [F],
    taps: &'a [u32],
    outputs: [Spread; 2],
}

/// Convolutions of the same planes: the one of a geometry, or one for each remainder of an input adjoint.
struct Strips<F: 'static> {
    kernel: Kernel<F>,
    batch: usize,
    groups: usize,
    /// Channels of the source and rows of A, of a group.
    channels: usize,
    rows: usize,
    planes: [Padded; 2],
    /// Columns of the widest sweep.
    columns: usize,
}

impl<F: Real> Strips<F> {
    /// Columns of a channel's outputs, those between lines included, in whole vectors.
    fn columns(kernel: &Kernel<F>, [rows, cols]: [Spread; 2], planes: [Padded; 2]) -> usize {
        if rows.n * cols.n == 0 {
            return 0;
        }
        ((rows.n - 1) * planes[1].len + cols.n).next_multiple_of(kernel.lanes)
    }

    /// The working memory of a task: the planes of an image, and a group's outputs.
    fn task(&self) -> [usize; 2] {
        // The last vector reads beyond the planes.
        let planes = self.groups * self.channels * apart(self.planes) + self.kernel.lanes;
        [planes, self.rows.next_multiple_of(self.kernel.strip_rows) * self.columns].map(|n| n.next_multiple_of(16))
    }

    /// More tasks than threads share the batch, so that none waits for long.
    fn tasks(&self) -> usize {
        self.batch.min(4 * rayon::current_num_threads())
    }

    /// The working memory of all tasks.
    fn room(&self) -> usize {
        self.tasks() * self.task().iter().sum::<usize>()
    }

    /// Convolves the images, each with `n` sweeps.
    fn run<'a>(
        &self,
        x: &[F],
        (n, sweep): (usize, impl Fn(usize) -> Sweep<'a, F> + Sync),
        bias: Option<&[F]>,
        y: &mut [F],
        room: &mut [F],
    ) {
        let images = self.batch.div_ceil(self.tasks());
        let [from, to] = [x.len(), y.len()].map(|n| n / self.batch);
        let rooms = room.par_chunks_mut(self.task().iter().sum());
        let work = y.par_chunks_mut(images * to).zip(x.par_chunks(images * from)).zip(rooms);
        work.for_each(|((y, x), room)| {
            let (planes, aside) = room.split_at_mut(self.task()[0]);
            planes.fill(F::ZERO);
            for (x, y) in x.chunks_exact(from).zip(y.chunks_exact_mut(to)) {
                pad(x, self.planes, planes);
                for (group, y) in y.chunks_exact_mut(to / self.groups).enumerate() {
                    for sweep in (0..n).map(&sweep) {
                        self.group(group, planes, sweep, bias, aside);
                        self.spread(sweep.outputs, aside, y);
                    }
                }
            }
        });
    }

    /// The outputs of a group, into `aside`.
    fn group(&self, group: usize, planes: &[F], sweep: Sweep<F>, bias: Option<&[F]>, aside: &mut [F]) {
        let (columns, rows) =
            (Self::columns(&self.kernel, sweep.outputs, self.planes), group * self.rows..(group + 1) * self.rows);
        let a = &sweep.a[rows.start * sweep.taps.len()..rows.end * sweep.taps.len()];
        let starts = bias.map(|bias| &bias[rows]);
        let planes = &planes[group * self.channels * apart(self.planes)..];
        let strip = Strip { a, rows: self.rows, b: planes, taps: sweep.taps, columns, starts };
        // SAFETY: the kernel is the one of the path in use.
        unsafe { (self.kernel.strip)(&strip, aside, columns) };
    }

    /// Moves outputs where they belong; what stands between lines is dropped.
    fn spread(&self, [rows, cols]: [Spread; 2], aside: &[F], y: &mut [F]) {
        let (pitch, columns) = (self.planes[1].len, Self::columns(&self.kernel, [rows, cols], self.planes));
        if columns == 0 {
            return;
        }
        for (aside, y) in aside.chunks_exact(columns).zip(y.chunks_exact_mut(rows.extent * cols.extent)) {
            for t in 0..rows.n {
                let line = &aside[t * pitch..][..cols.n];
                let y = &mut y[(rows.first + t * rows.step) * cols.extent + cols.first..];
                match cols.step {
                    1 => y[..cols.n].copy_from_slice(line),
                    step => line.iter().enumerate().for_each(|(i, x)| y[i * step] = *x),
                }
            }
        }
    }
}

/// Copies the channels of an image into their planes: `[c][row phase][column phase][row][column]`. The zeros are there.
fn pad<F: Real>(x: &[F], [rows, cols]: [Padded; 2], planes: &mut [F]) {
    let (plane, line) = (rows.len * cols.len, cols.len);
    for (p, q) in (0..rows.phases).flat_map(|p| (0..cols.phases).map(move |q| (p, q))) {
        // Worked out once for all channels: lines are short, and a division takes as long as half a line.
        let ([top, height, down], [left, width, across]) = (rows.places(p), cols.places(q));
        if height * width == 0 {
            continue;
        }
        let channels = planes.chunks_exact_mut(apart([rows, cols])).zip(x.chunks_exact(rows.input * cols.input));
        for (channel, x) in channels {
            let y = &mut channel[(p * cols.phases + q) * plane..][..plane];
            for i in 0..height {
                let x = &x[(top + i * rows.phases) * cols.input + left..];
                let y = &mut y[(down + i) * line + across..][..width];
                match cols.phases {
                    1 => y.copy_from_slice(&x[..width]),
                    step => y.iter_mut().enumerate().for_each(|(j, y)| *y = x[j * step]),
                }
            }
        }
    }
}

/// The planes in which a window's next place sees the next number.
fn planes(axis: Axis) -> Padded {
    let span = (axis.output() - 1) * axis.stride + axis.dilation * (axis.kernel - 1) + 1;
    let (shift, phases) = (axis.padding as isize, axis.stride);
    Padded { input: axis.input, shift, phases, len: span.div_ceil(phases) }
}

/// Where in these planes each tap (c, i, j) begins.
fn taps(geometry: &Geometry, [rows, cols]: [Padded; 2], taps: &mut Vec<u32>) {
    let [down, across] = geometry.axes;
    for c in 0..geometry.channels()[0] {
        for i in (0..down.kernel).map(|i| i * down.dilation) {
            for j in (0..across.kernel).map(|j| j * across.dilation) {
                let plane = (i % rows.phases * cols.phases + j % cols.phases) * rows.len + i / rows.phases;
                taps.push(place(c * apart([rows, cols]) + plane * cols.len + j / cols.phases));
            }
        }
    }
}

fn place(n: usize) -> u32 {
    u32::try_from(n).expect("conv: an image of less than 2^32 numbers")
}

/// y ← bias + x ∗ w: x `[B, C, H, W]`, w `[O, C/groups, kernel, kernel]`, y `[B, O, …]`; the bias starts each sum.
///
/// # Panics
/// When the extents do not fit.
pub fn conv<F: Real>(g: &Geometry, x: &[F], w: &[F], bias: Option<&[F]>, y: &mut [F], scratch: &mut Scratch<F>) {
    g.check(x.len(), w.len(), y.len());
    if y.is_empty() {
        return;
    }
    let mut places = scratch.take_places();
    let planes = g.axes.map(planes);
    taps(g, planes, &mut places);
    let [channels, rows] = g.channels();
    let outputs = g.axes.map(|axis| Spread { extent: axis.output(), first: 0, step: 1, n: axis.output() });
    let kernel = F::kernel();
    let columns = Strips::columns(&kernel, outputs, planes);
    let strips = Strips { kernel, batch: g.batch, groups: g.groups, channels, rows, planes, columns };
    let sweep = Sweep { a: w, taps: &places, outputs };
    strips.run(x, (1, |_| sweep), bias, y, scratch.take(strips.room()));
    scratch.give_places(places);
}

/// Parts of the batch that a weight adjoint adds up, at most.
const PARTS: usize = 8;

/// gw ← the gradient in w of Σ g · (x ∗ w).
///
/// # Panics
/// When the extents do not fit.
pub fn weight_adjoint<F: Real>(geometry: &Geometry, g: &[F], x: &[F], gw: &mut [F], scratch: &mut Scratch<F>) {
    geometry.check(x.len(), gw.len(), g.len());
    if gw.is_empty() || g.is_empty() {
        return gw.fill(F::ZERO);
    }
    let (kernel, groups, [channels, outputs]) = (F::kernel(), geometry.groups, geometry.channels());
    let mut places = scratch.take_places();
    let padded = geometry.axes.map(planes);
    taps(geometry, padded, &mut places);
    let k = places.len();
    let [down, across] = geometry.axes.map(|axis| axis.output());
    places.extend((0..down).flat_map(|y| (0..across).map(move |x| place(y * padded[1].len + x))));
    let (taps, steps) = places.split_at(k);

    let plane = apart(padded);
    let width = outputs.next_multiple_of(kernel.nr);
    let rooms =
        [groups * channels * plane, steps.len() * kernel.nr, groups * k.next_multiple_of(kernel.sum_rows) * width];
    let rooms = rooms.map(|n| n.next_multiple_of(16));
    let images = geometry.batch.div_ceil(PARTS);
    let parts = geometry.batch.div_ceil(images);
    let room = scratch.take(parts * rooms.iter().sum::<usize>());
    let [from, to] = [x.len(), g.len()].map(|n| n / geometry.batch);

    let work = room.par_chunks_mut(rooms.iter().sum()).zip(x.par_chunks(images * from)).zip(g.par_chunks(images * to));
    work.for_each(|((room, x), g)| {
        let (planes, room) = room.split_at_mut(rooms[0]);
        let (packed, sums) = room.split_at_mut(rooms[1]);
        planes.fill(F::ZERO);
        sums.fill(F::ZERO);
        for (x, g) in x.chunks_exact(from).zip(g.chunks_exact(to)) {
            pad(x, padded, planes);
            for group in 0..groups {
                let g = Matrix::new(&g[group * to / groups..][..to / groups], outputs, steps.len()).t();
                let sums = &mut sums[group * k.next_multiple_of(kernel.sum_rows) * width..];
                for panel in 0..width / kernel.nr {
                    let packed = &mut packed[..steps.len() * kernel.nr];
                    let a = &planes[group * channels * plane..];
                    // SAFETY: the kernel is the one of the path in use.
                    unsafe {
                        (kernel.pack)(g, panel, packed);
                        let part = Sums { a, rows: taps, steps, packed };
                        (kernel.accumulate)(&part, &mut sums[panel * kernel.nr..], width);
                    }
                }
            }
        }
    });
    gw.fill(F::ZERO);
    for part in room.chunks_exact(rooms.iter().sum()) {
        for (group, gw) in gw.chunks_exact_mut(outputs * k).enumerate() {
            let sums = &part[rooms[0] + rooms[1] + group * k.next_multiple_of(kernel.sum_rows) * width..];
            for (o, gw) in gw.chunks_exact_mut(k).enumerate() {
                gw.iter_mut().enumerate().for_each(|(p, gw)| *gw += sums[p * width + o]);
            }
        }
    }
    scratch.give_places(places);
}
