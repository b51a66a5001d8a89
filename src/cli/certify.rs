//! `marketgate certify`: what a listing review checks, asked of anybody's provisioning URL.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use url::Url;

use super::{IsvKey, language, language_of_terminal, say, say_on_stderr, seconds, web_address};
use crate::certify;
use crate::clock::Clock;
use crate::crypto::Chance;
use crate::domain::value::Lang;
use crate::outbound::Limits;

#[derive(clap::Args)]
pub struct Certify {
    /// The provisioning URL. Instances named mgcert-… are created there, changed, and released in the end.
    #[arg(value_parser = web_address)]
    url: Url,
    #[command(flatten)]
    isv_key: IsvKey,
    /// Where login-free links lead; by default what createInstance returns as appInfo.authUrl.
    #[arg(long, value_name = "URL", value_parser = web_address)]
    login_url: Option<Url>,
    /// Language of the report, zh or en; by default the terminal's.
    #[arg(long, value_name = "LANGUAGE", value_parser = language)]
    lang: Option<Lang>,
    /// Write a JUnit XML report too.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Product code (productCode) that is bought.
    #[arg(long, value_name = "CODE", default_value = "cmgj00001")]
    product: String,
    /// Plan (skuId) that is bought; by default the product's -prepay.
    #[arg(long, value_name = "SKU")]
    sku: Option<String>,
    /// Plan that an upgrade leads to; by default the same.
    #[arg(long, value_name = "SKU")]
    upgrade_sku: Option<String>,
    /// The buyer account's UID (aliUid).
    #[arg(long, value_name = "UID", default_value = "1234567890123456")]
    account: String,
    /// Seconds until a call is given up.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    timeout: Duration,
    /// An answer that takes more seconds is a finding.
    #[arg(long, value_name = "SECONDS", default_value = "3", value_parser = seconds)]
    slow_after: Duration,
    /// Seconds between two createInstance calls while the id is 0; there are at most 120.
    #[arg(long, value_name = "SECONDS", default_value = "0.5", value_parser = seconds)]
    pause: Duration,
}

impl Certify {
    /// Whether nothing was found.
    pub fn run(self) -> anyhow::Result<bool> {
        let lang = self.lang.unwrap_or_else(language_of_terminal);
        let sku = self.sku.unwrap_or_else(|| format!("{}-prepay", self.product));
        let defaults = Limits::default();
        let options = certify::Options {
            target: self.url,
            isv_key: self.isv_key.read()?,
            login_url: self.login_url,
            product: self.product,
            upgrade_sku: self.upgrade_sku.unwrap_or_else(|| sku.clone()),
            sku,
            account: self.account,
            pause: self.pause,
            slow: self.slow_after,
            limits: Limits { connect: defaults.connect.min(self.timeout), total: self.timeout, ..defaults },
        };
        let report = certify::run(&options, &Clock::system(), &Chance::system(), &mut |outcome| {
            say_on_stderr(&certify::line(lang, outcome));
        });
        say(certify::text(lang, &report).trim_end());
        if let Some(file) = &self.junit {
            std::fs::write(file, certify::junit(lang, &report)?)
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        Ok(report.is_passed())
    }
}
