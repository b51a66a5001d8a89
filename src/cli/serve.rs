//! `marketgate serve`: production.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use anyhow::{Context as _, bail};
use sd_notify::NotifyState;

use super::fence::Pace;
use super::gateway::{self, Gateway, Start};
use super::{Settings, say};
use crate::app::{Release, Reread};
use crate::clock::Clock;
use crate::crypto::Chance;
use crate::store::Options;
use crate::store::migrate::{self, Status};
use crate::web::shield::Patience;

#[derive(clap::Args)]
pub struct Serve {
    #[command(flatten)]
    settings: Settings,
    /// Address to listen on, such as 127.0.0.1:8080.
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// Bring an older database up to date first, after copying it beside itself.
    #[arg(long)]
    migrate: bool,
}

impl Serve {
    pub fn run(self) -> anyhow::Result<()> {
        let flags: Vec<(&'static str, String)> =
            self.listen.iter().map(|listen| ("listen", listen.to_string())).collect();
        let config = self.settings.load(&flags)?;
        config.check_for_production()?;
        super::start_logging("info");
        let lock = gateway::lock(&config.database)?;
        prepare(&config.database, self.migrate)?;
        let master_key = super::master_key::read(&config.database, &config.master_key_path())?;
        let listener =
            TcpListener::bind(config.listen).with_context(|| format!("cannot listen on {}", config.listen))?;
        let metrics = match config.metrics.address()? {
            Some(address) => Some(TcpListener::bind(address).with_context(|| {
                format!("cannot listen on {address} for metrics: choose another with metrics.listen, or \"\" for none")
            })?),
            None => None,
        };
        let listen = listener.local_addr()?;
        let metrics_listen = metrics.as_ref().map(TcpListener::local_addr).transpose()?.map(tracing::field::display);
        let settings = self.settings.clone();
        let reread: Reread = Box::new(move || {
            let config = settings.load(&flags).map_err(|cause| format!("{cause:#}"))?;
            config.check_for_production().map_err(|cause| cause.to_string())?;
            Ok(config)
        });
        let workers = std::thread::available_parallelism().map_or(2, std::num::NonZeroUsize::get);
        let public_url = config.public_url.clone();
        actix_web::rt::System::new().block_on(async move {
            let hang_ups = gateway::hang_ups()?;
            let gateway = Gateway::start(Start {
                config,
                lock,
                master_key,
                clock: Clock::system(),
                chance: Chance::system(),
                options: Options::default(),
                listener,
                workers,
                metrics,
                is_mail_read: false,
                patience: Patience::default(),
                reread: Some(reread),
                courier: Box::new(gateway::direct),
                is_clock_watched: true,
                fence_pace: Pace::default(),
                is_production: true,
            })?;
            gateway::reload_at(hang_ups, &gateway.app);
            let stop = gateway::Stop::watch()?;
            tracing::info!(public_url, %listen, metrics = metrics_listen, version = Release::this().line(), "serving");
            tell_manager(NotifyState::Ready);
            let is_fallen = tokio::select! {
                () = stop.asked() => false,
                () = gateway.fallen() => true,
            };
            tracing::info!("stopping");
            tell_manager(NotifyState::Stopping);
            gateway.stop().await;
            anyhow::ensure!(!is_fallen, "another copy of this database took over: this one ended");
            Ok(())
        })
    }
}

/// Tells systemd, where it has started us and wants to know.
fn tell_manager(state: NotifyState<'_>) {
    if let Err(cause) = sd_notify::notify(&[state]) {
        tracing::warn!(%cause, "the service manager could not be told");
    }
}

/// Migrates if that was asked for; an unfit file is refused by the store, with the way out.
fn prepare(database: &Path, is_migrating: bool) -> anyhow::Result<()> {
    if is_migrating && matches!(migrate::status(database)?, Status::Older { .. }) {
        say(&super::migrate::tell(&migrate::migrate(database, false)?));
    }
    Ok(())
}

/// The 32 bytes that `marketgate init` made.
pub fn read_master_key(path: &Path) -> anyhow::Result<[u8; 32]> {
    let bytes = std::fs::read(path)
        .with_context(|| format!("cannot read the master key {}: run `marketgate init` once", path.display()))?;
    match bytes.try_into() {
        Ok(key) => Ok(key),
        Err(bytes) => bail!("the master key {} has {} bytes instead of 32", path.display(), Vec::<u8>::len(&bytes)),
    }
}
