//! Small values that every rule speaks of: instants, languages, masked accounts, e-mail addresses.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A moment, in milliseconds since the Unix epoch. Zone-less; the marketplace's texts are China Standard Time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instant(i64);

pub const SECOND_MS: i64 = 1_000;
pub const MINUTE_MS: i64 = 60 * SECOND_MS;
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
pub const DAY_MS: i64 = 24 * HOUR_MS;
/// China Standard Time is UTC+8 without summer time since 1992.
pub const CHINA_MS: i64 = 8 * HOUR_MS;

impl Instant {
    #[must_use]
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    #[must_use]
    pub const fn ms(self) -> i64 {
        self.0
    }

    /// This moment plus so many milliseconds (negative: earlier). Saturates.
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    #[must_use]
    pub const fn plus_secs(self, secs: i64) -> Self {
        self.plus_ms(secs.saturating_mul(SECOND_MS))
    }

    /// The beginning of the stretch of so many milliseconds that holds this moment; stretches are counted from midnight in
    /// China.
    #[must_use]
    pub const fn floor_in_china(self, length_ms: i64) -> Self {
        self.plus_ms(-self.0.saturating_add(CHINA_MS).rem_euclid(length_ms))
    }

    /// Milliseconds from `earlier` to this moment; negative if it is later.
    #[must_use]
    pub const fn since_ms(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// The languages of the product. Chinese comes first everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Lang {
    #[default]
    #[serde(rename = "zh-CN")]
    Zh,
    #[serde(rename = "en")]
    En,
}

impl Lang {
    /// The BCP 47 tag, for `lang` attributes, cookies and rows.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Zh => "zh-CN",
            Self::En => "en",
        }
    }

    /// Reads a tag such as `zh-CN`, `zh`, `en-GB`; `None` for any other language.
    #[must_use]
    pub fn parse(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("zh") {
            Some(Self::Zh)
        } else if primary.eq_ignore_ascii_case("en") {
            Some(Self::En)
        } else {
            None
        }
    }

    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Zh => Self::En,
            Self::En => Self::Zh,
        }
    }
}

/// A buyer account's UID as people may see it: `1234****5678`. Short ones show their last two digits only.
#[must_use]
pub fn mask_uid(uid: &str) -> String {
    let chars: Vec<char> = uid.chars().collect();
    if chars.len() >= 10 {
        let head: String = chars[..4].iter().collect();
        let tail: String = chars[chars.len() - 4..].iter().collect();
        format!("{head}****{tail}")
    } else {
        let tail: String = chars[chars.len().saturating_sub(2)..].iter().collect();
        format!("****{tail}")
    }
}

/// Whether a character shows nothing by itself, or turns what stands around it: names with it look like other names.
/// The two joiners are not among them, because words and pictures are made with them.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'
                ..='\u{180f}'
        )
        || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}')
        || matches!(c, '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// An e-mail address in the one spelling under which it is stored and compared.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// Longest address that is accepted, in bytes (RFC 5321).
    pub const MAX_LEN: usize = 254;

    /// Accepts what an HTML e-mail field accepts: one `@`, no blanks, a dotted domain, and ASCII alone, which keeps out
    /// addresses that look like somebody else's. Trims and lower-cases.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        if text.len() > Self::MAX_LEN
            || !text.is_ascii()
            || text.chars().any(|c| c.is_whitespace() || c.is_control() || "<>(),;:\\\"[]".contains(c))
        {
            return None;
        }
        let (local, domain) = text.split_once('@')?;
        let dotted = domain.contains('.')
            && domain.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
        (!local.is_empty() && local.len() <= 64 && dotted && !domain.contains('@')).then_some(Self(text))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_never_shows_more_than_eight_digits() {
        assert_eq!(mask_uid("1234567890125678"), "1234****5678");
        assert_eq!(mask_uid("123456"), "****56");
        assert_eq!(mask_uid(""), "****");
    }

    #[test]
    fn addresses_are_compared_in_one_spelling() {
        assert_eq!(Email::parse(" Owner@Example.COM ").map(|e| e.to_string()), Some("owner@example.com".into()));
        for bad in [
            "",
            "a",
            "a@b",
            "@b.c",
            "a@b..c",
            "a b@c.d",
            "a@b@c.d",
            "a@-b.c",
            "a,b@c.d",
            "оwner@example.com",
            "a\u{202e}@b.c",
            "a\u{200b}@b.c",
        ] {
            assert_eq!(Email::parse(bad), None, "{bad}");
        }
    }
}
