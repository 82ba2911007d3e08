//! Which sources the root of a user namespace can't get to on the host.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use oci_spec::runtime::{Linux, LinuxIdMapping, LinuxNamespaceType, Mount, Spec};

/// The container's root as the host's file systems see it, without knowing more than the spec tells.
pub struct Visitor {
    uid: Option<u32>,
    gid: Option<u32>,
}

impl Visitor {
    /// None where nobody needs help: without a user namespace, or where mounts are made in a namespace that exists.
    /// Hooks that run on the host must see its mounts and may change them: a container with such is left alone as well.
    pub fn of(spec: &Spec) -> Option<Self> {
        let linux = spec.linux().as_ref()?;
        let namespace = |kind| {
            let mut all = linux.namespaces().iter().flatten();
            all.find(|namespace| namespace.typ() == kind)
        };
        let has_new_mounts = namespace(LinuxNamespaceType::Mount)?.path().is_none();
        namespace(LinuxNamespaceType::User)?;
        let on_host = spec.hooks().as_ref().is_some_and(|hooks| {
            let both = [hooks.prestart(), hooks.create_runtime()];
            both.into_iter().flatten().any(|hooks| !hooks.is_empty())
        });
        (has_new_mounts && !on_host).then(|| Self::root_of(linux))
    }

    fn root_of(linux: &Linux) -> Self {
        let host_id = |mappings: Option<&[LinuxIdMapping]>| {
            let mut mappings = mappings.unwrap_or_default().iter();
            let root = mappings.find(|mapping| mapping.container_id() == 0)?;
            Some(root.host_id())
        };
        Self {
            uid: host_id(linux.uid_mappings().as_deref()),
            gid: host_id(linux.gid_mappings().as_deref()),
        }
    }

    fn passes(&self, folder: &Metadata) -> bool {
        let bit = if self.uid == Some(folder.uid()) {
            0o100
        } else if self.gid == Some(folder.gid()) {
            0o010
        } else {
            0o001
        };
        folder.mode() & bit != 0
    }

    /// The first folder from the top that it may not pass, without links. What does not exist is for others to tell.
    pub fn stopped_on_the_way_to(&self, mount: &Mount) -> Option<PathBuf> {
        let source = mount.source().as_deref()?;
        let real = fs::canonicalize(source).ok()?;
        // there `self` is somebody else, and a mode is not all that counts
        if source.starts_with("/proc") || real.starts_with("/proc") {
            return None;
        }
        let stop = self
            .first_closed(source.parent()?)
            .or_else(|| self.first_closed(real.parent()?))?;
        self.first_closed(&fs::canonicalize(stop).ok()?)
    }

    fn first_closed(&self, folder: &Path) -> Option<PathBuf> {
        let from_below: Vec<&Path> = folder.ancestors().collect();
        let is_closed =
            |folder: &&&Path| fs::metadata(folder).is_ok_and(|folder| !self.passes(&folder));
        from_below
            .iter()
            .rev()
            .find(is_closed)
            .map(|folder| folder.to_path_buf())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn bind(source: &Path) -> Mount {
        let mut mount = Mount::default();
        mount
            .set_typ(Some("bind".into()))
            .set_source(Some(source.into()));
        mount
    }

    #[test]
    fn the_topmost_folder_that_stops_a_stranger_is_found_through_links() {
        let top = tempfile::tempdir().expect("tempdir");
        let at = |path: &str| top.path().join(path);
        let set = |path: &str, mode| {
            fs::set_permissions(at(path), Permissions::from_mode(mode)).expect("mode set");
        };
        fs::create_dir_all(at("closed/deep/er")).expect("made");
        fs::create_dir_all(at("open/deep")).expect("made");
        symlink(at("closed/deep"), at("open/link")).expect("linked");
        symlink(at("open/deep"), at("closed/link")).expect("linked");
        for (path, mode) in [
            ("", 0o755),
            ("closed", 0o700),
            ("closed/deep", 0o700),
            ("open/deep", 0o700),
        ] {
            set(path, mode);
        }
        let stranger = Visitor {
            uid: Some(300_000),
            gid: Some(300_000),
        };
        let stop = |path: &str| stranger.stopped_on_the_way_to(&bind(&at(path)));
        let closed = Some(fs::canonicalize(at("closed")).expect("a path"));
        for path in ["closed/deep", "closed/deep/er", "open/link", "closed/link"] {
            assert_eq!(stop(path), closed, "{path}");
        }
        assert_eq!(stop("open/deep"), None, "only what lies above counts");
        assert_eq!(stop("no/such/source"), None);
        let meta = fs::metadata(at("closed")).expect("stat");
        let owner = Visitor {
            uid: Some(meta.uid()),
            gid: None,
        };
        assert_eq!(
            owner.stopped_on_the_way_to(&bind(&at("closed/deep/er"))),
            None
        );
        let member = Visitor {
            uid: None,
            gid: Some(meta.gid()),
        };
        set("closed", 0o710);
        set("closed/deep", 0o701);
        let real = fs::canonicalize(at("closed/deep")).expect("a path");
        assert_eq!(
            member.stopped_on_the_way_to(&bind(&at("closed/deep/er"))),
            Some(real)
        );
    }

    #[test]
    fn only_new_mounts_in_a_user_namespace_without_hooks_on_the_host_are_staged() {
        let visitor = |namespaces: &str, hooks: &str| {
            let spec = format!(
                r#"{{"ociVersion":"1.0.2","root":{{"path":"r"}},"hooks":{{{hooks}}},"linux":{{"namespaces":[{namespaces}],
                  "uidMappings":[{{"containerID":0,"hostID":7,"size":1}}]}}}}"#
            );
            Visitor::of(&serde_json::from_str(&spec).expect("a spec"))
        };
        let both = r#"{"type":"user"},{"type":"mount"}"#;
        let found = visitor(both, "").expect("staged");
        assert_eq!((found.uid, found.gid), (Some(7), None));
        assert!(visitor(both, r#""prestart":[]"#).is_some());
        assert!(visitor(both, r#""createRuntime":[{"path":"/bin/true"}]"#).is_none());
        assert!(visitor(r#"{"type":"mount"}"#, "").is_none());
        assert!(
            visitor(
                r#"{"type":"user"},{"type":"mount","path":"/proc/1/ns/mnt"}"#,
                ""
            )
            .is_none()
        );
    }
}
