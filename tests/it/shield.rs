//! What holds for every request and every answer: headers, cookies, origins, sizes, and slow clients.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use marketgate::web::{Listener, ROUTES};

use crate::browserlike::{Browser, Page};
use crate::cli::{KEY, Serving, initialized};
use crate::world::{OWNER, PASSWORD, PATIENCE, World, agent};

/// What every answer says.
const HEADERS: [&str; 7] = [
    "content-security-policy",
    "referrer-policy",
    "cache-control",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "permissions-policy",
    "x-content-type-options",
];

fn address(origin: &str) -> &str {
    origin.strip_prefix("http://").unwrap()
}

/// Sends bytes as they are; everything that comes back until the server ends the connection.
fn converse(origin: &str, parts: &[&[u8]]) -> String {
    let mut stream = TcpStream::connect(address(origin)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    for part in parts {
        stream.write_all(part).unwrap();
    }
    let mut heard = Vec::new();
    match stream.read_to_end(&mut heard) {
        Ok(_) => {}
        Err(cause) if cause.kind() == ErrorKind::ConnectionReset => {}
        Err(cause) => panic!("not ended: {cause}: {}", String::from_utf8_lossy(&heard)),
    }
    String::from_utf8_lossy(&heard).into_owned()
}

/// An answer's status and headers, whatever the method.
fn ask(origin: &str, method: &str, path: &str, headers: &[(&str, &str)]) -> (u16, ureq::http::HeaderMap) {
    let mut request = ureq::http::Request::builder().method(method).uri(format!("{origin}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let config = agent().config().clone();
    let agent: ureq::Agent = ureq::Agent::from(config);
    let response = agent.configure_request(request.body(()).unwrap()).allow_non_standard_methods(true).build();
    let response = agent.run(response).unwrap();
    (response.status().as_u16(), response.headers().clone())
}

#[test]
fn every_kind_of_answer_carries_the_headers_that_protect_it() {
    let world = World::start();
    let key = format!("Bearer {}", world.ready["api_key"].as_str().unwrap());
    let long = format!("/login?next=/{}", "x".repeat(20_000));
    let spi = format!("/marketplace/alibaba/spi?{}", world.signed(&crate::world::create("1")));
    for (method, path, expected) in [
        ("GET", "/login", 200),
        ("GET", "/", 303),
        ("GET", "/orgs", 303),
        ("GET", "/nothing", 404),
        ("DELETE", "/login", 405),
        ("POST", "/login", 403),
        ("GET", "/marketplace/alibaba/login", 403),
        ("GET", "/password/reset/made-up", 410),
        ("GET", "/static/style.css", 200),
        ("GET", "/static/nothing.css", 404),
        ("GET", "/favicon.ico", 200),
        ("GET", "/robots.txt", 200),
        ("GET", "/healthz", 200),
        ("GET", "/readyz", 200),
        ("POST", "/healthz", 405),
        ("GET", spi.as_str(), 200),
        ("GET", "/marketplace/alibaba/spi?action=x", 403),
        ("DELETE", "/marketplace/alibaba/spi", 405),
        ("GET", "/marketplace/nobody/spi", 404),
        ("GET", "/api/v1/organizations", 200),
        ("GET", "/api/v1/organizations/made-up", 404),
        ("GET", "/api/v1/nothing", 404),
        ("PUT", "/api/v1/organizations", 405),
        ("GET", long.as_str(), 414),
    ] {
        let said = [("authorization", key.as_str()), ("origin", world.gateway.as_str())];
        let (status, headers) = ask(&world.gateway, method, path, &said);
        assert_eq!(status, expected, "{method} {path}");
        for name in HEADERS {
            assert!(headers.contains_key(name), "{method} {path} has no {name}");
        }
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"), "{path}: {policy}");
        assert!(path.starts_with("/static/style") || path == "/favicon.ico" || headers["cache-control"] == "no-store");
        assert!(!headers.contains_key("strict-transport-security"), "over http it would lock people out");
        assert!(!headers.contains_key("server"), "nobody is told what serves here");
    }
    assert_eq!(ask(&world.gateway, "GET", "/orgs", &[]).0, 303);
    assert_eq!(ask(&world.gateway, "GET", "/api/v1/organizations", &[]).0, 401);
    // An address that is a secret goes nowhere, but forms still say where they come from.
    let (_, headers) = ask(&world.gateway, "GET", "/password/reset/made-up", &[]);
    assert_eq!(headers["referrer-policy"], "strict-origin");
    let (_, headers) = ask(&world.gateway, "GET", &world.link("1"), &[]);
    assert_eq!(headers["referrer-policy"], "no-referrer");
}

#[test]
fn over_https_answers_are_strict_and_cookies_belong_to_the_host() {
    let place = tempfile::tempdir().unwrap();
    let file = initialized(place.path());
    let serving = Serving::start(&file);
    for path in
        ["/login", "/healthz", "/static/style.css", "/nothing", "/api/v1/organizations", "/marketplace/alibaba/spi"]
    {
        let (_, headers) = ask(&serving.1, "GET", path, &[]);
        assert_eq!(headers["strict-transport-security"], "max-age=63072000; includeSubDomains", "{path}");
    }
    let browser = Browser::new(&serving.1);
    let mut cookies = Vec::new();
    let mut note = |page: Page| {
        cookies.extend(page.set_cookies.iter().cloned());
        page
    };
    let page = note(browser.get("/register"));
    let form = page
        .form("/register")
        .set("name", "某人")
        .set("email", "somebody@example.com")
        .set("password", "orange-Bicycle-77")
        .set("agree", "1");
    assert_eq!(note(browser.submit_only(&form)).status, 303);
    let page = note(browser.get("/me"));
    for (name, value) in [("lang", "en"), ("theme", "dark")] {
        note(browser.submit_only(&page.form("/preferences").set(name, value)));
    }
    note(browser.submit_only(&page.form("/logout")));
    note(browser.get_only(&login_link()));
    let names: std::collections::BTreeSet<&str> =
        cookies.iter().map(|cookie| cookie.split('=').next().unwrap()).collect();
    assert!(names.len() >= 5, "session, browser, language, theme and the landing's: {names:?}");
    for cookie in &cookies {
        let parts: Vec<&str> = cookie.split("; ").collect();
        assert!(parts[0].starts_with("__Host-"), "{cookie}");
        for attribute in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
            assert!(parts.contains(&attribute), "{cookie} without {attribute}");
        }
        assert!(!cookie.contains("Domain="), "{cookie}");
    }
}

/// A login-free link of the production gateway of these tests.
fn login_link() -> String {
    let stamp = crate::world::china_text(crate::world::now_secs());
    let params = [("action", "verify"), ("instanceId", "1"), ("timeStamp", stamp.as_str())];
    format!("/marketplace/alibaba/login?{}", crate::world::query(&params, &crate::world::token(&params, KEY)))
}

#[test]
fn a_form_counts_only_from_the_public_origin_with_its_port() {
    let world = World::start();
    let mut browser = world.browser();
    browser.sign_in_as(OWNER);
    let form = browser.get("/me").form("/me").set("name", "林悦二");
    let (host, port) = address(&world.gateway).split_once(':').unwrap();
    let (own, site) = (world.gateway.clone(), "same-origin");
    let mut send = |origin: Option<&str>, site: &str| {
        browser.headers = vec![("sec-fetch-site", site.to_owned())];
        // An empty one is as good as none, and keeps the browser from adding its own.
        browser.headers.push(("origin", origin.unwrap_or_default().to_owned()));
        browser.submit_only(&form).status
    };
    for other in [
        format!("http://{host}"),
        format!("http://{host}:1"),
        format!("http://{host}:{port}0"),
        format!("https://{host}:{port}"),
        format!("http://localhost:{port}"),
        format!("{own}/"),
        format!("{own}.example.com"),
        "null".to_owned(),
    ] {
        assert_eq!(send(Some(&other), site), 403, "{other}");
        assert_eq!(send(Some(&other), ""), 403, "{other}, from a browser that says no more");
    }
    assert_eq!(send(None, site), 403, "no origin at all");
    assert_eq!(send(None, ""), 403);
    for site in ["same-site", "cross-site"] {
        assert_eq!(send(Some(&own), site), 403, "{site}");
    }
    assert_eq!(send(Some(&own), ""), 303);
    assert_eq!(send(Some(&own), site), 303);
    assert_eq!(world.rows("SELECT count(*) FROM user WHERE name = '林悦二'"), ["1"]);
}

#[test]
fn a_forms_token_belongs_to_the_session_that_it_was_shown_to() {
    let world = World::start();
    let browser = world.browser();
    let anonymous = browser.get("/login").form("/login").set("email", OWNER).set("password", PASSWORD);
    browser.sign_in_as(OWNER);
    let first = browser.get("/me").form("/me").set("name", "甲");
    let sessions = world.rows("SELECT id FROM session WHERE ended_at IS NULL");
    browser.submit(&browser.get("/me").form("/logout"));
    browser.sign_in_as(OWNER);
    assert_ne!(
        sessions,
        world.rows("SELECT id FROM session WHERE ended_at IS NULL"),
        "the browser has another session"
    );
    let late = browser.submit_only(&first);
    assert!(late.status == 403 && late.has("form_expired"), "{}", late.h1());
    assert_eq!(browser.submit_only(&anonymous).status, 403);
    let other = world.browser();
    other.sign_in_as(OWNER);
    let foreign = other.get("/me").form("/me").set("name", "甲");
    assert_eq!(browser.submit_only(&foreign).status, 403, "another browser's");
    assert_eq!(browser.submit_only(&browser.get("/me").form("/me").set("name", "乙")).status, 303);
}

#[test]
fn what_is_too_large_is_refused_in_the_words_of_its_listener() {
    let world = World::start();
    let browser = world.browser();
    browser.sign_in_as(OWNER);
    let form = browser.get("/me").form("/me");
    let large = browser.submit_only(&form.clone().set("name", &"x".repeat(70_000)));
    assert!(large.status == 413 && large.has("too_large") && !large.h1().is_empty());
    let mut many = form;
    many.fields.extend((0..600).map(|n| (format!("f{n}"), String::new())));
    assert_eq!(browser.submit_only(&many).status, 413);

    let key = format!("Bearer {}", world.ready["api_key"].as_str().unwrap());
    let post = |path: &str, content_type: &str, bytes: usize| {
        let request = agent()
            .post(format!("{}{path}", world.gateway))
            .header("authorization", &key)
            .header("content-type", content_type);
        let mut response = request.send(vec![b' '; bytes]).unwrap();
        (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
    };
    for bytes in [65 * 1024, 300 * 1024] {
        let (status, told) = post("/api/v1/webhooks", "application/json", bytes);
        assert!(status == 413 && told.contains("\"code\":\"too_large\""), "{bytes}: {status} {told}");
    }
    assert_eq!(post("/api/v1/usage", "application/cloudevents-batch+json", 2 * 1024 * 1024 + 1).0, 413);
    assert_eq!(post("/api/v1/usage", "application/cloudevents-batch+json", 100).0, 422);
    let (status, told) = post("/marketplace/alibaba/spi", "application/x-www-form-urlencoded", 20_000);
    assert_eq!((status, told.as_str()), (413, r#"{"error":"oversized"}"#));
    let (status, told) = world.spi_raw(&"x".repeat(9_000));
    assert!(status == 414 && told.contains("oversized"), "{status} {told}");

    let head = |more: String| {
        let request = format!("GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{more}\r\n");
        converse(&world.gateway, &[request.as_bytes()])
    };
    assert!(head(String::new()).contains("200 OK"));
    assert!(head(format!("cookie: {}\r\n", "x".repeat(33_000))).contains(" 431 "), "headers of 33 kB");
    let many = head("x: 1\r\n".repeat(200));
    assert!(!many.contains(" 200 "), "two hundred headers: {many:?}");
    let target = format!("GET /healthz?{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(17_000));
    assert!(converse(&world.gateway, &[target.as_bytes()]).contains(" 414 "));
    let endless = format!("GET / HTTP/1.1\r\nx: {}", "x".repeat(200_000));
    assert!(!converse(&world.gateway, &[endless.as_bytes()]).contains("200 OK"), "a head without end");
}

#[test]
fn a_client_that_trickles_is_cut_at_every_step() {
    const LIMIT: Duration = Duration::from_secs(10);
    let world = World::with(&["--patience-ms", "300"]);
    let began = Instant::now();
    let cut = |first: &[u8], answered: &str| {
        let mut stream = TcpStream::connect(address(&world.gateway)).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        stream.write_all(first).unwrap();
        let start = Instant::now();
        let (mut heard, mut buffer) = (Vec::new(), [0; 4096]);
        // A byte now and then, for ever: what ends this is the server.
        loop {
            assert!(start.elapsed() < LIMIT, "never cut: {}", String::from_utf8_lossy(&heard));
            match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => heard.extend_from_slice(&buffer[..read]),
                Err(cause) if matches!(cause.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => break,
            }
            if stream.write_all(b"a").is_err() {
                break;
            }
        }
        let heard = String::from_utf8_lossy(&heard).into_owned();
        assert!(heard.contains(answered), "{} was answered {heard:?}", String::from_utf8_lossy(first));
        heard
    };
    // It is told so, but what it goes on to send may keep it from hearing that.
    cut(b"GET / HTTP/1.1\r\nhost: x\r\nx: ", "");
    for (path, more) in [
        ("/marketplace/alibaba/spi", "content-type: application/x-www-form-urlencoded\r\n".to_owned()),
        ("/marketplace/alibaba/login/enter", "sec-fetch-dest: document\r\n".to_owned()),
        ("/login", format!("origin: {}\r\n", world.gateway)),
        (
            "/api/v1/usage",
            format!(
                "authorization: Bearer {}\r\ncontent-type: application/cloudevents+json\r\n",
                world.ready["api_key"].as_str().unwrap()
            ),
        ),
        ("/api/v1/webhooks", format!("authorization: Bearer {}\r\n", world.ready["api_key"].as_str().unwrap())),
    ] {
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\n{more}content-length: 5000\r\n\r\n");
        let told = cut(head.as_bytes(), " 408 ");
        assert!(told.contains("connection: close") && told.contains("nosniff"), "{path}: {told}");
    }
    // Whoever was good once is not trusted with the second head either.
    cut(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\nGET /healthz HTT", "200 OK");
    // A body that nobody asked for.
    cut(b"GET /healthz HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n", "200 OK");
    // Nobody else waited for them.
    assert_eq!(world.spi(&crate::world::create("1")).0, 200);
    assert!(began.elapsed() < 10 * LIMIT);
}

#[test]
fn a_client_that_reads_nothing_is_cut() {
    let world = World::with(&["--patience-ms", "300"]);
    let mut stream = TcpStream::connect(address(&world.gateway)).unwrap();
    stream.set_write_timeout(Some(Duration::from_millis(100))).unwrap();
    let start = Instant::now();
    // More answers than any buffer on the way holds, none of them read.
    loop {
        assert!(start.elapsed() < PATIENCE, "never cut");
        match stream.write_all(b"GET /static/style.css HTTP/1.1\r\nhost: x\r\n\r\n") {
            Ok(()) => {}
            Err(cause) if matches!(cause.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    assert_eq!(world.browser().get("/healthz").status, 200);
}

#[test]
fn a_request_that_two_readers_would_read_differently_is_refused() {
    let world = World::start();
    let smuggled = "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    for framing in [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
        "content-length: 0\r\ncontent-length: 5\r\n\r\n",
        "content-length: 0, 5\r\n\r\n",
        "content-length: +0\r\n\r\n",
        "content-length: -1\r\n\r\n",
        "content-length: 0x0\r\n\r\n",
        "transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        "transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "transfer-encoding : chunked\r\n\r\n0\r\n\r\n",
        "x: 1\r\n content-length: 5\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\nffffffffffffffff1\r\n",
    ] {
        let request = format!("POST /login HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{framing}{smuggled}");
        let heard = converse(&world.gateway, &[request.as_bytes()]);
        let answers = heard.matches("HTTP/1.1 ").count();
        assert!(answers <= 1 && !heard.contains("ok\n"), "{framing:?} let a second request through: {heard}");
        assert!(!heard.contains(" 500 "), "{framing:?}: {heard}");
    }
}

#[test]
fn methods_that_a_route_does_not_name_reach_nothing() {
    let world = World::start();
    let key = format!("Bearer {}", world.ready["api_key"].as_str().unwrap());
    let mut paths: Vec<(&str, Listener)> = ROUTES.iter().map(|spec| (spec.path, spec.listener)).collect();
    paths.dedup();
    for (path, listener) in paths {
        let made = path.replace("{seller}", "alibaba").replace("{file}", "style.css");
        let made = made.replace("{id}", "made_up").replace("{token}", "made-up");
        for method in ["TRACE", "OPTIONS", "PUT", "PROPFIND", "post"] {
            if ROUTES.iter().any(|spec| spec.path == path && spec.method == method) {
                continue;
            }
            let headers = [("authorization", key.as_str()), ("origin", world.gateway.as_str())];
            let (status, answer) = ask(&world.gateway, method, &made, &headers);
            assert_eq!(status, 405, "{method} {path}");
            let kind = answer.get("content-type").map_or("", |kind| kind.to_str().unwrap());
            let expected = match listener {
                Listener::Page => "text/html",
                Listener::Api => "application/problem+json",
                Listener::Raw => "",
            };
            assert!(kind.starts_with(expected), "{method} {path}: {kind}");
        }
    }
}
