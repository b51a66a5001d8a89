//! `<database>.sock`: how a command reaches the process that holds the file (rules D1).
//!
//! One line of JSON in, one out, then the connection ends. The socket is its owner's alone (0600), and who connects is
//! asked for as well: the owner, or root. It lives as long as the file's lock is held, so one that was left behind means
//! nothing and is replaced.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream as Connection;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actix_web::rt::task::JoinHandle;
use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::desk::{Desk, Request};
use crate::app::{App, VERSION};
use crate::store::file::beside;

/// Longest request and longest answer, in bytes.
const MAX_LINE: u64 = 1024 * 1024;
/// Connections that are served at once; more wait to be accepted.
const PLACES: u32 = 8;
/// Who connects has this long to say what is wanted, and to take each piece of the answer.
const TALK: Duration = Duration::from_secs(3);
/// After this a command is told that its work goes on without it.
const WORK: Duration = Duration::from_mins(1);
/// At stop, commands that are being carried out may take this long.
const LAST_WORK: Duration = Duration::from_secs(2);
/// Between two attempts to accept when the system has nothing left to accept with.
const BREATH: Duration = Duration::from_secs(1);

/// What a command hears.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Done(Value),
    /// A sentence.
    Failed(String),
}

/// Where the socket of a database is.
fn path_of(database: &Path) -> PathBuf {
    beside(database, ".sock")
}

/// The socket of this process; removed when dropped.
pub struct Socket {
    path: PathBuf,
    accepting: JoinHandle<()>,
    places: Arc<Semaphore>,
}

impl Socket {
    /// Makes the socket and answers on it. The caller holds the file's lock, so whatever socket is there is a dead one's.
    /// Needs an actix runtime around it.
    ///
    /// # Errors
    /// If something else has this name, the name is too long for a socket, or the file system has none.
    pub fn open(app: &Arc<App>) -> std::io::Result<Self> {
        let path = path_of(app.store.path());
        match std::fs::symlink_metadata(&path) {
            Ok(found) if found.file_type().is_socket() => std::fs::remove_file(&path)?,
            Ok(_) => return Err(std::io::Error::other("something that is no socket has its name")),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {}
            Err(cause) => return Err(cause),
        }
        let listener = UnixListener::bind(&path)?;
        // Who connects before this is asked for like everybody else.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        let places = Arc::new(Semaphore::new(PLACES as usize));
        let accepting = actix_web::rt::spawn(accept(listener, Arc::clone(app), Arc::clone(&places)));
        Ok(Self { path, accepting, places })
    }

    /// Takes no more commands and waits for those that are being carried out.
    pub async fn close(self) {
        self.accepting.abort();
        if timeout(LAST_WORK, self.places.acquire_many(PLACES)).await.is_err() {
            tracing::warn!("a command was still being carried out at the stop");
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.accepting.abort();
        if let Err(cause) = std::fs::remove_file(&self.path) {
            tracing::warn!(%cause, path = %self.path.display(), "the socket was not removed");
        }
    }
}

async fn accept(listener: UnixListener, app: Arc<App>, places: Arc<Semaphore>) {
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let app = Arc::clone(&app);
                actix_web::rt::spawn(async move {
                    if let Err(cause) = serve(stream, app).await {
                        tracing::debug!(%cause, "a command left before its answer");
                    }
                    drop(place);
                });
            }
            Err(cause) => {
                tracing::warn!(%cause, "a command was not accepted");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

async fn serve(mut stream: UnixStream, app: Arc<App>) -> std::io::Result<()> {
    let uid = stream.peer_cred()?.uid();
    let answer = if uid == 0 || uid == rustix::process::geteuid().as_raw() {
        match read(&mut stream).await? {
            Ok(request) => carry_out(request, app, uid).await,
            Err(sentence) => Answer::Failed(sentence),
        }
    } else {
        tracing::warn!(uid, "a stranger asked by the socket");
        Answer::Failed("commands are taken from the owner of the database and from root only".to_owned())
    };
    let mut line = serde_json::to_vec(&answer)?;
    line.push(b'\n');
    timeout(TALK, stream.write_all(&line)).await.unwrap_or_else(|late| Err(late.into()))?;
    stream.shutdown().await
}

/// What is asked, or a sentence about why it is not understood.
async fn read(stream: &mut UnixStream) -> std::io::Result<Result<Request, String>> {
    let mut line = Vec::new();
    let mut reader = tokio::io::BufReader::new(stream.take(MAX_LINE));
    timeout(TALK, reader.read_until(b'\n', &mut line)).await.unwrap_or_else(|late| Err(late.into()))?;
    if line.last() != Some(&b'\n') {
        return Ok(Err("the request is too long or has no end".to_owned()));
    }
    Ok(serde_json::from_slice(&line).map_err(|cause| {
        format!(
            "the running marketgate {VERSION} does not understand this command ({cause}); is it of another version?"
        )
    }))
}

async fn carry_out(request: Request, app: Arc<App>, uid: u32) -> Answer {
    let command = request.name();
    tracing::info!(command, uid, "a command");
    let work = actix_web::rt::task::spawn_blocking(move || request.run(&Desk::of(&app, uid)));
    match timeout(WORK, work).await {
        Ok(Ok(Ok(done))) => Answer::Done(done),
        Ok(Ok(Err(cause))) => {
            tracing::info!(command, %cause, "a command was refused");
            Answer::Failed(format!("{cause:#}"))
        }
        Ok(Err(cause)) => {
            tracing::error!(command, %cause, "a command broke off");
            Answer::Failed("it broke off; the server's log says why".to_owned())
        }
        Err(_) => Answer::Failed("it takes long and goes on without us; ask again later".to_owned()),
    }
}

/// Lets the process that holds the file carry a request out.
///
/// # Errors
/// A sentence: nobody listens there, a stranger does, or the request was refused.
pub fn ask(database: &Path, request: &Request) -> anyhow::Result<Value> {
    let path = path_of(database);
    let found = std::fs::symlink_metadata(&path)
        .with_context(|| format!("it takes no commands, or is just starting ({})", path.display()))?;
    let owner = std::fs::metadata(database)?.uid();
    anyhow::ensure!(
        found.file_type().is_socket() && (found.uid() == owner || found.uid() == rustix::process::geteuid().as_raw()),
        "{} is not the socket of the database's owner",
        path.display()
    );
    let mut connection =
        Connection::connect(&path).with_context(|| format!("it cannot be reached by {}", path.display()))?;
    connection.set_write_timeout(Some(TALK))?;
    connection.set_read_timeout(Some(WORK + TALK + TALK))?;
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    connection.write_all(&line)?;
    let mut answer = Vec::new();
    BufReader::new(connection.take(MAX_LINE)).read_until(b'\n', &mut answer).context("it did not answer")?;
    match serde_json::from_slice(&answer).context("its answer is not understood")? {
        Answer::Done(done) => Ok(done),
        Answer::Failed(sentence) => anyhow::bail!(sentence),
    }
}
