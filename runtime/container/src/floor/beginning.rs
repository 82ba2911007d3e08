//! Since when the container can have written files.
//!
//! An engine starts a container again over the layer that its earlier life wrote to. That layer was made for this
//! container, and nothing in it is older.

use std::fs;
use std::time::SystemTime;

use nix::unistd::Pid;

/// `None`: since now. A root without such a layer may hold an image that was unpacked a moment ago.
pub(crate) fn of_root(init: Pid, mountinfo: &[u8]) -> Option<SystemTime> {
    if !root_has_a_writable_layer(&String::from_utf8_lossy(mountinfo)) {
        return None;
    }
    // of an overlay's root that is the birth of its writable folder
    let root = fs::metadata(format!("/proc/{init}/root"));
    root.and_then(|data| data.created()).ok()
}

/// The last one that is mounted there counts.
fn root_has_a_writable_layer(mountinfo: &str) -> bool {
    let point = |line: &str| line.split(' ').nth(4).map(str::to_owned);
    let mut lines = mountinfo.lines().rev();
    let root = lines.find(|line| point(line).as_deref() == Some("/"));
    let Some((_, source)) = root.and_then(|line| line.split_once(" - ")) else {
        return false;
    };
    let mut words = source.split(' ');
    let is_overlay = words.next() == Some("overlay");
    let options = words.nth(1).unwrap_or_default();
    is_overlay
        && options
            .split(',')
            .any(|option| option.starts_with("upperdir="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_overlay_with_an_upper_folder_was_made_for_the_container() {
        let line = |point: &str, rest: &str| {
            format!("30 20 0:26 / {point} rw,relatime shared:1 - {rest}\n")
        };
        let layered = line("/", "overlay overlay rw,lowerdir=/l,upperdir=/u,workdir=/w");
        let read_only = line("/", "overlay overlay ro,lowerdir=/a:/b");
        let plain = line("/", "ext4 /dev/vda rw");
        let elsewhere = line(
            "/data",
            "overlay overlay rw,lowerdir=/l,upperdir=/u,workdir=/w",
        );
        assert!(root_has_a_writable_layer(&layered));
        assert!(root_has_a_writable_layer(&(layered.clone() + &elsewhere)));
        assert!(root_has_a_writable_layer(&(plain.clone() + &layered)));
        let last_is_plain = layered + &plain;
        let only_elsewhere = plain.clone() + &elsewhere;
        for text in [
            read_only,
            plain,
            only_elsewhere,
            last_is_plain,
            String::new(),
        ] {
            assert!(!root_has_a_writable_layer(&text), "{text}");
        }
    }
}
