//! Tells the vendor's product: fans events out to webhooks and sends what is due, each webhook by threads of its own, so that
//! one that is slow holds up no other; and questions to the vendor apart from everything else, so that they wait for nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::Ran;
use crate::app::App;
use crate::clock::Instant;
use crate::domain::hook::{Answer, is_confirmation};
use crate::error::Result;
use crate::outbound;
use crate::usecase::delivery::{self, Attempt, Message, Pending, Take};

/// Deliveries that are leased at once.
const BATCH: u32 = 64;
/// Requests to one webhook at once.
const PARALLEL: usize = 8;
/// A lease outlasts a batch whose every request runs into its time-out.
const LEASE_MS: i64 = 300_000;
/// Between two looks for news while somebody listens, and while nobody does.
const LOOK: Duration = Duration::from_millis(50);
const IDLE: Duration = Duration::from_millis(500);
/// How long a stop waits for answers.
const FAREWELL: Duration = Duration::from_secs(2);
/// Longest part of an answer that an error quotes, in characters.
const QUOTE: usize = 120;

/// A webhook, and whether its questions or its other deliveries are meant.
type Line = (String, bool);

/// When the next delivery is due; `now` if it is at once.
pub fn next_due(app: &App) -> Result<Option<Instant>> {
    if !app.holds.may_tell() {
        return Ok(None);
    }
    let now = app.now();
    let pending = app.store.read_blocking(delivery::pending)?;
    Ok(pending.iter().filter_map(|one| one.due(now)).min())
}

/// Fans out and sends everything that is due, and returns when nothing is.
pub fn run(app: &App) -> Ran {
    let mut total = Ran::default();
    match lines(app) {
        Ok(lines) => thread::scope(|scope| {
            let sent: Vec<_> = lines.due.iter().map(|line| scope.spawn(|| send_due(app, line))).collect();
            for line in sent {
                total = super::add(total, line.join().unwrap_or(Ran { ran: 0, failed: 1 }));
            }
        }),
        Err(cause) => {
            tracing::warn!(%cause, "deliveries could not be looked for");
            total.failed += 1;
        }
    }
    total
}

/// The threads of a running gateway that send, one per line that has something to do.
#[derive(Default)]
pub struct Senders {
    running: HashMap<Line, JoinHandle<()>>,
}

impl Senders {
    /// Fans out, and sees to it that every line with something due has its thread. How long to nap: events ring no bell, so
    /// that they cost the same with and without webhooks.
    pub fn start_due(&mut self, app: &Arc<App>) -> Duration {
        self.running.retain(|_, thread| !thread.is_finished());
        let Lines { due, has_listeners } = match lines(app) {
            Ok(lines) => lines,
            Err(cause) => {
                tracing::warn!(%cause, "deliveries could not be looked for");
                return IDLE;
            }
        };
        for line in due {
            if self.running.contains_key(&line) {
                continue;
            }
            let (shared, of) = (Arc::clone(app), line.clone());
            let sending = move || {
                send_due(&shared, &of);
            };
            match thread::Builder::new().name("jobs-hook".into()).spawn(sending) {
                Ok(thread) => drop(self.running.insert(line, thread)),
                Err(cause) => tracing::warn!(%cause, "no thread to send with; it is tried again"),
            }
        }
        if has_listeners { LOOK } else { IDLE }
    }

    /// Waits a little until what is being sent has its answer recorded. What has not is sent again by the next process.
    pub fn join(self) {
        let start = std::time::Instant::now();
        while start.elapsed() < FAREWELL && self.running.values().any(|thread| !thread.is_finished()) {
            thread::sleep(LOOK);
        }
    }
}

/// What there is to send.
struct Lines {
    due: Vec<Line>,
    /// There is a webhook that hears of what happens.
    has_listeners: bool,
}

/// Fans out, and finds the lines with something due.
fn lines(app: &App) -> Result<Lines> {
    if !app.holds.may_tell() {
        return Ok(Lines { due: Vec::new(), has_listeners: false });
    }
    let mut pending = app.store.read_blocking(delivery::pending)?;
    while let Some(behind) = pending.iter().find(|one| one.has_news) {
        let (id, now) = (behind.webhook_id.clone(), app.now());
        app.store.write_blocking(move |tx| delivery::fan_out(tx, &id, now))?;
        pending = app.store.read_blocking(delivery::pending)?;
    }
    let now = app.now();
    let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
    let of = |one: &Pending| {
        let tells = is_due(one.tells_at).then(|| (one.webhook_id.clone(), false));
        let asks = is_due(one.asks_at).then(|| (one.webhook_id.clone(), true));
        [asks, tells].into_iter().flatten().collect::<Vec<_>>()
    };
    Ok(Lines { due: pending.iter().flat_map(of).collect(), has_listeners: !pending.is_empty() })
}

/// Sends what is due on a line until nothing is, or the gateway stops.
fn send_due(app: &App, (webhook_id, is_asking): &Line) -> Ran {
    let mut total = Ran::default();
    let take = Take { webhook_id: webhook_id.clone(), is_asking: *is_asking, lease_ms: LEASE_MS, limit: BATCH };
    while !app.work.is_stopping() {
        let messages = match take_due(app, &take) {
            Ok(messages) if messages.is_empty() => break,
            Ok(messages) => messages,
            Err(cause) => {
                tracing::warn!(webhook = webhook_id, %cause, "deliveries could not be taken");
                total.failed += 1;
                break;
            }
        };
        total = super::add(total, send_all(app, messages));
    }
    total
}

fn take_due(app: &App, take: &Take) -> Result<Vec<Message>> {
    let (now, real_now) = (app.now(), app.clock.real_now());
    let (taken, keys) = (take.clone(), app.keys.clone());
    app.store.write_blocking(move |tx| delivery::take(tx, &keys, &taken, now, real_now))
}

fn send_all(app: &App, messages: Vec<Message>) -> Ran {
    let threads = messages.len().min(PARALLEL);
    let queue = Mutex::new(messages.into_iter());
    let work = || {
        let mut ran = Ran::default();
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(message) = next.filter(|_| !app.work.is_stopping()) else { return ran };
            ran.ran += 1;
            ran.failed += u32::from(!send(app, message));
        }
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or(Ran { ran: 0, failed: 1 }))
            .fold(Ran::default(), super::add)
    })
}

/// Sends one message and records what came back. Whether it was taken.
fn send(app: &App, message: Message) -> bool {
    let Message { delivery, url, headers, body } = message;
    let mut sent: Vec<(&str, &str)> = vec![("content-type", "application/json")];
    sent.extend(headers.iter().map(|(name, value)| (*name, value.as_str())));
    let attempt = judge(app.hooks.post(&url, &sent, body.as_bytes()));
    let is_taken = matches!(attempt.answer, Answer::Taken { .. });
    app.metrics.deliveries.add("delivery", if is_taken { "accepted" } else { "failed" });
    if let Some(why) = &attempt.error {
        tracing::info!(webhook = delivery.webhook_id, delivery = delivery.id, why, "a delivery failed");
    }
    let ([spread], now) = (app.chance.bytes::<1>(), app.now());
    let recorded = app.store.write_blocking(move |tx| delivery::record(tx, &delivery, &attempt, spread, now));
    if let Err(cause) = recorded {
        // The lease runs out, and it is sent again.
        tracing::warn!(%cause, "a delivery's outcome could not be recorded");
    }
    is_taken
}

/// What an answer means. A redirect is none: it is not followed, and shows as a failure with its status.
fn judge(answer: std::result::Result<outbound::Answer, outbound::Failure>) -> Attempt {
    match answer {
        Ok(found) if (200..300).contains(&found.status) => Attempt {
            answer: Answer::Taken { is_confirming: is_confirmation(&found.body) },
            status: Some(found.status),
            error: None,
        },
        Ok(found) => {
            let quoted: String = found.body.chars().filter(|c| !c.is_control()).take(QUOTE).collect();
            Attempt {
                answer: if found.status == 410 { Answer::Gone } else { Answer::Failed },
                status: Some(found.status),
                error: Some(format!("answered {}: {quoted}", found.status)),
            }
        }
        Err(failure) => Attempt { answer: Answer::Failed, status: None, error: Some(failure.to_string()) },
    }
}
