//! `marketgate init`: the first secret (rules D5).

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;

use super::{Settings, say};
use crate::crypto::Chance;
use crate::store::file::new_private;

#[derive(clap::Args)]
pub struct Init {
    #[command(flatten)]
    settings: Settings,
}

impl Init {
    pub fn run(self) -> anyhow::Result<()> {
        let config = self.settings.load(&[])?;
        let path = config.master_key_path();
        write_master_key(&path)?;
        say(&format!(
            "made {}\nKeep it out of backups, and copy it to a standby by hand: without it, sealed mails, forms and secrets cannot be read.",
            path.display()
        ));
        Ok(())
    }
}

/// Writes a new key that nobody else on this machine can read; never over an old one.
pub fn write_master_key(path: &Path) -> anyhow::Result<[u8; 32]> {
    let key = Chance::system().bytes::<32>();
    let mut file = new_private(path).with_context(|| format!("cannot make the master key {}", path.display()))?;
    file.write_all(&key)?;
    file.sync_all()?;
    Ok(key)
}
