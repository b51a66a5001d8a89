//! Asks the marketplace how subscriptions stand, and fetches the notifications that never arrived.
//!
//! Nothing is repaired without an answer that says so: a refused key, a broken or slow server and words that nobody
//! knows end in an alarm or another try.

use std::time::{Duration, Instant as Moment};

use serde_json::json;

use super::{Fault, Ran, openapi};
use crate::app::App;
use crate::clock::Instant;
use crate::config::Seller;
use crate::domain::reconcile::WordState;
use crate::domain::subscription::Purchase;
use crate::domain::value::MINUTE_MS;
use crate::error::{Error, Result};
use crate::market::call::{Action, Pay};
use crate::market::openapi::describe::{self, Notification, Told};
use crate::market::reply::{AppInfo, Reply};
use crate::usecase::heal::{self, Answer, Settled};
use crate::usecase::job::{self, Job};
use crate::usecase::{alarm, provision};

/// Pages of undelivered notifications that one round reads.
const PAGES: usize = 20;
/// How long a round asks, in real time; the next one goes on where it stopped.
const ROUND: Duration = Duration::from_mins(5);
/// So many answers in a row that cannot be used end a round.
const UNCLEAR_IN_A_ROW: u32 = 3;
/// Missed calls written down in one transaction.
const MISSED: usize = 100;

/// Why a question brought nothing.
enum Trouble {
    /// The AccessKey is not accepted.
    Refused(String),
    /// There was an answer, and it cannot be used.
    Unclear(String),
    /// There was no answer.
    Silent(String),
    /// The gateway stops.
    Stopping,
    Store(Error),
}

impl From<Error> for Trouble {
    fn from(cause: Error) -> Self {
        Self::Store(cause)
    }
}

impl From<Trouble> for Fault {
    fn from(trouble: Trouble) -> Self {
        Self::Later(match trouble {
            Trouble::Store(cause) => cause,
            Trouble::Refused(why) => Error::internal(format!("the marketplace refuses the AccessKey: {why}")),
            Trouble::Unclear(why) => Error::internal(format!("the marketplace's answer cannot be used: {why}")),
            Trouble::Silent(why) => Error::internal(format!("the marketplace does not answer: {why}")),
            Trouble::Stopping => Error::Busy,
        })
    }
}

/// The sellers of whom the marketplace is asked.
fn asked(app: &App) -> Vec<String> {
    app.config.sellers.iter().filter(|seller| app.config.asks(seller)).map(|seller| seller.id.clone()).collect()
}

/// Plans the next round of each seller.
pub fn plan(app: &App, at: Instant) -> Result<()> {
    let asked = asked(app);
    if asked.is_empty() {
        return Ok(());
    }
    app.store.write_blocking(move |tx| heal::plan_sweeps(tx, &asked, at))
}

/// When a round comes that is planned now.
pub fn next_round(app: &App) -> Instant {
    app.now().plus_ms(i64::from(app.config.heal.sweep_mins) * MINUTE_MS)
}

/// When a subscription becomes overdue next.
pub fn next_due(app: &App) -> Result<Option<Instant>> {
    app.store.read_blocking(heal::next_overdue)
}

/// Notices what the passing of time and the lack of room have left: overdue subscriptions, calls that got a 503.
pub fn notice(app: &App) -> Ran {
    match notice_once(app) {
        Ok(noticed) => Ran { ran: u32::from(noticed > 0), failed: 0 },
        // It is due until it is written.
        Err(cause) => {
            tracing::debug!(%cause, "nothing could be noticed");
            Ran::default()
        }
    }
}

fn notice_once(app: &App) -> Result<usize> {
    let (now, mut noticed) = (app.now(), 0);
    let missed = app.missed.list(MISSED);
    if !missed.is_empty() {
        let (asked, calls) = (asked(app), missed.clone());
        app.store.write_blocking(move |tx| heal::note_missed(tx, &calls, &asked, now))?;
        app.missed.forget(&missed);
        noticed += missed.len();
    }
    if next_due(app)?.is_some_and(|due| due <= now) {
        let asked = asked(app);
        noticed += app.store.write_blocking(move |tx| heal::notice_overdue(tx, &asked, now))?;
    }
    Ok(noticed)
}

/// The job [`heal::ASK`].
pub fn ask(app: &App, job: &Job) -> Result<(), Fault> {
    let (id, now) = (job.id, app.now());
    let about = job.key.split_once('/').and_then(|(seller, instance)| Some((app.config.seller(seller)?, instance)));
    let Some((seller, instance_id)) = about.filter(|(seller, _)| app.config.asks(seller)) else {
        app.store.write_blocking(move |tx| job::finish(tx, id, now))?;
        return Ok(());
    };
    let settled = reconcile(app, seller, instance_id);
    if let Err(Trouble::Refused(code)) = &settled {
        tell(app, seller, Some((alarm::ACCESS_REFUSED, code.clone())))?;
    }
    let again = match settled? {
        Settled::AskAgain(at) => Some((seller.id.clone(), instance_id.to_owned(), at)),
        _ => None,
    };
    app.store.write_blocking(move |tx| {
        job::finish(tx, id, now)?;
        match again {
            Some((seller_id, instance_id, at)) => heal::ask(tx, &seller_id, &instance_id, at),
            None => Ok(()),
        }
    })?;
    Ok(())
}

/// The job [`heal::SWEEP`]: a round. Its trouble is told by alarms; the next round comes in any case.
pub fn sweep(app: &App, job: &Job) -> Result<(), Fault> {
    let (id, now) = (job.id, app.now());
    let Some(seller) = app.config.seller(&job.key).filter(|seller| app.config.asks(seller)) else {
        app.store.write_blocking(move |tx| job::finish(tx, id, now))?;
        return Ok(());
    };
    let trouble = match round(app, seller, now) {
        Ok(()) => None,
        Err(Trouble::Refused(code)) => Some((alarm::ACCESS_REFUSED, code)),
        Err(Trouble::Unclear(why) | Trouble::Silent(why)) => Some((alarm::UNREACHABLE, why)),
        Err(Trouble::Stopping) => return Err(Error::Busy.into()),
        Err(Trouble::Store(cause)) => return Err(cause.into()),
    };
    tell(app, seller, trouble)?;
    let next = next_round(app);
    let ended = app.now();
    app.store.write_blocking(move |tx| job::again(tx, id, next, ended))?;
    Ok(())
}

fn tell(app: &App, seller: &Seller, trouble: Option<(&'static str, String)>) -> Result<()> {
    if let Some((kind, why)) = &trouble {
        tracing::warn!(seller = seller.id, kind, why, "the marketplace could not be asked");
    }
    let (seller_id, now) = (seller.id.clone(), app.now());
    app.store.write_blocking(move |tx| {
        let trouble = trouble.as_ref().map(|(kind, why)| (*kind, why.as_str()));
        alarm::set_asking(tx, &seller_id, trouble, now)
    })
}

fn round(app: &App, seller: &Seller, now: Instant) -> Result<(), Trouble> {
    let begun = Moment::now();
    // A list that cannot be read keeps nobody from being checked.
    let unlisted = match undelivered(app, seller) {
        Ok(list) => {
            list.iter().try_for_each(|notification| process(app, seller, notification))?;
            None
        }
        Err(trouble @ Trouble::Unclear(_)) => Some(trouble),
        Err(trouble) => return Err(trouble),
    };
    let seller_id = seller.id.clone();
    let searched = app.asking.searched(&seller.id);
    let (due, missing, searched) = app.store.read_blocking(move |db| {
        let (missing, searched) = heal::list_missing(db, &seller_id, searched)?;
        Ok((heal::list_due(db, &seller_id, now)?, missing, searched))
    })?;
    app.asking.set_searched(&seller.id, searched);
    let mut unclear = 0;
    for instance_id in missing.into_iter().chain(due) {
        if begun.elapsed() > ROUND {
            break;
        }
        match reconcile(app, seller, &instance_id) {
            Ok(_) => unclear = 0,
            Err(Trouble::Unclear(why)) => {
                unclear += 1;
                let (seller_id, text, now) = (seller.id.clone(), why.clone(), app.now());
                app.store.write_blocking(move |tx| heal::note_unclear(tx, &seller_id, &instance_id, &text, now))?;
                if unclear == UNCLEAR_IN_A_ROW {
                    return Err(Trouble::Unclear(why));
                }
            }
            Err(trouble) => return Err(trouble),
        }
    }
    unlisted.map_or(Ok(()), Err)
}

/// Every notification whose deliveries are used up. All pages are read before any is confirmed, because that moves
/// the ones behind it.
fn undelivered(app: &App, seller: &Seller) -> Result<Vec<Notification>, Trouble> {
    let mut all = Vec::new();
    for page in 1..=PAGES {
        let params = [("PageNumber", &*page.to_string()), ("PageSize", &describe::PAGE.to_string())];
        let told = question(app, seller, "DescribeFailedNotifications", &params, describe::notifications)?;
        let list = told.map(|told| told.list).unwrap_or_default();
        let is_last = list.len() < describe::PAGE;
        all.extend(list);
        if is_last {
            break;
        }
    }
    Ok(all)
}

/// Processes one notification as its call would have been, and confirms it after that is on disk. One that cannot be
/// processed stays where it is, and holds up no other.
fn process(app: &App, seller: &Seller, notification: &Notification) -> Result<(), Trouble> {
    let (seller_id, request_id, now) = (seller.id.clone(), notification.request_id.clone(), app.now());
    let is_taken = match &notification.pay {
        Some(pay) => take(app, seller, pay, &notification.message)?,
        None => false,
    };
    if !is_taken {
        let instance_id = notification.pay.as_ref().map(|pay| pay.instance_id.clone());
        app.store.write_blocking(move |tx| {
            heal::note_stuck(tx, &seller_id, &request_id, instance_id.as_deref().unwrap_or_default(), now)
        })?;
        return Ok(());
    }
    let params = [("NotificationRequestId", notification.request_id.as_str())];
    match question(app, seller, "ConfirmNotification", &params, describe::confirmed) {
        // Somebody else confirmed it, or it is listed again and confirmed next time: it was processed once.
        Ok(_) | Err(Trouble::Unclear(_)) => {}
        Err(trouble) => return Err(trouble),
    }
    app.store.write_blocking(move |tx| heal::note_confirmed(tx, &seller_id, &request_id, now))?;
    Ok(())
}

/// Whether a payment is recorded now. Its subscription is asked about first if we do not have it.
fn take(app: &App, seller: &Seller, pay: &Pay, message: &str) -> Result<bool, Trouble> {
    let is_missing = || {
        let (seller_id, instance_id) = (seller.id.clone(), pay.instance_id.clone());
        app.store.read_blocking(move |db| heal::before(db, &seller_id, &instance_id)).map(heal::Before::is_missing)
    };
    if is_missing()? {
        match reconcile(app, seller, &pay.instance_id) {
            Ok(_) => {}
            Err(Trouble::Unclear(_)) => return Ok(false),
            Err(trouble) => return Err(trouble),
        }
        if is_missing()? {
            return Ok(false);
        }
    }
    let now = app.now();
    let params = json!({ "action": "orderPay", "requestId": pay.request_id, "notification": message });
    let received = provision::Received {
        seller_id: seller.id.clone(),
        action: Action::Pay(pay.clone()),
        params: params.to_string(),
        // The message repeats what the protocol has.
        is_free_form: false,
        is_sold_here: true,
        is_plan_known: true,
        is_asked: true,
        app_info: AppInfo::default(),
        guide: Default::default(),
        received_at: now,
        stopwatch: Moment::now(),
        request_id: app.chance.id("req", now),
    };
    match app.store.write_blocking(move |tx| provision::receive(tx, &received, now)) {
        Ok((reply, _)) => Ok(reply == Reply::success(true)),
        Err(Error::Busy) => Err(Error::Busy.into()),
        Err(cause) => {
            tracing::warn!(%cause, request_id = pay.request_id, "a notification could not be processed");
            Ok(false)
        }
    }
}

/// Asks about one instance, and does what follows.
fn reconcile(app: &App, seller: &Seller, instance_id: &str) -> Result<Settled, Trouble> {
    let (seller_id, id) = (seller.id.clone(), instance_id.to_owned());
    let before = app.store.read_blocking(move |db| heal::before(db, &seller_id, &id))?;
    let read = |status, body: &str| describe::instance(status, body, instance_id);
    let told = question(app, seller, "DescribeInstanceForIsv", &[("InstanceId", instance_id)], read)?;
    let is_sold_here =
        told.as_ref().is_some_and(|told| seller.products.iter().any(|product| product.code == told.word.product_code));
    let purchase = match &told {
        Some(told) if before.is_missing() && is_sold_here => purchase(app, seller, instance_id, told)?,
        _ => None,
    };
    let answer = Answer {
        seller_id: seller.id.clone(),
        instance_id: instance_id.to_owned(),
        before,
        word: told.map(|told| told.word),
        is_sold_here,
        purchase,
    };
    let now = app.now();
    let settled = app.store.write_blocking(move |tx| {
        alarm::set_asking(tx, &answer.seller_id, None, now)?;
        heal::settle(tx, &answer, now)
    })?;
    if settled != Settled::Agreed {
        tracing::info!(seller = seller.id, instance_id, ?settled, "the marketplace was asked");
    }
    Ok(settled)
}

/// What was bought with an instance that we do not have. Its buyer is in the order alone.
fn purchase(
    app: &App,
    seller: &Seller,
    instance_id: &str,
    told: &describe::Instance,
) -> Result<Option<Purchase>, Trouble> {
    let (WordState::Open | WordState::Expired, Some(order_id), Some(plan_code)) =
        (told.word.state, &told.order_id, &told.word.plan_code)
    else {
        return Ok(None);
    };
    let read = |status, body: &str| describe::order(status, body, order_id);
    let order = question(app, seller, "DescribeOrderForIsv", &[("OrderId", order_id)], read)?;
    let is_of_it = |order: &describe::Order| {
        order.product_code == told.word.product_code
            && (order.instance_ids.is_empty() || order.instance_ids.iter().any(|id| id == instance_id))
    };
    Ok(order.filter(is_of_it).map(|order| Purchase {
        buyer_account: order.buyer_account,
        order_id: order.order_id,
        product_code: order.product_code,
        plan_code: plan_code.clone(),
        is_trial: told.is_trial,
        expires_at: told.word.expires_at,
        items: told.word.items.clone(),
        is_sold_here: true,
    }))
}

/// One question; `None`: there is no such thing.
fn question<T>(
    app: &App,
    seller: &Seller,
    action: &str,
    params: &[(&str, &str)],
    read: impl Fn(u16, &str) -> Told<T>,
) -> Result<Option<T>, Trouble> {
    if !app.asking.wait() {
        return Err(Trouble::Stopping);
    }
    let answer = openapi::ask(app, seller, action, params).map_err(|failure| Trouble::Silent(failure.to_string()))?;
    match read(answer.status, &answer.body) {
        Told::Is(value) => Ok(Some(value)),
        Told::Unknown => Ok(None),
        Told::Refused(code) => Err(Trouble::Refused(code)),
        Told::Unclear(why) => Err(Trouble::Unclear(why)),
    }
}

/// A round of every seller at once, and all the questions that it raises; for demos and fixtures. Blocks.
pub fn sweep_now(app: &App, run: impl Fn() -> Ran) -> Result<Ran> {
    /// Between two looks at what another thread is doing.
    const LOOK_AGAIN: Duration = Duration::from_millis(2);
    plan(app, app.now())?;
    let mut total = Ran::default();
    loop {
        let ran = run();
        total = super::add(total, ran);
        let now = app.now();
        let due = app.store.read_blocking(|db| job::next_due(db, &[heal::ASK, heal::SWEEP]))?;
        if ran.ran == 0 {
            if due.is_none_or(|due| due > now) {
                return Ok(total);
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }
}
