//! `marketgate isv-key`: the keys with which the marketplace signs its calls (rules D5), and reading them again without a
//! restart.
//!
//! A rotation writes the present key into the file of the previous one and the new key into its own, each in one move: cut
//! off in between, the present key stands in both, and nothing is refused.

use std::fs;
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::desk::{self, Desk};
use super::{Settings, say};
use crate::app::{App, Keyring};
use crate::config::{Config, Seller, check_isv_key};
use crate::domain::value::mask_uid;
use crate::store::file;
use crate::store::lock::{FileLock, Held};
use crate::usecase::audit::By;
use crate::usecase::isv_key::{self, Changed};
use crate::usecase::rfc3339;

/// Longest key that is read, in bytes.
const LONGEST: u64 = 1_024;

#[derive(clap::Subcommand)]
pub enum IsvKey {
    /// Show what tells the keys in force apart, and when each last verified a call. The keys themselves are not shown.
    List {
        #[command(flatten)]
        settings: Settings,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Put the new key from the marketplace's console in the place of the present one, which stays accepted as the
    /// previous key. Writes `isv_key_file` and `isv_key_previous_file`, and has the running gateway read them.
    Rotate {
        /// Of which seller; needed where there are several.
        #[arg(long)]
        seller: Option<String>,
        /// A file with the new key; without it, it is read from standard input.
        #[arg(long, value_name = "FILE")]
        key_file: Option<PathBuf>,
        #[command(flatten)]
        settings: Settings,
    },
    /// Accept the previous key no more: empties `isv_key_previous_file`, and has the running gateway read it. First see
    /// with `list` that the marketplace signs with the present one.
    DropPrevious {
        /// Of which seller; needed where there are several.
        #[arg(long)]
        seller: Option<String>,
        #[command(flatten)]
        settings: Settings,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    List,
    /// Reads the files again.
    Reload,
}

/// A key as the command shows it.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    seller: String,
    /// `current` or `previous`.
    place: String,
    mark: String,
    first_verified_at: Option<String>,
    last_verified_at: Option<String>,
}

impl IsvKey {
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List { settings, json } => {
                let lines: Vec<Line> = desk::ask(&settings, desk::Request::IsvKey(Request::List))?;
                say(&if json { serde_json::to_string_pretty(&lines)? } else { table(&lines) });
                Ok(())
            }
            Self::Rotate { seller, key_file, settings } => rotate(&settings, seller.as_deref(), key_file.as_deref()),
            Self::DropPrevious { seller, settings } => drop_previous(&settings, seller.as_deref()),
        }
    }
}

fn table(lines: &[Line]) -> String {
    let or = |at: &Option<String>| at.clone().unwrap_or_else(|| "never".to_owned());
    let lines = lines.iter().map(|line| {
        let Line { seller, place, mark, .. } = line;
        let (first, last) = (or(&line.first_verified_at), or(&line.last_verified_at));
        format!("{seller}  {place}  {mark}\n    verified a call first {first}, last {last}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The seller that is meant, and the two files of its keys.
fn files<'a>(config: &'a Config, id: Option<&str>) -> anyhow::Result<(&'a Seller, &'a Path, &'a Path)> {
    let seller = match (id, config.sellers.as_slice()) {
        (Some(id), _) => config.seller(id).with_context(|| format!("no seller '{id}' is configured"))?,
        (None, [one]) => one,
        (None, all) => {
            let ids: Vec<&str> = all.iter().map(|seller| seller.id.as_str()).collect();
            bail!("say which seller with --seller: {}", ids.join(", "));
        }
    };
    match (&seller.isv_key_file, &seller.isv_key_previous_file) {
        (Some(current), Some(previous)) => Ok((seller, current, previous)),
        _ => bail!(
            "seller '{}' needs both isv_key_file and isv_key_previous_file in the configuration: keys that stand in it or in the environment are not this command's to change. The previous file may be empty",
            seller.id
        ),
    }
}

fn rotate(settings: &Settings, id: Option<&str>, key_file: Option<&Path>) -> anyhow::Result<()> {
    let config = settings.load(&[])?;
    let (seller, current, previous) = files(&config, id)?;
    let next = read_key(key_file)?;
    ensure!(next != seller.isv_key.expose(), "this key is in force already; nothing was changed");
    check_isv_key(&next).map_err(|why| anyhow::anyhow!("the key {why}; nothing was changed"))?;
    check_readable(&config, &[current, previous])?;
    write(previous, seller.isv_key.expose())?;
    write(current, &next)?;
    say(&format!("{} has the new key, {} the former one", current.display(), previous.display()));
    put_in_force(settings, &config)
}

fn drop_previous(settings: &Settings, id: Option<&str>) -> anyhow::Result<()> {
    let config = settings.load(&[])?;
    let (seller, _, previous) = files(&config, id)?;
    ensure!(!seller.isv_key_previous.expose().is_empty(), "there is no previous key; nothing was changed");
    check_readable(&config, &[previous])?;
    write(previous, "")?;
    say(&format!("{} is empty", previous.display()));
    put_in_force(settings, &config)
}

/// Has the running gateway, if there is one, read the files.
fn put_in_force(settings: &Settings, config: &Config) -> anyhow::Result<()> {
    // Who never ran has no lock, and one that is made here would be root's, if it is root who changes the keys.
    let is_locked = file::beside(&config.database, ".lock").exists();
    match is_locked.then(|| FileLock::take(&config.database)) {
        None | Some(Ok(_)) => say("the gateway is not running; this is in force when it starts"),
        Some(Err(Held::By { .. })) => {
            let lines: Vec<Line> = desk::ask(settings, desk::Request::IsvKey(Request::Reload))
                .context("it is written, but the running gateway did not read it: send it SIGHUP, or restart it")?;
            say(&format!("the running gateway accepts from now on:\n{}", table(&lines)));
        }
        Some(Err(cause)) => {
            bail!("it is written, but who holds the database is unknown ({cause}): restart the gateway")
        }
    }
    Ok(())
}

/// That the gateway's user, to whom the database belongs, can read the files once they are replaced: their owners and modes
/// stay. Whether that user is in a file's group is not known.
fn check_readable(config: &Config, files: &[&Path]) -> anyhow::Result<()> {
    let Ok(database) = fs::metadata(&config.database) else { return Ok(()) };
    for path in files {
        let found = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
        let bits = if found.uid() == database.uid() { 0o400 } else { 0o044 };
        ensure!(
            database.uid() == 0 || found.mode() & bits != 0,
            "{} cannot be read by the gateway's user: give it to that one (`chown '#{}' {0}`); nothing was changed",
            path.display(),
            database.uid()
        );
    }
    Ok(())
}

/// The new key, from a file or from standard input: an argument could be read by every user of this machine.
fn read_key(file: Option<&Path>) -> anyhow::Result<String> {
    let mut text = String::new();
    let input = std::io::stdin();
    if let Some(path) = file {
        let file = fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        file.take(LONGEST).read_to_string(&mut text).with_context(|| format!("cannot read {}", path.display()))?;
    } else if input.is_terminal() {
        let _unheard = writeln!(std::io::stderr(), "Paste the new key from the marketplace's console, then Enter:");
        input.read_line(&mut text).context("cannot read the key")?;
    } else {
        input.take(LONGEST).read_to_string(&mut text).context("cannot read the key")?;
    }
    Ok(text.trim().to_owned())
}

/// Replaces a file in one move. Owner and mode stay as they were: root may run the command, and the gateway's user has to
/// read what it wrote.
fn write(path: &Path, key: &str) -> anyhow::Result<()> {
    let next = file::beside(path, ".next");
    let written = || -> std::io::Result<()> {
        if next.exists() {
            fs::remove_file(&next)?;
        }
        let mut file = file::new_private(&next)?;
        let former = fs::metadata(path)?;
        if file.metadata()?.uid() != former.uid() || file.metadata()?.gid() != former.gid() {
            fchown(&file, Some(former.uid()), Some(former.gid()))?;
        }
        file.set_permissions(former.permissions())?;
        writeln!(file, "{key}")?;
        file.sync_all()?;
        fs::rename(&next, path)?;
        file::sync_directory(path)
    };
    written().with_context(|| format!("cannot write {}", path.display()))
}

/// Reads the keys and `AccessKey`s of the configuration again and puts them in force, without dropping a call. Everything
/// else of it stays as it was at the start. Blocks.
///
/// # Errors
/// A sentence that says what is wrong with the configuration; the keys of before stay in force.
pub fn reload(app: &App, by: &By) -> anyhow::Result<()> {
    let read = app.reread.as_ref().context("this process has no configuration to read again")?;
    let config = read().map_err(|why| anyhow::anyhow!(why))?;
    let next = Keyring::of(&config, &app.keys);
    let present = app.keyring.load_full();
    for ring in present.sellers() {
        let found = next.seller(&ring.seller_id).with_context(|| {
            format!("seller '{}' is not configured any more; sellers change with a restart", ring.seller_id)
        })?;
        ensure!(
            found.access_key_id.is_empty() == ring.access_key_id.is_empty(),
            "seller '{}' has got or lost its AccessKey; that takes a restart",
            ring.seller_id
        );
    }
    let marks = |ring: &crate::app::Ring| {
        let access_key = Some(ring.access_key_id.as_str()).filter(|id| !id.is_empty()).map(mask_uid);
        ring.keys.iter().map(|key| key.mark.clone()).chain(access_key).collect::<Vec<_>>().join(" ")
    };
    let changed: Vec<Changed> = present
        .sellers()
        .filter_map(|ring| Some((ring, next.seller(&ring.seller_id)?)))
        .map(|(ring, found)| Changed { seller_id: ring.seller_id.clone(), before: marks(ring), after: marks(found) })
        .filter(|changed| changed.before != changed.after)
        .collect();
    for one in &changed {
        tracing::info!(seller = one.seller_id, before = one.before, after = one.after, "other keys are in force");
    }
    app.keyring.store(std::sync::Arc::new(next));
    if !changed.is_empty() {
        let (by, now) = (by.clone(), app.now());
        // The keys are in force whether this is written or not: a full disk must not keep a new key out.
        if let Err(cause) = app.store.write_blocking(move |tx| isv_key::note_change(tx, &by, &changed, now)) {
            tracing::error!(%cause, "the audit log does not have it that keys were changed");
        }
    }
    Ok(())
}

impl Request {
    pub fn run(self, desk: &Desk) -> anyhow::Result<Value> {
        match self {
            Self::List => {}
            Self::Reload => {
                let app = desk.app.context("nothing is running that could read the files again")?;
                reload(app, &By::command_line())?;
            }
        }
        let held = desk.app.map(|app| app.keyring.load_full());
        let read = Keyring::of(desk.config, desk.keys);
        let ring = held.as_deref().unwrap_or(&read);
        let sellers: Vec<String> = ring.sellers().map(|seller| seller.seller_id.clone()).collect();
        let uses = desk.store.read_blocking(move |db| isv_key::uses(db, &sellers))?;
        let line = |seller: &crate::app::Ring, place: usize, mark: &str| {
            let seen = uses.iter().find(|one| one.seller_id == seller.seller_id && one.mark == mark);
            Line {
                seller: seller.seller_id.clone(),
                place: if place == 0 { "current" } else { "previous" }.to_owned(),
                mark: mark.to_owned(),
                first_verified_at: seen.map(|one| rfc3339(one.first_at)),
                last_verified_at: seen.map(|one| rfc3339(one.last_at)),
            }
        };
        let lines: Vec<Line> = ring
            .sellers()
            .flat_map(|seller| seller.keys.iter().enumerate().map(move |(place, key)| (seller, place, key)))
            .map(|(seller, place, key)| line(seller, place, &key.mark))
            .collect();
        Ok(json!(lines))
    }
}
