//! The login-free link (免登): how it is made, and how old it may be.
//!
//! The marketplace sends the buyer's browser to the address given as `authUrl` with `action=verify`, the instance, the
//! time and the token over all of it. The protocol leaves the accepted age to the seller; without a limit the link
//! would open the door for ever. It names the subscription, never the person (rule A1).

use url::Url;

use super::{time, token};
use crate::domain::value::{Instant, MINUTE_MS};

/// How far the time stamp may be from our clock, either way.
pub const WINDOW_MS: i64 = 5 * MINUTE_MS;

/// A link whose time is too far from ours, and by how many milliseconds it differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stale {
    /// The stamp lies in the future: one of the two clocks is wrong.
    Ahead { ms: i64 },
    /// The stamp is old: the link was kept, or one of the two clocks is wrong.
    Behind { ms: i64 },
}

/// Accepts a stamp that differs by at most `window_ms` from `now`.
pub fn within_window(stamp: Instant, now: Instant, window_ms: i64) -> Result<(), Stale> {
    let ms = stamp.since_ms(now);
    if ms > window_ms {
        Err(Stale::Ahead { ms })
    } else if ms < window_ms.saturating_neg() {
        Err(Stale::Behind { ms: ms.saturating_neg() })
    } else {
        Ok(())
    }
}

/// The link as the marketplace makes it. Parameters that `auth_url` already has are kept and signed too: the token is
/// documented to cover every parameter.
pub fn link(auth_url: &str, instance_id: &str, stamp: Instant, key: &str) -> Result<String, url::ParseError> {
    let mut url = Url::parse(auth_url)?;
    url.query_pairs_mut()
        .append_pair("action", "verify")
        .append_pair("instanceId", instance_id)
        .append_pair("timeStamp", &time::text(stamp));
    let params: Vec<_> = url.query_pairs().into_owned().collect();
    url.query_pairs_mut().append_pair(token::NAME, &token::sign(&params, key));
    Ok(url.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::super::call::{Action, Call, Entry};
    use super::*;

    fn at(text: &str) -> Instant {
        time::parse(text).unwrap()
    }

    #[test]
    fn a_link_opens_the_subscription_it_names() {
        let stamp = at("2013-01-01 01:01:01");
        let link = link("https://app.example.com/login", "1", stamp, "isvkey").unwrap();
        let (page, query) = link.split_once('?').unwrap();
        assert_eq!(page, "https://app.example.com/login");
        assert!(query.ends_with("token=8187b9ff1e100a800175a7cd2c74ba63"), "{query}");
        let call = Call::parse(query.as_bytes(), None).unwrap();
        assert!(call.is_signed_by(&["isvkey"]));
        assert_eq!(call.action(), Ok(Action::Verify(Entry { instance_id: "1".into(), stamp })));
    }

    #[test]
    fn an_address_with_parameters_of_its_own_keeps_them_signed() {
        let link =
            link("https://app.example.com/login?via=%E4%BA%91#top", "a-b_C", at("2026-01-01 00:00:00"), "k").unwrap();
        let query = link.split_once('?').unwrap().1.split('#').next().unwrap();
        let call = Call::parse(query.as_bytes(), None).unwrap();
        assert_eq!(call.get("via"), Some("云"));
        assert!(call.is_signed_by(&["k"]));
        assert!(!call.is_signed_by(&["l"]));
    }

    #[test]
    fn a_stamp_is_good_for_the_window_and_not_a_millisecond_longer() {
        let now = at("2026-01-01 00:00:00");
        assert_eq!(within_window(now, now, WINDOW_MS), Ok(()));
        assert_eq!(within_window(now.plus_ms(WINDOW_MS), now, WINDOW_MS), Ok(()));
        assert_eq!(within_window(now.plus_ms(-WINDOW_MS), now, WINDOW_MS), Ok(()));
        assert_eq!(within_window(now.plus_ms(WINDOW_MS + 1), now, WINDOW_MS), Err(Stale::Ahead { ms: WINDOW_MS + 1 }));
        assert_eq!(
            within_window(now.plus_ms(-WINDOW_MS - 1), now, WINDOW_MS),
            Err(Stale::Behind { ms: WINDOW_MS + 1 })
        );
        assert!(within_window(Instant::from_ms(i64::MIN), now, WINDOW_MS).is_err());
        assert!(within_window(Instant::from_ms(i64::MAX), now, WINDOW_MS).is_err());
    }
}
