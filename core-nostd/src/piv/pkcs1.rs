//! Blocks for RSA keys, which sign what they are given: the padding is the host's. RFC 8017 §9.2.
//!
//! ```
//! use keysteward_core::piv::pkcs1::{Digest, pad};
//!
//! let mut block = [0; 256];
//! pad(Digest::Sha256, &[0xAB; 32], &mut block).unwrap();
//! assert!(block.starts_with(b"\x00\x01\xFF\xFF"));
//! assert!(block.ends_with(&[0xAB; 32]));
//! ```

/// What the message was hashed with.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Digest {
    /// 32 bytes.
    Sha256,
    /// 48 bytes.
    Sha384,
    /// 64 bytes.
    Sha512,
}

#[expect(clippy::len_without_is_empty, reason = "a digest never is")]
impl Digest {
    /// Bytes of the digest.
    #[must_use]
    pub const fn len(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// DigestInfo up to the digest itself.
    const fn prefix(self) -> [u8; 19] {
        let (all, id, len) = match self {
            Self::Sha256 => (0x31, 0x01, 0x20),
            Self::Sha384 => (0x41, 0x02, 0x30),
            Self::Sha512 => (0x51, 0x03, 0x40),
        };
        [
            0x30, all, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, id,
            0x05, 0x00, 0x04, len,
        ]
    }
}

/// EMSA-PKCS1-v1_5: fills `block`, which is as long as the modulus. `None` where the digest has
/// another length, or the block is too short for it.
pub fn pad(hash: Digest, digest: &[u8], block: &mut [u8]) -> Option<()> {
    let prefix = hash.prefix();
    let info = prefix.len().checked_add(digest.len())?;
    let padding = block.len().checked_sub(info)?.checked_sub(FRAME)?;
    if digest.len() != hash.len() || padding < MIN_PADDING {
        return None;
    }
    let ones = core::iter::repeat_n(&0xFF, padding);
    let content = [0x00, 0x01]
        .iter()
        .chain(ones)
        .chain(&[0x00])
        .chain(&prefix)
        .chain(digest);
    for (to, from) in block.iter_mut().zip(content) {
        *to = *from;
    }
    Some(())
}

/// Bytes around the padding.
const FRAME: usize = 3;
const MIN_PADDING: usize = 8;
