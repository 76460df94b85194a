//! `elbo reconstruct`, `latent`, `classify` and all others of [`EXPERIMENTS`]: one experiment on a trained run.

use super::{DataArgs, flags};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::files;
use crate::lab::makers::Maker;
use crate::lab::{EXPERIMENTS, Experiment, export};
use crate::models::{Network, Trained};
use crate::plot::ImageGrid;
use crate::report::{Block, Figure, terminal};
use crate::train::{Folder, mismatch};
use clap::parser::ValueSource;
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

/// How many new images, of which class, and where to: what `elbo sample` takes besides.
#[derive(Args, Debug)]
pub struct ExportArgs {
    /// So many new images, as they come: into a figure, or with --npy or --png into files
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = flags::whole(1_usize..=1_000_000, "a whole number from 1 to 1000000"), help_heading = "Images")]
    count: usize,
    /// Of this class, which the network must be told: a CGAN's. Of an InfoGAN, of this category, counted from 0
    #[arg(long, value_name = "NAME", help_heading = "Images")]
    class: Option<String>,
    /// Into this file: a NumPy array [N, C, H, W] of 32-bit floats from 0 to 1
    #[arg(long, value_name = "FILE", value_parser = flags::path(), help_heading = "Images")]
    npy: Option<PathBuf>,
    /// Into this new folder: a PNG each
    #[arg(long, value_name = "DIR", value_parser = flags::path(), help_heading = "Images")]
    png: Option<PathBuf>,
}

/// An experiment, and on which run: a command for each of [`EXPERIMENTS`].
pub struct Look {
    experiment: &'static Experiment,
    args: LookArgs,
    /// Of images that are asked for by number, class or file.
    export: Option<ExportArgs>,
}

impl Subcommand for Look {
    fn augment_subcommands(command: Command) -> Command {
        let own = |e: &Experiment| {
            let command = LookArgs::augment_args(Command::new(e.name));
            let command = if e.is_sample() { ExportArgs::augment_args(command) } else { command };
            command.about(e.about)
        };
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
        let is_given = |name: &str| own.value_source(name) == Some(ValueSource::CommandLine);
        let is_asked = experiment.is_sample() && ["count", "class", "npy", "png"].into_iter().any(is_given);
        let export = if is_asked { Some(ExportArgs::from_arg_matches(own)?) } else { None };
        Ok(Look { experiment, args: LookArgs::from_arg_matches(own)?, export })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Look::from_arg_matches(matches)?;
        Ok(())
    }
}

pub fn run(Look { experiment, args, export }: Look) -> Result<()> {
    let folder = Folder::open(&args.run)?;
    let trained = Trained::load(&folder.checkpoint())?;
    let data = data_of(&folder, &trained, &args.data, None)?;
    if let Some(export) = export {
        return export_images(&export, &folder, &trained, &data);
    }
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

/// New images as they were asked for.
fn export_images(args: &ExportArgs, folder: &Folder, trained: &Trained, data: &Dataset) -> Result<()> {
    let name = trained.config.network.name();
    let makers = Maker::all(trained);
    let maker = makers.first().ok_or_else(|| Error::Usage(format!("sample does not look at a {name}")))?;
    let all: Vec<usize> = (0..data.class_names.len()).collect();
    let classes = match (&args.class, maker.technique()) {
        (None, _) => all,
        (Some(class), Some(technique)) if technique.is_conditional => vec![export::class_of(class, &data.class_names)?],
        (Some(class), Some(technique)) if technique.has_code => {
            let categories: Vec<String> = all.iter().map(usize::to_string).collect();
            vec![export::class_of(class, &categories)?]
        }
        (Some(_), _) => {
            let made = maker.name();
            return Err(Error::Usage(format!(
                "--class: a {made} is told no class; a CGAN is (elbo train gan --kind cgan)"
            )));
        }
    };
    let images = maker.images(0..args.count, &classes);
    let shape = data.train.shape();
    if let Some(path) = &args.npy {
        export::write_npy(&images, shape, path)?;
        say!("{}", path.display())?;
    }
    if let Some(path) = &args.png {
        export::write_pngs(&images, shape, path)?;
        say!("{}", path.display())?;
    }
    if args.npy.is_none() && args.png.is_none() {
        const ROW: usize = 10;
        const MOST: usize = 1000;
        if images.len() > MOST {
            return Err(Error::Usage(format!(
                "--count: expected at most {MOST} for a figure; --npy or --png take any number"
            )));
        }
        let figure = Figure::new("images.png", ImageGrid::new(shape).per_row(ROW).images(&images));
        folder.write(&figure.path(), &figure.bytes)?;
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
