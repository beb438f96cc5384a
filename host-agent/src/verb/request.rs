//! What is asked of a token, checked. No `Debug`: some of it is secret.

use keysteward_core::pin_protocol::{PersistentToken, Pin};
use zeroize::Zeroizing;

use super::{Verb, card, verification::Verification};

/// One request.
pub(crate) enum Request {
    Inspect,
    LookForCredentials {
        rp_id: String,
        credential_ids: Vec<Vec<u8>>,
    },
    /// With at least one of the two proofs.
    ListCredentials {
        verification: Option<Verification>,
        persistent_token: Option<PersistentToken>,
        /// `None`: of every relying party.
        rp_id: Option<String>,
    },
    Select,
    SetPin {
        new_pin: Pin,
    },
    ChangePin {
        current_pin: Pin,
        new_pin: Pin,
    },
    Configure(Configure),
    MakeCredential(Box<MakeCredential>),
    DeleteCredential {
        verification: Verification,
        credential_id: Vec<u8>,
        /// Empty where the caller does not know it.
        rp_id: String,
    },
    ProveCredential {
        /// `None` on a token that wants none.
        verification: Option<Verification>,
        rp_id: String,
        credential_id: Vec<u8>,
        client_data_hash: [u8; 32],
    },
    Reset,
    Wink,
    UpdateUser {
        verification: Verification,
        credential_id: Vec<u8>,
        /// Empty where the caller does not know it.
        rp_id: String,
        user: User,
    },
    GrantPersistentToken {
        verification: Verification,
    },
    DescribeFingerprintSensor,
    ListFingerprints {
        verification: Verification,
    },
    EnrollFingerprint {
        verification: Verification,
        /// Empty: without one.
        name: String,
    },
    RenameFingerprint {
        verification: Verification,
        template_id: Vec<u8>,
        name: String,
    },
    RemoveFingerprint {
        verification: Verification,
        template_id: Vec<u8>,
    },
    ListLargeBlobs {
        verification: Verification,
    },
    ReadLargeBlob {
        verification: Verification,
        credential_id: Vec<u8>,
    },
    WriteLargeBlob {
        verification: Verification,
        credential_id: Vec<u8>,
        /// In clear, not compressed yet.
        data: Zeroizing<Vec<u8>>,
    },
    DeleteLargeBlob {
        verification: Verification,
        credential_id: Vec<u8>,
    },
    ReadIdentity {
        persistent_token: PersistentToken,
    },
    VendorConfigure(VendorConfigure),
    /// Command byte, then CBOR; never empty.
    Raw(Zeroizing<Vec<u8>>),
    Card(Box<card::Request>),
}

/// What a credential's user is called; what is empty is taken away.
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) display_name: String,
}

/// What is to be configured; what is absent stays as it is.
pub(crate) struct Configure {
    /// `None` on a token that wants none.
    pub(crate) verification: Option<Verification>,
    pub(crate) min_pin_length: Option<u32>,
    pub(crate) min_pin_length_rp_ids: Vec<String>,
    pub(crate) force_pin_change: bool,
    pub(crate) always_uv: Option<bool>,
    pub(crate) enable_enterprise_attestation: bool,
    pub(crate) enable_long_touch_for_reset: bool,
    pub(crate) pin_complexity_policy: Option<bool>,
}

/// A vendor's own command of authenticatorConfig.
pub(crate) struct VendorConfigure {
    /// `None` on a token that wants none.
    pub(crate) verification: Option<Verification>,
    pub(crate) vendor_command_id: u64,
    /// Keys from 2 on, ascending; each with one CBOR item.
    pub(crate) parameters: Vec<(u32, Zeroizing<Vec<u8>>)>,
}

/// The credential to make.
pub(crate) struct MakeCredential {
    /// `None` on a token that wants none.
    pub(crate) verification: Option<Verification>,
    pub(crate) rp_id: String,
    pub(crate) rp_name: String,
    pub(crate) client_data_hash: [u8; 32],
    pub(crate) user_id: Vec<u8>,
    pub(crate) user_name: String,
    pub(crate) user_display_name: String,
    /// COSE numbers, best first.
    pub(crate) algorithms: Vec<i32>,
    pub(crate) resident_key: bool,
    pub(crate) exclude_credential_ids: Vec<Vec<u8>>,
    pub(crate) enterprise_attestation: Option<u8>,
    /// 1 to 3.
    pub(crate) cred_protect: Option<u8>,
    pub(crate) hmac_secret: bool,
    /// Wants `resident_key`.
    pub(crate) large_blob_key: bool,
    /// Empty: none.
    pub(crate) cred_blob: Zeroizing<Vec<u8>>,
    pub(crate) min_pin_length: bool,
    pub(crate) third_party_payment: bool,
    /// Best first.
    pub(crate) attestation_formats: Vec<String>,
}

impl Request {
    pub(crate) fn verb(&self) -> Verb {
        match self {
            Self::Inspect => Verb::Inspect,
            Self::LookForCredentials { .. } => Verb::LookForCredentials,
            Self::ListCredentials { .. } => Verb::ListCredentials,
            Self::Select => Verb::Select,
            Self::SetPin { .. } => Verb::SetPin,
            Self::ChangePin { .. } => Verb::ChangePin,
            Self::Configure(_) => Verb::Configure,
            Self::MakeCredential(_) => Verb::MakeCredential,
            Self::DeleteCredential { .. } => Verb::DeleteCredential,
            Self::ProveCredential { .. } => Verb::ProveCredential,
            Self::Reset => Verb::Reset,
            Self::Raw(_) => Verb::Raw,
            Self::Wink => Verb::Wink,
            Self::UpdateUser { .. } => Verb::UpdateUser,
            Self::GrantPersistentToken { .. } => Verb::GrantPersistentToken,
            Self::DescribeFingerprintSensor => Verb::DescribeFingerprintSensor,
            Self::ListFingerprints { .. } => Verb::ListFingerprints,
            Self::EnrollFingerprint { .. } => Verb::EnrollFingerprint,
            Self::RenameFingerprint { .. } => Verb::RenameFingerprint,
            Self::RemoveFingerprint { .. } => Verb::RemoveFingerprint,
            Self::ListLargeBlobs { .. } => Verb::ListLargeBlobs,
            Self::ReadLargeBlob { .. } => Verb::ReadLargeBlob,
            Self::WriteLargeBlob { .. } => Verb::WriteLargeBlob,
            Self::DeleteLargeBlob { .. } => Verb::DeleteLargeBlob,
            Self::ReadIdentity { .. } => Verb::ReadIdentity,
            Self::VendorConfigure(_) => Verb::VendorConfigure,
            Self::Card(request) => request.verb(),
        }
    }

    /// The relying party that it is about, where it names one.
    pub(crate) fn rp_id(&self) -> Option<&str> {
        match self {
            Self::LookForCredentials { rp_id, .. } | Self::ProveCredential { rp_id, .. } => {
                Some(rp_id)
            }
            Self::ListCredentials { rp_id, .. } => rp_id.as_deref(),
            Self::MakeCredential(make) => Some(&make.rp_id),
            Self::DeleteCredential { rp_id, .. } | Self::UpdateUser { rp_id, .. } => {
                Some(rp_id).filter(|id| !id.is_empty()).map(String::as_str)
            }
            Self::Inspect
            | Self::Select
            | Self::SetPin { .. }
            | Self::ChangePin { .. }
            | Self::Configure(_)
            | Self::Reset
            | Self::Wink
            | Self::GrantPersistentToken { .. }
            | Self::DescribeFingerprintSensor
            | Self::ListFingerprints { .. }
            | Self::EnrollFingerprint { .. }
            | Self::RenameFingerprint { .. }
            | Self::RemoveFingerprint { .. }
            | Self::ListLargeBlobs { .. }
            | Self::ReadLargeBlob { .. }
            | Self::WriteLargeBlob { .. }
            | Self::DeleteLargeBlob { .. }
            | Self::ReadIdentity { .. }
            | Self::VendorConfigure(_)
            | Self::Raw(_)
            | Self::Card(_) => None,
        }
    }
}
