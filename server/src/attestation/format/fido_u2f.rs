//! Format `fido-u2f`. WebAuthn Level 3 §8.6; CTAP 2.3 §7.1 has the AAGUID.

use super::{Evidence, MAKER, Signed};
use crate::attestation::{
    Refusal,
    certificate::{Chain, Stated},
    key::{Curve, Hash, Key, Scheme},
};
use keysteward_core::{
    cbor::Raw,
    webauthn::attestation::{FIDO_U2F, Statement},
};
use uuid::Uuid;

pub(super) fn evidence<'a>(
    att_stmt: Raw<'a>,
    signed: &Signed<'_>,
) -> Result<Evidence<'a>, Refusal> {
    let statement = Statement::parse(FIDO_U2F, att_stmt).map_err(Refusal::Statement)?;
    let Statement::FidoU2f { sig, x5c } = statement else {
        return Err(Refusal::UnsupportedFormat(FIDO_U2F.to_owned()));
    };
    if x5c.len() != 1 {
        return Err(Refusal::NotOneCertificate { found: x5c.len() });
    }
    if *signed.credential.aaguid != [0; 16] {
        return Err(Refusal::AaguidNotZero {
            aaguid: Uuid::from_bytes(*signed.credential.aaguid),
        });
    }
    let Some(credential) = signed.credential_key.and_then(p256) else {
        return Err(Refusal::NotAU2fKey {
            found: signed
                .credential_key
                .map_or_else(|| "unknown".to_owned(), Key::to_string),
        });
    };
    let chain = Chain::read(x5c)?;
    let key = chain.leaf.key()?;
    if p256(&key).is_none() {
        return Err(Refusal::NotAU2fKey {
            found: key.to_string(),
        });
    }
    let message = [
        &[0x00],
        signed.data.rp_id_hash.as_slice(),
        signed.client_data_hash,
        signed.credential.credential_id,
        credential,
    ]
    .concat();
    key.verify(Scheme::Ecdsa(Hash::Sha256), &message, sig)
        .map_err(|_| Refusal::WrongSignature)?;
    chain.leaf.check_no_ca(Stated::Assumed)?;
    Ok(Evidence::Certified {
        chain,
        types: MAKER,
        serial: None,
    })
}

fn p256(key: &Key) -> Option<&[u8]> {
    match key {
        Key::Ec {
            curve: Curve::P256,
            point,
        } => Some(point),
        _ => None,
    }
}
