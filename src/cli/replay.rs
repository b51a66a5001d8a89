//! `marketgate replay`: a recorded log of calls, made again.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use url::Url;

use super::{IsvKey, say, seconds, web_address};
use crate::certify;
use crate::certify::replay::{self, Again, Meaning};
use crate::clock::Clock;
use crate::outbound::Limits;

#[derive(clap::Args)]
pub struct Replay {
    /// The log: what `GET /control/calls?format=ndjson` of a simulator answered.
    file: PathBuf,
    /// The provisioning URL that the calls are made to.
    #[arg(long, value_name = "URL", value_parser = web_address)]
    target: Url,
    #[command(flatten)]
    isv_key: IsvKey,
    /// Seconds until a call is given up.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    timeout: Duration,
    /// Seconds between two createInstance calls while the id is 0; there are at most 120.
    #[arg(long, value_name = "SECONDS", default_value = "0.5", value_parser = seconds)]
    pause: Duration,
}

impl Replay {
    /// Whether every answer means what it meant.
    pub fn run(self) -> anyhow::Result<bool> {
        let text =
            std::fs::read_to_string(&self.file).with_context(|| format!("cannot read {}", self.file.display()))?;
        let calls = replay::read(&text)?;
        let defaults = Limits::default();
        let options = replay::Options {
            target: self.target,
            isv_key: self.isv_key.read()?,
            pause: self.pause,
            limits: Limits { connect: defaults.connect.min(self.timeout), total: self.timeout, ..defaults },
        };
        let done = replay::run(&options, &Clock::system(), &calls, &mut |again| say(&line(again)));
        let differing = done.iter().filter(|again| !again.is_same).count();
        say(&format!(
            "重放 {} 次调用，{differing} 次答复不同 replayed {} calls, {differing} differ",
            done.len(),
            done.len()
        ));
        Ok(differing == 0)
    }
}

fn line(again: &Again) -> String {
    let (before, now, action) = (meaning(&again.before), meaning(&again.now), certify::shown(&again.action));
    if again.is_same {
        return format!("✓ {}  {action}  {now}", again.line);
    }
    let status = again.exchange.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
    format!(
        "✗ {}  {action}  {before} → {now}\n    {}\n    {status} {}",
        again.line,
        again.exchange.request,
        certify::shown(&again.exchange.body)
    )
}

fn meaning(meaning: &Meaning) -> String {
    match meaning {
        Meaning::Id(id) => format!("id {}", certify::shown(id)),
        Meaning::NotReady => "未就绪 not ready".to_owned(),
        Meaning::Done => "成功 success".to_owned(),
        Meaning::Not => "未成功 no success".to_owned(),
        Meaning::Unknown => "无答复 no answer".to_owned(),
    }
}
