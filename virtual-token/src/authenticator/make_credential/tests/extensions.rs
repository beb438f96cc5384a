//! Extensions that a credential is made with.

use super::*;

#[test]
fn extensions_answer_what_holds() {
    let salts = HmacSecretInput {
        key_agreement: KeyAgreementKey {
            x: &[1; 32],
            y: &[1; 32],
        },
        salt_enc: &[0; 32],
        salt_auth: &[0; 16],
        pin_uv_auth_protocol: None,
    };
    let none = MakeCredentialInputs::default;
    let protect = |level| MakeCredentialInputs {
        cred_protect: Some(level),
        ..none()
    };
    let level_2 = CredProtect::UserVerificationOptionalWithCredentialIdList;
    for (inputs, answer) in [
        (none(), Ok(None)),
        (
            protect(level_2),
            Ok(Some(MakeCredentialOutputs {
                cred_protect: Some(level_2),
                ..MakeCredentialOutputs::default()
            })),
        ),
        (protect(CredProtect::Other(4)), Err(Status::InvalidOption)),
        (protect(CredProtect::Other(0)), Err(Status::InvalidOption)),
        (
            MakeCredentialInputs {
                hmac_secret: Some(false),
                ..none()
            },
            Ok(None),
        ),
        (
            MakeCredentialInputs {
                hmac_secret: Some(true),
                ..none()
            },
            Ok(Some(MakeCredentialOutputs {
                hmac_secret: Some(true),
                ..MakeCredentialOutputs::default()
            })),
        ),
        (
            MakeCredentialInputs {
                hmac_secret_mc: Some(salts),
                ..none()
            },
            Err(Status::MissingParameter),
        ),
        (
            MakeCredentialInputs {
                hmac_secret: Some(true),
                hmac_secret_mc: Some(salts),
                ..none()
            },
            Err(Status::InvalidParameter),
        ),
        (
            MakeCredentialInputs {
                min_pin_length: Some(true),
                ..none()
            },
            Ok(None),
        ),
        (
            MakeCredentialInputs {
                large_blob_key: Some(true),
                ..none()
            },
            Err(Status::InvalidOption),
        ),
        (
            MakeCredentialInputs {
                cred_blob: Some(b"not kept: the credential is not discoverable"),
                third_party_payment: Some(true),
                pin_complexity_policy: Some(true),
                ..none()
            },
            Ok(Some(MakeCredentialOutputs {
                cred_blob: Some(false),
                ..MakeCredentialOutputs::default()
            })),
        ),
    ] {
        let mut room = [0; 512];
        let request = Request {
            extensions: Some(raw(&inputs, &mut room)),
            ..derived("ada")
        };
        let made = Platform::new().make(&request);
        let outputs = made.as_ref().map_err(|refusal| *refusal).map(|made| {
            let extensions = auth_data(made).extensions;
            extensions.map(|map| MakeCredentialOutputs::parse(map.bytes()).unwrap())
        });
        assert_eq!(outputs, answer, "{inputs:?}");
    }
}

#[test]
fn hmac_secret_mc_gives_what_get_assertion_would() {
    let mut platform = Platform::new();
    let (point, secret) = platform.agree(PinProtocol::Two);
    let salt_enc = secret.encrypt(&mut platform.crypto, &[9; 64]).unwrap();
    let salt_auth = secret.authenticate(&mut platform.crypto, &[&salt_enc]);
    let inputs = MakeCredentialInputs {
        hmac_secret: Some(true),
        hmac_secret_mc: Some(HmacSecretInput {
            key_agreement: KeyAgreementKey {
                x: &point.x,
                y: &point.y,
            },
            salt_enc: &salt_enc,
            salt_auth: &salt_auth,
            pin_uv_auth_protocol: Some(2),
        }),
        ..MakeCredentialInputs::default()
    };
    let mut room = [0; 512];
    let made = platform
        .make(&Request {
            extensions: Some(raw(&inputs, &mut room)),
            ..resident("ada")
        })
        .unwrap();
    let data = auth_data(&made);
    let outputs = MakeCredentialOutputs::parse(data.extensions.unwrap().bytes()).unwrap();
    let outputs = secret
        .decrypt(&mut platform.crypto, outputs.hmac_secret_mc.unwrap())
        .unwrap();
    let random = platform.state().owner.credentials[0].random_without_uv.0;
    let expected = platform.crypto.hmac_sha256(&random, &[&[9; 32]]).0;
    assert_eq!(outputs.as_slice(), [expected, expected].concat());
}
