//! The discoverable credentials of a token. CTAP 2.3 §6.8.

use std::ops::ControlFlow;

use keysteward_core::{
    cbor::{BufferFull, Encode, Writer},
    ctap2::client_pin::Permissions,
    pin_protocol::Pin,
    session,
};
use sha2::{Digest as _, Sha256};

use super::{Answer, Code, Credential, Failure, conduct::TokenSession};
use crate::settings::Policy;

/// Room for a COSE_Key; the longest of today are ML-DSA-87's 2,592 bytes.
const KEY_ROOM: usize = 3072;

pub(super) fn run(
    session: &mut TokenSession<'_, '_>,
    policy: &Policy,
    pin: &Pin,
    rp_id: Option<&str>,
) -> Result<Answer, Failure> {
    // One token for the whole list: a new one in between would end it.
    let token = session.token(pin, Permissions::CREDENTIAL_MANAGEMENT, None)?;
    let metadata = session.credentials_metadata(&token)?;
    let mut parties = Vec::new();
    match rp_id {
        Some(rp_id) => parties.push((rp_id.to_owned(), hash(rp_id))),
        None => session.relying_parties(&token, &mut |party| {
            parties.push((party.rp.id.to_owned(), party.rp_id_hash));
            ControlFlow::Continue(())
        })?,
    }
    // Tokens may cut an id off; its hash tells.
    for (id, id_hash) in &mut parties {
        if hash(id) != *id_hash {
            id.clear();
        }
    }
    parties.retain(|(id, _)| policy.check_rp_id(id).is_ok());
    let mut credentials = Vec::new();
    for (rp_id, rp_id_hash) in &parties {
        session.credentials(&token, rp_id_hash, &mut |found| {
            credentials.push(credential(rp_id, rp_id_hash, &found));
            ControlFlow::Continue(())
        })?;
    }
    let credentials = credentials.into_iter().collect::<Result<_, _>>()?;
    Ok(Answer::Listed {
        credentials,
        existing: metadata.existing,
        max_remaining: metadata.max_remaining,
    })
}

fn hash(rp_id: &str) -> [u8; 32] {
    Sha256::digest(rp_id).into()
}

fn credential(
    rp_id: &str,
    rp_id_hash: &[u8; 32],
    found: &session::Credential<'_>,
) -> Result<Credential, Failure> {
    Ok(Credential {
        rp_id: rp_id.to_owned(),
        rp_id_hash: rp_id_hash.to_vec(),
        credential_id: found.id.id.to_vec(),
        user_id: found.user.id.to_vec(),
        user_name: found.user.name.unwrap_or_default().to_owned(),
        user_display_name: found.user.display_name.unwrap_or_default().to_owned(),
        public_key: match &found.public_key {
            Some(key) => encoded(key, KEY_ROOM).map_err(|_| too_large("public key"))?,
            None => Vec::new(),
        },
        cred_protect: found.cred_protect.map_or(0, u32::from),
    })
}

/// The canonical CBOR of `value`, of which `room` bytes are more than enough.
pub(super) fn encoded(value: &dyn Encode, room: usize) -> Result<Vec<u8>, BufferFull> {
    let mut buffer = vec![0; room];
    let mut writer = Writer::new(&mut buffer);
    value.encode(&mut writer)?;
    let len = writer.written().len();
    buffer.truncate(len);
    Ok(buffer)
}

pub(super) fn too_large(what: &str) -> Failure {
    Failure::new(
        Code::TokenMalformed,
        format!("the {what} from the token is larger than any standard has it"),
    )
}
