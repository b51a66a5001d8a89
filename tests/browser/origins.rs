//! What a real browser says of a form's origin, where a page keeps its address to itself.

use crate::chrome::{Chrome, Look, run};
use crate::world::{OWNER, World};

#[test]
fn forms_of_pages_with_a_secret_address_are_taken() {
    let world = World::start();
    run(async {
        let chrome = Chrome::start(Look::default()).await?;
        chrome.open(&format!("{}/password/forgot", world.gateway)).await?;
        chrome.fill("email", OWNER).await?;
        chrome.press_first("main form button").await?;
        chrome.at("查收邮件").await?;
        let mails = world.mails();
        let body = mails[0]["body"].as_str().unwrap();
        chrome.open(body.lines().find(|line| line.starts_with("http")).unwrap()).await?;
        chrome.at("设置新密码").await?;
        chrome.fill("password", "orange-Bicycle-77").await?;
        chrome.press_first("main form button").await?;
        chrome.at("登录 Zilliz Cloud").await?;
        let sent = chrome.sent_headers("/password/reset");
        assert!(sent.iter().any(|headers| headers["Origin"] == world.gateway.as_str()), "{sent:?}");
        let tells = |headers: &serde_json::Value| headers["Referer"].as_str().is_some_and(|it| it.contains("/reset/"));
        assert!(!chrome.sent_headers("/static/").iter().any(tells), "the address went on to a file");

        // The landing sends no referrer at all, and its language can be chosen all the same.
        chrome.open(&format!("{}{}", world.gateway, world.link_made("1", -900))).await?;
        chrome.at("这个链接已经失效").await?;
        chrome.press_first("form[action='/preferences'] button").await?;
        chrome.until("Sign in").await?;
        let sent = chrome.sent_headers("/preferences");
        assert!(sent.iter().any(|headers| headers["Origin"] == "null"), "{sent:?}");
        chrome.quit().await
    });
}
