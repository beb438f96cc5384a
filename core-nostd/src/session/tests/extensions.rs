//! Credentials with extensions.

mod secrets;

use super::*;
use crate::cbor::{List, Raw};
use crate::crypto::{Crypto as _, PublicPoint, RustCrypto};
use crate::ctap2::extension::{
    CredProtect, GetAssertionInputs, GetAssertionOutputs, HmacSecretInput, LargeBlobCreated,
    LargeBlobInput, LargeBlobOutput, MakeCredentialInputs, MakeCredentialOutputs,
    UnsignedGetAssertionOutputs, UnsignedMakeCredentialOutputs,
};
use crate::ctap2::{LargeBlobKey, PublicKeyCredentialParameters, get_assertion, make_credential};
use crate::webauthn::authenticator_data::{AuthenticatorData, Flags};
use crate::webauthn::cose::Algorithm;

const RANDOM: [u8; 32] = [0xCE; 32];
const SALT: [u8; 32] = [1; 32];
const ES256: [PublicKeyCredentialParameters<'_>; 1] =
    [PublicKeyCredentialParameters::new(Algorithm::Es256)];

fn to_make() -> make_credential::Request<'static> {
    make_credential::Request {
        client_data_hash: &[5; 32],
        rp: PublicKeyCredentialRpEntity {
            id: "login.example",
            name: None,
        },
        user: PublicKeyCredentialUserEntity {
            id: b"id",
            name: None,
            display_name: None,
        },
        pub_key_cred_params: List::new(&ES256),
        exclude_list: None,
        extensions: None,
        options: None,
        pin_uv_auth_param: None,
        pin_uv_auth_protocol: None,
        enterprise_attestation: None,
        attestation_formats_preference: None,
    }
}

fn to_assert() -> get_assertion::Request<'static> {
    get_assertion::Request {
        rp_id: "login.example",
        client_data_hash: &[5; 32],
        allow_list: None,
        extensions: None,
        options: None,
        pin_uv_auth_param: None,
        pin_uv_auth_protocol: None,
    }
}

fn auth_data(extensions: Option<Raw<'_>>) -> Vec<u8> {
    let data = AuthenticatorData {
        rp_id_hash: &[9; 32],
        flags: Flags::USER_PRESENT,
        sign_count: 1,
        attested_credential: None,
        extensions,
    };
    data.encode(&mut [0; 512]).unwrap().to_vec()
}

/// What a token makes of salts: the secrets, encrypted.
fn derive(input: &HmacSecretInput<'_>) -> Vec<u8> {
    derive_of(&RANDOM, input)
}

/// The same for a credential of another CredRandom.
fn derive_of(random: &[u8; 32], input: &HmacSecretInput<'_>) -> Vec<u8> {
    let mut crypto = RustCrypto(rand_core::OsRng);
    let protocol = input.pin_uv_auth_protocol.unwrap_or(1);
    let protocol = PinProtocol::from_id(protocol.into()).unwrap();
    let platform = PublicPoint {
        x: *input.key_agreement.x,
        y: *input.key_agreement.y,
    };
    let secret = fake::key().decapsulate(&mut crypto, protocol, &platform);
    let secret = secret.ok().unwrap();
    let _proof = secret
        .verify(&mut crypto, &[input.salt_enc], input.salt_auth)
        .unwrap();
    let salts = secret.decrypt(&mut crypto, input.salt_enc).unwrap();
    let mut outputs = Vec::new();
    for salt in salts.as_slice().chunks(32) {
        outputs.extend_from_slice(&crypto.hmac_sha256(random, &[salt]).0);
    }
    secret.encrypt(&mut crypto, &outputs).unwrap().to_vec()
}

/// A token that makes credentials and answers `outputs`, and derives secrets.
fn making(info: Info, outputs: MakeCredentialOutputs<'static>) -> Fake {
    Fake::new(info).on(Command::MakeCredential, move |parameters| {
        let request = make_credential::Request::parse(parameters).unwrap();
        let inputs = request.extensions.map(|raw| raw.bytes().to_vec());
        let inputs = inputs.unwrap_or_else(|| std::vec![0xA0]);
        let inputs = MakeCredentialInputs::parse(&inputs).unwrap();
        let derived = inputs.hmac_secret_mc.map(|input| {
            assert_eq!(inputs.hmac_secret, Some(true));
            derive(&input)
        });
        let outputs = MakeCredentialOutputs {
            hmac_secret_mc: derived.as_deref().or(outputs.hmac_secret_mc),
            ..outputs.clone()
        };
        let mut room = [0; 300];
        let outputs = Raw::encode_in(&outputs, &mut room).unwrap();
        let mut unsigned_room = [0; 100];
        let unsigned = UnsignedMakeCredentialOutputs {
            large_blob: Some(LargeBlobCreated { supported: true }),
        };
        let unsigned = Raw::encode_in(&unsigned, &mut unsigned_room).unwrap();
        Some(ok(&make_credential::Response {
            fmt: "none",
            auth_data: &auth_data(Some(outputs)),
            att_stmt: None,
            ep_att: None,
            large_blob_key: inputs.large_blob_key.map(|_| LargeBlobKey(&[0x1B; 32])),
            unsigned_extension_outputs: inputs.large_blob.map(|_| unsigned),
        }))
    })
}

/// A token that asserts and answers `outputs`, and derives secrets unless told
/// what to answer.
fn asserting(info: Info, outputs: GetAssertionOutputs<'static>) -> Fake {
    Fake::new(info).on(Command::GetAssertion, move |parameters| {
        let request = get_assertion::Request::parse(parameters).unwrap();
        let inputs = request.extensions.map(|raw| raw.bytes().to_vec());
        let inputs = inputs.unwrap_or_else(|| std::vec![0xA0]);
        let inputs = GetAssertionInputs::parse(&inputs).unwrap();
        let derived = inputs.hmac_secret.map(|input| derive(&input));
        let outputs = GetAssertionOutputs {
            hmac_secret: outputs.hmac_secret.or(derived.as_deref()),
            ..outputs.clone()
        };
        let mut room = [0; 300];
        let outputs = Raw::encode_in(&outputs, &mut room).unwrap();
        let mut unsigned_room = [0; 100];
        let unsigned = UnsignedGetAssertionOutputs {
            large_blob: Some(LargeBlobOutput {
                blob: Some(b"deflated"),
                ..Default::default()
            }),
        };
        let unsigned = Raw::encode_in(&unsigned, &mut unsigned_room).unwrap();
        Some(ok(&get_assertion::Response {
            credential: Some(PublicKeyCredentialDescriptor::new(b"credential")),
            auth_data: &auth_data(Some(outputs)),
            signature: b"signature",
            user: None,
            number_of_credentials: None,
            user_selected: None,
            large_blob_key: inputs.large_blob_key.map(|_| LargeBlobKey(&[0x1B; 32])),
            unsigned_extension_outputs: inputs.large_blob.map(|_| unsigned),
        }))
    })
}

const ONE: Salts<'_> = Salts {
    first: &SALT,
    second: None,
};

#[test]
fn every_output_is_told_beside_the_answer() {
    let told = MakeCredentialOutputs {
        cred_blob: Some(true),
        cred_protect: Some(CredProtect::UserVerificationRequired),
        hmac_secret: Some(true),
        min_pin_length: Some(6),
        pin_complexity_policy: Some(true),
        ..Default::default()
    };
    let inputs = MakeCredentialInputs {
        cred_blob: Some(b"blob"),
        cred_protect: Some(CredProtect::UserVerificationRequired),
        hmac_secret: Some(true),
        large_blob_key: Some(true),
        min_pin_length: Some(true),
        third_party_payment: Some(true),
        pin_complexity_policy: Some(true),
        ..Default::default()
    };
    making(CTAP_2_3, told.clone()).session(|session| {
        let permissions = Permissions::MAKE_CREDENTIAL;
        let token = session.token(&pin("1234"), permissions, Some("login.example"));
        let made = session
            .make_credential_with(&to_make(), &inputs, None, token.ok())
            .unwrap();
        assert_eq!(made.outputs, told);
        assert!(made.response.large_blob_key.is_some() && made.secrets.is_none());
    });
    let told = GetAssertionOutputs {
        cred_blob: Some(b"blob"),
        third_party_payment: Some(true),
        ..Default::default()
    };
    let inputs = GetAssertionInputs {
        cred_blob: Some(true),
        large_blob_key: Some(true),
        third_party_payment: Some(true),
        ..Default::default()
    };
    asserting(CTAP_2_3, told.clone()).session(|session| {
        let assertion = session
            .get_assertion_with(&to_assert(), &inputs, None, None)
            .unwrap();
        assert_eq!(assertion.outputs, told);
        assert!(assertion.response.large_blob_key.is_some());
    });
}

#[test]
fn a_blob_kept_with_the_credential_is_told_unsigned() {
    let info = Info {
        extensions: &["largeBlob"],
        max_msg_size: Some(4096),
        ..CTAP_2_3
    };
    let blob = [3; 3000];
    let inputs = GetAssertionInputs {
        large_blob: Some(LargeBlobInput {
            write: Some(&blob),
            original_size: Some(9000),
            ..Default::default()
        }),
        ..Default::default()
    };
    asserting(info, GetAssertionOutputs::default()).session(|session| {
        let assertion = session
            .get_assertion_with(&to_assert(), &inputs, None, None)
            .unwrap();
        let output = assertion.unsigned.large_blob.unwrap();
        assert_eq!(output.blob, Some(&b"deflated"[..]));
    });
}

#[test]
fn what_the_token_lacks_is_refused_before_anything_is_made() {
    let lacks = |extension| Some(Error::Unsupported(Feature::Extension(extension)));
    let inputs = MakeCredentialInputs::default;
    for (inputs, salts, extension) in [
        (
            MakeCredentialInputs {
                cred_protect: Some(CredProtect::UserVerificationRequired),
                ..inputs()
            },
            None,
            Extension::CredProtect,
        ),
        (
            MakeCredentialInputs {
                cred_blob: Some(b"blob"),
                ..inputs()
            },
            None,
            Extension::CredBlob,
        ),
        (
            MakeCredentialInputs {
                min_pin_length: Some(true),
                ..inputs()
            },
            None,
            Extension::MinPinLength,
        ),
        (inputs(), Some(ONE), Extension::HmacSecretMc),
    ] {
        let mut fake = Fake::new(CTAP_2_1);
        let refused = fake.session(|session| {
            session
                .make_credential_with(&to_make(), &inputs, salts, None)
                .err()
        });
        assert_eq!(refused, lacks(extension));
        assert_eq!(fake.asked, [Command::GetInfo]);
    }
    let mut fake = Fake::new(CTAP_2_1);
    let refused = fake.session(|session| {
        let inputs = GetAssertionInputs::default();
        session
            .get_assertion_with(&to_assert(), &inputs, Some(ONE), None)
            .err()
    });
    assert_eq!(refused, lacks(Extension::HmacSecret));
    let name = refused.unwrap().to_string();
    assert_eq!(name, "the token does not have the extension hmac-secret");
}

#[test]
fn a_blob_that_the_token_would_cut_or_drop_is_not_sent() {
    let mut fake = making(CTAP_2_3, MakeCredentialOutputs::default());
    let mut with = |len: usize| {
        let inputs = MakeCredentialInputs {
            cred_blob: Some(&[1; 64][..len]),
            ..Default::default()
        };
        fake.session(|session| {
            session
                .make_credential_with(&to_make(), &inputs, None, None)
                .err()
        })
    };
    assert_eq!(with(32), None);
    assert_eq!(with(33), Some(Error::CredBlobTooLong { max: 32 }));
}

#[test]
fn without_extensions_no_map_is_sent() {
    let mut fake = Fake::new(CTAP_2_1).on(Command::GetAssertion, |parameters| {
        let request = get_assertion::Request::parse(parameters).unwrap();
        assert_eq!(request.extensions, None);
        Some(answer(Status::NoCredentials))
    });
    let refused = fake.session(|session| {
        let inputs = GetAssertionInputs::default();
        session
            .get_assertion_with(&to_assert(), &inputs, None, None)
            .err()
    });
    assert_eq!(refused, Some(Error::NoCredentials));
}

#[test]
fn authenticator_data_that_are_none_are_an_error() {
    let mut fake = Fake::new(CTAP_2_3).on(Command::GetAssertion, |_| {
        Some(ok(&get_assertion::Response {
            credential: None,
            auth_data: &[0; 36],
            signature: &[],
            user: None,
            number_of_credentials: None,
            user_selected: None,
            large_blob_key: None,
            unsigned_extension_outputs: None,
        }))
    });
    let refused = fake.session(|session| {
        let inputs = GetAssertionInputs::default();
        session
            .get_assertion_with(&to_assert(), &inputs, None, None)
            .err()
    });
    assert!(
        matches!(refused, Some(Error::Malformed { .. })),
        "{refused:?}"
    );
}

#[test]
fn enterprise_attestation_is_asked_for_where_it_is_on() {
    let request = make_credential::Request {
        enterprise_attestation: Some(1),
        ..to_make()
    };
    let on = Info {
        options: &[("ep", true)],
        ..CTAP_2_1
    };
    let lacks = |feature| Some(Error::Unsupported(feature));
    for (info, refused) in [
        (CTAP_2_3, lacks(Feature::EnterpriseAttestation)),
        (CTAP_2_1, lacks(Feature::EnterpriseAttestationSwitchedOn)),
        (on, None),
    ] {
        let mut fake = making(info, MakeCredentialOutputs::default());
        let outcome = fake.session(|session| session.make_credential(&request, None).err());
        assert_eq!(outcome, refused);
    }
}
