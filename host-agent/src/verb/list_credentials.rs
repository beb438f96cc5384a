//! The discoverable credentials of a token. CTAP 2.3 §6.8.

use std::ops::ControlFlow;

use keysteward_core::{
    cbor::{BufferFull, Encode, Writer},
    ctap2::{Command, client_pin::Permissions},
    pin_protocol::{PersistentToken, PinUvAuthToken},
    session::{self, CredentialsMetadata},
};
use sha2::{Digest as _, Sha256};

use super::{
    Answer, Code, Credential, Failure, conduct::TokenSession, trouble::SessionError,
    verification::Verifier,
};
use crate::settings::Policy;

/// Room for a COSE_Key; the longest of today are ML-DSA-87's 2,592 bytes.
const KEY_ROOM: usize = 3072;

/// Bytes of credentials that are kept of one list: several times what tokens have memory for, and
/// less than a caller takes in one message.
const MOST_KEPT: usize = 2 << 20;

/// Bytes of a domain name, which an RP ID is. RFC 1035 §2.3.4.
const LONGEST_DOMAIN: usize = 253;

/// What lets the token show its list: the persistent token first, the user where that is void.
pub(super) struct Proof<'p> {
    pub(super) verifier: Option<Verifier<'p>>,
    pub(super) persistent_token: Option<&'p PersistentToken>,
}

pub(super) fn run(
    session: &mut TokenSession<'_, '_>,
    policy: &Policy,
    proof: &Proof<'_>,
    rp_id: Option<&str>,
) -> Result<Answer, Failure> {
    let List {
        credentials,
        metadata,
    } = session.read_credentials(
        proof.persistent_token,
        |session| match &proof.verifier {
            Some(verifier) => verifier.token(session, Permissions::CREDENTIAL_MANAGEMENT, None),
            None => Err(session::Error::PinRequired),
        },
        // One token for the whole list: a new one in between would end it.
        |session, token| list(session, policy, token, rp_id),
    )?;
    Ok(Answer::Listed {
        credentials: credentials.into_iter().collect::<Result<_, _>>()?,
        existing: metadata.existing,
        max_remaining: metadata.max_remaining,
    })
}

struct List {
    credentials: Vec<Result<Credential, Failure>>,
    metadata: CredentialsMetadata,
}

fn list(
    session: &mut TokenSession<'_, '_>,
    policy: &Policy,
    token: &PinUvAuthToken,
    rp_id: Option<&str>,
) -> Result<List, SessionError> {
    let metadata = session.credentials_metadata(token)?;
    let mut credentials = Vec::new();
    let mut kept = 0;
    for party in parties(session, policy, token, rp_id.unwrap_or_default())? {
        session.credentials(token, &party.rp_id_hash, &mut |found| {
            let credential = credential(&party, &found);
            kept += credential.as_ref().map_or(0, Credential::size);
            credentials.push(credential);
            if kept > MOST_KEPT {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
        if kept > MOST_KEPT {
            return Err(session::Error::ListTooLong {
                command: Command::CredentialManagement,
                announced: metadata.existing,
            });
        }
    }
    Ok(List {
        credentials,
        metadata,
    })
}

/// A relying party with credentials on the token.
pub(super) struct Party {
    /// Empty where the token told its hash alone.
    pub(super) rp_id: String,
    pub(super) rp_id_hash: [u8; 32],
}

/// The relying parties that this host lets be seen: the one of `rp_id`, or all when it is empty.
pub(super) fn parties(
    session: &mut TokenSession<'_, '_>,
    policy: &Policy,
    token: &PinUvAuthToken,
    rp_id: &str,
) -> Result<Vec<Party>, SessionError> {
    let mut parties = Vec::new();
    match rp_id {
        "" => session.relying_parties(token, &mut |party| {
            let is_domain = party.rp.id.len() <= LONGEST_DOMAIN;
            parties.push(Party {
                rp_id: if is_domain { party.rp.id } else { "" }.to_owned(),
                rp_id_hash: party.rp_id_hash,
            });
            ControlFlow::Continue(())
        })?,
        rp_id => parties.push(Party {
            rp_id_hash: hash(rp_id),
            rp_id: rp_id.to_owned(),
        }),
    }
    for party in &mut parties {
        // Tokens may cut an id off; its hash tells.
        if hash(&party.rp_id) != party.rp_id_hash {
            party.rp_id.clear();
        }
    }
    parties.retain(|party| policy.check_rp_id(&party.rp_id).is_ok());
    Ok(parties)
}

pub(super) fn hash(rp_id: &str) -> [u8; 32] {
    Sha256::digest(rp_id).into()
}

fn credential(party: &Party, found: &session::Credential<'_>) -> Result<Credential, Failure> {
    Ok(Credential {
        rp_id: party.rp_id.clone(),
        rp_id_hash: party.rp_id_hash.to_vec(),
        credential_id: found.id.id.to_vec(),
        user_id: found.user.id.to_vec(),
        user_name: found.user.name.unwrap_or_default().to_owned(),
        user_display_name: found.user.display_name.unwrap_or_default().to_owned(),
        public_key: match &found.public_key {
            Some(key) => encoded(key, KEY_ROOM).map_err(|_| too_large("public key"))?,
            None => Vec::new(),
        },
        cred_protect: found.cred_protect.map_or(0, u32::from),
        large_blob_key: found.large_blob_key.is_some(),
        third_party_payment: found.third_party_payment,
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
