//! How everything is, for operators: what needs them, what waits, what was given up.

use crate::domain::subscription::State;
use crate::domain::value::{DAY_MS, Instant};
use crate::error::Result;
use crate::store::alarm::Alarm;
use crate::store::job::Round;
use crate::store::{Db, alarm, figure, job};
use crate::usecase::operator::require_operator;
use crate::usecase::push::RISK_MS;
use crate::usecase::{self, heal};

/// Alarms of one page.
pub const ALARMS: u32 = 100;
/// Counting of subscriptions ends here.
pub const COUNT_MOST: u32 = figure::MOST;
/// Rounds that are shown: one per seller.
const ROUNDS: u32 = 50;
/// How far back lost records count.
const LOST_MS: i64 = 7 * DAY_MS;

/// An alarm, and whether its subject is the name of a subscription that is here.
pub struct Told {
    pub alarm: Alarm,
    pub is_subscription: bool,
}

pub struct Overview {
    /// The newest first.
    pub alarms: Vec<Told>,
    pub subscriptions: [(State, i64); State::ALL.len()],
    pub in_question: i64,
    pub at_risk: i64,
    pub unknown: i64,
    /// Records that were refused or missed in the last days.
    pub lost: i64,
    pub stopped: Vec<String>,
    pub waiting_deliveries: i64,
    pub dead_deliveries: i64,
    pub unwell_webhooks: i64,
    pub dead_jobs: i64,
    pub rounds: Vec<Round>,
}

/// # Errors
/// `Forbidden(not_operator)`.
pub fn overview(db: &Db, user_id: &str, sellers: &[String], now: Instant) -> Result<Overview> {
    require_operator(db, user_id)?;
    let mut alarms = Vec::new();
    for found in alarm::list_open(db, ALARMS)? {
        let is_subscription = usecase::subscription::look(db, &found.subject)?.is_some();
        alarms.push(Told { alarm: found, is_subscription });
    }
    let mut subscriptions = State::ALL.map(|state| (state, 0));
    for (state, count) in &mut subscriptions {
        *count = figure::count_subscriptions(db, state.as_str(), COUNT_MOST)?;
    }
    let mut in_question = 0;
    for seller_id in sellers {
        in_question += figure::count_in_question(db, seller_id)?;
    }
    let of = |counts: &[(&str, i64)], names: &[&str]| -> i64 {
        counts.iter().filter(|(name, _)| names.contains(name)).map(|(_, count)| count).sum()
    };
    let deliveries = figure::count_deliveries(db)?;
    Ok(Overview {
        alarms,
        subscriptions,
        in_question,
        at_risk: figure::count_at_risk(db, now.plus_ms(RISK_MS), now)?,
        unknown: figure::count_held(db)?,
        lost: figure::count_lost(db, now.plus_ms(-LOST_MS))?.iter().map(|(_, count)| count).sum(),
        stopped: figure::list_stopped(db)?,
        waiting_deliveries: of(&deliveries, &["waiting"]),
        dead_deliveries: of(&deliveries, &["dead"]),
        unwell_webhooks: of(&figure::count_webhooks(db)?, &["failing", "disabled"]),
        dead_jobs: figure::count_dead(db)?.iter().map(|(_, count)| count).sum(),
        rounds: job::list_rounds(db, heal::SWEEP, ROUNDS)?,
    })
}
