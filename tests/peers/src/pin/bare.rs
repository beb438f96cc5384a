//! The RustCrypto crates called directly, in a straight line: what ours would cost without its
//! types. The curve in two versions; all else is the same.

use std::hint::black_box;

use aes::Aes256;
use anyhow::{Context, Result};
use cbc::cipher::{BlockDecryptMut, BlockEncryptMut, KeyIvInit};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use rand_core::{OsRng, RngCore};
use sha2::{Digest, Sha256};

use super::{Exchanged, Given};

pub(super) fn with_0_13(given: &Given) -> Result<Exchanged> {
    use p256_13::elliptic_curve::sec1::ToEncodedPoint;
    let given = black_box(given);
    let own = p256_13::SecretKey::random(&mut OsRng);
    let peer = p256_13::PublicKey::from_sec1_bytes(&given.point)?;
    let shared = p256_13::ecdh::diffie_hellman(own.to_nonzero_scalar(), peer.as_affine());
    let point = own.public_key().to_encoded_point(false);
    after_agreement(given, point.as_bytes(), shared.raw_secret_bytes())
}

pub(super) fn with_0_14(given: &Given) -> Result<Exchanged> {
    use p256_14::elliptic_curve::Generate;
    use p256_14::elliptic_curve::sec1::ToSec1Point;
    let given = black_box(given);
    let own = p256_14::SecretKey::try_generate()?;
    let peer = p256_14::PublicKey::from_sec1_bytes(&given.point)?;
    let shared = p256_14::ecdh::diffie_hellman(own.to_nonzero_scalar(), peer.as_affine());
    let point = own.public_key().to_sec1_point(false);
    after_agreement(given, point.as_bytes(), shared.raw_secret_bytes())
}

fn after_agreement(given: &Given, point: &[u8], z: &[u8]) -> Result<Exchanged> {
    let mut exchanged = Exchanged {
        point: point.try_into()?,
        pin_hash_enc: [0; 32],
        mac: [0; 32],
    };
    let (mut hmac_key, mut aes_key) = ([0; 32], [0; 32]);
    for (info, key) in [
        (&b"CTAP2 HMAC key"[..], &mut hmac_key),
        (b"CTAP2 AES key", &mut aes_key),
    ] {
        Hkdf::<Sha256>::new(Some(&[0; 32]), z)
            .expand(info, key)
            .ok()
            .context("HKDF")?;
    }
    black_box(&hmac_key);

    let digest = Sha256::digest(given.pin);
    let (iv, block) = exchanged.pin_hash_enc.split_at_mut(16);
    OsRng.fill_bytes(iv);
    block.copy_from_slice(&digest[..16]);
    cbc::Encryptor::<Aes256>::new_from_slices(&aes_key, iv)?.encrypt_block_mut(block.into());

    let (iv, rest) = given.token_enc.split_at(16);
    let mut token: [u8; 32] = rest.try_into()?;
    let mut decryptor = cbc::Decryptor::<Aes256>::new_from_slices(&aes_key, iv)?;
    for block in token.chunks_exact_mut(16) {
        decryptor.decrypt_block_mut(block.into());
    }
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&token)?;
    mac.update(&given.client_data_hash);
    exchanged.mac = mac.finalize().into_bytes().into();
    Ok(exchanged)
}
