//! What a monitoring system is told, by the real program.

use std::path::Path;

use crate::cli::{KEY, Serving, configure, initialized, marketgate, says};
use crate::world::{OWNER, PASSWORD, World, agent, create, get, query, token, until};

/// The metrics of a running fixture.
pub fn metrics(world: &World) -> String {
    let (status, text) = get(world.ready["metrics"].as_str().unwrap());
    assert_eq!(status, 200);
    text
}

/// The value of a line that begins so.
fn value(text: &str, line: &str) -> f64 {
    let found = text.lines().find_map(|found| found.strip_prefix(line));
    found.unwrap_or_else(|| panic!("no {line} in\n{text}")).trim().parse().unwrap()
}

#[test]
fn what_happened_is_counted_by_route_action_reason_and_form() {
    let world = World::with(&["--metrics"]);
    world.buy("1");
    world.buy("1");
    assert_eq!(world.spi_raw("action=createInstance&token=0").0, 403);
    assert_eq!(world.spi_raw("action=createInstance&action=twice").0, 400);
    assert_eq!(get(&format!("{}/marketplace/nobody/spi", world.gateway)).0, 404);
    let browser = world.browser();
    browser.sign_in(&browser.get("/login"), OWNER, "not the password");
    browser.sign_in(&browser.get("/login"), OWNER, PASSWORD);
    browser.get("/orgs/org_000");
    browser.get("/no/such/page");
    let text = metrics(&world);
    for (line, expected) in [
        (r#"marketgate_spi_calls_total{action="create",verdict="applied"}"#, 1.0),
        (r#"marketgate_spi_calls_total{action="create",verdict="repeated"}"#, 1.0),
        (r#"marketgate_spi_refused_total{reason="invalid_token"}"#, 1.0),
        (r#"marketgate_spi_refused_total{reason="repeated_parameter"}"#, 1.0),
        (r#"marketgate_spi_refused_total{reason="unknown_seller"}"#, 1.0),
        (r#"marketgate_http_requests_total{method="GET",route="/marketplace/{seller}/spi",class="2xx"}"#, 2.0),
        (r#"marketgate_http_requests_total{method="GET",route="/marketplace/{seller}/spi",class="4xx"}"#, 3.0),
        (r#"marketgate_http_request_duration_seconds_count{method="GET",route="/marketplace/{seller}/spi"}"#, 5.0),
        (r#"marketgate_http_requests_total{method="GET",route="/orgs/{id}",class="4xx"}"#, 1.0),
        (r#"marketgate_http_requests_total{method="other",route="other",class="4xx"}"#, 1.0),
        (r#"marketgate_sign_ins_total{form="password",outcome="accepted"}"#, 1.0),
        (r#"marketgate_sign_ins_total{form="password",outcome="refused"}"#, 1.0),
        ("marketgate_password_hashes_open", 0.0),
        ("marketgate_store_writable", 1.0),
    ] {
        assert!((value(&text, line) - expected).abs() < f64::EPSILON, "{line} is not {expected} in\n{text}");
    }
    assert!(value(&text, "marketgate_store_commit_seconds_count") >= 3.0);
    assert!(value(&text, "marketgate_store_wait_seconds_count") >= 4.0);
    assert!(value(&text, "process_resident_memory_bytes") > 1e6 && value(&text, "process_open_fds") > 5.0);
    assert!(text.contains("marketgate_build_info{version=\"") && text.ends_with("# EOF\n"));
    // Nothing that names somebody.
    for named in [OWNER, "org_000", "nobody", "no/such", "205060317920890", "127.0.0.1"] {
        assert!(!text.contains(named), "{named} in\n{text}");
    }
}

#[test]
fn what_waits_and_what_was_given_up_is_looked_up_in_the_database() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("gate.db");
    let world = World::on(&file);
    world.execute("INSERT INTO job (kind, key, due_at, dead_at) VALUES ('mail.send', 'x', 1, 2)");
    world.execute("INSERT INTO alarm (kind, subject, raised_at, last_at) VALUES ('conflict', 'alibaba-1', 1, 1)");
    world.execute("INSERT INTO push_stop (seller_id, key_mark, code, stopped_at) VALUES ('alibaba', 'k', 'c', 1)");
    world.close();
    let world = World::with(&["--metrics", "--database", file.to_str().unwrap()]);
    let text = until("the first figures", || {
        Some(metrics(&world)).filter(|text| text.contains("\nmarketgate_figures_age_seconds "))
    });
    assert!(value(&text, r#"marketgate_jobs_dead{kind="mail.send"}"#) > 0.0);
    assert!(value(&text, r#"marketgate_alarms_open{kind="conflict"}"#) > 0.0);
    assert!(value(&text, r#"marketgate_push_stopped{seller="alibaba"}"#) > 0.0);
    assert!(value(&text, r#"marketgate_database_bytes{part="file"}"#) > 4096.0);
    assert!(value(&text, r#"marketgate_metering_records{state="sealed"}"#) < 1.0);
}

#[test]
fn mailed_codes_are_counted_among_the_proofs() {
    let world = World::with(&["--metrics", "--email-check"]);
    let browser = world.browser();
    let form = browser.get("/register").form("/register").set("name", "陈思远").set("email", "chen@example.com");
    let page = browser.submit(&form.set("password", "orange-Bicycle-77").set("agree", "1"));
    // No code has letters.
    assert_eq!(browser.submit(&page.form("/register/code").set("code", "abcdef")).status, 422);
    let text = metrics(&world);
    for (form, expected) in [("register\",outcome=\"accepted", 1.0), ("email_code\",outcome=\"refused", 1.0)] {
        let line = format!("marketgate_sign_ins_total{{form=\"{form}\"}}");
        assert!((value(&text, &line) - expected).abs() < f64::EPSILON, "{line} in\n{text}");
    }
}

/// Production, with its metrics on a port of their own.
fn serve_with_metrics(place: &Path) -> (Serving, String) {
    let file = configure(place, "https://gate.example.com", KEY);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("[accounts]", "[metrics]\nlisten = \"127.0.0.1:0\"\n[accounts]")).unwrap();
    assert_eq!(says(marketgate(&["init", "--config", &file])).0, Some(0));
    let serving = Serving::start_with(&file, |command| command.env_remove("MARKETGATE_METRICS_LISTEN"));
    let url = format!("http://{}/metrics", serving.2["metrics"].as_str().unwrap());
    (serving, url)
}

#[test]
fn production_serves_metrics_on_a_listener_of_their_own_and_nothing_else_there() {
    let place = tempfile::tempdir().unwrap();
    let (serving, url) = serve_with_metrics(place.path());
    let params = create("1");
    assert_eq!(get(&format!("{}/marketplace/alibaba/spi?{}", serving.1, query(&params, &token(&params, KEY)))).0, 200);
    let (status, text) = get(&url);
    assert_eq!(status, 200);
    assert!(value(&text, r#"marketgate_spi_calls_total{action="create",verdict="applied"}"#) > 0.0);
    assert_eq!(get(&url.replace("/metrics", "/login")).0, 404, "no page of the gateway");
    assert_eq!(get(&format!("{}/metrics", serving.1)).0, 404, "nor metrics where the public comes in");
}

#[test]
fn a_taken_port_and_a_wrong_address_are_told_with_the_setting() {
    let place = tempfile::tempdir().unwrap();
    let file = initialized(place.path());
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    for (listen, said) in
        [(held.local_addr().unwrap().to_string(), "for metrics"), ("nowhere".into(), "metrics.listen")]
    {
        let mut command = marketgate(&["serve", "--config", &file]);
        command.env("MARKETGATE_METRICS_LISTEN", listen);
        let (code, text) = says(command);
        assert!(code == Some(1) && text.contains(said), "{text}");
    }
}

#[test]
fn readiness_ends_where_the_file_is_no_longer_the_one_that_was_opened() {
    let world = World::start();
    let ready = || get(&format!("{}/readyz", world.gateway));
    assert_eq!(ready(), (200, "ready\n".to_owned()));
    let version: i64 = world.rows("PRAGMA user_version")[0].parse().unwrap();
    world.execute(&format!("PRAGMA user_version = {}", version + 1));
    assert_eq!(ready().0, 503);
    assert_eq!(get(&format!("{}/healthz", world.gateway)).0, 200, "alive all the same");
    world.execute(&format!("PRAGMA user_version = {version}"));
    assert_eq!(ready().0, 200);
}

#[test]
fn every_answer_has_an_id_whoever_speaks() {
    let world = World::start();
    for path in [
        "/login",
        "/no/such/page",
        "/healthz",
        "/readyz",
        "/robots.txt",
        "/static/style.css",
        "/static/none.css",
        "/api/v1/organizations",
        "/api/v1/nothing",
        "/marketplace/alibaba/spi",
        "/marketplace/nobody/spi",
        "/marketplace/alibaba/login",
        &format!("/login?{}", "x".repeat(20_000)),
    ] {
        for method in ["GET", "DELETE"] {
            let request =
                ureq::http::Request::builder().method(method).uri(format!("{}{path}", world.gateway)).body(()).unwrap();
            let answer = agent().run(request).unwrap();
            let ids: Vec<_> = answer.headers().get_all("x-request-id").iter().collect();
            assert_eq!(ids.len(), 1, "{method} {path}: {}", answer.status());
            assert!(ids[0].to_str().unwrap().starts_with("req_"), "{method} {path}");
        }
    }
    // A call is kept under the id that its answer had.
    let answer = agent()
        .get(format!("{}/marketplace/alibaba/spi?{}", world.gateway, world.signed(&create("1"))))
        .call()
        .unwrap();
    let id = answer.headers()["x-request-id"].to_str().unwrap();
    assert_eq!(world.rows("SELECT request_id FROM call"), [id]);
}
