//! What a container has mounted, as the programs look it up: by superblock and by the path inside it.

use std::collections::BTreeMap;
use std::fs;

use sevorix_policy::{Components, Image};

use super::hash::{Hasher, literal_name};
use super::skeleton::types;
use super::tables;
use crate::{BpfError, Result};

const HERE: u32 = 1;
const BELOW: u32 = 2;

/// One line of mountinfo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// As the kernel has it in `s_dev`.
    pub device: u32,
    /// What of the superblock is mounted.
    pub root: Components,
    /// Where the container sees it.
    pub point: Components,
}

impl Mount {
    /// Those of a process, in its own view.
    pub fn of_process(pid: libc::pid_t) -> Result<Vec<Self>> {
        Self::listed(&mountinfo_of(pid)?)
    }

    /// What [`mountinfo_of`] told.
    pub fn listed(mountinfo: &[u8]) -> Result<Vec<Self>> {
        let lines = mountinfo
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        lines
            .map(|line| {
                Self::parse(line).ok_or_else(|| {
                    let line = String::from_utf8_lossy(line).into_owned();
                    BpfError::io(format!("understand the mount `{line}`"))(
                        std::io::ErrorKind::InvalidData.into(),
                    )
                })
            })
            .collect()
    }

    fn parse(line: &[u8]) -> Option<Self> {
        let mut fields = line.split(|byte| *byte == b' ').skip(2);
        let device = std::str::from_utf8(fields.next()?).ok()?;
        let (major, minor) = device.split_once(':')?;
        let (major, minor): (u32, u32) = (major.parse().ok()?, minor.parse().ok()?);
        Some(Self {
            device: major << 20 | minor,
            root: components(fields.next()?),
            point: components(fields.next()?),
        })
    }

    fn shown(&self) -> String {
        let parts: Vec<_> = self
            .point
            .iter()
            .map(|part| String::from_utf8_lossy(part))
            .collect();
        format!("/{}", parts.join("/"))
    }
}

/// What a process has mounted, as the kernel lists it.
pub fn mountinfo_of(pid: libc::pid_t) -> Result<Vec<u8>> {
    let path = format!("/proc/{pid}/mountinfo");
    fs::read(&path).map_err(BpfError::io(format!("read {path}")))
}

/// mountinfo writes blanks and backslashes as `\ooo`.
fn components(path: &[u8]) -> Components {
    let parts = path
        .split(|byte| *byte == b'/')
        .filter(|part| !part.is_empty());
    parts
        .map(|part| unescape(part).into_boxed_slice())
        .collect()
}

fn unescape(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let octal = after
            .get(..3)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) if *first == b'\\' => {
                plain.push(byte);
                rest = &after[3..];
            }
            _ => {
                plain.push(*first);
                rest = after;
            }
        }
    }
    plain
}

/// Fills the entries of one container, each of which tells the next. A superblock's part that is mounted twice must have the same rules in both places.
pub(super) fn entries(
    mounts: &[Mount],
    image: &Image,
    hasher: Hasher,
    slot: u32,
) -> Result<Vec<(types::mount_key, types::mount_node)>> {
    let mut places: BTreeMap<(u32, Components), types::mount_node> = BTreeMap::new();
    let mut shown: BTreeMap<(u32, Components), &Mount> = BTreeMap::new();
    let numbered = without_covered(mounts);
    let visible: Vec<&Mount> = numbered.iter().map(|(_, mount)| *mount).collect();
    for (number, mount) in numbered {
        if shown_by_wider(image, mount, &visible)? {
            continue;
        }
        let place = (mount.device, mount.root.clone());
        if let Some(other) = shown.get(&place) {
            same_rules(image, other, mount)?;
            continue;
        }
        shown.insert(place.clone(), mount);
        for length in 0..=mount.root.len() {
            let key = (mount.device, mount.root[..length].to_vec());
            let node = places
                .entry(key)
                .or_insert_with(|| way_to(&mount.root[..length], hasher));
            if length == mount.root.len() {
                let (start, beyond) = tables::deepest(image, hasher, &mount.point);
                node.flags |= HERE;
                node.entrance = types::entrance {
                    start,
                    beyond,
                    number: u32::try_from(number).unwrap_or(u32::MAX),
                    names: mount
                        .point
                        .last()
                        .map_or(0, |name| tables::answers_of_name(image, name)),
                };
            } else {
                node.flags |= BELOW;
            }
        }
    }
    let entry = |((device, root), node): ((u32, Components), types::mount_node)| {
        let place = tables::place(hasher, &root);
        (
            types::mount_key {
                place,
                slot,
                device,
            },
            node,
        )
    };
    let mut entries: Vec<_> = places.into_iter().map(entry).collect();
    let keys: Vec<types::mount_key> = entries.iter().map(|(key, _)| *key).collect();
    for ((_, node), next) in entries.iter_mut().zip(keys.iter().skip(1)) {
        node.next_place = next.place;
        node.next_device = next.device;
    }
    Ok(entries)
}

/// The device that "/" is mounted from, and where its paths begin, if it is all there and nothing of it anywhere else:
/// most walks end there, and need not look for their mount.
pub(super) fn root_of(
    mounts: &[Mount],
    entries: &[(types::mount_key, types::mount_node)],
    hasher: Hasher,
) -> Option<(u32, types::entrance)> {
    let root = mounts.iter().rfind(|mount| mount.point.is_empty())?;
    let is_whole = |(key, node): &&(types::mount_key, types::mount_node)| {
        key.device == root.device && key.place == hasher.root() && node.flags == HERE
    };
    let (key, node) = entries.iter().find(is_whole)?;
    Some((key.device, node.entrance))
}

fn way_to(path: &[Box<[u8]>], hasher: Hasher) -> types::mount_node {
    let mut node = types::mount_node::default();
    if let Some((last, parent)) = path.split_last() {
        node.parent = tables::place(hasher, parent);
        node.name = literal_name(last);
    }
    node
}

/// Whether another mount shows the same files, as one of /proc shows those of a /proc/sys that was made read-only. They
/// must have the same rules in both places; but /dev/null stays /dev/null whatever it is put over to mask it.
fn shown_by_wider(image: &Image, mount: &Mount, all: &[&Mount]) -> Result<bool> {
    let wider = all
        .iter()
        .filter(|other| other.device == mount.device && other.root.len() < mount.root.len());
    let found = wider.filter_map(|other| Some((other, mount.root.strip_prefix(&other.root[..])?)));
    let Some((wider, inside)) = found.max_by_key(|(other, _)| other.root.len()) else {
        return Ok(false);
    };
    let there = Mount {
        point: [&wider.point[..], inside].concat(),
        ..mount.clone()
    };
    if there.point != mount.point && there.shown() != "/dev/null" {
        same_rules(image, &there, mount)?;
    }
    Ok(true)
}

/// What is mounted over at the very same point can't be reached by that path any more.
fn without_covered(mounts: &[Mount]) -> Vec<(usize, &Mount)> {
    let last: BTreeMap<&Components, usize> = mounts
        .iter()
        .enumerate()
        .map(|(index, mount)| (&mount.point, index))
        .collect();
    let visible = |(index, mount): (usize, &'_ Mount)| last[&mount.point] == index;
    mounts
        .iter()
        .enumerate()
        .filter(|entry| visible(*entry))
        .collect()
}

/// Rules that hold for everything at and below one point must hold at the other.
fn same_rules(image: &Image, one: &Mount, other: &Mount) -> Result<()> {
    let same = image
        .answers(&one.point)
        .carry_the_same(&image.answers(&other.point))
        && image
            .deep_inside(&one.point)
            .carry_the_same(&image.deep_inside(&other.point))
        && !image.guards(&one.point)
        && !image.guards(&other.point);
    match same {
        true => Ok(()),
        false => Err(BpfError::TwoPaths {
            one: one.shown(),
            other: other.shown(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_mountinfo_is_a_device_a_root_and_a_point() {
        let line = br"36 35 98:1 /mnt1\0401 /mnt2/a\134b rw,noatime master:1 - ext3 /dev/root rw,errors=continue";
        let part = |text: &str| text.as_bytes().into();
        assert_eq!(
            Mount::parse(line),
            Some(Mount {
                device: 98 << 20 | 1,
                root: vec![part("mnt1 1")],
                point: vec![part("mnt2"), part(r"a\b")],
            })
        );
        assert_eq!(Mount::parse(b"36 35 98 /a /b"), None);
        assert_eq!(Mount::parse(b"36 35 98:1 /a"), None);
    }

    const HASHER: Hasher = Hasher { secret: 7 };

    fn empty_image() -> Image {
        let name = "empty".parse().expect("a name");
        let policy = sevorix_policy::Policy::parse(name, "empty.toml", "version = 1\n");
        sevorix_policy::compile(&policy.expect("a policy")).expect("it is small")
    }

    fn mounts(all: &[(&str, &str, &str)]) -> Vec<Mount> {
        let line = |(device, root, point): &(&str, &str, &str)| {
            let line = format!("36 35 {device} {root} {point} rw");
            Mount::parse(line.as_bytes()).expect("a line")
        };
        all.iter().map(line).collect()
    }

    #[test]
    fn a_root_is_told_where_it_is_whole_and_alone() {
        let root_of = |all: &[(&str, &str, &str)]| {
            let mounts = mounts(all);
            let entries = entries(&mounts, &empty_image(), HASHER, 3).expect("they agree");
            let root = root_of(&mounts, &entries, HASHER)?;
            assert_eq!(root.1.start, HASHER.root());
            assert_eq!(root.1.beyond, 0);
            Some(root.0)
        };
        let proc = ("99:2", "/", "/proc");
        assert_eq!(root_of(&[("98:1", "/", "/"), proc]), Some(98 << 20 | 1));
        assert_eq!(root_of(&[("98:1", "/image", "/"), proc]), None);
        assert_eq!(root_of(&[proc]), None);
        // the later one covers the first
        let covered = [("98:1", "/", "/"), ("97:1", "/", "/"), proc];
        assert_eq!(root_of(&covered), Some(97 << 20 | 1));
    }

    /// Whoever removes them follows the chain from the first one.
    #[test]
    fn each_entry_tells_the_next_one() {
        let mounts = mounts(&[
            ("98:1", "/", "/"),
            ("98:1", "/a/b", "/data"),
            ("99:2", "/", "/proc"),
        ]);
        let entries = entries(&mounts, &empty_image(), HASHER, 3).expect("they agree");
        assert!(entries.len() >= 2, "{}", entries.len());
        for pair in entries.windows(2) {
            let [(_, node), (next, _)] = pair else {
                unreachable!("windows of two");
            };
            assert_eq!(
                (node.next_place, node.next_device),
                (next.place, next.device)
            );
        }
    }
}
