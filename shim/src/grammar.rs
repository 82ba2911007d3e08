//! Options as Go's `flag` package reads them, because that is what engines and their users write for runc.
//!
//! `-name` and `--name` are the same option, its value is the next word or follows `=`, a switch may be set to
//! `=false`, and options may follow operands. A verb declares its options as a struct; the same declaration makes the
//! parser, the help text, the manual page and the completions. Reading one costs a few thousand instructions, which
//! counts for a program that is started five times for every container.

mod value;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use crate::error::Error;

pub use value::{Scalar, Value};

/// One option as it is declared.
#[derive(Debug, Clone, Copy)]
pub struct Flag {
    /// with `_` where the command line has `-`
    pub field: &'static str,
    pub short: Option<char>,
    /// what the value is called in help texts; a switch has none
    pub value: Option<&'static str>,
    pub help: &'static str,
}

/// What a verb takes.
#[derive(Debug, Clone, Copy)]
pub struct Grammar {
    pub name: &'static str,
    pub about: &'static str,
    pub operands: &'static str,
    /// what follows the first operand belongs to somebody else, as the command of `exec` does
    pub ends_at_operand: bool,
    pub flags: &'static [Flag],
}

/// A struct made by [`options!`].
pub trait Options: Default {
    const GRAMMAR: Grammar;
    /// Sets the option at this place of the grammar's list.
    fn set(&mut self, index: usize, value: &OsStr) -> Result<(), String>;

    /// The options found in `words`, and the operands.
    fn read(words: &[OsString]) -> Result<(Self, Vec<OsString>), Error> {
        let mut options = Self::default();
        let operands = fill(&mut options, words)?;
        Ok((options, operands))
    }
}

/// Reads options until the words end or one is wrong; what was read before that is kept.
pub fn fill<O: Options>(options: &mut O, words: &[OsString]) -> Result<Vec<OsString>, Error> {
    let mut operands = Vec::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let text = word.as_bytes();
        if text == b"--" {
            break;
        }
        if text.len() < 2 || text[0] != b'-' {
            operands.push(word.clone());
            if O::GRAMMAR.ends_at_operand {
                break;
            }
            continue;
        }
        let (name, attached) = split(text);
        if matches!(name, b"help" | b"h") {
            return Err(Error::Help(&O::GRAMMAR));
        }
        let index = find(&O::GRAMMAR, name)?;
        let flag = &O::GRAMMAR.flags[index];
        let value = match (attached, flag.value) {
            (Some(value), _) => value,
            (None, None) => OsStr::new("true"),
            (None, Some(_)) => rest
                .next()
                .ok_or_else(|| usage(format!("flag needs an argument: -{}", flag.long())))?,
        };
        options.set(index, value).map_err(|reason| {
            usage(format!(
                "invalid value {value:?} for flag -{}: {reason}",
                flag.long()
            ))
        })?;
    }
    operands.extend(rest.cloned());
    Ok(operands)
}

/// `--name=value` into its two parts.
fn split(word: &[u8]) -> (&[u8], Option<&OsStr>) {
    let name = word.strip_prefix(b"--").unwrap_or(&word[1..]);
    match name.iter().position(|byte| *byte == b'=') {
        Some(at) => (&name[..at], Some(OsStr::from_bytes(&name[at + 1..]))),
        None => (name, None),
    }
}

fn find(grammar: &Grammar, name: &[u8]) -> Result<usize, Error> {
    let found = grammar.flags.iter().position(|flag| flag.is(name));
    found.ok_or_else(|| {
        usage(format!(
            "flag provided but not defined: -{}",
            String::from_utf8_lossy(name)
        ))
    })
}

impl Flag {
    pub fn long(&self) -> String {
        self.name().replace('_', "-")
    }

    /// A word of Rust's own has a mark before it there.
    fn name(&self) -> &'static str {
        self.field.strip_prefix("r#").unwrap_or(self.field)
    }

    fn is(&self, name: &[u8]) -> bool {
        let field = self.name().as_bytes();
        let same = |(declared, typed): (&u8, &u8)| {
            if *declared == b'_' {
                *typed == b'-'
            } else {
                declared == typed
            }
        };
        let is_short =
            || matches!((name, self.short), ([typed], Some(short)) if char::from(*typed) == short);
        (name.len() == field.len() && field.iter().zip(name).all(same)) || is_short()
    }
}

fn usage(text: String) -> Error {
    Error::Usage(text)
}

/// Declares a verb: `struct Name("verb", "OPERANDS") { 'short' field: Type, … }`, documented as any struct is.
/// `ends` before the brace says that options end at the first operand.
macro_rules! options {
    (
        #[doc = $about:literal]
        pub struct $name:ident($verb:literal, $operands:literal) $($ends:ident)? {
            $( #[doc = $help:literal] $($short:literal)? $field:ident: $type:ty, )*
        }
    ) => {
        #[doc = $about]
        #[derive(Debug, Default, Clone, PartialEq)]
        pub struct $name { $( #[doc = $help] pub $field: $type, )* }

        impl $crate::grammar::Options for $name {
            const GRAMMAR: $crate::grammar::Grammar = $crate::grammar::Grammar {
                name: $verb,
                about: $about.trim_ascii(),
                operands: $operands,
                ends_at_operand: $crate::grammar::options!(@ends $($ends)?),
                flags: &[ $( $crate::grammar::Flag {
                    field: stringify!($field),
                    short: $crate::grammar::options!(@short $($short)?),
                    value: <$type as $crate::grammar::Value>::NAME,
                    help: $help.trim_ascii(),
                }, )* ],
            };

            #[allow(unused_assignments, unused_mut, unused_variables, clippy::unreachable)]
            fn set(&mut self, index: usize, value: &std::ffi::OsStr) -> Result<(), String> {
                let mut place = 0;
                $(
                    if index == place {
                        return $crate::grammar::Value::take(&mut self.$field, value);
                    }
                    place += 1;
                )*
                unreachable!("the index comes from this grammar's own list")
            }
        }
    };
    (@short) => { None };
    (@short $short:literal) => { Some($short) };
    (@ends) => { false };
    (@ends ends) => { true };
}

pub(crate) use options;

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    options! {
        /// a verb for tests
        pub struct Sample("sample", "ID") {
            /// a path
            'b' bundle: Option<PathBuf>,
            /// a switch
            'f' no_pivot: bool,
            /// a number
            preserve_fds: Option<u32>,
            /// a list
            'e' env: Vec<String>,
        }
    }

    options! {
        /// a verb whose operands end the options
        pub struct Prefix("prefix", "ID COMMAND...") ends {
            /// a switch
            't' tty: bool,
        }
    }

    fn read<O: Options>(words: &[&str]) -> Result<(O, Vec<String>), String> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let (options, operands) = O::read(&words).map_err(|error| error.to_string())?;
        Ok((
            options,
            operands
                .into_iter()
                .map(|word| word.into_string().expect("UTF-8"))
                .collect(),
        ))
    }

    #[test]
    fn a_value_follows_or_is_attached_and_one_dash_is_as_good_as_two() {
        for words in [
            ["--bundle", "/b", "x"].as_slice(),
            &["-bundle=/b", "x"],
            &["-b", "/b", "x"],
            &["x", "-b=/b"],
        ] {
            let (options, operands) = read::<Sample>(words).expect("valid");
            assert_eq!(
                (options.bundle, operands),
                (Some("/b".into()), vec!["x".into()]),
                "{words:?}"
            );
        }
    }

    #[test]
    fn a_value_may_look_like_an_option() {
        let (options, _) = read::<Sample>(&["--bundle", "--no-pivot", "-"]).expect("valid");
        assert_eq!(
            (options.bundle, options.no_pivot),
            (Some("--no-pivot".into()), false)
        );
    }

    #[test]
    fn a_switch_can_be_set_either_way_and_the_last_mention_counts() {
        assert!(read::<Sample>(&["-f"]).expect("valid").0.no_pivot);
        assert!(
            !read::<Sample>(&["-f", "--no-pivot=false"])
                .expect("valid")
                .0
                .no_pivot
        );
        assert!(read::<Sample>(&["--no-pivot=maybe"]).is_err());
    }

    #[test]
    fn lists_grow() {
        let (options, _) = read::<Sample>(&["-e", "A=1", "--env=B=2=3"]).expect("valid");
        assert_eq!(options.env, ["A=1", "B=2=3"]);
    }

    #[test]
    fn what_follows_the_first_operand_can_belong_to_the_payload() {
        let (options, operands) =
            read::<Prefix>(&["-t", "x", "ls", "-t", "--", "--help"]).expect("valid");
        assert!(options.tty);
        assert_eq!(operands, ["x", "ls", "-t", "--", "--help"]);
        let (options, operands) = read::<Prefix>(&["--", "x", "-t"]).expect("valid");
        assert!(!options.tty);
        assert_eq!(operands, ["x", "-t"]);
    }

    #[test]
    fn a_word_of_rusts_own_can_be_an_option() {
        options! {
            /// words
            pub struct Words("words", "") {
                /// how long
                r#for: Option<String>,
            }
        }
        let (words, _) = read::<Words>(&["--for", "10m"]).expect("an option");
        assert_eq!(words.r#for.as_deref(), Some("10m"));
        assert_eq!(Words::GRAMMAR.flags[0].long(), "for");
    }

    #[test]
    fn refusals_are_gos() {
        let refusal = |words: &[&str]| read::<Sample>(words).expect_err("refused");
        assert_eq!(
            refusal(&["--nope=1"]),
            "flag provided but not defined: -nope"
        );
        assert_eq!(
            refusal(&["--no_pivot"]),
            "flag provided but not defined: -no_pivot"
        );
        assert_eq!(
            refusal(&["x", "--bundle"]),
            "flag needs an argument: -bundle"
        );
        assert!(
            refusal(&["--preserve-fds=-1"])
                .starts_with("invalid value \"-1\" for flag -preserve-fds: ")
        );
    }

    #[test]
    fn an_option_that_is_no_text_is_a_refusal_and_a_value_that_is_none_stands() {
        let bytes = |bytes: &[u8]| OsStr::from_bytes(bytes).to_os_string();
        assert!(Sample::read(&[bytes(b"--b\xff")]).is_err());
        let (options, _) = Sample::read(&[bytes(b"--bundle=/\xff")]).expect("valid");
        assert_eq!(options.bundle, Some(PathBuf::from(bytes(b"/\xff"))));
    }
}
