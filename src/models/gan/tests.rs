use super::*;
use crate::data::synthetic;
use crate::models::{self, Config, Network, Trainer, adversarial};
use crate::rng::{Purpose, Stream};

fn small(variant: Variant, is_convolutional: bool) -> Settings {
    Settings { is_convolutional, latent: 3, hidden: vec![7, 5], ..Settings::new(variant, [2, 8, 4], 3) }
}

fn all() -> impl Iterator<Item = Settings> {
    TECHNIQUES.iter().flat_map(|t| [true, false].map(|conv| small(t.variant, conv)))
}

/// The critic's whole loss along a direction in all of its weights: the penalty differentiates it twice.
#[test]
fn the_critics_losses_have_the_right_gradients() {
    for settings in all() {
        let mut params = Params::<f64>::default();
        let critic = Critic::new(&mut params, &settings, 0);
        let mut stream = Stream::new(0, Purpose::Check, 0, 0);
        let mut draw = |n: usize, scale: f64| (0..n).map(|_| scale * stream.normal()).collect::<Vec<f64>>();
        for id in params.ids() {
            let shape = params.get(id).shape();
            *params.get_mut(id) = Tensor::new(draw(shape.size(), 0.1), shape);
        }
        let [real, fake] = [(); 2].map(|()| Tensor::new(draw(2 * 64, 0.5), [2, 64]));
        let directions: Vec<_> = params.ids().map(|id| draw(params.get(id).shape().size(), 1.0)).collect();
        let technique = settings.variant.technique();
        let code = vec![0.0, 1.0, 0.0, 0.5, -0.3, 1.0, 0.0, 0.0, 0.2, 0.9];
        let measure = |step: f64| {
            let tape = Tape::new();
            let moved = |(id, direction): (_, &Vec<f64>)| {
                let w: &Tensor<f64> = params.get(id);
                let at = w.data().iter().zip(direction).map(|(w, d)| w + step * d).collect();
                tape.leaf(Tensor::new(at, w.shape()))
            };
            let leaves: Vec<_> = params.ids().zip(&directions).map(moved).collect();
            let pass = Pass::with_leaves(&tape, &params, &leaves);
            let classes = (settings.told() > 0).then(|| one_hot(&tape, [2, 0].into_iter(), 3));
            let [real, fake] = [&real, &fake].map(|x| tape.leaf(x.clone()));
            let judge = critic.on(&pass);
            let (of_fake, read) = judge.look(fake, classes);
            let mut loss = settings.game.critic(judge.score(real, classes), of_fake);
            if let Some(read) = read {
                loss = loss + code_loss(read, tape.leaf(Tensor::new(code.clone(), [2, 5])));
            }
            if let Hold::Penalty(weight) = technique.hold {
                let between = tape.leaf(Tensor::new(vec![0.3, 0.8], [2, 1]));
                loss = loss + gradient_penalty(&judge, [real, fake], between, classes, weight);
            }
            let grads = tape.backward(loss, &leaves);
            let slopes = grads.iter().zip(&directions).flat_map(|(g, d)| g.data().iter().zip(d).map(|(g, d)| g * d));
            (loss.item(), slopes.sum::<f64>())
        };
        // Spectral normalisation takes its directions for constants: that is no derivative of what was moved.
        if technique.hold != Hold::Spectral {
            let step = 1e-6;
            let difference = (measure(step).0 - measure(-step).0) / (2.0 * step);
            let slope = measure(0.0).1;
            let name = technique.name;
            assert!((difference - slope).abs() < 1e-6 * slope.abs().max(1.0), "{name}: {difference} {slope}");
        }
    }
}

#[test]
fn weights_are_counted_without_making_them() {
    for settings in all() {
        let gan = Gan::new(&settings, 0);
        let made = gan.parts().iter().map(|part| part.params.size()).sum();
        assert_eq!(Gan::weights(&settings), Some(made), "{settings:?}");
    }
    let endless = Settings { shape: [1, usize::MAX / 4 * 4, 8], ..small(Variant::Dcgan, true) };
    assert_eq!((Gan::weights(&endless), Gan::pixels(&endless)), (None, usize::MAX));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let why = |own| Config::of(models::Settings::Gan(own)).validate::<Network>().unwrap_err().to_string();
    let own = small(Variant::Dcgan, true);
    assert_eq!(why(Settings { critic_steps: 0, ..own.clone() }), "critic_steps: expected at least 1, found 0");
    assert_eq!(
        why(Settings { shape: [1, 7, 8], ..own.clone() }),
        "shape: expected images whose sides are multiples of 4, for convolutions (a dense GAN takes any), found 7 × 8"
    );
    assert!(adversarial(Settings { is_convolutional: false, shape: [1, 7, 9], ..own }).validate::<Network>().is_ok());
}

/// w̄ ← d w̄ + (1 − d) w after each update of the generator, in the checkpoint too; and images are made with it.
#[test]
fn the_average_of_the_weights_is_the_one_of_its_formula() {
    let data = synthetic::dataset(64, 10);
    let own = Settings { ema: Some(0.75), hidden: vec![6], ..Settings::new(Variant::Vanilla, data.train.shape(), 10) };
    let config = Config { batch_size: 16, ..adversarial(own.clone()) };
    let mut trainer = Trainer::new(config.clone()).unwrap();
    let of = |trainer: &Trainer| {
        let params = &trainer.task.parts()[1].params;
        let weights = params.ids().flat_map(|id| params.get(id).data().to_vec()).collect::<Vec<f32>>();
        let named = params.buffers().filter(|(name, _)| name.starts_with("ema.generator."));
        (weights, named.flat_map(|(_, value)| value.data().to_vec()).collect::<Vec<f32>>())
    };
    let (mut expected, _) = of(&trainer);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("checkpoint.safetensors");
    for step in 0..6 {
        trainer.step(&data).unwrap();
        let (weights, average) = of(&trainer);
        expected.iter_mut().zip(&weights).for_each(|(e, w)| *e = 0.75 * *e + 0.25 * w);
        assert!(expected.iter().zip(&average).all(|(e, a)| (e - a).abs() < 1e-6), "step {step}");
        assert_ne!(weights, average);
        if step == 2 {
            trainer.save(&path, &data).unwrap();
            trainer = Trainer::resume(&path, &data).unwrap();
        }
    }
    let network = Trainer::new(config).unwrap();
    let gan = network.task.gan().unwrap();
    let tape = Tape::new();
    let z = tape.leaf(Tensor::full(0.5, [1, 64]));
    assert_eq!(gan.best(), Weights::Averaged);
    // Before the first update both are the same.
    let [last, averaged] = [Weights::Last, Weights::Averaged].map(|w| gan.generate(&tape, z, &[0], w).value());
    assert_eq!(last.data(), averaged.data());
    assert!(trainer.task.gan().unwrap().generate(&tape, z, &[0], Weights::Last).value().data() != last.data());
    let error = adversarial(Settings { ema: Some(1.0), ..own }).validate::<Network>().unwrap_err().to_string();
    assert_eq!(error, "ema: expected from 0 to below 1, found 1.0");
}

/// The critic's update leaves the generator as it is, and the other way round; the clipped weights stay within their bound; a batch of
/// one image, whose batch has no variance, is a step too.
#[test]
fn each_update_moves_one_network() {
    let data = synthetic::dataset(65, 10);
    for technique in &TECHNIQUES {
        let own = Settings { critic_steps: 2, ..Settings::new(technique.variant, data.train.shape(), 10) };
        let mut trainer = Trainer::new(Config { batch_size: 32, ..adversarial(own) }).unwrap();
        let weights = |trainer: &Trainer| {
            let of = |part: &&Part| part.params.ids().flat_map(|id| part.params.get(id).data().to_vec()).collect();
            trainer.task.parts().iter().map(of).collect::<Vec<Vec<f32>>>()
        };
        for step in 0..4 {
            let before = weights(&trainer);
            trainer.step(&data).unwrap();
            let after = weights(&trainer);
            let moved = [0, 1].map(|part| before[part] != after[part]);
            assert_eq!(moved, [true, step % 2 == 1], "{}, step {step}", technique.name);
            if let Hold::Clip(bound) = technique.hold {
                assert!(after[0].iter().all(|w| f64::from(w.abs()) <= bound + 1e-9));
            }
        }
    }
}
