//! A manager ends a payment channel (product §6).

use crate::browserlike::{Browser, Page};
use crate::world::{BILLING, MEMBER, OWNER, World, until};

fn unbind_page(world: &World, email: &str, organization: &str) -> (Browser, Page) {
    let browser = world.browser();
    browser.sign_in_as(email);
    let page = browser.get(&format!("/orgs/{organization}/unbind"));
    (browser, page)
}

#[test]
fn a_manager_unbinds_and_sees_what_it_means_first() {
    let world = World::start();
    let organization = world.bind("86040213", OWNER, "云帆数据");
    let home = format!("/orgs/{organization}/billing");
    let (browser, page) = unbind_page(&world, BILLING, &organization);
    assert_eq!(page.h1(), "解除「云帆数据」的云市场订阅绑定");
    assert!(page.has("1234****5678") && page.has("86040213") && page.has("此前的用量仍会推送到云市场"));
    assert!(page.has("订阅在云市场仍然有效") && !page.html.contains(crate::world::BUYER));
    assert!(!browser.get(&home).texts(&format!("a[href='/orgs/{organization}/unbind']")).is_empty());
    let done = browser.submit(&page.form(&format!("/orgs/{organization}/unbind")));
    assert_eq!(done.path, home);
    assert!(done.has("未绑定") && done.has("86040213") && done.has("解除绑定"), "it says how the channel ended");
    assert_eq!(
        world.rows("SELECT reason || ' ' || (SELECT email FROM user WHERE user.id = ended_by) FROM binding"),
        ["unbound billing@example.com"]
    );
    assert_eq!(
        world.rows("SELECT type FROM event WHERE type IN ('binding.ended', 'organization.no_channel') ORDER BY id"),
        ["binding.ended", "organization.no_channel"]
    );
    assert_eq!(browser.get(&format!("/orgs/{organization}/unbind")).path, home, "there is nothing to unbind any more");
    // The subscription is free: another organization may take it.
    world.bind("86040213", OWNER, "星河科技");
}

#[test]
fn of_two_managers_one_unbinds_and_the_other_is_told_the_truth() {
    let world = World::start();
    let organization = world.bind("1", OWNER, "云帆数据");
    let action = format!("/orgs/{organization}/unbind");
    let (first, first_page) = unbind_page(&world, OWNER, &organization);
    let (second, second_page) = unbind_page(&world, BILLING, &organization);
    first.submit(&first_page.form(&action));
    let late = second.submit(&second_page.form(&action));
    assert_eq!(late.path, format!("/orgs/{organization}/billing"));
    assert!(late.has("未绑定"));
    // Bound anew meanwhile: a form that showed the old binding must not end the new one.
    world.bind("2", OWNER, "云帆数据");
    let stale = second.submit(&second_page.form(&action));
    assert_eq!(stale.status, 409);
    assert!(stale.has("没有解除任何绑定") && stale.has("2"));
    assert_eq!(world.rows("SELECT state FROM binding ORDER BY requested_at"), ["ended", "live"]);
    assert_eq!(second.submit(&stale.form(&action)).status, 200);
    assert_eq!(world.rows("SELECT state FROM binding ORDER BY requested_at"), ["ended", "ended"]);
}

#[test]
fn neither_a_member_nor_a_stranger_can_unbind() {
    let world = World::start();
    let organization = world.bind("1", OWNER, "星河科技");
    let (_, page) = unbind_page(&world, OWNER, &organization);
    let form = page.form(&format!("/orgs/{organization}/unbind"));
    for (email, status) in [(MEMBER, 403), (BILLING, 404)] {
        let (browser, page) = unbind_page(&world, email, &organization);
        assert_eq!(page.status, status, "{email}");
        // With a token of one's own and the owner's binding.
        let own = browser.get("/orgs/new").form("/orgs");
        let csrf = own.fields.iter().find(|(name, _)| name == "csrf").unwrap().1.clone();
        let binding = form.fields.iter().find(|(name, _)| name == "binding").unwrap().1.clone();
        let answer = browser.post(&format!("/orgs/{organization}/unbind"), &[("csrf", &csrf), ("binding", &binding)]);
        assert_eq!(answer.status, status, "{email}");
    }
    assert_eq!(world.rows("SELECT state FROM binding"), ["live"]);
}

#[test]
fn who_came_by_a_login_free_link_types_the_password_first() {
    let world = World::start();
    let organization = world.bind("1", OWNER, "云帆数据");
    let guest = world.browser();
    guest.open_link(&world.link("1"));
    let home = format!("/orgs/{organization}/billing");
    assert_eq!(guest.get(&home).status, 200, "it reads the billing page without a password");
    let step = guest.get(&format!("/orgs/{organization}/unbind"));
    assert!(step.path.starts_with("/login/confirm?next="), "{}", step.path);
    let page = guest.submit(&step.form("/login/confirm").set("password", crate::world::PASSWORD));
    assert_eq!(page.h1(), "解除「云帆数据」的云市场订阅绑定", "the step leads back to where it was asked for");
    guest.submit(&page.form(&format!("/orgs/{organization}/unbind")));
    until("the end", || (world.rows("SELECT state FROM binding") == ["ended"]).then_some(()));
    assert_ne!(guest.get(&home).path, home, "the session that came by the binding ends with it");
}
