//! From bytes to the numbers a model is shown.

use super::Split;
use crate::kernels::Real;
use crate::kernels::elementwise::map_bytes;
use crate::rng::Stream;
use serde::{Deserialize, Serialize};

/// How a byte of a pixel becomes a number.
///
/// A Bernoulli decoder is a likelihood of zeros and ones only. [`Threshold`](Self::Threshold) makes such data once and
/// for all; [`Dynamic`](Self::Dynamic) draws them anew each epoch (Salakhutdinov and Murray, *On the quantitative
/// analysis of deep belief networks*, ICML 2008), which also keeps the model from learning single images by heart.
/// [`Standardised`](Self::Standardised) is for networks that look at images and do not reconstruct them.
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
    /// (byte / 255 − mean) / standard deviation, both those of its channel over the training images: of mean 0 and variance 1,
    /// as convolutional networks like their inputs. No target of a Bernoulli likelihood.
    Standardised,
}

impl Encoding {
    /// Whether it gives numbers from 0 to 1, which a Bernoulli likelihood takes for targets.
    pub fn is_of_probabilities(self) -> bool {
        self != Encoding::Standardised
    }

    /// The encoding together with what it takes from the training images.
    pub fn fit(self, train: &Split) -> Encoder {
        let channels = match self {
            Encoding::Standardised => Moments::of(train),
            _ => Vec::new(),
        };
        Encoder { encoding: self, channels }
    }

    /// Writes one image. [`Dynamic`](Self::Dynamic) draws from the stream of `noise()`, which should be the image's own, so that
    /// what is drawn does not depend on the batch it is in; the others do not ask for it.
    ///
    /// # Panics
    /// When `pixels` and `out` differ in length; and for [`Standardised`](Self::Standardised), which must be [fitted](Self::fit).
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
            Encoding::Standardised => panic!("a standardised image needs the training images: Encoding::fit"),
        }
    }
}

/// An encoding that knows what it must of the training images.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoder {
    encoding: Encoding,
    /// Of each channel, where they are asked for.
    channels: Vec<Moments>,
}

impl Encoder {
    /// Writes one image, as [`Encoding::write`] does.
    ///
    /// # Panics
    /// When `pixels` and `out` differ in length, or the image has not the training images' channels.
    pub fn write<F: Real>(&self, pixels: &[u8], noise: impl FnOnce() -> Stream, out: &mut [F]) {
        if self.encoding != Encoding::Standardised {
            return self.encoding.write(pixels, noise, out);
        }
        assert_eq!(pixels.len(), out.len(), "one number for each pixel");
        assert_eq!(pixels.len() % self.channels.len(), 0, "the channels of the training images");
        let each = (pixels.len() / self.channels.len()).max(1);
        for ((moments, pixels), out) in self.channels.iter().zip(pixels.chunks(each)).zip(out.chunks_mut(each)) {
            let (mean, std) = (F::of(moments.mean), F::of(moments.std));
            let white = F::of(255.0);
            map_bytes(|byte| (F::of(f64::from(byte)) / white - mean) / std, pixels, out);
        }
    }
}

/// Mean and standard deviation of the pixels of a channel, each byte / 255.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Moments {
    mean: f64,
    std: f64,
}

impl Moments {
    /// Of each channel over all images. Σ x and Σ x² are whole numbers, so no order of summing and no rounding enter:
    /// n² var = n Σ x² − (Σ x)². Where all pixels are equal the standard deviation is taken for 1, and they become 0.
    fn of(split: &Split) -> Vec<Self> {
        let each = split.height() * split.width();
        let mut sums = vec![[0u128; 2]; split.channels()];
        for image in split.images() {
            for ([sum, squares], pixels) in sums.iter_mut().zip(image.chunks_exact(each)) {
                *sum += u128::from(pixels.iter().map(|&x| u64::from(x)).sum::<u64>());
                *squares += u128::from(pixels.iter().map(|&x| u64::from(x) * u64::from(x)).sum::<u64>());
            }
        }
        let n = (split.len() * each).max(1) as u128;
        let moments = |[sum, squares]: [u128; 2]| {
            let white = 255.0 * n as f64;
            let std = ((n * squares - sum * sum) as f64).sqrt() / white;
            Moments { mean: sum as f64 / white, std: if std > 0.0 { std } else { 1.0 } }
        };
        sums.into_iter().map(moments).collect()
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

    fn standardised(train: &Split, image: &[u8]) -> Vec<f64> {
        let mut out = vec![f64::NAN; image.len()];
        Encoding::Standardised.fit(train).write(image, || unreachable!("nothing is drawn"), &mut out);
        out
    }

    #[test]
    fn standardised_pixels_are_distances_from_the_training_images_mean_in_each_channel() {
        // Two images of two pixels in each of three channels; the last is constant.
        let images: [[u8; 6]; 2] = [[0, 10, 100, 200, 7, 7], [30, 40, 255, 0, 7, 7]];
        let train = Split::of_shape(images.concat(), vec![0; 2], [3, 1, 2]);
        let test = [0, 255, 51, 128, 7, 255];
        let written = standardised(&train, &test);
        for channel in 0..3 {
            let all: Vec<f64> =
                images.iter().flat_map(|i| &i[2 * channel..][..2]).map(|&x| f64::from(x) / 255.0).collect();
            let mean = all.iter().sum::<f64>() / 4.0;
            let std = (all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 4.0).sqrt();
            for i in 2 * channel..2 * channel + 2 {
                let naive = (f64::from(test[i]) / 255.0 - mean) / if channel == 2 { 1.0 } else { std };
                assert!((written[i] - naive).abs() < 1e-12, "{i}: {} {naive}", written[i]);
            }
        }
        assert_eq!(written[4], 0.0);
    }

    #[test]
    fn standardised_training_images_have_mean_0_and_variance_1() {
        let train = Split::new((0..240).map(|i| (i * i % 251) as u8).collect(), vec![0; 4], 6, 10);
        let all: Vec<f64> = train.images().flat_map(|image| standardised(&train, image)).collect();
        let mean = |f: fn(&f64) -> f64| all.iter().map(f).sum::<f64>() / 240.0;
        assert!(mean(|x| *x).abs() < 1e-12 && (mean(|x| x * x) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn fitted_encodings_of_probabilities_are_those_that_are_not() {
        let train = Split::new(vec![0, 100, 127, 128], vec![0], 2, 2);
        let noise = || Stream::new(1, Purpose::Binarise, 0, 0);
        for how in [Encoding::Threshold, Encoding::Dynamic, Encoding::Grey] {
            let mut out = [f32::NAN; 4];
            how.fit(&train).write(train.image(0), noise, &mut out);
            assert_eq!(out[..], written(how, train.image(0), 0, 0));
        }
    }

    #[test]
    #[should_panic(expected = "a standardised image needs the training images")]
    fn standardised_images_without_training_images_are_a_mistake() {
        written(Encoding::Standardised, &[0], 0, 0);
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
