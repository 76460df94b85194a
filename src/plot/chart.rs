//! Charts: the layers of one, the ranges they need, and the frame around them.

mod layer;

use super::axis::{Axis, drawable};
use super::field::{self, Field, TINT};
use super::key;
use super::marks::{self, Area, Labels};
use super::style::{GRID, INK, MUTED, SERIES};
use super::svg::{document, heading, num, text, text_width};
use layer::{Layer, Shape};
use std::fmt::Write;

/// A chart in the making. It is drawn 800 pixels wide, with its key to the right of the plot; it scales.
///
/// Layers of the same name share a colour and an entry of the key; an empty name has no entry. Values that are not
/// finite, or too large for an `f32`, are left out, and break a line. Each axis covers what is drawn, unless a range is
/// given: then the plot ends there.
///
/// ```
/// use elbo::plot::Chart;
/// let svg = Chart::new("Test loss", "epoch", "nats per image")
///     .line("VAE", &[(1.0, 260.1), (2.0, 251.7), (3.0, 247.9)])
///     .level("per-class marginal 284.5", 284.5)
///     .svg();
/// assert!(svg.starts_with("<svg"));
/// ```
#[derive(Clone, Debug)]
pub struct Chart {
    title: String,
    x_label: String,
    y_label: String,
    x_range: Option<Axis>,
    x_ticks: Ticks,
    y_range: Option<Axis>,
    square: bool,
    categories: Vec<String>,
    layers: Vec<Layer>,
    colors: usize,
}

/// What stands at an axis.
#[derive(Clone, Copy, Debug)]
enum Ticks {
    Plain,
    Whole,
    Log,
}

const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 360.0;
const TICK: f64 = 13.0;
const LABEL: f64 = 14.0;

impl Chart {
    /// An empty chart with a heading and the names of its axes, units included.
    pub fn new(title: &str, x_label: &str, y_label: &str) -> Self {
        Chart {
            title: title.to_string(),
            x_label: x_label.to_string(),
            y_label: y_label.to_string(),
            x_range: None,
            x_ticks: Ticks::Plain,
            y_range: None,
            square: false,
            categories: Vec::new(),
            layers: Vec::new(),
            colors: 0,
        }
    }

    /// A curve through `(x, y)` points, in the order given.
    pub fn line(self, name: &str, points: &[(f64, f64)]) -> Self {
        self.with(name, Shape::Line { points: points.to_vec(), dashed: false })
    }

    /// A dashed curve, such as the training loss beside the test loss, in the colour of the [`line`](Self::line)
    /// before it.
    pub fn dashed(self, name: &str, points: &[(f64, f64)]) -> Self {
        self.with(name, Shape::Line { points: points.to_vec(), dashed: true })
    }

    /// A translucent dot at each `(x, y)`; ten thousand are fine. What is above the plot is marked by a triangle at its upper edge,
    /// and so is a y of ∞.
    pub fn scatter(self, name: &str, points: &[(f64, f64)]) -> Self {
        self.with(name, Shape::Scatter(points.to_vec()))
    }

    /// Outlines of ellipses `(centre x, centre y, half-axis x, half-axis y)`.
    pub fn ellipses(self, name: &str, ellipses: &[(f64, f64, f64, f64)]) -> Self {
        self.with(name, Shape::Ellipses(ellipses.to_vec()))
    }

    /// Bars from zero to `values[i]` at x = `i`, side by side with those of other names. See
    /// [`categories`](Self::categories).
    pub fn bars(self, name: &str, values: &[f64]) -> Self {
        self.with(name, Shape::Bars(values.to_vec()))
    }

    /// A dashed line at height `y` to compare with, named where it leaves the plot. It has no colour of its own.
    pub fn level(self, name: &str, y: f64) -> Self {
        self.with(name, Shape::Level(y))
    }

    /// A dashed ellipse `(centre x, centre y, half-axis x, half-axis y)` to compare with, named on its line. It has no
    /// colour of its own.
    pub fn contour(self, name: &str, ellipse: (f64, f64, f64, f64)) -> Self {
        self.with(name, Shape::Contour(ellipse))
    }

    /// A marked point with `text` beside it. The mark has the colour of the layers of that name if there are any.
    pub fn note(self, text: &str, point: (f64, f64)) -> Self {
        self.with(text, Shape::Note(point.0, point.1))
    }

    /// Tints the paper behind all else by how high a field is.
    pub fn tint(self, name: &str, field: &Field) -> Self {
        self.with(name, Shape::Tint(field.clone()))
    }

    /// Arrows `[x, y, dx, dy]` from (x, y) to (x + dx, y + dy), before all else. They have no entry of the key.
    pub fn arrows(self, arrows: &[[f64; 4]]) -> Self {
        self.with("", Shape::Arrows(arrows.to_vec()))
    }

    /// Takes the colour of the last layer: it is there to compare with.
    pub fn muted(mut self) -> Self {
        let color = self.layers.last_mut().and_then(|layer| layer.color.take());
        if color.is_some() && self.layers.iter().all(|layer| layer.color != color) {
            self.colors -= 1; // The next layer may have it.
        }
        self
    }

    /// Names for x = 0, 1, 2, … in place of numbers.
    pub fn categories<S: AsRef<str>>(mut self, names: &[S]) -> Self {
        self.categories = names.iter().map(|n| n.as_ref().to_string()).collect();
        self
    }

    /// The x axis counts: only whole numbers stand at it.
    pub fn x_whole(mut self) -> Self {
        self.x_ticks = Ticks::Whole;
        self
    }

    /// The values of x are base-10 logarithms: the numbers themselves stand at the axis.
    pub fn x_log(mut self) -> Self {
        self.x_ticks = Ticks::Log;
        self
    }

    /// Ends the x axis at `lo` and `hi`.
    ///
    /// # Panics
    /// Unless `lo < hi` and both are finite.
    pub fn x_range(mut self, lo: f64, hi: f64) -> Self {
        self.x_range = Some(range(lo, hi));
        self
    }

    /// Ends the y axis at `lo` and `hi`.
    ///
    /// # Panics
    /// As [`x_range`](Self::x_range).
    pub fn y_range(mut self, lo: f64, hi: f64) -> Self {
        self.y_range = Some(range(lo, hi));
        self
    }

    /// A square plot with one scale for both axes, so that a circle is round. Both ranges are widened: the
    /// shorter one to the other, and both by a small margin.
    pub fn square(mut self) -> Self {
        self.square = true;
        self
    }

    /// The chart as an SVG file.
    pub fn svg(&self) -> String {
        let (x, y) = self.axes();
        let y_ticks = y.ticks();
        let left = 46.0 + y_ticks.iter().map(|(_, label)| text_width(label, TICK)).fold(0.0, f64::max);
        let (title, top) = heading(left, WIDTH - left - 10.0, &self.title);

        let named = self.named(y);
        let (key_width, key_height) = key::room(named.iter().map(|l| l.name.as_str()));
        let width = WIDTH - left - key_width;
        let area = Area { width, height: if self.square { width } else { HEIGHT }.max(key_height), x, y };
        let (x_axis, below) = self.x_axis(&area);

        let mut body = title;
        let _ = writeln!(body, "<g transform=\"translate({} {})\">", num(left), num(top));
        body += &x_axis;
        body += &self.y_axis(&area, &y_ticks, left);
        let (w, h) = (num(area.width), num(area.height));
        // An SVG inside the SVG clips what goes beyond the axes, and needs no id for it. Dots are drawn whole, so that they are not in
        // it; behind it, where they hide no outline.
        let (tints, marks, dots) = self.marks(&area);
        let _ = writeln!(body, "{tints}{dots}<svg width=\"{w}\" height=\"{h}\">\n{marks}</svg>");
        let _ = writeln!(body, "<path d=\"M0 {h}H{w}\" stroke=\"{MUTED}\" stroke-width=\"1.2\"/>");
        body += &self.labels(&area);
        body += &key::draw(named.into_iter().map(|l| l.entry(&area)).collect(), area.width, area.height);
        body += "</g>\n";
        document(WIDTH, top + area.height + below, &self.title, &body)
    }

    fn with(mut self, name: &str, shape: Shape) -> Self {
        let color = match shape {
            Shape::Level(_) | Shape::Contour(_) | Shape::Note(..) | Shape::Arrows(_) => None,
            Shape::Tint(_) => Some(TINT),
            _ => self.color(name).or_else(|| self.companion(&shape)).or_else(|| {
                self.colors += 1;
                Some(SERIES[(self.colors - 1) % SERIES.len()])
            }),
        };
        self.layers.push(Layer { name: name.to_string(), color, shape });
        self
    }

    /// The colour of the series of this name.
    fn color(&self, name: &str) -> Option<&'static str> {
        self.layers.iter().find(|l| !name.is_empty() && l.name == name && l.color.is_some())?.color
    }

    /// The colour of the curve that a dashed one goes with.
    fn companion(&self, shape: &Shape) -> Option<&'static str> {
        let Shape::Line { dashed: true, .. } = shape else { return None };
        self.layers.iter().rev().find(|l| matches!(l.shape, Shape::Line { dashed: false, .. }))?.color
    }

    fn axes(&self) -> (Axis, Axis) {
        let (mut xs, mut ys) = (Vec::new(), Vec::new());
        let mut places = self.categories.len();
        for layer in &self.layers {
            match &layer.shape {
                Shape::Level(y) => ys.push(*y),
                Shape::Bars(values) => {
                    places = places.max(values.len());
                    ys.push(0.0);
                    ys.extend(values);
                }
                shape => {
                    for (x, y) in shape.extremes() {
                        xs.push(x);
                        ys.push(y);
                    }
                }
            }
        }
        xs.retain(|v| drawable(*v));
        ys.retain(|v| drawable(*v));
        let all_places = (places > 0).then_some(Axis { lo: -0.5, hi: places as f64 - 0.5 });
        let x = self.x_range.or(all_places).unwrap_or_else(|| Axis::covering(&xs));
        let y = self.y_range.unwrap_or_else(|| Axis::covering(&ys));
        if self.square {
            let length = 1.04 * x.length().max(y.length());
            return (x.resized(length), y.resized(length));
        }
        (x, y)
    }

    /// The first layer of each name of the key; levels only where they are in sight.
    fn named(&self, y: Axis) -> Vec<&Layer> {
        let mut named: Vec<&Layer> = Vec::new();
        for layer in &self.layers {
            let is_new = named.iter().all(|l| l.name != layer.name);
            let fits = match layer.shape {
                Shape::Level(level) => (y.lo..=y.hi).contains(&level),
                Shape::Contour(_) | Shape::Note(..) => false,
                _ => true,
            };
            if fits && is_new && !layer.name.is_empty() {
                named.push(layer);
            }
        }
        named
    }

    /// Grid lines, tick labels and the name of the x axis; and the height that they take below the plot.
    fn x_axis(&self, area: &Area) -> (String, f64) {
        let mut out = String::new();
        let slot = area.width / area.x.length();
        let widest = self.categories.iter().map(|c| text_width(c, TICK)).fold(0.0, f64::max);
        let slanted = widest > slot - 4.0;
        let ticks = match self.categories.is_empty() {
            true => match self.x_ticks {
                Ticks::Plain => area.x.ticks(),
                Ticks::Whole => area.x.whole_ticks(),
                Ticks::Log => area.x.log_ticks(),
            },
            false => self.categories.iter().enumerate().map(|(i, name)| (i as f64, name.clone())).collect(),
        };
        for (value, label) in ticks {
            let x = area.at((value, area.y.lo)).0;
            if self.categories.is_empty() {
                let (x, h) = (num(x), num(area.height));
                let _ = writeln!(out, "<path d=\"M{x} 0V{h}\" stroke=\"{GRID}\"/>");
            }
            let y = area.height + if slanted { 16.0 } else { 20.0 };
            let look = match slanted {
                true => format!("text-anchor=\"end\" transform=\"rotate(-35 {} {})\"", num(x), num(y)),
                false => "text-anchor=\"middle\"".to_string(),
            };
            out += &text((x, y), TICK, MUTED, &look, &label);
        }
        let mut below = if slanted { 22.0 + 0.6 * widest } else { 28.0 };
        if !self.x_label.is_empty() {
            below += 18.0;
            let middle = (area.width / 2.0, area.height + below);
            out += &text(middle, LABEL, INK, "text-anchor=\"middle\"", &self.x_label);
        }
        (out, below + 14.0)
    }

    fn y_axis(&self, area: &Area, ticks: &[(f64, String)], left: f64) -> String {
        let mut out = String::new();
        for (value, label) in ticks {
            let y = area.at((area.x.lo, *value)).1;
            let _ = writeln!(out, "<path d=\"M0 {}H{}\" stroke=\"{GRID}\"/>", num(y), num(area.width));
            out += &text((-8.0, y + 4.5), TICK, MUTED, "text-anchor=\"end\"", label);
        }
        let (x, y) = (20.0 - left, area.height / 2.0);
        let look = format!("text-anchor=\"middle\" transform=\"rotate(-90 {} {})\"", num(x), num(y));
        out + &text((x, y), LABEL, INK, &look, &self.y_label)
    }

    /// What stands in the plot: the tints behind all; from back to front areas, outlines, lines, arrows; and the dots.
    fn marks(&self, area: &Area) -> (String, String, String) {
        let (mut bars, mut dots, mut tints) = (Vec::new(), Vec::new(), String::new());
        let (mut outlines, mut levels, mut lines) = (String::new(), String::new(), String::new());
        for Layer { color, shape, .. } in &self.layers {
            let own = *color;
            let color = own.unwrap_or(MUTED);
            match shape {
                Shape::Line { points, dashed } => lines += &marks::line(area, points, own, *dashed),
                Shape::Scatter(points) => dots.push((color, points.as_slice())),
                Shape::Ellipses(all) => outlines.extend(all.iter().map(|e| marks::ellipse(area, *e, color))),
                Shape::Bars(values) => bars.push((color, values)),
                Shape::Level(y) => levels += &marks::level(area, *y),
                Shape::Contour(ellipse) => outlines += &marks::contour(area, *ellipse),
                Shape::Tint(field) => tints += &field.element(area),
                Shape::Arrows(all) => lines += &field::arrows(area, all),
                Shape::Note(..) => {}
            }
        }
        let groups = bars.len();
        let bars = bars.into_iter().enumerate().map(|(k, (color, values))| marks::bars(area, values, color, k, groups));
        (tints, bars.collect::<String>() + &outlines + &levels + &lines, marks::scatter(area, &dots))
    }

    /// The text in the plot.
    fn labels(&self, area: &Area) -> String {
        let mut labels = Labels::new(area);
        let mut notes = Vec::new();
        for Layer { name, shape, .. } in &self.layers {
            match shape {
                Shape::Contour(ellipse) => labels.contour(name, *ellipse),
                Shape::Note(x, y) => notes.push((name.as_str(), (*x, *y), self.color(name).unwrap_or(INK))),
                _ => {}
            }
        }
        labels.notes(&notes);
        labels.finish()
    }
}

fn range(lo: f64, hi: f64) -> Axis {
    assert!(lo.is_finite() && hi.is_finite() && lo < hi, "the range {lo} to {hi} cannot be drawn");
    Axis::between(lo, hi)
}

#[cfg(test)]
mod tests;
