//! The fence: a file that a primary and its standby both reach. It holds the greatest epoch that was ever put in charge, and
//! the home of the file that has it; whoever has a lesser one, or the same as another file, ends (rules D2).

use std::cmp::Ordering;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::sync::Notify;

use crate::app::App;
use crate::config::Config;
use crate::store::{Store, file};
use crate::usecase::copy;

/// How the fence is watched.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Between two looks.
    pub every: Duration,
    /// So long after the last look at which this copy was in charge, nothing is pushed any more.
    pub patience: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { every: Duration::from_secs(10), patience: Duration::from_mins(1) }
    }
}

/// What stands in the fence.
struct Mark {
    epoch: i64,
    /// Earlier versions wrote none.
    home: Option<String>,
}

/// A copy that is, or wants to be, in charge.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub epoch: i64,
    pub home: String,
    /// It stood in the fence before. One that is empty then, or has a lesser epoch, is not the one that it stood in.
    pub is_fenced: bool,
}

/// Where a copy stands.
enum Standing {
    InCharge,
    /// Nobody else is in charge, and it may be.
    Next,
    /// Another one took over; in words.
    Fallen(String),
}

impl Candidate {
    fn look(&self, path: &Path) -> anyhow::Result<Standing> {
        self.judge(path, read(path)?.as_ref())
    }

    fn judge(&self, path: &Path, found: Option<&Mark>) -> anyhow::Result<Standing> {
        let Some(found) = found else {
            return if self.is_fenced { Err(self.lost(path, "is not there")) } else { Ok(Standing::Next) };
        };
        let is_here = found.home.as_ref().map(|home| copy::is_same_home(home, &self.home));
        match (found.epoch.cmp(&self.epoch), is_here) {
            (Ordering::Less, _) if self.is_fenced => Err(self.lost(path, &format!("has epoch {} only", found.epoch))),
            (Ordering::Less, _) | (Ordering::Equal, None) => Ok(Standing::Next),
            (Ordering::Equal, Some(true)) => Ok(Standing::InCharge),
            (Ordering::Greater, _) | (Ordering::Equal, Some(false)) => {
                Ok(Standing::Fallen(self.superseded(path, found.epoch)))
            }
        }
    }

    fn superseded(&self, path: &Path, found: i64) -> String {
        let (path, own) = (path.display(), self.epoch);
        let other = if found == own { " of another file" } else { "" };
        format!(
            "another copy of this database took over (epoch {found}{other} in {path}, this one has {own}): this one may not write any more. Keep it for what it knows, and replicate anew from the other"
        )
    }

    fn lost(&self, path: &Path, what: &str) -> anyhow::Error {
        let (path, epoch) = (path.display(), self.epoch);
        anyhow::anyhow!(
            "{path} {what}, and epoch {epoch} of this database stood in it: is what it is on mounted? If it is lost for good, and no other copy of the database runs, write it anew: `echo {epoch} > {path}`"
        )
    }
}

/// Who is in charge; `None`: nobody ever was.
fn read(path: &Path) -> anyhow::Result<Option<Mark>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(cause) if cause.kind() == ErrorKind::NotFound => {
            // A directory that is not there is one that is not mounted, and a fence that nobody sees is none.
            let parent = file::directory_of(path);
            std::fs::metadata(parent).with_context(|| format!("cannot reach {}", parent.display()))?;
            return Ok(None);
        }
        Err(cause) => return Err(cause).with_context(|| format!("cannot read {}", path.display())),
    };
    let mut words = text.split_whitespace();
    match (words.next().map(str::parse), words.next(), words.next()) {
        (Some(Ok(epoch)), home, None) => Ok(Some(Mark { epoch, home: home.map(str::to_owned) })),
        _ => bail!("{} is no fence: it should hold a number, and a file's home", path.display()),
    }
}

/// Puts a file in charge with the epoch that `next` makes of the present mark.
fn raise(path: &Path, home: &str, next: impl FnOnce(Option<Mark>) -> anyhow::Result<i64>) -> anyhow::Result<i64> {
    let part = file::beside(path, ".part");
    // Of several at once one makes it. What stands there already, a link or a file, is neither followed nor written over.
    let mut file = match OpenOptions::new().write(true).create_new(true).mode(0o644).open(&part) {
        Err(cause) if cause.kind() == ErrorKind::AlreadyExists => bail!(
            "another copy is taking over at this moment, or was cut off while it did: if none is, remove {}",
            part.display()
        ),
        made => made.with_context(|| format!("cannot write {}", path.display()))?,
    };
    let raised = read(path).and_then(next).and_then(|epoch| {
        writeln!(file, "{epoch} {home}")
            .and_then(|()| file.sync_all())
            .and_then(|()| std::fs::rename(&part, path))
            .and_then(|()| file::sync_directory(path))
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(epoch)
    });
    if raised.is_err() {
        // It keeps others out, and the failure itself is what there is to tell.
        let _removed = std::fs::remove_file(&part);
    }
    raised
}

/// Puts a copy into the original's place, as far as the fence goes; with which epoch.
pub fn take(config: &Config, me: &Candidate) -> anyhow::Result<i64> {
    config.standby.fence_file().map_or(Ok(me.epoch + 1), |path| supersede(path, me))
}

/// Of several that try at once, each that succeeds has an epoch of its own.
fn supersede(path: &Path, me: &Candidate) -> anyhow::Result<i64> {
    raise(path, &me.home, |found| {
        // Whoever is in charge ends; a fence that is not the one of before would end nobody.
        me.judge(path, found.as_ref())?;
        Ok(me.epoch.max(found.map_or(0, |found| found.epoch)) + 1)
    })
}

/// At a start: whether this copy is in charge, which it is from now on. Blocks.
pub fn pass(config: &Config, store: &Store, me: &Candidate) -> anyhow::Result<()> {
    let path = config.standby.fence_file();
    if let Some(path) = path {
        let is_in_charge = |found: Option<Mark>| match me.judge(path, found.as_ref())? {
            Standing::Fallen(why) => bail!(why),
            standing => Ok(matches!(standing, Standing::InCharge)),
        };
        if !is_in_charge(read(path)?)? {
            raise(path, &me.home, |found| is_in_charge(found).map(|_| me.epoch))?;
        }
    }
    let is_fenced = path.is_some();
    if is_fenced != me.is_fenced {
        store.write_blocking(move |tx| copy::set_fenced(tx, is_fenced))?;
    }
    Ok(())
}

/// Watches the fence while the gateway runs.
pub struct Watchman {
    fallen: Arc<Notify>,
}

impl Watchman {
    /// Starts to look, if there is a fence. The thread ends with the process.
    pub fn start(app: &Arc<App>, me: Candidate, pace: Pace) -> std::io::Result<Self> {
        let fallen = Arc::new(Notify::new());
        if let Some(path) = app.config.standby.fence_file() {
            app.holds.watch_fence(pace.patience);
            // It has passed.
            let me = Candidate { is_fenced: true, ..me };
            let (app, path, told) = (Arc::downgrade(app), path.to_owned(), Arc::clone(&fallen));
            let look = move || loop {
                // A share may not answer for hours.
                let found = me.look(&path);
                let Some(app) = app.upgrade() else { return };
                match found {
                    Ok(Standing::Fallen(why)) => {
                        tracing::error!("{why}");
                        // Nothing leaves from here on, whatever the rest of the process is doing.
                        app.holds.close();
                        told.notify_one();
                        return;
                    }
                    Ok(_) => app.holds.look_at_fence(None),
                    Err(cause) => app.holds.look_at_fence(Some(format!("{cause:#}"))),
                }
                drop(app);
                std::thread::sleep(pace.every);
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn candidate(epoch: i64, home: &str, is_fenced: bool) -> Candidate {
        Candidate { epoch, home: home.to_owned(), is_fenced }
    }

    #[test]
    fn the_greatest_epoch_is_in_charge_and_of_two_files_with_the_same_the_one_that_is_named() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("fence");
        let said = |me: &Candidate| match me.look(&path) {
            Ok(Standing::InCharge) => "in charge".to_owned(),
            Ok(Standing::Next) => "next".to_owned(),
            Ok(Standing::Fallen(why)) => why,
            Err(cause) => cause.to_string(),
        };
        let (fresh, here, there) =
            (candidate(2, "a-1-7", false), candidate(2, "a-1-7", true), candidate(2, "a-2-7", true));
        assert!(said(&fresh) == "next" && said(&here).contains("is not there"), "{}", said(&here));
        for (text, of_fresh, of_here, of_there) in [
            ("2 a-1-7\n", "in charge", "in charge", "epoch 2 of another file"),
            // As earlier versions wrote it.
            ("2\n", "next", "next", "next"),
            ("3\n", "took over", "took over", "took over"),
            ("3 a-1-7\n", "took over", "took over", "took over"),
            ("1 a-1-7\n", "next", "has epoch 1 only", "has epoch 1 only"),
            ("", "is no fence", "is no fence", "is no fence"),
            ("2 a b\n", "is no fence", "is no fence", "is no fence"),
        ] {
            std::fs::write(&path, text).unwrap();
            for (one, expected) in [(&fresh, of_fresh), (&here, of_here), (&there, of_there)] {
                assert!(said(one).contains(expected), "{text:?}: {}", said(one));
            }
        }
    }

    #[test]
    fn each_of_those_that_take_over_at_once_has_an_epoch_of_its_own() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("fence");
        std::fs::write(&path, "1\n").unwrap();
        let path = &path;
        let mut taken: Vec<(i64, String)> = std::thread::scope(|scope| {
            let all: Vec<_> = (0..8)
                .map(|number| {
                    scope.spawn(move || {
                        let one = candidate(1, &format!("a-{number}-7"), true);
                        (0..50)
                            .filter_map(|_| Some((supersede(path, &one).ok()?, one.home.clone())))
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            all.into_iter().flat_map(|one| one.join().unwrap()).collect()
        });
        taken.sort();
        let epochs: Vec<i64> = taken.iter().map(|(epoch, _)| *epoch).collect();
        assert!(!epochs.is_empty() && epochs.windows(2).all(|two| two[0] < two[1]), "{epochs:?}");
        let last = taken.last().unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), format!("{} {}\n", last.0, last.1));
        assert!(!file::beside(path, ".part").exists());
    }
}
