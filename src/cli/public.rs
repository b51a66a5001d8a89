//! `demo --public`: what a demo that others reach has of its own (rules A6). Everybody on the network sees it, so its
//! passwords and keys are fresh, and its control is for whoever holds the link to it.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};

use anyhow::Context as _;
use fast_qr::QRBuilder;

use crate::crypto::Chance;

/// An address of the documentation's range: asking the way to it sends nothing.
const SOMEWHERE: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 0, 2, 1), 9);

/// A demo that others reach.
pub struct Public {
    /// All three listeners have it, and the pages' addresses as well.
    pub address: IpAddr,
    /// Of everybody in the seed.
    pub password: String,
    /// Signs the simulator's calls.
    pub isv_key: String,
    /// Opens the control.
    pub control_key: String,
}

impl Public {
    /// Fresh secrets for this address; without one, for the address by which this machine reaches others.
    pub fn new(address: Option<IpAddr>, chance: &Chance) -> anyhow::Result<Self> {
        let address = match address {
            Some(address) => address,
            None => {
                own_address().context("no address of this machine was found: name it, as in --public 192.168.1.20")?
            }
        };
        anyhow::ensure!(
            !address.is_unspecified(),
            "--public needs the address that others type, not {address}: it becomes part of every link"
        );
        Ok(Self { address, password: typeable(chance), isv_key: chance.token(), control_key: chance.token() })
    }
}

fn own_address() -> std::io::Result<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect(SOMEWHERE)?;
    Ok(socket.local_addr()?.ip())
}

/// Sixty bits that can be typed on a phone: no two of its letters look alike.
fn typeable(chance: &Chance) -> String {
    const LETTERS: &[u8; 32] = b"023456789abcdefghjkmnpqrstuvwxyz";
    let letters: Vec<char> =
        chance.bytes::<12>().iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

/// A code for a phone's camera, in characters for a terminal.
pub fn code(url: &str) -> anyhow::Result<String> {
    let code = QRBuilder::new(url).build().map_err(|e| anyhow::anyhow!("{url} does not fit into a QR code: {e}"))?;
    Ok(code.to_str())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::crypto::password::strength;

    #[test]
    fn a_password_can_be_typed_is_strong_and_never_the_same() {
        let chance = Chance::system();
        let (one, other) = (typeable(&chance), typeable(&chance));
        assert_ne!(one, other);
        assert_eq!(one.len(), 14);
        assert!(one.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{one}");
        assert_eq!(strength(&one, &[]), Ok(()));
    }

    #[test]
    fn the_address_of_every_interface_is_none_that_others_could_type() {
        assert!(Public::new(Some("0.0.0.0".parse().unwrap()), &Chance::system()).is_err());
        assert!(Public::new(Some("127.0.0.1".parse().unwrap()), &Chance::system()).is_ok());
    }
}
