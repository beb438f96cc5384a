//! Keys that a card made: whether they are what was asked for, and what signed with them.

use keysteward_proto::agent::v1 as agent;
use x509_parser::prelude::{FromDer as _, SubjectPublicKeyInfo, X509Certificate};

use super::Useless;
use crate::{
    attestation::{CardKey, verify_card_key},
    connector::ca::CertificationRequest,
    lifecycle::{
        CertificateSlot, KeyAlgorithm,
        card_section::{PinUse, TouchUse},
        card_type::Attestation,
    },
    operation::{Inner, card_step, certification_request, trust::timestamp, work::Work},
    store::{
        self, Write,
        certificate::{self, Certificate, Key, OnCard, State as At},
    },
};

pub(super) async fn generated(
    inner: &Inner,
    tx: &mut Write<'_>,
    work: &mut Work,
    made: &agent::KeyGenerated,
) -> store::Result<Option<Useless>> {
    let slot = match card_step::slot_to_generate(work) {
        Ok(slot) => slot.clone(),
        Err(error) => return Ok(Some((error.to_string(), ""))),
    };
    let Some(user) = work.user.as_ref().map(|user| user.id) else {
        return Ok(Some(("the user is gone".into(), "")));
    };
    let fits = is_key_of(&made.public_key, slot.algorithm);
    let (attestation, unproven) = attested(inner, work, &slot, made);
    let key = Key {
        token_id: work.token.id,
        user_id: user,
        operation_id: work.operation.id,
        connection_id: slot.connection,
        container: slot.container.clone(),
        profile: slot.profile.clone(),
        algorithm: slot.algorithm,
        is_default: slot.is_default,
        public_key: made.public_key.clone(),
        attestation,
    };
    let row = Certificate::wanted(key, work.now);
    certificate::insert(tx, &row).await?;
    // What stood there has no key any more.
    for old in &mut work.certificates {
        if old.container == row.container && old.on_card == OnCard::Present {
            old.on_card = OnCard::Replaced;
            certificate::update(tx, old).await?;
        }
    }
    work.certificates.push(row);
    if let Some(why) = unproven {
        let advice = "issue a card whose maker the token type trusts, or add its root to the type";
        return Ok(Some((why, advice)));
    }
    Ok((!fits).then(|| {
        let asked = slot.algorithm;
        (
            format!("the card made another key than one of {asked}"),
            "issue another model, or change the template",
        )
    }))
}

/// SubjectPublicKeyInfo: RFC 3279 and RFC 8410 name the algorithms.
fn is_key_of(public_key: &[u8], algorithm: KeyAlgorithm) -> bool {
    let Ok((rest, parsed)) = SubjectPublicKeyInfo::from_der(public_key) else {
        return false;
    };
    let oid = parsed.algorithm.algorithm.to_id_string();
    let curve = || {
        let parameters = parsed.algorithm.parameters.as_ref();
        let curve = parameters.and_then(|parameters| parameters.as_oid().ok());
        curve.map(|curve| curve.to_id_string()).unwrap_or_default()
    };
    let bits = || match parsed.parsed() {
        Ok(x509_parser::public_key::PublicKey::RSA(key)) => key.key_size(),
        _ => 0,
    };
    let fits = match algorithm {
        KeyAlgorithm::Rsa2048 => oid == RSA && bits() == 2048,
        KeyAlgorithm::Rsa3072 => oid == RSA && bits() == 3072,
        KeyAlgorithm::Rsa4096 => oid == RSA && bits() == 4096,
        KeyAlgorithm::P256 => oid == EC && curve() == "1.2.840.10045.3.1.7",
        KeyAlgorithm::P384 => oid == EC && curve() == "1.3.132.0.34",
        KeyAlgorithm::Ed25519 => oid == "1.3.101.112",
    };
    rest.is_empty() && fits
}

/// What the card's own word for the key comes to: the sentence that stands beside the
/// certificate, and the one to fail with where the token type requires more.
fn attested(
    inner: &Inner,
    work: &Work,
    slot: &CertificateSlot,
    made: &agent::KeyGenerated,
) -> (String, Option<String>) {
    let Some(definition) = work.token_type.as_ref().map(|row| &row.definition) else {
        return (says(made), None);
    };
    let card = definition.card.as_ref();
    let required = card.is_some_and(|card| card.attestation == Attestation::Required);
    let roots = match inner.card_roots(definition) {
        Ok(roots) if roots.is_empty() && !required => return (says(made), None),
        Ok(roots) => roots,
        Err(error) => {
            let why = format!("not proven: {error}");
            return (why.clone(), required.then_some(why));
        }
    };
    let serial = work.token.serial.trim_start_matches("piv ").parse().ok();
    let key = CardKey {
        public_key: &made.public_key,
        statement: &made.attestation,
        issuer: &made.attestation_issuer,
        serial: serial.filter(|serial| *serial != 0),
        pin_policy: slot.pin_use.map(pin_policy),
        touch_policy: slot.touch_use.map(touch_policy),
    };
    match verify_card_key(&key, &roots, timestamp(work.now)) {
        Ok(proof) => (proof.to_string(), None),
        Err(refusal) => {
            let why = format!("not proven: {refusal}");
            (why.clone(), required.then_some(why))
        }
    }
}

/// Yubico's number of it.
const fn pin_policy(asked: PinUse) -> u8 {
    match asked {
        PinUse::Never => 1,
        PinUse::Once => 2,
        PinUse::Always => 3,
    }
}

/// Yubico's number of it.
const fn touch_policy(asked: TouchUse) -> u8 {
    match asked {
        TouchUse::Never => 1,
        TouchUse::Always => 2,
        TouchUse::Cached => 3,
    }
}

/// What it says where its token type believes nobody.
fn says(made: &agent::KeyGenerated) -> String {
    let parsed = X509Certificate::from_der(&made.attestation);
    let Ok((_, statement)) = parsed else {
        return "not attested".into();
    };
    let issuer = X509Certificate::from_der(&made.attestation_issuer);
    let signed = issuer.is_ok_and(|(_, issuer)| {
        statement
            .verify_signature(Some(issuer.public_key()))
            .is_ok()
    });
    if statement.public_key().raw != made.public_key || !signed {
        return "its attestation is not for this key".into();
    }
    format!("made on the card, says {}", statement.issuer())
}

pub(super) async fn signed(
    tx: &mut Write<'_>,
    work: &mut Work,
    signature: &[u8],
) -> store::Result<Option<Useless>> {
    let own = work.operation.id;
    let row = work
        .certificates
        .iter_mut()
        .find(|row| row.operation_id == own && row.state == At::KeyMade);
    let Some(row) = row else {
        return Ok(Some((
            "there is no request that was to be signed".into(),
            "",
        )));
    };
    let whole = certification_request::assemble(&row.request, row.algorithm, signature);
    match CertificationRequest::verify(&whole) {
        Ok(request) if request.public_key() == row.public_key => {
            row.request = whole;
            row.state = At::Requested;
            certificate::update(tx, row).await?;
            Ok(None)
        }
        Ok(_) => Ok(Some((
            "the card signed for another key than it made".into(),
            "issue another card",
        ))),
        Err(error) => Ok(Some((error.to_string(), "issue another card"))),
    }
}

const RSA: &str = "1.2.840.113549.1.1.1";
const EC: &str = "1.2.840.10045.2.1";
