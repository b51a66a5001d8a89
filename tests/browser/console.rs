//! The operators' console in a real browser: every page in both languages, and the acts with their reasons.

use thirtyfour::prelude::*;

use crate::chrome::{Chrome, Look, run};
use crate::world::{OWNER, PASSWORD, World, create, query};

const OPERATOR: &str = "operator@example.com";

/// A gateway with one of everything that operators look at; the organization's id.
fn busy() -> (World, String) {
    let world = World::with(&["--no-access-key"]);
    let organization = world.bind("86040213", OWNER, "云帆数据");
    let mut other = create("86040213");
    other[3] = ("orderId", "999");
    world.spi(&other);
    world.spi(&[("action", "expiredInstance"), ("instanceId", "86040299")]);
    world.spi_raw(&query(&create("86040214"), "0123456789abcdef0123456789abcdef"));
    for sql in [
        "INSERT INTO job (id, kind, key, due_at, attempts, dead_at, last_error) VALUES (901, 'mail.send', '0', 1, 20, 2, '550 mailbox unavailable')",
        "INSERT INTO webhook (id, url, secret, cursor, created_at, disabled_at, disabled_reason)
           VALUES ('whk_01kc3m9x2pf8q', 'https://api.example.com/a-rather-long-path/of-the-product/that-hears-of-everything', 'x', 999, 1, 2, 'failing')",
        "INSERT INTO delivery (id, webhook_id, event_id, lane, state, attempts, status, error, created_at, ended_at)
           SELECT 77, 'whk_01kc3m9x2pf8q', id, 'x', 'dead', 9, 503, 'Service Unavailable', 1, 2 FROM event WHERE type = 'binding.live'",
        "UPDATE subscription SET is_disputed = 1, overdue_at = 1",
    ] {
        world.execute(sql);
    }
    (world, organization)
}

async fn sign_in(chrome: &Chrome, world: &World, is_english: bool) -> WebDriverResult<()> {
    chrome.open(&format!("{}/login", world.gateway)).await?;
    chrome.at("Zilliz Cloud").await?;
    if is_english {
        chrome.press_first("button[lang=en]").await?;
        chrome.until("Sign in").await?;
    }
    chrome.fill("email", OPERATOR).await?;
    chrome.fill("password", PASSWORD).await?;
    chrome.press(if is_english { "Sign in" } else { "登录" }).await
}

/// Every page, held against the accessibility rules; details open.
async fn look_at_all(chrome: &Chrome, world: &World, organization: &str) -> WebDriverResult<()> {
    let id = |sql: &str| world.rows(sql).remove(0);
    let call = id("SELECT id FROM call ORDER BY id LIMIT 1");
    let user = id(&format!("SELECT id FROM user WHERE email = '{OWNER}'"));
    for path in [
        String::new(),
        "/subscriptions".to_owned(),
        "/subscriptions?q=nobody".to_owned(),
        "/subscriptions/alibaba-86040213".to_owned(),
        "/subscriptions/alibaba-86040213/metering".to_owned(),
        "/subscriptions/alibaba-86040213/unbind".to_owned(),
        "/calls".to_owned(),
        "/calls?verdict=turned_away".to_owned(),
        format!("/calls/{call}"),
        "/deliveries".to_owned(),
        "/deliveries/77".to_owned(),
        "/jobs".to_owned(),
        "/jobs/901".to_owned(),
        "/metering".to_owned(),
        "/organizations".to_owned(),
        format!("/organizations/{organization}"),
        format!("/organizations/{organization}/freeze"),
        "/users".to_owned(),
        format!("/users/{user}"),
        format!("/users/{user}/sign-out"),
        format!("/users/{user}/disable"),
        "/audit".to_owned(),
    ] {
        chrome.open(&format!("{}/operator{path}", world.gateway)).await?;
        chrome.at("").await?;
        assert_eq!(chrome.path().await?, format!("/operator{}", path.split('?').next().unwrap()));
        open_details(chrome).await?;
    }
    Ok(())
}

/// What a page shows only to whoever asks is held against the rules, too.
async fn open_details(chrome: &Chrome) -> WebDriverResult<()> {
    let details = chrome.driver.find_all(By::Css("main details > summary")).await?;
    for summary in &details {
        summary.click().await?;
    }
    if details.is_empty() { Ok(()) } else { chrome.check().await }
}

#[test]
fn an_operator_sees_everything_in_both_languages_and_acts_with_a_reason() {
    let (world, organization) = busy();
    run(async {
        let chrome = Chrome::start(Look { is_dark: true, width: 390, height: 844, ..Look::default() }).await?;
        sign_in(&chrome, &world, true).await?;
        chrome.at("Health").await?;
        look_at_all(&chrome, &world, &organization).await?;
        chrome.quit().await?;

        let chrome = Chrome::start(Look::default()).await?;
        sign_in(&chrome, &world, false).await?;
        chrome.at("运行状况").await?;
        assert!(chrome.has("同一订阅收到内容不同的开通").await?);
        look_at_all(&chrome, &world, &organization).await?;

        // From the alarm to the subscription, its buyer, and a freeze.
        chrome.open(&format!("{}/operator", world.gateway)).await?;
        chrome.press("alibaba-86040213").await?;
        chrome.at("订阅 86040213").await?;
        chrome.press("显示完整 UID").await?;
        chrome.until("1234567890125678").await?;
        chrome.check().await?;
        chrome.press("冻结组织").await?;
        chrome.at("冻结「云帆数据」").await?;
        chrome.fill("why", "合同争议").await?;
        chrome.press("冻结").await?;
        chrome.at("云帆数据").await?;
        assert!(chrome.has("已执行，并记入审计日志").await? && chrome.has("运营冻结").await?);
        chrome.press("解除冻结").await?;
        chrome.at("解除「云帆数据」的冻结").await?;
        chrome.fill("why", "和解").await?;
        chrome.press("解除冻结").await?;
        chrome.at("云帆数据").await?;
        chrome.press("alibaba-86040213").await?;
        chrome.at("订阅 86040213").await?;
        assert!(chrome.has("组织解除冻结").await? && chrome.has("合同争议").await?);
        chrome.press("解除绑定").await?;
        chrome.at("解除订阅 86040213 的绑定").await?;
        chrome.fill("why", "绑定错误").await?;
        chrome.press("解除绑定").await?;
        chrome.at("订阅 86040213").await?;
        assert!(chrome.has("绑定结束").await? && chrome.has("未绑定").await?);

        chrome.open(&format!("{}/operator/jobs", world.gateway)).await?;
        chrome.press("查看").await?;
        chrome.at("任务 901").await?;
        chrome.choose("放弃").await?;
        chrome.fill("why", "不再需要").await?;
        chrome.press("确认").await?;
        chrome.until("没有已放弃的任务").await?;
        chrome.check().await?;
        chrome.open(&format!("{}/operator/audit", world.gateway)).await?;
        chrome.press("检查整条链").await?;
        chrome.until("没有发现问题").await?;
        chrome.check().await?;
        chrome.quit().await
    });
}

/// Makes a key, has another take its place, and revokes that one; `words` are what is pressed and what comes, in order.
async fn handle_a_key(chrome: &Chrome, world: &World, words: [&str; 8]) -> WebDriverResult<()> {
    let [create, created, kept, rotate, next, rotated, revoke, revoked] = words;
    chrome.open(&format!("{}/operator/keys", world.gateway)).await?;
    chrome.at("").await?;
    chrome.press(create).await?;
    chrome.at(create).await?;
    chrome.fill("name", "backend").await?;
    chrome.press(create).await?;
    chrome.find("main [role=alert]").await?;
    chrome.check().await?;
    chrome.tick("scope-usage-write").await?;
    chrome.press(create).await?;
    chrome.at(created).await?;
    let first = secret_on(chrome).await?;
    chrome.press(kept).await?;
    chrome.at("backend").await?;
    assert!(!chrome.driver.source().await?.contains(&first), "shown once");
    chrome.press(rotate).await?;
    chrome.at(rotate).await?;
    chrome.press(next).await?;
    chrome.at(rotated).await?;
    assert_ne!(secret_on(chrome).await?, first);
    chrome.press(kept).await?;
    chrome.at("backend").await?;
    chrome.press(revoke).await?;
    chrome.at(revoke).await?;
    chrome.fill("why", "leaked").await?;
    chrome.press_first("main form button.danger").await?;
    chrome.until(revoked).await?;
    chrome.at("backend").await?;
    chrome.open(&format!("{}/operator/keys", world.gateway)).await?;
    chrome.at("").await
}

async fn secret_on(chrome: &Chrome) -> WebDriverResult<String> {
    let secret = chrome.find("#secret").await?.value().await?.unwrap();
    assert!(secret.starts_with("mg_test_"), "{secret}");
    Ok(secret)
}

#[test]
fn an_operator_makes_rotates_and_revokes_a_key_and_reads_the_api_in_both_languages() {
    let zh = ["创建密钥", "密钥已创建", "已保存", "轮换密钥", "创建新密钥", "新密钥已创建", "吊销密钥", "密钥已吊销"];
    let en = [
        "Create a key",
        "The key was created",
        "I’ve kept it",
        "Rotate the key",
        "Create the new key",
        "The new key was created",
        "Revoke the key",
        "The key is revoked",
    ];
    let phone = Look { is_dark: true, width: 390, height: 844, ..Look::default() };
    run(async {
        let world = World::start();
        for (look, is_english, words, title) in
            [(phone, true, en, "API documentation"), (Look::default(), false, zh, "API 文档")]
        {
            let chrome = Chrome::start(look).await?;
            sign_in(&chrome, &world, is_english).await?;
            chrome.at(if is_english { "Health" } else { "运行状况" }).await?;
            handle_a_key(&chrome, &world, words).await?;
            chrome.open(&format!("{}/api/docs", world.gateway)).await?;
            chrome.at(title).await?;
            open_details(&chrome).await?;
            chrome.quit().await?;
        }
        Ok(())
    });
}

#[test]
fn the_console_works_without_a_script() {
    let (world, organization) = busy();
    run(async {
        let chrome = Chrome::start(Look { has_script: false, ..Look::default() }).await?;
        sign_in(&chrome, &world, false).await?;
        chrome.at("运行状况").await?;
        chrome.open(&format!("{}/operator/organizations/{organization}", world.gateway)).await?;
        chrome.press("冻结组织").await?;
        chrome.at("冻结「云帆数据」").await?;
        chrome.fill("why", "合同争议").await?;
        chrome.press("冻结").await?;
        chrome.until("运营冻结").await?;
        chrome.quit().await
    });
}
