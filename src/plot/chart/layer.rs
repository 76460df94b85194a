//! The layers of a chart.

use crate::plot::field::Field;
use crate::plot::key::{Entry, Swatch};
use crate::plot::marks::{Area, Ellipse, whole};
use crate::plot::style::MUTED;

/// A series, or what is there to compare with.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Its entry in the key, if it has one; of a note its words.
    pub name: String,
    /// Of a series; what is only there to compare with has none.
    pub color: Option<&'static str>,
    /// What is drawn.
    pub shape: Shape,
}

/// What is drawn, in the numbers of the axes.
#[derive(Clone, Debug)]
pub enum Shape {
    Line { points: Vec<(f64, f64)>, dashed: bool },
    Scatter(Vec<(f64, f64)>),
    Ellipses(Vec<Ellipse>),
    Bars(Vec<f64>),
    Level(f64),
    Contour(Ellipse),
    Note(f64, f64),
    Tint(Field),
    Arrows(Vec<[f64; 4]>),
}

impl Layer {
    /// Its entry in the key.
    pub fn entry(&self, area: &Area) -> Entry<'_> {
        let (swatch, wanted) = match &self.shape {
            Shape::Line { points, dashed } => {
                let last = points.iter().rev().find(|p| whole(**p));
                (Swatch::Line { dashed: *dashed }, last.map_or(0.0, |p| area.at(*p).1))
            }
            Shape::Level(y) => (Swatch::Level, area.at((area.x.lo, *y)).1),
            Shape::Bars(_) | Shape::Tint(_) => (Swatch::Square, 0.0),
            Shape::Ellipses(_) => (Swatch::Outline, 0.0),
            _ => (Swatch::Dot, 0.0),
        };
        Entry { name: &self.name, color: self.color.unwrap_or(MUTED), swatch, wanted }
    }
}

impl Shape {
    /// Points that the axes must cover.
    pub fn extremes(&self) -> Vec<(f64, f64)> {
        let corners = |(cx, cy, rx, ry): Ellipse| [(cx - rx, cy - ry), (cx + rx, cy + ry)];
        let mut points = match self {
            Shape::Line { points, .. } | Shape::Scatter(points) => points.clone(),
            Shape::Ellipses(all) => all.iter().copied().flat_map(corners).collect(),
            Shape::Contour(ellipse) => corners(*ellipse).to_vec(),
            Shape::Note(x, y) => vec![(*x, *y)],
            Shape::Tint(field) => field.corners().to_vec(),
            Shape::Arrows(all) => all.iter().map(|[x, y, ..]| (*x, *y)).collect(),
            Shape::Bars(_) | Shape::Level(_) => Vec::new(),
        };
        points.retain(|p| whole(*p));
        points
    }
}
