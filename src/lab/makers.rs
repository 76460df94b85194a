//! [`Maker`]: whatever makes new images.

use super::Subject;
use super::generate::Source;
use crate::data::Encoding;
use crate::models::Trained;
use crate::models::gan::Technique;
use std::ops::Range;

/// A network that makes new images, and how it does.
pub enum Maker<'a> {
    /// A VAE's decoder of z ~ N(0, I): the pixels' probabilities.
    Means(Subject<'a>),
    /// A VAE's decoder of z ~ N(0, I): black and white pixels, drawn from their probabilities.
    Draws(Subject<'a>),
    /// A GAN's generator, with the average of its weights if there is one.
    Gan(Source<'a>),
    /// A GAN's generator with the weights of the last update, where there is an average.
    Last(Source<'a>),
}

impl<'a> Maker<'a> {
    /// The ways in which a trained network makes new images: none of an autoencoder, which has no prior, or of a classifier.
    pub fn all(trained: &'a Trained) -> Vec<Maker<'a>> {
        if let Some(source) = Source::of_trained(trained) {
            let last = source.without_average().map(Maker::Last);
            return [Maker::Gan(source)].into_iter().chain(last).collect();
        }
        let subject = || Subject::of_trained(trained).filter(Subject::is_variational);
        [subject().map(Maker::Means), subject().map(Maker::Draws)].into_iter().flatten().collect()
    }

    /// What it is called.
    pub fn name(&self) -> String {
        match self {
            Maker::Means(vae) => format!("VAE, {}-D: means", vae.latent),
            Maker::Draws(vae) => format!("VAE, {}-D: draws", vae.latent),
            Maker::Gan(gan) => gan.technique().name.into(),
            Maker::Last(gan) => format!("{}, without average", gan.technique().name),
        }
    }

    /// What is special about it, if it is a GAN.
    pub fn technique(&self) -> Option<&'static Technique> {
        match self {
            Maker::Gan(gan) | Maker::Last(gan) => Some(gan.technique()),
            Maker::Means(_) | Maker::Draws(_) => None,
        }
    }

    /// New images with these numbers, each from noise of its own; of a conditional GAN of `classes` one after the other.
    pub fn images(&self, numbers: Range<usize>, classes: &[usize]) -> Vec<Vec<f32>> {
        match self {
            Maker::Means(vae) => vae.decode(&vae.prior(numbers)),
            Maker::Draws(vae) => vae.draw(&vae.decode(&vae.prior(numbers.clone())), numbers.start),
            Maker::Gan(gan) | Maker::Last(gan) => gan.images(numbers, |i| classes[i % classes.len()]),
        }
    }
}

/// The pixels in which networks that were trained on these can be compared: black and white as soon as one knows no others.
pub fn common_pixels(encodings: impl IntoIterator<Item = Encoding>) -> Encoding {
    let is_grey = encodings.into_iter().all(|encoding| encoding == Encoding::Grey);
    if is_grey { Encoding::Grey } else { Encoding::Threshold }
}
