//! The command line: raw text in, checked configuration out, one file a command.
//!
//! Exit status 0 when all went well, 2 for a request that cannot be met as it was made, 130 after Ctrl-C, 1 for the rest.

/// Prints a line. A reader that has left is an error to end with, not a panic.
macro_rules! say {
    ($($arg:tt)*) => { $crate::cli::print(format_args!($($arg)*)) };
}

/// A choice on the command line, and what it stands for.
macro_rules! choice {
    ($Choice:ident => $Target:ident { $($Variant:ident),+ }) => {
        #[derive(Clone, Copy, Debug, ValueEnum)]
        enum $Choice { $($Variant),+ }
        impl From<$Choice> for $Target {
            fn from(choice: $Choice) -> Self {
                match choice { $($Choice::$Variant => $Target::$Variant),+ }
            }
        }
    };
}

mod bench;
mod compare;
mod data;
mod look;
mod ops;
#[cfg(feature = "sqlite")]
mod studies;
mod study;
mod train;
mod tune;
mod watch;

use crate::data::{Dataset, Source};
use crate::error::{Error, Result};
use crate::files;
use crate::kernels::simd::Path as Simd;
use crate::search::{Plan, options};
use crate::study::Figure;
use crate::train::Folder;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use serde::Serialize;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Variational autoencoders from the inside: a from-scratch autodiff engine, and what it shows on Fashion-MNIST.
#[derive(Parser, Debug)]
#[command(name = "elbo", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    global: Global,
}

#[derive(Args, Debug)]
struct Global {
    /// Threads to compute with; results do not depend on it [default: one a core]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Instruction set to compute with; results do not depend on it
    #[arg(long, global = true, value_enum, default_value = "auto", env = "ELBO_SIMD")]
    simd: SimdChoice,
    /// No progress: only results and what went wrong
    #[arg(long, short, global = true)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SimdChoice {
    Auto,
    Portable,
    Avx2,
    Avx512,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Train an autoencoder and a VAE, compare them, and write a report with figures: the main job
    Study(study::StudyArgs),
    /// Train one network
    Train(train::TrainArgs),
    /// Tune the VAE: search good settings under cross-validation
    Tune(Box<tune::TuneArgs>),
    /// Show test images above their reconstructions, with the loss of each
    Reconstruct(look::LookArgs),
    /// Encode and decode images many times: how consistent are the outputs?
    Consistency(look::LookArgs),
    /// Show the latent space: where images go, and what is decoded from where
    Latent(look::LookArgs),
    /// Decode new images from the prior
    Sample(look::LookArgs),
    /// Walk in latent space between images of one class and of two
    Interpolate(look::LookArgs),
    /// Find, fetch and verify data sets
    #[command(subcommand)]
    Data(data::DataCommand),
    /// Check every derivative against finite differences, at first and second order
    Gradcheck,
    /// Measure how fast training is
    #[command(subcommand)]
    Bench(bench::BenchCommand),
    /// Show where the time of a run's training step goes, op by op, and write a trace
    Profile(bench::ProfileArgs),
    /// List all operations with their formulas and derivatives
    Ops,
}

/// Which data.
#[derive(Args, Clone, Debug)]
struct DataArgs {
    /// Folder with the data set's four IDX files, or `synthetic` [default: find or download Fashion-MNIST]
    #[arg(long, value_name = "DIR|synthetic")]
    data: Option<OsString>,
    /// Use only the first N images of each split
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
}

impl DataArgs {
    /// Whether the user said which data, or how many of them.
    fn is_named(&self) -> bool {
        self.data.is_some() || self.limit.is_some()
    }

    fn load(&self) -> Result<Dataset> {
        let source = self.data.clone().map_or_else(Source::default, Source::from);
        let data = crate::data::load(&source)?;
        Ok(match self.limit {
            Some(n) => data.limit(n as usize),
            None => data,
        })
    }

    /// The data that a study was begun with, if the user names no others.
    fn load_for(&self, plan: &Plan) -> Result<Dataset> {
        let data = self.data.clone().or(plan.source.clone().map(Into::into));
        DataArgs { data, limit: self.limit.or(plan.limit) }.load()
    }
}

/// Writes what a folder's report consists of.
fn publish(folder: &Folder, figures: &[Figure], summary: &impl Serialize, report: &str) -> Result<()> {
    for figure in figures {
        folder.write(&figure.path(), &figure.bytes)?;
    }
    folder.write("summary.json", files::json(summary).as_bytes())?;
    folder.write("report.md", report.as_bytes())
}

/// Runs the command of this process' arguments.
pub fn main() -> ExitCode {
    let matches = Cli::command().get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|e| e.exit());
    match run(cli, &settings_given(&matches)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Error::Io { path, source }) if path == Path::new(STDOUT) && source.kind() == ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("elbo: {error}");
            ExitCode::from(match error {
                Error::Usage(_) => 2,
                Error::Interrupted { .. } => 130,
                _ => 1,
            })
        }
    }
}

/// The settings of training that stand on the command line.
fn settings_given(matches: &ArgMatches) -> Vec<&'static str> {
    let own = matches.subcommand().map(|(_, own)| own);
    let is_given = |name: &&str| {
        own.is_some_and(|own| matches!(own.try_contains_id(name), Ok(true)))
            && own.and_then(|own| own.value_source(name)) == Some(ValueSource::CommandLine)
    };
    options::names().into_iter().filter(is_given).collect()
}

fn run(cli: Cli, given: &[&str]) -> Result<()> {
    let simd = match cli.global.simd {
        SimdChoice::Auto => Simd::current(),
        SimdChoice::Portable => Simd::Portable,
        SimdChoice::Avx2 => Simd::Avx2,
        SimdChoice::Avx512 => Simd::Avx512,
    };
    if !simd.is_supported() {
        return Err(Error::Usage(format!("--simd {simd}: this processor does not support it")));
    }
    simd.force();
    let mut threads = rayon::ThreadPoolBuilder::new();
    if let Some(n) = cli.global.threads {
        threads = threads.num_threads(n.into());
    }
    let pool = threads.build().map_err(|e| Error::Usage(format!("--threads: {e}")))?;
    let quiet = cli.global.quiet;
    // Everything runs on a thread of the pool: entering it from outside costs more than a small kernel.
    pool.install(|| match cli.command {
        Command::Study(args) => study::run(args, quiet),
        Command::Train(args) => train::run(args, quiet),
        Command::Tune(args) => tune::run(*args, given, quiet),
        Command::Reconstruct(args) => look::run(look::Look::Reconstruct, args),
        Command::Consistency(args) => look::run(look::Look::Consistency, args),
        Command::Latent(args) => look::run(look::Look::Latent, args),
        Command::Sample(args) => look::run(look::Look::Sample, args),
        Command::Interpolate(args) => look::run(look::Look::Interpolate, args),
        Command::Data(command) => data::run(command),
        Command::Bench(command) => bench::bench(command),
        Command::Profile(args) => bench::profile(args),
        Command::Gradcheck => ops::gradcheck(),
        Command::Ops => ops::list(),
    })
}

/// What standard output is called in an error.
const STDOUT: &str = "standard output";

fn print(line: fmt::Arguments) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_fmt(line).and_then(|()| out.write_all(b"\n")).map_err(Error::io(STDOUT))
}

/// A flag that Ctrl-C and SIGTERM set; the second Ctrl-C ends the process at once.
fn stop_on_ctrl_c() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        eprintln!("\nstopping after this step; once more to stop at once, at what was last saved");
    })
    .map_err(|e| Error::Usage(format!("cannot handle Ctrl-C: {e}")))?;
    Ok(stop)
}
