//! CRI-O: a file of our own in `crio.conf.d`.
//!
//! `allowed_annotations` must not name our keys: CRI-O refuses to start over a name that is not one
//! of its own, and hands ours through anyway. What the default runtime has, ours gets too.

use toml_edit::{DocumentMut, Table, TableLike, value};

use super::drop_in::DropIn;
use super::engine::Files;
use super::host::Host;
use super::{Error, NAME, Runtime, toml_text};

pub(super) fn files(host: &Host, runtime: &Runtime) -> Result<Files, Error> {
    let mut table = of_the_default_runtime(host)?;
    table.insert("runtime_path", value(&runtime.binary));
    table.insert("runtime_type", value("oci"));
    table.insert("runtime_root", value("/run/sevorix"));
    let mut body = String::new();
    if runtime.is_default {
        body.push_str(&format!("[crio.runtime]\ndefault_runtime = \"{NAME}\"\n\n"));
    }
    body.push_str(&format!("[crio.runtime.runtimes.{NAME}]\n{table}"));
    Ok(vec![Box::new(DropIn::new(PATH, body))])
}

pub(super) fn files_to_uninstall() -> Files {
    vec![Box::new(DropIn::to_remove(PATH))]
}

/// How the default runtime is monitored and what it may be told; later files win, as in CRI-O.
fn of_the_default_runtime(host: &Host) -> Result<Table, Error> {
    let mut files = Vec::new();
    let main = std::iter::once(MAIN.to_owned());
    let others = host
        .matching(FOLDER)
        .into_iter()
        .filter(|path| path != PATH);
    for path in main.chain(others) {
        if let Some(text) = host.read(&path)? {
            files.push(toml_text::parse(&path, &text)?);
        }
    }
    let name = files.iter().rev().find_map(default_runtime);
    let names = name.map_or(vec!["crun", "runc"], |name| vec![name]);
    let mut table = Table::new();
    for file in &files {
        let found = names.iter().find_map(|name| runtime_table(file, name));
        for (key, item) in found.iter().flat_map(Table::iter) {
            if COPIED.contains(&key) {
                table.insert(key, item.clone());
            }
        }
    }
    Ok(table)
}

fn default_runtime(file: &DocumentMut) -> Option<&str> {
    toml_text::table(file, &["crio", "runtime"])?
        .get("default_runtime")?
        .as_str()
}

fn runtime_table(file: &DocumentMut, name: &str) -> Option<Table> {
    let table: &dyn TableLike = toml_text::table(file, &["crio", "runtime", "runtimes", name])?;
    Some(toml_text::plain(table))
}

const MAIN: &str = "/etc/crio/crio.conf";
const FOLDER: &str = "/etc/crio/crio.conf.d/*";
const PATH: &str = "/etc/crio/crio.conf.d/99-sevorix.conf";
const COPIED: &[&str] = &[
    "allowed_annotations",
    "container_min_memory",
    "monitor_cgroup",
    "monitor_env",
    "monitor_exec_cgroup",
    "monitor_path",
    "privileged_without_host_devices",
];

#[cfg(test)]
mod tests {
    use super::super::Engine;
    use super::super::testing::TestHost;
    use super::*;

    #[test]
    fn a_file_of_our_own_comes_and_goes() {
        TestHost::new(Engine::Crio).check_round_trip();
        TestHost::new(Engine::Crio)
            .with(MAIN, "[crio]\n")
            .check_round_trip();
    }

    #[test]
    fn what_the_default_runtime_has_is_taken_over() {
        let host = TestHost::new(Engine::Crio)
            .with(MAIN, "[crio.runtime]\ndefault_runtime = \"runc\"\n[crio.runtime.runtimes.runc]\nmonitor_path = \"/old\"\n")
            .with(
                "/etc/crio/crio.conf.d/10-crun.conf",
                r#"[crio.runtime]
default_runtime = "crun"
[crio.runtime.runtimes.crun]
runtime_path = "/usr/bin/crun"
runtime_root = "/run/crun"
monitor_path = "/usr/libexec/crio/conmon" # here
allowed_annotations = ["io.kubernetes.cri-o.Devices"]
"#,
            );
        host.install_as_default().expect("install");
        let expected = r#"[crio.runtime]
default_runtime = "sevorix"

[crio.runtime.runtimes.sevorix]
monitor_path = "/usr/libexec/crio/conmon"
allowed_annotations = ["io.kubernetes.cri-o.Devices"]
runtime_path = "/usr/bin/sevorix"
runtime_type = "oci"
runtime_root = "/run/sevorix"
"#;
        let text = host.get(PATH);
        assert_eq!(text.split_once('\n').map(|(_, body)| body), Some(expected));
    }

    #[test]
    fn a_broken_file_is_refused() {
        let host = TestHost::new(Engine::Crio).with(MAIN, "[crio]\na = \n");
        let error = host.install().expect_err("broken");
        assert!(
            error.to_string().contains("/etc/crio/crio.conf line 2: "),
            "{error}"
        );
    }
}
