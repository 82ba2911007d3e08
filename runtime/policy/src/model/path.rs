//! Places in the file system, as rules name them.
//!
//! A path is compared component by component, as whole byte strings. The kernel walks the same
//! components, so a pattern holds only what that walk can answer with one lookup.

use std::fmt;
use std::str::FromStr;

use crate::values::{Invalid, check_component, check_path};

/// The parts of an absolute path between its slashes; `/` has none.
pub type Components = Vec<Box<[u8]>>;

/// A component that no object can have: it stands for "any that no rule names".
pub(crate) const FRESH: &[u8] = b"/";

/// The components of an absolute path that is written plainly: without `.`, `..` and `//`.
pub fn components(path: &str) -> Result<Components, Invalid> {
    if path == "/" {
        return Ok(Vec::new());
    }
    check_path(path)?;
    Ok(split(path))
}

pub(crate) fn last_of(path: &[Box<[u8]>]) -> Option<&[u8]> {
    path.last().map(|last| &**last)
}

/// Some objects by where they are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathPattern {
    pub base: Components,
    pub reach: Reach,
}

/// How far a pattern reaches from its base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// The base and nothing else.
    Itself,
    /// `*`: what lies directly in the base.
    Children,
    /// `**`: the base and everything below it.
    Tree,
}

impl PathPattern {
    /// A folder and everything below it.
    pub fn tree(base: Components) -> Self {
        Self {
            base,
            reach: Reach::Tree,
        }
    }

    pub fn covers(&self, path: &[Box<[u8]>]) -> bool {
        let Some(rest) = path.strip_prefix(&self.base[..]) else {
            return false;
        };
        match self.reach {
            Reach::Itself => rest.is_empty(),
            Reach::Children => rest.len() == 1,
            Reach::Tree => true,
        }
    }

    /// Whether whatever the other one covers is covered by this one.
    pub fn covers_all_of(&self, other: &Self) -> bool {
        match (self.reach, other.reach) {
            (_, Reach::Itself) => self.covers(&other.base),
            (Reach::Tree, _) => other.base.starts_with(&self.base),
            (Reach::Children, Reach::Children) => self.base == other.base,
            _ => false,
        }
    }
}

impl FromStr for PathPattern {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (base, reach) = match text.rsplit_once('/') {
            Some((base, "**")) => (base, Reach::Tree),
            Some((base, "*")) => (base, Reach::Children),
            _ => (text, Reach::Itself),
        };
        if reach != Reach::Itself && base.is_empty() {
            return Ok(Self {
                base: Vec::new(),
                reach,
            });
        }
        if base.contains(['*', '?']) {
            return Err(Invalid::new(
                "has a wildcard that is not its last component",
                "end the path in /* for what lies directly there, in /** for everything below; or use name = \"*.ext\"",
            ));
        }
        let base = match reach {
            Reach::Itself => components(base)?,
            _ => check_path(base).map(|()| split(base))?,
        };
        Ok(Self { base, reach })
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for component in &self.base {
            write!(f, "/{}", String::from_utf8_lossy(component))?;
        }
        match self.reach {
            Reach::Itself if self.base.is_empty() => f.write_str("/"),
            Reach::Itself => Ok(()),
            Reach::Children => f.write_str("/*"),
            Reach::Tree => f.write_str("/**"),
        }
    }
}

/// Some objects by their last component, in any folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NamePattern {
    /// This name.
    Literal(Box<[u8]>),
    /// `*.EXT`: what stands after the last dot of the name.
    Extension(Box<[u8]>),
}

impl NamePattern {
    pub fn covers(&self, name: &[u8]) -> bool {
        match self {
            Self::Literal(literal) => **literal == *name,
            Self::Extension(extension) => extension_of(name) == Some(extension),
        }
    }
}

/// What stands after the last dot.
pub(crate) fn extension_of(name: &[u8]) -> Option<&[u8]> {
    let dot = name.iter().rposition(|byte| *byte == b'.')?;
    Some(&name[dot + 1..])
}

impl FromStr for NamePattern {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (literal, text_of_it) = match text.strip_prefix("*.") {
            Some(extension) => (false, extension),
            None => (true, text),
        };
        if text_of_it.contains(['*', '?']) || (!literal && text_of_it.contains('.')) {
            return Err(Invalid::new(
                "is not a name that can be matched",
                "write one name, as in \".env\", or one ending, as in \"*.pem\"",
            ));
        }
        check_component(text_of_it)?;
        let bytes = text_of_it.as_bytes().into();
        Ok(match literal {
            true => Self::Literal(bytes),
            false => Self::Extension(bytes),
        })
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(name) => f.write_str(&String::from_utf8_lossy(name)),
            Self::Extension(extension) => write!(f, "*.{}", String::from_utf8_lossy(extension)),
        }
    }
}

fn split(path: &str) -> Components {
    path.split('/')
        .skip(1)
        .map(|part| part.as_bytes().into())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> PathPattern {
        text.parse().expect(text)
    }

    #[test]
    fn a_pattern_covers_whole_components() {
        for (text, inside, outside) in [
            (
                "/etc/passwd",
                &["/etc/passwd"][..],
                &["/etc", "/etc/passwd-", "/etc/passwd/x"][..],
            ),
            (
                "/etc/*",
                &["/etc/passwd", "/etc/ssl"],
                &["/etc", "/etc/ssl/x", "/etcx", "/"],
            ),
            (
                "/etc/**",
                &["/etc", "/etc/ssl", "/etc/ssl/x"],
                &["/etcx", "/", "/usr/etc"],
            ),
            ("/**", &["/", "/etc", "/etc/ssl"], &[]),
            ("/*", &["/etc"], &["/", "/etc/ssl"]),
            ("/", &["/"], &["/etc"]),
        ] {
            let pattern = pattern(text);
            assert_eq!(pattern.to_string(), text);
            for path in inside {
                assert!(
                    pattern.covers(&components(path).expect(path)),
                    "{text} {path}"
                );
            }
            for path in outside {
                assert!(
                    !pattern.covers(&components(path).expect(path)),
                    "{text} {path}"
                );
            }
        }
    }

    #[test]
    fn patterns_that_no_lookup_answers_are_refused() {
        for text in [
            "", "etc", "*", "**", "/a/**/b", "/a/*/b", "/a*", "/a/b?", "/a/***", "/a/../b",
            "/a//b", "/a/", "/a/.", "//**", "/a\n/**",
        ] {
            assert!(text.parse::<PathPattern>().is_err(), "{text}");
        }
        for text in [
            "", "a/b", "*", "*.", "*.tar.gz", "**.pem", "a*b", ".", "..", "*.p?m", "a\0",
        ] {
            assert!(text.parse::<NamePattern>().is_err(), "{text}");
        }
    }

    #[test]
    fn names_are_literal_or_an_ending() {
        let name = |text: &str| text.parse::<NamePattern>().expect(text);
        assert!(name(".env").covers(b".env") && !name(".env").covers(b"x.env"));
        for (inside, outside) in [
            ("a.pem", "pem"),
            (".pem", "a.pem.bak"),
            ("a.b.pem", "a.pemx"),
        ] {
            assert!(name("*.pem").covers(inside.as_bytes()), "{inside}");
            assert!(!name("*.pem").covers(outside.as_bytes()), "{outside}");
        }
        assert_eq!(name("*.pem").to_string(), "*.pem");
    }

    #[test]
    fn one_pattern_can_cover_another() {
        for (wide, narrow) in [
            ("/**", "/a"),
            ("/a/**", "/a/b/**"),
            ("/a/*", "/a/b"),
            ("/a/**", "/a/*"),
        ] {
            assert!(
                pattern(wide).covers_all_of(&pattern(narrow)),
                "{wide} {narrow}"
            );
            assert!(
                !pattern(narrow).covers_all_of(&pattern(wide)),
                "{narrow} {wide}"
            );
        }
    }
}
