//! Images side by side in one PNG, laid out and rounded like torchvision's `make_grid` and `save_image`.

use super::image::{check_channels, color_type, encode, interleaved, mean_of_channels, sample, shown};
use super::style::heat;

/// A grid of equally sized images: eight to a row and two black pixels around each, unless told otherwise.
///
/// As in torchvision, fewer images than fit a row make a narrower grid, and a single image has no padding.
///
/// ```
/// use elbo::plot::ImageGrid;
/// let images = vec![[0.5f32; 28 * 28]; 64];
/// let png: Vec<u8> = ImageGrid::new([1, 28, 28]).scale(2).images(&images);
/// assert_eq!(&png[1..4], b"PNG");
/// ```
#[derive(Clone, Debug)]
pub struct ImageGrid {
    shape: [usize; 3],
    per_row: usize,
    padding: usize,
    scale: usize,
}

impl ImageGrid {
    /// For images of the shape `[channels, height, width]`, of 1 channel (grey) or 3 (red, green and blue).
    ///
    /// # Panics
    /// For any other number of channels.
    pub fn new(shape: [usize; 3]) -> Self {
        check_channels(shape);
        ImageGrid { shape, per_row: 8, padding: 2, scale: 1 }
    }

    /// This many images to a row, instead of eight.
    pub fn per_row(mut self, images: usize) -> Self {
        self.per_row = images;
        self
    }

    /// This many pixels between images and around them all, instead of two.
    pub fn padding(mut self, pixels: usize) -> Self {
        self.padding = pixels;
        self
    }

    /// Draws every pixel, the padding's too, as a square of this side, instead of one.
    pub fn scale(mut self, factor: usize) -> Self {
        self.scale = factor;
        self
    }

    /// An 8-bit PNG, grey or RGB. Each image holds its values channel after channel, row by row; 0 is black and 1 white, values
    /// beyond are clamped.
    ///
    /// # Panics
    /// If there is no image, or one of another size.
    pub fn images<I: AsRef<[f32]>>(&self, images: &[I]) -> Vec<u8> {
        match self.shape[0] {
            1 => self.png(images, |image| image.iter().map(|&v| [sample(v)]).collect()),
            n => self.png(images, |image| {
                interleaved(image, n).as_chunks::<3>().0.iter().map(|rgb| rgb.map(sample)).collect()
            }),
        }
    }

    /// An RGB PNG in a perceptually ordered colour map: zero and less is black, the maximum over all images is pale
    /// yellow. The padding is black. Of several channels the mean is shown.
    ///
    /// # Panics
    /// As [`images`](Self::images).
    pub fn heat<I: AsRef<[f32]>>(&self, images: &[I]) -> Vec<u8> {
        let values = |image: &[f32]| mean_of_channels(image, self.shape[0]);
        let max = images.iter().flat_map(|i| values(i.as_ref())).fold(f32::MIN_POSITIVE, f32::max);
        self.png(images, |image| values(image).into_iter().map(|v| heat(v / max)).collect())
    }

    fn png<I: AsRef<[f32]>, const N: usize>(&self, images: &[I], colors: impl Fn(&[f32]) -> Vec<[u8; N]>) -> Vec<u8> {
        assert!(!images.is_empty(), "a grid needs an image");
        let [_, tall, wide] = self.shape;
        let padding = if images.len() == 1 { 0 } else { self.padding };
        let columns = self.per_row.min(images.len());
        let rows = images.len().div_ceil(columns);
        let (down, across) = (tall + padding, wide + padding);
        let (height, width) = (rows * down + padding, columns * across + padding);

        let mut small = vec![[0; N]; height * width];
        for (k, image) in images.iter().map(AsRef::as_ref).enumerate() {
            assert_eq!(image.len(), self.shape.iter().product::<usize>(), "image {k} is not {}", shown(self.shape));
            let corner = (k / columns * down + padding) * width + k % columns * across + padding;
            for (i, color) in colors(image).into_iter().enumerate() {
                small[corner + i / wide * width + i % wide] = color;
            }
        }

        let scale = self.scale;
        let (height, width_scaled) = (height * scale, width * scale);
        let large =
            (0..height * width_scaled).map(|i| small[i / width_scaled / scale * width + i % width_scaled / scale]);
        encode(width_scaled, height, color_type(N), &large.flatten().collect::<Vec<u8>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::Image;

    fn decode(png: &[u8]) -> (usize, usize, Vec<u8>) {
        let image = Image::decode(png, "grid.png".as_ref()).unwrap();
        (image.height as usize, image.width as usize, image.samples)
    }

    #[test]
    fn a_grid_of_numbered_images_is_in_reading_order() {
        // Image k is k everywhere. 10 of them, 3 high and 2 wide, 4 to a row, 1 apart: 3 rows.
        let images: Vec<[f32; 6]> = (0..10).map(|k| [(k + 1) as f32 / 255.0; 6]).collect();
        let (height, width, pixels) = decode(&ImageGrid::new([1, 3, 2]).per_row(4).padding(1).images(&images));
        #[rustfmt::skip]
        let band = |a: u8, b, c, d| [0, a, a, 0, b, b, 0, c, c, 0, d, d, 0];
        let blank = [0; 13];
        let mut expected = blank.to_vec();
        for row in [band(1, 2, 3, 4), band(5, 6, 7, 8), band(9, 10, 0, 0)] {
            expected.extend([row, row, row, blank].concat());
        }
        assert_eq!((height, width), (13, 13));
        assert_eq!(pixels, expected);
    }

    #[test]
    fn pixels_inside_an_image_keep_their_places() {
        let image = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0];
        let (_, _, pixels) = decode(&ImageGrid::new([1, 2, 3]).padding(1).images(&[image, image]));
        assert_eq!(pixels[9..18], [0, 0, 51, 102, 0, 0, 51, 102, 0]);
        assert_eq!(pixels[18..27], [0, 153, 204, 255, 0, 153, 204, 255, 0]);
    }

    #[test]
    fn the_defaults_are_torchvisions() {
        // make_grid of 64 images 28x28: 8 * 30 + 2 = 242 pixels each way; of 3 images: one row of 3.
        let (height, width, pixels) = decode(&ImageGrid::new([1, 28, 28]).images(&vec![[1.0; 784]; 64]));
        assert_eq!((height, width), (242, 242));
        assert_eq!(pixels.iter().filter(|p| **p == 255).count(), 64 * 784);
        let (height, width, _) = decode(&ImageGrid::new([1, 28, 28]).images(&[[1.0; 784]; 3]));
        assert_eq!((height, width), (32, 92));
        let (height, width, _) = decode(&ImageGrid::new([1, 28, 28]).images(&[[1.0; 784]]));
        assert_eq!((height, width), (28, 28));
    }

    #[test]
    fn values_round_half_up_and_are_clamped() {
        let values = [-1.0, 0.49 / 255.0, 0.51 / 255.0, 0.5, 254.6 / 255.0, 7.0, f32::NAN, f32::INFINITY];
        let (_, _, pixels) = decode(&ImageGrid::new([1, 1, 8]).images(&[values]));
        assert_eq!(pixels, [0, 0, 1, 128, 255, 255, 0, 255]);
    }

    #[test]
    fn scaling_repeats_pixels_in_squares() {
        let (height, width, pixels) = decode(&ImageGrid::new([1, 2, 2]).scale(2).images(&[[0.0, 0.2, 0.4, 0.6]]));
        assert_eq!((height, width), (4, 4));
        assert_eq!(pixels, [0, 0, 51, 51, 0, 0, 51, 51, 102, 102, 153, 153, 102, 102, 153, 153]);
    }

    #[test]
    fn heat_maps_share_their_maximum() {
        let png = ImageGrid::new([1, 1, 1]).padding(1).heat(&[[2.0], [4.0]]);
        let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
        let mut rgb = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut rgb).unwrap();
        assert_eq!(rgb.len(), 3 * 5 * 3);
        assert_eq!(rgb[15..30], [0, 0, 0, 186, 54, 85, 0, 0, 0, 252, 255, 164, 0, 0, 0]);
    }

    #[test]
    fn channels_become_the_colours_of_pixels() {
        // Two images of 1 x 2 pixels: red 0.2 and 0.4, green 0.6 and 0.8, blue 1 and 0; and all of it turned round.
        let images = [[0.2, 0.4, 0.6, 0.8, 1.0, 0.0], [0.0, 1.0, 0.8, 0.6, 0.4, 0.2]];
        let grid = ImageGrid::new([3, 1, 2]).padding(1);
        let image = Image::decode(&grid.images(&images), "grid.png".as_ref()).unwrap();
        assert_eq!((image.height, image.width, image.channels), (3, 7, 3));
        let middle: Vec<&[u8]> = image.samples.chunks(3).skip(7).take(7).collect();
        let black = [0, 0, 0];
        let expected = [black, [51, 153, 255], [102, 204, 0], black, [0, 204, 102], [255, 153, 51], black];
        assert_eq!(middle, expected);
        // Their means are 0.6, 0.4, 0.4, 0.6.
        let of_means = ImageGrid::new([1, 1, 2]).padding(1).heat(&[[0.6, 0.4], [0.4, 0.6]]);
        assert_eq!(grid.heat(&images.map(|image| image.map(|v| v * 0.5))), of_means);
    }

    #[test]
    #[should_panic(expected = "image 0 is not 3x2x2")]
    fn an_image_without_its_colours_is_a_mistake() {
        ImageGrid::new([3, 2, 2]).images(&[[0.0; 4]]);
    }

    #[test]
    #[should_panic(expected = "image 1 is not 2x2")]
    fn an_image_of_another_size_is_a_mistake() {
        ImageGrid::new([1, 2, 2]).images(&[vec![0.0; 4], vec![0.0; 5]]);
    }
}
