//! Who calls.

use std::fmt;

/// The caller of a request, as the journal writes it down.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Caller {
    /// The central server, through the uplink.
    Server,
    /// A user of this machine, through the local socket.
    #[cfg_attr(not(unix), expect(dead_code, reason = "no local socket there"))]
    Local { user: String },
}

impl Caller {
    /// Requests of the local socket carry their caller; those of the uplink carry none, since
    /// there is only one.
    pub(crate) fn of<T>(request: &tonic::Request<T>) -> Self {
        request.extensions().get().cloned().unwrap_or(Self::Server)
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server => f.write_str("server"),
            Self::Local { user } => write!(f, "local user {user}"),
        }
    }
}
