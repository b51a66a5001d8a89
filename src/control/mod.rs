//! What demos and fixtures may do beside the real doors: move the clock, buy without clicking, break things, read
//! every call and every mail. Mounted on the simulator's listener; `serve` has none of it (rules D4).

mod api;
mod lock;
mod page;
mod scene;
mod told;
mod tour;
mod view;
mod words;

use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, TryLockError};
use std::time::Duration;

use actix_web::Route;
use actix_web::guard::fn_guard;
use actix_web::http::Method;
use actix_web::web::{self, Data, ServiceConfig};

use crate::app::App;
use crate::domain::value::{DAY_MS, Instant};
use crate::jobs;
use crate::simulator::{self, Market};
use crate::usecase;

pub use scene::{Act, Planting, Scene, Step};

/// Somebody else who has things to do as the clock goes by. A stranger here, so it is told by functions.
pub struct Party {
    pub next_due: Box<dyn Fn() -> Option<Instant> + Send + Sync>,
    /// Does what is due; how much that was, and how much of it failed. Blocks.
    pub run_due: Box<dyn Fn(Instant) -> (u64, u64) + Send + Sync>,
}

/// Both sides of a demo and the product between them, or the marketplace's side alone.
pub struct Stage {
    market: Arc<Market>,
    /// `None`: the gateway is a stranger somewhere else, whose clock and mail are not ours.
    ours: Option<Ours>,
    /// One advance at a time (rules D3).
    moving: Mutex<()>,
}

/// The gateway's side of a stage.
struct Ours {
    app: Arc<App>,
    product: Party,
    scene: Scene,
}

/// Handed to the routes before the stage stands, because it is what listens.
pub type Slot = Arc<OnceLock<Stage>>;

/// A mail that the gateway would have sent, opened.
#[derive(Debug, Clone)]
pub struct Mail {
    pub id: i64,
    pub to: String,
    pub kind: String,
    pub subject: String,
    pub body: String,
    pub at: Instant,
}

/// What an advance did.
#[derive(Debug, Clone, Copy, Default)]
pub struct Moved {
    pub now: Instant,
    pub ran: u64,
    pub failed: u64,
}

/// Where the clock is to go.
#[derive(Debug, Clone, Copy)]
enum Target {
    /// So many milliseconds on.
    After(i64),
    At(Instant),
}

/// Why the clock was not moved.
#[derive(Debug)]
pub enum Unmoved {
    /// Another advance is under way.
    Busy,
    /// The target lies behind.
    Backwards,
    /// The target lies more than ten years ahead.
    TooFar,
    Failed(String),
}

/// Mails that a list shows.
const MAILS: u32 = 100;
/// Furthest that the clock goes in one move: ten years.
const MAX_ADVANCE_MS: i64 = 3_653 * DAY_MS;
/// Between two looks at what is due and in the hands of another thread.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

impl Stage {
    #[must_use]
    pub fn new(app: Arc<App>, market: Arc<Market>, product: Party, scene: Scene) -> Self {
        Self { market, ours: Some(Ours { app, product, scene }), moving: Mutex::new(()) }
    }

    /// The marketplace's side alone.
    #[must_use]
    pub fn alone(market: Arc<Market>) -> Self {
        Self { market, ours: None, moving: Mutex::new(()) }
    }

    /// The gateway's side.
    ///
    /// # Errors
    /// `NotFound("gateway")` where the marketplace's stands alone.
    fn ours(&self) -> Result<&Ours, simulator::Error> {
        self.ours.as_ref().ok_or(simulator::Error::NotFound("gateway"))
    }

    /// The right to move the clock; `None` while somebody else has it.
    fn hold(&self) -> Option<MutexGuard<'_, ()>> {
        match self.moving.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    fn now(&self) -> Instant {
        self.market.now()
    }

    /// The newest mails first; `None` without a gateway of ours. Blocks.
    fn mails(&self) -> Option<Vec<Mail>> {
        let app = &self.ours.as_ref()?.app;
        let found = app.store.read_blocking(|db| usecase::mail::list(db, MAILS)).unwrap_or_default();
        let open =
            |sealed: &str| app.keys.open(usecase::mail::SEAL, sealed).and_then(|bytes| String::from_utf8(bytes).ok());
        let mails = found
            .into_iter()
            .map(|mail| Mail {
                id: mail.id,
                to: mail.recipient,
                kind: mail.kind,
                subject: mail.subject,
                body: open(&mail.body).unwrap_or_default(),
                at: mail.created_at,
            })
            .collect();
        Some(mails)
    }

    /// Moves the clock of all forward, from one due instant to the next, running everything that became due on its
    /// way: the simulator first, as the marketplace is the cause, the product last (rules D3). Blocks.
    fn advance(&self, target: Target) -> Result<Moved, Unmoved> {
        let _one_at_a_time = self.hold().ok_or(Unmoved::Busy)?;
        let now = self.now();
        let to = match target {
            Target::After(ms) => now.plus_ms(ms),
            Target::At(to) => to,
        };
        if to < now {
            return Err(Unmoved::Backwards);
        }
        self.go(to)
    }

    /// [`Stage::advance`] for who holds the clock already. What the clock has passed by itself meanwhile is reached.
    fn go(&self, to: Instant) -> Result<Moved, Unmoved> {
        if to.since_ms(self.now()) > MAX_ADVANCE_MS {
            return Err(Unmoved::TooFar);
        }
        let failed = |cause: &dyn std::fmt::Display| Unmoved::Failed(cause.to_string());
        let mut moved = Moved::default();
        loop {
            let (app, product) =
                (self.ours.as_ref().map(|ours| &ours.app), self.ours.as_ref().map(|ours| &ours.product));
            let due = [
                self.market.next_due().map_err(|e| failed(&e))?,
                app.map(|app| jobs::next_due(app)).transpose().map_err(|e| failed(&e))?.flatten(),
                product.and_then(|product| (product.next_due)()),
            ];
            let next = due.into_iter().flatten().min().unwrap_or(to).min(to);
            // All sides share it.
            self.market.clock.advance_to(next);
            let now = self.now();
            let market = self.market.run_due(now).map_err(|e| failed(&e))?;
            let own = app.map(jobs::run_due).unwrap_or_default();
            let (told, untold) = product.map_or((0, 0), |product| (product.run_due)(now));
            moved.ran += market.ran + u64::from(own.ran) + told;
            moved.failed += market.failed + u64::from(own.failed) + untold;
            if market.ran == 0 && own.ran == 0 && told == 0 {
                if next >= to {
                    break;
                }
                // Something is due and not ours to do: the gateway's own thread was faster and is at it.
                std::thread::sleep(LOOK_AGAIN);
            }
        }
        self.market.remember_clock().map_err(|e| failed(&e))?;
        moved.now = self.now();
        Ok(moved)
    }
}

/// A route of the control.
struct Spec {
    method: Method,
    path: &'static str,
    handler: fn(Route) -> Route,
}

macro_rules! routes {
    ($($method:ident $path:literal => $handler:path;)*) => {
        [$(Spec { method: Method::$method, path: $path, handler: |route| route.to($handler) }),*]
    };
}

/// The API; `openapi.json` describes each of these, and a test holds it to that.
static API: &[Spec] = &routes! {
    POST   "/control/reset"                    => api::reset;
    GET    "/control/state"                    => api::state;
    GET    "/control/clock"                    => api::clock;
    POST   "/control/clock"                    => api::advance;
    POST   "/control/orders"                   => api::buy;
    GET    "/control/instances/{id}/login-url" => api::login_url;
    GET    "/control/instances/{id}/bills"     => api::bills;
    POST   "/control/instances/{id}/{change}"  => api::change;
    GET    "/control/policy"                   => api::policy;
    POST   "/control/policy"                   => api::set_policy;
    POST   "/control/bind"                     => api::bind;
    POST   "/control/usage"                    => api::use_up;
    GET    "/control/faults"                   => api::faults;
    POST   "/control/faults"                   => api::add_fault;
    DELETE "/control/faults"                   => api::remove_faults;
    POST   "/control/sweep"                    => api::sweep;
    GET    "/control/alarms"                   => api::alarms;
    GET    "/control/calls"                    => api::calls;
    GET    "/control/mail"                     => page::mails;
    GET    "/control/openapi.json"             => api::openapi;
};

/// The pages, and the forms on them.
static PAGES: &[Spec] = &routes! {
    GET    "/control"                          => page::show;
    POST   "/control/move"                     => page::advance;
    POST   "/control/break"                    => page::add_fault;
    POST   "/control/mend"                     => page::remove_fault;
    POST   "/control/policy/save"              => page::set_policy;
    POST   "/control/act"                      => page::act;
    POST   "/control/anew"                     => page::reset;
    POST   "/control/tour"                     => page::tour;
};

/// The control routes. With a key there is nothing for whoever has not been at `/control/unlock?key=…`.
pub fn configure(config: &mut ServiceConfig, slot: &Slot, key: Option<&Arc<str>>) {
    config.app_data(Data::from(Arc::clone(slot)));
    if let Some(key) = key {
        let key = Arc::clone(key);
        config
            .route(lock::UNLOCK, web::get().to(move |asked: web::Query<lock::Shown>| ready(lock::open(&key, &asked))));
    }
    for spec in API.iter().chain(PAGES) {
        let route = web::method(spec.method.clone());
        let route = match key.map(Arc::clone) {
            Some(key) => route.guard(fn_guard(move |context| lock::is_open(&key, context.head()))),
            None => route,
        };
        config.route(spec.path, (spec.handler)(route));
    }
}

/// The stage, if it stands.
fn stage(slot: &Slot) -> Result<&Stage, simulator::Error> {
    slot.get().ok_or_else(|| simulator::Error::Internal("not ready yet".into()))
}

/// RFC 3339, or a date and time without a zone, which is China's.
fn moment(text: &str) -> Option<Instant> {
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some(Instant::from_ms(at.as_millisecond()));
    }
    let civil: jiff::civil::DateTime = text.parse().ok()?;
    let china = jiff::tz::TimeZone::fixed(jiff::tz::Offset::constant(8));
    Some(Instant::from_ms(china.to_ambiguous_timestamp(civil).compatible().ok()?.as_millisecond()))
}

/// `90s`, `15m`, `2h`, `30d` in milliseconds.
#[must_use]
pub fn span(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.parse::<i64>().ok().filter(|number| *number >= 0)?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::{API, moment, span};

    #[test]
    fn the_description_names_every_route_and_no_other() {
        let described: serde_json::Value = serde_json::from_str(super::api::OPENAPI).unwrap();
        let mut told: Vec<(String, String)> = Vec::new();
        for (path, methods) in described["paths"].as_object().unwrap() {
            told.extend(methods.as_object().unwrap().keys().map(|method| (path.clone(), method.clone())));
        }
        let mut real: Vec<_> =
            API.iter().map(|spec| (spec.path.to_owned(), spec.method.as_str().to_lowercase())).collect();
        told.sort();
        real.sort();
        assert_eq!(told, real);
    }

    #[test]
    fn moments_without_a_zone_are_chinas() {
        let midnight = moment("2026-12-01T00:00:00+08:00").unwrap();
        for same in ["2026-12-01T00:00", "2026-12-01 00:00:00", "2026-12-01", "2026-11-30T16:00:00Z"] {
            assert_eq!(moment(same), Some(midnight), "{same}");
        }
        assert_eq!(moment("tomorrow"), None);
    }

    #[test]
    fn spans_have_a_number_and_a_unit() {
        assert_eq!((span("90s"), span("2h"), span("30d")), (Some(90_000), Some(7_200_000), Some(2_592_000_000)));
        for bad in ["", "h", "2", "-1h", "2w", "2 h", "時"] {
            assert_eq!(span(bad), None, "{bad}");
        }
    }
}
