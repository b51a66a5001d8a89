//! Usage as an organization and an operator see it in a real browser.

use serde_json::json;
use thirtyfour::prelude::*;

use crate::chrome::{Chrome, Look, run};
use crate::world::{OWNER, PASSWORD, World, agent};

async fn sign_in(chrome: &Chrome, world: &World, email: &str, path: &str) -> WebDriverResult<()> {
    chrome.open(&format!("{}{path}", world.gateway)).await?;
    chrome.at("登录").await?;
    chrome.fill("email", email).await?;
    chrome.fill("password", PASSWORD).await?;
    chrome.press("登录").await
}

fn tell(world: &World, path: &str, body: &serde_json::Value) {
    let url = format!("{}/control/{path}", world.simulator_origin());
    assert_eq!(agent().post(&url).send(body.to_string()).unwrap().status(), 200, "{path}");
}

#[test]
fn usage_is_drawn_listed_and_decided_on() {
    let world = World::with(&["--no-access-key"]);
    let organization = world.bind("86040213", OWNER, "云帆数据");
    tell(&world, "clock", &json!({ "advance": "1m" }));
    for (item, quantity) in [("Period", 5_400), ("VirtualCpu", 8)] {
        tell(&world, "usage", &json!({ "organization": organization, "item": item, "quantity": quantity }));
    }
    run(async {
        for look in [Look::default(), Look { is_dark: true, width: 390, height: 844, ..Look::default() }] {
            let chrome = Chrome::start(look).await?;
            sign_in(&chrome, &world, OWNER, &format!("/orgs/{organization}/billing")).await?;
            chrome.at("帐单概览").await?;
            let told = chrome.find("body").await?.text().await?;
            assert!(told.contains("计算时长") && told.contains("¥ 7.06"), "1.5 hours and 8 cores: {told}");
            chrome.press_first("details > summary").await?;
            chrome.until("发票按出帐的月份统计").await?;
            chrome.check().await?;
            chrome.press("vCPU").await?;
            chrome.until("vCPU，每日").await?;
            chrome.press("逐小时明细").await?;
            chrome.at("用量").await?;
            chrome.press("查看").await?;
            chrome.at("用量").await?;
            assert!(chrome.has("累计中").await? && chrome.has("5,400").await?);
            chrome.quit().await?;
        }
        world.execute("UPDATE record SET state = 'unknown', code = 'unanswered'");
        let chrome = Chrome::start(Look { is_dark: true, ..Look::default() }).await?;
        sign_in(&chrome, &world, "operator@example.com", "/operator/metering").await?;
        chrome.at("计量").await?;
        chrome.press_first("td.acts a").await?;
        chrome.at("计量记录").await?;
        chrome.choose("视为已接受").await?;
        chrome.fill("why", "帐单里有").await?;
        chrome.press("确认").await?;
        chrome.until("已处理").await?;
        chrome.check().await?;
        chrome.open(&format!("{}/operator/subscriptions/alibaba-86040213/metering", world.gateway)).await?;
        chrome.at("订阅 86040213").await?;
        chrome.quit().await
    });
}
