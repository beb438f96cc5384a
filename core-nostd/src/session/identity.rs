//! What a persistent token is good for: to know a token again, and to know
//! whether its list of credentials is the one that is known already, without a
//! PIN and without a touch. CTAP 2.3 §6.4, §6.8.

use super::{CtapTransport, Error, Session};
use crate::crypto::Crypto;
use crate::ctap2::Command;
use crate::ctap2::get_info::Response;
use crate::pin_protocol::{EncryptedMember, PersistentToken, PinUvAuthToken, SEALED_MEMBER};

/// What a token tells the holder of its persistent token, and nobody else.
///
/// Under a persistent token of another device, or one that is void, other
/// values come out: only a match with remembered ones says something.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Identity {
    /// encIdentifier: stays until the token is reset; `None` before CTAP 2.2.
    pub device: Option<[u8; 16]>,
    /// encCredStoreState: stays until a discoverable credential is made,
    /// changed or deleted; `None` before CTAP 2.3.
    pub cred_store_state: Option<[u8; 16]>,
}

impl Identity {
    /// Whether this is the device that `known` was read from, not reset since.
    #[must_use]
    pub fn is_device_of(&self, known: &Self) -> bool {
        self.device.is_some() && self.device == known.device
    }

    /// Whether the credentials are those that were there when `known` was read:
    /// a list of that time still holds.
    #[must_use]
    pub fn has_credentials_of(&self, known: &Self) -> bool {
        self.cred_store_state.is_some() && self.cred_store_state == known.cred_store_state
    }
}

impl<T: CtapTransport, C: Crypto> Session<'_, T, C> {
    /// Reads who the token is, with its persistent token.
    pub fn identity(&mut self, token: &PersistentToken) -> Result<Identity, Error<T::Error>> {
        let (device, state) = {
            let answer = self.exchange(Command::GetInfo, None)?;
            let info: Response<'_> = self.read(answer)?;
            (
                sealed(info.enc_identifier),
                sealed(info.enc_cred_store_state),
            )
        };
        let mut open = |member, sealed: Option<[u8; SEALED_MEMBER]>| {
            sealed
                .map(|sealed| token.open(self.crypto, member, &sealed))
                .transpose()
                .map_err(|_| Error::Crypto)
        };
        Ok(Identity {
            device: open(EncryptedMember::Identifier, device)?,
            cred_store_state: open(EncryptedMember::CredStoreState, state)?,
        })
    }

    /// Reads credentials with the persistent token, where there is one that
    /// still works; otherwise with the pinUvAuthToken that `ordinary` gets,
    /// which is when to ask for a PIN.
    ///
    /// `read` counts or lists credentials, and may run a second time from its
    /// beginning.
    pub fn read_credentials<R>(
        &mut self,
        persistent: Option<&PersistentToken>,
        ordinary: impl FnOnce(&mut Self) -> Result<PinUvAuthToken, Error<T::Error>>,
        mut read: impl FnMut(&mut Self, &PinUvAuthToken) -> Result<R, Error<T::Error>>,
    ) -> Result<R, Error<T::Error>> {
        if let Some(persistent) = persistent {
            match read(self, persistent.read_only()) {
                // Void since the PIN was changed or the token reset. A wrong
                // MAC costs no try of the PIN.
                Err(Error::TokenRejected { .. } | Error::PinRequired) => {}
                outcome => return outcome,
            }
        }
        let token = ordinary(self)?;
        read(self, &token)
    }
}

/// One of another length is as good as none.
fn sealed(member: Option<&[u8]>) -> Option<[u8; SEALED_MEMBER]> {
    member?.try_into().ok()
}
