//! What takes more than one call, or more than the call, to get from the engine.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::container_log;
use crate::error::{Error, Result};
use crate::grammar::{ContainerArgs, PodArgs};
use crate::grpc::{Call, Client};
use crate::messages::*;

/// The socket is there before the engine answers on it, so both are waited for.
pub async fn version(
    socket: &Path,
    call_timeout: Duration,
    wait: Duration,
) -> Result<VersionResponse> {
    let end = Instant::now() + wait;
    loop {
        let attempt = async {
            let client = Client::connect(socket, call_timeout).await?;
            client.call(VersionRequest::default()).await
        };
        match attempt.await {
            Err(_) if Instant::now() < end => tokio::time::sleep(POLL).await,
            outcome => return outcome,
        }
    }
}

pub async fn run_pod(client: &Client, handler: &str, config: PodSandboxConfig) -> Result<String> {
    container_log::make_directory(&config.log_directory)?;
    let request = RunPodSandboxRequest {
        config: Some(config),
        runtime_handler: handler.to_owned(),
    };
    Ok(client.call(request).await?.pod_sandbox_id)
}

/// Removing a pod removes its containers, too.
async fn remove_pod(client: &Client, pod: &str) -> Result<()> {
    let pod_sandbox_id = pod.to_owned();
    client
        .call(StopPodSandboxRequest { pod_sandbox_id })
        .await?;
    let pod_sandbox_id = pod.to_owned();
    client
        .call(RemovePodSandboxRequest { pod_sandbox_id })
        .await?;
    Ok(())
}

/// A container is created with its pod's configuration, which the engine has kept.
pub async fn create_in_running_pod(
    client: &Client,
    pod: &str,
    container: &ContainerArgs,
) -> Result<String> {
    let (_, info) = pod_status(client, pod).await?;
    let config = info.pointer("/config").cloned().unwrap_or_default();
    let config = serde_json::from_value(config).map_err(|error| Error::Reply {
        method: PodSandboxStatusRequest::METHOD,
        reason: format!("the pod's configuration: {error}"),
    })?;
    create(client, pod, config, container).await
}

async fn create(
    client: &Client,
    pod: &str,
    pod_config: PodSandboxConfig,
    container: &ContainerArgs,
) -> Result<String> {
    let request = CreateContainerRequest {
        pod_sandbox_id: pod.to_owned(),
        config: Some(container.config(&pod_config)),
        sandbox_config: Some(pod_config),
    };
    Ok(client.call(request).await?.container_id)
}

/// Runs a container in a pod of its own, and removes the pod whatever came of it.
pub async fn pod_run(
    client: &Client,
    pod: &PodArgs,
    container: &ContainerArgs,
    patience: u64,
) -> Result<i32> {
    let config = pod.config(&new_uid()?, container.privileged);
    let pod = run_pod(client, &pod.handler, config.clone()).await?;
    let outcome = run_container(client, &pod, config, container, patience).await;
    let removal = remove_pod(client, &pod).await;
    let code = outcome?;
    removal.map(|()| code)
}

async fn run_container(
    client: &Client,
    pod: &str,
    pod_config: PodSandboxConfig,
    container: &ContainerArgs,
    patience: u64,
) -> Result<i32> {
    let container_id = create(client, pod, pod_config, container).await?;
    let start = StartContainerRequest {
        container_id: container_id.clone(),
    };
    client.call(start).await?;
    let status = exited(client, &container_id, patience).await?;
    print_log(client, &status).await?;
    eprintln!(
        "sevorix-cri: exited with {} ({})",
        status.exit_code, status.reason
    );
    Ok(status.exit_code)
}

pub async fn exited(client: &Client, container: &str, seconds: u64) -> Result<ContainerStatus> {
    let end = Instant::now() + Duration::from_secs(seconds);
    loop {
        let (status, _) = container_status(client, container).await?;
        if status.state() == ContainerState::Exited {
            return Ok(status);
        }
        if Instant::now() >= end {
            return Err(Error::StillRunning {
                container: container.to_owned(),
                seconds,
            });
        }
        tokio::time::sleep(POLL).await;
    }
}

pub async fn print_log(client: &Client, status: &ContainerStatus) -> Result<()> {
    let log = Path::new(&status.log_path);
    if status.state() == ContainerState::Exited {
        container_log::closed(client, log, LOG_PATIENCE).await?;
    }
    container_log::replay(log, &mut io::stdout(), &mut io::stderr())
}

pub async fn container_status(
    client: &Client,
    container: &str,
) -> Result<(ContainerStatus, Value)> {
    let request = ContainerStatusRequest {
        container_id: container.to_owned(),
        verbose: true,
    };
    let reply = client.call(request).await?;
    let status = present::<ContainerStatusRequest, _>(reply.status)?;
    Ok((status, info::<ContainerStatusRequest>(&reply.info)?))
}

pub async fn pod_status(client: &Client, pod: &str) -> Result<(PodSandboxStatus, Value)> {
    let request = PodSandboxStatusRequest {
        pod_sandbox_id: pod.to_owned(),
        verbose: true,
    };
    let reply = client.call(request).await?;
    let status = present::<PodSandboxStatusRequest, _>(reply.status)?;
    Ok((status, info::<PodSandboxStatusRequest>(&reply.info)?))
}

pub async fn server_status(client: &Client) -> Result<RuntimeStatus> {
    let reply = client.call(StatusRequest {}).await?;
    present::<StatusRequest, _>(reply.status)
}

fn present<C: Call, T>(part: Option<T>) -> Result<T> {
    part.ok_or_else(|| Error::Reply {
        method: C::METHOD,
        reason: "it has no status".to_owned(),
    })
}

/// containerd's verbose answers have one entry, "info", that is JSON: pid, runtime specification, configuration.
fn info<C: Call>(info: &StringMap) -> Result<Value> {
    let text = info.get("info").map_or("null", String::as_str);
    serde_json::from_str(text).map_err(|error| Error::Reply {
        method: C::METHOD,
        reason: format!("its info: {error}"),
    })
}

pub fn new_uid() -> Result<String> {
    let uid = std::fs::read_to_string("/proc/sys/kernel/random/uuid")?;
    Ok(uid.trim_end().to_owned())
}

const POLL: Duration = Duration::from_millis(50);
const LOG_PATIENCE: Duration = Duration::from_secs(30);
