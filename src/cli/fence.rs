//! The fence: a file that a primary and its standby both reach. It holds the greatest epoch that was ever put in charge;
//! whoever has a lesser one ends (rules D2).

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::sync::Notify;

use crate::app::App;
use crate::clock::Instant;
use crate::config::Config;
use crate::store::Store;
use crate::usecase::copy;

/// Between two looks at the fence.
const EVERY: Duration = Duration::from_secs(10);

/// The epoch in charge; 0: nobody ever was.
pub fn read(path: &Path) -> anyhow::Result<i64> {
    match std::fs::read_to_string(path) {
        Ok(text) => {
            text.trim().parse().with_context(|| format!("{} is no fence: it should hold a number", path.display()))
        }
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
            // A directory that is not there is one that is not mounted, and a fence that nobody sees is none.
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            std::fs::metadata(parent).with_context(|| format!("cannot reach {}", parent.display()))?;
            Ok(0)
        }
        Err(cause) => Err(cause).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Puts an epoch in charge.
pub fn raise(path: &Path, epoch: i64) -> anyhow::Result<()> {
    let part = copy::beside(path, ".part");
    let write = || -> std::io::Result<()> {
        let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(&part)?;
        writeln!(file, "{epoch}")?;
        file.sync_all()?;
        std::fs::rename(&part, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// The least epoch that a copy needs to be in charge.
pub fn least(config: &Config) -> anyhow::Result<i64> {
    config.standby.fence_file().map_or(Ok(0), |path| Ok(read(path)? + 1))
}

/// At a start: whether this epoch is in charge, which it is from now on.
pub fn pass(config: &Config, epoch: i64) -> anyhow::Result<()> {
    let Some(path) = config.standby.fence_file() else { return Ok(()) };
    let found = read(path)?;
    if found > epoch {
        bail!(superseded(path, found, epoch));
    }
    if found < epoch { raise(path, epoch) } else { Ok(()) }
}

fn superseded(path: &Path, found: i64, epoch: i64) -> String {
    format!(
        "another copy of this database took over (epoch {found} in {}, this one has {epoch}): this one may not write any more. Keep it for what it knows, and replicate anew from the other",
        path.display()
    )
}

/// Watches the fence while the gateway runs.
pub struct Watchman {
    fallen: Arc<Notify>,
}

impl Watchman {
    /// Starts to look, if there is a fence. The thread ends with the process.
    pub fn start(app: &Arc<App>, epoch: i64) -> std::io::Result<Self> {
        let fallen = Arc::new(Notify::new());
        if let Some(path) = app.config.standby.fence_file() {
            let (app, told) = (Arc::downgrade(app), Arc::clone(&fallen));
            let mut watch = Watch { path: path.to_owned(), epoch, is_readable: None };
            let look = move || {
                while let Some(app) = app.upgrade() {
                    if watch.is_superseded(&app.store, app.now()) {
                        // Nothing leaves from here on, whatever the rest of the process is doing.
                        app.holds.close();
                        told.notify_one();
                        return;
                    }
                    drop(app);
                    std::thread::sleep(EVERY);
                }
            };
            std::thread::Builder::new().name("fence".into()).spawn(look)?;
        }
        Ok(Self { fallen })
    }

    /// Resolves when another copy took over.
    pub async fn fallen(&self) {
        self.fallen.notified().await;
    }
}

/// What is remembered between two looks.
struct Watch {
    path: PathBuf,
    epoch: i64,
    /// As it was last written down; `None`: another process may have done that.
    is_readable: Option<bool>,
}

impl Watch {
    fn is_superseded(&mut self, store: &Store, now: Instant) -> bool {
        match read(&self.path) {
            Ok(found) if found > self.epoch => {
                tracing::error!("{}", superseded(&self.path, found, self.epoch));
                return true;
            }
            Ok(_) => self.note(store, None, now),
            Err(cause) => self.note(store, Some(format!("{cause:#}")), now),
        }
        false
    }

    fn note(&mut self, store: &Store, failure: Option<String>, now: Instant) {
        let is_readable = failure.is_none();
        if self.is_readable == Some(is_readable) {
            return;
        }
        if let Some(why) = &failure {
            tracing::error!(why, "the fence cannot be looked at");
        }
        match store.write_blocking(move |tx| copy::note_fence(tx, failure.as_deref(), now)) {
            Ok(()) => self.is_readable = Some(is_readable),
            Err(cause) => tracing::warn!(%cause, "whether the fence can be looked at was not written down"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::store::{Options, alarm};

    #[test]
    fn a_fence_that_cannot_be_read_is_one_alarm_until_it_can_be() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("fence");
        let store = Store::open(&place.path().join("gate.db"), Options { readers: 1, ..Options::default() }).unwrap();
        let open = || store.read_blocking(|db| alarm::list_open(db, 9)).unwrap();
        let fresh = || Watch { path: path.clone(), epoch: 2, is_readable: None };
        let mut watch = fresh();
        std::fs::write(&path, "x").unwrap();
        for second in 0..3 {
            assert!(!watch.is_superseded(&store, Instant::from_ms(second * 10_000)));
        }
        let alarms = open();
        assert!(alarms.len() == 1 && alarms[0].kind == "fence_unreadable" && alarms[0].times == 1, "{alarms:?}");
        let written = store.load().groups;
        std::fs::write(&path, "2\n").unwrap();
        for second in 3..6 {
            assert!(!watch.is_superseded(&store, Instant::from_ms(second * 10_000)));
        }
        assert_eq!((open(), store.load().groups), (Vec::new(), written + 1), "written once");
        // What a process that is gone had raised.
        std::fs::write(&path, "x").unwrap();
        assert!(!watch.is_superseded(&store, Instant::from_ms(70_000)) && open().len() == 1);
        std::fs::write(&path, "2\n").unwrap();
        assert!(!fresh().is_superseded(&store, Instant::from_ms(80_000)) && open().is_empty());
        std::fs::write(&path, "3\n").unwrap();
        assert!(watch.is_superseded(&store, Instant::from_ms(90_000)));
        store.close();
    }
}
