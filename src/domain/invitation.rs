//! An address is asked to join an organization: by a link that is mailed to it, for 48 hours (product §5, rules A7).

use super::value::{HOUR_MS, Instant, MINUTE_MS};

/// How long a link works.
pub const LIFE_MS: i64 = 48 * HOUR_MS;
/// Between two links of one invitation.
pub const RESEND_MS: i64 = MINUTE_MS;
/// Invitations that one mailbox gets within [`MAILBOX_MS`], whoever sends them.
pub const PER_MAILBOX: u32 = 5;
pub const MAILBOX_MS: i64 = HOUR_MS;
/// Most invitations of one organization that nobody has answered.
pub const OPEN_MAX: u32 = 100;
/// Most members of one organization.
pub const MEMBERS_MAX: u32 = 500;

/// How an invitation stands.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each with its own sentence")]
pub struct Facts {
    /// The organization exists.
    pub is_there: bool,
    /// Whoever sent it still owns the organization: what somebody gave who may not give it any more is worth nothing.
    pub is_backed: bool,
    pub is_revoked: bool,
    pub is_accepted: bool,
    pub is_frozen_by_operator: bool,
    pub expires_at: Instant,
    /// Of the organization.
    pub members: u32,
}

/// Why nobody can join by an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    Revoked,
    Used,
    Expired,
    Frozen,
    Full,
}

/// Whether somebody can join by an invitation.
///
/// # Errors
/// Why not. What is over for good comes before what can change.
pub const fn check(facts: Facts, now: Instant) -> Result<(), Closed> {
    if facts.is_accepted {
        Err(Closed::Used)
    } else if facts.is_revoked || !facts.is_there || !facts.is_backed {
        Err(Closed::Revoked)
    } else if now.ms() >= facts.expires_at.ms() {
        Err(Closed::Expired)
    } else if facts.is_frozen_by_operator {
        Err(Closed::Frozen)
    } else if facts.members >= MEMBERS_MAX {
        Err(Closed::Full)
    } else {
        Ok(())
    }
}

/// What is known before a link is mailed.
#[derive(Debug, Clone, Copy)]
pub struct Sending {
    /// When this address was last sent a link of this organization that is still unanswered.
    pub sent_at: Option<Instant>,
    /// Invitations to this mailbox of late, by anybody.
    pub to_mailbox: u32,
    /// Unanswered ones of the organization.
    pub open: u32,
    pub members: u32,
    pub is_frozen_by_operator: bool,
}

/// Whether a link is mailed. An unanswered invitation gets another link, a new one needs a place.
///
/// # Errors
/// The field and the code of the reason; no field: the form as a whole.
pub fn may_send(facts: Sending, now: Instant) -> Result<(), (&'static str, &'static str)> {
    if facts.is_frozen_by_operator {
        Err(("", "organization_frozen"))
    } else if facts.members >= MEMBERS_MAX {
        Err(("", "organization_full"))
    } else if facts.sent_at.is_none() && facts.open >= OPEN_MAX {
        Err(("", "too_many_invitations"))
    } else if facts.sent_at.is_some_and(|sent| now.since_ms(sent) < RESEND_MS) {
        Err(("email", "just_invited"))
    } else if facts.to_mailbox >= PER_MAILBOX {
        Err(("email", "too_many_mails"))
    } else {
        Ok(())
    }
}

/// An address as it is shown to whoever holds a link, who need not be the one that it was mailed to.
#[must_use]
pub fn mask_email(email: &str) -> String {
    let (local, domain) = email.split_once('@').unwrap_or((email, ""));
    let first: String = local.chars().take(1).collect();
    format!("{first}***@{domain}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_is_open_until_something_ends_it() {
        let start = Instant::from_ms(0);
        let fine = Facts {
            is_there: true,
            is_backed: true,
            is_revoked: false,
            is_accepted: false,
            is_frozen_by_operator: false,
            expires_at: start.plus_ms(LIFE_MS),
            members: 1,
        };
        for (facts, after_ms, expected) in [
            (fine, 0, Ok(())),
            (fine, LIFE_MS - 1, Ok(())),
            (fine, LIFE_MS, Err(Closed::Expired)),
            (Facts { is_there: false, ..fine }, 0, Err(Closed::Revoked)),
            (Facts { is_backed: false, ..fine }, 0, Err(Closed::Revoked)),
            (Facts { is_revoked: true, ..fine }, LIFE_MS, Err(Closed::Revoked)),
            (Facts { is_accepted: true, is_backed: false, ..fine }, LIFE_MS, Err(Closed::Used)),
            (Facts { is_frozen_by_operator: true, ..fine }, 0, Err(Closed::Frozen)),
            (Facts { is_frozen_by_operator: true, ..fine }, LIFE_MS, Err(Closed::Expired)),
            (Facts { members: MEMBERS_MAX - 1, ..fine }, 0, Ok(())),
            (Facts { members: MEMBERS_MAX, ..fine }, 0, Err(Closed::Full)),
        ] {
            assert_eq!(check(facts, start.plus_ms(after_ms)), expected, "{facts:?} {after_ms}");
        }
    }

    #[test]
    fn links_are_mailed_a_few_times_and_not_in_haste() {
        let sent = Instant::from_ms(0);
        let first = Sending { sent_at: None, to_mailbox: 0, open: 0, members: 1, is_frozen_by_operator: false };
        let again = Sending { sent_at: Some(sent), to_mailbox: 1, open: OPEN_MAX, ..first };
        for (facts, after_ms, expected) in [
            (first, 0, Ok(())),
            (again, RESEND_MS, Ok(())),
            (again, RESEND_MS - 1, Err(("email", "just_invited"))),
            (Sending { open: OPEN_MAX, ..first }, 0, Err(("", "too_many_invitations"))),
            (Sending { to_mailbox: PER_MAILBOX, ..first }, 0, Err(("email", "too_many_mails"))),
            (Sending { to_mailbox: PER_MAILBOX, ..again }, RESEND_MS, Err(("email", "too_many_mails"))),
            (Sending { members: MEMBERS_MAX, ..first }, 0, Err(("", "organization_full"))),
            (Sending { is_frozen_by_operator: true, ..first }, 0, Err(("", "organization_frozen"))),
        ] {
            assert_eq!(may_send(facts, sent.plus_ms(after_ms)), expected, "{facts:?} {after_ms}");
        }
    }

    #[test]
    fn an_address_is_recognized_by_who_knows_it() {
        assert_eq!(mask_email("tang.wei@example.com"), "t***@example.com");
        assert_eq!(mask_email("t@example.com"), "t***@example.com");
    }
}
