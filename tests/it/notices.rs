//! What the managers of an organization are mailed about it and its payment channel (product §6, rules B3).

use crate::sink::advance;
use crate::world::{BILLING, MEMBER, OWNER, World, until};

/// Recipient and kind of each mail so far, oldest first.
fn mails(world: &World) -> Vec<String> {
    world.rows("SELECT recipient || ' ' || kind FROM mail ORDER BY id")
}

/// The newest mail of a kind as the mailbox shows it: subject and body.
fn newest(world: &World, kind: &str, recipient: &str) -> (String, String) {
    let mail = world.mail(recipient, kind);
    let text = |key: &str| mail[key].as_str().unwrap().to_owned();
    (text("subject"), text("body"))
}

fn tells(world: &World, kind: &str, recipients: &[&str]) {
    let mut wanted: Vec<String> = recipients.iter().map(|recipient| format!("{recipient} {kind}")).collect();
    wanted.sort();
    until(&format!("the mails of {kind}"), || {
        let mut told: Vec<String> = mails(world).into_iter().filter(|mail| mail.ends_with(kind)).collect();
        told.sort();
        (told == wanted).then_some(())
    });
}

fn expire(world: &World, instance: &str) {
    assert_eq!(world.spi(&[("action", "expiredInstance"), ("instanceId", instance)]).0, 200);
}

fn renew(world: &World, instance: &str, order: &str) {
    let date = crate::world::china_text(crate::world::now_secs() + 400 * 86_400);
    let params =
        [("action", "renewInstance"), ("instanceId", instance), ("orderId", order), ("expiredOn", date.as_str())];
    assert_eq!(world.spi(&params).1, r#"{"success":true}"#);
}

#[test]
fn a_whole_life_is_told_to_the_managers_each_in_their_language() {
    let world = World::start();
    world.execute("UPDATE user SET lang = 'en' WHERE email = 'billing@example.com'");
    let organization = world.bind("86040213", OWNER, "云帆数据");
    let both = [OWNER, BILLING];
    tells(&world, "channel_bound", &both);
    let (subject, body) = newest(&world, "channel_bound", OWNER);
    assert_eq!(subject, "「云帆数据」已绑定云市场订阅");
    assert!(body.contains("1234****5678") && body.contains("86040213") && !body.contains(crate::world::BUYER));
    assert!(body.contains(&format!("{}/orgs/{organization}/billing", world.gateway)), "{body}");
    let (subject, body) = newest(&world, "channel_bound", BILLING);
    assert_eq!(subject, "云帆数据 now pays through Alibaba Cloud Marketplace");
    assert!(body.contains("Alibaba Cloud account 1234****5678 pays"), "{body}");

    expire(&world, "86040213");
    tells(&world, "organization_frozen", &both);
    assert!(newest(&world, "organization_frozen", OWNER).1.contains("续费，或绑定新的订阅"));
    renew(&world, "86040213", "r1");
    tells(&world, "organization_unfrozen", &both);

    let browser = world.browser();
    browser.sign_in_as(OWNER);
    let action = format!("/orgs/{organization}/unbind");
    browser.submit(&browser.get(&action).form(&action));
    tells(&world, "channel_unbound", &both);
    assert!(newest(&world, "channel_unbound", BILLING).1.contains("林悦 unbound 云帆数据"));

    world.bind("2", OWNER, "云帆数据");
    world.spi(&[("action", "releaseInstance"), ("instanceId", "2"), ("isRefund", "false")]);
    tells(&world, "subscription_released", &both);
    assert!(!mails(&world).iter().any(|mail| mail.starts_with(MEMBER)), "members are not told");
}

#[test]
fn a_member_who_manages_nothing_is_not_told_and_a_repeated_call_tells_nobody_twice() {
    let world = World::start();
    world.bind("1", OWNER, "星河科技");
    expire(&world, "1");
    expire(&world, "1");
    tells(&world, "organization_frozen", &[OWNER]);
    renew(&world, "1", "r1");
    renew(&world, "1", "r1");
    tells(&world, "organization_unfrozen", &[OWNER]);
    tells(&world, "organization_frozen", &[OWNER]);
}

#[test]
fn after_fifteen_days_the_grace_has_ended_and_nothing_is_deleted() {
    let world = World::start();
    let organization = world.bind("1", OWNER, "星河科技");
    expire(&world, "1");
    tells(&world, "organization_frozen", &[OWNER]);
    advance(&world, "14d");
    let ended = "SELECT subject FROM event WHERE type = 'organization.grace_ended'";
    assert!(world.rows(ended).is_empty());
    advance(&world, "2d");
    assert_eq!(world.rows(ended), [organization]);
    tells(&world, "grace_ended", &[OWNER]);
    assert_eq!(world.rows("SELECT state FROM binding"), ["live"]);
    renew(&world, "1", "late");
    tells(&world, "organization_unfrozen", &[OWNER]);
}

#[test]
fn a_renewal_in_time_lets_no_grace_end() {
    let world = World::start();
    world.bind("1", OWNER, "星河科技");
    expire(&world, "1");
    advance(&world, "14d");
    renew(&world, "1", "r1");
    // Frozen again later: the first countdown must not end the second grace early.
    advance(&world, "12h");
    expire(&world, "1");
    let frozen = world.rows("SELECT grace_until IS NULL FROM organization WHERE name = '星河科技'");
    advance(&world, "2d");
    assert!(world.rows("SELECT 1 FROM event WHERE type = 'organization.grace_ended'").is_empty());
    assert_eq!(frozen, ["1"], "told expired a year before its date: disputed, no countdown");
}

#[test]
fn an_operators_freeze_and_its_end_are_told_once_and_not_why() {
    let world = World::start();
    world.execute("UPDATE user SET lang = 'en' WHERE email = 'billing@example.com'");
    // Bound to nothing: that an organization is frozen concerns its managers all the same.
    let organization = world.organization("云帆数据");
    let operator = world.signed_in("operator@example.com");
    let act = |what: &str| {
        let path = format!("/operator/organizations/{organization}/{what}");
        let form = operator.get(&path).form(&path).set("why", "合同争议");
        assert_eq!(operator.submit(&form).status, 200);
        assert_eq!(operator.submit(&form).status, 409, "the second press of the button");
    };
    let both = [OWNER, BILLING];
    act("freeze");
    tells(&world, "operator_freeze", &both);
    let (subject, body) = newest(&world, "operator_freeze", OWNER);
    assert_eq!(subject, "「云帆数据」已被运营人员冻结");
    assert!(body.contains("请联系支持") && !body.contains("合同争议"), "{body}");
    assert!(body.contains(&format!("{}/orgs/{organization}/billing", world.gateway)), "{body}");
    let (subject, body) = newest(&world, "operator_freeze", BILLING);
    assert!(subject == "云帆数据 was frozen by our staff" && body.contains("contact support"), "{subject} {body}");
    act("unfreeze");
    tells(&world, "operator_freeze_lifted", &both);
    assert!(newest(&world, "operator_freeze_lifted", OWNER).1.contains("服务恢复正常"));

    // Frozen again, until after its subscription has expired: one mail says both.
    world.bind("7", OWNER, "云帆数据");
    expire(&world, "7");
    tells(&world, "organization_frozen", &both);
    act("freeze");
    tells(&world, "operator_freeze", &[OWNER, OWNER, BILLING, BILLING]);
    act("unfreeze");
    tells(&world, "operator_freeze_lifted", &[OWNER, OWNER, BILLING, BILLING]);
    let (subject, body) = newest(&world, "operator_freeze_lifted", BILLING);
    assert!(subject.ends_with("but its subscription has expired") && body.contains("frozen for payment"), "{body}");
    tells(&world, "organization_frozen", &both);
}

#[test]
fn a_switch_tells_who_pays_now() {
    let world = World::start();
    world.bind("1", OWNER, "云帆数据");
    tells(&world, "channel_bound", &[OWNER, BILLING]);
    world.buy("2");
    let browser = world.browser();
    let page = browser.open_link(&world.link("2"));
    let claim = page.path.clone();
    browser.sign_in(&page, BILLING, crate::world::PASSWORD);
    let organization = world.organization("云帆数据");
    let page = browser.get(&format!("{claim}?switch={organization}"));
    let choice = page.choice("云帆数据").unwrap();
    browser.submit(&page.form(&format!("{claim}/confirm")).set("choice", &choice));
    tells(&world, "channel_switched", &[OWNER, BILLING]);
    let (_, body) = newest(&world, "channel_switched", OWNER);
    assert!(body.contains("沈知行 将「云帆数据」的扣费渠道从订阅 1") && body.contains("更换为订阅 2"), "{body}");
    tells(&world, "channel_unbound", &[]);
}
