//! One suggestion of TPE, by the number of past trials: all parameters of a VAE-like space together (a log float, choices, an
//! int, a log int and a stepped float), from the history to the value. And a whole `ask` with its parameters, in memory.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use elbo::search::sampler::{Asking, Random, Sampler, Tpe};
use elbo::search::{Direction, Distribution, Outcome, Space, Storage, Study};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// A study of random trials whose loss is a smooth function of their parameters.
fn study_of(trials: usize) -> (Study, Space) {
    let space = Space::new([
        ("lr", Distribution::log_float(1e-5, 0.1)),
        ("batch_size", Distribution::categorical([16, 32, 64, 128, 256_i64])),
        ("epochs", Distribution::int(1, 50)),
        ("latent", Distribution::log_int(2, 256)),
        ("dropout", Distribution::step_float(0.0, 0.5, 0.1)),
    ])
    .expect("a space");
    let study = Study::create(Storage::in_memory(), "bench", &[Direction::Minimize]).expect("a study").sampler(Random);
    for _ in 0..trials {
        let mut trial = study.ask().expect("a trial");
        let values = trial.suggest_all(&space).expect("values");
        let x = |name: &str| values[name].number().expect("a number");
        let loss =
            (x("lr").log10() + 3.0).powi(2) + (x("latent").log2() - 4.6).powi(2) - 0.1 * x("epochs") + x("dropout");
        study.tell(trial, Outcome::Complete(vec![loss])).expect("told");
    }
    (study.sampler(Tpe::default()), space)
}

fn suggest(c: &mut Criterion) {
    let mut group = c.benchmark_group("suggest");
    group.throughput(Throughput::Elements(1));
    for past in [100, 1000] {
        let (study, space) = study_of(past);
        let trials = study.trials().expect("trials");
        let tpe = Tpe::default();
        let mut number = past;
        group.bench_function(format!("TPE, past trials: {past}"), |bench| {
            bench.iter(|| {
                number += 1;
                let asking =
                    Asking { number, trials: &trials, directions: &[Direction::Minimize], seed: 0, fixed: &[] };
                black_box(tpe.joint(&asking))
            });
        });
        group.bench_function(format!("ask, past trials: {past}"), |bench| {
            bench.iter_custom(|n| {
                let mut time = Duration::ZERO;
                let (mut study, _) = study_of(past);
                for i in 0..n {
                    if i % 50 == 49 {
                        study = study_of(past).0;
                    }
                    let start = Instant::now();
                    let mut trial = study.ask().expect("a trial");
                    black_box(trial.suggest_all(&space).expect("values"));
                    time += start.elapsed();
                    // The model does not hear of failures: the history stays as long as it is.
                    study.tell(trial, Outcome::Fail).expect("told");
                }
                time
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30).measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_millis(500));
    targets = suggest
}
criterion_main!(benches);
