//! Signs a certification request with the key that it is for. RFC 2986.

use keysteward_core::piv::{
    Algorithm, KeyReference, Pin, TouchPolicy,
    pkcs1::{self, Digest},
    yubico::metadata,
};

use super::{
    Ask, CardPin, KeyAlgorithm, SignatureAlgorithm,
    certification_request::{self as request, ToSign},
    container,
    session::{GidsSession, PivSession},
    trouble::{gids_pin, needed, not_there, piv_pin},
};
use crate::verb::{
    Answer, Code, Failure,
    progress::{Teller, Waiting},
};

/// What is to be signed.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'w> {
    pub(super) container: &'w str,
    /// CertificationRequestInfo, DER.
    pub(super) info: &'w [u8],
    pub(super) algorithm: SignatureAlgorithm,
}

impl<'w> Wanted<'w> {
    pub(super) fn of(ask: &'w Ask) -> Option<Self> {
        match ask {
            Ask::SignCertificationRequest {
                container,
                info,
                algorithm,
                ..
            } => Some(Self {
                container,
                info,
                algorithm: *algorithm,
            }),
            _ => None,
        }
    }
}

/// A card that does not tell its public keys is asked for the signature, which shows whose key
/// made it before anybody gets it.
pub(super) fn piv(
    session: &mut PivSession<'_, '_>,
    pin: Option<&CardPin>,
    wanted: Wanted<'_>,
    teller: &Teller,
) -> Result<Answer, Failure> {
    let Wanted {
        container: name,
        info,
        algorithm,
    } = wanted;
    let key = container::piv(name)?;
    let pin = pin.map(|pin| piv_pin("pin", pin)).transpose()?;
    let told = container::piv_key(session, key)?;
    if told.is_none() && container::piv_tells(session)? {
        return Err(container::empty(name));
    }
    let asked = match &told {
        Some(spki) => request::check(info, spki)?,
        None => request::check_shape(info)?,
    };
    if asks_for_touch(session, key)? {
        teller.tell(Waiting::Touch);
    }
    let kind = request::known_algorithm(asked.spki())?;
    let to_sign = asked.to_sign(algorithm, kind)?;
    let signature = piv_signature(session, pin.as_ref(), key, kind, &to_sign)?;
    if !asked.is_signed_by(algorithm, &signature) {
        return Err(Failure::new(
            Code::KeyMismatch,
            "the container's key is another than the one that the request is for; its signature \
             was thrown away",
        ));
    }
    Ok(Answer::RequestSigned { signature })
}

/// Shows the PIN and signs.
pub(super) fn piv_signature(
    session: &mut PivSession<'_, '_>,
    pin: Option<&Pin>,
    key: KeyReference,
    kind: KeyAlgorithm,
    to_sign: &ToSign,
) -> Result<Vec<u8>, Failure> {
    let algorithm = Algorithm::from_name(kind.as_str())
        .ok_or_else(|| not_there("PIV cards have no such keys"))?;
    let mut padded = Vec::new();
    let block = match to_sign {
        ToSign::Sha256ForRsa(digest) => {
            padded.resize(algorithm.modulus_len().unwrap_or_default(), 0);
            pkcs1::pad(Digest::Sha256, digest, &mut padded)
                .ok_or_else(|| not_there("the key is too short to sign"))?;
            &padded
        }
        ToSign::Hash(bytes) | ToSign::Message(bytes) => bytes,
    };
    Ok(session.sign(pin, key, algorithm, block)?.to_vec())
}

fn asks_for_touch(session: &mut PivSession<'_, '_>, key: KeyReference) -> Result<bool, Failure> {
    let told = session.metadata(metadata::Request { of: key.id() })?;
    let policy = told.and_then(|told| told.touch_policy);
    Ok(policy.is_some_and(|policy| policy != TouchPolicy::Never))
}

pub(super) fn gids(
    session: &mut GidsSession<'_, '_>,
    pin: Option<&CardPin>,
    wanted: Wanted<'_>,
) -> Result<Answer, Failure> {
    let name = wanted.container;
    let number = container::gids(name)?;
    let pin = needed("pin", pin, "the card's PIN, which its keys want")?;
    let pin = gids_pin("pin", pin)?;
    let spki = container::gids_key(session, number)?.ok_or_else(|| container::empty(name))?;
    let asked = request::check(wanted.info, &spki)?;
    let to_sign = asked.to_sign(wanted.algorithm, request::known_algorithm(&spki)?)?;
    let ToSign::Sha256ForRsa(digest) = to_sign else {
        return Err(not_there("GIDS cards have RSA keys alone"));
    };
    let verified = session.verify_pin(&pin)?;
    let block = [request::SHA256_DIGEST_INFO, &digest].concat();
    let signature = session.sign(&verified, number, &block)?.to_vec();
    session.deauthenticate()?;
    Ok(Answer::RequestSigned { signature })
}
