//! JSON with each key at most once.
//!
//! Readers of JSON differ in what they make of `{"verdict":"deny","verdict":"allow"}`. What two readers could take
//! differently is no message.

use std::fmt;

use serde::de::{self, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

/// The object that `bytes` hold, and nothing else.
pub fn object(bytes: &[u8]) -> Result<Map<String, Value>, serde_json::Error> {
    match serde_json::from_slice(bytes)? {
        Strict(Value::Object(object)) => Ok(object),
        Strict(_) => Err(de::Error::custom("a message is one object")),
    }
}

/// Takes a field that must be there out of the object.
pub fn take<T: DeserializeOwned>(
    object: &mut Map<String, Value>,
    key: &'static str,
) -> Result<T, serde_json::Error> {
    let value = object
        .remove(key)
        .ok_or_else(|| de::Error::missing_field(key))?;
    serde_json::from_value(value)
}

/// For optional fields: when one is there it holds something, `null` is not a second way to leave it out.
pub fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// `skip_serializing_if` for what is left out when it says nothing.
pub fn is_default<T: Default + PartialEq + Serialize>(value: &T) -> bool {
    *value == T::default()
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Once).map(Self)
    }
}

struct Once;

impl<'de> Visitor<'de> for Once {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or(E::custom("a number without end"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((key, Strict(value))) = map.next_entry::<String, Strict>()? {
            if object.insert(key, value).is_some() {
                return Err(de::Error::custom("a key is given twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stands_once_however_deep_it_is_and_however_it_is_written() {
        assert!(object(br#"{"a":{"b":[{"c":1},{"c":2}]}}"#).is_ok());
        for wrong in [
            &br#"{"a":1,"a":1}"#[..],
            br#"{"a":[{"b":1,"b":2}]}"#,
            br#"{"a":1,"\u0061":2}"#,
            b"[]",
            b"1",
            b"",
            b"{} {}",
            b"{\"a\":\"\xff\"}",
        ] {
            assert!(object(wrong).is_err(), "{}", wrong.escape_ascii());
        }
    }

    #[test]
    fn depth_has_an_end() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(30_000), "]".repeat(30_000));
        assert!(object(deep.as_bytes()).is_err());
    }
}
