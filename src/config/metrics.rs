//! Where a monitoring system asks.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::{ConfigError, wrong};

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    /// Address and port of `GET /metrics`, a listener of its own (rules D6); empty: none.
    pub listen: String,
}

impl Default for Metrics {
    fn default() -> Self {
        Self { listen: "127.0.0.1:9464".into() }
    }
}

impl Metrics {
    #[must_use]
    pub fn is_on(&self) -> bool {
        !self.listen.is_empty()
    }

    /// The listener's address, if there is to be one.
    ///
    /// # Errors
    /// A sentence, if it is none.
    pub fn address(&self) -> Result<Option<SocketAddr>, ConfigError> {
        if !self.is_on() {
            return Ok(None);
        }
        match self.listen.parse() {
            Ok(address) => Ok(Some(address)),
            Err(_) => wrong(format!(
                "metrics.listen must be an address such as 127.0.0.1:9464, or empty for none, not '{}'",
                self.listen
            )),
        }
    }
}
