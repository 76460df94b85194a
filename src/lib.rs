//! Variational autoencoders from the inside: a reverse-mode autodiff engine, and on it an autoencoder, a VAE, a classifier, GANs and what
//! they show.
//!
//! # A bird's-eye view
//!
//! Values are computed on a [`Tape`], eagerly, through `Copy` handles ([`Var`]); each value remembers the op that made it. A sweep
//! from the loss back to the leaves gives gradients, by rules that are themselves written in operations on handles and can
//! therefore be differentiated again. [`nn`] holds parameters and layers, [`dist`] and [`mod@loss`] the mathematics of the VAE,
//! [`optim`] the updates. [`train`] drives a task over [`data`], and [`models`] are such tasks, each a network with its losses and its
//! updates; [`lab`] looks at what came out, draws it with [`plot`] and tells it in a [`report`]. [`search`] finds good parameters of
//! anything, and [`tune`] those of a network; [`cli`] is the program.
//!
//! # Code map
//!
//! | module | what lives there | start reading at |
//! |---|---|---|
//! | [`error`], [`files`], [`stats`] | what can go wrong; files that are whole or absent; means and their errors | [`Error`] |
//! | [`kernels`] | pure functions on slices: products, convolutions, sums, elementary functions | [`kernels::gemm`] |
//! | [`rng`] | randomness as a function of (seed, purpose, step, row) | [`rng::Stream`] |
//! | [`tensor`] | arrays as values, and the pool of their buffers | [`Tensor`] |
//! | [`autograd`] | the tape, the sweep, the gradient checker | [`autograd`] |
//! | [`ops`] | every derivative | [`ops::CATALOGUE`] |
//! | [`nn`], [`dist`], [`mod@loss`], [`optim`] | layers, distributions, losses, optimisers | [`dist::gaussian`] |
//! | [`data`] | images as bytes: reading, finding, drawing, encoding | [`data::load`], [`data::catalogue`] |
//! | [`train`] | what can be trained, and what drives it: steps, epochs, checkpoints, run folders | [`train::Task`] |
//! | [`models`] | the autoencoder, the VAE, the classifier and the GANs, and how they are trained | [`models::Vae`], [`models::gan`] |
//! | [`plot`] | charts and image grids, without tensors | [`plot::Chart`] |
//! | [`report`] | what is told, as HTML, Markdown and for the terminal | [`report::Block`] |
//! | [`lab`] | the experiments on trained networks, and what judges new images | [`lab::EXPERIMENTS`], [`lab::judge`] |
//! | [`search`] | the search for good parameters: TPE, its rivals, pruners, study files | [`search`] |
//! | [`tune`] | the search for a network's settings, under cross-validation | [`tune::CrossValidation`] |
//! | [`cli`] | the command line | [`cli`] |
//!
//! A module uses only what is above it in this table, and none of `data`, `plot`, `report` and `search` knows of tensors.
//!
//! What grows, grows by a file and a line: an op by its row in [`ops::CATALOGUE`], a network by its line in [`models`], a kind of GAN by
//! its line in [`models::gan::TECHNIQUES`], an experiment by its row in [`lab::EXPERIMENTS`], a data set by its row in [`data::catalogue`].
//!
//! Without default features the crate is the engine, from `error` to `optim`; what is below in the table stands behind features of its
//! name, but that `data`, `train` and `models` are the feature `train`, and `report` comes with `plot`.
//!
//! # Invariants
//!
//! * **Same bits.** The same seed gives bitwise the same weights on any number of threads and each SIMD path, and after a resume.
//!   Sums run in an order fixed by the shapes; each output of a product is one chain of fused multiply-adds; elementary functions
//!   are our own; randomness is counter-based.
//! * **Gradients are right**, at order 1 and 2, to 1e-9 in f64 ([`autograd::check`]).
//! * **Losses are nats per sample**: summed over dimensions, averaged over the batch.
//! * **Memory belongs to the tape.** From the second training step on, no buffer is allocated; only a batch of another size
//!   makes its own, once.
//! * **A wrong program panics** at the caller's line, with the shapes; **a wrong world is an [`Error`]** of one line.
//! * **No lost work**: checkpoints replace each other atomically.
//! * `unsafe` stands only in [`kernels`].
//!
//! What is deliberately absent: a global graph, generators with hidden state, `Result` on arithmetic, a device abstraction.
//!
//! # Shape letters
//!
//! `B` batch, `D` pixels, `H` hidden units, `Z` latent dimensions, `C` channels, `K` classes; `N` trials.

// Not in tests: there the platform's functions are the reference.
#![cfg_attr(not(test), warn(clippy::disallowed_macros, clippy::disallowed_methods))]

pub mod autograd;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "train")]
pub mod data;
pub mod dist;
pub mod error;
#[cfg(feature = "files")]
pub mod files;
pub mod kernels;
#[cfg(feature = "lab")]
pub mod lab;
pub mod loss;
#[cfg(feature = "train")]
pub mod models;
pub mod nn;
pub mod ops;
pub mod optim;
#[cfg(feature = "plot")]
pub mod plot;
#[cfg(feature = "plot")]
pub mod report;
pub mod rng;
#[cfg(feature = "search")]
pub mod search;
pub mod stats;
pub mod tensor;
#[cfg(feature = "train")]
pub mod train;
#[cfg(feature = "tune")]
pub mod tune;

pub use autograd::{Tape, Var};
pub use error::{Error, Result};
pub use tensor::{Shape, Tensor};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
