//! A service at a path: connected to when it is needed, and again after a connection has ended.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use super::connection::{Connection, Loss};
use crate::digest::Digest;
use crate::message::{Answer, Ask, Question};
use crate::text::Label;
use crate::trust::Trust;
use crate::words::Reason;

/// Where a service listens, and the connection to it when there is one.
#[derive(Debug)]
pub struct Endpoint {
    path: PathBuf,
    trust: Trust,
    boot: Label,
    wire: usize,
    connection: Mutex<Option<Arc<Connection>>>,
}

/// An answer together with what it has to agree with.
#[derive(Debug)]
pub struct Given {
    pub ask: Ask,
    pub answer: Answer,
    /// Of the hello.
    pub jury: Digest,
}

impl Endpoint {
    /// `boot` tells one run of the machine from the next.
    pub fn new(path: impl Into<PathBuf>, trust: Trust, boot: Label) -> Self {
        Self {
            path: path.into(),
            trust,
            boot,
            wire: ON_THE_WIRE,
            connection: Mutex::new(None),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The service's answer, whatever it says, or why there is none.
    pub async fn ask(
        &self,
        question: &Question,
        extra_jurors: u8,
        deadline: Instant,
    ) -> Result<Given, Reason> {
        let mut again = true;
        loop {
            let connection = self.connection(deadline).await?;
            match connection.ask(question, extra_jurors, deadline).await {
                Ok((ask, answer)) => {
                    let jury = connection.hello.jury;
                    return Ok(Given { ask, answer, jury });
                }
                // the service was started anew, perhaps; it has not seen this ask
                Err(Loss { sent: false, .. }) if again => again = false,
                Err(loss) => return Err(loss.reason),
            }
        }
    }

    async fn connection(&self, deadline: Instant) -> Result<Arc<Connection>, Reason> {
        let open = async {
            let mut place = self.connection.lock().await;
            if let Some(connection) = place.as_ref().filter(|connection| !connection.is_closed()) {
                return Ok(connection.clone());
            }
            *place = None;
            let connection =
                Connection::open(&self.path, self.trust, self.boot.clone(), self.wire).await;
            let connection = Arc::new(connection.map_err(|error| error.reason())?);
            *place = Some(connection.clone());
            Ok(connection)
        };
        timeout_at(deadline, open)
            .await
            .unwrap_or(Err(Reason::Timeout))
    }
}

/// What one container has in flight; what is beyond waits for its turn.
const ON_THE_WIRE: usize = 8;
