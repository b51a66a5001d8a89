//! Telling the vendor's product, and waiting for its word.

use serde::{Deserialize, Serialize};

use crate::domain::network::Network;

/// The vendor's word on each requested binding (rules A4).
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Confirmation {
    /// A request becomes live only when the vendor has confirmed it.
    pub required: bool,
    /// A request that nobody has confirmed by then ends.
    pub timeout_secs: u32,
}

impl Default for Confirmation {
    fn default() -> Self {
        Self { required: false, timeout_secs: 120 }
    }
}

/// Where webhooks may lead.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Webhooks {
    /// Networks that are not public but may be sent to, also without TLS, such as `10.2.0.0/16`.
    pub private_networks: Vec<Network>,
}
