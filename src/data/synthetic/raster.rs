//! Outlines to pixels.

use super::garments::Point;

/// Rows and columns of an image.
pub const SIDE: usize = 28;

/// Lines on which a row of pixels is sampled. Along a line coverage is exact.
const LINES: usize = 4;

/// How bright each pixel is compared with the plain cloth: 0 where there is none.
pub struct Canvas([f64; SIDE * SIDE]);

impl Default for Canvas {
    fn default() -> Self {
        Canvas([0.0; SIDE * SIDE])
    }
}

impl Canvas {
    /// The pixels, row after row.
    pub fn tones(&self) -> &[f64] {
        &self.0
    }

    /// Paints the inside of a closed polygon, given in pixels, over what is there. Inside is where a ray crosses the
    /// outline an odd number of times; a pixel partly inside is mixed in proportion.
    pub fn paint(&mut self, outline: &[Point], tone: f64) {
        let mut crossings = Vec::new();
        for (row, pixels) in self.0.chunks_exact_mut(SIDE).enumerate() {
            let mut coverage = [0.0; SIDE];
            for line in 0..LINES {
                let y = row as f64 + (line as f64 + 0.5) / LINES as f64;
                crossings.clear();
                let ends = outline.iter().skip(1).chain(outline.first());
                for (&[x0, y0], &[x1, y1]) in outline.iter().zip(ends) {
                    if (y0 <= y) != (y1 <= y) {
                        crossings.push((x0 + (y - y0) / (y1 - y0) * (x1 - x0)).clamp(0.0, SIDE as f64));
                    }
                }
                crossings.sort_unstable_by(f64::total_cmp);
                for span in crossings.chunks_exact(2) {
                    for (x, covered) in coverage.iter_mut().enumerate().skip(span[0] as usize) {
                        let width = span[1].min(x as f64 + 1.0) - span[0].max(x as f64);
                        if width <= 0.0 {
                            break;
                        }
                        *covered += width / LINES as f64;
                    }
                }
            }
            for (pixel, covered) in pixels.iter_mut().zip(coverage) {
                *pixel += (tone - *pixel) * covered;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rectangle_covers_its_area() {
        let mut canvas = Canvas::default();
        canvas.paint(&[[2.5, 3.25], [6.0, 3.25], [6.0, 5.0], [2.5, 5.0]], 1.0);
        assert_eq!(canvas.tones().iter().sum::<f64>(), 3.5 * 1.75);
        assert_eq!(canvas.tones()[3 * SIDE + 2..][..5], [0.375, 0.75, 0.75, 0.75, 0.0]);
        assert_eq!(canvas.tones()[4 * SIDE + 2..][..5], [0.5, 1.0, 1.0, 1.0, 0.0]);
    }

    #[test]
    fn what_lies_outside_the_image_is_cut_off() {
        let mut canvas = Canvas::default();
        canvas.paint(&[[-9.0, -9.0], [99.0, -9.0], [99.0, 99.0], [-9.0, 99.0]], 0.5);
        assert!(canvas.tones().iter().all(|&tone| tone == 0.5));
    }
}
