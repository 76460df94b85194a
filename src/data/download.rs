//! Files from the network, trusted by their digest alone.
//!
//! A body stays in memory until its digest is right and only then becomes a file, so nothing partial or wrong ever
//! reaches the folder. That suits files of some megabytes, and no others are fetched here.

use super::digest::Digest;
use crate::error::{Error, Result};
use crate::files;
use std::path::Path;
use std::time::Duration;

/// How long to wait for a server.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// From looking up its name to a connection.
    pub connect: Duration,
    /// Between two signs of life after that.
    pub silence: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts { connect: Duration::from_secs(10), silence: Duration::from_secs(30) }
    }
}

/// Fetches those of the `wanted` files, pairs of name and digest, that `dir` does not hold yet with this digest. Each is asked for at `mirrors` (addresses that end in `/`) in turn until one gives it; the next file
/// begins with the mirror that gave the last.
///
/// # Errors
/// [`Error::Download`] with the reason of every mirror when none gives a file; [`Error::Io`] when `dir` cannot be used.
pub fn fetch(wanted: &[(&str, Digest)], mirrors: &[&str], dir: &Path, timeouts: Timeouts) -> Result<()> {
    let mut mirrors = mirrors.to_vec();
    for &(name, digest) in wanted {
        let path = dir.join(name);
        if files::is_there(&path)? && digest.of(&std::fs::read(&path).map_err(Error::io(&path))?) == digest.text() {
            continue;
        }
        let (given_by, body) = first_good(name, digest, &mirrors, timeouts)?;
        std::fs::create_dir_all(dir).map_err(Error::io(dir))?;
        files::write(&path, &body)?;
        mirrors.rotate_left(given_by);
    }
    Ok(())
}

/// The body of a file with the right digest, and the place of the mirror that gave it.
fn first_good(name: &str, digest: Digest, mirrors: &[&str], timeouts: Timeouts) -> Result<(usize, Vec<u8>)> {
    let mut reasons = Vec::new();
    for (i, mirror) in mirrors.iter().enumerate() {
        let reason = match get(&format!("{mirror}{name}"), name, timeouts) {
            Ok(body) => match digest.of(&body) {
                found if found == digest.text() => return Ok((i, body)),
                found => format!("{}: expected {}, found {found}", digest.algorithm(), digest.text()),
            },
            Err(reason) => reason,
        };
        reasons.push(format!("{mirror}: {reason}"));
    }
    Err(Error::Download { url: name.into(), reason: reasons.join("; ") })
}

/// The body of a GET request, or why there is none. On a terminal a bar shows the file's name and its bytes.
#[cfg(feature = "download")]
fn get(url: &str, name: &str, timeouts: Timeouts) -> Result<Vec<u8>, String> {
    use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
    use std::io::Read;

    /// The largest body that is read, in bytes.
    const LIMIT: u64 = 64 << 20;

    let mut response = ureq::get(url)
        .config()
        .timeout_resolve(Some(timeouts.connect))
        .timeout_connect(Some(timeouts.connect))
        .timeout_per_read(Some(timeouts.silence))
        .timeout_per_write(Some(timeouts.silence))
        .build()
        .call()
        .map_err(|e| e.to_string())?;
    let announced = response.body().content_length();
    let style = "{msg} {wide_bar} {decimal_bytes} of {decimal_total_bytes}, {eta} left";
    let style = ProgressStyle::with_template(style).expect("the template is well-formed");
    let bar = ProgressBar::new(announced.unwrap_or(0)).with_style(style).with_message(name.to_string());
    let bar = bar.with_finish(ProgressFinish::AndClear);
    let mut body = Vec::new();
    let reader = response.body_mut().as_reader();
    bar.wrap_read(reader.take(LIMIT + 1)).read_to_end(&mut body).map_err(|e| e.to_string())?;
    if body.len() as u64 > LIMIT {
        return Err(format!("more than {LIMIT} bytes"));
    }
    Ok(body)
}

/// Why there are no downloads.
#[cfg(not(feature = "download"))]
fn get(_: &str, _: &str, _: Timeouts) -> Result<Vec<u8>, String> {
    Err("this program was built without the feature `download`".into())
}
