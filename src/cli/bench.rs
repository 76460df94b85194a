//! `elbo bench` and `elbo profile`: how long a training step takes, and where the time goes.

use super::gan::VariantChoice;
use super::{DataArgs, flags};
use crate::autograd::{Profile, Work};
use crate::data::Dataset;
use crate::error::Result;
use crate::kernels::peak;
use crate::models::gan;
use crate::models::{Config, Settings, Trained, Trainer, adversarial, classifier, classifying, coder};
use crate::optim::Descent;
use crate::train::Folder;
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use std::path::PathBuf;
use std::time::Instant;

#[derive(Subcommand, Debug)]
pub enum BenchCommand {
    /// A training step: gather, forward, backward, update
    Step(StepArgs),
}

#[derive(Args, Debug)]
pub struct StepArgs {
    /// Of which network: the exercise's VAE, the classifier, or a GAN
    #[arg(value_enum, value_name = "KIND", default_value = "vae")]
    network: BenchChoice,
    /// Which GAN: a step is an update of its generator with those of its critic
    #[arg(long, value_enum, default_value = "dcgan")]
    kind: VariantChoice,
    /// Steps to measure
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = flags::whole(1_u32..=1_000_000, "a whole number from 1 to 1000000"))]
    steps: u32,
    /// Print one line of JSON: median, 10 % and 90 % quantiles and mean in milliseconds, and the peak of memory in MB
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Args, Debug)]
pub struct ProfileArgs {
    /// Folder of the run, as `elbo train` printed it; the trace goes to its file `trace.json`
    #[arg(value_parser = flags::path())]
    run: PathBuf,
    /// Steps to measure
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = flags::whole(1_u32..=10_000, "a whole number from 1 to 10000"))]
    steps: u32,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum BenchChoice {
    Vae,
    Cnn,
    Gan,
}

/// Steps before the measured ones: the first makes the memory that all others use.
const WARM_UP: u32 = 20;

/// Measures a step: a GAN's as it is trained, the others' with a learning rate of 0.001, at which they can run on for long.
pub fn bench(command: BenchCommand) -> Result<()> {
    let BenchCommand::Step(args) = command;
    let data = args.data.load()?;
    let descent = Descent::adam(1e-3);
    let config = match args.network {
        BenchChoice::Vae => {
            Config::of(Settings::Vae(coder::Settings { descent, ..coder::Settings::new(data.train.pixels()) }))
        }
        BenchChoice::Cnn => {
            let own = classifier::Settings::new(data.train.shape(), data.class_names.len());
            classifying(classifier::Settings { descent, ..own })
        }
        BenchChoice::Gan => {
            adversarial(gan::Settings::new(args.kind.into(), data.train.shape(), data.class_names.len()))
        }
    };
    let mut trainer = Trainer::new(config)?;
    steps(&mut trainer, &data, WARM_UP)?;
    if args.json {
        let times = steps(&mut trainer, &data, args.steps)?;
        let line = serde_json::to_string(&Timing::of(times)).expect("plain data");
        return say!("{line}");
    }
    let (profile, timing) = profiled(&mut trainer, &data, args.steps)?;
    table(&profile, &timing, f64::from(args.steps))
}

/// Goes on training a run for some steps, without saving them.
pub fn profile(args: ProfileArgs) -> Result<()> {
    let folder = Folder::open(&args.run)?;
    let data = args.data.load_for(&Trained::load(&folder.checkpoint())?.origin)?;
    let mut trainer = Trainer::resume(&folder.checkpoint(), &data)?;
    steps(&mut trainer, &data, WARM_UP.min(args.steps))?;
    let (profile, timing) = profiled(&mut trainer, &data, args.steps)?;
    folder.write("trace.json", profile.chrome_trace().as_bytes())?;
    table(&profile, &timing, f64::from(args.steps))?;
    say!("{}", folder.path().join("trace.json").display())
}

/// Trains for `n` steps with a profile.
fn profiled(trainer: &mut Trainer, data: &Dataset, n: u32) -> Result<(Profile, Timing)> {
    trainer.tape.begin_profile();
    let times = steps(trainer, data, n)?;
    let profile = trainer.tape.end_profile().expect("it was begun");
    Ok((profile, Timing::of(times)))
}

/// Trains for `n` steps, from one epoch into the next, and gives the seconds of each: of a GAN those up to an update of its generator.
fn steps(trainer: &mut Trainer, data: &Dataset, n: u32) -> Result<Vec<f64>> {
    let updates = trainer.config.network.gan().map_or(1, |own| own.critic_steps);
    let step = |_| {
        let start = Instant::now();
        (0..updates).try_for_each(|_| trainer.step(data))?;
        Ok(start.elapsed().as_secs_f64())
    };
    (0..n).map(step).collect()
}

/// How long steps took, in milliseconds.
#[derive(Serialize)]
struct Timing {
    #[serde(rename = "impl")]
    program: &'static str,
    threads: usize,
    med: f64,
    p10: f64,
    p90: f64,
    mean: f64,
    rss_mb: Option<f64>,
}

impl Timing {
    fn of(mut seconds: Vec<f64>) -> Self {
        seconds.sort_unstable_by(f64::total_cmp);
        let quantile = |q: f64| 1e3 * seconds[((seconds.len() - 1) as f64 * q).round() as usize];
        Timing {
            program: "elbo",
            threads: rayon::current_num_threads(),
            med: quantile(0.5),
            p10: quantile(0.1),
            p90: quantile(0.9),
            mean: 1e3 * seconds.iter().sum::<f64>() / seconds.len() as f64,
            rss_mb: peak_memory(),
        }
    }
}

/// The most memory that this process had, in MB, where the system tells.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<f64>().ok().map(|kb| kb / 1024.0)
}

/// A line of the table: all events of one name and size in one part of a step.
struct Line {
    part: &'static str,
    name: &'static str,
    work: Work,
    calls: f64,
    seconds: f64,
}

/// Prints where the time of `steps` steps went.
fn table(profile: &Profile, timing: &Timing, steps: f64) -> Result<()> {
    let (flops, bandwidth) = (peak::flops(), peak::bandwidth());
    let mut parts: Vec<(&str, f64)> = Vec::new();
    let mut lines: Vec<Line> = Vec::new();
    // Events stand in the order in which they began, so that the part they are in was the last to begin.
    let mut part = "";
    for e in &profile.events {
        let seconds = e.duration.as_secs_f64();
        if e.depth == 0 {
            part = e.name;
            match parts.iter_mut().find(|(name, _)| *name == e.name) {
                Some((_, sum)) => *sum += seconds,
                None => parts.push((e.name, seconds)),
            }
        } else if e.work != Work::default() {
            match lines.iter_mut().find(|l| (l.part, l.name, l.work) == (part, e.name, e.work)) {
                Some(line) => (line.calls, line.seconds) = (line.calls + 1.0, line.seconds + seconds),
                None => lines.push(Line { part, name: e.name, work: e.work, calls: 1.0, seconds }),
            }
        }
    }
    let total: f64 = parts.iter().map(|(_, seconds)| seconds).sum();
    let Timing { threads, med, p10, p90, .. } = timing;
    say!(
        "a step takes {med:.3} ms (10 %: {p10:.3}, 90 %: {p90:.3}) with {threads} threads, {}",
        super::Simd::current()
    )?;
    say!("this machine: {:.0} GFLOP/s of multiply-adds, {:.1} GB/s of memory\n", flops / 1e9, bandwidth / 1e9)?;
    for (name, seconds) in &parts {
        say!("{name:<10}{:>9.3} ms{:>7.1} %", 1e3 * seconds / steps, 100.0 * seconds / total)?;
    }
    say!(
        "\n{:<10}{:<14}{:<12}{:>8}{:>10}{:>8}{:>10}{:>8}{:>8}{:>8}",
        "in",
        "op",
        "result",
        "calls",
        "ms",
        "%",
        "GFLOP/s",
        "peak",
        "GB/s",
        "peak"
    )?;
    lines.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    for l in &lines {
        let rate = |work: u64| work as f64 * l.calls / l.seconds;
        let arithmetic = match l.work.flops {
            0 => format!("{:>10}{:>8}", "", ""),
            work => format!("{:>10.1}{:>6.0} %", rate(work) / 1e9, 100.0 * rate(work) / flops),
        };
        say!(
            "{:<10}{:<14}{:<12}{:>8.1}{:>10.4}{:>8.1}{arithmetic}{:>8.1}{:>6.0} %",
            l.part,
            l.name,
            l.work.shape.to_string(),
            l.calls / steps,
            1e3 * l.seconds / steps,
            100.0 * l.seconds / total,
            rate(l.work.bytes) / 1e9,
            100.0 * rate(l.work.bytes) / bandwidth
        )?;
    }
    say!("\nGB/s above the memory's come from caches.")
}
