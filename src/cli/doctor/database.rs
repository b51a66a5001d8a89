//! The database: whether it is sound, whether everything in it is counted, and what waits for a person.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use super::{Check, Finding, Report, words};
use crate::cli::{master_key, restore, serve};
use crate::clock::{Clock, Instant};
use crate::config::Config;
use crate::crypto::{Keys, Notary, same};
use crate::domain::value::DAY_MS;
use crate::error::Result;
use crate::store::migrate::{self, Status};
use crate::usecase::doctor::{self, Onlooker};
use crate::usecase::{self, Db, copy, figure, hold, push};

/// Looks at everything that is in the file.
pub fn examine(config: &Config, report: &mut Report) {
    let unfit = unfit(&config.database);
    let is_fit = unfit.is_none();
    report.note(Check::Schema, unfit.into_iter().collect());
    if !is_fit {
        return;
    }
    let (keys, found) = keys(config);
    report.note(Check::MasterKey, found.into_iter().collect());
    let notary = keys.map(|keys| Arc::new(Notary::new(Arc::new(keys))));
    let has_notary = notary.is_some();
    let onlooker = match Onlooker::open(&config.database, notary) {
        Ok(onlooker) => onlooker,
        Err(cause) => return report.note(Check::Integrity, vec![words::unreadable(&cause.to_string())]),
    };
    let look = Look { onlooker, now: Clock::system().now() };
    report.note(Check::Copy, [look.at(holds), home(config, &look)].concat());
    report.note(Check::Integrity, look.at(sound));
    if has_notary {
        report.note(Check::Audit, look.at(chain));
    }
    report.note(Check::Usage, look.at(conserved));
    report.note(Check::Gauges, look.at(gauges));
    report.note(Check::Records, look.at(records));
    report.note(Check::Work, look.at(work));
    report.note(Check::Alarms, look.at(alarms));
    report.note(Check::People, look.at(people));
}

/// The file, at a moment.
struct Look {
    onlooker: Onlooker,
    now: Instant,
}

impl Look {
    fn at(&self, check: fn(&Db, Instant) -> Result<Vec<Finding>>) -> Vec<Finding> {
        // A check that cannot be made is a finding, and keeps none of the others from being made.
        self.onlooker.read(|db| check(db, self.now)).unwrap_or_else(|cause| vec![words::unreadable(&cause.to_string())])
    }
}

/// Why the file cannot be looked at.
fn unfit(database: &Path) -> Option<Finding> {
    let me = rustix::process::geteuid().as_raw();
    if let Ok(found) = std::fs::metadata(database)
        && found.uid() != me
    {
        // Looking makes files beside it, which its owner could not use afterwards.
        return Some(words::owner(database, found.uid()));
    }
    match migrate::status(database) {
        Ok(Status::Current) => None,
        Ok(Status::Missing) => Some(words::missing(database)),
        Ok(Status::Older { from, to }) => Some(words::older(from, to)),
        Ok(Status::Newer { found, known }) => Some(words::newer(found, known)),
        Ok(Status::Foreign) => Some(words::foreign(database)),
        Err(cause) => Some(words::unreadable(&cause.to_string())),
    }
}

/// The master key, if it is there, and what is wrong with it.
fn keys(config: &Config) -> (Option<Keys>, Option<Finding>) {
    let path = config.master_key_path();
    let key = match serve::read_master_key(&path) {
        Ok(key) => key,
        Err(cause) => return (None, Some(words::no_master_key(&format!("{cause:#}")))),
    };
    let keys = Keys::new(key);
    let marked = usecase::master_key::mark_of_file(&config.database).ok().flatten();
    if marked.is_some_and(|mark| !same(&mark, &usecase::master_key::mark(&keys))) {
        return (None, Some(words::other_master_key(&master_key::foreign(&config.database, &path))));
    }
    (Some(keys), None)
}

fn holds(db: &Db, _: Instant) -> Result<Vec<Finding>> {
    Ok(hold::list(db)?.iter().map(|(reason, detail, _)| words::hold(*reason, detail)).collect())
}

/// Whether `serve` would take the file for a copy.
fn home(config: &Config, look: &Look) -> Vec<Finding> {
    let known = look.onlooker.read(copy::home_of).ok().flatten();
    let is_strange =
        known.zip(copy::home(&config.database).ok()).is_some_and(|(known, here)| !copy::is_same_home(&known, &here));
    is_strange.then(|| words::strange(&restore::strange(&config.database))).into_iter().collect()
}

fn sound(db: &Db, _: Instant) -> Result<Vec<Finding>> {
    let damage = doctor::integrity(db)?;
    let mut found: Vec<Finding> = damage.first().map(|first| words::damaged(first, damage.len())).into_iter().collect();
    found.extend(doctor::dangling(db)?.into_iter().map(|(table, count)| words::dangling(&table, count)));
    Ok(found)
}

fn chain(db: &Db, _: Instant) -> Result<Vec<Finding>> {
    let report = usecase::audit::verify_here(db)?;
    Ok(report.fault.map(words::chain).into_iter().collect())
}

fn conserved(db: &Db, _: Instant) -> Result<Vec<Finding>> {
    let found = usecase::usage::audit(db)?;
    Ok(found.first().map(|first| words::unbalanced(first, found.len())).into_iter().collect())
}

fn gauges(db: &Db, now: Instant) -> Result<Vec<Finding>> {
    Ok(words::some(doctor::holes(db, now)?.iter().map(words::hole)))
}

fn records(db: &Db, now: Instant) -> Result<Vec<Finding>> {
    let mut found: Vec<Finding> = figure::list_stopped(db)?.iter().map(|seller| words::stopped(seller)).collect();
    let at_risk = figure::count_at_risk(db, now.plus_ms(push::RISK_MS), now)?;
    let held = figure::count_held(db)?;
    let [(_, rejected), (_, missed)] = figure::count_lost(db, now.plus_ms(-DAY_MS))?;
    found.extend((at_risk > 0).then(|| words::at_risk(at_risk)));
    found.extend((held > 0).then(|| words::held(held)));
    found.extend((rejected + missed > 0).then(|| words::lost(rejected, missed)));
    Ok(found)
}

fn work(db: &Db, _: Instant) -> Result<Vec<Finding>> {
    let mut found: Vec<Finding> = figure::count_dead(db)?.iter().map(|(kind, n)| words::dead_jobs(kind, *n)).collect();
    let count = |of: [(&'static str, i64); 3], state| of.into_iter().find(|(name, _)| *name == state).map(|(_, n)| n);
    let dead = count(figure::count_deliveries(db)?, "dead").unwrap_or_default();
    let disabled = count(figure::count_webhooks(db)?, "disabled").unwrap_or_default();
    found.extend((dead > 0).then(|| words::dead_deliveries(dead)));
    found.extend((disabled > 0).then(|| words::disabled_webhooks(disabled)));
    Ok(found)
}

fn alarms(db: &Db, _: Instant) -> Result<Vec<Finding>> {
    Ok(figure::count_alarms(db)?.iter().map(|(kind, count)| words::alarm(kind, *count)).collect())
}

fn people(db: &Db, _: Instant) -> Result<Vec<Finding>> {
    Ok(if doctor::has_operator(db)? { Vec::new() } else { vec![words::no_operator()] })
}
