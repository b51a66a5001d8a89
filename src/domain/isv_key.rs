//! The keys that the marketplace signs its calls with, while one takes the place of another.

use super::value::Instant;

/// What a rotation waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// The marketplace has not signed with the current key since the previous one was seen.
    ForMarketplace,
    /// Only the current one is seen any more.
    ForRemoval,
}

/// What the rotation of a seller's key waits for that still has its previous one, by when each was last seen. Before any
/// was there is nothing to tell.
#[must_use]
pub fn waiting(current: Option<Instant>, previous: Option<Instant>) -> Option<Waiting> {
    if current > previous { Some(Waiting::ForRemoval) } else { previous.map(|_| Waiting::ForMarketplace) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotation_is_over_once_only_the_current_key_is_seen() {
        let at = |ms| Some(Instant::from_ms(ms));
        for (current, previous, found) in [
            (None, None, None),
            (None, at(5), Some(Waiting::ForMarketplace)),
            (at(4), at(5), Some(Waiting::ForMarketplace)),
            (at(5), at(5), Some(Waiting::ForMarketplace)),
            (at(6), at(5), Some(Waiting::ForRemoval)),
            (at(1), None, Some(Waiting::ForRemoval)),
        ] {
            assert_eq!(waiting(current, previous), found, "{current:?} {previous:?}");
        }
    }
}
