//! Bindings: an organization pays through a subscription (rules A4).
//!
//! `requested → live → ended`, `requested → refused | timed_out | cancelled`. Both `requested` and
//! `live` occupy the subscription and the organization, which the schema's unique indexes hold.

use serde::{Deserialize, Serialize};

use super::organization::Role;
use super::subscription;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Requested,
    Live,
    Ended,
    Refused,
    TimedOut,
    Cancelled,
}

impl State {
    pub const ALL: [Self; 6] =
        [Self::Requested, Self::Live, Self::Ended, Self::Refused, Self::TimedOut, Self::Cancelled];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Live => "live",
            Self::Ended => "ended",
            Self::Refused => "refused",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// The states that occupy a subscription and an organization.
    #[must_use]
    pub const fn is_occupying(self) -> bool {
        matches!(self, Self::Requested | Self::Live)
    }

    /// Whether a binding may go from this state to `next`.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Requested, Self::Live | Self::Refused | Self::TimedOut | Self::Cancelled)
                | (Self::Live, Self::Ended)
        )
    }
}

/// What is looked at again in the moment in which a request becomes live.
#[derive(Debug, Clone, Copy)]
pub struct LiveCheck {
    pub subscription: subscription::State,
    /// The marketplace does not know it (rules D5).
    pub is_quarantined: bool,
    /// The requester's role in the organization now; `None`: no longer a member.
    pub role: Option<Role>,
    pub is_organization_deleted: bool,
    pub is_frozen_by_operator: bool,
}

/// Whether a request may become live.
///
/// # Errors
/// The reason for which it is cancelled instead.
pub fn may_go_live(check: LiveCheck) -> Result<(), &'static str> {
    match check.subscription {
        subscription::State::Active => {}
        subscription::State::Opening => return Err("subscription_opening"),
        subscription::State::Expired => return Err("subscription_expired"),
        subscription::State::Released => return Err("subscription_released"),
    }
    if check.is_quarantined {
        Err("subscription_quarantined")
    } else if check.is_organization_deleted {
        Err("organization_deleted")
    } else if check.is_frozen_by_operator {
        Err("organization_frozen")
    } else if !check.role.is_some_and(Role::manages_billing) {
        Err("not_manager")
    } else {
        Ok(())
    }
}

/// Why a later login-free entry does not sign the entry user in (rules A1).
#[derive(Debug, Clone, Copy)]
pub struct EntryCheck {
    /// The operator's setting.
    pub is_allowed_here: bool,
    /// The box on the confirmation page.
    pub is_allowed_by_user: bool,
    pub is_user_active: bool,
    pub is_user_operator: bool,
    pub role_then: Role,
    /// `None`: no longer a member.
    pub role_now: Option<Role>,
}

/// Whether a login-free entry signs the entry user in without a password (rules A1).
#[must_use]
pub fn may_enter_without_password(check: EntryCheck) -> bool {
    check.is_allowed_here
        && check.is_allowed_by_user
        && check.is_user_active
        && !check.is_user_operator
        && check.role_now.is_some_and(|now| now >= check.role_then)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_becomes_live_only_while_everything_still_holds() {
        let good = LiveCheck {
            is_quarantined: false,
            subscription: subscription::State::Active,
            role: Some(Role::Billing),
            is_organization_deleted: false,
            is_frozen_by_operator: false,
        };
        assert_eq!(may_go_live(good), Ok(()));
        for (check, reason) in [
            (LiveCheck { subscription: subscription::State::Released, ..good }, "subscription_released"),
            (LiveCheck { subscription: subscription::State::Expired, ..good }, "subscription_expired"),
            (LiveCheck { subscription: subscription::State::Opening, ..good }, "subscription_opening"),
            (LiveCheck { is_quarantined: true, ..good }, "subscription_quarantined"),
            (LiveCheck { role: Some(Role::Member), ..good }, "not_manager"),
            (LiveCheck { role: None, ..good }, "not_manager"),
            (LiveCheck { is_organization_deleted: true, ..good }, "organization_deleted"),
            (LiveCheck { is_frozen_by_operator: true, ..good }, "organization_frozen"),
        ] {
            assert_eq!(may_go_live(check), Err(reason));
        }
    }

    #[test]
    fn only_five_moves_exist() {
        let moves = State::ALL
            .iter()
            .flat_map(|a| State::ALL.iter().map(move |b| (a, b)))
            .filter(|(a, b)| a.may_become(**b))
            .count();
        assert_eq!(moves, 5);
        assert!(State::ALL.iter().all(|state| !State::Ended.may_become(*state)), "ended is final");
    }

    #[test]
    fn the_entry_user_enters_only_with_the_rights_of_then() {
        let good = EntryCheck {
            is_allowed_here: true,
            is_allowed_by_user: true,
            is_user_active: true,
            is_user_operator: false,
            role_then: Role::Billing,
            role_now: Some(Role::Billing),
        };
        assert!(may_enter_without_password(good));
        assert!(may_enter_without_password(EntryCheck { role_now: Some(Role::Owner), ..good }));
        for bad in [
            EntryCheck { is_allowed_here: false, ..good },
            EntryCheck { is_allowed_by_user: false, ..good },
            EntryCheck { is_user_active: false, ..good },
            EntryCheck { is_user_operator: true, ..good },
            EntryCheck { role_now: Some(Role::Member), ..good },
            EntryCheck { role_now: None, ..good },
        ] {
            assert!(!may_enter_without_password(bad), "{bad:?}");
        }
    }
}
