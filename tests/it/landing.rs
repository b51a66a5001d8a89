//! The login-free link (rules A1, A2, A5) and claims (rules A3).

use std::thread;

use crate::world::{BILLING, MEMBER, OWNER, World, create, until};

const WELCOME: &str = "您的订阅已开通，还差一步";

#[test]
fn a_scanner_spends_nothing_and_the_person_spends_once() {
    let world = World::start();
    world.buy("1");
    let link = world.link("1");
    let scanner = world.browser();
    for page in [scanner.head(&link), scanner.get(&link), scanner.get(&link)] {
        assert_eq!(page.status, 200);
        assert_eq!(page.headers["cache-control"], "no-store");
        assert_eq!(page.headers["referrer-policy"], "no-referrer");
        assert_eq!(page.headers["x-robots-tag"], "noindex");
    }
    let person = world.browser();
    let page = person.open_link(&link);
    assert_eq!(page.h1(), WELCOME);
    assert!(page.path.starts_with("/claim/clm_"), "no token, order or account in {}", page.path);
    assert!(page.has("1234****5678") && !page.html.contains(crate::world::BUYER), "the account is masked");
    // The same browser may come again by the same link; another may not.
    assert_eq!(person.open_link(&link).path, page.path);
    let other = world.browser().open_link(&link);
    assert_eq!((other.status, other.h1().as_str()), (410, "这个链接已经使用过"));
}

#[test]
fn two_tabs_that_open_one_link_at_once_share_one_claim() {
    let world = World::start();
    world.buy("1");
    let link = world.link("1");
    let browser = world.browser();
    // Both pages are asked for before any cookie is there.
    let (first, second) = (world.browser(), browser.again(&world.gateway));
    let page_one = first.get(&link);
    let page_two = second.get(&link);
    let enter = "/marketplace/alibaba/login/enter";
    let one = first.submit(&page_one.form(enter));
    // The second tab's request carries the cookies of both, as one jar does.
    let jar = first.again(&world.gateway);
    let two = jar.submit(&page_two.form(enter));
    assert_eq!(one.path, two.path);
    assert_eq!(two.h1(), WELCOME);
}

#[test]
fn only_one_of_many_browsers_wins_a_link() {
    let world = World::start();
    world.buy("1");
    let link = world.link("1");
    let titles: Vec<String> = thread::scope(|scope| {
        let people: Vec<_> = (0..8).map(|_| scope.spawn(|| world.browser().open_link(&link).h1())).collect();
        people.into_iter().map(|person| person.join().unwrap()).collect()
    });
    assert_eq!(titles.iter().filter(|title| *title == WELCOME).count(), 1, "{titles:?}");
}

#[test]
fn what_does_not_come_from_a_persons_page_gets_no_further() {
    let world = World::start();
    world.buy("1");
    let enter = "/marketplace/alibaba/login/enter";
    let link = world.link("1");
    // In a frame.
    let mut framed = world.browser();
    let form = framed.get(&link).form(enter);
    framed.headers = vec![("sec-fetch-site", "same-origin".into()), ("sec-fetch-dest", "iframe".into())];
    assert_eq!(framed.submit(&form).status, 403);
    // From another site.
    let mut foreign = world.browser();
    let form = foreign.get(&link).form(enter);
    foreign.headers = vec![("sec-fetch-site", "cross-site".into())];
    assert_eq!(foreign.submit(&form).status, 403);
    // A prefetch gets the page and no cookie to go on with.
    let mut prefetch = world.browser();
    prefetch.headers = vec![("sec-purpose", "prefetch".into())];
    let page = prefetch.get(&link);
    assert!(page.status == 200 && prefetch.cookie_names().is_empty());
    // Without the cookie that the page set.
    let bare = world.browser();
    let form = bare.get(&link).form(enter);
    assert_eq!(world.browser().submit(&form).status, 403);
    // A ticket that was changed.
    let form = bare.get(&link).form(enter);
    let ticket = form.fields.iter().find(|(name, _)| name == "ticket").unwrap().1.clone();
    assert_eq!(bare.submit(&form.set("ticket", &ticket[1..])).status, 403);
    assert_eq!(bare.open_link(&link).h1(), WELCOME, "none of that spent it");
}

#[test]
fn a_link_is_good_for_five_minutes_either_way() {
    let world = World::start();
    world.buy("1");
    for (offset, status) in [(-310, 410), (-240, 200), (290, 200), (360, 410)] {
        let page = world.browser().get(&world.link_made("1", offset));
        assert_eq!(page.status, status, "{offset}: {}", page.h1());
    }
    let late = world.browser().get(&world.link_made("1", -720));
    assert_eq!(late.h1(), "这个链接已经失效");
    assert!(late.has("5 分钟") && late.has("12 分钟"), "says how long it worked and how old it is");
}

#[test]
fn a_link_that_is_not_signed_leads_nowhere() {
    let world = World::start();
    world.buy("1");
    let link = world.link("1");
    for bad in [
        link.replace("instanceId=1", "instanceId=2"),
        link.replace("verify", "createInstance"),
        "/marketplace/alibaba/login".into(),
        format!("{link}&x=1"),
    ] {
        assert_eq!(world.browser().get(&bad).status, 403, "{bad}");
    }
    assert_eq!(world.browser().get(&link.replace("/alibaba/", "/nobody/")).status, 404);
}

#[test]
fn the_provisioning_address_takes_the_link_as_well() {
    let world = World::start();
    world.buy("1");
    let link = world.link("1").replace("/login?", "/spi?");
    assert_eq!(world.browser().open_link(&link).h1(), WELCOME);
}

#[test]
fn a_buyer_who_is_faster_than_the_provisioning_call_waits_and_goes_on() {
    let world = World::start();
    let browser = world.browser();
    let page = browser.open_link(&world.link("9"));
    assert_eq!((page.status, page.h1().as_str()), (200, "正在等待云市场开通结果"));
    assert_eq!(page.headers["refresh"], "2", "it advances without a script");
    world.buy("9");
    assert_eq!(browser.get(&page.path).h1(), WELCOME);
}

#[test]
fn nobody_waits_without_end_for_a_product_that_is_not_sold_here() {
    let world = World::start();
    let mut unsold = create("9");
    unsold[4] = ("productCode", "cmgj99999999");
    assert_eq!(world.spi(&unsold).1, r#"{"instanceId":"0"}"#);
    let browser = world.browser();
    let page = browser.open_link(&world.link("9"));
    assert_eq!((page.status, page.h1().as_str()), (200, "正在等待云市场开通结果"));
    crate::sink::advance(&world, "3m");
    let page = browser.get(&page.path);
    assert_eq!((page.status, page.h1().as_str()), (404, "这笔订阅还没有开通"));
    assert!(!page.headers.contains_key("refresh"), "it is read, not waited for");
    assert!(page.has("subscription_not_open") && page.has("support@"), "{}", page.html);
    let request_id = &page.headers["x-request-id"];
    assert!(page.has(request_id), "{}", page.html);
}

#[test]
fn expired_and_released_subscriptions_say_so() {
    let world = World::start();
    for (instance, action, title) in
        [("1", "expiredInstance", "这笔订阅已经到期"), ("2", "releaseInstance", "这笔订阅已经释放")]
    {
        world.buy(instance);
        world.spi(&[("action", action), ("instanceId", instance)]);
        let page = world.browser().open_link(&world.link(instance));
        assert_eq!(page.status, 410);
        assert!(page.h1().contains(&title[..6]), "{} / {title}", page.h1());
    }
}

#[test]
fn a_claim_survives_wrong_passwords_registration_and_a_restart_of_both_sides() {
    let place = tempfile::tempdir().unwrap();
    let database = place.path().join("gate.db");
    let world = World::on(&database);
    world.buy("1");
    let browser = world.browser();
    let page = browser.open_link(&world.link("1"));
    let claim = page.path.clone();
    let wrong = browser.sign_in(&page, OWNER, "not the password");
    assert_eq!(wrong.status, 422);
    assert!(wrong.html.contains(OWNER), "what was typed is kept");
    assert!(!wrong.html.contains("not the password"), "but never the password");
    world.kill();
    let world = World::on(&database);
    let browser = browser.again(&world.gateway);
    let page = browser.get(&claim);
    assert_eq!(page.h1(), WELCOME, "the server died, the purchase did not");
    let page = browser.sign_in(&page, OWNER, crate::world::PASSWORD);
    assert_eq!((page.path.as_str(), page.h1().as_str()), (claim.as_str(), "为您的组织绑定支付方式"));
}

#[test]
fn registering_through_a_claim_continues_it() {
    let world = World::start();
    world.buy("1");
    let browser = world.browser();
    let page = browser.open_link(&world.link("1"));
    let claim = page.path.clone();
    let id = claim.rsplit('/').next().unwrap();
    let register = browser.get(&format!("/register?claim={id}"));
    let form = register
        .form("/register")
        .set("name", "陈思远")
        .set("email", "chen@example.com")
        .set("password", "short")
        .set("agree", "1");
    let refused = browser.submit(&form);
    assert_eq!(refused.status, 422);
    assert!(refused.html.contains("chen@example.com") && refused.html.contains("陈思远"));
    let page = browser.submit(&refused.form("/register").set("password", "orange-Bicycle-77"));
    assert_eq!(page.path, claim);
    assert!(
        page.find_form(&format!("{claim}/organizations")).is_some(),
        "nobody's organization yet: create one in place"
    );
}

#[test]
fn a_claim_belongs_to_its_browser_and_then_to_its_person() {
    let world = World::start();
    world.buy("1");
    let browser = world.browser();
    let page = browser.open_link(&world.link("1"));
    let claim = page.path.clone();
    assert_eq!(world.browser().get(&claim).status, 404, "the id grants nothing");
    let thief = world.browser();
    thief.sign_in_as(MEMBER);
    assert_eq!(thief.get(&claim).status, 404);
    browser.sign_in(&page, OWNER, crate::world::PASSWORD);
    // The same person on another device.
    let phone = world.browser();
    phone.sign_in_as(OWNER);
    assert_eq!(phone.get(&claim).h1(), "为您的组织绑定支付方式");
    // Another person in the same browser.
    let page = browser.get("/orgs");
    browser.submit(&page.form("/logout"));
    browser.sign_in_as(BILLING);
    let page = browser.get(&claim);
    assert_eq!(page.status, 403);
    let switch = page.form(&format!("{claim}/switch-user"));
    assert_eq!(browser.submit(&switch).h1(), WELCOME, "「切换帐号」 keeps the purchase");
}

#[test]
fn several_purchases_in_one_browser_show_a_chooser() {
    let world = World::start();
    let browser = world.browser();
    assert_eq!(browser.get("/claim").status, 404);
    for instance in ["1", "2"] {
        world.buy(instance);
        browser.open_link(&world.link(instance));
    }
    let page = browser.get("/claim");
    assert_eq!(page.status, 200);
    assert_eq!(page.texts("a[href^='/claim/clm_']").len(), 2);
}

#[test]
fn a_bound_link_enters_without_signing_in_into_a_small_session() {
    let world = World::start();
    let organization = world.bind("1", OWNER, "星河科技");
    let stranger = world.browser();
    // Into the product, which exchanges the code and knows whom it serves.
    let page = stranger.open_link(&world.link("1"));
    let enter = page.path.strip_prefix(&world.product_origin()).unwrap().to_owned();
    let inside = world.product().get(&enter);
    assert_eq!((inside.status, inside.h1().as_str()), (200, "集群"));
    assert!(inside.has("星河科技") && inside.has("已绑定") && inside.has("1234****5678"));
    assert_eq!(world.product().get(&enter).status, 502, "a code works once");
    assert_eq!(stranger.get(&format!("/orgs/{organization}/billing")).h1(), "帐单概览");
    assert_eq!(stranger.get(&format!("/orgs/{organization}/members")).status, 200);
    // The owner has another organization; this session does not see it.
    let owner = world.browser();
    owner.sign_in_as(OWNER);
    let other = owner.get("/orgs").texts("a[href^='/orgs/org_']").len();
    assert!(other >= 2);
    let second = world.organization("云帆数据");
    assert_eq!(stranger.get(&format!("/orgs/{second}/billing")).status, 404);
    for path in ["/me", "/orgs", "/orgs/new", "/me/sessions"] {
        assert_eq!(stranger.get(path).h1(), "再次输入密码", "{path}");
    }
    // The first entry from a new browser is mailed to the entry user.
    let mails = world.rows("SELECT recipient FROM mail WHERE kind = 'entry_from_new_browser'");
    assert_eq!(mails, ["owner@example.com"]);
    // The password opens the rest for a while.
    let step = stranger.get("/me");
    let page = stranger.submit(&step.form("/login/confirm").set("password", crate::world::PASSWORD));
    assert_eq!((page.path.as_str(), page.status), ("/me", 200));
}

#[test]
fn curl_with_the_address_of_a_bound_subscription_gets_no_session() {
    let world = World::start();
    world.bind("1", OWNER, "星河科技");
    let curl = world.browser();
    let page = curl.get(&world.link("1"));
    assert!(page.status == 200 && !curl.cookie_names().iter().any(|name| name == "mg_session"));
    assert_eq!(world.rows("SELECT count(*) FROM session WHERE kind = 'marketplace'"), ["0"]);
}

#[test]
fn without_the_box_a_bound_link_asks_to_sign_in() {
    let world = World::start();
    world.buy("1");
    let browser = world.browser();
    let page = browser.open_link(&world.link("1"));
    let claim = page.path.clone();
    let page = browser.sign_in(&page, OWNER, crate::world::PASSWORD);
    let form = page.form(&format!("{claim}/confirm")).set("choice", &page.choice("星河科技").unwrap()).without("entry");
    browser.submit(&form);
    until("the binding", || (browser.get(&claim).h1() == "绑定成功").then_some(()));
    let stranger = world.browser();
    let page = stranger.open_link(&world.link("1"));
    assert_eq!(page.h1(), WELCOME);
    let page = stranger.sign_in(&page, MEMBER, crate::world::PASSWORD);
    assert!(page.path.starts_with(&world.product_origin()), "a member enters as oneself: {}", page.path);
}

#[test]
fn somebody_who_does_not_belong_there_is_told_so() {
    let world = World::start();
    world.bind("1", OWNER, "云帆数据");
    let browser = world.browser();
    browser.sign_in_as(MEMBER);
    let page = browser.open_link(&world.link("1"));
    assert_eq!(page.status, 403, "{}", page.h1());
    assert!(page.has("切换帐号") && page.has("这不是我的组织"));
    assert!(!page.has("云帆数据"), "whose it is stays there");
    let report = page.form(&format!("{}/report", page.path));
    assert_eq!(browser.submit(&report).status, 403);
    assert_eq!(world.rows("SELECT kind FROM alarm"), ["foreign_binding"]);
}

#[test]
fn the_small_session_lasts_eight_hours_however_it_is_used() {
    let world = World::start();
    let organization = world.bind("1", OWNER, "星河科技");
    let stranger = world.browser();
    let billing = format!("/orgs/{organization}/billing");
    stranger.open_link(&world.link("1"));
    for wait in ["4h", "239m"] {
        crate::sink::advance(&world, wait);
        assert_eq!(stranger.get(&billing).path, billing, "{wait}");
    }
    crate::sink::advance(&world, "1m");
    assert!(stranger.get(&billing).path.starts_with("/login?next="));
}

#[test]
fn the_small_session_ends_with_what_it_came_from() {
    for (what, sql) in [
        ("the binding ended", "UPDATE binding SET state = 'ended', ended_at = 1"),
        (
            "a lower role",
            "UPDATE member SET role = 'member' WHERE user_id = (SELECT id FROM user WHERE email = 'owner@example.com')",
        ),
        ("a removal", "DELETE FROM member WHERE user_id = (SELECT id FROM user WHERE email = 'owner@example.com')"),
        ("a new password", "UPDATE user SET password_changed_at = 9999999999999"),
        ("a disabled user", "UPDATE user SET disabled_at = 1"),
        ("an expiry", "UPDATE subscription SET state = 'expired'"),
    ] {
        let world = World::start();
        let organization = world.bind("1", OWNER, "星河科技");
        let stranger = world.browser();
        let billing = format!("/orgs/{organization}/billing");
        stranger.open_link(&world.link("1"));
        assert_eq!(stranger.get(&billing).path, billing);
        world.execute(sql);
        let page = stranger.get(&billing);
        assert!(page.path.starts_with("/login?next="), "{what}: {} {}", page.path, page.h1());
    }
}
