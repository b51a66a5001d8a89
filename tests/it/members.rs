//! Who belongs to an organization: other roles, removals, leaving (product §5, rules A1, A4).

use serde_json::Value;

use crate::browserlike::{Browser, Page};
use crate::sink::Api;
use crate::world::{BILLING, MEMBER, OWNER, PASSWORD, World};

fn user(world: &World, email: &str) -> String {
    world.rows(&format!("SELECT id FROM user WHERE email = '{email}'")).remove(0)
}

fn role(world: &World, organization: &str, email: &str) -> Option<String> {
    let user = user(world, email);
    world
        .rows(&format!("SELECT role FROM member WHERE organization_id = '{organization}' AND user_id = '{user}'"))
        .pop()
}

fn role_path(world: &World, organization: &str, email: &str) -> String {
    format!("/orgs/{organization}/members/{}/role", user(world, email))
}

fn set_role(browser: &Browser, path: &str, role: &str) -> Page {
    browser.submit(&browser.get(path).form(path).set("role", role))
}

/// Type and data of the events of people since the seed, oldest first.
fn told(world: &World) -> Vec<(String, Value)> {
    let is_of_people = |kind: &str| kind.starts_with("member.") || kind.starts_with("session.");
    let feed = Api::of(world).feed();
    let events = feed.iter().map(|event| (event["type"].as_str().unwrap().to_owned(), event["data"].clone()));
    events.filter(|(kind, _)| is_of_people(kind)).collect()
}

#[test]
fn an_owner_changes_a_role_once_and_the_product_hears_of_it() {
    let world = World::start();
    let organization = world.organization("云帆数据");
    let owner = world.signed_in(OWNER);
    let path = role_path(&world, &organization, BILLING);
    let list = owner.get(&format!("/orgs/{organization}/members"));
    assert_eq!(list.texts(&format!("a[href='{path}']")), ["更改角色：沈知行"]);
    let page = owner.get(&path);
    assert_eq!(page.h1(), "更改沈知行的角色");
    let form = page.form(&path).set("role", "owner");
    let done = owner.submit(&form);
    assert!(done.path.ends_with("/members?done=role") && done.has("角色已更改"), "{}", done.path);
    assert_eq!(role(&world, &organization, BILLING).as_deref(), Some("owner"));
    assert!(owner.submit(&form).has("角色已更改"), "the second click finds it done");
    let told = told(&world);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].0, "member.changed");
    assert_eq!((&told[0].1["role"], &told[0].1["was"]), (&Value::from("owner"), &Value::from("billing")));
}

#[test]
fn a_role_that_was_changed_meanwhile_is_shown_before_it_is_changed_again() {
    let world = World::start();
    let organization = world.organization("云帆数据");
    let path = role_path(&world, &organization, BILLING);
    let (first, second) = (world.signed_in(OWNER), world.signed_in(OWNER));
    let stale = second.get(&path).form(&path).set("role", "owner");
    set_role(&first, &path, "member");
    let page = second.submit(&stale);
    assert_eq!((page.status, role(&world, &organization, BILLING).as_deref()), (409, Some("member")));
    assert!(page.has("没有保存任何改动"));
    second.submit(&page.form(&path).set("role", "owner"));
    assert_eq!(role(&world, &organization, BILLING).as_deref(), Some("owner"));
}

#[test]
fn of_two_owners_who_demote_each_other_one_wins_and_one_stays() {
    let world = World::start();
    let organization = world.organization("云帆数据");
    let owner = world.signed_in(OWNER);
    let (one, other) = (role_path(&world, &organization, BILLING), role_path(&world, &organization, OWNER));
    set_role(&owner, &one, "owner");
    let billing = world.signed_in(BILLING);
    let form = owner.get(&one).form(&one).set("role", "member");
    let counter = billing.get(&other).form(&other).set("role", "member");
    std::thread::scope(|scope| {
        let first = scope.spawn(|| owner.submit(&form).status);
        let second = scope.spawn(|| billing.submit(&counter).status);
        let mut statuses = [first.join().unwrap(), second.join().unwrap()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 403]);
    });
    let owners = format!("SELECT count(*) FROM member WHERE organization_id = '{organization}' AND role = 'owner'");
    assert_eq!(world.rows(&owners), ["1"]);
}

#[test]
fn the_only_owner_can_neither_step_down_nor_leave_nor_be_removed() {
    let world = World::start();
    let organization = world.organization("云帆数据");
    let owner = world.signed_in(OWNER);
    let list = owner.get(&format!("/orgs/{organization}/members"));
    assert!(list.has("唯一的管理员，不能离开"));
    let path = role_path(&world, &organization, OWNER);
    let page = owner.get(&path);
    assert!(page.find_form(&path).is_none() && page.has("先将另一位成员设为组织管理员"));
    assert_eq!(owner.force(&path, &[("was", "owner"), ("role", "billing")]).status, 409);
    let leave = format!("/orgs/{organization}/leave");
    let page = owner.get(&leave);
    assert!(page.h1() == "您是唯一的组织管理员" && page.find_form(&leave).is_none());
    let refused = owner.force(&leave, &[]);
    assert_eq!((refused.status, refused.h1().as_str()), (409, "您是唯一的组织管理员"));
    let remove = format!("/orgs/{organization}/members/{}/remove", user(&world, OWNER));
    assert_eq!(owner.get(&remove).path, leave, "removing oneself is leaving");
    assert_eq!(owner.force(&remove, &[]).status, 409);
    // An owner whose account is out of force owns nothing.
    world.execute("UPDATE member SET role = 'owner'");
    world.execute("UPDATE user SET disabled_at = 1 WHERE email = 'billing@example.com'");
    assert_eq!(owner.force(&leave, &[]).status, 409);
    assert_eq!(role(&world, &organization, OWNER).as_deref(), Some("owner"));
    world.execute("UPDATE user SET disabled_at = NULL");
    assert_eq!(owner.submit(&owner.get(&leave).form(&leave)).path, "/orgs");
    assert_eq!(role(&world, &organization, OWNER), None);
}

#[test]
fn ownership_is_given_to_another_member_and_then_left() {
    let world = World::start();
    let organization = world.organization("星河科技");
    let owner = world.signed_in(OWNER);
    set_role(&owner, &role_path(&world, &organization, MEMBER), "owner");
    let page = set_role(&owner, &role_path(&world, &organization, OWNER), "member");
    assert!(page.texts("tr").iter().any(|row| row.contains("林悦") && row.contains("组织成员")));
    assert!(page.texts("a[href$='/role'], a[href$='/remove']").is_empty(), "who owns no more changes nobody");
    let leave = format!("/orgs/{organization}/leave");
    let left = owner.submit(&owner.get(&leave).form(&leave));
    assert!(left.path == "/orgs" && !left.has("星河科技"));
    assert_eq!(owner.get(&format!("/orgs/{organization}/members")).status, 404);
    let (kind, data) = told(&world).pop().unwrap();
    assert_eq!(
        (kind.as_str(), data["reason"].as_str(), data["role"].as_str()),
        ("member.removed", Some("left"), Some("member"))
    );
}

#[test]
fn who_is_removed_sees_the_organization_no_more_and_twice_is_once() {
    let world = World::start();
    let organization = world.organization("星河科技");
    let (owner, member) = (world.signed_in(OWNER), world.signed_in(MEMBER));
    assert_eq!(member.get(&format!("/orgs/{organization}/billing")).status, 200);
    let path = format!("/orgs/{organization}/members/{}/remove", user(&world, MEMBER));
    let page = owner.get(&path);
    assert!(page.h1() == "移除陈思远" && page.has("立即不能再查看和使用「星河科技」"));
    let form = page.form(&path);
    assert!(owner.submit(&form).has("成员已移除"));
    assert!(owner.submit(&form).has("成员已移除"));
    assert_eq!(member.get(&format!("/orgs/{organization}/billing")).status, 404);
    let told = told(&world);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((told[0].0.as_str(), told[0].1["reason"].as_str()), ("member.removed", Some("removed")));
}

#[test]
fn neither_members_nor_billing_admins_nor_strangers_change_anybody() {
    let world = World::start();
    let (stars, sails) = (world.organization("星河科技"), world.organization("云帆数据"));
    for (email, organization, target, status) in [
        (MEMBER, &stars, OWNER, 403),
        (BILLING, &sails, OWNER, 403),
        // Raising oneself.
        (BILLING, &sails, BILLING, 403),
        (MEMBER, &sails, BILLING, 404),
        (BILLING, &stars, MEMBER, 404),
        // Of one's own organization, but not a member of it.
        (OWNER, &stars, BILLING, 404),
    ] {
        let browser = world.signed_in(email);
        let base = format!("/orgs/{organization}/members/{}", user(&world, target));
        let page = browser.force(&format!("{base}/role"), &[("was", "billing"), ("role", "owner")]);
        // Who does not belong here any more leads the owner back to the list.
        let status = if email == OWNER { 303 } else { status };
        assert_eq!(page.status, status, "{email} changes {target}");
        if email != target {
            assert_eq!(browser.force(&format!("{base}/remove"), &[]).status, status, "{email} removes {target}");
        }
        let list = browser.get(&format!("/orgs/{organization}/members"));
        assert!(email == OWNER || list.texts("a[href$='/role'], a[href$='/remove']").is_empty());
    }
    assert_eq!(world.rows("SELECT count(*) FROM member"), ["4"]);
    assert!(told(&world).is_empty());
}

#[test]
fn a_fresh_password_is_asked_for_before_roles_are_changed() {
    let world = World::start();
    let organization = world.organization("云帆数据");
    let owner = world.signed_in(OWNER);
    world.execute("UPDATE session SET stepped_up_until = NULL");
    let path = role_path(&world, &organization, BILLING);
    let step = owner.get(&path);
    assert_eq!(step.h1(), "再次输入密码");
    let page = owner.submit(&step.form("/login/confirm").set("password", PASSWORD));
    assert_eq!(page.path, path);
}

#[test]
fn another_role_or_a_removal_ends_the_sessions_that_came_by_it_for_good() {
    let world = World::start();
    let organization = world.bind("1", BILLING, "云帆数据");
    let enter = || {
        let guest = world.browser();
        guest.open_link(&world.link("1"));
        assert_eq!(guest.get(&format!("/orgs/{organization}/billing")).status, 200);
        guest
    };
    let is_in = |guest: &Browser| guest.get(&format!("/orgs/{organization}/billing")).path.ends_with("/billing");
    let owner = world.signed_in(OWNER);
    let path = role_path(&world, &organization, BILLING);
    let (guest, full) = (enter(), world.signed_in(BILLING));
    set_role(&owner, &path, "owner");
    assert!(!is_in(&guest), "a role change ends it, also one upwards");
    assert!(is_in(&full), "who typed the password stays signed in");
    set_role(&owner, &path, "billing");
    let guest = enter();
    set_role(&owner, &path, "member");
    set_role(&owner, &path, "billing");
    assert!(!is_in(&guest), "the old role does not bring the old session back");
    let guest = enter();
    let remove = path.replace("/role", "/remove");
    owner.submit(&owner.get(&remove).form(&remove));
    assert!(!is_in(&guest));
    // No more entry without a password, since the entry user is gone.
    assert!(world.browser().open_link(&world.link("1")).path.starts_with("/claim/"));
    let ended: Vec<String> = told(&world)
        .into_iter()
        .filter(|(kind, _)| kind == "session.revoked")
        .map(|(_, data)| data["reason"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ended, ["role_changed", "role_changed", "removed"]);
    assert_eq!(world.rows("SELECT state FROM binding"), ["live"], "the binding is the organization's and stays");
}

#[test]
fn a_request_is_cancelled_when_its_requester_manages_no_more() {
    for is_removed in [true, false] {
        let world = World::with(&["--confirmation"]);
        world.buy("1");
        let billing = world.browser();
        let page = billing.open_link(&world.link("1"));
        let claim = page.path.clone();
        let page = billing.sign_in(&page, BILLING, PASSWORD);
        billing.submit(&page.form(&format!("{claim}/confirm")).set("choice", &page.choice("云帆数据").unwrap()));
        assert_eq!(world.rows("SELECT state FROM binding"), ["requested"]);
        let owner = world.signed_in(OWNER);
        let organization = world.organization("云帆数据");
        let path = role_path(&world, &organization, BILLING);
        set_role(&owner, &path, "owner");
        assert_eq!(world.rows("SELECT state FROM binding"), ["requested"], "an owner manages billing too");
        if is_removed {
            let path = path.replace("/role", "/remove");
            owner.submit(&owner.get(&path).form(&path));
        } else {
            set_role(&owner, &path, "member");
        }
        assert_eq!(world.rows("SELECT state || ' ' || reason FROM binding"), ["cancelled not_manager"]);
        assert!(billing.get(&claim).has("您已经不能管理该组织的费用"));
        let binding = world.rows("SELECT id FROM binding").remove(0);
        assert_eq!(Api::of(&world).post(&format!("/bindings/{binding}/confirm"), &serde_json::json!({})).0, 409);
    }
}
