//! `marketgate master-key rotate`, and the key that a start reads (rules D5).
//!
//! Beside the key's file a rotation writes `<key>.next`, seals the database anew in one transaction, and then moves the
//! new file into the place of the old one. Wherever it stops, the database tells which of the two it belongs to.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};

use super::{Settings, desk, gateway, init, say, serve};
use crate::clock::Clock;
use crate::crypto::{Chance, Keys, Notary, same};
use crate::store::file::{beside, sync_directory};
use crate::store::{Options, Store};
use crate::usecase::master_key;

#[derive(clap::Subcommand)]
pub enum MasterKey {
    /// Make another master key and seal every secret of the database with it. The gateway must not run meanwhile.
    Rotate(Rotate),
}

#[derive(clap::Args)]
pub struct Rotate {
    #[command(flatten)]
    settings: Settings,
    /// End here as a power cut would, for tests.
    #[arg(long, hide = true, value_enum)]
    die: Option<Moment>,
}

/// Where a rotation may be cut off.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Moment {
    KeyWritten,
    BeforeCommit,
    AfterCommit,
}

/// Puts the new key into the place of the old one, which stays beside it: backups are sealed with it.
fn put_in_place(path: &Path) -> anyhow::Result<()> {
    let former = beside(path, ".former");
    if former.exists() {
        fs::remove_file(&former)?;
    }
    fs::hard_link(path, &former).with_context(|| format!("cannot keep the former key as {}", former.display()))?;
    fs::rename(beside(path, ".next"), path).with_context(|| format!("cannot replace {}", path.display()))?;
    sync_directory(path).with_context(|| format!("cannot write {}", path.display()))
}

/// Whether a file belongs to this key.
fn fits(database: &Path, key: [u8; 32]) -> anyhow::Result<bool> {
    let found = master_key::mark_of_file(database)?;
    Ok(found.is_some_and(|mark| same(&mark, &master_key::mark(&Keys::new(key)))))
}

/// The master key of a database that nobody has open: the configured one, or the next one where a rotation was cut off
/// after the database had changed over; that rotation is finished then.
pub fn read(database: &Path, path: &Path) -> anyhow::Result<[u8; 32]> {
    let next_path = beside(path, ".next");
    if next_path.exists() {
        let next = serve::read_master_key(&next_path)?;
        if fits(database, next)? {
            if let Err(cause) = put_in_place(path) {
                tracing::warn!(%cause, "a rotation of the master key was interrupted; `marketgate master-key rotate` finishes it");
            }
            return Ok(next);
        }
    }
    serve::read_master_key(path)
}

impl MasterKey {
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Rotate(rotate) => rotate.run(),
        }
    }
}

impl Rotate {
    fn run(self) -> anyhow::Result<()> {
        let config = self.settings.load(&[])?;
        let (database, path) = (config.database.clone(), config.master_key_path());
        desk::check_owner(&database)?;
        let _lock = gateway::lock(&database).context("stop the gateway first")?;
        ensure!(database.exists(), "{} does not exist yet; there is nothing to seal anew", database.display());
        let next_path = beside(&path, ".next");
        if next_path.exists() {
            if fits(&database, serve::read_master_key(&next_path).unwrap_or_default())? {
                put_in_place(&path)?;
                say(&format!("finished the rotation that was interrupted\n{}", told(&path)));
                return Ok(());
            }
            // The database never changed over to it.
            fs::remove_file(&next_path)?;
        }
        let present = serve::read_master_key(&path)?;
        let next = init::write_master_key(&next_path)?;
        sync_directory(&next_path)?;
        self.die_at(Moment::KeyWritten);
        let changed = match self.seal_anew(&database, &path, (present, next)) {
            Ok(changed) => changed,
            // A commit whose answer was lost may have happened all the same: the file knows.
            Err(cause) if fits(&database, next)? => return Err(cause.context("run this once more to finish")),
            Err(cause) => {
                fs::remove_file(&next_path)?;
                return Err(cause);
            }
        };
        self.die_at(Moment::AfterCommit);
        put_in_place(&path)?;
        say(&format!("made a new master key and sealed {changed} secrets with it\n{}", told(&path)));
        Ok(())
    }

    fn seal_anew(&self, database: &Path, path: &Path, (present, next): ([u8; 32], [u8; 32])) -> anyhow::Result<u64> {
        let keys = Arc::new(Keys::new(present));
        let options = Options { notary: Some(Arc::new(Notary::new(Arc::clone(&keys)))), ..Options::default() };
        let store = Store::open(database, options).with_context(|| format!("cannot open {}", database.display()))?;
        if !master_key::adopt(&store, &keys)? {
            store.close();
            bail!(foreign(database, path));
        }
        let (die, now) = (self.die, Clock::system().now());
        let changed = store.write_blocking(move |tx| {
            let changed = master_key::rotate(tx, (&keys, &Keys::new(next)), &Chance::system(), now)?;
            if die == Some(Moment::BeforeCommit) {
                std::process::abort();
            }
            Ok(changed)
        });
        store.close();
        Ok(changed?)
    }

    fn die_at(&self, moment: Moment) {
        if self.die == Some(moment) {
            std::process::abort();
        }
    }
}

/// Why a key cannot be used with a file.
pub fn foreign(database: &Path, path: &Path) -> String {
    format!(
        "{} is not the master key that {} was sealed with: put that one in its place (after a rotation the former one is {})",
        path.display(),
        database.display(),
        beside(path, ".former").display()
    )
}

fn told(path: &Path) -> String {
    format!(
        "{} is the new one: copy it to every standby before you start the gateway.\n{} is the former one: backups made before now need it. Keep it apart from them, and remove it when they are gone.",
        path.display(),
        beside(path, ".former").display()
    )
}
