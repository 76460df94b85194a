//! Charts: the layers of one, the ranges they need, and the frame around them.

use super::axis::{Axis, drawable};
use super::key::{self, Entry, Swatch};
use super::marks::{self, Area, Ellipse, Labels, whole};
use super::style::{GRID, INK, MUTED, SERIES};
use super::svg::{document, heading, num, text, text_width};
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

#[derive(Clone, Debug)]
struct Layer {
    name: String,
    /// Of a series; what is only there to compare with has none.
    color: Option<&'static str>,
    shape: Shape,
}

#[derive(Clone, Debug)]
enum Shape {
    Line { points: Vec<(f64, f64)>, dashed: bool },
    Scatter(Vec<(f64, f64)>),
    Ellipses(Vec<Ellipse>),
    Bars(Vec<f64>),
    Level(f64),
    Contour(Ellipse),
    Note(f64, f64),
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
        let (marks, dots) = self.marks(&area);
        let _ = writeln!(body, "{dots}<svg width=\"{w}\" height=\"{h}\">\n{marks}</svg>");
        let _ = writeln!(body, "<path d=\"M0 {h}H{w}\" stroke=\"{MUTED}\" stroke-width=\"1.2\"/>");
        body += &self.labels(&area);
        body += &key::draw(named.into_iter().map(|l| l.entry(&area)).collect(), area.width, area.height);
        body += "</g>\n";
        document(WIDTH, top + area.height + below, &self.title, &body)
    }

    fn with(mut self, name: &str, shape: Shape) -> Self {
        let color = match shape {
            Shape::Level(_) | Shape::Contour(_) | Shape::Note(..) => None,
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

    /// ImageGrid lines, tick labels and the name of the x axis; and the height that they take below the plot.
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

    /// What stands in the plot, from back to front: areas, outlines, lines; and the dots.
    fn marks(&self, area: &Area) -> (String, String) {
        let (mut bars, mut dots) = (Vec::new(), Vec::new());
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
                Shape::Note(..) => {}
            }
        }
        let groups = bars.len();
        let bars = bars.into_iter().enumerate().map(|(k, (color, values))| marks::bars(area, values, color, k, groups));
        (bars.collect::<String>() + &outlines + &levels + &lines, marks::scatter(area, &dots))
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

impl Layer {
    fn entry(&self, area: &Area) -> Entry<'_> {
        let (swatch, wanted) = match &self.shape {
            Shape::Line { points, dashed } => {
                let last = points.iter().rev().find(|p| whole(**p));
                (Swatch::Line { dashed: *dashed }, last.map_or(0.0, |p| area.at(*p).1))
            }
            Shape::Level(y) => (Swatch::Level, area.at((area.x.lo, *y)).1),
            Shape::Bars(_) => (Swatch::Square, 0.0),
            Shape::Ellipses(_) => (Swatch::Outline, 0.0),
            _ => (Swatch::Dot, 0.0),
        };
        Entry { name: &self.name, color: self.color.unwrap_or(MUTED), swatch, wanted }
    }
}

impl Shape {
    /// Points that the axes must cover.
    fn extremes(&self) -> Vec<(f64, f64)> {
        let corners = |(cx, cy, rx, ry): Ellipse| [(cx - rx, cy - ry), (cx + rx, cy + ry)];
        let mut points = match self {
            Shape::Line { points, .. } | Shape::Scatter(points) => points.clone(),
            Shape::Ellipses(all) => all.iter().copied().flat_map(corners).collect(),
            Shape::Contour(ellipse) => corners(*ellipse).to_vec(),
            Shape::Note(x, y) => vec![(*x, *y)],
            Shape::Bars(_) | Shape::Level(_) => Vec::new(),
        };
        points.retain(|p| whole(*p));
        points
    }
}

fn range(lo: f64, hi: f64) -> Axis {
    assert!(lo.is_finite() && hi.is_finite() && lo < hi, "the range {lo} to {hi} cannot be drawn");
    Axis::between(lo, hi)
}

#[cfg(test)]
mod tests {
    use super::*;
    use roxmltree::{Document, Node};

    const NONSENSE: [(f64, f64); 5] =
        [(f64::NAN, 1.0), (2.0, f64::INFINITY), (f64::NEG_INFINITY, f64::NAN), (f64::MAX, 3.0), (4.0, f64::MIN)];

    fn elements<'a>(xml: &'a Document, tag: &'a str) -> Vec<Node<'a, 'a>> {
        xml.descendants().filter(|n| n.has_tag_name(tag)).collect()
    }

    fn texts(xml: &Document) -> Vec<String> {
        elements(xml, "text").iter().map(|n| n.text().unwrap_or("").to_string()).collect()
    }

    fn get(node: Node, attribute: &str) -> f64 {
        node.attribute(attribute).unwrap().parse().unwrap()
    }

    /// Width and height of the plot area.
    fn area(xml: &Document) -> (f64, f64) {
        let plot = elements(xml, "svg")[1];
        (get(plot, "width"), get(plot, "height"))
    }

    /// The numbers of a path's data.
    fn numbers(path: &str) -> Vec<f64> {
        let pieces = path.split(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-'));
        pieces.filter(|p| !p.is_empty()).map(|p| p.parse().unwrap()).collect()
    }

    /// The paths of a colour: first the lines, then the dots.
    fn paths<'a>(xml: &'a Document, color: &str) -> Vec<&'a str> {
        let is_swatch =
            |n: &Node| n.attribute("d").is_some_and(|d| n.attribute("stroke-width") == Some("2.5") && !d.contains('L'));
        let paths = xml.descendants().filter(|n| n.has_tag_name("path") && n.attribute("stroke") == Some(color));
        let (lines, others): (Vec<Node>, Vec<Node>) =
            paths.filter(|n| !is_swatch(n)).partition(|n| n.ancestors().filter(|a| a.has_tag_name("svg")).count() > 1);
        lines.into_iter().chain(others).map(|n| n.attribute("d").unwrap()).collect()
    }

    fn close(found: &[f64], expected: &[f64]) {
        let near = found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= 0.11);
        assert!(near && found.len() == expected.len(), "{found:?} is not {expected:?}");
    }

    #[test]
    fn a_curve_goes_through_its_points() {
        let svg = Chart::new("", "", "").x_range(0.0, 10.0).y_range(-1.0, 3.0);
        let svg = svg.line("a", &[(0.0, -1.0), (5.0, 3.0), (10.0, 0.0)]).svg();
        let xml = Document::parse(&svg).unwrap();
        let (w, h) = area(&xml);
        let found = numbers(&paths(&xml, SERIES[0])[0].replace("h0", ""));
        close(&found, &[0.0, h, w / 2.0, 0.0, w, h * 0.75]);
    }

    #[test]
    fn dots_ellipses_and_notes_meet_at_the_same_place() {
        let svg = Chart::new("", "", "").x_range(-2.0, 2.0).y_range(-1.0, 1.0);
        let svg = svg.scatter("a", &[(1.0, 0.5)]).ellipses("a", &[(1.0, 0.5, 0.5, 0.25)]).note("a", (1.0, 0.5)).svg();
        let xml = Document::parse(&svg).unwrap();
        let (w, h) = area(&xml);
        let (x, y) = (w * 0.75, h * 0.25);
        close(&numbers(&paths(&xml, SERIES[0])[0].replace("h0", "")), &[x, y]);
        let ellipse = elements(&xml, "ellipse")[0];
        let ellipse = ["cx", "cy", "rx", "ry"].map(|a| get(ellipse, a));
        close(&ellipse, &[x, y, w / 8.0, h / 8.0]);
        let mark = elements(&xml, "circle").into_iter().find(|n| n.has_attribute("stroke-width")).unwrap();
        close(&[get(mark, "cx"), get(mark, "cy")], &[x, y]);
        assert_eq!(mark.attribute("fill"), Some(SERIES[0]));
    }

    #[test]
    fn a_dot_on_the_frame_is_whole_and_one_above_it_is_marked_at_its_edge() {
        let svg = Chart::new("", "", "").x_range(0.0, 10.0).y_range(0.0, 1.0);
        let svg = svg.scatter("a", &[(0.0, 1.0), (5.0, 7.0), (6.0, f64::INFINITY), (7.0, -3.0), (12.0, 0.5)]).svg();
        let xml = Document::parse(&svg).unwrap();
        let (w, h) = area(&xml);
        let dots = elements(&xml, "g").into_iter().find(|g| g.has_attribute("stroke-linecap")).unwrap();
        let clipped = dots.ancestors().filter(|a| a.has_tag_name("svg")).count() > 1;
        assert!(!clipped, "the frame cuts no dot");
        let paths: Vec<&str> = dots.children().filter_map(|n| n.attribute("d")).collect();
        close(&numbers(&paths[0].replace("h0", "")), &[0.0, 0.0]);
        let triangles = numbers(&paths[1].replace("h0", ""));
        close(&[triangles[0], triangles[6]], &[w * 0.5 - 5.0, w * 0.6 - 5.0]);
        assert!(triangles.iter().all(|v| *v <= w.max(h)) && paths.len() == 2, "{paths:?}");
    }

    #[test]
    fn in_a_square_chart_a_circle_is_round() {
        let svg = Chart::new("", "", "").square().contour("1σ", (1.0, 2.0, 1.0, 1.0)).note("far", (9.0, 2.0)).svg();
        let xml = Document::parse(&svg).unwrap();
        let (w, h) = area(&xml);
        let circle = elements(&xml, "ellipse")[0];
        assert_eq!(w, h);
        assert_eq!(circle.attribute("rx"), circle.attribute("ry"));
        assert!(get(circle, "rx") > 10.0);
    }

    #[test]
    fn bars_stand_on_zero_side_by_side() {
        let chart = Chart::new("", "", "").categories(&["p", "q"]).y_range(-1.0, 3.0);
        let svg = chart.bars("a", &[3.0, f64::NAN]).bars("b", &[-1.0, 1.5]).svg();
        let xml = Document::parse(&svg).unwrap();
        let (w, h) = area(&xml);
        let plot = elements(&xml, "svg")[1];
        let rects: Vec<Node> = plot.descendants().filter(|n| n.has_tag_name("rect")).collect();
        let spans: Vec<(f64, f64)> = rects.iter().map(|r| (get(*r, "y"), get(*r, "height"))).collect();
        close(&[spans[0].0, spans[0].1], &[0.0, h * 0.75]);
        close(&[spans[1].0, spans[1].1], &[h * 0.75, h * 0.25]);
        close(&[spans[2].0, spans[2].1], &[h * 0.375, h * 0.375]);
        assert_eq!(rects.len(), 3, "a bar of NaN is left out");
        let right = |r: Node| get(r, "x") + get(r, "width");
        assert!(right(rects[0]) <= get(rects[1], "x") && right(rects[1]) < w / 2.0 && w / 2.0 < get(rects[2], "x"));
    }

    #[test]
    fn a_level_lies_at_its_height_and_leads_to_its_name() {
        let chart = Chart::new("", "", "").y_range(0.0, 100.0).line("a", &[(0.0, 20.0), (1.0, 80.0)]);
        let svg = chart.level("half", 50.0).level("out of sight", 200.0).level("nothing", f64::NAN).svg();
        let xml = Document::parse(&svg).unwrap();
        let (w, h) = area(&xml);
        close(&numbers(paths(&xml, MUTED)[0]), &[0.0, h / 2.0, w]);
        let label = elements(&xml, "text").into_iter().find(|n| n.text() == Some("half")).unwrap();
        assert!((get(label, "y") - h / 2.0).abs() < 8.0 && get(label, "x") > w);
        assert!(!texts(&xml).iter().any(|t| t == "out of sight" || t == "nothing"));
    }

    #[test]
    fn names_in_the_key_never_overlap() {
        let mut chart = Chart::new("", "", "");
        for k in 0..30 {
            chart = chart.line(&format!("run {k}"), &[(0.0, 0.0), (1.0, 1.0 + 1e-3 * f64::from(k))]);
        }
        let svg = chart.svg();
        let xml = Document::parse(&svg).unwrap();
        let names = elements(&xml, "text").into_iter().filter(|n| n.text().unwrap().starts_with("run"));
        let mut heights: Vec<f64> = names.map(|n| get(n, "y")).collect();
        heights.sort_by(f64::total_cmp);
        assert_eq!(heights.len(), 30);
        assert!(heights.windows(2).all(|w| w[1] - w[0] > 15.0), "{heights:?}");
        assert!(heights[29] < area(&xml).1 && heights[0] > 0.0);
    }

    #[test]
    fn a_name_has_one_colour_and_one_entry_and_a_dashed_line_that_of_its_companion() {
        let points = [(0.0, 1.0), (1.0, 2.0)];
        let chart = Chart::new("", "", "").line("a", &points).dashed("a'", &points).line("b", &points);
        let chart = chart.scatter("a", &points).ellipses("b", &[(0.0, 1.0, 0.1, 0.1)]).dashed("b'", &points);
        let svg = chart.svg();
        let xml = Document::parse(&svg).unwrap();
        assert_eq!(paths(&xml, SERIES[0]).len(), 3, "line, companion and scatter");
        assert_eq!(paths(&xml, SERIES[1]).len(), 2, "line and companion");
        assert!(!svg.contains(&format!("stroke=\"{}\" ", SERIES[2])));
        for name in ["a", "b", "a'", "b'"] {
            assert_eq!(texts(&xml).iter().filter(|t| *t == name).count(), 1, "{name}");
        }
    }

    #[test]
    fn what_cannot_be_drawn_is_left_out() {
        let mut points = NONSENSE.to_vec();
        points.insert(2, (1.0, 1.0));
        points.push((3.0, 2.0));
        let ellipses = points.iter().map(|p| (p.0, p.1, 1.0, 1.0)).collect::<Vec<_>>();
        let values: Vec<f64> = points.iter().map(|p| p.1).collect();
        for svg in [
            Chart::new("", "", "").line("a", &points).svg(),
            Chart::new("", "", "").square().scatter("a", &points).ellipses("b", &ellipses).svg(),
            Chart::new("", "", "").bars("a", &values).level("l", f64::NAN).svg(),
            Chart::new("", "", "").contour("c", ellipses[0]).note("n", NONSENSE[0]).note("m", NONSENSE[1]).svg(),
            Chart::new("", "", "").y_range(0.0, 1e-30).x_range(0.0, 1e-30).line("a", &points).svg(),
        ] {
            let xml = Document::parse(&svg).unwrap();
            for attribute in xml.descendants().flat_map(|n| n.attributes()) {
                assert!(!attribute.value().contains("NaN") && !attribute.value().contains("inf"), "{attribute:?}");
            }
        }
        let xml = Chart::new("", "", "").line("a", &points).svg();
        let xml = Document::parse(&xml).unwrap();
        assert_eq!(paths(&xml, SERIES[0])[0].matches('M').count(), 2, "a gap breaks the curve");
    }

    #[test]
    fn empty_and_flat_data_make_a_chart() {
        for chart in [
            Chart::new("", "", ""),
            Chart::new("", "", "").line("a", &[]).scatter("b", &[]).ellipses("c", &[]).bars("d", &[]),
            Chart::new("", "", "").square().line("a", &NONSENSE),
            Chart::new("", "", "").line("a", &[(5.0, 5.0)]).square(),
            Chart::new("", "", "").categories(&["only"]).bars("a", &[0.0]),
        ] {
            let svg = chart.svg();
            let xml = Document::parse(&svg).unwrap();
            assert!(texts(&xml).len() >= 4, "ticks are missing: {svg}");
        }
    }

    #[test]
    fn text_reaches_the_reader_as_it_was_given() {
        let odd = "p(x|z) < \"q\" & r > 1";
        let svg = Chart::new(odd, odd, odd).line(odd, &[(0.0, 0.0)]).note(odd, (0.0, 0.0)).svg();
        let xml = Document::parse(&svg).unwrap();
        assert_eq!(texts(&xml).iter().filter(|t| *t == odd).count(), 5);
    }

    #[test]
    fn every_colour_has_a_dark_counterpart() {
        let mut chart = Chart::new("t", "x", "y").level("l", 0.5).contour("c", (0.0, 0.0, 1.0, 1.0));
        for k in 0..11 {
            let name = k.to_string();
            chart = chart.line(&name, &[(0.0, 0.0), (1.0, 1.0)]).note(&name, (0.5, 0.5)).bars(&name, &[1.0]);
        }
        let svg = chart.svg();
        let xml = Document::parse(&svg).unwrap();
        let rules = elements(&xml, "style")[0].text().unwrap();
        let painted = xml.descendants().flat_map(|n| n.attributes()).filter(|a| ["fill", "stroke"].contains(&a.name()));
        let colors: Vec<&str> = painted.map(|a| a.value()).filter(|v| *v != "none").collect();
        assert!(colors.len() > 50);
        assert!(colors.iter().all(|c| rules.contains(&format!("[fill=\"{c}\"]"))), "{colors:?}");
    }

    #[test]
    fn ten_thousand_dots_fit_in_a_small_file_and_none_is_lost() {
        let mut chart = Chart::new("", "", "");
        for class in 0..10 {
            let point = |i: i32| (f64::from(i * 7919 % 1000) + f64::from(class), f64::from(i * 104_729 % 997));
            chart = chart.scatter(&format!("class {class}"), &(0..1000).map(point).collect::<Vec<_>>());
        }
        let svg = chart.svg();
        assert!(svg.len() < 250_000, "{}", svg.len());
        let xml = Document::parse(&svg).unwrap();
        let dots = |color| paths(&xml, color).iter().map(|d| d.matches('M').count()).sum::<usize>();
        assert!(SERIES.iter().all(|color| dots(color) == 1000));
    }

    #[test]
    #[should_panic(expected = "the range 2 to 1 cannot be drawn")]
    fn a_range_goes_upwards() {
        let _ = Chart::new("", "", "").x_range(2.0, 1.0);
    }
}
