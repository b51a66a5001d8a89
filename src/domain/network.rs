//! Addresses that a request of ours may go to: what a stranger names must not reach our own network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A range of addresses such as `10.2.0.0/16`; a bare address is a range of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    first: IpAddr,
    prefix: u8,
}

impl Network {
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let shift = |width: u8| u32::from(width - self.prefix);
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                (first.to_bits() ^ address.to_bits()).checked_shr(shift(32)).unwrap_or(0) == 0
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                (first.to_bits() ^ address.to_bits()).checked_shr(shift(128)).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

impl From<IpAddr> for Network {
    /// The network of one address.
    fn from(address: IpAddr) -> Self {
        let first = address.to_canonical();
        Self { first, prefix: if first.is_ipv4() { 32 } else { 128 } }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is not a network such as 10.2.0.0/16");
        let (first, prefix) = text.split_once('/').map_or((text, None), |(first, prefix)| (first, Some(prefix)));
        let first: IpAddr = first.parse().map_err(|_| wrong())?;
        let width = if first.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(width), str::parse).map_err(|_| wrong())?;
        if prefix <= width { Ok(Self { first, prefix }) } else { Err(wrong()) }
    }
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        format!("{}/{}", network.first, network.prefix)
    }
}

/// The header in which a proxy says whose request it passes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedBy {
    /// `X-Forwarded-For: 192.0.2.7, 10.0.0.3`
    #[default]
    XForwardedFor,
    /// RFC 7239: `Forwarded: for=192.0.2.7, for="[2001:db8::7]:4711"`
    Forwarded,
}

impl ForwardedBy {
    #[must_use]
    pub const fn header(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }
}

/// Whose request it is: the peer, unless that is a trusted proxy; then the last hop of its list that is none. `lines` are
/// the header's lines in the order received: proxies append, so what a stranger claims of itself stands before what the
/// first trusted one saw, and is never reached. A hop that cannot be read ends the walk at the proxy that wrote it down.
#[must_use]
pub fn client<'a>(
    peer: IpAddr,
    lines: impl DoubleEndedIterator<Item = &'a str>,
    by: ForwardedBy,
    proxies: &[Network],
) -> IpAddr {
    let is_proxy = |address: IpAddr| proxies.iter().any(|network| network.contains(address));
    let mut seen = peer.to_canonical();
    for hop in lines.rev().flat_map(|line| line.rsplit(',')) {
        if !is_proxy(seen) {
            break;
        }
        let address = match by {
            ForwardedBy::XForwardedFor => hop_address(hop),
            ForwardedBy::Forwarded => hop.split(';').find_map(|pair| {
                let (name, value) = pair.split_once('=')?;
                name.trim().eq_ignore_ascii_case("for").then(|| hop_address(value))?
            }),
        };
        match address {
            Some(address) => seen = address,
            None => break,
        }
    }
    seen
}

/// An address as a proxy writes it: bare, with a port, in brackets, in quotes.
fn hop_address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let inner = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None => text,
    };
    let bare = inner.parse::<IpAddr>().ok();
    bare.or_else(|| inner.parse::<std::net::SocketAddr>().ok().map(|with_port| with_port.ip()))
        .map(|address| address.to_canonical())
}

/// Whether a request may go to an address: it is public and the request is encrypted, or one of these networks was
/// configured.
#[must_use]
pub fn may_reach(address: IpAddr, is_encrypted: bool, configured: &[Network]) -> bool {
    is_encrypted && is_public(address) || configured.iter().any(|network| network.contains(address))
}

/// Whether an address belongs to the public internet, by the registries of special-purpose addresses (RFC 6890 and its
/// successors); an IPv4 address inside an IPv6 one counts as itself.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, ..)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 168, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    let inner = |at: usize| {
        let ([a, b], [c, d]) = (parts[at].to_be_bytes(), parts[at + 1].to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match parts {
        // Mapped (::ffff:1.2.3.4) and translated (64:ff9b::1.2.3.4).
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => inner(6),
        // 6to4 carries the IPv4 address of its router.
        [0x2002, ..] => inner(1),
        // Protocol assignments with Teredo, documentation.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // What is global unicast at all.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn what_is_not_public_is_known_by_its_address() {
        for private in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::7f00:1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:a9fe:a9fe::1",
            "3fff::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in [
            "8.8.8.8",
            "100.63.0.1",
            "172.32.0.1",
            "47.88.1.1",
            "2400:3200::1",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::1",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn the_client_is_the_last_hop_that_no_trusted_proxy_is() {
        let proxies: Vec<Network> = ["10.0.0.0/8", "127.0.0.1", "fd00::/8"].map(|text| text.parse().unwrap()).into();
        for (peer, lines, expected) in [
            // Nobody is believed who is not trusted.
            ("192.0.2.1", &["198.51.100.7"][..], "192.0.2.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            ("::ffff:10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            // What a stranger claims stands before what the proxy saw, in the same line or in one of its own.
            ("10.0.0.1", &["6.6.6.6, 198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["6.6.6.6", "198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["6.6.6.6, 198.51.100.7 , 10.9.9.9", "10.0.0.2"], "198.51.100.7"),
            // A hop that is hidden or broken is not stepped over.
            ("10.0.0.1", &["6.6.6.6, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["6.6.6.6, "], "10.0.0.1"),
            ("10.0.0.1", &["6.6.6.6, 10.0.0.2, nonsense, 10.0.0.3"], "10.0.0.3"),
            ("10.0.0.1", &["198.51.100.7:4711"], "198.51.100.7"),
            ("127.0.0.1", &["[2001:db8::7]:4711"], "2001:db8::7"),
            ("fd00::1", &["2001:db8::7"], "2001:db8::7"),
        ] {
            let found = client(peer.parse().unwrap(), lines.iter().copied(), ForwardedBy::XForwardedFor, &proxies);
            assert_eq!(found, expected.parse::<IpAddr>().unwrap(), "{peer} {lines:?}");
        }
        for (lines, expected) in [
            (&["for=198.51.100.7"][..], "198.51.100.7"),
            (&["for=6.6.6.6, For=\"[2001:db8::7]:4711\";proto=https;by=10.0.0.1"], "2001:db8::7"),
            (&["for=6.6.6.6;host=a, proto=https;for=198.51.100.7", "for=10.0.0.2"], "198.51.100.7"),
            (&["for=6.6.6.6, for=_hidden"], "10.0.0.1"),
            (&["for=6.6.6.6, proto=https"], "10.0.0.1"),
            (&["198.51.100.7"], "10.0.0.1"),
        ] {
            let peer = "10.0.0.1".parse().unwrap();
            let found = client(peer, lines.iter().copied(), ForwardedBy::Forwarded, &proxies);
            assert_eq!(found, expected.parse::<IpAddr>().unwrap(), "{lines:?}");
        }
    }

    #[test]
    fn a_configured_network_opens_itself_and_nothing_beside_it() {
        let open: Vec<Network> =
            ["10.2.0.0/16", "127.0.0.2", "fd00:1::/32"].iter().map(|text| text.parse().unwrap()).collect();
        for reached in ["10.2.255.1", "127.0.0.2", "::ffff:10.2.0.1", "fd00:1:2::3", "8.8.8.8"] {
            assert!(may_reach(reached.parse().unwrap(), true, &open), "{reached}");
        }
        for not in ["10.3.0.1", "127.0.0.1", "fd00:2::1", "169.254.169.254"] {
            assert!(!may_reach(not.parse().unwrap(), true, &open), "{not}");
        }
        assert!(may_reach("10.2.0.1".parse().unwrap(), false, &open), "without encryption too");
        assert!(!may_reach("8.8.8.8".parse().unwrap(), false, &open), "but not over the public internet");
        assert!(may_reach("127.0.0.1".parse().unwrap(), true, &["0.0.0.0/0".parse().unwrap()]));
        assert!(
            ["", "10.0.0.0/33", "10.0.0/8", "::/129", "a.example/8"].iter().all(|bad| bad.parse::<Network>().is_err())
        );
    }
}
