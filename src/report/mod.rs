//! Reports: what is told is a list of [`Block`]s, written as one [HTML page](html), as [Markdown](markdown) and for the
//! [terminal].
//!
//! Sentences are Rust strings with a little markup, as in Markdown: `*emphasis*`, `**strong**`, `` `code` `` and `[a link](file)`. They
//! are parsed once, into [`Text`]. What comes from outside (names of parameters, classes, errors) goes through [`escape`] on its way
//! into a sentence; then it is shown as it is, whatever stands in it.
//!
//! ```
//! use elbo::report::{Block, Report, escape, markdown};
//! let name = "a<b> *c*";
//! let said = format!("The **least** loss is that of {}.", escape(name));
//! let report = Report { title: "Losses".into(), blocks: vec![said.into()] };
//! assert_eq!(markdown::page(&report), "# Losses\n\nThe **least** loss is that of a&lt;b&gt; \\*c\\*.\n");
//! ```
//!
//! Nothing here knows networks, tensors or charts: a [`Picture`] is the path of a file, with words about it.

mod formula;
pub mod html;
pub mod markdown;
pub mod terminal;
mod text;

pub use formula::Formula;
pub use text::{Span, Text, escape};

/// A whole report.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Its name.
    pub title: Text,
    /// What it says.
    pub blocks: Vec<Block>,
}

/// A part of a report.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// The beginning of a section.
    Heading(Text),
    /// A paragraph.
    Text(Text),
    /// Rows of cells.
    Table(Table),
    /// A figure or a film.
    Picture(Picture),
    /// A line of mathematics.
    Formula(Formula),
}

/// Rows of cells under a header.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The names of the columns.
    pub header: Vec<Text>,
    /// The cells, row by row.
    pub rows: Vec<Vec<Text>>,
    /// What the numbers are, and their units.
    pub caption: Text,
}

/// A file that is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// The file, from the report's folder.
    pub path: String,
    /// What it is called; for those who do not see it, what is to be seen.
    pub alt: Text,
    /// How to read it.
    pub caption: Text,
    /// Whether it moves: an animated PNG.
    pub is_film: bool,
}

/// A drawn figure, before it is written to its file.
#[derive(Clone, Debug)]
pub struct Figure {
    name: String,
    /// The file's contents.
    pub bytes: Vec<u8>,
}

impl Figure {
    /// A figure of this file name.
    pub fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Figure { name: name.into(), bytes: bytes.into() }
    }

    /// Its file, in the report's folder.
    pub fn path(&self) -> String {
        in_figures(&self.name)
    }
}

fn in_figures(name: &str) -> String {
    format!("figures/{name}")
}

/// The beginning of a section.
pub fn heading(text: impl Into<Text>) -> Block {
    Block::Heading(text.into())
}

/// Where the [`Figure`] called `name` stands.
pub fn figure(name: &str, alt: impl Into<Text>, caption: impl Into<Text>) -> Block {
    Block::Picture(Picture { path: in_figures(name), alt: alt.into(), caption: caption.into(), is_film: false })
}

/// Where a film stands, by its path from the report's folder.
pub fn film(path: impl Into<String>, alt: impl Into<Text>, caption: impl Into<Text>) -> Block {
    Block::Picture(Picture { path: path.into(), alt: alt.into(), caption: caption.into(), is_film: true })
}

/// A table; `caption` says what the numbers are, and their units.
pub fn table<H: Into<Text>, C: Into<Text>>(
    header: impl IntoIterator<Item = H>,
    rows: impl IntoIterator<Item = Vec<C>>,
    caption: impl Into<Text>,
) -> Block {
    let cells = |row: Vec<C>| row.into_iter().map(Into::into).collect();
    Block::Table(Table {
        header: header.into_iter().map(Into::into).collect(),
        rows: rows.into_iter().map(cells).collect(),
        caption: caption.into(),
    })
}

/// A line of mathematics, in the [notation](Formula) of this module; `source` says where it is from.
pub fn formula(notation: &str, source: impl Into<Text>) -> Block {
    Block::Formula(Formula::new(notation, source))
}

impl<T: Into<Text>> From<T> for Block {
    fn from(paragraph: T) -> Self {
        Block::Text(paragraph.into())
    }
}
