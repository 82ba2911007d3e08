//! The part of CRI's `runtime.v1` messages that the client sends or reads.
//!
//! Written by hand, because building from the protocol's own definition needs a compiler for it on every machine.
//! Field numbers are the protocol's; fields that are left out keep their defaults when sent and are skipped when read.

use std::collections::BTreeMap;

use prost::Message;
use serde::Serialize;

use crate::grpc::Call;

mod container;
mod pod;

pub use container::*;
pub use pod::*;

macro_rules! calls {
    ($($method:literal: $request:ty => $reply:ty;)*) => {
        $(impl Call for $request {
            const METHOD: &'static str = $method;
            type Reply = $reply;
        })*
    };
}

calls! {
    "Version": VersionRequest => VersionResponse;
    "Status": StatusRequest => StatusResponse;
    "RunPodSandbox": RunPodSandboxRequest => RunPodSandboxResponse;
    "StopPodSandbox": StopPodSandboxRequest => Empty;
    "RemovePodSandbox": RemovePodSandboxRequest => Empty;
    "PodSandboxStatus": PodSandboxStatusRequest => PodSandboxStatusResponse;
    "ListPodSandbox": ListPodSandboxRequest => ListPodSandboxResponse;
    "CreateContainer": CreateContainerRequest => CreateContainerResponse;
    "StartContainer": StartContainerRequest => Empty;
    "StopContainer": StopContainerRequest => Empty;
    "RemoveContainer": RemoveContainerRequest => Empty;
    "ContainerStatus": ContainerStatusRequest => ContainerStatusResponse;
    "ListContainers": ListContainersRequest => ListContainersResponse;
    "UpdateContainerResources": UpdateContainerResourcesRequest => Empty;
    "ExecSync": ExecSyncRequest => ExecSyncResponse;
}

pub type StringMap = BTreeMap<String, String>;

#[derive(Clone, PartialEq, Message)]
pub struct Empty {}

#[derive(Clone, PartialEq, Message)]
pub struct VersionRequest {
    #[prost(string, tag = "1")]
    pub version: String,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub struct VersionResponse {
    #[prost(string, tag = "1")]
    pub version: String,
    #[prost(string, tag = "2")]
    pub runtime_name: String,
    #[prost(string, tag = "3")]
    pub runtime_version: String,
    #[prost(string, tag = "4")]
    pub runtime_api_version: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct StatusRequest {}

#[derive(Clone, PartialEq, Message)]
pub struct StatusResponse {
    #[prost(message, optional, tag = "1")]
    pub status: Option<RuntimeStatus>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub struct RuntimeStatus {
    #[prost(message, repeated, tag = "1")]
    pub conditions: Vec<RuntimeCondition>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub struct RuntimeCondition {
    #[prost(string, tag = "1")]
    pub r#type: String,
    #[prost(bool, tag = "2")]
    pub status: bool,
    #[prost(string, tag = "3")]
    pub reason: String,
    #[prost(string, tag = "4")]
    pub message: String,
}
