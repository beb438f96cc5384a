//! Makes a credential. CTAP 2.3 §6.1.

use keysteward_core::{
    cbor::List,
    ctap2::{
        PublicKeyCredentialDescriptor, PublicKeyCredentialParameters, PublicKeyCredentialRpEntity,
        PublicKeyCredentialUserEntity,
        client_pin::Permissions,
        extension::{CredProtect, MakeCredentialInputs},
        make_credential::{self, Options},
    },
    ctaphid::MAX_MESSAGE,
    webauthn::{
        authenticator_data::{AuthenticatorData, Flags},
        cose::Algorithm,
    },
};

use super::{
    Answer, Code, Failure,
    conduct::TokenSession,
    list_credentials::{self, encoded, too_large},
    progress::Teller,
    request::MakeCredential,
};
use crate::journal::Probe;

/// Longest blob that any token stores with a credential, in bytes.
pub(crate) const MAX_CRED_BLOB: usize = 512;

pub(super) fn probe(make: &MakeCredential) -> Probe {
    Probe::Made {
        rp_id: make.rp_id.clone(),
        user_id: make.user_id.clone(),
    }
}

/// A credential that was made, and whether a silent look shows it.
pub(super) struct Made {
    pub(super) answer: Answer,
    pub(super) credential_id: Vec<u8>,
    pub(super) visible: bool,
}

pub(super) fn run(
    session: &mut TokenSession<'_, '_>,
    make: &MakeCredential,
    teller: &Teller,
) -> Result<Made, Failure> {
    let exclude: Vec<_> = make
        .exclude_credential_ids
        .iter()
        .map(|id| PublicKeyCredentialDescriptor::new(id))
        .collect();
    let token = match &make.verification {
        Some(verification) => {
            let mut permissions = Permissions::MAKE_CREDENTIAL;
            // Long exclude lists are looked through silently.
            if !exclude.is_empty() {
                permissions = permissions | Permissions::GET_ASSERTION;
            }
            let verifier = verification.verifier(teller);
            Some(verifier.token(session, permissions, Some(&make.rp_id))?)
        }
        None => None,
    };
    // What the token lacks of these is refused before it makes anything.
    let extensions = MakeCredentialInputs {
        cred_blob: (!make.cred_blob.is_empty()).then_some(make.cred_blob.as_slice()),
        cred_protect: make.cred_protect.map(CredProtect::from),
        hmac_secret: make.hmac_secret.then_some(true),
        large_blob_key: make.large_blob_key.then_some(true),
        min_pin_length: make.min_pin_length.then_some(true),
        third_party_payment: make.third_party_payment.then_some(true),
        ..MakeCredentialInputs::default()
    };
    let formats: Vec<&str> = make
        .attestation_formats
        .iter()
        .map(String::as_str)
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
            name: given(&make.rp_name),
        },
        user: PublicKeyCredentialUserEntity {
            id: &make.user_id,
            name: given(&make.user_name),
            display_name: given(&make.user_display_name),
        },
        pub_key_cred_params: List::new(&algorithms),
        exclude_list: (!exclude.is_empty()).then(|| List::new(&exclude)),
        extensions: None,
        options: make.resident_key.then_some(Options {
            rk: Some(true),
            ..Options::default()
        }),
        pin_uv_auth_param: None,
        pin_uv_auth_protocol: None,
        enterprise_attestation: make.enterprise_attestation,
        attestation_formats_preference: (!formats.is_empty()).then(|| List::new(&formats)),
    };
    let made = session.make_credential_with(&request, &extensions, None, token)?;
    read(&made.response, made.outputs.cred_protect, make)
}

/// What the token made; `told` is the protection that it says it gave.
pub(super) fn read(
    response: &make_credential::Response<'_>,
    told: Option<CredProtect>,
    make: &MakeCredential,
) -> Result<Made, Failure> {
    let data = AuthenticatorData::parse(response.auth_data)
        .map_err(|error| malformed(&error.to_string()))?;
    let Some(credential) = &data.attested_credential else {
        return Err(malformed("it names no credential"));
    };
    if data.rp_id_hash != &list_credentials::hash(&make.rp_id) {
        return Err(malformed("it is for another relying party"));
    }
    if !data.flags.contains(Flags::USER_PRESENT) {
        return Err(malformed("it says that nobody was there"));
    }
    let level = told.map(u8::from).or(make.cred_protect).unwrap_or(1);
    let attestation_object = encoded(&response.attestation_object(), MAX_MESSAGE)
        .map_err(|_| too_large("attestation object"))?;
    Ok(Made {
        credential_id: credential.credential_id.to_vec(),
        visible: level < 3,
        answer: Answer::Made {
            attestation_object,
            credential_id: credential.credential_id.to_vec(),
            enterprise_attestation: response.ep_att == Some(true),
        },
    })
}

fn malformed(why: &str) -> Failure {
    Failure::new(
        Code::TokenMalformed,
        format!(
            "the token made a credential, but its answer cannot be read: {why}; list the \
             credentials and delete this one"
        ),
    )
}

fn given(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
