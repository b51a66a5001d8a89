//! Pushes usage to the marketplace. A few requests of a seller are on their way at once, and the next one is planned meanwhile.

use std::sync::{Mutex, PoisonError};
use std::thread;

use super::{Ran, openapi, watch};
use crate::app::App;
use crate::clock::Instant;
use crate::config::Seller;
use crate::error::{Error, Result};
use crate::market::metering::{ACTION, Next, Outcome, PARAMETER, classify};
use crate::outbound::Failure;
use crate::usecase::push::{self, Leaving, Way};

/// Requests of a seller that are on their way at once.
const PARALLEL: usize = 4;

/// Holds what a process that is gone had sent. Before anything is sent.
pub fn recover(app: &App) -> Result<()> {
    let _alone = app.pushing.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let now = app.now();
        if app.store.write_blocking(move |tx| push::recover(tx, now))? == 0 {
            return Ok(());
        }
    }
}

/// When the next record may go or has to be warned of. What is on its way is waited for: it may have to go again.
pub fn next_due(app: &App) -> Result<Option<Instant>> {
    let _alone = app.pushing.lock().unwrap_or_else(PoisonError::into_inner);
    look(app)
}

fn look(app: &App) -> Result<Option<Instant>> {
    if !watch::look_at_clock(app) {
        return Ok(None);
    }
    let sellers: Vec<(String, String)> = able(app).map(|seller| (seller.id.clone(), key_mark(app, seller))).collect();
    let now = app.now();
    app.store.read_blocking(move |db| {
        let mut due = vec![push::next_risk(db)?];
        for (id, key) in &sellers {
            due.push(push::next_due(db, id, key, now)?);
        }
        Ok(due.into_iter().flatten().min())
    })
}

/// Sends everything that may go now and returns when nothing may; then warns of what is still waiting. Another thread that
/// does the same is waited for.
pub fn run(app: &App) -> Ran {
    let _alone = app.pushing.lock().unwrap_or_else(PoisonError::into_inner);
    match look(app) {
        // Most of the time nothing is due: that is seen without troubling the writer.
        Ok(due) if due.is_none_or(|due| due > app.now()) => return Ran::default(),
        Ok(_) => {}
        Err(cause) => {
            tracing::warn!(%cause, "usage to push could not be looked for");
            return Ran { ran: 0, failed: 1 };
        }
    }
    let mut total = Ran::default();
    for seller in able(app) {
        total = super::add(total, run_seller(app, seller));
    }
    loop {
        let now = app.now();
        match app.store.write_blocking(move |tx| push::warn(tx, now)) {
            Ok(0) => return total,
            Ok(_) => total.ran += 1,
            Err(cause) => {
                tracing::warn!(%cause, "usage at risk could not be told");
                total.failed += 1;
                return total;
            }
        }
    }
}

/// The sellers that have a key to push with, while anything may be pushed.
fn able(app: &App) -> impl Iterator<Item = &Seller> {
    let may_push = app.holds.may_push();
    app.config.sellers.iter().filter(move |seller| may_push && seller.has_access_key())
}

/// Of the key in force: it may have been read again since the start.
fn key_mark(app: &App, seller: &Seller) -> String {
    app.keyring.load().seller(&seller.id).map(|ring| ring.access_key_mark.clone()).unwrap_or_default()
}

fn run_seller(app: &App, seller: &Seller) -> Ran {
    let (way, turn) = (way(app, seller), Mutex::new(()));
    thread::scope(|scope| {
        let lanes: Vec<_> = (0..PARALLEL).map(|_| scope.spawn(|| run_lane(app, seller, &way, &turn))).collect();
        let ran = lanes.into_iter().map(|lane| lane.join().unwrap_or(Ran { ran: 0, failed: 1 }));
        ran.fold(Ran::default(), super::add)
    })
}

/// Sends one request after another until none may go. The lanes take turns at the store: two would plan the same, and what all
/// of them write at once would hold the marketplace's calls up.
fn run_lane(app: &App, seller: &Seller, way: &Way, turn: &Mutex<()>) -> Ran {
    let mut total = Ran::default();
    while !app.work.is_stopping() && app.holds.may_push() {
        match take(app, way, turn) {
            Ok(Some(leaving)) => {
                let is_fine = send(app, seller, &leaving, turn);
                total = super::add(total, Ran { ran: 1, failed: u32::from(!is_fine) });
            }
            Ok(None) => break,
            // More usage came for a record meanwhile, or a person decided on it.
            Err(Error::Conflict(_)) => {}
            Err(cause) => {
                tracing::warn!(seller = seller.id, %cause, "usage to push could not be taken");
                total.failed += 1;
                break;
            }
        }
    }
    total
}

/// Commits the next request as sending. It is planned outside the writer, where looking at a hundred records would hold calls up.
fn take(app: &App, way: &Way, turn: &Mutex<()>) -> Result<Option<Leaving>> {
    let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let (of, now) = (way.clone(), app.now());
        let plan = app.store.read_blocking(move |db| push::plan(db, &of, now))?;
        if plan.is_empty() {
            return Ok(None);
        }
        let (of, nonce) = (way.clone(), app.chance.token());
        let leaving = app.store.write_blocking(move |tx| push::take(tx, &of, plan, nonce, now))?;
        if leaving.is_some() {
            return Ok(leaving);
        }
    }
}

fn way(app: &App, seller: &Seller) -> Way {
    let assits = seller.products.iter().flat_map(|product| {
        let items = product.items.iter().filter(|item| !item.assit.is_empty());
        items.map(|item| ((product.code.clone(), item.key.clone()), item.assit.clone()))
    });
    Way {
        seller_id: seller.id.clone(),
        key_mark: key_mark(app, seller),
        query_bytes: app.config.push.max_query_bytes,
        is_atomic: app.config.push.assume_batch_atomic,
        assits: assits.collect(),
    }
}

/// As the metrics name it.
fn outcome_name(next: &Next) -> &'static str {
    match next {
        Next::Accepted { .. } => "accepted",
        Next::ResendNow | Next::ResendLater { .. } | Next::Halve { .. } => "retried",
        Next::Rejected { .. } => "rejected",
        Next::Hold { .. } => "held",
        Next::StopSeller { .. } => "stopped",
    }
}

/// Sends a request that is committed as sending, and writes down what came of it. Whether it was accepted.
fn send(app: &App, seller: &Seller, leaving: &Leaving, turn: &Mutex<()>) -> bool {
    // Before it is used: a refusal stops this key, not one that was put in force meanwhile.
    let key = key_mark(app, seller);
    let answer = openapi::ask_once(app, seller, ACTION, &[(PARAMETER, &leaving.text)], &leaving.nonce);
    let outcome = match &answer {
        Ok(answer) => Outcome::Answered { status: answer.status, body: &answer.body },
        Err(Failure::NotSent(_)) => Outcome::NotSent,
        Err(Failure::Lost(_)) => Outcome::Unanswered,
    };
    let next = classify(outcome, leaving.entities);
    let status = answer.as_ref().ok().map(|answer| answer.status);
    let is_accepted = matches!(next, Next::Accepted { .. });
    app.metrics.pushes.add("push", outcome_name(&next));
    if !is_accepted {
        tracing::warn!(seller = seller.id, push = leaving.push_id, status, ?next, failure = ?answer.err(), "a push was not accepted");
    }
    let (id, now) = (leaving.push_id, app.now());
    let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
    if let Err(cause) = app.store.write_blocking(move |tx| push::settle(tx, id, &next, status, &key, now)) {
        // It stays `sending`, and is held for an operator at the next start.
        tracing::error!(push = id, %cause, "what came of a push could not be written down");
    }
    is_accepted
}
