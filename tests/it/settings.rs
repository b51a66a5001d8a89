//! What owners decide about an organization itself: its name, its time zone, its end (product §5, rules A4).

use serde_json::{Value, json};

use crate::browserlike::{Browser, Page};
use crate::invitations::{invite, link};
use crate::sink::Api;
use crate::world::{BILLING, MEMBER, OWNER, PASSWORD, World, now_secs};

fn delete(browser: &Browser, organization: &str, typed: &str) -> Page {
    let path = format!("/orgs/{organization}/delete");
    browser.submit(&browser.get(&path).form(&path).set("name", typed))
}

/// Tells of usage, and how each was taken.
fn use_some(world: &World, organization: &str, id: &str) -> (u16, Value) {
    // A minute ahead, so that it lies behind the moment at which the binding became live.
    let at = jiff::Timestamp::from_second(now_secs() + 60).unwrap();
    Api::of(world).use_some(organization, id, ("Period", 60), at)
}

#[test]
fn an_owner_gives_another_name_once_and_everybody_reads_it() {
    let world = World::start();
    let organization = world.organization("云帆数据");
    let (home, action) = (format!("/orgs/{organization}/settings"), format!("/orgs/{organization}/settings/name"));
    let owner = world.signed_in(OWNER);
    let page = owner.get(&format!("/orgs/{organization}/billing"));
    assert_eq!(page.texts(&format!("a[href='{home}']")), ["组织设置"]);
    let form = owner.get(&home).form(&action);
    for (bad, says) in
        [("", "填写一个名称"), ("https://a.example", "包含不能使用的字符"), (&*"长".repeat(61), "名称最多 60 个字符")]
    {
        let page = owner.submit(&form.clone().set("name", bad));
        assert!(page.status == 422 && page.has(says), "{bad}");
    }
    let page = owner.submit(&form.clone().set("name", " 云帆科技 "));
    assert!(
        page.path.ends_with("?done=name")
            && page.has("组织名称已保存")
            && page.texts(".org").join("").contains("云帆科技")
    );
    owner.submit(&form.set("name", "云帆科技"));
    let told: Vec<Value> =
        Api::of(&world).feed().into_iter().filter(|event| event["type"] == "organization.renamed").collect();
    assert_eq!(told.len(), 1, "the same name again is no change");
    assert_eq!(told[0]["data"], json!({ "organization": organization, "name": "云帆科技", "was": "云帆数据" }));
    assert_eq!(
        world.rows("SELECT before || after FROM audit WHERE action = 'organization.renamed'"),
        ["云帆数据云帆科技"]
    );
    let billing = world.signed_in(BILLING);
    assert!(billing.get("/orgs").has("云帆科技"));
    // Who does not own it sees the settings and changes nothing.
    let page = billing.get(&home);
    assert!(page.status == 200 && page.has("名称和时区由组织管理员更改") && page.find_form(&action).is_none());
    assert!(page.texts("a[href$='/delete']").is_empty());
    for (what, field, value) in
        [("settings/name", "name", "甲"), ("settings/time-zone", "zone", "UTC"), ("delete", "name", "云帆科技")]
    {
        let path = format!("/orgs/{organization}/{what}");
        assert_eq!(billing.force(&path, &[(field, value)]).status, 403, "{what}");
        assert_eq!(world.signed_in(MEMBER).force(&path, &[(field, value)]).status, 404, "{what}");
    }
    assert_eq!(billing.get(&format!("/orgs/{organization}/delete")).status, 403);
    assert_eq!(world.rows("SELECT count(*) FROM organization WHERE name = '云帆科技' AND deleted_at IS NULL"), ["1"]);
}

#[test]
fn a_confirmation_shown_under_the_former_name_is_shown_again() {
    let world = World::start();
    let organization = world.organization("云帆数据");
    world.buy("1");
    let buyer = world.browser();
    let page = buyer.open_link(&world.link("1"));
    let claim = page.path.clone();
    let page = buyer.sign_in(&page, BILLING, PASSWORD);
    let form = page.form(&format!("{claim}/confirm")).set("choice", &page.choice("云帆数据").unwrap());
    let action = format!("/orgs/{organization}/settings/name");
    let owner = world.signed_in(OWNER);
    owner.submit(&owner.get(&format!("/orgs/{organization}/settings")).form(&action).set("name", "云帆科技"));
    let page = buyer.submit(&form);
    assert!(page.has("云帆科技") && page.choice("云帆科技").is_some(), "{}", page.h1());
    assert_eq!(world.rows("SELECT count(*) FROM binding"), ["0"]);
}

#[test]
fn times_are_told_in_the_organizations_zone_and_bills_in_the_marketplaces() {
    let world = World::start();
    let organization = world.bind("1", OWNER, "云帆数据");
    assert_eq!(use_some(&world, &organization, "1").0, 200);
    let settings = format!("/orgs/{organization}/settings");
    let action = format!("{settings}/time-zone");
    let owner = world.signed_in(OWNER);
    let page = owner.get(&settings);
    let offered = page.texts_of("select#zone option", "value");
    assert!(offered.len() > 300 && offered[0] == "Asia/Shanghai" && offered.iter().any(|it| it == "America/New_York"));
    assert_eq!(page.texts_of("select#zone option[selected]", "value"), ["Asia/Shanghai"]);
    let offset = |page: &Page| page.texts_of("time", "datetime").remove(0).split_off(19);
    assert_eq!(offset(&page), "+08:00");
    let form = page.form(&action);
    for bad in ["Asia/Atlantis", "", "../../etc/passwd", "posixrules"] {
        assert_eq!(owner.submit(&form.clone().set("zone", bad)).status, 422, "{bad}");
    }
    let page = owner.submit(&form.set("zone", "Asia/Tokyo"));
    assert!(page.has("时区已保存") && page.texts_of("select#zone option[selected]", "value") == ["Asia/Tokyo"]);
    assert_eq!(offset(&page), "+09:00");
    assert!(page.has("(UTC+9)"), "another zone than China's says which one it is");
    for (path, expected) in [("members", "+09:00"), ("billing", "+09:00"), ("usage", "+08:00")] {
        let page = owner.get(&format!("/orgs/{organization}/{path}"));
        assert_eq!(offset(&page), expected, "{path}");
    }
    let other = owner.get(&format!("/orgs/{}/members", world.organization("星河科技")));
    assert_eq!(offset(&other), "+08:00", "each organization has its own");
    assert_eq!(
        world.rows("SELECT before || ' ' || after FROM audit WHERE action = 'organization.time_zone_changed'"),
        ["Asia/Shanghai Asia/Tokyo"]
    );
}

#[test]
fn what_stands_in_the_way_of_a_deletion_is_named_with_the_way_out() {
    let world = World::start();
    let organization = world.bind("86040213", OWNER, "云帆数据");
    assert_eq!(use_some(&world, &organization, "1").0, 200);
    let path = format!("/orgs/{organization}/delete");
    let owner = world.signed_in(OWNER);
    let page = owner.get(&path);
    assert!(page.find_form(&path).is_none());
    assert!(
        page.has("86040213") && page.has("先解除绑定") && page.has("还有 1 条用量记录"),
        "{:?}",
        page.texts("main")
    );
    let way = page.texts_of(".card a.link", "href");
    assert_eq!(way, [format!("/orgs/{organization}/unbind"), format!("/orgs/{organization}/usage")]);
    assert!(way.iter().all(|href| owner.get(href).status == 200));
    let forced = || owner.force(&path, &[("name", "云帆数据")]).status;
    assert_eq!(forced(), 409);
    let unbind = format!("/orgs/{organization}/unbind");
    owner.submit(&owner.get(&unbind).form(&unbind));
    for (state, says) in
        [("open", "等待推送"), ("sealed", "等待推送"), ("sending", "等待推送"), ("unknown", "没有明确答复")]
    {
        world.execute(&format!("UPDATE record SET state = '{state}', seals_at = 9e15, due_by = 9e15"));
        let page = owner.get(&path);
        assert!(page.has(says) && !page.has("先解除绑定") && page.find_form(&path).is_none(), "{state}");
        assert_eq!(forced(), 409, "{state}");
    }
    world.execute("UPDATE record SET state = 'accepted'");
    assert!(owner.get(&path).find_form(&path).is_some());
    assert_eq!(world.rows("SELECT count(*) FROM organization WHERE deleted_at IS NOT NULL"), ["0"]);
}

#[test]
fn a_request_that_is_being_processed_keeps_its_organization() {
    let world = World::with(&["--confirmation"]);
    let organization = world.organization("云帆数据");
    world.buy("1");
    let owner = world.browser();
    let page = owner.open_link(&world.link("1"));
    let claim = page.path.clone();
    let page = owner.sign_in(&page, OWNER, PASSWORD);
    let form = page.form(&format!("{claim}/confirm")).set("choice", &page.choice("云帆数据").unwrap());
    owner.submit(&form);
    let path = format!("/orgs/{organization}/delete");
    assert!(owner.get(&path).has("正在与这个组织绑定"));
    assert_eq!(owner.force(&path, &[("name", "云帆数据")]).status, 409);
    assert_eq!(
        world.rows(
            "SELECT count(*) FROM member WHERE organization_id IN (SELECT id FROM organization WHERE name = '云帆数据')"
        ),
        ["2"]
    );
}

#[test]
fn a_deleted_organization_is_gone_for_everybody_and_its_records_stay() {
    let world = World::start();
    let organization = world.bind("1", BILLING, "云帆数据");
    let (owner, billing) = (world.signed_in(OWNER), world.signed_in(BILLING));
    let guest = world.browser();
    guest.open_link(&world.link("1"));
    assert_eq!(guest.get(&format!("/orgs/{organization}/billing")).status, 200);
    invite(&owner, &organization, "tang.wei@example.com", "member");
    let invitation = link(&world, "tang.wei@example.com");
    let unbind = format!("/orgs/{organization}/unbind");
    owner.submit(&owner.get(&unbind).form(&unbind));
    // Somebody is about to bind it.
    world.buy("2");
    let page = billing.open_link(&world.link("2"));
    let confirm = page.form(&format!("{}/confirm", page.path)).set("choice", &page.choice("云帆数据").unwrap());

    let page = owner.get(&format!("/orgs/{organization}/delete"));
    assert!(page.h1() == "删除「云帆数据」" && page.has("2 位成员"));
    let wrong = delete(&owner, &organization, "云帆");
    assert!(wrong.status == 422 && wrong.has("与组织名称不一致"));
    let form = page.form(&format!("/orgs/{organization}/delete")).set("name", " 云帆数据 ");
    let page = owner.submit(&form);
    assert!(page.path == "/orgs?done=deleted" && page.has("组织已删除"), "{}", page.path);
    assert!(!page.texts("table").join("").contains("云帆数据"));
    assert_eq!(owner.submit(&form).status, 404, "the second click finds nothing");

    for browser in [&owner, &billing] {
        for path in ["billing", "members", "usage", "settings", "delete"] {
            assert_eq!(browser.get(&format!("/orgs/{organization}/{path}")).status, 404, "{path}");
        }
    }
    assert!(guest.get(&format!("/orgs/{organization}/billing")).path.starts_with("/login"));
    let page = billing.submit(&confirm);
    assert!(page.choice("云帆数据").is_none(), "{}", page.h1());
    assert_eq!(world.rows("SELECT state FROM binding"), ["ended"]);
    assert_eq!(world.browser().get(&invitation).h1(), "这个邀请已经撤销");
    let api = Api::of(&world);
    assert_eq!(api.call("GET", &format!("/organizations/{organization}"), &[], "").0, 404);
    let listed = api.get("/organizations");
    assert!(listed["items"].as_array().unwrap().iter().all(|one| one["id"] != organization.as_str()));
    let (_, body) = use_some(&world, &organization, "9");
    assert!(body.to_string().contains("unknown_organization"), "{body}");
    let told = api.feed().pop().unwrap();
    assert_eq!((told["type"].as_str(), &told["data"]["name"]), (Some("organization.deleted"), &json!("云帆数据")));
    assert_eq!(world.rows(&format!("SELECT count(*) FROM member WHERE organization_id = '{organization}'")), ["0"]);
    assert_eq!(world.rows("SELECT before FROM audit WHERE action = 'organization.deleted'"), ["云帆数据"]);
    let mut told = world.rows("SELECT recipient FROM mail WHERE kind = 'organization_deleted'");
    told.sort_unstable();
    assert_eq!(told, [BILLING, OWNER]);
    // Its only owner may go now, too, once the other organization is in good hands.
    let stars = world.organization("星河科技");
    assert!(owner.get("/me/delete").has("不再需要这个组织时，删除它"));
    assert!(delete(&owner, &stars, "星河科技").has("组织已删除"));
    let page = owner.submit(&owner.get("/me/delete").form("/me/delete").set("email", OWNER));
    assert!(page.has("您的帐号已删除"));
}

#[test]
fn a_large_organization_is_told_of_its_end_a_few_members_at_a_time() {
    let world = World::start();
    let organization = world.organization("云帆数据");
    let before = world.rows(&format!("SELECT count(*) FROM member WHERE organization_id = '{organization}'")).remove(0);
    assert_eq!(before, "2");
    let many = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 118)";
    world.execute(&format!(
        "INSERT INTO user (id, email, name, password_hash, password_changed_at, created_at)
         {many} SELECT 'usr_many_' || i, i || '@many.example', i, '', 0, 0 FROM n"
    ));
    world.execute(&format!(
        "INSERT INTO member (organization_id, user_id, role, joined_at)
         {many} SELECT '{organization}', 'usr_many_' || i, iif(i % 2, 'owner', 'billing'), 0 FROM n"
    ));
    assert!(delete(&world.signed_in(OWNER), &organization, "云帆数据").has("组织已删除"));
    crate::world::until("nobody belongs to it", || {
        let left = world.rows(&format!("SELECT count(*) FROM member WHERE organization_id = '{organization}'"));
        (left == ["0"]).then_some(())
    });
    let told = "SELECT count(DISTINCT recipient) || ' ' || count(*) FROM mail WHERE kind = 'organization_deleted'";
    assert_eq!(world.rows(told), ["120 120"]);
    assert_eq!(
        world.rows("SELECT count(*) FROM job WHERE kind = 'organization.clear'"),
        ["2"],
        "writes behind the first"
    );
}

#[test]
fn deleting_takes_a_fresh_password() {
    let world = World::start();
    let organization = world.organization("云帆数据");
    let owner = world.signed_in(OWNER);
    let path = format!("/orgs/{organization}/delete");
    let form = owner.get(&path).form(&path).set("name", "云帆数据");
    world.execute("UPDATE session SET stepped_up_until = NULL");
    assert!(owner.submit_only(&form).headers["location"].starts_with("/login/confirm?next="));
    let step = owner.get(&path);
    let page = owner.submit(&step.form("/login/confirm").set("password", PASSWORD));
    assert_eq!(page.path, path);
    assert_eq!(world.rows("SELECT count(*) FROM organization WHERE deleted_at IS NOT NULL"), ["0"]);
}

#[test]
fn an_organization_that_two_owners_delete_at_once_ends_once() {
    let world = World::start();
    let organization = world.organization("云帆数据");
    world.execute("UPDATE member SET role = 'owner'");
    let path = format!("/orgs/{organization}/delete");
    let people = [OWNER, BILLING].map(|email| world.signed_in(email));
    let forms = people.each_ref().map(|browser| browser.get(&path).form(&path).set("name", "云帆数据"));
    let mut statuses = std::thread::scope(|scope| {
        let other = scope.spawn(|| people[1].submit(&forms[1]).status);
        [people[0].submit(&forms[0]).status, other.join().unwrap()]
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404]);
    for rows in ["event WHERE type = 'organization.deleted'", "audit WHERE action = 'organization.deleted'"] {
        assert_eq!(world.rows(&format!("SELECT count(*) FROM {rows}")), ["1"], "{rows}");
    }
}
