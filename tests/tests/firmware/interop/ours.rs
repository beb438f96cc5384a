//! Our client with every key there is.

mod blobs;
mod u2f;

use super::{Cell, Row};
use crate::credentials::{algorithms, assertion_for, request};
use crate::desk::{Desk, RP_ID, pin};
use crate::key::Key;
use blobs::keep_blobs;
use keysteward_core::crypto::{Crypto, PublicPoint, RustCrypto};
use keysteward_core::ctap2::client_pin::Permissions;
use keysteward_core::ctap2::{PublicKeyCredentialUserEntity, authenticator_config};
use keysteward_core::pin_protocol::PinUvAuthToken;
use keysteward_core::session::{CtapTransport, Error, Feature, Session};
use keysteward_core::webauthn::authenticator_data::AuthenticatorData;
use keysteward_core::webauthn::cose::{Algorithm, PublicKey};
use keysteward_virtual_token::authenticator::profile::Profile;
use rand_core::OsRng;
use std::fmt;
use std::ops::ControlFlow;

// Long and mixed enough for the strictest key.
const FIRST_PIN: &str = "73519024";
const WRONG_PIN: &str = "24680135";
const PIN: &str = "31415926";
const NEXT_PIN: &str = "27182818";

/// A session over any link.
pub(super) type Sitting<'t, T> = Session<'t, T, RustCrypto<OsRng>>;

type Outcome = Result<(), Problem>;

/// Why an area did not work.
pub(super) enum Problem {
    Lacks(String),
    Fails(String),
}

impl<E: fmt::Display> From<Error<E>> for Problem {
    fn from(error: Error<E>) -> Self {
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
    areas()
        .into_iter()
        .map(|(area, attempt)| (area.to_owned(), cell(Desk::with(key).session(attempt))))
        .collect()
}

pub(super) fn cell(outcome: Outcome) -> Cell {
    match outcome {
        Ok(()) => Cell::Works,
        Err(Problem::Lacks(what)) => Cell::Lacks(what),
        Err(Problem::Fails(why)) => Cell::Fails(why),
    }
}

/// What is tried in an area, over any link.
type Attempt<T> = fn(&mut Sitting<'_, T>) -> Outcome;

/// Each after a power-up of its own.
pub(super) fn areas<T: CtapTransport>() -> [(&'static str, Attempt<T>); 8] {
    [
        // First, since some keys take it only then.
        ("reset", |session| Ok(session.reset()?)),
        ("info", |session| Ok(session.info().map(drop)?)),
        ("pin", change_pin),
        ("credentials", use_credential),
        ("management", manage_credentials),
        ("blobs", keep_blobs),
        ("fingerprints", know_fingers),
        ("config", configure),
    ]
}

fn expect(right: bool, what: &str) -> Outcome {
    match right {
        true => Ok(()),
        false => Err(Problem::Fails(what.to_owned())),
    }
}

fn change_pin<T: CtapTransport>(session: &mut Sitting<'_, T>) -> Outcome {
    session.set_pin(&pin(FIRST_PIN))?;
    let wrong = session.change_pin(&pin(WRONG_PIN), &pin(PIN));
    let told = matches!(wrong, Err(Error::PinInvalid { retries: Some(_) }));
    expect(told, "a wrong PIN is not told with its tries")?;
    Ok(session.change_pin(&pin(FIRST_PIN), &pin(PIN))?)
}

fn token<T: CtapTransport>(
    session: &mut Sitting<'_, T>,
    permissions: Permissions,
) -> Result<PinUvAuthToken, Problem> {
    let for_credentials = Permissions::MAKE_CREDENTIAL | Permissions::GET_ASSERTION;
    let rp_id = (permissions == for_credentials).then_some(RP_ID);
    Ok(session.token(&pin(PIN), permissions, rp_id)?)
}

fn use_credential<T: CtapTransport>(session: &mut Sitting<'_, T>) -> Outcome {
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

fn manage_credentials<T: CtapTransport>(session: &mut Sitting<'_, T>) -> Outcome {
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

fn know_fingers<T: CtapTransport>(session: &mut Sitting<'_, T>) -> Outcome {
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

fn configure<T: CtapTransport>(session: &mut Sitting<'_, T>) -> Outcome {
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
