//! What a verb found or did. No member is a secret.

use serde::{Deserialize, Serialize};

use super::CardInspection;

/// The success of a verb.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// Of `inspect`.
    Inspected(Inspection),
    /// Of `look_for_credentials`: those of the asked ones that are there.
    Found {
        /// In the order asked.
        credential_ids: Vec<Vec<u8>>,
    },
    /// Of `list_credentials`.
    Listed {
        /// Those of the relying parties asked for.
        credentials: Vec<Credential>,
        /// Discoverable credentials on the whole token.
        existing: u32,
        /// How many more the token thinks it can hold.
        max_remaining: u32,
    },
    /// There is nothing more to say.
    Done,
    /// Of `make_credential`.
    Made {
        /// `{fmt, authData, attStmt}`, canonical CBOR.
        attestation_object: Vec<u8>,
        /// Its name on the token.
        credential_id: Vec<u8>,
        /// The attestation names this very token.
        enterprise_attestation: bool,
    },
    /// Of `prove_credential`.
    Asserted {
        /// Signed, with the client data's hash behind it.
        authenticator_data: Vec<u8>,
        /// In the credential's own algorithm.
        signature: Vec<u8>,
        /// Empty where the token did not say.
        user_id: Vec<u8>,
    },
    /// Of a raw exchange, which is not kept: it may hold secrets of the session.
    RawExchanged,
    // On disk by their place: new ones come last.
    /// Of `enroll_fingerprint`.
    FingerprintEnrolled(Fingerprint),
    /// Of `list_fingerprints`.
    Fingerprints(Vec<Fingerprint>),
    /// Of `describe_fingerprint_sensor`.
    FingerprintSensor {
        /// A finger is drawn over it, not laid on it; `None`: the token does not say.
        is_swiped: Option<bool>,
        /// Good samples that an enrolment needs; 0: the token does not say.
        max_samples: u32,
        /// Bytes of the longest name; 0: the token does not say.
        max_name_length: u32,
    },
    /// Of `list_large_blobs`.
    LargeBlobs {
        /// Those that a credential on the token opens.
        blobs: Vec<LargeBlob>,
        /// Bytes of the whole array.
        used: u32,
        /// Bytes that the token has room for.
        capacity: u32,
        /// Entries that no credential on the token opens.
        others: u32,
    },
    /// Of `inspect_card`.
    CardInspected(Box<CardInspection>),
    /// Of `try_admin_keys`.
    AdminKeyFound {
        /// Its place in the question; `None`: none of them opens the card.
        candidate: Option<u32>,
    },
    /// Of `generate_key`.
    KeyGenerated {
        /// SubjectPublicKeyInfo, DER.
        public_key: Vec<u8>,
        /// The card's own certificate of the key, DER; empty: it gives none.
        attestation: Vec<u8>,
        /// What vouches for `attestation`, DER; empty: the card has none.
        attestation_issuer: Vec<u8>,
    },
    /// Of `sign_certification_request`.
    RequestSigned {
        /// PKCS #1 v1.5, or DER of (r, s), or the 64 bytes of Ed25519.
        signature: Vec<u8>,
    },
    /// Of `give_challenge`.
    ChallengeGiven {
        /// Dead once the lease is over.
        challenge: Vec<u8>,
    },
    /// Of `read_identity`; what is empty the token does not tell.
    Identity {
        /// Stays until the token is reset.
        device: Vec<u8>,
        /// Stays until a discoverable credential is made, changed or deleted.
        cred_store_state: Vec<u8>,
    },
    /// Of `move_key`.
    KeyMoved {
        /// Where it is now.
        container: String,
    },
}

/// An enrolled finger.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Its name on the token.
    pub template_id: Vec<u8>,
    /// For people; may be empty.
    pub name: String,
}

/// A large blob, without what is in it.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct LargeBlob {
    /// The credential that owns it.
    pub credential_id: Vec<u8>,
    /// Of that credential.
    pub rp_id: String,
    /// Of that credential.
    pub user_name: String,
    /// Bytes in clear.
    pub size: u64,
    /// Bytes of its entry on the token.
    pub stored_size: u32,
}

/// What a look at the token shows.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Inspection {
    /// Tries left before the PIN is blocked for good.
    pub pin_retries: u32,
    /// Replugging is needed before a PIN is tried again.
    pub power_cycle_needed: bool,
    /// A PIN is set.
    pub pin_set: bool,
    /// CBOR of authenticatorGetInfo, as received.
    pub get_info: Vec<u8>,
    /// Tries left for the token's own user verification; `None`: none is set up.
    pub uv_retries: Option<u32>,
}

impl Credential {
    /// About as many bytes as it takes to keep.
    pub(super) fn size(&self) -> usize {
        let parts = [
            self.rp_id.len(),
            self.rp_id_hash.len(),
            self.credential_id.len(),
            self.user_id.len(),
            self.user_name.len(),
            self.user_display_name.len(),
            self.public_key.len(),
        ];
        size_of::<Self>() + parts.iter().sum::<usize>()
    }
}

/// A discoverable credential on the token.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Credential {
    /// Empty where the token told its hash alone.
    pub rp_id: String,
    /// SHA-256 of the relying party id.
    pub rp_id_hash: Vec<u8>,
    /// Its name on the token.
    pub credential_id: Vec<u8>,
    /// The user handle.
    pub user_id: Vec<u8>,
    /// May be cut off by the token.
    pub user_name: String,
    /// May be cut off by the token.
    pub user_display_name: String,
    /// COSE_Key.
    pub public_key: Vec<u8>,
    /// 1 to 3, as in the credProtect extension; 0 where the token did not say.
    pub cred_protect: u32,
    /// It may own a large blob.
    pub large_blob_key: bool,
    /// `None` where the token did not say.
    pub third_party_payment: Option<bool>,
}
