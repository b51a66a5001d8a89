//! `marketgate usage import`: send usage from a file, as the vendor's product would.

use std::fs::File;
use std::io::{BufRead as _, BufReader, IsTerminal as _, Read, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::{say, say_on_stderr};
use crate::outbound::{Limits, Outbound};
use crate::web::cloudevent::{self, Mode};

/// Events of one request.
const BATCH: usize = 500;
/// Longest line of a file, in bytes.
const MAX_LINE: u64 = 64 * 1024;
/// How often a request is repeated when the gateway is busy or cannot be reached; each time it is waited longer.
const ATTEMPTS: u32 = 10;
/// Longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Rejected events that are named; more are only counted.
const NAMED: usize = 100;

#[derive(clap::Subcommand)]
pub enum Usage {
    /// Send the events of a file to a gateway. Safe to repeat: each event is counted once.
    Import(Import),
}

#[derive(clap::Args)]
pub struct Import {
    /// Lines of events in JSON, as the API takes them; or, ending in .csv, a table with the columns source, id, subject, time, item, quantity
    /// and perhaps seconds.
    file: PathBuf,
    /// The gateway, such as <https://gate.example.com>.
    #[arg(long, env = "MARKETGATE_URL")]
    url: String,
    /// An API key with the scope usage:write. Better given as the environment variable, which other users do not see.
    #[arg(long, env = "MARKETGATE_API_KEY", hide_env_values = true)]
    api_key: String,
    /// Check the file's form and send nothing.
    #[arg(long)]
    dry_run: bool,
}

impl Usage {
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Import(import) => import.run(),
        }
    }
}

/// An event as text, or why its line is none.
type Line = Result<Box<RawValue>, &'static str>;

#[derive(Default)]
struct Count {
    accepted: usize,
    duplicate: usize,
    rejected: usize,
}

impl Import {
    fn run(&self) -> anyhow::Result<()> {
        let file = File::open(&self.file).with_context(|| format!("cannot open {}", self.file.display()))?;
        let whole = file.metadata()?.len();
        let (read, count) = if self.file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv")) {
            self.import(table(file), whole)?
        } else {
            self.import(lines(BufReader::new(file)), whole)?
        };
        let Count { accepted, duplicate, rejected } = count;
        say(&if self.dry_run {
            format!("{read} events: {accepted} well-formed, {rejected} not; nothing was sent")
        } else {
            format!("{read} events: {accepted} accepted, {duplicate} known already, {rejected} rejected")
        });
        if rejected > 0 {
            bail!(
                "{rejected} events were not taken; correct them and import the file again, what was taken is not counted twice"
            );
        }
        Ok(())
    }

    /// Sends batch after batch; how many events were read, and what became of them.
    fn import(
        &self,
        events: impl Iterator<Item = anyhow::Result<(u64, u64, Line)>>,
        whole: u64,
    ) -> anyhow::Result<(usize, Count)> {
        let outbound =
            Outbound::new(Limits { total: Duration::from_secs(30), max_body: 1024 * 1024, ..Limits::default() });
        let mut progress = Progress { is_shown: std::io::stderr().is_terminal(), whole, percent: None };
        let (mut read, mut count) = (0, Count::default());
        let mut batch: Vec<(u64, Box<RawValue>)> = Vec::with_capacity(BATCH);
        for event in events {
            let (number, bytes, line) = event?;
            read += 1;
            match line {
                Ok(event) => batch.push((number, event)),
                Err(code) => count.reject(number, code),
            }
            if batch.len() == BATCH {
                self.send(&outbound, &mut batch, &mut count)?;
                progress.show(bytes, read);
            }
        }
        self.send(&outbound, &mut batch, &mut count)?;
        progress.end();
        Ok((read, count))
    }

    fn send(
        &self,
        outbound: &Outbound,
        batch: &mut Vec<(u64, Box<RawValue>)>,
        count: &mut Count,
    ) -> anyhow::Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let body = serde_json::to_vec(&batch.iter().map(|(_, event)| event).collect::<Vec<_>>())?;
        if self.dry_run {
            let sent = cloudevent::read(Mode::Batch, &body).map_err(|cause| anyhow::anyhow!("{cause}"))?;
            for (one, (number, _)) in sent.iter().zip(batch.drain(..)) {
                match &one.usage {
                    Ok(_) => count.accepted += 1,
                    Err(code) => count.reject(number, code),
                }
            }
            return Ok(());
        }
        let answer = self.post(outbound, &body)?;
        let verdicts = answer["events"].as_array().filter(|list| list.len() == batch.len());
        let verdicts = verdicts.context("the gateway's answer has no verdict for each event")?;
        for (verdict, (number, _)) in verdicts.iter().zip(batch.drain(..)) {
            match verdict["verdict"].as_str() {
                Some("accepted") => count.accepted += 1,
                Some("duplicate") => count.duplicate += 1,
                _ => count.reject(number, verdict["code"].as_str().unwrap_or("unknown")),
            }
        }
        Ok(())
    }

    /// Asks again while that may help: what was taken by a lost request is found to be known.
    fn post(&self, outbound: &Outbound, body: &[u8]) -> anyhow::Result<Value> {
        let url = format!("{}/api/v1/usage", self.url.trim_end_matches('/'));
        let authorization = format!("Bearer {}", self.api_key);
        let headers =
            [("authorization", authorization.as_str()), ("content-type", "application/cloudevents-batch+json")];
        let mut wait = Duration::from_secs(1);
        for attempt in 1.. {
            let why = match outbound.post(&url, &headers, body) {
                Ok(answer) if answer.status == 200 => {
                    return serde_json::from_str(&answer.body).context("the gateway's answer is not JSON");
                }
                Ok(answer) if !matches!(answer.status, 429 | 500..=599) => {
                    let problem: Value = serde_json::from_str(&answer.body).unwrap_or_default();
                    let code = problem["code"].as_str().unwrap_or("no reason given");
                    bail!("{url} refused the import with status {}: {code}", answer.status)
                }
                Ok(answer) => format!("status {}", answer.status),
                Err(cause) => cause.to_string(),
            };
            if attempt == ATTEMPTS {
                bail!("{url} takes nothing ({why}); import the file again later, what was taken is not counted twice");
            }
            std::thread::sleep(wait);
            wait = (wait * 2).min(LONGEST_WAIT);
        }
        bail!("no attempt was made")
    }
}

impl Count {
    fn reject(&mut self, number: u64, code: &str) {
        self.rejected += 1;
        if self.rejected <= NAMED {
            say_on_stderr(&format!("line {number}: {code}"));
        } else if self.rejected == NAMED + 1 {
            say_on_stderr("more lines are rejected; they are only counted");
        }
    }
}

/// How many events a file's text holds, and how many of them are no events; `None`: it cannot be read to its end.
#[must_use]
pub fn well_formed(text: &[u8], is_csv: bool) -> Option<(usize, usize)> {
    let events: anyhow::Result<Vec<_>> = if is_csv { table(text).collect() } else { lines(text).collect() };
    let events = events.ok()?;
    let bad = events.iter().filter(|(_, _, line)| line.is_err()).count();
    Some((events.len(), bad))
}

/// Each line's number, the bytes up to its end, and its event. Blank lines are passed over.
fn lines(mut file: impl std::io::BufRead) -> impl Iterator<Item = anyhow::Result<(u64, u64, Line)>> {
    let (mut number, mut bytes) = (0, 0);
    std::iter::from_fn(move || {
        loop {
            let mut line = Vec::new();
            let read = match file.by_ref().take(MAX_LINE).read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Ok(read) => read as u64,
                Err(cause) => return Some(Err(cause.into())),
            };
            number += 1;
            bytes += read;
            if read == MAX_LINE && line.last() != Some(&b'\n') {
                return Some(Err(anyhow::anyhow!("line {number} is longer than {MAX_LINE} bytes")));
            }
            let text = line.trim_ascii();
            if !text.is_empty() {
                let event = serde_json::from_slice::<&RawValue>(text).map(ToOwned::to_owned).map_err(|_| "malformed");
                return Some(Ok((number, bytes, event)));
            }
        }
    })
}

#[derive(Deserialize)]
struct Row {
    source: String,
    id: String,
    subject: String,
    time: String,
    item: String,
    quantity: String,
    seconds: Option<String>,
}

fn table(file: impl Read) -> impl Iterator<Item = anyhow::Result<(u64, u64, Line)>> {
    let reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
    let mut rows = reader.into_deserialize::<Row>();
    std::iter::from_fn(move || {
        let row = rows.next()?;
        let position = rows.reader().position();
        let (number, bytes) = (position.line(), position.byte());
        Some(match row {
            Ok(row) => Ok((number.saturating_sub(1), bytes, event_of(&row))),
            Err(cause) => Err(anyhow::anyhow!("the table cannot be read: {cause}")),
        })
    })
}

fn event_of(row: &Row) -> Line {
    #[derive(Serialize)]
    struct Event<'a> {
        specversion: &'static str,
        r#type: &'static str,
        source: &'a str,
        id: &'a str,
        subject: &'a str,
        time: &'a str,
        data: Data<'a>,
    }
    #[derive(Serialize)]
    struct Data<'a> {
        item: &'a str,
        quantity: Box<RawValue>,
        #[serde(skip_serializing_if = "Option::is_none")]
        seconds: Option<Box<RawValue>>,
    }
    // Numbers as written: the gateway judges those of a table as it judges those of JSON.
    let number = |text: &str, code| RawValue::from_string(text.to_owned()).map_err(|_| code);
    let seconds = row.seconds.as_deref().filter(|text| !text.is_empty());
    let event = Event {
        specversion: "1.0",
        r#type: cloudevent::TYPE,
        source: &row.source,
        id: &row.id,
        subject: &row.subject,
        time: &row.time,
        data: Data {
            item: &row.item,
            quantity: number(&row.quantity, "quantity_not_integer")?,
            seconds: seconds.map(|text| number(text, "seconds_not_integer")).transpose()?,
        },
    };
    to_raw_value(&event).map_err(|_| "malformed")
}

/// One line on a terminal.
struct Progress {
    is_shown: bool,
    whole: u64,
    percent: Option<u64>,
}

impl Progress {
    fn show(&mut self, bytes: u64, events: usize) {
        let percent = (bytes * 100).checked_div(self.whole).unwrap_or(100).min(100);
        if self.is_shown && self.percent != Some(percent) {
            self.percent = Some(percent);
            draw(&format!("\r{percent:3} %  {events} events"));
        }
    }

    fn end(&self) {
        if self.percent.is_some() {
            draw("\r\x1b[2K");
        }
    }
}

fn draw(text: &str) {
    let mut terminal = std::io::stderr();
    // A terminal that went away costs the import nothing.
    let _gone = terminal.write_all(text.as_bytes()).and_then(|()| terminal.flush());
}
