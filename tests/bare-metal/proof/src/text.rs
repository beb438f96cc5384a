//! What errors say to people.

use core::fmt::{self, Display, Write};

use keysteward_core::admin_key::{Cipher, KeyError};
use keysteward_core::ctap2::large_blobs::array::{ArrayError, EditError, OpenError, SealError};
use keysteward_core::ctap2::{EmptyMessage, Status};
use keysteward_core::ctaphid::client::RequestError;
use keysteward_core::ctaphid::{ErrorCode, MessageTooLong, ReceiveError, TransportError};
use keysteward_core::iso7816::{
    CardError, ChainTooLong, CommandError, EncodeError, ExchangeError, ResponseTooShort,
};
use keysteward_core::pin_protocol::PinError;
use keysteward_core::piv::session::{AdminError, Instruction};
use keysteward_core::piv::{self, KeyReference, ObjectId};
use keysteward_core::session::{Error, Feature, PinRule};
use keysteward_core::webauthn::{attestation, authenticator_data, cose};
use keysteward_core::{cbor, crypto, gids};

use crate::unknown::{Lost, any, see};

/// Takes text of which nothing becomes.
struct Listener;

impl Write for Listener {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        see(text);
        any()
    }
}

pub(crate) fn prove() {
    shown::<Cipher>();
    shown::<KeyError>();
    shown::<cbor::Error>();
    shown::<cbor::Name<'_>>();
    shown::<cbor::BufferFull>();
    shown::<crypto::Error>();
    shown::<Status>();
    shown::<EmptyMessage>();
    shown::<ArrayError>();
    shown::<EditError>();
    shown::<OpenError>();
    shown::<SealError>();
    shown::<RequestError>();
    shown::<ErrorCode>();
    shown::<MessageTooLong>();
    shown::<ReceiveError>();
    shown::<TransportError<Lost>>();
    shown::<CardError<Lost>>();
    shown::<gids::Error>();
    shown::<gids::pin::PinError>();
    shown::<gids::session::Error<Lost>>();
    shown::<gids::session::AdminError<Lost, Lost>>();
    shown::<ChainTooLong>();
    shown::<CommandError>();
    shown::<EncodeError>();
    shown::<ExchangeError>();
    shown::<ResponseTooShort>();
    shown::<PinError>();
    shown::<piv::PinError>();
    shown::<piv::Malformed>();
    shown::<piv::Algorithm>();
    shown::<KeyReference>();
    shown::<ObjectId>();
    shown::<piv::PinReference>();
    shown::<piv::yubico::Version>();
    shown::<piv::session::Error<Lost>>();
    shown::<Instruction>();
    shown::<AdminError<Lost, Lost>>();
    shown::<Error<Lost>>();
    shown::<Feature>();
    shown::<PinRule>();
    shown::<attestation::VerifyError>();
    shown::<authenticator_data::Error>();
    shown::<cose::VerifyError>();
}

fn shown<T: Display>() {
    see(write!(Listener, "{}", any::<T>()));
}
