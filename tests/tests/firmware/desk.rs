//! A desk with one key on it, and somebody who holds sessions with it.

use crate::key::{Cable, Key, Unplugged};
use keysteward_core::crypto::RustCrypto;
use keysteward_core::ctap2::client_pin::Permissions;
use keysteward_core::ctaphid::{HidTransport, Link, TransportError};
use keysteward_core::pin_protocol::{Pin, PinUvAuthToken};
use keysteward_core::session::{self, Buffers, CtapTransport, Keepalive, Session};
use rand_core::{OsRng, RngCore};
use std::ops::ControlFlow;

pub(crate) type Transport = HidTransport<Cable>;
pub(crate) type Error = session::Error<TransportError<Unplugged>>;
pub(crate) type DeskSession<'t> = Session<'t, Transport, RustCrypto<OsRng>>;

pub(crate) const RP_ID: &str = "login.example";

pub(crate) struct Desk {
    pub(crate) transport: Transport,
    buffers: Box<Buffers>,
}

impl Desk {
    /// Plugs the key in.
    pub(crate) fn with(key: &Key) -> Self {
        Self {
            transport: open(key.plug()).unwrap(),
            buffers: Box::default(),
        }
    }

    /// Holds a session that has a minute and does not mind waiting.
    pub(crate) fn session<R>(&mut self, act: impl FnOnce(&mut DeskSession<'_>) -> R) -> R {
        self.impatient_session(60_000, &mut |_| ControlFlow::Continue(()), act)
    }

    pub(crate) fn impatient_session<R>(
        &mut self,
        milliseconds: u64,
        on_keepalive: &mut dyn FnMut(Keepalive) -> ControlFlow<()>,
        act: impl FnOnce(&mut DeskSession<'_>) -> R,
    ) -> R {
        let deadline = self.transport.link_mut().now().after(milliseconds);
        let mut crypto = RustCrypto(OsRng);
        let mut session = Session::new(
            &mut self.transport,
            &mut crypto,
            &mut self.buffers,
            deadline,
            on_keepalive,
        );
        act(&mut session)
    }

    /// One message, as bytes.
    pub(crate) fn raw(&mut self, request: &[u8]) -> Vec<u8> {
        let deadline = self.transport.link_mut().now().after(10_000);
        let mut response = [0; 7609];
        self.transport
            .exchange(request, &mut response, deadline, &mut |_| {
                ControlFlow::Continue(())
            })
            .unwrap()
            .to_vec()
    }
}

pub(crate) fn open(mut cable: Cable) -> Result<Transport, TransportError<Unplugged>> {
    let mut nonce = [0; 8];
    OsRng.fill_bytes(&mut nonce);
    let deadline = cable.now().after(5_000);
    HidTransport::open(cable, nonce, deadline)
}

pub(crate) fn pin(text: &str) -> Pin {
    Pin::new(text).unwrap_or_else(|error| panic!("{error}"))
}

/// A token to make and use credentials of [`RP_ID`].
pub(crate) fn for_credentials(session: &mut DeskSession<'_>, text: &str) -> PinUvAuthToken {
    let permissions = Permissions::MAKE_CREDENTIAL | Permissions::GET_ASSERTION;
    session
        .token(&pin(text), permissions, Some(RP_ID))
        .unwrap_or_else(|error| panic!("{error}"))
}

/// A token to manage credentials.
pub(crate) fn for_management(session: &mut DeskSession<'_>, text: &str) -> PinUvAuthToken {
    session
        .token(&pin(text), Permissions::CREDENTIAL_MANAGEMENT, None)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// A token to configure the key.
pub(crate) fn for_configuration(session: &mut DeskSession<'_>, text: &str) -> PinUvAuthToken {
    session
        .token(&pin(text), Permissions::AUTHENTICATOR_CONFIG, None)
        .unwrap_or_else(|error| panic!("{error}"))
}
