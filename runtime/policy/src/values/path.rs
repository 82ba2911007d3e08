//! Absolute paths, as the container's processes will write them.

use std::fmt;
use std::str::FromStr;

use super::{Invalid, text};

/// A directory or file and everything below it; it ends at a component, so `/etc` is not `/etcx`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathPrefix(String);

/// The path of one program.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProgramPath(String);

impl PathPrefix {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ProgramPath {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PathPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ProgramPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for PathPrefix {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text == "/" {
            return Ok(Self(text.to_owned()));
        }
        let path = text.strip_suffix('/').unwrap_or(text);
        check_absolute(path)?;
        Ok(Self(path.to_owned()))
    }
}

impl FromStr for ProgramPath {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text.ends_with('/') {
            return Err(Invalid::new(
                "is not a program",
                "name one file, as in /usr/bin/git",
            ));
        }
        check_absolute(text)?;
        Ok(Self(text.to_owned()))
    }
}

/// One spelling for each path: what is compared component by component must not have two.
pub(crate) fn check_absolute(path: &str) -> Result<(), Invalid> {
    let Some(relative) = path.strip_prefix('/') else {
        return Err(Invalid::new("is not an absolute path", "begin it with /"));
    };
    text::refuse_hidden(path)?;
    if path.contains(['*', '?']) {
        return Err(Invalid::new(
            "holds a wildcard",
            "a path covers all that is below it; write it without * and ?",
        ));
    }
    if path.len() > MAX_PATH || relative.split('/').any(|part| part.len() > MAX_COMPONENT) {
        return Err(Invalid::new(
            "is longer than a path can be",
            "a path has at most 4095 bytes, and 255 between two slashes",
        ));
    }
    if relative
        .split('/')
        .any(|part| matches!(part, "" | "." | ".."))
    {
        return Err(Invalid::new(
            "is not written plainly",
            "write the path without . and .. and doubled slashes",
        ));
    }
    Ok(())
}

/// One component, as a name in a folder.
pub(crate) fn check_component(name: &str) -> Result<(), Invalid> {
    text::refuse_hidden(name)?;
    if matches!(name, "" | "." | "..") || name.contains('/') {
        return Err(Invalid::new(
            "is not the name of a file",
            "write what stands between two slashes of a path",
        ));
    }
    if name.len() > MAX_COMPONENT {
        return Err(Invalid::new(
            "is longer than a name can be",
            "a name has at most 255 bytes",
        ));
    }
    Ok(())
}

const MAX_PATH: usize = 4095;
const MAX_COMPONENT: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes() {
        for (text, path) in [
            ("/", "/"),
            ("/etc", "/etc"),
            ("/etc/", "/etc"),
            ("/a b/ü/[id]", "/a b/ü/[id]"),
            ("/...", "/..."),
        ] {
            assert_eq!(text.parse::<PathPrefix>().expect(text).as_str(), path);
        }
        let long = format!("/{}", "a".repeat(256));
        let deep = "/a".repeat(2048);
        for text in [
            "",
            "etc",
            "./etc",
            "~/.ssh",
            "//",
            "//etc",
            "/etc//",
            "/etc/../x",
            "/etc/.",
            "/..",
            "/root/.ssh/**",
            "/tmp/?",
            "/etc/a\nb",
            "/etc\0",
            "/etc/\u{202e}",
            &long,
            &deep,
        ] {
            assert!(text.parse::<PathPrefix>().is_err(), "{text}");
        }
    }

    #[test]
    fn programs() {
        assert!("/usr/bin/git".parse::<ProgramPath>().is_ok());
        for text in ["/", "/usr/bin/", "git", "", "/usr/bin/*"] {
            assert!(text.parse::<ProgramPath>().is_err(), "{text}");
        }
    }
}
