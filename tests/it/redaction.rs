//! What must not be written anywhere: every secret goes through every door, things break on the way, and then whatever
//! the program has said and kept is searched. Logs are asked for everything that they can say.

use std::fs::{File, read, read_to_string};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::browserlike::{Browser, Page};
use crate::cli::{KEY, Serving, configure_with, marketgate, says};
use crate::second_factor::turn_on;
use crate::sink::{Api, advance};
use crate::world::{BUYER, MEMBER, OWNER, PASSWORD, World, agent, behind, create, get, query, token, until};

const NEW_PASSWORD: &str = "orange-Bicycle-77";
const WRONG_PASSWORD: &str = "violet-Tramway-31";
const MAIL_PASSWORD: &str = "the-mail-servers-own-word";
const NEWCOMER: &str = "chen.siyuan@example.com";
const NOBODY: &str = "nobody@example.com";

/// Of a webhook's address: kept, since it is shown to operators, and not logged.
const HOOK_PATH: &str = "T0mF2SQx9LAVt";

/// What was sent and shown, and must be found nowhere.
#[derive(Default)]
struct Ledger {
    /// What it is, and the secret.
    secrets: Vec<(String, String)>,
}

impl Ledger {
    fn add(&mut self, what: &str, secret: &str) {
        assert!(secret.len() >= 6, "{what}: {secret:?} is no secret");
        self.secrets.push((what.to_owned(), secret.to_owned()));
    }

    /// The token of a signed address.
    fn add_token(&mut self, what: &str, address: &str) {
        self.add(what, address.split("token=").nth(1).unwrap().split('&').next().unwrap());
    }

    /// What lets this browser in.
    fn add_cookies(&mut self, what: &str, browser: &Browser) {
        for (name, value) in browser.cookies() {
            if !["lang", "theme"].iter().any(|plain| name.ends_with(plain)) {
                self.add(&format!("cookie {name} of {what}"), &value);
            }
        }
    }

    /// What a form hides: seals and tokens.
    fn add_form(&mut self, what: &str, page: &Page, action: &str) {
        for (name, value) in page.form(action).fields {
            if ["csrf", "seal", "token"].contains(&name.as_str()) && value.len() > 16 {
                self.add(&format!("{name} of {what}"), &value);
            }
        }
    }

    /// Fails with what is found in `text` and the place where it stands.
    fn check(&self, place: &str, text: &[u8], more: &[&str]) {
        let text = String::from_utf8_lossy(text);
        let personal = more.iter().map(|word| ("personal".to_owned(), (*word).to_owned()));
        for (what, secret) in self.secrets.iter().cloned().chain(personal) {
            if let Some(at) = text.match_indices(&secret).map(|(at, _)| at).find(|at| !is_a_number(&text, *at, &secret))
            {
                let line = text[..at].rfind('\n').map_or(0, |at| at + 1);
                let rest: String = text[line..].chars().take(600).collect();
                panic!("{what} {secret:?} is in {place}: {rest}");
            }
        }
    }
}

/// Six digits stand in many a longer number, and in parts of seconds.
fn is_a_number(text: &str, at: usize, secret: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '.');
    secret.len() == 6 && (is_part(text[..at].chars().next_back()) || is_part(text[at + 6..].chars().next()))
}

/// What the newest mail of a fixture to an address says.
fn mail(world: &World, email: &str, kind: &str) -> String {
    world.mail(email, kind)["body"].as_str().unwrap().to_owned()
}

/// The six digits of a mail.
fn digits(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| line.len() == 6 && line.parse::<u32>().is_ok());
    line.unwrap_or_else(|| panic!("no code in {text}")).to_owned()
}

fn organization(page: &Page, name: &str) -> String {
    page.choice(name).unwrap_or_else(|| panic!("{name} cannot be chosen on {}", page.h1()))
}

/// Makes the query of a call, with its token.
type Signing<'a> = dyn Fn(&[(&str, &str)]) -> String + 'a;

/// Every way in which a call of the marketplace can come and be turned away, with a token that is good somewhere.
fn call_in_every_way(ledger: &mut Ledger, origin: &str, signed: &Signing<'_>, instance: &str) {
    let spi = format!("{origin}/marketplace/alibaba/spi");
    let good = signed(&create(instance));
    ledger.add_token("token of a call", &good);
    assert_eq!(get(&format!("{spi}?{good}")).0, 200);
    let other = token(&create(instance), "another-key-0123456789");
    ledger.add("token under another key", &other);
    let malformed = signed(&[("action", "createInstance"), ("orderBizId", "a b/c"), ("aliUid", BUYER)]);
    let incomplete = signed(&[("action", "renewInstance")]);
    let unknown = signed(&[("action", "juggle"), ("aliUid", BUYER)]);
    for signed in [&malformed, &incomplete, &unknown] {
        ledger.add_token("token of a call that is refused", signed);
    }
    let twice = format!("{good}&action=twice");
    let again = format!("{good}&{}", good.split('&').next_back().unwrap());
    let broken = format!("{good}&name=%ff%fe");
    let long = format!("{good}&name={}", "x".repeat(15_000));
    let elsewhere = good.replace("token=", "Token=");
    let queries =
        [query(&create(instance), &other), malformed, incomplete, unknown, twice, again, broken, long, elsewhere];
    for sent in &queries {
        let (status, _) = get(&format!("{spi}?{sent}"));
        assert!(status == 200 || (400..500).contains(&status), "{status} to {sent}");
        let posted = agent().post(&spi).header("content-type", "application/x-www-form-urlencoded").send(sent).unwrap();
        assert!(posted.status().as_u16() < 500);
    }
    for path in ["nobody/spi", "alibaba/nothing", "alibaba/spi/more"] {
        assert_eq!(get(&format!("{origin}/marketplace/{path}?{good}")).0, 404);
    }
    let deleted = agent().delete(format!("{spi}?{good}")).call().unwrap();
    assert!((400..500).contains(&deleted.status().as_u16()));
    assert!(get(&format!("{spi}?{good}&pad={}", "x".repeat(20_000))).0 >= 400);
}

/// A login-free link: opened, entered, and tried again in ways that lead nowhere. The page behind it.
fn land(ledger: &mut Ledger, browser: &Browser, link: &str) -> Page {
    ledger.add_token("token of a link", link);
    let front = browser.get(link);
    ledger.add_form("a landing", &front, "/marketplace/alibaba/login/enter");
    browser.submit(&front.form("/marketplace/alibaba/login/enter"))
}

/// A person's day in a fixture, whose clock moves and whose mails can be read.
fn live_with_a_fixture(ledger: &mut Ledger, world: &World) {
    for (what, key) in [("ISV key", "isv_key"), ("AccessKey secret", "access_key_secret"), ("API key", "api_key")] {
        ledger.add(what, world.ready[key].as_str().unwrap());
    }
    ledger.add("password", PASSWORD);
    ledger.add("operator's password", world.ready["operator"]["password"].as_str().unwrap());
    call_in_every_way(ledger, &world.gateway, &|params| world.signed(params), "1");

    let browser = world.browser();
    let link = world.link("1");
    let page = land(ledger, &browser, &link);
    for stranger in [world.browser(), world.browser()] {
        assert!(stranger.open_link(&link).status < 500);
        stranger.get(&link.replace("instanceId=1", "instanceId=2"));
        ledger.add_cookies("a stranger", &stranger);
    }
    let stale = world.link_made("1", -4_000);
    ledger.add_token("token of a stale link", &stale);
    browser.get(&stale);
    ledger.add_cookies("a visitor", &browser);
    ledger.add("wrong password", WRONG_PASSWORD);
    assert_eq!(browser.sign_in(&page, OWNER, WRONG_PASSWORD).status, 422);
    let claim = page.path.clone();
    let page = browser.sign_in(&page, OWNER, PASSWORD);
    ledger.add_cookies("the owner", &browser);
    let form = page.form(&format!("{claim}/confirm"));
    browser.submit(&form.set("choice", &organization(&page, "云帆数据")));
    until("the binding", || (browser.get(&claim).h1() == "绑定成功").then_some(()));
    use_the_api(ledger, world, &browser);
    ask_the_owners(ledger, world);
    forget_the_password(ledger, world);
    invite_somebody(ledger, world);
    register(ledger, world);
    verify_in_two_steps(ledger, world);
    // What was used leaves for the marketplace, signed with the AccessKey.
    advance(world, "3h");
    let left = "SELECT count(*) FROM record WHERE state NOT IN ('open', 'sealed', 'sending')";
    until("the push", || (world.rows(left) != ["0"]).then_some(()));
}

/// An address that has no account is asked to join, and joins by the link.
fn invite_somebody(ledger: &mut Ledger, world: &World) {
    let (email, owner) = ("invited.person@example.com", world.signed_in(OWNER));
    crate::invitations::invite(&owner, &world.organization("星河科技"), email, "member");
    ledger.add_cookies("the inviting owner", &owner);
    let path = crate::invitations::link(world, email);
    ledger.add("mailed invitation", path.strip_prefix("/invitations/").unwrap());
    let guest = world.browser();
    guest.get(&path);
    guest.get("/invitations/made-up");
    let page = guest.get(&format!("/register?next={path}"));
    guest.submit(&crate::invitations::fill(&page, "somebody.else@example.com"));
    assert!(guest.submit(&crate::invitations::fill(&page, email)).path.ends_with("done=joined"));
    assert_eq!(guest.get(&path).status, 200);
    ledger.add_cookies("the invited", &guest);
}

/// Webhooks with their secrets, codes of entries, keys that are wrong.
fn use_the_api(ledger: &mut Ledger, world: &World, browser: &Browser) {
    let api = Api::of(world);
    // Nobody listens there.
    let url = format!("http://127.0.0.1:1/{HOOK_PATH}?key={HOOK_PATH}");
    let body = json!({ "url": url, "types": [] }).to_string();
    let made: Vec<Value> =
        (0..2).map(|_| api.call("POST", "/webhooks", &[("idempotency-key", "one")], &body).2).collect();
    assert_eq!(made[0], made[1]);
    ledger.add("secret of a webhook", made[0]["secret"].as_str().unwrap());
    let path = format!("/webhooks/{}", made[0]["id"].as_str().unwrap());
    let rotated = api.post(&format!("{path}/rotate"), &json!({ "overlap_secs": 60 })).1;
    ledger.add("new secret of a webhook", rotated["secret"].as_str().unwrap());
    api.post(&format!("{path}/ping"), &json!({}));
    until("a failed ping", || world.rows("SELECT state FROM delivery").contains(&"dead".to_owned()).then_some(()));
    ledger.add("key that is none", "mg_live_thisKeyIsOfNobody0123456789");
    let stranger = api.with_key("mg_live_thisKeyIsOfNobody0123456789");
    assert_eq!(stranger.call("GET", "/organizations?key=mg_live_thisKeyIsOfNobody0123456789", &[], "").0, 401);
    let id = world.organization("云帆数据");
    let location = browser.get_only(&format!("/enter?org={id}")).headers["location"].clone();
    let code = behind(&location, "code=");
    ledger.add("code of an entry", &code);
    for expected in [200, 410] {
        let (status, said) = api.post("/sessions/exchange", &json!({ "code": code }));
        assert_eq!(status, expected, "{said}");
    }
    assert!(api.call("POST", "/sessions/exchange", &[], &format!("{{\"code\":\"{code}\"")).0 >= 400);
    let now = jiff::Timestamp::from_second(crate::world::now_secs()).unwrap();
    assert_eq!(api.use_some(&id, "1", ("Period", 7), now).0, 200);
}

/// A link that binds, mailed to owners.
fn ask_the_owners(ledger: &mut Ledger, world: &World) {
    world.buy("2");
    let member = world.browser();
    let page = land(ledger, &member, &world.link("2"));
    let claim = page.path.clone();
    let page = member.sign_in(&page, MEMBER, PASSWORD);
    assert_eq!(member.submit(&page.form(&format!("{claim}/request-approval"))).status, 200);
    ledger.add_cookies("a member", &member);
    let token = world.mailed_approval();
    ledger.add("link of an approval", &token);
    let path = format!("/approvals/{token}");
    for visitor in [world.browser(), member] {
        visitor.get(&path);
        assert!(visitor.post(&path, &[("csrf", "none")]).status >= 300);
    }
}

/// A link that sets a password: opened, used wrongly, used, used again.
fn forget_the_password(ledger: &mut Ledger, world: &World) {
    let browser = world.browser();
    for email in [MEMBER, NOBODY] {
        browser.submit(&browser.get("/password/forgot").form("/password/forgot").set("email", email));
    }
    let mail = mail(world, MEMBER, "password_reset");
    let path = format!("/password/reset/{}", behind(&mail, "/password/reset/"));
    ledger.add("link of a reset", path.rsplit('/').next().unwrap());
    ledger.add("new password", NEW_PASSWORD);
    let form = browser.get(&path).form("/password/reset");
    assert_eq!(browser.submit(&form.clone().set("password", "short-9")).status, 422);
    assert!(browser.submit(&form.clone().set("password", NEW_PASSWORD)).status < 400);
    assert!(browser.submit(&form.set("password", NEW_PASSWORD)).status >= 400);
    assert!(browser.get(&format!("{path}x")).status >= 400 && browser.get(&path).status >= 400);
    ledger.add_cookies("who forgot", &browser);
}

/// With a code that is mailed, typed wrongly first.
fn register(ledger: &mut Ledger, world: &World) {
    let browser = world.browser();
    let form = browser.get("/register").form("/register").set("name", "陈思远").set("email", NEWCOMER);
    let page = browser.submit(&form.set("password", NEW_PASSWORD).set("agree", "1"));
    let code = digits(&mail(world, NEWCOMER, "address_code"));
    ledger.add("mailed code", &code);
    let form = page.form("/register/code");
    browser.submit(&form.clone().set("code", if code == "000000" { "000001" } else { "000000" }));
    assert_eq!(browser.submit(&form.clone().set("code", &code)).path, "/orgs");
    assert!(browser.submit(&form.set("code", &code)).status >= 400);
    ledger.add_cookies("a newcomer", &browser);
}

/// The app's key, its codes, and those that stand in for it; then a command turns it off.
fn verify_in_two_steps(ledger: &mut Ledger, world: &World) {
    let owner = &world.browser();
    owner.sign_in_as(OWNER);
    ledger.add("key of an app", &owner.get("/me/security/totp").texts("code").remove(0).replace(' ', ""));
    let (app, codes) = turn_on(owner);
    ledger.add("code of an app", &app.code());
    for code in &codes {
        ledger.add("recovery code", code);
        ledger.add("recovery code, joined", &code.replace('-', ""));
    }
    let browser = world.browser();
    let page = browser.sign_in(&browser.get("/login"), OWNER, PASSWORD);
    ledger.add_cookies("who is half signed in", &browser);
    assert_eq!(browser.submit(&page.form("/login/totp").set("code", &app.code())).status, 422);
    let code = app.next(world);
    ledger.add("another code of an app", &code);
    let page = browser.get("/login/totp");
    browser.submit(&page.form("/login/totp").set("code", &code));
    let other = world.browser();
    let page = other.sign_in(&other.get("/login"), OWNER, PASSWORD);
    other.submit(&page.form("/login/totp").without("code").set("recovery", &codes[0]));
    ledger.add_cookies("the owner again", &browser);
    let database = world.ready["database"].as_str().unwrap();
    for email in [OWNER, NOBODY] {
        says(marketgate(&["user", "reset-totp", email, "--database", database]));
    }
}

/// Where a process writes.
struct Written {
    files: Vec<PathBuf>,
    place: PathBuf,
}

impl Written {
    /// Everything is said, and said into files.
    fn by<'a>(&mut self, name: &str, command: &'a mut Command) -> &'a mut Command {
        let path = self.place.join(format!("{name}.stderr"));
        self.files.push(path.clone());
        talkative(command).stderr(File::create(path).unwrap())
    }
}

fn talkative(command: &mut Command) -> &mut Command {
    command.env("MARKETGATE_LOG", "trace").env("RUST_BACKTRACE", "1")
}

/// The database and what stands beside it.
fn check_files(ledger: &Ledger, place: &Path) {
    for name in ["gate.db", "gate.db-wal"] {
        let bytes = read(place.join(name)).unwrap_or_default();
        ledger.check(name, &bytes, &[]);
    }
}

#[test]
fn no_secret_is_written_by_a_fixture_that_lives_through_everything() {
    let place = tempfile::tempdir().unwrap();
    let mut written = Written { files: Vec::new(), place: place.path().to_owned() };
    let database = place.path().join("gate.db");
    let mut ledger = Ledger::default();
    let arguments = ["--email-check", "--database", database.to_str().unwrap()];
    let world = World::launch(&arguments, |command| written.by("fixture", command));
    live_with_a_fixture(&mut ledger, &world);
    check_files(&ledger, place.path());
    // Addresses belong into mails and accounts, and nowhere into what is logged of them.
    assert_eq!(world.rows("SELECT count(*) FROM alarm WHERE detail LIKE '%@%'"), ["0"]);
    assert_eq!(world.rows("SELECT count(*) FROM job WHERE key LIKE '%@%' OR last_error LIKE '%@%'"), ["0"]);
    world.kill();
    check_files(&ledger, place.path());
    // The marketplace that is asked is away: errors name no more than successes.
    let world = World::launch(&[&arguments[..], &["--heal", "--openapi", "http://127.0.0.1:1"]].concat(), |command| {
        written.by("alone", command)
    });
    world.buy("9");
    advance(&world, "26h");
    world.terminate();
    for file in &written.files {
        let text = read(file).unwrap();
        assert!(text.windows(6).any(|part| part == b"\"INFO\""), "{} was asked for more than usual", file.display());
        ledger.check(&file.display().to_string(), &text, &[BUYER, OWNER, MEMBER, NEWCOMER, NOBODY, HOOK_PATH]);
    }
}

/// Production on a file of its own, with mail.
fn production(place: &Path, mail_port: u16) -> Serving {
    let smtp = format!(
        "[smtp]\nhost = \"127.0.0.1\"\nport = {mail_port}\ntls = \"none\"\nfrom = \"no-reply@gate.example.com\"\nuser = \"mailer\"\npassword = \"{MAIL_PASSWORD}\"\n"
    );
    let file = configure_with(place, "https://gate.example.com", KEY, &smtp);
    assert_eq!(says(marketgate(&["init", "--config", &file])).0, Some(0));
    Serving::start_with(&file, talkative)
}

#[test]
fn no_secret_is_written_by_production_when_everything_breaks() {
    let place = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::default();
    for (what, secret) in [("ISV key", KEY), ("password of mails", MAIL_PASSWORD), ("password", NEW_PASSWORD)] {
        ledger.add(what, secret);
    }
    let mails = crate::mail::Sink::start("nobody");
    let serving = production(place.path(), mails.port);
    let signed = |params: &[(&str, &str)]| query(params, &token(params, KEY));
    call_in_every_way(&mut ledger, &serving.1, &signed, "1");
    let browser = Browser::new(&serving.1);
    for (browser, email) in [(&browser, NEWCOMER), (&Browser::new(&serving.1), NOBODY)] {
        let form = browser.get("/register").form("/register").set("name", "Yue Lin").set("password", NEW_PASSWORD);
        assert_eq!(browser.submit(&form.set("agree", "1").set("email", email)).path, "/orgs");
    }
    for email in [NOBODY, NEWCOMER] {
        let other = Browser::new(&serving.1);
        other.submit(&other.get("/password/forgot").form("/password/forgot").set("email", email));
    }
    let sent = until("the mail", || {
        mails.mails().into_iter().find(|mail| mail.contains(NEWCOMER) && mail.lines().any(|line| line == "."))
    });
    let reset = format!("/password/reset/{}", behind(&crate::mail::parts(&sent).text, "/password/reset/"));
    ledger.add("link of a reset", reset.rsplit('/').next().unwrap());
    ledger.add_cookies("a newcomer", &browser);
    let database = rusqlite::Connection::open(place.path().join("gate.db")).unwrap();
    database.busy_timeout(crate::world::PATIENCE).unwrap();
    let refused = "SELECT group_concat(last_error || (SELECT group_concat(detail) FROM alarm)) FROM job";
    let ask = || database.query_row(refused, (), |row| row.get::<_, Option<String>>(0)).unwrap();
    let told = until("the refused mail", ask);
    assert!(told.contains("550") && !told.contains('@'), "{told}");
    check_files(&ledger, place.path());

    // What every request needs is gone: each door says so, and none says more.
    for table in ["session", "password_reset", "subscription", "claim", "spent_token", "api_key", "approval"] {
        database.execute_batch(&format!("ALTER TABLE {table} RENAME TO {table}_gone")).unwrap();
    }
    let stamp = crate::world::china_text(crate::world::now_secs());
    let link = signed(&[("action", "verify"), ("instanceId", "1"), ("timeStamp", &stamp)]);
    ledger.add_token("token of a link", &link);
    let call = signed(&create("3"));
    ledger.add_token("token of a call that breaks", &call);
    let mut broken = 0;
    for path in [
        format!("/marketplace/alibaba/login?{link}"),
        format!("/marketplace/alibaba/spi?{call}"),
        reset.clone(),
        format!("/approvals/{}", reset.rsplit('/').next().unwrap()),
        "/orgs".to_owned(),
    ] {
        broken += u32::from(browser.get_only(&path).status >= 500);
    }
    let api = Api { origin: serving.1.clone(), key: "mg_live_thisKeyIsOfNobody0123456789".into() };
    ledger.add("API key", &api.key);
    broken += u32::from(api.call("GET", "/organizations", &[], "").0 >= 500);
    broken += u32::from(browser.post("/login", &[("email", NEWCOMER), ("password", NEW_PASSWORD)]).status >= 500);
    assert!(broken >= 4, "only {broken} doors broke");
    check_files(&ledger, place.path());
    let text = serving.kill();
    assert!(text.contains("\"ERROR\"") && text.contains("no such table"), "the causes are told: {text}");
    ledger.check("the log", text.as_bytes(), &[BUYER, NEWCOMER, NOBODY]);
}

#[test]
fn a_configuration_that_cannot_be_read_is_told_without_the_line() {
    let place = tempfile::tempdir().unwrap();
    let good = read_to_string(configure_with(place.path(), "https://gate.example.com", KEY, "")).unwrap();
    let file = place.path().join("marketgate.toml");
    let key = format!("isv_key = \"{KEY}\"");
    for (wrong, said) in [
        // No quote at the end, a number instead of a text, the same key twice, something else instead of one text.
        (good.replace(&key, &key[..key.len() - 1]), "line 8"),
        (good.replace(&key, "isv_key = 90210743215532"), "must be a text"),
        (good.replace(&key, &format!("{key}\n{key}")), "line 9"),
        (good.replace(&key, &format!("isv_key = [\"{KEY}\"]")), "must be a text"),
        (good.replace(&key, &format!("isv_kay = \"{KEY}\"")), "isv_key"),
    ] {
        std::fs::write(&file, wrong).unwrap();
        for command in ["check", "show"] {
            let (code, text) = says(marketgate(&["config", command, "--config", file.to_str().unwrap()]));
            assert_eq!(code, Some(1), "{text}");
            assert!(text.contains(said) && !text.contains(&KEY[..12]) && !text.contains("90210743215532"), "{text}");
        }
    }
}
