//! What a service is asked: who wants to do what, with what the kernel says of it apart from what the agent says.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;

use sevorix_container::floor::Subject;
use sevorix_policy::Protocol;
use sevorix_verdict::{
    Ancestor, Bytes, Digest, Exe, Facts, Fd, Gate, Label, Net, Op, Proto, Question, Risk, Tainted,
    TaintedFacts,
};

use crate::execution::Execution;
use crate::opening::{Opening, What, bytes};
use crate::reach::Goal;
use crate::thread::{Thread, field};

/// What is the same in all questions about a container.
#[derive(Debug, Clone)]
pub struct About {
    pub container: Label,
    pub policy: Digest,
}

/// What a thread was found to be.
#[derive(Debug, Clone)]
pub struct Actor {
    uid: u32,
    comm: String,
    exe: Option<Exe>,
    fds: BTreeMap<Fd, Label>,
    ancestors: Vec<Ancestor>,
    cwd: Option<Tainted<Bytes>>,
}

/// A question is a frame of at most 64 KiB; escaped, a byte may take six.
const WORDS_MOST: usize = 256;
const BYTES_MOST: usize = 8 * 1024;
const ANCESTORS_MOST: usize = 8;
/// Nobody could see what is hidden among more.
pub const VARIABLES_MOST: usize = 512;
const NAME_MOST: usize = 64;

impl About {
    pub fn exec(
        &self,
        actor: &Actor,
        execution: &Execution,
        variables: &[Vec<u8>],
        rule: Label,
        written: bool,
    ) -> Question {
        let program = execution.program();
        let (argv, whole) = bounded(execution.line.words());
        self.question(Op::Exec, "bprm_check_security", actor, rule, |question| {
            question.facts.exe = Some(Exe {
                dev: program.stat.st_dev,
                ino: program.stat.st_ino,
                sha256: None,
                layer: None,
            });
            question.facts.writable_exe = written;
            question.tainted = TaintedFacts {
                argv,
                argv_total: u32::try_from(execution.line.words().len()).unwrap_or(u32::MAX),
                argv_truncated: !whole,
                path: Some(Tainted::from_bytes(bytes(&program.path))),
                cwd: actor.cwd.clone(),
                env_names: names(variables),
            };
        })
    }

    pub fn reach(&self, actor: &Actor, goal: &Goal, send: bool, rule: Label) -> Question {
        let (op, hook) = match send {
            true => (Op::Send, "socket_sendmsg"),
            false => (Op::Connect, "socket_connect"),
        };
        self.question(op, hook, actor, rule, |question| {
            question.facts.exe = actor.exe.clone();
            question.facts.net = Some(Net {
                ip: goal.ip(),
                port: goal.address.port,
                proto: match goal.protocol {
                    Protocol::Tcp => Proto::Tcp,
                    Protocol::Udp => Proto::Udp,
                },
                host: None,
            });
            question.tainted.cwd = actor.cwd.clone();
        })
    }

    pub fn open(&self, actor: &Actor, opening: &Opening, rule: Label) -> Question {
        let (op, hook) = match opening.what {
            What::Open { .. } => (Op::Open, "file_open"),
            What::Create { .. } => (Op::Create, "inode_create"),
        };
        self.question(op, hook, actor, rule, |question| {
            question.facts.exe = actor.exe.clone();
            question.tainted.path = Some(Tainted::from_bytes(bytes(&opening.path)));
            question.tainted.cwd = actor.cwd.clone();
        })
    }

    fn question(
        &self,
        op: Op,
        hook: &str,
        actor: &Actor,
        rule: Label,
        add: impl FnOnce(&mut Question),
    ) -> Question {
        let mut question = Question {
            op,
            rule,
            // no rule says more yet: what only a person may decide is not put to a service
            risk: Risk::Low,
            policy: self.policy,
            facts: Facts {
                hook: Label::new(hook).expect("a hook's name is a label"),
                container: self.container.clone(),
                uid: actor.uid,
                exe: None,
                fds: actor.fds.clone(),
                ancestors: actor.ancestors.clone(),
                net: None,
                taint: Vec::new(),
                gate: Gate::Open,
                writable_exe: false,
            },
            tainted: TaintedFacts::default(),
            intent: None,
            history: Vec::new(),
        };
        add(&mut question);
        question
    }
}

impl Actor {
    pub fn subject(&self, thread: Thread) -> Subject {
        Subject {
            pid: thread.tid.cast_unsigned(),
            uid: self.uid,
            comm: self.comm.clone(),
        }
    }

    pub fn of(thread: Thread) -> nix::Result<Self> {
        let status = thread.status()?;
        // real, effective, saved, of file accesses
        let uid =
            field(&status, "Uid:").and_then(|ids| ids.split_whitespace().nth(1)?.parse().ok());
        let cwd = fs::read_link(thread.proc("cwd")).ok();
        Ok(Self {
            uid: uid.ok_or(nix::errno::Errno::ESRCH)?,
            comm: field(&status, "Name:").unwrap_or_default().trim().into(),
            exe: exe(thread),
            fds: (0..3)
                .filter_map(|number| Some((Fd(number), kind(thread, number)?)))
                .collect(),
            ancestors: ancestors(&status),
            cwd: cwd.map(|path| Tainted::from_bytes(path.into_os_string().into_encoded_bytes())),
        })
    }
}

fn exe(thread: Thread) -> Option<Exe> {
    let data = fs::metadata(thread.proc("exe")).ok()?;
    Some(Exe {
        dev: data.dev(),
        ino: data.ino(),
        sha256: None,
        layer: None,
    })
}

/// What a descriptor is open on, by the name that /proc gives it.
fn kind(thread: Thread, number: u32) -> Option<Label> {
    let target = fs::read_link(thread.proc(&format!("fd/{number}"))).ok()?;
    let target = target.to_string_lossy();
    let kind = match &*target {
        name if name.starts_with("pipe:") => "pipe",
        name if name.starts_with("socket:") => "socket",
        name if name.starts_with("/dev/pts/") || name.starts_with("/dev/tty") => "tty",
        name if name.starts_with('/') => "file",
        _ => "other",
    };
    Label::new(kind).ok()
}

/// The processes above, the nearest first, as far as they are of the same pid namespace's container.
fn ancestors(status: &str) -> Vec<Ancestor> {
    let parent = |status: &str| field(status, "PPid:")?.trim().parse::<i32>().ok();
    let depth = |status: &str| Some(field(status, "NSpid:")?.split_whitespace().count());
    let ours = depth(status);
    let mut found = Vec::new();
    let mut next = parent(status);
    while let Some(pid) = next.filter(|pid| *pid > 0 && found.len() < ANCESTORS_MOST) {
        let Ok(status) = fs::read_to_string(format!("/proc/{pid}/status")) else {
            break;
        };
        if depth(&status) != ours {
            break;
        }
        let exe = format!("/proc/{pid}/exe");
        let (Ok(path), Ok(data)) = (fs::read_link(&exe), fs::metadata(&exe)) else {
            break;
        };
        found.push(Ancestor {
            exe: Tainted::from(path.to_string_lossy().chars().take(256).collect::<String>()),
            ino: data.ino(),
        });
        next = parent(&status);
    }
    found
}

/// As many words as there is room for, and whether these are all.
fn bounded(words: &[Vec<u8>]) -> (Vec<Tainted<Bytes>>, bool) {
    let mut left = BYTES_MOST;
    let mut shown = Vec::new();
    for word in words.iter().take(WORDS_MOST) {
        let part = &word[..word.len().min(left)];
        shown.push(Tainted::from_bytes(part));
        left -= part.len();
        if part.len() < word.len() {
            return (shown, false);
        }
    }
    let whole = shown.len() == words.len();
    (shown, whole)
}

/// What the environment's variables are called. Their values travel nowhere.
fn names(variables: &[Vec<u8>]) -> Vec<Tainted<String>> {
    let name = |variable: &Vec<u8>| {
        let name = variable
            .split(|byte| *byte == b'=')
            .next()
            .unwrap_or_default();
        String::from_utf8_lossy(&name[..name.len().min(NAME_MOST)]).into_owned()
    };
    variables.iter().map(name).map(Tainted::from).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn words_are_shown_up_to_a_bound_and_said_to_be_cut(lengths in prop::collection::vec(0_usize..3000, 0..400)) {
            let words: Vec<Vec<u8>> = lengths.iter().map(|length| vec![b'a'; *length]).collect();
            let (shown, whole) = bounded(&words);
            let bytes: usize = shown.iter().map(|word| word.judged().as_ref().len()).sum();
            prop_assert!(bytes <= BYTES_MOST && shown.len() <= WORDS_MOST);
            let same = shown.len() == words.len()
                && shown.iter().zip(&words).all(|(shown, word)| shown.judged().as_ref() == &word[..]);
            prop_assert_eq!(whole, same);
        }
    }

    #[test]
    fn values_of_variables_do_not_travel() {
        let variables = [&b"TOKEN=secret"[..], b"LD_PRELOAD=/x=y.so", b"", b"odd"];
        let told = names(&variables.map(<[u8]>::to_vec));
        let told: Vec<&str> = told.iter().map(|name| name.judged().as_str()).collect();
        assert_eq!(told, ["TOKEN", "LD_PRELOAD", "", "odd"]);
    }
}
