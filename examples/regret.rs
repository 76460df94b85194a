//! Best value found by samplers on ten test functions: 200 seeds of 100 trials each, as JSON on standard output.
//!
//! ```sh
//! cargo run --release --example regret > regret.json
//! ```
//!
//! Each row is `{"function", "sampler", "seed", "best": {"20": v, "50": v, "100": v}}`. Optima are moved away from the middle of
//! the box, where every Parzen estimator has its prior. `--seeds N` makes fewer.

use elbo::Result;
use elbo::search::sampler::{Random, Tpe};
use elbo::search::{Direction, Distribution, Outcome, Storage, Study, Trial};
use rayon::prelude::*;
use serde_json::{Value as Json, json};
use std::f64::consts::{E, PI, TAU};

type Objective = fn(&mut Trial) -> Result<f64>;

const FUNCTIONS: [(&str, Objective); 10] = [
    ("hartmann6", hartmann6),
    ("ackley5", |t| Ok(ackley(&shifted(t, 5, -32.768, 32.768)?))),
    ("rastrigin5", |t| Ok(rastrigin(&shifted(t, 5, -5.12, 5.12)?))),
    ("levy5", |t| Ok(levy(&shifted(t, 5, -10.0, 10.0)?))),
    ("rosenbrock4", |t| Ok(rosenbrock(&point(t, 4, -5.0, 10.0)?))),
    ("styblinski5", |t| Ok(point(t, 5, -5.0, 5.0)?.iter().map(|v| 0.5 * (v.powi(4) - 16.0 * v * v + 5.0 * v)).sum())),
    ("schwefel5", |t| {
        let x = point(t, 5, -500.0, 500.0)?;
        Ok(418.982_887_272_433_9 * x.len() as f64 - x.iter().map(|v| v * v.abs().sqrt().sin()).sum::<f64>())
    }),
    ("vae_mixed", vae),
    ("mlp_table", mlp_table),
    ("conditional", conditional),
];

const BUDGETS: [usize; 3] = [20, 50, 100];

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let seeds = match args.as_slice() {
        [] => 200,
        [flag, n] if flag == "--seeds" && n.parse::<u64>().is_ok() => n.parse().unwrap_or_default(),
        _ => return Err(elbo::Error::Usage("expected --seeds N or nothing".into())),
    };
    let runs: Vec<(usize, bool, u64)> = (0..FUNCTIONS.len())
        .flat_map(|f| [true, false].into_iter().flat_map(move |tpe| (0..seeds).map(move |seed| (f, tpe, seed))))
        .collect();
    let rows =
        runs.into_par_iter().map(|(f, tpe, seed)| run(FUNCTIONS[f], tpe, seed)).collect::<Result<Vec<Json>>>()?;
    println!("{}", json!({ "rows": rows }));
    Ok(())
}

fn run((name, f): (&str, Objective), tpe: bool, seed: u64) -> Result<Json> {
    let study = Study::create(Storage::in_memory(), name, &[Direction::Minimize])?.seed(seed);
    let study = if tpe { study.sampler(Tpe::default()) } else { study.sampler(Random) };
    let (mut best, mut at) = (f64::INFINITY, serde_json::Map::new());
    for n in 1..=BUDGETS[2] {
        let mut trial = study.ask()?;
        let value = f(&mut trial)?;
        study.tell(trial, Outcome::Complete(vec![value]))?;
        best = best.min(value);
        if BUDGETS.contains(&n) {
            at.insert(n.to_string(), json!(best));
        }
    }
    Ok(json!({"function": name, "sampler": if tpe { "elbo_tpe" } else { "elbo_random" }, "seed": seed, "best": at}))
}

fn point(trial: &mut Trial, d: usize, low: f64, high: f64) -> Result<Vec<f64>> {
    (0..d).map(|i| trial.float(&format!("x{i}"), low, high)).collect()
}

/// A point relative to an optimum that is off the middle by these parts of the half-width.
fn shifted(trial: &mut Trial, d: usize, low: f64, high: f64) -> Result<Vec<f64>> {
    const SHIFT: [f64; 6] = [0.31, -0.22, 0.17, -0.38, 0.09, 0.26];
    let x = point(trial, d, low, high)?;
    Ok(x.iter().zip(SHIFT).map(|(x, s)| x - s * 0.5 * (high - low)).collect())
}

fn ackley(x: &[f64]) -> f64 {
    let n = x.len() as f64;
    let spread = (x.iter().map(|v| v * v).sum::<f64>() / n).sqrt();
    -20.0 * (-0.2 * spread).exp() - (x.iter().map(|v| (TAU * v).cos()).sum::<f64>() / n).exp() + 20.0 + E
}

fn rastrigin(x: &[f64]) -> f64 {
    10.0 * x.len() as f64 + x.iter().map(|v| v * v - 10.0 * (TAU * v).cos()).sum::<f64>()
}

fn levy(x: &[f64]) -> f64 {
    let w: Vec<f64> = x.iter().map(|v| 1.0 + v / 4.0).collect();
    let (last, rest) = w.split_last().expect("five coordinates");
    let inner = rest.iter().map(|a| (a - 1.0).powi(2) * (1.0 + 10.0 * (PI * a + 1.0).sin().powi(2)));
    (PI * w[0]).sin().powi(2) + inner.sum::<f64>() + (last - 1.0).powi(2) * (1.0 + (TAU * last).sin().powi(2))
}

fn rosenbrock(x: &[f64]) -> f64 {
    x.windows(2).map(|p| 100.0 * (p[1] - p[0] * p[0]).powi(2) + (1.0 - p[0]).powi(2)).sum()
}

fn hartmann6(trial: &mut Trial) -> Result<f64> {
    const A: [[f64; 6]; 4] = [
        [10.0, 3.0, 17.0, 3.5, 1.7, 8.0],
        [0.05, 10.0, 17.0, 0.1, 8.0, 14.0],
        [3.0, 3.5, 1.7, 10.0, 17.0, 8.0],
        [17.0, 8.0, 0.05, 10.0, 0.1, 14.0],
    ];
    const P: [[f64; 6]; 4] = [
        [1312.0, 1696.0, 5569.0, 124.0, 8283.0, 5886.0],
        [2329.0, 4135.0, 8307.0, 3736.0, 1004.0, 9991.0],
        [2348.0, 1451.0, 3522.0, 2883.0, 3047.0, 6650.0],
        [4047.0, 8828.0, 8732.0, 5743.0, 1091.0, 381.0],
    ];
    const C: [f64; 4] = [1.0, 1.2, 3.0, 3.2];
    let x = point(trial, 6, 0.0, 1.0)?;
    let well = |k: usize| C[k] * (-(0..6).map(|j| A[k][j] * (x[j] - 1e-4 * P[k][j]).powi(2)).sum::<f64>()).exp();
    Ok(-(0..4).map(well).sum::<f64>())
}

/// Shaped like a VAE's loss: the best learning rate grows with the batch, epochs pay off less and less, latent spaces may be too
/// small or too large, dropout hurts small ones.
fn vae(trial: &mut Trial) -> Result<f64> {
    let lr = trial.log_float("lr", 1e-5, 1e-1)?;
    let batch = [16.0, 32.0, 64.0, 128.0, 256.0][choice(trial, "batch_size", 5)?];
    let epochs = trial.int("epochs", 1, 50)? as f64;
    let latent = trial.suggest("latent", &Distribution::log_int(2, 256))?.number().expect("a number");
    let drop = trial.suggest("dropout", &Distribution::step_float(0.0, 0.5, 0.1))?.number().expect("a number");
    let u = lr.log10() - (-3.2 + 0.5 * (batch / 64.0_f64).log10());
    let diverged = 40.0 / (1.0 + (-6.0 * (u - 0.9)).exp());
    let slow = 18.0 * (1.0 - (-0.35 * (-u).max(0.0).powi(2)).exp()) + 1.5 * u * u;
    let under = 12.0 * (-epochs * 64.0 / (8.0 * batch) * 10f64.powf(u.min(0.0)).min(1.0)).exp();
    let over = 0.03 * (epochs - 30.0).max(0.0);
    let off = latent.log2() - 4.6;
    let size = 3.0 * off * off / (1.0 + 0.2 * off.abs());
    Ok(95.0 + diverged + slow + under + over + size + 6.0 * (drop - 0.1).abs() * (1.0 + 8.0 / latent))
}

fn choice(trial: &mut Trial, name: &str, n: i64) -> Result<usize> {
    Ok(trial.categorical(name, 0..n)?.number().expect("a number") as usize)
}

/// All discrete, as a measured table: a smooth part, and one that is fixed but looks random.
fn mlp_table(trial: &mut Trial) -> Result<f64> {
    const AXES: [(&str, i64); 9] = [
        ("units1", 6),
        ("units2", 6),
        ("batch", 4),
        ("act1", 2),
        ("act2", 2),
        ("lr", 6),
        ("drop1", 3),
        ("drop2", 3),
        ("sched", 2),
    ];
    let v = AXES.iter().map(|(name, n)| choice(trial, name, *n)).collect::<Result<Vec<_>>>()?;
    let hash = v.iter().fold(0_u32, |h, &a| mix(h.wrapping_mul(31).wrapping_add(a as u32 + 1)));
    let [u1, u2, b, a1, a2, lr, d1, d2, s] = std::array::from_fn(|i| v[i] as f64);
    let is = |x: bool| f64::from(u8::from(x));
    let smooth = 0.6 * (u1 - 4.0).powi(2) / 4.0
        + 0.4 * (u2 - 3.0).powi(2) / 4.0
        + 0.3 * (b - 1.0).abs()
        + 0.9 * (lr - 2.0 - 0.3 * (b - 1.0)).abs().powf(1.5)
        + 0.25 * is(a1 != 1.0)
        + 0.15 * is(a2 != 0.0)
        + 0.2 * d1
        + 0.1 * (d2 - 1.0).abs()
        + 0.2 * is(s != 0.0) * is(lr > 2.0);
    Ok(smooth + 0.5 * f64::from(hash) / 4_294_967_296.0)
}

fn mix(mut h: u32) -> u32 {
    h ^= h >> 16;
    h = h.wrapping_mul(0x7FEB_352D);
    h ^= h >> 15;
    h = h.wrapping_mul(0x846C_A68B);
    h ^ (h >> 16)
}

/// The parameters of a branch exist only when it is chosen.
fn conditional(trial: &mut Trial) -> Result<f64> {
    let optimizer = choice(trial, "optimizer", 2)?;
    let depth = trial.int("depth", 1, 8)? as f64;
    Ok(match optimizer {
        0 => {
            let (lr, momentum) = (trial.log_float("sgd_lr", 1e-4, 1.0)?, trial.float("momentum", 0.0, 0.99)?);
            (lr.log10() + 1.3).powi(2) + 4.0 * (momentum - 0.87).powi(2) + 0.35 + 0.05 * (depth - 3.0).abs()
        }
        _ => {
            let (lr, beta1) = (trial.log_float("adam_lr", 1e-6, 1e-1)?, trial.float("beta1", 0.5, 0.999)?);
            0.8 * (lr.log10() + 3.1).powi(2) + 2.0 * (beta1 - 0.9).powi(2) + 0.05 * (depth - 4.0).abs()
        }
    })
}
