//! What commands want done in a database, whether a server holds it or not (rules D1).
//!
//! A command says what it wants as a [`Request`] and calls [`ask`]. Where no process holds the file, the request is
//! carried out here, under the file's lock; else the process that holds it does so, asked by its socket. A new command
//! adds a line to [`Request`] and carries itself out in its own file.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Settings, api_key, isv_key, master_key, operator, restore, socket, user};
use crate::app::{App, VERSION};
use crate::clock::{Clock, Instant};
use crate::config::Config;
use crate::crypto::{Chance, Keys, Notary};
use crate::store::lock::{FileLock, Held};
use crate::store::{Options, Store, file};

/// Everything that can be asked for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "command", content = "with", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Who holds the file.
    Ping,
    ApiKey(api_key::Request),
    IsvKey(isv_key::Request),
    User(user::Request),
    Hold(restore::Request),
    Operator(operator::Request),
}

impl Request {
    /// For the log: what is asked for, and none of its details.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::ApiKey(_) => "api-key",
            Self::IsvKey(_) => "isv-key",
            Self::User(_) => "user",
            Self::Hold(_) => "resume",
            Self::Operator(_) => "operator",
        }
    }

    /// Does it. Blocks; never on a thread that runs async tasks.
    ///
    /// # Errors
    /// A sentence for whoever typed the command.
    pub fn run(self, desk: &Desk) -> anyhow::Result<Value> {
        match self {
            Self::Ping => {
                Ok(json!({ "version": VERSION, "pid": std::process::id(), "is_serving": desk.app.is_some() }))
            }
            Self::ApiKey(request) => request.run(desk),
            Self::IsvKey(request) => request.run(desk),
            Self::User(request) => request.run(desk),
            Self::Hold(request) => request.run(desk),
            Self::Operator(request) => request.run(desk),
        }
    }
}

/// What a request is carried out with.
#[allow(dead_code, reason = "the same for every command, whatever each of them needs")]
pub struct Desk<'a> {
    pub store: &'a Store,
    pub clock: &'a Clock,
    pub chance: &'a Chance,
    pub keys: &'a Arc<Keys>,
    pub config: &'a Config,
    /// The running process, if there is one.
    pub app: Option<&'a App>,
    /// The system's user who typed the command.
    pub uid: u32,
}

impl<'a> Desk<'a> {
    pub fn of(app: &'a App, uid: u32) -> Self {
        Self {
            store: &app.store,
            clock: &app.clock,
            chance: &app.chance,
            keys: &app.keys,
            config: &app.config,
            app: Some(app),
            uid,
        }
    }

    pub fn now(&self) -> Instant {
        self.clock.now()
    }
}

/// Has a request carried out, here or by the process that holds the file.
///
/// # Errors
/// A sentence that says what is in the way.
pub fn ask<T: DeserializeOwned>(settings: &Settings, request: Request) -> anyhow::Result<T> {
    let database = settings.database()?;
    if !file::beside(&database, ".lock").exists() {
        // Taking the lock makes its file.
        check_owner(&database)?;
    }
    let done = match FileLock::take(&database) {
        Ok(lock) => carry_out(settings, &database, &lock, request)?,
        Err(Held::By { pid }) => {
            let who = pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default();
            socket::ask(&database, &request).with_context(|| format!("the process{who} that holds this database"))?
        }
        Err(cause) => bail!("{cause}"),
    };
    serde_json::from_value(done).context("the answer is not understood")
}

/// That what is made beside a database, as its lock, can be used by its server afterwards.
///
/// # Errors
/// A sentence that says whose it is.
pub fn check_owner(database: &Path) -> anyhow::Result<()> {
    if database.exists() { belongs(database) } else { check_directory(database) }
}

/// The same, also where the database itself was put there by root. Others can be let into a directory that is not theirs.
///
/// # Errors
/// A sentence that says whose it is.
pub fn check_directory(database: &Path) -> anyhow::Result<()> {
    if rustix::process::geteuid().is_root() { belongs(file::directory_of(database)) } else { Ok(()) }
}

fn belongs(path: &Path) -> anyhow::Result<()> {
    if let Ok(found) = std::fs::metadata(path) {
        let owner = found.uid();
        ensure!(
            owner == rustix::process::geteuid().as_raw(),
            "{} belongs to another user: run this as that one (`sudo -u '#{owner}' …`)",
            path.display()
        );
    }
    Ok(())
}

/// Does it here, holding the file meanwhile.
fn carry_out(settings: &Settings, database: &Path, _lock: &FileLock, request: Request) -> anyhow::Result<Value> {
    check_owner(database)?;
    let uid = rustix::process::geteuid().as_raw();
    let config = settings.load(&[])?;
    let keys = Arc::new(Keys::new(master_key::read(&config.database, &config.master_key_path())?));
    let notary = Some(Arc::new(Notary::new(Arc::clone(&keys))));
    let store = Store::open(database, Options { readers: 1, notary, ..Options::default() })
        .with_context(|| format!("cannot open {}", database.display()))?;
    let (clock, chance) = (Clock::system(), Chance::system());
    let desk = Desk { store: &store, clock: &clock, chance: &chance, keys: &keys, config: &config, app: None, uid };
    let done = request.run(&desk);
    store.close();
    done
}
