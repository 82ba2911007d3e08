//! The trust mask: one integer that selects a system-call profile.

use std::fmt;
use std::str::FromStr;

use super::{Domain, Invalid, number};

/// Bits 0-15 are groups of system calls, 16-23 belong to the domain, 24-31 are reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrustMask(u32);

impl TrustMask {
    pub fn bits(self) -> u32 {
        self.0
    }

    /// The lowest bit that has no meaning in this domain.
    pub fn undefined_bit(self, domain: Domain) -> Option<u32> {
        let undefined = self.0 & !defined_in(domain);
        (undefined != 0).then(|| undefined.trailing_zeros())
    }
}

impl fmt::Display for TrustMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:08X}", self.0)
    }
}

impl FromStr for TrustMask {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let bits = match text.strip_prefix("0x") {
            Some(hex) => hexadecimal(hex),
            None => number::decimal(text),
        };
        bits.map(Self).ok_or_else(|| {
            Invalid::new(
                "is not a trust mask",
                "write 32 bits in hexadecimal or decimal, as in 0x0000E0FF",
            )
        })
    }
}

fn hexadecimal(digits: &str) -> Option<u32> {
    let well_formed = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    well_formed
        .then(|| u32::from_str_radix(digits, 16).ok())
        .flatten()
}

fn defined_in(domain: Domain) -> u32 {
    match domain {
        Domain::General => LOW_BITS,
        Domain::Maritime | Domain::Logistics | Domain::Ot | Domain::Finance => {
            LOW_BITS | DOMAIN_BITS
        }
    }
}

const LOW_BITS: u32 = 0x0000_FFFF;
const DOMAIN_BITS: u32 = 0x00FF_0000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks() {
        for (text, bits) in [
            ("0", 0),
            ("0x0", 0),
            ("65535", 0xFFFF),
            ("0x00FF0000", 0x00FF_0000),
            ("0xffffffff", u32::MAX),
            ("0x0000000001", 1),
        ] {
            assert_eq!(text.parse::<TrustMask>().expect(text).bits(), bits);
        }
        for text in [
            "",
            "0x",
            "0X1",
            "+1",
            "-1",
            "0x+1",
            "017",
            "0x100000000",
            "4294967296",
            "ff",
        ] {
            assert!(text.parse::<TrustMask>().is_err(), "{text}");
        }
    }

    #[test]
    fn every_bit_is_defined_or_named() {
        for bit in 0..32 {
            let mask = TrustMask(1 << bit);
            for domain in Domain::ALL {
                let defined = bit < 16 || (bit < 24 && *domain != Domain::General);
                let expected = (!defined).then_some(bit);
                assert_eq!(mask.undefined_bit(*domain), expected, "{domain} {bit}");
            }
        }
    }
}
