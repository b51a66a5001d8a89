//! Files beside a database: their names, and how they are made so that nobody else reads them and none is written over.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// A name that begins with another one.
#[must_use]
pub fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Where a file is; a mere name is in the present directory.
#[must_use]
pub fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A new file of its owner's alone. What is there already, a link as well, is neither followed nor replaced.
pub fn new_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// What was made or renamed in a file's directory stays there.
pub fn sync_directory(of: &Path) -> io::Result<()> {
    File::open(directory_of(of))?.sync_all()
}
