//! Layers: what has parameters, and how they start.
//!
//! [`Params`] owns all weights under PyTorch's names, layers hold ids, and a [`Pass`] lends tape and parameters to one forward
//! pass. So a layer is a few numbers, a model can be cloned, frozen or saved without asking it, and nothing is shared.

mod activation;
mod conv;
mod dense;
mod dropout;
mod init;
mod norm;
mod one_hot;
mod params;
mod spectral;
mod stack;

pub use activation::Activation;
pub use conv::{Conv2d, ConvTranspose2d};
pub use dense::Dense;
pub use dropout::{alpha_dropout, dropout};
pub use init::Init;
pub use norm::{BatchNorm, LayerNorm};
pub use one_hot::one_hot;
pub use params::{BufferId, Grads, ParamId, Params, Pass};
pub use spectral::SpectralNorm;
pub use stack::Stack;
