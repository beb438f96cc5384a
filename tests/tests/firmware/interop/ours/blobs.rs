//! Large blobs, in the array that all credentials share, or one with each credential.

use super::{Outcome, Problem, Sitting, expect, token};
use crate::credentials::{algorithms, assertion_for, request};
use crate::desk::RP_ID;
use keysteward_core::cbor::List;
use keysteward_core::ctap2::client_pin::Permissions;
use keysteward_core::ctap2::extension::{
    GetAssertionInputs, LargeBlobCreation, LargeBlobInput, LargeBlobOutput, LargeBlobSupport,
    MakeCredentialInputs,
};
use keysteward_core::ctap2::{LargeBlobKey, PublicKeyCredentialDescriptor, get_assertion};
use keysteward_core::session::{CtapTransport, Extension, LargeBlob};
use keysteward_core::webauthn::authenticator_data::AuthenticatorData;
use keysteward_core::webauthn::cose::Algorithm;

/// What somebody else keeps in the array.
const STRANGER: [u8; 32] = [0x57; 32];
const STRANGERS: &[u8] = &[0xF0; 300];

pub(super) fn keep_blobs<T: CtapTransport>(session: &mut Sitting<'_, T>) -> Outcome {
    if session.facts()?.has(Extension::LargeBlob) {
        return keep_blob_with_credential(session);
    }
    let mut room = [0; 6_144];
    let empty = session.large_blobs(&mut room)?.is_empty();
    expect(empty, "a fresh array is not empty")?;
    store(session, STRANGER, STRANGERS)?;
    let (id, key) = credential_with_blob_key(session)?;
    // More than one message holds, then less.
    for blob in [&[0xA1; 1_200][..], &[0xA2; 40]] {
        store(session, key, blob)?;
        expect(
            stored(session, key)?.as_deref() == Some(blob),
            "the blob is not the one that was written",
        )?;
        expect_strangers(session)?;
    }
    let writing = token(session, Permissions::LARGE_BLOB_WRITE)?;
    let removed = session.remove_large_blob(Some(&writing), LargeBlobKey(&key), &mut room)?;
    expect(removed, "the blob to remove is not found")?;
    expect(stored(session, key)?.is_none(), "a removed blob is read")?;
    expect_strangers(session)?;
    let managing = token(session, Permissions::CREDENTIAL_MANAGEMENT)?;
    session.delete_credential(&managing, &id)?;
    let writing = token(session, Permissions::LARGE_BLOB_WRITE)?;
    session.erase_large_blobs(Some(&writing))?;
    let empty = session.large_blobs(&mut room)?.is_empty();
    expect(empty, "an erased array is not empty")
}

/// A discoverable credential: its id and its largeBlobKey. CTAP 2.3 §12.3.
fn credential_with_blob_key<T: CtapTransport>(
    session: &mut Sitting<'_, T>,
) -> Result<(Vec<u8>, [u8; 32]), Problem> {
    let es256 = algorithms(Algorithm::Es256);
    let inputs = MakeCredentialInputs {
        large_blob_key: Some(true),
        ..MakeCredentialInputs::default()
    };
    let permissions = Permissions::MAKE_CREDENTIAL | Permissions::GET_ASSERTION;
    let making = token(session, permissions)?;
    let request = request(RP_ID, "alice", &es256);
    let made = session.make_credential_with(&request, &inputs, None, Some(making))?;
    let key = made.response.large_blob_key.map(|key| *key.0);
    let key = key.ok_or_else(|| Problem::Fails("the credential has no largeBlobKey".to_owned()))?;
    Ok((credential_id(made.response.auth_data)?, key))
}

fn credential_id(auth_data: &[u8]) -> Result<Vec<u8>, Problem> {
    let data = AuthenticatorData::parse(auth_data);
    let data = data.map_err(|error| Problem::Fails(error.to_string()))?;
    let attested = data
        .attested_credential
        .map(|one| one.credential_id.to_vec());
    attested.ok_or_else(|| Problem::Fails("the credential has no id".to_owned()))
}

fn store<T: CtapTransport>(
    session: &mut Sitting<'_, T>,
    key: [u8; 32],
    deflated: &[u8],
) -> Outcome {
    let writing = token(session, Permissions::LARGE_BLOB_WRITE)?;
    let blob = LargeBlob {
        deflated,
        orig_size: 9_000,
    };
    let mut room = [0; 6_144];
    Ok(session.store_large_blob(Some(&writing), LargeBlobKey(&key), blob, &mut room)?)
}

fn stored<T: CtapTransport>(
    session: &mut Sitting<'_, T>,
    key: [u8; 32],
) -> Result<Option<Vec<u8>>, Problem> {
    let mut room = [0; 6_144];
    let blob = session.large_blob(LargeBlobKey(&key), &mut room)?;
    Ok(blob.map(|blob| blob.deflated.to_vec()))
}

fn expect_strangers<T: CtapTransport>(session: &mut Sitting<'_, T>) -> Outcome {
    let kept = stored(session, STRANGER)?;
    expect(
        kept.as_deref() == Some(STRANGERS),
        "somebody else's blob is not kept",
    )
}

/// Where the key keeps each blob itself. CTAP 2.3 §12.4.
fn keep_blob_with_credential<T: CtapTransport>(session: &mut Sitting<'_, T>) -> Outcome {
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
    let id = credential_id(made.response.auth_data)?;
    let named = [PublicKeyCredentialDescriptor::new(&id)];
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
    Ok(session.delete_credential(&managing, &id)?)
}
