//! Threads that stay awake through a training step.
//!
//! A step is a hundred small computations, some shared among the threads, some not. A thread of the pool that finds nothing to do
//! goes to sleep after some 10 µs, and to wake it takes as long as a small product. Here the others keep looking for work
//! until the step is over. They yield to whoever else wants the core, and give up when there was nothing for a while.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a thread looks in vain before it may sleep.
const PATIENCE: Duration = Duration::from_millis(1);

/// Searches in vain before a thread begins to yield its core in between.
const EAGER: u32 = 64;

thread_local! {
    /// Whether this thread runs a step or attends one. Such a thread must not begin to attend: while it waits for a shared
    /// computation it may be handed that task, and would wait for the end of a step that waits for it.
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

/// Runs `step` on this thread of the pool, while the others stay awake for what it shares.
pub fn attended<R>(step: impl FnOnce() -> R) -> R {
    let threads = rayon::current_num_threads();
    if threads == 1 || rayon::current_thread_index().is_none() || BUSY.replace(true) {
        return step();
    }
    let done = AtomicBool::new(false);
    let result = rayon::in_place_scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|_| attend(&done));
        }
        let result = step();
        done.store(true, Ordering::Relaxed);
        result
    });
    BUSY.set(false);
    result
}

/// Does what comes up until the step is done.
fn attend(done: &AtomicBool) {
    if BUSY.replace(true) {
        return;
    }
    let (mut idle, mut since) = (0, Instant::now());
    while !done.load(Ordering::Relaxed) {
        if rayon::yield_now() == Some(rayon::Yield::Executed) {
            idle = 0;
            continue;
        }
        if idle == 0 {
            since = Instant::now();
        }
        idle += 1;
        if idle < EAGER {
            std::hint::spin_loop();
        } else if since.elapsed() < PATIENCE {
            std::thread::yield_now();
        } else {
            break;
        }
    }
    BUSY.set(false);
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayon::prelude::*;

    /// Something shared, with something shared inside.
    fn work(seed: u64) -> u64 {
        let part = |i: u64| (0..50u64).into_par_iter().map(|j| seed ^ (i * j)).sum::<u64>();
        (0..20u64).into_par_iter().map(part).sum()
    }

    #[test]
    fn steps_end_alone_one_in_another_and_side_by_side() {
        let expected = work(3);
        assert_eq!(attended(|| work(3)), expected, "outside of any pool");
        for threads in [1, 2, 4, 7] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                for _ in 0..50 {
                    assert_eq!(attended(|| work(3)), expected);
                    assert_eq!(attended(|| attended(|| work(3))), expected);
                    let both = rayon::join(|| attended(|| work(3)), || attended(|| work(3)));
                    assert_eq!(both, (expected, expected));
                }
            });
        }
    }
}
