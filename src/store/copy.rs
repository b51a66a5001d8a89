//! Copies of a file: made beside the process that writes it, checked, and put where nothing is (rules D1, D2).

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::file::{beside, new_private, sync_directory};
use super::onlooker::{Onlooker, dangling, integrity};
use crate::crypto;
use crate::error::{Error, Result};

/// How long the process that holds the file is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// The first half of the identity of a file; systems without one are told apart by their files alone.
const MACHINE: &str = "/etc/machine-id";

/// Which file on which machine this is. A file keeps it for life, also through a change of its name; no copy has it.
pub fn home(database: &Path) -> Result<String> {
    let machine = std::fs::read_to_string(MACHINE).unwrap_or_default();
    // The number of a machine is nobody's business.
    let digest = crypto::digest(format!("marketgate {}", machine.trim()).as_bytes());
    let found = std::fs::metadata(database)?;
    // The number of a file that was removed is soon another one's; its time of birth is not. Some file systems have none.
    let born = found.created().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()).map_or(0, |at| at.as_nanos());
    Ok(format!("{}-{}-{born}", &crypto::hex(&digest)[..16], found.ino()))
}

/// Whether two of them mean the same file. A time of birth counts where both have one: a newer system may know it, and an
/// older one may not have.
#[must_use]
pub fn is_same_home(one: &str, other: &str) -> bool {
    let parts = |home: &str| home.rsplit_once('-').map(|(file, born)| (file.to_owned(), born.to_owned()));
    match (parts(one), parts(other)) {
        (Some((file, born)), Some((there, born_there))) => {
            file == there && (born == born_there || born == "0" || born_there == "0")
        }
        _ => false,
    }
}

/// Copies a database as it is at one moment, also while another process writes it, to a place where nothing is: the
/// whole of it, checked and on the disk, or nothing. Only its owner may read it.
///
/// # Errors
/// `Conflict("exists")` if there is something; a sentence if the copy is not sound.
pub fn copy(database: &Path, to: &Path) -> Result<u64> {
    if to.symlink_metadata().is_ok() {
        return Err(Error::Conflict("exists"));
    }
    let part = beside(to, ".part");
    create(&part)?;
    let copied = write(database, &part).and_then(|()| check(&part)).and_then(|()| place(&part, to));
    if copied.is_err() {
        discard(&part);
    }
    copied?;
    Ok(std::fs::metadata(to)?.len())
}

/// A new file of its owner's alone; what an earlier attempt left there is replaced.
fn create(part: &Path) -> Result<()> {
    discard(part);
    new_private(part)?;
    Ok(())
}

fn write(database: &Path, part: &Path) -> Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let from = Connection::open_with_flags(database, flags)?;
    from.busy_timeout(PATIENCE)?;
    let mut to =
        Connection::open_with_flags(part, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    // In one go: a copy in pieces would begin anew at each write of somebody else.
    if Backup::new(&from, &mut to)?.step(-1)? != StepResult::Done {
        return Err(Error::Busy);
    }
    // One file that is everything, for whoever carries it away.
    to.query_row("PRAGMA journal_mode = DELETE", (), |_| Ok(()))?;
    drop(to);
    Ok(File::open(part)?.sync_all()?)
}

/// Whether a file is a sound database.
///
/// # Errors
/// What is wrong with it.
pub fn check(file: &Path) -> Result<()> {
    let onlooker = Onlooker::open(file, None)?;
    let damage = onlooker.read(integrity)?;
    let lost = onlooker.read(dangling)?;
    if let Some(first) = damage.first() {
        return Err(Error::internal(format!("{} is damaged: {first}", file.display())));
    }
    if let Some((table, count)) = lost.first() {
        let file = file.display();
        return Err(Error::internal(format!("{file} is damaged: {count} rows of {table} refer to nothing")));
    }
    Ok(())
}

/// Gives a finished file its name, never over another.
pub fn place(part: &Path, to: &Path) -> Result<()> {
    match renameat_with(CWD, part, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => {}
        Err(rustix::io::Errno::EXIST) => return Err(Error::Conflict("exists")),
        // A file system that cannot look and rename in one step.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
            OpenOptions::new().write(true).create_new(true).open(to).map_err(|cause| match cause.kind() {
                ErrorKind::AlreadyExists => Error::Conflict("exists"),
                _ => cause.into(),
            })?;
            std::fs::rename(part, to)?;
        }
        Err(cause) => return Err(std::io::Error::from(cause).into()),
    }
    Ok(sync_directory(to)?)
}

/// What is in a directory.
pub fn names(directory: &Path) -> std::io::Result<Vec<String>> {
    std::fs::read_dir(directory)?.map(|file| Ok(file?.file_name().to_string_lossy().into_owned())).collect()
}

/// Removes a file that was not finished, with what SQLite made beside it.
pub fn discard(part: &Path) {
    for ending in ["-wal", "-shm", "-journal", ""] {
        let path = beside(part, ending);
        match std::fs::remove_file(&path) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => {
                tracing::warn!(%cause, path = %path.display(), "an unfinished copy was not removed");
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_file_keeps_its_home_under_another_name_and_a_copy_has_another() {
        let place = tempfile::tempdir().unwrap();
        let (one, two) = (place.path().join("one"), place.path().join("two"));
        std::fs::write(&one, "x").unwrap();
        let first = home(&one).unwrap();
        std::fs::rename(&one, &two).unwrap();
        std::fs::write(&two, "changed").unwrap();
        assert_eq!(home(&two).unwrap(), first);
        std::fs::remove_file(&two).unwrap();
        for _ in 0..20 {
            // Its number may be that of the file that was removed.
            std::fs::write(&one, "x").unwrap();
            assert!(!is_same_home(&home(&one).unwrap(), &first));
            std::fs::remove_file(&one).unwrap();
        }
        let known = |born| format!("aa-7-{born}");
        assert!(is_same_home(&known(0), &known(5)) && !is_same_home(&known(4), &known(5)));
        assert!(!is_same_home("aa-7-5", "ab-7-5") && !is_same_home("aa-7-5", "aa-8-5"));
    }
}
