//! A text with a name, and what is wrong at one place of it.

use std::fmt;
use std::ops::Range;

/// A file that is being read.
#[derive(Debug)]
pub(crate) struct Source<'t> {
    pub file: &'t str,
    pub text: &'t str,
    /// Where its lines end: the line is asked for every value of a file.
    ends: Vec<usize>,
}

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub file: String,
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// Something wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InFile {
    pub place: Place,
    /// Counted in characters, from 1.
    pub column: usize,
    pub text: String,
    pub hint: String,
    line: String,
    width: usize,
}

impl InFile {
    /// The line, and a caret under what is meant.
    pub fn excerpt(&self) -> String {
        let number = self.place.line.to_string();
        let gutter = " ".repeat(number.len());
        let blank = " ".repeat(self.column.saturating_sub(1));
        let carets = "^".repeat(self.width);
        format!(
            "{gutter} |\n{number} | {}\n{gutter} | {blank}{carets}",
            self.line
        )
    }
}

impl fmt::Display for InFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.place, self.column, self.text)
    }
}

impl std::error::Error for InFile {}

impl<'t> Source<'t> {
    pub fn new(file: &'t str, text: &'t str) -> Self {
        let ends = text.match_indices('\n').map(|(at, _)| at).collect();
        Self { file, text, ends }
    }

    pub fn place(&self, at: usize) -> Place {
        Place {
            file: self.file.to_owned(),
            line: self.ends.partition_point(|end| *end < at) + 1,
        }
    }

    pub fn refuse(
        &self,
        span: Range<usize>,
        text: impl Into<String>,
        hint: impl Into<String>,
    ) -> InFile {
        let is_start = |at: &usize| self.text.is_char_boundary(*at);
        let start = (0..=span.start).rev().find(is_start).unwrap_or(0);
        let before = &self.text[..start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = self.text[line_start..].lines().next().unwrap_or_default();
        let column = self.text[line_start..start].chars().count() + 1;
        let left = line.chars().count().saturating_sub(column - 1);
        let meant = self.text.get(span).map_or(1, |meant| meant.chars().count());
        InFile {
            place: self.place(start),
            column,
            text: text.into(),
            hint: hint.into(),
            line: shown(line),
            width: meant.min(left).max(1),
        }
    }
}

/// One cell for each character, and none that a terminal obeys.
fn shown(line: &str) -> String {
    line.chars()
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_shown_with_its_line_and_a_caret() {
        let source = Source::new("a.toml", "x = 1\nü = \"bad\" # why\n");
        let at = source.text.find("\"bad\"").expect("there");
        let wrong = source.refuse(at..at + 5, "\"bad\" is no number", "write 1");
        assert_eq!(wrong.to_string(), "a.toml:2:5: \"bad\" is no number");
        assert_eq!(wrong.excerpt(), "  |\n2 | ü = \"bad\" # why\n  |     ^^^^^");
        let end = source.refuse(source.text.len()..source.text.len(), "ends", "go on");
        assert_eq!(end.to_string(), "a.toml:3:1: ends");
    }
}
