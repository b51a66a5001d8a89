//! Time zones by their IANA names: an organization's pages tell time in its own (product §5).

use jiff::tz::{TimeZone, db};

/// What a new organization has.
pub const DEFAULT: &str = "Asia/Shanghai";

/// Those that buyers at this marketplace choose most, offered first.
pub const COMMON: [&str; 9] = [
    DEFAULT,
    "Asia/Hong_Kong",
    "Asia/Singapore",
    "Asia/Tokyo",
    "Europe/London",
    "Europe/Berlin",
    "America/New_York",
    "America/Los_Angeles",
    "UTC",
];

/// The regions whose zones are offered; other names are other spellings of theirs.
pub const REGIONS: [&str; 9] =
    ["Asia", "Europe", "America", "Australia", "Pacific", "Africa", "Atlantic", "Indian", "Antarctica"];

/// The part of a name before its first slash.
#[must_use]
pub fn region(name: &str) -> &str {
    name.split_once('/').map_or("", |(region, _)| region)
}

/// Whether a name can be chosen.
#[must_use]
pub fn is_offered(name: &str) -> bool {
    (COMMON.contains(&name) || REGIONS.contains(&region(name)))
        && TimeZone::get(name).is_ok_and(|zone| zone.iana_name() == Some(name))
}

/// The names of a region, in the order of the alphabet.
#[must_use]
pub fn names_of(region_name: &str) -> Vec<String> {
    let mut names: Vec<String> =
        db().available().map(|name| name.as_str().to_owned()).filter(|name| region(name) == region_name).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_offered_exists_and_nothing_else_is_taken() {
        for name in COMMON {
            assert!(is_offered(name), "{name}");
        }
        for region in REGIONS {
            let names = names_of(region);
            assert!(!names.is_empty() && names.iter().all(|name| is_offered(name)), "{region}");
        }
        for bad in [
            "",
            "Asia",
            "Asia/Atlantis",
            "asia/shanghai",
            "posix/Asia/Shanghai",
            "../etc/passwd",
            "Asia/../UTC",
            "PRC",
            "Etc/GMT+8",
        ] {
            assert!(!is_offered(bad), "{bad}");
        }
    }
}
