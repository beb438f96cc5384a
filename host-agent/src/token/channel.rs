//! A token's channel for CTAP messages, over HID or at a reader: what verbs speak over.

use std::ops::ControlFlow;

use keysteward_core::{
    ctaphid::{HidTransport, TransportError},
    iso7816::{CardError, Command, Response, Status},
    nfcctap::{NfcError, NfcTransport},
    session::{
        CtapTransport, Keepalive, Millis,
        ctap1::{MsgError, U2fTransport},
    },
};

use crate::transport::{
    self, LinkError, TokenLink,
    pcsc::{PcscError, PcscLink},
};

/// An open channel.
#[derive(Debug)]
pub(crate) enum Channel {
    Hid(Box<HidTransport<TokenLink>>),
    /// The FIDO applet is selected.
    Nfc(Box<NfcTransport<PcscLink>>),
}

/// Why a message did not arrive.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChannelError {
    #[error(transparent)]
    Hid(#[from] TransportError<LinkError>),
    #[error(transparent)]
    Nfc(#[from] NfcError<PcscError>),
    /// A U2F message or its answer is none.
    #[error(transparent)]
    U2f(MsgError<LinkError>),
}

impl Channel {
    /// Whether nothing reaches the token by this channel any more, but another may be opened.
    pub(super) fn is_lost(&mut self) -> bool {
        match self {
            Self::Hid(_) => false,
            Self::Nfc(nfc) => nfc.card_mut().is_lost(),
        }
    }

    /// Whether it says that it takes CTAP2 messages. A card does not say so.
    pub(crate) fn says_ctap2(&self) -> Option<bool> {
        match self {
            Self::Hid(hid) => Some(hid.capabilities().cbor()),
            Self::Nfc(_) => None,
        }
    }

    /// CTAPHID_WINK; `false` where the token has nothing to wink with.
    pub(crate) fn wink(&mut self, deadline: Millis) -> Result<bool, ChannelError> {
        match self {
            Self::Hid(hid) if hid.capabilities().wink() => {
                hid.wink(deadline)?;
                Ok(true)
            }
            Self::Hid(_) | Self::Nfc(_) => Ok(false),
        }
    }
}

impl CtapTransport for Channel {
    type Error = ChannelError;

    fn exchange<'r>(
        &mut self,
        request: &[u8],
        response: &'r mut [u8],
        deadline: Millis,
        on_keepalive: &mut dyn FnMut(Keepalive) -> ControlFlow<()>,
    ) -> Result<&'r [u8], ChannelError> {
        Ok(match self {
            Self::Hid(hid) => hid.exchange(request, response, deadline, on_keepalive)?,
            Self::Nfc(nfc) => nfc.exchange(request, response, deadline, on_keepalive)?,
        })
    }
}

impl U2fTransport for Channel {
    type Error = ChannelError;

    fn now(&mut self) -> Millis {
        transport::now()
    }

    fn pause(&mut self, until: Millis) -> Result<(), ChannelError> {
        match self {
            Self::Hid(hid) => Ok(hid.pause(until)?),
            Self::Nfc(nfc) => Ok(nfc.pause(until)?),
        }
    }

    fn exchange_apdu<'r>(
        &mut self,
        command: Command<'_>,
        response: &'r mut [u8],
        deadline: Millis,
        on_keepalive: &mut dyn FnMut(Keepalive) -> ControlFlow<()>,
    ) -> Result<Response<'r>, ChannelError> {
        Ok(match self {
            Self::Hid(hid) => hid.exchange_apdu(command, response, deadline, on_keepalive)?,
            Self::Nfc(nfc) => nfc.exchange_apdu(command, response, deadline, on_keepalive)?,
        })
    }
}

impl From<MsgError<LinkError>> for ChannelError {
    fn from(error: MsgError<LinkError>) -> Self {
        match error {
            MsgError::Transport(error) => Self::Hid(error),
            error => Self::U2f(error),
        }
    }
}

impl From<PcscError> for ChannelError {
    fn from(error: PcscError) -> Self {
        Self::Nfc(NfcError::Card(CardError::Transport(error)))
    }
}

impl ChannelError {
    /// Whether the token surely did not take the request.
    pub(crate) const fn took_nothing(&self) -> bool {
        matches!(
            self,
            Self::Hid(TransportError::Refused(_) | TransportError::Request(_))
                | Self::Nfc(
                    NfcError::Refused(Status::ClaNotSupported | Status::InsNotSupported)
                        | NfcError::NoApplet
                        | NfcError::RequestTooLong { .. }
                        | NfcError::Card(CardError::Command(_))
                )
                | Self::U2f(MsgError::Command(_))
        )
    }
}
