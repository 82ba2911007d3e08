//! Destinations in the network: a host, the hosts below one, or a network; with ports and protocol.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU16;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::choice::choice;
use super::{HostName, Invalid, number};

choice! {
    /// The transport protocol.
    pub Protocol {
        Tcp = "tcp",
        Udp = "udp",
    }
}

/// `TARGET[:PORT[-PORT]][/PROTOCOL]`; without ports all of them, without protocol both.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NetEntry {
    pub target: NetTarget,
    pub ports: Option<PortRange>,
    pub protocol: Option<Protocol>,
}

/// Where to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum NetTarget {
    /// This name.
    Host(HostName),
    /// `*.NAME`: every name below this one, and not the name itself.
    Below(HostName),
    /// The addresses of a network; one address is a network of its own.
    Net(IpNet),
}

/// Ports from the first to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PortRange {
    first: NonZeroU16,
    last: NonZeroU16,
}

impl PortRange {
    pub fn first(self) -> u16 {
        self.first.get()
    }

    pub fn last(self) -> u16 {
        self.last.get()
    }

    pub fn contains(self, other: Self) -> bool {
        self.first <= other.first && other.last <= self.last
    }

    pub fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

impl FromStr for NetEntry {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (rest, protocol) = split_protocol(text)?;
        let (target, ports) = split_ports(rest)?;
        Ok(Self {
            target,
            ports: ports.map(str::parse).transpose()?,
            protocol,
        })
    }
}

/// The part after the last slash is a protocol when it begins with a letter, else a prefix length.
fn split_protocol(text: &str) -> Result<(&str, Option<Protocol>), Invalid> {
    match text.rsplit_once('/') {
        Some((rest, word)) if word.starts_with(|first: char| first.is_ascii_alphabetic()) => {
            Ok((rest, Some(word.parse()?)))
        }
        _ => Ok((text, None)),
    }
}

fn split_ports(text: &str) -> Result<(NetTarget, Option<&str>), Invalid> {
    if let Some(rest) = text.strip_prefix('[') {
        let (net, after) = rest.split_once(']').ok_or_else(brackets)?;
        let target = NetTarget::Net(ipv6_net(net)?.into());
        return match after.strip_prefix(':') {
            Some(ports) => Ok((target, Some(ports))),
            None if after.is_empty() => Ok((target, None)),
            None => Err(brackets()),
        };
    }
    match text.split_once(':') {
        // Were it read as an address, a port after it could be taken for its last group.
        Some((_, ports)) if ports.contains(':') => Err(brackets()),
        Some((target, ports)) => Ok((plain_target(target)?, Some(ports))),
        None => Ok((plain_target(text)?, None)),
    }
}

impl NetTarget {
    /// A name or `*.NAME`.
    pub(crate) fn host(text: &str) -> Result<Self, Invalid> {
        match text.strip_prefix("*.") {
            None => text.parse().map(Self::Host),
            Some(parent) => below(parent.parse()?).map(Self::Below),
        }
    }

    /// A network of either family, or one address; without brackets.
    pub(crate) fn cidr(text: &str) -> Result<Self, Invalid> {
        if text.contains(':') {
            let net = ipv6_net(text).map_err(|invalid| Invalid {
                text: "is not a network".into(),
                ..invalid
            })?;
            return Ok(Self::Net(net.into()));
        }
        match text.parse::<Ipv4Addr>() {
            Ok(address) => Ok(Self::Net(Ipv4Net::from(address).into())),
            Err(_) => Ok(Self::Net(ipv4_net(text)?.into())),
        }
    }
}

fn plain_target(text: &str) -> Result<NetTarget, Invalid> {
    if text.contains('/') {
        return Ok(NetTarget::Net(ipv4_net(text)?.into()));
    }
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Ok(NetTarget::Net(Ipv4Net::from(address).into()));
    }
    NetTarget::host(text)
}

fn below(parent: HostName) -> Result<HostName, Invalid> {
    if parent.is_single_label() {
        return Err(Invalid::new(
            "covers a whole top-level domain",
            "name at least two labels after the star, as in *.example.com",
        ));
    }
    Ok(parent)
}

fn ipv4_net(text: &str) -> Result<Ipv4Net, Invalid> {
    let net: Ipv4Net = text
        .parse()
        .map_err(|_| Invalid::new("is not a network", "write it as 10.0.0.0/8"))?;
    no_host_bits(net, net.trunc())
}

fn ipv6_net(text: &str) -> Result<Ipv6Net, Invalid> {
    let net = match text.parse::<Ipv6Addr>() {
        Ok(address) => Ipv6Net::from(address),
        Err(_) => text.parse().map_err(|_| brackets())?,
    };
    if let (96.., Some(mapped)) = (net.prefix_len(), net.network().to_ipv4_mapped()) {
        return Err(Invalid::new(
            "is an IPv4 address in IPv6 clothes",
            format!("write it as {mapped}"),
        ));
    }
    no_host_bits(net, net.trunc())
}

/// `10.1.2.3/8` may mean one address or sixteen million.
fn no_host_bits<N: PartialEq + fmt::Display>(net: N, truncated: N) -> Result<N, Invalid> {
    if net == truncated {
        return Ok(net);
    }
    Err(Invalid::new(
        "has address bits after its prefix",
        format!("write {truncated} for the network, or the address alone"),
    ))
}

fn brackets() -> Invalid {
    Invalid::new(
        "is not a destination",
        "write IPv6 in brackets, as in [2001:db8::1]:443 or [2001:db8::/32]",
    )
}

impl FromStr for PortRange {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        match (port(first), port(last)) {
            (Some(first), Some(last)) if first <= last => Ok(Self { first, last }),
            _ => Err(Invalid::new(
                "has no valid port",
                "a port is 1 to 65535, a range is written as 5432-5440",
            )),
        }
    }
}

fn port(text: &str) -> Option<NonZeroU16> {
    let number = u16::try_from(number::decimal(text)?).ok()?;
    NonZeroU16::new(number)
}

impl fmt::Display for NetEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.target.fmt(f)?;
        if let Some(ports) = self.ports {
            write!(f, ":{ports}")?;
        }
        match self.protocol {
            Some(protocol) => write!(f, "/{protocol}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for NetTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(name) => name.fmt(f),
            Self::Below(parent) => write!(f, "*.{parent}"),
            Self::Net(IpNet::V4(net)) => net.fmt(f),
            Self::Net(IpNet::V6(net)) => write!(f, "[{net}]"),
        }
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            return self.first.fmt(f);
        }
        write!(f, "{}-{}", self.first, self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations() {
        for (text, printed) in [
            ("api.openai.com:443", "api.openai.com:443"),
            ("10.0.0.0/8:5432/tcp", "10.0.0.0/8:5432/tcp"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("10.0.0.0/8/udp", "10.0.0.0/8/udp"),
            ("10.1.2.3", "10.1.2.3/32"),
            ("10.1.2.3:53/udp", "10.1.2.3/32:53/udp"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("*.GitHub.com:22-443", "*.github.com:22-443"),
            ("db:5432-5432", "db:5432"),
            ("[2001:db8::1]:443", "[2001:db8::1/128]:443"),
            ("[2001:DB8::/32]:443/tcp", "[2001:db8::/32]:443/tcp"),
            ("[::]", "[::/128]"),
            ("[::/0]/udp", "[::/0]/udp"),
            ("*.bücher.example", "*.xn--bcher-kva.example"),
        ] {
            let entry: NetEntry = text.parse().expect(text);
            assert_eq!(entry.to_string(), printed);
            assert_eq!(printed.parse::<NetEntry>(), Ok(entry), "{printed}");
        }
    }

    #[test]
    fn what_is_no_destination_is_refused() {
        for text in [
            "",
            ":443",
            "443",
            "443/tcp",
            "/tcp",
            "*",
            "*.",
            "*.com",
            "*.com.",
            "a.*.com",
            "**.a.b",
            "*a.b.c",
            "host:",
            "host:0",
            "host:65536",
            "host:443-",
            "host:-443",
            "host:2-1",
            "host:80:90",
            "host:http",
            "host/icmp",
            "host/TCP",
            "host/",
            "host:443/",
            "host/tcp/udp",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0/8",
            "10.1.2.3/8",
            "010.0.0.1",
            "10.0.0.0/08/tcp8",
            "2001:db8::1",
            "2001:db8::/32",
            "[2001:db8::1",
            "[2001:db8::]/32",
            "[10.0.0.1]",
            "[::ffff:10.0.0.1]",
            "[::ffff:10.0.0.0/104]",
            "[2001:db8::1/32]",
            "[fe80::1%eth0]",
            "[]",
            "[::1]443",
            "https://api.openai.com",
            "user@host",
            "host :443",
        ] {
            assert!(text.parse::<NetEntry>().is_err(), "{text}");
        }
    }

    #[test]
    fn hints_show_the_right_form() {
        let hint = |text: &str| text.parse::<NetEntry>().expect_err(text).hint;
        assert!(hint("10.1.2.3/8").contains("10.0.0.0/8"));
        assert!(hint("[::ffff:10.0.0.1]").contains("10.0.0.1"));
        assert!(hint("2001:db8::1:443").contains("[2001:db8::1]:443"));
        assert_eq!(hint("host/tpc"), "did you mean tcp");
    }
}
