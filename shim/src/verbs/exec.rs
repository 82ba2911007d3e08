//! `exec`: one more process in a running container.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use oci_spec::runtime::{Capability, Process};
use sevorix_container::{Container, ExecOptions};

use super::{text, wrong_count};
use crate::cli::Globals;
use crate::console::{self, Waiting};
use crate::error::{Context, Error, Result};
use crate::foreground::Foreground;
use crate::grammar::{Options, options};
use crate::socket;

options! {
    /// run one more process in a container
    pub struct Exec("exec", "ID [COMMAND [ARGUMENT]...]") ends {
        /// socket that receives the terminal
        console_socket: Option<PathBuf>,
        /// socket that receives a pidfd of the process
        pidfd_socket: Option<PathBuf>,
        /// folder to start in
        cwd: Option<PathBuf>,
        /// a variable, as NAME=VALUE
        'e' env: Vec<String>,
        /// give it a terminal
        't' tty: bool,
        /// who runs it, as UID or UID:GID
        'u' user: Option<String>,
        /// a supplementary group
        'g' additional_gids: Vec<u32>,
        /// file with the process as JSON, instead of a command
        'p' process: Option<PathBuf>,
        /// do not wait for its end
        'd' detach: bool,
        /// file for its pid
        pid_file: Option<PathBuf>,
        /// its SELinux label
        process_label: Option<String>,
        /// its AppArmor profile
        apparmor: Option<String>,
        /// it cannot gain privileges
        no_new_privs: bool,
        /// a capability to add
        'c' cap: Vec<String>,
        /// descriptors to pass on beside the standard streams and those of LISTEN_FDS
        preserve_fds: Option<u32>,
        /// a sub-cgroup of the container's to run in
        cgroup: Option<String>,
        /// also in a paused container
        ignore_paused: bool,
    }
}

/// runc's, so that a payload's own 1 can be told from it.
pub const FAILURE: u8 = 255;

pub fn run(globals: &Globals, words: &[OsString]) -> Result<u8> {
    let (options, mut operands) = Exec::read(words)?;
    if operands.is_empty() {
        return Err(wrong_count("exec", "a minimum of 1"));
    }
    let id = text(operands.remove(0));
    let container = globals.runtime()?.load(&id)?;
    let process = options.process(&container, operands)?;
    if options.detach {
        in_background(&container, process, options)
    } else {
        in_foreground(&container, process, options)
    }
}

fn in_background(container: &Container, process: Process, options: Exec) -> Result<u8> {
    let terminal = process.terminal() == Some(true);
    console::check_detached(terminal, options.console_socket.as_deref())?;
    let console = options
        .console_socket
        .as_deref()
        .map(socket::connect)
        .transpose()?;
    container.exec(process, options.into_exec(console)?)?;
    Ok(0)
}

fn in_foreground(container: &Container, process: Process, options: Exec) -> Result<u8> {
    let terminal = process.terminal() == Some(true);
    let (ours, theirs) = Waiting::if_wanted(terminal, options.console_socket.as_deref())?.unzip();
    let foreground = Foreground::begin()?;
    let pid = container.exec(process, options.into_exec(theirs)?)?;
    foreground.wait(pid, ours.map(Waiting::open).transpose()?)
}

impl Exec {
    fn into_exec(self, console: Option<OwnedFd>) -> Result<ExecOptions> {
        Ok(ExecOptions {
            pid_file: self.pid_file,
            console,
            pidfd_socket: self
                .pidfd_socket
                .as_deref()
                .map(socket::connect)
                .transpose()?,
            preserve_fds: super::passed_on(self.preserve_fds),
            sub_cgroup: self.cgroup,
            ignore_paused: self.ignore_paused,
        })
    }

    /// From the file, or the container's own process with what the options change.
    fn process(&self, container: &Container, command: Vec<OsString>) -> Result<Process> {
        if let Some(path) = &self.process {
            let text = std::fs::read(path).on("open", path)?;
            return serde_json::from_slice(&text).map_err(|source| Error::Json {
                path: path.clone(),
                source,
            });
        }
        if command.is_empty() {
            return Err(Error::Invalid("process args cannot be empty".into()));
        }
        let mut process = container.spec()?.process().clone().unwrap_or_default();
        process.set_args(Some(
            command.into_iter().map(argument).collect::<Result<_>>()?,
        ));
        self.change(&mut process)?;
        Ok(process)
    }

    fn change(&self, process: &mut Process) -> Result<()> {
        process.set_terminal(Some(self.tty));
        if let Some(folder) = &self.cwd {
            process.set_cwd(folder.clone());
        }
        if let Some(profile) = &self.apparmor {
            process.set_apparmor_profile(Some(profile.clone()));
        }
        if let Some(label) = &self.process_label {
            process.set_selinux_label(Some(label.clone()));
        }
        if self.no_new_privs {
            process.set_no_new_privileges(Some(true));
        }
        let mut variables = process.env().clone().unwrap_or_default();
        variables.extend(self.env.iter().cloned());
        process.set_env(Some(variables));
        self.change_user(process)?;
        self.add_capabilities(process)
    }

    fn change_user(&self, process: &mut Process) -> Result<()> {
        let mut user = process.user().clone();
        if let Some(wanted) = &self.user {
            let (uid, gid) = wanted
                .split_once(':')
                .map_or((wanted.as_str(), None), |(uid, gid)| (uid, Some(gid)));
            user.set_uid(id_of(uid)?);
            user.set_gid(gid.map_or(Ok(user.gid()), id_of)?);
        }
        let groups = user
            .additional_gids()
            .iter()
            .flatten()
            .chain(&self.additional_gids);
        let groups = groups.copied().collect();
        user.set_additional_gids(Some(groups));
        process.set_user(user);
        Ok(())
    }

    fn add_capabilities(&self, process: &mut Process) -> Result<()> {
        if self.cap.is_empty() {
            return Ok(());
        }
        let known = |name: &String| -> Result<Capability> {
            let unknown = |_| Error::Invalid(format!("unknown capability {name:?}"));
            serde_json::from_value(name.as_str().into()).map_err(unknown)
        };
        let added = self.cap.iter().map(known).collect::<Result<Vec<_>>>()?;
        let mut sets = process.capabilities().clone().unwrap_or_default();
        let with = |set: &Option<std::collections::HashSet<Capability>>| {
            Some(set.iter().flatten().chain(&added).copied().collect())
        };
        sets.set_bounding(with(sets.bounding()));
        sets.set_effective(with(sets.effective()));
        sets.set_permitted(with(sets.permitted()));
        process.set_capabilities(Some(sets));
        Ok(())
    }
}

/// config.json could not say it either.
fn argument(word: OsString) -> Result<String> {
    word.into_string()
        .map_err(|word| Error::Invalid(format!("argument {word:?} is not UTF-8")))
}

fn id_of(text: &str) -> Result<u32> {
    let wrong = |error| Error::Invalid(format!("parsing {text:?} as int: {error}"));
    text.parse().map_err(wrong)
}

#[cfg(test)]
mod tests {
    use oci_spec::runtime::User;

    use super::*;

    fn changed(words: &[&str]) -> Result<Process> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let (options, _) = Exec::read(&words)?;
        let mut process = Process::default();
        let mut user = User::default();
        user.set_uid(1)
            .set_gid(2)
            .set_additional_gids(Some(vec![3]));
        process.set_user(user).set_env(Some(vec!["A=1".into()]));
        options.change(&mut process).map(|()| process)
    }

    #[test]
    fn what_no_option_names_stays_as_inits() {
        let process = changed(&[]).expect("valid");
        let user = process.user();
        assert_eq!(
            (user.uid(), user.gid(), user.additional_gids()),
            (1, 2, &Some(vec![3]))
        );
        assert_eq!(process.terminal(), Some(false));
        assert_eq!(process.env(), &Some(vec!["A=1".into()]));
    }

    #[test]
    fn a_user_comes_with_a_group_or_without() {
        let process = changed(&["-u", "7:8", "-g", "9", "-e", "B=2"]).expect("valid");
        let user = process.user();
        assert_eq!(
            (user.uid(), user.gid(), user.additional_gids()),
            (7, 8, &Some(vec![3, 9]))
        );
        assert_eq!(process.env(), &Some(vec!["A=1".into(), "B=2".into()]));
        assert_eq!(changed(&["--user=7"]).expect("valid").user().gid(), 2);
        for wrong in ["root", "7:", "-1", "7:8:9", ""] {
            assert!(changed(&["--user", wrong]).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_capability_is_added_where_it_takes_effect() {
        let process = changed(&["--cap", "CAP_SYS_ADMIN"]).expect("valid");
        let sets = process.capabilities().clone().expect("sets");
        for set in [sets.bounding(), sets.effective(), sets.permitted()] {
            assert!(
                set.as_ref()
                    .is_some_and(|set| set.contains(&Capability::SysAdmin))
            );
        }
        assert!(changed(&["--cap", "CAP_NONE"]).is_err());
    }
}
