//! `marketgate restore` and `marketgate promote`: the two ways in which a copy of the database takes the place of the
//! original (rules D2), and `marketgate resume`, by which a person lets go on what they hold back.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::desk::{self, Desk};
use super::{Settings, fence, gateway, master_key, say};
use crate::clock::Clock;
use crate::config::Config;
use crate::crypto::{Keys, Notary, same};
use crate::domain::audit::By;
use crate::domain::hold::Reason;
use crate::store::file;
use crate::store::migrate::{self, Status};
use crate::store::{Options, Store};
use crate::usecase::{self, copy, hold};

#[derive(clap::Args)]
pub struct Restore {
    /// A backup: a file that `marketgate backup` made, or any sound copy of the database.
    file: PathBuf,
    #[command(flatten)]
    settings: Settings,
}

#[derive(clap::Args)]
pub struct Promote {
    #[command(flatten)]
    settings: Settings,
}

#[derive(clap::Args)]
pub struct Resume {
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    Resume,
}

/// What a resume did.
#[derive(Debug, Serialize, Deserialize)]
struct Resumed {
    /// What was held.
    reasons: Vec<String>,
    /// Records that wait for an operator.
    unknown: i64,
}

impl Restore {
    pub fn run(self) -> anyhow::Result<()> {
        let config = self.settings.load(&[])?;
        let database = &config.database;
        desk::check_owner(database)?;
        let _lock = gateway::lock(database)?;
        for path in [database.clone(), file::beside(database, "-wal")] {
            ensure!(
                path.symlink_metadata().is_err(),
                "{} exists and is left alone: move it away first",
                path.display()
            );
        }
        let part = file::beside(database, ".restoring");
        let restored = self.prepare(&config, &part).and_then(|epoch| {
            copy::place(&part, database).map_err(|cause| anyhow::anyhow!("{cause}"))?;
            Ok(epoch)
        });
        if restored.is_err() {
            copy::discard(&part);
        }
        let epoch = restored?;
        say(&format!("{} is restored from {} (epoch {epoch}).\n{NEXT}", database.display(), self.file.display()));
        Ok(())
    }

    /// Makes, beside its place, the file that is going to be the database.
    fn prepare(&self, config: &Config, part: &Path) -> anyhow::Result<i64> {
        copy::discard(part);
        let file = self.file.display();
        copy::copy(&self.file, part).with_context(|| format!("{file} cannot be restored"))?;
        if let Status::Older { from, to } = migrate::status(part)? {
            say(&format!("{file} has schema {from}; it is brought to {to}"));
            let report = migrate::migrate(part, false)?;
            report.copy.iter().for_each(|former| copy::discard(former));
        }
        succeed(config, part, &format!("restored from {file}"))
    }
}

impl Promote {
    pub fn run(self) -> anyhow::Result<()> {
        let config = self.settings.load(&[])?;
        let database = &config.database;
        desk::check_directory(database)?;
        desk::check_owner(database)?;
        let _lock = gateway::lock(database)?;
        ensure!(database.exists(), "{} does not exist: fetch it from the replica first", database.display());
        copy::check(database)?;
        let epoch = succeed(&config, database, "promoted")?;
        say(&format!("{} is the primary now (epoch {epoch}).\n{NEXT}", database.display()));
        Ok(())
    }
}

const NEXT: &str = "Start the gateway: it answers the marketplace at once. Pushes, webhooks and mails are held until `marketgate resume`.
Usage that the original may have pushed waits at /operator/metering: compare with the marketplace's bill before you decide.
Everybody signs in again: sessions, invitations and mailed links have ended.
What was revoked, disabled or changed after the copy was made is in force again: check API keys, webhooks, users and operators.
See that the original does not run any more.";

/// Puts a file into the original's place; its epoch. The caller holds the file's lock.
fn succeed(config: &Config, file: &Path, detail: &str) -> anyhow::Result<i64> {
    match migrate::status(file)? {
        Status::Current => {}
        Status::Older { .. } => bail!("{} has an older schema: run `marketgate migrate` first", file.display()),
        Status::Newer { .. } => bail!("{} has a newer schema: use the newer program", file.display()),
        Status::Missing | Status::Foreign => bail!("{} is no database of ours", file.display()),
    }
    let path = config.master_key_path();
    let keys = Arc::new(Keys::new(master_key::read(file, &path)?));
    let marked = usecase::master_key::mark_of_file(file)?;
    if marked.is_some_and(|mark| !same(&mark, &usecase::master_key::mark(&keys))) {
        bail!(master_key::foreign(file, &path));
    }
    let notary = Some(Arc::new(Notary::new(keys)));
    let store = Store::open(file, Options { readers: 1, notary, ..Options::default() })
        .with_context(|| format!("cannot open {}", file.display()))?;
    let taken = take_place(config, &store, file, detail);
    store.close();
    taken
}

/// First the fence: whatever goes wrong afterwards, the former primary ends, and this is done once more.
fn take_place(config: &Config, store: &Store, file: &Path, detail: &str) -> anyhow::Result<i64> {
    let (home, detail, now) = (copy::home(file)?, detail.to_owned(), Clock::system().now());
    let (epoch, is_fenced) = store.read_blocking(copy::rank)?;
    let least = fence::take(config, &fence::Candidate { epoch, home: home.clone(), is_fenced })?;
    copy::end_ways_in(store, now)?;
    let is_fenced = config.standby.fence_file().is_some();
    let epoch = store.write_blocking(move |tx| {
        let epoch = copy::succeed(tx, &home, least, &detail, now)?;
        copy::set_fenced(tx, is_fenced)?;
        Ok(epoch)
    })?;
    Ok(epoch)
}

/// Why a file is not served.
pub fn strange(database: &Path) -> String {
    format!(
        "{} is a copy: it was served under another name of file or on another machine. If the original is gone or stopped for good, put the copy in its place with `marketgate promote` (or a backup with `marketgate restore`): what the original may have sent is then held for you",
        database.display()
    )
}

impl Resume {
    pub fn run(self) -> anyhow::Result<()> {
        let done: Resumed = desk::ask(&self.settings, desk::Request::Hold(Request::Resume))?;
        say(&match done.reasons.as_slice() {
            [] => "nothing was held".to_owned(),
            reasons => format!("goes on; was held because: {}", reasons.join(", ")),
        });
        if done.unknown > 0 {
            say(&format!("{} usage records wait for a decision at /operator/metering", done.unknown));
        }
        Ok(())
    }
}

impl Request {
    pub fn run(self, desk: &Desk) -> anyhow::Result<Value> {
        match self {
            Self::Resume => {
                let now = desk.now();
                let reasons = desk.store.write_blocking(move |tx| {
                    let mut reasons = Vec::new();
                    for reason in Reason::ALL {
                        if hold::release(tx, reason, &By::command_line(), "resume", now)? {
                            reasons.push(reason.as_str().to_owned());
                        }
                    }
                    Ok(reasons)
                })?;
                if let Some(app) = desk.app {
                    app.pulse.restart();
                    app.holds.trust_clock();
                    app.holds.trust_copy();
                }
                let unknown = desk.store.read_blocking(usecase::figure::count_held)?;
                Ok(json!(Resumed { reasons, unknown }))
            }
        }
    }
}
