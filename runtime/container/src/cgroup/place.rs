//! Where a container's cgroup lies: decided once, from the config and this host, and stored.

use std::path::{Component, Path, PathBuf};

use super::hierarchy::{Hierarchies, Legacy, Membership, own_cgroups};
use super::slice::Unit;
use super::{Cgroup, CgroupError, Driver};

impl Cgroup {
    /// Finds the place by runc's rules. Nothing is made or looked at there.
    pub fn locate(
        cgroups_path: Option<&Path>,
        id: &str,
        driver: Driver,
    ) -> Result<Self, CgroupError> {
        let hierarchies = Hierarchies::detect()?;
        let cgroups_path = cgroups_path.filter(|path| !path.as_os_str().is_empty());
        let (path, unit) = match driver {
            Driver::Systemd => {
                let unit = Unit::parse(cgroups_path.map(utf8).transpose()?, id)?;
                (unit.cgroup_path()?, Some(unit))
            }
            Driver::Cgroupfs => (beside_or_below(cgroups_path, id, &hierarchies)?, None),
        };
        if path == Path::new("/") {
            return Err(CgroupError::Path {
                path: path.display().to_string(),
                reason: "it is the root",
            });
        }
        Ok(Self::at(path, id, driver, unit, hierarchies))
    }

    fn at(
        path: PathBuf,
        id: &str,
        driver: Driver,
        unit: Option<Unit>,
        hierarchies: Hierarchies,
    ) -> Self {
        let below = |root: &Path| root.join(path.strip_prefix("/").unwrap_or(&path));
        let legacy = |root: &Legacy| Legacy {
            controllers: root.controllers.clone(),
            folder: below(&root.folder),
        };
        Self {
            driver,
            id: id.into(),
            unit,
            unified: hierarchies.unified.as_deref().map(below),
            legacy: hierarchies.legacy.iter().map(legacy).collect(),
            path,
        }
    }
}

fn beside_or_below(
    cgroups_path: Option<&Path>,
    id: &str,
    hierarchies: &Hierarchies,
) -> Result<PathBuf, CgroupError> {
    let path = cgroups_path.unwrap_or(Path::new(id));
    if path.is_absolute() {
        return Ok(clean(path));
    }
    let own = own_cgroups()?;
    let parent = if hierarchies.is_unified() {
        beside_us(&own)
    } else {
        below_us(&own)
    };
    Ok(parent.join(clean(path).strip_prefix("/").unwrap_or(path)))
}

/// Our own v2 cgroup holds processes, so it can't give controllers to folders inside it; its parent can.
fn beside_us(own: &[Membership]) -> PathBuf {
    let own = own
        .iter()
        .find(|membership| membership.controllers.is_empty());
    own.and_then(|own| own.path.parent())
        .unwrap_or(Path::new("/"))
        .into()
}

/// v1 has no such rule. libcontainer joins the same path in every hierarchy, so the place below us is one only where
/// they agree about us (the v2 hierarchy and the one with a name only have no limits that would be lost).
fn below_us(own: &[Membership]) -> PathBuf {
    let limiting = |membership: &&Membership| {
        membership
            .controllers
            .first()
            .is_some_and(|name| !name.starts_with("name="))
    };
    let mut paths = own
        .iter()
        .filter(limiting)
        .map(|membership| &membership.path);
    match paths.next() {
        Some(first) if paths.all(|path| path == first) => first.clone(),
        _ => "/".into(),
    }
}

/// Resolves `.` and `..` in the text alone; above the root is the root.
fn clean(path: &Path) -> PathBuf {
    let mut cleaned = PathBuf::from("/");
    for component in path.components() {
        match component {
            Component::Normal(name) => cleaned.push(name),
            Component::ParentDir => drop(cleaned.pop()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    cleaned
}

fn utf8(path: &Path) -> Result<&str, CgroupError> {
    path.to_str().ok_or_else(|| CgroupError::Path {
        path: path.display().to_string(),
        reason: "it is not UTF-8",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(controllers: &[&str], path: &str) -> Membership {
        Membership {
            controllers: controllers.iter().map(ToString::to_string).collect(),
            path: path.into(),
        }
    }

    #[test]
    fn no_path_leads_out_of_the_hierarchy() {
        for (path, cleaned) in [
            ("/docker/abc", "/docker/abc"),
            ("/../../etc", "/etc"),
            ("../../x/./y", "/x/y"),
            ("a/../../b", "/b"),
            ("/..", "/"),
        ] {
            assert_eq!(clean(Path::new(path)), Path::new(cleaned), "{path}");
        }
    }

    #[test]
    fn a_relative_path_lies_beside_our_own_cgroup() {
        assert_eq!(
            beside_us(&[member(&[], "/user.slice/session-1.scope")]),
            Path::new("/user.slice")
        );
        assert_eq!(beside_us(&[member(&[], "/")]), Path::new("/"));
    }

    #[test]
    fn v1_hierarchies_that_disagree_about_us_mean_the_root() {
        let agreeing = [
            member(&["cpu", "cpuacct"], "/docker/a"),
            member(&["memory"], "/docker/a"),
            member(&[], "/"),
        ];
        assert_eq!(below_us(&agreeing), Path::new("/docker/a"));
        let disagreeing = [member(&["cpu"], "/"), member(&["memory"], "/docker/a")];
        assert_eq!(below_us(&disagreeing), Path::new("/"));
    }
}
