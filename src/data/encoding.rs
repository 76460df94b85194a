//! From bytes to the numbers a model is shown.

use crate::kernels::Real;
use crate::kernels::elementwise::map_bytes;
use crate::rng::Stream;
use serde::{Deserialize, Serialize};

/// How a grey pixel becomes a number.
///
/// A Bernoulli decoder is a likelihood of zeros and ones only. [`Threshold`](Self::Threshold) makes such data once and
/// for all; [`Dynamic`](Self::Dynamic) draws them anew each epoch (Salakhutdinov and Murray, *On the quantitative
/// analysis of deep belief networks*, ICML 2008), which also keeps the model from learning single images by heart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// 1 from byte 128 on, else 0.
    #[default]
    Threshold,
    /// 1 with probability byte / 255, else 0.
    Dynamic,
    /// byte / 255, between 0 and 1. Older runs call it `none`.
    #[serde(alias = "none")]
    Grey,
}

impl Encoding {
    /// Writes one image. [`Dynamic`](Self::Dynamic) draws from the stream of `noise()`, which should be the image's own, so that
    /// what is drawn does not depend on the batch it is in; the other two do not ask for it.
    ///
    /// # Panics
    /// When `pixels` and `out` differ in length.
    pub fn write<F: Real>(self, pixels: &[u8], noise: impl FnOnce() -> Stream, out: &mut [F]) {
        assert_eq!(pixels.len(), out.len(), "one number for each pixel");
        let one_if = |yes| if yes { F::ONE } else { F::ZERO };
        match self {
            Encoding::Threshold => map_bytes(|byte| one_if(byte >= 128), pixels, out),
            Encoding::Dynamic => {
                let mut stream = noise();
                for (x, bytes) in out.chunks_mut(4).zip(pixels.chunks(4)) {
                    let draws = four_below_255(&mut stream);
                    for ((x, &byte), draw) in x.iter_mut().zip(bytes).zip(draws) {
                        *x = one_if(draw < byte);
                    }
                }
            }
            Encoding::Grey => {
                let white = F::of(255.0);
                map_bytes(|byte| F::of(f64::from(byte)) / white, pixels, out);
            }
        }
    }
}

/// Four independent numbers, uniform in 0..255: the digits to base 255 of a word below 255⁴, which 98 % of words are.
fn four_below_255(stream: &mut Stream) -> [u8; 4] {
    loop {
        let mut word = stream.next_u32();
        if word < 255u32.pow(4) {
            return std::array::from_fn(|_| {
                let digit = word % 255;
                word /= 255;
                digit as u8
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;

    fn written(how: Encoding, pixels: &[u8], epoch: u64, index: usize) -> Vec<f32> {
        let mut out = vec![f32::NAN; pixels.len()];
        how.write(pixels, || Stream::new(1, Purpose::Binarise, epoch, index as u64), &mut out);
        out
    }

    #[test]
    fn the_threshold_lies_between_127_and_128() {
        assert_eq!(written(Encoding::Threshold, &[0, 127, 128, 255], 0, 0), [0.0, 0.0, 1.0, 1.0]);
    }

    #[test]
    fn grey_pixels_are_bytes_over_255() {
        assert_eq!(written(Encoding::Grey, &[0, 51, 128, 255], 0, 0), [0.0, 0.2, 128.0 / 255.0, 1.0]);
    }

    #[test]
    fn older_runs_call_grey_none() {
        let read = |name: &str| serde_json::from_str::<Encoding>(name).unwrap();
        assert_eq!((read("\"none\""), read("\"grey\"")), (Encoding::Grey, Encoding::Grey));
        assert_eq!(serde_json::to_string(&Encoding::Grey).unwrap(), "\"grey\"");
    }

    #[test]
    fn dynamic_pixels_are_one_with_probability_byte_over_255() {
        let n = 100_003; // not a multiple of four
        for byte in [0, 1, 64, 128, 254, 255] {
            let x = written(Encoding::Dynamic, &vec![byte; n], 0, usize::from(byte));
            assert!(x.iter().all(|&x| x == 0.0 || x == 1.0));
            let (ones, p) = (x.iter().sum::<f32>() as f64, f64::from(byte) / 255.0);
            // Five standard deviations; exact at 0 and 255.
            assert!((ones - p * n as f64).abs() <= 5.0 * f64::sqrt(n as f64 * p * (1.0 - p)), "byte {byte}: {ones}");
        }
    }

    #[test]
    fn neighbouring_pixels_are_drawn_independently() {
        let x = written(Encoding::Dynamic, &[51; 400_000], 0, 0);
        for lag in 1..4 {
            let both = x.chunks_exact(4).filter(|four| four[0] + four[lag] == 2.0).count() as f64;
            assert!((both - 4_000.0).abs() < 5.0 * f64::sqrt(4_000.0), "lag {lag}: {both} of 100000, not 1 in 25");
        }
    }

    #[test]
    fn a_draw_depends_on_its_stream_alone() {
        let grey = [128; 784];
        let here = written(Encoding::Dynamic, &grey, 3, 7);
        assert_eq!(here, written(Encoding::Dynamic, &grey, 3, 7));
        assert_ne!(here, written(Encoding::Dynamic, &grey, 4, 7));
        assert_ne!(here, written(Encoding::Dynamic, &grey, 3, 8));
    }
}
