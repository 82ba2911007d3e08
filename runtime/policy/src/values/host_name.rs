//! Host names in the one form in which they are compared.

use std::fmt;
use std::str::FromStr;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

use super::Invalid;

/// A host name: lower case, A-labels, no trailing dot, never something that reads as an address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostName(String);

impl HostName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is one label or more under the other one; no name is below itself.
    pub fn is_below(&self, parent: &Self) -> bool {
        self.0
            .strip_suffix(&parent.0)
            .is_some_and(|labels| labels.ends_with('.'))
    }

    /// A top-level domain, or a bare name of the local network.
    pub fn is_single_label(&self) -> bool {
        !self.0.contains('.')
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for HostName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let name = text.strip_suffix('.').unwrap_or(text);
        let ascii = to_ascii(name).filter(|name| is_host(name));
        ascii.map(Self).ok_or_else(|| {
            Invalid::new(
                "is not a host name, an address or a network",
                "write it as api.example.com, *.example.com, 10.0.0.0/8 or [2001:db8::/32]",
            )
        })
    }
}

/// Conversion to A-labels. Plain ASCII is only lower-cased: IDNA would refuse the underscores that
/// container networks use in names.
fn to_ascii(name: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    let plain = lower.is_ascii() && !lower.split('.').any(|label| label.starts_with("xn--"));
    if plain {
        return Some(lower);
    }
    Uts46::new()
        .to_ascii(
            name.as_bytes(),
            AsciiDenyList::URL,
            Hyphens::Check,
            DnsLength::Verify,
        )
        .ok()
        .map(|name| name.into_owned())
}

fn is_host(name: &str) -> bool {
    name.len() <= MAX_NAME
        && name.split('.').all(is_label)
        && name
            .rsplit('.')
            .next()
            .is_some_and(|last| !reads_as_number(last))
}

fn is_label(label: &str) -> bool {
    let known = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_'
    };
    (1..=MAX_LABEL).contains(&label.len())
        && label.bytes().all(known)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Resolvers take `127.1` and `0x7f.1` for addresses; a name that ends in a number is none.
fn reads_as_number(label: &str) -> bool {
    let hexadecimal = label.strip_prefix("0x");
    label.bytes().all(|byte| byte.is_ascii_digit())
        || hexadecimal.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_form() {
        for (text, name) in [
            ("api.openai.com", "api.openai.com"),
            ("API.OpenAI.com.", "api.openai.com"),
            ("localhost", "localhost"),
            ("my_db", "my_db"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("BÜCHER.example", "xn--bcher-kva.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("ｅｘａｍｐｌｅ。com", "example.com"),
            ("1.example", "1.example"),
            ("3com", "3com"),
        ] {
            assert_eq!(text.parse::<HostName>().expect(text).as_str(), name);
        }
    }

    #[test]
    fn a_name_is_below_its_parents_only() {
        let name = |text: &str| text.parse::<HostName>().expect(text);
        let parent = name("github.com");
        assert!(name("api.github.com").is_below(&parent));
        assert!(name("a.b.github.com").is_below(&parent));
        for other in ["github.com", "evilgithub.com", "com", "github.com.example"] {
            assert!(!name(other).is_below(&parent), "{other}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long_label = "a".repeat(64);
        let long_name = format!("{}a", "a.".repeat(127));
        for text in [
            "",
            ".",
            "..",
            "a..b",
            "a.b..",
            ".a",
            "-a.b",
            "a-.b",
            "a b",
            "a/b",
            "*",
            "*.a",
            "a.*",
            "a:b",
            "a@b",
            "127.1",
            "0x7f.1",
            "443",
            "1.2.3.4.5",
            "1.2.3.0x4",
            "a.0x",
            "a%b",
            "xn--\u{fffd}.com",
            "xn--zzzzzz99999.com",
            "１.２.３.４",
            &long_label,
            &long_name,
        ] {
            assert!(text.parse::<HostName>().is_err(), "{text}");
        }
    }
}
