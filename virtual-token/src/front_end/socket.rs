//! A key on a local socket.
//!
//! The host listens, the key connects: that is plugging it in. It sends its [`Identity`] as one
//! line of JSON; from then on 64-byte CTAPHID reports go both ways and nothing else. A key that is
//! plugged in and loses the connection comes back every 100 ms with its power on all the while.
//!
//! Other programs of the same host reach the key where it listens itself ([`listen`]): reports from
//! the first byte, as several programs have one hidraw node open.

use super::Identity;
use crate::device::{Device, Link};
use keysteward_core::ctaphid::Report;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Serves `device` to whatever listens at `path`, for good.
pub fn run(device: &Device, identity: &Identity, path: &Path) -> ! {
    loop {
        let power_up = device.wait_until_plugged();
        while device.plugged_since(power_up) {
            if let Err(error) = visit(device, power_up, identity, path) {
                tracing::debug!(path = %path.display(), %error, "no host");
            }
            if !device.pause(power_up, RECONNECT) {
                break;
            }
        }
    }
}

/// One connection, to its end.
fn visit(device: &Device, power_up: u64, identity: &Identity, path: &Path) -> io::Result<()> {
    let mut stream = UnixStream::connect(path)?;
    let mut hello = serde_json::to_vec(identity)?;
    hello.push(b'\n');
    stream.write_all(&hello)?;
    exchange(device, power_up, stream)
}

/// Serves `device` to every program that connects to `listener`; while the key is unplugged they
/// are turned away.
pub fn listen(device: &Arc<Device>, listener: &UnixListener) -> io::Result<()> {
    for stream in listener.incoming() {
        let (device, stream) = (Arc::clone(device), stream?);
        let power_up = device.state().power_ups;
        std::thread::Builder::new()
            .name("host program".into())
            .spawn(move || {
                if let Err(error) = exchange(&device, power_up, stream) {
                    tracing::debug!(%error, "a host program is gone");
                }
            })?;
    }
    Ok(())
}

/// Reports both ways, until one side ends.
fn exchange(device: &Device, power_up: u64, mut stream: UnixStream) -> io::Result<()> {
    let Some(id) = device.attach(power_up, Box::new(SocketLink(stream.try_clone()?))) else {
        return Ok(());
    };
    let mut report: Report = [0; 64];
    let ended = loop {
        match stream.read_exact(&mut report) {
            Ok(()) => device.deliver(report),
            Err(error) => break error,
        }
    };
    device.detach(id);
    Err(ended)
}

struct SocketLink(UnixStream);

impl Link for SocketLink {
    fn send(&mut self, report: &Report) -> io::Result<()> {
        self.0.write_all(report)
    }

    fn close(&mut self) {
        // Fails only where the other side closed first.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

const RECONNECT: Duration = Duration::from_millis(100);
