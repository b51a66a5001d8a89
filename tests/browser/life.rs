//! A channel's life as its managers see it (product §6): switched, frozen, renewed, unbound.

use thirtyfour::prelude::*;

use crate::chrome::{Chrome, Look, run};
use crate::world::{OWNER, PASSWORD, World, china_text, now_secs};

async fn sign_in(chrome: &Chrome, world: &World, path: &str) -> WebDriverResult<()> {
    chrome.open(&format!("{}{path}", world.gateway)).await?;
    chrome.at("登录").await?;
    chrome.fill("email", OWNER).await?;
    chrome.fill("password", PASSWORD).await?;
    chrome.press("登录").await
}

#[test]
fn a_manager_sees_a_freeze_come_and_go_and_then_unbinds() {
    let world = World::start();
    let organization = world.bind("86040213", OWNER, "云帆数据");
    let instance = ("instanceId", "86040213");
    run(async {
        for (round, look) in [Look::default(), Look { is_dark: true, width: 390, height: 844, ..Look::default() }]
            .into_iter()
            .enumerate()
        {
            let chrome = Chrome::start(look).await?;
            sign_in(&chrome, &world, &format!("/orgs/{organization}/billing")).await?;
            chrome.at("帐单概览").await?;
            assert!(!chrome.has("服务已冻结").await?);
            assert_eq!(world.spi(&[("action", "expiredInstance"), instance]).0, 200);
            chrome.refresh().await?;
            chrome.until("服务已冻结").await?;
            chrome.check().await?;
            // Near enough that the next expiry is not disputed.
            let (order, date) = (format!("r{round}"), china_text(now_secs() + 300));
            let renew = [("action", "renewInstance"), instance, ("orderId", &order), ("expiredOn", &date)];
            assert_eq!(world.spi(&renew).0, 200);
            chrome.refresh().await?;
            chrome.at("帐单概览").await?;
            assert!(!chrome.has("服务已冻结").await? && chrome.has("已绑定").await?);
            chrome.press("解除绑定").await?;
            chrome.at("解除「云帆数据」的云市场订阅绑定").await?;
            assert!(chrome.has("1234****5678").await? && chrome.has("此前的用量仍会推送到云市场").await?);
            if round == 0 {
                chrome.press("保留绑定").await?;
                chrome.at("帐单概览").await?;
            } else {
                chrome.press("解除绑定").await?;
                chrome.at("帐单概览").await?;
                assert!(chrome.has("未绑定").await?);
            }
            chrome.quit().await?;
        }
        Ok(())
    });
}

#[test]
fn a_manager_switches_to_another_purchase_without_a_gap() {
    let world = World::start();
    let organization = world.bind("86040213", OWNER, "云帆数据");
    world.buy("86040977");
    run(async {
        let chrome = Chrome::start(Look::default()).await?;
        chrome.open(&format!("{}{}", world.gateway, world.link("86040977"))).await?;
        chrome.at("您的订阅已开通，还差一步").await?;
        chrome.fill("email", OWNER).await?;
        chrome.fill("password", PASSWORD).await?;
        chrome.press("登录").await?;
        chrome.at("为您的组织绑定支付方式").await?;
        chrome.press_first(&format!("a[href*='switch={organization}']")).await?;
        chrome.at("为您的组织绑定支付方式").await?;
        chrome.until("中间没有空档").await?;
        assert!(chrome.has("现在通过订阅 86040213（Zilliz Cloud 按量付费，阿里云帐号 1234****5678）支付").await?);
        chrome.choose("云帆数据").await?;
        chrome.press("确认绑定").await?;
        chrome.at("绑定成功").await?;
        chrome.press("前往帐单概览").await?;
        chrome.at("帐单概览").await?;
        assert!(chrome.has("86040977").await? && !chrome.has("86040213").await?);
        chrome.quit().await
    });
}
