//! The same lives twice: once on a good day, once with every fault that the simulator knows, on every action.

use std::collections::BTreeMap;

use serde_json::json;

use crate::world::{PLAN, World};

const YEARLY: &str = "cmgj00063418-prepay";
const LARGER: &str = "cmgj00063418-prepay-16";

/// Faults of the calls to the gateway.
const KINDS: [&str; 8] = ["duplicate", "reorder", "delay", "status_500", "cut", "empty_body", "bad_token", "replay"];
/// Faults of the gateway's own questions.
const OWN_KINDS: [&str; 4] = ["delay", "status_500", "cut", "empty_body"];
const QUESTIONS: [&str; 4] =
    ["DescribeInstanceForIsv", "DescribeOrderForIsv", "DescribeFailedNotifications", "ConfirmNotification"];

/// One step of a life: what is done to the instance of this index, and the call that follows.
type Step = (usize, &'static str, &'static str, serde_json::Value);

/// Five lives, interleaved. Absolute dates, so that both days end alike.
fn script() -> Vec<Step> {
    let date = |year: u32| json!({ "expires_on": format!("{year}-06-01T00:00:00+08:00") });
    vec![
        (0, "renew", "renewInstance", date(2031)),
        (1, "upgrade", "upgradeInstance", json!({ "plan": LARGER, "items": { "Count": 7 } })),
        (0, "pay", "orderPay", json!({ "request_id": "first" })),
        (0, "refund-renew", "refundRenewInstance", date(2030)),
        (2, "expire", "expiredInstance", json!({})),
        (0, "renew", "renewInstance", date(2032)),
        (2, "renew", "renewInstance", date(2031)),
        (3, "release", "releaseInstance", json!({ "refund": true })),
        (0, "refund-renew", "refundRenewInstance", date(2030)),
        (2, "expire", "expiredInstance", json!({})),
        (1, "upgrade", "upgradeInstance", json!({ "plan": YEARLY, "items": { "Count": 8 } })),
        (1, "renew", "renewInstance", date(2033)),
        // Of one that stays: a release cancels what is still owed.
        (1, "pay", "orderPay", json!({ "request_id": "second" })),
        (1, "expire", "expiredInstance", json!({})),
        (1, "renew", "renewInstance", date(2034)),
        (4, "release", "releaseInstance", json!({ "refund": false })),
    ]
}

/// A small generator of our own, so that a seed says the same for ever.
struct Dice(u64);

impl Dice {
    fn roll<'a>(&mut self, sides: &[&'a str]) -> &'a str {
        // The steps of Knuth's MMIX.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        sides[usize::try_from(self.0 >> 33).unwrap() % sides.len()]
    }
}

/// Lives the script; the instances by their index.
fn live(world: &World, mut faults: Option<Dice>) -> Vec<String> {
    let mut fault = |action: &str, kinds: &[&str]| {
        if let Some(dice) = &mut faults {
            let kind = dice.roll(kinds);
            let delay_ms = match kind {
                // Real time passes while a call is late, ...
                "delay" => 20,
                // ... and the clock's where others come first, or the same comes again.
                _ => 60_000,
            };
            world.tell("faults", &json!({ "action": action, "kind": kind, "count": 1, "delay_ms": delay_ms }));
        }
    };
    let ids = [YEARLY, YEARLY, YEARLY, PLAN, PLAN]
        .map(|plan| {
            // What waits for a clock would wait for us: a purchase is answered when it is open.
            fault("createInstance", &["duplicate", "delay", "replay"]);
            world.purchase(plan)
        })
        .to_vec();
    for (at, what, action, body) in script() {
        fault(action, &KINDS);
        world.change(&ids[at], what, &body);
        world.advance("3s");
    }
    // Held and repeated calls, and replays, have all come by then.
    world.advance("10m");
    for action in QUESTIONS {
        fault(action, &OWN_KINDS);
    }
    ids
}

/// What a life has come to, whatever its instance is called.
fn ends(world: &World, ids: &[String]) -> Vec<String> {
    let here = world.here();
    ids.iter().map(|id| here.get(id).cloned().unwrap_or_default()).collect()
}

fn payments(world: &World) -> Vec<String> {
    world.rows("SELECT data ->> 'request_id' FROM event WHERE type = 'order.paid' ORDER BY 1")
}

fn differences(here: &BTreeMap<String, String>, there: &BTreeMap<String, String>) -> Vec<String> {
    let differs = |id: &&String| here.get(*id) != there.get(*id);
    there.keys().chain(here.keys().filter(|id| !there.contains_key(*id))).filter(differs).cloned().collect()
}

#[test]
fn a_bad_day_ends_like_a_good_one_after_a_sweep() {
    let good = World::with(&["--heal"]);
    let ids = live(&good, None);
    assert_eq!(good.here(), good.there(), "no fault, no difference");
    assert_eq!(good.alarms().iter().filter(|alarm| alarm.starts_with("unknown_instance")).count(), 0);
    let (expected, paid) = (ends(&good, &ids), payments(&good));
    assert!(expected.iter().any(|end| end.starts_with("active")) && paid == ["first", "second"], "{expected:?}");
    for seed in 1..=6 {
        let bad = World::with(&["--heal"]);
        let ids = live(&bad, Some(Dice(seed)));
        // The questions suffer too, so the first round may bring nothing.
        for _ in 0..2 {
            bad.advance("25h");
            bad.sweep();
        }
        assert_eq!(bad.here(), bad.there(), "seed {seed}: {:?}", bad.alarms());
        assert_eq!((ends(&bad, &ids), payments(&bad)), (expected.clone(), paid.clone()), "seed {seed}");
        let sequences = "SELECT count(*) FROM (SELECT 1 FROM event WHERE subscription_id IS NOT NULL GROUP BY subscription_id HAVING count(*) <> max(sequence))";
        assert_eq!(bad.rows(sequences), ["0"], "seed {seed}: gapless");
    }
}

#[test]
fn without_an_access_key_every_difference_is_on_the_operators_list() {
    let mut found = 0;
    for seed in 1..=6 {
        let world = World::with(&["--no-access-key"]);
        live(&world, Some(Dice(seed)));
        let alarms = world.alarms();
        for id in differences(&world.here(), &world.there()) {
            found += 1;
            let (here, there) = (world.here(), world.there());
            assert!(
                alarms.iter().any(|alarm| alarm.ends_with(&format!("alibaba-{id}"))),
                "seed {seed}: {:?} here, {:?} there, and {alarms:?}",
                here.get(&id),
                there.get(&id)
            );
        }
    }
    assert!(found > 0, "a bad day without any difference proves nothing");
}
