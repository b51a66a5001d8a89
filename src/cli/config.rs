//! `marketgate config check|show|example`.

use clap::Subcommand;

use super::{Settings, say};
use crate::config::EXAMPLE;

#[derive(Subcommand)]
pub enum Config {
    /// Read the settings and say what is wrong with them, also what `serve` would refuse.
    Check(Settings),
    /// Print the settings in force; secrets are hidden.
    Show(Settings),
    /// Print a complete file to start from.
    Example,
}

impl Config {
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Check(settings) => {
                settings.load(&[])?.check_for_production()?;
                say("the configuration is fine");
            }
            Self::Show(settings) => say(toml::to_string_pretty(&settings.load(&[])?)?.trim_end()),
            Self::Example => say(EXAMPLE.trim_end()),
        }
        Ok(())
    }
}
