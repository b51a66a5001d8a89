//! Too much of anything is refused before it is harmed or does harm, and says when to come again (rules B4).

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::world::{OWNER, World, agent, create, now_secs, until};

fn api(world: &World, method: &str, path: &str, key: &str) -> (u16, ureq::http::HeaderMap, String) {
    let request = ureq::http::Request::builder()
        .method(method)
        .uri(format!("{}{path}", world.gateway))
        .header("authorization", format!("Bearer {key}"));
    let mut response = agent().run(request.body(()).unwrap()).unwrap();
    let body = response.body_mut().read_to_string().unwrap();
    (response.status().as_u16(), response.headers().clone(), body)
}

fn one_event(organization: &str, id: usize) -> Value {
    let time = jiff::Timestamp::from_second(now_secs()).unwrap().to_string();
    json!({
        "specversion": "1.0", "type": "marketgate.usage.v1", "source": "test", "id": id.to_string(),
        "subject": organization, "time": time, "data": { "item": "Period", "quantity": 1 },
    })
}

/// Sends an event: the status, and when to come again.
fn tell(world: &World, event: &Value) -> (u16, Option<u32>, Value) {
    let request = agent()
        .post(format!("{}/api/v1/usage", world.gateway))
        .header("authorization", format!("Bearer {}", world.ready["api_key"].as_str().unwrap()))
        .header("content-type", "application/cloudevents+json");
    let mut response = request.send(event.to_string()).unwrap();
    let again = response.headers().get("retry-after").map(|secs| secs.to_str().unwrap().parse().unwrap());
    let body = response.body_mut().read_to_string().unwrap();
    (response.status().as_u16(), again, serde_json::from_str(&body).unwrap_or_default())
}

#[test]
fn a_key_is_told_what_is_left_to_it_and_when_to_come_again() {
    let world = World::with(&["--strict-limits"]);
    let key = world.ready["api_key"].as_str().unwrap();
    let ask = |path: &str| api(&world, "GET", path, key);
    let (status, headers, _) = ask("/api/v1/organizations");
    assert_eq!(status, 200);
    assert_eq!(headers["ratelimit-policy"], "\"api\";q=6000;w=60");
    assert_eq!(headers["ratelimit"], "\"api\";r=5999;t=1");
    let (_, headers, _) = api(&world, "POST", "/api/v1/usage", key);
    assert_eq!(headers["ratelimit-policy"], "\"usage\";q=60000;w=60", "usage is counted apart");
    // A key that nobody gave out is a stranger, whatever it is called.
    let refused = until("the stranger's limit", || {
        let (status, headers, body) = api(&world, "GET", "/api/v1/organizations", &format!("x{}", now_secs()));
        assert!(status == 401 || status == 429, "{status}");
        (status == 429).then_some((headers, body))
    });
    assert!(refused.0["retry-after"].to_str().unwrap().parse::<u32>().unwrap() >= 1);
    assert_eq!(refused.0["content-type"], "application/problem+json");
    assert!(refused.1.contains("\"code\":\"too_many_requests\""), "{}", refused.1);
    // The same address with a key is as welcome as before, and so is the marketplace.
    assert_eq!(ask("/api/v1/organizations").0, 200);
    assert_eq!(world.spi(&create("1")).0, 200);
    // Its people get a page in their language.
    let mut browser = world.browser();
    for (language, said) in [("zh-CN", "操作太频繁"), ("en", "Too many")] {
        browser.headers = vec![("accept-language", language.to_owned())];
        // A place comes free every 50 ms.
        let page = until("the page of the limit", || Some(browser.get("/login")).filter(|page| page.status == 429));
        assert!(page.has(said) && page.headers.contains_key("retry-after"), "{}", page.h1());
    }
}

#[test]
fn signed_calls_are_never_limited_by_their_address() {
    let world = World::with(&["--strict-limits"]);
    let params = create("1");
    let call = world.signed(&params);
    for _ in 0..1_500 {
        assert_eq!(world.spi_raw(&call).0, 200, "more than any address may ask for pages");
    }
    // What is refused is refused at once, and a second's worth of it is kept.
    for _ in 0..200 {
        assert_eq!(world.spi_raw(&format!("{call}0")).0, 403);
    }
    let kept: usize = world.rows("SELECT count(*) FROM refused_call")[0].parse().unwrap();
    assert!(kept < 100, "{kept} of 200 refused calls were kept");
    assert_eq!(world.spi_raw(&call).0, 200);
}

#[test]
fn usage_that_finds_a_full_queue_comes_again_and_counts_once() {
    const EVENTS: usize = 200;
    let world = World::with(&["--no-access-key"]);
    let organization = world.bind("1", OWNER, "星河科技");
    // Somebody holds the file, as a slow disk would: writes wait, and the queue fills.
    let holder = rusqlite::Connection::open(world.ready["database"].as_str().unwrap()).unwrap();
    holder.busy_timeout(crate::world::PATIENCE).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (refused, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let (world, organization, refused, taken) = (&world, &organization, &refused, &taken);
        for id in 0..EVENTS {
            scope.spawn(move || {
                let event = one_event(organization, id);
                until("the event's turn", || match tell(world, &event) {
                    (200, _, _) => {
                        taken.fetch_add(1, Ordering::Relaxed);
                        Some(())
                    }
                    (status, again, _) => {
                        assert!(status == 429 || status == 503, "{status}");
                        assert_eq!(again, Some(1), "it is told when to come again");
                        refused.fetch_add(1, Ordering::Relaxed);
                        None
                    }
                });
            });
        }
        until("the first refusal", || (refused.load(Ordering::Relaxed) > 0).then_some(()));
        // While usage has to wait, nothing of it is half done, and pages that only read are there.
        assert_eq!(taken.load(Ordering::Relaxed), 0);
        assert_eq!(world.browser().get("/login").status, 200);
        holder.execute_batch("ROLLBACK").unwrap();
    });
    assert_eq!(taken.load(Ordering::Relaxed), EVENTS);
    assert_eq!(world.rows("SELECT coalesce(sum(quantity), 0) FROM record"), [EVENTS.to_string()], "each counts once");
    let (status, _, answer) = tell(&world, &one_event(&organization, 0));
    assert!(matches!(status, 200 | 422), "{answer}");
    assert_eq!(
        world.rows("SELECT coalesce(sum(quantity), 0) FROM record"),
        [EVENTS.to_string()],
        "nor does a repetition"
    );
}

#[test]
fn one_person_founds_twenty_organizations_and_mails_sixty_invitations_an_hour_and_probes_are_no_way_to_fill_the_queue()
{
    let world = World::with(&["--strict-limits"]);
    let browser = world.browser();
    browser.sign_in_as(OWNER);
    let form = browser.get("/orgs/new").form("/orgs");
    let found = |number: usize| browser.submit_only(&form.clone().set("name", &format!("组织 {number}")));
    for number in 1..=20 {
        assert_eq!(found(number).status, 303, "{number}");
    }
    let page = found(21);
    assert!(page.status == 429 && page.has("操作太频繁") && page.headers.contains_key("retry-after"), "{}", page.h1());
    assert_eq!(world.rows("SELECT count(*) FROM organization WHERE name LIKE '组织 %'"), ["20"]);
    // And mails sixty invitations.
    let organization = world.rows("SELECT id FROM organization WHERE name = '组织 1'").remove(0);
    let invite = |number: usize| {
        crate::invitations::invite(&browser, &organization, &format!("guest.{number}@example.com"), "member").status
    };
    assert_eq!((1..=61).map(invite).filter(|status| *status == 200).count(), 60);
    let asked = (0..1_500).map(|_| crate::world::get(&format!("{}/readyz", world.gateway)));
    let refused = asked.into_iter().find(|(status, _)| *status != 200);
    assert_eq!(refused, Some((429, "too_many_requests\n".to_owned())));
    assert_eq!(crate::world::get(&format!("{}/healthz", world.gateway)).0, 200, "it lives all the same");
}

#[test]
fn one_person_changes_names_and_zones_sixty_times_an_hour() {
    let world = World::with(&["--strict-limits"]);
    let organization = world.organization("星河科技");
    let browser = world.signed_in(OWNER);
    let page = browser.get(&format!("/orgs/{organization}/settings"));
    let name_form = page.form(&format!("/orgs/{organization}/settings/name"));
    let zone = page.form(&format!("/orgs/{organization}/settings/time-zone"));
    let own = browser.get("/me").form("/me");
    let forms = |number: usize| {
        let zones = ["Asia/Shanghai", "Asia/Tokyo"];
        let name = format!("星河 {number}");
        [
            name_form.clone().set("name", &name),
            zone.clone().set("zone", zones[number % 2]),
            own.clone().set("name", &name),
        ]
    };
    let done: Vec<u16> = (1..=20).flat_map(forms).map(|form| browser.submit_only(&form).status).collect();
    assert_eq!(done, [303; 60]);
    for form in forms(21) {
        let page = browser.submit_only(&form);
        assert!(page.status == 429 && page.has("操作太频繁"), "{} {}", form.action, page.h1());
    }
    assert_eq!(world.rows("SELECT count(*) FROM audit"), ["60"]);
}
