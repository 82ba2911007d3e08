//! The first line of a script, as the kernel reads it.
//!
//! Which programs run, and with which words, follows from it; so it is read by the kernel's rules and no others. A
//! difference would be a command line that nobody was asked about, which the kernel refuses.

/// As much of a file as the kernel looks at.
pub const HEAD: usize = 256;

/// What a script wants to be run by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shebang {
    pub interpreter: Vec<u8>,
    /// All that follows, as one word.
    pub argument: Option<Vec<u8>>,
}

/// `None`: the kernel takes it for no script.
pub fn parse(head: &[u8]) -> Option<Shebang> {
    let mut padded = [0; HEAD];
    let length = head.len().min(HEAD);
    padded[..length].copy_from_slice(&head[..length]);
    let line = first_line(padded.strip_prefix(b"#!")?)?;
    let line = line.without_last_blanks();
    let start = line.iter().position(|byte| !is_blank(*byte))?;
    let line = &line[start..];
    let end = line.iter().position(|byte| ends_word(*byte));
    let (name, rest) = line.split_at(end.unwrap_or(line.len()));
    let argument = match rest {
        [blank, rest @ ..] if is_blank(*blank) => argument(rest),
        _ => None,
    };
    // an interpreter without a name is looked up like any other, and not found
    Some(Shebang {
        interpreter: name.to_vec(),
        argument,
    })
}

/// Up to the line's end, or all there is when that is beyond what is looked at and the name is not.
fn first_line(text: &[u8]) -> Option<&[u8]> {
    // the search for a line's end stops at a zero
    let end = text.iter().position(|byte| *byte == b'\n' || *byte == 0);
    if let Some(end) = end.filter(|end| text[*end] == b'\n') {
        return Some(&text[..end]);
    }
    let start = text.iter().position(|byte| !is_blank(*byte))?;
    let name_ends = text[start..].iter().any(|byte| ends_word(*byte));
    // the last byte is not the line's: there the kernel puts the zero that ends it
    name_ends.then(|| &text[..text.len() - 1])
}

/// A word after the name; it ends with the line, or where the kernel's copy of it ends.
fn argument(rest: &[u8]) -> Option<Vec<u8>> {
    let start = rest.iter().position(|byte| !is_blank(*byte))?;
    let words = rest[start..].split(|byte| *byte == 0);
    words.take(1).next().map(<[u8]>::to_vec)
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

fn ends_word(byte: u8) -> bool {
    is_blank(byte) || byte == 0
}

trait Blanks {
    fn without_last_blanks(&self) -> &Self;
}

impl Blanks for [u8] {
    fn without_last_blanks(&self) -> &Self {
        let end = self.iter().rposition(|byte| !is_blank(*byte));
        &self[..end.map_or(0, |last| last + 1)]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(head: &[u8]) -> Option<(String, Option<String>)> {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        parse(head).map(|line| (text(line.interpreter), line.argument.map(text)))
    }

    fn some(interpreter: &str, argument: Option<&str>) -> Option<(String, Option<String>)> {
        Some((interpreter.into(), argument.map(Into::into)))
    }

    #[test]
    fn a_line_is_a_name_and_at_most_one_word() {
        for (head, wanted) in [
            (&b"#!/bin/sh\n"[..], some("/bin/sh", None)),
            (b"#! /bin/sh -e \nrest", some("/bin/sh", Some("-e"))),
            (
                b"#!\t/usr/bin/env  python3 -u\n",
                some("/usr/bin/env", Some("python3 -u")),
            ),
            (b"#!/bin/sh", some("/bin/sh", None)),
            (b"#!/bin/sh -e", some("/bin/sh", Some("-e"))),
            (b"#!sh\n", some("sh", None)),
            (b"#!/bin/sh\0x\n", some("/bin/sh", None)),
            (b"#!\n", None),
            (b"#! \t\n/bin/sh", None),
            (b"#!", some("", None)),
            (b"#!/bin/sh \0x\n", some("/bin/sh", Some(""))),
            (b"\x7fELF", None),
            (b"", None),
            (b" #!/bin/sh\n", None),
        ] {
            assert_eq!(told(head), wanted, "{}", head.escape_ascii());
        }
    }

    #[test]
    fn a_name_that_goes_on_beyond_what_is_read_is_none() {
        let long = [b"#!/".to_vec(), vec![b'a'; 300]].concat();
        assert_eq!(told(&long), None);
        let cut = [b"#!/bin/sh ".to_vec(), vec![b'a'; 300]].concat();
        let argument = "a".repeat(HEAD - 1 - "#!/bin/sh ".len());
        assert_eq!(told(&cut), some("/bin/sh", Some(&argument)));
    }

    proptest! {
        #[test]
        fn what_is_written_plainly_is_read_back(name in "/[a-z/]{1,40}", argument in prop::option::of("[!-~][ -~]{0,20}[!-~]")) {
            let line = match &argument {
                Some(argument) => format!("#!{name} {argument}\n"),
                None => format!("#!{name}\n"),
            };
            prop_assert_eq!(told(line.as_bytes()), some(&name, argument.as_deref()));
        }

        #[test]
        fn no_bytes_are_too_strange(head in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Some(line) = parse(&head) {
                prop_assert!(!line.interpreter.iter().any(|byte| ends_word(*byte) || *byte == b'\n'));
            }
        }
    }
}
