//! `spec`: a config.json to start from, equal to the one runc writes.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::alone;
use crate::cli::Globals;
use crate::error::{Context, Error, Result};
use crate::grammar::options;

options! {
    /// write a config.json to start from
    pub struct Spec("spec", "") {
        /// folder to write it to (default: the current one)
        'b' bundle: Option<PathBuf>,
        /// for a container of a user without root's rights
        rootless: bool,
    }
}

pub fn run(_: &Globals, words: &[OsString]) -> Result<u8> {
    let options = alone::<Spec>(words)?;
    let path = options.bundle.unwrap_or_default().join("config.json");
    let config = config(options.rootless, Path::new(UNIFIED).exists())?;
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o666)
        .open(&path);
    file.and_then(|mut file| file.write_all(config.as_bytes()))
        .on("write", &path)?;
    Ok(0)
}

fn config(rootless: bool, unified: bool) -> Result<String> {
    let parse = |source| Error::Json {
        path: "spec.json".into(),
        source,
    };
    let mut config: Value = serde_json::from_str(TEMPLATE).map_err(parse)?;
    if rootless {
        without_root(&mut config);
    }
    if unified {
        // the container's own view of a hierarchy that has no more than one place for it
        config["linux"]["namespaces"]
            .as_array_mut()
            .into_iter()
            .for_each(|list| list.push(json!({"type": "cgroup"})));
    }
    Ok(super::pretty(&config)? + "\n")
}

/// A user namespace, no network of its own, no limits, and the host's /sys.
fn without_root(config: &mut Value) {
    let linux = &mut config["linux"];
    linux["namespaces"] = ["pid", "ipc", "uts", "mount", "user"]
        .map(|kind| json!({"type": kind}))
        .into();
    let mapping = |id: u32| json!([{"containerID": 0, "hostID": id, "size": 1}]);
    linux["uidMappings"] = mapping(nix::unistd::geteuid().as_raw());
    linux["gidMappings"] = mapping(nix::unistd::getegid().as_raw());
    linux
        .as_object_mut()
        .and_then(|linux| linux.remove("resources"));
    for mount in config["mounts"].as_array_mut().into_iter().flatten() {
        if mount["destination"] == "/sys" {
            *mount = json!({"destination": "/sys", "type": "none", "source": "/sys",
                "options": ["rbind", "nosuid", "noexec", "nodev", "ro"]});
        }
        // a group that is not mapped cannot own the terminals
        let options = mount.get_mut("options").and_then(Value::as_array_mut);
        options
            .into_iter()
            .for_each(|options| options.retain(|word| word != "gid=5"));
    }
}

const TEMPLATE: &str = include_str!("spec.json");
/// Only a v2 hierarchy has it at its root.
const UNIFIED: &str = "/sys/fs/cgroup/cgroup.controllers";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_a_config_that_we_take() {
        for (rootless, unified) in [(false, false), (false, true), (true, false), (true, true)] {
            let config = config(rootless, unified).expect("written");
            let config: oci_spec::runtime::Spec = serde_json::from_str(&config).expect("a spec");
            assert_eq!(
                config
                    .process()
                    .as_ref()
                    .and_then(|process| process.terminal()),
                Some(true)
            );
        }
    }

    #[test]
    fn without_root_nothing_is_asked_for_that_takes_root() {
        let config: Value =
            serde_json::from_str(&config(true, true).expect("written")).expect("JSON");
        let kinds: Vec<_> = config["linux"]["namespaces"]
            .as_array()
            .expect("list")
            .iter()
            .map(|one| &one["type"])
            .collect();
        assert_eq!(kinds, ["pid", "ipc", "uts", "mount", "user", "cgroup"]);
        assert!(config["linux"].get("resources").is_none());
        assert!(!config.to_string().contains("gid=5"));
    }
}
