//! Images and their PNG form, the common ground of grids, films and panels: grey or RGB, 8 bits per channel, nothing else.

use crate::error::{Error, Result};
use png::{BitDepth, ColorType, Decoder, Encoder, Transformations};
use std::io::Cursor;
use std::path::Path;

/// An 8-bit image, grey or in colour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// 1 for grey, 3 for red, green and blue.
    pub channels: u32,
    /// ImageRow by row from the top left, the channels of a pixel side by side, `width * height * channels` of them; 0 is black.
    pub samples: Vec<u8>,
}

impl Image {
    /// Reads the PNG file `bytes`, such as [`ImageGrid::images`](crate::plot::ImageGrid::images) makes it; `path` is for the message.
    ///
    /// # Errors
    /// If the bytes are no whole PNG file, or one that is neither 8-bit grey nor 8-bit RGB.
    ///
    /// ```
    /// use elbo::plot::{ImageGrid, Image};
    /// let png = ImageGrid::new([1, 1, 2]).images(&[[0.0, 1.0]]);
    /// let image = Image::decode(&png, "epoch-01.png".as_ref())?;
    /// assert_eq!(image, Image { width: 2, height: 1, channels: 1, samples: vec![0, 255] });
    /// # Ok::<(), elbo::error::Error>(())
    /// ```
    pub fn decode(bytes: &[u8], path: &Path) -> Result<Self> {
        let wrong = |found: String| Error::format(path, "image", "a PNG file of 8-bit grey or RGB", found);
        let mut decoder = Decoder::new(Cursor::new(bytes));
        decoder.set_transformations(Transformations::IDENTITY);
        let mut reader = decoder.read_info().map_err(|e| wrong(e.to_string()))?;
        let kind = reader.output_color_type();
        let channels = match kind {
            (ColorType::Grayscale, BitDepth::Eight) => 1,
            (ColorType::Rgb, BitDepth::Eight) => 3,
            _ => return Err(wrong(format!("{:?} of {} bits", kind.0, kind.1 as u8))),
        };
        let (width, height) = reader.info().size();
        let mut samples = vec![0; width as usize * height as usize * channels as usize];
        reader.next_frame(&mut samples).map_err(|e| wrong(e.to_string()))?;
        Ok(Image { width, height, channels, samples })
    }
}

/// The colour type of so many channels.
pub fn color_type(channels: usize) -> ColorType {
    if channels == 1 { ColorType::Grayscale } else { ColorType::Rgb }
}

/// A value as a sample: 0 is black and 1 white, beyond they are clamped.
pub fn sample(value: f32) -> u8 {
    (value * 255.0 + 0.5).clamp(0.0, 255.0) as u8
}

/// The shape `[C, H, W]` for a message: without the channel where it is the only one.
pub fn shown([channels, height, width]: [usize; 3]) -> String {
    if channels == 1 { format!("{height}x{width}") } else { format!("{channels}x{height}x{width}") }
}

/// The values of an image whose channels stand one after the other, pixel by pixel.
pub fn interleaved(image: &[f32], channels: usize) -> Vec<f32> {
    let each = image.len() / channels;
    (0..each).flat_map(|i| (0..channels).map(move |channel| image[channel * each + i])).collect()
}

/// The mean of each pixel over its channels.
pub fn mean_of_channels(image: &[f32], channels: usize) -> Vec<f32> {
    interleaved(image, channels).chunks(channels).map(|pixel| pixel.iter().sum::<f32>() / channels as f32).collect()
}

/// Whether an image may have so many channels.
///
/// # Panics
/// When it may not.
pub fn check_channels([channels, ..]: [usize; 3]) {
    assert!(channels == 1 || channels == 3, "an image has 1 or 3 channels, not {channels}");
}

/// The PNG file of the samples in `pixels`, row by row.
pub fn encode(width: usize, height: usize, color: ColorType, pixels: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(color);
    encoder.set_depth(BitDepth::Eight);
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(pixels).and_then(|()| writer.finish()))
        .expect("memory takes every write, and the sizes agree");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(bytes: &[u8]) -> String {
        Image::decode(bytes, Path::new("a.png")).unwrap_err().to_string()
    }

    #[test]
    fn what_was_encoded_is_decoded() {
        for (channels, width) in [(1, 32), (3, 10)] {
            let samples: Vec<u8> = (0..width * 8 * channels).map(|i| i as u8).collect();
            let png = encode(width, 8, color_type(channels), &samples);
            let image = Image::decode(&png, Path::new("a.png")).unwrap();
            assert_eq!(image, Image { width: width as u32, height: 8, channels: channels as u32, samples });
        }
    }

    #[test]
    fn other_bytes_are_refused_with_the_file_and_the_reason() {
        let rgba = encode(1, 1, ColorType::Rgba, &[1, 2, 3, 4]);
        assert_eq!(complaint(&rgba), "a.png: image: expected a PNG file of 8-bit grey or RGB, found Rgba of 8 bits");
        assert!(complaint(b"GIF89a").starts_with("a.png: image: expected a PNG file of 8-bit grey or RGB, found "));
        let whole = encode(64, 64, ColorType::Grayscale, &[7; 64 * 64]);
        assert!(complaint(&whole[..whole.len() / 2]).starts_with("a.png: image: "));
    }
}
