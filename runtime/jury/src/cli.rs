//! The command line of `sevorix-slm`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory, Parser, Subcommand};
use sevorix_verdict::{Error, Judge, Limits, Trust, bind, serve};

use crate::service::Jury;

/// the verdict service: judges what a policy asks about
#[derive(Debug, Parser)]
#[command(name = "sevorix-slm", disable_help_subcommand = true)]
struct Words {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// answer on a UNIX socket until killed
    Serve {
        /// where to listen; the folder must be there
        #[arg(long, value_name = "PATH", default_value = "/run/sevorix/slm.sock")]
        socket: PathBuf,
        /// the user that may ask, beside root (default: the one this runs as)
        #[arg(long, value_name = "UID")]
        client: Option<u32>,
    },
}

/// The grammar, for the manual.
pub fn command() -> clap::Command {
    Words::command()
}

pub fn main() -> ExitCode {
    let Verb::Serve { socket, client } = Words::parse().verb;
    let user = client.unwrap_or(nix::unistd::geteuid().as_raw());
    match listen(&socket, Trust { user: Some(user) }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}\nhint: {}", error.hint());
            ExitCode::FAILURE
        }
    }
}

/// Answers on the socket until the process ends, or says why it can't.
pub fn listen(socket: &Path, clients: Trust) -> Result<(), Error> {
    let failed = |source| Error::Socket {
        action: "listen on",
        path: socket.into(),
        source,
    };
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_io().enable_time().build().map_err(failed)?;
    runtime.block_on(async {
        let listener = bind(socket)?;
        let jury = Arc::new(Jury::new());
        eprintln!("listening on {}, jury {}", socket.display(), jury.jury());
        eprintln!("low risk: the rulebook decides; high risk: denied, there is no language model");
        let limits = Limits {
            clients,
            ..Limits::default()
        };
        serve(listener, jury, limits).await;
        Ok(())
    })
}
