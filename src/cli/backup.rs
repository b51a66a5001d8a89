//! `marketgate backup`: the database as it is at one moment, as one file, also while the gateway runs (rules D1).

use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};

use super::{Settings, say};
use crate::error::Error;
use crate::store::migrate::{self, Status};
use crate::usecase::copy;

#[derive(clap::Args)]
pub struct Backup {
    /// Where the copy goes; nothing may be there.
    file: PathBuf,
    #[command(flatten)]
    settings: Settings,
}

impl Backup {
    pub fn run(self) -> anyhow::Result<()> {
        let database = self.settings.database()?;
        ensure!(
            !matches!(migrate::status(&database)?, Status::Missing | Status::Foreign),
            "{} is no database of ours",
            database.display()
        );
        let file = self.file.display();
        match copy::copy(&database, &self.file) {
            Ok(bytes) => {
                say(&format!("{file}: {bytes} bytes, checked. The master key is not in it: keep that apart."));
                Ok(())
            }
            Err(Error::Conflict(_)) => bail!("{file} exists already and is left alone: choose another name"),
            Err(cause) => Err(cause).with_context(|| format!("no backup was made as {file}")),
        }
    }
}
