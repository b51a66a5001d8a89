//! A subscription's whole life (rules B1–B3): as a document made from the code, as properties of any sequence of words,
//! and by the marketplace's calls through the socket.

use std::fmt::Write as _;

use marketgate::domain::subscription::{Effect, Event, Items, Outcome, Purchase, Standing, State, apply};
use marketgate::domain::value::Instant;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::sink::advance;
use crate::world::{BILLING, BUYER, OWNER, PASSWORD, PLAN, PRODUCT, World, agent, create, until};

const fn at(secs: i64) -> Instant {
    Instant::from_ms(secs * 1_000)
}

fn purchase() -> Purchase {
    Purchase {
        buyer_account: BUYER.into(),
        order_id: "1".into(),
        product_code: PRODUCT.into(),
        plan_code: PLAN.into(),
        is_trial: false,
        expires_at: Some(at(1_000)),
        items: Items::new(),
        is_sold_here: true,
    }
}

// ------------------------------------------------------------------ the document

/// Where a subscription can stand, by the words that lead there.
fn standings() -> Vec<(&'static str, Option<Standing>)> {
    let unsold = Purchase { is_sold_here: false, ..purchase() };
    let after = |events: &[Event]| {
        events.iter().fold(None, |standing: Option<Standing>, event| match apply(standing.as_ref(), event, at(999)) {
            Outcome::Applied(next, _) => Some(next),
            other => panic!("{event:?}: {other:?}"),
        })
    };
    vec![
        ("unknown", None),
        ("opening", after(&[Event::Created(unsold)])),
        ("active", after(&[Event::Created(purchase())])),
        ("expired", after(&[Event::Created(purchase()), Event::Expired])),
        ("released", after(&[Event::Created(purchase()), Event::Released])),
    ]
}

fn words() -> Vec<(&'static str, Event)> {
    vec![
        ("createInstance", Event::Created(purchase())),
        ("renewInstance", Event::Renewed { expires_at: at(9_999) }),
        ("renewInstance (a date that has passed)", Event::Renewed { expires_at: at(10) }),
        ("refundRenewInstance", Event::RefundRenewed { expires_at: at(500) }),
        ("upgradeInstance", Event::Upgraded { plan_code: "another".into(), items: Items::new() }),
        ("expiredInstance", Event::Expired),
        ("releaseInstance", Event::Released),
        ("orderPay", Event::Paid),
    ]
}

fn told(effects: &[Effect]) -> String {
    let said: Vec<String> = effects
        .iter()
        .map(|effect| match effect {
            Effect::Emit(kind) => format!("`{kind}`"),
            Effect::Freeze => "freezes, with 15 days of grace".into(),
            Effect::FreezeDisputed => "freezes, without a countdown".into(),
            Effect::Thaw => "un-freezes".into(),
            Effect::EndBinding => "ends the binding".into(),
            Effect::Alarm(kind) => format!("alarm `{kind}`"),
        })
        .collect();
    said.join(", ")
}

fn document() -> String {
    let mut arrows: Vec<(String, String, Vec<&str>)> = Vec::new();
    let mut table = String::from("| stands at | the marketplace says | then | what follows |\n|---|---|---|---|\n");
    for (name, standing) in standings() {
        for (word, event) in words() {
            let (next, follows) = match apply(standing.as_ref(), &event, at(999)) {
                Outcome::Applied(next, effects) => {
                    let next = next.state.as_str().to_owned();
                    match arrows.iter_mut().find(|(from, to, _)| from == name && *to == next) {
                        Some((_, _, words)) => words.push(word),
                        None => arrows.push((name.to_owned(), next.clone(), vec![word])),
                    }
                    let follows = told(&effects);
                    (
                        next,
                        if follows.is_empty() {
                            "a tombstone: a later create cannot revive it".into()
                        } else {
                            follows
                        },
                    )
                }
                Outcome::Unchanged => (name.to_owned(), "nothing".into()),
                Outcome::Conflict => (name.to_owned(), "nothing is applied, `subscription.conflict`".into()),
                Outcome::Refused(code) => (name.to_owned(), format!("refused: `{code}`")),
            };
            writeln!(table, "| {name} | {word} | {next} | {follows} |").unwrap();
        }
    }
    let mut diagram = String::from("stateDiagram-v2\n  [*] --> unknown\n");
    for (from, to, words) in arrows {
        writeln!(diagram, "  {from} --> {to}: {}", words.join(" / ")).unwrap();
    }
    diagram.push_str("  released --> [*]\n");
    format!(
        "# A subscription's life\n\nMade from `domain::subscription::apply` by the test `lifecycle`; `MARKETGATE_WRITE_DOCS=1` writes it anew. The words are\n\
         those of the marketplace; what arrives twice is told apart before this (rules B1 of the design), by the calls that are kept.\n\n\
         ```mermaid\n{diagram}```\n\n{table}\nA subscription whose product is not configured here waits at `opening`. An expiry that is told more than ten minutes before\n\
         the stored date is disputed: the organization is frozen without a countdown until the marketplace is asked.\n"
    )
}

#[test]
fn the_diagram_in_the_documentation_is_what_the_code_does() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/lifecycle.md");
    let made = document();
    if std::env::var_os("MARKETGATE_WRITE_DOCS").is_some() {
        std::fs::write(path, &made).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), made, "MARKETGATE_WRITE_DOCS=1 writes it anew");
}

// ------------------------------------------------------------------ any sequence of words

fn any_event() -> impl Strategy<Value = Event> {
    let moment = (0..3_000_i64).prop_map(at);
    let any_purchase = ("[ab]", "[pq]", any::<bool>(), prop::option::of(0..3_000_i64), any::<bool>()).prop_map(
        |(order_id, plan_code, is_trial, expires, is_sold_here)| Purchase {
            order_id,
            plan_code,
            is_trial,
            expires_at: expires.map(at),
            is_sold_here,
            ..purchase()
        },
    );
    prop_oneof![
        3 => any_purchase.prop_map(Event::Created),
        3 => moment.clone().prop_map(|expires_at| Event::Renewed { expires_at }),
        2 => moment.prop_map(|expires_at| Event::RefundRenewed { expires_at }),
        2 => ("[pqr]", "[0-9]").prop_map(|(plan_code, count)| Event::Upgraded { plan_code, items: [("Count".into(), count)].into() }),
        2 => Just(Event::Expired),
        1 => Just(Event::Released),
        1 => Just(Event::Paid),
    ]
}

/// The date that a word sets, if it sets one.
fn date_of(event: &Event) -> Option<Instant> {
    match event {
        Event::Created(purchase) => purchase.expires_at,
        Event::Renewed { expires_at } | Event::RefundRenewed { expires_at } => Some(*expires_at),
        _ => None,
    }
}

proptest! {
    #[test]
    fn any_sequence_of_words_keeps_what_must_hold(events in prop::collection::vec((any_event(), 0..3_000_i64), 0..40)) {
        let mut standing: Option<Standing> = None;
        let mut dates: Vec<Instant> = Vec::new();
        for (event, now) in events {
            let before = standing.clone();
            let outcome = apply(before.as_ref(), &event, at(now));
            if let Outcome::Applied(next, effects) = outcome {
                if let Some(before) = &before {
                    prop_assert!(before.state != State::Released, "what is released stays so: {event:?}");
                    prop_assert!(!before.is_tombstone, "a tombstone is never revived");
                    prop_assert!(next.purchase_mark == before.purchase_mark, "the purchase stays what it was");
                }
                dates.extend(date_of(&event));
                prop_assert!(next.expires_at.is_none_or(|date| dates.contains(&date)), "only the marketplace sets a date");
                prop_assert_eq!(next.state == State::Released, effects.contains(&Effect::EndBinding) || next.is_tombstone);
                prop_assert!(!effects.contains(&Effect::Thaw) || next.state == State::Active);
                let freezes = effects.iter().any(|one| matches!(one, Effect::Freeze | Effect::FreezeDisputed));
                prop_assert!(!freezes || next.state == State::Expired);
                prop_assert_eq!(next.is_disputed, effects.contains(&Effect::FreezeDisputed) || (next.is_disputed && before.is_some_and(|one| one.is_disputed)));
                // Said again at once, a word that ends or begins something changes nothing.
                if matches!(event, Event::Created(_) | Event::Expired | Event::Released) {
                    prop_assert_eq!(apply(Some(&next), &event, at(now)), Outcome::Unchanged);
                }
                standing = Some(next);
            }
        }
    }
}

// ------------------------------------------------------------------ by calls through the socket

fn say(world: &World, action: &str, more: &[(&str, &str)]) -> String {
    let mut params = vec![("action", action), ("instanceId", "1")];
    params.extend_from_slice(more);
    let (status, body) = world.spi(&params);
    assert_eq!(status, 200, "{action}: {body}");
    body
}

const YES: &str = r#"{"success":true}"#;
const NO: &str = r#"{"success":false}"#;

fn expiry(world: &World) -> String {
    world.rows("SELECT coalesce(expires_at / 1000, 0) FROM subscription WHERE instance_id = '1'").remove(0)
}

fn events(world: &World, kind: &str) -> usize {
    world.rows(&format!("SELECT 1 FROM event WHERE type = '{kind}'")).len()
}

const LATER: &str = "2035-01-01 00:00:00";
const SOONER: &str = "2034-01-01 00:00:00";

#[test]
fn a_renewal_and_its_refund_can_be_had_again_to_the_same_dates() {
    let world = World::start();
    world.buy("1");
    for round in ["a", "b"] {
        assert_eq!(say(&world, "renewInstance", &[("orderId", round), ("expiredOn", LATER)]), YES);
        assert_eq!(expiry(&world), "2051193600");
        assert_eq!(say(&world, "refundRenewInstance", &[("expiredOn", SOONER)]), YES);
        assert_eq!(expiry(&world), "2019657600", "it moves back, in China's time");
    }
    // An applied order never applies again, whatever came in between.
    assert_eq!(say(&world, "renewInstance", &[("orderId", "a"), ("expiredOn", LATER)]), YES);
    assert_eq!(expiry(&world), "2019657600");
}

#[test]
fn an_order_that_changed_nothing_does_not_apply_when_it_is_repeated_later() {
    let world = World::start();
    world.buy("1");
    for order in ["a", "b"] {
        assert_eq!(say(&world, "renewInstance", &[("orderId", order), ("expiredOn", LATER)]), YES);
    }
    assert_eq!(say(&world, "refundRenewInstance", &[("expiredOn", SOONER)]), YES);
    assert_eq!(say(&world, "renewInstance", &[("orderId", "b"), ("expiredOn", LATER)]), YES);
    assert_eq!(expiry(&world), "2019657600");
}

#[test]
fn work_that_was_done_is_forgotten_after_a_week() {
    let world = World::start();
    world.bind("1", OWNER, "云帆数据");
    let done = "SELECT 1 FROM job WHERE kind = 'binding.activate'";
    advance(&world, "6d");
    assert!(!world.rows(done).is_empty());
    advance(&world, "2d");
    until("the rows are gone", || world.rows(done).is_empty().then_some(()));
}

#[test]
fn what_expired_is_renewed_and_may_expire_again() {
    let world = World::start();
    world.bind("1", OWNER, "云帆数据");
    for round in ["a", "b"] {
        assert_eq!(say(&world, "expiredInstance", &[]), YES);
        assert_eq!(world.rows("SELECT state FROM subscription"), ["expired"]);
        assert_eq!(world.rows("SELECT freeze_reason FROM organization WHERE freeze_reason IS NOT NULL"), ["payment"]);
        assert_eq!(say(&world, "renewInstance", &[("orderId", round), ("expiredOn", LATER)]), YES);
        assert_eq!(world.rows("SELECT state FROM subscription"), ["active"]);
        assert!(world.rows("SELECT 1 FROM organization WHERE freeze_reason IS NOT NULL").is_empty());
    }
    assert_eq!(events(&world, "organization.frozen"), 2);
}

#[test]
fn a_call_without_a_key_that_is_repeated_changes_nothing() {
    let world = World::start();
    world.buy("1");
    for _ in 0..3 {
        assert_eq!(say(&world, "expiredInstance", &[]), YES);
    }
    assert_eq!(events(&world, "subscription.expired"), 1);
    for _ in 0..3 {
        assert_eq!(say(&world, "refundRenewInstance", &[("expiredOn", SOONER)]), YES);
    }
    assert_eq!(events(&world, "subscription.changed"), 1);
    for _ in 0..3 {
        assert_eq!(say(&world, "releaseInstance", &[("isRefund", "true")]), YES);
    }
    assert_eq!(events(&world, "subscription.released"), 1);
}

#[test]
fn the_international_sites_calls_lack_what_is_optional() {
    let world = World::start();
    world.buy("1");
    assert_eq!(say(&world, "renewInstance", &[("expiredOn", LATER)]), YES);
    assert_eq!(say(&world, "upgradeInstance", &[("skuId", "cmgj00063418-prepay"), ("Count", "4")]), YES);
    assert_eq!(
        world.rows("SELECT plan_code || ' ' || items FROM subscription"),
        [r#"cmgj00063418-prepay {"Count":"4"}"#]
    );
    assert_eq!(expiry(&world), "2051193600", "an upgrade leaves the date alone");
    assert_eq!(say(&world, "releaseInstance", &[]), YES);
    assert_eq!(say(&world, "releaseInstance", &[]), YES, "already so");
    assert_eq!(say(&world, "renewInstance", &[("expiredOn", LATER)]), NO, "too late");
}

#[test]
fn a_space_in_a_date_may_be_written_either_way() {
    let world = World::start();
    world.buy("1");
    for (order, space) in [("a", "%20"), ("b", "+")] {
        let params = [("action", "renewInstance"), ("instanceId", "1"), ("orderId", order), ("expiredOn", LATER)];
        let signed = world.signed(&params);
        assert!(signed.contains("2035-01-01+00"), "{signed}");
        let (status, body) = world.spi_raw(&signed.replace("2035-01-01+00", &format!("2035-01-01{space}00")));
        assert_eq!((status, body.as_str()), (200, YES));
    }
    assert_eq!(expiry(&world), "2051193600");
}

#[test]
fn what_nobody_told_us_of_is_refused_and_its_release_is_final() {
    let world = World::start();
    for (action, more) in [
        ("renewInstance", &[("expiredOn", LATER)][..]),
        ("upgradeInstance", &[("skuId", PLAN)]),
        ("expiredInstance", &[]),
        ("refundRenewInstance", &[("expiredOn", LATER)]),
    ] {
        assert_eq!(say(&world, action, more), NO, "{action}");
    }
    let pay = [
        ("action", "orderPay"),
        ("requestId", "r"),
        ("aliUid", BUYER),
        ("orderBizId", "1"),
        ("orderId", "1"),
        ("productCode", PRODUCT),
        ("skuId", PLAN),
    ];
    assert_eq!(world.spi(&pay).1, NO);
    assert_eq!(say(&world, "releaseInstance", &[]), YES);
    world.spi(&create("1"));
    assert_eq!(world.rows("SELECT state || ' ' || source FROM subscription"), ["released tombstone"]);
}

#[test]
fn another_purchase_under_a_known_name_answers_the_same_and_applies_nothing() {
    let world = World::start();
    world.buy("1");
    let before = world.rows("SELECT plan_code || order_id || version FROM subscription");
    let mut other = create("1");
    other[3] = ("orderId", "another");
    let (status, body) = world.spi(&other);
    assert!(status == 200 && body.contains(r#""instanceId":"1""#), "{body}");
    assert_eq!(world.rows("SELECT plan_code || order_id || version FROM subscription"), before);
    assert_eq!(events(&world, "subscription.conflict"), 1);
}

// ------------------------------------------------------------------ any interleaving of calls and people

/// What happens next: a call about one of two purchases, or a person with one of two organizations.
#[derive(Debug, Clone)]
enum Step {
    Say { instance: usize, action: usize, key: u8 },
    Bind { instance: usize, organization: usize },
    Unbind { organization: usize },
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..6_usize, 0..7_usize, 0..3_u8).prop_map(|(instance, action, key)| Step::Say { instance, action, key }),
        1 => (0..6_usize).prop_map(|instance| Step::Say { instance, action: 5, key: 0 }),
        3 => (0..6_usize).prop_map(|instance| Step::Say { instance, action: 0, key: 0 }),
        4 => (0..6_usize, 0..2_usize).prop_map(|(instance, organization)| Step::Bind { instance, organization }),
        1 => (0..2_usize).prop_map(|organization| Step::Unbind { organization }),
    ]
}

/// Many purchases and few organizations: what was released makes room for others.
const INSTANCES: [&str; 6] = ["1", "2", "3", "4", "5", "6"];
const ORGANIZATIONS: [&str; 2] = ["云帆数据", "星河科技"];

fn run(world: &World, step: &Step) {
    match step {
        Step::Say { instance, action, key } => {
            let (instance, key) = (INSTANCES[*instance], key.to_string());
            let order = format!("{instance}-{key}");
            let date = [LATER, SOONER, "2020-01-01 00:00:00"][usize::from(key.as_bytes()[0] - b'0')];
            let of = |action: &'static str| vec![("action", action), ("instanceId", instance)];
            let mut params = match action {
                0 => create(instance),
                1 => [of("renewInstance"), vec![("orderId", order.as_str()), ("expiredOn", date)]].concat(),
                2 => [of("refundRenewInstance"), vec![("expiredOn", date)]].concat(),
                3 => [of("upgradeInstance"), vec![("orderId", order.as_str()), ("skuId", PLAN)]].concat(),
                4 => of("expiredInstance"),
                5 => of("releaseInstance"),
                _ => {
                    let mut pay = create(instance);
                    pay[0] = ("action", "orderPay");
                    pay.pop();
                    pay.push(("requestId", order.as_str()));
                    pay
                }
            };
            params.dedup();
            // Twice, as a marketplace does that heard no answer; sometimes at once.
            let calls = || world.spi(&params).0;
            std::thread::scope(|scope| {
                let first = scope.spawn(calls);
                assert_eq!((calls(), first.join().unwrap()), (200, 200), "{step:?}");
            });
        }
        Step::Bind { instance, organization } => {
            let body = json!({ "instance": INSTANCES[*instance], "user": OWNER, "organization": ORGANIZATIONS[*organization] });
            let url = format!("{}/control/bind", world.simulator_origin());
            let status = agent().post(&url).send(body.to_string()).unwrap().status().as_u16();
            assert!([200, 404, 409].contains(&status), "{status} {step:?}");
        }
        Step::Unbind { organization } => {
            let browser = world.browser();
            browser.sign_in_as(OWNER);
            let id = world.organization(ORGANIZATIONS[*organization]);
            let page = browser.get(&format!("/orgs/{id}/unbind"));
            if let Some(form) = page.find_form(&format!("/orgs/{id}/unbind")) {
                browser.submit(&form);
            }
        }
    }
}

/// What must hold whatever has happened; each query finds what breaks it.
const LAWS: &[(&str, &str)] = &[
    (
        "one live or requested binding per subscription",
        "SELECT subscription_id FROM binding WHERE state IN ('live', 'requested') GROUP BY 1 HAVING count(*) > 1",
    ),
    ("one live binding per organization", "SELECT organization_id FROM binding WHERE state = 'live' GROUP BY 1 HAVING count(*) > 1"),
    (
        "one request per organization",
        "SELECT organization_id FROM binding WHERE state = 'requested' GROUP BY 1 HAVING count(*) > 1",
    ),
    (
        "no binding outlives its subscription",
        "SELECT b.id FROM binding b JOIN subscription s ON s.id = b.subscription_id WHERE b.state IN ('live', 'requested') AND s.state = 'released'",
    ),
    (
        "no request waits for an expired subscription",
        "SELECT b.id FROM binding b JOIN subscription s ON s.id = b.subscription_id WHERE b.state = 'requested' AND s.state <> 'active'",
    ),
    (
        "an applied order applies once",
        "SELECT order_key FROM call WHERE verdict = 'applied' AND order_key IS NOT NULL GROUP BY instance_id, action, order_key HAVING count(*) > 1",
    ),
    (
        "the feed has no gap",
        "SELECT subscription_id FROM event WHERE subscription_id IS NOT NULL GROUP BY 1 HAVING max(sequence) <> count(*)",
    ),
    (
        "every applied payment was told once",
        "SELECT 1 WHERE (SELECT count(*) FROM call WHERE action = 'pay' AND verdict = 'applied') <> (SELECT count(*) FROM event WHERE type = 'order.paid')",
    ),
    (
        "who is frozen for payment pays through what has expired, or through nothing any more",
        "SELECT o.id FROM organization o JOIN binding b ON b.organization_id = o.id AND b.state = 'live' JOIN subscription s ON s.id = b.subscription_id
         WHERE o.freeze_reason = 'payment' AND s.state = 'active'",
    ),
    (
        "who pays through what has expired is frozen",
        "SELECT o.id FROM organization o JOIN binding b ON b.organization_id = o.id AND b.state = 'live' JOIN subscription s ON s.id = b.subscription_id
         WHERE o.freeze_reason IS NULL AND s.state = 'expired'",
    ),
];

#[test]
fn any_interleaving_of_calls_and_people_keeps_the_laws() {
    let world = World::start();
    let reset = format!("{}/control/reset", world.simulator_origin());
    let seen = std::cell::RefCell::new(std::collections::BTreeMap::<String, u32>::new());
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };
    proptest::test_runner::TestRunner::new(config)
        .run(&prop::collection::vec(any_step(), 20..50), |steps| {
            assert_eq!(agent().post(&reset).send("").unwrap().status(), 200);
            for step in &steps {
                run(&world, step);
                for (law, broken) in LAWS {
                    let found = world.rows(broken);
                    prop_assert!(found.is_empty(), "{law}: {found:?} after {step:?}");
                }
            }
            for ending in world.rows("SELECT state || coalesce(' ' || reason, '') FROM binding") {
                *seen.borrow_mut().entry(ending).or_default() += 1;
            }
            Ok(())
        })
        .unwrap();
    let seen = seen.into_inner();
    for ending in ["live", "ended switched", "ended unbound", "ended subscription_released"] {
        assert!(seen.contains_key(ending), "it has been everywhere: {seen:?}");
    }
}

#[test]
fn two_managers_who_switch_and_unbind_at_once_leave_one_truth() {
    let world = World::start();
    let organization = world.bind("1", OWNER, "云帆数据");
    world.buy("2");
    let switching = world.browser();
    let page = switching.open_link(&world.link("2"));
    let claim = page.path.clone();
    switching.sign_in(&page, BILLING, PASSWORD);
    let page = switching.get(&format!("{claim}?switch={organization}"));
    // Before: both accounts and both subscriptions, old and new.
    assert!(page.has("1") && page.has("2") && page.has("1234****5678") && page.has("中间没有空档"), "{}", page.h1());
    let confirm = page.form(&format!("{claim}/confirm")).set("choice", &page.choice("云帆数据").unwrap());
    let leaving = world.browser();
    leaving.sign_in_as(OWNER);
    let action = format!("/orgs/{organization}/unbind");
    let unbind = leaving.get(&action).form(&action);
    let (switched, left) = std::thread::scope(|scope| {
        let switched = scope.spawn(|| switching.submit(&confirm));
        let left = scope.spawn(|| leaving.submit(&unbind));
        (switched.join().unwrap(), left.join().unwrap())
    });
    assert!(
        [200, 409].contains(&switched.status) && [200, 409].contains(&left.status),
        "{} {}",
        switched.h1(),
        left.h1()
    );
    // Who came too late is told what is true now, and that nothing of theirs was done.
    if left.status == 409 {
        assert!(left.has("没有解除任何绑定") && left.has("订阅"), "{}", left.h1());
    } else {
        assert!(left.has("未绑定") || left.has("绑定处理中"), "{}", left.h1());
    }
    if switched.status == 409 {
        assert!(switched.has("您打开页面之后，情况有变化。没有提交任何内容"), "{}", switched.h1());
    }
    until("it is settled", || world.rows("SELECT 1 FROM binding WHERE state = 'requested'").is_empty().then_some(()));
    let states: Vec<Value> =
        world.rows("SELECT state FROM binding ORDER BY requested_at").into_iter().map(Value::from).collect();
    // The switch was first and the unbinding told what is bound now; or the unbinding was, and the switch was cancelled or
    // told what changed, or bound what was free by then.
    assert_eq!(states[0], "ended");
    assert!(states.len() == 1 || ["live", "cancelled"].contains(&states[1].as_str().unwrap()), "{states:?}");
    for (law, broken) in LAWS {
        assert!(world.rows(broken).is_empty(), "{law}");
    }
}
