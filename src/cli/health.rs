//! `marketgate health`: whether the gateway of a configuration takes work, for containers and whoever watches one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::{Settings, say};
use crate::outbound::{Limits, Outbound};

#[derive(clap::Args)]
pub struct Health {
    #[command(flatten)]
    settings: Settings,
    /// The address that `serve` listens on; without it, the configuration says.
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// Wait so long for the answer, in seconds.
    #[arg(long, default_value = "5", value_parser = super::seconds, value_name = "SECONDS")]
    timeout: Duration,
}

impl Health {
    pub fn run(self) -> anyhow::Result<()> {
        let listen = match self.listen {
            Some(listen) => listen,
            None => self.settings.load(&[])?.listen,
        };
        let url = format!("http://{}/readyz", reachable(listen));
        let limits = Limits { connect: self.timeout, total: self.timeout, max_body: 1024 };
        let answer = Outbound::new(limits).get(&url, &[]).with_context(|| format!("{url} does not answer"))?;
        if answer.status != 200 {
            bail!("not ready: {url} answers {} ({})", answer.status, answer.body.lines().next().unwrap_or_default());
        }
        say("ready");
        Ok(())
    }
}

/// Who listens on every address is reached by this machine's own.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}
