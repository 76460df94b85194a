//! [`TECHNIQUES`]: what each variant of the GAN does otherwise than the others.

use crate::autograd::Var;
use crate::kernels::Real;
use crate::optim::{Descent, OptimizerKind};
use serde::{Deserialize, Serialize};

/// Which variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Variant {
    /// The first GAN.
    Vanilla,
    /// With convolutions.
    Dcgan,
    /// Least squares.
    Lsgan,
    /// The Wasserstein distance, by clipped weights.
    Wgan,
    /// The Wasserstein distance, by a penalty on the critic's gradient.
    WganGp,
    /// Weights divided by their largest singular value.
    Sngan,
    /// Told the class.
    Cgan,
    /// With a code that the critic can read back.
    Infogan,
}

/// What critic and generator minimise, as functions of the critic's scores of real images x and of generated ones G(z).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Game {
    /// The critic tells real from generated; the generator makes it err (Goodfellow et al. 2014, section 3).
    NonSaturating,
    /// The same critic; the generator maximises its loss, and learns nothing while the critic is sure (ibid., equation 1).
    Minimax,
    /// Squared distances to 1 and 0 (Mao et al. 2017, equation 9).
    LeastSquares,
    /// The difference of the means (Arjovsky et al. 2017, equation 2).
    Wasserstein,
    /// Scores beyond ±1 count no more (Miyato et al. 2018, equations 16 and 17).
    Hinge,
}

impl Game {
    /// The critic's loss.
    pub fn critic<'t, F: Real>(self, real: Var<'t, F>, fake: Var<'t, F>) -> Var<'t, F> {
        match self {
            Game::NonSaturating | Game::Minimax => (-real).softplus().mean() + fake.softplus().mean(),
            Game::LeastSquares => ((real - 1.0).square().mean() + fake.square().mean()) * 0.5,
            Game::Wasserstein => fake.mean() - real.mean(),
            Game::Hinge => (-real + 1.0).relu().mean() + (fake + 1.0).relu().mean(),
        }
    }

    /// The generator's loss.
    pub fn generator<F: Real>(self, fake: Var<F>) -> Var<F> {
        match self {
            Game::NonSaturating => (-fake).softplus().mean(),
            Game::Minimax => -fake.softplus().mean(),
            Game::LeastSquares => (fake - 1.0).square().mean() * 0.5,
            Game::Wasserstein | Game::Hinge => -fake.mean(),
        }
    }

    /// Both as formulas.
    pub fn formulas(self) -> [&'static str; 2] {
        match self {
            Game::NonSaturating => ["E[softplus(−D(x))] + E[softplus(D(G(z)))]", "E[softplus(−D(G(z)))]"],
            Game::Minimax => ["E[softplus(−D(x))] + E[softplus(D(G(z)))]", "−E[softplus(D(G(z)))]"],
            Game::LeastSquares => ["½ E[(D(x) − 1)²] + ½ E[D(G(z))²]", "½ E[(D(G(z)) − 1)²]"],
            Game::Wasserstein => ["E[D(G(z))] − E[D(x)]", "−E[D(G(z))]"],
            Game::Hinge => ["E[max(0, 1 − D(x))] + E[max(0, 1 + D(G(z)))]", "−E[D(G(z))]"],
        }
    }
}

/// What holds the critic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Hold {
    /// Nothing.
    Free,
    /// Its weights stay within ±c.
    Clip(f64),
    /// λ E[(|∇D(x̂)| − 1)²] is added to its loss, x̂ = ε x + (1 − ε) G(z) with one ε ~ U(0, 1) an image.
    Penalty(f64),
    /// Its weights are divided by their largest singular value.
    Spectral,
}

/// A variant of the GAN: all in which it differs from the others.
pub struct Technique {
    /// Which.
    pub variant: Variant,
    /// What it is called.
    pub name: &'static str,
    /// Where it is from.
    pub source: &'static str,
    /// What it changes, in a sentence.
    pub idea: &'static str,
    /// What both minimise.
    pub game: Game,
    /// What holds the critic.
    pub hold: Hold,
    /// Whether networks are made of convolutions, if the user does not say.
    pub is_convolutional: bool,
    /// Whether a convolutional critic normalises its batch.
    pub has_batch_norm: bool,
    /// Whether both networks are told the class.
    pub is_conditional: bool,
    /// Whether the generator is given a code besides noise, which the critic's network is to read back from its images.
    pub has_code: bool,
    /// Updates of the critic for one of the generator.
    pub critic_steps: u64,
    /// How both are updated.
    pub descent: fn() -> Descent,
}

impl Variant {
    /// Its name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Variant::Vanilla => "vanilla",
            Variant::Dcgan => "dcgan",
            Variant::Lsgan => "lsgan",
            Variant::Wgan => "wgan",
            Variant::WganGp => "wgan-gp",
            Variant::Sngan => "sngan",
            Variant::Cgan => "cgan",
            Variant::Infogan => "infogan",
        }
    }

    /// What it does.
    pub fn technique(self) -> &'static Technique {
        TECHNIQUES.iter().find(|technique| technique.variant == self).expect("each variant has its line")
    }
}

/// Adam as Radford et al. found it stable.
fn calm() -> Descent {
    Descent { betas: [0.5, 0.999], ..Descent::adam(2e-4) }
}

const VANILLA: Technique = Technique {
    variant: Variant::Vanilla,
    name: "GAN",
    source: "Goodfellow et al. 2014, arXiv 1406.2661",
    idea: "A critic learns to tell real images from generated ones, and a generator to make it err.",
    game: Game::NonSaturating,
    hold: Hold::Free,
    is_convolutional: false,
    has_batch_norm: true,
    is_conditional: false,
    has_code: false,
    critic_steps: 1,
    descent: calm,
};

/// All variants, each as it differs from the first.
pub static TECHNIQUES: [Technique; 8] = [
    VANILLA,
    Technique {
        variant: Variant::Dcgan,
        name: "DCGAN",
        source: "Radford et al. 2016, arXiv 1511.06434",
        idea: "Convolutions with strides in place of dense layers, and batch normalisation between them.",
        is_convolutional: true,
        ..VANILLA
    },
    Technique {
        variant: Variant::Lsgan,
        name: "LSGAN",
        source: "Mao et al. 2017, arXiv 1611.04076",
        idea: "Squared distances in place of cross-entropies: images on the right side, but far away, are pulled too.",
        game: Game::LeastSquares,
        is_convolutional: true,
        ..VANILLA
    },
    Technique {
        variant: Variant::Wgan,
        name: "WGAN",
        source: "Arjovsky et al. 2017, arXiv 1701.07875",
        idea: "The critic estimates a distance of distributions, and its weights are clipped so that it cannot be steep.",
        game: Game::Wasserstein,
        hold: Hold::Clip(0.01),
        is_convolutional: true,
        critic_steps: 5,
        descent: || Descent { optimizer: OptimizerKind::RmsProp, ..Descent::adam(5e-5) },
        ..VANILLA
    },
    Technique {
        variant: Variant::WganGp,
        name: "WGAN-GP",
        source: "Gulrajani et al. 2017, arXiv 1704.00028",
        idea: "The critic estimates a distance of distributions, and pays for a slope that is not 1 between real and generated images.",
        game: Game::Wasserstein,
        hold: Hold::Penalty(10.0),
        is_convolutional: true,
        has_batch_norm: false,
        critic_steps: 5,
        descent: || Descent { betas: [0.0, 0.9], ..Descent::adam(1e-4) },
        ..VANILLA
    },
    Technique {
        variant: Variant::Sngan,
        name: "SN-GAN",
        source: "Miyato et al. 2018, arXiv 1802.05957",
        idea: "The critic's weights are divided by their largest singular value, so that it cannot be steep.",
        game: Game::Hinge,
        hold: Hold::Spectral,
        is_convolutional: true,
        has_batch_norm: false,
        ..VANILLA
    },
    Technique {
        variant: Variant::Cgan,
        name: "CGAN",
        source: "Mirza and Osindero 2014, arXiv 1411.1784",
        idea: "Both networks are told the class, so that images of one class can be asked for.",
        is_convolutional: true,
        is_conditional: true,
        ..VANILLA
    },
    Technique {
        variant: Variant::Infogan,
        name: "InfoGAN",
        source: "Chen et al. 2016, arXiv 1606.03657",
        idea: "Part of the noise is a code that a head on the critic reads back from the images, so that it comes to mean something, by no label.",
        is_convolutional: true,
        has_code: true,
        ..VANILLA
    },
];

impl Technique {
    /// What critic and generator minimise in this game, with all that the technique adds and what holds the critic.
    pub fn formulas(&self, game: Game, hold: Hold) -> [String; 2] {
        let [critic, generator] = game.formulas();
        let penalty = match hold {
            Hold::Penalty(weight) => format!(" + {weight} E[(|∇D(x̂)| − 1)²]"),
            _ => String::new(),
        };
        let code = if self.has_code { " − E[ln Q(c | G(z, c))]" } else { "" };
        [format!("{critic}{penalty}{code}"), format!("{generator}{code}")]
    }

    /// In what it differs from the first GAN, from what stands in its line.
    pub fn differences(&self) -> Vec<String> {
        let (own, first) = ((self.descent)(), (VANILLA.descent)());
        let [critic, generator] = self.game.formulas();
        let hold = match self.hold {
            Hold::Free => String::new(),
            Hold::Clip(bound) => format!("the critic's weights stay within ±{bound}"),
            Hold::Penalty(weight) => format!("the critic's loss has {weight} E[(|∇D(x̂)| − 1)²] added"),
            Hold::Spectral => "the critic's weights are divided by their largest singular value".into(),
        };
        let optimizer = match own.optimizer {
            OptimizerKind::Adam => format!("Adam with β {}, {}", own.betas[0], own.betas[1]),
            other => other.name().into(),
        };
        [
            (self.is_convolutional && !VANILLA.is_convolutional, "convolutions in place of dense layers".into()),
            (self.game != VANILLA.game, format!("the critic minimises {critic}, the generator {generator}")),
            (self.hold != VANILLA.hold, hold),
            (self.is_conditional, "both networks are told the class".into()),
            (self.has_code, "the generator is given a code c, and both losses have −E[ln Q(c | G(z, c))] added".into()),
            (!self.has_batch_norm, "no batch normalisation in the critic".into()),
            (
                self.critic_steps != VANILLA.critic_steps,
                format!("{} updates of the critic for one of the generator", self.critic_steps),
            ),
            (own != first, format!("{optimizer}, learning rate {}", own.lr)),
        ]
        .into_iter()
        .filter_map(|(differs, how)| differs.then_some(how))
        .collect()
    }
}
