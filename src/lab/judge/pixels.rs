//! Measures of the images themselves.

use super::neighbours::distances;
use crate::data::Split;
use crate::stats::mean;
use serde::Serialize;

/// The variance of the Laplacian ∇²x = x↑ + x↓ + x← + x→ − 4x over an image, black around it, mean over images and channels (Pech-Pacheco
/// et al. 2000): large where edges are sharp, and where there is noise, so that it stands beside that of real images.
pub fn sharpness<I: AsRef<[f32]>>(images: &[I], shape: [usize; 3]) -> f64 {
    let [_, height, width] = shape;
    let planes = images.iter().flat_map(|image| image.as_ref().chunks_exact(height * width));
    mean(planes.map(|plane| {
        let at = |row: usize, col: usize| {
            // One before the first is beyond the last.
            let is_inside = row < height && col < width;
            if is_inside { f64::from(plane[row * width + col]) } else { 0.0 }
        };
        let places = (0..height).flat_map(|row| (0..width).map(move |col| (row, col)));
        let laplacian = |(row, col): (usize, usize)| {
            let up_down = at(row.wrapping_sub(1), col) + at(row + 1, col);
            up_down + at(row, col.wrapping_sub(1)) + at(row, col + 1) - 4.0 * at(row, col)
        };
        let values: Vec<f64> = places.map(laplacian).collect();
        let centre = mean(values.iter().copied());
        values.iter().map(|x| (x - centre) * (x - centre)).sum::<f64>() / (values.len() as f64 - 1.0).max(1.0)
    }))
}

/// Training images that are there as numbers at a time: all would take four times the memory of their bytes.
const AT_A_TIME: usize = 4096;

/// The training image that an image is nearest to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Nearest {
    /// Its row.
    pub row: usize,
    /// √Σ (x − y)² over the pixels.
    pub distance: f64,
}

/// The nearest training image of each image, as `see` writes them.
pub fn nearest(images: &[Vec<f32>], train: &Split, see: impl Fn(&[u8], &mut [f32])) -> Vec<Nearest> {
    let (pixels, all) = (train.pixels(), images.concat());
    let mut best = vec![(0, f32::INFINITY); images.len()];
    let mut seen = vec![0.0; AT_A_TIME * pixels];
    for first in (0..train.len()).step_by(AT_A_TIME) {
        let rows = first..train.len().min(first + AT_A_TIME);
        let seen = &mut seen[..rows.len() * pixels];
        seen.chunks_exact_mut(pixels).zip(rows).for_each(|(x, row)| see(train.image(row), x));
        distances(&all, seen, pixels, |i, row| {
            for (j, &square) in row.iter().enumerate() {
                if square < best[i].1 {
                    best[i] = (first + j, square);
                }
            }
        });
    }
    best.into_iter().map(|(row, square)| Nearest { row, distance: f64::from(square).sqrt() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_image_is_not_sharp_and_a_point_is() {
        // Around a white image there is black: only a point in the middle of a black one has a closed form without that.
        assert_eq!(sharpness(&[vec![0.0; 25]], [1, 5, 5]), 0.0);
        let mut point = vec![0.0; 25];
        point[12] = 1.0;
        // −4 once, 1 four times, 0 twenty times: the mean is 0.
        assert!((sharpness(&[point], [1, 5, 5]) - 20.0 / 24.0).abs() < 1e-12);
    }

    #[test]
    fn an_image_that_was_learnt_by_heart_is_found() {
        let train = Split::new((0..40).collect(), vec![0; 10], 2, 2);
        let see = |bytes: &[u8], out: &mut [f32]| out.iter_mut().zip(bytes).for_each(|(x, b)| *x = f32::from(*b));
        let found = nearest(&[vec![12.0, 13.0, 14.0, 15.0], vec![0.0, 1.0, 2.0, 6.0]], &train, see);
        assert_eq!(found, [Nearest { row: 3, distance: 0.0 }, Nearest { row: 0, distance: 3.0 }]);
        // Also where not all are there at a time.
        let many = Split::new((0..5000u32).flat_map(|i| i.to_le_bytes()).collect(), vec![0; 5000], 2, 2);
        let rows = [4095, 4096, 4999u32].map(|i| i.to_le_bytes().map(f32::from).to_vec());
        assert_eq!(nearest(&rows, &many, see).iter().map(|near| near.row).collect::<Vec<_>>(), [4095, 4096, 4999]);
    }
}
