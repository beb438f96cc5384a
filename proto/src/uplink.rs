//! What both ends of an uplink agree on before the first byte of HTTP/2.
//!
//! An agent dials the server's agent port over TLS 1.3. ALPN says what the
//! connection is for: [`ALPN_UPLINK`], on which the agent is the HTTP/2 server
//! once the server has sent its [`Greeting`]; or [`ALPN_CALLS`], an ordinary gRPC
//! connection for `keysteward.enrolment.v1`.

use core::{fmt, time::Duration};

/// The reverse link. A client certificate is required.
pub const ALPN_UPLINK: &[u8] = b"keysteward-uplink/1";

/// Ordinary calls to the server: Enrol without a client certificate, Renew with one.
pub const ALPN_CALLS: &[u8] = b"h2";

/// The name in the certificate of every agent port. What an agent trusts is a
/// private root that signs nothing else, so the address it dials may change
/// without a new certificate.
pub const SERVER_NAME: &str = "server.keysteward.internal";

/// The identity in an agent's certificate: `spiffe://SERVER-ID/agent/HOST-ID`.
#[must_use]
pub fn agent_uri(server_id: impl fmt::Display, host_id: impl fmt::Display) -> String {
    format!("spiffe://{server_id}/agent/{host_id}")
}

/// Server id and host id of an [`agent_uri`].
#[must_use]
pub fn parse_agent_uri(uri: &str) -> Option<(&str, &str)> {
    let (server, path) = uri.strip_prefix("spiffe://")?.split_once('/')?;
    let host = path.strip_prefix("agent/")?;
    (!server.is_empty() && !host.is_empty() && !host.contains('/')).then_some((server, host))
}

/// The first eight bytes on an uplink, from the server.
///
/// ```text
/// 'K' 'S' | answer (1) | 0 | seconds to wait before the next try (4, big-endian)
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Greeting {
    /// HTTP/2 follows.
    Welcome,
    /// The server closes the connection.
    Refused {
        /// Why.
        refusal: Refusal,
        /// Not to be dialled before; whole seconds.
        retry_after: Duration,
    },
}

/// Why an uplink is not served.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Refusal {
    /// The server starts, stops, or has too much to do.
    Busy,
    /// This host was revoked: it must enrol anew.
    Revoked,
    /// The server does not know this host: its database is another one.
    UnknownHost,
    /// The certificate was replaced by a renewed one that has been seen in use.
    Superseded,
    /// A reason that this version has no name for.
    Other(u8),
}

impl Greeting {
    /// Size on the wire.
    pub const LEN: usize = 8;

    /// As sent.
    #[must_use]
    pub fn encode(self) -> [u8; Self::LEN] {
        let (code, seconds) = match self {
            Self::Welcome => (0, 0),
            Self::Refused {
                refusal,
                retry_after,
            } => (
                refusal.code(),
                u32::try_from(retry_after.as_secs()).unwrap_or(u32::MAX),
            ),
        };
        let [a, b, c, d] = seconds.to_be_bytes();
        [b'K', b'S', code, 0, a, b, c, d]
    }

    /// `None` when the peer is no Keysteward server.
    #[must_use]
    pub fn parse(bytes: [u8; Self::LEN]) -> Option<Self> {
        let [b'K', b'S', code, _, a, b, c, d] = bytes else {
            return None;
        };
        Some(match code {
            0 => Self::Welcome,
            code => Self::Refused {
                refusal: Refusal::from_code(code),
                retry_after: Duration::from_secs(u32::from_be_bytes([a, b, c, d]).into()),
            },
        })
    }
}

impl Refusal {
    fn code(self) -> u8 {
        match self {
            Self::Busy => 1,
            Self::Revoked => 2,
            Self::UnknownHost => 3,
            Self::Superseded => 4,
            Self::Other(code) => code,
        }
    }

    fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Busy,
            2 => Self::Revoked,
            3 => Self::UnknownHost,
            4 => Self::Superseded,
            other => Self::Other(other),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("the server is busy"),
            Self::Revoked => f.write_str("this host was revoked: enrol it with a new join token"),
            Self::UnknownHost => {
                f.write_str("the server does not know this host: enrol it with a new join token")
            }
            Self::Superseded => f.write_str(
                "this certificate was replaced by a renewed one: is this a copy of the host's disk?",
            ),
            Self::Other(code) => write!(f, "the server refused with code {code}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greetings_survive_a_round_trip() {
        let refused = |refusal| Greeting::Refused {
            refusal,
            retry_after: Duration::from_secs(300),
        };
        for greeting in [
            Greeting::Welcome,
            refused(Refusal::Busy),
            refused(Refusal::Revoked),
            refused(Refusal::UnknownHost),
            refused(Refusal::Superseded),
            refused(Refusal::Other(99)),
        ] {
            assert_eq!(Greeting::parse(greeting.encode()), Some(greeting));
        }
    }

    #[test]
    fn what_is_not_a_greeting_is_not_taken_for_one() {
        assert_eq!(Greeting::parse(*b"HTTP/1.1"), None);
    }

    #[test]
    fn an_agent_uri_gives_back_its_ids_and_nothing_else_does() {
        let uri = agent_uri("s-1", "h-1");
        assert_eq!(parse_agent_uri(&uri), Some(("s-1", "h-1")));
        for other in [
            "spiffe://s-1/agent/",
            "spiffe:///agent/h-1",
            "spiffe://s-1/operator/h-1",
            "spiffe://s-1/agent/h-1/more",
            "https://s-1/agent/h-1",
        ] {
            assert_eq!(parse_agent_uri(other), None, "{other}");
        }
    }
}
