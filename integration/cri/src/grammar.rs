//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::messages::{Mount, NamespaceMode, SecurityProfile};
use crate::values::{User, key_value, mount, seccomp_profile, user};

/// Run pods through a container engine's CRI socket, as a kubelet does.
///
/// Exit status: 0, the status of the command (exec-sync, pod-run, wait), or 125 when the client or the engine failed.
#[derive(Debug, Parser)]
#[command(name = "sevorix-cri", version)]
pub struct CommandLine {
    /// The engine's socket
    #[arg(long, default_value = "/run/containerd/containerd.sock")]
    pub socket: PathBuf,
    /// How long one call may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    pub call_timeout: u64,
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Print the engine's name and version
    Version {
        /// Wait for the engine to answer
        #[arg(long, value_name = "SECONDS", default_value_t = 0)]
        wait: u64,
    },
    /// Print whether the engine finds itself and its network ready
    ServerStatus,
    #[command(flatten)]
    Pod(PodVerb),
    #[command(flatten)]
    Container(ContainerVerb),
    /// Run a command in a container
    ExecSync {
        /// How long the command may run, in seconds; the engine kills it then
        #[arg(long, value_name = "SECONDS", default_value_t = 0)]
        timeout: u32,
        container: String,
        #[arg(required = true, trailing_var_arg = true)]
        command: Vec<String>,
    },
    /// Wait until a container has exited; exits with its status
    Wait {
        container: String,
        #[command(flatten)]
        patience: Patience,
    },
    /// Run one container in a pod of its own, print what it wrote, remove both; exits with its status
    PodRun {
        #[command(flatten)]
        pod: PodArgs,
        #[command(flatten)]
        container: Box<ContainerArgs>,
        #[command(flatten)]
        patience: Patience,
    },
}

#[derive(Debug, Subcommand)]
pub enum PodVerb {
    /// Start a pod; prints its id
    RunPod {
        #[command(flatten)]
        pod: PodArgs,
        /// Let the pod have privileged containers
        #[arg(long)]
        privileged: bool,
    },
    /// Print a pod's status
    PodStatus {
        pod: String,
        #[command(flatten)]
        field: Field,
    },
    /// List pods
    ListPods {
        /// Only those of this name
        #[arg(long)]
        name: Option<String>,
        /// Print ids only
        #[arg(long, short)]
        quiet: bool,
    },
    /// Stop a pod and its containers
    StopPod { pod: String },
    /// Remove a pod and its containers
    RmPod { pod: String },
}

#[derive(Debug, Subcommand)]
pub enum ContainerVerb {
    /// Create a container in a pod; prints its id
    Create {
        pod: String,
        #[command(flatten)]
        container: Box<ContainerArgs>,
    },
    /// Start a created container
    Start { container: String },
    /// Print a container's status
    Status {
        container: String,
        #[command(flatten)]
        field: Field,
    },
    /// List containers
    List {
        /// Only those of this pod
        #[arg(long)]
        pod: Option<String>,
        /// Print ids only
        #[arg(long, short)]
        quiet: bool,
    },
    /// Print what a container wrote, each stream to its own
    Logs { container: String },
    /// Change the limits of a container
    Update {
        container: String,
        #[command(flatten)]
        limits: Limits,
    },
    /// Stop a container
    Stop {
        /// How long it has between SIGTERM and SIGKILL, in seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 10)]
        grace: u32,
        container: String,
    },
    /// Remove a container
    Rm { container: String },
}

#[derive(Debug, Args)]
pub struct PodArgs {
    /// The runtime handler: the name of a runtime in the engine's configuration; empty for its default
    #[arg(long, default_value = "")]
    pub handler: String,
    /// The pod's name
    #[arg(long)]
    pub name: String,
    #[arg(long, default_value = "default")]
    pub namespace: String,
    /// An annotation of the pod
    #[arg(long = "annotation", value_name = "KEY=VALUE", value_parser = key_value)]
    pub annotations: Vec<(String, String)>,
    /// The host's network, or one of its own, for which the engine needs a CNI configuration
    #[arg(long, value_enum, default_value = "host")]
    pub network: Network,
    /// Whose processes a container sees
    #[arg(long, value_enum, default_value = "container")]
    pub pid: PidNamespace,
    /// The cgroup to put the pod in: a path, or a slice's name with the systemd driver
    #[arg(long, value_name = "CGROUP", default_value = "")]
    pub cgroup_parent: String,
    /// Where its containers' logs go [default: /var/log/pods/NAMESPACE_NAME_UID]
    #[arg(long, value_name = "DIRECTORY")]
    pub log_dir: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Network {
    Host,
    Pod,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum PidNamespace {
    Container,
    Pod,
    Host,
}

#[derive(Debug, Args)]
pub struct ContainerArgs {
    /// The container's name in its pod
    #[arg(long, value_name = "NAME", default_value = "main")]
    pub container_name: String,
    /// An annotation of the container
    #[arg(long = "container-annotation", value_name = "KEY=VALUE", value_parser = key_value)]
    pub container_annotations: Vec<(String, String)>,
    /// A word that replaces the image's entry point; repeat it for more
    #[arg(long = "command", value_name = "WORD", allow_hyphen_values = true)]
    pub command: Vec<String>,
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = key_value)]
    pub environment: Vec<(String, String)>,
    #[arg(long, value_name = "PATH", default_value = "")]
    pub workdir: String,
    /// Give it a terminal
    #[arg(long)]
    pub tty: bool,
    #[arg(long, value_name = "UID[:GID]|NAME", value_parser = user)]
    pub user: Option<User>,
    /// runtime/default, unconfined or localhost/FILE; without it the engine decides
    #[arg(long, value_name = "PROFILE", value_parser = seccomp_profile)]
    pub seccomp: Option<SecurityProfile>,
    /// Needs a pod that is privileged, too
    #[arg(long)]
    pub privileged: bool,
    /// Make its root file system read-only
    #[arg(long)]
    pub read_only: bool,
    #[arg(long)]
    pub no_new_privs: bool,
    /// A capability to add, without CAP_, or ALL
    #[arg(long = "cap-add", value_name = "CAPABILITY")]
    pub added_capabilities: Vec<String>,
    /// A capability to drop, without CAP_, or ALL
    #[arg(long = "cap-drop", value_name = "CAPABILITY")]
    pub dropped_capabilities: Vec<String>,
    /// OPTION is ro, rw, private, rslave or rshared
    #[arg(long = "mount", value_name = "HOST:CONTAINER[:OPTION]...", value_parser = mount)]
    pub mounts: Vec<Mount>,
    #[command(flatten)]
    pub limits: Limits,
    /// The image, and what replaces its command: with an entry point, these are its arguments
    #[arg(value_names = ["IMAGE", "ARGUMENT"], required = true, num_args = 1.., trailing_var_arg = true)]
    pub image_and_arguments: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Limits {
    /// In bytes
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    pub memory: i64,
    /// In microseconds of each period
    #[arg(long, value_name = "MICROSECONDS", default_value_t = 0)]
    pub cpu_quota: i64,
    #[arg(long, value_name = "MICROSECONDS", default_value_t = 0)]
    pub cpu_period: i64,
    #[arg(long, value_name = "WEIGHT", default_value_t = 0)]
    pub cpu_shares: i64,
    #[arg(long, value_name = "LIST", default_value = "")]
    pub cpuset_cpus: String,
    #[arg(
        long,
        value_name = "SCORE",
        default_value_t = 0,
        allow_negative_numbers = true
    )]
    pub oom_score_adj: i64,
    /// A cgroup v2 file and its content, such as pids.max=64
    #[arg(long = "unified", value_name = "FILE=VALUE", value_parser = key_value)]
    pub unified: Vec<(String, String)>,
}

#[derive(Debug, Args)]
pub struct Patience {
    /// How long the container may take to exit, in seconds
    #[arg(long = "wait", value_name = "SECONDS", default_value_t = 120)]
    pub seconds: u64,
}

#[derive(Debug, Args)]
pub struct Field {
    /// Print one value only, named by a JSON pointer such as /info/pid
    #[arg(long = "get", value_name = "POINTER")]
    pub pointer: Option<String>,
}

impl From<Network> for NamespaceMode {
    fn from(network: Network) -> Self {
        match network {
            Network::Host => Self::Node,
            Network::Pod => Self::Pod,
        }
    }
}

impl From<PidNamespace> for NamespaceMode {
    fn from(pid: PidNamespace) -> Self {
        match pid {
            PidNamespace::Container => Self::Container,
            PidNamespace::Pod => Self::Pod,
            PidNamespace::Host => Self::Node,
        }
    }
}
