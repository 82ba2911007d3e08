//! Socket addresses, as the kernel's programs see them: an IPv4 address is one of IPv6, mapped.

use std::net::{Ipv4Addr, Ipv6Addr};

/// As much of an address as is read.
pub const LONGEST: usize = 128;

/// An address and a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    pub ip: Ipv6Addr,
    pub port: u16,
}

/// `None`: it is none of the internet's, or too short for one, which the kernel says itself.
pub fn parse(bytes: &[u8]) -> Option<Address> {
    let (family, rest) = bytes.split_first_chunk::<2>()?;
    let (port, rest) = rest.split_first_chunk::<2>()?;
    let port = u16::from_be_bytes(*port);
    let ip = match i32::from(u16::from_ne_bytes(*family)) {
        // of a connected socket's connect AF_UNSPEC ends the connection; elsewhere it is read as IPv4
        libc::AF_INET | libc::AF_UNSPEC => {
            let octets = rest.first_chunk::<4>()?;
            Ipv4Addr::from(*octets).to_ipv6_mapped()
        }
        libc::AF_INET6 => {
            let octets = rest.get(4..)?.first_chunk::<16>()?;
            Ipv6Addr::from(*octets)
        }
        _ => return None,
    };
    Some(Address { ip, port })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of_v4(family: u16, ip: Ipv4Addr, port: u16) -> Vec<u8> {
        [
            &family.to_ne_bytes()[..],
            &port.to_be_bytes(),
            &ip.octets(),
            &[0; 8],
        ]
        .concat()
    }

    fn of_v6(ip: Ipv6Addr, port: u16) -> Vec<u8> {
        let family = 10_u16.to_ne_bytes();
        [
            &family[..],
            &port.to_be_bytes(),
            &[9; 4],
            &ip.octets(),
            &[0; 4],
        ]
        .concat()
    }

    proptest! {
        #[test]
        fn an_address_of_either_family_is_one_of_ipv6(v4: [u8; 4], v6: [u8; 16], port: u16) {
            let (v4, v6) = (Ipv4Addr::from(v4), Ipv6Addr::from(v6));
            for family in [0, 2] {
                prop_assert_eq!(parse(&of_v4(family, v4, port)), Some(Address { ip: v4.to_ipv6_mapped(), port }));
            }
            prop_assert_eq!(parse(&of_v6(v6, port)), Some(Address { ip: v6, port }));
            // a mapped address is the IPv4 address in other clothes
            prop_assert_eq!(parse(&of_v6(v4.to_ipv6_mapped(), port)), parse(&of_v4(2, v4, port)));
        }

        #[test]
        fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..LONGEST)) {
            let _ = parse(&bytes);
        }
    }

    #[test]
    fn what_is_not_the_internets_is_no_destination() {
        for family in [1_u16, 16, 17, 40, 0xffff] {
            let bytes = [&family.to_ne_bytes()[..], &[0; 30]].concat();
            assert_eq!(parse(&bytes), None, "{family}");
        }
        assert_eq!(parse(&of_v4(2, Ipv4Addr::LOCALHOST, 1)[..7]), None);
    }
}
