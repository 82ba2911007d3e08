//! Once per boot: the object is loaded, attached, tried out and pinned.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
use std::mem::MaybeUninit;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use libbpf_rs::btf::types::{Func, FuncProto};
use libbpf_rs::btf::{Btf, ReferencesType};
use libbpf_rs::skel::{OpenSkel, Skel, SkelBuilder};
use libbpf_rs::{Link, MapCore, MapHandle, Object, ProgramMut};

use super::pins::{self, Maps};
use super::skeleton::{FloorSkelBuilder, OpenFloorSkel};
use super::{Boot, canary};
use crate::{BpfError, Result};

const RUN: &str = "/run/sevorix-floor";

/// Hooks that not every kernel above the floor has, and what stands in for each.
const OPTIONAL: [(&str, &str); 5] = [
    (
        "inode_set_acl",
        "inode_setxattr (inode_set_acl came with 6.2)",
    ),
    (
        "inode_remove_acl",
        "inode_removexattr (inode_remove_acl came with 6.2)",
    ),
    (
        "file_ioctl_compat",
        "file_ioctl (file_ioctl_compat came with 6.8)",
    ),
    (
        "file_truncate",
        "inode_setattr (file_truncate came with 6.2)",
    ),
    (
        "path_truncate",
        "inode_setattr (without CONFIG_SECURITY_PATH there is no path_truncate)",
    ),
];

/// Held while the state of the floor is read and changed. It ends with the file, however the process ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub fn take() -> Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o711)
            .create(RUN)
            .map_err(BpfError::io(format!("make the folder {RUN}")))?;
        let path = Path::new(RUN).join("bpf.lock");
        let failed = || BpfError::io(format!("lock {}", path.display()));
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(failed())?;
        file.lock().map_err(failed())?;
        Ok(Self { _file: file })
    }
}

/// The maps of this boot, loaded by whoever comes first.
pub(super) fn ensure(lock: &Lock) -> Result<Maps> {
    if pins::is_ready() {
        return Ok(Maps::pinned());
    }
    check_host()?;
    load(lock)?;
    Ok(Maps::pinned())
}

/// What must hold before anything is loaded. With `bpf` missing from the list everything below would succeed and nothing
/// would be enforced.
pub(super) fn check_host() -> Result<()> {
    const LIST: &str = "/sys/kernel/security/lsm";
    let active = fs::read_to_string(LIST).map_err(|error| BpfError::Host {
        lack: format!("{LIST} can't be read ({error})"),
        fix: "mount it: mount -t securityfs securityfs /sys/kernel/security".into(),
    })?;
    if !active.trim().split(',').any(|name| name == "bpf") {
        return Err(BpfError::Host {
            lack: format!("`bpf` is not among the active LSMs ({})", active.trim()),
            fix: format!("boot with lsm={},bpf", active.trim()),
        });
    }
    if !Path::new("/sys/kernel/btf/vmlinux").exists() {
        return Err(BpfError::Host {
            lack: "the kernel does not describe its types (no /sys/kernel/btf/vmlinux)".into(),
            fix: "use a kernel built with CONFIG_DEBUG_INFO_BTF".into(),
        });
    }
    pins::pin_file_system().map(drop)
}

fn load(lock: &Lock) -> Result<()> {
    let boot = Boot {
        // odd, for keys are multiplied by it
        secret: random()? | 1,
        next_epoch: 1,
        // slot 0 is nobody's
        containers_end: 1,
        policies_end: 1,
    };
    let mut storage = MaybeUninit::uninit();
    let mut open = FloorSkelBuilder::default()
        .open(&mut storage)
        .map_err(BpfError::floor("read the floor's object"))?;
    choose_programs(&mut open)?;
    let rodata = open
        .maps
        .rodata_data
        .as_deref_mut()
        .expect("the object has read-only data");
    rodata.secret = boot.secret;
    let mut loaded = open
        .load()
        .map_err(BpfError::floor("load the floor's programs"))?;
    let object = loaded.object_mut();
    let links = attach(object)?;
    let mut ready = pins::make_ready_map(boot)?;
    canary::must_sing(lock, &maps_of(object, &ready)?)?;
    pin(object, links, &mut ready)
}

pub(super) fn random() -> Result<u64> {
    let mut bytes = [0; 8];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(BpfError::io("read /dev/urandom"))?;
    Ok(u64::from_ne_bytes(bytes))
}

/// By what the kernel's BTF has, never by its version.
fn choose_programs(open: &mut OpenFloorSkel<'_>) -> Result<()> {
    let kernel = Btf::from_vmlinux().map_err(BpfError::floor("read the kernel's BTF"))?;
    let arguments = |hook: &str| {
        let function = kernel.type_by_name::<Func<'_>>(&format!("bpf_lsm_{hook}"))?;
        let prototype = FuncProto::try_from(function.referenced_type()).ok()?;
        Some(prototype.iter().count())
    };
    let mut missing = BTreeSet::new();
    for mut program in open.open_object_mut().progs_mut() {
        let name = program.name().to_string_lossy().into_owned();
        let section = program.section().to_string_lossy().into_owned();
        let Some(hook) = hook_of(&section) else {
            continue;
        };
        match (arguments(hook), name.as_str()) {
            (None, _) => {
                program.set_autoload(false);
                missing.insert(hook.to_string());
            }
            (Some(count), "set_attributes") => program.set_autoload(count == 3),
            (Some(count), "set_attributes_6_1") => program.set_autoload(count == 2),
            _ => {}
        }
    }
    missing.retain(|hook| !OPTIONAL.iter().any(|(optional, _)| optional == hook));
    match missing.first() {
        None => Ok(()),
        Some(hook) => Err(BpfError::Host {
            lack: format!("the kernel has no LSM hook {hook} that a program can be attached to"),
            fix: "use Linux 6.1 or newer with CONFIG_BPF_LSM".into(),
        }),
    }
}

fn attach(object: &mut Object) -> Result<Vec<(String, Link)>> {
    let programs = object
        .progs_mut()
        .filter(|program| program.autoload() && is_hook(program));
    programs
        .map(|program| {
            let name = program.name().to_string_lossy().into_owned();
            let link = program
                .attach_lsm()
                .map_err(BpfError::floor(format!("attach the program {name}")))?;
            Ok((name, link))
        })
        .collect()
}

/// The others are attached to the cgroup of each container.
fn is_hook(program: &ProgramMut<'_>) -> bool {
    hook_of(&program.section().to_string_lossy()).is_some()
}

/// `lsm.s`: it may sleep.
fn hook_of(section: &str) -> Option<&str> {
    let section = section.strip_prefix("lsm")?;
    section
        .strip_prefix(".s")
        .unwrap_or(section)
        .strip_prefix('/')
}

pub(super) fn maps_of(object: &Object, ready: &MapHandle) -> Result<Maps> {
    let find = |wanted: &str| {
        let map = object
            .maps()
            .find(|map| name_of(&map.name().to_string_lossy()) == wanted);
        let map = map.unwrap_or_else(|| panic!("the object has a map {wanted}"));
        MapHandle::try_from(&map).map_err(BpfError::floor(format!("open the map {wanted}")))
    };
    let ready = MapHandle::try_from(ready).map_err(BpfError::floor("open the map ready"))?;
    Maps::find(find, ready)
}

/// libbpf names the maps of data sections after the object and the section; the BPF file system takes no dot.
fn name_of(map: &str) -> &str {
    map.rsplit('.').next().unwrap_or(map)
}

/// A link that is pinned stays when its handle is dropped: from here on the kernel enforces without us.
fn pin(object: &mut Object, links: Vec<(String, Link)>, ready: &mut MapHandle) -> Result<()> {
    let folder = pins::make_folder()?;
    for mut map in object.maps_mut() {
        let name = map.name().to_string_lossy().into_owned();
        let path = folder.join("maps").join(name_of(&name));
        map.pin(&path)
            .map_err(BpfError::floor(format!("pin {}", path.display())))?;
    }
    for mut program in object
        .progs_mut()
        .filter(|program| program.autoload() && !is_hook(program))
    {
        let path = folder.join("programs").join(program.name());
        program
            .pin(&path)
            .map_err(BpfError::floor(format!("pin {}", path.display())))?;
    }
    for (name, mut link) in links {
        let path = folder.join("links").join(&name);
        link.pin(&path)
            .map_err(BpfError::floor(format!("pin {}", path.display())))?;
    }
    pins::pin_ready(ready)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_of_data_sections_have_the_name_of_the_section() {
        assert_eq!(name_of("floor_bp.rodata"), "rodata");
        assert_eq!(name_of(".data.gate"), "gate");
        assert_eq!(name_of("agents"), "agents");
    }
}
