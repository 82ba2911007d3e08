//! The types an option's value can have.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// A type an option's value can have.
pub trait Value: Sized {
    /// What the value is called in help texts; None for a switch.
    const NAME: Option<&'static str>;
    /// `self` is what an earlier mention of the option has set.
    fn take(&mut self, value: &OsStr) -> Result<(), String>;
}

impl Value for bool {
    const NAME: Option<&'static str> = None;

    fn take(&mut self, value: &OsStr) -> Result<(), String> {
        *self = match value.as_bytes() {
            b"1" | b"t" | b"T" | b"true" | b"TRUE" | b"True" => true,
            b"0" | b"f" | b"F" | b"false" | b"FALSE" | b"False" => false,
            _ => return Err("neither true nor false".into()),
        };
        Ok(())
    }
}

/// Types a value is read into as a whole.
pub trait Scalar: Sized {
    const NAME: &'static str;
    fn read(value: &OsStr) -> Result<Self, String>;
}

impl Scalar for PathBuf {
    const NAME: &'static str = "PATH";

    fn read(value: &OsStr) -> Result<Self, String> {
        Ok(value.into())
    }
}

impl Scalar for String {
    const NAME: &'static str = "VALUE";

    fn read(value: &OsStr) -> Result<Self, String> {
        value.to_str().map(str::to_string).ok_or("not UTF-8".into())
    }
}

macro_rules! numbers {
    ($($number:ty)*) => { $(
        impl Scalar for $number {
            const NAME: &'static str = "N";

            fn read(value: &OsStr) -> Result<Self, String> {
                let text = value.to_str().unwrap_or_default();
                text.parse().map_err(|error: std::num::ParseIntError| error.to_string())
            }
        }
    )* };
}

numbers! { u16 u32 i32 u64 i64 }

impl<S: Scalar> Value for Option<S> {
    const NAME: Option<&'static str> = Some(S::NAME);

    fn take(&mut self, value: &OsStr) -> Result<(), String> {
        *self = Some(S::read(value)?);
        Ok(())
    }
}

impl<S: Scalar> Value for Vec<S> {
    const NAME: Option<&'static str> = Some(S::NAME);

    fn take(&mut self, value: &OsStr) -> Result<(), String> {
        self.push(S::read(value)?);
        Ok(())
    }
}
