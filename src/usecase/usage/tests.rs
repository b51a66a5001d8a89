//! The ledger through the real store, with a clock of the test's own.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::domain::usage::{Cycle, Late};
use crate::domain::value::{MINUTE_MS, SECOND_MS};
use crate::market::time;
use crate::store::{Options, Store, Synchronous};

const TIMING: Timing = Timing { seal_ms: 12 * MINUTE_MS, drain_ms: 120 * SECOND_MS };
const ORGANIZATIONS: [&str; 2] = ["org_a", "org_b"];
const ITEMS: [&str; 5] = ["Period", "Frequency", "Storage", "VirtualCpu", "Memory"];

fn rule(item: &str) -> Option<Rule> {
    let (aggregate, late) = match item {
        "Period" => (Aggregate::Sum, Late::DropVisible),
        "Frequency" => (Aggregate::Sum, Late::Carry),
        "Storage" => (Aggregate::Max, Late::DropVisible),
        "VirtualCpu" => (Aggregate::Last, Late::DropVisible),
        "Memory" => (Aggregate::TimeAverage, Late::DropVisible),
        _ => return None,
    };
    Some(Rule { aggregate, cycle: Cycle::Hour, late })
}

/// Two organizations, and subscriptions as they are needed.
struct World {
    store: Store,
    _place: tempfile::TempDir,
    now: Instant,
    gap: Option<Gap>,
    subscriptions: i64,
}

impl World {
    fn at(text: &str) -> Self {
        let place = tempfile::tempdir().unwrap();
        let options = Options { synchronous: Synchronous::Normal, ..Options::default() };
        let store = Store::open(&place.path().join("gate.db"), options).unwrap();
        let seed = "INSERT INTO user (id, email, name, password_hash, password_changed_at, created_at) VALUES ('u', 'u@example.com', 'u', 'x', 0, 0);
                    INSERT INTO organization (id, name, created_at) VALUES ('org_a', 'a', 0), ('org_b', 'b', 0)";
        store.write_blocking(move |tx| Ok(tx.conn().execute_batch(seed)?)).unwrap();
        Self { store, _place: place, now: time::parse(text).unwrap(), gap: None, subscriptions: 0 }
    }

    fn execute(&self, sql: String) {
        self.store.write_blocking(move |tx| Ok(tx.conn().execute_batch(&sql)?)).unwrap();
    }

    fn rows(&self, sql: &'static str) -> Vec<String> {
        self.store.read_blocking(move |db| db.list(sql, (), |row| row.get(0))).unwrap()
    }

    fn number(&self, sql: String) -> i64 {
        self.store.read_blocking(move |db| db.value(&sql, ())).unwrap()
    }

    /// Binds an organization to a new subscription; a live binding is switched.
    fn bind(&mut self, organization: &str) {
        self.unbind(organization);
        self.subscriptions += 1;
        let (id, now) = (self.subscriptions, self.now.ms());
        self.execute(format!(
            "INSERT INTO subscription (id, seller_id, instance_id, state, product_code, plan_code, buyer_account, order_id, is_trial, source, created_at)
             VALUES ({id}, 'alibaba', 'i{id}', 'active', 'p', 'plan', '1', '1', 0, 'call', {now});
             INSERT INTO binding (id, subscription_id, organization_id, state, requested_by, entry_user_id, entry_role, allows_entry, requested_at, live_at)
             VALUES ('b{id}', {id}, '{organization}', 'live', 'u', 'u', 'owner', 1, {now}, {now})"
        ));
    }

    fn unbind(&self, organization: &str) {
        let now = self.now.ms();
        self.execute(format!("UPDATE binding SET state = 'ended', ended_at = {now} WHERE organization_id = '{organization}' AND state = 'live'"));
    }

    fn release(&self, organization: &str) {
        let live = format!(
            "SELECT coalesce(max(subscription_id), 0) FROM binding WHERE organization_id = '{organization}' AND state = 'live'"
        );
        let id = self.number(live);
        if id > 0 {
            self.unbind(organization);
            let now = self.now;
            self.execute(format!(
                "UPDATE subscription SET state = 'released', released_at = {} WHERE id = {id}",
                now.ms()
            ));
            self.store.write_blocking(move |tx| drain(tx, TIMING, &id.to_string(), now)).unwrap();
        }
    }

    /// Lets time pass; what is due is done when it has.
    fn pass(&mut self, ms: i64) {
        self.now = self.now.plus_ms(ms);
        let now = self.now;
        while self.store.write_blocking(move |tx| seal(tx, now)).unwrap() > 0 {}
        while self.store.write_blocking(move |tx| close(tx, now)).unwrap() > 0 {}
    }

    fn pass_to(&mut self, text: &str) {
        let to = time::parse(text).unwrap();
        self.pass(to.since_ms(self.now));
    }

    fn post(&self, id: &str, organization: &str, item: &str, quantity: i64, at: Instant) -> Verdict {
        let named = ("test".to_owned(), id.to_owned());
        let event = Usage::new(named, organization.to_owned(), item.to_owned(), quantity, (at, Some(60)));
        let (timing, now) = ((TIMING, self.gap), self.now);
        let taken = self.store.write_blocking(move |tx| take(tx, &|_, item| rule(item), timing, &[event], now));
        taken.unwrap().remove(0)
    }

    fn ledger(&self) -> Vec<String> {
        self.rows(
            "SELECT strftime('%H', hour_at / 1000, 'unixepoch', '+8 hours') || ' ' || coalesce(instance_id, '-') || ' ' || item || ' '
               || quantity || ' ' || state || coalesce(' ' || code, '') FROM record ORDER BY hour_at, id",
        )
    }

    fn imbalances(&self) -> Vec<Imbalance> {
        self.store.read_blocking(audit).unwrap()
    }
}

fn at(text: &str) -> Instant {
    time::parse(&format!("2026-11-23 {text}")).unwrap()
}

#[test]
fn a_sum_is_split_by_time_among_the_bindings_of_its_hour() {
    let mut world = World::at("2026-11-23 09:30:00");
    world.bind("org_a");
    world.pass_to("2026-11-23 10:03:00");
    world.bind("org_a");
    world.pass_to("2026-11-23 10:30:00");
    world.post("1", "org_a", "Period", 1, at("10:02:59"));
    world.post("2", "org_a", "Period", 2, at("10:03:00"));
    world.post("3", "org_a", "Period", 4, at("09:29:59"));
    world.post("4", "org_a", "Period", 8, at("09:30:00"));
    assert_eq!(
        world.ledger(),
        ["09 - Period 4 unbillable unbound", "09 i1 Period 8 sealed", "10 i1 Period 1 open", "10 i2 Period 2 open"]
    );
    assert_eq!(
        world.rows("SELECT CAST(until_at - hour_at AS TEXT) FROM record WHERE hour_at = 1795399200000"),
        ["3600000", "3600000"]
    );
}

#[test]
fn a_level_is_charged_once_to_the_subscription_of_the_sample_that_decides() {
    let mut world = World::at("2026-11-23 10:00:00");
    world.bind("org_a");
    world.pass_to("2026-11-23 10:03:00");
    world.bind("org_a");
    world.pass_to("2026-11-23 10:30:00");
    world.post("1", "org_a", "Storage", 50, at("10:10:00"));
    assert_eq!(world.ledger(), ["10 i2 Storage 50 open"]);
    world.post("2", "org_a", "Storage", 70, at("10:01:00"));
    assert_eq!(world.ledger(), ["10 i1 Storage 70 open"]);
    world.post("3", "org_a", "Storage", 70, at("10:20:00"));
    assert_eq!(world.ledger(), ["10 i1 Storage 70 open"], "of two equal samples the earlier decides");
    world.post("4", "org_a", "VirtualCpu", 2, at("10:20:00"));
    world.post("5", "org_a", "VirtualCpu", 9, at("10:02:00"));
    assert_eq!(world.ledger()[1], "10 i2 VirtualCpu 2 open", "the last one decides");
    assert!(world.imbalances().is_empty());
}

#[test]
fn late_amounts_are_carried_within_their_plan_binding_and_day() {
    let mut world = World::at("2026-11-23 10:00:00");
    world.bind("org_a");
    world.post("1", "org_a", "Frequency", 1, at("10:00:00"));
    world.pass_to("2026-11-23 12:30:00");
    assert_eq!(world.post("2", "org_a", "Frequency", 10, at("10:20:00")), Verdict::Accepted(Some("carried")));
    assert_eq!(world.post("2", "org_a", "Frequency", 10, at("10:20:00")), Verdict::Duplicate);
    assert_eq!(world.post("3", "org_a", "Frequency", 100, at("12:20:00")), Verdict::Accepted(None));
    assert_eq!(world.post("4", "org_a", "Period", 7, at("10:20:00")), Verdict::Accepted(Some("late")));
    assert_eq!(
        world.ledger(),
        [
            "10 i1 Frequency 1 missed deadline",
            "10 i1 Frequency 10 carried",
            "10 i1 Period 7 missed late",
            "12 i1 Frequency 110 open"
        ]
    );
    assert!(world.imbalances().is_empty());
    world.execute(format!(
        "INSERT INTO call (seller_id, instance_id, action, params, verdict, status, reply, received_at, took_us, request_id)
         VALUES ('alibaba', 'i1', 'upgrade', '{{}}', 'applied', 200, '', {}, 0, 'r')",
        at("11:00:00").ms()
    ));
    assert_eq!(
        world.post("5", "org_a", "Frequency", 1, at("10:20:00")),
        Verdict::Accepted(Some("late")),
        "another plan"
    );
    world.pass_to("2026-11-23 13:00:00");
    assert_eq!(
        world.post("6", "org_a", "Frequency", 2, at("11:00:01")),
        Verdict::Accepted(Some("late")),
        "its hour had two"
    );
    world.pass_to("2026-11-23 14:30:00");
    assert_eq!(world.post("7", "org_a", "Frequency", 2, at("12:00:01")), Verdict::Accepted(Some("carried")));
    world.pass_to("2026-11-24 13:00:00");
    assert_eq!(
        world.post("8", "org_a", "Frequency", 2, at("12:30:00")),
        Verdict::Accepted(Some("late")),
        "a day later"
    );
    world.bind("org_a");
    assert_eq!(
        world.post("9", "org_a", "Frequency", 2, at("22:30:00")),
        Verdict::Accepted(Some("late")),
        "another binding"
    );
    assert!(world.imbalances().is_empty());
}

#[test]
fn in_a_copy_usage_that_the_original_may_have_pushed_waits_for_a_person_and_is_never_carried() {
    let mut world = World::at("2026-11-23 10:00:00");
    world.bind("org_a");
    world.pass_to("2026-11-23 12:20:00");
    world.gap = Some(Gap { since: at("10:30:00"), until: at("12:15:00") });
    // 10:00 can still be billed until 11:55, 11:00 until 12:55: the original may have pushed both.
    world.post("1", "org_a", "Frequency", 1, at("10:10:00"));
    world.post("2", "org_a", "Frequency", 2, at("11:10:00"));
    world.post("3", "org_a", "Frequency", 4, at("11:20:00"));
    world.post("4", "org_a", "Storage", 8, at("11:20:00"));
    world.post("5", "org_a", "Frequency", 16, at("12:10:00"));
    let held = [
        "10 i1 Frequency 1 missed late",
        "11 i1 Frequency 6 unknown restored",
        "11 i1 Storage 8 unknown restored",
        "12 i1 Frequency 16 open",
    ];
    assert_eq!(world.ledger(), held);
    world.bind("org_a");
    world.post("6", "org_a", "Storage", 9, at("11:30:00"));
    assert_eq!(world.ledger()[2], "11 i1 Storage 9 unknown restored", "another sample decides, a person still");
    // A person may have it sent: it is then closed in time.
    assert_eq!(
        world.number(format!("SELECT count(*) FROM job WHERE kind = '{CLOSE}' AND key = '{}'", at("12:55:00").ms())),
        1
    );
    world.pass_to("2026-11-23 13:20:00");
    world.post("7", "org_a", "Frequency", 32, at("11:40:00"));
    assert_eq!(
        world.ledger()[2..4],
        ["11 i1 Storage 9 unknown restored", "11 i1 Frequency 32 missed late"],
        "{:?}",
        world.ledger()
    );
    assert!(world.imbalances().is_empty(), "{:?}", world.imbalances());
}

#[test]
fn in_a_copy_a_held_level_is_charged_to_who_paid_at_the_deciding_sample_and_a_decided_one_is_left_alone() {
    let mut world = World::at("2026-11-23 10:00:00");
    world.bind("org_a");
    world.pass_to("2026-11-23 10:30:00");
    world.bind("org_a");
    world.pass_to("2026-11-23 11:20:00");
    world.gap = Some(Gap { since: at("10:00:00"), until: at("11:15:00") });
    for item in ["Storage", "VirtualCpu"] {
        world.post(&format!("{item} 1"), "org_a", item, 8, at("10:20:00"));
    }
    assert_eq!(world.ledger(), ["10 i1 Storage 8 unknown restored", "10 i1 VirtualCpu 8 unknown restored"]);
    world.post("Storage 2", "org_a", "Storage", 9, at("10:40:00"));
    assert_eq!(world.ledger()[0], "10 i2 Storage 9 unknown restored", "who pays later had the most");
    world.post("Storage 3", "org_a", "Storage", 5, at("10:10:00"));
    assert_eq!(world.ledger()[0], "10 i2 Storage 9 unknown restored", "and it decides still");
    // One that the marketplace may have taken under the first subscription is not moved to the second.
    world.execute("UPDATE record SET code = 'reset' WHERE item = 'VirtualCpu'".to_owned());
    world.post("VirtualCpu 2", "org_a", "VirtualCpu", 9, at("10:50:00"));
    assert_eq!(world.ledger()[1], "10 i1 VirtualCpu 8 unknown reset");
    assert!(world.imbalances().is_empty(), "{:?}", world.imbalances());
}

#[test]
fn usage_that_comes_between_the_plan_of_a_push_and_its_leaving_is_in_it() {
    use crate::usecase::push;
    let mut world = World::at("2026-11-23 10:00:00");
    world.bind("org_a");
    world.pass_to("2026-11-23 11:20:00");
    world.post("1", "org_a", "Period", 5, at("10:10:00"));
    let way = push::Way {
        seller_id: "alibaba".into(),
        key_mark: "k".into(),
        query_bytes: 7_000,
        is_atomic: true,
        assits: std::collections::BTreeMap::new(),
    };
    let plan = || {
        let (way, now) = (way.clone(), world.now);
        world.store.read_blocking(move |db| push::plan(db, &way, now)).unwrap()
    };
    let take = |plan, nonce: &str| {
        let (way, now, nonce) = (way.clone(), world.now, nonce.to_owned());
        world.store.write_blocking(move |tx| push::take(tx, &way, plan, nonce, now))
    };
    let before = plan();
    assert_eq!(world.post("2", "org_a", "Period", 7, at("10:20:00")), Verdict::Accepted(None));
    assert!(matches!(take(before, "a"), Err(Error::Conflict("records_changed"))));
    assert_eq!(world.rows("SELECT state FROM record"), ["sealed"], "nothing is changed");
    let leaving = take(plan(), "b").unwrap();
    assert!(leaving.as_ref().is_some_and(|one| one.text.contains("\"12\"")), "{leaving:?}");
}

#[test]
fn what_a_subscription_used_is_sealed_at_once_however_many_others_there_are() {
    let mut world = World::at("2026-11-23 10:00:00");
    let organizations: Vec<String> = (0..40).map(|number| format!("org_{number}")).collect();
    for organization in &organizations {
        world.execute(format!("INSERT INTO organization (id, name, created_at) VALUES ('{organization}', 'x', 0)"));
        world.bind(organization);
    }
    // Item by item, so that a subscription's records are far from one another.
    for item in &ITEMS[..3] {
        for organization in &organizations {
            world.post(&format!("{organization} {item}"), organization, item, 1, at("10:00:00"));
        }
    }
    let now = at("11:12:00");
    let sealed = world.store.write_blocking(move |tx| seal(tx, now)).unwrap();
    assert_eq!(sealed, 102, "a step, and what its last subscription has beside");
    assert_eq!(world.rows("SELECT instance_id FROM record GROUP BY 1 HAVING count(DISTINCT state) > 1"), [""; 0]);
    world.pass_to("2026-11-23 11:12:00");
    assert_eq!(world.number("SELECT count(*) FROM record WHERE state <> 'sealed'".into()), 0);
}

#[test]
fn the_audit_finds_what_was_changed_by_hand() {
    for sql in [
        "UPDATE record SET quantity = quantity + 1 WHERE item = 'Period'",
        "UPDATE record SET events = events - 1 WHERE item = 'Storage'",
        "DELETE FROM usage_event WHERE item = 'Storage'",
        "UPDATE usage_event SET record_id = 99 WHERE item = 'Period'",
        "UPDATE record SET carried_in = 1, quantity = quantity + 1 WHERE item = 'Period'",
        "DELETE FROM record WHERE item = 'Storage'",
    ] {
        let mut world = World::at("2026-11-23 10:00:00");
        world.bind("org_a");
        world.post("1", "org_a", "Period", 1, at("10:00:00"));
        world.post("2", "org_a", "Storage", 5, at("10:00:00"));
        assert_eq!(world.imbalances(), []);
        world.execute(sql.to_owned());
        assert!(!world.imbalances().is_empty(), "{sql}");
    }
}

#[test]
fn forgetting_starts_with_the_oldest_and_spares_what_could_come_again() {
    let mut world = World::at("2026-11-23 10:00:00");
    world.bind("org_a");
    world.post("1", "org_a", "Period", 1, at("10:00:00"));
    world.pass(REMEMBER_MS);
    world.post("2", "org_a", "Period", 1, world.now);
    let step = |world: &World, now: Instant| world.store.write_blocking(move |tx| forget(tx, now)).unwrap();
    assert_eq!(step(&world, world.now), 0);
    assert_eq!(step(&world, world.now.plus_ms(1)), 1);
    assert_eq!(world.rows("SELECT event_id FROM usage_event"), ["2"]);
    assert_eq!(world.imbalances(), [], "a record whose events are forgotten is taken at its word");
}

#[derive(Debug, Clone)]
enum Step {
    Post {
        id: u8,
        organization: usize,
        item: usize,
        quantity: i64,
        ago_ms: i64,
    },
    Pass(i64),
    Bind(usize),
    Unbind(usize),
    Release(usize),
    /// Everything sealed is on its way.
    Send,
    Answer(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let ago = prop_oneof![3 => 0..20 * MINUTE_MS, 1 => 0..30 * HOUR_MS];
    prop_oneof![
        12 => (0..40_u8, 0..2_usize, 0..5_usize, 0..100_i64, ago)
            .prop_map(|(id, organization, item, quantity, ago_ms)| Step::Post { id, organization, item, quantity, ago_ms }),
        4 => (0..50 * MINUTE_MS).prop_map(Step::Pass),
        1 => (HOUR_MS..9 * HOUR_MS).prop_map(Step::Pass),
        2 => (0..2_usize).prop_map(Step::Bind),
        1 => (0..2_usize).prop_map(Step::Unbind),
        1 => (0..2_usize).prop_map(Step::Release),
        2 => Just(Step::Send),
        2 => any::<bool>().prop_map(Step::Answer),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn every_unit_of_usage_is_in_exactly_one_record_and_what_was_sent_stays(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::at("2026-11-29 20:00:00");
        let mut accepted: HashMap<String, (usize, usize, i64, Instant)> = HashMap::new();
        let mut sent: HashMap<i64, i64> = HashMap::new();
        for one in steps {
            match one {
                Step::Post { id, organization, item, quantity, ago_ms } => {
                    let (id, at) = (id.to_string(), world.now.plus_ms(-ago_ms));
                    match world.post(&id, ORGANIZATIONS[organization], ITEMS[item], quantity, at) {
                        Verdict::Accepted(_) => {
                            prop_assert!(accepted.insert(id, (organization, item, quantity, at)).is_none(), "counted twice");
                        }
                        Verdict::Duplicate => prop_assert_eq!(accepted.get(&id), Some(&(organization, item, quantity, at))),
                        Verdict::Rejected("conflict") => prop_assert_ne!(accepted.get(&id), Some(&(organization, item, quantity, at))),
                        Verdict::Rejected(code) => prop_assert!(false, "{}", code),
                    }
                }
                Step::Pass(ms) => world.pass(ms),
                // Not at the very moment of a step before it.
                Step::Bind(organization) => { world.pass(1); world.bind(ORGANIZATIONS[organization]); }
                Step::Unbind(organization) => { world.pass(1); world.unbind(ORGANIZATIONS[organization]); }
                Step::Release(organization) => { world.pass(1); world.release(ORGANIZATIONS[organization]); }
                Step::Send => world.execute("UPDATE record SET state = 'sending' WHERE state = 'sealed'".into()),
                Step::Answer(is_fine) => world.execute(format!(
                    "UPDATE record SET state = '{}' WHERE state = 'sending'", if is_fine { "accepted" } else { "unknown" }
                )),
            }
            prop_assert_eq!(world.imbalances(), []);
            for (index, item) in ITEMS.iter().enumerate() {
                let own = accepted.values().filter(|(_, item, ..)| *item == index);
                if index < 2 {
                    let posted: i64 = own.map(|(_, _, quantity, _)| quantity).sum();
                    let held = world.number(format!("SELECT coalesce(sum(quantity - carried_in), 0) FROM record WHERE item = '{item}'"));
                    prop_assert_eq!(posted, held, "{}", item);
                    let billed = world.number(format!("SELECT coalesce(sum(quantity), 0) FROM record WHERE item = '{item}' AND state <> 'carried'"));
                    prop_assert_eq!(posted, billed, "{}: carried is billed once", item);
                } else {
                    let largest = own.map(|(_, _, quantity, _)| *quantity).max().unwrap_or(0);
                    let held = world.number(format!("SELECT coalesce(max(quantity), 0) FROM record WHERE item = '{item}'"));
                    prop_assert!(held <= largest, "a level is never more than its largest sample");
                }
            }
            let now: Vec<(i64, i64)> = world.store.read_blocking(|db| db.list(
                "SELECT id, quantity FROM record WHERE state IN ('sending', 'accepted', 'unknown')", (), |row| Ok((row.get(0)?, row.get(1)?)),
            )).unwrap();
            for (id, quantity) in now {
                prop_assert_eq!(*sent.entry(id).or_insert(quantity), quantity, "what was sent does not change");
            }
            let elsewhere = world.number(
                "SELECT count(*) FROM usage_event e JOIN record r ON r.id = e.record_id JOIN binding b ON b.id = r.binding_id
                 WHERE r.aggregate = 'sum' AND NOT (b.live_at <= e.at AND (b.ended_at IS NULL OR e.at < b.ended_at))".into(),
            );
            prop_assert_eq!(elsewhere, 0, "a sum is charged to the binding of its time");
            let now = world.now.ms();
            let overdue = world.number(format!(
                "SELECT count(*) FROM record WHERE (state = 'open' AND seals_at <= {now}) OR (state = 'sealed' AND due_by <= {now})"
            ));
            prop_assert_eq!(overdue, 0);
        }
    }
}
