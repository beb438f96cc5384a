//! Bytes explained: what each byte of a message means, what nobody here knows, and where the
//! bytes are wrong.
//!
//! ```text
//!   input ─> one file per kind ─> Node tree ─> view (table or JSON)
//!              │  ctap, attestation ─> cbor (walks by a schema) ─> authenticator_data
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
mod view;

#[cfg(test)]
mod tests;

pub(crate) use node::Decoded;

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

/// The CTAP2 commands, by the names that are typed.
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
}

/// Explains `bytes`. What is wrong with them is in the result.
pub(crate) fn decode(kind: Kind, command: Option<Command>, bytes: &[u8]) -> Decoded {
    match kind {
        Kind::CtapRequest => ctap::request(bytes),
        Kind::CtapResponse => ctap::response(bytes, command),
        Kind::Attestation => attestation::object(bytes),
        Kind::Apdu => apdu::apdu(bytes),
        Kind::Tlv => tlv::objects(bytes),
        Kind::Ctaphid => ctaphid::packets(bytes, command),
    }
}
