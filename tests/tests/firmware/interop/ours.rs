//! Our client with every key there is.

mod u2f;

use super::{Cell, Row};
use crate::credentials::{algorithms, assertion_for, request};
use crate::desk::{Desk, DeskSession, Error, RP_ID, pin};
use crate::key::Key;
use keysteward_core::cbor::List;
use keysteward_core::crypto::{Crypto, PublicPoint, RustCrypto};
use keysteward_core::ctap2::client_pin::Permissions;
use keysteward_core::ctap2::extension::{
    GetAssertionInputs, LargeBlobCreation, LargeBlobInput, LargeBlobOutput, LargeBlobSupport,
    MakeCredentialInputs,
};
use keysteward_core::ctap2::{
    PublicKeyCredentialDescriptor, PublicKeyCredentialUserEntity, authenticator_config,
    get_assertion,
};
use keysteward_core::pin_protocol::PinUvAuthToken;
use keysteward_core::session::{Extension, Feature};
use keysteward_core::webauthn::authenticator_data::AuthenticatorData;
use keysteward_core::webauthn::cose::{Algorithm, PublicKey};
use keysteward_virtual_token::authenticator::profile::Profile;
use rand_core::OsRng;
use std::ops::ControlFlow;

// Long and mixed enough for the strictest key.
const FIRST_PIN: &str = "73519024";
const WRONG_PIN: &str = "24680135";
const PIN: &str = "31415926";
const NEXT_PIN: &str = "27182818";

type Outcome = Result<(), Problem>;

/// Why an area did not work.
enum Problem {
    Lacks(String),
    Fails(String),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Unsupported(feature) => Self::Lacks(feature.to_string()),
            error => Self::Fails(error.to_string()),
        }
    }
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = keys()
        .into_iter()
        .map(|(name, key)| row(name, cells(&key)))
        .collect();
    rows.push(row(
        "ours, u2f-only",
        u2f::cells(&Key::of(Profile::U2fOnly)),
    ));
    rows
}

fn row(key: &'static str, cells: Vec<(String, Cell)>) -> Row {
    Row {
        client: "keysteward",
        key,
        cells,
    }
}

fn keys() -> Vec<(&'static str, Key)> {
    vec![
        ("opensk", Key::opensk()),
        ("fido-authenticator", Key::trussed()),
        ("ours, 2.3", Key::of(Profile::Ctap23)),
        ("ours, 2.1", Key::of(Profile::Ctap21)),
        ("ours, 2.1-pre", Key::of(Profile::Ctap21Pre)),
        ("ours, 2.0", Key::of(Profile::Ctap20)),
        ("ours, biometric", Key::of(Profile::Biometric)),
        ("ours, enterprise", Key::of(Profile::Enterprise)),
        ("ours, large-blob", Key::of(Profile::LargeBlob)),
    ]
}

fn cells(key: &Key) -> Vec<(String, Cell)> {
    let mut cells = Vec::new();
    let areas: [(&str, fn(&mut DeskSession<'_>) -> Outcome); 8] = [
        // First, since some keys take it only then; each area after a power-up of its own.
        ("reset", |session| Ok(session.reset()?)),
        ("info", |session| Ok(session.info().map(drop)?)),
        ("pin", change_pin),
        ("credentials", use_credential),
        ("management", manage_credentials),
        ("blobs", keep_blobs),
        ("fingerprints", know_fingers),
        ("config", configure),
    ];
    for (area, attempt) in areas {
        let cell = match Desk::with(key).session(attempt) {
            Ok(()) => Cell::Works,
            Err(Problem::Lacks(what)) => Cell::Lacks(what),
            Err(Problem::Fails(why)) => Cell::Fails(why),
        };
        cells.push((area.to_owned(), cell));
    }
    cells
}

fn expect(right: bool, what: &str) -> Outcome {
    match right {
        true => Ok(()),
        false => Err(Problem::Fails(what.to_owned())),
    }
}

fn change_pin(session: &mut DeskSession<'_>) -> Outcome {
    session.set_pin(&pin(FIRST_PIN))?;
    let wrong = session.change_pin(&pin(WRONG_PIN), &pin(PIN));
    let told = matches!(wrong, Err(Error::PinInvalid { retries: Some(_) }));
    expect(told, "a wrong PIN is not told with its tries")?;
    Ok(session.change_pin(&pin(FIRST_PIN), &pin(PIN))?)
}

fn token(
    session: &mut DeskSession<'_>,
    permissions: Permissions,
) -> Result<PinUvAuthToken, Problem> {
    let for_credentials = Permissions::MAKE_CREDENTIAL | Permissions::GET_ASSERTION;
    let rp_id = (permissions == for_credentials).then_some(RP_ID);
    Ok(session.token(&pin(PIN), permissions, rp_id)?)
}

fn use_credential(session: &mut DeskSession<'_>) -> Outcome {
    let permissions = Permissions::MAKE_CREDENTIAL | Permissions::GET_ASSERTION;
    let es256 = algorithms(Algorithm::Es256);
    let making = token(session, permissions)?;
    let made = session.make_credential(&request(RP_ID, "alice", &es256), Some(making))?;
    let data = made.auth_data.to_vec();
    let data =
        AuthenticatorData::parse(&data).map_err(|error| Problem::Fails(error.to_string()))?;
    let public_key = data.attested_credential.map(|attested| attested.public_key);
    let using = token(session, permissions)?;
    let assertion = session.get_assertion(&assertion_for(RP_ID), Some(using))?;
    let signed: [&[u8]; 2] = [assertion.auth_data, &[0x5A; 32]];
    let verified = match public_key {
        Some(PublicKey::Es256 { x, y }) => {
            let point = PublicPoint { x: *x, y: *y };
            let crypto = RustCrypto(OsRng);
            crypto
                .es256_verify(&point, &signed, assertion.signature)
                .is_ok()
        }
        _ => false,
    };
    expect(verified, "the assertion does not verify")
}

fn manage_credentials(session: &mut DeskSession<'_>) -> Outcome {
    let managing = token(session, Permissions::CREDENTIAL_MANAGEMENT)?;
    let before = session.credentials_metadata(&managing)?;
    expect(before.existing == 1, "not one credential is counted")?;
    let mut parties = Vec::new();
    session.relying_parties(&managing, &mut |party| {
        parties.push(party.rp_id_hash);
        ControlFlow::Continue(())
    })?;
    let mut ids = Vec::new();
    for party in &parties {
        session.credentials(&managing, party, &mut |found| {
            ids.push(found.id.id.to_vec());
            ControlFlow::Continue(())
        })?;
    }
    let [id] = ids.as_slice() else {
        return Err(Problem::Fails(format!(
            "{} credentials are listed",
            ids.len()
        )));
    };
    let renamed = PublicKeyCredentialUserEntity {
        id: b"alice",
        name: Some("bob"),
        display_name: None,
    };
    match session.update_user(&managing, id, renamed) {
        // The preview has no such thing.
        Ok(()) | Err(Error::Unsupported(Feature::UpdateUserInformation)) => {}
        Err(error) => return Err(error.into()),
    }
    session.delete_credential(&managing, id)?;
    let after = session.credentials_metadata(&managing)?;
    expect(after.existing == 0, "the credential is still counted")
}

fn keep_blobs(session: &mut DeskSession<'_>) -> Outcome {
    if session.facts()?.has(Extension::LargeBlob) {
        return keep_blob_with_credential(session);
    }
    let mut room = [0; 6_144];
    let empty = session.large_blobs(&mut room)?.is_empty();
    expect(empty, "a fresh array is not empty")?;
    let writing = token(session, Permissions::LARGE_BLOB_WRITE)?;
    session.erase_large_blobs(Some(&writing))?;
    let empty = session.large_blobs(&mut room)?.is_empty();
    expect(empty, "an erased array is not empty")
}

/// Where the key keeps each blob itself. CTAP 2.3 §12.4.
fn keep_blob_with_credential(session: &mut DeskSession<'_>) -> Outcome {
    let permissions = Permissions::MAKE_CREDENTIAL | Permissions::GET_ASSERTION;
    let es256 = algorithms(Algorithm::Es256);
    let inputs = MakeCredentialInputs {
        large_blob: Some(LargeBlobCreation {
            support: LargeBlobSupport::Required,
        }),
        ..MakeCredentialInputs::default()
    };
    let making = token(session, permissions)?;
    let request = request(RP_ID, "alice", &es256);
    let made = session.make_credential_with(&request, &inputs, None, Some(making))?;
    let supported = made.unsigned.large_blob.is_some_and(|blob| blob.supported);
    expect(supported, "the new credential can have no blob")?;
    let data = AuthenticatorData::parse(made.response.auth_data);
    let data = data.map_err(|error| Problem::Fails(error.to_string()))?;
    let id = data
        .attested_credential
        .map(|attested| attested.credential_id.to_vec());
    let named = [PublicKeyCredentialDescriptor::new(
        id.as_deref().unwrap_or_default(),
    )];
    let assertion = get_assertion::Request {
        allow_list: Some(List::new(&named)),
        ..assertion_for(RP_ID)
    };
    let blob = [0xB1; 3_000];
    let write = LargeBlobInput {
        write: Some(&blob),
        original_size: Some(9_000),
        ..LargeBlobInput::default()
    };
    let read = LargeBlobInput {
        read: Some(true),
        ..LargeBlobInput::default()
    };
    for (input, stored) in [
        (read, LargeBlobOutput::default()),
        (
            write,
            LargeBlobOutput {
                written: Some(true),
                ..LargeBlobOutput::default()
            },
        ),
        (
            read,
            LargeBlobOutput {
                blob: Some(&blob),
                original_size: Some(9_000),
                ..LargeBlobOutput::default()
            },
        ),
    ] {
        let using = token(session, permissions)?;
        let inputs = GetAssertionInputs {
            large_blob: Some(input),
            ..GetAssertionInputs::default()
        };
        let told = session.get_assertion_with(&assertion, &inputs, None, Some(using))?;
        let told = told.unsigned.large_blob.unwrap_or_default();
        expect(told == stored, "the blob is not the one that was written")?;
    }
    let managing = token(session, Permissions::CREDENTIAL_MANAGEMENT)?;
    let id = named[0].id;
    Ok(session.delete_credential(&managing, id)?)
}

fn know_fingers(session: &mut DeskSession<'_>) -> Outcome {
    session.fingerprint_sensor()?;
    let enrolling = token(session, Permissions::BIO_ENROLLMENT)?;
    let id = session.enroll_fingerprint(&enrolling, None, &mut |_| ControlFlow::Continue(()))?;
    let naming = token(session, Permissions::BIO_ENROLLMENT)?;
    session.rename_fingerprint(&naming, &id, "thumb")?;
    let mut names = Vec::new();
    session.fingerprints(&naming, &mut |finger| {
        names.extend(finger.template_friendly_name.map(str::to_owned));
        ControlFlow::Continue(())
    })?;
    expect(names == ["thumb"], "the finger is not listed by its name")?;
    Ok(session.remove_fingerprint(&naming, &id)?)
}

fn configure(session: &mut DeskSession<'_>) -> Outcome {
    let configuring = token(session, Permissions::AUTHENTICATOR_CONFIG)?;
    let always = session.facts()?.always_uv == Some(true);
    session.set_always_uv(!always, Some(&configuring))?;
    session.set_always_uv(always, Some(&configuring))?;
    let rules = authenticator_config::SetMinPinLength {
        new_min_pin_length: Some(8),
        ..Default::default()
    };
    session.set_min_pin_length(&rules, Some(&configuring))?;
    session.force_pin_change(Some(&configuring))?;
    Ok(session.change_pin(&pin(PIN), &pin(NEXT_PIN))?)
}
