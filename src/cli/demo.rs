//! `marketgate demo`: the whole purchase on one machine, offline.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::Context as _;

use super::fence::Pace;
use super::gateway;
use super::public::{self, Public};
use super::say;
use super::seed_file::SeedFile;
use super::stage::{Setup, Stage};
use crate::config::Heal;
use crate::crypto::Chance;
use crate::simulator::Timing;
use crate::store::Options;
use crate::web::shield::Patience;

/// The seed's product at the marketplace.
const PRODUCT: &str = "cmgj00063418";

/// How long people see the processing page.
const PROCESSING_SECS: u32 = 2;

#[derive(clap::Args)]
pub struct Demo {
    /// The database file; kept between demos [default: target/demo/marketgate.db, with --public target/demo/public.db].
    #[arg(long, value_name = "FILE")]
    database: Option<PathBuf>,
    /// Let phones and other machines of this network take part, at this address of this machine. Everybody in the
    /// network can: passwords and keys are fresh at each start, and only the printed link opens the control.
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1)]
    #[expect(clippy::option_option, reason = "given or not, and with an address or not: what clap makes of it")]
    public: Option<Option<IpAddr>>,
    /// Where the gateway listens.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where the simulator of the marketplace listens; only its port counts.
    #[arg(long, default_value = "127.0.0.1:8081")]
    simulator_listen: SocketAddr,
    /// Where the demo product listens.
    #[arg(long, default_value = "127.0.0.1:8082")]
    product_listen: SocketAddr,
    /// The demo product has to confirm each binding, and does, by its webhook.
    #[arg(long)]
    confirm: bool,
}

impl Demo {
    pub fn run(self) -> anyhow::Result<()> {
        super::start_logging("warn");
        let public = self.public.map(|address| Public::new(address, &Chance::system())).transpose()?;
        for address in [self.listen, self.simulator_listen, self.product_listen] {
            anyhow::ensure!(
                address.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST),
                "a demo listens on 127.0.0.1 only, not on {address}: its passwords are known to everybody (see --public)"
            );
        }
        let file = if public.is_some() { "target/demo/public.db" } else { "target/demo/marketgate.db" };
        let database = self.database.unwrap_or_else(|| file.into());
        if let Some(directory) = database.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            std::fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
        }
        let at = |mut address: SocketAddr| {
            address.set_ip(public.as_ref().map_or(address.ip(), |public| public.address));
            address
        };
        let setup = Setup {
            database,
            is_temporary: false,
            gateway: at(self.listen),
            simulator_port: self.simulator_listen.port(),
            product: at(self.product_listen),
            timing: Timing::demo(),
            processing_secs: PROCESSING_SECS,
            has_access_key: true,
            openapi_url: None,
            sweep_mins: Heal::default().sweep_mins,
            has_strict_limits: public.is_some(),
            patience: Patience::default(),
            is_confirming: self.confirm,
            is_product_confirming: self.confirm,
            is_operator_totp_required: false,
            is_email_checked: false,
            metrics: None,
            trusted_proxies: Vec::new(),
            options: Options::default(),
            workers: 2,
            random_seed: None,
            seed: SeedFile::default(),
            is_clock_watched: false,
            backup: None,
            fence: None,
            fence_pace: Pace::default(),
            public,
        };
        actix_web::rt::System::new().block_on(async move {
            let stage = Stage::set(setup).await?;
            say(&script(&stage)?);
            gateway::asked_to_stop().await?;
            stage.strike().await;
            Ok(())
        })
    }
}

/// What to click, in five minutes.
fn script(stage: &Stage) -> anyhow::Result<String> {
    let (simulator, password) = (stage.simulator.url(), &stage.password);
    let gateway = &stage.gateway.app.config.public_url;
    let product = &stage.product_url;
    let mut control = format!("{simulator}/control");
    let mut warning = String::new();
    if let Some(key) = &stage.control_key {
        control = format!("{control}/unlock?key={key}");
        warning = format!(
            "
  ！ 同一网络里的人都能打开这场演示，内容不加密；密码每次启动都不同，步骤 5 的链接只留给您自己
     Everybody in this network can open this demo, and nothing is encrypted. Passwords are new at each start; keep the link of step 5 to yourself

  手机扫码打开商品页 The product page for a phone's camera

{}
",
            public::code(&format!("{simulator}/products/{PRODUCT}"))?
        );
    }
    Ok(format!(
        "Marketgate demo 演示已就绪
{warning}
  1  打开商品页，点「立即开通」 Open the product page and subscribe
     {simulator}/products/{PRODUCT}
  2  等「开通中」变成「已开通」，点「免登」 Wait for 「已开通」, press 「免登」
     {simulator}/console/services
  3  登录或注册，选择组织，点「确认绑定」 Sign in or register, choose an organization, confirm
     owner@example.com   林悦    管理两个组织 owns two organizations
     member@example.com  陈思远  普通成员 plain member
     billing@example.com 沈知行  账单管理员 billing admin
     密码 password: {password}
  4  查看「帐单概览」，进入产品创建集群 See billing, enter the product
     {gateway}    {product}
  5  时钟前进 30 天，添加一个故障，再买一次；邮件和每次调用都在这里
     Move the clock by 30 days, add a fault, buy once more; mails and every call are here
     {control}
  6  换下一批观众：「重置到初始数据」 For the next audience: 「重置到初始数据」 resets

五分钟讲完：第 5 步的页面点「开始演示导览」，逐步带您走一遍
In five minutes: 「开始演示导览」 on the page of step 5 leads you through, one step after the other

Ctrl+C 结束 to stop"
    ))
}
