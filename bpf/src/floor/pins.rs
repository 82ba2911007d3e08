//! The maps of the loaded object: pinned under /sys/fs/bpf, so that they and the programs outlive every process.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use libbpf_rs::{MapCore, MapFlags, MapHandle, MapType};

use super::Boot;
use super::bytes::{Abi, bytes, value};
use super::cgroup::{c_string, magic_of};
use crate::{BpfError, Result};

const FILE_SYSTEM: &str = "/sys/fs/bpf";
const FOLDER: &str = "/sys/fs/bpf/sevorix";
/// Pinned last: without it the folder is what a crash left.
const READY: &str = "ready";

/// The folder of this very object's pins.
pub(super) fn folder() -> PathBuf {
    Path::new(FOLDER).join(format!("v{}", super::NAME))
}

pub(super) fn is_ready() -> bool {
    is_complete(&folder())
}

pub(super) fn is_complete(folder: &Path) -> bool {
    folder.join(READY).exists()
}

/// The file system that pins live in must be there; nothing is mounted behind the operator's back.
pub fn pin_file_system() -> Result<PathBuf> {
    const MAGIC: i64 = 0xcafe_4a11;
    let path = c_string(Path::new(FILE_SYSTEM))?;
    match magic_of(&path) {
        Ok(MAGIC) => Ok(FILE_SYSTEM.into()),
        _ => Err(BpfError::Host {
            lack: format!("there is no BPF file system at {FILE_SYSTEM}"),
            fix: format!("mount it: mount -t bpf -o mode=700 bpf {FILE_SYSTEM}"),
        }),
    }
}

/// An empty folder for the pins; what a crash left in it is removed, links and all.
pub(super) fn make_folder() -> Result<PathBuf> {
    let folder = folder();
    if folder.exists() {
        remove(&folder)?;
    }
    for name in ["maps", "programs", "links"] {
        let path = folder.join(name);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .map_err(BpfError::io(format!("make the folder {}", path.display())))?;
    }
    Ok(folder)
}

pub(super) fn remove(folder: &Path) -> Result<()> {
    fs::remove_dir_all(folder).map_err(BpfError::io(format!("remove {}", folder.display())))
}

/// A map of the floor. It is opened when it is first needed: most callers need few of them.
#[derive(Debug)]
pub(super) struct Table {
    name: &'static str,
    handle: OnceLock<MapHandle>,
}

/// What can be written and read like a map.
pub(super) trait Opened {
    fn opened(&self) -> Result<&MapHandle>;
}

impl Opened for MapHandle {
    fn opened(&self) -> Result<&MapHandle> {
        Ok(self)
    }
}

impl Opened for Table {
    fn opened(&self) -> Result<&MapHandle> {
        if let Some(handle) = self.handle.get() {
            return Ok(handle);
        }
        let handle = open(&folder().join(self.name))?;
        Ok(self.handle.get_or_init(|| handle))
    }
}

impl Table {
    fn pinned(name: &'static str) -> Self {
        Self {
            name,
            handle: OnceLock::new(),
        }
    }

    /// One that is not pinned yet.
    fn of(handle: MapHandle) -> Self {
        Self {
            name: "",
            handle: OnceLock::from(handle),
        }
    }
}

macro_rules! maps {
    ($($name:ident,)*) => {
        /// The maps that the Rust side writes and reads.
        #[derive(Debug)]
        pub(super) struct Maps {
            $(pub $name: Table,)*
            pub ready: Table,
        }

        impl Maps {
            /// Those of an object that has just been loaded.
            pub fn find(mut one: impl FnMut(&str) -> Result<MapHandle>, ready: MapHandle) -> Result<Self> {
                Ok(Self {
                    $($name: Table::of(one(stringify!($name))?),)*
                    ready: Table::of(ready),
                })
            }

            pub fn pinned() -> Self {
                Self {
                    $($name: Table::pinned(concat!("maps/", stringify!($name))),)*
                    ready: Table::pinned(READY),
                }
            }
        }
    };
}

maps! {
    agents,
    containers,
    cgroups,
    gate,
    policies,
    policy_paths,
    policy_names,
    policy_words,
    policy_nets,
    policy_port_sets,
    networks,
    mounts,
    counters,
    grants,
    asked_lines,
    tags,
    events,
    bss,
}

impl Maps {
    pub fn boot(&self) -> Result<Boot> {
        get(&self.ready, &0_u32)
    }
}

pub(super) fn open(path: &Path) -> Result<MapHandle> {
    MapHandle::from_pinned_path(path).map_err(BpfError::floor(format!("open {}", path.display())))
}

/// Bears what the boot's programs were loaded with; pinning it says that they are all there.
pub(super) fn make_ready_map(boot: Boot) -> Result<MapHandle> {
    let ready = new_map(
        MapType::Array,
        "sevorix_ready",
        size_of::<u32>(),
        size_of::<Boot>(),
        1,
    )?;
    set(&ready, &0_u32, &boot)?;
    Ok(ready)
}

pub(super) fn pin_ready(ready: &mut MapHandle) -> Result<()> {
    let path = folder().join(READY);
    ready
        .pin(&path)
        .map_err(BpfError::floor(format!("pin {}", path.display())))
}

pub(super) fn new_map(
    kind: MapType,
    name: &str,
    key: usize,
    value: usize,
    entries: usize,
) -> Result<MapHandle> {
    new_map_with(kind, 0, name, key, value, entries)
}

/// `flags`: those of the table that the outer map was declared with, or it does not go there.
pub(super) fn new_map_with(
    kind: MapType,
    flags: u32,
    name: &str,
    key: usize,
    value: usize,
    entries: usize,
) -> Result<MapHandle> {
    let size = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let options = libbpf_rs::libbpf_sys::bpf_map_create_opts {
        sz: size_of::<libbpf_rs::libbpf_sys::bpf_map_create_opts>() as u64,
        map_flags: flags,
        ..Default::default()
    };
    MapHandle::create(
        kind,
        Some(name),
        size(key),
        size(value),
        size(entries),
        &options,
    )
    .map_err(BpfError::floor(format!(
        "make the map {name} with {entries} entries"
    )))
}

pub(super) fn set<K: Abi, V: Abi>(map: &impl Opened, key: &K, new: &V) -> Result<()> {
    let map = map.opened()?;
    map.update(bytes(key), bytes(new), MapFlags::ANY)
        .map_err(BpfError::floor(format!(
            "write to the map {}",
            map.name().display()
        )))
}

pub(super) fn get<K: Abi, V: Abi>(map: &impl Opened, key: &K) -> Result<V> {
    let map = map.opened()?;
    find(map, key)?.ok_or_else(|| {
        let doing = format!("read the map {}", map.name().display());
        BpfError::io(doing)(std::io::ErrorKind::NotFound.into())
    })
}

pub(super) fn find<K: Abi, V: Abi>(map: &impl Opened, key: &K) -> Result<Option<V>> {
    let map = map.opened()?;
    let found = map
        .lookup(bytes(key), MapFlags::ANY)
        .map_err(BpfError::floor(format!(
            "read the map {}",
            map.name().display()
        )))?;
    Ok(found.and_then(|bytes| value(&bytes)))
}

/// Missing is as good as removed.
pub(super) fn remove_entry<K: Abi>(map: &impl Opened, key: &K) -> Result<()> {
    let map = map.opened()?;
    match map.delete(bytes(key)) {
        Err(error) if error.kind() == libbpf_rs::ErrorKind::NotFound => Ok(()),
        answer => answer.map_err(BpfError::floor(format!(
            "remove from the map {}",
            map.name().display()
        ))),
    }
}

/// The first entries of an array, in one system call.
pub(super) fn first_entries<V: Abi>(map: &impl Opened, count: u32) -> Result<Vec<(u32, V)>> {
    let map = map.opened()?;
    let failed = || BpfError::floor(format!("list the map {}", map.name().display()));
    if count == 0 {
        return Ok(Vec::new());
    }
    let batch = map
        .lookup_batch(count, MapFlags::ANY, MapFlags::ANY)
        .map_err(failed())?;
    let entries = batch.filter_map(|(key, found)| Some((value(&key)?, value(&found)?)));
    Ok(entries
        .take(usize::try_from(count).unwrap_or(usize::MAX))
        .collect())
}

/// Many entries in one system call.
pub(super) fn set_all<K: Abi, V: Abi>(map: &impl Opened, entries: &[(K, V)]) -> Result<()> {
    let map = map.opened()?;
    let keys: Vec<u8> = entries
        .iter()
        .flat_map(|(key, _)| bytes(key))
        .copied()
        .collect();
    let values: Vec<u8> = entries
        .iter()
        .flat_map(|(_, value)| bytes(value))
        .copied()
        .collect();
    let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
    if count == 0 {
        return Ok(());
    }
    map.update_batch(&keys, &values, count, MapFlags::ANY, MapFlags::ANY)
        .map_err(BpfError::floor(format!(
            "write to the map {}",
            map.name().display()
        )))
}
