//! From the caller's spec to the one libcontainer is given.
//!
//! libcontainer sees only what it does as runc does it; the rest (capabilities, seccomp, groups, umask, working
//! directory, propagation, read-only root and paths) is taken out here and done by our Executor. The caller's own spec
//! stays as it is for `state`, hooks and `exec`.

use std::path::{Path, PathBuf};

use libcontainer::oci_spec::runtime::{Capabilities, LinuxCapabilities, Mount, Process, Spec};

use crate::cgroup::HierarchyMount;
use crate::finish::{Finish, Propagation};
use crate::{Error, Result, proc_mount, targets};

/// The spec for libcontainer's init and what is left for ours.
pub fn for_init(caller: &Spec, rootfs: &Path, legacy: &[HierarchyMount]) -> Result<(Spec, Finish)> {
    let mut spec = caller.clone();
    let mut finish = Finish::default();
    let process = caller
        .process()
        .as_ref()
        .ok_or(Error::Bundle("process property must not be empty".into()))?;
    finish.working_directory = process.cwd().clone();
    spec.set_process(Some(for_libcontainer(process)));

    if let Some(mut root) = spec.root().clone() {
        if root.readonly() == Some(true) {
            finish.read_only_mounts.push("/".into());
            root.set_readonly(Some(false));
        }
        root.set_path(rootfs.into());
        spec.set_root(Some(root));
    }
    let mut mounts = Vec::new();
    let mut places = Vec::new();
    for mount in caller.mounts().iter().flatten() {
        let mut mount = mount.clone();
        let place = targets::resolve(rootfs, mount.destination(), &places);
        proc_mount::check(&mount, &place)?;
        finish.forget_below(&place);
        places.push(place.clone());
        mount.set_destination(place);
        if mount.typ().as_deref() == Some("cgroup") && !legacy.is_empty() {
            mounts.extend(legacy_cgroup_mounts(&mount, legacy, &mut finish));
        } else {
            mounts.push(prepare_mount(&mount, &mut finish));
        }
    }
    spec.set_mounts(Some(mounts));
    if let Some(mut linux) = spec.linux().clone() {
        linux.set_seccomp(None).set_resources(None);
        let read_only_paths = linux.readonly_paths().iter().flatten();
        finish.read_only_paths = read_only_paths.map(PathBuf::from).collect();
        linux.set_readonly_paths(None);
        let propagation = linux
            .rootfs_propagation()
            .as_deref()
            .map(root_propagation)
            .transpose()?;
        if !matches!(propagation.as_deref(), Some("shared" | "unbindable")) {
            // for the mounts inside; the root itself runc leaves private
            finish.propagation.push(Propagation {
                path: "/".into(),
                kind: libc::MS_PRIVATE,
                recursive: false,
            });
        }
        linux.set_rootfs_propagation(propagation);
        spec.set_linux(Some(linux));
    }
    Ok((spec, finish))
}

/// The process object without what our Executor does itself.
pub fn for_libcontainer(caller: &Process) -> Process {
    let mut process = caller.clone();
    let mut user = process.user().clone();
    user.set_umask(None).set_additional_gids(None);
    process
        .set_user(user)
        .set_capabilities(None)
        .set_rlimits(None)
        .set_cwd("/".into());
    if process.no_new_privileges() == Some(false) {
        // libcontainer takes "present" for "true" when it decides when to load a filter
        process.set_no_new_privileges(None);
    }
    // with HOME set, libcontainer does not ask NSS, which would load libraries of the image into our process
    let mut environment = process.env().clone().unwrap_or_default();
    environment.push("HOME=/".into());
    process.set_env(Some(environment));
    process
}

/// runc gives a process that names no capabilities none at all.
pub fn capabilities(process: &Process) -> LinuxCapabilities {
    let given = process.capabilities().as_ref();
    let set = |of: fn(&LinuxCapabilities) -> &Option<Capabilities>| {
        Some(given.and_then(|sets| of(sets).clone()).unwrap_or_default())
    };
    let mut capabilities = LinuxCapabilities::default();
    capabilities
        .set_bounding(set(LinuxCapabilities::bounding))
        .set_effective(set(LinuxCapabilities::effective));
    capabilities
        .set_permitted(set(LinuxCapabilities::permitted))
        .set_inheritable(set(LinuxCapabilities::inheritable));
    capabilities.set_ambient(set(LinuxCapabilities::ambient));
    capabilities
}

/// libcontainer knows the plain words only; that they hold for all mounts below is what it does anyway.
fn root_propagation(word: &str) -> Result<String> {
    Ok(match word {
        "shared" | "rshared" => "shared",
        "slave" | "rslave" => "slave",
        "private" | "rprivate" | "" => "private",
        "unbindable" | "runbindable" => "unbindable",
        other => {
            return Err(Error::Bundle(format!(
                "rootfsPropagation={other:?} is not supported"
            )));
        }
    }
    .into())
}

fn prepare_mount(caller: &Mount, finish: &mut Finish) -> Mount {
    let mut mount = caller.clone();
    let Some(options) = caller.options() else {
        return mount;
    };
    let destination = caller.destination().clone();
    // read-only comes last, so that places inside can still be made and filled
    let is_late =
        caller.typ().as_deref() == Some("tmpfs") && options.iter().any(|option| option == "ro");
    let mut kept = Vec::with_capacity(options.len());
    for option in options {
        if let Some((kind, recursive)) = propagation(option) {
            finish.propagation.push(Propagation {
                path: destination.clone(),
                kind,
                recursive,
            });
        } else if is_late && option == "ro" {
            finish.read_only_mounts.push(destination.clone());
        } else if option == "tmpcopyup" {
            finish.copy_up.push(destination.clone());
        } else {
            kept.push(option.clone());
        }
    }
    mount.set_options(Some(kept));
    mount
}

/// A tmpfs with one bind mount for each v1 hierarchy, as read-only as the caller asked for.
fn legacy_cgroup_mounts(
    caller: &Mount,
    legacy: &[HierarchyMount],
    finish: &mut Finish,
) -> Vec<Mount> {
    let is_read_only = caller
        .options()
        .iter()
        .flatten()
        .any(|option| option == "ro");
    let mount = |kind: &str, source: PathBuf, destination: PathBuf, options: &[&str]| {
        let mut mount = Mount::default();
        let options = options.iter().map(ToString::to_string).collect();
        mount
            .set_typ(Some(kind.into()))
            .set_source(Some(source))
            .set_destination(destination)
            .set_options(Some(options));
        mount
    };
    let destination = caller.destination();
    let flags = ["nosuid", "nodev", "noexec", "relatime"];
    let mut mounts = vec![mount(
        "tmpfs",
        "tmpfs".into(),
        destination.clone(),
        &[&flags[..3], &["mode=755"]].concat(),
    )];
    for hierarchy in legacy {
        let access = if is_read_only { "ro" } else { "rw" };
        let options = [&["bind", access][..], &flags].concat();
        mounts.push(mount(
            "bind",
            hierarchy.source.clone(),
            destination.join(&hierarchy.name),
            &options,
        ));
        let link = |name: &String| (hierarchy.name.clone(), destination.join(name));
        finish.links.extend(hierarchy.links.iter().map(link));
    }
    if is_read_only {
        finish.read_only_mounts.push(destination.clone());
    }
    mounts
}

fn propagation(option: &str) -> Option<(u64, bool)> {
    let (word, recursive) = match option.strip_prefix('r') {
        Some(rest @ ("shared" | "slave" | "private" | "unbindable")) => (rest, true),
        _ => (option, false),
    };
    let kind = match word {
        "shared" => libc::MS_SHARED,
        "slave" => libc::MS_SLAVE,
        "private" => libc::MS_PRIVATE,
        "unbindable" => libc::MS_UNBINDABLE,
        _ => return None,
    };
    Some((kind, recursive))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(json: &str) -> Spec {
        serde_json::from_str(json).expect("a spec")
    }

    #[test]
    fn what_the_executor_does_is_taken_from_libcontainer() {
        let caller = spec(
            r#"{"ociVersion":"1.0.2","root":{"path":"rootfs","readonly":true},
              "process":{"cwd":"/work","user":{"uid":1,"gid":2,"umask":18,"additionalGids":[3]},"args":["a"],
                         "noNewPrivileges":false,"capabilities":{"bounding":["CAP_KILL"]}},
              "mounts":[{"destination":"/v","type":"bind","source":"/x","options":["rbind","rprivate"]},
                        {"destination":"/t","type":"tmpfs","source":"tmpfs","options":["tmpcopyup","size=1m"]},
                        {"destination":"/dev","type":"tmpfs","source":"tmpfs","options":["ro"]}],
              "linux":{"rootfsPropagation":"rslave","seccomp":{"defaultAction":"SCMP_ACT_ALLOW"},"readonlyPaths":["/usr"]}}"#,
        );
        let (inner, finish) = for_init(&caller, Path::new("/abs/rootfs"), &[]).expect("prepared");
        let process = inner.process().as_ref().expect("process");
        assert_eq!(process.cwd(), Path::new("/"));
        assert_eq!(process.no_new_privileges(), None);
        assert!(process.capabilities().is_none() && process.user().additional_gids().is_none());
        assert!(
            process
                .env()
                .iter()
                .flatten()
                .any(|variable| variable == "HOME=/")
        );
        let linux = inner.linux().as_ref().expect("linux");
        assert!(linux.seccomp().is_none() && linux.readonly_paths().is_none());
        assert_eq!(finish.read_only_paths, [PathBuf::from("/usr")]);
        assert_eq!(linux.rootfs_propagation().as_deref(), Some("slave"));
        assert_eq!(
            inner.root().as_ref().expect("root").path(),
            Path::new("/abs/rootfs")
        );
        let options: Vec<_> = inner
            .mounts()
            .iter()
            .flatten()
            .map(|mount| mount.options().clone().unwrap_or_default())
            .collect();
        assert_eq!(
            options,
            [vec!["rbind".to_string()], vec!["size=1m".into()], vec![]]
        );
        assert_eq!(finish.copy_up, [PathBuf::from("/t")]);
        assert_eq!(
            finish.read_only_mounts,
            [PathBuf::from("/"), PathBuf::from("/dev")]
        );
        assert_eq!(finish.working_directory, Path::new("/work"));
        let propagation: Vec<_> = finish
            .propagation
            .iter()
            .map(|mount| (mount.path.as_path(), mount.kind, mount.recursive))
            .collect();
        let private = |path, recursive| (Path::new(path), libc::MS_PRIVATE, recursive);
        assert_eq!(propagation, [private("/v", true), private("/", false)]);
    }

    #[test]
    fn v1_hierarchies_keep_the_callers_options() {
        let caller = spec(
            r#"{"ociVersion":"1.0.2","root":{"path":"rootfs"},"process":{"cwd":"/","user":{"uid":0,"gid":0}},
              "mounts":[{"destination":"/sys/fs/cgroup","type":"cgroup","source":"cgroup","options":["ro","nosuid"]}]}"#,
        );
        let cpu = HierarchyMount {
            name: "cpu,cpuacct".into(),
            source: "/host/cpu".into(),
            links: vec!["cpu".into()],
        };
        let (inner, finish) = for_init(&caller, Path::new("/r"), &[cpu]).expect("prepared");
        let mounts = inner.mounts().clone().unwrap_or_default();
        let kinds: Vec<_> = mounts
            .iter()
            .map(|mount| mount.typ().clone().unwrap_or_default())
            .collect();
        assert_eq!(kinds, ["tmpfs", "bind"]);
        assert!(
            mounts[1]
                .options()
                .iter()
                .flatten()
                .any(|option| option == "ro")
        );
        assert_eq!(
            mounts[1].destination(),
            Path::new("/sys/fs/cgroup/cpu,cpuacct")
        );
        assert_eq!(
            finish.links,
            [(
                PathBuf::from("cpu,cpuacct"),
                PathBuf::from("/sys/fs/cgroup/cpu")
            )]
        );
        assert_eq!(finish.read_only_mounts, [PathBuf::from("/sys/fs/cgroup")]);
    }

    #[test]
    fn no_capabilities_means_none() {
        let process: Process =
            serde_json::from_str(r#"{"cwd":"/","user":{"uid":0,"gid":0}}"#).expect("a process");
        let sets = capabilities(&process);
        for set in [
            sets.bounding(),
            sets.effective(),
            sets.permitted(),
            sets.inheritable(),
            sets.ambient(),
        ] {
            assert_eq!(set.as_ref().map(|set| set.len()), Some(0));
        }
    }

    #[test]
    fn every_propagation_word_of_runc_is_known() {
        for word in [
            "shared",
            "rshared",
            "slave",
            "rslave",
            "private",
            "rprivate",
            "unbindable",
            "runbindable",
        ] {
            assert!(root_propagation(word).is_ok(), "{word}");
            assert!(propagation(word).is_some(), "{word}");
        }
        assert!(root_propagation("loud").is_err());
        assert!(propagation("rw").is_none() && propagation("ro").is_none());
    }
}
