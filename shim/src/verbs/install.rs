//! `install` and `uninstall`: the runtime is registered with the engines of a host, or taken out again.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{print, text};
use crate::cli::Globals;
use crate::error::{Context, Error, Result};
use crate::grammar::{Options as _, options};
use crate::install::{self, Engine, Options, Report};

options! {
    /// register the runtime with container engines
    pub struct Install("install", "[docker] [containerd] [podman] [crio]") {
        /// show what would change, write nothing
        dry_run: bool,
        /// where the host's / is mounted (default: /)
        host_root: Option<PathBuf>,
        /// make it the default runtime
        default: bool,
        /// register sevorix-NAME, bound to this policy, for engines that pass no annotations
        policy: Option<String>,
        /// where the runtime is, as the host sees it (default: this program)
        binary: Option<PathBuf>,
    }
}

options! {
    /// take the runtime out of container engines' configuration
    pub struct Uninstall("uninstall", "[docker] [containerd] [podman] [crio]") {
        /// show what would change, write nothing
        dry_run: bool,
        /// where the host's / is mounted (default: /)
        host_root: Option<PathBuf>,
        /// take out sevorix-NAME only
        policy: Option<String>,
    }
}

pub fn install(_: &Globals, words: &[OsString]) -> Result<u8> {
    let (wanted, engines) = Install::read(words)?;
    let host_root = wanted.host_root.unwrap_or_else(|| "/".into());
    let options = Options {
        engines: named_or_found(engines, &host_root)?,
        dry_run: wanted.dry_run,
        binary: wanted.binary.map_or_else(|| this_program(&host_root), Ok)?,
        host_root,
        policy: wanted.policy,
        make_default: wanted.default,
    };
    tell(&install::install(&options)?)
}

pub fn uninstall(_: &Globals, words: &[OsString]) -> Result<u8> {
    let (wanted, engines) = Uninstall::read(words)?;
    let host_root = wanted.host_root.unwrap_or_else(|| "/".into());
    let options = Options {
        engines: if engines.is_empty() {
            Engine::ALL.to_vec()
        } else {
            named_or_found(engines, &host_root)?
        },
        dry_run: wanted.dry_run,
        binary: PACKAGED.into(),
        host_root,
        policy: wanted.policy,
        make_default: false,
    };
    tell(&install::uninstall(&options)?)
}

fn tell(report: &Report) -> Result<u8> {
    print(&report.to_string())
}

fn named_or_found(names: Vec<OsString>, host_root: &Path) -> Result<Vec<Engine>> {
    let named = names.into_iter().map(|name| Ok(text(name).parse()?));
    let named = named.collect::<Result<Vec<Engine>>>()?;
    let engines = if named.is_empty() {
        Engine::found_on(host_root)
    } else {
        named
    };
    match engines.is_empty() {
        true => Err(Error::Invalid(
            "no container engine was found on this host".into(),
        )),
        false => Ok(engines),
    }
}

/// Another host's files are not below our own path: there it is where packages put it.
fn this_program(host_root: &Path) -> Result<PathBuf> {
    if host_root != Path::new("/") {
        return Ok(PACKAGED.into());
    }
    Ok(std::env::current_exe().during(|| "find this program".into())?)
}

const PACKAGED: &str = "/usr/bin/sevorix";
