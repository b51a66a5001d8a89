//! Two-step verification (rules A1, A7, D5): set up, asked for, guessed at.

use marketgate::crypto::totp;
use marketgate::domain::value::Instant;
use totp_rs::{Builder, Secret};

use crate::browserlike::{Browser, Page};
use crate::world::{OWNER, PASSWORD, World, agent, now_secs};

const OPERATOR: &str = "operator@example.com";

/// An authenticator app, made of the key that the page shows, on a clock that moves with the fixture's.
pub struct App {
    totp: totp_rs::Totp,
    /// Steps ahead of the wall clock: a code works once, so each test waits for the next without waiting.
    ahead: std::cell::Cell<i64>,
}

impl App {
    fn read(page: &Page) -> Self {
        let key: String = page.texts("code").remove(0).split_whitespace().collect();
        let secret = Secret::try_from_base32(&key).unwrap();
        Self { totp: Builder::new().with_secret(secret).build().unwrap(), ahead: std::cell::Cell::new(0) }
    }

    /// The code that it shows now.
    pub fn code(&self) -> String {
        let secs = now_secs() + self.ahead.get();
        self.totp.generate(u64::try_from(secs).unwrap()).to_string()
    }

    /// The next one that was never shown: both clocks move on.
    pub fn next(&self, world: &World) -> String {
        self.ahead.set(self.ahead.get() + 60);
        advance(world, "1m");
        self.code()
    }

    /// A code that is wrong now and soon.
    fn wrong(&self) -> String {
        let secs = now_secs() + self.ahead.get();
        let near: Vec<String> =
            (-3..=3).map(|step| self.totp.generate(u64::try_from(secs + 30 * step).unwrap()).to_string()).collect();
        (0..100).map(|n| format!("{n:06}")).find(|code| !near.contains(code)).unwrap()
    }
}

pub fn advance(world: &World, by: &str) {
    let body = format!("{{\"advance\":\"{by}\"}}");
    let answer = agent().post(&format!("{}/control/clock", world.simulator_origin())).send(body).unwrap();
    assert_eq!(answer.status(), 200);
}

/// Turns it on, as a person does: the app, and the codes that stand in for it.
pub fn turn_on(browser: &Browser) -> (App, Vec<String>) {
    let page = browser.get("/me/security/totp");
    assert_eq!(page.h1(), "启用两步验证", "{}", page.path);
    let app = App::read(&page);
    let done = browser.submit(&page.form("/me/security/totp").set("code", &app.code()));
    assert_eq!((done.status, done.h1().as_str()), (200, "保存您的恢复码"));
    (app, done.texts(".codes code"))
}

/// The password; the page that follows.
fn password(browser: &Browser, email: &str) -> Page {
    browser.sign_in(&browser.get("/login"), email, PASSWORD)
}

fn answer(browser: &Browser, page: &Page, code: &str) -> Page {
    browser.submit(&page.form("/login/totp").set("code", code))
}

#[test]
fn signing_in_takes_the_password_and_a_code_that_works_once() {
    let world = World::start();
    let browser = world.browser();
    browser.sign_in_as(OWNER);
    let (app, codes) = turn_on(&browser);
    assert_eq!(codes.len(), 10);
    assert_eq!(browser.get("/me/security/totp").h1(), "两步验证");
    assert_eq!(world.rows("SELECT kind FROM mail WHERE kind = 'second_factor_on'").len(), 1, "the user is told");
    // The secret and the codes are not in the file.
    let kept =
        world.rows("SELECT secret || (SELECT group_concat(hex(code_hash)) FROM recovery_code) FROM totp").remove(0);
    assert!(codes.iter().all(|code| !kept.contains(&code.replace('-', ""))), "{kept}");

    let other = world.browser();
    let page = password(&other, OWNER);
    assert_eq!((page.status, page.path.as_str(), page.h1().as_str()), (200, "/login/totp", "输入验证码"));
    assert!(other.get("/me").path.starts_with("/login"), "half signed in is not signed in");
    assert_eq!(world.rows("SELECT count(*) FROM session WHERE ended_at IS NULL"), ["1"]);
    let page = other.get("/login/totp");
    // The code that turned it on was used by that.
    let used = answer(&other, &page, &app.code());
    assert_eq!(used.status, 422);
    assert!(used.has("已经用过"));
    let wrong = answer(&other, &page, &app.wrong());
    assert_eq!(wrong.status, 422);
    let code = app.next(&world);
    let page = answer(&other, &other.get("/login/totp"), &code);
    assert_eq!((page.status, page.path.as_str()), (200, "/orgs"));
    assert!(!other.cookie_names().iter().any(|name| name == "mg_half"));
    // The same code in another browser, and the half session again.
    let third = world.browser();
    let page = password(&third, OWNER);
    assert!(answer(&third, &page, &code).has("已经用过"));
    assert_eq!(world.rows("SELECT count(*) FROM half_session"), ["1"], "a finished one is gone");
}

#[test]
fn a_recovery_code_stands_in_for_the_app_once_and_its_owner_is_told() {
    let world = World::start();
    let browser = world.browser();
    browser.sign_in_as(OWNER);
    let (_, codes) = turn_on(&browser);
    let sign_in = |code: &str| {
        let browser = world.browser();
        let page = password(&browser, OWNER);
        let form = page.form("/login/totp").without("code").set("recovery", code);
        (browser.submit(&form), browser)
    };
    let (page, inside) = sign_in(&codes[3].to_uppercase().replace('-', " "));
    assert_eq!(page.path, "/orgs");
    assert_eq!(world.rows("SELECT kind FROM mail WHERE kind = 'recovery_code_used'").len(), 1);
    assert!(inside.get("/me/security").has("还剩 9 个"));
    let (again, _) = sign_in(&codes[3]);
    assert_eq!(again.status, 422);
    assert!(again.has("恢复码不正确"));
    // New ones end the old ones; they are shown once.
    let page = inside.get("/me/security/totp");
    let renewed = inside.submit(&page.form("/me/security/recovery-codes"));
    let fresh = renewed.texts(".codes code");
    assert!(fresh.len() == 10 && fresh.iter().all(|code| !codes.contains(code)));
    assert_eq!(sign_in(&codes[4]).0.status, 422);
    assert_eq!(sign_in(&fresh[0]).0.path, "/orgs");
}

#[test]
fn guessing_codes_becomes_slow_and_its_victim_is_told_and_not_locked_out_by_strangers() {
    let world = World::start();
    let organization = world.bind("1", OWNER, "星河科技");
    let browser = world.browser();
    browser.sign_in_as(OWNER);
    let (app, _) = turn_on(&browser);
    let thief = world.browser();
    let page = password(&thief, OWNER);
    let statuses: Vec<u16> = (0..6).map(|_| answer(&thief, &page, &app.wrong()).status).collect();
    assert_eq!(statuses, [422, 422, 422, 422, 422, 429]);
    assert_eq!(world.rows("SELECT recipient FROM mail WHERE kind = 'codes_guessed'"), [OWNER]);
    // A right one is not looked at either, nor does beginning anew help, nor the step-up.
    let code = app.code();
    assert_eq!(answer(&thief, &page, &code).status, 429);
    let page = password(&thief, OWNER);
    assert_eq!(answer(&thief, &page, &code).status, 429);
    // What cannot be a code is no guess and lengthens nothing; after the pause a right code works.
    assert_eq!(answer(&thief, &page, "x").status, 429);
    let code = app.next(&world);
    assert_eq!(answer(&thief, &page, &code).path, "/orgs");
    // Guesses of somebody who only has the marketplace's link do not lock the owner out.
    let stranger = world.browser();
    let link = stranger.open_link(&world.link("1"));
    let asked = stranger.get(&link.path);
    assert_eq!(asked.h1(), "输入验证码");
    assert!(!asked.html.contains(OWNER) && !asked.has("星河科技"), "nothing is told before the code");
    for _ in 0..6 {
        answer(&stranger, &asked, &app.wrong());
    }
    assert_eq!(answer(&stranger, &asked, &app.code()).status, 429);
    let own = world.browser();
    let page = password(&own, OWNER);
    assert_eq!(answer(&own, &page, &app.next(&world)).path, "/orgs");
    assert_eq!(own.get(&format!("/orgs/{organization}/billing")).status, 200);
}

#[test]
fn a_login_free_entry_asks_for_the_code_and_then_reaches_its_organization_only() {
    let world = World::start();
    let organization = world.bind("1", OWNER, "星河科技");
    let browser = world.browser();
    browser.sign_in_as(OWNER);
    let (app, _) = turn_on(&browser);
    let stranger = world.browser();
    let page = stranger.open_link(&world.link("1"));
    assert_eq!(page.h1(), "输入验证码");
    assert_eq!(world.rows("SELECT count(*) FROM session WHERE kind = 'marketplace'"), ["0"]);
    assert!(stranger.get(&format!("/orgs/{organization}/billing")).path.starts_with("/login"));
    let page = stranger.get(&page.path);
    let inside = answer(&stranger, &page, &app.next(&world));
    assert!(inside.path.starts_with(&world.product_origin()), "{}", inside.path);
    assert_eq!(stranger.get(&format!("/orgs/{organization}/billing")).status, 200);
    assert_eq!(stranger.get("/me").h1(), "再次输入密码", "still a session from the marketplace");
    assert_eq!(
        world.rows("SELECT kind FROM session WHERE ended_at IS NULL ORDER BY created_at DESC LIMIT 1"),
        ["marketplace"]
    );
    assert_eq!(world.rows("SELECT recipient FROM mail WHERE kind = 'entry_from_new_browser'"), [OWNER]);
    // A binding that ends meanwhile takes the entry with it.
    let late = world.browser();
    let page = late.open_link(&world.link("1"));
    world.spi(&[("action", "releaseInstance"), ("instanceId", "1")]);
    let refused = answer(&late, &late.get(&page.path), &app.next(&world));
    assert!(refused.path.starts_with("/login"), "{}", refused.path);
    assert!(!late.cookie_names().iter().any(|name| name == "mg_session"));
}

#[test]
fn a_lost_half_session_loses_no_claim() {
    let world = World::start();
    world.buy("1");
    let setting = world.browser();
    setting.sign_in_as(OWNER);
    let (app, _) = turn_on(&setting);
    let browser = world.browser();
    let page = browser.open_link(&world.link("1"));
    let claim = page.path.clone();
    let page = browser.sign_in(&page, OWNER, PASSWORD);
    assert!(page.path.starts_with("/login/totp?claim=clm_"), "{}", page.path);
    assert!(page.has("按量付费"), "the purchase stays in sight");
    // Ten minutes pass: the password again, and the claim is still there.
    advance(&world, "11m");
    let late = answer(&browser, &page, &app.code());
    assert!(late.path.starts_with("/login?claim=clm_") && late.has("时间已过"), "{}", late.path);
    assert_eq!(world.rows("SELECT count(*) FROM claim WHERE user_id IS NOT NULL"), ["0"], "nobody's yet");
    let page = browser.sign_in(&late, OWNER, PASSWORD);
    app.ahead.set(660);
    let page = answer(&browser, &page, &app.next(&world));
    assert_eq!((page.path.as_str(), page.h1().as_str()), (claim.as_str(), "为您的组织绑定支付方式"));
}

#[test]
fn half_signed_in_opens_no_route() {
    use marketgate::domain::session::Access;
    use marketgate::web::{Listener, ROUTES};
    let world = World::start();
    let setting = world.browser();
    setting.sign_in_as(OWNER);
    turn_on(&setting);
    let half = world.browser();
    password(&half, OWNER);
    assert!(half.cookie_names().iter().any(|name| name == "mg_half"));
    let csrf = half.get("/login").form("/login").fields.into_iter().find(|(name, _)| name == "csrf").unwrap().1;
    let mut tried = 0;
    for spec in ROUTES.iter().filter(|spec| spec.listener == Listener::Page && spec.access != Access::None) {
        let path = spec.path.replace("{id}", &world.organization("星河科技")).replace("{token}", "made-up");
        let page = if spec.method == "GET" { half.get_only(&path) } else { half.post(&path, &[("csrf", &csrf)]) };
        let location = page.headers.get("location").cloned().unwrap_or_default();
        assert!(location.starts_with("/login?next="), "{} {}: {} {location}", spec.method, spec.path, page.status);
        tried += 1;
    }
    assert!(tried > 20);
    // Its cookie's value is no session either.
    assert_eq!(
        world.rows("SELECT count(*) FROM half_session h JOIN session s ON s.secret_hash = h.secret_hash"),
        ["0"]
    );
}

#[test]
fn a_new_password_ends_every_half_session() {
    let world = World::start();
    let own = world.browser();
    own.sign_in_as(OWNER);
    let (app, _) = turn_on(&own);
    let thief = world.browser();
    let page = password(&thief, OWNER);
    advance(&world, "1s");
    let form = own.get("/me/security/password").form("/me/security/password").set("password", "orange-Bicycle-77");
    assert_eq!(own.submit(&form).path, "/me/security");
    let late = answer(&thief, &page, &app.next(&world));
    assert!(late.path.starts_with("/login"), "{}", late.path);
}

#[test]
fn stepping_up_takes_the_code_too_and_turning_it_off_a_step_up() {
    let world = World::start();
    let browser = world.browser();
    browser.sign_in_as(OWNER);
    let (app, _) = turn_on(&browser);
    let disable = browser.get("/me/security/totp").form("/me/security/totp/disable");
    advance(&world, "16m");
    app.ahead.set(960);
    let page = browser.submit(&disable);
    assert_eq!(page.h1(), "再次输入密码");
    assert_eq!(world.rows("SELECT count(*) FROM totp"), ["1"]);
    let form = page.form("/login/confirm").set("password", PASSWORD);
    for (typed, said) in [("", 422), (app.wrong().as_str(), 422)] {
        assert_eq!(browser.submit(&form.clone().set("code", typed)).status, said);
    }
    let wrong = browser.submit(&form.clone().set("password", "not-the-password").set("code", &app.code()));
    assert!(wrong.status == 422 && wrong.has("密码不正确"), "and a code alone does not do");
    let page = browser.submit(&form.set("code", &app.next(&world)).set("next", "/me/security/totp"));
    assert_eq!((page.path.as_str(), page.h1().as_str()), ("/me/security/totp", "两步验证"));
    let off = browser.submit(&page.form("/me/security/totp/disable"));
    assert!(off.path == "/me/security" && off.has("未启用"));
    assert_eq!(world.rows("SELECT (SELECT count(*) FROM totp) + (SELECT count(*) FROM recovery_code)"), ["0"]);
    assert_eq!(password(&world.browser(), OWNER).path, "/orgs");
}

#[test]
fn a_page_that_sets_it_up_works_for_its_reader_only_and_a_wrong_code_keeps_it() {
    let world = World::start();
    let (owner, member) = (world.browser(), world.browser());
    owner.sign_in_as(OWNER);
    member.sign_in_as(crate::world::MEMBER);
    let page = owner.get("/me/security/totp");
    let app = App::read(&page);
    assert!(page.html.contains("<svg class=\"qr\""));
    let wrong = owner.submit(&page.form("/me/security/totp").set("code", &app.wrong()));
    assert_eq!(wrong.status, 422);
    assert_eq!(wrong.texts("code"), page.texts("code"), "the same secret: nobody has to scan again");
    let sealed = page.form("/me/security/totp").fields.into_iter().find(|(name, _)| name == "sealed").unwrap().1;
    let stolen =
        member.get("/me/security/totp").form("/me/security/totp").set("sealed", &sealed).set("code", &app.code());
    assert_eq!(member.submit(&stolen).h1(), "启用两步验证", "another page's secret is not taken");
    assert_eq!(world.rows("SELECT count(*) FROM totp"), ["0"]);
    let form = wrong.form("/me/security/totp").set("code", &app.code());
    assert_eq!(owner.submit(&form).h1(), "保存您的恢复码");
    let again = owner.submit(&form);
    assert_eq!(again.h1(), "两步验证", "twice changes nothing and shows no codes");
    assert_eq!(world.rows("SELECT count(*) FROM recovery_code"), ["10"]);
}

#[test]
fn an_operator_who_needs_it_reaches_nothing_before_it_is_set_up() {
    let world = World::with(&["--operator-totp"]);
    let browser = world.browser();
    let page = password(&browser, OPERATOR);
    assert_eq!((page.path.as_str(), page.h1().as_str()), ("/me/security/totp", "启用两步验证"));
    assert!(page.has("运营人员需要先启用两步验证"));
    for path in ["/operator/metering", "/orgs", "/me", "/me/security", "/me/security/password", "/orgs/new"] {
        assert_eq!(browser.get(path).path, "/me/security/totp", "{path}");
    }
    turn_on(&browser);
    assert_eq!(browser.get("/operator/metering").status, 200);
    let page = browser.get("/me/security/totp");
    assert!(page.find_form("/me/security/totp/disable").is_none() && page.has("不能停用"));
    let csrf = page.form("/logout").fields.remove(0).1;
    assert_eq!(browser.post("/me/security/totp/disable", &[("csrf", &csrf)]).status, 403);
    assert_eq!(world.rows("SELECT count(*) FROM totp"), ["1"]);
    // Others are not asked.
    assert_eq!(password(&world.browser(), OWNER).path, "/orgs");
}

#[test]
fn the_apps_of_the_test_and_of_the_product_agree() {
    let shared = *b"12345678901234567890";
    let app = Builder::new().with_secret(shared).build().unwrap();
    let now = now_secs();
    let code = app.generate(u64::try_from(now).unwrap()).to_string();
    assert_eq!(totp::step(&shared, &code, Instant::from_ms(now * 1000)), Some(now / 30));
}

#[test]
fn who_lost_it_all_is_let_in_by_a_command_and_told() {
    use crate::cli::{KEY, configure, marketgate, says};
    let place = tempfile::tempdir().unwrap();
    let world = World::on(&place.path().join("gate.db"));
    let browser = world.browser();
    browser.sign_in_as(OWNER);
    turn_on(&browser);
    let config = configure(place.path(), "https://gate.example.com", KEY);
    let reset = |email: &str| says(marketgate(&["user", "reset-totp", email, "--config", &config]));
    // While the gateway runs, by its socket; and again, which changes nothing.
    let (code, said) = reset(OWNER);
    assert!(code == Some(0) && said.contains("is off now"), "{said}");
    assert!(reset(OWNER).1.contains("was off already"));
    let (code, said) = reset("nobody@example.com");
    assert!(code == Some(1) && said.contains("no account"), "{said}");
    assert_eq!(password(&world.browser(), OWNER).path, "/orgs");
    assert_eq!(world.rows("SELECT recipient FROM mail WHERE kind = 'second_factor_off'"), [OWNER]);
    assert_eq!(world.rows("SELECT actor_kind FROM audit WHERE action = 'user.second_factor_reset'"), ["command_line"]);
    // And while it does not.
    turn_on(&browser);
    world.terminate();
    let (code, said) = reset(OWNER);
    assert!(code == Some(0) && said.contains("is off now"), "{said}");
}
