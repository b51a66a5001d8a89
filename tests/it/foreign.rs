//! What belongs to others: every route of the table that names a thing is asked for one that is foreign, unknown, or no
//! name at all, by everybody who has no right to it. The table of examples must know every place of every route, so that
//! a new route fails here until somebody has thought about whose things it names.

use std::collections::BTreeMap;

use marketgate::crypto::{digest, hex};
use marketgate::web::{Listener, ROUTES, RouteSpec};
use serde_json::{Value, json};

use crate::browserlike::{Browser, Page};
use crate::world::{BILLING, MEMBER, OWNER, PASSWORD, World, agent, now_secs};

/// What stands in a place of a route's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    /// Known to everybody.
    Seller,
    File,
    /// Grants what it names, to whoever holds it: there is no wrong holder of one that nobody can guess.
    Secret,
    Claim,
    Organization,
    User,
    Invitation,
    Session,
    Approval,
    Record,
    Subscription,
    Binding,
    Webhook,
    Delivery,
    Call,
    Job,
    ApiKey,
}

/// The thing that a place names; the first match counts.
const PLACES: &[(&str, &str, Thing)] = &[
    ("/marketplace/", "{seller}", Thing::Seller),
    ("/static/", "{file}", Thing::File),
    ("/password/reset/", "{token}", Thing::Secret),
    ("/approvals/", "{token}", Thing::Approval),
    ("/claim/", "{id}", Thing::Claim),
    ("/orgs/", "{id}", Thing::Organization),
    ("/orgs/", "{user}", Thing::User),
    ("/orgs/", "{invitation}", Thing::Invitation),
    ("/invitations/", "{token}", Thing::Secret),
    ("/me/sessions/", "{id}", Thing::Session),
    ("/operator/metering/", "{id}", Thing::Record),
    ("/operator/subscriptions/", "{id}", Thing::Subscription),
    ("/operator/organizations/", "{id}", Thing::Organization),
    ("/operator/users/", "{id}", Thing::User),
    ("/operator/calls/", "{id}", Thing::Call),
    ("/operator/deliveries/", "{id}", Thing::Delivery),
    ("/operator/webhooks/", "{id}", Thing::Webhook),
    ("/operator/jobs/", "{id}", Thing::Job),
    ("/operator/keys/", "{id}", Thing::ApiKey),
    ("/api/v1/organizations/", "{id}", Thing::Organization),
    ("/api/v1/subscriptions/", "{id}", Thing::Subscription),
    ("/api/v1/bindings/", "{id}", Thing::Binding),
    ("/api/v1/webhooks/", "{id}", Thing::Webhook),
    ("/api/v1/deliveries/", "{id}", Thing::Delivery),
];

/// The scope that each call of the API takes; `None`: no key.
pub const SCOPES: &[(&str, &str, Option<&str>)] = &[
    ("POST", "/api/v1/usage", Some("usage:write")),
    ("POST", "/api/v1/sessions/exchange", Some("sessions:exchange")),
    ("GET", "/api/v1/organizations", Some("organizations:read")),
    ("GET", "/api/v1/organizations/{id}", Some("organizations:read")),
    ("GET", "/api/v1/subscriptions", Some("subscriptions:read")),
    ("GET", "/api/v1/subscriptions/{id}", Some("subscriptions:read")),
    ("GET", "/api/v1/metering", Some("metering:read")),
    ("GET", "/api/v1/events", Some("events:read")),
    ("POST", "/api/v1/bindings/{id}/confirm", Some("bindings:write")),
    ("POST", "/api/v1/bindings/{id}/refuse", Some("bindings:write")),
    ("GET", "/api/v1/webhooks", Some("webhooks:write")),
    ("POST", "/api/v1/webhooks", Some("webhooks:write")),
    ("GET", "/api/v1/webhooks/{id}", Some("webhooks:write")),
    ("PATCH", "/api/v1/webhooks/{id}", Some("webhooks:write")),
    ("DELETE", "/api/v1/webhooks/{id}", Some("webhooks:write")),
    ("POST", "/api/v1/webhooks/{id}/rotate", Some("webhooks:write")),
    ("POST", "/api/v1/webhooks/{id}/ping", Some("webhooks:write")),
    ("GET", "/api/v1/deliveries", Some("webhooks:write")),
    ("GET", "/api/v1/deliveries/{id}", Some("webhooks:write")),
    ("POST", "/api/v1/deliveries/{id}/redeliver", Some("webhooks:write")),
    ("GET", "/api/v1/openapi.json", None),
];

/// The places of a route's path, in order, with what they name.
fn places(path: &'static str) -> Vec<(&'static str, Thing)> {
    path.split('/')
        .filter(|part| part.starts_with('{'))
        .map(|part| {
            let place = &part[..=part.find('}').unwrap()];
            let known = PLACES.iter().find(|(prefix, name, _)| path.starts_with(prefix) && *name == place);
            let known = known.unwrap_or_else(|| panic!("{path}: whose is {place}? Add it to PLACES, with an example"));
            (place, known.2)
        })
        .collect()
}

/// A world in which the people of the seed have one of everything, and a stranger has an organization and a channel.
struct Scene {
    world: World,
    theirs: BTreeMap<Thing, String>,
    stranger: Browser,
    strangers_organization: String,
}

impl Scene {
    fn set() -> Self {
        let world = World::with(&["--no-access-key"]);
        let mut theirs = BTreeMap::new();
        // A member asks the owners of an organization, and an owner begins a purchase of an own.
        world.buy("86040211");
        let member = world.browser();
        let page = member.open_link(&world.link("86040211"));
        let claim = page.path.clone();
        let page = member.sign_in(&page, MEMBER, PASSWORD);
        assert_eq!(member.submit(&page.form(&format!("{claim}/request-approval"))).status, 200);
        theirs.insert(Thing::Approval, world.mailed_approval());
        world.buy("86040212");
        let owner = world.browser();
        let page = owner.open_link(&world.link("86040212"));
        let claim = page.path.strip_prefix("/claim/").unwrap().to_owned();
        owner.sign_in(&page, OWNER, PASSWORD);
        theirs.insert(Thing::Claim, claim);
        let organization = world.bind("86040213", OWNER, "星河科技");
        world.say("POST", "/api/v1/usage", &json!({
            "specversion": "1.0", "type": "marketgate.usage.v1", "source": "test", "id": "1", "subject": organization,
            "time": jiff::Timestamp::from_second(now_secs()).unwrap().to_string(),
            "data": { "item": "Period", "quantity": 60 },
        }));
        let webhook = world.say("POST", "/api/v1/webhooks", &json!({ "url": "https://hooks.example.com/" }));
        let webhook = webhook["id"].as_str().unwrap().to_owned();
        let ping = world.say("POST", &format!("/api/v1/webhooks/{webhook}/ping"), &Value::Null);
        world.execute(&format!("UPDATE delivery SET id = 471100124 WHERE id = {}", ping["id"].as_str().unwrap()));
        theirs.insert(Thing::Delivery, "471100124".to_owned());
        theirs.insert(Thing::Webhook, webhook);
        // A number that is found nowhere else on a page.
        world.execute("UPDATE record SET id = 471100123");
        theirs.insert(Thing::Record, world.rows("SELECT id FROM record").remove(0));
        theirs.insert(Thing::Binding, world.rows("SELECT id FROM binding").remove(0));
        theirs.insert(Thing::Subscription, "alibaba-86040213".to_owned());
        theirs.insert(Thing::ApiKey, world.rows("SELECT id FROM api_key").remove(0));
        theirs.insert(Thing::User, world.rows("SELECT id FROM user WHERE email = 'owner@example.com'").remove(0));
        let sessions = "SELECT session.id FROM session JOIN user ON user.id = user_id WHERE email = 'owner@example.com' AND ended_at IS NULL";
        theirs.insert(Thing::Session, world.rows(sessions).remove(0));
        let owner = world.signed_in(OWNER);
        crate::invitations::invite(&owner, &organization, "guest@example.com", "member");
        theirs.insert(Thing::Invitation, world.rows("SELECT id FROM invitation").remove(0));
        world.execute("UPDATE call SET id = 471100456 WHERE id = (SELECT max(id) FROM call)");
        theirs.insert(Thing::Call, "471100456".to_owned());
        world.execute("INSERT INTO job (id, kind, key, due_at, dead_at, last_error) VALUES (471100789, 'mail.send', '0', 1, 2, 'x')");
        theirs.insert(Thing::Job, "471100789".to_owned());
        theirs.insert(Thing::Organization, organization);

        let stranger = world.browser();
        let form = stranger.get("/register").form("/register").set("name", "外人").set("email", "stranger@example.com");
        stranger.submit(&form.set("password", "orange-Bicycle-77").set("agree", "1"));
        let page = stranger.submit(&stranger.get("/orgs/new").form("/orgs").set("name", "外人公司"));
        assert_eq!(page.status, 200);
        let strangers_organization = world.organization("外人公司");
        world.buy("86040219");
        let page = stranger.open_link(&world.link("86040219"));
        let choice = page.choice("外人公司").unwrap();
        let form = page.form(&format!("{}/confirm", page.path)).set("choice", &choice);
        stranger.submit(&form);
        crate::world::until("the stranger's channel", || {
            (world.rows("SELECT count(*) FROM binding WHERE state = 'live'") == ["2"]).then_some(())
        });
        Self { world, theirs, stranger, strangers_organization }
    }

    /// Everybody who has nothing to do with those people, by what they are.
    fn strangers(&self) -> Vec<(&'static str, Browser)> {
        let marketplace = self.world.browser();
        marketplace.open_link(&self.world.link("86040219"));
        assert!(marketplace.cookie_names().iter().any(|name| name == "mg_session"), "entered without a password");
        let operator = self.world.browser();
        operator.sign_in_as(self.world.ready["operator"]["email"].as_str().unwrap());
        let half = self.world.browser();
        let form = half.get("/register").form("/register").set("name", "半个").set("email", "half@example.com");
        half.submit(&form.set("password", PASSWORD).set("agree", "1"));
        crate::second_factor::turn_on(&half);
        half.submit(&half.get("/me").form("/logout"));
        let page = half.sign_in(&half.get("/login"), "half@example.com", PASSWORD);
        assert!(page.find_form("/login/totp").is_some(), "the code is asked for");
        vec![
            ("nobody", self.world.browser()),
            ("somebody who has typed the password and not the code", half),
            ("the owner of another organization", self.stranger.again(&self.world.gateway)),
            ("a session by the marketplace for another organization", marketplace),
            ("an operator", operator),
        ]
    }

    /// One of the kind that does not exist, as long as one that does.
    fn unknown(&self, thing: Thing) -> String {
        let theirs = &self.theirs[&thing];
        let (prefix, rest) = theirs.split_once(['_', '-']).unwrap_or(("", theirs));
        let made: String = rest
            .char_indices()
            .map(|(at, c)| match c {
                // The first character of an id is of its time: it stays one that can be.
                _ if at == 0 && rest.len() > 8 => c,
                c if c.is_ascii_digit() => '9',
                c if c.is_ascii_alphabetic() => 'z',
                c => c,
            })
            .collect();
        theirs.replace(rest, &made).replace("__", &format!("{prefix}_"))
    }

    /// Every fact about those people that a request could change.
    fn facts(&self) -> Vec<String> {
        let strangers = "(SELECT id FROM user WHERE email = 'stranger@example.com')";
        [
            "SELECT organization_id || user_id || role FROM member ORDER BY 1".to_owned(),
            "SELECT id || name || coalesce(freeze_reason, '') FROM organization ORDER BY id".to_owned(),
            "SELECT id || state FROM binding ORDER BY id".to_owned(),
            format!("SELECT id || coalesce(ended_at, '') FROM session WHERE user_id <> {strangers} AND binding_id IS NULL ORDER BY id"),
            "SELECT id || state || quantity FROM record ORDER BY id".to_owned(),
            "SELECT hex(token_hash) || coalesce(used_at, '') FROM approval".to_owned(),
            "SELECT id || hex(token_hash) || coalesce(accepted_at, '') || coalesce(revoked_at, '') FROM invitation".to_owned(),
            "SELECT id || coalesce(user_id, '') || coalesce(binding_id, '') FROM claim ORDER BY id".to_owned(),
            "SELECT id || name || email || password_hash || is_operator FROM user ORDER BY id".to_owned(),
            "SELECT id || scopes || coalesce(expires_at, '') || coalesce(revoked_at, '') FROM api_key ORDER BY id".to_owned(),
        ]
        .iter()
        .flat_map(|sql| self.world.rows(sql))
        .collect()
    }
}

impl World {
    /// A call of the API with the key of the fixture; its document.
    fn say(&self, method: &str, path: &str, body: &Value) -> Value {
        let key = self.ready["api_key"].as_str().unwrap();
        let kind = if path.ends_with("/usage") { "application/cloudevents+json" } else { "application/json" };
        let (status, body) =
            call(self, method, path, Some(key), kind, &if body.is_null() { String::new() } else { body.to_string() });
        assert!((200..300).contains(&status), "{path}: {status} {body}");
        serde_json::from_str(&body).unwrap_or_default()
    }
}

fn call(world: &World, method: &str, path: &str, key: Option<&str>, kind: &str, body: &str) -> (u16, String) {
    let mut request = ureq::http::Request::builder()
        .method(method)
        .uri(format!("{}{path}", world.gateway))
        .header("content-type", kind);
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    let mut response = if method == "GET" {
        agent().run(request.body(()).unwrap())
    } else {
        let config = agent();
        config.run(
            config.configure_request(request.body(body.to_owned()).unwrap()).allow_non_standard_methods(true).build(),
        )
    }
    .unwrap();
    (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
}

/// Asks as a browser does that holds a good form token.
fn ask(browser: &Browser, spec: &RouteSpec, path: &str, csrf: &str) -> Page {
    if spec.method == "GET" {
        return browser.get_only(path);
    }
    browser.post(
        path,
        &[("csrf", csrf), ("was", "owner"), ("role", "billing"), ("decision", "waive"), ("why", "x"), ("name", "甲")],
    )
}

fn csrf(browser: &Browser) -> String {
    let form = browser.get("/login/confirm").find_form("/preferences");
    let form = form.or_else(|| browser.get("/login").find_form("/preferences")).unwrap();
    form.fields.into_iter().find(|(name, _)| name == "csrf").unwrap().1
}

/// Everything of an answer that could tell two apart: without what differs in any two answers.
fn told(page: &Page, tried: &[String]) -> String {
    let mut text = format!("{}\n", page.status);
    for (name, value) in &page.headers {
        if !matches!(name.as_str(), "x-request-id" | "date" | "set-cookie") {
            text.extend([name, ": ", value, "\n"]);
        }
    }
    text.push_str(&page.html);
    for id in tried {
        text = text.replace(id.as_str(), "ID");
    }
    // Request ids and form tokens are of one length; times are digits.
    let words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words
        .map(|word| match word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric()).len() {
            30 if word.starts_with("req_") => "REQUEST".to_owned(),
            64 => "TOKEN".to_owned(),
            _ => word.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect(),
        })
        .collect()
}

/// What is no id of anything, as it stands in a path.
fn garbage() -> Vec<String> {
    let mut made: Vec<String> = [
        "%00",
        "%0d%0aset-cookie:%20a=b",
        "..%2f..%2fetc",
        "'%20OR%201=1--",
        "%E4%BA%91",
        "%ff%fe",
        "-1",
        "0",
        "9223372036854775808",
        "%25%32%65",
        "{id}",
        "a%3Cscript%3E",
        "%20",
    ]
    .map(str::to_owned)
    .into();
    made.push("x".repeat(4_000));
    made
}

/// The routes that name a thing of somebody's.
fn naming(listener: Listener) -> impl Iterator<Item = (&'static RouteSpec, Vec<(&'static str, Thing)>)> {
    ROUTES.iter().map(|spec| (spec, places(spec.path))).filter(move |(spec, places)| {
        let is_owned = |thing| !matches!(thing, Thing::Seller | Thing::File | Thing::Secret);
        spec.listener == listener && places.iter().any(|(_, thing)| is_owned(*thing))
    })
}

#[test]
fn a_foreign_thing_cannot_be_told_from_one_that_does_not_exist() {
    let scene = Scene::set();
    let strangers = scene.strangers();
    let (facts, mut asked) = (scene.facts(), 0);
    for (who, browser) in strangers {
        let token = csrf(&browser);
        let names: Vec<String> = scene.world.rows(
            "SELECT name FROM user WHERE email NOT IN ('stranger@example.com', 'half@example.com') AND is_operator = 0",
        );
        for (spec, places) in naming(Listener::Page) {
            // Leaving an account is no question of whose claim it is.
            let is_for_operators = spec.path.starts_with("/operator/");
            if spec.path.ends_with("/switch-user") || (who == "an operator" && is_for_operators) {
                continue;
            }
            let path = |pick: &dyn Fn(usize, Thing) -> String| {
                let each = places.iter().enumerate();
                each.fold(spec.path.to_owned(), |path, (at, (place, thing))| path.replacen(place, &pick(at, *thing), 1))
            };
            // All places foreign; and, where there are several, the first of one's own.
            let own = |at: usize, thing: Thing, other: String| {
                if at == 0 && thing == Thing::Organization { scene.strangers_organization.clone() } else { other }
            };
            let mut pairs =
                vec![(path(&|_, thing| scene.theirs[&thing].clone()), path(&|_, thing| scene.unknown(thing)))];
            if places.len() > 1 {
                pairs.push((
                    path(&|at, thing| own(at, thing, scene.theirs[&thing].clone())),
                    path(&|at, thing| own(at, thing, scene.unknown(thing))),
                ));
            }
            let tried: Vec<String> =
                places.iter().flat_map(|(_, thing)| [scene.theirs[thing].clone(), scene.unknown(*thing)]).collect();
            for (foreign, unknown) in pairs {
                let (a, b) = (ask(&browser, spec, &foreign, &token), ask(&browser, spec, &unknown, &token));
                assert_ne!(foreign, unknown);
                assert_eq!(
                    told(&a, &tried),
                    told(&b, &tried),
                    "{who}: {} {foreign} is told from {unknown}",
                    spec.method
                );
                assert!(matches!(a.status, 303 | 403 | 404 | 410), "{who}: {} {foreign}: {}", spec.method, a.status);
                assert!(
                    !names.iter().any(|name| a.has(name)),
                    "{who}: {} {foreign} shows somebody's name",
                    spec.method
                );
                asked += 1;
            }
        }
    }
    assert!(asked > 60, "{asked}");
    assert_eq!(scene.facts(), facts, "and nothing of theirs has changed");
}

#[test]
fn what_is_no_id_is_not_found_and_never_an_error_of_ours() {
    let scene = Scene::set();
    let key = scene.world.ready["api_key"].as_str().unwrap();
    let strangers = scene.strangers();
    let facts = scene.facts();
    for (who, browser) in strangers {
        let token = csrf(&browser);
        for (spec, places) in naming(Listener::Page) {
            if spec.path.ends_with("/switch-user") && who != "nobody" {
                continue;
            }
            for bad in garbage() {
                let path = places.iter().fold(spec.path.to_owned(), |path, (place, _)| path.replace(place, &bad));
                let page = ask(&browser, spec, &path, &token);
                assert!(
                    matches!(page.status, 303 | 403 | 404 | 405 | 410),
                    "{who}: {} {path}: {}",
                    spec.method,
                    page.status
                );
                assert!(
                    !page.headers.contains_key("set-cookie")
                        || !page.set_cookies.iter().any(|it| it.starts_with("a=b"))
                );
                assert!(!page.html.contains("a<script>"), "{path} comes back as it was sent");
            }
        }
    }
    for (spec, places) in naming(Listener::Api) {
        for bad in garbage().into_iter().chain([scene.unknown(places[0].1)]) {
            let path = spec.path.replace(places[0].0, &bad);
            let (status, body) = call(&scene.world, spec.method.as_str(), &path, Some(key), "application/json", "{}");
            assert!(matches!(status, 404 | 405 | 422), "{} {path}: {status} {body}", spec.method);
        }
    }
    assert_eq!(scene.facts(), facts);
}

#[test]
fn a_plain_member_changes_nothing_that_takes_a_manager() {
    let scene = Scene::set();
    let member = scene.world.browser();
    member.sign_in_as(MEMBER);
    let token = csrf(&member);
    let billing = scene.world.browser();
    billing.sign_in_as(BILLING);
    let facts = scene.facts();
    for (spec, places) in naming(Listener::Page).filter(|(spec, _)| spec.method == "POST") {
        let is_own = spec.path.ends_with("/leave") || spec.path.starts_with("/claim/");
        if is_own || spec.path.ends_with("/switch-user") {
            continue;
        }
        let mut path = spec.path.to_owned();
        for (place, thing) in places {
            path = path.replace(place, &scene.theirs[&thing]);
        }
        let page = ask(&member, spec, &path, &token);
        // Ending a session of somebody else's is as good as ending one that is over.
        assert!(matches!(page.status, 403 | 404 | 410) || spec.path.starts_with("/me/"), "{path}: {}", page.status);
    }
    // Nor does the billing manager of another organization, whom its owner shares with this one.
    for page in ["billing", "members", "usage", "usage.csv", "unbind"] {
        let path = format!("/orgs/{}/{page}", scene.theirs[&Thing::Organization]);
        assert_eq!(billing.get(&path).status, 404, "{path}");
    }
    assert_eq!(scene.facts(), facts);
}

#[test]
fn a_key_reaches_the_calls_of_its_scope_and_no_others() {
    let scene = Scene::set();
    let all: std::collections::BTreeSet<&str> = SCOPES.iter().filter_map(|(_, _, scope)| *scope).collect();
    let key = |scope: &str| {
        let secret = format!("mg_test_{}", scope.replace(':', "_"));
        scene.world.execute(&format!(
            "INSERT INTO api_key (id, name, secret_hash, scopes, created_at) VALUES ('{secret}', 'k', x'{}', '{scope}', 1)",
            hex(&digest(secret.as_bytes()))
        ));
        secret
    };
    let keys: Vec<(&str, String)> =
        all.iter().map(|scope| (*scope, key(scope))).chain([("none:at-all", key("none:at-all"))]).collect();
    for spec in ROUTES.iter().filter(|spec| spec.listener == Listener::Api) {
        let known = SCOPES.iter().find(|(method, path, _)| spec.method == *method && spec.path == *path);
        let scope = known.unwrap_or_else(|| panic!("{} {}: which scope? Add it to SCOPES", spec.method, spec.path)).2;
        let Some(scope) = scope else { continue };
        let places = places(spec.path);
        let ask = |name: &dyn Fn(Thing) -> String, key: Option<&str>| {
            let path =
                places.iter().fold(spec.path.to_owned(), |path, (place, thing)| path.replace(place, &name(*thing)));
            // A body that says nothing, so that whoever passes is refused for it and changes little.
            let (status, body) = call(&scene.world, spec.method.as_str(), &path, key, "application/json", "[]");
            (status, serde_json::from_str::<Value>(&body).unwrap_or_default()["code"].clone())
        };
        let theirs = |thing: Thing| scene.theirs[&thing].clone();
        let unknown = |thing: Thing| scene.unknown(thing);
        let mut strangers: Vec<Option<&str>> = vec![None, Some("mg_live_made-up"), Some("")];
        for stranger in strangers.drain(..) {
            for name in [&theirs as &dyn Fn(Thing) -> String, &unknown] {
                assert_eq!(
                    ask(name, stranger),
                    (401, json!("sign_in_needed")),
                    "{} {} with {stranger:?}",
                    spec.method,
                    spec.path
                );
            }
        }
        for (of, key) in keys.iter().filter(|(of, _)| *of != scope) {
            for name in [&theirs as &dyn Fn(Thing) -> String, &unknown] {
                assert_eq!(ask(name, Some(key)), (403, json!("scope")), "{} {} with {of}", spec.method, spec.path);
            }
        }
        let (status, code) = ask(&unknown, Some(&keys.iter().find(|(of, _)| *of == scope).unwrap().1));
        assert!(!matches!(status, 401 | 403 | 500..), "{} {} with {scope}: {status} {code}", spec.method, spec.path);
    }
    // One that was revoked or has run out opens nothing.
    let (_, key) = &keys[0];
    for ended in ["revoked_at = 1", "revoked_at = NULL, expires_at = 1"] {
        scene.world.execute(&format!("UPDATE api_key SET {ended} WHERE id = '{key}'"));
        assert_eq!(call(&scene.world, "GET", "/api/v1/webhooks", Some(key), "", "").0, 401, "{ended}");
    }
}
