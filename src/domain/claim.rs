//! A claim: a person on the way from a login-free link to a binding (rules A3). [`next_step`] decides
//! which page is true now; one exhaustive match in `web` renders it.

use super::binding;
use super::subscription;
use super::value::{DAY_MS, Instant, MINUTE_MS};

/// A claim ends this long after its last step …
pub const IDLE_MS: i64 = DAY_MS;
/// … and this long after its creation at most.
pub const LIFE_MS: i64 = 7 * DAY_MS;
/// How long the page waits for the provisioning call of a subscription that is not known yet (rules A5).
pub const WAIT_MS: i64 = 3 * MINUTE_MS;

/// When a claim with these moments ends.
#[must_use]
pub fn expires_at(created_at: Instant, step_at: Instant) -> Instant {
    step_at.plus_ms(IDLE_MS).min(created_at.plus_ms(LIFE_MS))
}

/// Who looks at the claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visitor {
    /// Not signed in.
    Nobody,
    /// Signed in; the claim is this person's, or nobody's yet.
    Claimant,
    /// Signed in, but the claim is another person's.
    Other,
}

/// A binding that occupies the subscription, or the last one that this claim asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    pub state: binding::State,
    /// This claim asked for it.
    pub is_by_this_claim: bool,
    /// The visitor is a member of its organization.
    pub is_of_visitor: bool,
}

#[derive(Debug, Clone, Copy)]
pub struct Facts {
    pub visitor: Visitor,
    pub created_at: Instant,
    pub now: Instant,
    /// `None`: the marketplace has not told us of it (or it is quarantined).
    pub subscription: Option<subscription::State>,
    /// The binding that occupies the subscription now.
    pub occupied: Option<Bound>,
    /// The last request of this claim, if it failed: why.
    pub failed: Option<Failure>,
}

/// How a request of this claim failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    Refused,
    TimedOut,
    Cancelled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// 「正在等待云市场开通结果」
    Wait,
    /// 「未找到该订阅」
    NotFound,
    /// 「这笔订阅还没有开通」
    NotOpen,
    /// The purchase, with 「登录」 and 「注册」.
    SignIn,
    /// The claim is another person's: 「切换帐号」.
    NotYours,
    /// The binding page.
    Choose,
    /// 「正在处理您的授权请求」
    Processing,
    /// 「绑定成功」
    Done,
    /// The request failed; 「重试」.
    Failed(Failure),
    /// Already bound to an organization of the visitor: enter it.
    Enter,
    /// Bound to an organization that the visitor does not belong to.
    BoundElsewhere,
    Expired,
    Released,
}

/// The one page that is true for these facts.
#[must_use]
pub fn next_step(facts: Facts) -> Step {
    if facts.visitor == Visitor::Other {
        return Step::NotYours;
    }
    let is_nobody = facts.visitor == Visitor::Nobody;
    let is_early = facts.now.since_ms(facts.created_at) < WAIT_MS;
    match facts.subscription {
        None | Some(subscription::State::Opening) if is_early => return Step::Wait,
        None => return Step::NotFound,
        Some(subscription::State::Opening) => return Step::NotOpen,
        Some(subscription::State::Released) => return Step::Released,
        Some(subscription::State::Expired) => return Step::Expired,
        Some(subscription::State::Active) => {}
    }
    if is_nobody {
        return Step::SignIn;
    }
    match facts.occupied {
        Some(bound) if bound.is_by_this_claim || bound.is_of_visitor => match bound.state {
            binding::State::Requested => Step::Processing,
            _ if bound.is_by_this_claim => Step::Done,
            _ => Step::Enter,
        },
        Some(_) => Step::BoundElsewhere,
        None => facts.failed.map_or(Step::Choose, Step::Failed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_situation_has_its_page() {
        use subscription::State::{Active, Expired, Opening, Released};
        let by = |state, is_by_this_claim, is_of_visitor| Some(Bound { state, is_by_this_claim, is_of_visitor });
        let live = binding::State::Live;
        let requested = binding::State::Requested;
        for (visitor, minutes, subscription, occupied, failed, expected) in [
            (Visitor::Nobody, 0, None, None, None, Step::Wait),
            (Visitor::Claimant, 2, None, None, None, Step::Wait),
            (Visitor::Claimant, 3, None, None, None, Step::NotFound),
            (Visitor::Nobody, 2, Some(Opening), None, None, Step::Wait),
            (Visitor::Claimant, 3, Some(Opening), None, None, Step::NotOpen),
            (Visitor::Nobody, 0, Some(Active), None, None, Step::SignIn),
            (Visitor::Nobody, 0, Some(Active), by(live, false, false), None, Step::SignIn),
            (Visitor::Nobody, 0, Some(Released), None, None, Step::Released),
            (Visitor::Claimant, 0, Some(Expired), by(live, true, true), None, Step::Expired),
            (Visitor::Other, 0, Some(Active), None, None, Step::NotYours),
            (Visitor::Other, 0, Some(Released), None, None, Step::NotYours),
            (Visitor::Claimant, 0, Some(Active), None, None, Step::Choose),
            (Visitor::Claimant, 0, Some(Active), by(requested, true, true), None, Step::Processing),
            (Visitor::Claimant, 0, Some(Active), by(requested, false, true), None, Step::Processing),
            (Visitor::Claimant, 0, Some(Active), by(requested, false, false), None, Step::BoundElsewhere),
            (Visitor::Claimant, 0, Some(Active), by(live, true, true), None, Step::Done),
            (Visitor::Claimant, 0, Some(Active), by(live, false, true), None, Step::Enter),
            (Visitor::Claimant, 0, Some(Active), by(live, false, false), None, Step::BoundElsewhere),
            (Visitor::Claimant, 0, Some(Active), None, Some(Failure::Refused), Step::Failed(Failure::Refused)),
            (Visitor::Claimant, 0, Some(Active), None, Some(Failure::TimedOut), Step::Failed(Failure::TimedOut)),
            (Visitor::Claimant, 0, Some(Released), None, Some(Failure::Cancelled), Step::Released),
        ] {
            let created_at = Instant::from_ms(0);
            let facts = Facts {
                visitor,
                created_at,
                now: created_at.plus_ms(minutes * MINUTE_MS),
                subscription,
                occupied,
                failed,
            };
            assert_eq!(next_step(facts), expected, "{facts:?}");
        }
    }

    #[test]
    fn a_claim_lives_a_day_from_its_last_step_and_a_week_at_most() {
        let created = Instant::from_ms(0);
        assert_eq!(expires_at(created, created), Instant::from_ms(DAY_MS));
        assert_eq!(expires_at(created, Instant::from_ms(6 * DAY_MS + 1)), Instant::from_ms(LIFE_MS));
    }

    use proptest::prelude::*;

    fn any_facts() -> impl Strategy<Value = Facts> {
        let visitor = prop_oneof![Just(Visitor::Nobody), Just(Visitor::Claimant), Just(Visitor::Other)];
        let bound = (proptest::sample::select(&binding::State::ALL[..2]), any::<bool>(), any::<bool>());
        let failed = prop_oneof![Just(Failure::Refused), Just(Failure::TimedOut), Just(Failure::Cancelled)];
        let subscription = proptest::option::of(proptest::sample::select(&subscription::State::ALL[..]));
        (visitor, 0..10_i64, subscription, proptest::option::of(bound), proptest::option::of(failed)).prop_map(
            |(visitor, minutes, subscription, bound, failed)| Facts {
                visitor,
                created_at: Instant::from_ms(0),
                now: Instant::from_ms(minutes * MINUTE_MS),
                subscription,
                occupied: bound.map(|(state, is_by_this_claim, is_of_visitor)| Bound {
                    state,
                    is_by_this_claim,
                    is_of_visitor,
                }),
                failed,
            },
        )
    }

    proptest! {
        #[test]
        fn nobody_is_shown_what_is_not_theirs_and_nothing_bound_is_offered(facts in any_facts()) {
            let step = next_step(facts);
            let is_inside = matches!(step, Step::Choose | Step::Processing | Step::Done | Step::Enter | Step::Failed(_));
            prop_assert!(!is_inside || facts.visitor == Visitor::Claimant, "{step:?}");
            prop_assert!(!is_inside || facts.subscription == Some(subscription::State::Active), "{step:?}");
            prop_assert!(step != Step::Choose || facts.occupied.is_none());
            prop_assert_eq!(step == Step::NotYours, facts.visitor == Visitor::Other);
            let is_theirs = facts.occupied.is_some_and(|bound| bound.is_by_this_claim || bound.is_of_visitor);
            prop_assert!(!matches!(step, Step::Processing | Step::Done | Step::Enter) || is_theirs);
            prop_assert_eq!(step, next_step(facts), "the same facts, the same page");
        }
    }
}
