//! The files and the disk that they are on.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::UNIX_EPOCH;

use super::{Finding, words};
use crate::clock::{Clock, Instant};
use crate::config::Config;
use crate::domain::backup;
use crate::domain::value::DAY_MS;
use crate::store::file;
use crate::usecase::copy;

/// With less space than this, or less than the database's own size, the next weeks may fill the disk.
const LITTLE: u64 = 1024 * 1024 * 1024;
/// With less than this the next hours may.
const NEXT_TO_NOTHING: u64 = 200 * 1024 * 1024;

/// A previous key that is older than this was forgotten.
const LONG_DAYS: i64 = 30;

/// Files that others on this machine could read or change.
pub fn files(config: &Config, settings: Option<&Path>) -> Vec<Finding> {
    let mut found = Vec::new();
    for path in [config.database.clone(), file::beside(&config.database, "-wal"), config.master_key_path()] {
        // Whoever else is in its group is no reason: some run it so.
        let open = mode(&path).filter(|mode| mode & 0o007 != 0);
        found.extend(open.map(|mode| words::readable(&path, mode)));
    }
    // The settings name nobody's data, but may hold secrets.
    if let Some(path) = settings
        && holds_secrets(config)
        && let Some(mode) = mode(path).filter(|mode| mode & 0o007 != 0)
    {
        found.push(words::readable(path, mode));
    }
    if let Some(mode) = mode(file::directory_of(&config.database)).filter(|mode| mode & 0o002 != 0) {
        found.push(words::writable(file::directory_of(&config.database), mode));
    }
    found
}

fn mode(path: &Path) -> Option<u32> {
    Some(std::fs::metadata(path).ok()?.permissions().mode() & 0o777)
}

/// Secrets stand in the settings themselves, or came by the environment.
fn holds_secrets(config: &Config) -> bool {
    let of_sellers = config.sellers.iter().any(|seller| {
        seller.isv_key_file.is_none() || (seller.has_access_key() && seller.access_key_secret_file.is_none())
    });
    let of_mail = config.smtp.as_ref().is_some_and(|smtp| !smtp.password.is_empty() && smtp.password_file.is_none());
    of_sellers || of_mail
}

/// Keys that should have ended: a rotation takes hours. How old one is, is known where it has a file.
pub fn previous_keys(config: &Config) -> impl Iterator<Item = Finding> {
    let sellers = config.sellers.iter().filter(|seller| !seller.isv_key_previous.expose().is_empty());
    sellers.filter_map(|seller| {
        let file = seller.isv_key_previous_file.as_deref()?;
        let written = std::fs::metadata(file).ok()?.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        let written = Instant::from_ms(i64::try_from(written.as_millis()).ok()?);
        let days = Clock::system().now().since_ms(written) / DAY_MS;
        (days > LONG_DAYS).then(|| words::previous_key(&seller.id, days))
    })
}

/// Whether there is a copy to go back to.
pub fn backups(config: &Config) -> Vec<Finding> {
    let Some(directory) = config.backup.directory() else { return vec![words::no_backups()] };
    let names = match copy::names(directory) {
        Ok(names) => names,
        Err(cause) => return vec![words::backup_directory(directory, &cause.to_string())],
    };
    let now = Clock::system().now();
    let last = backup::youngest(&names, now);
    if backup::is_old(last, now) { vec![words::backup_old(directory, last)] } else { Vec::new() }
}

/// Whether the database can grow.
pub fn disk(config: &Config) -> Vec<Finding> {
    let Ok(disk) = rustix::fs::statvfs(file::directory_of(&config.database)) else { return Vec::new() };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let size = std::fs::metadata(&config.database).map_or(0, |file| file.len());
    if free < NEXT_TO_NOTHING {
        vec![words::disk_full(file::directory_of(&config.database), free)]
    } else if free < LITTLE.max(size) {
        vec![words::disk_filling(file::directory_of(&config.database), free, size)]
    } else {
        Vec::new()
    }
}
