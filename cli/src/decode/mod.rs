//! Bytes explained: what each byte of a message means, what nobody here knows, and where the
//! bytes are wrong.
//!
//! ```text
//!   input ─> one file per kind ─> Node tree ─> view (table or JSON)
//!              │  ctaphid ─> ctap, apdu ─> u2f;  ctap, attestation ─> cbor (walks by a schema)
//!              │                                   cbor ─> authenticator_data, certificate, tpm
//!              └─ what the core's own parser says of the same bytes: the verdict
//! ```
//!
//! The walk goes on where the core's parser stops, so a person sees what stands before and
//! around the fault.

mod apdu;
mod attestation;
mod authenticator_data;
mod cbor;
mod certificate;
mod ctap;
mod ctaphid;
mod node;
mod schema;
mod tlv;
mod tpm;
mod u2f;
mod view;

#[cfg(test)]
mod tests;

pub(crate) use node::Decoded;
pub(crate) use schema::{UV_MODALITY, algorithm, authenticator_config};

use keysteward_core::ctap2;

/// What the bytes are said to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// A command byte and its CBOR
    CtapRequest,
    /// A status byte and its CBOR; --command says to which command
    CtapResponse,
    /// A WebAuthn attestation object
    Attestation,
    /// A smart card's command, or its response
    Apdu,
    /// BER-TLV data objects
    Tlv,
    /// HID packets of 64 bytes, one or many
    Ctaphid,
}

/// What a response answers, by the names that are typed: the commands of CTAP2 and of U2F.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Command {
    MakeCredential,
    GetAssertion,
    GetNextAssertion,
    GetInfo,
    ClientPin,
    Reset,
    BioEnrollment,
    CredentialManagement,
    Selection,
    LargeBlobs,
    AuthenticatorConfig,
    U2fRegister,
    U2fAuthenticate,
    U2fVersion,
}

impl Kind {
    /// Whether `--command` says something about such bytes.
    pub(crate) const fn takes_command(self) -> bool {
        matches!(self, Self::CtapResponse | Self::Apdu | Self::Ctaphid)
    }
}

impl Command {
    /// The command of CTAP2; `None` for those of U2F.
    pub(crate) const fn ctap2(self) -> Option<ctap2::Command> {
        use ctap2::Command as C;
        Some(match self {
            Self::MakeCredential => C::MakeCredential,
            Self::GetAssertion => C::GetAssertion,
            Self::GetNextAssertion => C::GetNextAssertion,
            Self::GetInfo => C::GetInfo,
            Self::ClientPin => C::ClientPin,
            Self::Reset => C::Reset,
            Self::BioEnrollment => C::BioEnrollment,
            Self::CredentialManagement => C::CredentialManagement,
            Self::Selection => C::Selection,
            Self::LargeBlobs => C::LargeBlobs,
            Self::AuthenticatorConfig => C::AuthenticatorConfig,
            Self::U2fRegister | Self::U2fAuthenticate | Self::U2fVersion => return None,
        })
    }
}

/// Explains `bytes`. What is wrong with them is in the result.
pub(crate) fn decode(kind: Kind, command: Option<Command>, bytes: &[u8]) -> Decoded {
    match kind {
        Kind::CtapRequest => ctap::request(bytes),
        Kind::CtapResponse => ctap::response(bytes, command.and_then(Command::ctap2)),
        Kind::Attestation => attestation::object(bytes),
        Kind::Apdu => apdu::apdu(bytes, command),
        Kind::Tlv => tlv::objects(bytes),
        Kind::Ctaphid => ctaphid::packets(bytes, command),
    }
}
