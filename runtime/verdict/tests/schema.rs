//! docs/verdict.schema.json and the types say the same.

mod generate;

use std::collections::BTreeMap;
use std::sync::Mutex;

use proptest::prelude::*;
use proptest::sample::Index;
use regex::Regex;
use serde_json::{Map, Value, json};
use sevorix_verdict::{FromService, ToService};

fn schema() -> Value {
    let text = include_str!("../../../docs/verdict.schema.json");
    serde_json::from_str(text).expect("JSON")
}

/// Whether the value is as the schema says, for the keywords that our schema uses. Another keyword is a failure here:
/// it would hold nothing.
fn fits(root: &Value, schema: &Value, value: &Value) -> bool {
    let schema = schema.as_object().expect("a schema is an object");
    schema.iter().all(|(keyword, says)| match keyword.as_str() {
        "$schema" | "$defs" | "title" | "description" => true,
        "$ref" => {
            let path = says
                .as_str()
                .and_then(|path| path.strip_prefix('#'))
                .expect("within");
            fits(root, root.pointer(path).expect("defined"), value)
        }
        "oneOf" => {
            let ways = says.as_array().expect("a list").iter();
            ways.filter(|way| fits(root, way, value)).count() == 1
        }
        "type" => is_a(says.as_str().expect("a word"), value),
        "enum" => says.as_array().expect("a list").contains(value),
        "const" => says == value,
        "minimum" => value.as_u64() >= says.as_u64(),
        "maximum" => value
            .as_u64()
            .is_some_and(|number| number <= says.as_u64().expect("a number")),
        "minItems" => value.as_array().map(Vec::len) >= says.as_u64().map(as_usize),
        "maxItems" => value
            .as_array()
            .is_none_or(|list| list.len() <= as_usize(says.as_u64().expect("a number"))),
        "maxLength" => value
            .as_str()
            .is_none_or(|text| text.chars().count() <= as_usize(says.as_u64().expect("a number"))),
        "pattern" => {
            let pattern = says.as_str().expect("a text");
            value.as_str().is_some_and(|text| is_like(pattern, text))
        }
        "items" => value
            .as_array()
            .is_some_and(|list| list.iter().all(|item| fits(root, says, item))),
        "required" => {
            let keys = says.as_array().expect("a list").iter();
            keys.clone()
                .all(|key| value.get(key.as_str().expect("a key")).is_some())
        }
        "properties" | "patternProperties" | "additionalProperties" => {
            members_fit(root, schema, value)
        }
        other => panic!("the keyword {other} is not looked at"),
    })
}

fn members_fit(root: &Value, schema: &Map<String, Value>, value: &Value) -> bool {
    let empty = Map::new();
    let part = |name: &str| {
        schema
            .get(name)
            .and_then(Value::as_object)
            .unwrap_or(&empty)
    };
    assert_eq!(
        schema["additionalProperties"],
        json!(false),
        "objects are closed"
    );
    value.as_object().is_some_and(|members| {
        members.iter().all(|(key, member)| {
            let named = part("properties").get(key);
            let mut patterns = part("patternProperties").iter();
            let mut like = || patterns.find(|(pattern, _)| is_like(pattern, key));
            named
                .or_else(|| like().map(|(_, schema)| schema))
                .is_some_and(|schema| fits(root, schema, member))
        })
    })
}

/// A pattern is made once: making one takes longer than all the rest.
fn is_like(pattern: &str, text: &str) -> bool {
    static MADE: Mutex<BTreeMap<String, Regex>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().expect("no panic");
    let known = made.entry(pattern.to_owned());
    known
        .or_insert_with(|| Regex::new(pattern).expect("a pattern"))
        .is_match(text)
}

fn is_a(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64(),
        other => panic!("the type {other} is not looked at"),
    }
}

fn as_usize(number: u64) -> usize {
    usize::try_from(number).expect("64 bits")
}

/// Every object within, by its path.
fn objects(value: &Value, path: String, found: &mut Vec<String>) {
    if let Value::Object(members) = value {
        found.push(path.clone());
        for (key, member) in members {
            objects(member, format!("{path}/{key}"), found);
        }
    }
    if let Value::Array(items) = value {
        for (index, item) in items.iter().enumerate() {
            objects(item, format!("{path}/{index}"), found);
        }
    }
}

/// The message with a member more, or with one less, somewhere.
fn changed(message: &Value, place: &Index, key: &Index, more: bool) -> Value {
    let mut message = message.clone();
    let mut paths = Vec::new();
    objects(&message, String::new(), &mut paths);
    let path: &String = place.get(&paths);
    let object = message.pointer_mut(path).and_then(Value::as_object_mut);
    let object = object.expect("it was there");
    let keys: Vec<String> = object.keys().cloned().collect();
    if keys.is_empty() || more {
        object.insert("sure".into(), json!(1));
    } else {
        let key: &String = key.get(&keys);
        object.remove(key);
    }
    message
}

fn content(frame: Vec<u8>) -> Value {
    serde_json::from_slice(&frame[4..]).expect("JSON")
}

proptest! {
    #[test]
    fn what_a_client_writes_fits(message in generate::to_service()) {
        let message = content(message.encode().expect("short enough"));
        let schema = schema();
        prop_assert!(fits(&schema, &schema["$defs"]["to_service"], &message), "{message}");
        prop_assert!(fits(&schema, &schema, &message), "{message}");
    }

    #[test]
    fn what_a_service_writes_fits(message in generate::from_service()) {
        let message = content(message.encode().expect("short enough"));
        let schema = schema();
        prop_assert!(fits(&schema, &schema["$defs"]["from_service"], &message), "{message}");
    }

    /// A member more or less: either both take it for a message, or neither does.
    #[test]
    fn the_reader_and_the_schema_agree_on_asks(message in generate::to_service(), place: Index, key: Index, more: bool) {
        let message = changed(&content(message.encode().expect("short enough")), &place, &key, more);
        let schema = schema();
        let read = ToService::decode(message.to_string().as_bytes()).is_ok();
        prop_assert_eq!(fits(&schema, &schema["$defs"]["to_service"], &message), read, "{}", message);
    }

    #[test]
    fn the_reader_and_the_schema_agree_on_answers(message in generate::from_service(), place: Index, key: Index, more: bool) {
        let message = changed(&content(message.encode().expect("short enough")), &place, &key, more);
        let schema = schema();
        let read = FromService::decode(message.to_string().as_bytes()).is_ok();
        prop_assert_eq!(fits(&schema, &schema["$defs"]["from_service"], &message), read, "{}", message);
    }
}
