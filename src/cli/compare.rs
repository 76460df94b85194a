//! `elbo tune compare`: samplers against each other.

use super::watch::Bars;
use super::{DataArgs, flags, published, stop_on_signal};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::lab::publish;
use crate::models::{Config, exercise};
use crate::report::{Report, escape};
use crate::search::sampler::tpe::{Joint, Startup};
use crate::tune::compare::{Measured, draw, play, tell, verdict};
use crate::tune::session::{Change, Session};
use crate::tune::{Diverged, Objective, Plan, PrunerKind, SamplerKind};
use clap::Args;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub struct CompareArgs {
    /// Epochs of the grid
    #[arg(long, value_name = "N,N,…", value_delimiter = ',', default_value = "10,20,30", value_parser = flags::whole(1_u64.., "numbers of at least 1, such as 10,20,30"))]
    epochs: Vec<u64>,
    /// Batch sizes of the grid
    #[arg(long, value_name = "N,N,…", value_delimiter = ',', default_value = "64,128,256", value_parser = flags::whole(1_i64.., "numbers of at least 1, such as 64,128"))]
    batch_size: Vec<i64>,
    /// Learning rates of the grid
    #[arg(long, value_name = "X,X,…", value_delimiter = ',', default_value = "0.01,0.1", value_parser = flags::number)]
    lr: Vec<f64>,
    /// Folds of the cross-validation
    #[arg(long, value_name = "K", default_value_t = 3, value_parser = flags::whole(0_usize.., "a whole number of at least 2"))]
    folds: usize,
    /// Searches with each sampler
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = flags::whole(1_u64..=100_000, "a whole number from 1 to 100000"))]
    searches: u64,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = flags::whole(0_u64.., "a whole number"))]
    seed: u64,
    /// Folder of the study that measures the grid [default: runs/compare, numbered if taken]
    #[arg(long, value_name = "DIR", value_parser = flags::path())]
    out: Option<PathBuf>,
    /// Go on with the study in this folder, or play again
    #[arg(long, value_name = "DIR", value_parser = flags::path(), conflicts_with = "out")]
    resume: Option<PathBuf>,
    /// Show the report in the browser
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    data: DataArgs,
}

pub fn run(args: CompareArgs, quiet: bool) -> Result<()> {
    let stop = stop_on_signal()?;
    let [batch_sizes, lrs] = [format!("{:?}", args.batch_size), format!("{:?}", args.lr)];
    let longest = args.epochs.iter().max().copied().unwrap_or(0);
    let plan = |data: &Dataset| Plan {
        base: Config { epochs: longest, seed: args.seed, ..exercise(data.train.pixels()) },
        space: format!("[batch_size]\nchoices = {batch_sizes}\n\n[lr]\nchoices = {lrs}\n"),
        sampler: SamplerKind::Grid,
        startup_trials: 0,
        startup: Startup::Random,
        joint: Joint::Common,
        pruner: PrunerKind::None,
        folds: args.folds,
        repeats: 1,
        objective: Objective::Recon,
        // Measured, as all others: it need not be tried again.
        diverged: Diverged::Loss(1e9),
        seed: args.seed,
        data: data.digest.clone(),
        origin: data.origin.clone(),
    };
    let size = args.batch_size.len() * args.lr.len();
    let (session, data) = match &args.resume {
        Some(path) => {
            let (session, data, _) = Session::resume(path, Change::default(), |plan| args.data.load_for(&plan.origin))?;
            if session.plan != (Plan { origin: session.plan.origin.clone(), ..plan(&data) }) {
                let path = path.display();
                return Err(Error::Usage(format!("{path}: its study measures another grid")));
            }
            (session, data)
        }
        None => {
            let data = args.data.load()?;
            (Session::create(plan(&data), size, &[], args.out.as_deref(), "compare", &data)?, data)
        }
    };
    let left = session.left()?.dead;
    let Session { folder, plan, study, validation, total, .. } = &session;
    if !quiet {
        note!(
            "a grid of {} points: {size} settings, each trained for {longest} epochs on {} folds and looked at on the way",
            args.epochs.len() * size,
            plan.folds
        );
    }
    let bars = Bars::new(plan, *total, quiet);
    session.worker().work(&left, *total, (1, rayon::current_num_threads()), None, &bars, &stop)?;
    drop(bars);

    let measured = Measured::of(&study.trials()?, validation.networks(), &args.epochs, &args.batch_size, &args.lr)?;
    let comparison = play(measured, args.searches)?;
    let title = format!("TPE, random and grid search on {}", escape(&data.name));
    let report = Report { title: title.into(), blocks: tell(&comparison) };
    let page = publish(folder, &[draw(&comparison)], &comparison, &report)?;
    say!("{}", verdict(&comparison).join("\n"))?;
    published(&page, args.open)
}
