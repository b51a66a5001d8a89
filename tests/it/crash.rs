//! `kill -9` at any moment, under concurrent calls: what was answered stays, and nothing happens twice, though a machine may die between any two
//! instructions.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::world::{BUYER, PATIENCE, PLAN, PRODUCT, World, china_text, query, token, until};

const KILLS: usize = 20;
const CALLERS: usize = 6;
/// Most calls that are answered between two kills.
const CALLS: usize = 160;

/// A call, by what the marketplace would send again until it is answered.
#[derive(Clone)]
struct Call {
    instance: String,
    params: Vec<(&'static str, String)>,
}

/// The steps of one purchase's life, each with the key that makes a repetition the same.
fn life(instance: &str) -> Vec<Call> {
    let step = |params: Vec<(&'static str, String)>| Call { instance: instance.to_owned(), params };
    let of = |action: &str| vec![("action", action.to_owned()), ("instanceId", instance.to_owned())];
    let mut renew = of("renewInstance");
    renew.extend([("orderId", format!("r-{instance}")), ("expiredOn", china_text(4_000_000_000))]);
    let mut upgrade = of("upgradeInstance");
    upgrade.extend([("orderId", format!("u-{instance}")), ("skuId", "cmgj00063418-prepay-16".to_owned())]);
    let mut pay = vec![("action", "orderPay".to_owned()), ("requestId", format!("p-{instance}"))];
    let purchase = [
        ("aliUid", BUYER.to_owned()),
        ("orderBizId", instance.to_owned()),
        ("orderId", format!("o-{instance}")),
        ("productCode", PRODUCT.to_owned()),
        ("skuId", PLAN.to_owned()),
    ];
    pay.extend(purchase.clone());
    let mut create = vec![("action", "createInstance".to_owned()), ("trial", "false".to_owned())];
    create.extend(purchase);
    [create, pay, renew, upgrade].into_iter().map(step).collect()
}

/// Sends a call; whether a good answer came.
fn send(agent: &ureq::Agent, gateway: &str, key: &str, call: &Call) -> bool {
    let params: Vec<(&str, &str)> = call.params.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let url = format!("{gateway}/marketplace/alibaba/spi?{}", query(&params, &token(&params, key)));
    let Ok(mut answer) = agent.get(&url).call() else { return false };
    let (status, body) = (answer.status(), answer.body_mut().read_to_string());
    // A machine that has just died may cut an answer in the middle; half an answer is none.
    match body {
        Ok(body) if status == 200 => {
            let is_good = body.contains("\"success\":true") || body.contains(&format!("\"{}\"", call.instance));
            assert!(is_good, "{body}");
            true
        }
        _ => false,
    }
}

/// What one caller still has to say, oldest first, and what was answered so far.
#[derive(Default)]
struct Caller {
    begun: usize,
    open: Vec<Call>,
    answered: Vec<Call>,
}

#[test]
fn a_gateway_that_is_killed_again_and_again_loses_no_answered_call_and_doubles_none() {
    let place = tempfile::tempdir().unwrap();
    let database = place.path().join("crash.db");
    let callers: Vec<Mutex<Caller>> = (0..CALLERS).map(|_| Mutex::default()).collect();
    // Seeded: the moments are as random as they are the same in each run.
    let mut chance = StdRng::seed_from_u64(20_261_124);
    for _ in 0..KILLS {
        let moment = chance.random_range(1..CALLS);
        let world = World::on(&database);
        let key = world.ready["isv_key"].as_str().unwrap().to_owned();
        let gateway = world.gateway.clone();
        let answers = AtomicUsize::new(0);
        thread::scope(|scope| {
            for (number, caller) in callers.iter().enumerate() {
                let (gateway, key, answers) = (&gateway, &key, &answers);
                scope.spawn(move || talk(number, &mut caller.lock().unwrap(), gateway, key, answers));
            }
            until("enough answers", || (answers.load(Ordering::Relaxed) >= moment).then_some(()));
            world.kill();
        });
    }
    let world = World::on(&database);
    assert_eq!(world.rows("PRAGMA integrity_check"), ["ok"]);
    let mut answered = 0;
    for caller in &callers {
        for call in &caller.lock().unwrap().answered {
            let action = call.params[0].1.trim_end_matches("Instance").trim_start_matches("order").to_lowercase();
            let kept = world.rows(&format!(
                "SELECT count(*) FROM call WHERE instance_id = '{}' AND action = '{action}' AND verdict = 'applied'",
                call.instance
            ));
            assert_eq!(kept, ["1"], "{action} of {} was answered", call.instance);
            answered += 1;
        }
    }
    assert!(answered >= KILLS, "{answered}");
    // Each applied call has had its effect, once.
    let effects: BTreeMap<&str, &str> = [
        ("create", "subscription.activated"),
        ("pay", "order.paid"),
        ("renew", "subscription.renewed"),
        ("upgrade", "subscription.changed"),
    ]
    .into();
    for (action, event) in effects {
        let doubled = world.rows(&format!(
            "SELECT instance_id FROM subscription WHERE
               (SELECT count(*) FROM call WHERE call.instance_id = subscription.instance_id AND action = '{action}' AND verdict = 'applied')
               <> (SELECT count(*) FROM event WHERE subscription_id = subscription.id AND type = '{event}')"
        ));
        assert!(doubled.is_empty(), "{action}: {doubled:?}");
    }
    let gaps = world.rows(
        "SELECT subscription_id FROM event WHERE subscription_id IS NOT NULL GROUP BY subscription_id HAVING max(sequence) <> count(*)",
    );
    assert!(gaps.is_empty(), "the feed has no gap: {gaps:?}");
    // What was not answered is said again, as the marketplace does, and then everything is there.
    let key = world.ready["isv_key"].as_str().unwrap().to_owned();
    let agent = crate::world::agent();
    for caller in &callers {
        for call in &caller.lock().unwrap().open {
            assert!(send(&agent, &world.gateway, &key, call));
        }
    }
    assert_eq!(
        world.rows("SELECT DISTINCT state || ' ' || plan_code || ' ' || (expires_at IS NOT NULL) FROM subscription"),
        ["active cmgj00063418-prepay-16 1"]
    );
}

/// Talks until the gateway is gone.
fn talk(number: usize, caller: &mut Caller, gateway: &str, key: &str, answers: &AtomicUsize) {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE)).build().into();
    loop {
        if caller.open.is_empty() {
            caller.begun += 1;
            caller.open = life(&format!("{number}-{}", caller.begun));
        }
        if !send(&agent, gateway, key, &caller.open[0]) {
            return;
        }
        let done = caller.open.remove(0);
        caller.answered.push(done);
        answers.fetch_add(1, Ordering::Relaxed);
    }
}
