//! What errors say to people.

use core::error::Error;
use core::fmt::{self, Debug, Display, Write};

use keysteward_core::admin_key::{Cipher, KeyError};
use keysteward_core::ctap1::KeyHandleTooLong;
use keysteward_core::ctap2::bio_enrollment::SampleStatus;
use keysteward_core::ctap2::large_blobs::array::{
    ArrayError, EditError, Found, OpenError, Opened, RoomTooSmall, SealError,
};
use keysteward_core::ctap2::{EmptyMessage, LargeBlobKey, Status, client_pin};
use keysteward_core::ctaphid::client::RequestError;
use keysteward_core::ctaphid::{
    ChannelId, ErrorCode, MessageTooLong, ReceiveError, TransportError,
};
use keysteward_core::iso7816::{
    self, CardError, ChainTooLong, CommandError, EncodeError, ExchangeError, ResponseTooShort, tlv,
};
use keysteward_core::nfcctap::{NfcError, NfcTransport};
use keysteward_core::pin_protocol::PinError;
use keysteward_core::piv::session::{AdminError, Instruction};
use keysteward_core::piv::{self, KeyReference, ObjectId};
use keysteward_core::session::ctap1::{MsgError, U2fBuffers, U2fSession};
use keysteward_core::session::{Feature, LargeBlob, PinRule, Session};
use keysteward_core::webauthn::attestation::tpm::TpmError;
use keysteward_core::webauthn::{attestation, authenticator_data, cose};
use keysteward_core::{cbor, crypto, ctap1, gids, session};

use crate::iso7816::Reader;
use crate::session::Token;
use crate::unknown::{Lost, Primitives, any, see};

/// Takes text of which nothing becomes.
struct Listener;

impl Write for Listener {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        see(text);
        any()
    }
}

pub(crate) fn prove() {
    failures();
    names();
    inspected();
}

fn failures() {
    failure::<KeyError>();
    failure::<cbor::Error>();
    failure::<cbor::BufferFull>();
    failure::<crypto::Error>();
    failure::<ctap1::Error>();
    failure::<KeyHandleTooLong>();
    failure::<EmptyMessage>();
    failure::<ArrayError>();
    failure::<EditError>();
    failure::<OpenError>();
    failure::<SealError>();
    failure::<RoomTooSmall>();
    failure::<RequestError>();
    failure::<MessageTooLong>();
    failure::<ReceiveError>();
    failure::<TransportError<Lost>>();
    failure::<CardError<Lost>>();
    failure::<NfcError<Lost>>();
    failure::<gids::Error>();
    failure::<gids::pin::PinError>();
    failure::<gids::session::Error<Lost>>();
    failure::<gids::session::AdminError<Lost, Lost>>();
    failure::<ChainTooLong>();
    failure::<CommandError>();
    failure::<EncodeError>();
    failure::<ExchangeError>();
    failure::<ResponseTooShort>();
    failure::<tlv::Error>();
    failure::<tlv::EncodeError>();
    failure::<PinError>();
    failure::<piv::PinError>();
    failure::<piv::Malformed>();
    failure::<piv::session::Error<Lost>>();
    failure::<AdminError<Lost, Lost>>();
    failure::<session::Error<Lost>>();
    failure::<session::ctap1::Error<Lost>>();
    failure::<MsgError<Lost>>();
    failure::<attestation::VerifyError>();
    failure::<TpmError>();
    failure::<authenticator_data::Error>();
    failure::<cose::VerifyError>();
}

fn names() {
    shown::<Cipher>();
    shown::<cbor::Name<'_>>();
    shown::<Status>();
    shown::<SampleStatus>();
    shown::<client_pin::Permissions>();
    shown::<ErrorCode>();
    shown::<ChannelId>();
    shown::<iso7816::Status>();
    shown::<tlv::Tag>();
    shown::<piv::Algorithm>();
    shown::<KeyReference>();
    shown::<ObjectId>();
    shown::<piv::PinReference>();
    shown::<piv::yubico::Version>();
    shown::<Instruction>();
    shown::<Feature>();
    shown::<PinRule>();
}

/// What leaves secrets and bytes out, and is therefore not derived.
fn inspected() {
    debugged::<cbor::Writer<'_>>();
    debugged::<client_pin::Response<'_>>();
    debugged::<LargeBlobKey<'_>>();
    debugged::<Found<'_>>();
    debugged::<Opened<'_>>();
    debugged::<gids::session::Session<'_, Reader, Primitives>>();
    debugged::<iso7816::Command<'_>>();
    debugged::<iso7816::Response<'_>>();
    debugged::<tlv::Object<'_>>();
    debugged::<tlv::Tag>();
    debugged::<NfcTransport<Reader>>();
    debugged::<ObjectId>();
    debugged::<U2fBuffers>();
    debugged::<U2fSession<'_, Token>>();
    debugged::<Session<'_, Token, Primitives>>();
    debugged::<LargeBlob<'_>>();
    debugged::<cbor::Raw<'_>>();
    debugged::<cbor::List<'_, u8>>();
}

fn failure<E: Error>() {
    shown::<E>();
    // Not the source itself, which brings its `Debug` along.
    see(any::<&E>().source().is_some());
}

fn shown<T: Display>() {
    see(write!(Listener, "{}", any::<T>()));
}

fn debugged<T: Debug>() {
    see(write!(Listener, "{:?}", any::<T>()));
}
