//! `marketgate user`: a way back in for who lost what they sign in with.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::desk::{self, Desk};
use super::{Settings, say};
use crate::usecase::mail::Mailer;
use crate::usecase::second_factor;

#[derive(clap::Subcommand)]
pub enum User {
    /// Turn off the two-step verification of somebody who lost both the phone and the recovery codes. Make sure that it
    /// is that person: from then on the password alone signs in. The person is mailed, and the audit log has it.
    ResetTotp {
        /// The address that the person signs in with.
        email: String,
        #[command(flatten)]
        settings: Settings,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    ResetTotp { email: String },
}

impl User {
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Self::ResetTotp { email, settings } => {
                let request = desk::Request::User(Request::ResetTotp { email: email.clone() });
                let was_on: bool = desk::ask(&settings, request)?;
                let state = if was_on { "is off now" } else { "was off already" };
                say(&format!("two-step verification of {email} {state}"));
                Ok(())
            }
        }
    }
}

impl Request {
    pub fn run(self, desk: &Desk) -> anyhow::Result<Value> {
        match self {
            Self::ResetTotp { email } => {
                let now = desk.now();
                // The write may wait for others, so it owns what it needs.
                let (keys, config) = (Arc::clone(desk.keys), desk.config.clone());
                let done = desk.store.write_blocking(move |tx| {
                    let chance = crate::crypto::Chance::system();
                    let mailer = Mailer {
                        keys: &keys,
                        chance: &chance,
                        head: config.letterhead(),
                        is_sent: config.smtp.is_some(),
                    };
                    second_factor::reset(tx, &mailer, &email, now)
                });
                match done {
                    Ok(was_on) => Ok(json!(was_on)),
                    Err(crate::error::Error::NotFound(_)) => anyhow::bail!("there is no account with this address"),
                    Err(cause) => Err(cause.into()),
                }
            }
        }
    }
}
