//! The binding page, its reasons, and what happens when several people press 「确认绑定」 (rules A3, A4, product §4).

use std::thread;

use proptest::prelude::*;

use crate::browserlike::{Browser, Page};
use crate::world::{BILLING, MEMBER, OWNER, PASSWORD, World, until};

/// Opens a purchase and signs in: the binding page.
fn at_binding_page(world: &World, instance: &str, email: &str) -> (Browser, Page, String) {
    world.buy(instance);
    let browser = world.browser();
    let page = browser.open_link(&world.link(instance));
    let claim = page.path.clone();
    let page = browser.sign_in(&page, email, PASSWORD);
    assert_eq!(page.path, claim, "{}", page.h1());
    (browser, page, claim)
}

fn confirm(browser: &Browser, page: &Page, claim: &str, organization: &str) -> Page {
    let form = page.form(&format!("{claim}/confirm")).set("choice", &page.choice(organization).unwrap());
    browser.submit(&form)
}

#[test]
fn an_owner_binds_and_sees_who_pays_for_whom() {
    let world = World::start();
    world.execute("UPDATE organization SET time_zone = 'Asia/Tokyo'");
    let (browser, page, claim) = at_binding_page(&world, "86040213", OWNER);
    assert_eq!(page.h1(), "为您的组织绑定支付方式");
    assert!(page.has("列表中包含您加入的所有组织；仅能选择您负责管理的一个组织"));
    assert!(page.has("绑定后，该组织的费用将通过阿里云帐号 1234****5678 支付"));
    assert!(page.has("今后能在云市场控制台打开此订阅的人，可免登录以您的身份进入该组织"));
    confirm(&browser, &page, &claim, "云帆数据");
    let done = until("the binding", || Some(browser.get(&claim)).filter(|page| page.h1() == "绑定成功"));
    assert!(done.has("云帆数据") && done.has("前往帐单概览"));
    let times = done.texts_of("time", "datetime");
    assert!(!times.is_empty() && times.iter().all(|at| at.ends_with("+09:00")), "the organization's zone: {times:?}");
    let billing = browser.get(&format!("/orgs/{}/billing", world.organization("云帆数据")));
    assert!(
        billing.has("云市场扣费渠道")
            && billing.has("已绑定")
            && billing.has("阿里云云市场")
            && billing.has("查看阿里云帐单")
            && billing.has("86040213")
    );
    assert!(billing.has("云市场发票系统升级期间暂无法在线开具电子发票，如需开具，请联系"));
    let other = browser.get(&format!("/orgs/{}/billing", world.organization("星河科技")));
    assert!(other.has("未绑定") && !other.texts("a[href*='/products/']").is_empty(), "the way to the marketplace");
}

#[test]
fn a_member_cannot_choose_and_asks_the_owner() {
    let world = World::start();
    let (browser, page, claim) = at_binding_page(&world, "1", MEMBER);
    assert_eq!(page.choice("星河科技"), None);
    assert!(page.has("权限不足") && page.has("林悦") && page.has("请求管理员绑定"));
    let button = page.texts("button[disabled]");
    assert_eq!(button, ["确认绑定"]);
    let asked = browser.submit(&page.form(&format!("{claim}/request-approval")));
    assert_eq!(asked.status, 200, "{}", asked.h1());
    assert_eq!(world.rows("SELECT recipient || ' ' || kind FROM mail"), ["owner@example.com approval_request"]);
    // Posting what the page did not offer changes nothing.
    let forged =
        page.form(&format!("{claim}/organizations")).set("choice", &format!("{}.00", world.organization("星河科技")));
    let forged = browser.post(
        &format!("{claim}/confirm"),
        &forged.fields.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect::<Vec<_>>(),
    );
    assert_eq!(forged.status, 409);
    assert_eq!(world.rows("SELECT count(*) FROM binding"), ["0"]);
}

#[test]
fn creating_an_organization_continues_the_purchase() {
    let world = World::start();
    let (browser, page, claim) = at_binding_page(&world, "1", MEMBER);
    let create = page.form(&format!("{claim}/organizations"));
    let refused = browser.submit(&create.clone().set("name", "  "));
    assert_eq!(refused.status, 422);
    let before = world.rows("SELECT hex(secret_hash) FROM session WHERE ended_at IS NULL");
    let page = browser.submit(&create.set("name", "青石智能"));
    assert_ne!(
        before,
        world.rows("SELECT hex(secret_hash) FROM session WHERE ended_at IS NULL"),
        "the session's secret changes"
    );
    assert!(
        page.choice("青石智能").is_some() && page.texts("input[checked]").len() == 2,
        "it is chosen, and the box is ticked"
    );
    confirm(&browser, &page, &claim, "青石智能");
    until("the binding", || (browser.get(&claim).h1() == "绑定成功").then_some(()));
    let role = world
        .rows("SELECT role FROM member JOIN organization ON organization.id = organization_id WHERE name = '青石智能'");
    assert_eq!(role, ["owner"]);
}

#[test]
fn each_organization_that_cannot_be_chosen_says_why() {
    let world = World::start();
    world.bind("1", OWNER, "星河科技");
    world.execute("UPDATE organization SET freeze_reason = 'operator', frozen_at = 1 WHERE name = '云帆数据'");
    let (_, page, _) = at_binding_page(&world, "2", OWNER);
    assert!(page.choice("星河科技").is_none() && page.has("已绑定云市场订阅"));
    assert!(page.choice("云帆数据").is_none() && page.has("已被冻结"));
    world.execute("UPDATE organization SET freeze_reason = 'payment', frozen_at = 1, grace_until = 9999999999999 WHERE name = '云帆数据'");
    let (browser, page, claim) = at_binding_page(&world, "3", OWNER);
    assert!(page.choice("云帆数据").is_some() && page.has("已冻结"));
    confirm(&browser, &page, &claim, "云帆数据");
    until("the binding", || (browser.get(&claim).h1() == "绑定成功").then_some(()));
    assert_eq!(
        world.rows("SELECT count(*) FROM organization WHERE freeze_reason IS NOT NULL"),
        ["0"],
        "binding lifts a payment freeze"
    );
}

#[test]
fn a_form_whose_facts_have_changed_changes_nothing_and_says_so() {
    for sql in [
        "UPDATE subscription SET expires_at = 4000000000000, version = version + 1",
        "UPDATE subscription SET plan_code = 'other', version = version + 1",
        "UPDATE subscription SET buyer_account = '9999999999999999', version = version + 1",
        "UPDATE organization SET name = '改名', version = version + 1 WHERE name = '云帆数据'",
        "UPDATE member SET role = 'member'",
    ] {
        let world = World::start();
        let (browser, page, claim) = at_binding_page(&world, "1", OWNER);
        let form = page.form(&format!("{claim}/confirm")).set("choice", &page.choice("云帆数据").unwrap());
        world.execute(sql);
        let answer = browser.submit(&form);
        assert_eq!(answer.status, 409, "{sql}: {}", answer.h1());
        assert_eq!(answer.h1(), "为您的组织绑定支付方式", "the page is shown again");
        assert!(!answer.texts("[role=alert]").is_empty(), "and says what happened");
        assert_eq!(world.rows("SELECT count(*) FROM binding"), ["0"], "{sql}");
    }
}

#[test]
fn the_schema_itself_refuses_a_second_binding() {
    let world = World::start();
    world.bind("1", OWNER, "云帆数据");
    world.bind("2", OWNER, "星河科技");
    let db = rusqlite::Connection::open(world.ready["database"].as_str().unwrap()).unwrap();
    // Of the other organization's subscription, or of the other subscription's organization; live or requested.
    for state in ["live", "requested"] {
        for (subscription, organization) in [("1", "星河科技"), ("2", "云帆数据")] {
            let copy = format!(
                "INSERT INTO binding (id, subscription_id, organization_id, state, requested_by, entry_user_id, entry_role, allows_entry, requested_at, live_at)
                 SELECT 'second', s.id, o.id, '{state}', u.id, u.id, 'owner', 1, 1, 1 FROM subscription s, organization o, user u
                 WHERE s.instance_id = '{subscription}' AND o.name = '{organization}' AND u.email = '{OWNER}'"
            );
            assert!(
                db.execute(&copy, ()).unwrap_err().to_string().contains("UNIQUE"),
                "{state} {subscription} {organization}"
            );
        }
    }
    // A free organization, but an occupied subscription; and the other way round.
    db.execute("INSERT INTO organization (id, name, created_at) VALUES ('org_free', 'free', 1)", ()).unwrap();
    db.execute("INSERT INTO subscription (seller_id, instance_id, state, product_code, plan_code, buyer_account, order_id, is_trial, source, created_at) VALUES ('alibaba', 'free', 'active', 'p', 'p', '1', 'o', 0, 'call', 1)", ()).unwrap();
    for (subscription, organization) in [("1", "free"), ("free", "云帆数据")] {
        let copy = format!(
            "INSERT INTO binding (id, subscription_id, organization_id, state, requested_by, entry_user_id, entry_role, allows_entry, requested_at)
             SELECT 'second', s.id, o.id, 'requested', u.id, u.id, 'owner', 1, 1 FROM subscription s, organization o, user u
             WHERE s.instance_id = '{subscription}' AND o.name = '{organization}' AND u.email = '{OWNER}'"
        );
        assert!(db.execute(&copy, ()).unwrap_err().to_string().contains("UNIQUE"), "{subscription} {organization}");
    }
}

#[test]
fn choosing_nothing_is_said() {
    let world = World::start();
    let (browser, page, claim) = at_binding_page(&world, "1", OWNER);
    let answer = browser.submit(&page.form(&format!("{claim}/confirm")).without("choice"));
    assert_eq!(answer.status, 422);
    assert!(!answer.texts("[role=alert]").is_empty());
}

#[test]
fn two_clicks_and_two_tabs_make_one_binding() {
    let world = World::start();
    let (browser, page, claim) = at_binding_page(&world, "1", OWNER);
    let form = page.form(&format!("{claim}/confirm"));
    let tabs: Vec<_> = ["星河科技", "云帆数据", "星河科技", "云帆数据"]
        .map(|name| (browser.again(&world.gateway), form.clone().set("choice", &page.choice(name).unwrap())))
        .into();
    let answers: Vec<u16> = thread::scope(|scope| {
        let clicks: Vec<_> = tabs.iter().map(|(tab, form)| scope.spawn(move || tab.submit(form).status)).collect();
        clicks.into_iter().map(|click| click.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|status| *status == 200), "everybody sees a truthful page: {answers:?}");
    until("the binding", || (browser.get(&claim).h1() == "绑定成功").then_some(()));
    assert_eq!(world.rows("SELECT count(*) FROM binding"), ["1"]);
}

#[test]
fn a_manager_switches_to_the_new_subscription_without_a_gap() {
    let world = World::start();
    let organization = world.bind("1", OWNER, "云帆数据");
    let (browser, page, claim) = at_binding_page(&world, "2", OWNER);
    assert_eq!(page.choice("云帆数据"), None);
    let switch = browser.get(&format!("{claim}?switch={organization}"));
    assert!(switch.has("1234****5678"), "old and new account are shown");
    let choice = switch.choice("云帆数据").unwrap();
    browser.submit(&switch.form(&format!("{claim}/confirm")).set("choice", &choice));
    until("the switch", || (browser.get(&claim).h1() == "绑定成功").then_some(()));
    assert_eq!(
        world.rows("SELECT state || coalesce(' ' || reason, '') FROM binding ORDER BY requested_at, id"),
        ["ended switched", "live"]
    );
    assert_eq!(world.rows("SELECT count(*) FROM event WHERE type = 'organization.no_channel'"), ["0"], "no gap");
    // A page that offered no switch cannot make one.
    let (browser, page, claim) = at_binding_page(&world, "3", OWNER);
    let forged = browser.submit(&page.form(&format!("{claim}/confirm")).set("choice", &format!("{organization}.00")));
    assert_eq!(forged.status, 409);
}

#[test]
fn two_managers_at_once_bind_one_organization_once() {
    let world = World::start();
    let (one, page_one, claim_one) = at_binding_page(&world, "1", OWNER);
    let (two, page_two, claim_two) = at_binding_page(&world, "2", BILLING);
    thread::scope(|scope| {
        scope.spawn(|| confirm(&one, &page_one, &claim_one, "云帆数据"));
        scope.spawn(|| confirm(&two, &page_two, &claim_two, "云帆数据"));
    });
    let (first, second) = until("the winner", || {
        let titles = (one.get(&claim_one).h1(), two.get(&claim_two).h1());
        (titles.0 == "绑定成功" || titles.1 == "绑定成功").then_some(titles)
    });
    let done = [&first, &second].into_iter().filter(|title| *title == "绑定成功").count();
    let again = [&first, &second].into_iter().filter(|title| *title == "为您的组织绑定支付方式").count();
    assert_eq!((done, again), (1, 1), "{first} / {second}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, ..ProptestConfig::default() })]

    /// Whoever confirms what with which of three purchases, in whatever order and at once: never two live or
    /// requested bindings of one subscription or one organization.
    #[test]
    fn concurrent_confirmations_never_bind_twice(choices in proptest::collection::vec((0..3_usize, 0..2_usize, any::<bool>()), 4..10)) {
        let world = World::start();
        let instances = ["1", "2", "3"];
        let organizations = ["云帆数据", "星河科技"];
        let people: Vec<_> = choices.iter().filter_map(|(instance, organization, is_owner)| {
            let instance = instances[*instance];
            world.buy(instance);
            let browser = world.browser();
            let page = browser.open_link(&world.link(instance));
            let claim = page.path.clone();
            let page = if page.find_form("/login").is_some() { browser.sign_in(&page, if *is_owner { OWNER } else { BILLING }, PASSWORD) } else { page };
            let choice = page.choice(organizations[*organization])?;
            let form = page.find_form(&format!("{claim}/confirm"))?.set("choice", &choice);
            Some((browser, form))
        }).collect();
        thread::scope(|scope| {
            for (browser, form) in &people {
                scope.spawn(|| browser.submit(form));
            }
        });
        for column in ["subscription_id", "organization_id"] {
            let twice = world.rows(&format!("SELECT count(*) FROM (SELECT {column} FROM binding WHERE state IN ('requested', 'live') GROUP BY {column} HAVING count(*) > 1)"));
            prop_assert_eq!(twice, ["0"]);
        }
        prop_assert!(people.is_empty() || world.rows("SELECT count(*) FROM binding") != ["0"], "somebody wins");
    }
}
