//! `marketgate operator`: who may use the console. The first one is made here, because nobody is there yet to do so.
//!
//! A link that lets somebody in is shown on a terminal only; anywhere else, where it could end in a log, it is written to
//! a file that nobody else on the machine can read.

use std::fs::File;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::desk::{self, Desk};
use super::{Settings, language, language_of_terminal, say};
use crate::crypto::{digest, password};
use crate::domain::organization::NAME_MAX;
use crate::domain::value::Lang;
use crate::error::Error;
use crate::store::file::new_private;
use crate::usecase::{operator, rfc3339};

#[derive(clap::Subcommand)]
pub enum Operator {
    /// Add an operator. The answer is a link, good once and for one hour, by which they set their password.
    Add {
        /// The address to sign in with. No account may have it yet.
        email: String,
        /// As others see it; the beginning of the address, before the @, if nothing is said.
        #[arg(long)]
        name: Option<String>,
        /// The language of their mails: zh or en; the terminal's if nothing is said.
        #[arg(long, value_parser = language)]
        lang: Option<Lang>,
        #[command(flatten)]
        link: Link,
        #[command(flatten)]
        settings: Settings,
    },
    /// Show the operators, the newest first.
    List {
        #[command(flatten)]
        settings: Settings,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make another link for an operator who lost the password; the links of before work no more. A lost phone is
    /// another matter: `marketgate user reset-totp`.
    Reset {
        email: String,
        #[command(flatten)]
        link: Link,
        #[command(flatten)]
        settings: Settings,
    },
    /// Lock an operator out, at once. Another operator can enable them in the console.
    Disable {
        email: String,
        #[command(flatten)]
        settings: Settings,
    },
}

/// Where the link goes.
#[derive(clap::Args)]
pub struct Link {
    /// Write the link to this new file (mode 0600). Without it, and where the output is no terminal, it goes to
    /// `operator-link` beside the database.
    #[arg(long, value_name = "FILE")]
    link_file: Option<PathBuf>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    Add { email: String, name: String, lang: String },
    List,
    Reset { email: String },
    Disable { email: String },
}

/// An operator as the command shows them.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    id: String,
    email: String,
    name: String,
    is_enabled: bool,
    has_second_factor: bool,
    created_at: String,
}

impl Operator {
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Add { email, name, lang, link, settings } => {
                let name = name.unwrap_or_else(|| beginning(&email));
                let lang = lang.unwrap_or_else(language_of_terminal).tag().to_owned();
                let handover = Handover::prepare(&settings, &link)?;
                let asked = ask(&settings, Request::Add { email: email.clone(), name, lang });
                let made: String = handover.unless_failed(asked)?;
                say(&format!(
                    "{email} is an operator once the password is set, by a link that works once, for one hour:"
                ));
                handover.hand_over(&made)
            }
            Self::List { settings, json } => {
                let lines: Vec<Line> = ask(&settings, Request::List)?;
                say(&if json { serde_json::to_string_pretty(&lines)? } else { table(&lines) });
                Ok(())
            }
            Self::Reset { email, link, settings } => {
                let handover = Handover::prepare(&settings, &link)?;
                let made: String = handover.unless_failed(ask(&settings, Request::Reset { email: email.clone() }))?;
                say(&format!("{email} sets another password by this link, which works once, for one hour:"));
                handover.hand_over(&made)
            }
            Self::Disable { email, settings } => {
                let was_enabled: bool = ask(&settings, Request::Disable { email: email.clone() })?;
                say(&format!("{email} {}", if was_enabled { "is locked out now" } else { "was locked out already" }));
                Ok(())
            }
        }
    }
}

/// What somebody is called by the address alone.
fn beginning(email: &str) -> String {
    email.split('@').next().unwrap_or_default().chars().take(NAME_MAX).collect()
}

fn ask<T: serde::de::DeserializeOwned>(settings: &Settings, request: Request) -> anyhow::Result<T> {
    desk::ask(settings, desk::Request::Operator(request))
}

/// Where a link goes: to whoever sits there, or into a new file that only the same user can read. It is made before anything is
/// done, so that nothing is done for a link that nobody gets.
struct Handover(Option<(PathBuf, File)>);

impl Handover {
    fn prepare(settings: &Settings, link: &Link) -> anyhow::Result<Self> {
        if link.link_file.is_none() && std::io::stdout().is_terminal() {
            return Ok(Self(None));
        }
        let path = match &link.link_file {
            Some(path) => path.clone(),
            None => settings.database()?.with_file_name("operator-link"),
        };
        let file = new_private(&path)
            .with_context(|| format!("cannot make {} (is an older link still there?)", path.display()))?;
        Ok(Self(Some((path, file))))
    }

    /// What was done; where it was not, the file is not left behind empty.
    fn unless_failed<T>(&self, done: anyhow::Result<T>) -> anyhow::Result<T> {
        if let (Err(_), Some((path, _))) = (&done, &self.0) {
            // The failure itself is what there is to tell.
            let _removed = std::fs::remove_file(path);
        }
        done
    }

    fn hand_over(self, made: &str) -> anyhow::Result<()> {
        match self.0 {
            None => say(made),
            Some((path, mut file)) => {
                file.write_all(format!("{made}\n").as_bytes())?;
                say(&format!("written to {} (delete it afterwards)", path.display()));
            }
        }
        Ok(())
    }
}

impl Request {
    pub fn run(self, desk: &Desk) -> anyhow::Result<Value> {
        let now = desk.now();
        let token = desk.chance.token();
        let token_hash = digest(token.as_bytes());
        let link = format!("{}/password/reset/{token}", desk.config.public_url);
        match self {
            Self::Add { email, name, lang } => {
                let id = desk.chance.id("usr", now);
                let password_hash = password::of_nothing(desk.chance.bytes(), desk.chance.bytes())?;
                let lang = Lang::parse(&lang).unwrap_or_default();
                let done = desk.store.write_blocking(move |tx| {
                    let new = operator::New {
                        id: &id,
                        email: &email,
                        name: &name,
                        lang,
                        password_hash: &password_hash,
                        token_hash: &token_hash,
                    };
                    operator::add(tx, &new, now)
                });
                done.map_err(sentence)?;
                Ok(json!(link))
            }
            Self::List => {
                let found = desk.store.read_blocking(operator::list)?;
                Ok(json!(found.iter().map(line).collect::<Vec<_>>()))
            }
            Self::Reset { email } => {
                let done = desk.store.write_blocking(move |tx| operator::reset(tx, &email, &token_hash, now));
                done.map_err(sentence)?;
                Ok(json!(link))
            }
            Self::Disable { email } => {
                let done = desk.store.write_blocking(move |tx| operator::disable(tx, &email, now));
                Ok(json!(done.map_err(sentence)?))
            }
        }
    }
}

fn line(found: &operator::Person) -> Line {
    Line {
        id: found.user.id.clone(),
        email: found.user.email.clone(),
        name: found.user.name.clone(),
        is_enabled: found.user.disabled_at.is_none(),
        has_second_factor: found.has_totp,
        created_at: rfc3339(found.user.created_at),
    }
}

/// What is in the way, for whoever typed the command.
fn sentence(cause: Error) -> anyhow::Error {
    let said = match &cause {
        Error::NotFound(_) => "there is no operator with this address",
        Error::Conflict("address_taken") => {
            "there is an account with this address: an operator needs one of their own (`marketgate operator list` shows who is one)"
        }
        Error::Conflict("disabled") => "this operator is locked out: another operator can enable them in the console",
        Error::Conflict("last_operator") => "this is the only operator who can sign in: add another one first",
        Error::Invalid(fields) if fields.iter().any(|wrong| wrong.field == "email") => "this is no e-mail address",
        Error::Invalid(_) => "this cannot be a name: 1 to 60 characters, no address of a page",
        _ => return cause.into(),
    };
    anyhow::anyhow!(said)
}

fn table(lines: &[Line]) -> String {
    if lines.is_empty() {
        return "no operators yet: `marketgate operator add EMAIL` makes the first".to_owned();
    }
    let text = lines.iter().map(|line| {
        let state = if line.is_enabled { "in force" } else { "locked out" };
        let factor = if line.has_second_factor { "two-step verification on" } else { "no two-step verification yet" };
        format!("{}  {}  {state}, {factor}\n    {}  added {}", line.email, line.name, line.id, line.created_at)
    });
    text.collect::<Vec<_>>().join("\n")
}
