//! `marketgate simulator`: the marketplace's side alone, against anybody's interface.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use anyhow::Context as _;
use serde_json::json;
use url::Url;

use super::stage::routes;
use super::{IsvKey, gateway, say, web_address};
use crate::clock::Clock;
use crate::control::{self, Slot};
use crate::crypto::Chance;
use crate::simulator::{self, Catalogue, Options, Seller, Timing};
use crate::web;

#[derive(clap::Args)]
pub struct Simulator {
    /// The provisioning URL (SPI) that is called.
    #[arg(long, value_name = "URL", value_parser = web_address)]
    target: Url,
    #[command(flatten)]
    isv_key: IsvKey,
    /// Where its pages, its OpenAPI and its control API listen, on loopback: whoever reaches it can have calls and
    /// login-free links signed.
    #[arg(long, default_value = "127.0.0.1:8081")]
    listen: SocketAddr,
    /// Keeps orders, calls and the clock; without it everything is forgotten at the end.
    #[arg(long, value_name = "FILE")]
    database: Option<PathBuf>,
    /// The AccessKey that signs the seller's calls to the OpenAPI.
    #[arg(long, env = "MARKETGATE_ACCESS_KEY_ID", value_name = "ID", requires = "access_key_secret")]
    access_key_id: Option<String>,
    #[arg(
        long,
        env = "MARKETGATE_ACCESS_KEY_SECRET",
        hide_env_values = true,
        value_name = "SECRET",
        requires = "access_key_id"
    )]
    access_key_secret: Option<String>,
    /// Product code that is sold.
    #[arg(long, value_name = "CODE")]
    product: Option<String>,
    /// A plan that is sold, may be repeated: by usage if it ends in -postpay, a trial of 7 days in -trial, else yearly.
    #[arg(long = "sku", value_name = "SKU")]
    skus: Vec<String>,
}

impl Simulator {
    pub fn run(self) -> anyhow::Result<()> {
        super::start_logging("warn");
        anyhow::ensure!(
            self.listen.ip().is_loopback(),
            "the simulator listens on loopback only, not on {}: whoever reaches it can have login-free links signed",
            self.listen
        );
        let slot: Slot = Arc::new(OnceLock::new());
        let mut listen = vec![self.listen];
        if self.listen.ip() == IpAddr::from([127, 0, 0, 1]) {
            // Its name is localhost, which may be either.
            listen.push((Ipv6Addr::LOCALHOST, self.listen.port()).into());
        }
        let chance = Chance::system();
        let access_key = match (self.access_key_id, self.access_key_secret) {
            (Some(id), Some(secret)) => (id, secret),
            // One that nobody knows: the OpenAPI refuses everything.
            _ => (format!("LTAI{}", &chance.token()[..16]), chance.token()),
        };
        let simulator = simulator::start(Options {
            listen,
            host: "localhost".into(),
            seller: Seller {
                target: self.target.into(),
                isv_key: self.isv_key.read()?,
                access_key_id: access_key.0,
                access_key_secret: access_key.1,
            },
            clock: Clock::system(),
            chance,
            database: self.database,
            catalogue: Catalogue::demo().selling(self.product.as_deref(), &self.skus),
            timing: Timing::demo(),
            static_version: web::assets::version().to_owned(),
            routes: routes(&slot, None),
            has_control: true,
        })
        .context("the simulator does not start")?;
        // Fails only if it was set before, which nobody else does.
        let _set = slot.set(control::Stage::alone(Arc::clone(simulator.market())));
        let url = simulator.url();
        say(&json!({ "ready": true, "simulator": url, "control": format!("{url}/control") }).to_string());
        actix_web::rt::System::new().block_on(gateway::asked_to_stop())?;
        simulator.stop();
        Ok(())
    }
}
