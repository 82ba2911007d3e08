//! A command line as it will stand on the new stack.

use sevorix_bpf::floor::LINE_MOST_ASKED;

use crate::shebang::Shebang;

/// The words that a program is started with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line(Vec<Vec<u8>>);

impl Line {
    /// The kernel starts nothing without a name: it gives it an empty one.
    pub fn new(words: Vec<Vec<u8>>) -> Self {
        match words.is_empty() {
            true => Self(vec![Vec::new()]),
            false => Self(words),
        }
    }

    /// In place of one that is too long to be read: whoever judges it finds just that.
    pub fn too_long() -> Self {
        Self(vec![Vec::new(), vec![b' '; LINE_MOST_ASKED]])
    }

    /// Of the interpreter: its name and its word, then what the script was called by, in place of its first word.
    pub fn interpreted(&self, script: &[u8], by: &Shebang) -> Self {
        let mut words = vec![by.interpreter.clone()];
        words.extend(by.argument.clone());
        words.push(script.to_vec());
        words.extend(self.0.iter().skip(1).cloned());
        Self(words)
    }

    pub fn words(&self) -> &[Vec<u8>] {
        &self.0
    }

    /// Each word ended by a zero.
    pub fn bytes(&self) -> Vec<u8> {
        let ended = |word: &Vec<u8>| [word.as_slice(), &[0]].concat();
        self.0.iter().flat_map(ended).collect()
    }

    pub fn length(&self) -> usize {
        self.0.iter().map(|word| word.len() + 1).sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(words: &[&str]) -> Line {
        Line::new(words.iter().map(|word| word.as_bytes().to_vec()).collect())
    }

    fn shebang(interpreter: &str, argument: Option<&str>) -> Shebang {
        Shebang {
            interpreter: interpreter.into(),
            argument: argument.map(Into::into),
        }
    }

    #[test]
    fn an_interpreter_gets_the_scripts_place_and_its_words() {
        let called = line(&["s", "a", "b"]);
        let first = called.interpreted(b"/home/s", &shebang("/bin/i", Some("-x y")));
        assert_eq!(first, line(&["/bin/i", "-x y", "/home/s", "a", "b"]));
        let second = first.interpreted(b"/bin/i", &shebang("/bin/sh", None));
        assert_eq!(
            second,
            line(&["/bin/sh", "/bin/i", "-x y", "/home/s", "a", "b"])
        );
    }

    #[test]
    fn nothing_is_one_empty_word() {
        assert_eq!(line(&[]).bytes(), b"\0");
        let run = line(&[]).interpreted(b"/s", &shebang("/bin/sh", None));
        assert_eq!(run.bytes(), b"/bin/sh\0/s\0");
    }

    #[test]
    fn too_long_stays_too_long_behind_an_interpreter() {
        let run = Line::too_long().interpreted(b"/s", &shebang("/bin/sh", None));
        for line in [run, Line::too_long()] {
            assert!(line.length() > LINE_MOST_ASKED && LINE_MOST_ASKED > sevorix_policy::LINE_MOST);
        }
    }

    proptest! {
        /// A script's own words are the last of the whole line, which is how the kernel finds them.
        #[test]
        fn the_scripts_words_come_last(words in prop::collection::vec("[a-z]{0,5}", 1..6), argument: bool) {
            let called = line(&words.iter().map(String::as_str).collect::<Vec<_>>());
            let by = shebang("/bin/sh", argument.then_some("-e"));
            let run = called.interpreted(b"/s", &by);
            let own = &run.words()[run.words().len() - called.words().len()..];
            prop_assert_eq!(&own[0], b"/s");
            prop_assert_eq!(&own[1..], &called.words()[1..]);
            prop_assert_eq!(run.bytes().len(), run.length());
            prop_assert_eq!(run.bytes().iter().filter(|byte| **byte == 0).count(), run.words().len());
        }
    }
}
