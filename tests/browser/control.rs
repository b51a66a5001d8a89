//! The control page as a sales engineer uses it, on a projector and on a phone.

use crate::chrome::{Chrome, Look, run};
use crate::world::{OWNER, PASSWORD, World};

#[test]
fn a_sales_engineer_gives_the_demo_by_the_tour() {
    let world = World::start();
    run(async {
        for look in [Look::default(), Look { is_dark: true, width: 390, height: 844, ..Look::default() }] {
            let chrome = Chrome::start(look).await?;
            let control = format!("{}/control", world.simulator_origin());
            chrome.open(&control).await?;
            chrome.at("模拟控制").await?;
            chrome.press("开始演示导览").await?;
            chrome.until("第 1 步，共 8 步").await?;
            chrome
                .open(&format!(
                    "{}/products/cmgj00063418/open?plan=cmgj00063418-postpay&account=A",
                    world.simulator_origin()
                ))
                .await?;
            chrome.at("开通按量服务").await?;
            chrome.tick("agree").await?;
            chrome.press("开通").await?;
            chrome.until("开通申请已提交").await?;
            chrome.open(&control).await?;
            chrome.press("下一步").await?;
            chrome.until("第 2 步，共 8 步").await?;
            chrome.until("createInstance").await?;
            chrome.check().await?;
            chrome.press("下一步").await?;
            chrome.until("第 3 步，共 8 步").await?;
            chrome.open(&format!("{}/login", world.gateway)).await?;
            chrome.fill("email", OWNER).await?;
            chrome.fill("password", PASSWORD).await?;
            chrome.press("登录").await?;
            chrome.at("组织").await?;
            chrome.open(&control).await?;
            chrome.press("+30 天").await?;
            chrome.at("模拟控制").await?;
            chrome.press("添加故障").await?;
            chrome.until("还剩 1 次").await?;
            chrome.check().await?;
            chrome.press("重置到初始数据").await?;
            chrome.until("第 1 步，共 8 步").await?;
            chrome.until("还没有实例").await?;
            chrome.check().await?;
            chrome.open(&format!("{}/me", world.gateway)).await?;
            chrome.at("登录").await?;
            chrome.quit().await?;
        }
        Ok(())
    });
}
