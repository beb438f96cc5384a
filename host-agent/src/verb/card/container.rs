//! Which place for a key is meant, and which key is in it.

use keysteward_core::{
    gids::public_key::PublicKey as GidsKey,
    piv::{KeyReference, PublicKey, certificate::Format, session::Error, yubico::metadata},
};

use super::{
    compression,
    session::{GidsSession, PivSession},
};
use crate::verb::{Code, Failure};

/// PIV: the key reference in hexadecimal.
pub(super) fn piv(name: &str) -> Result<KeyReference, Failure> {
    KeyReference::from_name(name)
        .filter(|key| *key != KeyReference::Attestation)
        .ok_or_else(|| {
            Failure::invalid(
                "container",
                format_args!("{name:?}"),
                "a PIV key reference: 9a, 9c, 9d, 9e, or 82 to 95",
            )
        })
}

/// GIDS: its number.
pub(super) fn gids(name: &str) -> Result<u8, Failure> {
    name.parse().map_err(|_| {
        Failure::invalid(
            "container",
            format_args!("{name:?}"),
            "the number of a GIDS container, such as 0",
        )
    })
}

/// The public key as the card tells it; `None`: there is no key, or it does not tell.
pub(super) fn piv_key(
    session: &mut PivSession<'_, '_>,
    key: KeyReference,
) -> Result<Option<Vec<u8>>, Failure> {
    let told = session.metadata(metadata::Request { of: key.id() })?;
    Ok(told.and_then(|told| piv_spki(&told.public_key()?)))
}

/// X.509 of a container, DER; empty: there is none that can be read.
pub(super) fn piv_certificate(
    session: &mut PivSession<'_, '_>,
    key: KeyReference,
) -> Result<Vec<u8>, Failure> {
    match session.read_certificate(key) {
        Ok(found) => Ok(found
            .and_then(|one| piv_der(one.format, one.bytes))
            .unwrap_or_default()),
        // As a look at the card takes them.
        Err(
            Error::Malformed(_)
            | Error::NotAuthenticated(_)
            | Error::Unsupported(_)
            | Error::Refused { .. },
        ) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// DER.
pub(super) fn piv_spki(key: &PublicKey<'_>) -> Option<Vec<u8>> {
    let mut room = [0; PublicKey::MAX_SPKI];
    key.spki(&mut room).ok().map(<[u8]>::to_vec)
}

/// Whether a PIV card tells anything of its keys. Of its PIN it does then, too.
pub(super) fn piv_tells(session: &mut PivSession<'_, '_>) -> Result<bool, Failure> {
    Ok(session.metadata(metadata::Request::PIN)?.is_some())
}

/// The public key of a container; `None`: there is no key.
pub(super) fn gids_key(
    session: &mut GidsSession<'_, '_>,
    number: u8,
) -> Result<Option<Vec<u8>>, Failure> {
    Ok(session.public_key(number)?.and_then(|key| gids_spki(&key)))
}

fn gids_spki(key: &GidsKey<'_>) -> Option<Vec<u8>> {
    let mut room = [0; PublicKey::MAX_SPKI];
    key.info(&mut room).ok().map(<[u8]>::to_vec)
}

/// X.509 of a PIV card's object; `None`: it cannot be unpacked.
pub(super) fn piv_der(format: Format, bytes: &[u8]) -> Option<Vec<u8>> {
    match format {
        Format::Plain => Some(bytes.to_vec()),
        Format::Gzip => compression::gunzip(bytes),
        Format::Zlib { .. } => compression::unzlib(bytes),
    }
}

pub(super) fn empty(name: &str) -> Failure {
    Failure::new(
        Code::ContainerEmpty,
        format!("the container {name} holds no key; generate one first"),
    )
}
