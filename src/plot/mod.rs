//! Pictures as values: image grids and films as PNG bytes.
//!
//! Every function here is pure and returns the file's contents; writing them is the caller's part
//! ([`crate::files::write`]). Nothing here knows a tensor, a model or a run: data come in as slices.
//!
//! - [`Grid`]: equally sized images side by side, grey or as heat maps, one PNG.
//! - [`film`]: grey frames as an endless animation (APNG).

mod film;
mod grid;
mod image;
mod style;

pub use film::film;
pub use grid::Grid;
pub use image::Grey;
