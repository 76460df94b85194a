//! The engine: values are written on a [`Tape`] in the order they are computed, and gradients by walking it backwards.
//!
//! A [`Var`] is a `Copy` handle to one value on the tape. Computing with handles appends values; each remembers the [`Op`]
//! that made it and the ids of its arguments. Since an argument is always older than its result, ids are already a topological
//! order, and reverse-mode differentiation is one loop from the loss down to the leaves:
//!
//! ```text
//! for node in tape, newest first:
//!     g = the cotangent ∂loss/∂node, the sum of the shares its users gave
//!     node.op.vjp(g)  gives a share  g · ∂node/∂xₖ  to each argument xₖ
//! ```
//!
//! A rule is written in operations on handles, so the gradient is itself computed on the tape, and can be recorded: then it may
//! be differentiated again, with the same rules and the same loop ([`Tape::vjp`]). When it is not recorded
//! ([`Tape::backward`]), what a rule computed on the way is taken off the tape as soon as its shares are out, and an elementwise
//! rule runs as one fused pass over memory.
//!
//! The only derivative in this module is that of addition, because the chain rule sums. All others are in [`ops`](crate::ops).

mod add;
mod backward;
pub mod check;
mod op;
mod profile;
mod show;
mod tape;
mod var;

pub use add::Add;
pub use op::{Domain, Example, Op, Row, Vjp};
pub use profile::{Event, Profile, Work};
pub use tape::Tape;
pub use var::Var;
