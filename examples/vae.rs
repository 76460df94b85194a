//! A variational autoencoder in a page: `cargo run --release --example vae`.
//!
//! It learns drawn garments in two latent dimensions, and draws what the decoder makes of the middle of its latent space.

use elbo::data::synthetic;
use elbo::dist::gaussian::reparameterise;
use elbo::loss::negative_elbo;
use elbo::nn::{Activation, Dense, Init, Params, Pass, Stack};
use elbo::optim::{Adam, Optimizer};
use elbo::rng::{Purpose, Stream};
use elbo::{Tape, Tensor};

const BATCH: usize = 64;
const LATENT: usize = 2;

fn main() {
    let data = synthetic::dataset(6400, 0).train;
    let pixels = data.pixels();
    let mut params = Params::<f32>::default();
    let mut dense = |name, widths| Dense::new(&mut params, name, widths, Init::Pytorch, 0);
    let encoder = dense("encoder", [pixels, 256]);
    let (to_mu, to_log_var) = (dense("mu", [256, LATENT]), dense("log_var", [256, LATENT]));
    let decoder = Stack::new(&mut params, "decoder", &[LATENT, 256, pixels], Activation::Relu, false, Init::Pytorch, 0);
    let (mut adam, mut tape) = (Adam::new(&params), Tape::new());

    for step in 0..1000 {
        tape.begin();
        let pass = Pass::new(&tape, &params);
        // x: a batch of images, black or white.
        let x = tape.leaf_with([BATCH, pixels], |x| {
            for (i, x) in x.chunks_exact_mut(pixels).enumerate() {
                let image = data.image((step * BATCH + i) % data.len());
                x.iter_mut().zip(image).for_each(|(x, &byte)| *x = f32::from(byte >= 128));
            }
        });
        // q(z | x) = N(μ, σ²), and z = μ + σ ε from it.
        let h = encoder.forward(&pass, x).relu();
        let (mu, log_var) = (to_mu.forward(&pass, h), to_log_var.forward(&pass, h));
        let eps = tape.leaf_with([BATCH, LATENT], |eps| {
            Stream::new(0, Purpose::Reparameterise, step as u64, 0).fill_normal(eps);
        });
        let z = reparameterise(mu, log_var, eps);
        // −ELBO = −E[ln p(x | z)] + KL(q(z | x) ‖ N(0, I)).
        let loss = negative_elbo(decoder.forward(&pass, z), x, mu, log_var, 1.0);
        if step % 200 == 0 || step == 999 {
            let [recon, kl] = [loss.recon, loss.kl.expect("there is a posterior")].map(|part| part.item());
            println!("step {step:>4}: −ELBO {:>6.1} nats = {recon:>6.1} + KL {kl:>4.1}", loss.total.item());
        }
        let grads = pass.backward(loss.total);
        adam.step(&mut params, grads, 1e-3);
    }

    tape.begin();
    let pass = Pass::new(&tape, &params);
    let z = tape.leaf(Tensor::full(0.0, [1, LATENT]));
    let image = decoder.forward(&pass, z).sigmoid().value();
    println!("\nz = 0 is decoded to");
    for row in image.data().chunks(data.width()).step_by(2) {
        let shade = |&p: &f32| [' ', '░', '▒', '▓', '█'][(p * 4.99) as usize];
        println!("{}", row.iter().map(shade).collect::<String>().trim_end());
    }
}
