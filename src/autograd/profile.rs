//! [`Profile`]: what was computed when, for how long, and how much work it was.

use crate::tensor::Shape;
use std::time::{Duration, Instant};

/// What a computation has to do at least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Multiplications and additions of matrix products.
    pub flops: u64,
    /// Bytes of the arguments and the result, each counted once.
    pub bytes: u64,
    /// Shape of the result; of the argument's share, in a sweep.
    pub shape: Shape,
}

impl Work {
    /// That of reading and writing so many numbers, where memory, not arithmetic, sets the time.
    pub(crate) fn on<F>(numbers: usize, shape: Shape) -> Self {
        Work { flops: 0, bytes: (numbers * size_of::<F>()) as u64, shape }
    }
}

/// A stretch of time.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// What was done: the name of an op, or of a part of a training step.
    pub name: &'static str,
    /// How many other events it lies in.
    pub depth: u16,
    /// When it began, since the profile did.
    pub start: Duration,
    /// How long it took.
    pub duration: Duration,
    /// What there was to do; nothing is known of parts that hold others.
    pub work: Work,
}

/// The events since a moment, in the order in which they began.
#[derive(Debug)]
pub struct Profile {
    origin: Instant,
    depth: u16,
    /// The events.
    pub events: Vec<Event>,
}

impl Default for Profile {
    /// Begins now.
    fn default() -> Self {
        Profile { origin: Instant::now(), depth: 0, events: Vec::new() }
    }
}

impl Profile {
    /// An event begins. Gives its number.
    pub(super) fn open(&mut self, name: &'static str, work: Work) -> usize {
        let start = self.origin.elapsed();
        self.events.push(Event { name, depth: self.depth, start, duration: Duration::ZERO, work });
        self.depth += 1;
        self.events.len() - 1
    }

    /// The event ends.
    pub(super) fn close(&mut self, event: usize) {
        self.depth -= 1;
        let event = &mut self.events[event];
        event.duration = self.origin.elapsed() - event.start;
    }

    /// The events for the trace viewers of browsers (`chrome://tracing`, ui.perfetto.dev): complete events, in microseconds.
    #[cfg(feature = "serde")]
    pub fn chrome_trace(&self) -> String {
        use serde_json::json;
        let event = |e: &Event| {
            let [start, duration] = [e.start, e.duration].map(|t| t.as_secs_f64() * 1e6);
            let Work { flops, bytes, shape } = e.work;
            let args = json!({ "flops": flops, "bytes": bytes, "shape": &*shape });
            json!({ "name": e.name, "ph": "X", "ts": start, "dur": duration, "pid": 1, "tid": 1, "args": args })
        };
        json!(self.events.iter().map(event).collect::<Vec<_>>()).to_string()
    }
}
