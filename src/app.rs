//! What every request and job is given: the store, the clock, chance, keys, settings and limits.

mod hold;
mod keyring;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

use crate::clock::{Clock, Instant};
use crate::config::Config;
use crate::crypto::{Chance, Keys, Passwords};
use crate::error::{Error, Result};
use crate::metrics::Metrics;
use crate::outbound::smtp::Post;
use crate::outbound::{Courier, Outbound};
use crate::store::{Bell, Store};
pub use hold::{Holds, Pulse};
pub use keyring::{IsvKey, Keyring, Ring};

/// The program's version, as the package has it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Which program this is: the same for every build of one commit.
pub struct Release {
    pub version: &'static str,
    /// Twelve digits, or `development` for a build that does not know.
    pub commit: &'static str,
    /// Of the commit, such as `2026-11-24` (UTC); empty where that is not known.
    pub date: String,
}

impl Release {
    #[must_use]
    pub fn this() -> Self {
        // Without the prefix of our settings: cargo hands these names on to what it runs.
        let commit = env!("BUILD_COMMIT");
        let epoch = env!("BUILD_EPOCH").parse().ok();
        let at = epoch.and_then(|secs| jiff::Timestamp::from_second(secs).ok());
        Self {
            version: VERSION,
            commit: if commit.is_empty() { "development" } else { commit },
            date: at.map(|at| at.strftime("%Y-%m-%d").to_string()).unwrap_or_default(),
        }
    }

    /// `0.1.0 (1a2b3c4d5e6f, 2026-11-24)`
    #[must_use]
    pub fn line(&self) -> String {
        let Self { version, commit, date } = self;
        if date.is_empty() { format!("{version} ({commit})") } else { format!("{version} ({commit}, {date})") }
    }
}

/// Reads the configuration again, as at the start; a sentence if that cannot be.
pub type Reread = Box<dyn Fn() -> Result<Config, String> + Send + Sync>;

pub struct App {
    pub config: Config,
    pub store: Store,
    pub clock: Clock,
    pub chance: Chance,
    pub keys: Arc<Keys>,
    pub passwords: Passwords,
    pub limits: Limits,
    pub metrics: Metrics,
    /// By the system's clock.
    pub started_at: Instant,
    /// Set when the end begins: whoever asks whether it is ready hears no.
    pub is_stopping: AtomicBool,
    /// The way to the marketplace's `OpenAPI`.
    pub marketplace: Outbound,
    /// What may not happen until a person says so.
    pub holds: Holds,
    /// Whether the clock moved by itself.
    pub pulse: Pulse,
    /// Held by the one thread that pushes usage.
    pub pushing: Mutex<()>,
    /// The way to the vendor's webhooks: to public addresses, and to networks that the settings open.
    pub hooks: Box<dyn Courier>,
    /// The way to the mail server, if one is configured.
    pub post: Option<Post>,
    /// Mails reach somebody: by a mail server, or in a demo's mailbox. Where they do not, pages offer another way.
    pub is_mail_read: bool,
    /// Rung by the store when jobs were written.
    pub work: Arc<Bell>,
    /// Calls of the marketplace that could not be stored.
    pub missed: Missed,
    /// How the marketplace is asked: not too often, and where the last round stopped.
    pub asking: Asking,
    /// Keys whose use is being written.
    pub noting: Noting,
    /// What sellers' calls are signed with; replaced whole when it is read again.
    pub keyring: ArcSwap<Keyring>,
    /// `None` where the configuration comes from no file.
    pub reread: Option<Reread>,
}

impl App {
    /// Whether what the clock says may decide what becomes of usage (rules D3).
    #[must_use]
    pub fn trusts_clock(&self) -> bool {
        self.holds.may_close() && self.pulse.step_ms(self.now()) == 0
    }

    #[must_use]
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// When a binding that is requested now becomes live at the earliest.
    #[must_use]
    pub fn live_from(&self, now: Instant) -> Instant {
        now.plus_secs(i64::from(self.config.binding.processing_secs))
    }

    /// Until when the vendor may confirm a binding that is requested now; `None` where that is not asked for (rules A4).
    #[must_use]
    pub fn confirmation_deadline(&self, now: Instant) -> Option<Instant> {
        let confirmation = &self.config.confirmation;
        confirmation.required.then(|| now.plus_secs(i64::from(confirmation.timeout_secs)))
    }

    /// An address on the gateway, for mails and the marketplace.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.config.public_url)
    }
}

/// Limits against guessing and flooding, per address and per user. They run on the real clock (rules D3).
pub struct Limits {
    pub sign_in_by_address: Limit,
    pub sign_in_by_user: Limit,
    pub register_by_address: Limit,
    pub reset_by_address: Limit,
    pub reset_by_user: Limit,
    /// Login-free links and one-time codes.
    pub landing_by_address: Limit,
    /// Refused calls of which a sample is kept (rules B4).
    pub refused_sample: Limit,
    /// Load, not guessing: of keys, and of addresses without one.
    pub api_by_key: Limit,
    pub usage_by_key: Limit,
    pub pages_by_address: Limit,
    pub organizations_by_user: Limit,
    pub invitations_by_user: Limit,
    pub changes_by_user: Limit,
}

impl Limits {
    #[must_use]
    pub fn new(config: &crate::config::Limits, rates: &crate::config::Rates) -> Self {
        Self {
            sign_in_by_address: Limit::per_minute(config.sign_in_per_address_minute),
            sign_in_by_user: Limit::per_minute(config.sign_in_per_user_minute),
            register_by_address: Limit::per_hour(config.register_per_address_hour),
            reset_by_address: Limit::per_hour(config.reset_per_address_hour),
            reset_by_user: Limit::per_hour(config.reset_per_user_hour),
            landing_by_address: Limit::per_minute(config.landing_per_address_minute),
            refused_sample: Limit::per_second(),
            api_by_key: Limit::per_minute(rates.api_per_key_minute),
            usage_by_key: Limit::per_minute(rates.usage_per_key_minute),
            pages_by_address: Limit::per_minute(rates.pages_per_address_minute),
            organizations_by_user: Limit::per_hour(rates.organizations_per_user_hour),
            invitations_by_user: Limit::per_hour(rates.invitations_per_user_hour),
            changes_by_user: Limit::per_hour(rates.changes_per_user_hour),
        }
    }

    /// Forgets keys that have been quiet; called now and then by a job.
    pub fn forget_quiet(&self) {
        for limit in [
            &self.sign_in_by_address,
            &self.sign_in_by_user,
            &self.register_by_address,
            &self.reset_by_address,
            &self.reset_by_user,
            &self.landing_by_address,
            &self.refused_sample,
            &self.api_by_key,
            &self.usage_by_key,
            &self.pages_by_address,
            &self.organizations_by_user,
            &self.invitations_by_user,
            &self.changes_by_user,
        ] {
            limit.keyed.retain_recent();
        }
    }
}

/// So many per key and period, all of them at once if need be.
pub struct Limit {
    keyed: RateLimiter<String, DefaultKeyedStateStore<String>, DefaultClock, StateInformationMiddleware>,
    period_secs: u32,
}

/// What is left to a key, in the terms of the `RateLimit` headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    pub most: u32,
    pub period_secs: u32,
    pub remaining: u32,
    /// Until all is left again, or, if nothing is, until one more is.
    pub reset_secs: u32,
}

impl Limit {
    fn new(quota: Quota, period_secs: u32) -> Self {
        Self { keyed: RateLimiter::keyed(quota).with_middleware(), period_secs }
    }

    fn per_second() -> Self {
        Self::new(Quota::per_second(NonZeroU32::MIN), 1)
    }

    fn per_minute(count: NonZeroU32) -> Self {
        Self::new(Quota::per_minute(count), 60)
    }

    fn per_hour(count: NonZeroU32) -> Self {
        Self::new(Quota::per_hour(count), 3_600)
    }

    /// Counts one for `key`.
    ///
    /// # Errors
    /// [`Error::TooMany`] with the seconds after which it is worth trying again.
    pub fn check(&self, key: &str) -> Result<()> {
        self.take(key).map(|_| ()).map_err(|left| Error::TooMany { retry_after_secs: left.reset_secs })
    }

    /// Counts one for `key`, and tells what is left.
    ///
    /// # Errors
    /// Nothing is.
    pub fn take(&self, key: &str) -> Result<Left, Left> {
        let left = |most: NonZeroU32, remaining, reset_secs| Left {
            most: most.get(),
            period_secs: self.period_secs,
            remaining,
            reset_secs,
        };
        match self.keyed.check_key(&one_holder(key)) {
            Ok(now) => {
                let (most, remaining) = (now.quota().burst_size(), now.remaining_burst_capacity());
                let spent = u64::from(most.get().saturating_sub(remaining));
                let reset = (spent * u64::from(self.period_secs)).div_ceil(u64::from(most.get()));
                Ok(left(most, remaining, u32::try_from(reset).unwrap_or(u32::MAX)))
            }
            Err(wait) => {
                let secs = wait.wait_time_from(DefaultClock::default().now()).as_secs() + 1;
                Err(left(wait.quota().burst_size(), 0, u32::try_from(secs).unwrap_or(u32::MAX)))
            }
        }
    }
}

/// Characters of a key that are looked at.
const LONGEST_KEY: usize = 254;

/// The key that an address is counted under: whoever has one IPv6 address has all of its /64.
fn one_holder(key: &str) -> String {
    match key.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        Ok(IpAddr::V4(address)) => address.to_string(),
        // What somebody typed is kept for a while: not more of it than an address may have.
        Err(_) => key.chars().take(LONGEST_KEY).collect(),
    }
}

/// Calls with a good token that got a 503 (rules B4): kept in memory until the store takes them, because it is the
/// store that did not.
#[derive(Default)]
pub struct Missed {
    /// Seller and instance.
    calls: Mutex<BTreeSet<(String, String)>>,
}

impl Missed {
    /// Instances that are remembered; further ones are left to the daily check.
    const MOST: usize = 10_000;

    pub fn note(&self, call: (String, String)) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if calls.len() < Self::MOST {
            calls.insert(call);
        }
    }

    /// The first of them, so many at most.
    #[must_use]
    pub fn list(&self, most: usize) -> Vec<(String, String)> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).iter().take(most).cloned().collect()
    }

    /// These are stored.
    pub fn forget(&self, stored: &[(String, String)]) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        for call in stored {
            calls.remove(call);
        }
    }
}

/// Keeps what is asked of the marketplace apart, however many threads ask, on the real clock (rules D3), and knows how
/// far each seller's calls were searched.
#[derive(Default)]
pub struct Asking {
    last: Mutex<Option<std::time::Instant>>,
    is_closed: AtomicBool,
    /// By seller, the instance that was looked at last. Lost at the end: the search begins anew.
    searched: Mutex<BTreeMap<String, String>>,
}

impl Asking {
    /// Between the beginnings of two questions.
    const APART: Duration = Duration::from_millis(50);

    /// Naps until it is this caller's turn; false: nothing may be asked any more.
    pub fn wait(&self) -> bool {
        // Whoever naps keeps the others waiting, which is the point.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(left) = last.and_then(|last| Self::APART.checked_sub(last.elapsed())) {
            std::thread::sleep(left);
        }
        *last = Some(std::time::Instant::now());
        !self.is_closed.load(Ordering::Acquire)
    }

    /// The instance at which the search of a seller's calls stopped; empty: at the beginning.
    #[must_use]
    pub fn searched(&self, seller_id: &str) -> String {
        let searched = self.searched.lock().unwrap_or_else(PoisonError::into_inner);
        searched.get(seller_id).cloned().unwrap_or_default()
    }

    pub fn set_searched(&self, seller_id: &str, instance_id: String) {
        let mut searched = self.searched.lock().unwrap_or_else(PoisonError::into_inner);
        searched.insert(seller_id.to_owned(), instance_id);
    }

    /// Nothing is asked any more: the gateway stops.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
    }
}

/// Lets one of many callers write that a key was used, and the others pass.
#[derive(Default)]
pub struct Noting {
    ids: Mutex<BTreeSet<String>>,
}

impl Noting {
    /// `None` while somebody else is at it.
    pub fn begin(&self, id: &str) -> Option<Turn<'_>> {
        let is_first = self.ids.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
        is_first.then(|| Turn { of: self, id: id.to_owned() })
    }
}

/// Somebody's turn; over when dropped, also where the caller has gone away.
pub struct Turn<'a> {
    of: &'a Noting,
    id: String,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.of.ids.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn what_is_left_is_told_and_a_whole_ipv6_network_is_one_caller() {
        let limit = Limit::per_minute(NonZeroU32::new(3).unwrap());
        let told: Vec<_> = (1..=4).map(|n| limit.take(&format!("2001:db8:1:2::{n}"))).collect();
        let left = |remaining, reset_secs| Left { most: 3, period_secs: 60, remaining, reset_secs };
        assert_eq!(told[..3], [Ok(left(2, 20)), Ok(left(1, 40)), Ok(left(0, 60))]);
        assert!(matches!(told[3], Err(Left { remaining: 0, reset_secs: 1..=21, .. })), "{:?}", told[3]);
        assert!(limit.check("2001:db8:1:3::1").is_ok(), "another network");
        for address in ["192.0.2.1", "192.0.2.2", "::ffff:192.0.2.1", "usr_1"] {
            assert!(limit.check(address).is_ok(), "{address}");
        }
        assert_eq!(one_holder("::ffff:192.0.2.1"), one_holder("192.0.2.1"));
    }
}
