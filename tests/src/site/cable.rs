//! The network between an agent and its server, as a thing that can be cut.

use std::{
    io,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use anyhow::Result;

/// Carries TCP from a port of its own to a server.
#[derive(Debug)]
pub struct Cable {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    cut: bool,
    streams: Vec<TcpStream>,
}

impl Cable {
    /// A whole cable to `server`.
    pub fn lay(server: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // A server that is down refuses, as it would without the cable.
                let _ = join(&shared, stream, server);
            }
        });
        Ok(Self { address, state })
    }

    /// Where an agent dials.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends every connection and refuses new ones.
    pub fn cut(&self) {
        let mut state = locked(&self.state);
        state.cut = true;
        for stream in state.streams.drain(..) {
            // The other side may have ended it already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Whole again.
    pub fn mend(&self) {
        locked(&self.state).cut = false;
    }
}

fn join(state: &Mutex<State>, agent: TcpStream, server: SocketAddr) -> io::Result<()> {
    let mut state = locked(state);
    if state.cut {
        return agent.shutdown(Shutdown::Both);
    }
    let server = TcpStream::connect(server)?;
    for stream in [&agent, &server] {
        stream.set_nodelay(true)?;
        state.streams.push(stream.try_clone()?);
    }
    carry(agent.try_clone()?, server.try_clone()?);
    carry(server, agent);
    Ok(())
}

fn carry(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        to.shutdown(Shutdown::Both)
    });
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
