//! Extensions that an assertion answers.

use super::*;

/// A getAssertion with hmac-secret; `spoil` gets one thing wrong.
fn with_salts(
    platform: &mut Platform,
    protocol: keysteward_core::pin_protocol::PinProtocol,
    salts: &[u8],
    options: Option<Options>,
    spoil: fn(&mut HmacSecretInput<'_>),
) -> Result<Vec<u8>, Status> {
    let (point, secret) = platform.agree(protocol);
    let salt_enc = secret.encrypt(&mut platform.crypto, salts).unwrap();
    let salt_auth = secret.authenticate(&mut platform.crypto, &[&salt_enc]);
    let mut input = HmacSecretInput {
        key_agreement: KeyAgreementKey {
            x: &point.x,
            y: &point.y,
        },
        salt_enc: &salt_enc,
        salt_auth: &salt_auth,
        pin_uv_auth_protocol: Some(protocol.id()),
    };
    spoil(&mut input);
    let inputs = GetAssertionInputs {
        hmac_secret: Some(input),
        ..GetAssertionInputs::default()
    };
    let mut room = [0; 512];
    let extensions = Some(raw(&inputs, &mut room));
    let request = Request {
        extensions,
        options,
        ..assertion()
    };
    let answer = platform.send(Command::GetAssertion, Some(&request))?;
    let response = Response::parse(&answer).unwrap();
    let data = AuthenticatorData::parse(response.auth_data).unwrap();
    let outputs = GetAssertionOutputs::parse(data.extensions.unwrap().bytes()).unwrap();
    let output = secret
        .decrypt(&mut platform.crypto, outputs.hmac_secret.unwrap())
        .unwrap();
    Ok(output.as_slice().to_vec())
}

#[test]
fn secrets_are_the_hmac_of_the_salts() {
    for protocol in BOTH {
        let mut platform = Platform::new();
        make(&mut platform, &resident("ada"));
        let random = platform.state().owner.credentials[0].random_without_uv.0;
        let one = platform.crypto.hmac_sha256(&random, &[&[1; 32]]).0;
        let two = platform.crypto.hmac_sha256(&random, &[&[2; 32]]).0;
        let salts = [[1; 32], [2; 32]].concat();
        let output = with_salts(&mut platform, protocol, &salts, None, |_| {}).unwrap();
        assert_eq!(output, [one, two].concat(), "{protocol:?}");
        let output = with_salts(&mut platform, protocol, &[1; 32], None, |_| {}).unwrap();
        assert_eq!(output, one, "{protocol:?}");
    }
}

#[test]
fn verification_gives_other_secrets() {
    let mut platform = Platform::with_pin();
    make(&mut platform, &resident("ada"));
    let (point, secret) = platform.agree(BOTH[1]);
    let salt_enc = secret.encrypt(&mut platform.crypto, &[1; 32]).unwrap();
    let salt_auth = secret.authenticate(&mut platform.crypto, &[&salt_enc]);
    let inputs = GetAssertionInputs {
        hmac_secret: Some(HmacSecretInput {
            key_agreement: KeyAgreementKey {
                x: &point.x,
                y: &point.y,
            },
            salt_enc: &salt_enc,
            salt_auth: &salt_auth,
            pin_uv_auth_protocol: Some(2),
        }),
        ..GetAssertionInputs::default()
    };
    let mut room = [0; 512];
    let extensions = Some(raw(&inputs, &mut room));
    let answer = platform
        .assert_verified(&Request {
            extensions,
            ..assertion()
        })
        .unwrap();
    let response = Response::parse(&answer).unwrap();
    let data = AuthenticatorData::parse(response.auth_data).unwrap();
    let outputs = GetAssertionOutputs::parse(data.extensions.unwrap().bytes()).unwrap();
    let output = secret
        .decrypt(&mut platform.crypto, outputs.hmac_secret.unwrap())
        .unwrap();
    let random = platform.state().owner.credentials[0].random_with_uv.0;
    let expected = platform.crypto.hmac_sha256(&random, &[&[1; 32]]).0;
    assert_eq!(output.as_slice(), expected);
}

#[test]
fn salts_that_are_not_right_are_refused() {
    let silent = Some(Options {
        up: Some(false),
        ..Options::default()
    });
    let one = keysteward_core::pin_protocol::PinProtocol::One;
    let two = keysteward_core::pin_protocol::PinProtocol::Two;
    let mut platform = Platform::new();
    make(&mut platform, &resident("ada"));
    let mut salted = |protocol, length: usize, options, spoil| {
        with_salts(&mut platform, protocol, &vec![1; length], options, spoil).err()
    };
    let nothing = |_: &mut HmacSecretInput<'_>| {};
    assert_eq!(
        salted(two, 32, silent, nothing),
        Some(Status::UnsupportedOption)
    );
    assert_eq!(
        salted(two, 16, None, nothing),
        Some(Status::InvalidParameter)
    );
    assert_eq!(
        salted(two, 48, None, nothing),
        Some(Status::InvalidParameter)
    );
    assert_eq!(
        salted(two, 32, None, |input| input.salt_auth = &[0; 32]),
        Some(Status::PinAuthInvalid)
    );
    assert_eq!(
        salted(two, 32, None, |input| input.pin_uv_auth_protocol = Some(3)),
        Some(Status::InvalidParameter)
    );
    assert_eq!(
        salted(two, 32, None, |input| input.pin_uv_auth_protocol = None),
        Some(Status::PinAuthInvalid),
        "absent means protocol one"
    );
    assert_eq!(
        salted(one, 32, None, |input| input.pin_uv_auth_protocol = None),
        None
    );
}

/// makeCredential of a discoverable credential with these extensions; authenticator data's
/// outputs and the largeBlobKey.
fn make_with(
    platform: &mut Platform,
    inputs: &MakeCredentialInputs<'_>,
) -> Result<(Option<bool>, Option<[u8; 32]>), Status> {
    let mut room = [0; 256];
    let request = make_credential::Request {
        extensions: Some(raw(inputs, &mut room)),
        ..resident("ada")
    };
    let map = platform.make(&request)?;
    let response = make_credential::Response::parse(&map).unwrap();
    let data = AuthenticatorData::parse(response.auth_data).unwrap();
    let stored = data.extensions.and_then(|outputs| {
        let outputs = MakeCredentialOutputs::parse(outputs.bytes()).unwrap();
        outputs.cred_blob
    });
    Ok((stored, response.large_blob_key.map(|key| *key.0)))
}

/// What getAssertion tells of credBlob, thirdPartyPayment and largeBlobKey when it is asked.
fn ask_for_all(platform: &mut Platform) -> (Option<Vec<u8>>, Option<bool>, Option<[u8; 32]>) {
    let inputs = GetAssertionInputs {
        cred_blob: Some(true),
        large_blob_key: Some(true),
        third_party_payment: Some(true),
        ..GetAssertionInputs::default()
    };
    let mut room = [0; 256];
    let request = Request {
        extensions: Some(raw(&inputs, &mut room)),
        ..assertion()
    };
    let map = platform.send(Command::GetAssertion, Some(&request));
    let map = map.unwrap();
    let response = Response::parse(&map).unwrap();
    let data = AuthenticatorData::parse(response.auth_data).unwrap();
    let (blob, payment) = match data.extensions {
        None => (None, None),
        Some(outputs) => {
            let outputs = GetAssertionOutputs::parse(outputs.bytes()).unwrap();
            (
                outputs.cred_blob.map(<[u8]>::to_vec),
                outputs.third_party_payment,
            )
        }
    };
    (blob, payment, response.large_blob_key.map(|key| *key.0))
}

#[test]
fn a_credential_keeps_what_was_asked_for() {
    let mut platform = Platform::new();
    let inputs = MakeCredentialInputs {
        cred_blob: Some(&[7; 32]),
        large_blob_key: Some(true),
        third_party_payment: Some(true),
        ..MakeCredentialInputs::default()
    };
    let (stored, key) = make_with(&mut platform, &inputs).unwrap();
    assert_eq!(stored, Some(true));
    platform.key.replug();
    let (blob, payment, again) = ask_for_all(&mut platform);
    assert_eq!((blob, payment), (Some(vec![7; 32]), Some(true)));
    assert!(key.is_some() && again == key);

    let (stored, none) = make_with(&mut platform, &MakeCredentialInputs::default()).unwrap();
    assert_eq!((stored, none), (None, None));
    let nothing = (Some(Vec::new()), Some(false), None);
    assert_eq!(ask_for_all(&mut platform), nothing);
}

#[test]
fn a_blob_that_is_too_long_is_not_kept() {
    let mut platform = Platform::new();
    let inputs = MakeCredentialInputs {
        cred_blob: Some(&[7; 33]),
        ..MakeCredentialInputs::default()
    };
    let (stored, _) = make_with(&mut platform, &inputs).unwrap();
    assert_eq!(stored, Some(false));
    assert_eq!(ask_for_all(&mut platform).0, Some(Vec::new()));
}

#[test]
fn large_blob_key_takes_no_but_for_an_answer_neither_here_nor_there() {
    let mut platform = Platform::new();
    let inputs = MakeCredentialInputs {
        large_blob_key: Some(false),
        ..MakeCredentialInputs::default()
    };
    let made = make_with(&mut platform, &inputs);
    assert_eq!(made.err(), Some(Status::InvalidOption));
    let inputs = GetAssertionInputs {
        large_blob_key: Some(false),
        ..GetAssertionInputs::default()
    };
    let mut room = [0; 64];
    let request = Request {
        extensions: Some(raw(&inputs, &mut room)),
        ..assertion()
    };
    let status = platform.status(Command::GetAssertion, &request);
    assert_eq!(status, Status::InvalidOption);
}

#[test]
fn extensions_that_the_edition_lacks_count_as_absent() {
    let mut platform = Platform::of(Profile::Ctap20);
    let inputs = MakeCredentialInputs {
        cred_blob: Some(&[7; 32]),
        large_blob_key: Some(true),
        third_party_payment: Some(true),
        ..MakeCredentialInputs::default()
    };
    assert_eq!(make_with(&mut platform, &inputs), Ok((None, None)));
    assert_eq!(ask_for_all(&mut platform), (None, None, None));
}
