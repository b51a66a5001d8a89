//! The fence: a file that a primary and its standby both reach. It holds the greatest epoch that was ever put in charge;
//! whoever has a lesser one ends (rules D2).

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::sync::Notify;

use crate::app::App;
use crate::config::Config;
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
            let (app, path, told) = (Arc::downgrade(app), path.to_owned(), Arc::clone(&fallen));
            let look = move || {
                while let Some(app) = app.upgrade() {
                    if is_superseded(&app, &path, epoch) {
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

fn is_superseded(app: &App, path: &Path, epoch: i64) -> bool {
    match read(path) {
        Ok(found) if found > epoch => {
            tracing::error!("{}", superseded(path, found, epoch));
            true
        }
        Ok(_) => false,
        Err(cause) => {
            let why = format!("{cause:#}");
            tracing::error!(why, "the fence cannot be looked at");
            let now = app.now();
            let raised = app.store.write_blocking(move |tx| copy::note_fence(tx, &why, now));
            if let Err(cause) = raised {
                tracing::warn!(%cause, "nor could that be written down");
            }
            false
        }
    }
}
