//! Numbers over a square of the plane as a tint of the paper, alone ([`Field::snapshot`]) or behind a chart, and arrows.

use super::image::encode;
use super::marks::{Area, whole};
use super::style::{INK, MUTED, PAPER, SERIES, rgb};
use super::svg::num;
use base64::{Engine, engine::general_purpose::STANDARD};
use png::ColorType;
use std::fmt::Write;

/// The colour of the tint where it is strongest, and how much it then covers.
pub const TINT: &str = SERIES[6];
const COVER: f32 = 0.75;
/// Pixels along a side of what is embedded in a chart.
const FINE: usize = 192;

/// Numbers at the points of a square lattice over the square from `low` to `high` in x and in y, its corners among them: the higher,
/// the stronger the tint, from none at the least number to the full at the greatest.
#[derive(Clone, Debug)]
pub struct Field {
    low: f64,
    high: f64,
    side: usize,
    values: Vec<f32>,
}

impl Field {
    /// The numbers that `f` gives at all points of a lattice of `side` × `side`, in the order in which it is asked for them: row by row
    /// from below, each from left to right. Those that are not finite count as the least.
    ///
    /// # Panics
    /// Unless `low < high`, `side` is at least 2 and there is a number for each point.
    pub fn new((low, high): (f64, f64), side: usize, f: impl FnOnce(&[[f64; 2]]) -> Vec<f32>) -> Self {
        assert!(low < high && side > 1, "a field has an extent");
        let at = |i: usize| low + (high - low) * i as f64 / (side - 1) as f64;
        let points: Vec<[f64; 2]> = (0..side * side).map(|i| [at(i % side), at(i / side)]).collect();
        let values = f(&points);
        assert_eq!(values.len(), points.len(), "a number for each point");
        Field { low, high, side, values }
    }

    /// The least and the greatest of its finite numbers; 0 and 0 if it has none.
    pub fn extremes(&self) -> (f32, f32) {
        let finite = || self.values.iter().copied().filter(|v| v.is_finite());
        finite().reduce(f32::min).zip(finite().reduce(f32::max)).unwrap_or((0.0, 0.0))
    }

    /// How strong the tint is, 0 to 1, at a place given as shares of the square's sides from the left and from below: linear between
    /// points of the lattice.
    fn share(&self, (x, y): (f64, f64), (least, greatest): (f32, f32)) -> f32 {
        let place = |share: f64| {
            let at = share.clamp(0.0, 1.0) * (self.side - 1) as f64;
            let cell = (at as usize).min(self.side - 2);
            (cell, (at - cell as f64) as f32)
        };
        let ((i, right), (j, up)) = (place(x), place(y));
        let span = (greatest - least).max(f32::MIN_POSITIVE);
        let corner = |i: usize, j: usize| {
            let v = self.values[j * self.side + i];
            if v.is_finite() { (v - least) / span } else { 0.0 }
        };
        let row = |j: usize| corner(i, j) * (1.0 - right) + corner(i + 1, j) * right;
        row(j) * (1.0 - up) + row(j + 1) * up
    }

    /// The strengths on `pixels` × `pixels`, row by row from the top.
    fn shares(&self, pixels: usize) -> impl Iterator<Item = f32> {
        let (at, extremes) = (move |i: usize| (i as f64 + 0.5) / pixels as f64, self.extremes());
        (0..pixels * pixels).map(move |i| self.share((at(i % pixels), 1.0 - at(i / pixels)), extremes))
    }

    /// The tint as an element of a chart, over its square.
    pub(super) fn element(&self, area: &Area) -> String {
        let [r, g, b] = rgb(TINT);
        let pixels: Vec<u8> =
            self.shares(FINE).flat_map(|share| [r, g, b, (255.0 * COVER * share).round() as u8]).collect();
        let ((left, top), (right, bottom)) = (area.at((self.low, self.high)), area.at((self.high, self.low)));
        let (x, y, w, h) = (num(left), num(top), num(right - left), num(bottom - top));
        let png = STANDARD.encode(encode(FINE, FINE, ColorType::Rgba, &pixels));
        format!(
            "<image x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" preserveAspectRatio=\"none\" \
             href=\"data:image/png;base64,{png}\"/>\n"
        )
    }

    /// Points that it must show.
    pub(super) fn corners(&self) -> [(f64, f64); 2] {
        [(self.low, self.low), (self.high, self.high)]
    }

    /// An RGB PNG of `pixels` × `pixels` in light colours: the tint, above it one set of points in grey, and above that one in blue.
    pub fn snapshot(&self, pixels: usize, grey: &[[f64; 2]], blue: &[[f64; 2]]) -> Vec<u8> {
        let [paper, tint] = [PAPER, TINT].map(rgb);
        let mut image: Vec<[u8; 3]> = self.shares(pixels).map(|share| mixed(paper, tint, COVER * share)).collect();
        for (points, color, side) in [(grey, rgb(MUTED), 2), (blue, rgb(SERIES[0]), 3)] {
            for point in points {
                let [x, y] = point.map(|v| (v - self.low) / (self.high - self.low) * pixels as f64);
                let (left, top) = (x - side as f64 / 2.0, pixels as f64 - y - side as f64 / 2.0);
                for (dx, dy) in (0..side).flat_map(|dy| (0..side).map(move |dx| (dx, dy))) {
                    let (column, row) = (left.round() + f64::from(dx), top.round() + f64::from(dy));
                    let inside = 0.0..pixels as f64;
                    if inside.contains(&column) && inside.contains(&row) {
                        let dot = &mut image[row as usize * pixels + column as usize];
                        *dot = mixed(*dot, color, 0.6);
                    }
                }
            }
        }
        encode(pixels, pixels, ColorType::Rgb, image.as_flattened())
    }
}

/// A colour under another one that covers it by a share.
fn mixed(below: [u8; 3], above: [u8; 3], share: f32) -> [u8; 3] {
    std::array::from_fn(|c| (f32::from(below[c]) * (1.0 - share) + f32::from(above[c]) * share).round() as u8)
}

/// Arrows from `[x, y]` by `[dx, dy]`. Those too short to have a direction are dots.
pub(super) fn arrows(area: &Area, arrows: &[[f64; 4]]) -> String {
    let (mut shafts, mut dots) = (String::new(), String::new());
    for &[x, y, dx, dy] in arrows {
        if !whole((x, y)) || !whole((x + dx, y + dy)) {
            continue;
        }
        let ((x0, y0), (x1, y1)) = (area.at((x, y)), area.at((x + dx, y + dy)));
        let (along, across) = (x1 - x0, y1 - y0);
        let length = (along * along + across * across).sqrt();
        if length < 2.0 {
            let _ = write!(dots, "M{} {}h0", num(x0), num(y0));
            continue;
        }
        // A barb of at most 5 pixels to each side, 30 degrees off the shaft.
        let barb = (0.4 * length).min(5.0) / length;
        let end = |turn: f64| (x1 - barb * (0.87 * along - turn * across), y1 - barb * (0.87 * across + turn * along));
        let ((ax, ay), (bx, by)) = (end(0.5), end(-0.5));
        let (x0, y0, x1, y1) = (num(x0), num(y0), num(x1), num(y1));
        let (ax, ay, bx, by) = (num(ax), num(ay), num(bx), num(by));
        let _ = write!(shafts, "M{x0} {y0}L{x1} {y1}M{ax} {ay}L{x1} {y1}L{bx} {by}");
    }
    format!(
        "<g fill=\"none\" stroke-linecap=\"round\" stroke-linejoin=\"round\">\n\
         <path d=\"{shafts}\" stroke=\"{INK}\" stroke-width=\"1.4\"/>\n\
         <path d=\"{dots}\" stroke=\"{INK}\" stroke-width=\"2\"/>\n</g>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::{Chart, Image};

    /// x + 10 y over the square from −1 to 1.
    fn slope() -> Field {
        Field::new((-1.0, 1.0), 3, |points| points.iter().map(|[x, y]| (x + 10.0 * y) as f32).collect())
    }

    #[test]
    fn a_field_is_linear_between_its_points() {
        let field = slope();
        assert_eq!(field.extremes(), (-11.0, 11.0));
        for (x, y) in [(0.0, 0.0), (1.0, 1.0), (0.3, 0.8), (0.5, 0.1)] {
            let value = (2.0 * x - 1.0) + 10.0 * (2.0 * y - 1.0);
            let share = f64::from(field.share((x, y), field.extremes()));
            assert!((share - (value + 11.0) / 22.0).abs() < 1e-6, "{x} {y}: {share}");
        }
    }

    #[test]
    fn a_snapshot_is_tinted_where_the_numbers_are_high_and_has_its_points_in_their_places() {
        let image = Image::decode(&slope().snapshot(100, &[[-0.5, -0.9]], &[[0.5, -0.9]]), "a.png".as_ref()).unwrap();
        assert_eq!((image.width, image.height, image.channels), (100, 100, 3));
        let at = |column: usize, row: usize| &image.samples[3 * (100 * row + column)..][..3];
        let blueness = |rgb: &[u8]| i32::from(rgb[2]);
        assert!(blueness(at(50, 2)) + 100 < blueness(at(50, 97)), "the tint is amber, and above");
        // x = 0.5 is column 75, y = −0.9 row 95.
        assert_eq!(at(75, 95), mixed(at(78, 95).try_into().unwrap(), rgb(SERIES[0]), 0.6));
        assert_ne!(at(25, 95), at(28, 95));
    }

    #[test]
    fn points_beyond_the_square_and_odd_numbers_make_a_picture() {
        let odd = Field::new((0.0, 1.0), 2, |_| vec![f32::NAN, f32::INFINITY, 1.0, 1.0]);
        assert_eq!(odd.extremes(), (1.0, 1.0));
        let points = [[f64::NAN, 0.0], [9.0, 0.5], [-0.01, 1.01], [f64::INFINITY, 0.0]];
        assert_eq!(&odd.snapshot(8, &points, &points)[1..4], b"PNG");
        let svg = Chart::new("", "x", "y").square().tint("score", &odd).arrows(&[[0.0, 0.0, f64::NAN, 1.0]]).svg();
        assert!(roxmltree::Document::parse(&svg).is_ok() && !svg.contains("NaN"));
    }

    #[test]
    fn arrows_point_where_they_should_and_short_ones_are_dots() {
        let area_of = |svg: &str| {
            let xml = roxmltree::Document::parse(svg).unwrap();
            let paths = xml.descendants().filter(|n| n.attribute("stroke") == Some(INK) && n.has_tag_name("path"));
            paths.map(|n| n.attribute("d").unwrap().to_string()).collect::<Vec<_>>()
        };
        let svg = Chart::new("", "x", "y")
            .square()
            .tint("", &slope())
            .arrows(&[[0.0, 0.0, 0.5, 0.5], [0.5, 0.0, 0.0, 0.0]])
            .svg();
        let [shafts, dots] = &area_of(&svg)[..] else { panic!("two paths") };
        let numbers: Vec<f64> =
            shafts.split(|c: char| !"-.0123456789".contains(c)).filter_map(|n| n.parse().ok()).collect();
        let [x0, y0, x1, y1, ax, ay, .., bx, by] = numbers[..] else { panic!("{shafts}") };
        assert!(x1 > x0 && y1 < y0 && ((x1 - x0) + (y1 - y0)).abs() < 0.3, "{shafts}");
        // Both barbs are behind the tip, and on the two sides of the shaft.
        let (side, back) = (|x: f64, y: f64| (x - x1) + (y - y1), |x: f64, y: f64| (x - x1) - (y - y1));
        assert!(back(ax, ay) < 0.0 && back(bx, by) < 0.0 && side(ax, ay) * side(bx, by) < 0.0, "{shafts}");
        assert!(dots.ends_with("h0"));
    }
}
