//! Keys of the vendor's product: what each may do, and for how long.

use super::organization::check_name;
use super::value::{DAY_MS, HOUR_MS, Instant};

/// What a key may do. A key has some of them; none includes another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    UsageWrite,
    OrganizationsRead,
    SubscriptionsRead,
    MeteringRead,
    EventsRead,
    WebhooksWrite,
    BindingsWrite,
    SessionsExchange,
    /// Whole buyer accounts instead of masked ones (rules D6).
    AccountsRead,
}

impl Scope {
    pub const ALL: [Self; 9] = [
        Self::UsageWrite,
        Self::OrganizationsRead,
        Self::SubscriptionsRead,
        Self::MeteringRead,
        Self::EventsRead,
        Self::WebhooksWrite,
        Self::BindingsWrite,
        Self::SessionsExchange,
        Self::AccountsRead,
    ];

    /// As keys, requests and documents say it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UsageWrite => "usage:write",
            Self::OrganizationsRead => "organizations:read",
            Self::SubscriptionsRead => "subscriptions:read",
            Self::MeteringRead => "metering:read",
            Self::EventsRead => "events:read",
            Self::WebhooksWrite => "webhooks:write",
            Self::BindingsWrite => "bindings:write",
            Self::SessionsExchange => "sessions:exchange",
            Self::AccountsRead => "accounts:read",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

/// Longest life of a key that ends, in days.
pub const LIFE_MAX_DAYS: u32 = 3_650;
/// How long the former key goes on after a rotation, at most, in hours.
pub const OVERLAP_MAX_HOURS: u32 = 30 * 24;
/// How long it goes on unless another overlap is chosen, in hours.
pub const OVERLAP_HOURS: u32 = 24;
/// A key that ends within this time is told apart.
const SOON_MS: i64 = 14 * DAY_MS;
/// A key's last use is written this often at most: the time of it is coarse, and no call waits for a write.
pub const USE_NOTED_EVERY_MS: i64 = 10 * 60 * 1_000;

/// A key that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub name: String,
    /// In the order of [`Scope::ALL`], each once.
    pub scopes: Vec<Scope>,
    /// `None`: until it is revoked.
    pub life_days: Option<u32>,
}

impl Draft {
    /// Checks what was asked for.
    ///
    /// # Errors
    /// The field (`name`, `scope`, `days`) and the code of what is wrong with it.
    pub fn new(
        name: &str,
        scopes: impl IntoIterator<Item = impl AsRef<str>>,
        life_days: Option<u32>,
    ) -> Result<Self, (&'static str, &'static str)> {
        let name = check_name(name).map_err(|code| ("name", code))?;
        let asked: Option<Vec<Scope>> = scopes.into_iter().map(|text| Scope::parse(text.as_ref())).collect();
        let mut scopes = asked.ok_or(("scope", "unknown"))?;
        scopes.sort_unstable();
        scopes.dedup();
        if scopes.is_empty() {
            return Err(("scope", "required"));
        }
        check_life(life_days)?;
        Ok(Self { name, scopes, life_days })
    }

    /// As rows have it.
    #[must_use]
    pub fn scopes_text(&self) -> String {
        self.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// When one that is made now ends.
    #[must_use]
    pub fn expires_at(&self, now: Instant) -> Option<Instant> {
        self.life_days.map(|days| now.plus_ms(i64::from(days) * DAY_MS))
    }
}

/// # Errors
/// A life of no time, or of more than [`LIFE_MAX_DAYS`].
pub fn check_life(days: Option<u32>) -> Result<(), (&'static str, &'static str)> {
    if days.is_none_or(|days| (1..=LIFE_MAX_DAYS).contains(&days)) { Ok(()) } else { Err(("days", "out_of_range")) }
}

/// When a key that is replaced now ends: after the overlap, and never later than it would have.
///
/// # Errors
/// An overlap longer than [`OVERLAP_MAX_HOURS`].
pub fn ends_after(
    expires_at: Option<Instant>,
    overlap_hours: u32,
    now: Instant,
) -> Result<Instant, (&'static str, &'static str)> {
    if overlap_hours > OVERLAP_MAX_HOURS {
        return Err(("overlap", "out_of_range"));
    }
    let end = now.plus_ms(i64::from(overlap_hours) * HOUR_MS);
    Ok(expires_at.map_or(end, |at| at.min(end)))
}

/// Whether somebody should see to a key, which ends soon and has none that takes its place.
#[must_use]
pub fn ends_soon(state: State, expires_at: Option<Instant>, is_replaced: bool, now: Instant) -> bool {
    state == State::InForce && !is_replaced && expires_at.is_some_and(|at| at.since_ms(now) < SOON_MS)
}

/// What can be done with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    InForce,
    Expired,
    Revoked,
}

impl State {
    pub const ALL: [Self; 3] = [Self::InForce, Self::Expired, Self::Revoked];

    #[must_use]
    pub fn of(revoked_at: Option<Instant>, expires_at: Option<Instant>, now: Instant) -> Self {
        match (revoked_at, expires_at) {
            (Some(_), _) => Self::Revoked,
            (None, Some(at)) if at <= now => Self::Expired,
            (None, _) => Self::InForce,
        }
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InForce => "in_force",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

/// How secrets begin: a key of a demo or a test is told from one that moves money.
#[must_use]
pub const fn prefix(is_live: bool) -> &'static str {
    if is_live { "mg_live_" } else { "mg_test_" }
}

/// What may be shown of a secret ever after, so that somebody who holds one finds its row: the first four characters
/// behind the prefix, of forty-three.
#[must_use]
pub fn hint(secret: &str) -> String {
    let is_ours = [true, false].into_iter().find(|is_live| secret.starts_with(prefix(*is_live)));
    let shown = is_ours.map_or(0, |is_live| prefix(is_live).len() + 4);
    secret.chars().take(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_has_a_name_known_scopes_and_a_life() {
        let draft = |name: &str, scopes: &[&str], days| Draft::new(name, scopes.iter().copied(), days);
        for (name, scopes, days, wrong) in [
            ("", &["usage:write"][..], None, ("name", "required")),
            ("a", &[], None, ("scope", "required")),
            ("a", &["usage:write", "usage:read"], None, ("scope", "unknown")),
            ("a", &["usage:write"], Some(0), ("days", "out_of_range")),
            ("a", &["usage:write"], Some(LIFE_MAX_DAYS + 1), ("days", "out_of_range")),
        ] {
            assert_eq!(draft(name, scopes, days), Err(wrong));
        }
        let made = draft(" a ", &["events:read", "usage:write", "events:read"], Some(1));
        let made = made.unwrap_or_else(|wrong| panic!("{wrong:?}"));
        assert_eq!((made.name.as_str(), made.scopes_text().as_str()), ("a", "usage:write events:read"));
        assert_eq!(made.expires_at(Instant::from_ms(5)), Some(Instant::from_ms(5 + DAY_MS)));
    }

    #[test]
    fn a_replaced_key_ends_after_the_overlap_and_never_later_than_before() {
        let (now, at) = (Instant::from_ms(1_000), Instant::from_ms);
        assert_eq!(ends_after(None, 0, now), Ok(now));
        assert_eq!(ends_after(None, 2, now), Ok(now.plus_ms(2 * HOUR_MS)));
        assert_eq!(ends_after(Some(at(2_000)), 2, now), Ok(at(2_000)));
        assert_eq!(ends_after(Some(at(2_000 * HOUR_MS)), 2, now), Ok(now.plus_ms(2 * HOUR_MS)));
        assert_eq!(ends_after(None, OVERLAP_MAX_HOURS + 1, now), Err(("overlap", "out_of_range")));
    }

    #[test]
    fn a_key_ends_at_its_time_and_a_revoked_one_stays_revoked() {
        let at = Instant::from_ms;
        assert_eq!(State::of(None, None, at(9)), State::InForce);
        assert_eq!(State::of(None, Some(at(10)), at(9)), State::InForce);
        assert_eq!(State::of(None, Some(at(10)), at(10)), State::Expired);
        assert_eq!(State::of(Some(at(1)), Some(at(2)), at(10)), State::Revoked);
    }

    #[test]
    fn a_key_ends_soon_that_is_in_force_for_less_than_two_weeks_and_was_not_replaced() {
        let now = Instant::from_ms(1_000);
        let (in_time, late) = (Some(now.plus_ms(SOON_MS)), Some(now.plus_ms(SOON_MS - 1)));
        for (state, expires_at, is_replaced, found) in [
            (State::InForce, late, false, true),
            (State::InForce, in_time, false, false),
            (State::InForce, None, false, false),
            (State::InForce, late, true, false),
            (State::Expired, late, false, false),
            (State::Revoked, late, false, false),
        ] {
            assert_eq!(ends_soon(state, expires_at, is_replaced, now), found, "{state:?} {expires_at:?} {is_replaced}");
        }
    }

    #[test]
    fn a_hint_shows_four_characters_and_nothing_of_what_is_no_key_of_ours() {
        assert_eq!(hint("mg_live_AbCdEfGh"), "mg_live_AbCd");
        assert_eq!(hint("mg_test_AbCdEfGh"), "mg_test_AbCd");
        assert_eq!(hint("hunter2"), "");
    }
}
