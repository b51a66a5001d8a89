//! How mails leave.

use std::net::IpAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{ConfigError, Secret, wrong};

/// The mail server that takes our mails.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Smtp {
    pub host: String,
    /// Default: 465 for `tls`, 587 for `starttls`, 25 for `none`.
    #[serde(default)]
    pub port: Option<u16>,
    #[serde(default)]
    pub tls: SmtpTls,
    #[serde(default)]
    pub user: String,
    #[serde(default)]
    pub password: Secret,
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// `Name <address>` or an address alone.
    pub from: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    /// From the first byte.
    Tls,
    /// By the command STARTTLS, which the server must offer.
    #[default]
    StartTls,
    /// For a relay on this machine only.
    None,
}

impl Smtp {
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.tls {
            SmtpTls::Tls => 465,
            SmtpTls::StartTls => 587,
            SmtpTls::None => 25,
        })
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.host.is_empty() || self.host.contains(['/', ':', '@', ' ']) && self.host.parse::<IpAddr>().is_err() {
            return wrong(format!("smtp.host is not the name or address of a server: '{}'", self.host));
        }
        if let Err(cause) = self.from.parse::<lettre::message::Mailbox>() {
            return wrong(format!(
                "smtp.from must be an address such as \"Example Cloud <no-reply@example.com>\", not '{}': {cause}",
                self.from
            ));
        }
        if self.user.is_empty() != self.password.is_empty() {
            return wrong("smtp.user and smtp.password (or smtp.password_file) go together: give both or neither");
        }
        let is_here =
            self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        if self.tls == SmtpTls::None && !is_here {
            return wrong(
                "smtp.tls = \"none\" is for a relay on this machine only, because mails carry links that grant something: use \"starttls\" or \"tls\"",
            );
        }
        Ok(())
    }
}
