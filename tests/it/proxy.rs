//! Behind a proxy: whose word counts about who a client is.

use crate::world::{World, agent, create};

/// Refused calls, each with these headers; the addresses that were kept of them. One sample per address and second.
fn addresses(world: &World, calls: &[&[(&str, &str)]]) -> Vec<String> {
    for headers in calls {
        let mut request = agent().get(format!("{}/marketplace/alibaba/spi?action=x&token=0", world.gateway));
        for (name, value) in *headers {
            request = request.header(*name, *value);
        }
        assert_eq!(request.call().unwrap().status(), 403);
    }
    crate::world::until("the samples", || {
        let kept = world.rows("SELECT address FROM refused_call ORDER BY id");
        (kept.len() >= calls.len()).then_some(kept)
    })
}

#[test]
fn a_trusted_proxy_is_believed_and_its_clients_claims_are_not() {
    let world = World::with(&["--trusted-proxy", "127.0.0.0/8"]);
    let kept = addresses(
        &world,
        &[
            &[("x-forwarded-for", "192.0.2.1")],
            &[("x-forwarded-for", "192.0.2.9, 192.0.2.2")],
            // As a proxy does that appends a line of its own.
            &[("x-forwarded-for", "192.0.2.9"), ("x-forwarded-for", "192.0.2.3")],
            &[("x-forwarded-for", "192.0.2.9, 192.0.2.4, 127.0.0.5")],
            // The header that the proxy does not write is the client's.
            &[("forwarded", "for=192.0.2.9"), ("x-forwarded-for", "192.0.2.5")],
            &[("x-forwarded-for", "192.0.2.9, hidden")],
        ],
    );
    assert_eq!(kept, ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "127.0.0.1"]);
}

#[test]
fn a_stranger_that_plays_a_proxy_stays_who_it_is() {
    let world = World::start();
    let kept = addresses(&world, &[&[("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=192.0.2.2")]]);
    assert_eq!(kept, ["127.0.0.1"]);
}

#[test]
fn limits_count_the_client_and_not_the_proxy() {
    let world = World::with(&["--strict-limits", "--trusted-proxy", "127.0.0.1"]);
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let sign_in = |address: &str| {
        // Each time as somebody else, so that nothing but the address is counted.
        let nobody = format!("nobody-{}@example.com", asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        let mut browser = world.browser();
        browser.headers = vec![("x-forwarded-for", address.to_owned())];
        browser.sign_in(&browser.get("/login"), &nobody, "wrong password").status
    };
    let limited = (0..40).map(|_| sign_in("192.0.2.1, 198.51.100.7")).find(|status| *status == 429);
    assert_eq!(limited, Some(429), "one client is stopped");
    assert_eq!(sign_in("192.0.2.9, 198.51.100.7"), 429, "also when it claims to be another");
    assert_eq!(sign_in("198.51.100.8"), 422, "and the next one is not");
}

#[test]
fn a_request_keeps_the_id_that_a_trusted_proxy_gave_it() {
    let id = |world: &World, path: &str, given: &str| {
        let answer = agent().get(format!("{}{path}", world.gateway)).header("x-request-id", given).call().unwrap();
        answer.headers()["x-request-id"].to_str().unwrap().to_owned()
    };
    let trusting = World::with(&["--trusted-proxy", "127.0.0.1"]);
    let call = format!("/marketplace/alibaba/spi?{}", trusting.signed(&create("1")));
    for path in ["/login", "/api/v1/organizations", "/healthz", &call] {
        assert_eq!(id(&trusting, path, "9f86d081-884c.7d65_9a2f"), "9f86d081-884c.7d65_9a2f", "{path}");
        for bad in ["with blank", "quote\"", &"x".repeat(65), ""] {
            assert!(id(&trusting, path, bad).starts_with("req_"), "{path} {bad}");
        }
    }
    assert_eq!(trusting.rows("SELECT request_id FROM call ORDER BY id LIMIT 1"), ["9f86d081-884c.7d65_9a2f"]);
    let wary = World::start();
    assert!(id(&wary, "/login", "9f86d081").starts_with("req_"));
}
