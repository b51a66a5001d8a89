//! Metering as operators see it (product §9): what is in which state, what is at risk, what waits for a person, and what a
//! subscription was charged with.

use std::collections::BTreeMap;

use crate::domain::usage::State;
use crate::domain::value::Instant;
use crate::error::{Error, Result};
use crate::store::Db;
use crate::store::binding;
use crate::store::ledger;
use crate::store::organization;
use crate::store::subscription::Subscription;
use crate::usecase;
use crate::usecase::operator::require_operator;
use crate::usecase::push::RISK_MS;
use crate::usecase::statement::{self, Prices, Statement, read_cursor};

pub use crate::store::ledger::{Held, Line, Stop};

/// The states of records that are on their way or wait for a person, in that order.
pub const STATES: [State; 6] =
    [State::Open, State::Sealed, State::Sending, State::Unknown, State::Rejected, State::Missed];
/// Counting ends here: beyond, a number says nothing that "more" does not.
pub const COUNT_MOST: u32 = 50_000;
/// Records at risk, and stopped sellers, that are shown.
const SHOWN: u32 = 50;

/// How metering is doing.
pub struct Health {
    /// By seller (empty: outside any binding), in the order of [`STATES`].
    pub counts: BTreeMap<String, [i64; STATES.len()]>,
    /// Sealed records that will miss their deadline soon, the most urgent first.
    pub at_risk: Vec<Line>,
    pub stops: Vec<Stop>,
    pub names: Names,
}

/// Names of organizations by their ids.
pub type Names = BTreeMap<String, String>;

fn names(db: &Db, lines: &[Line]) -> Result<Names> {
    let mut names = Names::new();
    for line in lines {
        if !names.contains_key(&line.organization_id) {
            let found = organization::find_name(db, &line.organization_id)?;
            names.insert(line.organization_id.clone(), found.unwrap_or_default());
        }
    }
    Ok(names)
}

/// # Errors
/// `Forbidden(not_operator)`, as of everything here.
pub fn health(db: &Db, user_id: &str, now: Instant) -> Result<Health> {
    require_operator(db, user_id)?;
    let mut counts: BTreeMap<String, [i64; STATES.len()]> = BTreeMap::new();
    for (at, state) in STATES.into_iter().enumerate() {
        for (seller_id, count) in ledger::count(db, state, COUNT_MOST)? {
            counts.entry(seller_id).or_default()[at] = count;
        }
    }
    let at_risk = ledger::list_due(db, now.plus_ms(RISK_MS), SHOWN)?;
    let names = names(db, &at_risk)?;
    Ok(Health { counts, at_risk, stops: ledger::list_stops(db, SHOWN)?, names })
}

/// A page of records that are held in a state, the newest first, and the cursor of the next one.
///
/// # Errors
/// `Invalid(after, malformed)`.
pub fn held(
    db: &Db,
    user_id: &str,
    state: State,
    held: &Held,
    after: &str,
    limit: u32,
) -> Result<(Vec<Line>, Names, Option<String>)> {
    require_operator(db, user_id)?;
    let mut lines = ledger::list_held(db, state, held, read_cursor(after)?, limit.saturating_add(1))?;
    let next = usecase::page(&mut lines, limit, |line| format!("{}-{}", line.updated_at.ms(), line.id));
    let names = names(db, &lines)?;
    Ok((lines, names, next))
}

/// A record, and the name of its organization.
///
/// # Errors
/// `NotFound(record)`.
pub fn see(db: &Db, user_id: &str, id: i64) -> Result<(Line, String)> {
    require_operator(db, user_id)?;
    let line = ledger::find(db, id)?.ok_or(Error::NotFound("record"))?;
    let name = organization::find_name(db, &line.organization_id)?.unwrap_or_default();
    Ok((line, name))
}

/// A subscription with what it was charged with in a month.
pub struct Reconciled {
    pub subscription: Subscription,
    /// The organization that is bound or being bound: id and name.
    pub organization: Option<(String, String)>,
    pub statement: Statement,
}

/// # Errors
/// `NotFound(subscription)`.
pub fn reconcile(
    db: &Db,
    user_id: &str,
    name: &str,
    month: (Instant, Instant),
    prices: &Prices<'_>,
) -> Result<Reconciled> {
    require_operator(db, user_id)?;
    let subscription = usecase::subscription::find(db, name)?;
    let bound = binding::find_of_subscription(db, subscription.id)?;
    let organization = match bound {
        Some(bound) => organization::find(db, &bound.organization_id)?.map(|one| (one.id, one.name)),
        None => None,
    };
    let statement = statement::of_subscription(db, subscription.id, month, prices)?;
    Ok(Reconciled { subscription, organization, statement })
}
