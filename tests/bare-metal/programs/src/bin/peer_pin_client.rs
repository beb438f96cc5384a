//! What `pin_client` computes, written straight on RustCrypto: the least that it can take.

#![no_std]
#![no_main]

use core::hint::black_box;

use aes::Aes256;
use cbc::cipher::{BlockDecryptMut, BlockEncryptMut, KeyIvInit};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use keysteward_bare_metal::pin::{ANSWER, HASH, PIN, TOKEN_X, TOKEN_Y};
use keysteward_bare_metal::{Seeded, begin, done, entry, fail, measure};
use p256::ecdh::EphemeralSecret;
use p256::elliptic_curve::sec1::{FromEncodedPoint, ToEncodedPoint};
use p256::{EncodedPoint, PublicKey};
use rand_core::RngCore;
use sha2::{Digest, Sha256};

#[entry]
fn main() -> ! {
    begin();
    if measure("pin-protocol", authenticate).is_none() {
        fail("the PIN protocol");
    }
    done()
}

#[inline(never)]
fn authenticate() -> Option<()> {
    let mut random = Seeded::new();
    let (x, y) = (black_box(&TOKEN_X), black_box(&TOKEN_Y));
    let peer = EncodedPoint::from_affine_coordinates(x.into(), y.into(), false);
    let peer = Option::<PublicKey>::from(PublicKey::from_encoded_point(&peer))?;
    let key = EphemeralSecret::random(&mut random);
    let platform = key.public_key().to_encoded_point(false);
    let shared = key.diffie_hellman(&peer);

    let keys = Hkdf::<Sha256>::new(Some(&[0; 32]), shared.raw_secret_bytes());
    let (mut hmac_key, mut aes_key) = ([0; 32], [0; 32]);
    keys.expand(b"CTAP2 HMAC key", &mut hmac_key).ok()?;
    keys.expand(b"CTAP2 AES key", &mut aes_key).ok()?;
    black_box(&hmac_key);

    let digest = Sha256::digest(black_box(PIN).as_bytes());
    let mut pin_hash_enc = [0; 32];
    let (iv, block) = pin_hash_enc.split_first_chunk_mut::<16>()?;
    random.fill_bytes(iv);
    block.copy_from_slice(digest.get(..16)?);
    let block = <&mut [u8; 16]>::try_from(block).ok()?;
    cbc::Encryptor::<Aes256>::new(&aes_key.into(), (&*iv).into()).encrypt_block_mut(block.into());

    let (iv, blocks) = black_box(ANSWER).split_first_chunk::<16>()?;
    let mut token = <[u8; 32]>::try_from(blocks).ok()?;
    let mut cipher = cbc::Decryptor::<Aes256>::new(&aes_key.into(), iv.into());
    for block in token.as_chunks_mut::<16>().0 {
        cipher.decrypt_block_mut(block.into());
    }

    let mut mac = Hmac::<Sha256>::new_from_slice(&token).ok()?;
    mac.update(black_box(&HASH));
    let param = mac.finalize().into_bytes();
    black_box((&platform, &pin_hash_enc, &param));
    Some(())
}
