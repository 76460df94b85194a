//! What is drawn in the plot area: lines, dots, bars, ellipses and their labels, from numbers to SVG.
//!
//! Coordinates here are pixels from the plot's top left corner.

use super::axis::{Axis, drawable};
use super::style::{INK, MUTED, PAPER};
use super::svg::{halo, num, text, text_width};
use std::fmt::Write;

/// Centre and half-axes: x, y, rx, ry.
pub type Ellipse = (f64, f64, f64, f64);

/// The plot area: its size in pixels and the numbers it spans.
pub struct Area {
    pub width: f64,
    pub height: f64,
    pub x: Axis,
    pub y: Axis,
}

impl Area {
    /// The pixel of a point.
    pub fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (self.x.share(x) * self.width, (1.0 - self.y.share(y)) * self.height)
    }

    fn shows(&self, (x, y): (f64, f64)) -> bool {
        (0.0..=self.width).contains(&x) && (0.0..=self.height).contains(&y)
    }
}

/// A curve through the points, broken where one cannot be drawn.
pub fn line(area: &Area, points: &[(f64, f64)], color: Option<&str>, dashed: bool) -> String {
    let mut path = String::new();
    let mut pen = "M";
    for &point in points {
        if !whole(point) {
            pen = "M";
            continue;
        }
        let (x, y) = area.at(point);
        // The h0 makes a point between two gaps a dot.
        let _ = write!(path, "{pen}{} {}{}", num(x), num(y), if pen == "M" { "h0" } else { "" });
        pen = "L";
    }
    let dashes = if dashed { " stroke-dasharray=\"6 4\"" } else { "" };
    // What is only there to compare with stays in the background.
    let faint = if color.is_none() { " stroke-opacity=\"0.4\"" } else { "" };
    let color = color.unwrap_or(MUTED);
    // A curve of one point is a dot that can be seen.
    let width = if path.contains('L') { 2.2 } else { 7.0 };
    format!(
        "<path d=\"{path}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"{width}\" stroke-linecap=\"round\" \
         stroke-linejoin=\"round\"{dashes}{faint}/>\n"
    )
}

/// Points of several colours as translucent dots. Small batches take turns, so that no colour hides another and dense
/// places are darker. What is above the plot is marked at its upper edge; what is beyond the other edges is left out.
pub fn scatter(area: &Area, series: &[(&str, &[(f64, f64)])]) -> String {
    const BATCH: usize = 50;
    let points: usize = series.iter().map(|(_, points)| points.len()).sum();
    let side = if points <= 500 { 7.0 } else { 4.0 };
    let batches = series.iter().map(|(_, points)| points.len().div_ceil(BATCH)).max().unwrap_or(0);
    let mut out =
        format!("<g fill=\"none\" stroke-width=\"{side}\" stroke-linecap=\"round\" stroke-opacity=\"0.55\">\n");
    for batch in 0..batches {
        for (color, points) in series {
            let mut path = String::new();
            for &point in points.iter().skip(batch * BATCH).take(BATCH).filter(|p| whole(**p)) {
                let (x, y) = area.at(point);
                if area.shows((x, y)) {
                    let _ = write!(path, "M{} {}h0", num(x), num(y));
                }
            }
            if !path.is_empty() {
                let _ = writeln!(out, "<path stroke=\"{color}\" d=\"{path}\"/>");
            }
        }
    }
    for (color, points) in series {
        let mut path = String::new();
        for (x, _) in points.iter().filter(|(x, y)| drawable(*x) && *y > area.y.hi) {
            let (x, _) = area.at((*x, area.y.hi));
            if area.shows((x, 0.0)) {
                let _ = write!(path, "M{} 8L{} 0L{} 8", num(x - 5.0), num(x), num(x + 5.0));
            }
        }
        if !path.is_empty() {
            let _ = writeln!(out, "<path stroke=\"{color}\" stroke-width=\"2.5\" stroke-opacity=\"1\" d=\"{path}\"/>");
        }
    }
    out + "</g>\n"
}

/// Bar `slot` of `slots` at each of the places 0, 1, 2, …, from zero to the value.
pub fn bars(area: &Area, values: &[f64], color: &str, slot: usize, slots: usize) -> String {
    let mut out = format!("<g fill=\"{color}\">\n");
    let width = 0.76 / slots as f64;
    for (place, value) in values.iter().enumerate().filter(|(_, v)| drawable(**v)) {
        let left = place as f64 - 0.38 + width * slot as f64;
        let ((x0, y0), (x1, y1)) = (area.at((left, 0.0)), area.at((left + width * 0.94, *value)));
        let (x, y, w, h) = (num(x0), num(y0.min(y1)), num(x1 - x0), num((y1 - y0).abs()));
        let _ = writeln!(out, "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\"/>");
    }
    out + "</g>\n"
}

/// An outline in the colour of a series.
pub fn ellipse(area: &Area, ellipse: Ellipse, color: &str) -> String {
    outline(area, ellipse, &format!("stroke=\"{color}\" stroke-width=\"1.6\""))
}

/// A dashed outline to refer to.
pub fn contour(area: &Area, ellipse: Ellipse) -> String {
    outline(area, ellipse, &format!("stroke=\"{MUTED}\" stroke-width=\"1.3\" stroke-dasharray=\"7 4\""))
}

fn outline(area: &Area, (cx, cy, rx, ry): Ellipse, look: &str) -> String {
    if ![cx, cy, rx, ry].into_iter().all(drawable) {
        return String::new();
    }
    let ((x, y), (right, top)) = (area.at((cx, cy)), area.at((cx + rx.abs(), cy + ry.abs())));
    let (x, y, rx, ry) = (num(x), num(y), num(right - x), num(y - top));
    format!("<ellipse cx=\"{x}\" cy=\"{y}\" rx=\"{rx}\" ry=\"{ry}\" fill=\"none\" {look}/>\n")
}

/// A dashed line across the plot.
pub fn level(area: &Area, y: f64) -> String {
    if !drawable(y) {
        return String::new();
    }
    let (at, width) = (num(area.at((area.x.lo, y)).1), num(area.width));
    format!("<path d=\"M0 {at}H{width}\" stroke=\"{MUTED}\" stroke-width=\"1.3\" stroke-dasharray=\"7 4\"/>\n")
}

/// Text that is placed on the plot last, so that no two pieces overlap where it can be helped.
pub struct Labels<'a> {
    area: &'a Area,
    /// Left, top, right and bottom of what is placed.
    taken: Vec<[f64; 4]>,
    out: String,
}

impl<'a> Labels<'a> {
    pub fn new(area: &'a Area) -> Self {
        Labels { area, taken: Vec::new(), out: String::new() }
    }

    /// The name of a contour, on its line at the top, or at the bottom where the top is not shown.
    pub fn contour(&mut self, name: &str, (cx, cy, _, ry): Ellipse) {
        let ends = [(cx, cy + ry.abs()), (cx, cy - ry.abs())];
        if let Some(at) = ends.into_iter().filter(|p| whole(*p)).map(|p| self.area.at(p)).find(|p| self.area.shows(*p))
        {
            self.place(at, &[(0.0, 4.5)], name, MUTED, "");
        }
    }

    /// Marks each point with a dot of its colour, and writes beside it what it is.
    pub fn notes(&mut self, notes: &[(&str, (f64, f64), &str)]) {
        let shown =
            notes.iter().filter(|(_, p, _)| whole(*p)).map(|(text, p, color)| (*text, self.area.at(*p), *color));
        let shown: Vec<_> = shown.filter(|(_, at, _)| self.area.shows(*at)).collect();
        for (_, (x, y), color) in &shown {
            self.taken.push([x - 5.0, y - 5.0, x + 5.0, y + 5.0]);
            let (x, y) = (num(*x), num(*y));
            let ring = format!("stroke=\"{PAPER}\" stroke-width=\"2\"");
            let _ = writeln!(self.out, "<circle cx=\"{x}\" cy=\"{y}\" r=\"5.5\" fill=\"{color}\" {ring}/>");
        }
        for (text, at, _) in shown {
            let aside = text_width(text, SIZE) / 2.0 + 9.0;
            let offsets = [(0.0, -9.0), (0.0, 19.0), (aside, 4.5), (-aside, 4.5), (0.0, -24.0), (0.0, 34.0)];
            self.place(at, &offsets, text, INK, "font-weight=\"600\" ");
        }
    }

    /// The finished text.
    pub fn finish(self) -> String {
        self.out
    }

    /// Writes the text, centred, at the first offset where it is free.
    fn place(&mut self, (x, y): (f64, f64), offsets: &[(f64, f64)], content: &str, color: &str, weight: &str) {
        let half = text_width(content, SIZE) / 2.0;
        let frame = |(dx, dy): &(f64, f64)| [x + dx - half, y + dy - 11.0, x + dx + half, y + dy + 3.0];
        let free = |offset: &&(f64, f64)| {
            let [l, t, r, b] = frame(offset);
            l >= 0.0
                && r <= self.area.width
                && t >= -3.0
                && b <= self.area.height
                && self
                    .taken
                    .iter()
                    .all(|[left, top, right, bottom]| r <= *left || *right <= l || b <= *top || *bottom <= t)
        };
        let offset = offsets.iter().find(free).unwrap_or(&offsets[0]);
        self.taken.push(frame(offset));
        let more = format!("text-anchor=\"middle\" {weight}{}", halo());
        self.out += &text((x + offset.0, y + offset.1), SIZE, color, &more, content);
    }
}

const SIZE: f64 = 13.0;

/// Whether both coordinates can be drawn.
pub fn whole((x, y): (f64, f64)) -> bool {
    drawable(x) && drawable(y)
}
