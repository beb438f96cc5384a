//! What is done with a token that speaks U2F alone, by CTAP1: registering, proving, and looking for
//! credentials. CTAP 2.3 §10.
//!
//! Such a token stores nothing: its credentials are what the caller keeps. So a registration that
//! is cut off leaves it as it was.

use keysteward_core::{
    cbor::List,
    crypto::{Crypto as _, RustCrypto},
    ctap2::{
        PublicKeyCredentialDescriptor, PublicKeyCredentialParameters, PublicKeyCredentialRpEntity,
        PublicKeyCredentialUserEntity, get_assertion, make_credential,
    },
    webauthn::cose::Algorithm,
};
use rand::rngs::OsRng;

use super::{
    Answer, Code, Failure, Verb,
    conduct::TokenU2fSession,
    make_credential::{Made, read},
    request::MakeCredential,
};

/// Why it is not even asked of such a token; `None` where it can be.
pub(super) const fn refusal(verb: Verb) -> Option<&'static str> {
    Some(match verb {
        Verb::Inspect => "the token speaks U2F alone, and tells nothing of itself",
        Verb::SetPin | Verb::ChangePin => "the token speaks U2F alone, which has no PIN",
        Verb::Configure | Verb::VendorConfigure => {
            "the token speaks U2F alone, which has no settings"
        }
        Verb::ListCredentials
        | Verb::DeleteCredential
        | Verb::UpdateUser
        | Verb::GrantPersistentToken
        | Verb::ReadIdentity => "the token speaks U2F alone, and stores no credentials",
        Verb::Reset => "the token speaks U2F alone, and stores nothing that could be erased",
        Verb::DescribeFingerprintSensor
        | Verb::ListFingerprints
        | Verb::EnrollFingerprint
        | Verb::RenameFingerprint
        | Verb::RemoveFingerprint => "the token speaks U2F alone, and has no fingerprint sensor",
        Verb::ListLargeBlobs
        | Verb::ReadLargeBlob
        | Verb::WriteLargeBlob
        | Verb::DeleteLargeBlob => "the token speaks U2F alone, and stores no large blobs",
        Verb::Raw => "the token speaks U2F alone, and takes no CTAP2 messages",
        _ => return None,
    })
}

/// Makes a credential: an attestation object of format fido-u2f. §10.1.2.
pub(super) fn make(
    session: &mut TokenU2fSession<'_>,
    make: &MakeCredential,
) -> Result<Made, Failure> {
    if let Some(lacking) = lacking(make) {
        return Err(lacking);
    }
    let excluded: Vec<_> = make
        .exclude_credential_ids
        .iter()
        .map(|id| PublicKeyCredentialDescriptor::new(id))
        .collect();
    let algorithms: Vec<_> = make
        .algorithms
        .iter()
        .map(|&number| PublicKeyCredentialParameters::new(Algorithm::from(i64::from(number))))
        .collect();
    let request = make_credential::Request {
        client_data_hash: &make.client_data_hash,
        rp: PublicKeyCredentialRpEntity {
            id: &make.rp_id,
            name: None,
        },
        user: PublicKeyCredentialUserEntity {
            id: &make.user_id,
            name: None,
            display_name: None,
        },
        pub_key_cred_params: List::new(&algorithms),
        exclude_list: (!excluded.is_empty()).then(|| List::new(&excluded)),
        extensions: None,
        options: None,
        pin_uv_auth_param: None,
        pin_uv_auth_protocol: None,
        enterprise_attestation: None,
        attestation_formats_preference: None,
    };
    let response = session.make_credential(&RustCrypto(OsRng), &request)?;
    read(&response, None, make)
}

/// What is asked for and U2F does not have; nothing is sent then.
fn lacking(make: &MakeCredential) -> Option<Failure> {
    let asked = [
        (
            make.resident_key,
            "resident_key",
            "has no discoverable credentials",
        ),
        (
            make.verification.is_some(),
            "pin",
            "has no PIN and verifies nobody",
        ),
        (
            make.cred_protect.is_some_and(|level| level > 1),
            "cred_protect",
            "protects no credential by a PIN",
        ),
        (make.hmac_secret, "hmac_secret", "has no extensions"),
        (make.large_blob_key, "large_blob_key", "has no extensions"),
        (!make.cred_blob.is_empty(), "cred_blob", "has no extensions"),
        (make.min_pin_length, "min_pin_length", "has no extensions"),
        (
            make.third_party_payment,
            "third_party_payment",
            "has no extensions",
        ),
        (
            make.enterprise_attestation.is_some(),
            "enterprise_attestation",
            "has no enterprise attestation",
        ),
    ];
    let (_, field, lacks) = asked.into_iter().find(|(asked, ..)| *asked)?;
    Some(Failure {
        field: field.to_owned(),
        ..Failure::new(
            Code::NotSupported,
            format!("{field}: the token speaks U2F alone, which {lacks}; ask without it"),
        )
    })
}

/// Waits for a touch, which changes nothing: the key keeps nothing of a registration.
pub(super) fn select(session: &mut TokenU2fSession<'_>) -> Result<Answer, Failure> {
    session.select()?;
    Ok(Answer::Done)
}

/// Proves a credential that this agent made: one assertion, with a touch. §10.2.2.
pub(super) fn prove(
    session: &mut TokenU2fSession<'_>,
    rp_id: &str,
    credential_id: &[u8],
    client_data_hash: &[u8; 32],
) -> Result<Answer, Failure> {
    let allowed = [PublicKeyCredentialDescriptor::new(credential_id)];
    let request = get_assertion::Request {
        rp_id,
        client_data_hash,
        allow_list: Some(List::new(&allowed)),
        extensions: None,
        options: None,
        pin_uv_auth_param: None,
        pin_uv_auth_protocol: None,
    };
    let response = session.get_assertion(&RustCrypto(OsRng), &request)?;
    Ok(Answer::Asserted {
        authenticator_data: response.auth_data.to_vec(),
        signature: response.signature.to_vec(),
        user_id: Vec::new(),
    })
}

/// Which of the credentials are of this token: check-only, without a touch. §10.2.1.
pub(super) fn look_for_credentials(
    session: &mut TokenU2fSession<'_>,
    rp_id: &str,
    ids: &[Vec<u8>],
) -> Result<Answer, Failure> {
    let application = RustCrypto(OsRng).sha256(&[rp_id.as_bytes()]);
    let mut credential_ids = Vec::new();
    for id in ids {
        if session.check(&application, id)? {
            credential_ids.push(id.clone());
        }
    }
    Ok(Answer::Found { credential_ids })
}
