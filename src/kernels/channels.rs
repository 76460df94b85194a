//! Images by channel: sums over all that a channel has, in an order that depends on the shape alone; and formulas with numbers of
//! each channel.

use super::Real;
use super::reduce::{LANES, folded};
use super::simd::simd;
use rayon::prelude::*;
use std::array::from_fn;

/// The extents of images `[batch][channels][places]`; a vector for each of the batch has one place.
#[derive(Clone, Copy, Debug)]
pub struct Extents {
    /// Images.
    pub batch: usize,
    /// Channels of an image.
    pub channels: usize,
    /// Numbers of a channel.
    pub places: usize,
}

/// Numbers that a task reads of each argument, at least.
const GRAIN: usize = 1 << 14;

/// A number of `N` arguments at a place and of `M` of its channel.
pub trait Formula<F, const N: usize, const M: usize>: Fn([F; N], [F; M]) -> F + Sync {}
impl<F, const N: usize, const M: usize, T: Fn([F; N], [F; M]) -> F + Sync> Formula<F, N, M> for T {}

/// `y[c] = Σ f(x[b, c, i], p[c])` over images b and places i: lane l adds the places l, l + 16, l + 32, … of all images.
///
/// # Panics
/// When lengths differ.
pub fn sum<F: Real, const N: usize, const M: usize>(
    f: &impl Formula<F, N, M>,
    extents: Extents,
    x: [&[F]; N],
    p: [&[F]; M],
    y: &mut [F],
) {
    check(extents, x, p);
    assert_eq!(y.len(), extents.channels, "channels: one sum for each");
    let mut owned = GRAIN.div_ceil((extents.batch * extents.places).max(1));
    if extents.places == 1 {
        // Whole cache lines of a row.
        owned = owned.next_multiple_of(LANES);
    }
    y.par_chunks_mut(owned).enumerate().for_each(|(i, y)| sum_some(f, extents, i * owned, x, p, y));
}

simd! {
    /// The sums of the channels from `first` on.
    fn sum_some<F: Real, T: Formula<F, N, M>, const N: usize, const M: usize>(
        f: &T, extents: Extents, first: usize, x: [&[F]; N], p: [&[F]; M], y: &mut [F],
    ) {
        let Extents { batch, channels, places } = extents;
        let owned = y.len();
        let p = p.map(|p| &p[first..][..owned]);
        if places == 1 {
            y.fill(F::ZERO);
            for b in 0..batch {
                let x = x.map(|x| &x[b * channels + first..][..owned]);
                for c in 0..owned {
                    y[c] += f(from_fn(|k| x[k][c]), from_fn(|k| p[k][c]));
                }
            }
            return;
        }
        for c in 0..owned {
            let p = from_fn(|k| p[k][c]);
            let mut lanes = [F::ZERO; LANES];
            for b in 0..batch {
                let x = x.map(|x| x[(b * channels + first + c) * places..][..places].as_chunks::<LANES>());
                for i in 0..places / LANES {
                    let x = x.map(|x| x.0[i]);
                    for l in 0..LANES {
                        lanes[l] += f(from_fn(|k| x[k][l]), p);
                    }
                }
                for (l, sum) in lanes.iter_mut().enumerate().take(places % LANES) {
                    *sum += f(from_fn(|k| x[k].1[l]), p);
                }
            }
            y[c] = folded(lanes);
        }
    }
}

/// `y[b, c, i] = f(x[b, c, i], p[c])`.
///
/// # Panics
/// When lengths differ.
pub fn map<F: Real, const N: usize, const M: usize>(
    f: &impl Formula<F, N, M>,
    extents: Extents,
    x: [&[F]; N],
    p: [&[F]; M],
    y: &mut [F],
) {
    check(extents, x, p);
    assert_eq!(y.len(), extents.size(), "channels: the numbers of the result");
    let image = extents.channels * extents.places;
    let part = (GRAIN.div_ceil(image.max(1)) * image).max(1);
    y.par_chunks_mut(part).enumerate().for_each(|(i, y)| {
        let x = x.map(|x| &x[i * part..][..y.len()]);
        map_some(f, extents, x, p, y);
    });
}

simd! {
    /// The results of some whole images.
    fn map_some<F: Real, T: Formula<F, N, M>, const N: usize, const M: usize>(
        f: &T, extents: Extents, x: [&[F]; N], p: [&[F]; M], y: &mut [F],
    ) {
        let Extents { channels, places, .. } = extents;
        let p = p.map(|p| &p[..channels]);
        for (b, y) in y.chunks_exact_mut(channels * places).enumerate() {
            let n = y.len();
            let x = x.map(|x| &x[b * n..][..n]);
            if places == 1 {
                let y = &mut y[..channels];
                let x = x.map(|x| &x[..channels]);
                for c in 0..channels {
                    y[c] = f(from_fn(|k| x[k][c]), from_fn(|k| p[k][c]));
                }
                continue;
            }
            for (c, y) in y.chunks_exact_mut(places).enumerate() {
                let x = x.map(|x| &x[c * places..][..places]);
                let p = from_fn(|k| p[k][c]);
                for i in 0..places {
                    y[i] = f(from_fn(|k| x[k][i]), p);
                }
            }
        }
    }
}

impl Extents {
    /// All numbers.
    pub fn size(&self) -> usize {
        self.batch * self.channels * self.places
    }
}

fn check<F, const N: usize, const M: usize>(extents: Extents, x: [&[F]; N], p: [&[F]; M]) {
    assert!(x.iter().all(|x| x.len() == extents.size()), "channels: the numbers of the images");
    assert!(p.iter().all(|p| p.len() == extents.channels), "channels: one number for each");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::simd::same_everywhere;

    fn awkward(n: usize, step: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * step % 1013) as f32 - 506.0) * 1.7e-3).collect()
    }

    const SHAPES: [Extents; 5] = [
        Extents { batch: 37, channels: 5, places: 49 },
        Extents { batch: 3, channels: 70, places: 16 },
        Extents { batch: 2, channels: 3, places: 9001 },
        Extents { batch: 128, channels: 301, places: 1 },
        Extents { batch: 0, channels: 4, places: 7 },
    ];

    #[test]
    fn sums_and_maps_are_what_their_formula_says() {
        for e in SHAPES {
            let (x, z, p) = (awkward(e.size(), 7919), awkward(e.size(), 641), awkward(e.channels, 331));
            let (mut sums, mut y) = (vec![f32::NAN; e.channels], vec![f32::NAN; e.size()]);
            let f = |[x, z]: [f32; 2], [p]: [f32; 1]| x * (z - p);
            sum(&f, e, [&x, &z], [&p], &mut sums);
            map(&f, e, [&x, &z], [&p], &mut y);
            let mut exact = vec![0.0; e.channels];
            for (i, y) in y.into_iter().enumerate() {
                let c = i / e.places % e.channels;
                assert_eq!(y, f([x[i], z[i]], [p[c]]));
                exact[c] += f64::from(y);
            }
            for (sum, exact) in sums.into_iter().zip(exact) {
                assert!((f64::from(sum) - exact).abs() <= 1e-5 * (e.batch * e.places) as f64, "{e:?}: {sum} {exact}");
            }
        }
    }

    #[test]
    fn sums_have_the_same_bits_on_any_threads_and_path() {
        let run = || {
            let sums = SHAPES.map(|e| {
                let mut y = vec![0.0; e.channels];
                sum(&|[x], [p]| x * p, e, [&awkward(e.size(), 7919)], [&awkward(e.channels, 331)], &mut y);
                y.into_iter().map(f32::to_bits).collect::<Vec<_>>()
            });
            sums.concat()
        };
        same_everywhere(run);
    }
}
