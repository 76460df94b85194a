//! A search for the minimum of one's own function, by TPE: `cargo run --release --no-default-features --features search --example search`.

use elbo::search::sampler::Tpe;
use elbo::search::{Direction, Outcome, Storage, Study};

/// Branin's function, with a choice that shifts it: three minima of 0.398, and 10 more for the wrong one.
fn branin(x: f64, y: f64) -> f64 {
    use std::f64::consts::PI;
    let valley = y - 5.1 / (4.0 * PI * PI) * x * x + 5.0 / PI * x - 6.0;
    valley * valley + 10.0 * (1.0 - 1.0 / (8.0 * PI)) * x.cos() + 10.0
}

fn main() -> elbo::Result<()> {
    // In place of memory, `Storage::journal(path)` is a file that other processes, and Optuna, share.
    let study = Study::create(Storage::in_memory(), "branin", &[Direction::Minimize])?.sampler(Tpe::default()).seed(0);
    for _ in 0..100 {
        let mut trial = study.ask()?;
        let (x, y) = (trial.float("x", -5.0, 10.0)?, trial.float("y", 0.0, 15.0)?);
        let shift = trial.categorical("shift", ["none", "ten"])?;
        let value = branin(x, y) + if shift.to_string() == "ten" { 10.0 } else { 0.0 };
        study.tell(trial, Outcome::Complete(vec![value]))?;
    }
    let best = study.best()?.expect("trials were completed");
    println!(
        "trial {} of 100 is the best: {:.4} at {:?}",
        best.number,
        best.value().expect("it is complete"),
        best.params
    );
    Ok(())
}
