//! A key on a local socket.
//!
//! The host listens, the key connects: that is plugging it in. It sends its [`Identity`] as one
//! line of JSON; from then on 64-byte CTAPHID reports go both ways and nothing else. A key that is
//! plugged in and loses the connection comes back every 100 ms with its power on all the while.

use super::Identity;
use crate::device::{Device, Link};
use keysteward_core::ctaphid::Report;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
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
    if !device.attach(power_up, Box::new(SocketLink(stream.try_clone()?))) {
        return Ok(());
    }
    let mut report: Report = [0; 64];
    let ended = loop {
        match stream.read_exact(&mut report) {
            Ok(()) => device.deliver(report),
            Err(error) => break error,
        }
    };
    device.detach(power_up);
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
