//! `marketgate api-key list`: the keys of the vendor's product.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::desk::{self, Desk};
use super::{Settings, say};
use crate::usecase::{api_key, rfc3339};

/// Keys of one answer.
const MOST: u32 = 500;

#[derive(clap::Subcommand)]
pub enum ApiKey {
    /// Show the keys, the newest first. Their secrets are nowhere: each was shown once.
    List {
        #[command(flatten)]
        settings: Settings,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    List,
}

/// A key as the command shows it.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    id: String,
    name: String,
    state: String,
    scopes: Vec<String>,
    created_at: String,
    expires_at: Option<String>,
    last_used_at: Option<String>,
}

impl ApiKey {
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List { settings, json } => {
                let lines: Vec<Line> = desk::ask(&settings, desk::Request::ApiKey(Request::List))?;
                say(&if json { serde_json::to_string_pretty(&lines)? } else { table(&lines) });
                Ok(())
            }
        }
    }
}

impl Request {
    pub fn run(self, desk: &Desk) -> anyhow::Result<Value> {
        match self {
            Self::List => {
                let now = desk.now();
                let found = desk.store.read_blocking(|db| api_key::list(db, "", MOST))?;
                let state = |key: &api_key::Listed| match (key.revoked_at, key.expires_at) {
                    (Some(_), _) => "revoked",
                    (None, Some(at)) if at <= now => "expired",
                    (None, _) => "in force",
                };
                Ok(json!(
                    found
                        .iter()
                        .map(|key| Line {
                            id: key.id.clone(),
                            name: key.name.clone(),
                            state: state(key).to_owned(),
                            scopes: key.scopes.split_whitespace().map(str::to_owned).collect(),
                            created_at: rfc3339(key.created_at),
                            expires_at: key.expires_at.map(rfc3339),
                            last_used_at: key.last_used_at.map(rfc3339),
                        })
                        .collect::<Vec<_>>()
                ))
            }
        }
    }
}

fn table(lines: &[Line]) -> String {
    if lines.is_empty() {
        return "no keys yet".to_owned();
    }
    let or = |at: &Option<String>, none: &str| at.clone().unwrap_or_else(|| none.to_owned());
    let mut text = Vec::new();
    for line in lines {
        text.push(format!(
            "{}  {}  {}\n    scopes {}\n    created {}, expires {}, last used {}",
            line.id,
            line.state,
            line.name,
            line.scopes.join(" "),
            line.created_at,
            or(&line.expires_at, "never"),
            or(&line.last_used_at, "never"),
        ));
    }
    text.join("\n")
}
