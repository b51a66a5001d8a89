//! `marketgate api-key`: the keys of the vendor's product.

use std::io::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::desk::{self, Desk};
use super::{Settings, say};
use crate::clock::Instant;
use crate::domain::api_key::{Draft, LIFE_MAX_DAYS, OVERLAP_HOURS, OVERLAP_MAX_HOURS, Scope, State};
use crate::error::Error;
use crate::usecase::audit::By;
use crate::usecase::{api_key, rfc3339};

/// Keys of one answer.
const MOST: u32 = 500;

#[derive(clap::Subcommand)]
pub enum ApiKey {
    /// Make a key and print its secret, this once: on standard output alone, so that it can go straight into the file or
    /// the store of secrets where your product looks for it.
    Create {
        /// What it is for, such as `product` or `billing job`.
        #[arg(long)]
        name: String,
        /// What it may do; several are given apart or with commas.
        #[arg(long = "scope", required = true, value_delimiter = ',', value_parser = scopes())]
        scopes: Vec<String>,
        /// It ends after so many days; without this it goes on until it is revoked.
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=i64::from(LIFE_MAX_DAYS)))]
        days: Option<u32>,
        #[command(flatten)]
        settings: Settings,
        /// As JSON, the secret with what is known of the key.
        #[arg(long)]
        json: bool,
    },
    /// Show the keys, the newest first. Their secrets are nowhere: each was shown once.
    List {
        #[command(flatten)]
        settings: Settings,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make a key that takes the place of another one, and print its secret, this once. The former key goes on meanwhile.
    Rotate {
        /// As `api-key list` shows it.
        id: String,
        /// For so many hours the former key goes on.
        #[arg(long, value_name = "HOURS", default_value_t = OVERLAP_HOURS, value_parser = clap::value_parser!(u32).range(0..=i64::from(OVERLAP_MAX_HOURS)))]
        overlap_hours: u32,
        /// The new one ends after so many days; without this it goes on until it is revoked.
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=i64::from(LIFE_MAX_DAYS)))]
        days: Option<u32>,
        #[command(flatten)]
        settings: Settings,
        /// As JSON, the secret with what is known of the key.
        #[arg(long)]
        json: bool,
    },
    /// Take a key out of force at once. This cannot be undone.
    Revoke {
        /// As `api-key list` shows it.
        id: String,
        /// For the audit log.
        #[arg(long)]
        reason: Option<String>,
        #[command(flatten)]
        settings: Settings,
    },
}

fn scopes() -> clap::builder::PossibleValuesParser {
    Scope::ALL.map(Scope::as_str).into()
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    Create { name: String, scopes: Vec<String>, days: Option<u32> },
    List,
    Rotate { id: String, overlap_hours: u32, days: Option<u32> },
    Revoke { id: String, reason: Option<String> },
}

/// A key as the command shows it.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    id: String,
    name: String,
    state: String,
    /// How the secret begins; empty where that is not known.
    hint: String,
    scopes: Vec<String>,
    created_at: String,
    expires_at: Option<String>,
    last_used_at: Option<String>,
    replaces: Option<String>,
    replaced_by: Option<String>,
    /// Shown once, to whoever had it made.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl Line {
    fn of(key: &api_key::Listed, secret: Option<&str>, now: Instant) -> Self {
        let state = match State::of(key.revoked_at, key.expires_at, now) {
            State::InForce => "in force",
            State::Expired => "expired",
            State::Revoked => "revoked",
        };
        Self {
            id: key.id.clone(),
            name: key.name.clone(),
            state: state.to_owned(),
            hint: key.hint.clone(),
            scopes: key.scopes.split_whitespace().map(str::to_owned).collect(),
            created_at: rfc3339(key.created_at),
            expires_at: key.expires_at.map(rfc3339),
            last_used_at: key.last_used_at.map(rfc3339),
            replaces: key.replaces.clone(),
            replaced_by: key.replaced_by.clone(),
            secret: secret.map(str::to_owned),
        }
    }
}

impl ApiKey {
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Create { name, scopes, days, settings, json } => {
                show(&settings, Request::Create { name, scopes, days }, json)
            }
            Self::Rotate { id, overlap_hours, days, settings, json } => {
                show(&settings, Request::Rotate { id, overlap_hours, days }, json)
            }
            Self::List { settings, json } => {
                let lines: Vec<Line> = desk::ask(&settings, desk::Request::ApiKey(Request::List))?;
                say(&if json { serde_json::to_string_pretty(&lines)? } else { table(&lines) });
                Ok(())
            }
            Self::Revoke { id, reason, settings } => {
                let request = desk::Request::ApiKey(Request::Revoke { id, reason });
                let revoked: Line = desk::ask(&settings, request)?;
                say(&format!(
                    "{} ({}) is revoked: every call with it is refused from now on",
                    revoked.id, revoked.name
                ));
                Ok(())
            }
        }
    }
}

/// Has a key made, and shows its secret alone where a program may read it.
fn show(settings: &Settings, request: Request, json: bool) -> anyhow::Result<()> {
    let made: Line = desk::ask(settings, desk::Request::ApiKey(request))?;
    if json {
        say(&serde_json::to_string_pretty(&made)?);
        return Ok(());
    }
    let until = made.expires_at.as_ref().map_or_else(|| "until it is revoked".to_owned(), |at| format!("until {at}"));
    let told = format!(
        "{} ({}) may {} {until}.\nIts secret follows. Keep it now: it is shown this once.",
        made.id,
        made.name,
        made.scopes.join(" ")
    );
    // Whoever cannot hear this loses nothing but the explanation.
    let _unheard = writeln!(std::io::stderr(), "{told}");
    say(&made.secret.unwrap_or_default());
    Ok(())
}

/// What a refusal means to whoever typed the command.
fn sentence(refused: Error) -> anyhow::Error {
    let text = match refused {
        Error::NotFound(_) => "there is no key of this id; `marketgate api-key list` shows them",
        Error::Conflict("key_ended") => "this key is not in force any more; make a new one with `api-key create`",
        Error::Conflict("key_replaced") => {
            "this key was rotated before; rotate the one that took its place, or revoke one of them"
        }
        Error::Invalid(ref fields) => match fields.first().map(|field| (field.field, field.code)) {
            Some(("name", "too_long")) => "the name has 60 characters at most",
            Some(("name", _)) => "the name is empty, or has characters that cannot be used",
            Some(("why", _)) => "the reason has 500 characters at most",
            _ => return refused.into(),
        },
        other => return other.into(),
    };
    anyhow::anyhow!(text)
}

impl Request {
    pub fn run(self, desk: &Desk) -> anyhow::Result<Value> {
        let (now, by) = (desk.now(), By::command_line());
        match self {
            Self::List => {
                let found = desk.store.read_blocking(move |db| api_key::list(db, &by, "", MOST))?;
                Ok(json!(found.iter().map(|key| Line::of(key, None, now)).collect::<Vec<_>>()))
            }
            Self::Create { name, scopes, days } => {
                let (id, secret) = fresh(desk);
                let shown = secret.clone();
                let done = desk.store.write_blocking(move |tx| {
                    let draft =
                        Draft::new(&name, &scopes, days).map_err(|(field, code)| Error::invalid(field, code))?;
                    api_key::create(tx, &by, &id, &draft, &secret, now)
                });
                Ok(json!(Line::of(&done.map_err(sentence)?, Some(&shown), now)))
            }
            Self::Rotate { id, overlap_hours, days } => {
                let (next_id, secret) = fresh(desk);
                let shown = secret.clone();
                let done = desk.store.write_blocking(move |tx| {
                    api_key::rotate(tx, &by, &id, (overlap_hours, days), (&next_id, &secret), now)
                });
                Ok(json!(Line::of(&done.map_err(sentence)?, Some(&shown), now)))
            }
            Self::Revoke { id, reason } => {
                let why = reason.unwrap_or_default();
                let done = desk.store.write_blocking(move |tx| api_key::revoke(tx, &by, &id, &why, now));
                Ok(json!(Line::of(&done.map_err(sentence)?, None, now)))
            }
        }
    }
}

/// An id and a secret for a key that is made.
fn fresh(desk: &Desk) -> (String, String) {
    (desk.chance.id("key", desk.now()), api_key::fresh_secret(desk.chance, desk.config.is_https()))
}

fn table(lines: &[Line]) -> String {
    if lines.is_empty() {
        return "no keys yet".to_owned();
    }
    let or = |at: &Option<String>, none: &str| at.clone().unwrap_or_else(|| none.to_owned());
    let mut text = Vec::new();
    for line in lines {
        let begins = if line.hint.is_empty() { String::new() } else { format!("  {}…", line.hint) };
        text.push(format!(
            "{}  {}  {}{begins}\n    scopes {}\n    created {}, expires {}, last used {}",
            line.id,
            line.state,
            line.name,
            line.scopes.join(" "),
            line.created_at,
            or(&line.expires_at, "never"),
            or(&line.last_used_at, "never"),
        ));
        if let Some(next) = &line.replaced_by {
            text.push(format!("    replaced by {next}"));
        }
    }
    text.join("\n")
}
