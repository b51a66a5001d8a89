//! What a monitoring system is told and only the database knows: looked up now and then, not at each of its questions.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as Moment};

use super::BREATH;
use crate::app::App;
use crate::clock::Instant;
use crate::domain::value::DAY_MS;
use crate::error::Result;
use crate::metrics::{Gauge, Reading};
use crate::usecase::{Db, figure, push};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(15);

/// Looks until stopped.
pub(super) fn work(app: &Arc<App>, is_stopping: &AtomicBool) {
    let mut rings = 0;
    while !is_stopping.load(Ordering::Acquire) {
        collect(app);
        let next = Moment::now() + EVERY;
        while let Some(left) = next.checked_duration_since(Moment::now()) {
            // Only to hear the last ring: the others are for those who work.
            rings = app.work.wait(rings, left);
            if is_stopping.load(Ordering::Acquire) {
                return;
            }
            std::thread::sleep(BREATH.min(left));
        }
    }
}

type Look = fn(&Db, Instant) -> Result<Vec<Reading>>;

/// Each in a read of its own: one that is cut because it takes too long leaves the others.
fn collect(app: &App) {
    let now = app.now();
    let looks: [Look; 4] = [of_metering, of_jobs, of_webhooks, of_the_rest];
    let mut readings = files(app);
    if let Some(directory) = app.config.backup.directory() {
        let last = super::backup::newest(directory, app.now()).map_or(0, |at| at.ms() / 1_000);
        readings.push(reading(Gauge::BackupAt, "", last));
    }
    for look in looks {
        match app.store.read_blocking(move |db| look(db, now)) {
            Ok(found) => readings.extend(found),
            Err(cause) => tracing::warn!(%cause, "some figures could not be looked up"),
        }
    }
    app.metrics.set_collected(readings, app.clock.real_now().ms());
}

fn reading(gauge: Gauge, label: impl Into<String>, value: i64) -> Reading {
    Reading { gauge, label: label.into(), value }
}

/// For how many seconds something has been due.
fn age(now: Instant, since: Option<Instant>) -> i64 {
    since.map_or(0, |since| now.since_ms(since) / 1_000)
}

fn of_metering(db: &Db, now: Instant) -> Result<Vec<Reading>> {
    let mut found =
        vec![reading(Gauge::RecordsAtRisk, "", figure::count_at_risk(db, now.plus_ms(push::RISK_MS), now)?)];
    found.extend(figure::count_records(db)?.map(|(state, count)| reading(Gauge::Records, state, count)));
    let lost = figure::count_lost(db, now.plus_ms(-DAY_MS))?;
    found.extend(lost.map(|(state, count)| reading(Gauge::RecordsLost, state, count)));
    found.extend(figure::list_stopped(db)?.into_iter().map(|seller| reading(Gauge::PushStopped, seller, 1)));
    Ok(found)
}

fn of_jobs(db: &Db, now: Instant) -> Result<Vec<Reading>> {
    let dead = figure::count_dead(db)?;
    let mut found = Vec::new();
    for kind in super::kinds() {
        let (due, oldest) = figure::count_due(db, kind, now)?;
        let given_up = dead.iter().find(|(name, _)| name == kind).map_or(0, |(_, count)| *count);
        found.extend([
            reading(Gauge::JobsDue, kind, due),
            reading(Gauge::JobsOldest, kind, age(now, oldest)),
            reading(Gauge::JobsDead, kind, given_up),
        ]);
    }
    Ok(found)
}

fn of_webhooks(db: &Db, now: Instant) -> Result<Vec<Reading>> {
    let mut found = vec![reading(Gauge::DeliveriesOldest, "", age(now, figure::oldest_delivery(db, now)?))];
    found.extend(figure::count_deliveries(db)?.map(|(state, count)| reading(Gauge::Deliveries, state, count)));
    found.extend(figure::count_webhooks(db)?.map(|(state, count)| reading(Gauge::Webhooks, state, count)));
    Ok(found)
}

fn of_the_rest(db: &Db, _: Instant) -> Result<Vec<Reading>> {
    let mut found = vec![reading(Gauge::DatabaseFree, "", figure::free_bytes(db)?)];
    found.extend(figure::count_alarms(db)?.into_iter().map(|(kind, count)| reading(Gauge::Alarms, kind, count)));
    Ok(found)
}

/// How large the database's files are.
fn files(app: &App) -> Vec<Reading> {
    let of = |part: &str, ending: &str| {
        let mut path = app.store.path().as_os_str().to_owned();
        path.push(ending);
        let bytes = std::fs::metadata(path).map_or(0, |file| i64::try_from(file.len()).unwrap_or(i64::MAX));
        reading(Gauge::DatabaseBytes, part, bytes)
    };
    vec![of("file", ""), of("log", "-wal")]
}
