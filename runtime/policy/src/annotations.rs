//! The `annotations` object of a `config.json`, with nothing lost on the way.
//!
//! A map keeps the last of two equal keys without a word, so that what one reader checked is not
//! what another one obeys. This reader keeps both, and [`crate::Request::parse`] refuses them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use crate::error::Error;

/// Keys and values in the order of the file; a key may stand there twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Annotations(Vec<(String, String)>);

impl Annotations {
    /// Reads the annotations out of a whole `config.json` and skips the rest of it.
    pub fn of_config(config: &[u8]) -> Result<Self, Error> {
        #[derive(serde::Deserialize)]
        struct Config {
            #[serde(default)]
            annotations: Option<Annotations>,
        }
        let config: Config = serde_json::from_slice(config).map_err(position)?;
        Ok(config.annotations.unwrap_or_default())
    }

    /// Reads one JSON object.
    pub fn of_object(object: &str) -> Result<Self, Error> {
        serde_json::from_str(object).map_err(position)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }
}

impl<'de> Deserialize<'de> for Annotations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries)
    }
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Annotations;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Annotations, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Annotations(entries))
    }
}

/// Only the place is kept: the parser's own words would repeat the caller's text.
fn position(error: serde_json::Error) -> Error {
    Error::Json {
        line: error.line(),
        column: error.column(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(config: &str) -> Result<Vec<(String, String)>, Error> {
        Annotations::of_config(config.as_bytes()).map(|annotations| annotations.0)
    }

    #[test]
    fn both_of_two_equal_keys_are_kept() {
        let two = r#"{"ociVersion":"1.0.2","annotations":{"a":"1","a":"2"},"hooks":{}}"#;
        let expected = [("a", "1"), ("a", "2")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(read(two), Ok(expected.to_vec()));
        assert_eq!(
            Annotations::of_object(r#"{"a":"1","a":"2"}"#),
            Ok(Annotations(expected.to_vec()))
        );
    }

    #[test]
    fn absent_and_null_are_empty() {
        assert_eq!(read("{}"), Ok(vec![]));
        assert_eq!(read(r#"{"annotations":null}"#), Ok(vec![]));
    }

    #[test]
    fn what_is_not_an_object_of_strings_is_refused_by_its_place() {
        for config in [
            r#"{"annotations":{"a":1}}"#,
            r#"{"annotations":{"a":null}}"#,
            r#"{"annotations":["permission denied"]}"#,
            r#"{"annotations":{},"annotations":{}}"#,
            r#"{"annotations":{"a":"\ud800"}}"#,
            "",
        ] {
            let error = read(config).expect_err(config);
            assert!(matches!(error, Error::Json { .. }), "{config}");
            assert!(!error.to_string().contains("denied"));
        }
        assert!(Annotations::of_config(b"{\"annotations\":{\"a\":\"\xff\"}}").is_err());
    }
}
