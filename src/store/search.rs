//! What operators look for, by what they have been told: a number of an order, a name, an address. The newest first.
//!
//! Names are looked for anywhere in them, so organizations and people are walked through; everything else is found by an
//! index. Readers are cut after two seconds, so a walk never holds anything up for long.

use rusqlite::{Row, named_params};

use super::Db;
use super::organization::{self, Organization};
use super::subscription::{self, Subscription};
use super::user::{self, User};
use crate::domain::binding;
use crate::domain::organization::FreezeReason;
use crate::domain::subscription::State;
use crate::domain::value::Instant;
use crate::error::Result;

/// What is doubtful about a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    Disputed,
    Overdue,
    Quarantined,
}

impl Doubt {
    pub const ALL: [Self; 3] = [Self::Disputed, Self::Overdue, Self::Quarantined];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disputed => "disputed",
            Self::Overdue => "overdue",
            Self::Quarantined => "quarantined",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|doubt| doubt.as_str() == text)
    }

    const fn condition(self) -> &'static str {
        match self {
            Self::Disputed => "is_disputed = 1",
            Self::Overdue => "overdue_at IS NOT NULL",
            Self::Quarantined => "quarantined_at IS NOT NULL",
        }
    }
}

/// Which subscriptions are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The number of an instance or of its order, a buyer account, or an organization by its id or a part of its name;
    /// empty: any.
    pub text: String,
    pub state: Option<State>,
    pub doubt: Option<Doubt>,
}

/// The newest first, older than `before`. `sellers`: who may have sold the instance that is named.
pub fn subscriptions(
    db: &Db,
    wanted: &Wanted,
    sellers: &[String],
    before: i64,
    limit: u32,
) -> Result<Vec<Subscription>> {
    let state = if wanted.state.is_some() { "state = :state" } else { ":state IS NULL" };
    let doubt = wanted.doubt.map_or("true", Doubt::condition);
    let text = if wanted.text.is_empty() {
        ":text = '' AND :sellers IS NOT NULL"
    } else {
        "id IN (
           SELECT id FROM subscription WHERE seller_id IN (SELECT value FROM json_each(:sellers)) AND instance_id = :text
           UNION SELECT id FROM subscription WHERE order_id = :text
           UNION SELECT id FROM subscription WHERE buyer_account = :text
           UNION SELECT b.subscription_id FROM organization o JOIN binding b ON b.organization_id = o.id
             WHERE o.id = :text OR instr(lower(o.name), lower(:text)) > 0)"
    };
    db.list(
        &format!(
            "SELECT {} FROM subscription WHERE id < :before AND {state} AND {doubt} AND {text} ORDER BY id DESC LIMIT :limit",
            subscription::COLUMNS
        ),
        named_params! {
            ":before": before,
            ":state": wanted.state.map(State::as_str),
            ":text": wanted.text,
            ":sellers": serde_json::to_string(sellers)?,
            ":limit": limit,
        },
        subscription::from_row,
    )
}

/// The organizations whose id or a part of whose name this is, frozen so if that is asked for; the newest first, older
/// than `before`.
pub fn organizations(
    db: &Db,
    text: &str,
    freeze: Option<FreezeReason>,
    before: &str,
    limit: u32,
) -> Result<Vec<Organization>> {
    let frozen = if freeze.is_some() { "o.freeze_reason = :freeze" } else { ":freeze IS NULL" };
    db.list(
        &format!(
            "SELECT {} FROM organization o WHERE o.id < :before AND o.deleted_at IS NULL AND {frozen}
               AND (:text = '' OR o.id = :text OR instr(lower(o.name), lower(:text)) > 0) ORDER BY o.id DESC LIMIT :limit",
            organization::COLUMNS
        ),
        named_params! { ":before": before, ":freeze": freeze.map(FreezeReason::as_str), ":text": text, ":limit": limit },
        organization::from_row,
    )
}

/// Which people are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum People {
    #[default]
    All,
    Operators,
    Disabled,
    Unverified,
}

impl People {
    pub const ALL: [Self; 4] = [Self::All, Self::Operators, Self::Disabled, Self::Unverified];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Operators => "operators",
            Self::Disabled => "disabled",
            Self::Unverified => "unverified",
        }
    }

    const fn condition(self) -> &'static str {
        match self {
            Self::All => "true",
            Self::Operators => "is_operator = 1",
            Self::Disabled => "disabled_at IS NOT NULL",
            Self::Unverified => "email_verified_at IS NULL",
        }
    }
}

/// The people whose id this is, or a part of whose address or name; the newest first, older than `before`. Deleted
/// accounts have neither any more.
pub fn users(db: &Db, text: &str, people: People, before: &str, limit: u32) -> Result<Vec<User>> {
    db.list(
        &format!(
            "SELECT {} FROM user WHERE id < :before AND deleted_at IS NULL AND {}
               AND (:text = '' OR id = :text OR instr(email, lower(:text)) > 0 OR instr(lower(name), lower(:text)) > 0)
             ORDER BY id DESC LIMIT :limit",
            user::COLUMNS,
            people.condition()
        ),
        named_params! { ":before": before, ":text": text, ":limit": limit },
        user::from_row,
    )
}

/// A channel that an organization has or had.
#[derive(Debug, Clone)]
pub struct Channel {
    pub seller_id: String,
    pub instance_id: String,
    pub state: binding::State,
    pub requested_at: Instant,
    pub live_at: Option<Instant>,
    pub ended_at: Option<Instant>,
    pub reason: Option<String>,
}

/// The newest first.
pub fn channels(db: &Db, organization_id: &str, limit: u32) -> Result<Vec<Channel>> {
    db.list(
        "SELECT s.seller_id, s.instance_id, b.state, b.requested_at, b.live_at, b.ended_at, b.reason
         FROM binding b JOIN subscription s ON s.id = b.subscription_id
         WHERE b.organization_id = ?1 ORDER BY b.requested_at DESC, b.id DESC LIMIT ?2",
        (organization_id, limit),
        |row: &Row<'_>| {
            let instant = |at: usize| row.get::<_, Option<i64>>(at).map(|ms| ms.map(Instant::from_ms));
            let state: String = row.get(2)?;
            Ok(Channel {
                seller_id: row.get(0)?,
                instance_id: row.get(1)?,
                // The schema's CHECK keeps other words out.
                state: binding::State::parse(&state).unwrap_or(binding::State::Ended),
                requested_at: Instant::from_ms(row.get(3)?),
                live_at: instant(4)?,
                ended_at: instant(5)?,
                reason: row.get(6)?,
            })
        },
    )
}
