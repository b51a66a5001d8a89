//! `marketgate fixture`: the gateway for tests. Free ports, a place of its own, gone when its standard input closes.

use std::io::Read as _;
use std::net::TcpListener;
use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::json;

use super::gateway::{self, Gateway, Start};
use super::{say, seed};
use crate::app::VERSION;
use crate::clock::Clock;
use crate::crypto::Chance;
use crate::store::{Options, Synchronous};

#[derive(clap::Args)]
pub struct Fixture {
    /// Keep the data in this file instead of a place that is removed at the end.
    #[arg(long, value_name = "FILE")]
    database: Option<PathBuf>,
    /// Limit guessing as `serve` does by default, instead of hardly at all.
    #[arg(long)]
    strict_limits: bool,
}

impl Fixture {
    pub fn run(self) -> anyhow::Result<()> {
        super::start_logging("warn");
        let place = Place::new(self.database)?;
        let listener = TcpListener::bind("127.0.0.1:0").context("cannot listen on 127.0.0.1")?;
        let gateway_url = format!("http://{}", listener.local_addr()?);
        let mut config = seed::config(&gateway_url, "http://localhost:1", None, &place.database, 0)?;
        if self.strict_limits {
            config.limits = crate::config::Limits::default();
        }
        let lock = gateway::lock(&config.database)?;
        let key = seed::master_key(&config.master_key_path())?;
        let synchronous = if place.is_temporary { Synchronous::Normal } else { Synchronous::Full };
        let options = Options { synchronous, ..Options::default() };
        actix_web::rt::System::new().block_on(async move {
            let gateway = Gateway::start(Start {
                config,
                lock,
                master_key: key,
                clock: Clock::system(),
                chance: Chance::system(),
                options,
                listener,
                workers: 1,
            })?;
            let app = gateway.app.clone();
            let (api_key, now) = {
                let now = app.now();
                let planting = app.clone();
                (
                    app.store
                        .write(move |tx| {
                            seed::plant(tx, &planting.chance, now)?;
                            seed::api_key(tx, &planting.chance, now)
                        })
                        .await?,
                    now,
                )
            };
            tracing::debug!(now = now.ms(), "planted");
            let users: Vec<_> =
                seed::USERS.iter().map(|(email, _)| json!({ "email": email, "password": seed::PASSWORD })).collect();
            say(&json!({
                "ready": true,
                "gateway": gateway_url,
                "isv_key": crate::config::DEMO_ISV_KEY,
                "api_key": api_key,
                "operator": { "email": seed::OPERATOR, "password": seed::PASSWORD },
                "users": users,
                "database": place.database,
                "version": VERSION,
            })
            .to_string());
            tokio::select! {
                stopped = gateway::asked_to_stop() => stopped?,
                () = input_closed() => {}
            }
            gateway.stop().await;
            drop(place);
            Ok(())
        })
    }
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
        let directory = std::env::temp_dir().join(Chance::system().id("marketgate", Clock::system().now()));
        std::fs::create_dir(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
        Ok(Self { database: directory.join("fixture.db"), is_temporary: true, directory })
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
