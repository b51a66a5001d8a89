//! How much one caller may ask for, so that none takes what all need. What can be guessed has tighter limits of its own.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

/// So many in a period, all of them at once if need be. The marketplace's calls are not counted here (rules B4).
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rates {
    /// Of an API key.
    pub api_per_key_minute: NonZeroU32,
    /// Of an API key that tells usage, which comes in many small pieces.
    pub usage_per_key_minute: NonZeroU32,
    /// Of an address that shows no key: pages, and calls of the API that are refused.
    pub pages_per_address_minute: NonZeroU32,
    /// Organizations that one person founds in an hour.
    pub organizations_per_user_hour: NonZeroU32,
    /// Invitations that one person mails in an hour.
    pub invitations_per_user_hour: NonZeroU32,
    /// Names and zones that one person changes in an hour: the audit log keeps each change for years.
    pub changes_per_user_hour: NonZeroU32,
}

impl Default for Rates {
    fn default() -> Self {
        let count = |n| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        Self {
            api_per_key_minute: count(6_000),
            usage_per_key_minute: count(60_000),
            pages_per_address_minute: count(1_200),
            organizations_per_user_hour: count(20),
            invitations_per_user_hour: count(60),
            changes_per_user_hour: count(60),
        }
    }
}
