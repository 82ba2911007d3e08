//! What crashes and earlier releases leave in the kernel, and that nothing in use goes with it.

use std::fs;
use std::path::{Path, PathBuf};

use libbpf_rs::{MapCore, MapFlags, MapHandle, MapType, libbpf_sys};
use nix::unistd::Pid;
use sevorix_bpf::floor::{self, Enforcer};

use crate::agent::{self, Cgroup, Outcome};
use crate::stage::{self, ROOTS, Stage};
use crate::{Result, told};

const PINS: &str = "/sys/fs/bpf/sevorix";

pub fn run(enforcer: &Enforcer, filter: &str) -> Result<usize> {
    if !"leftovers".contains(filter) {
        return Ok(0);
    }
    let mut failures = unused_policies(enforcer)?;
    failures += earlier_release(enforcer)?;
    Ok(failures)
}

fn report(name: &str, right: bool) -> usize {
    println!("{} leftovers: {name}", if right { "ok" } else { "FAILED" });
    usize::from(!right)
}

/// The tables of a few policies stay when nobody is under them, and not of every policy that there ever was.
fn unused_policies(enforcer: &Enforcer) -> Result<usize> {
    const MOST: usize = 4;
    let policies = MapHandle::from_pinned_path(pins_of(floor::NAME).join("maps/policies"))?;
    let known = || -> Result<usize> {
        let mut known = 0;
        for slot in 1..=64_u32 {
            let policy = policies.lookup(&slot.to_ne_bytes(), MapFlags::ANY)?;
            let id: Option<&[u8; 8]> = policy.as_deref().and_then(<[u8]>::first_chunk);
            known += usize::from(*id.ok_or("no policy")? != [0; 8]);
        }
        Ok(known)
    };
    for number in 0..2 * MOST {
        let text = format!(
            "version = 1\n[net]\nrules = [{{ cidr = \"10.{number}.0.0/16\", action = \"allow\" }}]\n"
        );
        Stage::new(enforcer, ROOTS[0], &stage::compiled(&text)?)?.end()?;
    }
    let left = known()?;
    println!("     {left} policies without a container");
    Ok(report(
        "a few policies that nobody is under stay",
        left == MOST,
    ))
}

fn earlier_release(enforcer: &Enforcer) -> Result<usize> {
    let is_there = || pins_of("earlier").exists();
    let swept = || -> Result<usize> { floor::sweep_earlier().map_err(told) };
    fs::create_dir_all(pins_of("earlier").join("maps"))?;
    let crashed = swept()?;
    let mut failures = report(
        "an earlier release's unfinished load",
        crashed == 1 && !is_there(),
    );

    let cgroup = Cgroup::new("floor-earlier")?;
    pin_earlier(&cgroup.path)?;
    let kept = swept()? == 0 && is_there();
    failures += report("the twin: an earlier release with a container stays", kept);
    // to register sweeps, too
    let stage = Stage::new(enforcer, ROOTS[0], &stage::image(ROOTS[0])?)?;
    drop(cgroup);
    let mut kept = false;
    let place = |pid: Pid| {
        enforcer
            .label(pid.as_raw(), stage.container, false)
            .map_err(told)?;
        kept = swept()? == 0 && is_there();
        Ok(())
    };
    let outcome = agent::run(place, || Ok(()))?;
    stage.end()?;
    let kept = kept && outcome == Outcome::Done;
    failures += report(
        "the twin: an earlier release with a labelled process stays",
        kept,
    );
    let gone = swept()? == 1 && !is_there();
    failures += report("an earlier release that nobody is under", gone);
    let own = pins_of(floor::NAME).exists();
    failures += report("the twin: this release's own floor stays", own);
    Ok(failures)
}

/// As an earlier release would have left it: its labels are the ones of this one.
fn pin_earlier(cgroup: &Path) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let maps = pins_of("earlier").join("maps");
    fs::create_dir_all(&maps)?;
    let mut containers = array("containers", 64)?;
    let mut container = vec![0; 64];
    container[..8].copy_from_slice(&fs::metadata(cgroup)?.ino().to_ne_bytes());
    containers.update(&1_u32.to_ne_bytes(), &container, MapFlags::ANY)?;
    containers.pin(maps.join("containers"))?;
    let agents = MapHandle::from_pinned_path(pins_of(floor::NAME).join("maps/agents"))?;
    pin_again(&agents, &maps.join("agents"))?;
    array("ready", 8)?.pin(pins_of("earlier").join("ready"))?;
    Ok(())
}

/// A second pin of a map that has one.
fn pin_again(map: &MapHandle, path: &Path) -> Result<()> {
    use std::os::fd::{AsFd, AsRawFd};
    let path = std::ffi::CString::new(path.as_os_str().as_encoded_bytes())?;
    // SAFETY: an open descriptor and a C string that outlives the call.
    match unsafe { libbpf_sys::bpf_obj_pin(map.as_fd().as_raw_fd(), path.as_ptr()) } {
        0 => Ok(()),
        error => Err(std::io::Error::from_raw_os_error(-error).into()),
    }
}

fn array(name: &str, value: u32) -> Result<MapHandle> {
    let options = libbpf_sys::bpf_map_create_opts {
        sz: size_of::<libbpf_sys::bpf_map_create_opts>() as u64,
        ..Default::default()
    };
    Ok(MapHandle::create(
        MapType::Array,
        Some(name),
        4,
        value,
        4,
        &options,
    )?)
}

fn pins_of(release: &str) -> PathBuf {
    Path::new(PINS).join(format!("v{release}"))
}
