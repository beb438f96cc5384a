//! A token for reading credentials without a PIN. CTAP 2.3 §6.5.5.7, permission `pcmr`.

use zeroize::Zeroizing;

use super::{Failure, conduct::TokenSession, verification::Verifier};

/// The secret goes to the caller, and nowhere else.
pub(super) fn grant(
    session: &mut TokenSession<'_, '_>,
    verifier: &Verifier<'_>,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let token = verifier.persistent_token(session)?;
    Ok(Zeroizing::new(token.to_bytes().0.to_vec()))
}
