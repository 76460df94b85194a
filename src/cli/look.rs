//! `elbo reconstruct`, `latent`, `classify` and all others of [`EXPERIMENTS`]: one experiment on a trained run.

use super::{DataArgs, flags};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::files;
use crate::lab::{EXPERIMENTS, Experiment};
use crate::models::{Network, Trained};
use crate::report::{Block, terminal};
use crate::train::{Folder, mismatch};
use clap::{ArgMatches, Args, Command, FromArgMatches, Subcommand};
use std::path::PathBuf;

#[derive(Args, Debug)]
pub struct LookArgs {
    /// Folder of the run, as `elbo train` printed it; figures go to its folder `figures`
    #[arg(value_parser = flags::path())]
    run: PathBuf,
    /// Print the numbers as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
}

/// An experiment, and on which run: a command for each of [`EXPERIMENTS`].
pub struct Look {
    experiment: &'static Experiment,
    args: LookArgs,
}

impl Subcommand for Look {
    fn augment_subcommands(command: Command) -> Command {
        let own = |e: &Experiment| LookArgs::augment_args(Command::new(e.name)).about(e.about);
        command.subcommands(EXPERIMENTS.iter().map(own))
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        EXPERIMENTS.iter().any(|e| e.name == name)
    }
}

impl FromArgMatches for Look {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let named = matches.subcommand();
        let named = named.and_then(|(name, own)| Some((EXPERIMENTS.iter().find(|e| e.name == name)?, own)));
        let (experiment, own) = named.ok_or_else(|| clap::Error::new(clap::error::ErrorKind::MissingSubcommand))?;
        Ok(Look { experiment, args: LookArgs::from_arg_matches(own)? })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Look::from_arg_matches(matches)?;
        Ok(())
    }
}

pub fn run(Look { experiment, args }: Look) -> Result<()> {
    let folder = Folder::open(&args.run)?;
    let trained = Trained::load(&folder.checkpoint())?;
    let data = data_of(&folder, &trained, &args.data, None)?;
    let of = trained.config.network.name();
    let found = experiment.on(&trained, &data);
    let found = found.ok_or_else(|| Error::Usage(format!("{} does not look at a {of}", experiment.name)))??;
    for figure in &found.figures {
        folder.write(&figure.path(), &figure.bytes)?;
    }
    if args.json {
        return say!("{}", files::json(&found.numbers).trim_end());
    }
    tell_on_terminal(&found.text)?;
    for figure in &found.figures {
        say!("{}", folder.path().join(figure.path()).display())?;
    }
    Ok(())
}

/// The data that a run is looked at on: those it was trained on, but for what the user names; `loaded` if another run's are there.
///
/// # Errors
/// When it was trained on others, and the user names none; or on images of another shape.
pub fn data_of(folder: &Folder, trained: &Trained, args: &DataArgs, loaded: Option<Dataset>) -> Result<Dataset> {
    let data = loaded.map_or_else(|| args.load_for(&trained.origin), Ok)?;
    if let Some((name, [own, of_data])) = mismatch::<Network>(&trained.config.network, &data) {
        return Err(Error::format(&folder.checkpoint(), name, own, format!("{of_data} in {}", data.name)));
    }
    if data.digest != trained.data && !args.is_named() {
        let found = format!("{} ({}); name them with --data to look at the run on them", data.name, data.source);
        return Err(Error::format(&folder.checkpoint(), "data", "those it was trained on", found));
    }
    if data.digest != trained.data {
        note!("note: {} is not what the run was trained on", data.name);
    }
    Ok(data)
}

/// Pictures are not for the terminal: their files are named instead.
pub fn tell_on_terminal(text: &[Block]) -> Result<()> {
    let blocks = text.iter().map(|block| terminal::lines(block, width()));
    blocks.filter(|lines| !lines.is_empty()).try_for_each(|lines| say!("{}\n", lines.join("\n")))
}

/// Letters of a line: those of the terminal, but for lines too long to read.
fn width() -> usize {
    let columns = console::Term::stdout().size_checked().map_or(80, |(_, columns)| columns.into());
    usize::clamp(columns, 20, 110)
}
