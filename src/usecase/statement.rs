//! Usage as those who pay for it see it: what was used in a month, what became of it, what it will cost (product §7).
//!
//! Only records are read, never events: how long a page takes depends on the hours of a month, not on how many events
//! filled them.

use std::collections::BTreeMap;

use crate::domain::usage::{Cycle, State};
use crate::domain::value::{DAY_MS, Instant};
use crate::error::{Error, Result};
use crate::market::metering::{Price, unit_of};
use crate::store::Db;
use crate::store::ledger::{self, Of, Used};
use crate::usecase;
use crate::usecase::organization::{Actor, Seen, see};

pub use crate::store::ledger::{Charged, Line};

/// What an item of a product (seller, code) costs, if that is known.
pub type Prices<'a> = dyn Fn(&Charged, &str) -> Option<Price> + 'a;

/// What a record's quantity means for the bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// The marketplace has taken it.
    Accepted,
    /// It will be pushed.
    Waiting,
    /// It was sent, and nobody knows whether it was taken.
    Doubtful,
    /// It is not billed.
    Unbilled,
    /// It is part of another record.
    Elsewhere,
}

impl Share {
    #[must_use]
    pub const fn of(state: State) -> Self {
        match state {
            State::Accepted => Self::Accepted,
            State::Open | State::Sealed | State::Sending => Self::Waiting,
            State::Unknown => Self::Doubtful,
            State::Rejected | State::Missed | State::Waived | State::Unbillable => Self::Unbilled,
            State::Carried => Self::Elsewhere,
        }
    }
}

/// Usage of one item by what became of it, in the unit that is pushed. Together they are what was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amounts {
    pub accepted: i64,
    pub waiting: i64,
    pub doubtful: i64,
    pub unbilled: i64,
}

impl Amounts {
    #[must_use]
    pub const fn used(self) -> i64 {
        self.accepted.saturating_add(self.waiting).saturating_add(self.doubtful).saturating_add(self.unbilled)
    }

    fn add(&mut self, share: Share, quantity: i64) {
        let place = match share {
            Share::Accepted => &mut self.accepted,
            Share::Waiting => &mut self.waiting,
            Share::Doubtful => &mut self.doubtful,
            Share::Unbilled => &mut self.unbilled,
            Share::Elsewhere => return,
        };
        *place = place.saturating_add(quantity);
    }
}

/// One billing item of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub key: String,
    /// The product that it was sold with; `None`: nothing of it was charged to any.
    pub charged: Option<Charged>,
    pub is_gauge: bool,
    pub cycle: Cycle,
    pub amounts: Amounts,
    /// Why usage is not billed, and how much of it.
    pub unbilled: BTreeMap<(State, Option<String>), i64>,
    /// What was taken and what will be pushed costs so much, in fen. `None`: the price is not known.
    pub cost_fen: Option<u64>,
    /// By the day (China time) from the first of the month.
    pub days: Vec<Amounts>,
}

/// Usage of a month, by item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub from: Instant,
    pub until: Instant,
    /// In the order of their keys.
    pub items: Vec<Item>,
}

/// Adds records up.
struct Count {
    from: Instant,
    days: usize,
    items: BTreeMap<String, Item>,
    /// What each bill is about: an item's usage of one instance in one window.
    bills: BTreeMap<(String, Charged, Instant), i64>,
}

impl Count {
    fn new((from, until): (Instant, Instant)) -> Self {
        let days = usize::try_from(until.since_ms(from) / DAY_MS).unwrap_or(0);
        Self { from, days, items: BTreeMap::new(), bills: BTreeMap::new() }
    }

    fn add(&mut self, line: Used) {
        let share = Share::of(line.state);
        let day = usize::try_from(line.from.since_ms(self.from) / DAY_MS).unwrap_or(0);
        let item = self.items.entry(line.item.clone()).or_insert_with(|| Item {
            key: line.item.clone(),
            charged: None,
            is_gauge: line.aggregate.is_gauge(),
            cycle: line.cycle,
            amounts: Amounts::default(),
            unbilled: BTreeMap::new(),
            cost_fen: None,
            days: vec![Amounts::default(); self.days],
        });
        item.amounts.add(share, line.quantity);
        if let Some(day) = item.days.get_mut(day) {
            day.add(share, line.quantity);
        }
        if share == Share::Unbilled {
            let why = item.unbilled.entry((line.state, line.code)).or_default();
            *why = why.saturating_add(line.quantity);
        }
        let Some(charged) = line.charged else { return };
        item.charged = Some(charged.clone());
        if matches!(share, Share::Accepted | Share::Waiting) {
            let bill = self.bills.entry((line.item, charged, line.from)).or_default();
            *bill = bill.saturating_add(line.quantity);
        }
    }

    /// Each bill is converted, priced and cut to whole fen by itself, as the marketplace does (specification 5.3).
    fn end(mut self, prices: &Prices<'_>) -> Vec<Item> {
        for item in self.items.values_mut() {
            let is_priced = |charged| prices(charged, &item.key).is_some() && unit_of(&item.key).is_some();
            item.cost_fen = item.charged.as_ref().is_some_and(is_priced).then_some(0);
        }
        for ((key, charged, _), quantity) in &self.bills {
            let Some(item) = self.items.get_mut(key) else { continue };
            let price = prices(charged, key).zip(unit_of(key));
            let fen = price.map(|(price, unit)| unit.amount_fen(u64::try_from(*quantity).unwrap_or(0), price));
            item.cost_fen = item.cost_fen.zip(fen).map(|(sum, fen)| sum.saturating_add(fen));
        }
        self.items.into_values().collect()
    }
}

/// What an organization used in a month.
///
/// # Errors
/// `NotFound(organization)` for whoever may not see it.
pub fn of_organization(
    db: &Db,
    actor: &Actor,
    id: &str,
    month: (Instant, Instant),
    prices: &Prices<'_>,
) -> Result<Statement> {
    see(db, actor, id)?;
    add_up(db, Of::Organization(id), month, prices)
}

/// What a subscription was charged with in a month, whoever used it.
pub(super) fn of_subscription(db: &Db, id: i64, month: (Instant, Instant), prices: &Prices<'_>) -> Result<Statement> {
    add_up(db, Of::Subscription(id), month, prices)
}

fn add_up(db: &Db, of: Of<'_>, (from, until): (Instant, Instant), prices: &Prices<'_>) -> Result<Statement> {
    let mut count = Count::new((from, until));
    ledger::each_used(db, of, (from, until), |used| count.add(used))?;
    Ok(Statement { from, until, items: count.end(prices) })
}

/// What of an organization's records is asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Windows that begin in `[from, until)`.
    pub from: Instant,
    pub until: Instant,
    pub item: Option<String>,
    /// The cursor of the last record of the page before; empty: the first page.
    pub after: String,
}

/// The cursor behind a record.
#[must_use]
pub fn cursor(line: &Line) -> String {
    cursor_behind(line.from, line.id)
}

fn cursor_behind(from: Instant, id: i64) -> String {
    format!("{}-{id}", from.ms())
}

pub(super) fn read_cursor(text: &str) -> Result<Option<ledger::Cursor>> {
    if text.is_empty() {
        return Ok(None);
    }
    let read = text.split_once('-').and_then(|(hour, id)| hour.parse().ok().zip(id.parse().ok()));
    read.map(Some).ok_or_else(|| Error::invalid("after", "malformed"))
}

/// A page of an organization's records, the newest first, and the cursor of the next one.
///
/// # Errors
/// `NotFound(organization)`; `Invalid(after, malformed)` for what is no cursor.
pub fn lines(db: &Db, actor: &Actor, id: &str, asked: &Asked, limit: u32) -> Result<(Seen, Vec<Line>, Option<String>)> {
    let seen = see(db, actor, id)?;
    let after = read_cursor(&asked.after)?;
    let window = (asked.from, asked.until);
    let mut lines = ledger::page(db, id, window, asked.item.as_deref(), after, limit.saturating_add(1))?;
    let next = usecase::page(&mut lines, limit, cursor);
    Ok((seen, lines, next))
}

/// Every record of an organization whose window begins in a month, the oldest first.
///
/// # Errors
/// `NotFound(organization)`.
pub fn all_lines(db: &Db, actor: &Actor, id: &str, month: (Instant, Instant)) -> Result<Vec<Line>> {
    see(db, actor, id)?;
    let mut lines = Vec::new();
    ledger::each(db, Of::Organization(id), month, |line| lines.push(line))?;
    Ok(lines)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::domain::usage::Aggregate;
    use crate::domain::value::HOUR_MS;
    use crate::market::time;

    fn month() -> (Instant, Instant) {
        (time::parse("2026-11-01 00:00:00").unwrap(), time::parse("2026-12-01 00:00:00").unwrap())
    }

    fn line(hour: i64, item: &str, quantity: i64, state: State, code: Option<&str>) -> Used {
        Used {
            from: month().0.plus_ms(hour * HOUR_MS),
            item: item.into(),
            aggregate: Aggregate::Sum,
            cycle: Cycle::Hour,
            quantity,
            state,
            code: code.map(str::to_owned),
            charged: (state != State::Unbillable).then(|| Charged {
                seller_id: "alibaba".into(),
                product_code: "p".into(),
                instance_id: "1".into(),
            }),
        }
    }

    fn counted(lines: impl IntoIterator<Item = Used>) -> Vec<Item> {
        let mut count = Count::new(month());
        lines.into_iter().for_each(|line| count.add(line));
        count.end(&|_, item| (item != "Unit").then(|| Price::parse("1").unwrap()))
    }

    #[test]
    fn every_state_has_one_share_and_together_they_are_what_was_used() {
        let lines = State::ALL.into_iter().map(|state| line(0, "Frequency", 1, state, None));
        let items = counted(lines);
        let amounts = items[0].amounts;
        assert_eq!(amounts, Amounts { accepted: 1, waiting: 3, doubtful: 1, unbilled: 4 });
        assert_eq!(amounts.used(), 9, "a carried one is counted where it was carried to");
        assert_eq!(items[0].cost_fen, Some(400), "what is in doubt or not billed costs nothing yet");
    }

    #[test]
    fn each_hour_is_a_bill_of_its_own_and_is_cut_by_itself() {
        // 35 s and 35 s at 1 CNY an hour: 0.0097 CNY each hour, 0.0194 CNY together.
        let apart =
            counted([35, 35].into_iter().zip(0..).map(|(q, hour)| line(hour, "Period", q, State::Accepted, None)));
        assert_eq!(apart[0].cost_fen, Some(0));
        let together = [State::Accepted, State::Sealed].map(|state| line(7, "Period", 35, state, None));
        assert_eq!(counted(together)[0].cost_fen, Some(1), "of one hour: added before it is cut");
    }

    #[test]
    fn without_a_price_there_is_no_estimate() {
        let items = counted([
            line(0, "Unit", 5, State::Accepted, None),
            line(0, "Custom", 5, State::Accepted, None),
            line(0, "Period", 5, State::Unbillable, Some("unbound")),
        ]);
        assert!(items.iter().all(|item| item.cost_fen.is_none()));
    }

    #[test]
    fn days_are_those_of_china_and_reasons_are_kept_apart() {
        let items = counted([
            line(23, "Unit", 1, State::Accepted, None),
            line(24, "Unit", 2, State::Sealed, None),
            line(30 * 24 - 1, "Unit", 4, State::Missed, Some("late")),
            line(30 * 24 - 1, "Unit", 8, State::Missed, Some("deadline")),
            line(30 * 24 - 1, "Unit", 16, State::Missed, Some("late")),
        ]);
        let days = &items[0].days;
        assert_eq!((days.len(), days[0].accepted, days[1].waiting, days[29].unbilled), (30, 1, 2, 28));
        let why: Vec<_> =
            items[0].unbilled.iter().map(|((state, code), n)| (state.as_str(), code.as_deref(), *n)).collect();
        assert_eq!(why, [("missed", Some("deadline"), 8), ("missed", Some("late"), 20)]);
    }

    #[test]
    fn a_cursor_is_read_back_and_nothing_else() {
        let from = month().0;
        assert_eq!(read_cursor(&cursor_behind(from, 1)).unwrap(), Some((from.ms(), 1)));
        assert_eq!(read_cursor("").unwrap(), None);
        for bad in ["x", "1", "1-", "-", "1-2-3"] {
            assert!(read_cursor(bad).is_err(), "{bad}");
        }
    }
}
