//! Where we and the marketplace differ, and what follows: one pure function (rules A5, B2, D5).
//!
//! [`compare`] repairs what the marketplace's word settles alone, through the same effects as its calls. What only a
//! person can settle is reported. A released subscription never comes back, whatever is said.

use super::subscription::{Effect, Event, Items, Standing, State};
use super::value::{HOUR_MS, Instant, MINUTE_MS, SECOND_MS};

/// A stored expiry this long ago without a word about it is overdue (rules B2).
pub const OVERDUE_MS: i64 = HOUR_MS;
/// A created subscription is checked so long after its call: "within a minute" (rules D5).
pub const CHECK_AFTER_MS: i64 = 30 * SECOND_MS;
/// A difference is believed only when no call was applied for so long: an answer may be older than the last call,
/// and a call may still be on its way.
pub const SETTLE_MS: i64 = MINUTE_MS;

/// The state of an instance, as the marketplace tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordState {
    /// It waits for our answer to its create.
    Opening,
    Open,
    Expired,
    Closed,
}

impl WordState {
    pub const ALL: [Self; 4] = [Self::Opening, Self::Open, Self::Expired, Self::Closed];
}

/// What the marketplace tells of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    pub state: WordState,
    pub product_code: String,
    /// `None`: it does not say.
    pub plan_code: Option<String>,
    /// Whole seconds. `None`: no term, or it does not say.
    pub expires_at: Option<Instant>,
    /// Those that it names; others may exist.
    pub items: Items,
}

/// What we hold.
#[derive(Debug, Clone, Copy)]
pub struct Ours<'a> {
    pub standing: &'a Standing,
    /// The marketplace has confirmed it at least once.
    pub is_confirmed: bool,
}

/// What follows from a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing to do.
    Agree,
    /// This is how it stands, with these effects.
    Repair(Box<Standing>, Vec<Effect>),
    /// We do not have it, and it is ours: take it in as it stands there.
    Adopt(State),
    /// We do not have it, and it is over: remember that, so that a late create does not revive it (rules B2).
    Bury,
    /// Only a person can settle it: the kind of alarm.
    Report(&'static str),
    /// We were told of it by a call, and the marketplace does not know it (rules D5).
    Quarantine,
}

/// Every kind of alarm that [`compare`] reports.
pub const REPORTS: [&str; 6] = [
    "foreign_product",
    "product_differs",
    "released_but_open",
    "open_past_its_end",
    "opening_but_expired",
    "unknown_at_marketplace",
];

/// Compares what we hold with what the marketplace tells (`None`: it does not know the instance).
/// `is_sold_here`: the product that it names is configured.
#[must_use]
pub fn compare(ours: Option<Ours<'_>>, word: Option<&Word>, is_sold_here: bool, now: Instant) -> Verdict {
    match (ours, word) {
        (None, None) => Verdict::Agree,
        (None, Some(word)) => missing_here(word, is_sold_here),
        // It may forget what is over.
        (Some(ours), None) if ours.standing.state == State::Released => Verdict::Agree,
        // Once confirmed, it is no forgery: a landing must not close because of one strange answer.
        (Some(ours), None) if ours.is_confirmed => Verdict::Report("unknown_at_marketplace"),
        (Some(_), None) => Verdict::Quarantine,
        (Some(ours), Some(word)) => both(ours.standing, word, is_sold_here, now),
    }
}

fn missing_here(word: &Word, is_sold_here: bool) -> Verdict {
    match word.state {
        _ if !is_sold_here => Verdict::Report("foreign_product"),
        // Its create is on its way, or comes again.
        WordState::Opening => Verdict::Agree,
        WordState::Open => Verdict::Adopt(State::Active),
        WordState::Expired => Verdict::Adopt(State::Expired),
        WordState::Closed => Verdict::Bury,
    }
}

fn both(standing: &Standing, word: &Word, is_sold_here: bool, now: Instant) -> Verdict {
    if standing.state == State::Released {
        // Final. A tombstone knows nothing of the product.
        return if word.state == WordState::Closed { Verdict::Agree } else { Verdict::Report("released_but_open") };
    }
    if standing.product_code != word.product_code {
        return Verdict::Report("product_differs");
    }
    let state = match (standing.state, word.state) {
        (_, WordState::Closed) => State::Released,
        (_, WordState::Expired) => State::Expired,
        (State::Opening, WordState::Open) if !is_sold_here => return Verdict::Report("foreign_product"),
        // The marketplace has not heard or not noted our answer yet.
        (State::Opening | State::Active, WordState::Opening) => return Verdict::Agree,
        (_, WordState::Opening) => return Verdict::Report("opening_but_expired"),
        // Between the end of a term and its expiry over there: it will settle by itself, or not.
        (State::Expired, WordState::Open) if word.expires_at.is_some_and(|end| end <= now) => {
            return Verdict::Report("open_past_its_end");
        }
        (_, WordState::Open) => State::Active,
    };
    let mut next = Standing { state, is_disputed: false, ..standing.clone() };
    if let Some(plan_code) = &word.plan_code {
        next.plan_code.clone_from(plan_code);
    }
    next.items.extend(word.items.iter().map(|(name, value)| (name.clone(), value.clone())));
    next.expires_at = word.expires_at.or(standing.expires_at);
    if next == *standing {
        return Verdict::Agree;
    }
    let effects = effects(standing, &next);
    Verdict::Repair(Box::new(next), effects)
}

/// Why an event does not fit what was known before it: a sign that calls changed places (rules B2). It is applied all
/// the same, because the marketplace's last word counts; the doubt is told.
#[must_use]
pub fn contradicts(before: &Standing, event: &Event) -> Option<&'static str> {
    let stored = before.expires_at?;
    match event {
        // A refund takes back a renewal, so it leads to an earlier end.
        Event::RefundRenewed { expires_at } if *expires_at >= stored => Some("refund_without_renewal"),
        Event::Renewed { expires_at } if *expires_at < stored => Some("renewal_shortens"),
        _ => None,
    }
}

/// The effects that the calls would have had which never came.
fn effects(before: &Standing, after: &Standing) -> Vec<Effect> {
    let mut effects = Vec::new();
    let is_later = after.expires_at > before.expires_at && before.expires_at.is_some();
    if is_later {
        effects.push(Effect::Emit("subscription.renewed"));
    }
    let is_changed = after.plan_code != before.plan_code
        || after.items != before.items
        || (after.expires_at != before.expires_at && !is_later);
    if is_changed {
        effects.push(Effect::Emit("subscription.changed"));
    }
    match (before.state, after.state) {
        (State::Opening, State::Active) => effects.push(Effect::Emit("subscription.activated")),
        (State::Expired, State::Active) => effects.push(Effect::Thaw),
        (State::Opening | State::Active, State::Expired) => {
            effects.extend([Effect::Emit("subscription.expired"), Effect::Freeze]);
        }
        // The dispute is decided against the subscription: now its grace counts down.
        (State::Expired, State::Expired) if before.is_disputed => effects.push(Effect::Freeze),
        (_, State::Released) => {
            effects.extend([Effect::Emit("subscription.released"), Effect::EndBinding]);
        }
        _ => {}
    }
    effects
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Instant {
        Instant::from_ms(minutes * MINUTE_MS)
    }

    fn standing(state: State) -> Standing {
        Standing {
            state,
            buyer_account: "1".into(),
            order_id: "o".into(),
            product_code: "p".into(),
            plan_code: "small".into(),
            is_trial: false,
            items: Items::from([("Count".into(), "2".into())]),
            expires_at: Some(at(100)),
            is_disputed: false,
            purchase_mark: String::new(),
            is_tombstone: false,
        }
    }

    fn word(state: WordState) -> Word {
        Word {
            state,
            product_code: "p".into(),
            plan_code: Some("small".into()),
            expires_at: Some(at(100)),
            items: Items::new(),
        }
    }

    fn verdict(standing: &Standing, word: &Word) -> Verdict {
        compare(Some(Ours { standing, is_confirmed: true }), Some(word), true, at(50))
    }

    fn repaired(verdict: Verdict) -> (Standing, Vec<Effect>) {
        match verdict {
            Verdict::Repair(standing, effects) => (*standing, effects),
            other => panic!("{other:?}"),
        }
    }

    /// Every state of ours meets every state of theirs.
    #[test]
    fn every_state_meets_every_word() {
        use WordState::{Closed, Expired, Open, Opening};
        #[derive(Debug, PartialEq)]
        enum Is {
            Agreed,
            Now(State),
            Told(&'static str),
        }
        let emit = Effect::Emit;
        let end = || vec![emit("subscription.released"), Effect::EndBinding];
        let freeze = || vec![emit("subscription.expired"), Effect::Freeze];
        let mut met = 0;
        for (ours, theirs, expected, effects) in [
            (State::Opening, Opening, Is::Agreed, vec![]),
            (State::Opening, Open, Is::Now(State::Active), vec![emit("subscription.activated")]),
            (State::Opening, Expired, Is::Now(State::Expired), freeze()),
            (State::Opening, Closed, Is::Now(State::Released), end()),
            (State::Active, Opening, Is::Agreed, vec![]),
            (State::Active, Open, Is::Agreed, vec![]),
            (State::Active, Expired, Is::Now(State::Expired), freeze()),
            (State::Active, Closed, Is::Now(State::Released), end()),
            (State::Expired, Opening, Is::Told("opening_but_expired"), vec![]),
            (State::Expired, Open, Is::Now(State::Active), vec![Effect::Thaw]),
            (State::Expired, Expired, Is::Agreed, vec![]),
            (State::Expired, Closed, Is::Now(State::Released), end()),
            (State::Released, Opening, Is::Told("released_but_open"), vec![]),
            (State::Released, Open, Is::Told("released_but_open"), vec![]),
            (State::Released, Expired, Is::Told("released_but_open"), vec![]),
            (State::Released, Closed, Is::Agreed, vec![]),
        ] {
            let got = match verdict(&standing(ours), &word(theirs)) {
                Verdict::Agree => (Is::Agreed, vec![]),
                Verdict::Repair(next, effects) => (Is::Now(next.state), effects),
                Verdict::Report(kind) => (Is::Told(kind), vec![]),
                other => panic!("{other:?}"),
            };
            assert_eq!(got, (expected, effects), "{ours:?} {theirs:?}");
            met += 1;
        }
        assert_eq!(met, State::ALL.len() * WordState::ALL.len());
    }

    #[test]
    fn what_we_do_not_have_is_adopted_only_if_it_is_ours() {
        let missing = |state, is_sold_here| compare(None, Some(&word(state)), is_sold_here, at(50));
        assert_eq!(missing(WordState::Opening, true), Verdict::Agree);
        assert_eq!(missing(WordState::Open, true), Verdict::Adopt(State::Active));
        assert_eq!(missing(WordState::Expired, true), Verdict::Adopt(State::Expired));
        assert_eq!(missing(WordState::Closed, true), Verdict::Bury);
        for state in WordState::ALL {
            assert_eq!(missing(state, false), Verdict::Report("foreign_product"), "{state:?}");
        }
        assert_eq!(compare(None, None, false, at(50)), Verdict::Agree);
    }

    #[test]
    fn what_the_marketplace_never_knew_is_quarantined_and_what_it_forgot_is_reported() {
        for state in State::ALL {
            let standing = standing(state);
            let unknown = |is_confirmed| compare(Some(Ours { standing: &standing, is_confirmed }), None, true, at(50));
            if state == State::Released {
                assert_eq!((unknown(false), unknown(true)), (Verdict::Agree, Verdict::Agree));
            } else {
                assert_eq!(unknown(false), Verdict::Quarantine, "{state:?}");
                assert_eq!(unknown(true), Verdict::Report("unknown_at_marketplace"), "{state:?}");
            }
        }
    }

    #[test]
    fn plan_items_and_expiry_follow_the_marketplace() {
        let upgraded = Word { plan_code: Some("big".into()), ..word(WordState::Open) };
        let (next, effects) = repaired(verdict(&standing(State::Active), &upgraded));
        assert_eq!((next.plan_code.as_str(), effects), ("big", vec![Effect::Emit("subscription.changed")]));
        let more = Word { items: Items::from([("Count".into(), "5".into())]), ..word(WordState::Open) };
        let (next, effects) = repaired(verdict(&standing(State::Active), &more));
        assert_eq!((next.items["Count"].as_str(), effects), ("5", vec![Effect::Emit("subscription.changed")]));
        for (end, event) in [(200, "subscription.renewed"), (60, "subscription.changed")] {
            let moved = Word { expires_at: Some(at(end)), ..word(WordState::Open) };
            let (next, effects) = repaired(verdict(&standing(State::Active), &moved));
            assert_eq!((next.expires_at, effects), (Some(at(end)), vec![Effect::Emit(event)]));
        }
        // What it does not say changes nothing.
        let silent = Word { plan_code: None, expires_at: None, ..word(WordState::Open) };
        assert_eq!(verdict(&standing(State::Active), &silent), Verdict::Agree);
        let other = Word { product_code: "q".into(), ..upgraded };
        assert_eq!(verdict(&standing(State::Active), &other), Verdict::Report("product_differs"));
    }

    #[test]
    fn a_dispute_is_decided_either_way() {
        let disputed = Standing { is_disputed: true, ..standing(State::Expired) };
        let (thawed, effects) = repaired(verdict(&disputed, &word(WordState::Open)));
        assert!(thawed.state == State::Active && !thawed.is_disputed && effects == [Effect::Thaw]);
        let (frozen, effects) = repaired(verdict(&disputed, &word(WordState::Expired)));
        assert!(frozen.state == State::Expired && !frozen.is_disputed && effects == [Effect::Freeze]);
    }

    #[test]
    fn open_with_an_end_in_the_past_thaws_nothing() {
        let past = Word { expires_at: Some(at(50)), ..word(WordState::Open) };
        assert_eq!(verdict(&standing(State::Expired), &past), Verdict::Report("open_past_its_end"));
    }

    #[test]
    fn calls_that_changed_places_contradict_what_was_known() {
        let standing = standing(State::Active);
        for (event, expected) in [
            (Event::Renewed { expires_at: at(200) }, None),
            (Event::Renewed { expires_at: at(99) }, Some("renewal_shortens")),
            (Event::RefundRenewed { expires_at: at(99) }, None),
            (Event::RefundRenewed { expires_at: at(100) }, Some("refund_without_renewal")),
            (Event::Expired, None),
        ] {
            assert_eq!(contradicts(&standing, &event), expected, "{event:?}");
        }
        let endless = Standing { expires_at: None, ..standing };
        assert_eq!(contradicts(&endless, &Event::RefundRenewed { expires_at: at(1) }), None);
    }

    #[test]
    fn a_repair_is_made_once_and_never_undoes_a_release() {
        for ours in State::ALL {
            for theirs in WordState::ALL {
                let upgraded = Word { plan_code: Some("big".into()), expires_at: Some(at(300)), ..word(theirs) };
                if let Verdict::Repair(next, _) = verdict(&standing(ours), &upgraded) {
                    assert_ne!(ours, State::Released);
                    assert_eq!(verdict(&next, &upgraded), Verdict::Agree, "{ours:?} {theirs:?}");
                }
            }
        }
    }
}
