//! Organizations, roles, freezes, and which of them a person may choose on the binding page.

use serde::{Deserialize, Serialize};

use super::value::{DAY_MS, Instant, is_hidden};

/// What a member may do. Ordered: a later role includes the earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Member,
    Billing,
    Owner,
}

impl Role {
    pub const ALL: [Self; 3] = [Self::Owner, Self::Billing, Self::Member];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Billing => "billing",
            Self::Member => "member",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// Owners and billing admins manage billing: they bind, switch and unbind.
    #[must_use]
    pub const fn manages_billing(self) -> bool {
        matches!(self, Self::Owner | Self::Billing)
    }
}

/// Why an organization's service is halted (rules B3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FreezeReason {
    /// The subscription expired; a renewal or a new live binding lifts it.
    Payment,
    /// Staff did it, and only staff lift it.
    Operator,
}

impl FreezeReason {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Operator => "operator",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Payment, Self::Operator].into_iter().find(|reason| reason.as_str() == text)
    }
}

/// A freeze that is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freeze {
    pub reason: FreezeReason,
    pub since: Instant,
    /// Payment: when the grace ends. `None` while the expiry is disputed (rules B2) or for operators' freezes.
    pub grace_until: Option<Instant>,
}

impl Freeze {
    /// Lifted by an operator only.
    #[must_use]
    pub const fn is_by_operator(self) -> bool {
        matches!(self.reason, FreezeReason::Operator)
    }
}

/// How long a frozen organization has before `organization.grace_ended` tells the vendor's product.
pub const GRACE_MS: i64 = 15 * DAY_MS;

/// Longest name, in characters.
pub const NAME_MAX: usize = 60;

/// Joins letters and pictures; by themselves they are nothing.
const JOINERS: [char; 2] = ['\u{200c}', '\u{200d}'];

/// An organization's or a person's name: trimmed, 1 to [`NAME_MAX`] characters, none of them hidden, and no address of a
/// page: names are written into mails to people who may not know who chose them.
///
/// # Errors
/// The code of the reason: `required`, `too_long`, `malformed`.
pub fn check_name(text: &str) -> Result<String, &'static str> {
    let name = text.trim();
    if name.is_empty() {
        Err("required")
    } else if name.chars().count() > NAME_MAX {
        Err("too_long")
    } else if name.chars().any(is_hidden)
        || name.chars().all(|c| c.is_whitespace() || JOINERS.contains(&c))
        || ["://", "www."].iter().any(|mark| name.to_lowercase().contains(mark))
    {
        Err("malformed")
    } else {
        Ok(name.to_owned())
    }
}

/// What the binding page knows about one organization of the person.
#[derive(Debug, Clone, Copy)]
pub struct ChoiceFacts {
    pub role: Role,
    pub freeze: Option<Freeze>,
    /// The organization's live binding: is its subscription expired?
    pub live: Option<LiveFacts>,
    /// A request is under way.
    pub is_requested: bool,
}

#[derive(Debug, Clone, Copy)]
pub struct LiveFacts {
    pub is_expired: bool,
}

/// Whether an organization can be chosen, and if not, why (product §4; precedence of rules B3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Can be chosen.
    Open,
    /// Can be chosen; binding lifts the payment freeze.
    Thaws,
    /// 「已被冻结」: only support helps.
    FrozenByOperator,
    /// 「权限不足」: an owner has to do it.
    NotManager,
    /// 「已绑定云市场订阅」: a manager may switch.
    Bound { is_expired: bool },
    /// A request of this organization is being processed.
    Requested,
}

impl Choice {
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Open | Self::Thaws)
    }
}

/// The verdict on one organization, in the precedence of rules B3: operator freeze, 权限不足, 已绑定, payment freeze.
#[must_use]
pub fn choice(facts: ChoiceFacts) -> Choice {
    let reason = facts.freeze.map(|freeze| freeze.reason);
    if reason == Some(FreezeReason::Operator) {
        Choice::FrozenByOperator
    } else if !facts.role.manages_billing() {
        Choice::NotManager
    } else if facts.is_requested {
        Choice::Requested
    } else if let Some(live) = facts.live {
        Choice::Bound { is_expired: live.is_expired }
    } else if reason == Some(FreezeReason::Payment) {
        Choice::Thaws
    } else {
        Choice::Open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn freeze(reason: FreezeReason) -> Freeze {
        Freeze { reason, since: Instant::from_ms(0), grace_until: None }
    }

    #[test]
    fn the_badge_that_matters_most_wins() {
        let live = Some(LiveFacts { is_expired: false });
        let dead = Some(LiveFacts { is_expired: true });
        let (payment, operator) = (Some(freeze(FreezeReason::Payment)), Some(freeze(FreezeReason::Operator)));
        for (role, freeze, live, is_requested, expected) in [
            (Role::Owner, None, None, false, Choice::Open),
            (Role::Billing, None, None, false, Choice::Open),
            (Role::Member, None, None, false, Choice::NotManager),
            (Role::Owner, payment, None, false, Choice::Thaws),
            (Role::Member, payment, None, false, Choice::NotManager),
            (Role::Owner, operator, None, false, Choice::FrozenByOperator),
            (Role::Member, operator, live, true, Choice::FrozenByOperator),
            (Role::Owner, None, live, false, Choice::Bound { is_expired: false }),
            (Role::Owner, payment, dead, false, Choice::Bound { is_expired: true }),
            (Role::Member, None, live, false, Choice::NotManager),
            (Role::Owner, None, None, true, Choice::Requested),
            (Role::Owner, None, live, true, Choice::Requested),
        ] {
            assert_eq!(
                choice(ChoiceFacts { role, freeze, live, is_requested }),
                expected,
                "{role:?} {freeze:?} {live:?} {is_requested}"
            );
        }
    }

    #[test]
    fn names_are_trimmed_and_readable() {
        assert_eq!(check_name("  星河科技 "), Ok("星河科技".to_owned()));
        assert_eq!(check_name(" \t"), Err("required"));
        assert_eq!(check_name(&"云".repeat(NAME_MAX + 1)), Err("too_long"));
        assert_eq!(check_name("a\u{202e}b"), Err("malformed"));
    }
}
