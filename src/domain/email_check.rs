//! The code that is mailed to an address, so that its owner says that it is theirs (rules A7).

use super::value::{HOUR_MS, Instant, MINUTE_MS, SECOND_MS};

/// How long a code works.
pub const CODE_MS: i64 = 15 * MINUTE_MS;
/// How long another code can be asked for.
pub const OPEN_MS: i64 = HOUR_MS;
/// Wrong tries after which a code is worth nothing.
pub const TRIES: u32 = 5;
/// Codes of one registration, the first one included.
pub const CODES: u32 = 3;
/// Between two codes of one registration.
pub const RESEND_MS: i64 = 30 * SECOND_MS;
/// Codes that one mailbox gets within [`MAILBOX_MS`], whoever asks: with [`TRIES`] each, a guesser has one chance in a
/// thousand in a whole day, and nobody floods a stranger.
pub const PER_MAILBOX: u32 = 5;
pub const MAILBOX_MS: i64 = HOUR_MS;

/// Six digits out of 64 random bits.
#[must_use]
pub fn code(random: [u8; 8]) -> String {
    format!("{:06}", u64::from_be_bytes(random) % 1_000_000)
}

/// How a code that was mailed stands.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    pub tries: u32,
    /// Codes that were mailed.
    pub codes: u32,
    pub sent_at: Instant,
    pub created_at: Instant,
    /// Codes to this mailbox of late, by anybody.
    pub to_mailbox: u32,
}

/// Whether what is typed is looked at.
#[must_use]
pub fn is_open(facts: Facts, now: Instant) -> bool {
    facts.tries < TRIES && now.since_ms(facts.sent_at) < CODE_MS
}

/// Whether another code is mailed.
///
/// # Errors
/// Why not: `too_soon`, or `too_many_codes` for good.
pub fn may_resend(facts: Facts, now: Instant) -> Result<(), &'static str> {
    if facts.codes >= CODES || facts.to_mailbox >= PER_MAILBOX || now.since_ms(facts.created_at) >= OPEN_MS {
        Err("too_many_codes")
    } else if now.since_ms(facts.sent_at) < RESEND_MS {
        Err("too_soon")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_six_digits() {
        assert_eq!(code([0; 8]), "000000");
        assert_eq!(code(1_000_042_u64.to_be_bytes()), "000042");
        assert_eq!(code([255; 8]).len(), 6);
    }

    #[test]
    fn a_code_ends_by_time_and_by_tries_and_is_sent_again_a_few_times() {
        let sent = Instant::from_ms(0);
        let facts = Facts { tries: 0, codes: 1, sent_at: sent, created_at: sent, to_mailbox: 1 };
        for (facts, after_ms, open, resend) in [
            (facts, 0, true, Err("too_soon")),
            (facts, RESEND_MS, true, Ok(())),
            (facts, CODE_MS - 1, true, Ok(())),
            (facts, CODE_MS, false, Ok(())),
            (Facts { tries: TRIES, ..facts }, RESEND_MS, false, Ok(())),
            (Facts { tries: TRIES - 1, ..facts }, RESEND_MS, true, Ok(())),
            (Facts { codes: CODES, ..facts }, RESEND_MS, true, Err("too_many_codes")),
            (Facts { to_mailbox: PER_MAILBOX, ..facts }, RESEND_MS, true, Err("too_many_codes")),
            (facts, OPEN_MS, false, Err("too_many_codes")),
        ] {
            let now = sent.plus_ms(after_ms);
            assert_eq!((is_open(facts, now), may_resend(facts, now)), (open, resend), "{facts:?} {after_ms}");
        }
    }
}
