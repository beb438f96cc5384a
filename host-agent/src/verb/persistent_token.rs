//! A token for reading credentials without a PIN. CTAP 2.3 §6.5.5.7, permission `pcmr`.

use keysteward_core::pin_protocol::Pin;
use zeroize::Zeroizing;

use super::{Failure, conduct::TokenSession};

/// The secret goes to the caller, and nowhere else.
pub(super) fn grant(
    session: &mut TokenSession<'_, '_>,
    pin: &Pin,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let token = session.persistent_token(pin)?;
    Ok(Zeroizing::new(token.to_bytes().0.to_vec()))
}
