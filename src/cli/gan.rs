//! The settings that a GAN alone has.

use super::flags;
use crate::error::{Error, Result};
use crate::models::gan::{Game, Settings, Variant};
use clap::{Args, ValueEnum};

choice!(VariantChoice => Variant { Vanilla, Dcgan, Lsgan, Wgan, WganGp, Sngan, Cgan, Infogan });

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum GanArchitecture {
    /// Of convolutions
    Conv,
    /// Of dense layers
    Dense,
}

/// The settings that a GAN alone has.
#[derive(Args, Clone, Debug)]
pub struct GanArgs {
    /// Which GAN
    #[arg(long, value_enum, default_value = "dcgan", help_heading = "GAN")]
    kind: VariantChoice,
    /// What both networks are made of [default: conv; vanilla, and all on points: dense]
    #[arg(long, value_enum, help_heading = "GAN")]
    architecture: Option<GanArchitecture>,
    /// The minimax game as it was first written: the generator maximises the critic's loss
    #[arg(long, help_heading = "GAN")]
    minimax: bool,
    /// Updates of the critic for one of the generator [default: 1; wgan, wgan-gp: 5]
    #[arg(long, value_name = "N", value_parser = flags::whole(0_u64.., "a whole number of at least 1"), help_heading = "GAN")]
    critic_steps: Option<u64>,
    /// Learning rate of the critic [default: that of the generator]
    #[arg(long, value_name = "X", value_parser = flags::number, help_heading = "GAN")]
    critic_lr: Option<f64>,
    /// β₁ and β₂ of Adam [default: 0.5,0.999; wgan-gp: 0,0.9]
    #[arg(long, value_name = "X,X", value_parser = flags::pair, help_heading = "GAN")]
    betas: Option<[f64; 2]>,
    /// Keep an average of the generator's weights, of which an update keeps so much, and make images with that: 0.999, say
    #[arg(long, value_name = "X", value_parser = flags::number, help_heading = "GAN")]
    ema: Option<f64>,
}

/// Settings that only a GAN has.
pub const OF_GANS: [&str; 7] = ["kind", "architecture", "minimax", "critic_steps", "critic_lr", "betas", "ema"];

impl GanArgs {
    /// Which.
    pub fn variant(&self) -> Variant {
        self.kind.into()
    }

    /// Puts what the user names in place of the variant's own.
    pub fn apply(&self, own: &mut Settings) -> Result<()> {
        own.is_convolutional = self.architecture.map_or(own.is_convolutional, |a| a == GanArchitecture::Conv);
        own.critic_steps = self.critic_steps.unwrap_or(own.critic_steps);
        own.critic.lr = self.critic_lr.unwrap_or(own.critic.lr);
        own.ema = self.ema;
        if let Some(betas) = self.betas {
            own.critic.betas = betas;
            own.generator.betas = betas;
        }
        match (self.minimax, own.game) {
            (false, _) => Ok(()),
            (true, Game::NonSaturating) => {
                own.game = Game::Minimax;
                Ok(())
            }
            (true, _) => {
                let name = self.variant().technique().name;
                Err(Error::Usage(format!("--minimax: a {name} plays another game; vanilla, dcgan and cgan can")))
            }
        }
    }
}
