//! Podman: a file of our own in `containers.conf.d`.
//!
//! Podman passes `--log-format=json` only to the runtimes that `runtime_supports_json` names, and
//! without it our reasons do not reach the user. The list is written out in full: Podman before 4.8
//! fails on the `{append=true}` that newer releases know.

use toml_edit::{Array, DocumentMut, Value};

use super::drop_in::DropIn;
use super::engine::Files;
use super::host::Host;
use super::{Error, NAME, Runtime, toml_text};

pub(super) fn files(host: &Host, runtime: &Runtime) -> Result<Files, Error> {
    let json: Array = runtimes_that_log_json(host)?.into_iter().collect();
    let mut body = format!("[engine]\nruntime_supports_json = {json}\n");
    if runtime.is_default {
        body.push_str(&format!("runtime = {}\n", Value::from(NAME)));
    }
    let binary = Array::from_iter([runtime.binary.as_str()]);
    body.push_str(&format!("\n[engine.runtimes]\n{NAME} = {binary}\n"));
    Ok(vec![Box::new(DropIn::new(PATH, body))])
}

pub(super) fn files_to_uninstall() -> Files {
    vec![Box::new(DropIn::to_remove(PATH))]
}

/// Podman's own list, what the host's files add to it, and ours.
fn runtimes_that_log_json(host: &Host) -> Result<Vec<String>, Error> {
    let mut names: Vec<String> = KNOWN.iter().map(|name| (*name).to_owned()).collect();
    let drop_ins = FOLDERS.iter().flat_map(|folder| host.matching(folder));
    for path in FILES.iter().map(|path| (*path).to_owned()).chain(drop_ins) {
        if let Some(text) = host.read(&path)? {
            names.extend(listed(&toml_text::parse(&path, &text)?));
        }
    }
    names.push(NAME.to_owned());
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    Ok(names)
}

fn listed(document: &DocumentMut) -> Vec<String> {
    let list = toml_text::table(document, &["engine"])
        .and_then(|engine| engine.get("runtime_supports_json")?.as_array());
    let names = list.into_iter().flatten().filter_map(Value::as_str);
    names.map(str::to_owned).collect()
}

const PATH: &str = "/etc/containers/containers.conf.d/99-sevorix.conf";
const FILES: &[&str] = &[
    "/usr/share/containers/containers.conf",
    "/etc/containers/containers.conf",
];
const FOLDERS: &[&str] = &[
    "/usr/share/containers/containers.conf.d/*.conf",
    "/etc/containers/containers.conf.d/*.conf",
];
/// The default of Podman 5, which names all that earlier ones do.
const KNOWN: &[&str] = &["crun", "crun-vm", "runc", "kata", "runsc", "youki", "krun"];

#[cfg(test)]
mod tests {
    use super::super::testing::TestHost;
    use super::super::{Engine, Error};
    use super::*;

    #[test]
    fn a_file_of_our_own_comes_and_goes() {
        TestHost::new(Engine::Podman).check_round_trip();
        TestHost::new(Engine::Podman)
            .with(FILES[1], "# mine\n[engine]\nruntime = \"crun\"\n")
            .check_round_trip();
    }

    #[test]
    fn the_list_is_complete_and_in_the_oldest_form() {
        let host = TestHost::new(Engine::Podman)
            .with(
                FILES[0],
                "[engine]\nruntime_supports_json = [\"crun\", \"own\"]\n",
            )
            .with(
                "/etc/containers/containers.conf.d/10.conf",
                "[engine]\nruntime_supports_json = [\"late\", {append=true}]\n",
            );
        host.install_as_default().expect("install");
        let text = host.get(PATH);
        let document = toml_text::parse(PATH, &text).expect("valid TOML");
        let names = [
            "crun", "crun-vm", "runc", "kata", "runsc", "youki", "krun", "own", "late", NAME,
        ];
        assert_eq!(listed(&document), names);
        assert!(!text.contains("append"));
        let engine = toml_text::table(&document, &["engine"]).expect("engine");
        assert_eq!(
            engine.get("runtime").and_then(|name| name.as_str()),
            Some(NAME)
        );
        assert!(
            text.ends_with("[engine.runtimes]\nsevorix = [\"/usr/bin/sevorix\"]\n"),
            "{text}"
        );
    }

    #[test]
    fn a_broken_file_is_refused() {
        let host = TestHost::new(Engine::Podman).with(FILES[1], "[engine\n");
        let error = host.install().expect_err("broken");
        assert!(
            error.to_string().contains("containers.conf line 1: "),
            "{error}"
        );
    }

    #[test]
    fn a_file_of_somebody_else_is_left_alone() {
        let host = TestHost::new(Engine::Podman).with(PATH, "[engine]\n");
        let error = host.install().expect_err("not ours");
        assert!(matches!(error, Error::NotOurs { .. }), "{error}");
        assert!(!host.uninstall().expect("uninstall").changes_anything());
        assert_eq!(host.get(PATH), "[engine]\n");
    }
}
