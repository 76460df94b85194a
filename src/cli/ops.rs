//! `elbo ops` and `elbo gradcheck`: the catalogue, and its proof.

use crate::autograd::Row;
use crate::autograd::check::{Errors, TOLERANCE, check_example};
use crate::error::{Error, Result};
use crate::models::{Autoencoder, Vae, check_loss};
use crate::ops::{CATALOGUE, LIMITS, Limit};

/// Prints name, formula and derivative of each op.
pub fn list() -> Result<()> {
    let widest =
        |column: fn(&Row) -> &str| CATALOGUE.iter().map(|row| column(row).chars().count()).max().unwrap_or(0) + 2;
    let (name, formula) = (widest(|row| row.name), widest(|row| row.formula));
    say!("{:<name$}{:<formula$}derivative (g: cotangent of y)", "op", "y")?;
    for row in &CATALOGUE {
        say!("{:<name$}{:<formula$}{}", row.name, row.formula, row.derivative)?;
    }
    Ok(())
}

/// Checks each op and the whole losses, and prints the worst relative errors; and checks the limits at awkward points.
pub fn gradcheck() -> Result<()> {
    say!("{:<16}{:>12}{:>12}   worst relative error against 5-point differences, f64", "", "order 1", "order 2")?;
    let ops = CATALOGUE.iter().map(|row| (row.name, check_example(&row.example)));
    let losses = [("loss of the AE", check_loss::<Autoencoder>()), ("loss of the VAE", check_loss::<Vae>())];
    let mut failed = Vec::new();
    for (name, errors) in ops.chain(losses) {
        let Errors { order1, order2 } = errors;
        say!("{name:<16}{order1:>12.1e}{order2:>12.1e}{}", if errors.pass() { "" } else { "   FAILED" })?;
        if !errors.pass() {
            failed.push(name);
        }
    }
    let faults: Vec<String> = LIMITS.iter().filter_map(Limit::fault).collect();
    faults.iter().try_for_each(|fault| say!("FAILED  {fault}"))?;
    match (failed.is_empty(), faults.len()) {
        (true, 0) => {
            say!("all within {TOLERANCE:e}; {} awkward points, in f64 and f32, have their limits", LIMITS.len())
        }
        (true, n) => Err(Error::Failed(format!("{n} of {} awkward points have other limits", LIMITS.len()))),
        (false, _) => Err(Error::Failed(format!("gradients beyond {TOLERANCE:e}: {}", failed.join(", ")))),
    }
}
