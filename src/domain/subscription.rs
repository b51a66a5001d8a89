//! A subscription's life as one pure function (rules B1–B3, product §6).
//!
//! [`apply`] says what a marketplace's word changes; whether that word was heard before (the keys of
//! rules B1) is decided before it, by the calls that are stored.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::value::{Instant, MINUTE_MS};

/// Billing items and unknown parameters of a purchase, name to text, as the marketplace sent them.
pub type Items = BTreeMap<String, String>;

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Applied,
    Repeated,
    Conflict,
    Refused,
}

impl Verdict {
    pub const ALL: [Self; 4] = [Self::Applied, Self::Repeated, Self::Conflict, Self::Refused];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Repeated => "repeated",
            Self::Conflict => "conflict",
            Self::Refused => "refused",
        }
    }
}

/// The public name of a subscription: `alibaba-86040213`.
#[must_use]
pub fn name(seller_id: &str, instance_id: &str) -> String {
    format!("{seller_id}-{instance_id}")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Bought, but we cannot provision it (yet): its product is not configured.
    Opening,
    Active,
    Expired,
    /// Final.
    Released,
}

impl State {
    pub const ALL: [Self; 4] = [Self::Opening, Self::Active, Self::Expired, Self::Released];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opening => "opening",
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Released => "released",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// What a purchase is, as createInstance tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purchase {
    pub buyer_account: String,
    pub order_id: String,
    pub product_code: String,
    pub plan_code: String,
    pub is_trial: bool,
    pub expires_at: Option<Instant>,
    pub items: Items,
    /// Its product is configured here, so it can be provisioned.
    pub is_sold_here: bool,
}

impl Purchase {
    /// The facts that make a repeated createInstance the same purchase (rules B1), as one text. Kept as they
    /// were told first: renewals and upgrades move the plan and the date, the purchase stays what it was.
    #[must_use]
    pub fn mark(&self) -> String {
        let expires = self.expires_at.map_or_else(|| "-".to_owned(), |at| at.ms().to_string());
        format!("{} {} {} {} {expires}", self.order_id, self.product_code, self.plan_code, self.is_trial)
    }
}

/// The part of a subscription that the marketplace's words move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub state: State,
    pub buyer_account: String,
    /// Of the purchase; renewals and upgrades have their own, kept with their calls.
    pub order_id: String,
    pub product_code: String,
    pub plan_code: String,
    pub is_trial: bool,
    pub items: Items,
    /// Only ever what the marketplace said. `None`: no term.
    pub expires_at: Option<Instant>,
    /// Told expired long before its date; no grace counts down until that is settled.
    pub is_disputed: bool,
    /// [`Purchase::mark`] of the first createInstance; empty until there is one (healed, tombstone).
    pub purchase_mark: String,
    /// Made by a release for a purchase that nobody had told us of.
    pub is_tombstone: bool,
}

/// A word of the marketplace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Created(Purchase),
    Renewed { expires_at: Instant },
    RefundRenewed { expires_at: Instant },
    Upgraded { plan_code: String, items: Items },
    Expired,
    Released,
    Paid,
}

/// What follows from an applied word, beside the new standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Goes to the feed and the vendor's product under this type.
    Emit(&'static str),
    /// The bound organization is frozen; its grace counts down.
    Freeze,
    /// The bound organization is frozen; no countdown while the expiry is disputed.
    FreezeDisputed,
    /// A payment freeze of the bound organization is lifted.
    Thaw,
    /// The binding ends and requests are cancelled.
    EndBinding,
    /// An operator should look.
    Alarm(&'static str),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Something changed.
    Applied(Standing, Vec<Effect>),
    /// It is already so.
    Unchanged,
    /// A second purchase under a known id with other facts: nothing is applied (rules B1).
    Conflict,
    /// Not possible: `unknown_instance` or `released`. The marketplace hears "no".
    Refused(&'static str),
}

/// An expiry told more than this before the stored date is disputed (rules B2).
pub const DISPUTE_MS: i64 = 10 * MINUTE_MS;

/// What `event` makes of `current` (`None`: an id we have not heard of).
#[must_use]
pub fn apply(current: Option<&Standing>, event: &Event, now: Instant) -> Outcome {
    match (current, event) {
        (None, Event::Created(purchase)) => created(purchase),
        (None, Event::Released) => Outcome::Applied(tombstone(), vec![]),
        (None, _) => Outcome::Refused("unknown_instance"),
        (Some(standing), Event::Created(purchase)) => created_again(standing, purchase),
        (Some(standing), event) => move_on(standing, event, now),
    }
}

fn created(purchase: &Purchase) -> Outcome {
    let standing = Standing {
        state: if purchase.is_sold_here { State::Active } else { State::Opening },
        buyer_account: purchase.buyer_account.clone(),
        order_id: purchase.order_id.clone(),
        product_code: purchase.product_code.clone(),
        plan_code: purchase.plan_code.clone(),
        is_trial: purchase.is_trial,
        items: purchase.items.clone(),
        expires_at: purchase.expires_at,
        is_disputed: false,
        purchase_mark: purchase.mark(),
        is_tombstone: false,
    };
    let effects = if purchase.is_sold_here {
        vec![Effect::Emit("subscription.activated")]
    } else {
        vec![Effect::Emit("subscription.created"), Effect::Alarm("unknown_product")]
    };
    Outcome::Applied(standing, effects)
}

fn created_again(standing: &Standing, purchase: &Purchase) -> Outcome {
    let is_same = standing.purchase_mark.is_empty() || standing.purchase_mark == purchase.mark();
    match standing.state {
        // The marketplace asks until the product is sold here.
        State::Opening if is_same && purchase.is_sold_here => Outcome::Applied(
            Standing { state: State::Active, ..standing.clone() },
            vec![Effect::Emit("subscription.activated")],
        ),
        _ if is_same => Outcome::Unchanged,
        _ => Outcome::Conflict,
    }
}

fn tombstone() -> Standing {
    Standing {
        state: State::Released,
        buyer_account: String::new(),
        order_id: String::new(),
        product_code: String::new(),
        plan_code: String::new(),
        is_trial: false,
        items: Items::new(),
        expires_at: None,
        is_disputed: false,
        purchase_mark: String::new(),
        is_tombstone: true,
    }
}

fn move_on(standing: &Standing, event: &Event, now: Instant) -> Outcome {
    let mut next = standing.clone();
    let is_released = standing.state == State::Released;
    let effects = match event {
        Event::Created(_) | Event::Paid => vec![],
        // Final: what comes later is already so, or too late.
        Event::Expired | Event::Released if is_released => vec![],
        _ if is_released => return Outcome::Refused("released"),
        Event::Renewed { expires_at } => {
            next.expires_at = Some(*expires_at);
            let mut effects = vec![Effect::Emit("subscription.renewed")];
            if standing.state == State::Expired && *expires_at > now {
                next.state = State::Active;
                next.is_disputed = false;
                effects.push(Effect::Thaw);
            }
            effects
        }
        Event::RefundRenewed { expires_at } => {
            next.expires_at = Some(*expires_at);
            vec![Effect::Emit("subscription.changed")]
        }
        Event::Upgraded { plan_code, items } => {
            next.plan_code.clone_from(plan_code);
            next.items.extend(items.iter().map(|(key, value)| (key.clone(), value.clone())));
            vec![Effect::Emit("subscription.changed")]
        }
        Event::Expired if standing.state == State::Expired => vec![],
        Event::Expired => {
            next.state = State::Expired;
            next.is_disputed = standing.expires_at.is_some_and(|stored| stored.since_ms(now) > DISPUTE_MS);
            if next.is_disputed {
                vec![Effect::Emit("subscription.expired"), Effect::FreezeDisputed, Effect::Alarm("disputed_expiry")]
            } else {
                vec![Effect::Emit("subscription.expired"), Effect::Freeze]
            }
        }
        Event::Released => {
            next.state = State::Released;
            next.is_disputed = false;
            vec![Effect::Emit("subscription.released"), Effect::EndBinding]
        }
    };
    if next == *standing { Outcome::Unchanged } else { Outcome::Applied(next, effects) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purchase() -> Purchase {
        Purchase {
            buyer_account: "1234567890125678".into(),
            order_id: "o1".into(),
            product_code: "p".into(),
            plan_code: "p-postpay".into(),
            is_trial: false,
            expires_at: Some(at(100)),
            items: Items::from([("Count".to_owned(), "2".to_owned())]),
            is_sold_here: true,
        }
    }

    fn at(minutes: i64) -> Instant {
        Instant::from_ms(minutes * MINUTE_MS)
    }

    fn applied(outcome: Outcome) -> (Standing, Vec<Effect>) {
        match outcome {
            Outcome::Applied(standing, effects) => (standing, effects),
            other => panic!("{other:?}"),
        }
    }

    fn standing(state: State) -> Standing {
        let (standing, _) = applied(apply(None, &Event::Created(purchase()), at(0)));
        Standing { state, ..standing }
    }

    /// Every state meets every word: (state, word) -> the state after it, or why not.
    #[test]
    fn every_state_meets_every_word() {
        let renewed = Event::Renewed { expires_at: at(200) };
        let refunded = Event::RefundRenewed { expires_at: at(50) };
        let upgraded = Event::Upgraded { plan_code: "big".into(), items: Items::new() };
        let ok = |state| Ok(Some(state));
        let same = Ok(None);
        for (state, event, expected) in [
            (State::Opening, &Event::Created(purchase()), ok(State::Active)),
            (State::Opening, &renewed, ok(State::Opening)),
            (State::Opening, &Event::Expired, ok(State::Expired)),
            (State::Opening, &Event::Released, ok(State::Released)),
            (State::Active, &Event::Created(purchase()), same),
            (State::Active, &renewed, ok(State::Active)),
            (State::Active, &refunded, ok(State::Active)),
            (State::Active, &upgraded, ok(State::Active)),
            (State::Active, &Event::Expired, ok(State::Expired)),
            (State::Active, &Event::Released, ok(State::Released)),
            (State::Active, &Event::Paid, same),
            (State::Expired, &Event::Created(purchase()), same),
            (State::Expired, &renewed, ok(State::Active)),
            (State::Expired, &Event::Renewed { expires_at: at(80) }, ok(State::Expired)),
            (State::Expired, &refunded, ok(State::Expired)),
            (State::Expired, &upgraded, ok(State::Expired)),
            (State::Expired, &Event::Expired, same),
            (State::Expired, &Event::Released, ok(State::Released)),
            (State::Released, &Event::Created(purchase()), same),
            (State::Released, &renewed, Err("released")),
            (State::Released, &refunded, Err("released")),
            (State::Released, &upgraded, Err("released")),
            (State::Released, &Event::Expired, same),
            (State::Released, &Event::Released, same),
        ] {
            let got = match apply(Some(&standing(state)), event, at(99)) {
                Outcome::Applied(next, _) => Ok(Some(next.state)),
                Outcome::Unchanged => Ok(None),
                Outcome::Refused(code) => Err(code),
                Outcome::Conflict => Err("conflict"),
            };
            assert_eq!(got, expected, "{state:?} {event:?}");
        }
    }

    #[test]
    fn an_unknown_instance_can_only_be_created_or_released() {
        for event in [
            Event::Renewed { expires_at: at(1) },
            Event::RefundRenewed { expires_at: at(1) },
            Event::Upgraded { plan_code: "x".into(), items: Items::new() },
            Event::Expired,
            Event::Paid,
        ] {
            assert_eq!(apply(None, &event, at(0)), Outcome::Refused("unknown_instance"), "{event:?}");
        }
        let (tombstone, effects) = applied(apply(None, &Event::Released, at(0)));
        assert_eq!((tombstone.state, effects), (State::Released, vec![]));
        assert_eq!(
            apply(Some(&tombstone), &Event::Created(purchase()), at(1)),
            Outcome::Unchanged,
            "a later create cannot revive it"
        );
    }

    #[test]
    fn another_purchase_under_a_known_id_applies_nothing() {
        for other in [
            Purchase { order_id: "o2".into(), ..purchase() },
            Purchase { is_trial: true, ..purchase() },
            Purchase { product_code: "q".into(), ..purchase() },
            Purchase { plan_code: "q".into(), ..purchase() },
            Purchase { expires_at: None, ..purchase() },
        ] {
            assert_eq!(apply(Some(&standing(State::Active)), &Event::Created(other), at(0)), Outcome::Conflict);
        }
    }

    #[test]
    fn the_same_purchase_stays_the_same_after_renewal_and_upgrade() {
        let (renewed, _) =
            applied(apply(Some(&standing(State::Active)), &Event::Renewed { expires_at: at(900) }, at(1)));
        let (upgraded, _) =
            applied(apply(Some(&renewed), &Event::Upgraded { plan_code: "big".into(), items: Items::new() }, at(2)));
        assert_eq!(apply(Some(&upgraded), &Event::Created(purchase()), at(3)), Outcome::Unchanged);
    }

    #[test]
    fn expiry_far_from_the_stored_date_is_disputed() {
        let (near, effects) = applied(apply(Some(&standing(State::Active)), &Event::Expired, at(90)));
        assert!(!near.is_disputed && effects.contains(&Effect::Freeze));
        let (far, effects) = applied(apply(Some(&standing(State::Active)), &Event::Expired, at(89)));
        assert!(
            far.is_disputed
                && effects.contains(&Effect::FreezeDisputed)
                && effects.contains(&Effect::Alarm("disputed_expiry"))
        );
        let (back, effects) = applied(apply(Some(&far), &Event::Renewed { expires_at: at(300) }, at(90)));
        assert!(!back.is_disputed && back.state == State::Active && effects.contains(&Effect::Thaw));
    }

    #[test]
    fn a_product_that_is_not_sold_here_waits() {
        let unsold = Purchase { is_sold_here: false, ..purchase() };
        let (waiting, effects) = applied(apply(None, &Event::Created(unsold.clone()), at(0)));
        assert!(waiting.state == State::Opening && effects.contains(&Effect::Alarm("unknown_product")));
        assert_eq!(apply(Some(&waiting), &Event::Created(unsold), at(1)), Outcome::Unchanged);
        let (active, _) = applied(apply(Some(&waiting), &Event::Created(purchase()), at(2)));
        assert_eq!(active.state, State::Active);
    }
}
