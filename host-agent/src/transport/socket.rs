//! Tokens in software: each connection to the socket is a token, from connect (plug in) to
//! disconnect (unplug).
//!
//! A token first sends one line of JSON that describes it, then 64-byte reports go both ways. The
//! socket is for this user alone, and exists only under its `danger-` setting.

use std::{
    collections::{BTreeMap, VecDeque},
    fs,
    io::{self, Read as _, Write as _},
    net::Shutdown,
    os::unix::{
        fs::PermissionsExt as _,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use keysteward_core::ctaphid::Report;
use serde::Deserialize;

use super::{Description, Kind, LinkError, Listener, Notice, Port, ReportPort};

/// Longest description, in bytes.
const LINE_MAX: usize = 4096;

/// How long a program that connects may take to describe itself.
const LINE_PATIENCE: Duration = Duration::from_secs(5);

/// How long a token may leave what it was sent unread. A key on USB takes a report or is gone.
const WRITE_PATIENCE: Duration = Duration::from_secs(2);

/// Reports kept for a link that is not open or does not keep up: two messages of the greatest
/// length there is. A hidraw keeps 64, but there a bus sets the pace.
const QUEUE: usize = 2 * 129;

/// Stack of a thread that reads a connection.
const STACK: usize = 128 * 1024;

/// The listening socket; dropped, it is gone and so are its tokens.
#[derive(Debug)]
pub(crate) struct VirtualTokens {
    path: PathBuf,
    stopped: Arc<AtomicBool>,
    connections: Connections,
}

/// Handles on the connections that are open, by number.
type Connections = Arc<Mutex<BTreeMap<u64, UnixStream>>>;

impl VirtualTokens {
    pub(super) fn listen(path: &Path, listener: Listener) -> io::Result<Self> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let socket = UnixListener::bind(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        let tokens = Self {
            path: path.to_owned(),
            stopped: Arc::default(),
            connections: Arc::default(),
        };
        let (stopped, connections) = (Arc::clone(&tokens.stopped), Arc::clone(&tokens.connections));
        thread::Builder::new()
            .name("virtual-tokens".to_owned())
            .stack_size(STACK)
            .spawn(move || accept(&socket, &stopped, &connections, &listener))?;
        tracing::warn!(path = %path.display(), "programs that connect here are taken for tokens");
        Ok(tokens)
    }
}

impl Drop for VirtualTokens {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the accepting thread.
        drop(UnixStream::connect(&self.path));
        drop(fs::remove_file(&self.path));
        for connection in lock(&self.connections).values() {
            drop(connection.shutdown(Shutdown::Both));
        }
    }
}

fn accept(
    socket: &UnixListener,
    stopped: &AtomicBool,
    connections: &Connections,
    listener: &Listener,
) {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    loop {
        let accepted = socket.accept();
        if stopped.load(Ordering::SeqCst) {
            return;
        }
        let started = accepted.and_then(|(stream, _)| {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            lock(connections).insert(number, stream.try_clone()?);
            let (open, listener) = (Arc::clone(connections), Arc::clone(listener));
            let place = format!("socket-{number}");
            thread::Builder::new()
                .name(place.clone())
                .stack_size(STACK)
                .spawn(move || {
                    serve(&stream, &place, &listener);
                    lock(&open).remove(&number);
                })
        });
        if let Err(error) = started {
            tracing::warn!(%error, "cannot take a virtual token in");
            // Out of descriptors, most likely; the next accept would fail as fast.
            thread::sleep(Duration::from_millis(100));
        }
    }
}

/// One token, from plug-in to unplug.
fn serve(stream: &UnixStream, place: &str, listener: &Listener) {
    let description = match read_description(stream) {
        Ok(description) => description,
        Err(error) => {
            tracing::warn!(%error, "refused a virtual token: its description is wrong");
            return;
        }
    };
    let inbox = Arc::new(Inbox::default());
    let writer = match stream
        .set_write_timeout(Some(WRITE_PATIENCE))
        .and_then(|()| stream.try_clone())
    {
        Ok(writer) => writer,
        Err(error) => {
            tracing::warn!(%error, "refused a virtual token");
            return;
        }
    };
    listener(Notice::Came {
        place: place.to_owned(),
        description,
        port: Port::Reports(ReportPort::Socket(SocketPort {
            inbox: Arc::clone(&inbox),
            writer: Arc::new(writer),
        })),
    });
    let mut report: Report = [0; 64];
    let mut reader = stream;
    while reader.read_exact(&mut report).is_ok() {
        inbox.put(report);
    }
    inbox.close();
    drop(stream.shutdown(Shutdown::Both));
    listener(Notice::Went {
        place: place.to_owned(),
    });
}

/// The line that a token sends first.
#[derive(Deserialize)]
struct Line {
    name: String,
    vendor_id: u16,
    product_id: u16,
    manufacturer: String,
    product: String,
    serial: Option<String>,
}

/// Reads byte by byte up to the line's end: what follows is reports.
fn read_description(mut stream: &UnixStream) -> io::Result<Description> {
    stream.set_read_timeout(Some(LINE_PATIENCE))?;
    let mut line = Vec::new();
    while line.len() < LINE_MAX {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        if byte != *b"\n" {
            line.extend(byte);
            continue;
        }
        let line: Line = serde_json::from_slice(&line)?;
        stream.set_read_timeout(None)?;
        tracing::info!(name = line.name, "a virtual token");
        return Ok(Description {
            kind: Kind::Socket,
            vendor_id: line.vendor_id,
            product_id: line.product_id,
            manufacturer: line.manufacturer,
            product: line.product,
            serial: line.serial.unwrap_or_default(),
            ..Description::default()
        });
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidData,
        "no line of JSON within 4,096 bytes",
    ))
}

/// Reports that came and were not read yet: the newest, as with a hidraw.
#[derive(Debug, Default)]
struct Inbox {
    state: Mutex<InboxState>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct InboxState {
    reports: VecDeque<Report>,
    closed: bool,
}

impl Inbox {
    fn put(&self, report: Report) {
        let mut state = lock(&self.state);
        if state.reports.len() == QUEUE {
            state.reports.pop_front();
        }
        state.reports.push_back(report);
        self.arrived.notify_one();
    }

    fn close(&self) {
        lock(&self.state).closed = true;
        self.arrived.notify_one();
    }

    fn clear(&self) {
        lock(&self.state).reports.clear();
    }

    fn take(&self, patience: Duration) -> Result<Option<Report>, LinkError> {
        let state = lock(&self.state);
        let (mut state, _) = self
            .arrived
            .wait_timeout_while(state, patience, |s| s.reports.is_empty() && !s.closed)
            .unwrap_or_else(PoisonError::into_inner);
        match state.reports.pop_front() {
            Some(report) => Ok(Some(report)),
            None if state.closed => Err(LinkError::Gone),
            None => Ok(None),
        }
    }
}

/// A virtual token that is plugged in.
#[derive(Debug)]
pub(crate) struct SocketPort {
    inbox: Arc<Inbox>,
    writer: Arc<UnixStream>,
}

impl SocketPort {
    pub(super) fn open(&mut self) -> SocketLink {
        self.inbox.clear();
        SocketLink {
            inbox: Arc::clone(&self.inbox),
            writer: Arc::clone(&self.writer),
        }
    }
}

/// A virtual token that is open.
#[derive(Debug)]
pub(crate) struct SocketLink {
    inbox: Arc<Inbox>,
    writer: Arc<UnixStream>,
}

impl SocketLink {
    pub(super) fn send(&mut self, report: &Report) -> Result<(), LinkError> {
        (&*self.writer)
            .write_all(report)
            .map_err(|_| LinkError::Gone)
    }

    pub(super) fn receive(&mut self, patience: Duration) -> Result<Option<Report>, LinkError> {
        self.inbox.take(patience)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing under these locks is ever half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Instant};

    use super::*;

    /// A token that has described itself, and the agent's end of it.
    fn plugged_in() -> (UnixStream, SocketLink) {
        let (mut token, agent) = UnixStream::pair().unwrap();
        let (came, port) = mpsc::channel();
        thread::spawn(move || {
            let came = Mutex::new(came);
            let listener: Listener = Arc::new(move |notice| {
                if let Notice::Came { port, .. } = notice {
                    lock(&came).send(port).unwrap();
                }
            });
            serve(&agent, "a test", &listener);
        });
        let line = r#"{"name":"k","vendor_id":1,"product_id":1,"manufacturer":"","product":""}"#;
        token.write_all(line.as_bytes()).unwrap();
        token.write_all(b"\n").unwrap();
        let Port::Reports(ReportPort::Socket(mut port)) = port.recv().unwrap() else {
            panic!("another kind of port");
        };
        let link = port.open();
        (token, link)
    }

    #[test]
    fn a_token_that_reads_nothing_does_not_hold_the_agent() {
        let (_token, mut link) = plugged_in();
        let began = Instant::now();
        let refused = (0..100_000).find_map(|_| link.send(&[0; 64]).err());
        assert!(matches!(refused, Some(LinkError::Gone)));
        assert!(began.elapsed() < 10 * WRITE_PATIENCE);
    }

    #[test]
    fn the_longest_message_is_kept_whole_and_a_flood_is_not() {
        let (mut token, mut link) = plugged_in();
        for number in 0..1000_u16 {
            let mut report: Report = [0; 64];
            report[..2].copy_from_slice(&number.to_be_bytes());
            token.write_all(&report).unwrap();
        }
        drop(token);
        let end = Instant::now() + Duration::from_secs(20);
        while !lock(&link.inbox.state).closed {
            assert!(Instant::now() < end);
            thread::sleep(Duration::from_millis(5));
        }
        let kept: Vec<_> = std::iter::from_fn(|| link.receive(Duration::ZERO).ok()?)
            .map(|report| u16::from_be_bytes([report[0], report[1]]))
            .collect();
        let newest: Vec<_> = (1000 - QUEUE as u16..1000).collect();
        assert_eq!(kept, newest);
    }
}
