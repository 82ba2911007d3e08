//! Reads a bundle's config.json and refuses what can't become a container, before anything is made.

use std::fs;
use std::path::{Path, PathBuf};

use libcontainer::oci_spec::runtime::{LinuxNamespaceType, Mount, Process, Spec};
use libcontainer::validator::Validator;
use sevorix_policy::{Annotations, Request};

use crate::error::{Context, os_text};
use crate::{Error, Result};

/// What the caller asks for, read once.
#[derive(Debug)]
pub struct Bundle {
    pub path: PathBuf,
    pub config: Vec<u8>,
    pub spec: Spec,
    pub rootfs: PathBuf,
    pub request: Request,
}

impl Bundle {
    pub fn load(path: &Path, node_policy: Option<&str>) -> Result<Self> {
        let path = fs::canonicalize(path).on("open bundle", path)?;
        let config = match fs::read(path.join("config.json")) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::Bundle(
                    "JSON specification file config.json not found".into(),
                ));
            }
            other => other.on("read", &path.join("config.json"))?,
        };
        let spec: Spec = serde_json::from_slice(&config).map_err(|error| {
            Error::Bundle(format!("{}: {error}", path.join("config.json").display()))
        })?;
        let request = Request::parse(Annotations::of_config(&config)?.iter(), node_policy)?;
        let rootfs = check(&spec, &path)?;
        Ok(Self {
            path,
            config,
            spec,
            rootfs,
            request,
        })
    }
}

/// The first thing that is wrong, else the absolute rootfs.
fn check(spec: &Spec, bundle: &Path) -> Result<PathBuf> {
    let refuse = |reason: &str| Err(Error::Bundle(reason.into()));
    if !spec.version().starts_with("1.") {
        return Err(Error::Bundle(format!(
            "unsupported ociVersion {:?}: this runtime knows 1.x",
            spec.version()
        )));
    }
    let Some(process) = spec.process() else {
        return refuse("process property must not be empty");
    };
    check_process(process)?;
    let mount_label = spec
        .linux()
        .as_ref()
        .and_then(|linux| linux.mount_label().as_deref());
    check_label(mount_label)?;
    let Some(root) = spec.root() else {
        return refuse("root property must not be empty");
    };
    if spec.linux().is_none() {
        return refuse("linux property must not be empty");
    }
    check_namespaces(spec)?;
    // above all that no sysctl of the host's own namespaces is written
    Validator::validate_spec(spec).map_err(|error| Error::Bundle(error.to_string()))?;
    for mount in spec.mounts().iter().flatten() {
        check_mount(mount)?;
    }
    let rootfs = bundle.join(root.path());
    match fs::canonicalize(&rootfs) {
        Ok(path) if path.is_dir() => Ok(path),
        Ok(path) => Err(Error::Bundle(format!(
            "invalid rootfs: {} is not a folder",
            path.display()
        ))),
        Err(error) => Err(Error::Bundle(format!(
            "invalid rootfs: stat {}: {}",
            rootfs.display(),
            os_text(&error)
        ))),
    }
}

pub fn check_process(process: &Process) -> Result<()> {
    if process.args().as_ref().is_none_or(Vec::is_empty) {
        return Err(Error::Bundle("args must not be empty".into()));
    }
    if !process.cwd().is_absolute() {
        return Err(Error::Bundle(format!(
            "Cwd must be an absolute path, not {:?}",
            process.cwd().display().to_string()
        )));
    }
    check_label(process.selinux_label().as_deref())
}

/// Nobody would notice that a container runs without the confinement it was given.
fn check_label(label: Option<&str>) -> Result<()> {
    match label {
        None | Some("") => Ok(()),
        Some(_) => Err(Error::Bundle(
            "selinux label is specified in config, but selinux is disabled or not supported".into(),
        )),
    }
}

fn check_namespaces(spec: &Spec) -> Result<()> {
    let namespaces = spec
        .linux()
        .as_ref()
        .and_then(|linux| linux.namespaces().as_ref());
    let mut seen = Vec::new();
    for namespace in namespaces.into_iter().flatten() {
        if seen.contains(&namespace.typ()) {
            return Err(Error::Bundle(format!(
                "malformed spec file: duplicated ns {:?}",
                namespace.typ().to_string()
            )));
        }
        seen.push(namespace.typ());
        if let Some(path) = namespace.path() {
            fs::symlink_metadata(path)
                .during(|| format!("namespace path: lstat {}", path.display()))?;
        }
    }
    if !seen.contains(&LinuxNamespaceType::Mount) {
        return Err(Error::Bundle(
            "a container without a mount namespace of its own is not supported".into(),
        ));
    }
    Ok(())
}

fn check_mount(mount: &Mount) -> Result<()> {
    let options = || mount.options().iter().flatten();
    let is_mapped = mount.uid_mappings().is_some()
        || options().any(|option| option == "idmap" || option == "ridmap");
    if is_mapped {
        // libcontainer 0.7 parses the mapping and mounts without it: files would belong to the wrong users
        return Err(Error::Bundle(format!(
            "mount {}: id-mapped mounts are not supported",
            mount.destination().display()
        )));
    }
    if let (true, Some(source)) = (is_bind(mount), mount.source()) {
        fs::metadata(source).during(|| {
            format!(
                "error mounting {:?} to rootfs at {:?}: stat {}",
                source.display().to_string(),
                mount.destination().display().to_string(),
                source.display()
            )
        })?;
    }
    Ok(())
}

pub fn is_bind(mount: &Mount) -> bool {
    let mut options = mount.options().iter().flatten();
    mount.typ().as_deref() == Some("bind")
        || options.any(|option| option == "bind" || option == "rbind")
}
