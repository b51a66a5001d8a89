//! Switches that wait, and approvals (product §4, rules A1, A2, A4).

use std::thread;

use crate::browserlike::Browser;
use crate::sink::{Api, advance};
use crate::world::{BILLING, MEMBER, OWNER, PASSWORD, World, until};

const ORGANIZATION: &str = "星河科技";

/// A member has asked; the path of the link that the owners got.
fn asked(world: &World) -> String {
    world.buy("1");
    let member = world.browser();
    let page = member.open_link(&world.link("1"));
    let claim = page.path.clone();
    let page = member.sign_in(&page, MEMBER, PASSWORD);
    assert_eq!(member.submit(&page.form(&format!("{claim}/request-approval"))).status, 200);
    format!("/approvals/{}", world.mailed_approval())
}

#[test]
fn an_approvals_link_is_opened_by_anybodys_scanner_and_answered_by_post_only() {
    let world = World::start();
    let link = asked(&world);
    let owner = world.signed_in(OWNER);
    for _ in 0..3 {
        assert_eq!(owner.get(&link).status, 200);
        owner.head(&link);
    }
    assert_eq!(world.rows("SELECT count(*) FROM binding"), ["0"], "looking spends nothing");
    assert!(world.browser().get(&link).path.starts_with("/login"), "who is not signed in signs in first");
    owner.submit(&owner.get(&link).form(&link));
    until("the binding", || (world.rows("SELECT state FROM binding") == ["live"]).then_some(()));
    assert_eq!(
        world.rows("SELECT u.email FROM binding b JOIN user u ON u.id = b.entry_user_id"),
        [MEMBER],
        "who asked is who enters, never who approved"
    );
    assert_eq!(world.rows("SELECT u.email FROM binding b JOIN user u ON u.id = b.requested_by"), [OWNER]);
}

#[test]
fn who_owns_nothing_of_it_can_neither_see_nor_answer_an_approval() {
    let world = World::start();
    let link = asked(&world);
    let form = world.signed_in(OWNER).get(&link).form(&link);
    for foreigner in [MEMBER, BILLING] {
        let browser = world.signed_in(foreigner);
        assert_eq!(browser.get(&link).status, 410, "{foreigner}");
        // With a token of their own, so that nothing but the right is missing.
        let csrf = browser.get("/me").document();
        let csrf = csrf.select(&scraper::Selector::parse("input[name=csrf]").unwrap()).next();
        let csrf = csrf.and_then(|field| field.value().attr("value")).expect("a form").to_owned();
        assert_eq!(browser.submit(&form.clone().set("csrf", &csrf)).status, 410, "{foreigner}");
    }
    assert_eq!(world.rows("SELECT count(*) FROM binding"), ["0"]);
}

#[test]
fn of_two_owners_one_approves_and_the_other_is_told_the_truth() {
    let world = World::start();
    let link = asked(&world);
    world.execute(&format!(
        "UPDATE member SET role = 'owner' WHERE organization_id = (SELECT id FROM organization WHERE name = '{ORGANIZATION}')"
    ));
    world.execute(&format!(
        "INSERT INTO member (organization_id, user_id, role, joined_at) SELECT o.id, u.id, 'owner', 1 FROM organization o, user u WHERE o.name = '{ORGANIZATION}' AND u.email = '{BILLING}'"
    ));
    let owners = [world.signed_in(OWNER), world.signed_in(BILLING)];
    let forms = owners.each_ref().map(|owner| owner.get(&link).form(&link));
    let pages = thread::scope(|scope| {
        let answers = [0, 1].map(|n| {
            let (owner, form) = (&owners[n], &forms[n]);
            scope.spawn(move || owner.submit(form))
        });
        answers.map(|answer| answer.join().unwrap())
    });
    let mut statuses = pages.each_ref().map(|page| page.status);
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 410], "{:?}", pages.each_ref().map(crate::browserlike::Page::h1));
    assert_eq!(world.rows("SELECT count(*) FROM binding"), ["1"]);
}

#[test]
fn an_approvals_link_works_for_seventy_two_hours() {
    for (after, status) in [("71h", 200), ("73h", 410)] {
        let world = World::start();
        let link = asked(&world);
        advance(&world, after);
        assert_eq!(world.signed_in(OWNER).get(&link).status, status, "after {after}");
    }
}

/// One organization is bound to "1"; a switch to "2" waits for the vendor. The claim's browser and path.
fn waiting_switch(world: &World) -> (Browser, String, String) {
    let api = Api::of(world);
    world.buy("1");
    let browser = world.browser();
    let page = browser.open_link(&world.link("1"));
    let claim = page.path.clone();
    let page = browser.sign_in(&page, OWNER, PASSWORD);
    browser.submit(&page.form(&format!("{claim}/confirm")).set("choice", &page.choice("云帆数据").unwrap()));
    let first = world.rows("SELECT id FROM binding").remove(0);
    assert_eq!(api.post(&format!("/bindings/{first}/confirm"), &serde_json::json!({})).0, 200);
    let organization = world.organization("云帆数据");
    world.buy("2");
    let claim = browser.open_link(&world.link("2")).path;
    let page = browser.get(&format!("{claim}?switch={organization}"));
    browser.submit(&page.form(&format!("{claim}/confirm")).set("choice", &page.choice("云帆数据").unwrap()));
    assert_eq!(world.rows("SELECT state FROM binding ORDER BY requested_at"), ["live", "requested"]);
    (browser, claim, organization)
}

#[test]
fn while_a_switch_waits_the_old_channel_is_shown_and_a_release_of_the_new_leaves_it_live() {
    let world = World::with(&["--confirmation"]);
    let (browser, claim, organization) = waiting_switch(&world);
    let billing = format!("/orgs/{organization}/billing");
    let page = browser.get(&billing);
    assert!(page.has("已绑定") && page.texts("main").concat().contains("1234****5678"), "{}", page.h1());
    assert_eq!(world.spi(&[("action", "releaseInstance"), ("instanceId", "2")]).0, 200);
    assert_eq!(
        world.rows("SELECT state || coalesce(' ' || reason, '') FROM binding ORDER BY requested_at"),
        ["live", "cancelled subscription_released"]
    );
    assert_eq!(world.rows("SELECT count(*) FROM event WHERE type = 'organization.no_channel'"), ["0"], "no gap");
    assert!(browser.get(&billing).has("已绑定"));
    assert_eq!(browser.get(&claim).h1(), "这笔订阅已关闭", "and the page of the switch says so");
}

#[test]
fn while_a_switch_waits_no_other_can_be_asked_for() {
    let world = World::with(&["--confirmation"]);
    let (_, _, organization) = waiting_switch(&world);
    world.buy("3");
    let other = world.browser();
    let page = other.open_link(&world.link("3"));
    let claim = page.path.clone();
    other.sign_in(&page, BILLING, PASSWORD);
    let page = other.get(&format!("{claim}?switch={organization}"));
    assert_eq!(page.choice("云帆数据"), None, "it is being processed");
    let forged = page.form(&format!("{claim}/organizations")).set("choice", &format!("{organization}.00"));
    let fields: Vec<_> = forged.fields.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    assert_eq!(other.post(&format!("{claim}/confirm"), &fields).status, 409);
    assert_eq!(world.rows("SELECT count(*) FROM binding"), ["2"]);
}
