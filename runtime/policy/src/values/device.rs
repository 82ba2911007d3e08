//! Devices: a path below `/dev`, or the name of a device in the Container Device Interface.

use std::fmt;
use std::str::FromStr;

use super::{Invalid, path};

/// A device that the container may use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Device {
    /// A path below `/dev`.
    Path(String),
    Cdi(CdiName),
}

/// `vendor/class=name`, as in `nvidia.com/gpu=0`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CdiName {
    pub vendor: String,
    pub class: String,
    pub name: String,
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.write_str(path),
            Self::Cdi(CdiName {
                vendor,
                class,
                name,
            }) => write!(f, "{vendor}/{class}={name}"),
        }
    }
}

impl FromStr for Device {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text.starts_with('/') {
            return device_path(text);
        }
        cdi_name(text).map(Self::Cdi).ok_or_else(|| {
            Invalid::new(
                "is neither a device path nor a CDI name",
                "write it as /dev/NAME or vendor.com/class=name",
            )
        })
    }
}

fn device_path(text: &str) -> Result<Device, Invalid> {
    if !text.starts_with("/dev/") || text.ends_with('/') {
        return Err(Invalid::new(
            "is not the path of a device",
            "devices are below /dev, as in /dev/ttyUSB0",
        ));
    }
    path::check_absolute(text)?;
    Ok(Device::Path(text.to_owned()))
}

fn cdi_name(text: &str) -> Option<CdiName> {
    let (kind, name) = text.split_once('=')?;
    let (vendor, class) = kind.split_once('/')?;
    let letter = |first: u8| first.is_ascii_alphabetic();
    let alphanumeric = |first: u8| first.is_ascii_alphanumeric();
    let well_formed = is_word(vendor, letter, b"_-.")
        && is_word(class, letter, b"_-.")
        && is_word(name, alphanumeric, b"_-.:");
    well_formed.then(|| CdiName {
        vendor: vendor.to_owned(),
        class: class.to_owned(),
        name: name.to_owned(),
    })
}

fn is_word(word: &str, first: impl Fn(u8) -> bool, between: &[u8]) -> bool {
    let bytes = word.as_bytes();
    bytes.len() <= MAX_WORD
        && bytes.first().is_some_and(|byte| first(*byte))
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || between.contains(byte))
}

const MAX_WORD: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices() {
        for text in [
            "/dev/ttyUSB0",
            "/dev/bus/usb/001/002",
            "nvidia.com/gpu=0",
            "vendor.com/net-dev_1=eth0:1",
            "v/c=n",
        ] {
            assert_eq!(text.parse::<Device>().expect(text).to_string(), text);
        }
        for text in [
            "",
            "/dev",
            "/dev/",
            "/dev/../etc/shadow",
            "/etc/shadow",
            "/dev/ttyUSB*",
            "/device",
            "ttyUSB0",
            "gpu=0",
            "vendor.com/gpu",
            "vendor.com/gpu=",
            "/gpu=0",
            "vendor.com/=0",
            "1vendor/gpu=0",
            "vendor.com/1gpu=0",
            "vendor.com/gpu=a=b",
            "vendor.com/gpu=-0",
            "vendor.com/gpu/x=0",
            "vendor.com/gpu=ü",
        ] {
            assert!(text.parse::<Device>().is_err(), "{text}");
        }
    }
}
