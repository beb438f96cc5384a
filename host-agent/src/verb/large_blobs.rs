//! Large blobs: which credentials own one; reading, writing and deleting them. CTAP 2.3 §6.10.
//!
//! The core handles the array and its encryption; compression needs an allocator and happens here.
//! A blob is found by the key that its credential has, and credentials tell their keys only to who
//! proves to be the token's user.

use std::io::{Read as _, Write as _};
use std::ops::ControlFlow;

use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use keysteward_core::{
    crypto::RustCrypto,
    ctap2::{LargeBlobKey, client_pin::Permissions},
    pin_protocol::PinUvAuthToken,
    session,
};
use rand::rngs::OsRng;
use zeroize::Zeroizing;

use super::{
    Answer, Code, Failure, LargeBlob, conduct::TokenSession, list_credentials, update_user,
    verification::Verifier,
};
use crate::settings::Policy;

/// Bytes that a blob may inflate to.
pub(crate) const MAX_BLOB: usize = 1 << 20;

/// A credential that may own a blob.
struct Owner {
    credential_id: Vec<u8>,
    rp_id: String,
    user_name: String,
    key: Zeroizing<[u8; 32]>,
}

pub(super) fn list(
    session: &mut TokenSession<'_, '_>,
    policy: &Policy,
    verifier: &Verifier<'_>,
) -> Result<Answer, Failure> {
    let capacity = capacity(session)?;
    let token = verifier.token(session, Permissions::CREDENTIAL_MANAGEMENT, None)?;
    let owners = owners(session, policy, &token)?;
    let mut room = vec![0; capacity];
    let array = session.large_blobs(&mut room)?;
    let mut opened = Zeroizing::new(vec![0; capacity]);
    let mut blobs = Vec::new();
    let mut crypto = RustCrypto(OsRng);
    for owner in owners {
        let key = LargeBlobKey(&owner.key);
        let Ok(Some(found)) = array.find(&mut crypto, key, &mut opened) else {
            continue;
        };
        let entry = array.entries().nth(found.index);
        blobs.push(LargeBlob {
            credential_id: owner.credential_id,
            rp_id: owner.rp_id,
            user_name: owner.user_name,
            size: found.orig_size,
            stored_size: number(entry.map_or(0, |entry| entry.bytes().len())),
        });
    }
    let entries: usize = array.entries().map(|entry| entry.bytes().len()).sum();
    let others = array.len().saturating_sub(blobs.len());
    Ok(Answer::LargeBlobs {
        blobs,
        used: number(head_of(array.len()) + entries + HASH),
        capacity: number(capacity),
        others: number(others),
    })
}

pub(super) fn read(
    session: &mut TokenSession<'_, '_>,
    policy: &Policy,
    verifier: &Verifier<'_>,
    credential_id: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut room = room(session)?;
    let token = verifier.token(session, Permissions::CREDENTIAL_MANAGEMENT, None)?;
    let owner = owner(session, policy, &token, credential_id)?;
    let found = session
        .large_blob(LargeBlobKey(&owner.key), &mut room)?
        .ok_or_else(no_blob)?;
    inflate(found.deflated, found.orig_size)
}

pub(super) fn write(
    session: &mut TokenSession<'_, '_>,
    policy: &Policy,
    verifier: &Verifier<'_>,
    credential_id: &[u8],
    data: &[u8],
) -> Result<Answer, Failure> {
    let mut room = room(session)?;
    let token = finding_and_writing(session, verifier)?;
    let owner = owner(session, policy, &token, credential_id)?;
    let deflated = deflate(data)?;
    // Twice the array and twice the entry, as the core has it.
    let needed = room.len() + 2 * deflated.len() + 128;
    room.resize(needed, 0);
    let blob = session::LargeBlob {
        deflated: &deflated,
        orig_size: data.len() as u64,
    };
    session.store_large_blob(Some(&token), LargeBlobKey(&owner.key), blob, &mut room)?;
    Ok(Answer::Done)
}

pub(super) fn delete(
    session: &mut TokenSession<'_, '_>,
    policy: &Policy,
    verifier: &Verifier<'_>,
    credential_id: &[u8],
) -> Result<Answer, Failure> {
    let mut room = room(session)?;
    let token = finding_and_writing(session, verifier)?;
    let owner = owner(session, policy, &token, credential_id)?;
    match session.remove_large_blob(Some(&token), LargeBlobKey(&owner.key), &mut room)? {
        true => Ok(Answer::Done),
        false => Err(no_blob()),
    }
}

/// Every credential with a key for a blob that this host lets be seen.
fn owners(
    session: &mut TokenSession<'_, '_>,
    policy: &Policy,
    token: &PinUvAuthToken,
) -> Result<Vec<Owner>, Failure> {
    let mut owners = Vec::new();
    for party in list_credentials::parties(session, policy, token, "")? {
        session.credentials(token, &party.rp_id_hash, &mut |found| {
            if let Some(key) = found.large_blob_key {
                owners.push(Owner {
                    credential_id: found.id.id.to_vec(),
                    rp_id: party.rp_id.clone(),
                    user_name: found.user.name.unwrap_or_default().to_owned(),
                    key: Zeroizing::new(*key.0),
                });
            }
            ControlFlow::Continue(())
        })?;
    }
    Ok(owners)
}

fn owner(
    session: &mut TokenSession<'_, '_>,
    policy: &Policy,
    token: &PinUvAuthToken,
    credential_id: &[u8],
) -> Result<Owner, Failure> {
    owners(session, policy, token)?
        .into_iter()
        .find(|owner| owner.credential_id == credential_id)
        .ok_or_else(|| Failure {
            message: format!(
                "{}; only credentials that were made with a large blob key can own a blob",
                update_user::absent().message
            ),
            ..update_user::absent()
        })
}

/// One token for both, so that nobody has to lay a finger on the sensor twice.
fn finding_and_writing(
    session: &mut TokenSession<'_, '_>,
    verifier: &Verifier<'_>,
) -> Result<PinUvAuthToken, Failure> {
    let permissions = Permissions::CREDENTIAL_MANAGEMENT | Permissions::LARGE_BLOB_WRITE;
    Ok(verifier.token(session, permissions, None)?)
}

fn capacity(session: &mut TokenSession<'_, '_>) -> Result<usize, Failure> {
    session
        .facts()?
        .max_serialized_large_blob_array
        .map(|capacity| capacity.min(MAX_ARRAY))
        .ok_or_else(|| {
            Failure::new(
                Code::NotSupported,
                "the token has no room for large blobs; use one that lists largeBlobs",
            )
        })
}

/// Room for everything that the core does with the array.
fn room(session: &mut TokenSession<'_, '_>) -> Result<Zeroizing<Vec<u8>>, Failure> {
    Ok(Zeroizing::new(vec![0; capacity(session)? * 3]))
}

fn no_blob() -> Failure {
    Failure::new(
        Code::CredentialNotFound,
        "the credential owns no large blob; list the blobs to see which there are",
    )
}

fn deflate(data: &[u8]) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder
        .write_all(data)
        .and_then(|()| encoder.finish())
        .map(Zeroizing::new)
        .map_err(|error| Failure::new(Code::Internal, format!("cannot compress: {error}")))
}

/// Whoever wrote the blob chose both lengths: neither is believed.
fn inflate(deflated: &[u8], orig_size: u64) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let bound = MAX_BLOB as u64;
    let broken = |why: String| {
        Failure::new(
            Code::TokenMalformed,
            format!("the large blob cannot be read: {why}; write it again, or delete it"),
        )
    };
    if orig_size > bound {
        return Err(broken(format!(
            "it says that it inflates to {orig_size} bytes, at most {bound} are taken"
        )));
    }
    let mut data = Zeroizing::new(Vec::new());
    DeflateDecoder::new(deflated)
        .take(orig_size + 1)
        .read_to_end(&mut data)
        .map_err(|error| broken(error.to_string()))?;
    if data.len() as u64 != orig_size {
        return Err(broken(format!(
            "it says that it inflates to {orig_size} bytes, and does not"
        )));
    }
    Ok(data)
}

/// Bytes of the head of an array of this many items.
const fn head_of(items: usize) -> usize {
    match items {
        0..=23 => 1,
        24..=255 => 2,
        _ => 3,
    }
}

fn number(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

/// A token may say any number; keys on sale have 1 to 4 KiB.
const MAX_ARRAY: usize = 1 << 20;
/// Behind the array. CTAP 2.3 §6.10.
const HASH: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_deflated_inflates_again() {
        for data in [&b""[..], b"a", &[7; 5000]] {
            let deflated = deflate(data).unwrap();
            let again = inflate(&deflated, data.len() as u64).unwrap();
            assert_eq!(again.as_slice(), data);
        }
    }

    #[test]
    fn a_blob_that_lies_about_its_length_is_refused() {
        let deflated = deflate(&[0; 100_000]).unwrap();
        assert!(deflated.len() < 1000);
        for size in [0, 99_999, 100_001, MAX_BLOB as u64 + 1, u64::MAX] {
            let failure = inflate(&deflated, size).unwrap_err();
            assert_eq!(failure.code, Code::TokenMalformed, "{size}");
        }
        assert!(inflate(b"no deflate stream", 17).is_err());
    }
}
