//! The column to the right of a chart: names beside what they name, one below the other, never on the data.

use super::style::{INK, MUTED};
use super::svg::{num, text, text_width};
use std::fmt::Write;

const SIZE: f64 = 13.0;
const LINE: f64 = 19.0;
const SWATCH: f64 = 26.0;

/// How an entry shows what it names.
#[derive(Clone, Copy, PartialEq)]
pub enum Swatch {
    Line {
        dashed: bool,
    },
    Dot,
    Outline,
    Square,
    /// A dashed line that goes on from the plot's edge.
    Level,
}

/// One name, and the height in the plot at which it would best stand.
pub struct Entry<'a> {
    pub name: &'a str,
    pub color: &'static str,
    pub swatch: Swatch,
    pub wanted: f64,
}

/// The room that entries of these names need: width, and least height.
pub fn room<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> (f64, f64) {
    let height = LINE * names.len() as f64;
    (names.map(|name| text_width(name, SIZE)).reduce(f64::max).map_or(20.0, |w| w + SWATCH + 26.0), height)
}

/// Draws the entries to the right of `x`, in the order of their wanted heights and between 0 and `height`.
pub fn draw(mut entries: Vec<Entry>, x: f64, height: f64) -> String {
    entries.sort_by(|a, b| a.wanted.total_cmp(&b.wanted));
    let wanted: Vec<f64> = entries.iter().map(|e| e.wanted).collect();
    let (from, to) = (x + 6.0, x + 6.0 + SWATCH);
    let mut out = String::new();
    for (Entry { name, color, swatch, wanted }, y) in entries.into_iter().zip(spread(&wanted, LINE, height)) {
        let (a, b, at, middle) = (num(from + 4.0), num(to), num(y), num((from + 4.0 + to) / 2.0));
        let _ = match swatch {
            Swatch::Line { dashed } => {
                let dashes = if dashed { " stroke-dasharray=\"6 4\"" } else { "" };
                writeln!(out, "<path d=\"M{a} {at}H{b}\" stroke=\"{color}\" stroke-width=\"2.5\"{dashes}/>")
            }
            Swatch::Dot => writeln!(out, "<circle cx=\"{middle}\" cy=\"{at}\" r=\"5\" fill=\"{color}\"/>"),
            Swatch::Outline => writeln!(
                out,
                "<circle cx=\"{middle}\" cy=\"{at}\" r=\"5\" fill=\"none\" stroke=\"{color}\" stroke-width=\"1.8\"/>"
            ),
            Swatch::Square => {
                let (left, top) = (num((from + 4.0 + to) / 2.0 - 6.0), num(y - 6.0));
                writeln!(out, "<rect x=\"{left}\" y=\"{top}\" width=\"12\" height=\"12\" fill=\"{color}\"/>")
            }
            Swatch::Level => {
                let (edge, start) = (num(x), num(wanted));
                writeln!(
                    out,
                    "<path d=\"M{edge} {start}h8L{b} {at}\" stroke=\"{color}\" fill=\"none\" stroke-width=\"1.3\" \
                     stroke-dasharray=\"7 4\"/>"
                )
            }
        };
        let ink = if swatch == Swatch::Level { MUTED } else { INK };
        out += &text((to + 8.0, y + 4.5), SIZE, ink, "", name);
    }
    out
}

/// Moves sorted positions apart to at least `gap`, each as little as it takes downwards, then upwards where the room
/// (0 to `height`) ends.
fn spread(wanted: &[f64], gap: f64, height: f64) -> Vec<f64> {
    let mut places = wanted.to_vec();
    let mut least = gap / 2.0;
    for place in &mut places {
        *place = place.max(least);
        least = *place + gap;
    }
    let mut most = height - gap / 2.0;
    for place in places.iter_mut().rev() {
        *place = place.min(most);
        most = *place - gap;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_have_room_stay_and_others_move_apart() {
        assert_eq!(spread(&[50.0, 90.0], 20.0, 200.0), [50.0, 90.0]);
        assert_eq!(spread(&[50.0, 55.0, 56.0, 150.0], 20.0, 200.0), [50.0, 70.0, 90.0, 150.0]);
        assert_eq!(spread(&[0.0, 0.0, 0.0], 20.0, 200.0), [10.0, 30.0, 50.0]);
        assert_eq!(spread(&[190.0, 195.0, 300.0], 20.0, 200.0), [150.0, 170.0, 190.0]);
    }
}
