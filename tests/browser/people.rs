//! Who belongs to an organization, and its settings, as people meet them.

use thirtyfour::prelude::*;

use crate::chrome::{Chrome, Look, run};
use crate::world::{OWNER, PASSWORD, World, agent};

const GUEST: &str = "tang.wei@example.com";

/// Signs in; the browser stays in the language that it was shown.
async fn sign_in(chrome: &Chrome, world: &World, email: &str, button: &str) -> WebDriverResult<()> {
    chrome.open(&format!("{}/login", world.gateway)).await?;
    chrome.at("Zilliz Cloud").await?;
    chrome.fill("email", email).await?;
    chrome.fill("password", PASSWORD).await?;
    chrome.press(button).await
}

async fn speak_english(chrome: &Chrome, world: &World) -> WebDriverResult<()> {
    chrome.open(&format!("{}/login", world.gateway)).await?;
    chrome.at("登录").await?;
    chrome.press_first("button[lang=en]").await?;
    chrome.at("Sign in").await
}

async fn pick(chrome: &Chrome, select: &str, value: &str) -> WebDriverResult<()> {
    chrome.press_first(&format!("#{select} option[value='{value}']")).await
}

/// The address in the newest mail.
fn mailed_link(world: &World) -> String {
    let mails = world.mails();
    let body = mails[0]["body"].as_str().unwrap();
    body.lines().find(|line| line.contains("/invitations/")).unwrap().to_owned()
}

#[test]
fn an_owner_invites_and_the_invited_registers_in_another_browser_and_has_joined() {
    let world = World::with(&["--email-check"]);
    let organization = world.organization("星河科技");
    run(async {
        let owner = Chrome::start(Look::default()).await?;
        sign_in(&owner, &world, OWNER, "登录").await?;
        owner.at("组织").await?;
        owner.open(&format!("{}/orgs/{organization}/members", world.gateway)).await?;
        owner.at("成员").await?;
        owner.fill("email", GUEST).await?;
        pick(&owner, "role", "billing").await?;
        owner.press("发送邀请").await?;
        owner.until("邀请已发送").await?;
        owner.check().await?;
        assert!(owner.has("还有 47 小时").await?);
        owner.press("重新发送").await?;
        owner.until("刚刚发送过邀请").await?;
        owner.check().await?;

        let guest = Chrome::start(Look { is_dark: true, width: 390, height: 844, ..Look::default() }).await?;
        guest.open(&mailed_link(&world)).await?;
        guest.at("加入「星河科技」").await?;
        guest.press("登录").await?;
        guest.at("登录").await?;
        assert!(guest.has("登录后加入「星河科技」").await?);
        guest.press("注册").await?;
        guest.at("注册").await?;
        guest.fill("name", "唐薇").await?;
        guest.fill("email", "tang@example.com").await?;
        guest.fill("password", "orange-Bicycle-77").await?;
        guest.tick("agree").await?;
        guest.press("注册并加入").await?;
        guest.until("邀请发给另一个邮箱").await?;
        guest.check().await?;
        guest.fill("email", GUEST).await?;
        guest.fill("password", "orange-Bicycle-77").await?;
        guest.press("注册并加入").await?;
        guest.at("成员").await?;
        guest.until("您已加入「星河科技」").await?;
        assert!(guest.has("组织账单管理员").await?);

        owner.open(&format!("{}/orgs/{organization}/members", world.gateway)).await?;
        owner.at("成员").await?;
        assert!(owner.has("唐薇").await? && !owner.has("待接受的邀请").await?);
        guest.quit().await?;
        owner.quit().await
    });
}

#[test]
fn a_link_in_other_hands_says_whose_it_is_in_english_and_a_revoked_one_why() {
    let world = World::start();
    let organization = world.organization("星河科技");
    run(async {
        let owner = Chrome::start(Look { width: 390, height: 844, ..Look::default() }).await?;
        speak_english(&owner, &world).await?;
        sign_in(&owner, &world, OWNER, "Sign in").await?;
        owner.at("Organizations").await?;
        owner.open(&format!("{}/orgs/{organization}/members", world.gateway)).await?;
        owner.at("Members").await?;
        owner.fill("email", GUEST).await?;
        owner.press("Send the invitation").await?;
        owner.until("The invitation is on its way").await?;
        owner.check().await?;
        let link = mailed_link(&world);
        owner.open(&link).await?;
        owner.at("This invitation is for another address").await?;
        owner.press("Switch account").await?;
        owner.at("Join 星河科技").await?;
        owner.press("Sign in").await?;
        owner.at("Sign in").await?;
        owner.fill("email", OWNER).await?;
        owner.fill("password", PASSWORD).await?;
        owner.press("Sign in").await?;
        owner.at("This invitation is for another address").await?;
        owner.open(&format!("{}/orgs/{organization}/members", world.gateway)).await?;
        owner.at("Members").await?;
        owner.press("Revoke").await?;
        owner.until("The invitation was revoked").await?;
        owner.open(&link).await?;
        owner.at("This invitation was revoked").await?;
        owner.quit().await
    });
}

/// Names, moves and deletes the organization that nothing is bound to.
async fn manage(look: Look, world: &World) -> WebDriverResult<()> {
    let chrome = Chrome::start(look).await?;
    sign_in(&chrome, world, OWNER, "登录").await?;
    chrome.at("组织").await?;
    let organization = world.organization("云帆数据");
    chrome.open(&format!("{}/orgs/{organization}/settings", world.gateway)).await?;
    chrome.at("组织设置").await?;
    chrome.fill("name", "https://example.com").await?;
    chrome.press("保存名称").await?;
    chrome.until("包含不能使用的字符").await?;
    chrome.check().await?;
    chrome.fill("name", "云帆科技").await?;
    chrome.press("保存名称").await?;
    chrome.until("组织名称已保存").await?;
    pick(&chrome, "zone", "Europe/Berlin").await?;
    chrome.press("保存时区").await?;
    chrome.until("时区已保存").await?;
    chrome.check().await?;
    chrome.press("删除组织").await?;
    chrome.at("删除「云帆科技」").await?;
    chrome.fill("name", "云帆数据").await?;
    chrome.press("永久删除组织").await?;
    chrome.until("与组织名称不一致").await?;
    chrome.check().await?;
    chrome.fill("name", "云帆科技").await?;
    chrome.press("永久删除组织").await?;
    chrome.at("组织").await?;
    chrome.until("组织已删除").await?;
    assert_eq!(chrome.path().await?, "/orgs");
    chrome.quit().await
}

#[test]
fn an_owner_names_moves_and_deletes_an_organization() {
    let world = World::start();
    run(manage(Look::default(), &world));
    assert_eq!(world.rows("SELECT count(*) FROM organization WHERE deleted_at IS NOT NULL"), ["1"]);
    let world = World::start();
    run(manage(Look { is_dark: true, width: 390, height: 844, ..Look::default() }, &world));
    let world = World::start();
    run(manage(Look { has_script: false, ..Look::default() }, &world));
}

#[test]
fn what_stands_in_the_way_of_a_deletion_is_seen_to_in_english() {
    let world = World::start();
    let organization = world.bind("86040213", OWNER, "云帆数据");
    run(async {
        let chrome = Chrome::start(Look { width: 390, height: 844, ..Look::default() }).await?;
        speak_english(&chrome, &world).await?;
        sign_in(&chrome, &world, OWNER, "Sign in").await?;
        chrome.at("Organizations").await?;
        chrome.open(&format!("{}/orgs/{organization}/delete", world.gateway)).await?;
        chrome.at("Delete 云帆数据").await?;
        assert!(chrome.has("It pays through marketplace subscription 86040213").await?);
        chrome.press("Unbind").await?;
        chrome.at("云帆数据").await?;
        chrome.press_first("main form[action$='/unbind'] button").await?;
        chrome.at("Billing").await?;
        chrome.open(&format!("{}/orgs/{organization}/settings", world.gateway)).await?;
        chrome.at("Organization settings").await?;
        chrome.press("Delete the organization").await?;
        chrome.at("Delete 云帆数据").await?;
        chrome.fill("name", "云帆数据").await?;
        chrome.press("Delete it for good").await?;
        chrome.until("The organization was deleted").await?;
        chrome.check().await?;
        chrome.quit().await
    });
    let url = format!("{}/api/v1/organizations/{organization}", world.gateway);
    let key = world.ready["api_key"].as_str().unwrap();
    let answer = agent().get(&url).header("authorization", format!("Bearer {key}")).call().unwrap();
    assert_eq!(answer.status(), 404);
}
