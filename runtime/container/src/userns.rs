//! A new user namespace with its mappings, made before libcontainer starts and joined by it.
//!
//! libcontainer writes a single mapping itself and runs newuidmap for more, which root does not need and a host need
//! not have. The kernel takes all lines in one write from root.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::PathBuf;

use nix::fcntl::OFlag;
use nix::sched::{CloneFlags, unshare};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork, pipe2};
use oci_spec::runtime::{Linux, LinuxIdMapping, LinuxNamespace, LinuxNamespaceType};

use crate::error::Context;
use crate::{Error, Result};

/// The namespace `linux` asks to be made, or None when it asks for none or for one that exists.
pub fn create(linux: &Linux) -> Result<Option<File>> {
    let is_new = |namespace: &LinuxNamespace| {
        namespace.typ() == LinuxNamespaceType::User && namespace.path().is_none()
    };
    if !linux.namespaces().iter().flatten().any(is_new) {
        return Ok(None);
    }
    let uids = lines("uid", linux.uid_mappings().as_deref())?;
    let gids = lines("gid", linux.gid_mappings().as_deref())?;
    let (ready, mut tell_ready) = pipe()?;
    let (done, tell_done) = pipe()?;
    // SAFETY: the runtime has one thread, so the child may go on in any code; it never returns.
    match unsafe { fork() }.during(|| "fork".into())? {
        ForkResult::Child => {
            drop((ready, tell_done));
            if unshare(CloneFlags::CLONE_NEWUSER).is_ok() && tell_ready.write_all(b"!").is_ok() {
                // until the mappings are written, or until the runtime has gone
                let _ = (&done).read(&mut [0]);
            }
            std::process::exit(0)
        }
        ForkResult::Parent { child } => {
            drop((tell_ready, done));
            let namespace = map(child, ready, &uids, &gids);
            drop(tell_done);
            let _ = waitpid(child, None);
            namespace.map(Some)
        }
    }
}

fn map(child: Pid, mut ready: File, uids: &str, gids: &str) -> Result<File> {
    let mut byte = [0];
    if ready
        .read(&mut byte)
        .during(|| "wait for a user namespace".into())?
        == 0
    {
        return Err(Error::Process(
            "unshare user namespace: refused by the kernel".into(),
        ));
    }
    let path = |name: &str| PathBuf::from(format!("/proc/{child}/{name}"));
    for (name, mappings) in [("uid_map", uids), ("gid_map", gids)] {
        fs::write(path(name), mappings).during(|| format!("write {name} {mappings:?}"))?;
    }
    File::open(path("ns/user")).on("open namespace", &path("ns/user"))
}

/// One line a mapping, as /proc/PID/uid_map takes them.
fn lines(kind: &str, mappings: Option<&[LinuxIdMapping]>) -> Result<String> {
    let mappings = mappings.unwrap_or_default();
    if mappings.is_empty() {
        return Err(Error::Bundle(format!(
            "user namespaces enabled, but no {kind} mappings found"
        )));
    }
    let line = |mapping: &LinuxIdMapping| {
        format!(
            "{} {} {}\n",
            mapping.container_id(),
            mapping.host_id(),
            mapping.size()
        )
    };
    Ok(mappings.iter().map(line).collect())
}

fn pipe() -> Result<(File, File)> {
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC).during(|| "open a pipe".into())?;
    Ok((reader.into(), writer.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mapping_is_a_line_and_none_is_an_error() {
        let linux: Linux = serde_json::from_str(
            r#"{"namespaces":[{"type":"user"}],"uidMappings":[{"containerID":0,"hostID":1000,"size":1},
                {"containerID":1,"hostID":5000,"size":10}]}"#,
        )
        .expect("a linux section");
        assert_eq!(
            lines("uid", linux.uid_mappings().as_deref()).expect("mappings"),
            "0 1000 1\n1 5000 10\n"
        );
        assert!(lines("gid", linux.gid_mappings().as_deref()).is_err());
        let joined: Linux =
            serde_json::from_str(r#"{"namespaces":[{"type":"user","path":"/proc/1/ns/user"}]}"#)
                .expect("a linux section");
        assert!(create(&joined).expect("nothing to make").is_none());
    }
}
