//! Docker: `/etc/docker/daemon.json`.
//!
//! Docker has no folder for additions, so the file itself is edited; whatever stands in it keeps
//! its order and its form.

use std::path::PathBuf;

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstObject, CstObjectProp, CstRootNode};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::engine::Files;
use super::{ConfigFile, Error, NAME, Runtime};

pub(super) fn files(runtime: &Runtime) -> Files {
    let mut entry = json!({ "path": runtime.binary });
    if let Some(policy) = &runtime.policy {
        entry["runtimeArgs"] = json!(["--policy", policy.as_str()]);
    }
    vec![Box::new(DaemonJson {
        name: runtime.name.clone(),
        entry,
        is_default: runtime.is_default,
    })]
}

struct DaemonJson {
    name: String,
    /// What stands under the name in `runtimes`.
    entry: Value,
    is_default: bool,
}

impl ConfigFile for DaemonJson {
    fn path(&self) -> &str {
        PATH
    }

    fn with(&self, text: Option<&str>) -> Result<String, Error> {
        // dockerd takes an empty file for one without settings.
        let text = text.filter(|text| !text.trim().is_empty());
        let (root, settings) = parse(text.unwrap_or("{\n}\n"))?;
        let runtimes = match runtimes(&settings)? {
            Some(runtimes) => runtimes,
            None => settings.object_value_or_set(RUNTIMES),
        };
        set(&runtimes, &self.name, &self.entry);
        if self.is_default {
            set(&settings, DEFAULT, &json!(self.name));
        }
        Ok(root.to_string())
    }

    fn without(&self, text: &str, name: Option<&str>) -> Result<Option<String>, Error> {
        if text.trim().is_empty() {
            return Ok(Some(text.to_owned()));
        }
        let (root, settings) = parse(text)?;
        let is_meant = |found: &str| name.map_or_else(|| is_ours(found), |name| found == name);
        if let Some(runtimes) = runtimes(&settings)? {
            let (meant, others): (Vec<_>, Vec<_>) = runtimes
                .properties()
                .into_iter()
                .partition(|runtime| name_of(runtime).is_some_and(|name| is_meant(&name)));
            if others.is_empty() && !meant.is_empty() {
                settings
                    .get(RUNTIMES)
                    .into_iter()
                    .for_each(CstObjectProp::remove);
            } else {
                meant.into_iter().for_each(CstObjectProp::remove);
            }
        }
        let default = settings.get(DEFAULT).filter(
            |default| matches!(value_of(default), Some(Value::String(name)) if is_meant(&name)),
        );
        default.into_iter().for_each(CstObjectProp::remove);
        Ok(Some(root.to_string()))
    }
}

/// The names that `sevorix install docker` gives.
fn is_ours(name: &str) -> bool {
    name.strip_prefix(NAME)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// JSON as dockerd reads it, hence the second parser: the editor also takes comments.
fn parse(text: &str) -> Result<(CstRootNode, CstObject), Error> {
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| {
        let place = format!(" at line {} column {}", error.line(), error.column());
        broken(error.line(), error.to_string().replace(&place, ""))
    })?;
    let root = CstRootNode::parse(text, &ParseOptions::default())
        .map_err(|error| broken(1, error.kind().to_string()))?;
    let settings = root
        .object_value()
        .ok_or_else(|| broken(1, "not a JSON object"))?;
    refuse_doubles(&settings)?;
    Ok((root, settings))
}

fn runtimes(settings: &CstObject) -> Result<Option<CstObject>, Error> {
    let Some(runtimes) = settings.get(RUNTIMES) else {
        return Ok(None);
    };
    let runtimes = runtimes
        .object_value()
        .ok_or_else(|| broken(1, "\"runtimes\" is not an object"))?;
    refuse_doubles(&runtimes)?;
    Ok(Some(runtimes))
}

/// Of two equal keys only one counts, and it is not for us to say which.
fn refuse_doubles(object: &CstObject) -> Result<(), Error> {
    let mut names: Vec<String> = object.properties().iter().filter_map(name_of).collect();
    names.sort_unstable();
    let double = names.windows(2).find(|pair| pair.first() == pair.last());
    match double.and_then(|pair| pair.first()) {
        Some(name) => Err(broken(1, format!("{name:?} stands there twice"))),
        None => Ok(()),
    }
}

/// An entry that already says so is left in its form.
fn set(object: &CstObject, name: &str, value: &Value) {
    match object.get(name) {
        Some(property) if value_of(&property).as_ref() == Some(value) => {}
        Some(property) => property.set_value(input(value)),
        None => {
            object.append(name, input(value));
        }
    }
}

fn name_of(property: &CstObjectProp) -> Option<String> {
    property.decoded_name()
}

fn value_of(property: &CstObjectProp) -> Option<Value> {
    property.to_serde_value()
}

fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(value) => CstInputValue::Bool(*value),
        Value::Number(number) => CstInputValue::Number(number.to_string()),
        Value::String(text) => CstInputValue::String(text.clone()),
        Value::Array(values) => CstInputValue::Array(values.iter().map(input).collect()),
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| (name.clone(), input(value));
            CstInputValue::Object(fields.iter().map(field).collect())
        }
    }
}

fn broken(line: usize, reason: impl Into<String>) -> Error {
    Error::Broken {
        path: PathBuf::from(PATH),
        line,
        reason: reason.into(),
    }
}

const PATH: &str = "/etc/docker/daemon.json";
const RUNTIMES: &str = "runtimes";
const DEFAULT: &str = "default-runtime";

#[cfg(test)]
mod tests {
    use super::super::testing::TestHost;
    use super::super::{Engine, Error, Options, install, uninstall};
    use super::*;

    const MIXED: &str = concat!(
        "{\n\t\"log-driver\": \"journald\",  \n\t\"x-unknown\": [1,   2.50],\n",
        "\t\"runtimes\": {\n\t\t\"nvidia\": {\"path\": \"nvidia-container-runtime\", \"args\": []}\n\t},\n",
        "\t\"default-runtime\": \"nvidia\"\n}"
    );

    fn host(text: &str) -> TestHost {
        TestHost::new(Engine::Docker).with(PATH, text)
    }

    fn settings_of(host: &TestHost) -> Value {
        serde_json::from_str(&host.get(PATH)).expect("valid JSON")
    }

    fn bound_to(host: &TestHost, policy: &str) -> Options {
        Options {
            policy: Some(policy.to_owned()),
            ..host.options()
        }
    }

    #[test]
    fn every_form_of_the_file_comes_back() {
        TestHost::new(Engine::Docker).check_round_trip();
        for text in [
            "",
            "\n",
            "{}",
            "{ }\n",
            "{\n}",
            MIXED,
            r#"{"runtimes":{}}"#,
            r#"{"debug":true,"runtimes":{"a":{"path":"b"}},"z":null}"#,
            "{\r\n  \"debug\": true\r\n}\r\n",
        ] {
            host(text).check_round_trip();
        }
    }

    #[test]
    fn the_runtime_is_added_and_nothing_else_moves() {
        let host = host(MIXED);
        host.install().expect("install");
        let (head, tail) = MIXED
            .split_once("\"args\": []}")
            .expect("the other runtime");
        let text = host.get(PATH);
        assert!(text.starts_with(head) && text.ends_with(tail), "{text}");
        let runtimes = json!({
            "nvidia": {"path": "nvidia-container-runtime", "args": []},
            "sevorix": {"path": "/usr/bin/sevorix"},
        });
        assert_eq!(settings_of(&host)["runtimes"], runtimes);
        assert_eq!(settings_of(&host)["default-runtime"], "nvidia");
        host.install_as_default().expect("install");
        assert_eq!(settings_of(&host)["default-runtime"], "sevorix");
    }

    #[test]
    fn a_policy_gets_a_runtime_of_its_own() {
        let host = host(MIXED);
        host.install().expect("install");
        let plain = host.tree();
        install(&bound_to(&host, "strict")).expect("install");
        assert_eq!(
            settings_of(&host)["runtimes"]["sevorix-strict"],
            json!({"path": "/usr/bin/sevorix", "runtimeArgs": ["--policy", "strict"]})
        );
        uninstall(&bound_to(&host, "strict")).expect("uninstall");
        assert_eq!(
            host.get(PATH).as_bytes(),
            plain[&host.at(PATH)].1.as_deref().expect("file")
        );
        install(&bound_to(&host, "strict")).expect("install");
        host.uninstall().expect("uninstall");
        assert_eq!(host.get(PATH), MIXED);
    }

    #[test]
    fn what_the_operator_changed_since_stays() {
        let host = host(MIXED);
        host.install_as_default().expect("install");
        let edited = host.get(PATH).replace("journald", "syslog");
        host.put(PATH, &edited);
        assert!(!host.install().expect("install").changes_anything());
        host.uninstall().expect("uninstall");
        let settings = settings_of(&host);
        assert_eq!(settings["log-driver"], "syslog");
        assert_eq!(settings["runtimes"].as_object().map(|r| r.len()), Some(1));
        assert_eq!(settings.get("default-runtime"), None);
    }

    #[test]
    fn another_path_of_the_runtime_is_corrected() {
        let host = host(r#"{"runtimes": {"sevorix": {"path": "/opt/sevorix"}}}"#);
        host.install().expect("install");
        assert_eq!(
            settings_of(&host)["runtimes"]["sevorix"]["path"],
            "/usr/bin/sevorix"
        );
    }

    #[test]
    fn names_that_only_begin_alike_are_not_ours() {
        let host =
            host(r#"{"runtimes": {"sevorixx": {"path": "/x"}}, "default-runtime": "sevorixx"}"#);
        assert!(!host.uninstall().expect("uninstall").changes_anything());
        host.check_round_trip();
    }

    #[test]
    fn a_broken_file_is_refused() {
        for (text, line) in [
            ("{\n  \"debug\": true,\n}", 3),
            ("{\n // note\n}", 2),
            ("{\"runtimes\": []}", 1),
            ("{\"debug\":1,\"debug\":2}", 1),
            ("{\"runtimes\":{\"a\":{},\"a\":{}}}", 1),
            ("[]", 1),
            ("{", 1),
        ] {
            host(text).check_refused(PATH, line);
        }
    }

    #[test]
    fn a_bad_policy_name_is_refused() {
        let host = host("{}");
        let error = install(&bound_to(&host, "../x")).expect_err("bad name");
        assert!(matches!(error, Error::Policy { .. }), "{error}");
    }
}
