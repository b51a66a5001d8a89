//! Alibaba's side: a stranger to the gateway that speaks HTTP only.
//!
//! It sells the products of a [`Catalogue`] to a few buyer accounts, calls the seller's interface (SPI) as the
//! marketplace does, retries included, shows the buyer's console, and answers the seller's `OpenAPI`. It obeys a
//! [`Clock`] that may be moved forward, keeps its own file, and misbehaves on request. It never runs in `serve`.
//!
//! | module | is |
//! |---|---|
//! | `catalogue` | what is sold, and to whom |
//! | `market` | the whole: what it knows, and how it is asked |
//! | `deal` | orders and instances: buying and what changes what was bought |
//! | `work` | the calls owed because of them, and what follows from the answers |
//! | `send` | the caller of the seller's interface |
//! | `receive` | the `OpenAPI` |
//! | `meter` | the part of it that takes usage |
//! | `fault` | what can be made to go wrong |
//! | `message` | messages to webhooks, of which some go wrong |
//! | `bill` | bills, computed from what was metered |
//! | `store` | the file |
//! | `web`, `view`, `statement`, `words` | the pages |

mod bill;
mod catalogue;
mod deal;
mod fault;
mod market;
mod message;
mod meter;
mod receive;
mod send;
mod statement;
mod store;
#[cfg(test)]
pub(crate) mod tests;
mod view;
mod web;
mod words;
mod work;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use actix_web::web::ServiceConfig;
use tokio::sync::oneshot;

use crate::clock::{Clock, Instant};
use crate::crypto::Chance;
use crate::domain::value::SECOND_MS;
use crate::outbound::Limits;

pub use bill::{Bill, Line, Statement, grouped, yuan};
pub use catalogue::{Account, Catalogue, Cycle, Item, Plan, Product, Said, Terms};
pub use deal::Purchase;
pub use fault::{ANY_MESSAGE, API_ACTIONS, FaultKind, SPI_ACTIONS};
pub use market::Market;
pub use message::Unreliable;
pub use meter::Policy;
pub use store::{CallRow, FaultRow, Instance, Metered, Notification, Order, OrderKind, Pairs, State, Unbilled};
pub use view::line;
pub use web::Visit;
pub use work::{MAX_CREATE_ATTEMPTS, Ran, Sent};

/// What goes wrong on this side.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thing; what kind of thing.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The state of things does not allow it; the code of the reason.
    #[error("refused: {0}")]
    Refused(&'static str),
    #[error("the simulator's file has version {0}, which this program does not know; delete it to start afresh")]
    Version(i64),
    /// The system's clock went back; how many seconds are missing (rule D4).
    #[error("the simulator has already seen a time {0} seconds ahead; wait, or delete its file to start afresh")]
    ClockWentBack(i64),
    #[error("the simulator cannot listen on {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
    #[error("the simulator's file: {0}")]
    Store(#[from] rusqlite::Error),
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Internal(String),
}

/// More routes for the simulator's listener. They may ask for `web::Data<Market>`.
pub type Routes = Arc<dyn Fn(&mut ServiceConfig) + Send + Sync>;

/// The seller whose products are sold.
#[derive(Debug, Clone, Default)]
pub struct Seller {
    /// Address of its provisioning interface.
    pub target: String,
    /// Signs the calls to it.
    pub isv_key: String,
    /// Sign its calls to us.
    pub access_key_id: String,
    pub access_key_secret: String,
}

/// How long things take.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// From the purchase to the first createInstance.
    pub provision_after_ms: i64,
    /// Between two attempts. Without any answer it doubles each time, up to sixteenfold.
    pub retry_every_ms: i64,
    /// Of one call, in real time.
    pub call: Limits,
    /// Calls in the air at the same time.
    pub callers: usize,
}

impl Timing {
    /// People watch: the marketplace's "1 - 5 minutes" are a few seconds.
    #[must_use]
    pub fn demo() -> Self {
        Self { provision_after_ms: 3 * SECOND_MS, retry_every_ms: 2 * SECOND_MS, call: Limits::default(), callers: 4 }
    }

    /// Nobody watches.
    #[must_use]
    pub fn fixture() -> Self {
        Self { provision_after_ms: 0, retry_every_ms: SECOND_MS, ..Self::demo() }
    }
}

pub struct Options {
    /// All of them get the same port; 0 is a free one. Addresses that the machine does not have are left out, as
    /// long as one remains.
    pub listen: Vec<SocketAddr>,
    /// What browsers call it: `localhost` makes it another site than the gateway (rule A6).
    pub host: String,
    pub seller: Seller,
    pub clock: Clock,
    pub chance: Chance,
    /// Its own file; `None` forgets everything at the end.
    pub database: Option<PathBuf>,
    pub catalogue: Catalogue,
    pub timing: Timing,
    /// Of the static files, which `routes` serves under `/static/`.
    pub static_version: String,
    /// Static files and, where time can be moved, the control pages.
    pub routes: Routes,
    /// Whether `routes` has the page `/control`.
    pub has_control: bool,
}

/// A running simulator. [`Handle::stop`] it.
pub struct Handle {
    market: Arc<Market>,
    host: String,
    port: u16,
    stop: Option<oneshot::Sender<()>>,
    threads: Vec<JoinHandle<()>>,
}

/// Opens the file, takes the clock to where it was, listens, and starts to work.
pub fn start(options: Options) -> Result<Handle, Error> {
    let store = store::Store::open(options.database.as_deref())?;
    resume_clock(&store, &options.clock)?;
    let (listeners, port) = listen(&options.listen)?;
    let market =
        Arc::new(Market::new(options.catalogue, options.clock, options.timing, options.chance, options.seller, store));
    let site = web::Site { static_version: options.static_version, has_control: options.has_control };
    let (server, stop) = web::serve(Arc::clone(&market), site, options.routes, listeners)?;
    let mut threads = vec![server];
    for number in 0..options.timing.callers.max(1) {
        let market = Arc::clone(&market);
        threads.push(std::thread::Builder::new().name(format!("marketplace-{number}")).spawn(move || market.work())?);
    }
    Ok(Handle { market, host: options.host, port, stop: Some(stop), threads })
}

impl Handle {
    #[must_use]
    pub fn market(&self) -> &Arc<Market> {
        &self.market
    }

    /// Where browsers find it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}:{}", self.host, self.port)
    }

    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Finishes what is in the air and closes the file.
    pub fn stop(mut self) {
        self.halt();
    }

    fn halt(&mut self) {
        self.market.close();
        if let Some(stop) = self.stop.take() {
            // The server's thread may be gone already; then there is nobody to tell.
            let _ = stop.send(());
        }
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the simulator panicked");
            }
        }
        if let Err(e) = self.market.remember_clock() {
            tracing::error!(error = %e, "the simulator cannot write its clock down");
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.halt();
    }
}

/// Facts about the clock in the file.
const AHEAD: &str = "clock_ahead_ms";
const SEEN: &str = "clock_seen_ms";

/// Moves the clock as far ahead as it was, and checks that this is not before what was seen (rule D4).
fn resume_clock(store: &store::Store, clock: &Clock) -> Result<(), Error> {
    if let Some(ahead_ms) = store.find_fact(AHEAD)? {
        clock.advance_to(clock.now().plus_ms(ahead_ms - clock.ahead_ms()));
    }
    let missing = store.find_fact(SEEN)?.map_or(0, |seen| Instant::from_ms(seen).since_ms(clock.now()));
    if missing > 0 { Err(Error::ClockWentBack(missing / SECOND_MS + 1)) } else { Ok(()) }
}

impl Market {
    /// Writes down where the clock is; whoever moves it calls this.
    pub fn remember_clock(&self) -> Result<(), Error> {
        let store = self.store();
        store.set_fact(AHEAD, self.clock.ahead_ms())?;
        store.set_fact(SEEN, self.clock.now().ms())
    }
}

/// Binds every address to one port.
fn listen(addresses: &[SocketAddr]) -> Result<(Vec<TcpListener>, u16), Error> {
    const ATTEMPTS: u32 = 20;
    let mut attempt = 0;
    loop {
        attempt += 1;
        match listen_once(addresses) {
            // A port that is free on the first address may be taken on the next one: choose another.
            Err(Error::Listen(address, _)) if address.port() == 0 && attempt < ATTEMPTS => {}
            other => return other,
        }
    }
}

fn listen_once(addresses: &[SocketAddr]) -> Result<(Vec<TcpListener>, u16), Error> {
    let mut listeners: Vec<TcpListener> = Vec::new();
    let mut port = 0;
    for address in addresses {
        let mut wanted = *address;
        if wanted.port() == 0 {
            wanted.set_port(port);
        }
        match TcpListener::bind(wanted) {
            Ok(listener) => {
                port = listener.local_addr()?.port();
                listeners.push(listener);
            }
            Err(e) if !listeners.is_empty() && e.kind() == std::io::ErrorKind::AddrNotAvailable => {
                tracing::warn!(%address, "the simulator leaves out an address that this machine does not have");
            }
            Err(e) => return Err(Error::Listen(*address, e)),
        }
    }
    if listeners.is_empty() {
        return Err(Error::Internal("the simulator has no address to listen on".into()));
    }
    Ok((listeners, port))
}
