use super::*;
use crate::connector::ca::builtin::tests::Site;
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    task::JoinHandle,
    time::Instant,
};

/// What is published now.
#[derive(Debug)]
struct Shelf(Result<Vec<Publisher>, String>);

#[async_trait]
impl Publishers for Shelf {
    async fn publishers(&self) -> Result<Vec<Publisher>, String> {
        self.0.clone()
    }
}

/// A port that one CA publishes at.
struct Port {
    address: SocketAddr,
    stop: CancellationToken,
    served: JoinHandle<()>,
}

impl Port {
    async fn open(limits: Limits) -> Self {
        Self::with(Ok(vec![Site::new().ca.publisher()]), limits).await
    }

    async fn with(shelf: Result<Vec<Publisher>, String>, limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let served = serve(listener, Arc::new(Shelf(shelf)), limits, stop.clone());
        Self {
            address,
            stop,
            served: tokio::spawn(served),
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// What is answered to these bytes until the connection ends.
    async fn ask(&self, bytes: &[u8]) -> String {
        let mut tcp = self.connect().await;
        tcp.write_all(bytes).await.unwrap();
        rest(&mut tcp).await
    }
}

async fn rest(tcp: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // One that is cut off may say so.
    let _ = tcp.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: pki\r\nConnection: close\r\n\r\n").into_bytes()
}

#[tokio::test]
async fn a_path_is_answered_by_whose_it_is_and_by_nobody_else() {
    let port = Port::open(Limits::default()).await;
    for (path, status) in [
        ("/ca/crl", "200 OK"),
        ("http://pki.example.com/ca/crl", "200 OK"),
        ("/ca/crl?x=1", "200 OK"),
        ("/crl", "404 Not Found"),
        ("/", "404 Not Found"),
        ("/ca/../crl", "404 Not Found"),
    ] {
        let answer = port.ask(&get(path)).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}\r\n")),
            "{path}: {answer}"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_told_is_unavailable_and_says_nothing_of_the_inside() {
    let port = Port::with(Err("the disk is full".to_owned()), Limits::default()).await;
    let answer = port.ask(&get("/ca/crl")).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(!answer.contains("disk"), "{answer}");
}

#[tokio::test]
async fn a_question_that_is_too_long_is_refused() {
    let port = Port::open(Limits::default()).await;
    let body = "x".repeat(10_000);
    let question = format!(
        "POST /ca/ocsp HTTP/1.1\r\nHost: pki\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = port.ask(question.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    let long = format!("/ca/ocsp/{}", "A".repeat(20_000));
    let answer = port.ask(&get(&long)).await;
    assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
    let answer = port.ask(b"\x16\x03\x01hello, TLS\r\n\r\n").await;
    assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
}

#[tokio::test]
async fn who_dawdles_is_cut_off() {
    let short = Duration::from_millis(200);
    let limits = Limits {
        heading: short,
        answer: short,
        ..Limits::default()
    };
    let port = Port::open(limits).await;
    for begun in [
        b"".as_slice(),
        b"GET /ca/crl HTTP/1.1\r\nHost:",
        b"GET /ca/crl HTTP/1.1\r\nHost: pki\r\n\r\n",
        b"POST /ca/ocsp HTTP/1.1\r\nHost: pki\r\nContent-Length: 100\r\n\r\nhello",
    ] {
        let started = Instant::now();
        timeout(Duration::from_secs(5), port.ask(begun))
            .await
            .unwrap_or_else(|_| panic!("{:?} is waited for", String::from_utf8_lossy(begun)));
        assert!(started.elapsed() >= short);
    }
}

#[tokio::test]
async fn a_connection_ends_however_busy_it_is() {
    let limits = Limits {
        life: Duration::from_millis(300),
        ..Limits::default()
    };
    let port = Port::open(limits).await;
    let mut tcp = port.connect().await;
    let busy = async {
        loop {
            let question = b"GET /ca/ca.cer HTTP/1.1\r\nHost: pki\r\n\r\n";
            if tcp.write_all(question).await.is_err() {
                return;
            }
            if !matches!(tcp.read(&mut [0; 4096]).await, Ok(read) if read > 0) {
                return;
            }
        }
    };
    assert!(timeout(Duration::from_secs(5), busy).await.is_ok());
}

#[tokio::test]
async fn more_connections_than_allowed_wait_for_their_turn() {
    let limits = Limits {
        connections: 1,
        ..Limits::default()
    };
    let port = Port::open(limits).await;
    let idle = port.connect().await;
    let asked = get("/ca/crl");
    let waiting = port.ask(&asked);
    tokio::pin!(waiting);
    let soon = Duration::from_millis(300);
    assert!(timeout(soon, waiting.as_mut()).await.is_err());
    drop(idle);
    let answer = timeout(Duration::from_secs(5), waiting).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn an_answer_that_is_being_made_is_given_though_the_server_stops() {
    let port = Port::open(Limits::default()).await;
    let mut idle = port.connect().await;
    let mut busy = port.connect().await;
    let question = b"POST /ca/ocsp HTTP/1.1\r\nHost: pki\r\nContent-Length: 5\r\n\
        Expect: 100-continue\r\n\r\n";
    busy.write_all(question).await.unwrap();
    // It is asked for the rest: the question is being read.
    let goes_on = b"HTTP/1.1 100 Continue\r\n\r\n";
    let mut said = [0; 25];
    busy.read_exact(&mut said).await.unwrap();
    assert_eq!(&said, goes_on);
    port.stop.cancel();
    assert_eq!(rest(&mut idle).await, "");
    busy.write_all(b"hello").await.unwrap();
    let answer = rest(&mut busy).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    timeout(Duration::from_secs(5), port.served)
        .await
        .unwrap()
        .unwrap();
    assert!(TcpStream::connect(port.address).await.is_err());
}
