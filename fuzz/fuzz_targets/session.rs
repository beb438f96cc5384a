#![no_main]

use std::ops::ControlFlow;

use keysteward_core::cbor::List;
use keysteward_core::crypto::RustCrypto;
use keysteward_core::ctap2::authenticator_config::{SetMinPinLength, VendorPrototype};
use keysteward_core::ctap2::client_pin::Permissions;
use keysteward_core::ctap2::extension::{GetAssertionInputs, MakeCredentialInputs};
use keysteward_core::ctap2::large_blobs::array::LargeBlobArray;
use keysteward_core::ctap2::{
    LargeBlobKey, PublicKeyCredentialDescriptor, PublicKeyCredentialParameters,
    PublicKeyCredentialRpEntity, PublicKeyCredentialUserEntity, get_assertion, make_credential,
};
use keysteward_core::pin_protocol::{Pin, PinUvAuthToken};
use keysteward_core::session::{Buffers, Error, Keepalive, LargeBlob, Millis, Salts};
use keysteward_core::webauthn::cose::Algorithm;
use keysteward_fuzz::{Counter, Script, ScriptedToken, Unplugged};
use libfuzzer_sys::fuzz_target;

type Session<'t, 's> =
    keysteward_core::session::Session<'t, ScriptedToken<'s>, RustCrypto<Counter>>;
type Outcome = Result<(), Error<Unplugged>>;

const HASH: &[u8; 32] = &[0x5A; 32];
const KEY: LargeBlobKey<'_> = LargeBlobKey(&[7; 32]);
const ON: ControlFlow<()> = ControlFlow::Continue(());

// Every flow of an administrator, on a token that answers what it likes. The first byte chooses
// the flow; its highest bit, whether the person gives up.
fuzz_target!(|bytes: &[u8]| {
    let mut script = Script::new(bytes);
    let first = script.byte().unwrap_or(0);
    let mut token = ScriptedToken { script };
    let mut crypto = RustCrypto(Counter(0));
    let mut buffers = Buffers::default();
    let mut on_keepalive = |_: Keepalive| match first & 0x80 {
        0 => ON,
        _ => ControlFlow::Break(()),
    };
    let mut session = Session::new(
        &mut token,
        &mut crypto,
        &mut buffers,
        Millis(1000),
        &mut on_keepalive,
    );
    let flow = first & 0x7f;
    let outcome = match flow {
        0..=11 => plain(&mut session, flow),
        12..=23 => by_pin(&mut session, flow),
        24..=31 => blobs(&mut session, flow),
        32..=39 => verified(&mut session, flow),
        40..=47 => configured(&mut session, flow),
        _ => credentials(&mut session, flow),
    };
    if let Err(error) = outcome {
        assert!(!error.to_string().is_empty());
    }
});

fn pin() -> Pin {
    Pin::new("1234").expect("four digits")
}

fn plain(session: &mut Session<'_, '_>, flow: u8) -> Outcome {
    match flow {
        0 => session.info().map(|info| drop(format!("{info:?}"))),
        1 => session.pin_retries().map(drop),
        2 => session.set_pin(&pin()),
        3 => session.change_pin(&pin(), &pin()),
        4 => session.select(),
        5 => session.reset(),
        6 => {
            let ids = [&b"id"[..], b"another", &[3; 64], b"4", b"5"];
            session
                .find_credential("example.com", ids.into_iter(), None)
                .map(|found| assert!(found.is_none_or(|at| at < ids.len())))
        }
        7 => session
            .next_assertion()
            .map(|answer| drop(format!("{answer:?}"))),
        8 => session.force_pin_change(None),
        9 => session.set_always_uv(true, None),
        10 => session.enable_enterprise_attestation(None),
        _ => session.facts().map(drop),
    }
}

/// With a token that the PIN got.
fn by_pin(session: &mut Session<'_, '_>, flow: u8) -> Outcome {
    let permissions = Permissions::CREDENTIAL_MANAGEMENT | Permissions::BIO_ENROLLMENT;
    let token = &session.token(&pin(), permissions, None)?;
    let user = PublicKeyCredentialUserEntity {
        id: b"u",
        name: Some("n"),
        display_name: None,
    };
    match flow {
        12 => session.credentials_metadata(token).map(drop),
        13 => session.relying_parties(token, &mut |rp| heard(&rp)),
        14 => session.credentials(token, &[7; 32], &mut |one| heard(&one)),
        15 => session.delete_credential(token, b"id"),
        16 => session.update_user(token, b"id", user),
        17 => session.fingerprint_sensor().map(drop),
        18 => session.fingerprints(token, &mut |one| heard(&one)),
        19 => session
            .enroll_fingerprint(token, Some(9), &mut |sample| heard(&sample))
            .map(drop),
        20 => session.rename_fingerprint(token, b"id", "Thumb"),
        21 => session.remove_fingerprint(token, b"id"),
        _ => session.fingerprints(token, &mut |_| ControlFlow::Break(())),
    }
}

fn blobs(session: &mut Session<'_, '_>, flow: u8) -> Outcome {
    let mut room = [0; 6000];
    let token: Option<PinUvAuthToken> = match flow & 1 {
        1 => Some(session.token(&pin(), Permissions::LARGE_BLOB_WRITE, None)?),
        _ => None,
    };
    let token = token.as_ref();
    let blob = LargeBlob {
        deflated: &[5; 900],
        orig_size: 4000,
    };
    match flow {
        24 | 25 => session.large_blobs(&mut room).map(drop),
        26 => session.write_large_blobs(token, LargeBlobArray::INITIAL),
        27 => session.erase_large_blobs(token),
        28 => session.large_blob(KEY, &mut room).map(drop),
        29 | 30 => session.store_large_blob(token, KEY, blob, &mut room),
        _ => session.remove_large_blob(token, KEY, &mut room).map(drop),
    }
}

/// What the token verifies itself, and what outlives the session.
fn verified(session: &mut Session<'_, '_>, flow: u8) -> Outcome {
    let permissions = Permissions::CREDENTIAL_MANAGEMENT;
    match flow {
        32 => session.uv_retries().map(drop),
        33 => session
            .token_by_user_verification(permissions, None, &mut |_| ON)
            .map(drop),
        34 => session
            .persistent_token_by_user_verification(&mut |_| ControlFlow::Break(()))
            .map(drop),
        35 => {
            let token = session.persistent_token(&pin())?;
            let identity = session.identity(&token)?;
            assert!(identity.is_device_of(&identity) || identity.device.is_none());
            Ok(())
        }
        _ => {
            let token = session.persistent_token(&pin())?;
            session
                .read_credentials(
                    Some(&token),
                    |session| session.token(&pin(), permissions, None),
                    |session, token| session.credentials_metadata(token),
                )
                .map(drop)
        }
    }
}

fn configured(session: &mut Session<'_, '_>, flow: u8) -> Outcome {
    let token = session.token(&pin(), Permissions::AUTHENTICATOR_CONFIG, None)?;
    let token = Some(&token);
    let rules = SetMinPinLength {
        new_min_pin_length: Some(6),
        min_pin_length_rp_ids: Some(List::new(&["example.com"])),
        ..SetMinPinLength::default()
    };
    match flow {
        40 => session.set_min_pin_length(&rules, token),
        41 => session.enforce_pin_complexity(token),
        42 => session.force_pin_change(token),
        43 => session.set_always_uv(flow & 1 == 1, token),
        44 => session.enable_enterprise_attestation(token),
        45 => session.enable_long_touch_for_reset(token),
        _ => session.vendor_prototype(&VendorPrototype::new(7, &[]), token),
    }
}

fn credentials(session: &mut Session<'_, '_>, flow: u8) -> Outcome {
    let salts = (flow & 2 == 2).then_some(Salts {
        first: HASH,
        second: Some(&[1; 32]),
    });
    let permissions = Permissions::MAKE_CREDENTIAL | Permissions::GET_ASSERTION;
    let token = match flow & 4 {
        4 => Some(session.token(&pin(), permissions, Some("example.com"))?),
        _ => None,
    };
    if flow & 1 == 1 {
        let inputs = MakeCredentialInputs {
            cred_blob: Some(b"blob"),
            large_blob_key: Some(true),
            min_pin_length: Some(true),
            ..MakeCredentialInputs::default()
        };
        let made = session.make_credential_with(&request(), &inputs, salts, token)?;
        drop(format!("{:?} {:?}", made.response, made.outputs));
    } else {
        let ids = [&b"id"[..], b"another", b"third"].map(PublicKeyCredentialDescriptor::new);
        let request = get_assertion::Request {
            rp_id: "example.com",
            client_data_hash: HASH,
            allow_list: (flow & 8 == 8).then_some(List::new(&ids)),
            extensions: None,
            options: None,
            pin_uv_auth_param: None,
            pin_uv_auth_protocol: None,
        };
        let inputs = GetAssertionInputs {
            cred_blob: Some(true),
            ..GetAssertionInputs::default()
        };
        let got = session.get_assertion_with(&request, &inputs, salts, token)?;
        drop(format!("{:?} {:?}", got.response, got.outputs));
    }
    Ok(())
}

fn request() -> make_credential::Request<'static> {
    const ES256: &[PublicKeyCredentialParameters<'_>] =
        &[PublicKeyCredentialParameters::new(Algorithm::Es256)];
    make_credential::Request {
        client_data_hash: HASH,
        rp: PublicKeyCredentialRpEntity {
            id: "example.com",
            name: None,
        },
        user: PublicKeyCredentialUserEntity {
            id: b"u",
            name: None,
            display_name: None,
        },
        pub_key_cred_params: List::new(ES256),
        exclude_list: None,
        extensions: None,
        options: None,
        pin_uv_auth_param: None,
        pin_uv_auth_protocol: None,
        enterprise_attestation: None,
        attestation_formats_preference: None,
    }
}

fn heard(what: &impl std::fmt::Debug) -> ControlFlow<()> {
    drop(format!("{what:?}"));
    ON
}
