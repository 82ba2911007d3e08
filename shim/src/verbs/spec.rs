//! `spec`: a config.json to start from, equal to the one runc writes.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

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
    let text = if options.rootless {
        rootless()?
    } else {
        TEMPLATE.into()
    };
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o666)
        .open(&path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .on("write", &path)?;
    Ok(0)
}

const TEMPLATE: &str = include_str!("spec.json");

/// Without root's rights: a user namespace, no network of its own, no limits, and the host's /sys.
fn rootless() -> Result<String> {
    let parse = |source| Error::Json {
        path: "spec.json".into(),
        source,
    };
    let mut config: Value = serde_json::from_str(TEMPLATE).map_err(parse)?;
    let linux = &mut config["linux"];
    linux["namespaces"] = ["pid", "ipc", "uts", "mount", "cgroup", "user"]
        .map(|kind| json!({"type": kind}))
        .into();
    let mapping = |id: u32| json!([{"containerID": 0, "hostID": id, "size": 1}]);
    linux["uidMappings"] = mapping(nix::unistd::geteuid().as_raw());
    linux["gidMappings"] = mapping(nix::unistd::getegid().as_raw());
    linux["resources"] = Value::Null;
    for mount in config["mounts"].as_array_mut().into_iter().flatten() {
        match mount["destination"].as_str() {
            Some("/sys") => {
                *mount = json!({"destination": "/sys", "type": "none", "source": "/sys",
                    "options": ["rbind", "nosuid", "noexec", "nodev", "ro"]});
            }
            // a group that is not mapped cannot own the terminals
            _ => mount["options"]
                .as_array_mut()
                .into_iter()
                .for_each(|options| options.retain(|word| word != "gid=5")),
        }
    }
    super::pretty(&config)
}
