//! Grey images and their PNG form, the common ground of grids, films and panels. 8 bits per channel, nothing else.

use crate::error::{Error, Result};
use png::{BitDepth, ColorType, Decoder, Encoder, Transformations};
use std::io::Cursor;
use std::path::Path;

/// An 8-bit grey image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grey {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Row by row from the top left, `width * height` of them; 0 is black.
    pub pixels: Vec<u8>,
}

impl Grey {
    /// Reads the PNG file `bytes`, such as [`Grid::grey`](crate::plot::Grid::grey) makes it; `path` is for the message.
    ///
    /// # Errors
    /// If the bytes are no whole PNG file, or one that is not 8-bit grey.
    ///
    /// ```
    /// use elbo::plot::{Grey, Grid};
    /// let png = Grid::new(1, 2).grey(&[[0.0, 1.0]]);
    /// let image = Grey::decode(&png, "epoch-01.png".as_ref())?;
    /// assert_eq!(image, Grey { width: 2, height: 1, pixels: vec![0, 255] });
    /// # Ok::<(), elbo::error::Error>(())
    /// ```
    pub fn decode(bytes: &[u8], path: &Path) -> Result<Self> {
        let wrong = |found: String| Error::format(path, "image", "a PNG file of 8-bit grey", found);
        let mut decoder = Decoder::new(Cursor::new(bytes));
        decoder.set_transformations(Transformations::IDENTITY);
        let mut reader = decoder.read_info().map_err(|e| wrong(e.to_string()))?;
        let kind = reader.output_color_type();
        if kind != (ColorType::Grayscale, BitDepth::Eight) {
            return Err(wrong(format!("{:?} of {} bits", kind.0, kind.1 as u8)));
        }
        let (width, height) = reader.info().size();
        let mut pixels = vec![0; width as usize * height as usize];
        reader.next_frame(&mut pixels).map_err(|e| wrong(e.to_string()))?;
        Ok(Grey { width, height, pixels })
    }
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
        Grey::decode(bytes, Path::new("a.png")).unwrap_err().to_string()
    }

    #[test]
    fn what_was_encoded_is_decoded() {
        let pixels: Vec<u8> = (0..=255).collect();
        let image = Grey::decode(&encode(32, 8, ColorType::Grayscale, &pixels), Path::new("a.png")).unwrap();
        assert_eq!(image, Grey { width: 32, height: 8, pixels });
    }

    #[test]
    fn other_bytes_are_refused_with_the_file_and_the_reason() {
        let rgb = encode(1, 1, ColorType::Rgb, &[1, 2, 3]);
        assert_eq!(complaint(&rgb), "a.png: image: expected a PNG file of 8-bit grey, found Rgb of 8 bits");
        assert!(complaint(b"GIF89a").starts_with("a.png: image: expected a PNG file of 8-bit grey, found "));
        let whole = encode(64, 64, ColorType::Grayscale, &[7; 64 * 64]);
        assert!(complaint(&whole[..whole.len() / 2]).starts_with("a.png: image: "));
    }
}
