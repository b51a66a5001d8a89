//! Usage on the pages: what was posted is what is shown, to those who may see it.

use serde_json::{Value, json};

use crate::browserlike::Page;
use crate::world::{MEMBER, OWNER, PLAN, PRODUCT, World, agent, china_text, until};

const HOUR: i64 = 3_600;

/// A gateway that pushes nothing, so that records stay where intake and sealing leave them.
fn unpushed() -> World {
    World::with(&["--no-access-key"])
}

pub fn post(world: &World, organization: &str, events: &[(&str, i64, i64)]) {
    let events: Vec<Value> = (events.iter().enumerate())
        .map(|(id, (item, quantity, at))| {
            json!({
                "specversion": "1.0", "type": "marketgate.usage.v1", "source": "screens", "id": format!("{organization}-{at}-{id}"),
                "subject": organization, "time": jiff::Timestamp::from_second(*at).unwrap().to_string(),
                "data": { "item": item, "quantity": quantity },
            })
        })
        .collect();
    let mut answer = agent()
        .post(&format!("{}/api/v1/usage", world.gateway))
        .header("authorization", format!("Bearer {}", world.ready["api_key"].as_str().unwrap()))
        .header("content-type", "application/cloudevents-batch+json")
        .send(json!(events).to_string())
        .unwrap();
    let told: Value = serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap();
    assert_eq!(told["accepted"], events.len(), "{told}");
}

fn move_clock(world: &World, order: &Value) -> i64 {
    let url = format!("{}/control/clock", world.simulator_origin());
    let mut response = agent().post(&url).send(order.to_string()).unwrap();
    let told: Value = serde_json::from_str(&response.body_mut().read_to_string().unwrap()).unwrap();
    assert_eq!(response.status(), 200, "{told}");
    told["now"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second()
}

fn move_to(world: &World, secs: i64) {
    move_clock(world, &json!({ "to": jiff::Timestamp::from_second(secs).unwrap().to_string() }));
}

/// Moves the clock to a minute after 10 o'clock on the tenth of next month in China, away from its edges; that hour.
fn at_ten(world: &World) -> i64 {
    let now = move_clock(world, &json!({ "advance": "1s" }));
    let china = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
    let day = jiff::Timestamp::from_second(now).unwrap().to_zoned(china);
    let next = day.date().first_of_month().saturating_add(jiff::Span::new().months(1));
    let ten = next.saturating_add(jiff::Span::new().days(9)).at(10, 0, 0, 0);
    let hour = ten.to_zoned(day.time_zone().clone()).unwrap().timestamp().as_second();
    move_to(world, hour + 60);
    hour
}

/// The rows of the first table, cells as text.
fn rows(page: &Page) -> Vec<String> {
    let selector = |text| scraper::Selector::parse(text).unwrap();
    let document = page.document();
    let words = |cell: scraper::ElementRef<'_>| {
        cell.text().flat_map(str::split_whitespace).map(str::to_owned).collect::<Vec<_>>().join(" ")
    };
    document
        .select(&selector("table tbody tr"))
        .map(|row| row.select(&selector("th, td")).map(words).collect::<Vec<_>>().join(" | "))
        .collect()
}

#[test]
fn the_billing_page_says_what_was_posted_and_what_became_of_it() {
    let world = World::start();
    // Bought at the simulator, so that it takes what is pushed.
    let (_, bought) = world.order_control("orders", &json!({ "account": "A", "product": PRODUCT, "plan": PLAN }));
    let instance = bought["instance_id"].as_str().unwrap();
    let binding = json!({ "instance": instance, "user": OWNER, "organization": "星河科技" });
    assert_eq!(world.order_control("bind", &binding).0, 200);
    let organization = world.organization("星河科技");
    let hour = at_ten(&world);
    // An hour and a half, and half an hour, in one bill; 8 vCPU in one hour and 4 in the next.
    post(
        &world,
        &organization,
        &[("Period", 5_400, hour), ("Period", 1_800, hour + 50), ("VirtualCpu", 8, hour), ("VirtualCpu", 6, hour + 50)],
    );
    move_to(&world, hour + HOUR + 60);
    post(&world, &organization, &[("VirtualCpu", 4, hour + HOUR)]);
    let owner = world.signed_in(OWNER);
    let billing = format!("/orgs/{organization}/billing");
    assert_eq!(
        rows(&owner.get(&billing)),
        ["计算时长 | 小时 | 2 | 0 | 2 | ¥ 0.24", "vCPU | 核·小时 | 12 | 0 | 12 | ¥ 10.32"],
        "used, accepted, waiting"
    );
    move_to(&world, hour + HOUR + 15 * 60);
    until("the push", || (world.rows("SELECT count(*) FROM record WHERE state = 'accepted'") == ["2"]).then_some(()));
    post(&world, &organization, &[("Period", 7_200, hour + 100)]);
    let page = owner.get(&billing);
    assert_eq!(
        rows(&page),
        ["计算时长 | 小时 | 4 | 2 | 0 | 2 | ¥ 0.24", "vCPU | 核·小时 | 12 | 8 | 4 | 0 | ¥ 10.32"],
        "used, accepted, waiting, not billed"
    );
    assert!(page.has("预计合计¥ 10.56"));
    assert!(page.has("金额为估算，以阿里云帐单为准") && page.has("日期为什么与发票不同"));
    assert!(page.has("到达太晚，这个时段已经推送或截止，不计费"));
    // The drawing says the same as the table, in words.
    assert!(page.texts("svg.chart desc")[0].contains("全月共 4，其中云市场已接受 2，待推送或核对中 0，不计费 2"));
    let other = owner.get(&format!("{billing}?item=VirtualCpu"));
    assert!(other.texts("svg.chart desc")[0].contains("最高的是 10 日，为 12"), "{:?}", other.texts("svg.chart desc"));
    assert_eq!(other.texts("svg.chart rect").len(), 2, "a bar of what was accepted and one of what waits");
    // What the marketplace's bills come to when they are made is what was estimated.
    move_to(&world, hour + 5 * HOUR);
    assert!(owner.get(&billing).has("预计合计¥ 10.56"));
    let bills = world.control(&format!("instances/{instance}/bills")).to_string();
    assert!(bills.contains("1056"), "{bills}");
}

#[test]
fn an_organization_without_usage_is_told_what_will_be_here() {
    let world = unpushed();
    let organization = world.bind("1", OWNER, "星河科技");
    let owner = world.signed_in(OWNER);
    let page = owner.get(&format!("/orgs/{organization}/billing"));
    assert!(page.has("这个月还没有收到用量") && page.texts("svg.chart").is_empty());
    assert!(owner.get(&format!("/orgs/{organization}/usage")).has("这个月还没有收到用量"));
    let csv = owner.get(&format!("/orgs/{organization}/usage.csv"));
    assert_eq!(csv.html.lines().count(), 1, "the heading alone");
}

#[test]
fn every_record_is_shown_with_its_state_and_the_table_to_download_says_the_same() {
    let world = unpushed();
    let organization = world.bind("1", OWNER, "星河科技");
    let hour = at_ten(&world);
    post(
        &world,
        &organization,
        &[("Period", 3_661, hour + 1), ("VirtualCpu", 8, hour + 2), ("Storage", 1_024, hour - 20 * 24 * HOUR)],
    );
    move_to(&world, hour + 2 * HOUR);
    post(&world, &organization, &[("Period", 7, hour + 5), ("Period", 60, hour + HOUR + 5)]);
    let owner = world.signed_in(OWNER);
    let usage = format!("/orgs/{organization}/usage");
    let day = &china_text(hour)[..10];
    let shown = rows(&owner.get(&usage));
    assert_eq!(
        shown,
        [
            format!("{day} 11:00 – 12:00 | 计算时长 | 60 | 秒 | 累计中 | 这个时段还在累计"),
            format!("{day} 10:00 – 11:00 | 计算时长 | 7 | 秒 | 已错过 迟到 | 到达太晚，这个时段已经推送或截止，不计费"),
            format!("{day} 10:00 – 11:00 | vCPU | 8 | 核 | 已错过 | 没能在截止时间前推送，不计费"),
            format!("{day} 10:00 – 11:00 | 计算时长 | 3,661 | 秒 | 已错过 | 没能在截止时间前推送，不计费"),
        ]
    );
    assert_eq!(rows(&owner.get(&format!("{usage}?item=VirtualCpu"))), [shown[2].clone()]);
    assert_eq!(rows(&owner.get(&format!("{usage}?day={day}"))), shown);
    assert!(owner.get(&format!("{usage}?day={}", &china_text(hour - 24 * HOUR)[..10])).has("没有符合条件的记录"));
    // The month before is another page.
    let earlier = owner.get(&format!("{usage}?month={}", &china_text(hour - 20 * 24 * HOUR)[..7]));
    assert!(
        rows(&earlier)[0].ends_with("存储 | 1,024 | 字节 | 不计费 | 使用时没有扣费渠道，不计费"),
        "{:?}",
        rows(&earlier)
    );

    let csv = owner.get(&format!("{usage}.csv?month={}", &day[..7]));
    assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8");
    assert!(csv.headers["content-disposition"].starts_with("attachment; filename=\"usage-org_"));
    let text = csv.html.strip_prefix('\u{feff}').unwrap();
    let lines: Vec<String> = csv::Reader::from_reader(text.as_bytes())
        .records()
        .map(|row| {
            let row = row.unwrap();
            [&row[0], &row[2], &row[4], &row[7], &row[8], &row[9], &row[10]].join(" ")
        })
        .collect();
    assert_eq!(
        lines,
        [
            format!("{day} 10:00:00 Period 3661 regular missed deadline alibaba-1"),
            format!("{day} 10:00:00 VirtualCpu 8 regular missed deadline alibaba-1"),
            format!("{day} 10:00:00 Period 7 late missed late alibaba-1"),
            format!("{day} 11:00:00 Period 60 regular open  alibaba-1"),
        ]
    );
}

#[test]
fn pages_of_records_follow_each_other_without_gap_or_repetition() {
    let world = unpushed();
    let organization = world.bind("1", OWNER, "星河科技");
    let hour = at_ten(&world);
    // Two items in each of 60 hours before there was a channel.
    let events: Vec<_> =
        (1..=60).flat_map(|back| ["Period", "VirtualCpu"].map(|item| (item, back, hour - back * HOUR))).collect();
    world.execute("UPDATE binding SET live_at = 0");
    world.execute("UPDATE binding SET state = 'ended', ended_at = 1");
    post(&world, &organization, &events);
    let owner = world.signed_in(OWNER);
    let mut next = Some(format!("/orgs/{organization}/usage"));
    let mut seen = Vec::new();
    let mut pages = 0;
    while let Some(path) = next {
        let page = owner.get(&path);
        seen.extend(rows(&page));
        pages += 1;
        let document = page.document();
        let link = scraper::Selector::parse(".card footer a[href*='after=']").unwrap();
        next = document.select(&link).next().map(|link| link.attr("href").unwrap().to_owned());
    }
    assert_eq!((pages, seen.len()), (3, 120));
    let mut once = seen.clone();
    once.dedup();
    assert_eq!(once.len(), 120);
    assert_eq!(owner.get(&format!("/orgs/{organization}/usage?after=nonsense")).status, 422);
}

#[test]
fn members_and_the_marketplaces_session_see_it_and_nobody_else_does() {
    let world = unpushed();
    let organization = world.bind("1", OWNER, "星河科技");
    let other = world.bind("2", OWNER, "云帆数据");
    let pages = |id: &str| ["billing", "usage", "usage.csv"].map(|page| format!("/orgs/{id}/{page}"));
    world.execute(&format!(
        "INSERT OR IGNORE INTO member (organization_id, user_id, role, joined_at) SELECT '{organization}', id, 'member', 0 FROM user WHERE email = '{MEMBER}'"
    ));
    world.execute(&format!(
        "DELETE FROM member WHERE organization_id = '{other}' AND user_id = (SELECT id FROM user WHERE email = '{MEMBER}')"
    ));
    let member = world.signed_in(MEMBER);
    let marketplace = world.browser();
    marketplace.open_link(&world.link("1"));
    for (path, foreign) in pages(&organization).iter().zip(pages(&other)) {
        for browser in [&member, &marketplace] {
            let own = browser.get_only(path);
            assert_eq!(own.status, 200, "{path}");
            assert_eq!(own.headers["cache-control"], "no-store", "{path}");
            assert_eq!(browser.get_only(&foreign).status, 404, "{foreign}");
        }
        assert_eq!(world.browser().get_only(path).status, 303, "nobody");
        assert_eq!(member.get_only(&path.replace(&organization, "org_made_up")).status, 404);
    }
}

const OPERATOR: &str = "operator@example.com";
const METERING: &str = "/operator/metering";

/// Somebody's hours: one that nobody knows of, one refused, one waiting whose deadline is ten minutes away. The ids, and the hour
/// that waits.
fn held(world: &World, organization: &str) -> (i64, i64) {
    let hour = at_ten(world);
    post(world, organization, &[("Period", 60, hour), ("VirtualCpu", 8, hour), ("Storage", 1_024, hour)]);
    move_to(world, hour + HOUR + 45 * 60);
    world.execute("UPDATE record SET state = 'unknown', code = 'unanswered' WHERE item = 'Period'");
    world.execute("UPDATE record SET state = 'rejected', code = 'Invalid.Parameter.Metering', settled_at = 1 WHERE item = 'VirtualCpu'");
    let id = |item| world.rows(&format!("SELECT id FROM record WHERE item = '{item}'"))[0].parse().unwrap();
    (id("Period"), id("VirtualCpu"))
}

#[test]
fn operators_see_what_is_at_risk_and_what_waits_for_them() {
    let world = unpushed();
    let organization = world.bind("1", OWNER, "星河科技");
    let calm = world.signed_in(OPERATOR).get(METERING);
    assert!(calm.has("没有记录有错过截止时间的风险") && calm.has("没有这样的记录"));
    let (unknown, _) = held(&world, &organization);
    let operator = world.signed_in(OPERATOR);
    assert!(operator.get("/orgs").texts("nav a").contains(&"运营控制台".to_owned()), "the way there");
    let page = operator.get(METERING);
    assert!(page.has("最早的截止时间是") && page.has("11:55"), "the deadline of the hour that waits");
    let shown = rows(&page);
    assert!(shown[0].contains("星河科技 | alibaba-1 |") && shown[0].contains("存储 | 1,024 字节"), "{shown:?}");
    assert_eq!(shown[1], "alibaba | 0 | 1 | 0 | 1 | 1 | 0", "open, sealed, sending, unknown, rejected, missed");
    assert!(shown[2].contains("计算时长 | 60 秒 | unanswered"), "{shown:?}");
    assert_eq!(shown.len(), 3);
    let refused = operator.get(&format!("{METERING}?state=rejected"));
    assert!(rows(&refused)[2].contains("vCPU | 8 核 | Invalid.Parameter.Metering"));
    assert!(operator.get(&format!("{METERING}?state=unknown&organization=org_other")).has("没有这样的记录"));
    assert_eq!(
        rows(&operator.get(&format!("{METERING}?state=unknown&organization={organization}&seller=alibaba"))).len(),
        3
    );
    // What the subscription was charged with, its buyer masked.
    let subscription = operator.get("/operator/subscriptions/alibaba-1/metering");
    assert!(subscription.has("1234****5678") && !subscription.html.contains(crate::world::BUYER));
    assert_eq!(rows(&subscription).len(), 3, "an item each");
    assert_eq!(operator.get("/operator/subscriptions/alibaba-2").status, 404);
    assert_eq!(operator.get(&format!("{METERING}/{unknown}0")).status, 404);
    // Staff only, and no way that leads others there.
    let owner = world.signed_in(OWNER);
    for path in [METERING.to_owned(), format!("{METERING}/{unknown}"), "/operator/subscriptions/alibaba-1".to_owned()] {
        assert_eq!(owner.get(&path).status, 403, "{path}");
    }
    assert!(!owner.get("/orgs").has("运营控制台"));
}

#[test]
fn an_operator_decides_with_a_reason_that_only_operators_see() {
    let world = unpushed();
    let organization = world.bind("1", OWNER, "星河科技");
    let (unknown, rejected) = held(&world, &organization);
    let operator = world.signed_in(OPERATOR);
    let record = format!("{METERING}/{unknown}");
    let page = operator.get(&record);
    assert_eq!(page.texts("fieldset label"), ["再次发送", "视为已接受", "放弃计费"]);
    let form = page.form(&record).set("decision", "accept").set("why", "  帐单第 3 行  ");
    let state = || world.rows(&format!("SELECT state || coalesce(' ' || note, '') FROM record WHERE id = {unknown}"));
    let bare = operator.submit(&form.clone().set("why", " "));
    assert!(bare.status == 422 && bare.has("填写原因"));
    assert_eq!(operator.submit(&form.clone().without("decision")).status, 422);
    // A password that was not typed just now is asked for, and the page comes back.
    world.execute("UPDATE session SET stepped_up_until = NULL");
    let asked = operator.submit_only(&form);
    assert!(asked.headers["location"].starts_with("/login/confirm?next="));
    assert_eq!(state(), ["unknown"], "nothing was done");
    let confirm = operator.get("/login/confirm?next=%2Foperator%2Fmetering");
    operator.submit(&confirm.form("/login/confirm").set("password", crate::world::PASSWORD));
    // On what the page showed, not on what it has become.
    let outdated = operator.submit(&form.clone().set("state", "rejected").set("decision", "waive"));
    assert!(outdated.status == 409 && outdated.has("没有执行任何操作"));
    let done = operator.submit(&form);
    assert!(done.status == 200 && done.has("已处理") && done.has("帐单第 3 行"), "{}", done.h1());
    assert_eq!(state(), ["accepted 帐单第 3 行"]);
    assert_eq!(
        world.rows("SELECT actor_kind || ' ' || action || ' ' || before || ' ' || after || ' ' || reason FROM audit WHERE subject_kind = 'record'"),
        ["operator record.treated_as_accepted unknown accepted 帐单第 3 行"]
    );
    let again = operator.submit(&form.clone().set("decision", "waive"));
    assert!(again.status == 409 && again.has("没有执行任何操作"));
    assert_eq!(state(), ["accepted 帐单第 3 行"]);
    // Refused ones go again until their deadline; afterwards they can only be given up.
    let other = format!("{METERING}/{rejected}");
    let retry = operator.get(&other);
    assert_eq!(retry.texts("fieldset label"), ["重新推送", "放弃计费"]);
    let retry = retry.form(&other).set("decision", "retry").set("why", "修复了计费项");
    move_clock(&world, &json!({ "advance": "11m" }));
    let late = operator.submit(&retry);
    assert!(late.status == 409 && late.has("截止时间已过"));
    assert_eq!(late.texts("fieldset label"), ["放弃计费"]);
    let waived = operator.submit(&late.form(&other).set("decision", "waive").set("why", "客户投诉"));
    assert!(waived.has("已放弃") && waived.has("客户投诉"));
    // The customer sees what became of it, and not what staff wrote.
    let usage = world.signed_in(OWNER).get(&format!("/orgs/{organization}/usage"));
    assert!(usage.has("运营人员决定不计费") && !usage.has("客户投诉") && !usage.has("帐单第 3 行"));
}

#[test]
fn an_operator_lets_stopped_pushes_go_on() {
    let world = unpushed();
    world.execute(
        "INSERT INTO push_stop (seller_id, key_mark, code, stopped_at) VALUES ('alibaba', 'k', 'Permission.Denied', 1)",
    );
    let operator = world.signed_in(OPERATOR);
    let page = operator.get(METERING);
    assert!(page.has("Permission.Denied"));
    let resume = page.form("/operator/metering/resume");
    let page = operator.submit(&resume);
    assert!(page.status == 200 && !page.has("Permission.Denied"));
    assert_eq!(world.rows("SELECT count(*) FROM push_stop"), ["0"]);
    assert_eq!(operator.submit(&resume).status, 200, "a second press changes nothing");
}

#[test]
fn of_two_operators_who_decide_at_once_one_is_told_that_it_was_done() {
    let world = unpushed();
    let organization = world.bind("1", OWNER, "星河科技");
    let (unknown, _) = held(&world, &organization);
    world.execute(&format!("UPDATE user SET is_operator = 1 WHERE email = '{MEMBER}'"));
    let record = format!("{METERING}/{unknown}");
    let people = [OPERATOR, MEMBER].map(|email| world.signed_in(email));
    let forms = [(0, "accept"), (1, "waive")]
        .map(|(at, decision)| people[at].get(&record).form(&record).set("decision", decision).set("why", decision));
    let statuses = std::thread::scope(|scope| {
        let other = scope.spawn(|| people[1].submit(&forms[1]).status);
        [people[0].submit(&forms[0]).status, other.join().unwrap()]
    });
    let first = if statuses == [200, 409] { "accepted accept" } else { "waived waive" };
    assert!(statuses == [200, 409] || statuses == [409, 200], "{statuses:?}");
    assert_eq!(world.rows(&format!("SELECT state || ' ' || note FROM record WHERE id = {unknown}")), [first]);
    assert_eq!(world.rows("SELECT count(*) FROM audit WHERE subject_kind = 'record'"), ["1"]);
}
