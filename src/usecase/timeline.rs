//! A subscription's whole story, for operators: calls with their verdicts, what followed from them, who did what, how the
//! vendor's product was told, and what was used. Several places hold it; this puts them into one order.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::domain::subscription::State;
use crate::domain::value::Instant;
use crate::error::{Error, Result};
use crate::store::event::Event;
use crate::store::ledger::{self, Line, Of};
use crate::store::search;
use crate::store::subscription::Subscription;
use crate::store::timeline::{self, Before};
use crate::store::{Db, Tx, binding, organization, user};
use crate::usecase::audit::{self, By, Entry as Note, Kind, Noted};
use crate::usecase::operator::require_operator;
use crate::usecase::{self, number_after, page};

pub use crate::store::binding::Binding;
pub use crate::store::organization::Organization;
pub use crate::store::search::{Doubt, Wanted};
pub use crate::store::timeline::{Call, Way};

/// Webhooks whose deliveries of one event are shown.
const WAYS: u32 = 20;

/// What of a story is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Show {
    #[default]
    All,
    Calls,
    /// Events and acts.
    Changes,
    Usage,
}

/// Something that happened.
#[derive(Debug, Clone)]
pub enum What {
    Call(Call),
    /// An event of the feed; who did it, where that was noted; and its ways to webhooks.
    Event(Event, Option<Noted>, Vec<Way>),
    /// Something that no event tells of.
    Act(Noted),
    /// What was used in a window, by item.
    Usage(Vec<Line>),
}

#[derive(Debug, Clone)]
pub struct Entry {
    pub at: Instant,
    pub what: What,
    /// Source and number in it: with the moment, the cursor behind it.
    place: (u8, i64),
}

impl Entry {
    fn cursor(&self) -> String {
        format!("{}-{}-{}", self.at.ms(), self.place.0, self.place.1)
    }
}

/// Sources, by their rank: of one moment the highest comes first, because an event and an act follow from a call.
const USAGE: u8 = 0;
const CALLS: u8 = 1;
const EVENTS: u8 = 2;
const ACTS: u8 = 3;

fn read_cursor(text: &str) -> Result<(i64, u8, i64)> {
    if text.is_empty() {
        return Ok((i64::MAX, u8::MAX, i64::MAX));
    }
    let mut parts = text.splitn(3, '-');
    let mut number = || parts.next().and_then(|part| part.parse::<i64>().ok());
    let found = (number(), number(), number());
    match found {
        (Some(at), Some(rank), Some(id)) => u8::try_from(rank).ok().map(|rank| (at, rank, id)),
        _ => None,
    }
    .ok_or_else(|| Error::invalid("after", "malformed"))
}

/// A page of a subscription's story, the newest first, and the cursor of the next one.
///
/// # Errors
/// `Invalid(after, malformed)`.
pub fn timeline(
    db: &Db,
    subscription: &Subscription,
    show: Show,
    after: &str,
    limit: u32,
) -> Result<(Vec<Entry>, Option<String>)> {
    let (at, rank, id) = read_cursor(after)?;
    // Of the same moment, a source of lower rank is still to come, one of higher rank is over.
    let before = |of: u8| -> Before {
        let id = match of.cmp(&rank) {
            Ordering::Less => i64::MAX,
            Ordering::Equal => id,
            Ordering::Greater => i64::MIN,
        };
        (at, id)
    };
    let more = limit.saturating_add(1);
    let has = |one: Show| matches!(show, Show::All) || show == one;
    let mut entries = Vec::new();
    if has(Show::Usage) {
        let until = if rank > USAGE {
            Instant::from_ms(at.saturating_add(i64::from(at < i64::MAX)))
        } else {
            Instant::from_ms(at)
        };
        let found = timeline::windows(db, subscription.id, until, more)?;
        entries.extend(found.into_iter().map(|at| Entry { at, what: What::Usage(vec![]), place: (USAGE, 0) }));
    }
    if has(Show::Calls) {
        let (seller, instance) = (&subscription.seller_id, &subscription.instance_id);
        let found = timeline::calls(db, seller, instance, before(CALLS), more)?;
        entries.extend(found.into_iter().map(|one| Entry {
            at: one.at,
            place: (CALLS, one.id),
            what: What::Call(one),
        }));
    }
    if has(Show::Changes) {
        let found = timeline::events(db, subscription.id, before(EVENTS), more)?;
        entries.extend(found.into_iter().map(|one| Entry {
            at: one.occurred_at,
            place: (EVENTS, one.id),
            what: What::Event(one, None, vec![]),
        }));
        for act in timeline::acts(db, subscription.id, before(ACTS), more)? {
            let noted = audit::read(db, act)?;
            entries.push(Entry { at: noted.at, place: (ACTS, noted.id), what: What::Act(noted) });
        }
    }
    entries.sort_by_key(|one| std::cmp::Reverse((one.at, one.place)));
    let next = page(&mut entries, limit, Entry::cursor);
    for entry in &mut entries {
        complete(db, subscription.id, entry)?;
    }
    Ok((entries, next))
}

/// Looks up what belongs to an entry that is shown.
fn complete(db: &Db, subscription_id: i64, entry: &mut Entry) -> Result<()> {
    match &mut entry.what {
        What::Event(event, by, ways) => {
            *by = timeline::act_of(db, event)?.map(|act| audit::read(db, act)).transpose()?;
            *ways = timeline::ways(db, event.id, WAYS)?;
        }
        What::Usage(lines) => {
            let window = (entry.at, entry.at.plus_ms(1));
            ledger::each(db, Of::Subscription(subscription_id), window, |line| lines.push(line))?;
        }
        What::Call(_) | What::Act(_) => {}
    }
    Ok(())
}

/// Names of people by their ids, for those whose rows are still here; of a deleted account it is empty.
pub type Actors = BTreeMap<String, String>;

/// The names of those who did something, as far as they are people.
pub fn actors<'a>(db: &Db, by: impl IntoIterator<Item = &'a By>) -> Result<Actors> {
    let mut names = Actors::new();
    for one in by {
        if matches!(one.kind, Kind::User | Kind::Operator)
            && !names.contains_key(&one.id)
            && let Some(found) = user::find(db, &one.id)?
        {
            names.insert(one.id.clone(), found.name);
        }
    }
    Ok(names)
}

/// A subscription as operators see it.
pub struct Seen {
    pub subscription: Subscription,
    /// What occupies it, whose organization it is, and the name of who asked for it.
    pub bound: Option<(Binding, Organization, String)>,
    pub entries: Vec<Entry>,
    pub next: Option<String>,
    pub actors: Actors,
}

/// # Errors
/// `Forbidden(not_operator)`; `NotFound(subscription)`; `Invalid(after, malformed)`.
pub fn see(db: &Db, user_id: &str, name: &str, show: Show, after: &str, limit: u32) -> Result<Seen> {
    require_operator(db, user_id)?;
    let subscription = usecase::subscription::find(db, name)?;
    let bound = match binding::find_of_subscription(db, subscription.id)? {
        Some(found) => {
            let by = user::find(db, &found.requested_by)?.map(|user| user.name).unwrap_or_default();
            organization::find(db, &found.organization_id)?.map(|of| (found, of, by))
        }
        None => None,
    };
    let (entries, next) = timeline(db, &subscription, show, after, limit)?;
    let by = entries.iter().filter_map(|entry| match &entry.what {
        What::Event(_, by, _) => by.as_ref().map(|noted| &noted.by),
        What::Act(noted) => Some(&noted.by),
        What::Call(_) | What::Usage(_) => None,
    });
    let actors = actors(db, by)?;
    Ok(Seen { subscription, bound, entries, next, actors })
}

/// Shows an operator the whole buyer account, and notes that (rules D6).
///
/// # Errors
/// `Forbidden(not_operator)`; `NotFound(subscription)`.
pub fn reveal_account(tx: &Tx, by: &By, name: &str, now: Instant) -> Result<String> {
    require_operator(tx, &by.id)?;
    let found = usecase::subscription::find(tx, name)?;
    let entry = Note {
        action: "subscription.account_seen",
        subject: ("subscription", name),
        subscription_id: Some(found.id),
        ..Note::default()
    };
    audit::note(tx, by, &entry, now)?;
    Ok(found.standing.buyer_account)
}

/// A subscription of a list, with the organization that it is bound to, or being bound to.
pub struct Listed {
    pub subscription: Subscription,
    /// Its id and name.
    pub organization: Option<(String, String)>,
}

/// Subscriptions that are looked for, the newest first, and the cursor of the next page.
///
/// # Errors
/// `Forbidden(not_operator)`; `Invalid(after, malformed)`.
pub fn find_subscriptions(
    db: &Db,
    user_id: &str,
    wanted: &Wanted,
    sellers: &[String],
    after: &str,
    limit: u32,
) -> Result<(Vec<Listed>, Option<String>)> {
    require_operator(db, user_id)?;
    let before = number_after(after)?;
    // As it is written in other places, too.
    let text = usecase::subscription::look(db, &wanted.text)?.map(|found| found.instance_id);
    let wanted = Wanted { text: text.unwrap_or_else(|| wanted.text.clone()), ..wanted.clone() };
    let mut found = search::subscriptions(db, &wanted, sellers, before, limit.saturating_add(1))?;
    let next = page(&mut found, limit, |last| last.id.to_string());
    let mut listed = Vec::with_capacity(found.len());
    for subscription in found {
        let bound = binding::find_of_subscription(db, subscription.id)?;
        let organization = match bound {
            Some(bound) => organization::find(db, &bound.organization_id)?.map(|of| (of.id, of.name)),
            None => None,
        };
        listed.push(Listed { subscription, organization });
    }
    Ok((listed, next))
}

/// The state that an address names.
#[must_use]
pub fn parse_state(text: &str) -> Option<State> {
    State::ALL.into_iter().find(|state| state.as_str() == text)
}
