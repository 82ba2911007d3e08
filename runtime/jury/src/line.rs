//! A command line as rules read it: without the ways in which a shell lets the same words be written.

use sevorix_verdict::{Bytes, Tainted};

/// The words of a command line, normalised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The last part of the first word.
    pub program: String,
    pub words: Vec<String>,
    /// Not all of it is plain text.
    pub strange: bool,
}

impl Line {
    pub fn of(argv: &[Tainted<Bytes>]) -> Self {
        let texts = argv
            .iter()
            .map(|word| std::str::from_utf8(word.judged().as_ref()));
        let strange = texts.clone().any(|text| !text.is_ok_and(is_plain));
        let words: Vec<String> = argv
            .iter()
            .map(|word| plain(&String::from_utf8_lossy(word.judged().as_ref())))
            .collect();
        Self {
            program: words
                .first()
                .map(|word| base(word).to_owned())
                .unwrap_or_default(),
            words,
            strange,
        }
    }

    /// Whether one of the words holds the text.
    pub fn holds(&self, text: &str) -> bool {
        self.words.iter().any(|word| word.contains(text))
    }

    /// The commands in the words that a shell would read, each with what it is piped into.
    pub fn pipes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.words.iter().flat_map(|word| {
            let commands: Vec<&str> = word.split('|').map(str::trim).collect();
            let pairs: Vec<_> = commands.windows(2).map(|pair| (pair[0], pair[1])).collect();
            pairs
        })
    }
}

/// The last part of a path.
pub fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// Whether the command's own name, or that of a command after it, is one of these.
pub fn calls(command: &str, names: &[&str]) -> bool {
    let words =
        command.split(|letter: char| letter.is_whitespace() || ";&()`{}$<>".contains(letter));
    words.map(base).any(|word| names.contains(&word))
}

/// Quotes and backslashes go, a shell's blank becomes one.
fn plain(text: &str) -> String {
    let text = text.replace("${IFS}", " ").replace("$IFS", " ");
    text.chars()
        .filter(|letter| !matches!(letter, '\'' | '"' | '\\'))
        .collect()
}

/// No control characters, and none that turn the direction of a text or are not seen.
fn is_plain(text: &str) -> bool {
    let unseen = |letter: char| matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
    let control = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\t');
    !text.chars().any(|letter| unseen(letter) || control(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(words: &[&str]) -> Line {
        let argv: Vec<_> = words
            .iter()
            .map(|word| Tainted::from_bytes(*word))
            .collect();
        Line::of(&argv)
    }

    #[test]
    fn ways_to_write_a_word_are_one_word() {
        for written in ["curl", "c'u'rl", r"c\url", "\"curl\""] {
            assert_eq!(line(&[written]).program, "curl", "{written}");
        }
        assert_eq!(line(&["/usr/bin/curl"]).program, "curl");
        assert_eq!(line(&["sh", "-c", "cat$IFS/x${IFS}y"]).words[2], "cat /x y");
    }

    #[test]
    fn what_is_not_seen_as_it_is_is_strange() {
        assert!(!line(&["echo", "Grüße\tan\nalle"]).strange);
        for word in ["a\u{202e}b", "a\u{200b}b", "\u{1b}[2J", "\u{e0041}"] {
            assert!(line(&["echo", word]).strange, "{word:?}");
        }
        assert!(Line::of(&[Tainted::from_bytes(*b"\xff")]).strange);
    }

    #[test]
    fn pipes_are_pairs() {
        let line = line(&["sh", "-c", "a b | c d|e"]);
        assert_eq!(
            line.pipes().collect::<Vec<_>>(),
            [("a b", "c d"), ("c d", "e")]
        );
    }
}
