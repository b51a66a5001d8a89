//! One process per database file (rules D1): a lock on `<database>.lock`, held for life. The operating system lets
//! go of it however the process ends, so a file that was left behind means nothing.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::file::beside;
use crate::error::Error;

/// The right to work on a database file; given back when dropped.
#[derive(Debug)]
pub struct FileLock {
    file: File,
}

/// Why the lock was not given.
#[derive(Debug, thiserror::Error)]
pub enum Held {
    /// Another process works on the file. Its pid, unless it has not written it down yet.
    #[error("another process{} works on this database", pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default())]
    By { pid: Option<u32> },
    /// The lock file cannot be made, or the file system has no locks.
    #[error("cannot lock {}: {cause}", path.display())]
    Unavailable { path: PathBuf, cause: std::io::Error },
}

impl FileLock {
    /// Takes the lock of `database` without waiting.
    pub fn take(database: &Path) -> Result<Self, Held> {
        let path = beside(database, ".lock");
        let unavailable = |cause| Held::Unavailable { path: path.clone(), cause };
        // Not truncated: until the lock is ours, the pid in it is somebody else's.
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(unavailable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                file.read_to_string(&mut pid).map_err(unavailable)?;
                return Err(Held::By { pid: pid.trim().parse().ok() });
            }
            Err(TryLockError::Error(cause)) => return Err(unavailable(cause)),
        }
        file.set_len(0).and_then(|()| file.rewind()).map_err(unavailable)?;
        writeln!(file, "{}", std::process::id()).map_err(unavailable)?;
        Ok(Self { file })
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // The file stays: whoever removed it could remove one that a third process has locked meanwhile.
        // Closing it would release the lock as well, but not while a child process has inherited it.
        drop(self.file.set_len(0));
        drop(self.file.unlock());
    }
}

impl From<Held> for Error {
    fn from(held: Held) -> Self {
        Self::Internal(Box::new(held))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_second_holder_is_told_the_first_ones_pid() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("market.db");
        let lock = FileLock::take(&database).unwrap();
        let refused = FileLock::take(&database).unwrap_err();
        assert!(matches!(refused, Held::By { pid: Some(pid) } if pid == std::process::id()), "{refused}");
        assert!(refused.to_string().contains(&std::process::id().to_string()));
        drop(lock);
        FileLock::take(&database).unwrap();
    }

    #[test]
    fn the_lock_holds_against_another_process_and_ends_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("market.db");
        let path = dir.path().join("market.db.lock");
        // flock(1) speaks the same protocol; `read` ends when we close its input.
        let mut child = Command::new("flock")
            .args(["--no-fork", path.to_str().unwrap(), "sh", "-c", "echo locked; read -r line"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = [0; 7];
        child.stdout.take().unwrap().read_exact(&mut said).unwrap();
        assert!(matches!(FileLock::take(&database), Err(Held::By { pid: None })));
        drop(child.stdin.take());
        child.wait().unwrap();
        let lock = FileLock::take(&database).unwrap();
        let in_the_way = Command::new("flock").args(["--nonblock", path.to_str().unwrap(), "true"]).status().unwrap();
        assert!(!in_the_way.success());
        drop(lock);
    }

    #[test]
    fn what_a_longer_pid_left_behind_is_not_read_as_ours() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("market.db");
        std::fs::write(dir.path().join("market.db.lock"), "12345678901234567890\n").unwrap();
        let _lock = FileLock::take(&database).unwrap();
        assert!(matches!(FileLock::take(&database), Err(Held::By { pid: Some(pid) }) if pid == std::process::id()));
    }

    #[test]
    fn a_directory_that_does_not_exist_is_named() {
        let refused = FileLock::take(Path::new("/nowhere/at/all.db")).unwrap_err();
        assert!(refused.to_string().contains("/nowhere/at/all.db.lock"), "{refused}");
    }
}
