//! What the verbs show.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use keysteward_proto::agent::v1 as wire;
use serde::Serialize;

use crate::output::View;

#[derive(Debug, Serialize)]
pub(super) struct Credential {
    pub(super) credential_id: String,
    pub(super) rp_id: String,
    pub(super) user_id: String,
    pub(super) user_name: String,
    pub(super) user_display_name: String,
    pub(super) cred_protect: u32,
    /// COSE_Key, hexadecimal.
    pub(super) public_key: String,
    pub(super) large_blob_key: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) third_party_payment: Option<bool>,
}

impl View for Credential {
    const COLUMNS: &'static [&'static str] = &[
        "credential_id",
        "rp_id",
        "user_name",
        "user_display_name",
        "cred_protect",
    ];
}

impl From<wire::Credential> for Credential {
    fn from(credential: wire::Credential) -> Self {
        Self {
            credential_id: URL_SAFE_NO_PAD.encode(credential.credential_id),
            rp_id: credential.rp_id,
            user_id: hex::encode(credential.user_id),
            user_name: credential.user_name,
            user_display_name: credential.user_display_name,
            cred_protect: credential.cred_protect,
            public_key: hex::encode(credential.public_key),
            large_blob_key: credential.large_blob_key,
            third_party_payment: credential.third_party_payment,
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Made {
    pub(super) presence_id: String,
    pub(super) rp_id: String,
    pub(super) credential_id: String,
    pub(super) attestation_object: String,
    pub(super) client_data: String,
    /// The attestation names this very key.
    pub(super) enterprise_attestation: bool,
}

impl View for Made {
    const COLUMNS: &'static [&'static str] = &[
        "presence_id",
        "rp_id",
        "credential_id",
        "enterprise_attestation",
    ];
}

/// What a key tells the holder of its persistent token.
#[derive(Debug, Serialize)]
pub(super) struct Identity {
    pub(super) presence_id: String,
    /// Hexadecimal; stays until the key is reset.
    pub(super) device: Option<String>,
    /// Hexadecimal; stays until a discoverable credential comes, goes or changes.
    pub(super) cred_store_state: Option<String>,
}

impl View for Identity {
    const COLUMNS: &'static [&'static str] = &["presence_id", "device", "cred_store_state"];
}
