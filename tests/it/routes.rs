//! Tests made from the route table: a new route is covered by itself.

use marketgate::domain::session::Access;
use marketgate::web::{Listener, ROUTES, RouteSpec};

use crate::browserlike::{Browser, Page};
use crate::console::OPERATOR;
use crate::world::{OWNER, PASSWORD, World};

/// The path of a route with something in its places.
fn path(spec: &RouteSpec, organization: &str) -> String {
    let id = if spec.path.starts_with("/orgs/") { organization } else { "clm_00000000000000000000000000" };
    spec.path
        .replace("{id}", id)
        .replace("{user}", "usr_00000000000000000000000000")
        .replace("{invitation}", "inv_00000000000000000000000000")
        .replace("{seller}", "alibaba")
        .replace("{file}", "style.css")
        .replace("{token}", "made-up")
}

fn ask(browser: &Browser, spec: &RouteSpec, path: &str) -> Page {
    if spec.method == "GET" {
        return browser.get_only(path);
    }
    // With a good form token, so that nothing but the session decides.
    let csrf = browser
        .get("/login/confirm")
        .find_form("/preferences")
        .or_else(|| browser.get("/login").find_form("/preferences"))
        .unwrap();
    let fields: Vec<(&str, &str)> = csrf
        .fields
        .iter()
        .filter(|(name, _)| name == "csrf")
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    browser.post(path, &fields)
}

#[derive(Debug, PartialEq)]
enum Gate {
    Passed,
    SignIn,
    StepUp,
    Forbidden,
}

fn gate(page: &Page) -> Gate {
    match page.headers.get("location").map(String::as_str) {
        Some(location) if location.starts_with("/login?next=") => Gate::SignIn,
        Some(location) if location.starts_with("/login/confirm?next=") => Gate::StepUp,
        _ if page.status == 403 && page.html.contains("operators_only") => Gate::Forbidden,
        _ => Gate::Passed,
    }
}

#[test]
fn every_route_enforces_the_session_that_it_declares() {
    let world = World::start();
    let organization = world.bind("1", OWNER, "星河科技");
    let pages = || {
        ROUTES.iter().filter(|spec| {
            spec.listener == Listener::Page
                && spec.path != "/logout"
                && !spec.path.ends_with("/switch-user")
                && spec.path != "/login"
                && spec.path != "/register"
        })
    };
    for spec in pages() {
        let path = path(spec, &organization);
        let nobody = gate(&ask(&world.browser(), spec, &path));
        let marketplace = world.browser();
        marketplace.open_link(&world.link("1"));
        let small = gate(&ask(&marketplace, spec, &path));
        let full = world.browser();
        full.sign_in_as(OWNER);
        world.execute("UPDATE session SET stepped_up_until = NULL WHERE kind = 'full'");
        let plain = gate(&ask(&full, spec, &path));
        let staff = world.signed_in(OPERATOR);
        world.execute("UPDATE session SET stepped_up_until = NULL WHERE kind = 'full'");
        let staff = gate(&ask(&staff, spec, &path));
        let expected = match spec.access {
            Access::None => [Gate::Passed, Gate::Passed, Gate::Passed, Gate::Passed],
            Access::Marketplace => [Gate::SignIn, Gate::Passed, Gate::Passed, Gate::Passed],
            Access::Full => [Gate::SignIn, Gate::StepUp, Gate::Passed, Gate::Passed],
            Access::SteppedUp | Access::SetUp => [Gate::SignIn, Gate::StepUp, Gate::StepUp, Gate::StepUp],
            Access::Operator => [Gate::SignIn, Gate::Forbidden, Gate::Forbidden, Gate::Passed],
            Access::OperatorSteppedUp => [Gate::SignIn, Gate::Forbidden, Gate::Forbidden, Gate::StepUp],
        };
        assert_eq!([nobody, small, plain, staff], expected, "{} {}", spec.method, spec.path);
    }
}

#[test]
fn who_is_no_operator_any_more_does_nothing_in_the_console() {
    let world = World::start();
    let browser = world.signed_in(OPERATOR);
    let is_staffs = |spec: &&RouteSpec| matches!(spec.access, Access::Operator | Access::OperatorSteppedUp);
    assert_eq!(gate(&ask(&browser, ROUTES.iter().find(is_staffs).unwrap(), "/operator")), Gate::Passed);
    world.execute("UPDATE user SET is_operator = 0");
    let before = world.rows("SELECT count(*) FROM audit");
    let mut posts = 0;
    for spec in ROUTES.iter().filter(is_staffs) {
        let page = ask(&browser, spec, &path(spec, "org_00000000000000000000000000"));
        assert_eq!(gate(&page), Gate::Forbidden, "{} {}", spec.method, spec.path);
        posts += usize::from(spec.method == "POST");
    }
    assert!(posts >= 15, "{posts}");
    assert_eq!(world.rows("SELECT count(*) FROM audit"), before);
}

#[test]
fn every_form_is_refused_without_its_token_and_from_another_site() {
    let world = World::start();
    let organization = world.organization("星河科技");
    for spec in ROUTES.iter().filter(|spec| spec.listener == Listener::Page && spec.method == "POST") {
        let path = path(spec, &organization);
        let mut browser = world.browser();
        // Whoever may use the form, so that nothing else keeps it away.
        let is_staffs = spec.path.starts_with("/operator");
        browser.sign_in_as(if is_staffs { OPERATOR } else { OWNER });
        let bare = browser.post(&path, &[("email", OWNER), ("password", PASSWORD)]);
        assert_eq!(bare.status, 403, "{} without a token", spec.path);
        assert!(bare.has("form_expired") || spec.path.starts_with("/marketplace/"), "{} without a token", spec.path);
        let form = browser.get("/me").form("/preferences");
        browser.headers = vec![("sec-fetch-site", "cross-site".into())];
        let fields: Vec<(&str, &str)> =
            form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let foreign = browser.post(&path, &fields);
        assert!(foreign.status == 403 && foreign.has("cross_site"), "{} from another site", spec.path);
    }
    assert_eq!(world.rows("SELECT count(*) FROM organization"), ["2"]);
}

#[test]
fn every_page_carries_the_headers_that_protect_it() {
    let world = World::start();
    let browser = world.browser();
    browser.sign_in_as(OWNER);
    let organization = world.organization("星河科技");
    for spec in ROUTES.iter().filter(|spec| spec.listener == Listener::Page && spec.method == "GET") {
        let page = browser.get_only(&path(spec, &organization));
        let csp = &page.headers["content-security-policy"];
        assert!(
            csp.contains("default-src 'none'") && !csp.contains("unsafe") && csp.contains("frame-ancestors 'none'"),
            "{}",
            spec.path
        );
        assert_eq!(page.headers["x-content-type-options"], "nosniff");
        assert_eq!(page.headers["cache-control"], "no-store", "{}", spec.path);
        assert!(page.headers.contains_key("referrer-policy") && page.headers["x-request-id"].starts_with("req_"));
    }
}

#[test]
fn what_is_not_in_the_table_does_not_exist() {
    let world = World::start();
    let browser = world.browser();
    let page = browser.get("/nothing/here");
    assert!(page.status == 404 && !page.h1().is_empty() && page.html.contains("req_"));
    assert_eq!(browser.get("/control/mail").status, 404, "the gateway has no control");
    assert_eq!(browser.get("/operator/nothing").status, 404);
    let api = browser.get("/api/v1/nothing");
    assert_eq!((api.status, api.headers["content-type"].as_str()), (404, "application/problem+json"));
    assert_eq!(browser.get("/api/v1/organizations").status, 401);
    assert_eq!(browser.get("/healthz").html, "ok\n");
    assert_eq!(browser.get("/readyz").html, "ready\n");
    let css = browser.get("/static/style.css");
    assert!(css.status == 200 && css.headers["content-type"].starts_with("text/css"));
}

#[test]
fn the_products_one_time_code_works_once() {
    let world = World::start();
    let organization = world.bind("1", OWNER, "星河科技");
    let key = world.ready["api_key"].as_str().unwrap();
    let call = |body: &str, key: &str| {
        let url = format!("{}/api/v1/sessions/exchange", world.gateway);
        let mut response =
            crate::world::agent().post(&url).header("authorization", format!("Bearer {key}")).send(body).unwrap();
        (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
    };
    assert_eq!(call(r#"{"code":"made-up"}"#, key).0, 410);
    assert_eq!(call(r#"{"code":"made-up"}"#, "wrong").0, 401);
    assert_eq!(call("{}", key).0, 422);
    let url = format!("{}/api/v1/organizations/{organization}", world.gateway);
    let mut response = crate::world::agent().get(&url).header("authorization", format!("Bearer {key}")).call().unwrap();
    let body: serde_json::Value = serde_json::from_str(&response.body_mut().read_to_string().unwrap()).unwrap();
    assert_eq!((body["name"].as_str(), body["state"].as_str()), (Some("星河科技"), Some("active")));
    assert_eq!(
        (body["channel"]["subscription"].as_str(), body["channel"]["buyer_account"].as_str()),
        (Some("alibaba-1"), Some("1234****5678"))
    );
}
