//! `marketgate fixture`: the same for tests. Free ports, a place of its own, gone when its standard input closes.

use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;

use super::fence::Pace;
use super::gateway;
use super::seed::People;
use super::seed_file::SeedFile;
use super::stage::{Setup, Stage};
use super::{say, seed};
use crate::app::VERSION;
use crate::clock::Clock;
use crate::config::{DEMO_ISV_KEY, Heal};
use crate::crypto::Chance;
use crate::domain::network::Network;
use crate::domain::value::{HOUR_MS, Instant, SECOND_MS};
use crate::simulator::Timing;
use crate::store::lock::FileLock;
use crate::store::{Options, Synchronous};
use crate::web::shield::Patience;

#[derive(clap::Args)]
pub struct Fixture {
    /// Keep the data in this file instead of a place that is removed at the end.
    #[arg(long, value_name = "FILE")]
    database: Option<PathBuf>,
    /// TOML file with more people, organizations, purchases, bindings and faults; docs/fixture.md shows one.
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// Make ids and faults the same in every run with this number.
    #[arg(long, value_name = "NUMBER")]
    random_seed: Option<u64>,
    /// Limit guessing as `serve` does by default, instead of hardly at all.
    #[arg(long)]
    strict_limits: bool,
    /// A confirmed binding becomes live so many seconds later.
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    processing: u32,
    /// Compare with the simulator as `serve` does with the marketplace. Without it, tests may call the gateway for
    /// purchases of which the simulator knows nothing.
    #[arg(long)]
    heal: bool,
    /// Let the gateway ask, and push usage to, this origin instead of the simulator.
    #[arg(long, value_name = "ORIGIN")]
    openapi: Option<String>,
    /// Give the gateway no AccessKey.
    #[arg(long)]
    no_access_key: bool,
    /// The vendor has to confirm each binding.
    #[arg(long)]
    confirmation: bool,
    /// And the demo product does so.
    #[arg(long)]
    product_confirms: bool,
    /// Operators need two-step verification, as in `serve` by default.
    #[arg(long)]
    operator_totp: bool,
    /// A new user has to type the code that was mailed, as in `serve` by default.
    #[arg(long)]
    email_check: bool,
    /// Threads that answer requests.
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    workers: usize,
    /// Serve the gateway's metrics on a listener of its own; the line of readiness names it.
    #[arg(long)]
    metrics: bool,
    /// Believe what a proxy in this network says about its client; may be repeated.
    #[arg(long, value_name = "NETWORK")]
    trusted_proxy: Vec<Network>,
    /// Take a clock that is moved for one that was set, as `serve` does.
    #[arg(long, hide = true)]
    watch_clock: bool,
    /// Make copies in this directory, as `serve` does with `[backup]`.
    #[arg(long, hide = true, value_name = "DIRECTORY")]
    backup: Option<PathBuf>,
    /// End when another copy took over, as `serve` does with `[standby]`.
    #[arg(long, hide = true, value_name = "FILE")]
    fence: Option<PathBuf>,
    /// Push nothing after so long without a look at it.
    #[arg(long, hide = true, value_name = "MILLISECONDS")]
    fence_patience_ms: Option<u64>,
    /// Let the file grow to so many pages, as on a disk that is full then.
    #[arg(long, hide = true, value_name = "NUMBER")]
    max_pages: Option<u32>,
    /// Wait so long for slow clients, at each step.
    #[arg(long, hide = true, value_name = "MILLISECONDS")]
    patience_ms: Option<u64>,
}

impl Fixture {
    pub fn run(self) -> anyhow::Result<()> {
        super::start_logging("warn");
        let seed = self.seed.as_deref().map(SeedFile::read).transpose()?.unwrap_or_default();
        if let Some(database) = self.database.as_deref().filter(|database| self.seed.is_some() && database.exists()) {
            anyhow::bail!("{} exists already, and a seed needs a new file", database.display());
        }
        let more = seed.people()?;
        let place = Place::new(self.database)?;
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let metrics = self.metrics.then(|| TcpListener::bind(free)).transpose()?;
        let metrics_url =
            metrics.as_ref().map(TcpListener::local_addr).transpose()?.map(|at| format!("http://{at}/metrics"));
        let synchronous = if place.is_temporary { Synchronous::Normal } else { Synchronous::Full };
        let setup = Setup {
            database: place.database.clone(),
            is_temporary: place.is_temporary,
            gateway: free,
            simulator_port: 0,
            product: free,
            timing: Timing::fixture(),
            processing_secs: self.processing,
            has_access_key: !self.no_access_key,
            openapi_url: self.openapi,
            sweep_mins: if self.heal { Heal::default().sweep_mins } else { 0 },
            has_strict_limits: self.strict_limits,
            patience: self.patience_ms.map_or_else(Patience::default, |ms| {
                let each = Duration::from_millis(ms);
                // The server measures this one by a clock of half seconds.
                Patience { head: each.max(Duration::from_secs(2)), body: each, between: each }
            }),
            is_confirming: self.confirmation,
            is_product_confirming: self.product_confirms,
            is_operator_totp_required: self.operator_totp,
            is_email_checked: self.email_check,
            options: Options { synchronous, max_page_count: self.max_pages, ..Options::default() },
            workers: self.workers,
            metrics,
            trusted_proxies: self.trusted_proxy,
            random_seed: self.random_seed,
            public: None,
            backup: self.backup,
            fence: self.fence,
            fence_pace: self
                .fence_patience_ms
                .map(Duration::from_millis)
                .map_or_else(Pace::default, |patience| Pace { every: patience / 10, patience }),
            is_clock_watched: self.watch_clock,
            seed,
        };
        actix_web::rt::System::new().block_on(async move {
            // From now on a signal no longer leaves the place behind.
            let stop = gateway::Stop::watch()?;
            let stage = Stage::set(setup).await?;
            say(&readiness(&stage, &place, &more, metrics_url.as_deref()));
            tokio::select! {
                () = stop.asked() => {}
                () = input_closed() => {}
                () = stage.gateway.fallen() => {}
            }
            stage.strike().await;
            drop(place);
            Ok(())
        })
    }
}

/// The one line that tells a test where everything is.
fn readiness(stage: &Stage, place: &Place, more: &People, metrics: Option<&str>) -> String {
    let emails = seed::USERS.iter().map(|(email, _)| *email).chain(more.users.iter().map(|(email, _)| email.as_str()));
    let users: Vec<_> = emails.map(|email| json!({ "email": email, "password": seed::PASSWORD })).collect();
    let mut line = json!({
        "ready": true,
        "gateway": stage.gateway.app.config.public_url,
        "simulator": stage.simulator.url(),
        "product": stage.product_url,
        "isv_key": DEMO_ISV_KEY,
        "access_key_id": stage.access_key.0,
        "access_key_secret": stage.access_key.1,
        "api_key": stage.api_key,
        "operator": { "email": seed::OPERATOR, "password": seed::PASSWORD },
        "users": users,
        "database": place.database,
        "version": VERSION,
    });
    if let Some(url) = metrics {
        line["metrics"] = url.into();
    }
    line.to_string()
}

/// Resolves when nobody holds our standard input any more: the test that started us is gone.
async fn input_closed() {
    let (closed, waiting) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut sink = [0; 256];
        while std::io::stdin().read(&mut sink).is_ok_and(|read| read > 0) {}
        let _nobody_waits = closed.send(());
    });
    // An error means that the thread is gone, and so is the input.
    let _ended = waiting.await;
}

/// What the names of places begin with, and the database in each.
const PLACE: &str = "marketgate";
const DATABASE: &str = "fixture.db";
/// How long a place stays whose fixture was killed.
const KEPT_MS: i64 = HOUR_MS;

/// Where a fixture keeps its files.
struct Place {
    database: PathBuf,
    is_temporary: bool,
    directory: PathBuf,
}

impl Place {
    fn new(database: Option<PathBuf>) -> anyhow::Result<Self> {
        if let Some(database) = database {
            let directory = database.parent().map(PathBuf::from).unwrap_or_default();
            return Ok(Self { database, is_temporary: false, directory });
        }
        let now = Clock::system().now();
        clear(&std::env::temp_dir(), now);
        let directory = std::env::temp_dir().join(Chance::system().id(PLACE, now));
        std::fs::create_dir(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
        Ok(Self { database: directory.join(DATABASE), is_temporary: true, directory })
    }
}

/// Removes what fixtures of this user left that were killed: nothing else has such a name and a lock that is free. The age
/// keeps it from one that is about to take its lock, and leaves time to look at what a test did.
fn clear(places: &Path, now: Instant) {
    let Ok(found) = std::fs::read_dir(places) else { return };
    for entry in found.flatten() {
        let is_place =
            entry.file_name().to_str().and_then(|name| name.strip_prefix(PLACE)).is_some_and(|id| id.starts_with('_'));
        // Of the entry itself, wherever a link leads.
        let is_old = |of: &std::fs::Metadata| now.since_ms(Instant::from_ms(of.mtime() * SECOND_MS)) > KEPT_MS;
        let is_ours = |of: &std::fs::Metadata| of.is_dir() && of.uid() == rustix::process::geteuid().as_raw();
        if !is_place || !entry.metadata().is_ok_and(|of| is_ours(&of) && is_old(&of)) {
            continue;
        }
        let database = entry.path().join(DATABASE);
        if database.exists() && FileLock::take(&database).is_ok() {
            // Another one may be about the same.
            let _removed = std::fs::remove_dir_all(entry.path());
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.is_temporary
            && let Err(cause) = std::fs::remove_dir_all(&self.directory)
        {
            tracing::warn!(%cause, "the fixture's files were not removed");
        }
    }
}
