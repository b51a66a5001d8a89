//! Codes of an authenticator app (RFC 6238: SHA-1, six digits, thirty seconds, one step of leeway either way), and the
//! codes that stand in for it when the app is gone.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use totp_rs::{Builder, Secret, Totp};

use super::Chance;
use crate::domain::second_factor::{RECOVERY_ALPHABET, RECOVERY_CHARS, RECOVERY_CODES};
use crate::domain::value::{Instant, SECOND_MS};

/// What the app and we share.
pub type Shared = [u8; 20];

/// What stands in an address as it is (RFC 3986).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn totp(shared: &Shared) -> Totp {
    Builder::new().with_secret(*shared).build_noncompliant()
}

fn secs(now: Instant) -> u64 {
    u64::try_from(now.ms() / SECOND_MS).unwrap_or_default()
}

/// The time step whose code this is, if it is one of now: the caller takes each step once.
#[must_use]
pub fn step(shared: &Shared, code: &str, now: Instant) -> Option<i64> {
    totp(shared).check(code, secs(now)).and_then(|step| i64::try_from(step).ok())
}

/// The secret as people type it into an app: base 32 in groups of four.
#[must_use]
pub fn readable(shared: &Shared) -> String {
    let text = Secret::from(*shared).to_base32();
    let chars: Vec<char> = text.chars().collect();
    chars.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

/// The address that the app reads from the picture: whose account, and where.
#[must_use]
pub fn address(shared: &Shared, issuer: &str, account: &str) -> String {
    // A colon parts the two names, so it cannot stand in them. A space is %20: apps do not read a plus as one.
    let encode = |text: &str| utf8_percent_encode(text, UNRESERVED).to_string();
    let (issuer, secret) = (encode(&issuer.replace(':', " ")), Secret::from(*shared).to_base32());
    format!("otpauth://totp/{issuer}:{}?secret={secret}&issuer={issuer}", encode(account))
}

/// Fresh codes for when the app is gone: 80 bits each, as they are kept.
#[must_use]
pub fn recovery_codes(chance: &Chance) -> Vec<String> {
    (0..RECOVERY_CODES)
        .map(|_| {
            let bytes = chance.bytes::<RECOVERY_CHARS>();
            bytes.iter().map(|byte| char::from(RECOVERY_ALPHABET[usize::from(byte & 31)])).collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, the last six of eight digits.
        let shared = *b"12345678901234567890";
        for (secs, code) in [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")] {
            assert_eq!(step(&shared, code, Instant::from_ms(secs * 1000)), Some(secs / 30));
        }
        let at = |secs: i64| step(&shared, "287082", Instant::from_ms(secs * 1000));
        assert_eq!((at(30), at(59), at(89)), (Some(1), Some(1), Some(1)), "a step of leeway either way");
        assert_eq!((at(90), at(-1)), (None, Some(1)));
        for bad in ["", "28708", "2870822", "28708a", " 287082", "+87082"] {
            assert_eq!(step(&shared, bad, Instant::from_ms(59_000)), None, "{bad}");
        }
    }

    #[test]
    fn the_secret_is_readable_and_its_address_names_the_account() {
        let shared = *b"12345678901234567890";
        assert_eq!(readable(&shared), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        assert_eq!(
            address(&shared, "Zilliz Cloud", "a@b.example"),
            "otpauth://totp/Zilliz%20Cloud:a%40b.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Zilliz%20Cloud"
        );
        let tagged = address(&shared, "A: B?#/+", "a+b@c.example");
        assert!(tagged.starts_with("otpauth://totp/A%20%20B%3F%23%2F%2B:a%2Bb%40c.example?"), "{tagged}");
    }
}
