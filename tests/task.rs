//! Anything can be trained: the skeleton of a generative adversarial network (Goodfellow et al. 2014) on points of a ring. It has
//! two networks with an optimiser each, and its step updates one of them twice; epochs, metrics, checkpoints and resuming are the
//! trainer's, as for the VAE.
#![cfg(feature = "train")]

use elbo::autograd::Var;
use elbo::data::{Dataset, Encoding, Split};
use elbo::nn::{Activation, BufferId, Init, Params, Pass, Stack};
use elbo::optim::Descent;
use elbo::train::{
    self, Batch, Config, Folder, NotFinite, Part, Quantity, Record, Task, Terms, Trained, Trainer, Watch,
};
use elbo::{Error, Result, Tape, Tensor};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Settings {
    latent: usize,
    hidden: usize,
    critic: Descent,
    generator: Descent,
}

struct RingGan {
    latent: usize,
    generator: Stack,
    critic: Stack,
    /// A running mean of the real points, which the critic takes for its origin: a layer that keeps a buffer.
    origin: BufferId,
    /// The critic's, and the generator's.
    parts: [Part; 2],
}

const QUANTITIES: &[Quantity] = &[
    Quantity { name: "critic", label: "the critic's loss", unit: "nats per image" },
    Quantity { name: "generator", label: "the generator's loss", unit: "nats per image" },
];

/// Updates of the critic in a step.
const CRITIC_UPDATES: u64 = 2;

impl RingGan {
    /// The critic's cross-entropy, real against fake: E[softplus(−D(x))] + E[softplus(D(G(z)))].
    fn critic_loss<'t>(&self, pass: &Pass<'t, '_, f32>, x: Var<'t, f32>, fake: Var<'t, f32>) -> Var<'t, f32> {
        let mean = x.mean_axes(&[0]);
        let kept = pass.buffer(self.origin);
        let moved = kept.data().iter().zip(mean.value().data()).map(|(old, new)| 0.9 * old + 0.1 * new).collect();
        pass.renew(self.origin, Tensor::new(moved, kept.shape()));
        let origin = if pass.is_training() { mean } else { pass.tape().leaf(kept.clone()) };
        let real = (-self.critic.forward(pass, x - origin)).softplus().mean();
        real + self.critic.forward(pass, fake - origin).softplus().mean()
    }

    /// The generator's loss, E[softplus(−D(G(z)))].
    fn generator_loss<'t>(&self, critic: &Pass<'t, '_, f32>, fake: Var<'t, f32>) -> Var<'t, f32> {
        let origin = critic.tape().leaf(critic.buffer(self.origin).clone());
        (-self.critic.forward(critic, fake - origin)).softplus().mean()
    }

    fn generated<'t>(&self, tape: &'t Tape<f32>, batch: &Batch, draw: u64) -> Var<'t, f32> {
        let pass = Pass::new(tape, &self.parts[1].params);
        self.generator.forward(&pass, batch.noise(tape, self.latent, draw))
    }
}

impl Task for RingGan {
    type Settings = Settings;

    fn validate(settings: &Settings, _: Encoding) -> Result<()> {
        settings.critic.validate().and(settings.generator.validate())
    }

    fn pixels(_: &Settings) -> usize {
        2
    }

    fn weights(settings: &Settings) -> Option<usize> {
        Some((settings.latent + 1) * settings.hidden + 3 * settings.hidden + 2 * (settings.hidden + 1) + 1)
    }

    fn new(settings: &Settings, seed: u64) -> Self {
        let &Settings { latent, hidden, .. } = settings;
        let stack = |params: &mut Params<f32>, name, widths: [usize; 3], seed| {
            Stack::new(params, name, &widths, Activation::Tanh, false, Init::Glorot, seed)
        };
        let (mut of_critic, mut of_generator) = (Params::default(), Params::default());
        let critic = stack(&mut of_critic, "critic", [2, hidden, 1], seed);
        let generator = stack(&mut of_generator, "generator", [latent, hidden, 2], seed + 1);
        let origin = of_critic.add_buffer("critic.origin", Tensor::full(0.5, [1, 2]));
        let parts = [Part::new(of_critic, &settings.critic), Part::new(of_generator, &settings.generator)];
        RingGan { latent, generator, critic, origin, parts }
    }

    fn quantities(&self) -> &'static [Quantity] {
        QUANTITIES
    }

    fn step(&mut self, tape: &mut Tape<f32>, batch: &Batch) -> Result<Terms, NotFinite> {
        let mut of_critic = 0.0;
        for draw in 0..CRITIC_UPDATES {
            tape.begin();
            // Its value alone: no gradient goes back to the generator.
            let fake = tape.leaf(self.generated(tape, batch, draw).value());
            let pass = Pass::new(tape, &self.parts[0].params);
            let loss = self.critic_loss(&pass, batch.images(tape), fake);
            of_critic = f64::from(loss.item());
            let grads = pass.backward(loss);
            self.parts[0].update(tape, grads, batch)?;
        }
        tape.begin();
        let (pass, critic) = (Pass::new(tape, &self.parts[1].params), Pass::new(tape, &self.parts[0].params));
        let fake = self.generator.forward(&pass, batch.noise(tape, self.latent, CRITIC_UPDATES));
        let loss = self.generator_loss(&critic, fake);
        let of_generator = f64::from(loss.item());
        let grads = pass.backward(loss);
        self.parts[1].update(tape, grads, batch)?;
        Ok(Terms::new(QUANTITIES, &[of_critic, of_generator]))
    }

    fn judge(&self, tape: &mut Tape<f32>, batch: &Batch) -> Terms {
        let pass = Pass::judging(tape, &self.parts[0].params);
        let fake = self.generated(tape, batch, 0);
        let of_critic = self.critic_loss(&pass, batch.images(tape), fake);
        let of_generator = self.generator_loss(&pass, fake);
        Terms::new(QUANTITIES, &[of_critic, of_generator].map(|loss| f64::from(loss.item())))
    }

    fn parts(&self) -> Vec<&Part> {
        self.parts.iter().collect()
    }

    fn parts_mut(&mut self) -> Vec<&mut Part> {
        self.parts.iter_mut().collect()
    }

    fn updates(&self, part: usize, steps: u64) -> u64 {
        if part == 0 { CRITIC_UPDATES * steps } else { steps }
    }
}

/// Points on a circle of radius 0.4 around (½, ½), as images of two pixels.
fn ring(n: usize) -> Split {
    let point = |i: usize| {
        let angle = std::f64::consts::TAU * i as f64 / n as f64;
        [angle.cos(), angle.sin()].map(|x| (255.0 * (0.5 + 0.4 * x)).round() as u8)
    };
    Split::new((0..n).flat_map(point).collect(), vec![0; n], 1, 2)
}

fn data() -> Dataset {
    Dataset::new("ring", "made here", ring(500), ring(60), vec!["ring".into()])
}

fn config(epochs: u64) -> Config<Settings> {
    let settings = Settings { latent: 3, hidden: 32, critic: Descent::adam(3e-3), generator: Descent::adam(1e-3) };
    Config { epochs, batch_size: 64, binarize: Encoding::Grey, ..Config::of(settings) }
}

/// Stops after so many steps of its own.
struct StopAfter<'a>(u64, &'a AtomicBool);

impl Watch<RingGan> for StopAfter<'_> {
    fn step(&mut self, _: &Trainer<RingGan>) {
        self.0 -= 1;
        self.1.store(self.0 == 0, Ordering::Relaxed);
    }
}

fn weights(task: &RingGan) -> Vec<u32> {
    let of_part =
        |part: &&Part| part.params.ids().flat_map(|id| part.params.get(id).data().to_vec()).collect::<Vec<_>>();
    let origin = task.parts[0].params.buffer(task.origin).data().to_vec();
    task.parts().iter().flat_map(of_part).chain(origin).map(f32::to_bits).collect()
}

fn without_seconds(records: &[Record]) -> Vec<Record> {
    records.iter().map(|r| Record { seconds: 0.0, ..r.clone() }).collect()
}

fn trained(at: &Path, epochs: u64) -> (Trainer<RingGan>, Vec<Record>) {
    let folder = Folder::at(at).unwrap();
    let mut trainer = Trainer::new(config(epochs)).unwrap();
    let records = train::run(&mut trainer, &data(), &folder, &mut (), &AtomicBool::new(false)).unwrap();
    (trainer, records)
}

#[test]
fn two_networks_resume_to_the_same_bits_wherever_they_were_interrupted() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, records) = trained(&dir.path().join("whole"), 3);
    assert_eq!(records.len(), 6);
    // 8 steps an epoch: within the first, at the end of one, within the last.
    for steps in [1, 5, 8, 13, 23] {
        let folder = Folder::at(&dir.path().join(format!("cut-{steps}"))).unwrap();
        let stop = AtomicBool::new(false);
        let mut trainer = Trainer::new(config(3)).unwrap();
        let cut = train::run(&mut trainer, &data(), &folder, &mut StopAfter(steps, &stop), &stop);
        assert!(matches!(cut, Err(Error::Interrupted { .. })), "{steps}");
        // Steps that were not saved are lost with a killed process, and made again.
        trainer.step(&data()).unwrap();
        let mut again = Trainer::<RingGan>::resume(&folder.checkpoint(), &data()).unwrap();
        assert_eq!(again.progress.step, steps);
        let resumed = train::run(&mut again, &data(), &folder, &mut (), &AtomicBool::new(false)).unwrap();
        assert_eq!(weights(&again.task), weights(&whole.task), "after {steps} steps");
        assert_eq!(without_seconds(&resumed), without_seconds(&records));
        assert_eq!(without_seconds(&folder.read_metrics().unwrap()), without_seconds(&records));
    }
}

#[test]
fn a_checkpoint_keeps_both_networks_and_both_optimisers() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, _) = trained(dir.path(), 2);
    let path = Folder::at(dir.path()).unwrap().checkpoint();
    let again = Trainer::<RingGan>::resume(&path, &data()).unwrap();
    let state = |trainer: &Trainer<RingGan>| {
        let moments =
            |part: &&Part| part.optimizer.state().moments.iter().flat_map(|(_, m)| m.clone()).collect::<Vec<_>>();
        let steps = |part: &&Part| part.optimizer.state().steps;
        let parts = trainer.task.parts();
        let data = parts.iter().flat_map(moments).flat_map(|m| m.data().to_vec()).map(f32::to_bits).collect::<Vec<_>>();
        (parts.iter().map(steps).collect::<Vec<_>>(), data)
    };
    assert_eq!(state(&again), state(&whole));
    assert_eq!(state(&again).0, [32, 16]);
    let to_look_at = Trained::<RingGan>::load(&path).unwrap();
    assert_eq!(weights(&to_look_at.task), weights(&whole.task));
    let names = ["critic.0.weight", "generator.2.bias"];
    let found = to_look_at.task.parts().iter().zip(names).all(|(part, name)| part.params.find(name).is_some());
    assert!(found);
    assert_ne!(to_look_at.task.parts[0].params.buffer(whole.task.origin).data(), [0.5, 0.5]);
}

#[test]
fn what_is_measured_is_shown_with_its_unit() {
    let shown = RingGan::new(&config(1).network, 0).line(&Terms::new(QUANTITIES, &[0.5, 0.25]));
    assert_eq!(shown, "the critic's loss 0.5000 nats per image, the generator's loss 0.2500 nats per image");
}

#[test]
fn a_gradient_that_is_no_number_ends_the_run_at_the_last_good_epoch() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path()).unwrap();
    let mut wild = config(50);
    wild.network.critic = Descent { optimizer: elbo::optim::OptimizerKind::Sgd, ..Descent::adam(1e39) };
    let mut trainer = Trainer::<RingGan>::new(wild).unwrap();
    let error = train::run(&mut trainer, &data(), &folder, &mut (), &AtomicBool::new(false)).unwrap_err();
    assert!(matches!(error, Error::Diverged { .. }), "{error}");
    let kept = Trained::<RingGan>::load(&folder.checkpoint()).unwrap();
    assert!(
        kept.task
            .parts()
            .iter()
            .all(|part| { part.params.ids().all(|id| part.params.get(id).data().iter().all(|x| x.is_finite())) })
    );
}

#[test]
fn the_generator_comes_nearer_to_the_ring() {
    let dir = tempfile::tempdir().unwrap();
    let off = |task: &RingGan| {
        let tape = Tape::new();
        let pass = Pass::new(&tape, &task.parts[1].params);
        let z = tape.leaf_with([500, 3], |z| elbo::rng::Stream::new(9, elbo::rng::Purpose::Prior, 0, 0).fill_normal(z));
        let points = task.generator.forward(&pass, z).value();
        let distance = |p: &[f32]| ((p[0] - 0.5).hypot(p[1] - 0.5) - 0.4).abs();
        (0..500).map(|i| distance(points.row(i))).sum::<f32>() / 500.0
    };
    let before = off(&RingGan::new(&config(1).network, 0));
    let (trainer, _) = trained(dir.path(), 40);
    let after = off(&trainer.task);
    assert!(after < 0.5 * before, "mean distance from the ring: {before} before, {after} after");
}
