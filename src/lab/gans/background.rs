//! What each kind of network was used for, from `background.toml`.

use crate::error::{Error, Result};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A use from the literature.
#[derive(Clone, Debug, Deserialize)]
pub struct Use {
    /// What it was used for.
    #[serde(rename = "use")]
    pub what: String,
    /// Who did.
    pub source: String,
    /// Where it stands.
    pub link: String,
    bibtex: String,
}

/// All uses, by their networks' names in files.
pub fn uses() -> Result<BTreeMap<String, Use>> {
    toml::from_str(include_str!("background.toml")).map_err(|e| Error::Failed(format!("background.toml: {e}")))
}

/// All sources as BibTeX.
pub fn bibliography() -> Result<String> {
    Ok(uses()?.values().map(|of| of.bibtex.trim_start()).collect::<Vec<_>>().join("\n"))
}
