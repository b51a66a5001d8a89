//! A whole stage for demos and fixtures: gateway, simulator and demo product in one process, over HTTP like strangers.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::rt::task::JoinHandle;
use anyhow::Context as _;

use super::gateway::{self, Gateway, Start};
use super::seed;
use crate::clock::Clock;
use crate::config::{Config, DEMO_ISV_KEY};
use crate::control::{self, Slot};
use crate::crypto::Chance;
use crate::store::Options;
use crate::{demo, simulator, web};

/// What a stage is set up with.
pub struct Setup {
    pub database: PathBuf,
    /// The simulator forgets everything at the end.
    pub is_temporary: bool,
    pub gateway: SocketAddr,
    /// Bound on both loopback addresses; a name of its own makes it another site (rules A6).
    pub simulator_port: u16,
    pub product: SocketAddr,
    pub timing: simulator::Timing,
    pub processing_secs: u32,
    pub has_strict_limits: bool,
    /// The vendor has to confirm each binding.
    pub is_confirming: bool,
    /// And the demo product does so.
    pub is_product_confirming: bool,
    pub options: Options,
    pub workers: usize,
}

pub struct Stage {
    pub gateway: Gateway,
    pub simulator: simulator::Handle,
    pub product_url: String,
    pub api_key: String,
    pub access_key: (String, String),
    product: ServerHandle,
    usage: JoinHandle<()>,
}

/// How often the product looks whether it has usage to tell.
const LOOK_EVERY: Duration = Duration::from_secs(5);

impl Stage {
    /// Sets everything up, seeded. Needs an actix runtime around it.
    pub async fn set(setup: Setup) -> anyhow::Result<Self> {
        let lock = gateway::lock(&setup.database)?;
        let listener = listen(setup.gateway)?;
        let product_listener = listen(setup.product)?;
        let gateway_url = format!("http://{}", listener.local_addr()?);
        let product_url = format!("http://{}", product_listener.local_addr()?);
        let (clock, chance) = (Clock::system(), Chance::system());
        let access_key = (format!("LTAI{}", chance.token()[..16].to_owned()), chance.token());
        let slot: Slot = Arc::new(OnceLock::new());
        let simulator = simulator::start(simulator::Options {
            listen: vec![
                (Ipv4Addr::LOCALHOST, setup.simulator_port).into(),
                (Ipv6Addr::LOCALHOST, setup.simulator_port).into(),
            ],
            seller: simulator::Seller {
                target: format!("{gateway_url}/marketplace/alibaba/spi"),
                isv_key: DEMO_ISV_KEY.to_owned(),
                access_key_id: access_key.0.clone(),
                access_key_secret: access_key.1.clone(),
            },
            clock: clock.clone(),
            chance: Chance::system(),
            database: (!setup.is_temporary).then(|| beside(&setup.database, ".simulator")),
            catalogue: simulator::Catalogue::demo(),
            timing: setup.timing,
            static_version: web::assets::version().to_owned(),
            routes: routes(&slot),
            has_control: true,
        })?;
        let mut config = seed::config(
            &gateway_url,
            &simulator.url(),
            (&access_key.0, &access_key.1),
            &format!("{product_url}/enter"),
            &setup.database,
            setup.processing_secs,
        )?;
        config.confirmation.required = setup.is_confirming || setup.is_product_confirming;
        if setup.has_strict_limits {
            config.limits = crate::config::Limits::default();
        }
        let (market_url, brand) = (market_url(&config), config.brand.clone());
        let master_key = seed::master_key(&config.master_key_path())?;
        let gateway = Gateway::start(Start {
            config,
            lock,
            master_key,
            clock,
            chance,
            options: setup.options,
            listener,
            workers: setup.workers,
            is_mail_read: true,
        })?;
        let app = Arc::clone(&gateway.app);
        let now = app.now();
        let planting = Arc::clone(&app);
        let api_key = app
            .store
            .write(move |tx| {
                seed::plant(tx, &planting.chance, now)?;
                seed::api_key(tx, &planting.chance, now)
            })
            .await?;
        let (clock, tokens) = (app.clock.clone(), Arc::clone(&app));
        let product = demo::Product::open(demo::Options {
            gateway: gateway_url,
            market_url,
            api_key: api_key.clone(),
            brand: brand.name,
            support: brand.support,
            now: Box::new(move || clock.now()),
            token: Box::new(move || tokens.chance.token()),
            static_version: web::assets::version().to_owned(),
            file: (!setup.is_temporary).then(|| beside(&setup.database, ".clusters")),
            is_confirming: setup.is_product_confirming,
            assets: web::assets::configure,
        })?;
        // Fails only if it was set before, which nobody else does.
        let _set = slot.set(control::Stage::new(Arc::clone(&app), Arc::clone(simulator.market()), party(&product)));
        let server = product.serve(product_listener)?;
        let handle = server.handle();
        actix_web::rt::spawn(server);
        let usage = actix_web::rt::spawn(tell_usage(product, app.clock.clone()));
        Ok(Self { gateway, simulator, product_url, api_key, access_key, product: handle, usage })
    }

    /// The stranger first, then what it talks to.
    pub async fn strike(self) {
        self.usage.abort();
        self.product.stop(true).await;
        let simulator = self.simulator;
        if let Err(cause) = actix_web::rt::task::spawn_blocking(move || simulator.stop()).await {
            tracing::error!(%cause, "the simulator was not stopped in order");
        }
        self.gateway.stop().await;
    }
}

fn party(product: &Arc<demo::Product>) -> control::Party {
    let (asked, told) = (Arc::clone(product), Arc::clone(product));
    control::Party { next_due: Box::new(move || asked.next_due()), run_due: Box::new(move |now| told.run_due(now)) }
}

/// Tells the usage as time goes by; who moves the clock does not wait for this.
async fn tell_usage(product: Arc<demo::Product>, clock: Clock) {
    let mut looks = actix_web::rt::time::interval(LOOK_EVERY);
    loop {
        looks.tick().await;
        let now = clock.now();
        if product.next_due().is_some_and(|due| due <= now) {
            let told = Arc::clone(&product);
            if let Err(cause) = actix_web::rt::task::spawn_blocking(move || told.run_due(now)).await {
                tracing::error!(%cause, "the demo product could not tell its usage");
            }
        }
    }
}

pub fn routes(slot: &Slot) -> simulator::Routes {
    let slot = Arc::clone(slot);
    Arc::new(move |config| {
        web::assets::configure(config);
        control::configure(config, &slot);
    })
}

fn market_url(config: &Config) -> String {
    config.first_product().map(|product| product.market_url.clone()).unwrap_or_default()
}

fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).with_context(|| {
        format!("cannot listen on {address}: another program may hold it; choose another with --listen, or stop it")
    })
}

/// A file beside the database.
fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
