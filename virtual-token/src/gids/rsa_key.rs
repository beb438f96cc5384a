//! RSA: keys, the raw operation, and the padding of PKCS #1 v1.5 where the card does it. RFC 8017.

use alloc::vec;
use alloc::vec::Vec;
use keysteward_core::gids::key_file::KeySize;
use keysteward_core::iso7816::Status;
use keysteward_core::iso7816::tlv::{Objects, Tag};
use rand_core::OsRng;
use rsa::hazmat::rsa_decrypt_and_check;
use rsa::pkcs1::{DecodeRsaPrivateKey, EncodeRsaPrivateKey};
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, RsaPrivateKey};
use zeroize::Zeroizing;

use super::broken;

/// A private key, wiped when dropped.
pub(super) struct RsaKey(RsaPrivateKey);

impl RsaKey {
    pub(super) fn generate(size: KeySize) -> Option<Zeroizing<Vec<u8>>> {
        let key = RsaPrivateKey::new(&mut OsRng, size.bits().into());
        Self(key.ok()?).to_der().ok()
    }

    /// RSAPrivateKey, as clients write it. Some take the zero away that keeps a number positive: its
    /// numbers are read as they mean them.
    pub(super) fn imported(der: &[u8]) -> Result<Self, Status> {
        let unreadable = |_| Status::IncorrectData;
        let sequence = Objects::new(der).find(Tag(0x30)).map_err(unreadable)?;
        let mut numbers = Vec::new();
        for object in Objects::new(sequence.ok_or(Status::IncorrectData)?.value) {
            let object = object.map_err(unreadable)?;
            if object.tag != Tag(0x02) {
                return Err(Status::IncorrectData);
            }
            numbers.push(BigUint::from_bytes_be(object.value));
        }
        // Version, n, e, d, p, q, and what follows from them.
        let Ok([_, n, e, d, p, q, _, _, _]) = <[BigUint; 9]>::try_from(numbers) else {
            return Err(Status::IncorrectData);
        };
        let key = RsaPrivateKey::from_components(n, e, d, vec![p, q]);
        Ok(Self(key.map_err(|_| Status::IncorrectData)?))
    }

    /// RSAPrivateKey, as it is kept.
    pub(super) fn of_der(der: &[u8]) -> Result<Self, Status> {
        let key = RsaPrivateKey::from_pkcs1_der(der).map_err(broken)?;
        Ok(Self(key))
    }

    pub(super) fn to_der(&self) -> Result<Zeroizing<Vec<u8>>, Status> {
        Ok(self.0.to_pkcs1_der().map_err(broken)?.to_bytes())
    }

    /// Bytes of the modulus.
    pub(super) fn bytes(&self) -> usize {
        self.0.size()
    }

    /// Modulus and public exponent, big-endian.
    pub(super) fn public(&self) -> (Vec<u8>, Vec<u8>) {
        (self.0.n().to_bytes_be(), self.0.e().to_bytes_be())
    }

    /// The raw operation on a block as long as the modulus.
    pub(super) fn private(&self, block: &[u8]) -> Result<Zeroizing<Vec<u8>>, Status> {
        if block.len() != self.bytes() {
            return Err(Status::WrongLength);
        }
        let number = BigUint::from_bytes_be(block);
        if &number >= self.0.n() {
            return Err(Status::IncorrectData);
        }
        let result = rsa_decrypt_and_check(&self.0, Some(&mut OsRng), &number).map_err(broken)?;
        let digits = Zeroizing::new(result.to_bytes_be());
        let mut block = Zeroizing::new(vec![0; self.bytes() - digits.len()]);
        block.extend_from_slice(&digits);
        Ok(block)
    }

    /// RSASSA-PKCS1-v1_5 of a DigestInfo.
    pub(super) fn sign(&self, digest_info: &[u8]) -> Result<Zeroizing<Vec<u8>>, Status> {
        let padding = self.bytes().checked_sub(digest_info.len() + FRAME);
        let padding = padding.filter(|padding| *padding >= MIN_PADDING);
        let padding = padding.ok_or(Status::WrongLength)?;
        let ones = vec![0xFF; padding];
        self.private(&[&[0, 1], &ones[..], &[0], digest_info].concat())
    }

    /// RSAES-PKCS1-v1_5. A wrong padding is told: this card is for tests.
    pub(super) fn decipher(&self, cryptogram: &[u8]) -> Result<Zeroizing<Vec<u8>>, Status> {
        let block = self.private(cryptogram)?;
        let [0, 2, ref rest @ ..] = block[..] else {
            return Err(Status::IncorrectData);
        };
        let zero = rest.iter().position(|byte| *byte == 0);
        let zero = zero.filter(|zero| *zero >= MIN_PADDING);
        let message = zero.and_then(|zero| rest.get(zero + 1..));
        Ok(Zeroizing::new(
            message.ok_or(Status::IncorrectData)?.to_vec(),
        ))
    }
}

/// Bytes around the padding.
const FRAME: usize = 3;
const MIN_PADDING: usize = 8;
