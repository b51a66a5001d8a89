//! A whole stage for demos and fixtures: gateway, simulator and demo product in one process, over HTTP like strangers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::rt::task::JoinHandle;
use anyhow::Context as _;

use super::fence::Pace;
use super::gateway::{self, Gateway, Start};
use super::public::Public;
use super::seed;
use super::seed_file::SeedFile;
use crate::clock::Clock;
use crate::config::{Config, DEMO_ISV_KEY, OperatorTotp, Secret, Unverified};
use crate::control::{self, Planting, Scene, Slot};
use crate::crypto::Chance;
use crate::domain::network::Network;
use crate::store::Options;
use crate::store::file::beside;
use crate::web::shield::Patience;
use crate::{demo, simulator, usecase, web};

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
    /// The gateway has the seller's AccessKey.
    pub has_access_key: bool,
    /// Whom the gateway asks, if not the simulator.
    pub openapi_url: Option<String>,
    /// As in the configuration.
    pub sweep_mins: u32,
    pub has_strict_limits: bool,
    pub patience: Patience,
    /// The vendor has to confirm each binding.
    pub is_confirming: bool,
    /// And the demo product does so.
    pub is_product_confirming: bool,
    /// Operators need a second factor.
    pub is_operator_totp_required: bool,
    /// A new user types a code that was mailed.
    pub is_email_checked: bool,
    pub options: Options,
    pub workers: usize,
    /// Where the gateway's metrics are read, if anywhere.
    pub metrics: Option<TcpListener>,
    /// Networks whose word about the client is believed.
    pub trusted_proxies: Vec<Network>,
    /// Makes ids and faults repeatable.
    pub random_seed: Option<u64>,
    pub seed: SeedFile,
    /// Where copies go, and what may end it, as the settings of `serve` have it.
    pub backup: Option<PathBuf>,
    pub fence: Option<PathBuf>,
    pub fence_pace: Pace,
    /// A clock that is moved is taken for one that was set, as in `serve`.
    pub is_clock_watched: bool,
    /// Others than this machine reach it.
    pub public: Option<Public>,
}

pub struct Stage {
    pub gateway: Gateway,
    pub simulator: simulator::Handle,
    pub product_url: String,
    pub api_key: String,
    pub access_key: (String, String),
    /// Of everybody in the seed.
    pub password: String,
    /// Opens the control, where it is locked.
    pub control_key: Option<String>,
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
        let catalogue = simulator::Catalogue::demo();
        let (people, steps) = (setup.seed.people()?, setup.seed.steps(&catalogue)?);
        let past_ms = -steps.iter().map(|step| step.at_ms).min().unwrap_or_default();
        let (clock, chance) = (Clock::system(), chance(setup.random_seed, 0));
        clock.restart_at(clock.now().plus_ms(-past_ms));
        let access_key = (format!("LTAI{}", chance.token()[..16].to_owned()), chance.token());
        let chance_of_market = self::chance(setup.random_seed, 1);
        let slot: Slot = Arc::new(OnceLock::new());
        let public = setup.public.as_ref();
        let control_key = public.map(|public| Arc::from(public.control_key.as_str()));
        let addresses = match public {
            Some(public) => vec![public.address],
            None => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
        };
        let isv_key = public.map_or(DEMO_ISV_KEY, |public| &public.isv_key).to_owned();
        let simulator = simulator::start(simulator::Options {
            listen: addresses.into_iter().map(|address| (address, setup.simulator_port).into()).collect(),
            host: public.map_or_else(|| "localhost".into(), |public| in_url(public.address)),
            seller: simulator::Seller {
                target: format!("{gateway_url}/marketplace/alibaba/spi"),
                isv_key: isv_key.clone(),
                access_key_id: access_key.0.clone(),
                access_key_secret: access_key.1.clone(),
            },
            clock: clock.clone(),
            chance: chance_of_market,
            database: (!setup.is_temporary).then(|| beside(&setup.database, ".simulator")),
            catalogue,
            timing: setup.timing,
            static_version: web::assets::version().to_owned(),
            routes: routes(&slot, control_key.as_ref()),
            // Who may use it has its address.
            has_control: public.is_none(),
        })?;
        let mut config = seed::config(
            &gateway_url,
            &simulator.url(),
            if setup.has_access_key { (&access_key.0, &access_key.1) } else { ("", "") },
            &format!("{product_url}/enter"),
            &setup.database,
            setup.processing_secs,
        )?;
        config.heal.sweep_mins = setup.sweep_mins;
        config.backup.directory = setup.backup;
        config.standby.fence_file = setup.fence;
        config.trusted_proxies = setup.trusted_proxies;
        if setup.metrics.is_none() {
            config.metrics.listen.clear();
        }
        if let Some(public) = public {
            config.sellers.iter_mut().for_each(|seller| seller.isv_key = Secret::new(isv_key.clone()));
            config.webhooks.private_networks.push(Network::from(public.address));
        }
        if let Some(url) = setup.openapi_url {
            config.sellers.iter_mut().for_each(|seller| seller.openapi_url.clone_from(&url));
        }
        config.confirmation.required = setup.is_confirming || setup.is_product_confirming;
        if setup.is_operator_totp_required {
            config.accounts.operator_totp = OperatorTotp::Required;
        }
        if setup.is_email_checked {
            config.accounts.unverified = Unverified::Refuse;
        }
        if setup.has_strict_limits {
            config.limits = crate::config::Limits::default();
            config.rates = crate::config::Rates::default();
        }
        let (market_url, brand) = (market_url(&config), config.brand.clone());
        let master_key = seed::master_key(&config.database, &config.master_key_path())?;
        let market = Arc::clone(simulator.market());
        let gateway = Gateway::start(Start {
            config,
            lock,
            master_key,
            clock,
            chance,
            options: setup.options,
            listener,
            workers: setup.workers,
            metrics: setup.metrics,
            is_mail_read: true,
            patience: setup.patience,
            is_clock_watched: setup.is_clock_watched,
            fence_pace: setup.fence_pace,
            is_production: false,
            reread: None,
            courier: Box::new(move |way| Box::new(simulator::Unreliable::new(way, market))),
        })?;
        let app = Arc::clone(&gateway.app);
        let now = app.now();
        let api_key = usecase::api_key::fresh_secret(&app.chance, false);
        let (password, hash) = match &setup.public {
            Some(public) => {
                let hash = app.passwords.hash(&public.password, app.chance.bytes()).await?;
                let renewed = hash.clone();
                app.store.write(move |tx| seed::set_passwords(tx, &renewed, now)).await?;
                (public.password.clone(), hash)
            }
            None => (seed::PASSWORD.to_owned(), seed::PASSWORD_HASH.to_owned()),
        };
        let (planter, secret) = (Arc::downgrade(&app), api_key.clone());
        let plant: Planting = Arc::new(move |tx, now| {
            let app = planter.upgrade().ok_or(crate::error::Error::Busy)?;
            seed::plant(tx, &app.chance, &people, &hash, now)?;
            seed::product_key(tx, &app.chance, &secret, now)
        });
        let planting = Arc::clone(&plant);
        app.store.write(move |tx| planting(tx, now)).await?;
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
            assets: web::assets::configure,
        })?;
        let has_past = !steps.is_empty();
        let forgetful = Arc::clone(&product);
        let scene = Scene {
            plant,
            forget: Box::new(move || forgetful.forget()),
            past_ms,
            steps,
            api_key: api_key.clone(),
            password: password.clone(),
        };
        let stage = control::Stage::new(Arc::clone(&app), Arc::clone(simulator.market()), party(&product), scene);
        // Fails only if it was set before, which nobody else does.
        let _set = slot.set(stage);
        let own = product_listener.local_addr()?;
        let listening = Arc::clone(&product);
        let server = product.serve(product_listener)?;
        let handle = server.handle();
        actix_web::rt::spawn(server);
        if setup.is_product_confirming {
            let registered = actix_web::rt::task::spawn_blocking(move || listening.register(own)).await?;
            anyhow::ensure!(
                registered,
                "the demo product could not register its webhook: nobody would confirm bindings"
            );
        }
        if has_past {
            begin(&slot).await?;
        }
        let usage = actix_web::rt::spawn(tell_usage(product, app.clock.clone()));
        Ok(Self {
            gateway,
            simulator,
            product_url,
            api_key,
            access_key,
            password,
            control_key: setup.public.map(|public| public.control_key),
            product: handle,
            usage,
        })
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

/// Lets everything of the seed happen; the listeners answer meanwhile.
async fn begin(slot: &Slot) -> anyhow::Result<()> {
    let slot = Arc::clone(slot);
    let begun = actix_web::rt::task::spawn_blocking(move || slot.get().map_or(Ok(()), control::Stage::begin));
    begun.await?.context("the seed cannot be played")
}

/// The system's chance, or a repeatable one of its own for each side.
fn chance(seed: Option<u64>, side: u64) -> Chance {
    seed.map_or_else(Chance::system, |seed| Chance::repeatable(seed.wrapping_mul(2).wrapping_add(side)))
}

/// With a key, the control is only for who holds it.
pub fn routes(slot: &Slot, control_key: Option<&Arc<str>>) -> simulator::Routes {
    let (slot, key) = (Arc::clone(slot), control_key.map(Arc::clone));
    Arc::new(move |config| {
        web::assets::configure(config);
        control::configure(config, &slot, key.as_ref());
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

/// An address as the host of a URL.
fn in_url(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}
