//! How systemd names units and where it puts their cgroups.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::CgroupError;

const DEFAULT_SLICE: &str = "system.slice";
/// runc's: scripts look for `runc-ID.scope`
const DEFAULT_PREFIX: &str = "runc";

/// The transient unit that systemd makes for a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Unit {
    pub name: String,
    pub slice: String,
}

impl Unit {
    /// From `slice:prefix:name`, or from the id alone.
    pub fn parse(cgroups_path: Option<&str>, id: &str) -> Result<Self, CgroupError> {
        let Some(text) = cgroups_path else {
            return Ok(Self::new(DEFAULT_SLICE, DEFAULT_PREFIX, id));
        };
        match text.split(':').collect::<Vec<_>>().as_slice() {
            ["", prefix, name] => Ok(Self::new(DEFAULT_SLICE, prefix, name)),
            [slice, prefix, name] => Ok(Self::new(slice, prefix, name)),
            _ => Err(CgroupError::Path {
                path: text.into(),
                reason: "expected the format \"slice:prefix:name\" for systemd cgroups",
            }),
        }
    }

    fn new(slice: &str, prefix: &str, name: &str) -> Self {
        let is_slice = name.ends_with(".slice");
        let name = if is_slice {
            name.into()
        } else {
            format!("{prefix}-{name}.scope")
        };
        Self {
            name,
            slice: slice.into(),
        }
    }

    pub fn is_slice(&self) -> bool {
        self.name.ends_with(".slice")
    }

    /// Below the root of each hierarchy.
    pub fn cgroup_path(&self) -> Result<PathBuf, CgroupError> {
        if self.name.contains('/') {
            return Err(CgroupError::Path {
                path: self.name.clone(),
                reason: "a unit name has no slashes",
            });
        }
        Ok(expand(&self.slice)?.join(&self.name))
    }
}

/// `a-b.slice` lies inside `a.slice`.
fn expand(slice: &str) -> Result<PathBuf, CgroupError> {
    let refuse = |reason| CgroupError::Path {
        path: slice.into(),
        reason,
    };
    let stem = slice
        .strip_suffix(".slice")
        .ok_or_else(|| refuse("a slice's name ends in .slice"))?;
    if stem == "-" {
        return Ok("/".into());
    }
    if slice.contains('/') {
        return Err(refuse("a slice's name has no slashes"));
    }
    let mut path = PathBuf::from("/");
    let mut name = String::new();
    for part in stem.split('-') {
        if part.is_empty() {
            return Err(refuse("a slice's name has no empty part"));
        }
        if !name.is_empty() {
            name.push('-');
        }
        name.push_str(part);
        path.push(format!("{name}.slice"));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path_of(cgroups_path: Option<&str>) -> Result<String, CgroupError> {
        Ok(Unit::parse(cgroups_path, "box")?
            .cgroup_path()?
            .display()
            .to_string())
    }

    #[test]
    fn units_are_placed_as_systemd_places_them() {
        assert_eq!(path_of(None).unwrap(), "/system.slice/runc-box.scope");
        assert_eq!(
            path_of(Some("system.slice:docker:abc")).unwrap(),
            "/system.slice/docker-abc.scope"
        );
        assert_eq!(
            path_of(Some(":cri-containerd:abc")).unwrap(),
            "/system.slice/cri-containerd-abc.scope"
        );
        assert_eq!(
            path_of(Some("kubepods-burstable-pod1.slice:cri:c")).unwrap(),
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/cri-c.scope"
        );
        assert_eq!(
            path_of(Some("-.slice:docker:abc")).unwrap(),
            "/docker-abc.scope"
        );
        assert_eq!(
            path_of(Some("a.slice::a-b.slice")).unwrap(),
            "/a.slice/a-b.slice"
        );
    }

    #[test]
    fn malformed_paths_are_refused() {
        for path in [
            "/docker/abc",
            "a.slice:b",
            "a.slice:b:c:d",
            "a:b:c",
            "a--b.slice:p:n",
            "-a.slice:p:n",
            ".slice:p:n",
        ] {
            assert!(
                matches!(path_of(Some(path)), Err(CgroupError::Path { .. })),
                "{path}"
            );
        }
        assert!(matches!(
            path_of(Some("a.slice:p:../n")),
            Err(CgroupError::Path { .. })
        ));
    }
}
