//! A small CRI client: what a kubelet asks of a container engine, asked from a shell.
//!
//! The engine tests run pods with it, so that they need no Kubernetes. It speaks CRI's `runtime.v1`, to containerd
//! 1.6 and later.

#![forbid(unsafe_code)]

mod container_log;
mod engine;
mod error;
mod grammar;
mod grpc;
mod messages;
mod output;
mod requests;
mod values;
mod verbs;

#[cfg(test)]
mod tests;

use std::process::ExitCode;

use clap::Parser;

use crate::grammar::CommandLine;

fn main() -> ExitCode {
    let command_line = match CommandLine::try_parse() {
        Ok(command_line) => command_line,
        Err(message) => {
            // Where it cannot be printed, nothing else can be said either.
            let _ = message.print();
            return if message.use_stderr() {
                FAILED.into()
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("the kernel gives an epoll instance");
    match runtime.block_on(verbs::run(command_line)) {
        Ok(status) => u8::try_from(status).unwrap_or(FAILED).into(),
        Err(error) => {
            eprintln!("error: {error}");
            if let Some(hint) = error.hint() {
                eprintln!("hint: {hint}");
            }
            FAILED.into()
        }
    }
}

/// As Docker's client has it: unlike a status of the container's own.
const FAILED: u8 = 125;
