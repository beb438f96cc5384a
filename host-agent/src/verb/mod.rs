//! What can be done to a token: a file for each verb.
//!
//! Above [`crate::token`], below [`crate::rpc`]. A verb takes a request in our own types, talks to
//! the token through the core's session, and gives an [`Answer`] or a [`Failure`], both free of
//! secrets, so that the journal can keep them.

mod answer;
mod attempt;
pub(crate) mod card;
mod change;
mod conduct;
mod configure;
mod delete_credential;
mod failure;
mod fingerprint;
mod fingerprints;
mod identity;
mod inspect;
mod large_blobs;
mod list_credentials;
mod look_for_credentials;
mod make_credential;
mod persistent_token;
mod pin;
mod progress;
mod prove_credential;
mod read;
mod request;
pub(crate) mod reset;
mod settle;
mod steps;
mod trouble;
mod u2f;
mod update_user;
mod vendor_configure;
mod verification;
mod watched;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use answer::{Answer, Credential, Fingerprint, Inspection, LargeBlob};
pub use card::{
    Applet, CardFacts, CardInspection, Container, GidsFacts, PinFacts, PinReference, PinTries,
    PivFacts,
};
pub(crate) use card::{AskCaller, Blocks, Question};
pub use failure::{Code, Failure};
pub(crate) use large_blobs::MAX_BLOB as MAX_LARGE_BLOB;
pub(crate) use make_credential::MAX_CRED_BLOB;
pub(crate) use progress::{Cancel, Listener, Waiting};
pub(crate) use request::{Configure, MakeCredential, Request, User, VendorConfigure};
pub(crate) use settle::settle_without_token;
pub(crate) use steps::{Order, Outcome, Steps};
pub(crate) use trouble::pin_refused;
pub(crate) use verification::Verification;

/// The name of a thing that can be done, as settings and journal spell it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the names are those of the steps in fido.proto and card.proto"
)]
pub enum Verb {
    Inspect,
    LookForCredentials,
    ListCredentials,
    Select,
    SetPin,
    ChangePin,
    Configure,
    MakeCredential,
    DeleteCredential,
    ProveCredential,
    Reset,
    Raw,
    // On disk by their place: new ones come last.
    Wink,
    UpdateUser,
    GrantPersistentToken,
    DescribeFingerprintSensor,
    ListFingerprints,
    EnrollFingerprint,
    RenameFingerprint,
    RemoveFingerprint,
    ListLargeBlobs,
    ReadLargeBlob,
    WriteLargeBlob,
    DeleteLargeBlob,
    InspectCard,
    TryAdminKeys,
    ChangeAdminKey,
    ChangeCardPin,
    SetCardPin,
    BlockCardPin,
    Personalise,
    GenerateKey,
    SignCertificationRequest,
    WriteCertificate,
    DeleteContainer,
    ResetCard,
    GiveChallenge,
    AnswerChallenge,
    CardRaw,
    SetPinTries,
    ReadIdentity,
    VendorConfigure,
    MoveKey,
}

impl Verb {
    /// Every verb, in the order of `fido.proto`, then of `card.proto`.
    pub const ALL: [Self; 43] = [
        Self::Inspect,
        Self::LookForCredentials,
        Self::ListCredentials,
        Self::Select,
        Self::SetPin,
        Self::ChangePin,
        Self::Configure,
        Self::MakeCredential,
        Self::DeleteCredential,
        Self::ProveCredential,
        Self::Reset,
        Self::Wink,
        Self::UpdateUser,
        Self::GrantPersistentToken,
        Self::DescribeFingerprintSensor,
        Self::ListFingerprints,
        Self::EnrollFingerprint,
        Self::RenameFingerprint,
        Self::RemoveFingerprint,
        Self::ListLargeBlobs,
        Self::ReadLargeBlob,
        Self::WriteLargeBlob,
        Self::DeleteLargeBlob,
        Self::ReadIdentity,
        Self::VendorConfigure,
        Self::Raw,
        Self::InspectCard,
        Self::TryAdminKeys,
        Self::ChangeAdminKey,
        Self::ChangeCardPin,
        Self::SetCardPin,
        Self::BlockCardPin,
        Self::Personalise,
        Self::GenerateKey,
        Self::SignCertificationRequest,
        Self::WriteCertificate,
        Self::DeleteContainer,
        Self::ResetCard,
        Self::GiveChallenge,
        Self::AnswerChallenge,
        Self::SetPinTries,
        Self::MoveKey,
        Self::CardRaw,
    ];

    /// Its name in settings, journal and log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inspect => "inspect",
            Self::LookForCredentials => "look_for_credentials",
            Self::ListCredentials => "list_credentials",
            Self::Select => "select",
            Self::SetPin => "set_pin",
            Self::ChangePin => "change_pin",
            Self::Configure => "configure",
            Self::MakeCredential => "make_credential",
            Self::DeleteCredential => "delete_credential",
            Self::ProveCredential => "prove_credential",
            Self::Reset => "reset",
            Self::Raw => "raw",
            Self::Wink => "wink",
            Self::UpdateUser => "update_user",
            Self::GrantPersistentToken => "grant_persistent_token",
            Self::DescribeFingerprintSensor => "describe_fingerprint_sensor",
            Self::ListFingerprints => "list_fingerprints",
            Self::EnrollFingerprint => "enroll_fingerprint",
            Self::RenameFingerprint => "rename_fingerprint",
            Self::RemoveFingerprint => "remove_fingerprint",
            Self::ListLargeBlobs => "list_large_blobs",
            Self::ReadLargeBlob => "read_large_blob",
            Self::WriteLargeBlob => "write_large_blob",
            Self::DeleteLargeBlob => "delete_large_blob",
            Self::InspectCard => "inspect_card",
            Self::TryAdminKeys => "try_admin_keys",
            Self::ChangeAdminKey => "change_admin_key",
            Self::ChangeCardPin => "change_card_pin",
            Self::SetCardPin => "set_card_pin",
            Self::BlockCardPin => "block_card_pin",
            Self::Personalise => "personalise",
            Self::GenerateKey => "generate_key",
            Self::SignCertificationRequest => "sign_certification_request",
            Self::WriteCertificate => "write_certificate",
            Self::DeleteContainer => "delete_container",
            Self::ResetCard => "reset_card",
            Self::GiveChallenge => "give_challenge",
            Self::AnswerChallenge => "answer_challenge",
            Self::CardRaw => "card_raw",
            Self::SetPinTries => "set_pin_tries",
            Self::ReadIdentity => "read_identity",
            Self::VendorConfigure => "vendor_configure",
            Self::MoveKey => "move_key",
        }
    }

    /// Undoes [`as_str`](Self::as_str).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.as_str() == name)
    }

    /// Whether the token may be another one afterwards, so that the attempt needs a key and is
    /// journaled. Proving and signing count: a touch and a signature are worth keeping.
    #[must_use]
    pub const fn needs_key(self) -> bool {
        !matches!(
            self,
            Self::Inspect
                | Self::LookForCredentials
                | Self::ListCredentials
                | Self::Select
                | Self::Wink
                | Self::GrantPersistentToken
                | Self::DescribeFingerprintSensor
                | Self::ListFingerprints
                | Self::ListLargeBlobs
                | Self::ReadLargeBlob
                | Self::ReadIdentity
                | Self::InspectCard
                | Self::TryAdminKeys
                | Self::GiveChallenge
        )
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Verb;

    #[test]
    fn every_name_finds_its_verb_again() {
        for verb in Verb::ALL {
            assert_eq!(Verb::from_name(verb.as_str()), Some(verb));
        }
        assert_eq!(Verb::from_name("Reset"), None);
    }
}
