//! The persistent pinUvAuthToken (`pcmr`), and the members of getInfo that only
//! its holder can read. CTAP 2.3 §6.4, §6.5.5.7.

use super::{PinProtocol, PinUvAuthToken};
use crate::crypto::{Crypto, Error, Secret};

/// A pinUvAuthToken that outlives power cycles. It reads the list of
/// credentials without a PIN, and it tells its key again among others, until
/// the PIN is changed or the key is reset.
///
/// Whoever holds its bytes can do the same: they leave this type by
/// [`to_bytes`](Self::to_bytes) alone, wiped when dropped.
#[expect(missing_debug_implementations, reason = "a secret")]
pub struct PersistentToken(PinUvAuthToken);

impl PersistentToken {
    /// Takes a token that was got with the permission `pcmr` alone. Short ones,
    /// of CTAP 2.0, are none.
    #[must_use]
    pub fn new(token: PinUvAuthToken) -> Option<Self> {
        token.full().is_some().then_some(Self(token))
    }

    /// For storage under the owner's own protection.
    #[must_use]
    pub fn to_bytes(&self) -> Secret<PERSISTENT_TOKEN> {
        let mut bytes = Secret([0; PERSISTENT_TOKEN]);
        let [protocol, key @ ..] = &mut bytes.0;
        *protocol = self.0.protocol().id();
        key.copy_from_slice(self.key());
        bytes
    }

    /// Takes bytes that [`to_bytes`](Self::to_bytes) gave.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; PERSISTENT_TOKEN]) -> Option<Self> {
        let [protocol, key @ ..] = bytes;
        let protocol = PinProtocol::from_id((*protocol).into())?;
        Some(Self(PinUvAuthToken::restore(protocol, Secret(*key))))
    }

    /// The token, to read with: it changes nothing on the key.
    #[must_use]
    pub const fn read_only(&self) -> &PinUvAuthToken {
        &self.0
    }

    /// Opens a member of getInfo. Under another key's token, or one that is
    /// void, 16 other bytes come out: a match with what is known is the proof.
    pub fn open(
        &self,
        crypto: &mut impl Crypto,
        member: EncryptedMember,
        sealed: &[u8],
    ) -> Result<[u8; 16], Error> {
        let sealed: &[u8; SEALED_MEMBER] = sealed.try_into().map_err(|_| Error)?;
        let ([iv, block], []) = sealed.as_chunks::<16>() else {
            return Err(Error);
        };
        let mut block = *block;
        let key = self.member_key(crypto, member)?;
        crypto.aes128_decrypt_block(&key.0, &mut block);
        mix(&mut block, iv);
        Ok(block)
    }

    /// The token's half of [`open`](Self::open), with a fresh IV.
    pub fn seal(
        &self,
        crypto: &mut impl Crypto,
        member: EncryptedMember,
        plaintext: &[u8; 16],
    ) -> Result<[u8; SEALED_MEMBER], Error> {
        let mut sealed = [0; SEALED_MEMBER];
        let ([iv, block], []) = sealed.as_chunks_mut::<16>() else {
            return Err(Error);
        };
        crypto.random(iv)?;
        *block = *plaintext;
        mix(block, iv);
        let key = self.member_key(crypto, member)?;
        crypto.aes128_encrypt_block(&key.0, block);
        Ok(sealed)
    }

    fn member_key(
        &self,
        crypto: &mut impl Crypto,
        member: EncryptedMember,
    ) -> Result<Secret<16>, Error> {
        let mut key = Secret([0; 16]);
        let info = member.name().as_bytes();
        crypto.hkdf_sha256(&[0; 32], self.key(), info, &mut key.0)?;
        Ok(key)
    }

    fn key(&self) -> &[u8; 32] {
        // `new` and `restore` let no short one in.
        self.0.full().unwrap_or(&[0; 32])
    }
}

/// Which member of getInfo is encrypted to the persistent token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EncryptedMember {
    /// 0x19 encIdentifier: tells the device, until the next reset
    Identifier,
    /// 0x1E encCredStoreState: changes with every discoverable credential
    CredStoreState,
}

impl EncryptedMember {
    const fn name(self) -> &'static str {
        match self {
            Self::Identifier => "encIdentifier",
            Self::CredStoreState => "encCredStoreState",
        }
    }
}

/// One block of CBC.
fn mix(block: &mut [u8; 16], iv: &[u8; 16]) {
    for (byte, iv) in block.iter_mut().zip(iv) {
        *byte ^= iv;
    }
}

/// A protocol's number and 32 bytes.
pub const PERSISTENT_TOKEN: usize = 33;

/// An IV and a block.
pub const SEALED_MEMBER: usize = 32;
