//! The command line: raw text in, checked configuration out, one file a command.
//!
//! Exit status 0 when all went well, 2 for a request that cannot be met as it was made, 130 after Ctrl-C and 143 after SIGTERM, 1 for
//! the rest.

/// Prints a line. A reader that has left is an error to end with, not a panic.
macro_rules! say {
    ($($arg:tt)*) => { $crate::cli::print(format_args!($($arg)*)) };
}

/// Tells a line on stderr. That it cannot be read is no reason to stop.
macro_rules! note {
    ($($arg:tt)*) => { $crate::cli::tell(format_args!($($arg)*)) };
}

/// A choice on the command line, and what it stands for.
macro_rules! choice {
    ($Choice:ident => $Target:ident { $($(#[$meta:meta])* $Variant:ident),+ }) => {
        #[derive(Clone, Copy, Debug, ValueEnum)]
        pub enum $Choice { $($(#[$meta])* $Variant),+ }
        impl From<$Choice> for $Target {
            fn from(choice: $Choice) -> Self {
                match choice { $($Choice::$Variant => $Target::$Variant),+ }
            }
        }
    };
}

mod activations;
mod bench;
mod compare;
mod data;
mod family;
mod flags;
mod gan;
mod gans;
mod judge;
mod look;
mod ops;
#[cfg(feature = "sqlite")]
mod studies;
mod study;
mod train;
mod tune;
mod watch;

use crate::data::{self as sets, Dataset, Origin, Source};
use crate::error::{Error, Result};
use crate::kernels::simd::Path as Simd;
use crate::tune::options;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum, error::ContextKind};
use std::ffi::OsString;
use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Variational autoencoders from the inside: a from-scratch autodiff engine, and what it shows on Fashion-MNIST.
#[derive(Parser)]
#[command(name = "elbo", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    global: Global,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "General")]
struct Global {
    /// Threads to compute with; results do not depend on it [default: one a core]
    #[arg(long, global = true, value_name = "N", value_parser = flags::whole(1_u16..=1024, "a whole number from 1 to 1024"))]
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

#[derive(Subcommand)]
enum Command {
    /// Train an autoencoder and a VAE, compare them, and write a report with figures: the main job
    #[command(after_help = study::EXAMPLES)]
    Study(study::StudyArgs),
    /// Train one network
    #[command(after_help = train::EXAMPLES)]
    Train(train::TrainArgs),
    /// Tune the VAE: search good settings under cross-validation
    #[command(after_help = tune::EXAMPLES)]
    Tune(Box<tune::TuneArgs>),
    #[command(flatten)]
    Look(look::Look),
    /// Measure how good the new images of VAEs and GANs are
    #[command(after_help = judge::EXAMPLES)]
    Judge(judge::JudgeArgs),
    /// List, find, fetch and verify data sets
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
    /// A published set by its name in `elbo data list`, such as `mnist`; `synthetic`; points of the plane, `ring`,
    /// `grid`, `moons` or `swiss-roll`; or a folder: four IDX files, or PNG images as
    /// train/CLASS/*.png and test/CLASS/*.png or as CLASS/*.png [default: those of the run or study that is named; else ELBO_DATA; else
    /// find or download Fashion-MNIST]
    #[arg(long, value_name = "NAME|DIR", value_parser = flags::path_or_word(), help_heading = "Data")]
    data: Option<OsString>,
    /// Use only the first N images of each split
    #[arg(long, value_name = "N", value_parser = flags::whole(1_u32.., "a whole number of at least 1"), help_heading = "Data")]
    limit: Option<u32>,
}

impl DataArgs {
    /// Whether the user said which data, or how many of them.
    fn is_named(&self) -> bool {
        self.data.is_some() || self.limit.is_some()
    }

    fn load(&self) -> Result<Dataset> {
        self.load_for(&Origin::default())
    }

    /// The data that a run or a study was begun with, but for what the user names.
    fn load_for(&self, origin: &Origin) -> Result<Dataset> {
        let limit = self.limit.or(origin.limit);
        let data = match (self.data.clone().map(Source::from), limit) {
            (None, limit) => Origin { limit, ..origin.clone() }.load()?,
            (Some(source), None) => sets::load(&source)?,
            (Some(source), Some(n)) => sets::load(&source)?.limit(n as usize),
        };
        if let Some(notice) = &data.notice {
            note!("{}", flags::named(notice));
        }
        Ok(data)
    }
}

/// Runs the command of this process' arguments.
pub fn main() -> ExitCode {
    let parsed = flags::with_negative_numbers(Cli::command())
        .try_get_matches()
        .and_then(|matches| Ok((Cli::from_arg_matches(&matches)?, matches)));
    let (cli, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(mut error) => match flags::complaint(&error) {
            Some(line) => {
                note!("elbo: {line}");
                return ExitCode::from(2);
            }
            None => {
                // The advice to write `-- -x`, which is never what is meant here.
                error.remove(ContextKind::Suggested);
                error.exit()
            }
        },
    };
    match run(cli, &settings_given(&matches)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Error::Io { path, source }) if path == Path::new(STDOUT) && source.kind() == ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            note!("elbo: {}", said(&error, &command_of(&matches)));
            ExitCode::from(match error {
                Error::Usage(_) | Error::Setting { .. } | Error::Taken { .. } => 2,
                Error::Interrupted { .. } => 128 + signal(),
                _ => 1,
            })
        }
    }
}

/// The command with its subcommands, as it was typed.
fn command_of(matches: &ArgMatches) -> String {
    match matches.subcommand() {
        Some((name, own)) => format!(" {name}{}", command_of(own)),
        None => String::new(),
    }
}

/// How to go on with a run or a study, to be typed as it is.
fn going_on(command: &str, path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+=:@%".contains(c);
    let path = match path.chars().all(is_plain) {
        true => path,
        false => format!("'{}'", path.replace('\'', r"'\''")),
    };
    format!("go on with: elbo{command} --resume {path}")
}

/// An error in the words of the command line: settings are called by their flags, and what to do is a command.
fn said(error: &Error, command: &str) -> String {
    match error {
        // What was interrupted is the judge's own training, which is kept.
        Error::Interrupted { .. } if command == " judge" => {
            "interrupted; all is saved; the same command goes on".into()
        }
        Error::Interrupted { run } => format!("interrupted; all is saved; {}", going_on(command, run)),
        Error::Taken { path, .. } => format!("{error}; choose another --out, or {}", going_on(command, path)),
        Error::Setting { name, expected, found } => {
            let names: Vec<String> = name.split(", ").map(flag_or_name).collect();
            format!("{}: expected {expected}, found {found}", names.join(", "))
        }
        other => flags::named(&other.to_string()),
    }
}

/// A setting's flag, if it has one: what follows from the data has none.
fn flag_or_name(setting: &str) -> String {
    match Cli::command().get_subcommands().any(|own| own.get_arguments().any(|flag| flag.get_id() == setting)) {
        true => flags::of(setting),
        false => setting.into(),
    }
}

/// The settings of training that stand on the command line.
fn settings_given(matches: &ArgMatches) -> Vec<&'static str> {
    let own = matches.subcommand().map(|(_, own)| own);
    let is_given = |name: &&str| {
        own.is_some_and(|own| matches!(own.try_contains_id(name), Ok(true)))
            && own.and_then(|own| own.value_source(name)) == Some(ValueSource::CommandLine)
    };
    options::names().into_iter().chain(gan::OF_GANS).filter(is_given).collect()
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
    crate::search::storage::on_wait(|lock| {
        note!("waiting for {}: another worker writes, or was killed and its lock counts for 30 s", lock.display());
    });
    // Everything runs on a thread of the pool: entering it from outside costs more than a small kernel.
    pool.install(|| match cli.command {
        Command::Study(args) => study::run(args, quiet),
        Command::Train(args) => train::run(args, given, quiet),
        Command::Tune(args) => tune::run(*args, given, quiet),
        Command::Look(look) => look::run(look),
        Command::Judge(args) => judge::run(args, quiet),
        Command::Data(command) => data::run(command),
        Command::Bench(command) => bench::bench(command),
        Command::Profile(args) => bench::profile(args),
        Command::Gradcheck => ops::gradcheck(),
        Command::Ops => ops::list(),
    })
}

/// Where a report is, as the last line, and its page in a browser, where that is asked for.
fn published(page: &Path, open: bool) -> Result<()> {
    say!("{}", page.display())?;
    if open && let Err(e) = open::that_detached(page) {
        note!("note: {} cannot be opened: {e}", page.display());
    }
    Ok(())
}

/// What standard output is called in an error.
const STDOUT: &str = "standard output";

fn print(line: fmt::Arguments) -> Result<()> {
    io::stdout().lock().write_all(harmless(line).as_bytes()).map_err(Error::io(STDOUT))
}

fn tell(line: fmt::Arguments) {
    let _ = io::stderr().lock().write_all(harmless(line).as_bytes());
}

/// Lines whose control characters, which may come from a file, do nothing to a terminal.
fn harmless(lines: fmt::Arguments) -> String {
    let mut text = String::new();
    for c in lines.to_string().chars() {
        match c {
            '\n' => text.push(c),
            // Marks that turn the direction of text are no control characters by name.
            c if c.is_control()
                || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
            {
                text.extend(c.escape_default());
            }
            c => text.push(c),
        }
    }
    text + "\n"
}

/// The signal that asked to stop; 0 if none did.
static SIGNAL: OnceLock<Arc<AtomicUsize>> = OnceLock::new();

/// The number of the signal that asked to stop; that of Ctrl-C, if none did.
fn signal() -> u8 {
    match SIGNAL.get().map_or(0, |which| which.load(Ordering::Relaxed)) {
        0 => signal_hook::consts::SIGINT as u8,
        which => which as u8,
    }
}

/// A flag that Ctrl-C, SIGTERM and SIGHUP set; the second one ends the process at once.
fn stop_on_signal() -> Result<Arc<AtomicBool>> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    #[cfg(unix)]
    let signals = [SIGINT, SIGTERM, signal_hook::consts::SIGHUP];
    #[cfg(not(unix))]
    let signals = [SIGINT, SIGTERM];
    let stop = Arc::new(AtomicBool::new(false));
    let which = Arc::clone(SIGNAL.get_or_init(Arc::default));
    for signal in signals {
        // In this order: the first signal finds the flag not set.
        signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&stop))
            .and_then(|_| signal_hook::flag::register_usize(signal, Arc::clone(&which), signal as usize))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop)))
            .map_err(|e| Error::Usage(format!("cannot handle signal {signal}: {e}")))?;
    }
    // A handler must not print: a thread that waits for the signal does.
    std::thread::spawn(move || {
        while which.load(Ordering::Relaxed) == 0 {
            std::thread::sleep(Duration::from_millis(50));
        }
        note!("\nstopping after this step; once more to stop at once, at what was last saved");
    });
    Ok(stop)
}
