//! From the second training step on, a step lives in the memory of the first.
#![cfg(feature = "train")]

use elbo::Tape;
use elbo::data::synthetic;
use elbo::models::{Architecture, Coder, Settings, Trainer, Vae, classifier, coder};
use elbo::nn::{Dense, Init, Params, Pass};
use elbo::optim::{Adam, Optimizer, Sgd};
use elbo::rng::{Purpose, Stream};
use elbo::train::Config;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes from which an allocation counts as one of numbers, not of bookkeeping.
const LARGE: usize = 4096;

/// Large allocations since the program started.
static COUNT: AtomicUsize = AtomicUsize::new(0);

struct Counting;

#[allow(unsafe_code)]
// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: by the caller's promise.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: by the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn realloc(&self, p: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: by the caller's promise.
        unsafe { System.realloc(p, layout, size) }
    }
    unsafe fn dealloc(&self, p: *mut u8, layout: Layout) {
        // SAFETY: by the caller's promise.
        unsafe { System.dealloc(p, layout) }
    }
}

fn count(bytes: usize) {
    if bytes >= LARGE {
        COUNT.fetch_add(1, Ordering::Relaxed);
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const ROWS: usize = 128;
const PIXELS: usize = 784;

/// The only test of this program, so that nothing else allocates while it counts.
#[test]
fn a_training_step_allocates_nothing_large_after_the_first() {
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let trainings: [fn() -> Vec<usize>; 4] = [train_vae, train_penalty, train_by_trainer, train_cnn];
        for (name, train) in ["VAE", "gradient penalty", "trainer", "CNN"].into_iter().zip(trainings) {
            let counts = pool.install(train);
            let steady = counts[0] > 0 && counts[1..].iter().all(|count| *count == 0);
            assert!(steady, "{name}, {threads} threads: large allocations by step {counts:?}");
        }
    }
}

/// The trainer's own step, over two epochs with a smaller last batch. That batch's buffers are made in the first epoch.
fn train_by_trainer() -> Vec<usize> {
    let mut own = coder::Settings::new(PIXELS);
    own.descent.clip_norm = Some(1.0);
    two_epochs(Settings::Vae(own))
}

/// The same for convolutions, pooling and classes.
fn train_cnn() -> Vec<usize> {
    two_epochs(Settings::Cnn(classifier::Settings::new([1, 28, 28], 10)))
}

fn two_epochs(settings: Settings) -> Vec<usize> {
    let data = synthetic::dataset(5 * ROWS + 17, 10);
    let mut trainer = Trainer::new(Config::of(settings)).unwrap();
    let mut counts = Vec::new();
    for epoch in 0..2 {
        for batch in 0..trainer.batches(&data) {
            let before = COUNT.load(Ordering::Relaxed);
            trainer.step(&data).unwrap();
            let count = COUNT.load(Ordering::Relaxed) - before;
            if epoch > 0 || batch < trainer.batches(&data) - 1 {
                counts.push(count);
            }
        }
    }
    counts
}

const STEPS: usize = 4;

/// Large allocations of each step.
fn counted(mut step: impl FnMut(u64)) -> Vec<usize> {
    let count = |t| {
        let before = COUNT.load(Ordering::Relaxed);
        step(t);
        COUNT.load(Ordering::Relaxed) - before
    };
    (0..STEPS as u64).map(count).collect()
}

/// Where the weights are.
fn addresses(params: &Params<f32>) -> Vec<*const f32> {
    params.ids().map(|id| params.get(id).data().as_ptr()).collect()
}

/// The exercise's network, its gradient clipped, with Adam.
fn train_vae() -> Vec<usize> {
    let mut params = Params::default();
    let model = Vae::new(&mut params, &Architecture::new(PIXELS), 0);
    let mut adam = Adam::new(&params);
    let mut tape = Tape::new();
    counted(|t| {
        tape.begin();
        let pass = Pass::new(&tape, &params);
        let mut noise = Stream::new(0, Purpose::Check, t, 0);
        let x = tape.leaf_with([ROWS, PIXELS], |x| x.fill_with(|| noise.uniform() as f32));
        let eps = || tape.leaf_with([ROWS, 2], |eps| noise.fill_normal(eps));
        let loss = model.loss(&pass, x, eps, 1.0);
        let mut grads = pass.backward(loss.total);
        grads.clip_norm(1.0);
        assert_eq!(grads.not_finite(), None);
        let gradients: Vec<_> = grads.iter().map(|(_, g)| g.data().as_ptr()).collect();
        adam.step(&mut params, grads, 1e-3);
        // Nothing is copied in an update: the weights live on where their gradient was.
        assert_eq!(addresses(&params), gradients);
    })
}

/// A critic D with the penalty (‖∂D/∂x‖ − 1)² of its gradient in the data (Gulrajani et al. 2017), which is differentiated again.
fn train_penalty() -> Vec<usize> {
    let mut params = Params::<f32>::default();
    let mut layer = |name: &str, widths| Dense::new(&mut params, name, widths, Init::Pytorch, 0);
    let (first, second, third) = (layer("0", [PIXELS, 256]), layer("1", [256, 1024]), layer("2", [1024, 1]));
    let mut sgd = Sgd::new(&params, 0.9);
    let mut tape = Tape::new();
    counted(|t| {
        tape.begin();
        let pass = Pass::new(&tape, &params);
        let mut noise = Stream::new(0, Purpose::Check, t, 1);
        let x = tape.leaf_with([ROWS, PIXELS], |x| x.fill_with(|| noise.uniform() as f32));
        let critic = third.forward(&pass, second.forward(&pass, first.forward(&pass, x).tanh()).leaky_relu(0.2));
        let ones = tape.leaf_with([ROWS, 1], |g| g.fill(1.0));
        let slope = tape.vjp(&[(critic, ones)], &[x])[0];
        let penalty = (slope.square().sum_axes(&[1]).sqrt() - 1.0).square().mean();
        let grads = pass.backward(penalty);
        assert_eq!(grads.not_finite(), None);
        sgd.step(&mut params, grads, 1e-3);
    })
}
