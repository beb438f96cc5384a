//! A line between agent and server that can fail: it moves bytes and knows no TLS.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    time::sleep,
};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Line {
    /// Both ways.
    Up,
    /// What the server says takes a while.
    SlowAnswers,
    /// Nothing moves, and nobody is told.
    BlackHole,
    /// Every connection is closed.
    Cut,
}

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    line: watch::Sender<Line>,
    dialled: Arc<AtomicU32>,
}

impl Proxy {
    pub(crate) async fn to(server: SocketAddr, line: Line) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (line, watched) = watch::channel(line);
        let dialled = Arc::<AtomicU32>::default();
        let count = dialled.clone();
        tokio::spawn(async move {
            loop {
                let (agent, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                let server = TcpStream::connect(server).await.unwrap();
                tokio::spawn(carry(agent, server, watched.clone()));
            }
        });
        Self {
            address,
            line,
            dialled,
        }
    }

    /// How often somebody has dialled so far.
    pub(crate) fn dialled(&self) -> u32 {
        self.dialled.load(Ordering::SeqCst)
    }

    pub(crate) fn becomes(&self, line: Line) {
        self.line.send_replace(line);
    }
}

async fn carry(agent: TcpStream, server: TcpStream, mut line: watch::Receiver<Line>) {
    let (from_agent, to_agent) = agent.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = pipe(from_agent, to_server, line.clone(), false) => {}
        () = pipe(from_server, to_agent, line.clone(), true) => {}
        _ = line.wait_for(|line| *line == Line::Cut) => {}
    }
}

async fn pipe(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut line: watch::Receiver<Line>,
    answers: bool,
) {
    let mut buffer = [0; 4096];
    loop {
        let Ok(length @ 1..) = from.read(&mut buffer).await else {
            return;
        };
        if answers && *line.borrow() == Line::SlowAnswers {
            sleep(Duration::from_millis(250)).await;
        }
        // A sender that is gone is a test that is over.
        if line
            .wait_for(|line| *line != Line::BlackHole)
            .await
            .is_err()
        {
            return;
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
