//! The gateway as a running thing: opened, served, stopped.

use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use actix_web::dev::ServerHandle;
use actix_web::rt::signal::unix::{Signal, SignalKind, signal};
use anyhow::Context as _;
use arc_swap::ArcSwap;

use super::fence::{self, Candidate, Pace, Watchman};
use super::isv_key;
use super::socket::Socket;
use crate::app::{App, Asking, Holds, Keyring, Limits, Missed, Noting, Pulse, Reread};
use crate::clock::Clock;
use crate::config::{Config, Smtp, SmtpTls};
use crate::crypto::{Chance, Keys, Notary, Passwords};
use crate::domain::hold::Reason;
use crate::domain::network::may_reach;
use crate::domain::value::SECOND_MS;
use crate::jobs::{self, Runner};
use crate::metrics::Metrics;
use crate::outbound::smtp::{Encryption, Post, Server};
use crate::outbound::{self, Courier, Outbound};
use crate::store::lock::FileLock;
use crate::store::{Options, Store};
use crate::usecase::audit::By;
use crate::usecase::copy::{self, Opened};
use crate::usecase::{self, hold};
use crate::web;
use crate::web::shield::Patience;

pub struct Gateway {
    pub app: Arc<App>,
    server: ServerHandle,
    metrics: Option<ServerHandle>,
    jobs: Runner,
    /// How commands reach us; none where the file system has no sockets.
    socket: Option<Socket>,
    watchman: Watchman,
    // Held for life (rules D1).
    _lock: FileLock,
}

/// What a gateway is started with.
pub struct Start {
    pub config: Config,
    pub lock: FileLock,
    pub master_key: [u8; 32],
    pub clock: Clock,
    pub chance: Chance,
    pub options: Options,
    pub listener: TcpListener,
    pub workers: usize,
    /// Where a monitoring system asks, if anywhere.
    pub metrics: Option<TcpListener>,
    /// There is a mailbox for mails that no server sends.
    pub is_mail_read: bool,
    pub patience: Patience,
    /// Reads the settings again, where they come from a file.
    pub reread: Option<Reread>,
    /// Who brings messages to webhooks by the way that is given: [`direct`], or somebody who lets some go wrong.
    pub courier: Box<dyn FnOnce(Outbound) -> Box<dyn Courier>>,
    /// The clock is the machine's, and a step of it is a fault (rules D3).
    pub is_clock_watched: bool,
    pub fence_pace: Pace,
    /// A copy of a file that was served elsewhere is refused (rules D2), and so is the past.
    pub is_production: bool,
}

/// Brings every message as it is.
#[must_use]
pub fn direct(way: Outbound) -> Box<dyn Courier> {
    Box::new(way)
}

/// Takes the file's lock; a second process is told who holds it.
pub fn lock(database: &Path) -> anyhow::Result<FileLock> {
    FileLock::take(database).map_err(|held| anyhow::anyhow!("{held}"))
}

/// The way to the mail server of the settings.
pub fn post(smtp: &Smtp) -> anyhow::Result<Post> {
    let server = Server {
        host: &smtp.host,
        port: smtp.port(),
        encryption: match smtp.tls {
            SmtpTls::Tls => Encryption::Tls,
            SmtpTls::StartTls => Encryption::StartTls,
            SmtpTls::None => Encryption::None,
        },
        credentials: (!smtp.user.is_empty()).then(|| (smtp.user.as_str(), smtp.password.expose())),
        from: &smtp.from,
    };
    Post::new(&server).map_err(|why| anyhow::anyhow!("[smtp] cannot be used: {why}"))
}

/// The way to the vendor's webhooks.
fn hooks(config: &Config) -> Outbound {
    let networks = config.webhooks.private_networks.clone();
    Outbound::guarded(
        outbound::Limits { max_body: 64 * 1024, ..outbound::Limits::default() },
        move |address, is_encrypted| may_reach(address, is_encrypted, &networks),
    )
}

/// What the file says of itself; `None`: it is a copy that nobody has put into the original's place (rules D2).
fn open(store: &Store, config: &Config, clock: &Clock, is_production: bool) -> anyhow::Result<Option<Opened>> {
    let (home, now) = (copy::home(&config.database)?, clock.now());
    let asked: Vec<String> =
        config.sellers.iter().filter(|seller| config.asks(seller)).map(|seller| seller.id.clone()).collect();
    let ask = || -> crate::error::Result<Option<Opened>> {
        let Some(mut opened) = copy::open(store, &home, !is_production, &asked, now)? else { return Ok(None) };
        let behind = opened.last_commit_at.map_or(0, |last| last.since_ms(now));
        if is_production && behind > Pulse::STEP_MS {
            // It was later than this when the file was last written.
            let detail = format!("{} s", -behind / SECOND_MS);
            store.write_blocking(move |tx| hold::hold(tx, Reason::Clock, &detail, now))?;
            opened.holds.push(Reason::Clock);
        }
        Ok(Some(opened))
    };
    // On a thread of its own: it waits for the writer, which a runtime's thread must not.
    let opened = std::thread::scope(|scope| scope.spawn(ask).join());
    Ok(opened.map_err(|_| anyhow::anyhow!("the file could not be asked which copy it is"))??)
}

impl Gateway {
    /// Opens the store and starts to serve. Needs an actix runtime around it.
    pub fn start(start: Start) -> anyhow::Result<Self> {
        let Start {
            config,
            lock,
            master_key,
            clock,
            chance,
            options,
            listener,
            workers,
            metrics,
            is_mail_read,
            patience,
            reread,
            courier,
            is_clock_watched,
            fence_pace,
            is_production,
        } = start;
        let keys = Arc::new(Keys::new(master_key));
        let options = Options { notary: Some(Arc::new(Notary::new(Arc::clone(&keys)))), ..options };
        let store = Store::open(&config.database, options)
            .with_context(|| format!("cannot open {}", config.database.display()))?;
        // On a thread of its own: it waits for the writer, which a runtime's thread must not.
        let adopted = std::thread::scope(|scope| scope.spawn(|| usecase::master_key::adopt(&store, &keys)).join());
        if !adopted.map_err(|_| anyhow::anyhow!("the master key could not be compared with the file"))?? {
            store.close();
            anyhow::bail!(super::master_key::foreign(&config.database, &config.master_key_path()));
        }
        let opened = open(&store, &config, &clock, is_production)?;
        let Some(opened) = opened else {
            store.close();
            anyhow::bail!(super::restore::strange(&config.database));
        };
        let me = Candidate { epoch: opened.epoch, home: copy::home(&config.database)?, is_fenced: opened.is_fenced };
        let passed = std::thread::scope(|scope| scope.spawn(|| fence::pass(&config, &store, &me)).join());
        if let Err(cause) = passed.map_err(|_| anyhow::anyhow!("the fence could not be looked at")).flatten() {
            store.close();
            return Err(cause);
        }
        let post = config.smtp.as_ref().map(post).transpose()?;
        let app = Arc::new(App {
            holds: Holds::new(
                opened.holds.contains(&Reason::Restored),
                opened.holds.contains(&Reason::Clock),
                opened.gap.map(|gap| (gap.since, gap.until)),
            ),
            pulse: Pulse::new(is_clock_watched),
            limits: Limits::new(&config.limits, &config.rates),
            metrics: Metrics::new(web::patterns(), jobs::kinds()),
            started_at: clock.real_now(),
            is_stopping: AtomicBool::new(false),
            passwords: Passwords::start(config.accounts.hash_threads)?,
            keyring: ArcSwap::from_pointee(Keyring::of(&config, &keys)),
            reread,
            keys,
            work: store.work(),
            store,
            clock,
            chance,
            missed: Missed::default(),
            asking: Asking::default(),
            noting: Noting::default(),
            marketplace: Outbound::new(outbound::Limits::default()),
            is_mail_read: is_mail_read || post.is_some(),
            post,
            pushing: Mutex::default(),
            hooks: courier(hooks(&config)),
            config,
        });
        let server = web::serve(&app, listener, workers, patience)?;
        let handle = server.handle();
        actix_web::rt::spawn(server);
        let metrics = metrics.map(|listener| web::scrape::serve(&app, listener)).transpose()?;
        let metrics = metrics.map(|server| {
            let handle = server.handle();
            actix_web::rt::spawn(server);
            handle
        });
        let jobs = Runner::start(&app)?;
        let socket = Socket::open(&app)
            .inspect_err(|cause| tracing::warn!(%cause, "commands such as `api-key` cannot reach this process"))
            .ok();
        let watchman = Watchman::start(&app, me, fence_pace)?;
        Ok(Self { app, server: handle, metrics, jobs, socket, watchman, _lock: lock })
    }

    /// Resolves when another copy of the file took over: this one has to end (rules D2).
    pub async fn fallen(&self) {
        self.watchman.fallen().await;
    }

    /// Stops accepting, finishes what is being answered, folds the log into the file.
    pub async fn stop(self) {
        self.app.is_stopping.store(true, Ordering::Release);
        if let Some(socket) = self.socket {
            socket.close().await;
        }
        self.server.stop(true).await;
        if let Some(metrics) = &self.metrics {
            metrics.stop(false).await;
        }
        let (app, jobs) = (self.app, self.jobs);
        let closed = actix_web::rt::task::spawn_blocking(move || {
            jobs.stop();
            app.store.close();
        });
        if let Err(cause) = closed.await {
            tracing::error!(%cause, "the store was not closed in order");
        }
    }
}

/// SIGHUP, caught from here on: before anything is served, so that it never ends a process.
///
/// # Errors
/// If it cannot be caught.
pub fn hang_ups() -> std::io::Result<Signal> {
    signal(SignalKind::hangup())
}

/// Has the keys read again at each SIGHUP, for as long as the process lives.
pub fn reload_at(mut hang_ups: Signal, app: &Arc<App>) {
    let app = Arc::downgrade(app);
    actix_web::rt::spawn(async move {
        while hang_ups.recv().await.is_some() {
            let Some(app) = app.upgrade() else { return };
            let done = actix_web::rt::task::spawn_blocking(move || isv_key::reload(&app, &By::command_line())).await;
            match done {
                Ok(Ok(())) => tracing::info!("read the keys again"),
                Ok(Err(cause)) => tracing::error!("the keys of before stay in force: {cause:#}"),
                Err(cause) => tracing::error!(%cause, "the keys of before stay in force"),
            }
        }
    });
}

/// Waits for SIGTERM or SIGINT.
pub async fn asked_to_stop() -> std::io::Result<()> {
    Stop::watch()?.asked().await;
    Ok(())
}

/// SIGTERM and SIGINT, caught from [`Stop::watch`] on: whoever says that it is ready watches before.
pub struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    pub fn watch() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    pub async fn asked(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
