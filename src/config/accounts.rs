//! Who may have an account, and what is asked of them (rules A1, A7).

use serde::{Deserialize, Serialize};

use super::{ConfigError, wrong};

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Accounts {
    pub registration: Registration,
    /// What to do with addresses that nobody has checked (rules A7): refused, a new user types a code that was mailed.
    pub unverified: Unverified,
    /// 免登 on a bound subscription signs the entry user in (rules A1).
    pub passwordless_entry: bool,
    /// Whether operators need a second factor. Without the one that is required they reach only the page where it is
    /// set up.
    pub operator_totp: OperatorTotp,
    /// Threads that hash passwords; each holds 19 MiB.
    pub hash_threads: usize,
}

impl Default for Accounts {
    fn default() -> Self {
        Self {
            registration: Registration::Open,
            unverified: Unverified::Refuse,
            passwordless_entry: true,
            operator_totp: OperatorTotp::Required,
            hash_threads: 2,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    Open,
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unverified {
    Accept,
    Refuse,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OperatorTotp {
    Required,
    Optional,
}

impl Accounts {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if !(1..=8).contains(&self.hash_threads) {
            return wrong("accounts.hash_threads must be 1 to 8");
        }
        Ok(())
    }

    /// Whoever may register has to be asked for a code, which takes mail, or the settings accept that nobody is.
    pub(super) fn check_for_production(&self, has_mail: bool) -> Result<(), ConfigError> {
        if self.registration == Registration::Open && self.unverified == Unverified::Refuse && !has_mail {
            return wrong(
                "addresses of new users cannot be checked because no mail server is configured: set one up in [smtp], set accounts.registration = \"closed\", or accept it with accounts.unverified = \"accept\"",
            );
        }
        Ok(())
    }
}
