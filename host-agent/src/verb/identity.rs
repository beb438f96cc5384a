//! Who a token is, and whether its credentials are those of before: what it tells the holder of a
//! persistent token. CTAP 2.3 §6.4, members 0x19 and 0x1E.

use keysteward_core::pin_protocol::PersistentToken;

use super::{Answer, Code, Failure, conduct::TokenSession};

pub(super) fn read(
    session: &mut TokenSession<'_, '_>,
    token: &PersistentToken,
) -> Result<Answer, Failure> {
    let identity = session.identity(token)?;
    if identity.device.is_none() && identity.cred_store_state.is_none() {
        return Err(Failure::new(
            Code::NotSupported,
            "the token tells nobody who it is (encIdentifier); know it by its serial number, or \
             by the credentials on it",
        ));
    }
    let bytes = |member: Option<[u8; 16]>| member.map(Vec::from).unwrap_or_default();
    Ok(Answer::Identity {
        device: bytes(identity.device),
        cred_store_state: bytes(identity.cred_store_state),
    })
}
