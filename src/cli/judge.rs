//! `elbo judge`: how good the new images of runs are.

use super::look::{data_of, tell_on_terminal};
use super::watch::Show;
use super::{DataArgs, flags, stop_on_signal};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::files;
use crate::lab::gans::{gradients, scores};
use crate::lab::judge::{self, About, Judge, Verdict};
use crate::lab::makers::{Maker, common_pixels};
use crate::models::{Network, Trained, Trainer};
use crate::report::{Block, Figure};
use crate::train::{Folder, Watch};
use clap::Args;
use serde::Serialize;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

pub const EXAMPLES: &str = "\
Examples:
  elbo judge runs/gan                           how good its images are: Fréchet distance, precision, recall, …
  elbo judge runs/gan runs/vae                  side by side, by the same pixels
  elbo judge runs/gan --images 1000 --json";

#[derive(Args, Debug)]
pub struct JudgeArgs {
    /// Folders of runs of VAEs and GANs, on the same data; what is found goes to each one's judge.json and figures
    #[arg(value_name = "RUN", required = true, value_parser = flags::path())]
    runs: Vec<PathBuf>,
    /// New images of each, at most half as many as there are training images
    #[arg(long, value_name = "N", default_value_t = judge::IMAGES, value_parser = flags::whole(2_usize.., "a whole number of at least 2"))]
    images: usize,
    /// Print the numbers as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
}

/// What is written of a run, or of several.
#[derive(Serialize)]
struct Judgement<'a> {
    about: &'a About,
    references: &'a [Verdict],
    verdicts: &'a [Verdict],
}

pub fn run(args: JudgeArgs, quiet: bool) -> Result<()> {
    let stop = stop_on_signal()?;
    let (runs, data) = open_makers(&args.runs, &args.data)?;
    let (json, text) = judge(&runs, &data, args.images, quiet, &stop)?;
    if args.json { say!("{}", json.trim_end()) } else { tell_on_terminal(&text) }
}

/// Runs of networks that make new images, and their common data.
///
/// # Errors
/// When one makes none, or was trained on others.
pub fn open_makers(paths: &[PathBuf], args: &DataArgs) -> Result<(Vec<(Folder, Trained)>, Dataset)> {
    let (mut runs, mut data) = (Vec::new(), None);
    for path in paths {
        let folder = Folder::open(path)?;
        let trained = Trained::load(&folder.checkpoint())?;
        if Maker::all(&trained).is_empty() {
            let of = trained.config.network.name();
            return Err(Error::Usage(format!("{}: a {of} makes no new images to judge", folder.path().display())));
        }
        data = Some(data_of(&folder, &trained, args, data)?);
        runs.push((folder, trained));
    }
    Ok((runs, data.expect("at least one run is named")))
}

/// Judges runs on these data: gives the numbers and what is said of them.
pub fn judge(
    runs: &[(Folder, Trained)],
    data: &Dataset,
    images: usize,
    quiet: bool,
    stop: &AtomicBool,
) -> Result<(String, Vec<Block>)> {
    let trained = judge_of(data, quiet, stop)?;
    let pixels = common_pixels(runs.iter().map(|(_, trained)| trained.config.binarize));
    let judge = Judge::new(&trained, data, pixels, images)?;
    let (references, mut all) = (judge.references(), Vec::new());
    for (folder, trained) in runs {
        let verdict = |maker: Maker| {
            let name = match runs.len() {
                1 => maker.name(),
                _ => format!("{} ({})", maker.name(), folder.path().display()),
            };
            judge.of(&name, &maker)
        };
        let verdicts: Vec<Verdict> = Maker::all(trained).into_iter().map(verdict).collect();
        let mut figures = vec![judge::draw(&verdicts, judge.about(), data)];
        if let Some(own) = trained.config.network.gan() {
            let (name, records) = (own.variant.technique().name, folder.read_metrics()?);
            figures.push(Figure::new("scores.svg", scores(name, &[&records]).svg()));
            figures.push(Figure::new("gradients.svg", gradients(name, &[&records]).svg()));
        }
        figures.iter().try_for_each(|figure| folder.write(&figure.path(), &figure.bytes))?;
        let numbers = Judgement { about: judge.about(), references: &references, verdicts: &verdicts };
        folder.write("judge.json", files::json(&numbers).as_bytes())?;
        all.extend(verdicts);
    }
    let text = judge::tell(judge.about(), &references, &all, &data.class_names);
    let numbers = Judgement { about: judge.about(), references: &references, verdicts: &all };
    Ok((files::json(&numbers), text))
}

/// The judge of these data, trained if it is not there.
pub fn judge_of(data: &Dataset, quiet: bool, stop: &AtomicBool) -> Result<Trained> {
    let watch = |trainer: &Trainer, folder: &Folder| {
        if !quiet {
            note!("training the judge of these data, once: it is kept in {}", folder.path().display());
        }
        Box::new(Show::new("judge", trainer, data, folder, quiet)) as Box<dyn Watch<Network> + '_>
    };
    judge::cache::judge_of(data, watch, stop)
}
