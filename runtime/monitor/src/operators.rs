//! Where operators reach a monitor: a socket of root's on the host, one order and one reply for each connection.

use std::io;
use std::os::unix::net::UnixStream as Stream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sevorix_verdict::{Desk, Said, Waiting};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::spawn_local;
use tokio::time::timeout;

/// What an operator wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Order {
    /// What waits for a person.
    Asks,
    Answer {
        number: u64,
        said: Said,
    },
}

/// What the monitor says to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Reply {
    Asks(Vec<Waiting>),
    Answered(Waiting),
    /// Nothing waits under this number.
    NoSuchAsk,
}

const MOST: u64 = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(2);

/// Serves whoever may open the socket, which is root.
pub async fn serve(socket: UnixListener, desk: Arc<Desk>) {
    loop {
        let Ok((stream, _)) = socket.accept().await else {
            // out of descriptors, mostly: others have to end first
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let desk = desk.clone();
        spawn_local(async move {
            // whoever goes away has had his answer, or wants none
            let _ = timeout(PATIENCE, attend(stream, &desk)).await;
        });
    }
}

async fn attend(mut stream: UnixStream, desk: &Desk) -> io::Result<()> {
    let mut order = Vec::new();
    (&mut stream).take(MOST).read_to_end(&mut order).await?;
    let order: Order = serde_json::from_slice(&order)?;
    let reply = serde_json::to_vec(&obey(order, desk))?;
    stream.write_all(&reply).await
}

fn obey(order: Order, desk: &Desk) -> Reply {
    match order {
        Order::Asks => Reply::Asks(desk.waiting()),
        Order::Answer { number, said } => desk
            .answer(number, said)
            .map_or(Reply::NoSuchAsk, Reply::Answered),
    }
}

/// Puts an order to the monitor that listens there.
pub fn put(socket: &Path, order: &Order) -> io::Result<Reply> {
    use std::io::{Read, Write};
    let mut stream = Stream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(&serde_json::to_vec(order)?)?;
    stream.shutdown(std::net::Shutdown::Write)?;
    let mut reply = Vec::new();
    stream.take(MOST).read_to_end(&mut reply)?;
    Ok(serde_json::from_slice(&reply)?)
}

#[cfg(test)]
mod tests {
    use sevorix_verdict::{Decided, Question};

    use super::*;

    #[test]
    fn an_operator_sees_what_waits_and_answers_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("operators.sock");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let local = tokio::task::LocalSet::new();
        runtime.block_on(local.run_until(async {
            let desk = Arc::new(Desk::default());
            let socket = UnixListener::bind(&path).expect("bound");
            spawn_local(serve(socket, desk.clone()));
            let asking = spawn_local(async move {
                let patience = Duration::from_secs(60);
                desk.ask(&Question::canary(), patience).await
            });
            let order = |order: Order| {
                let path = path.clone();
                async move {
                    let put = tokio::task::spawn_blocking(move || put(&path, &order));
                    put.await.expect("no panic").expect("a reply")
                }
            };
            let Reply::Asks(waiting) = order(Order::Asks).await else {
                panic!("asks")
            };
            assert_eq!(waiting.len(), 1);
            let said = Said {
                decided: Decided::Allow,
                reason: "it is only a canary".into(),
                for_ms: None,
                uses: None,
            };
            let answer = |number| Order::Answer {
                number,
                said: said.clone(),
            };
            let other = order(answer(waiting[0].number + 1)).await;
            assert_eq!(other, Reply::NoSuchAsk);
            let reply = order(answer(waiting[0].number)).await;
            assert!(matches!(reply, Reply::Answered(_)));
            assert_eq!(asking.await.expect("no panic"), Ok(said.clone()));
            assert_eq!(order(Order::Asks).await, Reply::Asks(Vec::new()));
        }));
    }
}
