//! The engines that can be told of a runtime.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use super::host::Host;
use super::{ConfigFile, Error, Runtime, containerd, crio, docker, podman};

/// A container engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Docker,
    Containerd,
    Podman,
    Crio,
}

impl Engine {
    pub const ALL: [Self; 4] = [Self::Docker, Self::Containerd, Self::Podman, Self::Crio];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Containerd => "containerd",
            Self::Podman => "podman",
            Self::Crio => "crio",
        }
    }

    /// The engines whose program is on the host.
    pub fn found_on(host_root: &Path) -> Vec<Self> {
        let is_there = |engine: &Self| {
            let program = engine.program();
            let mut folders = ["usr/bin", "usr/sbin", "usr/local/bin", "usr/local/sbin"].iter();
            folders.any(|folder| host_root.join(folder).join(program).exists())
        };
        Self::ALL.into_iter().filter(is_there).collect()
    }

    /// What makes the engine read its configuration again; nothing does for one without a daemon.
    pub(super) fn command_to_run(self) -> Option<&'static str> {
        match self {
            Self::Docker => Some("systemctl reload docker"),
            Self::Containerd => Some("systemctl restart containerd"),
            Self::Podman => None,
            Self::Crio => Some("systemctl reload crio"),
        }
    }

    pub(super) fn files_to_install(self, host: &Host, runtime: &Runtime) -> Result<Files, Error> {
        self.check_policy(runtime)?;
        match self {
            Self::Docker => Ok(docker::files(runtime)),
            Self::Containerd => containerd::files_to_install(host, runtime),
            Self::Podman => podman::files(host, runtime),
            Self::Crio => crio::files(host, runtime),
        }
    }

    pub(super) fn files_to_uninstall(self, host: &Host, runtime: &Runtime) -> Result<Files, Error> {
        self.check_policy(runtime)?;
        match self {
            Self::Docker => Ok(docker::files(runtime)),
            Self::Containerd => containerd::files_to_uninstall(host),
            Self::Podman => Ok(podman::files_to_uninstall()),
            Self::Crio => Ok(crio::files_to_uninstall()),
        }
    }

    /// Only Docker's older releases pass no annotations.
    fn check_policy(self, runtime: &Runtime) -> Result<(), Error> {
        match runtime.policy {
            Some(_) if self != Self::Docker => Err(Error::PolicyNotNeeded { engine: self }),
            _ => Ok(()),
        }
    }

    fn program(self) -> &'static str {
        match self {
            Self::Docker => "dockerd",
            Self::Containerd => "containerd",
            Self::Podman => "podman",
            Self::Crio => "crio",
        }
    }
}

pub(super) type Files = Vec<Box<dyn ConfigFile>>;

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Engine {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|engine| engine.as_str() == name);
        found.ok_or_else(|| Error::UnknownEngine {
            name: name.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::TestHost;
    use super::*;

    #[test]
    fn engines_are_found_by_their_programs() {
        let host = TestHost::new(Engine::Docker);
        let root = host.options().host_root;
        assert_eq!(Engine::found_on(&root), []);
        host.put("/usr/bin/podman", "");
        host.put("/usr/local/sbin/dockerd", "");
        assert_eq!(Engine::found_on(&root), [Engine::Docker, Engine::Podman]);
    }

    #[test]
    fn engines_have_one_name() {
        for engine in Engine::ALL {
            assert_eq!(engine.to_string().parse::<Engine>().ok(), Some(engine));
        }
        let error = "dockerd".parse::<Engine>().expect_err("unknown");
        assert_eq!(
            error.hint(),
            "the engines are docker, containerd, podman, crio"
        );
    }
}
