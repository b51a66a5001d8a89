//! Looks after the file and the clock: when something last changed, and whether the clock moved by itself (rules D2, D3).

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as Moment};

use super::NAP;
use crate::app::{App, Pulse};
use crate::clock::Instant;
use crate::domain::audit::By;
use crate::domain::hold::Reason;
use crate::domain::value::SECOND_MS;
use crate::usecase::{copy, hold};

/// How often it is written down that something changes, by the app's clock.
const TOUCH_MS: i64 = 10 * SECOND_MS;
/// Between two questions to the marketplace about the time.
const ASK_EVERY: Duration = Duration::from_mins(1);

/// Whether the clock may decide what becomes of usage, and what is forgotten: a step that is seen now holds everything back
/// before anything else is done.
pub fn look_at_clock(app: &App) -> bool {
    if app.trusts_clock() {
        return true;
    }
    // A look at a clock that is in doubt already would be the one that it is right by from then on.
    if app.holds.is_clock_doubted() {
        return false;
    }
    let step = app.pulse.step_ms(app.now());
    if step == 0 || !app.holds.may_close() {
        return false;
    }
    app.holds.doubt_clock();
    let (now, secs) = (app.now(), step / SECOND_MS);
    tracing::error!(
        secs,
        "the clock was set: usage is neither closed nor pushed until it is right, or `marketgate resume`"
    );
    let held = app.store.write_blocking(move |tx| hold::hold(tx, Reason::Clock, &format!("{secs:+} s"), now));
    if let Err(cause) = held {
        tracing::error!(%cause, "that the clock was set could not be written down; this process holds usage back all the same");
    }
    false
}

/// Looks until stopped. The question to the marketplace may take seconds.
pub fn work(app: &App, is_stopping: &AtomicBool) {
    let (mut rings, mut watch) = (0, Watch::default());
    while !is_stopping.load(Ordering::Acquire) {
        watch.look(app);
        rings = app.work.wait(rings, NAP);
    }
}

/// What is remembered between two looks.
#[derive(Default)]
struct Watch {
    /// Transactions of the store, and the time, when it was last written down that something changes.
    touched: Option<(u64, Instant)>,
    asked: Option<Moment>,
    /// Whether the fence was out of sight when that was last written down; `None`: another process may have done so.
    is_fence_lost: Option<bool>,
}

impl Watch {
    /// A look; called often.
    fn look(&mut self, app: &App) {
        if look_at_clock(app) {
            self.touch(app);
        } else if app.holds.is_clock_doubted() {
            self.look_again(app);
        }
        self.note_fence(app);
    }

    fn note_fence(&mut self, app: &App) {
        let (fault, now) = (app.holds.fence_fault(), app.now());
        let is_lost = fault.is_some();
        if self.is_fence_lost == Some(is_lost) {
            return;
        }
        match &fault {
            Some(why) => tracing::error!(why, "the fence is out of sight: no usage is pushed until it is back"),
            None if self.is_fence_lost.is_some() => tracing::warn!("the fence is back: usage is pushed again"),
            None => {}
        }
        match app.store.write_blocking(move |tx| copy::note_fence(tx, fault.as_deref(), now)) {
            Ok(()) => self.is_fence_lost = Some(is_lost),
            Err(cause) => tracing::warn!(%cause, "whether the fence is in sight was not written down"),
        }
    }

    fn touch(&mut self, app: &App) {
        let (groups, now) = (app.store.load().groups, app.now());
        if self.touched.is_some_and(|(then, at)| then == groups || !super::is_due(at, now, TOUCH_MS)) {
            return;
        }
        match app.store.write_blocking(move |tx| copy::touch(tx, now)) {
            // This one is no change.
            Ok(()) => self.touched = Some((groups + 1, now)),
            Err(cause) => tracing::debug!(%cause, "the moment of a change was not written down"),
        }
    }

    /// A clock that is back where it belongs, or that the marketplace agrees with, is right again.
    fn look_again(&mut self, app: &App) {
        let why = if app.pulse.is_known() && app.pulse.step_ms(app.now()) == 0 {
            "the clock is back"
        } else if self.asked.is_none_or(|at| at.elapsed() > ASK_EVERY) {
            self.asked = Some(Moment::now());
            if !is_confirmed(app) {
                return;
            }
            "the marketplace's clock agrees"
        } else {
            return;
        };
        let now = app.now();
        let by = By::job("watch");
        match app.store.write_blocking(move |tx| hold::release(tx, Reason::Clock, &by, why, now)) {
            Ok(_) => {
                tracing::warn!(why, "usage goes on");
                app.pulse.restart();
                app.holds.trust_clock();
            }
            Err(cause) => tracing::warn!(%cause, "usage goes on later"),
        }
    }
}

/// Whether the marketplace's clock shows the same time as ours.
fn is_confirmed(app: &App) -> bool {
    let Some(seller) = app.config.sellers.iter().find(|seller| seller.has_access_key()) else { return false };
    let Ok(answer) = app.marketplace.get(&format!("{}/", seller.openapi_url), &[]) else { return false };
    let theirs = answer.date_ms();
    theirs.is_some_and(|at| app.now().since_ms(Instant::from_ms(at)).abs() <= Pulse::STEP_MS)
}
