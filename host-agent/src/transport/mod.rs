//! Links to tokens: they move 64-byte reports or APDUs, and know no CTAP.
//!
//! The lowest layer of the agent. A transport runs on threads of its own, says through a
//! `Listener` when a token comes and goes, and hands over a `Port` by which its reports are
//! reached. Nothing here wakes up while nothing is plugged in or out.
//!
//! | module | link |
//! |---|---|
//! | `hid` | USB keys, through hidraw; `hotplug` watches `/dev` |
//! | [`pcsc`] | cards at readers: watches, opens, and moves APDUs |
//! | `socket` | tokens in software that connect to `danger_virtual_token_socket` |

#[cfg(feature = "hid")]
mod hid;
#[cfg(feature = "hid")]
mod hotplug;
pub mod pcsc;
#[cfg(unix)]
mod socket;

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use keysteward_core::{
    ctaphid::{Link, Report},
    session::Millis,
};

use crate::{clock, settings::Settings};

/// What a link tells of a token before anybody asks it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Description {
    /// Which link.
    pub kind: Kind,
    /// USB.
    pub vendor_id: u16,
    /// USB.
    pub product_id: u16,
    /// Empty where it tells none.
    pub manufacturer: String,
    /// Empty where it tells none.
    pub product: String,
    /// The vendor's serial number; empty where it tells none.
    pub serial: String,
    /// The reader that it lies on, by the system's name; empty where it lies on none.
    pub reader: String,
    /// The reader's own serial number; empty where it tells none.
    pub reader_serial: String,
    /// Answer to reset, of a card at a reader. ISO 7816-3.
    pub atr: Vec<u8>,
    /// Where on USB it is plugged in, where the system tells.
    pub position: Option<UsbPosition>,
}

/// A place on USB. Not used again until the host is started anew: who is plugged in anew gets
/// another number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct UsbPosition {
    /// Number of the bus.
    pub bus: u8,
    /// Number of the device on it.
    pub device: u8,
}

/// A kind of link.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Kind {
    /// A USB key, through hidraw.
    #[default]
    Hid,
    /// A token in software, through the socket of `danger_virtual_token_socket`.
    Socket,
    /// A card at a reader, through the system's smart card service.
    Pcsc,
}

impl Kind {
    /// As `token.proto` spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hid => "hid",
            Self::Socket => "socket",
            Self::Pcsc => "pcsc",
        }
    }
}

/// A place where something was plugged in, as its transport names it: a device path, a connection.
/// Used again after an unplug.
pub(crate) type Place = String;

/// What a transport has noticed.
#[derive(Debug)]
pub(crate) enum Notice {
    /// A token was plugged in.
    Came {
        place: Place,
        description: Description,
        port: Port,
    },
    /// The way to it has changed: permissions, say. What failed may work now.
    Changed { place: Place },
    /// It was unplugged.
    Went { place: Place },
}

/// Takes notices, on the transport's thread.
pub(crate) type Listener = Arc<dyn Fn(Notice) + Send + Sync>;

/// A way to a token that is plugged in. Opened for as long as somebody needs it, so that an idle
/// key is left alone.
#[derive(Debug)]
pub(crate) enum Port {
    /// Moves reports.
    Reports(ReportPort),
    /// Moves APDUs.
    Card(pcsc::PcscPort),
}

/// A way to a token that takes 64-byte reports.
#[derive(Debug)]
pub(crate) enum ReportPort {
    #[cfg(feature = "hid")]
    Hid(hid::HidPort),
    #[cfg(unix)]
    Socket(socket::SocketPort),
}

impl ReportPort {
    pub(crate) fn open(&mut self) -> Result<TokenLink, LinkError> {
        match self {
            #[cfg(feature = "hid")]
            Self::Hid(port) => port.open().map(TokenLink::Hid),
            #[cfg(unix)]
            Self::Socket(port) => Ok(TokenLink::Socket(port.open())),
        }
    }
}

/// An open way to a token that takes reports.
#[derive(Debug)]
pub(crate) enum TokenLink {
    #[cfg(feature = "hid")]
    Hid(hid::HidLink),
    #[cfg(unix)]
    Socket(socket::SocketLink),
}

impl Link for TokenLink {
    type Error = LinkError;

    fn now(&mut self) -> Millis {
        now()
    }

    fn send_report(&mut self, report: &Report) -> Result<(), LinkError> {
        match self {
            #[cfg(feature = "hid")]
            Self::Hid(link) => link.send(report),
            #[cfg(unix)]
            Self::Socket(link) => link.send(report),
        }
    }

    fn receive_report(&mut self, until: Millis) -> Result<Option<Report>, LinkError> {
        let patience = Duration::from_millis(until.since(now()));
        match self {
            #[cfg(feature = "hid")]
            Self::Hid(link) => link.receive(patience),
            #[cfg(unix)]
            Self::Socket(link) => link.receive(patience),
        }
    }
}

/// Why no report can be moved.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// It was unplugged.
    #[error("the token was unplugged")]
    Gone,
    /// The system does not let this user at the device.
    #[error("the system does not let the agent open {path}; give its user access with a udev rule")]
    NotPermitted {
        /// The device.
        path: String,
    },
    /// The system refused for another reason.
    #[error("the system failed on {path}: {reason}")]
    System {
        /// The device.
        path: String,
        /// Its words.
        reason: String,
    },
}

/// Milliseconds since the agent first asked: the clock of every link.
pub(crate) fn now() -> Millis {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let start = *START.get_or_init(clock::now);
    Millis(u64::try_from(clock::now().duration_since(start).as_millis()).unwrap_or(u64::MAX))
}

/// Why a transport does not run.
#[derive(Debug, thiserror::Error)]
pub enum TransportStartError {
    /// The socket for virtual tokens could not be made.
    #[error("cannot listen on {path} (danger_virtual_token_socket)")]
    Socket {
        /// The setting.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Plug-in and unplug cannot be watched.
    #[error("cannot watch for keys that are plugged in")]
    Hotplug(#[source] io::Error),
    /// The thread that watches readers could not be started.
    #[error("cannot watch for cards at readers")]
    Readers(#[source] io::Error),
}

/// The transports that run; dropped, they stop.
#[derive(Debug)]
pub(crate) struct Transports {
    #[cfg(feature = "hid")]
    _hotplug: hotplug::Hotplug,
    _readers: Option<pcsc::Watch>,
    #[cfg(unix)]
    _socket: Option<socket::VirtualTokens>,
}

impl Transports {
    pub(crate) fn start(
        settings: &Settings,
        listener: &Listener,
    ) -> Result<Self, TransportStartError> {
        #[cfg(not(unix))]
        if let Some(path) = &settings.danger_virtual_token_socket {
            return Err(TransportStartError::Socket {
                path: path.display().to_string(),
                source: io::ErrorKind::Unsupported.into(),
            });
        }
        Ok(Self {
            #[cfg(feature = "hid")]
            _hotplug: hotplug::Hotplug::start(Arc::clone(listener))
                .map_err(TransportStartError::Hotplug)?,
            _readers: settings
                .pcsc
                .then(|| pcsc::Watch::start(Arc::clone(listener)))
                .transpose()
                .map_err(TransportStartError::Readers)?,
            #[cfg(unix)]
            _socket: settings
                .danger_virtual_token_socket
                .as_deref()
                .map(|path| {
                    socket::VirtualTokens::listen(path, Arc::clone(listener)).map_err(|source| {
                        TransportStartError::Socket {
                            path: path.display().to_string(),
                            source,
                        }
                    })
                })
                .transpose()?,
        })
    }
}
