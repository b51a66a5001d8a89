//! The second factor: a code of an authenticator app, or one of a few codes that stand in for it (rules A1, D5).

use super::value::{HOUR_MS, MINUTE_MS};

/// How long the page that sets it up may stay open.
pub const SET_UP_MS: i64 = HOUR_MS;
/// How long somebody whose password was right has for the code.
pub const HALF_MS: i64 = 10 * MINUTE_MS;
/// Codes that stand in for the app.
pub const RECOVERY_CODES: usize = 10;
/// Characters of such a code, of five bits each.
pub const RECOVERY_CHARS: usize = 16;
/// Crockford's base 32: no letters that look like figures.
pub const RECOVERY_ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Wrong codes in a row that cost nothing; from then on each has a pause.
pub const FREE_TRIES: u32 = 5;
const FIRST_PAUSE_MS: i64 = MINUTE_MS;
const LONGEST_PAUSE_MS: i64 = HOUR_MS;

/// How long no code is looked at after so many wrong ones in a row: a minute, twice that each time, an hour at most.
/// With three codes good at any moment, that leaves a guesser one chance in ten thousand a day.
#[must_use]
pub fn pause_ms(failures: u32) -> i64 {
    match failures.checked_sub(FREE_TRIES) {
        None => 0,
        Some(beyond) => (FIRST_PAUSE_MS << beyond.min(6)).min(LONGEST_PAUSE_MS),
    }
}

/// By which door somebody asks. Guesses are counted apart: who holds a login-free link and no password must not lock
/// out the person who has both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    Password,
    /// A login-free entry (rules A1).
    Entry,
}

impl Door {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Entry => "entry",
        }
    }
}

/// What somebody typed, in the one spelling under which it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// Six digits.
    Code(String),
    Recovery(String),
}

impl Typed {
    /// Blanks and hyphens do not count, nor does the case. `None`: neither kind of code.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        // Longer than any code with its hyphens and blanks: not looked at.
        if text.len() > 64 {
            return None;
        }
        let bare: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
        if bare.len() == 6 && bare.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Self::Code(bare));
        }
        let folded: String = bare
            .chars()
            .map(|c| match c.to_ascii_lowercase() {
                'o' => '0',
                'i' | 'l' => '1',
                other => other,
            })
            .collect();
        let is_recovery =
            folded.len() == RECOVERY_CHARS && folded.bytes().all(|byte| RECOVERY_ALPHABET.contains(&byte));
        is_recovery.then_some(Self::Recovery(folded))
    }
}

/// A recovery code as it is shown: groups of four.
#[must_use]
pub fn shown(code: &str) -> String {
    let chars: Vec<char> = code.chars().collect();
    chars.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_becomes_slow() {
        let minutes: Vec<i64> = (0..14).map(|failures| pause_ms(failures) / MINUTE_MS).collect();
        assert_eq!(minutes, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(pause_ms(u32::MAX), LONGEST_PAUSE_MS);
        // What a guesser who never sleeps gets in a day.
        let (mut tries, mut at) = (0, 0);
        while at < 24 * HOUR_MS {
            tries += 1;
            at += pause_ms(tries);
        }
        assert!(f64::from(tries) * 3.0 / 1e6 < 1.2e-4, "{tries} tries a day");
    }

    #[test]
    fn codes_are_read_as_people_type_them() {
        let code = |text: &str| Some(Typed::Code(text.to_owned()));
        let recovery = |text: &str| Some(Typed::Recovery(text.to_owned()));
        for (typed, read) in [
            ("123456", code("123456")),
            (" 123 456 ", code("123456")),
            ("abcd-efgh-jkmn-pqrs", recovery("abcdefghjkmnpqrs")),
            ("ABCD EFGH JKMN PQRS", recovery("abcdefghjkmnpqrs")),
            ("oill-0000-0000-0000", recovery("0111000000000000")),
            ("12345", None),
            ("1234567", None),
            ("12345a", None),
            ("abcd-efgh-jkmn-pqru", None),
            ("１２３４５６", None),
            ("", None),
        ] {
            assert_eq!(Typed::read(typed), read, "{typed}");
        }
        assert_eq!(Typed::read(&"1 ".repeat(40)), None);
        assert_eq!(shown("abcdefghjkmnpqrs"), "abcd-efgh-jkmn-pqrs");
    }
}
