//! From the command line to CRI's messages, with the values a kubelet would send where nobody gave any.

use std::path::Path;

use crate::grammar::{ContainerArgs, Limits, PodArgs};
use crate::messages::*;
use crate::values::User;

impl PodArgs {
    /// `uid` tells pods of one name apart, as in Kubernetes.
    pub fn config(&self, uid: &str, privileged: bool) -> PodSandboxConfig {
        let default_logs =
            || Path::new(POD_LOGS).join(format!("{}_{}_{uid}", self.namespace, self.name));
        let log_directory = self.log_dir.clone().unwrap_or_else(default_logs);
        let namespaces = NamespaceOption {
            network: NamespaceMode::from(self.network).into(),
            pid: NamespaceMode::from(self.pid).into(),
            ipc: NamespaceMode::Pod.into(),
        };
        let on_host_network = namespaces.network() == NamespaceMode::Node;
        PodSandboxConfig {
            metadata: Some(PodSandboxMetadata {
                name: self.name.clone(),
                uid: uid.to_owned(),
                namespace: self.namespace.clone(),
                attempt: 0,
            }),
            hostname: if on_host_network {
                String::new()
            } else {
                self.name.clone()
            },
            log_directory: log_directory.to_string_lossy().into_owned(),
            annotations: self.annotations.iter().cloned().collect(),
            linux: Some(LinuxPodSandboxConfig {
                cgroup_parent: self.cgroup_parent.clone(),
                security_context: Some(LinuxSandboxSecurityContext {
                    namespace_options: Some(namespaces),
                    privileged,
                    // A kubelet confines the pause container whatever the pod says.
                    seccomp: Some(SecurityProfile::default()),
                }),
            }),
        }
    }
}

impl ContainerArgs {
    /// The namespaces are the pod's: a kubelet sends the same to both.
    pub fn config(&self, pod: &PodSandboxConfig) -> ContainerConfig {
        let (image, arguments) = self
            .image_and_arguments
            .split_first()
            .expect("the grammar requires an image");
        ContainerConfig {
            metadata: Some(ContainerMetadata {
                name: self.container_name.clone(),
                attempt: 0,
            }),
            image: Some(ImageSpec {
                image: image.clone(),
            }),
            command: self.command.clone(),
            args: arguments.to_vec(),
            working_dir: self.workdir.clone(),
            envs: self
                .environment
                .iter()
                .map(|(key, value)| KeyValue {
                    key: key.clone(),
                    value: value.clone(),
                })
                .collect(),
            mounts: self.mounts.clone(),
            annotations: self.container_annotations.iter().cloned().collect(),
            log_path: format!("{}.log", self.container_name),
            tty: self.tty,
            linux: Some(LinuxContainerConfig {
                resources: Some(self.limits.resources()),
                security_context: Some(self.security_context(pod)),
            }),
        }
    }

    fn security_context(&self, pod: &PodSandboxConfig) -> LinuxContainerSecurityContext {
        let namespaces = pod
            .linux
            .as_ref()
            .and_then(|linux| linux.security_context.as_ref())
            .and_then(|context| context.namespace_options.clone());
        let mut context = LinuxContainerSecurityContext {
            capabilities: Some(Capability {
                add_capabilities: self.added_capabilities.clone(),
                drop_capabilities: self.dropped_capabilities.clone(),
            }),
            privileged: self.privileged,
            namespace_options: namespaces,
            readonly_rootfs: self.read_only,
            no_new_privs: self.no_new_privs,
            seccomp: self.seccomp.clone(),
            ..LinuxContainerSecurityContext::default()
        };
        match &self.user {
            Some(User::Id { user, group }) => {
                context.run_as_user = Some(Int64Value { value: *user });
                context.run_as_group = group.map(|value| Int64Value { value });
            }
            Some(User::Name(name)) => context.run_as_username.clone_from(name),
            None => {}
        }
        context
    }
}

impl Limits {
    /// Zero means "not limited" in CRI, too.
    pub fn resources(&self) -> LinuxContainerResources {
        LinuxContainerResources {
            cpu_period: self.cpu_period,
            cpu_quota: self.cpu_quota,
            cpu_shares: self.cpu_shares,
            memory_limit_in_bytes: self.memory,
            oom_score_adj: self.oom_score_adj,
            cpuset_cpus: self.cpuset_cpus.clone(),
            unified: self.unified.iter().cloned().collect(),
        }
    }
}

const POD_LOGS: &str = "/var/log/pods";
