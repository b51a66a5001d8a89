//! The operators' console.

use crate::browserlike::{Browser, Page};
use crate::world::{OWNER, World};

pub const OPERATOR: &str = "operator@example.com";

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
    assert_eq!((page.path.as_str(), page.h1().as_str()), ("/operator", "运行状况"));
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
    assert_eq!(world.signed_in(OPERATOR).get("/").path, "/operator");
}

#[test]
fn the_overview_tells_when_the_marketplace_was_last_asked() {
    let world = World::with(&["--heal"]);
    let browser = world.signed_in(OPERATOR);
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

/// The rows of the table with this caption, cells as text.
fn rows(page: &Page, caption: &str) -> Vec<String> {
    let selector = |text: &str| scraper::Selector::parse(text).unwrap();
    let words = |cell: scraper::ElementRef<'_>| {
        cell.text().flat_map(str::split_whitespace).map(str::to_owned).collect::<Vec<_>>().join(" ")
    };
    let document = page.document();
    let found = document
        .select(&selector("table"))
        .find(|table| table.select(&selector("caption")).next().is_some_and(|it| words(it) == caption));
    let Some(table) = found else { return Vec::new() };
    table
        .select(&selector("tbody tr"))
        .map(|row| row.select(&selector("th, td")).map(words).collect::<Vec<_>>().join(" | "))
        .collect()
}

/// Follows 「更早」 from a page to the end.
fn walk(browser: &Browser, from: &str, mut see: impl FnMut(&Page)) -> usize {
    let (mut next, mut pages) = (Some(from.to_owned()), 0);
    while let Some(path) = next {
        let page = browser.get(&path);
        assert_eq!(page.status, 200, "{path}");
        see(&page);
        pages += 1;
        let document = page.document();
        let links = scraper::Selector::parse("footer a[href*='after=']").unwrap();
        next = document.select(&links).next().map(|link| link.attr("href").unwrap().to_owned());
    }
    pages
}

/// Opens the page of an act, and submits it with a reason.
fn act(browser: &Browser, path: &str, why: &str) -> Page {
    let page = browser.get(path);
    browser.submit(&page.form(path).set("why", why))
}

#[test]
fn subscriptions_are_found_by_what_operators_are_told() {
    let world = World::with(&["--no-access-key"]);
    let organization = world.bind("77", OWNER, "星河科技");
    for at in 100..160 {
        world.buy(&at.to_string());
    }
    world.execute(
        "UPDATE subscription SET order_id = '99001', buyer_account = '8888888888881234' WHERE instance_id = '150'",
    );
    world.execute("UPDATE subscription SET is_disputed = 1, state = 'expired' WHERE instance_id = '151'");
    world.execute("UPDATE subscription SET overdue_at = 1 WHERE instance_id = '152'");
    world.execute("UPDATE organization SET name = '=HYPERLINK(\"x\")' WHERE name = '星河科技'");
    let browser = world.signed_in(OPERATOR);
    let list = "/operator/subscriptions";
    let names = |query: &str| -> Vec<String> {
        let found = rows(&browser.get(&format!("{list}?{query}")), "订阅");
        found.iter().map(|row| row.split(" | ").next().unwrap().to_owned()).collect()
    };
    for (query, found) in [
        ("q=150", "alibaba-150"),
        ("q=alibaba-150", "alibaba-150"),
        ("q=99001", "alibaba-150"),
        ("q=8888888888881234", "alibaba-150"),
        ("q=hyperlink", "alibaba-77"),
        (&format!("q={organization}"), "alibaba-77"),
        ("state=expired", "alibaba-151"),
        ("doubt=disputed", "alibaba-151"),
        ("doubt=overdue", "alibaba-152"),
    ] {
        assert_eq!(names(query), [found], "{query}");
    }
    for nothing in ["q=nobody", "q=150&state=expired", "q=%25", "doubt=quarantined", "q=888888888888"] {
        assert!(browser.get(&format!("{list}?{nothing}")).has("没有符合条件的订阅"), "{nothing}");
    }
    let (mut seen, mut html) = (Vec::new(), String::new());
    let pages = walk(&browser, list, |page| {
        seen.extend(rows(page, "订阅"));
        html.push_str(&page.html);
    });
    assert_eq!((pages, seen.len()), (2, 61), "{seen:?}");
    seen.dedup();
    assert!(seen.len() == 61 && seen[0].starts_with("alibaba-159") && seen[60].starts_with("alibaba-77"));
    assert!(html.contains("1234****5678") && !html.contains(crate::world::BUYER), "buyers are masked");
    let csv = browser.get(&format!("{list}.csv?state=active"));
    assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8");
    assert!(csv.html.lines().count() == 61 && csv.html.contains("\"'=HYPERLINK(\"\"x\"\")\""), "{}", csv.html);
    assert!(!csv.html.contains(crate::world::BUYER));
    assert_eq!(browser.get(&format!("{list}?after=x")).status, 422);
}

#[test]
fn a_timeline_tells_the_whole_story_once_and_in_order() {
    let (world, sink) = (World::with(&["--no-access-key"]), crate::sink::Sink::start());
    crate::sink::Api::of(&world).hook(&sink.url, &["binding.*"]);
    let organization = world.bind("7", OWNER, "星河科技");
    sink.hears("binding.live");
    for _ in 0..60 {
        world.buy("7");
    }
    crate::screens::post(&world, &organization, &[("Period", 60, crate::world::now_secs() + 2)]);
    let browser = world.signed_in(OPERATOR);
    act(&browser, &format!("/operator/organizations/{organization}/freeze"), "合同争议");
    let home = "/operator/subscriptions/alibaba-7";
    let page = browser.get(home);
    let first = page.texts("ol.tl > li").remove(0);
    assert!(first.contains("组织已冻结") && first.contains("none → operator") && first.contains("合同争议"), "{first}");
    let mut told = Vec::new();
    assert_eq!(walk(&browser, home, |page| told.extend(page.texts("ol.tl > li"))), 2);
    let count = |what: &str| told.iter().filter(|entry| entry.contains(what)).count();
    assert_eq!((count("开通 create #"), count("已执行 · 200"), count("重复 · 200")), (61, 1, 60), "each call once");
    let live = told.iter().find(|entry| entry.contains("绑定生效 binding.live")).unwrap();
    assert!(live.contains("binding.activate") && live.contains("已投递 · 1 次 · 204"), "{live}");
    let asked = told.iter().find(|entry| entry.contains("请求绑定 binding.requested")).unwrap();
    let name = world.rows(&format!("SELECT name FROM user WHERE email = '{OWNER}'")).remove(0);
    assert!(asked.contains(&name), "{asked}: with who did it");
    assert_eq!((count("binding.live"), count("binding.requested"), count("subscription.activated")), (1, 1, 1));
    let used = told.iter().find(|entry| entry.contains("计算时长 60")).unwrap();
    assert!(used.contains("用量"), "{used}");
    assert!(told.iter().all(|entry| !entry.contains(crate::world::BUYER)));
    // The hour of the usage began before the purchase.
    assert!(told.iter().rev().take(2).any(|entry| entry.contains("开通 create") && entry.contains("已执行")));
    // Each view tells its part, and all of them together everything.
    let part = |show: &str| {
        let mut count = 0;
        walk(&browser, &format!("{home}?show={show}"), |page| count += page.texts("ol.tl > li").len());
        count
    };
    assert_eq!((part("calls"), part("usage")), (61, 1));
    assert_eq!(part("changes") + 62, told.len());
    assert_eq!(browser.get(&format!("{home}?after=1-2")).status, 422);
}

#[test]
fn the_whole_buyer_account_is_shown_on_request_and_that_is_noted() {
    let world = World::with(&["--no-access-key"]);
    world.buy("7");
    let browser = world.signed_in(OPERATOR);
    let home = "/operator/subscriptions/alibaba-7";
    let page = browser.get(home);
    assert!(page.has("1234****5678") && !page.html.contains(crate::world::BUYER));
    let form = page.form(&format!("{home}/account"));
    let noted = || world.rows("SELECT action || ' ' || subject_id || ' ' || coalesce(after, '') FROM audit");
    assert!(noted().is_empty(), "looking notes nothing");
    let shown = browser.submit(&form);
    assert!(shown.has(crate::world::BUYER) && shown.has("已记入审计日志"));
    assert_eq!(noted(), ["subscription.account_seen alibaba-7 "]);
    assert!(browser.get(home).has("查看了完整 UID") && !browser.get(home).html.contains(crate::world::BUYER));
    assert_eq!(world.signed_in(OWNER).submit(&form).status, 403);
}

fn freeze_of(world: &World, organization: &str) -> String {
    world
        .rows(&format!(
            "SELECT coalesce(freeze_reason, 'none') || ' ' || coalesce(grace_until, '') FROM organization WHERE id = '{organization}'"
        ))
        .remove(0)
}

#[test]
fn an_operator_freezes_and_lifts_with_a_reason_and_payment_has_its_own_freeze() {
    let world = World::with(&["--no-access-key"]);
    let organization = world.bind("7", OWNER, "星河科技");
    let browser = world.signed_in(OPERATOR);
    let (freeze, unfreeze) =
        ["freeze", "unfreeze"].map(|act| format!("/operator/organizations/{organization}/{act}")).into();
    let form = browser.get(&freeze).form(&freeze);
    assert_eq!(browser.submit(&form).status, 422, "a reason is required");
    world.execute("UPDATE session SET stepped_up_until = NULL");
    assert!(browser.get_only(&freeze).headers["location"].starts_with("/login/confirm"), "and the password");
    let asked = browser.submit_only(&form.clone().set("why", "x"));
    assert!(asked.headers["location"].starts_with("/login/confirm") && freeze_of(&world, &organization) == "none ");
    browser.submit(&browser.get("/login/confirm").form("/login/confirm").set("password", crate::world::PASSWORD));
    let done = browser.submit(&form.clone().set("why", " 合同争议 "));
    assert!(done.status == 200 && done.has("已执行") && done.has("运营冻结"), "{}", done.h1());
    assert_eq!(freeze_of(&world, &organization), "operator ");
    let stale = browser.submit(&form.clone().set("why", "x"));
    assert!(stale.status == 409 && stale.has("没有执行任何操作"));
    // The buyer is told, and cannot choose it.
    world.buy("8");
    let owner = world.browser();
    let page = owner.open_link(&world.link("8"));
    let page = owner.sign_in(&page, OWNER, crate::world::PASSWORD);
    assert!(page.has("已被冻结") && page.choice("星河科技").is_none());
    // The end of the term and a renewal pass by the operator's freeze.
    let call = |action: &str, more: &[(&str, &str)]| {
        let mut params = vec![("action", action), ("instanceId", "7")];
        params.extend(more);
        assert_eq!(world.spi(&params).0, 200);
    };
    call("expiredInstance", &[]);
    assert_eq!(freeze_of(&world, &organization), "operator ");
    let done = act(&browser, &unfreeze, "和解");
    assert!(done.has("欠费冻结") && done.has("宽限期至"), "it has not paid");
    let grace = world.rows("SELECT expired_at + 15 * 86400000 FROM subscription WHERE instance_id = '7'").remove(0);
    assert_eq!(freeze_of(&world, &organization), format!("payment {grace}"), "as the expiry would have brought it");
    act(&browser, &freeze, "又一次");
    call("renewInstance", &[("orderId", "2"), ("expiredOn", "2099-01-01 00:00:00")]);
    assert_eq!(freeze_of(&world, &organization), "operator ", "a renewal does not lift it");
    assert!(act(&browser, &unfreeze, "结束").has("正常"));
    assert_eq!(freeze_of(&world, &organization), "none ");
    let told = world.rows("SELECT substr(type, 14) || ' ' || json_extract(data, '$.reason') FROM event WHERE type LIKE 'organization.%frozen' ORDER BY id");
    assert_eq!(
        told,
        ["frozen operator", "unfrozen operator", "frozen payment", "frozen operator", "unfrozen operator"]
    );
    let noted = world.rows(
        "SELECT actor_kind || ' ' || action || ' ' || before || '>' || after || ' ' || reason FROM audit WHERE before IS NOT NULL AND request_id LIKE 'req_%' ORDER BY id",
    );
    assert_eq!(
        noted,
        [
            "operator organization.frozen none>operator 合同争议",
            "operator organization.unfrozen operator>payment 和解",
            "operator organization.frozen payment>operator 又一次",
            "operator organization.unfrozen operator>none 结束",
        ]
    );
    // Only once, although it was frozen, lifted and frozen in between.
    crate::sink::advance(&world, "16d");
    assert_eq!(
        world.rows("SELECT count(*) FROM event WHERE type = 'organization.grace_ended'"),
        ["0"],
        "it was renewed"
    );
}

#[test]
fn an_operator_unbinds_as_a_manager_would_and_says_why() {
    let world = World::with(&["--no-access-key"]);
    let organization = world.bind("7", OWNER, "星河科技");
    let browser = world.signed_in(OPERATOR);
    let path = "/operator/subscriptions/alibaba-7/unbind";
    let form = browser.get(path).form(path).set("why", "绑定到了错误的组织");
    let stale = browser.submit(&form.clone().set("shown", "bnd_other"));
    assert!(stale.status == 409 && stale.has("没有执行任何操作"));
    let done = browser.submit(&form);
    assert!(done.path.starts_with("/operator/subscriptions/alibaba-7") && done.has("已执行") && done.has("未绑定"));
    assert_eq!(browser.submit(&form).status, 409, "once");
    assert_eq!(world.rows("SELECT state || ' ' || reason FROM binding"), ["ended unbound"]);
    assert!(browser.get(path).path.ends_with("/alibaba-7"), "nothing is left to unbind");
    crate::screens::post(&world, &organization, &[("Period", 60, crate::world::now_secs() + 1)]);
    assert_eq!(world.rows("SELECT state || ' ' || code FROM record"), ["unbillable unbound"]);
    assert_eq!(
        world.rows("SELECT type FROM event ORDER BY id DESC LIMIT 2"),
        ["organization.no_channel", "binding.ended"]
    );
    let noted = "SELECT actor_kind || ' ' || action || ' ' || before || '>' || after || ' ' || reason FROM audit WHERE actor_kind = 'operator'";
    assert_eq!(world.rows(noted), ["operator binding.ended live>ended 绑定到了错误的组织"]);
    let story = browser.get("/operator/subscriptions/alibaba-7").texts("ol.tl > li").concat();
    assert!(story.contains("绑定结束 binding.ended") && story.contains("绑定到了错误的组织"), "{story}");
    // The managers hear of it, by nobody's name and without the reason.
    let mail = crate::world::until("the mail", || {
        let told = serde_json::Value::from(world.mails()).to_string();
        told.contains("已解除云市场订阅绑定").then_some(told)
    });
    assert!(mail.contains("运营人员 解除了") && !mail.contains("错误的组织"), "{mail}");
}

#[test]
fn calls_are_shown_as_they_came_without_token_or_account() {
    let world = World::with(&["--no-access-key"]);
    world.buy("7");
    world.spi(&[("action", "expiredInstance"), ("instanceId", "unknown-one")]);
    world.spi_raw(&crate::world::query(&crate::world::create("9"), "a-wrong-token-that-was-guessed"));
    let browser = world.signed_in(OPERATOR);
    let list = "/operator/calls";
    let all = rows(&browser.get(list), "调用");
    assert!(all.len() == 2 && all[0].contains("unknown_instance") && all[1].contains("alibaba-7 | 已执行"), "{all:?}");
    assert_eq!(rows(&browser.get(&format!("{list}?verdict=applied")), "调用").len(), 1);
    assert_eq!(rows(&browser.get(&format!("{list}?action=renew")), "调用").len(), 0);
    let id = world.rows("SELECT id FROM call WHERE instance_id = '7'").remove(0);
    let page = browser.get(&format!("{list}/{id}"));
    assert!(page.has("aliUid=1234****5678") && page.has("token=[hidden]") && page.has("orderId=205060317920890"));
    assert!(!page.html.contains(crate::world::BUYER));
    // The sample is written behind the answer.
    let away = crate::world::until("the sample", || {
        let page = browser.get(&format!("{list}?verdict=turned_away"));
        (!rows(&page, "已拦截").is_empty()).then_some(page)
    });
    let found = rows(&away, "已拦截");
    assert!(found.len() == 1 && found[0].contains("127.0.0.1") && found[0].contains("orderBizId=9"), "{found:?}");
    assert!(!away.html.contains("a-wrong-token") && !away.html.contains(crate::world::BUYER));
    assert_eq!(browser.get(&format!("{list}/{id}0")).status, 404);
}

#[test]
fn a_file_that_cannot_be_read_is_not_shown_as_one_that_has_nothing() {
    let world = World::with(&["--no-access-key"]);
    world.buy("7");
    let browser = world.signed_in(OPERATOR);
    world.execute("INSERT INTO alarm (kind, subject, detail, times, raised_at, last_at) VALUES ('conflict', 'alibaba-7', '{}', 1, 1, 1)");
    let pages = ["/operator", "/operator/calls", "/operator/calls/1", "/operator/audit?subject=alibaba-7"];
    for path in pages {
        assert_eq!(browser.get(path).status, 200, "{path}");
    }
    // What looks a subscription up has this column, and signing in has not.
    world.execute("ALTER TABLE subscription RENAME COLUMN order_id TO order_gone");
    for path in pages {
        assert_eq!(browser.get(path).status, 500, "{path}");
    }
    assert_eq!(browser.get("/operator/audit").status, 200, "what looks nothing up");
}

#[test]
fn what_was_given_up_is_sent_again_and_its_alarm_ends_with_it() {
    let world = World::with(&["--no-access-key"]);
    let sink = crate::sink::Sink::answering(|_| (500, String::new()));
    let hook = crate::sink::Api::of(&world).hook(&sink.url, &["subscription.*"]);
    let hook = hook["id"].as_str().unwrap();
    world.buy("7");
    let alarms = || world.rows("SELECT kind FROM alarm WHERE cleared_at IS NULL ORDER BY kind");
    crate::sink::advance(&world, "4d");
    assert_eq!(alarms(), ["dead_delivery"], "after the last attempt");
    sink.answers(|_| (410, String::new()));
    world.buy("8");
    crate::world::until("the alarms", || (alarms() == ["dead_delivery", "webhook_disabled"]).then_some(()));
    let browser = world.signed_in(OPERATOR);
    let health = browser.get("/operator");
    assert!(health.has("有投递已放弃") && health.has("Webhook 已停用"));
    let page = browser.get(&format!("/operator/deliveries?webhook={hook}&state=dead"));
    let dead = rows(&page, "投递");
    assert!(dead.len() == 1 && dead[0].contains("subscription.activated") && dead[0].contains("500"), "{dead:?}");
    assert!(page.has("已停用（接收方已不存在）"));
    sink.answers(|_| (204, String::new()));
    browser.submit(&page.form(&format!("/operator/webhooks/{hook}/enable")));
    assert_eq!(alarms(), ["dead_delivery"]);
    crate::world::until("the other one", || {
        (world.rows("SELECT count(*) FROM delivery WHERE state = 'delivered'") == ["1"]).then_some(())
    });
    assert_eq!(alarms(), ["dead_delivery"], "one is still lost");
    let id = world.rows("SELECT id FROM delivery WHERE state = 'dead'").remove(0);
    let path = format!("/operator/deliveries/{id}");
    let page = browser.get(&path);
    assert!(page.has("alibaba-7") && !page.html.contains("whsec_"), "no secret is shown");
    assert!(browser.submit(&page.form(&format!("{path}/redeliver"))).has("已安排重新投递"));
    crate::world::until("the end of the alarm", || alarms().is_empty().then_some(()));
    assert_eq!(world.rows("SELECT state FROM delivery"), ["delivered", "delivered"]);
    assert_eq!(
        world.rows("SELECT actor_kind || ' ' || action FROM audit WHERE actor_kind = 'operator' ORDER BY id"),
        ["operator webhook.enabled", "operator delivery.redelivered"]
    );
}

#[test]
fn a_job_that_was_given_up_is_retried_or_discarded_with_a_reason() {
    let world = World::with(&["--no-access-key"]);
    for (id, key) in [(901, "binding-1"), (902, "binding-2"), (903, "binding-3")] {
        world.execute(&format!(
            "INSERT INTO job (id, kind, key, due_at, attempts, dead_at, last_error) VALUES ({id}, 'binding.activate', '{key}', 1, 20, 2, 'no space')"
        ));
        world.execute(&format!(
            "INSERT INTO alarm (kind, subject, raised_at, last_at) VALUES ('dead_job', 'binding.activate {key}', 1, 1)"
        ));
    }
    world.execute(
        "INSERT INTO job (id, kind, key, due_at) VALUES (904, 'binding.activate', 'binding-3', 99999999999999)",
    );
    let browser = world.signed_in(OPERATOR);
    let list = rows(&browser.get("/operator/jobs"), "已放弃的任务");
    assert!(list.len() == 3 && list[0].contains("binding-3") && list[2].contains("no space"), "{list:?}");
    let form = |id: u32, decision: &str| {
        let path = format!("/operator/jobs/{id}");
        browser.get(&path).form(&path).set("decision", decision)
    };
    assert_eq!(browser.submit(&form(901, "retry")).status, 422, "a reason is required");
    assert_eq!(browser.submit(&form(901, "retry").without("decision").set("why", "x")).status, 422);
    assert!(browser.submit(&form(901, "retry").set("why", "磁盘已扩容")).has("已执行"));
    crate::world::until("the job's end", || {
        (world.rows("SELECT done_at IS NOT NULL FROM job WHERE id = 901") == ["1"]).then_some(())
    });
    browser.submit(&form(902, "discard").set("why", "不再需要"));
    assert_eq!(world.rows("SELECT done_at IS NOT NULL AND dead_at IS NULL FROM job WHERE id = 902"), ["1"]);
    let planned = browser.submit(&form(903, "retry").set("why", "x"));
    assert!(planned.status == 409 && planned.has("已经重新安排"));
    assert_eq!(world.rows("SELECT subject FROM alarm WHERE cleared_at IS NULL"), ["binding.activate binding-3"]);
    assert_eq!(browser.get("/operator/jobs/902").status, 404);
    assert_eq!(
        world.rows("SELECT action || ' ' || subject_id || ' ' || reason FROM audit ORDER BY id"),
        ["job.retried 901 磁盘已扩容", "job.discarded 902 不再需要"]
    );
}

#[test]
fn organizations_and_people_are_found_and_none_of_their_secrets() {
    let world = World::with(&["--no-access-key"]);
    let organization = world.bind("7", OWNER, "星河科技");
    let browser = world.signed_in(OPERATOR);
    let found = rows(&browser.get("/operator/organizations?q=%E6%98%9F%E6%B2%B3"), "组织");
    assert!(found.len() == 1 && found[0].starts_with("星河科技 | 正常"), "{found:?}");
    assert!(browser.get("/operator/organizations?state=operator").has("没有符合条件的组织"));
    let page = browser.get(&format!("/operator/organizations/{organization}"));
    assert!(rows(&page, "扣费渠道")[0].contains("alibaba-7 | 生效中 live"), "{:?}", rows(&page, "扣费渠道"));
    assert!(rows(&page, "成员").iter().any(|row| row.contains(OWNER) && row.contains("组织管理员")));
    let people = rows(&browser.get("/operator/users?q=owner%40"), "用户");
    assert!(people.len() == 1 && people[0].contains(OWNER), "{people:?}");
    assert_eq!(rows(&browser.get("/operator/users?kind=operators"), "用户").len(), 1);
    let id = world.rows(&format!("SELECT id FROM user WHERE email = '{OWNER}'")).remove(0);
    let page = browser.get(&format!("/operator/users/{id}"));
    assert!(page.has(OWNER) && page.has("未开启") && rows(&page, "所在组织").len() == 2);
    let secrets = world.rows("SELECT password_hash FROM user UNION SELECT hex(secret_hash) FROM session UNION SELECT hex(secret_hash) FROM api_key");
    for path in ["/operator/users", &format!("/operator/users/{id}"), "/operator/audit", "/operator/deliveries"] {
        let html = browser.get(path).html;
        assert!(secrets.iter().all(|secret| !html.contains(secret)) && !html.contains("$argon2"), "{path}");
    }
}

#[test]
fn a_person_is_signed_out_disabled_and_let_in_again() {
    let (world, sink) = (World::with(&["--no-access-key"]), crate::sink::Sink::start());
    crate::sink::Api::of(&world).hook(&sink.url, &["session.revoked"]);
    world.bind("7", OWNER, "星河科技");
    let (browser, owner) = (world.signed_in(OPERATOR), world.signed_in(OWNER));
    let id = world.rows(&format!("SELECT id FROM user WHERE email = '{OWNER}'")).remove(0);
    let path = |what: &str| format!("/operator/users/{id}/{what}");
    assert!(act(&browser, &path("sign-out"), "设备遗失").has("已执行"));
    assert!(owner.get("/orgs").path.starts_with("/login"), "the session is over");
    sink.hears("session.revoked");
    owner.sign_in_as(OWNER);
    act(&browser, &path("disable"), "离职");
    assert!(owner.get("/orgs").path.starts_with("/login"));
    let refused = owner.sign_in(&owner.get("/login"), OWNER, crate::world::PASSWORD);
    assert!(refused.status == 422 && refused.has("邮箱或密码不正确"), "{}", refused.status);
    // Nor by the marketplace's link.
    let entry = world.browser();
    entry.open_link(&world.link("7"));
    assert!(!entry.cookie_names().iter().any(|name| name == "mg_session"));
    assert_eq!(browser.submit(&browser.get(&path("disable")).form(&path("disable")).set("why", "x")).status, 409);
    act(&browser, &path("enable"), "回来了");
    owner.sign_in_as(OWNER);
    // Not oneself; and the last operator stays.
    let own = world.rows(&format!("SELECT id FROM user WHERE email = '{OPERATOR}'")).remove(0);
    let own = format!("/operator/users/{own}/disable");
    let page = browser.get(&own);
    let refused = browser.submit(&page.form(&own).set("why", "x"));
    assert!(refused.status == 409 && refused.has("不能停用自己"));
    assert_eq!(
        world.rows("SELECT action || ' ' || reason FROM audit WHERE actor_kind = 'operator' ORDER BY id"),
        ["user.signed_out 设备遗失", "user.disabled 离职", "user.enabled 回来了"]
    );
}

#[test]
fn the_audit_log_is_filtered_downloaded_and_checked() {
    // Before anything is noted, which may be a moment before midnight.
    let today = &crate::world::china_text(crate::world::now_secs())[..10];
    let world = World::with(&["--no-access-key"]);
    let organization = world.bind("7", OWNER, "星河科技");
    world.bind("8", OWNER, "云帆数据");
    let browser = world.signed_in(OPERATOR);
    act(&browser, &format!("/operator/organizations/{organization}/freeze"), "=1+1");
    let list = |query: &str| rows(&browser.get(&format!("/operator/audit?{query}")), "审计");
    assert_eq!(list("").len(), 5);
    assert_eq!(list(&format!("subject={organization}")).len(), 3);
    assert_eq!(list("subject=alibaba-8").len(), 2);
    assert_eq!(list("subject=alibaba-none").len(), 0);
    assert_eq!(list("action=organization.frozen").len(), 1);
    let operator = world.rows(&format!("SELECT id FROM user WHERE email = '{OPERATOR}'")).remove(0);
    let own = list(&format!("actor={operator}"));
    assert!(own.len() == 1 && own[0].contains("none → operator") && own[0].contains("req_"), "{own:?}");
    assert_eq!(list(&format!("from={today}")).len(), 5);
    assert_eq!(list("until=2020-01-01").len(), 0);
    let unread = browser.get("/operator/audit?from=yesterday&until=2026-11-31");
    assert_eq!((unread.status, unread.texts("form p.err").len()), (422, 2), "no day is not as if none was asked for");
    assert!(unread.has("填写一个日期") && !unread.has("没有符合条件的记录") && rows(&unread, "审计").is_empty());
    assert_eq!(browser.get("/operator/audit.csv?until=2026-11-31").status, 422);
    let csv = browser.get("/operator/audit.csv?action=organization.");
    assert!(csv.html.lines().count() == 2 && csv.html.contains("'=1+1"), "{}", csv.html);
    let check = browser.get("/operator/audit").form("/operator/audit/check");
    assert!(browser.submit(&check).has("已检查 5 条，没有发现问题"));
    world.execute("DROP TRIGGER audit_is_never_changed");
    world.execute("UPDATE audit SET actor_id = 'usr_other' WHERE id = 2");
    assert!(browser.submit(&check).has("第 2 条被改动"));
    world.execute("DROP TRIGGER audit_is_never_shortened");
    world.execute("DELETE FROM audit WHERE id = 2");
    assert!(browser.submit(&check).has("缺少第 2 条"));
}

#[test]
fn the_first_operator_is_made_by_a_command_and_sets_the_password_by_a_link_that_works_once() {
    use crate::cli::{KEY, configure, marketgate, says};
    let place = tempfile::tempdir().unwrap();
    let world = World::on(&place.path().join("gate.db"));
    let config = configure(place.path(), &world.gateway.replace("http://", "https://"), KEY);
    let file = place.path().join("link");
    let operator = |arguments: &[&str]| {
        let mut all = vec!["operator"];
        all.extend(arguments);
        all.extend(["--config", &config]);
        says(marketgate(&all))
    };
    let to = file.to_str().unwrap().to_owned();
    let (code, said) = operator(&["add", "Staff@Example.com", "--name", "周岚", "--link-file", &to]);
    assert!(code == Some(0) && said.contains("for one hour") && !said.contains("/password/reset/"), "{said}");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let read = || std::fs::read_to_string(&file).unwrap().trim().split("/password/").nth(1).unwrap().to_owned();
    let first = read();
    let other = place.path().join("other");
    let (code, said) = operator(&["add", OWNER, "--link-file", other.to_str().unwrap()]);
    assert!(code == Some(1) && said.contains("there is an account"), "{said}: nobody becomes one by having an account");
    assert!(!other.exists(), "no file for what was not done");
    assert_eq!(operator(&["reset", "staff@example.com", "--link-file", &to]).0, Some(1), "never over an older link");
    std::fs::remove_file(&file).unwrap();
    assert_eq!(operator(&["reset", "staff@example.com"]).0, Some(0), "beside the database, where there is no terminal");
    std::fs::rename(place.path().join("operator-link"), &file).unwrap();
    let browser = world.browser();
    assert_eq!(browser.get(&format!("/password/{first}")).status, 410, "the link of before is dead");
    let link = format!("/password/{}", read());
    // Nobody has a password before.
    let refused = browser.sign_in(&browser.get("/login"), "staff@example.com", crate::world::PASSWORD);
    assert!(refused.has("邮箱或密码不正确"), "{}", refused.status);
    assert_eq!(browser.head(&link).status, 200);
    let form = browser.get(&link).form("/password/reset");
    assert!(browser.submit(&form.clone().set("password", "short")).status == 422);
    browser.submit(&form.clone().set("password", "orange-Bicycle-77"));
    let page = browser.sign_in(&browser.get("/login"), "staff@example.com", "orange-Bicycle-77");
    assert_eq!((page.path.as_str(), page.h1().as_str()), ("/operator", "运行状况"));
    assert_eq!(browser.get(&link).status, 410, "it works once");
    let unproved = "SELECT email FROM user WHERE email_verified_at IS NULL";
    assert_eq!(world.rows(unproved), ["staff@example.com"], "nothing went through the mailbox");
    let (_, listed) = operator(&["list"]);
    assert!(listed.contains("staff@example.com  周岚  in force, no two-step"), "{listed}");
    let (code, said) = operator(&["disable", "staff@example.com"]);
    assert!(code == Some(0) && said.contains("locked out now"), "{said}");
    assert!(browser.get("/operator").path.starts_with("/login"), "at once");
    assert_eq!(operator(&["reset", "staff@example.com"]).0, Some(1));
    let (code, said) = operator(&["disable", OPERATOR]);
    assert!(code == Some(1) && said.contains("only operator"), "{said}");
    assert_eq!(operator(&["disable", OWNER]).0, Some(1), "no operator");
    // Nor where a link of another kind leads, not even into nothing.
    let (elsewhere, signpost) = (place.path().join("elsewhere"), place.path().join("signpost"));
    std::os::unix::fs::symlink(&elsewhere, &signpost).unwrap();
    assert_eq!(operator(&["reset", OPERATOR, "--link-file", signpost.to_str().unwrap()]).0, Some(1));
    assert!(!elsewhere.exists() && signpost.is_symlink());
    // An hour later it would have been too late; and without the server it is done just as well.
    std::fs::remove_file(&file).unwrap();
    assert_eq!(operator(&["reset", OPERATOR, "--link-file", &to]).0, Some(0));
    let late = format!("/password/{}", read());
    crate::sink::advance(&world, "61m");
    assert_eq!(browser.get(&late).status, 410);
    assert_eq!(
        world.rows("SELECT action FROM audit WHERE actor_kind = 'command_line' ORDER BY id"),
        ["operator.added", "operator.reset", "user.disabled", "operator.reset"]
    );
    world.terminate();
    let (code, listed) = operator(&["list", "--json"]);
    assert!(code == Some(0) && listed.contains("\"is_enabled\": false"), "{listed}");
    // Without a name the address gives one, however long it is.
    let beginning = "o".repeat(64);
    let (code, said) = operator(&["add", &format!("{beginning}@example.com"), "--link-file", other.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{said}");
    let (_, listed) = operator(&["list"]);
    assert!(listed.contains(&format!("{beginning}@example.com  {}  in force", &beginning[..60])), "{listed}");
}
