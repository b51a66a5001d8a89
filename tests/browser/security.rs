//! Two-step verification and mailed codes, as people meet them.

use thirtyfour::prelude::*;
use totp_rs::{Builder, Secret};

use crate::chrome::{Chrome, Look, run};
use crate::world::{BILLING, OWNER, PASSWORD, World, agent, now_secs};

fn advance(world: &World) {
    let clock = format!("{}/control/clock", world.simulator_origin());
    assert_eq!(agent().post(&clock).send(r#"{"advance":"1m"}"#).unwrap().status(), 200);
}

async fn password(chrome: &Chrome, world: &World, email: &str, button: &str) -> WebDriverResult<()> {
    chrome.open(&format!("{}/login", world.gateway)).await?;
    chrome.at("Zilliz Cloud").await?;
    chrome.fill("email", email).await?;
    chrome.fill("password", PASSWORD).await?;
    chrome.press(button).await
}

async fn sign_out(chrome: &Chrome) -> WebDriverResult<()> {
    chrome.press_first("form[action='/logout'] button").await?;
    chrome.at("您已退出").await
}

/// Sets it up, signs in with the app, and once more without the phone.
async fn protect(look: Look, email: &str, world: &World) -> WebDriverResult<()> {
    let chrome = Chrome::start(look).await?;
    password(&chrome, world, email, "登录").await?;
    chrome.at("组织").await?;
    chrome.open(&format!("{}/me/security", world.gateway)).await?;
    chrome.at("安全").await?;
    chrome.press("启用两步验证").await?;
    chrome.at("启用两步验证").await?;
    let key = chrome.find("main code").await?.text().await?;
    let key: String = key.split_whitespace().collect();
    let app = Builder::new().with_secret(Secret::try_from_base32(&key).unwrap()).build().unwrap();
    let code = |ahead: i64| app.generate(u64::try_from(now_secs() + ahead).unwrap()).to_string();
    chrome.fill("code", &code(0)).await?;
    chrome.press("启用").await?;
    chrome.at("保存您的恢复码").await?;
    let recovery = chrome.find(".codes code").await?.text().await?;
    chrome.press("我已保存").await?;
    chrome.at("安全").await?;
    assert!(chrome.has("已启用").await?);
    chrome.press("管理两步验证").await?;
    chrome.at("两步验证").await?;

    sign_out(&chrome).await?;
    password(&chrome, world, email, "登录").await?;
    chrome.at("输入验证码").await?;
    chrome.fill("code", "12345").await?;
    chrome.press("继续").await?;
    chrome.until("验证码不正确").await?;
    chrome.check().await?;
    advance(world);
    chrome.fill("code", &code(60)).await?;
    chrome.press("继续").await?;
    chrome.at("组织").await?;

    sign_out(&chrome).await?;
    password(&chrome, world, email, "登录").await?;
    chrome.at("输入验证码").await?;
    chrome.press("手机不在身边？使用恢复码").await?;
    chrome.check().await?;
    chrome.fill("recovery", &recovery).await?;
    chrome.press("使用恢复码").await?;
    chrome.at("组织").await?;
    for path in ["/me/security", "/me/security/password", "/me/email", "/me/delete", "/me/sessions", "/me"] {
        chrome.open(&format!("{}{path}", world.gateway)).await?;
        chrome.at("").await?;
    }
    assert_eq!(chrome.path().await?, "/me");
    chrome.quit().await
}

#[test]
fn somebody_protects_their_account_and_signs_in_with_the_app_and_without_it() {
    let world = World::start();
    run(protect(Look::default(), OWNER, &world));
}

#[test]
fn the_same_on_a_phone_in_the_dark_and_without_a_script() {
    let world = World::start();
    run(async { protect(Look { is_dark: true, width: 390, height: 844, ..Look::default() }, OWNER, &world).await });
    let world = World::start();
    run(async { protect(Look { has_script: false, ..Look::default() }, BILLING, &world).await });
}

#[test]
fn a_new_buyer_types_the_mailed_code_in_english_and_the_purchase_waits() {
    let world = World::with(&["--email-check"]);
    world.buy("86040213");
    run(async {
        let chrome = Chrome::start(Look { width: 390, height: 844, ..Look::default() }).await?;
        chrome.open(&format!("{}{}", world.gateway, world.link("86040213"))).await?;
        chrome.at("您的订阅已开通，还差一步").await?;
        chrome.press_first("button[lang=en]").await?;
        chrome.at("subscription").await?;
        chrome.press("Register").await?;
        chrome.at("account").await?;
        chrome.fill("name", "Siyuan Chen").await?;
        chrome.fill("email", "chen.siyuan@example.com").await?;
        chrome.fill("password", "orange-Bicycle-77").await?;
        chrome.tick("agree").await?;
        chrome.press("Register and continue").await?;
        chrome.at("Check your mail").await?;
        let mails = world.mails();
        let body = mails[0]["body"].as_str().unwrap();
        let code = body.lines().find(|line| line.len() == 6 && line.parse::<u32>().is_ok()).unwrap();
        chrome.fill("code", code).await?;
        chrome.press("Check and continue").await?;
        chrome.at("Bind a payment method to your organization").await?;
        chrome.quit().await
    });
}
