//! What each verb does. The result is the exit status.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::json;

use crate::engine;
use crate::error::Result;
use crate::grammar::{CommandLine, ContainerVerb, PodVerb, Verb};
use crate::grpc::{Call, Client};
use crate::messages::*;
use crate::output;

pub async fn run(command_line: CommandLine) -> Result<i32> {
    let call_timeout = Duration::from_secs(command_line.call_timeout);
    if let Verb::Version { wait } = command_line.verb {
        let wait = Duration::from_secs(wait);
        let version = engine::version(&command_line.socket, call_timeout, wait).await?;
        return output::document(&json!(version), None).map(|()| 0);
    }
    let client = Client::connect(&command_line.socket, call_timeout).await?;
    match command_line.verb {
        Verb::Version { .. } => unreachable!("it makes its own connections"),
        Verb::ServerStatus => {
            let status = engine::server_status(&client).await?;
            output::document(&json!(status), None).map(|()| 0)
        }
        Verb::Pod(verb) => of_pod(&client, verb).await.map(|()| 0),
        Verb::Container(verb) => of_container(&client, verb).await.map(|()| 0),
        Verb::Wait {
            container,
            patience,
        } => {
            let status = engine::exited(&client, &container, patience.seconds).await?;
            Ok(status.exit_code)
        }
        Verb::ExecSync {
            timeout,
            container,
            command,
        } => exec_sync(&client, container, command, timeout.into()).await,
        Verb::PodRun {
            pod,
            container,
            patience,
        } => engine::pod_run(&client, &pod, &container, patience.seconds).await,
    }
}

async fn of_pod(client: &Client, verb: PodVerb) -> Result<()> {
    match verb {
        PodVerb::RunPod { pod, privileged } => {
            let config = pod.config(&engine::new_uid()?, privileged);
            output::line(&engine::run_pod(client, &pod.handler, config).await?)
        }
        PodVerb::StopPod {
            pod: pod_sandbox_id,
        } => done(client, StopPodSandboxRequest { pod_sandbox_id }).await,
        PodVerb::RmPod {
            pod: pod_sandbox_id,
        } => done(client, RemovePodSandboxRequest { pod_sandbox_id }).await,
        PodVerb::PodStatus { pod, field } => {
            let (status, info) = engine::pod_status(client, &pod).await?;
            output::status(&status, info, field.pointer)
        }
        PodVerb::ListPods { name, quiet } => {
            let mut pods = client.call(ListPodSandboxRequest {}).await?.items;
            if let Some(name) = name {
                pods.retain(|pod| pod.metadata.as_ref().is_some_and(|of| of.name == name));
            }
            output::list(&pods, quiet, |pod| &pod.id)
        }
    }
}

async fn of_container(client: &Client, verb: ContainerVerb) -> Result<()> {
    match verb {
        ContainerVerb::Create { pod, container } => {
            output::line(&engine::create_in_running_pod(client, &pod, &container).await?)
        }
        ContainerVerb::Start {
            container: container_id,
        } => done(client, StartContainerRequest { container_id }).await,
        ContainerVerb::Update { container, limits } => {
            let request = UpdateContainerResourcesRequest {
                container_id: container,
                linux: Some(limits.resources()),
            };
            done(client, request).await
        }
        ContainerVerb::Logs { container } => {
            let (status, _) = engine::container_status(client, &container).await?;
            engine::print_log(client, &status).await
        }
        ContainerVerb::Stop { grace, container } => {
            let request = StopContainerRequest {
                container_id: container,
                timeout: grace.into(),
            };
            done(client, request).await
        }
        ContainerVerb::Rm {
            container: container_id,
        } => done(client, RemoveContainerRequest { container_id }).await,
        ContainerVerb::Status { container, field } => {
            let (status, info) = engine::container_status(client, &container).await?;
            output::status(&status, info, field.pointer)
        }
        ContainerVerb::List { pod, quiet } => {
            let filter = pod.map(|pod_sandbox_id| ContainerFilter { pod_sandbox_id });
            let containers = client
                .call(ListContainersRequest { filter })
                .await?
                .containers;
            output::list(&containers, quiet, |container| &container.id)
        }
    }
}

async fn done<C: Call>(client: &Client, request: C) -> Result<()> {
    client.call(request).await.map(drop)
}

async fn exec_sync(
    client: &Client,
    container_id: String,
    cmd: Vec<String>,
    timeout: i64,
) -> Result<i32> {
    let request = ExecSyncRequest {
        container_id,
        cmd,
        timeout,
    };
    let reply = client.call(request).await?;
    io::stdout().write_all(&reply.stdout)?;
    io::stderr().write_all(&reply.stderr)?;
    Ok(reply.exit_code)
}
