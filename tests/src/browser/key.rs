//! The browser's side of a key: CTAPHID over the key's own socket, and the
//! core's flows.

use anyhow::Context;
use keysteward_core::{
    cbor::List,
    crypto::RustCrypto,
    ctap2::{PublicKeyCredentialDescriptor, client_pin::Permissions, get_assertion},
    ctaphid::{HidTransport, Link, Report},
    pin_protocol::Pin,
    session::{Buffers, Error, Keepalive, Millis, Session},
};
use rand::{RngCore, rngs::OsRng};
use std::{
    fmt,
    io::{self, ErrorKind, Read, Write},
    ops::ControlFlow,
    os::unix::net::UnixStream,
    path::Path,
    time::{Duration, Instant},
};

/// What a site wants signed.
pub(super) struct Ask {
    pub(super) rp_id: String,
    pub(super) client_data_hash: [u8; 32],
    pub(super) allowed: Vec<Vec<u8>>,
}

pub(super) struct Assertion {
    pub(super) credential_id: Vec<u8>,
    pub(super) authenticator_data: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

/// Why a key gave no assertion, though it works.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Declined {
    /// None for this site, or none of those that it allows.
    NoCredential,
    WrongPin {
        tries_left: Option<u8>,
    },
    PinBlocked,
    PinNotSet,
    PinChangeRequired,
    NotTouched,
}

impl fmt::Display for Declined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCredential => f.write_str("the key holds no credential for this site"),
            Self::WrongPin {
                tries_left: Some(tries),
            } => write!(f, "wrong PIN, {tries} tries left"),
            Self::WrongPin { tries_left: None } => f.write_str("wrong PIN"),
            Self::PinBlocked => f.write_str("the PIN is blocked"),
            Self::PinNotSet => f.write_str("the key has no PIN"),
            Self::PinChangeRequired => f.write_str("the PIN must be changed first"),
            Self::NotTouched => f.write_str("nobody touched the key"),
        }
    }
}

/// Signs in: PIN, touch, signature.
pub(super) fn assert(
    socket: &Path,
    pin: &Pin,
    ask: &Ask,
) -> anyhow::Result<Result<Assertion, Declined>> {
    let mut link = SocketLink::connect(socket)
        .with_context(|| format!("no key listens at {}", socket.display()))?;
    let deadline = link.now().after(PATIENCE);
    let mut nonce = [0; 8];
    OsRng.fill_bytes(&mut nonce);
    let mut transport =
        HidTransport::open(link, nonce, deadline).context("is the key plugged in?")?;
    let mut crypto = RustCrypto(OsRng);
    let mut buffers = Box::new(Buffers::new());
    let mut on_keepalive = |status| {
        if status == Keepalive::UserPresenceNeeded {
            tracing::info!("touch the key now");
        }
        ControlFlow::Continue(())
    };
    let mut session = Session::new(
        &mut transport,
        &mut crypto,
        &mut buffers,
        deadline,
        &mut on_keepalive,
    );
    match signed(&mut session, pin, ask) {
        Ok(assertion) => Ok(Ok(assertion)),
        Err(error) => declined(error).map(Err),
    }
}

type Failed = Error<keysteward_core::ctaphid::TransportError<Gone>>;

fn signed(
    session: &mut Session<'_, HidTransport<SocketLink>, RustCrypto<OsRng>>,
    pin: &Pin,
    ask: &Ask,
) -> Result<Assertion, Failed> {
    let token = session.token(pin, Permissions::GET_ASSERTION, Some(&ask.rp_id))?;
    // As platforms do: ask in silence first, then for the one that is there.
    let allowed = ask.allowed.iter().map(Vec::as_slice);
    let chosen = match ask.allowed.is_empty() {
        true => None,
        false => {
            let index = session.find_credential(&ask.rp_id, allowed, Some(&token))?;
            Some(
                index
                    .and_then(|index| ask.allowed.get(index))
                    .ok_or(Error::NoCredentials)?,
            )
        }
    };
    let list = chosen.map(|id| [PublicKeyCredentialDescriptor::new(id)]);
    let request = get_assertion::Request {
        rp_id: &ask.rp_id,
        client_data_hash: &ask.client_data_hash,
        allow_list: list.as_ref().map(|list| List::new(list)),
        extensions: None,
        options: None,
        pin_uv_auth_param: None,
        pin_uv_auth_protocol: None,
    };
    let response = session.get_assertion(&request, Some(token))?;
    let credential_id = match (response.credential, chosen) {
        (Some(credential), _) => credential.id.to_vec(),
        // CTAP 2.0 may leave out the only one that was allowed.
        (None, Some(chosen)) => chosen.clone(),
        (None, None) => return Err(Error::NoCredentials),
    };
    Ok(Assertion {
        credential_id,
        authenticator_data: response.auth_data.to_vec(),
        signature: response.signature.to_vec(),
    })
}

fn declined(error: Failed) -> anyhow::Result<Declined> {
    Ok(match error {
        Error::NoCredentials => Declined::NoCredential,
        Error::PinInvalid { retries } => Declined::WrongPin {
            tries_left: retries,
        },
        Error::PinAuthBlocked { .. } | Error::PinBlocked => Declined::PinBlocked,
        Error::PinNotSet => Declined::PinNotSet,
        Error::PinChangeRequired => Declined::PinChangeRequired,
        Error::NotTouched | Error::Denied => Declined::NotTouched,
        other => return Err(other.into()),
    })
}

/// 64-byte reports over the socket where a key listens.
#[derive(Debug)]
pub struct SocketLink {
    stream: UnixStream,
    started: Instant,
}

/// The key was unplugged, or its process is gone.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the key is gone ({0})")]
pub struct Gone(ErrorKind);

impl From<io::Error> for Gone {
    fn from(error: io::Error) -> Self {
        Self(error.kind())
    }
}

impl SocketLink {
    /// # Errors
    /// No key listens there.
    pub fn connect(socket: &Path) -> io::Result<Self> {
        Ok(Self {
            stream: UnixStream::connect(socket)?,
            started: Instant::now(),
        })
    }
}

impl Link for SocketLink {
    type Error = Gone;

    fn now(&mut self) -> Millis {
        Millis(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    fn send_report(&mut self, report: &Report) -> Result<(), Gone> {
        Ok(self.stream.write_all(report)?)
    }

    fn receive_report(&mut self, until: Millis) -> Result<Option<Report>, Gone> {
        let left = until.since(self.now()).max(1);
        self.stream
            .set_read_timeout(Some(Duration::from_millis(left)))?;
        let mut report = [0; 64];
        let first = match self.stream.read(&mut report) {
            Ok(0) => return Err(Gone(ErrorKind::UnexpectedEof)),
            Ok(count) => count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        // Begun is as good as come: reports are written whole.
        self.stream.set_read_timeout(Some(REST_OF_A_REPORT))?;
        if let Some(rest) = report.get_mut(first..) {
            self.stream.read_exact(rest)?;
        }
        Ok(Some(report))
    }
}

/// Milliseconds for PIN, touch and signature together.
const PATIENCE: u64 = 60_000;
const REST_OF_A_REPORT: Duration = Duration::from_secs(1);
