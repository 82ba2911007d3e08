//! Comma lists.

use std::collections::HashSet;
use std::fmt;
use std::hash::Hash;
use std::str::FromStr;

use super::Invalid;

/// One element or more, none of them twice, in the order they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<T>(Vec<T>);

impl<T> List<T> {
    /// The most elements it may have.
    pub const MAX: usize = 1024;

    pub fn as_slice(&self) -> &[T] {
        &self.0
    }
}

impl<T: Eq + Hash + Clone> List<T> {
    /// This list, and what only the other one has.
    pub(crate) fn union(self, other: Self) -> Self {
        let known: HashSet<T> = self.0.iter().cloned().collect();
        let new = other
            .0
            .into_iter()
            .filter(|element| !known.contains(element));
        let mut elements = self.0;
        elements.extend(new);
        Self(elements)
    }
}

impl<T: fmt::Display> fmt::Display for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, element) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{element}")?;
        }
        Ok(())
    }
}

impl<T: FromStr<Err = Invalid> + Eq + Hash + Clone> FromStr for List<T> {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let mut seen = HashSet::new();
        let mut elements = Vec::new();
        for part in elements_of(text)? {
            let element: T = part
                .parse()
                .map_err(|invalid: Invalid| invalid.in_part(part))?;
            if !seen.insert(element.clone()) {
                return Err(Invalid::new("is listed twice", "list it once").in_part(part));
            }
            elements.push(element);
        }
        Ok(Self(elements))
    }
}

/// The parts between commas without their outer blanks; none is empty.
pub(super) fn elements_of(text: &str) -> Result<Vec<&str>, Invalid> {
    let parts: Vec<&str> = text.split(',').map(|part| part.trim_matches(' ')).collect();
    if parts.iter().any(|part| part.is_empty()) {
        return Err(Invalid::new(
            "has an empty element",
            "an empty list is not \"no limit\": list what is meant, or remove the key",
        ));
    }
    if parts.len() > List::<()>::MAX {
        return Err(Invalid::new(
            format!(
                "has {} elements, {} are allowed",
                parts.len(),
                List::<()>::MAX
            ),
            "shorten the list, or put it into a policy file",
        ));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::{NetEntry, PresetName};

    type Presets = List<PresetName>;

    #[test]
    fn blanks_around_elements_are_removed() {
        let presets: Presets = " github ,  pypi".parse().expect("valid");
        assert_eq!(presets.to_string(), "github,pypi");
    }

    #[test]
    fn empty_and_duplicate_elements_are_refused() {
        for text in ["", " ", ",", "a,", ",a", "a,,b", "a, ,b"] {
            let invalid = text.parse::<Presets>().expect_err(text);
            assert_eq!(invalid.text, "has an empty element", "{text}");
        }
        let invalid = "a,b, a".parse::<Presets>().expect_err("duplicate");
        assert_eq!(invalid.text, "is listed twice");
        assert_eq!(invalid.part.expect("a part").to_string(), "\"a\"");
    }

    #[test]
    fn duplicates_are_found_after_normalising() {
        let text = "API.example.com.:443,api.example.com:443";
        let invalid = text.parse::<List<NetEntry>>().expect_err("duplicate");
        assert_eq!(invalid.text, "is listed twice");
    }

    #[test]
    fn a_list_is_bounded() {
        let of = |count: usize| {
            (0..count)
                .map(|n| format!("p{n}"))
                .collect::<Vec<_>>()
                .join(",")
        };
        assert!(of(1024).parse::<Presets>().is_ok());
        assert!(of(1025).parse::<Presets>().is_err());
    }

    #[test]
    fn a_union_keeps_each_element_once() {
        let [a, b]: [Presets; 2] = ["x,y", "y,z"].map(|text| text.parse().expect("valid"));
        assert_eq!(a.union(b).to_string(), "x,y,z");
    }
}
