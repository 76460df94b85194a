//! Pictures as values: charts and captioned panels as SVG text, image grids and films as PNG bytes.
//!
//! Every function here is pure and returns the file's contents; writing them is the caller's part
//! ([`crate::files::write`]). Nothing here knows a tensor, a model or a run: data come in as slices. The SVG files carry
//! a light and a dark set of colours, and the viewer's preference picks one.
//!
//! - [`ImageGrid`]: equally sized images side by side, grey, in colour or as heat maps, one PNG.
//! - [`film`]: frames as an endless animation (APNG).
//! - [`Chart`]: lines, scatters, ellipses and bars with axes and a key.
//! - [`Field`]: numbers over a square of the plane, behind a chart or behind points as a frame of a film.
//! - [`Panel`]: rows of images with captions.

#[allow(clippy::disallowed_methods)] // Ticks are looked at, not computed with.
mod axis;
mod chart;
mod field;
mod film;
mod grid;
mod image;
mod key;
mod marks;
mod panel;
mod style;
mod svg;

pub use axis::drawable;
pub use chart::Chart;
pub use field::Field;
pub use film::{excerpt, film};
pub use grid::ImageGrid;
pub use image::Image;
pub use panel::{ImageRow, Panel};
