//! Product §2, as each kind of person.

use thirtyfour::prelude::*;

use crate::chrome::{Chrome, Look, run};
use crate::world::{MEMBER, OWNER, PASSWORD, World};

/// From the product page to the landing: buys and opens the login-free link, as a person does.
async fn buy_and_open(chrome: &Chrome, world: &World) -> WebDriverResult<()> {
    chrome.open(&world.simulator_origin()).await?;
    chrome.at("Zilliz Cloud").await?;
    chrome.press("立即开通").await?;
    chrome.at("开通按量服务").await?;
    chrome.tick("agree").await?;
    chrome.press("开通").await?;
    chrome.until("开通申请已提交，约需要1 - 5分钟完成开通").await?;
    chrome.check().await?;
    chrome.press("确定").await?;
    chrome.at("已购买服务列表").await?;
    chrome.until("已开通").await?;
    chrome.check().await?;
    chrome.press("免登").await?;
    chrome.at("提示").await?;
    chrome.press("确定").await
}

#[test]
fn a_new_buyer_goes_all_the_way() {
    let world = World::with(&["--processing", "3"]);
    run(async {
        let chrome = Chrome::start(Look::default()).await?;
        chrome
            .open(&format!(
                "{}/products/cmgj00063418/open?plan=cmgj00063418-postpay&account=A",
                world.simulator_origin()
            ))
            .await?;
        chrome.at("开通按量服务").await?;
        assert!(!chrome.is_enabled("开通").await?, "「开通」 stays disabled until the box is ticked");
        chrome.tick("agree").await?;
        assert!(chrome.is_enabled("开通").await?);
        buy_and_open(&chrome, &world).await?;
        chrome.at("您的订阅已开通，还差一步").await?;
        let url = chrome.driver.current_url().await?.to_string();
        assert!(!url.contains("token") && !url.contains("1234567890"), "{url}");
        let sent = chrome.sent_headers("/marketplace/alibaba/login?");
        assert!(
            sent.iter().any(|headers| headers["Sec-Fetch-Site"] == "cross-site"),
            "the marketplace is another site: {sent:?}"
        );
        chrome.press("注册").await?;
        chrome.at("注册").await?;
        chrome.fill("name", "陈思远").await?;
        chrome.fill("email", "chen.siyuan@example.com").await?;
        chrome.fill("password", "orange-Bicycle-77").await?;
        chrome.tick("agree").await?;
        chrome.press("注册并继续").await?;
        chrome.at("为您的组织绑定支付方式").await?;
        assert!(!chrome.is_enabled("确认绑定").await?, "nothing can be chosen yet");
        chrome.fill("name", "青石智能").await?;
        chrome.press("创建组织").await?;
        chrome.until("青石智能").await?;
        chrome.at("为您的组织绑定支付方式").await?;
        assert!(chrome.has("绑定后，该组织的费用将通过阿里云帐号 1234****5678 支付").await?);
        chrome.press("确认绑定").await?;
        chrome.at("正在处理您的授权请求").await?;
        chrome.at("绑定成功").await?;
        chrome.press("前往帐单概览").await?;
        chrome.at("帐单概览").await?;
        for text in ["云市场扣费渠道", "已绑定", "阿里云云市场", "1234****5678", "开具发票"] {
            assert!(chrome.has(text).await?, "{text}");
        }
        chrome.press("查看阿里云帐单").await?;
        chrome.at("帐单").await?;
        assert!(chrome.driver.current_url().await?.as_str().starts_with(&world.simulator_origin()));
        chrome.open(&format!("{}/enter", world.gateway)).await?;
        chrome.at("集群").await?;
        chrome.press("创建集群").await?;
        chrome.at("创建集群").await?;
        chrome.quit().await
    });
}

#[test]
fn an_owner_binds_without_a_script() {
    let world = World::start();
    run(async {
        let chrome = Chrome::start(Look { has_script: false, ..Look::default() }).await?;
        buy_and_open(&chrome, &world).await?;
        chrome.at("打开您的云市场订阅").await?;
        chrome.press("继续").await?;
        chrome.at("您的订阅已开通，还差一步").await?;
        chrome.fill("email", OWNER).await?;
        chrome.fill("password", PASSWORD).await?;
        chrome.press("登录").await?;
        chrome.at("为您的组织绑定支付方式").await?;
        chrome.choose("云帆数据").await?;
        chrome.press("确认绑定").await?;
        chrome.at("绑定成功").await?;
        assert!(chrome.has("云帆数据").await?);
        chrome.quit().await
    });
}

#[test]
fn an_owner_binds_on_a_phone_in_the_dark_and_in_english() {
    let world = World::start();
    run(async {
        let chrome = Chrome::start(Look { is_dark: true, width: 390, height: 844, ..Look::default() }).await?;
        buy_and_open(&chrome, &world).await?;
        chrome.at("您的订阅已开通，还差一步").await?;
        chrome.press_first("button[lang=en]").await?;
        chrome.at("subscription").await?;
        chrome.fill("email", OWNER).await?;
        chrome.fill("password", PASSWORD).await?;
        chrome.press("Sign in").await?;
        chrome.at("Bind a payment method to your organization").await?;
        chrome.choose("星河科技").await?;
        chrome.press("Confirm binding").await?;
        chrome.at("Binding complete").await?;
        chrome.press("Go to billing").await?;
        chrome.at("Billing").await?;
        chrome.quit().await
    });
}

#[test]
fn a_plain_member_asks_the_owner() {
    let world = World::start();
    run(async {
        let chrome = Chrome::start(Look { is_dark: true, ..Look::default() }).await?;
        buy_and_open(&chrome, &world).await?;
        chrome.at("您的订阅已开通，还差一步").await?;
        chrome.fill("email", MEMBER).await?;
        chrome.fill("password", PASSWORD).await?;
        chrome.press("登录").await?;
        chrome.at("为您的组织绑定支付方式").await?;
        assert!(chrome.has("权限不足").await? && chrome.has("林悦").await?);
        assert!(!chrome.is_enabled("确认绑定").await?);
        chrome.press("请求管理员绑定").await?;
        chrome.until("林悦").await?;
        chrome.check().await?;
        // The owner, on another device, by the mail.
        let owner = Chrome::start(Look::default()).await?;
        owner.open(&format!("{}/control/mail", world.simulator_origin())).await?;
        owner.at("邮件").await?;
        let link = owner.find("pre a").await?.attr("href").await?.unwrap();
        owner.open(&link).await?;
        owner.at("登录").await?;
        owner.fill("email", OWNER).await?;
        owner.fill("password", PASSWORD).await?;
        owner.press("登录").await?;
        owner.until("星河科技").await?;
        owner.check().await?;
        owner.press("确认绑定").await?;
        owner.at("帐单概览").await?;
        owner.refresh().await?;
        owner.until("已绑定").await?;
        owner.quit().await?;
        // The requester sees it done.
        chrome.open(&format!("{}/claim", world.gateway)).await?;
        chrome.at("绑定成功").await?;
        chrome.quit().await
    });
}

#[test]
fn a_returning_buyer_goes_straight_into_the_product() {
    let world = World::start();
    world.bind("86040213", OWNER, "星河科技");
    run(async {
        let chrome = Chrome::start(Look::default()).await?;
        chrome.open(&format!("{}{}", world.gateway, world.link("86040213"))).await?;
        chrome.at("集群").await?;
        assert!(chrome.driver.current_url().await?.as_str().starts_with(&world.product_origin()));
        assert!(chrome.has("星河科技").await? && chrome.has("已绑定").await?);
        chrome.open(&format!("{}/me", world.gateway)).await?;
        chrome.at("再次输入密码").await?;
        chrome.quit().await
    });
}

#[test]
fn the_other_pages_keep_the_rules_too() {
    let world = World::start();
    let organization = world.organization("星河科技");
    run(async {
        for look in [Look::default(), Look { is_dark: true, width: 390, height: 844, ..Look::default() }] {
            let chrome = Chrome::start(look).await?;
            for path in ["/login", "/register", "/password/forgot", "/nothing/here"] {
                chrome.open(&format!("{}{path}", world.gateway)).await?;
                chrome.at("").await?;
            }
            chrome.open(&format!("{}{}", world.gateway, world.link_made("1", -900))).await?;
            chrome.at("这个链接已经失效").await?;
            chrome.open(&format!("{}/login", world.gateway)).await?;
            chrome.fill("email", OWNER).await?;
            chrome.fill("password", PASSWORD).await?;
            chrome.press("登录").await?;
            chrome.at("组织").await?;
            let billing = format!("/orgs/{organization}/billing");
            let members = format!("/orgs/{organization}/members");
            for path in ["/me", "/me/sessions", "/orgs/new", &billing, &members] {
                chrome.open(&format!("{}{path}", world.gateway)).await?;
                chrome.at("").await?;
            }
            for path in ["/control", "/control/mail", "/console/bills", "/console/services"] {
                chrome.open(&format!("{}{path}", world.simulator_origin())).await?;
                chrome.at("").await?;
            }
            assert!(chrome.path().await?.starts_with("/console"));
            chrome.quit().await?;
        }
        Ok(())
    });
}
