//! The pictures of the READMEs: `make pictures`.

use std::path::Path;

use crate::chrome::{Chrome, Look, run};
use crate::world::{OWNER, PASSWORD, World};

#[test]
#[ignore = "writes into docs/pictures; make pictures runs it"]
fn of_the_journey() {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pictures");
    std::fs::create_dir_all(&place).unwrap();
    let world = World::start();
    world.buy("86040213");
    run(async {
        let chrome = Chrome::start(Look { width: 1200, height: 860, ..Look::default() }).await?;
        let picture = |name: &'static str| {
            let (driver, file) = (chrome.driver.clone(), place.join(format!("{name}.png")));
            async move { driver.screenshot(&file).await }
        };
        chrome.open(&format!("{}{}", world.gateway, world.link("86040213"))).await?;
        chrome.at("您的订阅已开通，还差一步").await?;
        picture("landing").await?;
        chrome.fill("email", OWNER).await?;
        chrome.fill("password", PASSWORD).await?;
        chrome.press("登录").await?;
        chrome.at("为您的组织绑定支付方式").await?;
        chrome.choose("云帆数据").await?;
        picture("bind").await?;
        chrome.press("确认绑定").await?;
        chrome.at("绑定成功").await?;
        picture("done").await?;
        chrome.press("前往帐单概览").await?;
        chrome.at("帐单概览").await?;
        picture("billing").await?;
        chrome.quit().await
    });
}
