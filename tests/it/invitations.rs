//! Invitations: an owner asks an address, and only whoever has the link and the address joins (product §5, rules A2, A7).

use serde_json::Value;

use crate::browserlike::{Browser, Form, Page};
use crate::cli::{KEY, Serving, configure_with, marketgate, says};
use crate::second_factor::advance;
use crate::sink::Api;
use crate::world::{BILLING, MEMBER, OWNER, PASSWORD, World, behind};

const GUEST: &str = "tang.wei@example.com";
const GOOD: &str = "orange-Bicycle-77";

/// Fills the form on the members page and sends it.
pub fn invite(browser: &Browser, organization: &str, email: &str, role: &str) -> Page {
    let page = browser.get(&format!("/orgs/{organization}/members"));
    let form = page.form(&format!("/orgs/{organization}/invitations"));
    browser.submit(&form.set("email", email).set("role", role))
}

/// The invitations mailed to an address, the newest first: their bodies.
fn letters(world: &World, email: &str) -> Vec<String> {
    (world.mails().iter())
        .filter(|mail| mail["kind"] == "invitation" && [&mail["to"], &mail["recipient"]].iter().any(|it| *it == email))
        .map(|mail| mail["body"].as_str().unwrap().to_owned())
        .collect()
}

/// The path of the newest link that was mailed to an address.
pub fn link(world: &World, email: &str) -> String {
    let token = behind(&letters(world, email).remove(0), "/invitations/");
    assert!(token.len() >= 43, "256 bits: {token}");
    format!("/invitations/{token}")
}

fn invited(world: &World, organization: &str, email: &str, role: &str) -> String {
    let page = invite(&world.signed_in(OWNER), organization, email, role);
    assert!(page.path.ends_with("/members?done=invited"), "{} {}", page.status, page.h1());
    link(world, email)
}

pub fn fill(page: &Page, email: &str) -> Form {
    let form = page.form("/register").set("name", "唐薇").set("email", email);
    form.set("password", GOOD).set("agree", "1")
}

fn role(world: &World, organization: &str, email: &str) -> Option<String> {
    let sql = format!(
        "SELECT role FROM member JOIN user ON id = user_id WHERE organization_id = '{organization}' AND email = '{email}'"
    );
    world.rows(&sql).pop()
}

#[test]
fn whoever_has_no_account_registers_by_the_link_and_has_joined() {
    for arguments in [&["--email-check"][..], &[]] {
        let world = World::with(arguments);
        let organization = world.organization("星河科技");
        let path = invited(&world, &organization, GUEST, "billing");
        let kept = world.rows("SELECT hex(token_hash) || email FROM invitation").remove(0);
        assert!(!kept.contains(path.strip_prefix("/invitations/").unwrap()));

        let guest = world.browser();
        // A scanner first, which spends nothing.
        guest.head(&path);
        let page = guest.get(&path);
        assert_eq!((page.status, page.h1().as_str()), (200, "加入「星河科技」"));
        assert!(page.has("林悦") && page.has("组织账单管理员") && page.has("t***@example.com"), "{}", page.html);
        assert!(!page.has(GUEST), "whoever holds the link need not be whom it was sent to");
        assert!(page.find_form(&path).is_none(), "nobody is signed in");
        assert!(page.headers["referrer-policy"] == "strict-origin" && page.headers["cache-control"] == "no-store");

        // By the door of those who have an account, and from there to the one of those who have none.
        let door = guest.get(&page.texts_of("a.btn", "href")[0]);
        assert!(door.has("登录后加入「星河科技」"));
        let to_register =
            door.texts_of("main a", "href").into_iter().find(|href| href.starts_with("/register")).unwrap();
        let page = guest.get(&to_register);
        assert!(page.has("t***@example.com") && !page.has(GUEST));
        let page = guest.submit(&fill(&page, "somebody.else@example.com"));
        assert!(page.status == 422 && page.has("邀请发给另一个邮箱"), "{}", page.h1());
        let page = guest.submit(&fill(&page, "Tang.Wei@example.com "));
        assert!(page.path.ends_with("/members?done=joined") && page.has("您已加入「星河科技」"), "{}", page.path);
        assert_eq!(role(&world, &organization, GUEST).as_deref(), Some("billing"));
        let verified = world.rows(&format!("SELECT email_verified_at IS NOT NULL FROM user WHERE email = '{GUEST}'"));
        assert_eq!(verified, ["1"], "the link has proved the address");
        assert_eq!(world.rows("SELECT count(*) FROM email_check"), ["0"]);

        let told = Api::of(&world).feed();
        let added: Vec<&Value> = told.iter().filter(|event| event["type"] == "member.added").collect();
        assert_eq!((added.len(), &added[0]["data"]["role"]), (1, &Value::from("billing")));
        let noted = world.rows("SELECT action FROM audit WHERE subject_kind = 'invitation' ORDER BY id");
        assert_eq!(noted, ["invitation.sent", "member.added"]);
        let list = world.signed_in(OWNER).get(&format!("/orgs/{organization}/members"));
        assert!(list.texts("#pending").is_empty() && list.texts("tbody th").iter().any(|name| name == "唐薇"));

        // Once only: not for somebody else, and not for a member who has left.
        let page = world.browser().get(&path);
        assert_eq!((page.status, page.h1().as_str()), (410, "这个邀请已经接受过"));
        assert_eq!(guest.get(&path).h1(), "您已经是「星河科技」的成员");
        let leave = format!("/orgs/{organization}/leave");
        guest.submit(&guest.get(&leave).form(&leave));
        assert_eq!(guest.get(&path).status, 410);
        guest.force(&path, &[]);
        assert_eq!(role(&world, &organization, GUEST), None);
    }
}

#[test]
fn whoever_has_an_account_signs_in_and_accepts_once() {
    let world = World::start();
    let organization = world.organization("星河科技");
    let path = invited(&world, &organization, BILLING, "member");
    assert!(letters(&world, BILLING)[0].contains("林悦") && !letters(&world, BILLING)[0].contains("沈知行"));
    let browser = world.browser();
    let door = browser.get(&format!("/login?next={path}"));
    let page = browser.sign_in(&door, BILLING, PASSWORD);
    assert_eq!(page.path, path);
    assert_eq!(role(&world, &organization, BILLING), None, "signing in accepts nothing");
    world.execute("UPDATE user SET email_verified_at = NULL");
    let (form, tab) = (page.form(&path), browser.again(&world.gateway));
    let statuses = std::thread::scope(|scope| {
        let other = scope.spawn(|| tab.submit(&form).status);
        [browser.submit(&form).status, other.join().unwrap()]
    });
    // The one that came second has another session's secret; both know where they are.
    assert!(statuses.contains(&200), "{statuses:?}");
    assert_eq!(role(&world, &organization, BILLING).as_deref(), Some("member"));
    assert_eq!(world.rows("SELECT count(*) FROM event WHERE type = 'member.added'"), ["1"]);
    assert_eq!(
        world.rows("SELECT email FROM user WHERE email_verified_at IS NOT NULL"),
        [BILLING],
        "the mail was read at this address"
    );
}

#[test]
fn a_link_in_other_hands_opens_nothing() {
    let world = World::start();
    let organization = world.organization("星河科技");
    let path = invited(&world, &organization, GUEST, "owner");
    let thief = world.signed_in(BILLING);
    let page = thief.get(&path);
    assert_eq!((page.status, page.h1().as_str()), (200, "这个邀请发给另一个邮箱"));
    assert!(page.has("t***@example.com") && page.has(BILLING) && !page.has(GUEST));
    assert!(page.find_form(&path).is_none());
    thief.force(&path, &[]);
    assert_eq!(role(&world, &organization, BILLING), None);
    assert_eq!(world.rows("SELECT count(*) FROM invitation WHERE accepted_at IS NULL"), ["1"]);
    // Not by registering with an address of one's own either.
    let stranger = world.browser();
    let form = fill(&stranger.get(&format!("/register?next={path}")), "thief@example.com");
    assert_eq!(stranger.submit(&form).status, 422);
    assert_eq!(world.rows("SELECT count(*) FROM user WHERE email = 'thief@example.com'"), ["0"]);
    // Nor by a login-free session, even of the person who was invited.
    world.bind("1", BILLING, "云帆数据");
    let sails = world.organization("云帆数据");
    invite(&world.signed_in(OWNER), &organization, BILLING, "member");
    let path = link(&world, BILLING);
    let guest = world.browser();
    guest.open_link(&world.link("1"));
    assert_eq!(guest.get(&format!("/orgs/{sails}/billing")).status, 200);
    assert!(guest.get(&path).find_form(&path).is_none());
    let forced = guest.force(&path, &[]);
    assert!(forced.headers["location"].starts_with("/login/confirm?next=%2Finvitations%2F"), "{:?}", forced.headers);
    assert_eq!(role(&world, &organization, BILLING), None);
    // 「切换帐号」 keeps the invitation.
    let page = thief.get(&link(&world, GUEST));
    let switch = format!("{}/switch-user", page.path);
    let page = thief.submit(&page.form(&switch));
    assert!(page.h1() == "加入「星河科技」" && thief.get("/me").path.starts_with("/login"));
}

#[test]
fn another_link_ends_the_former_one_and_a_revoked_one_leads_nowhere() {
    let world = World::start();
    let organization = world.organization("星河科技");
    let owner = world.signed_in(OWNER);
    let first = invited(&world, &organization, GUEST, "member");
    let id = world.rows("SELECT id FROM invitation").remove(0);
    let (again, revoke) = (
        format!("/orgs/{organization}/invitations/{id}/resend"),
        format!("/orgs/{organization}/invitations/{id}/revoke"),
    );
    let list = owner.get(&format!("/orgs/{organization}/members"));
    assert!(list.has(GUEST) && list.has("还有 47 小时"), "{:?}", list.texts(".badge"));
    let page = owner.submit(&list.form(&again));
    assert!(page.status == 422 && page.has("刚刚发送过邀请"), "{}", page.h1());
    advance(&world, "2m");
    let owner = world.signed_in(OWNER);
    let list = owner.get(&format!("/orgs/{organization}/members"));
    assert!(owner.submit(&list.form(&again)).has("邀请已发送"));
    let second = link(&world, GUEST);
    assert_ne!(first, second);
    let page = world.browser().get(&first);
    assert_eq!((page.status, page.h1().as_str()), (410, "这个邀请链接无效"));
    assert_eq!(world.browser().get(&second).status, 200);
    // The same address once more is the same invitation, with the role that was meant last.
    advance(&world, "2m");
    invited(&world, &organization, GUEST, "billing");
    assert_eq!(world.rows("SELECT role FROM invitation"), ["billing"]);
    let third = link(&world, GUEST);
    let owner = world.signed_in(OWNER);
    let page = owner.get(&format!("/orgs/{organization}/members"));
    let form = page.form(&revoke);
    assert!(owner.submit(&form).has("邀请已撤销"));
    assert_eq!(owner.submit(&form).status, 404, "there is nothing left to revoke");
    assert_eq!(world.browser().get(&third).h1(), "这个邀请已经撤销");
    let guest = world.browser();
    let page = guest.get(&format!("/register?next={third}"));
    assert!(!page.has("星河科技"));
    let page = guest.submit(&fill(&page, GUEST));
    assert_eq!((page.status, page.h1().as_str()), (410, "这个邀请已经撤销"));
    assert_eq!(role(&world, &organization, GUEST), None);
}

#[test]
fn an_invitation_that_cannot_be_accepted_says_why() {
    let world = World::start();
    let organization = world.organization("星河科技");
    let path = invited(&world, &organization, BILLING, "member");
    let browser = world.signed_in(BILLING);
    let form = browser.get(&path).form(&path);
    for (sql, undo, status, says) in [
        (
            "UPDATE organization SET freeze_reason = 'operator', frozen_at = 1",
            "UPDATE organization SET freeze_reason = NULL, frozen_at = NULL",
            409,
            "现在不能加入这个组织",
        ),
        (
            "UPDATE member SET role = 'billing' WHERE role = 'owner'",
            "UPDATE member SET role = 'owner' WHERE role = 'billing'",
            410,
            "这个邀请已经撤销",
        ),
        (
            "UPDATE user SET disabled_at = 1 WHERE email = 'owner@example.com'",
            "UPDATE user SET disabled_at = NULL",
            410,
            "这个邀请已经撤销",
        ),
        (
            "UPDATE organization SET deleted_at = 1",
            "UPDATE organization SET deleted_at = NULL",
            410,
            "这个邀请已经撤销",
        ),
    ] {
        world.execute(sql);
        let page = browser.get(&path);
        assert_eq!((page.status, page.h1().as_str()), (status, says), "{sql}");
        browser.submit(&form);
        assert_eq!(role(&world, &organization, BILLING), None, "{sql}");
        world.execute(undo);
        assert_eq!(browser.get(&path).status, 200, "{undo}");
    }
    // A freeze for payment keeps nobody out, and the page tells of it.
    world.execute("UPDATE organization SET freeze_reason = 'payment', frozen_at = 1");
    assert!(browser.get(&path).has("这个组织现在因欠费被冻结"));
    world.execute("UPDATE organization SET freeze_reason = NULL, frozen_at = NULL");
    // Full: 500 members.
    world.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 498)
         INSERT INTO user (id, email, name, password_hash, password_changed_at, created_at)
         SELECT 'usr_x' || i, 'x' || i || '@example.com', 'x', '', 0, 0 FROM n",
    );
    world.execute(&format!(
        "INSERT INTO member SELECT '{organization}', id, 'member', 0 FROM user WHERE id LIKE 'usr_x%'"
    ));
    let page = browser.get(&path);
    assert_eq!((page.status, page.h1().as_str()), (409, "这个组织的成员已满"));
    browser.submit(&form);
    assert_eq!(role(&world, &organization, BILLING), None);
    let page = invite(&world.signed_in(OWNER), &organization, GUEST, "member");
    assert!(page.status == 422 && page.has("组织已经有 500 位成员"));
    world.execute("DELETE FROM member WHERE user_id = 'usr_x1'");
    assert_eq!(browser.get(&path).status, 200);
    // Too late: 48 hours.
    advance(&world, "48h");
    let page = world.browser().get(&path);
    assert_eq!((page.status, page.h1().as_str()), (410, "这个邀请已经过期"));
    let browser = world.signed_in(BILLING);
    browser.force(&path, &[]);
    assert_eq!(role(&world, &organization, BILLING), None);
    let list = world.signed_in(OWNER).get(&format!("/orgs/{organization}/members"));
    assert!(list.texts(".badge").iter().any(|badge| badge == "已失效"));
    advance(&world, "31d");
    crate::world::until("the housekeeping", || (world.rows("SELECT count(*) FROM invitation") == ["0"]).then_some(()));
}

#[test]
fn only_owners_invite_and_only_with_a_fresh_password() {
    let world = World::start();
    let (stars, sails) = (world.organization("星河科技"), world.organization("云帆数据"));
    let path = format!("/orgs/{stars}/invitations");
    let fields = [("email", GUEST), ("role", "owner")];
    for (email, status) in [(MEMBER, 403), (BILLING, 404)] {
        let browser = world.signed_in(email);
        assert_eq!(browser.force(&path, &fields).status, status, "{email}");
        assert!(browser.get(&format!("/orgs/{stars}/members")).find_form(&path).is_none());
    }
    let billing = world.signed_in(BILLING);
    assert_eq!(billing.force(&format!("/orgs/{sails}/invitations"), &fields).status, 403, "not with billing alone");
    assert_eq!(world.rows("SELECT count(*) FROM invitation"), ["0"]);
    invited(&world, &stars, GUEST, "member");
    let id = world.rows("SELECT id FROM invitation").remove(0);
    for (email, organization, status) in [(MEMBER, &stars, 403), (BILLING, &stars, 404), (OWNER, &sails, 404)] {
        let browser = world.signed_in(email);
        for what in ["resend", "revoke"] {
            let path = format!("/orgs/{organization}/invitations/{id}/{what}");
            assert_eq!(browser.force(&path, &[]).status, status, "{email} {what}");
        }
        assert!(email == OWNER || !browser.get(&format!("/orgs/{stars}/members")).has(GUEST));
    }
    assert_eq!(world.rows("SELECT revoked_at IS NULL FROM invitation"), ["1"]);
    let owner = world.signed_in(OWNER);
    let stale = owner.get(&format!("/orgs/{stars}/members")).form(&path).set("email", "late@example.com");
    world.execute("UPDATE session SET stepped_up_until = NULL");
    assert!(owner.submit_only(&stale).headers["location"].starts_with("/login/confirm?next="));
    let list = owner.get(&format!("/orgs/{stars}/members"));
    assert!(list.find_form(&path).is_none() && list.has("输入密码后邀请成员"));
    let confirm = owner.get(&format!("/login/confirm?next=/orgs/{stars}/members"));
    let page = owner.submit(&confirm.form("/login/confirm").set("password", PASSWORD));
    assert!(page.find_form(&path).is_some());
}

#[test]
fn inviting_tells_nothing_about_an_address_and_floods_no_mailbox() {
    let world = World::start();
    let organization = world.organization("星河科技");
    let owner = world.signed_in(OWNER);
    let answers: Vec<Page> =
        [BILLING, GUEST].iter().map(|email| invite(&owner, &organization, email, "member")).collect();
    let told =
        |page: &Page, email: &str| (page.status, page.path.clone(), page.texts("main").join("").replace(email, "X"));
    let other = |page: &Page, email: &str| {
        // Each list has both by now, or the first alone.
        let text = told(page, email);
        (text.0, text.1)
    };
    assert_eq!(other(&answers[0], BILLING), other(&answers[1], GUEST));
    assert!(!answers[1].has("沈知行"), "no name is told");
    // An own member is known anyway.
    let page = invite(&owner, &organization, MEMBER, "owner");
    assert!(page.status == 422 && page.has("已经是组织的成员"));
    assert_eq!(role(&world, &organization, MEMBER).as_deref(), Some("member"));
    for (typed, says) in [("", "填写邮箱地址"), ("nobody", "邮箱地址不完整")] {
        let page = invite(&owner, &organization, typed, "member");
        assert!(page.status == 422 && page.has(says), "{typed}");
    }
    // Five an hour to one mailbox, also after the invitation was revoked.
    for sent in 2..=6 {
        advance(&world, "2m");
        let id =
            world.rows(&format!("SELECT id FROM invitation WHERE email = '{GUEST}' AND revoked_at IS NULL")).remove(0);
        let owner = world.signed_in(OWNER);
        let revoke = format!("/orgs/{organization}/invitations/{id}/revoke");
        if sent <= 5 {
            owner.submit(&owner.get(&format!("/orgs/{organization}/members")).form(&revoke));
        }
        let page = invite(&owner, &organization, GUEST, "member");
        assert_eq!(page.status, if sent <= 5 { 200 } else { 422 }, "{sent}");
        assert!(sent <= 5 || page.has("发给这个邮箱的邀请太多"));
    }
    assert_eq!(letters(&world, GUEST).len(), 5);
}

#[test]
fn a_deleted_account_leaves_no_address_among_the_invitations() {
    let world = World::start();
    let organization = world.organization("星河科技");
    let path = invited(&world, &organization, BILLING, "member");
    world.execute("UPDATE member SET role = 'member'");
    world.execute(
        "UPDATE member SET role = 'owner' WHERE user_id = (SELECT id FROM user WHERE email = 'owner@example.com')",
    );
    let billing = world.signed_in(BILLING);
    let held: Value = serde_json::from_str(&billing.get("/me/export").html).unwrap();
    assert_eq!(held["invitations"][0]["organization"], organization.as_str());
    let page = billing.submit(&billing.get("/me/delete").form("/me/delete").set("email", BILLING));
    assert!(page.has("您的帐号已删除"));
    assert_eq!(world.rows("SELECT count(*) FROM invitation"), ["0"]);
    assert_eq!(world.browser().get(&path).status, 410);
}

#[test]
fn without_mail_the_link_is_handed_over_and_proves_no_address() {
    let place = tempfile::tempdir().unwrap();
    let file = configure_with(place.path(), "https://gate.example.com", KEY, "");
    assert_eq!(says(marketgate(&["init", "--config", &file])).0, Some(0));
    let serving = Serving::start(&file);
    let owner = Browser::new(&serving.1);
    owner.submit(&fill(&owner.get("/register"), "owner@example.com"));
    let page = owner.submit(&owner.get("/orgs/new").form("/orgs").set("name", "星河科技"));
    let organization = page.path.split('/').nth(2).unwrap().to_owned();
    let page = invite(&owner, &organization, GUEST, "member");
    assert_eq!((page.status, page.h1().as_str()), (200, "把邀请链接交给对方"));
    let link = page.texts_of("input#link", "value").remove(0);
    let path = link.strip_prefix("https://gate.example.com").unwrap().to_owned();
    drop(serving);
    // By invitation only: the link lets in whom it is for, and nobody else.
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("[accounts]\n", "[accounts]\nregistration = \"closed\"\n")).unwrap();
    let serving = Serving::start(&file);
    let guest = Browser::new(&serving.1);
    assert_eq!(guest.get("/register").status, 403);
    assert_eq!(guest.get("/register?next=/invitations/made-up").status, 403);
    let page = guest.get(&format!("/register?next={path}"));
    assert_eq!(guest.submit(&fill(&page, "thief@example.com")).status, 422);
    let page = guest.submit(&fill(&page, GUEST));
    assert!(page.path.ends_with("done=joined"), "{} {}", page.status, page.path);
    let db = rusqlite::Connection::open(place.path().join("gate.db")).unwrap();
    let sql = "SELECT email_verified_at IS NULL FROM user WHERE email = ?1";
    assert!(db.query_row(sql, [GUEST], |row| row.get::<_, bool>(0)).unwrap(), "the inviter knew the link, too");
}

#[test]
fn two_registrations_by_one_link_at_once_make_one_account() {
    let world = World::start();
    let organization = world.organization("星河科技");
    let path = invited(&world, &organization, GUEST, "billing");
    let (first, second) = (world.browser(), world.browser());
    let forms = [&first, &second].map(|browser| fill(&browser.get(&format!("/register?next={path}")), GUEST));
    let pages = std::thread::scope(|scope| {
        let other = scope.spawn(|| second.submit(&forms[1]));
        [first.submit(&forms[0]), other.join().unwrap()]
    });
    let joined = pages.iter().filter(|page| page.path.ends_with("/members?done=joined")).count();
    assert_eq!(joined, 1, "{:?}", pages.map(|page| (page.status, page.path)));
    assert_eq!(world.rows(&format!("SELECT count(*) FROM user WHERE email = '{GUEST}'")), ["1"]);
    assert_eq!(role(&world, &organization, GUEST).as_deref(), Some("billing"));
    assert_eq!(world.rows("SELECT count(*) FROM event WHERE type = 'member.added'"), ["1"]);
    assert_eq!(
        world.rows("SELECT count(*) FROM session WHERE user_id = (SELECT max(accepted_by) FROM invitation)"),
        ["1"]
    );
}

#[test]
fn only_owners_see_to_invitations_and_not_those_who_manage_billing() {
    let world = World::start();
    let organization = world.organization("云帆数据");
    let path = invited(&world, &organization, GUEST, "member");
    let billing = world.signed_in(BILLING);
    assert!(!billing.get(&format!("/orgs/{organization}/members")).has(GUEST));
    let id = world.rows("SELECT id FROM invitation").remove(0);
    advance(&world, "2m");
    for act in ["resend", "revoke"] {
        let refused = billing.force(&format!("/orgs/{organization}/invitations/{id}/{act}"), &[]);
        assert_eq!(refused.status, 403, "{act}");
    }
    assert_eq!(letters(&world, GUEST).len(), 1);
    assert_eq!(world.browser().get(&path).status, 200, "the link of before leads where it led");
}
