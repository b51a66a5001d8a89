//! The operators' console.

use crate::browserlike::{Browser, Page};
use crate::world::{OWNER, World};

pub const OPERATOR: &str = "operator@example.com";

fn signed_in(world: &World, email: &str) -> Browser {
    let browser = world.browser();
    browser.sign_in_as(email);
    browser
}

/// What a list of facts says of a label.
fn fact(page: &Page, label: &str) -> String {
    let (labels, values) = (page.texts("dt"), page.texts("dd"));
    let at = labels.iter().position(|it| it == label).unwrap_or_else(|| panic!("no {label} in {labels:?}"));
    values[at].clone()
}

#[test]
fn an_operator_begins_at_the_overview_and_sees_what_needs_a_person() {
    let world = World::with(&["--no-access-key"]);
    world.bind("1", OWNER, "星河科技");
    world.buy("2");
    let browser = world.browser();
    let page = browser.sign_in(&browser.get("/login"), OPERATOR, crate::world::PASSWORD);
    assert_eq!((page.path.as_str(), page.h1().as_str()), ("/operator", "健康"));
    assert!(page.has("没有未解除的告警"));
    assert_eq!((fact(&page, "已开通"), fact(&page, "已放弃的任务")), ("2".to_owned(), "0".to_owned()));
    assert!(page.has("没有配置 AccessKey"));
    world.spi(&[("action", "expiredInstance"), ("instanceId", "nobody-knows-it")]);
    world.execute("INSERT INTO job (kind, key, due_at, dead_at, last_error) VALUES ('mail.send', '7', 1, 2, 'x')");
    world.execute("INSERT INTO alarm (kind, subject, detail, times, raised_at, last_at) VALUES ('conflict', 'alibaba-2', '{}', 2, 1, 2)");
    let page = browser.get("/operator");
    let alarms = page.texts("tbody tr");
    assert!(alarms[0].contains("同一订阅收到内容不同的开通") && alarms[0].contains("共 2 次"), "{alarms:?}");
    assert!(alarms[1].contains("收到未知订阅的调用") && alarms[1].contains("alibaba-nobody-knows-it"), "{alarms:?}");
    let links: Vec<String> = page.texts("tbody td a");
    assert_eq!(links, ["alibaba-2"], "only what there is can be opened");
    assert_eq!(fact(&page, "已放弃的任务"), "1");
    // An alarm whose cause is gone is gone.
    world.execute("UPDATE alarm SET cleared_at = 3");
    assert!(browser.get("/operator").has("没有未解除的告警"));
    // Everybody else begins at their organizations, and is not let in.
    let owner = world.browser();
    let page = owner.sign_in(&owner.get("/login"), OWNER, crate::world::PASSWORD);
    assert_eq!(page.path, "/orgs");
    assert_eq!(owner.get("/operator").status, 403);
    assert_eq!(signed_in(&world, OPERATOR).get("/").path, "/operator");
}

#[test]
fn the_overview_tells_when_the_marketplace_was_last_asked() {
    let world = World::with(&["--heal"]);
    let browser = signed_in(&world, OPERATOR);
    let before = fact(&browser.get("/operator"), "上次核对");
    assert_eq!(before, "还没有");
    crate::sink::advance(&world, "11m");
    let page = browser.get("/operator");
    assert!(fact(&page, "上次核对").starts_with("20"), "{}", fact(&page, "上次核对"));
}

#[test]
fn operators_reach_nothing_before_they_have_a_second_factor_where_that_is_asked() {
    let world = World::with(&["--operator-totp"]);
    let browser = world.browser();
    let page = browser.sign_in(&browser.get("/login"), OPERATOR, crate::world::PASSWORD);
    assert_eq!(page.path, "/me/security/totp");
    assert_eq!(browser.get_only("/operator").headers["location"], "/me/security/totp");
}
